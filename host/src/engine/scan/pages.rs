//! The pages of a scan: fetched and shaped side by side, stored one by one.
//!
//! A page goes through three steps: it is fetched, shaped, and stored. As soon as it has come it is known which pages follow,
//! and they are fetched while it is shaped and stored; where a page names several, they are fetched at the same time. Fetched
//! at a time are at most as many as the connection lets through, and one more is held at most, so that what is kept in memory
//! does not depend on the size of a scan.
//!
//! A page is stored only when a stored page has named it. So the journal never has a page that it would not know of after a
//! crash, and what it has is the same as if pages had been read one after the other.
//!
//! Each page is fetched, shaped and stored by one snapshot. Where another one serves by the time it would be stored, everything in flight
//! is dropped and fetched again: reading changes nothing at the vendor.

use std::sync::Arc;

use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;

use super::endless::{self, Seen};
use super::{FIRST_PAGE, ScanReport, Window, fetch, in_step};
use crate::dialect::Row;
use crate::engine::shape::{self, Shaped};
use crate::engine::snapshot::Scheme;
use crate::engine::standstill::{Obstacle, Work};
use crate::engine::{Engine, EngineError, settle, take_over};
use crate::journal::{OnChange, PageRef, PageStored, PageToStore, Problem, Scan, ScanKind};

/// Reads what is open of a scan, until nothing is, or until it is given up. `scan` is how it stands, also after an error.
pub(super) async fn read_all(
    engine: &Engine,
    scan: &mut Scan,
    report: &mut ScanReport,
    stem: &str,
    until: Option<Instant>,
) -> Result<(), EngineError> {
    let mut flight = Flight::default();
    let mut failed: Option<EngineError> = None;
    loop {
        while failed.is_none()
            && let Some(page) = flight.next_to_fetch(scan)
        {
            if engine.is_stopping() {
                failed = Some(EngineError::Stopping);
                break;
            }
            let (engine, scheme) = match in_step(engine, stem).await {
                Ok(in_step) => in_step,
                Err(error) => {
                    // A page that is being stored is stored first.
                    flight.stop_fetching();
                    failed = Some(error);
                    break;
                }
            };
            if let Some(unavailable) = scheme.source.connection.unavailable() {
                // What has come is shaped and stored meanwhile.
                if !flight.pages.is_empty() {
                    break;
                }
                let (reason, lasts) = (unavailable.to_string(), Some(unavailable.lasts));
                engine.standstills.stands(stem, Work::Scan, Obstacle::Unavailable, reason, lasts);
                engine.wait_out(unavailable, until).await?;
                engine.standstills.is_over(stem, Work::Scan);
                continue;
            }
            if !flight.has_room(scheme.source.connection.settings().concurrency.get()) {
                break;
            }
            let source_digest = scheme.source_digest();
            if scan.source_digest == source_digest {
                flight.fetch(Fetching { engine, scheme, page }, Window::of(scan), until);
                continue;
            }
            if flight.is_storing() {
                break;
            }
            // Its cursors mean nothing to another source; what it stored stays, and is skipped where it comes again.
            tracing::info!(scheme = stem, scan = scan.id, "the source was changed: the scan begins again");
            flight = Flight::default();
            *scan = engine.journal.restart_scan(stem, scan.id, FIRST_PAGE, source_digest).await?;
        }
        flight.store_next(scan);
        match flight.step().await {
            None => return failed.map_or(Ok(()), Err),
            Some(Ok(Went::Stored(stored))) => {
                let Some(stored) = stored? else {
                    flight = Flight::default();
                    continue;
                };
                engine.progress.page_stored(stored.rows, stored.new);
                report.pages += 1;
                report.rows += stored.rows;
                *scan = engine
                    .journal
                    .scheme(stem)
                    .await?
                    .scan
                    .ok_or_else(|| EngineError::Scheme("the scan was ended by somebody else".to_owned()))?;
            }
            // A vendor that is down is waited for, and the page fetched anew.
            Some(Ok(Went::On) | Err(EngineError::Unavailable(_))) => {}
            Some(Err(error)) => {
                // What has come is shaped and stored all the same. What is still asked for is left, unless the host is to
                // stop: then what is under way is finished.
                if !matches!(error, EngineError::Stopping) {
                    flight.stop_fetching();
                }
                failed.get_or_insert(error);
            }
        }
    }
}

/// The pages of a scan that are being fetched or shaped, or are to be stored.
#[derive(Default)]
struct Flight {
    pages: Vec<InFlight>,
    steps: JoinSet<(u32, Result<Step, EngineError>)>,
}

/// One of them.
struct InFlight {
    page: PageRef,
    stage: Stage,
    /// What it names to be fetched after it, once that is known.
    names: Vec<PageRef>,
}

enum Stage {
    Fetching(AbortHandle),
    Shaping,
    Shaped(Box<ShapedPage>),
    /// One at a time.
    Storing,
}

/// A page and what it is fetched, shaped and stored by.
struct Fetching {
    engine: Engine,
    scheme: Arc<Scheme>,
    page: PageRef,
}

/// A page that can be stored.
struct ShapedPage {
    by: Fetching,
    names: Vec<PageRef>,
    seen: Seen,
    shaped: Shaped,
}

/// What became of a page.
enum Step {
    Fetched { by: Fetching, rows: Vec<Row>, names: Vec<PageRef>, seen: Seen },
    Shaped(Box<ShapedPage>),
    Stored(Stored),
}

/// `Ok(None)`: something else serves the scheme since the page was shaped, and it has to be fetched again.
type Stored = Result<Option<PageStored>, EngineError>;

/// How far a page went.
enum Went {
    On,
    Stored(Stored),
}

impl Flight {
    /// The next page that may be fetched: one that a stored page named, or one in flight.
    fn next_to_fetch(&self, scan: &Scan) -> Option<PageRef> {
        let announced = self.pages.iter().flat_map(|page| &page.names);
        let announced = announced.filter(|page| !scan.known_pages.contains(page.index));
        let mut pages = scan.open_pages.iter().chain(announced);
        pages.find(|page| !self.pages.iter().any(|known| known.page.index == page.index)).cloned()
    }

    fn has_room(&self, side_by_side: usize) -> bool {
        let fetching = self.pages.iter().filter(|page| matches!(page.stage, Stage::Fetching(_))).count();
        fetching < side_by_side && self.pages.len() <= side_by_side
    }

    fn fetch(&mut self, by: Fetching, window: Window, until: Option<Instant>) {
        let page = by.page.clone();
        let index = page.index;
        let fetching = self.steps.spawn(async move {
            let fetched = fetch(&by.engine, &by.scheme, window, &by.page, until).await;
            let step = fetched.map(|fetched| {
                let seen = Seen::of(&by.page, &fetched);
                Step::Fetched { by, rows: fetched.rows, names: fetched.next, seen }
            });
            (index, step)
        });
        self.pages.push(InFlight { page, stage: Stage::Fetching(fetching), names: Vec::new() });
    }

    /// Waits until a page has gone one step further. `None`: nothing is under way.
    async fn step(&mut self) -> Option<Result<Went, EngineError>> {
        let (index, step) = match self.steps.join_next().await? {
            Ok(done) => done,
            Err(stopped) => return Some(of_broken(stopped)),
        };
        let Some(page) = self.pages.iter_mut().find(|page| page.page.index == index) else {
            return Some(Ok(Went::On));
        };
        match step {
            Ok(Step::Fetched { by, rows, names, seen }) => {
                page.names.clone_from(&names);
                page.stage = Stage::Shaping;
                self.steps.spawn(async move {
                    let shaped = shape::rows(&by.engine, &by.scheme, rows).await;
                    (index, shaped.map(|shaped| Step::Shaped(Box::new(ShapedPage { by, names, seen, shaped }))))
                });
                Some(Ok(Went::On))
            }
            Ok(Step::Shaped(shaped)) => {
                page.stage = Stage::Shaped(shaped);
                Some(Ok(Went::On))
            }
            Ok(Step::Stored(stored)) => {
                self.pages.retain(|page| page.page.index != index);
                Some(Ok(Went::Stored(stored)))
            }
            Err(error) => {
                self.pages.retain(|page| page.page.index != index);
                Some(Err(error))
            }
        }
    }

    /// Leaves the pages that have not come yet.
    fn stop_fetching(&mut self) {
        self.pages.retain(|page| match &page.stage {
            Stage::Fetching(fetching) => {
                fetching.abort();
                false
            }
            Stage::Shaping | Stage::Shaped(_) | Stage::Storing => true,
        });
    }

    fn is_storing(&self) -> bool {
        self.pages.iter().any(|page| matches!(page.stage, Stage::Storing))
    }

    /// Begins to store a page that has been shaped and that the journal knows, exactly as it was fetched.
    fn store_next(&mut self, scan: &Scan) {
        if self.is_storing() {
            return;
        }
        let is_storable =
            |page: &&mut InFlight| matches!(page.stage, Stage::Shaped(_)) && scan.open_pages.contains(&page.page);
        let Some(page) = self.pages.iter_mut().find(is_storable) else { return };
        if let Stage::Shaped(shaped) = std::mem::replace(&mut page.stage, Stage::Storing) {
            let (index, scan) = (page.page.index, scan.clone());
            self.steps.spawn(async move { (index, Ok(Step::Stored(store(&scan, *shaped).await))) });
        }
    }
}

/// A task that was stopped on purpose is none; one that broke off breaks off this one.
fn of_broken(stopped: JoinError) -> Result<Went, EngineError> {
    match stopped.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Ok(Went::On),
    }
}

/// Stores a page.
async fn store(scan: &Scan, page: ShapedPage) -> Stored {
    let ShapedPage { by: Fetching { engine, scheme, page }, names, seen, shaped } = page;
    // Nobody groups rows anew meanwhile.
    let of_scheme = engine.in_step.of(&scheme.stem);
    let in_step = of_scheme.read().await;
    if !take_over::is_taken(&engine, &in_step) {
        return Ok(None);
    }
    let refused: Vec<(String, Problem)> =
        shaped.rows.iter().filter_map(|row| Some((row.bill.clone(), row.refused.clone()?))).collect();
    let (trail, given_up) = endless::look(&scheme, scan, &page, &names, &seen);
    let stored = engine
        .journal
        .store_page(PageToStore {
            scheme: scheme.stem.clone(),
            scan: scan.id,
            page,
            next: names,
            trail,
            give_up: given_up,
            rows: shaped.rows,
            left_out: shaped.left_out,
            on_change: if scheme.source.plan.id_check() { OnChange::Skip } else { OnChange::Redeliver },
            makes_bills: scheme.target.is_some(),
            merges: scheme.merges(),
            // A remedy's request may choose lines of bills that the scheme's own request returns whole.
            complete_bills: scheme.merges() && scheme.source.complete_bills && scan.kind != ScanKind::Remedy,
            indexes: scheme.indexes.clone(),
        })
        .await?;
    drop(in_step);
    // A page that brings nothing new says nothing new either.
    for (bill, problem) in refused.iter().filter(|_| stored.new > 0) {
        settle::announce(&engine, &scheme.stem, bill, problem);
    }
    Ok(Some(stored))
}

//! One pass of a source over a time window, page by page.
//!
//! A scan lives in the journal: each page is stored together with what it says of the pages after it, so that a scan that
//! a crash cut off goes on where it was. Only when every page is stored does the scheme's `last_sync` move on.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::shape::{self, Shaped};
use super::snapshot::Scheme;
use super::take_over::{self, Step};
use super::{Engine, EngineError, may_pass, retry, settle};
use crate::dialect::{MappingError, Variables};
use crate::journal::{NewScan, OnChange, PageRef, PageStored, PageToStore, Problem, Scan, ScanKind};
use crate::observe::clock;
use crate::plugin::Failure;
use crate::plugin::connector::{FetchedPage, SourceRequest};

/// Attempts at a page before the scan is left for the next time.
const ATTEMPTS: u32 = 8;

/// Why a scan is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// By the source's schedule, or a person: it moves `last_sync` on.
    Scheduled,
    /// By the schedule of `omissionRemedy`, with its request: for what a vendor committed late.
    Remedy,
}

/// What a scan did.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScanReport {
    /// Pages stored.
    pub pages: u32,
    /// Rows stored, skipped ones included.
    pub rows: u64,
    /// Bills made.
    pub bills: u64,
    /// It went on with a scan that was open, whose window ends in the past.
    pub resumed: bool,
}

/// Scans a scheme's source: goes on with the scan that is open, whatever it is, or begins one. Gives up at `until` at the latest where it
/// only waits for a vendor. Each page is fetched and shaped by what serves by then.
pub async fn scan(engine: &Engine, stem: &str, pass: Pass, until: Option<Instant>) -> Result<ScanReport, EngineError> {
    let mut report = ScanReport::default();
    let (engine, scheme) = in_step(engine, stem).await?;
    let mut scan = match engine.journal.scheme(stem).await?.scan {
        Some(open) => {
            report.resumed = true;
            tracing::info!(scheme = stem, scan = open.id, pages = open.pages_stored, "goes on with an open scan");
            open
        }
        None => begin(&engine, &scheme, pass).await?,
    };
    while let Some(page) = scan.open_pages.first().cloned() {
        if engine.is_stopping() {
            return Err(EngineError::Stopping);
        }
        let (engine, scheme) = in_step(&engine, stem).await?;
        if let Some(unavailable) = scheme.source.connection.unavailable() {
            engine.wait_out(unavailable, until).await?;
            continue;
        }
        let source_digest = scheme.source_digest();
        if scan.source_digest != source_digest {
            // Its cursors mean nothing to another source; what it stored stays, and is skipped where it comes again.
            tracing::info!(scheme = stem, scan = scan.id, "the source was changed: the scan begins again");
            scan = engine.journal.restart_scan(stem, scan.id, FIRST_PAGE, source_digest).await?;
            continue;
        }
        let fetched = async {
            let FetchedPage { rows, next, .. } = fetch(&engine, &scheme, &scan, &page, until).await?;
            Ok((next, shape::rows(&engine, &scheme, rows).await?))
        };
        let (next, shaped) = match fetched.await {
            // It is waited for, and the page fetched anew.
            Err(EngineError::Unavailable(_)) => continue,
            Err(error @ (EngineError::Failure(_) | EngineError::Scheme(_))) if scan.kind == ScanKind::Remedy => {
                // It would stand in the way of the scheduled scans, and moves nothing on.
                tracing::error!(
                    scheme = stem,
                    scan = scan.id,
                    "what was committed late is not fetched this time: {error}"
                );
                engine.journal.give_up_pages(stem, scan.id).await?;
                break;
            }
            fetched => fetched?,
        };
        if let Some(stored) = store(&engine, &scheme, &scan, page, next, shaped).await? {
            engine.progress.page_stored(stored.rows, stored.new);
            report.pages += 1;
            report.rows += stored.rows;
            scan = engine
                .journal
                .scheme(stem)
                .await?
                .scan
                .ok_or_else(|| EngineError::Scheme("the scan was ended by somebody else".to_owned()))?;
        }
    }
    // Nobody groups rows anew meanwhile.
    let of_scheme = engine.in_step.of(stem);
    let in_step = of_scheme.read().await;
    report.bills = engine.journal.finish_scan(stem, scan.id).await?;
    drop(in_step);
    tracing::info!(scheme = stem, scan = scan.id, rows = report.rows, bills = report.bills, "scan finished");
    Ok(report)
}

/// What serves now, and the scheme in step with it.
async fn in_step(engine: &Engine, stem: &str) -> Result<(Engine, Arc<Scheme>), EngineError> {
    loop {
        let (engine, scheme) = engine.refreshed_with(stem)?;
        engine.refuse_if_paused(stem).await?;
        match take_over::take_over(&engine, &scheme).await? {
            Step::Taken => return Ok((engine, scheme)),
            Step::Stale => {}
            Step::Regrouping => return Err(EngineError::Regrouping),
        }
    }
}

/// The first page of every scan.
pub(super) const FIRST_PAGE: PageRef = PageRef { index: 0, start_row: 0, cursor: None };

/// Stores a page. `None`: something else serves the scheme since it was shaped, and it has to be fetched again.
async fn store(
    engine: &Engine,
    scheme: &Scheme,
    scan: &Scan,
    page: PageRef,
    next: Vec<PageRef>,
    shaped: Shaped,
) -> Result<Option<PageStored>, EngineError> {
    // Nobody groups rows anew meanwhile.
    let of_scheme = engine.in_step.of(&scheme.stem);
    let in_step = of_scheme.read().await;
    if !take_over::is_taken(engine, &in_step) {
        return Ok(None);
    }
    let refused: Vec<(String, Problem)> =
        shaped.rows.iter().filter_map(|row| Some((row.bill.clone(), row.refused.clone()?))).collect();
    let stored = engine
        .journal
        .store_page(PageToStore {
            scheme: scheme.stem.clone(),
            scan: scan.id,
            page,
            next,
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
        settle::announce(engine, &scheme.stem, bill, problem);
    }
    Ok(Some(stored))
}

async fn begin(engine: &Engine, scheme: &Scheme, pass: Pass) -> Result<Scan, EngineError> {
    let state = engine.journal.scheme(&scheme.stem).await?;
    let now = clock::now();
    let source = &scheme.source;
    let window_start = match state.last_sync {
        Some(last_sync) => Some(last_sync.saturating_sub(seconds(source.overlap))),
        None => source.start_from.map(Timestamp::as_second),
    };
    let scan = NewScan {
        kind: match pass {
            Pass::Scheduled => ScanKind::Scheduled,
            Pass::Remedy => ScanKind::Remedy,
        },
        window_start,
        window_end: now.as_second().saturating_sub(seconds(source.lag)),
        begun_ms: now.as_millisecond(),
        first_page: FIRST_PAGE,
        source_digest: scheme.source_digest(),
    };
    Ok(engine.journal.begin_scan(&scheme.stem, scan).await?)
}

/// Fetches a page, through failures that may pass.
pub(super) async fn fetch(
    engine: &Engine,
    scheme: &Scheme,
    scan: &Scan,
    page: &PageRef,
    until: Option<Instant>,
) -> Result<FetchedPage, EngineError> {
    let request = request(scheme, scan, page)
        .map_err(|error| EngineError::Scheme(format!("the source's request: {error}\n  hint: {}", error.hint())))?;
    let connector = engine.snapshot.source_connector(scheme);
    let mut attempts = 0;
    loop {
        let failure = match connector.fetch(&request, page).await {
            Ok(fetched) => return Ok(fetched),
            Err(failure) => failure,
        };
        engine.progress.attempt_failed();
        if may_pass(failure.kind)
            && let Some(unavailable) = scheme.source.connection.unavailable()
        {
            return Err(EngineError::Unavailable(unavailable));
        }
        attempts += 1;
        let pause = retry::pause(&scheme.retry, attempts, failure.retry_after);
        let too_late = until.is_some_and(|until| pause > until.saturating_duration_since(Instant::now()));
        if !may_pass(failure.kind) || attempts >= ATTEMPTS || too_late {
            return Err(EngineError::Failure(located(failure, scheme, page)));
        }
        tracing::warn!(
            scheme = scheme.stem,
            page = page.index,
            attempts,
            "page not fetched, again in {pause:.1?}: {failure}"
        );
        engine.sleep(pause).await?;
    }
}

fn located(mut failure: Failure, scheme: &Scheme, page: &PageRef) -> Failure {
    let connection = scheme.source.connection.name();
    failure.message = format!("page {} from connection `{connection}`: {}", page.index, failure.message);
    failure
}

fn request(scheme: &Scheme, scan: &Scan, page: &PageRef) -> Result<SourceRequest, MappingError> {
    let source = &scheme.source;
    let variables = Variables {
        last_sync_seconds: scan.window_start,
        current_seconds: scan.window_end,
        page_size: source.page_size.into(),
        start_row: page.start_row,
        page_no: u64::from(page.index) + 1,
    };
    let in_zone = |seconds: i64| {
        let timestamp = Timestamp::from_second(seconds).unwrap_or_default();
        let offset = source.time_zone.to_offset(timestamp);
        timestamp.display_with_offset(offset).to_string()
    };
    let (rendered, other_request) = match scan.kind {
        ScanKind::Remedy => source.plan.render_remedy(&variables)?,
        ScanKind::Scheduled | ScanKind::Backfill => {
            (source.plan.render_request(&variables)?, source.plan.render_other_request(&variables)?)
        }
    };
    Ok(SourceRequest {
        api: source.plan.api().to_owned(),
        method: source.plan.method().to_owned(),
        request: rendered,
        other_request,
        id_field: Some(source.plan.id_field().to_owned()),
        window_start: scan.window_start.map(in_zone),
        window_end: in_zone(scan.window_end),
        page_size: source.page_size,
    })
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

//! One pass of a source over a time window, page by page.
//!
//! A scan lives in the journal: each page is stored together with what it says of the pages after it, so that a scan that
//! a crash cut off goes on where it was. Only when every page is stored does the scheme's `last_sync` move on.
//!
//! [`pages`] reads its pages, several at a time; [`fetch`] asks for one; [`endless`] notices a source that never comes to an end.

mod endless;
mod fetch;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use fetch::{Window, fetch};

use super::snapshot::Scheme;
use super::take_over::{self, Step};
use super::{Engine, EngineError};
use crate::journal::{NewScan, PageRef, Scan, ScanKind};
use crate::observe::clock;

/// Why a scan is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// By the source's schedule, or a person: it moves `last_sync` on.
    Scheduled,
    /// The next slice of a backfill, if one is not over.
    Backfill,
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
        None => match begin(&engine, &scheme, pass).await? {
            Some(begun) => begun,
            None => return Ok(report),
        },
    };
    let read = pages::read_all(&engine, &mut scan, &mut report, stem, until).await;
    if let Err(error @ (EngineError::Failure(_) | EngineError::Scheme(_))) = &read
        && scan.kind != ScanKind::Scheduled
    {
        // It would stand in the way of the scheduled scans, and moves nothing on.
        engine.journal.give_up_pages(stem, scan.id, error.to_string()).await?;
        scan.given_up = Some(error.to_string());
    } else {
        read?;
    }
    // Nobody groups rows anew meanwhile.
    let of_scheme = engine.in_step.of(stem);
    let in_step = of_scheme.read().await;
    report.bills = engine.journal.finish_scan(stem, scan.id).await?;
    drop(in_step);
    match scan.given_up {
        None => {
            tracing::info!(scheme = stem, scan = scan.id, rows = report.rows, bills = report.bills, "scan finished");
            Ok(report)
        }
        Some(reason) if scan.kind == ScanKind::Remedy => {
            tracing::error!(
                scheme = stem,
                scan = scan.id,
                "what was committed late is not fetched this time: {reason}"
            );
            Ok(report)
        }
        Some(reason) => Err(EngineError::GivenUp(reason)),
    }
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

async fn begin(engine: &Engine, scheme: &Scheme, pass: Pass) -> Result<Option<Scan>, EngineError> {
    let state = engine.journal.scheme(&scheme.stem).await?;
    let now = clock::now();
    let source = &scheme.source;
    let overlap = seconds(source.overlap);
    let (window_start, window_end) = if pass == Pass::Backfill {
        let slice = state.backfill.and_then(|backfill| backfill.next_slice(overlap));
        let Some((start, end)) = slice else { return Ok(None) };
        (Some(start), end)
    } else {
        let window = engine.windows.next(scheme, state.last_sync, now, pass == Pass::Scheduled);
        (window.start, window.end)
    };
    let scan = NewScan {
        kind: match pass {
            Pass::Scheduled => ScanKind::Scheduled,
            Pass::Backfill => ScanKind::Backfill,
            Pass::Remedy => ScanKind::Remedy,
        },
        window_start,
        window_end,
        begun_ms: clock::now_ms(),
        first_page: FIRST_PAGE,
        source_digest: scheme.source_digest(),
    };
    Ok(Some(engine.journal.begin_scan(&scheme.stem, scan).await?))
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

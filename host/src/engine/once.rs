//! One scan and delivery of every scheme, in the order of their lookups: `qiao run --once`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::scan::Pass;
use super::snapshot::Scheme;
use super::{Engine, EngineError, backfill, deliver, indexing, retention, retry, scan};
use crate::journal::{Counts, Status};
use crate::observe::clock;

/// Waiting bills that are looked at to see whether some wait for a row.
const BLOCKED: usize = 1_000;

/// How long it rests while bills of an earlier merge key have to be settled.
const SETTLING: Duration = Duration::from_millis(500);

/// What became of one scheme in a run.
#[derive(Debug)]
pub struct SchemeReport {
    /// Its stem.
    pub stem: String,
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The books of this run: what was read, made, and delivered in it; what waits, failed or is dead now.
    pub counts: Counts,
    /// Why it ended early.
    pub error: Option<String>,
    /// A person has paused it: nothing was to be done.
    pub is_paused: bool,
}

impl SchemeReport {
    /// Nothing failed, and nothing is left but what a person has paused.
    pub fn succeeded(&self) -> bool {
        if self.is_paused {
            return true;
        }
        let left = self.counts.failed + self.counts.dead + self.counts.waiting + self.counts.claimed;
        self.error.is_none() && left == 0
    }
}

/// Runs every scheme once; goes on through back-offs until nothing is due within `wait`.
pub async fn run(engine: &Engine, wait: Duration) -> Result<Vec<SchemeReport>, EngineError> {
    indexing::build_all(&*engine.journal, &engine.snapshot).await?;
    let schemes = engine.snapshot.schemes.clone();
    let mut runs = Vec::with_capacity(schemes.len());
    for scheme in schemes {
        // Before anything of any scheme: a delivery of one may bring rows into another.
        let before = engine.journal.scheme(&scheme.stem).await?.counts;
        runs.push((scheme, before, None));
    }
    for (scheme, _, error) in &mut runs {
        *error = scan_and_deliver(engine, scheme, wait).await.err();
    }
    rescan_for_lookups(engine, &mut runs, wait).await?;
    retention::drop_old(engine).await?;
    let mut reports = Vec::with_capacity(runs.len());
    for (scheme, before, error) in runs {
        let after = engine.journal.scheme(&scheme.stem).await?.counts;
        if !after.balance() {
            tracing::error!(scheme = scheme.stem, "the books do not balance: {after:?}");
        }
        reports.push(SchemeReport {
            stem: scheme.stem.clone(),
            name: scheme.name.clone(),
            file: scheme.file.display().to_string(),
            counts: of_this_run(before, after),
            is_paused: matches!(error, Some(EngineError::Paused)),
            error: error.filter(|error| !matches!(error, EngineError::Paused)).map(|error| error.to_string()),
        });
    }
    Ok(reports)
}

async fn scan_and_deliver(engine: &Engine, scheme: &Arc<Scheme>, wait: Duration) -> Result<(), EngineError> {
    let until = Some(Instant::now() + wait);
    if scheme.is_fed && scheme.source.schedule.is_none() {
        // Its rows come from deliveries of other schemes.
        return deliver_through_pauses(engine, scheme, wait).await;
    }
    let mut scanned = scan::scan(engine, &scheme.stem, Pass::Scheduled, until).await;
    if scanned.as_ref().is_ok_and(|report| report.resumed) {
        // That was the window of an earlier run: what came since is in the next.
        scanned = scan::scan(engine, &scheme.stem, Pass::Scheduled, until).await;
    }
    if matches!(scanned, Err(EngineError::Paused)) {
        return Err(EngineError::Paused);
    }
    if scanned.is_ok() {
        scanned = backfill::make(engine, &scheme.stem).await.and(scanned);
    }
    if let Err(error) = &scanned {
        tracing::error!(scheme = scheme.stem, "scan failed: {error}");
    }
    // What earlier scans left is delivered all the same.
    let delivered = deliver_through_pauses(engine, scheme, wait).await;
    if let Err(error) = &delivered {
        tracing::error!(scheme = scheme.stem, "delivery stopped: {error}");
    }
    scanned.map(drop).and(delivered)
}

/// Delivers what one scheme has, and goes on through back-offs until nothing is due within `wait`.
pub async fn deliver(engine: &Engine, stem: &str, wait: Duration) -> Result<(), EngineError> {
    indexing::build_all(&*engine.journal, &engine.snapshot).await?;
    let (engine, scheme) = engine.refreshed_with(stem)?;
    if scheme.target.is_none() {
        return Ok(());
    }
    deliver_through_pauses(&engine, &scheme, wait).await
}

/// Delivers, waits for what is due soon, and delivers again.
async fn deliver_through_pauses(engine: &Engine, scheme: &Arc<Scheme>, wait: Duration) -> Result<(), EngineError> {
    let until = Instant::now() + wait;
    let until_ms = clock::now_ms().saturating_add(retry::ms(wait));
    loop {
        match deliver::deliver_due(engine, &scheme.stem, Some(until_ms), false).await {
            Err(EngineError::Regrouping) if Instant::now() < until => {
                engine.sleep(SETTLING).await?;
                continue;
            }
            Err(EngineError::Unavailable(unavailable)) => {
                engine.wait_out(unavailable, Some(until)).await?;
                continue;
            }
            Err(EngineError::Unindexed(_)) => {
                indexing::build_all(&*engine.journal, &engine.snapshot).await?;
                continue;
            }
            delivered => {
                delivered?;
            }
        }
        let Some(due_ms) = engine.journal.next_due(&scheme.stem).await? else {
            return Ok(());
        };
        let pause = Duration::from_millis(u64::try_from(due_ms - clock::now_ms()).unwrap_or(0));
        // A bill that waits for a person is due at the end of time: adding that to now would overflow.
        if pause >= until.saturating_duration_since(Instant::now()) {
            return Ok(());
        }
        engine.sleep(pause).await?;
    }
}

/// Bills that miss a row of a collection wait until that collection's scheme completes a scan begun after theirs: here it
/// makes one, so that a run ends with an answer.
async fn rescan_for_lookups(
    engine: &Engine,
    runs: &mut [(Arc<Scheme>, Counts, Option<EngineError>)],
    wait: Duration,
) -> Result<(), EngineError> {
    let mut missed: Vec<String> = Vec::new();
    for (scheme, _, _) in runs.iter() {
        let waiting = engine.journal.bills(&scheme.stem, Status::Waiting, BLOCKED, None).await?;
        if waiting.iter().any(|bill| bill.due_ms.is_none()) {
            missed.extend(scheme.collections.values().cloned());
        }
    }
    for (scheme, _, error) in runs.iter_mut() {
        if missed.contains(&scheme.stem)
            && let Err(again) = scan_and_deliver(engine, scheme, wait).await
        {
            error.get_or_insert(again);
        }
    }
    if !missed.is_empty() {
        for (scheme, _, error) in runs.iter_mut() {
            if let Err(again) = deliver_through_pauses(engine, scheme, wait).await {
                error.get_or_insert(again);
            }
        }
    }
    Ok(())
}

/// What was done in this run, and how things stand after it.
fn of_this_run(before: Counts, after: Counts) -> Counts {
    Counts {
        rows: after.rows - before.rows,
        new: after.new - before.new,
        skipped: after.skipped - before.skipped,
        bills: after.bills - before.bills,
        done: after.done - before.done,
        superseded: after.superseded - before.superseded,
        failed: after.failed,
        dead: after.dead,
        waiting: after.waiting,
        claimed: after.claimed,
    }
}

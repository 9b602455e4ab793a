//! Scanning and delivering by schedule, until told to stop: `qiao run`.
//!
//! Every scheme has two tasks. One scans when its schedule says so; a scheme is never scanned twice at a time, because one
//! task does it. The other delivers: when its schedule says so, or, without one, as soon as a scan has made bills or a
//! back-off is over.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::snapshot::Scheme;
use super::{Engine, EngineError, deliver, scan};
use crate::config::Schedule;
use crate::observe::clock;

/// How long a scheme rests after its delivery was stopped by a failure that concerns all its bills.
const REST: Duration = Duration::from_secs(30);

/// How long a delivery task sleeps at most: other processes, and other schemes' scans, make bills ready too.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Runs until the engine is told to stop; calls under way then are finished and settled.
pub async fn run(engine: Engine) {
    let mut tasks = JoinSet::new();
    // Bills that wait for another scheme's rows become due when that scheme was scanned: every scan wakes every delivery.
    let scanned = Arc::new(Notify::new());
    for scheme in engine.snapshot.schemes.clone() {
        tasks.spawn(scan_by_schedule(engine.clone(), Arc::clone(&scheme), Arc::clone(&scanned)));
        if scheme.target.is_some() {
            tasks.spawn(deliver_as_due(engine.clone(), scheme, Arc::clone(&scanned)));
        }
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!("a task broke off: {error}");
        }
    }
}

async fn scan_by_schedule(engine: Engine, scheme: Arc<Scheme>, scanned: Arc<Notify>) {
    let Some(schedule) = scheme.source.schedule.clone() else {
        return;
    };
    // A scan that was never made, or that a stop cut off, is not kept waiting for the schedule.
    let mut due_now = match engine.journal.scheme(&scheme.stem).await {
        Ok(state) => state.scan.is_some() || state.last_finished_scan_begun_ms.is_none(),
        Err(error) => {
            tracing::error!(scheme = scheme.stem, "{error}");
            return;
        }
    };
    loop {
        if !due_now && engine.sleep(until_next(&schedule, &scheme.source.time_zone)).await.is_err() {
            return;
        }
        due_now = false;
        if engine.is_stopping() {
            return;
        }
        if let Err(error) = scan::scan(&engine, &scheme, None).await {
            if matches!(error, EngineError::Stopping) {
                return;
            }
            tracing::error!(scheme = scheme.stem, "scan failed, again by schedule: {error}");
        }
        scanned.notify_waiters();
    }
}

async fn deliver_as_due(engine: Engine, scheme: Arc<Scheme>, scanned: Arc<Notify>) {
    let schedule = scheme.target.as_ref().and_then(|target| target.schedule.clone());
    loop {
        if engine.is_stopping() {
            return;
        }
        let wake = scanned.notified();
        let mut rest = LONGEST_SLEEP;
        match deliver::deliver_due(&engine, &scheme, None).await {
            Ok(()) => {
                if let Ok(Some(due_ms)) = engine.journal.next_due(&scheme.stem).await {
                    let due_in = u64::try_from(due_ms - clock::now_ms()).unwrap_or(0);
                    rest = rest.min(Duration::from_millis(due_in.max(10)));
                }
            }
            Err(EngineError::Stopping) => return,
            Err(error) => {
                tracing::error!(scheme = scheme.stem, "delivery stopped for {REST:?}: {error}");
                rest = REST;
                if engine.sleep(rest).await.is_err() {
                    return;
                }
                continue;
            }
        }
        if let Some(schedule) = &schedule {
            if engine.sleep(until_next(schedule, &scheme.source.time_zone)).await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            () = wake => {}
            rested = engine.sleep(rest) => if rested.is_err() { return },
        }
    }
}

fn until_next(schedule: &Schedule, zone: &TimeZone) -> Duration {
    const NEVER: Duration = Duration::from_hours(24);
    let now: Timestamp = clock::now();
    schedule.next_after(now, zone).and_then(|next| Duration::try_from(next.duration_since(now)).ok()).unwrap_or(NEVER)
}

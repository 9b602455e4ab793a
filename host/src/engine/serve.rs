//! Scanning and delivering by schedule, until told to stop: `qiao run`.
//!
//! Every scheme has two tasks. One scans when its schedule says so; a scheme is never scanned twice at a time, because one
//! task does it. The other delivers: when its schedule says so, or, without one, as soon as a scan has made bills or a
//! back-off is over. When another snapshot serves, schemes that are new to it get their tasks, tasks of schemes that it does
//! not have end by themselves, and all others look at their schedules again. One more task builds the indexes that lookups
//! need ([`indexing`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::task::{Id, JoinError, JoinSet};

use super::scan::Pass;
use super::snapshot::Scheme;
use super::{Engine, EngineError, Slept, backfill, deliver, indexing, retention, scan};
use crate::config::Schedule;
use crate::observe::clock;

/// How long a scheme rests after its delivery was stopped by a failure that concerns all its bills.
const REST: Duration = Duration::from_secs(30);

/// How long a scheme rests while bills of an earlier merge key have to be settled.
const SETTLING: Duration = Duration::from_secs(5);

/// How long a delivery task sleeps at most: other processes, and other schemes' scans, make bills ready too.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// What a task does for its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Work {
    Scan,
    Deliver,
}

/// Runs until the engine is told to stop; calls under way then are finished and settled.
pub async fn run(mut engine: Engine) {
    let mut tasks = Tasks::default();
    // Ends when the engine is told to stop.
    tokio::spawn(indexing::keep_up(engine.clone()));
    tokio::spawn(retention::keep_up(engine.clone()));
    loop {
        if !engine.is_stopping() {
            engine = engine.refreshed();
            for scheme in &engine.snapshot.schemes {
                tasks.begin(&engine, &scheme.stem, Work::Scan, Duration::ZERO);
                tasks.begin(&engine, &scheme.stem, Work::Deliver, Duration::ZERO);
            }
        }
        let mut stop = engine.stop.clone();
        tokio::select! {
            Some(ended) = tasks.running.join_next_with_id() => tasks.ended(&engine, ended),
            () = engine.replaced(), if !engine.is_stopping() => {}
            _ = stop.wait_for(|stop| *stop), if !engine.is_stopping() => {}
            else => return,
        }
        if engine.is_stopping() && tasks.running.is_empty() {
            return;
        }
    }
}

/// The tasks of all schemes: at most one for each kind of work.
#[derive(Default)]
struct Tasks {
    running: JoinSet<()>,
    /// What each task works on.
    work: HashMap<Id, (String, Work)>,
}

impl Tasks {
    /// Begins a task `after` a while, unless there is one.
    fn begin(&mut self, engine: &Engine, stem: &str, work: Work, after: Duration) {
        if self.work.values().any(|(busy_with, busy)| busy_with == stem && *busy == work) {
            return;
        }
        let engine = engine.clone();
        let of_task = stem.to_owned();
        let handle = self.running.spawn(async move {
            if !after.is_zero() && engine.sleep(after).await.is_err() {
                return;
            }
            match work {
                Work::Scan => scan_by_schedule(engine, &of_task).await,
                Work::Deliver => deliver_as_due(engine, &of_task).await,
            }
        });
        self.work.insert(handle.id(), (stem.to_owned(), work));
    }

    /// A task has ended: its scheme was removed, the host stops, or something went wrong. If its scheme serves (again), it is
    /// begun again, but not at once.
    fn ended(&mut self, engine: &Engine, ended: Result<(Id, ()), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let Some((stem, work)) = self.work.remove(&id) else { return };
        let after = match ended {
            Ok(_) => Duration::from_secs(1),
            Err(error) => {
                tracing::error!(scheme = stem, "a task broke off, and is begun again in {REST:?}: {error}");
                REST
            }
        };
        if !engine.is_stopping() && engine.refreshed().snapshot.scheme(&stem).is_some() {
            self.begin(engine, &stem, work, after);
        }
    }
}

async fn scan_by_schedule(engine: Engine, stem: &str) {
    let mut due = Due::default();
    match engine.journal.scheme(stem).await {
        // A scan that was never made, or that a stop cut off, is not kept waiting for the schedule.
        Ok(state) if state.scan.is_some() || state.last_finished_scan_begun_ms.is_none() => {
            due.scheduled = Some(clock::now());
        }
        Ok(_) => {}
        Err(error) => {
            tracing::error!(scheme = stem, "{error}");
            return;
        }
    }
    let asked = Arc::clone(&engine.asked);
    loop {
        let wake = asked.notified();
        let Ok((engine, scheme)) = engine.refreshed_with(stem) else { return };
        due.backfill = backfill::is_open(&engine, stem).await.then(clock::now);
        let Some((at, pass)) = due.next(&scheme, clock::now()) else {
            // It may get a schedule.
            tokio::select! {
                slept = engine.sleep_unless_replaced(LONGEST_SLEEP) => if slept == Slept::Stopping { return },
                () = wake => {}
            }
            continue;
        };
        let slept = tokio::select! {
            slept = engine.sleep_unless_replaced(until(at)) => slept,
            () = wake => continue,
        };
        match slept {
            Slept::Whole => {}
            Slept::Replaced => {
                due.forget_what_is_to_come(clock::now());
                continue;
            }
            Slept::Stopping => return,
        }
        if engine.is_stopping() || engine.wait_until_resumed(stem).await == Slept::Stopping {
            return;
        }
        match scan_whole(&engine, stem, pass).await {
            Ok(()) => due.done(pass),
            Err(EngineError::Stopping | EngineError::Removed) => return,
            Err(EngineError::Paused) => continue,
            Err(EngineError::Regrouping) => {
                if engine.sleep(SETTLING).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                due.done(pass);
                tracing::error!(scheme = stem, "scan failed, again by schedule: {error}");
                // A backfill that is not over is due at once.
                let is_over = pass != Pass::Backfill || matches!(error, EngineError::GivenUp(_));
                if !is_over && engine.sleep(REST).await.is_err() {
                    return;
                }
            }
        }
        engine.arrived.notify_waiters();
    }
}

/// A whole scan, from now. One that was left open, by whichever pass, is finished first.
async fn scan_whole(engine: &Engine, stem: &str, pass: Pass) -> Result<(), EngineError> {
    if scan::scan(engine, stem, pass, None).await?.resumed {
        scan::scan(engine, stem, pass, None).await?;
    }
    Ok(())
}

/// When the passes over a source are due next. What becomes due while another one runs is made after it, not passed over.
#[derive(Default)]
struct Due {
    scheduled: Option<Timestamp>,
    remedy: Option<Timestamp>,
    /// The next slice of a backfill, which the journal knows of.
    backfill: Option<Timestamp>,
}

impl Due {
    /// What is due first, and when; `None`: the source has no schedule.
    fn next(&mut self, scheme: &Scheme, now: Timestamp) -> Option<(Timestamp, Pass)> {
        let source = &scheme.source;
        let at = |known: Option<Timestamp>, schedule: &Option<Schedule>| {
            let schedule = schedule.as_ref()?;
            known.or_else(|| schedule.next_after(now, &source.time_zone))
        };
        self.scheduled = at(self.scheduled, &source.schedule);
        self.remedy = at(self.remedy, &source.remedy);
        self.first()
    }

    /// The first of what is known; the scheduled one where both are due at a time.
    fn first(&self) -> Option<(Timestamp, Pass)> {
        let all = [(self.scheduled, Pass::Scheduled), (self.remedy, Pass::Remedy), (self.backfill, Pass::Backfill)];
        all.into_iter().filter_map(|(at, pass)| Some((at?, pass))).min_by_key(|(at, _)| *at)
    }

    /// The next time is found anew.
    fn done(&mut self, pass: Pass) {
        match pass {
            Pass::Scheduled => self.scheduled = None,
            Pass::Remedy => self.remedy = None,
            Pass::Backfill => self.backfill = None,
        }
    }

    /// The schedules may be others now.
    fn forget_what_is_to_come(&mut self, now: Timestamp) {
        self.scheduled.take_if(|at| *at > now);
        self.remedy.take_if(|at| *at > now);
    }
}

async fn deliver_as_due(engine: Engine, stem: &str) {
    // Bills that wait for another scheme's rows become due when that scheme was scanned: every scan wakes every delivery.
    let arrived = Arc::clone(&engine.arrived);
    loop {
        if engine.is_stopping() {
            return;
        }
        if wait_for_schedule(&engine, stem).await == Slept::Stopping
            || engine.wait_until_resumed(stem).await == Slept::Stopping
        {
            return;
        }
        let wake = arrived.notified();
        let mut indexes_built = engine.indexing.built();
        let Ok((engine, scheme)) = engine.refreshed_with(stem) else { return };
        if scheme.target.is_none() {
            if engine.sleep_unless_replaced(LONGEST_SLEEP).await == Slept::Stopping {
                return;
            }
            continue;
        }
        let mut rest = LONGEST_SLEEP;
        match deliver::deliver_due(&engine, stem, None).await {
            Ok(()) => {
                if let Ok(Some(due_ms)) = engine.journal.next_due(stem).await {
                    let due_in = u64::try_from(due_ms - clock::now_ms()).unwrap_or(0);
                    rest = rest.min(Duration::from_millis(due_in.max(10)));
                }
            }
            Err(EngineError::Stopping | EngineError::Removed) => return,
            Err(EngineError::Unavailable(unavailable)) => {
                // The connection has said it.
                tracing::debug!(scheme = stem, "bills wait: {unavailable}");
                if engine.sleep_unless_replaced(unavailable.lasts).await == Slept::Stopping {
                    return;
                }
                continue;
            }
            Err(EngineError::Paused) => continue,
            Err(EngineError::Regrouping) => {
                tracing::warn!(scheme = stem, "{}", EngineError::Regrouping);
                if engine.sleep_unless_replaced(SETTLING).await == Slept::Stopping {
                    return;
                }
                continue;
            }
            Err(EngineError::Unindexed(missing)) => {
                tracing::debug!(scheme = stem, "bills wait: {missing}");
                engine.indexing.ask();
                tokio::select! {
                    _ = indexes_built.changed() => {}
                    slept = engine.sleep_unless_replaced(LONGEST_SLEEP) => if slept == Slept::Stopping { return },
                }
                continue;
            }
            Err(error) => {
                tracing::error!(scheme = stem, "delivery stopped for {REST:?}: {error}");
                // What stopped it may be mended meanwhile.
                if engine.sleep_unless_replaced(REST).await == Slept::Stopping {
                    return;
                }
                continue;
            }
        }
        if delivery_schedule(&scheme).is_some() {
            continue;
        }
        tokio::select! {
            () = wake => {}
            slept = engine.sleep_unless_replaced(rest) => if slept == Slept::Stopping { return },
        }
    }
}

/// Waits until the target's own schedule says so, whatever comes to serve meanwhile; a target without one is always due.
async fn wait_for_schedule(engine: &Engine, stem: &str) -> Slept {
    loop {
        let Ok((engine, scheme)) = engine.refreshed_with(stem) else { return Slept::Whole };
        let Some(schedule) = delivery_schedule(&scheme) else { return Slept::Whole };
        match engine.sleep_unless_replaced(until_next(schedule, &scheme.source.time_zone)).await {
            Slept::Replaced => {}
            ended => return ended,
        }
    }
}

fn delivery_schedule(scheme: &Scheme) -> Option<&Schedule> {
    scheme.target.as_ref().and_then(|target| target.schedule.as_ref())
}

fn until_next(schedule: &Schedule, zone: &TimeZone) -> Duration {
    const NEVER: Duration = Duration::from_hours(24);
    schedule.next_after(clock::now(), zone).map_or(NEVER, until)
}

/// None, if it has come.
fn until(at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(clock::now())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_due_at_once_is_made_one_after_the_other_and_nothing_is_passed_over() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let both = |scheduled: i64, remedy: i64| Due {
            scheduled: Some(at(scheduled)),
            remedy: Some(at(remedy)),
            backfill: None,
        };
        let mut due = both(10, 10);
        assert_eq!(due.first(), Some((at(10), Pass::Scheduled)));
        due.done(Pass::Scheduled);
        assert_eq!(due.first(), Some((at(10), Pass::Remedy)), "it is not forgotten while the other runs");
        let mut due = Due { backfill: Some(at(12)), ..both(10, 20) };
        assert_eq!(due.first(), Some((at(10), Pass::Scheduled)), "what is due by schedule goes before a backfill");
        due.done(Pass::Scheduled);
        assert_eq!(due.first(), Some((at(12), Pass::Backfill)));
        let mut due = both(10, 5);
        assert_eq!(due.first(), Some((at(5), Pass::Remedy)));
        due.forget_what_is_to_come(at(7));
        assert_eq!((due.scheduled, due.remedy), (None, Some(at(5))));
    }
}

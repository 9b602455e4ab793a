//! Scanning and delivering by schedule, until told to stop: `qiao run`.
//!
//! Every scheme has two tasks. One scans when its schedule says so; a scheme is never scanned twice at a time, because one
//! task does it. The other delivers: when its schedule says so, or, without one, as soon as a scan has made bills or a
//! back-off is over. When another snapshot serves, schemes that are new to it get their tasks, tasks of schemes that it does
//! not have end by themselves, and all others look at their schedules again. One more task builds the indexes that lookups
//! need ([`indexing`]). A task that breaks off is begun again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{Id, JoinError, JoinSet};

use super::due::{Due, Jitter, Timetable};
use super::scan::Pass;
use super::snapshot::Scheme;
use super::standstill::{Obstacle, Trials, Work};
use super::{Engine, EngineError, Slept, backfill, deliver, indexing, retention, scan, supervise};
use crate::observe::clock;
use crate::plugin::FailureKind;

/// How long a scheme rests after its delivery failed as a whole.
const REST: Duration = Duration::from_secs(30);

/// How long a scheme rests while bills of an earlier merge key have to be settled.
const SETTLING: Duration = Duration::from_secs(5);

/// How long a delivery task sleeps at most: other processes, and other schemes' scans, make bills ready too.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Runs until the engine is told to stop; calls under way then are finished and settled.
pub async fn run(mut engine: Engine) {
    let mut tasks = Tasks::default();
    keep_going(&engine, "indexes that lookups need are not built", indexing::keep_up);
    keep_going(&engine, "attempts that are too old are not dropped", retention::keep_up);
    let mut is_start = true;
    loop {
        if !engine.is_stopping() {
            engine = engine.refreshed();
            let schemes = &engine.snapshot.schemes;
            engine.standstills.keep_only(|stem| engine.snapshot.scheme(stem).is_some());
            for scheme in schemes {
                let delay = if is_start { engine.jitter(&scheme.stem).at_start(schemes.len()) } else { Duration::ZERO };
                tasks.begin(&engine, &scheme.stem, Work::Scan, delay);
                tasks.begin(&engine, &scheme.stem, Work::Deliver, delay);
            }
            is_start = false;
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

/// Keeps a task of no scheme's going until the engine is told to stop. `what`: what is not done without it.
fn keep_going<F>(engine: &Engine, what: &'static str, task: fn(Engine) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let engine = engine.clone();
    tokio::spawn(async move { supervise::keep_going(engine.stop.clone(), REST, what, || task(engine.clone())).await });
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
    let mut trials = Trials::default();
    match is_due_at_once(&engine, stem).await {
        Ok(true) => due.at_once(clock::now()),
        Ok(false) => {}
        Err(EngineError::Removed) => return,
        Err(error) => {
            tracing::error!(scheme = stem, "{error}");
            return;
        }
    }
    let asked = Arc::clone(&engine.asked);
    loop {
        let wake = asked.notified();
        let Ok((engine, scheme)) = engine.refreshed_with(stem) else { return };
        due.backfill(backfill::is_open(&engine, stem).await.then(clock::now));
        let due_next = due.next(&scheme, engine.jitter(stem), clock::now());
        // Without a schedule it sleeps, too: it may get one. A clock may be set meanwhile, so that it looks now and then.
        let sleep = due_next.map_or(LONGEST_SLEEP, |(at, _)| until(at).min(LONGEST_SLEEP));
        let slept = tokio::select! {
            slept = engine.sleep_unless_replaced(sleep) => slept,
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
        let Some((_, pass)) = due_next.filter(|(at, _)| *at <= clock::now()) else { continue };
        if engine.is_stopping() || engine.wait_until_resumed(stem).await == Slept::Stopping {
            return;
        }
        match scan_whole(&engine, stem, pass).await {
            Ok(()) => {
                due.done(pass);
                trials.begin_anew();
                if engine.standstills.is_over(stem, Work::Scan).is_some() {
                    tracing::info!(scheme = stem, "it is scanned again");
                }
            }
            Err(EngineError::Stopping | EngineError::Removed) => return,
            Err(EngineError::Paused) => continue,
            Err(error @ EngineError::Regrouping) => {
                let reason = error.to_string();
                engine.standstills.stands(stem, Work::Scan, Obstacle::Regrouping, reason, Some(SETTLING));
                if engine.sleep(SETTLING).await.is_err() {
                    return;
                }
            }
            Err(EngineError::Failure(failure)) if failure.kind == FailureKind::Misconfigured => {
                due.done(pass);
                let pause = trials.next_pause();
                tracing::error!(
                    scheme = stem,
                    "scanning is stopped until this is mended; it is tried again when something changes, or not before \
                     {pause:?}: {failure}"
                );
                let reason = failure.to_string();
                engine.standstills.stands(stem, Work::Scan, Obstacle::Misconfigured, reason, Some(pause));
                match engine.sleep_unless_replaced(pause).await {
                    Slept::Whole => {}
                    // What was changed may have mended it.
                    Slept::Replaced => due.at_once(clock::now()),
                    Slept::Stopping => return,
                }
            }
            Err(error) => {
                due.done(pass);
                tracing::error!(scheme = stem, "scan failed, again by schedule: {error}");
                engine.standstills.stands(stem, Work::Scan, Obstacle::Failed, error.to_string(), None);
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

/// Whether a scan is due without waiting for the schedule: one that was never made, that a stop cut off, or whose time came
/// while no host ran. However many were missed, it is made up once: its window begins where the last one ended.
async fn is_due_at_once(engine: &Engine, stem: &str) -> Result<bool, EngineError> {
    let state = engine.journal.scheme(stem).await?;
    let (engine, scheme) = engine.refreshed_with(stem)?;
    let source = &scheme.source;
    let (None, Some(last_sync)) = (state.scan, state.last_sync) else {
        return Ok(true);
    };
    let Some(schedule) = &source.schedule else {
        return Ok(false);
    };
    // The window ended so much before the scan began, in whole seconds.
    let lag = SignedDuration::try_from(source.lag).unwrap_or(SignedDuration::ZERO) + SignedDuration::from_secs(1);
    let begun = Timestamp::from_second(last_sync).unwrap_or_default();
    let begun = begun.checked_add(lag).unwrap_or(begun);
    let timetable = Timetable { schedule, zone: &source.time_zone, jitter: engine.jitter(stem) };
    Ok(timetable.was_missed(begun, clock::now()))
}

/// A whole scan, from now. One that was left open, by whichever pass, is finished first.
async fn scan_whole(engine: &Engine, stem: &str, pass: Pass) -> Result<(), EngineError> {
    if scan::scan(engine, stem, pass, None).await?.resumed {
        scan::scan(engine, stem, pass, None).await?;
    }
    Ok(())
}

async fn deliver_as_due(engine: Engine, stem: &str) {
    // Bills that wait for another scheme's rows become due when that scheme was scanned: every scan wakes every delivery.
    let (arrived, by_hand) = (Arc::clone(&engine.arrived), Arc::clone(&engine.by_hand));
    let mut trials = Trials::default();
    // What was held up is made up as soon as it can be, whatever the schedule says.
    let mut is_due = was_delivery_missed(&engine, stem).await;
    loop {
        if engine.is_stopping() {
            return;
        }
        if !std::mem::take(&mut is_due) && wait_for_schedule(&engine, stem).await == Slept::Stopping {
            return;
        }
        if engine.wait_until_resumed(stem).await == Slept::Stopping {
            return;
        }
        let wake = arrived.notified();
        let acted = by_hand.notified();
        let mut indexes_built = engine.indexing.built();
        let Ok((engine, scheme)) = engine.refreshed_with(stem) else { return };
        if scheme.target.is_none() {
            if engine.sleep_unless_replaced(LONGEST_SLEEP).await == Slept::Stopping {
                return;
            }
            continue;
        }
        let mut rest = LONGEST_SLEEP;
        match deliver::deliver_due(&engine, stem, None, trials.is_on_trial()).await {
            Ok(was_anything_due) => {
                if was_anything_due || !trials.is_on_trial() {
                    trials.begin_anew();
                    if engine.standstills.is_over(stem, Work::Deliver).is_some() {
                        tracing::info!(scheme = stem, "it delivers again");
                    }
                }
                if let Ok(Some(due_ms)) = engine.journal.next_due(stem).await {
                    let due_in = u64::try_from(due_ms - clock::now_ms()).unwrap_or(0);
                    rest = rest.min(Duration::from_millis(due_in.max(10)));
                }
            }
            Err(EngineError::Stopping | EngineError::Removed) => return,
            Err(EngineError::Paused) => continue,
            Err(error) => {
                let Hindrance { obstacle, reason, rest } = hindrance(stem, &error, &mut trials);
                engine.standstills.stands(stem, Work::Deliver, obstacle, reason, Some(rest));
                is_due = true;
                let is_unindexed = obstacle == Obstacle::Unindexed;
                if is_unindexed {
                    engine.indexing.ask();
                }
                tokio::select! {
                    _ = indexes_built.changed(), if is_unindexed => {}
                    () = acted => {}
                    // What stopped it may be mended meanwhile.
                    slept = engine.sleep_unless_replaced(rest) => if slept == Slept::Stopping { return },
                }
                continue;
            }
        }
        if timetable(&engine, &scheme).is_some() {
            continue;
        }
        tokio::select! {
            () = wake => {}
            slept = engine.sleep_unless_replaced(rest) => if slept == Slept::Stopping { return },
        }
    }
}

/// What a delivery that ended early waits for.
struct Hindrance {
    obstacle: Obstacle,
    reason: String,
    rest: Duration,
}

/// Says why a delivery ended early, as loudly as it deserves.
fn hindrance(scheme: &str, error: &EngineError, trials: &mut Trials) -> Hindrance {
    let (obstacle, rest) = match error {
        EngineError::Unavailable(unavailable) => {
            // The connection has said it.
            tracing::debug!(scheme, "bills wait: {unavailable}");
            (Obstacle::Unavailable, unavailable.lasts)
        }
        EngineError::Regrouping => {
            tracing::warn!(scheme, "{error}");
            (Obstacle::Regrouping, SETTLING)
        }
        EngineError::Unindexed(missing) => {
            tracing::debug!(scheme, "bills wait: {missing}");
            (Obstacle::Unindexed, LONGEST_SLEEP)
        }
        EngineError::Failure(failure) if failure.kind == FailureKind::Misconfigured => {
            let pause = trials.next_pause();
            tracing::error!(
                scheme,
                "delivery is stopped until this is mended; it is tried again with one bill when something changes, or in \
                 {pause:?}: {failure}"
            );
            (Obstacle::Misconfigured, pause)
        }
        _ => {
            tracing::error!(scheme, "delivery stopped for {REST:?}: {error}");
            (Obstacle::Failed, REST)
        }
    };
    Hindrance { obstacle, reason: error.to_string(), rest }
}

/// Waits until the target's own schedule says so, whatever comes to serve meanwhile; a target without one is always due.
async fn wait_for_schedule(engine: &Engine, stem: &str) -> Slept {
    let mut known: Option<Timestamp> = None;
    loop {
        let Ok((engine, scheme)) = engine.refreshed_with(stem) else { return Slept::Whole };
        let Some(timetable) = timetable(&engine, &scheme) else { return Slept::Whole };
        known = timetable.nearer(known, clock::now());
        // A clock may be set meanwhile, so that it looks now and then.
        match engine.sleep_unless_replaced(known.map_or(LONGEST_SLEEP, |at| until(at).min(LONGEST_SLEEP))).await {
            Slept::Replaced => known = None,
            Slept::Stopping => return Slept::Stopping,
            Slept::Whole if known.is_some_and(|at| at <= clock::now()) => return Slept::Whole,
            Slept::Whole => {}
        }
    }
}

/// Whether bills were due when the target's own schedule last said so, and no host ran.
async fn was_delivery_missed(engine: &Engine, stem: &str) -> bool {
    let Ok((engine, scheme)) = engine.refreshed_with(stem) else { return false };
    match (timetable(&engine, &scheme), engine.journal.next_due(stem).await) {
        (Some(timetable), Ok(Some(due_ms))) => timetable.was_missed(clock::timestamp_ms(due_ms), clock::now()),
        _ => false,
    }
}

/// The target's own schedule.
fn timetable<'a>(engine: &Engine, scheme: &'a Scheme) -> Option<Timetable<'a>> {
    let schedule = scheme.target.as_ref()?.schedule.as_ref()?;
    Some(Timetable { schedule, zone: &scheme.source.time_zone, jitter: engine.jitter(&scheme.stem) })
}

impl Engine {
    fn jitter(&self, stem: &str) -> Jitter {
        Jitter::of(stem, self.snapshot.jitter)
    }
}

/// None, if it has come.
fn until(at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(clock::now())).unwrap_or_default()
}

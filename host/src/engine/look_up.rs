//! Bills of which nobody knows whether the vendor applied them: asked for by number, before anything of them is sent again.
//!
//! What is found was applied, if the claim was to create it and a look-up before the claim had found nothing. What is not
//! found counts as not applied only `settle_after` after the uncertain attempt: a vendor may still be working on it. A claim
//! to update is made again: an update by the vendor's id does no harm twice. A bill that cannot be looked up stays claimed,
//! and holds back its newer versions, until a person decides: whether it is there, nobody else can know.

use std::time::Duration;

use tokio::time::Instant;

use super::attempts::{self, Called};
use super::snapshot::{Scheme, TargetSide};
use super::{Engine, EngineError, problem, retry, settle, write_back};
use crate::dialect::Variables;
use crate::journal::{Attempt, AttemptStep, BillVersion, ClaimedBill, Intent, Problem, Settled};
use crate::observe::clock;
use crate::plugin::connector::{BillToFind, Connector, Found, HalfDone};
use crate::plugin::{Failure, FailureKind};

/// A time that never comes: the bill waits for a person.
const NEVER_MS: i64 = i64::MAX;

/// Takes up what was left claimed, by an earlier process or a batch that broke off: from now on it is uncertain. Called
/// while nothing of the scheme is under way.
pub(super) async fn take_up(engine: &Engine, scheme: &Scheme) -> Result<(), EngineError> {
    let now_ms = clock::now_ms();
    let left: Vec<_> = engine
        .journal
        .claimed(&scheme.stem)
        .await?
        .into_iter()
        .filter(|claimed| claimed.look_up_due_ms.is_none())
        .map(|claimed| {
            let problem = uncertain("the host stopped while the bill was being sent", now_ms);
            (claimed.version, Settled::Uncertain { problem, look_up_due_ms: now_ms })
        })
        .collect();
    if !left.is_empty() {
        tracing::warn!(scheme = scheme.stem, bills = left.len(), "looks up what was being sent when the host stopped");
        engine.journal.settle(left).await?;
    }
    Ok(())
}

/// Looks up what is due at `now_ms`.
pub(super) async fn due(engine: &Engine, scheme: &Scheme, target: &TargetSide, now_ms: i64) -> Result<(), EngineError> {
    let due = engine.journal.uncertain(&scheme.stem, now_ms).await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut outcomes = Vec::new();
    let mut to_find = Vec::new();
    for claimed in due {
        if matches!(claimed.intent, Intent::Update(_)) {
            let problem = known(&claimed, now_ms);
            outcomes
                .push((claimed.version.clone(), settle::again(engine, scheme, &claimed, problem, None, None, None)));
        } else if target.can_find && claimed.number.is_some() {
            to_find.push(claimed);
        } else {
            let problem = known(&claimed, now_ms);
            let problem = Problem { hint: Some(FOR_A_PERSON.to_owned()), ..problem };
            settle::announce(engine, &scheme.stem, &claimed.version.bill, &problem);
            outcomes.push((claimed.version, Settled::Uncertain { problem, look_up_due_ms: NEVER_MS }));
        }
    }
    engine.journal.settle(outcomes).await?;
    let connector = engine.snapshot.target_connector(scheme, target);
    for batch in to_find.chunks(target.largest_find) {
        if engine.is_stopping() {
            return Err(EngineError::Stopping);
        }
        if let Some(unavailable) = target.connection.unavailable() {
            return Err(EngineError::Unavailable(unavailable));
        }
        let LookedUp { outcomes, attempts, stop } = look_up(engine, scheme, target, &connector, batch).await?;
        write_back::settle(engine, scheme, target, outcomes, attempts).await?;
        if let Some(failure) = stop {
            return Err(EngineError::Failure(failure));
        }
    }
    Ok(())
}

/// What a person is told of a bill that cannot be looked up.
const FOR_A_PERSON: &str = "it cannot be looked up by a number: see at the vendor whether it is there; its newer versions wait until that is settled";

/// What a look-up of a batch came to.
struct LookedUp {
    /// What became of its bills.
    outcomes: Vec<(BillVersion, Settled)>,
    /// How it was found out.
    attempts: Vec<Attempt>,
    /// Why the scheme has to stop, if it has.
    stop: Option<Failure>,
}

/// Looks a batch up.
async fn look_up(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    connector: &Connector,
    batch: &[ClaimedBill],
) -> Result<LookedUp, EngineError> {
    let wanted: Vec<BillToFind> = batch
        .iter()
        .map(|claimed| target.to_find(claimed.number.as_deref().unwrap_or_default(), &claimed.payload))
        .collect();
    let other_request = super::deliver::other_request(target, &Variables::at(clock::now().as_second()))?;
    let begun = Instant::now();
    let mut exchanges = Vec::new();
    let found = connector.find(target.plan.api(), &other_request, &wanted, &mut exchanges).await;
    let called = Called { step: AttemptStep::LookUp, exchanges, took: begun.elapsed() };
    let results = batch.iter().zip(&found);
    let attempts =
        called.attempts(engine, results.map(|(claimed, found)| (&claimed.version, attempts::of_look_up(found))));
    let now_ms = clock::now_ms();
    let mut stop = None;
    let outcomes = batch
        .iter()
        .zip(found)
        .map(|(claimed, found)| {
            let settled = match found {
                Ok(found) => decide(engine, scheme, target, claimed, found, now_ms),
                Err(failure) => {
                    let settled = still_uncertain(engine, scheme, claimed, &failure, now_ms);
                    if failure.kind == FailureKind::Misconfigured {
                        stop = Some(failure);
                    }
                    settled
                }
            };
            (claimed.version.clone(), settled)
        })
        .collect();
    Ok(LookedUp { outcomes, attempts, stop })
}

/// The look-up failed, too: it is made again, the less often the longer nobody knows.
fn still_uncertain(engine: &Engine, scheme: &Scheme, claimed: &ClaimedBill, failure: &Failure, now_ms: i64) -> Settled {
    engine.progress.attempt_failed();
    let (stem, bill) = (&scheme.stem, &claimed.version.bill);
    // A vendor that is down is said once, not of each bill.
    if scheme.target.as_ref().is_some_and(|target| target.connection.awaits_probe()) {
        tracing::debug!(scheme = stem, bill, "look-up failed: {failure}");
    } else {
        tracing::warn!(scheme = stem, bill, "look-up failed: {failure}");
    }
    let since_ms = claimed.uncertain_since_ms.map_or(0, |since_ms| now_ms - since_ms);
    let half_of_it = Duration::from_millis(u64::try_from(since_ms / 2).unwrap_or(0));
    let pause = match failure.kind {
        FailureKind::Misconfigured | FailureKind::Rejected => scheme.retry.most,
        _ => retry::pause(&scheme.retry, 1, failure.retry_after).max(half_of_it.min(scheme.retry.most)),
    };
    Settled::Uncertain { problem: problem(failure), look_up_due_ms: now_ms + retry::ms(pause) }
}

fn decide(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    claimed: &ClaimedBill,
    found: Found,
    now_ms: i64,
) -> Settled {
    let problem = known(claimed, now_ms);
    match (found, &claimed.intent) {
        // Which content it has, its own note of how far it got can tell.
        (Found::Complete(receipt) | Found::Partial(HalfDone { receipt, .. }), Intent::Resume(resume)) => {
            settle::again(engine, scheme, claimed, problem, None, Some(resume.clone()), Some(receipt))
        }
        // Nothing was there when it was claimed, so that what is there now is what was sent.
        (Found::Complete(receipt), _) if target.plan.id_check() => {
            engine.progress.bill_done();
            Settled::Done(receipt)
        }
        (Found::Partial(half_done), _) if target.plan.id_check() => {
            settle::again(engine, scheme, claimed, problem, None, Some(half_done.resume), Some(half_done.receipt))
        }
        // It may have been there before: it is updated, which does no harm if it is ours.
        (Found::Complete(receipt) | Found::Partial(HalfDone { receipt, .. }), _) => {
            Settled::Failed { problem, due_ms: now_ms, resume: None, there: Some(receipt) }
        }
        (Found::Absent, _) => {
            let since_ms = claimed.uncertain_since_ms.unwrap_or(now_ms);
            let believed_from_ms = since_ms + retry::ms(target.connection.settings().settle_after);
            if now_ms >= believed_from_ms {
                settle::again(engine, scheme, claimed, problem, None, None, None)
            } else {
                Settled::Uncertain { problem, look_up_due_ms: believed_from_ms }
            }
        }
    }
}

/// What is known of an uncertain bill's failure.
fn known(claimed: &ClaimedBill, now_ms: i64) -> Problem {
    claimed.problem.clone().unwrap_or_else(|| uncertain("nobody knows whether the vendor applied it", now_ms))
}

fn uncertain(message: &str, at_ms: i64) -> Problem {
    let kind = "uncertain".to_owned();
    Problem { kind, code: None, message: message.to_owned(), hint: None, at_ms, depends_on: Vec::new() }
}

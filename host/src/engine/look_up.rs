//! Bills of which nobody knows whether the vendor applied them: asked for by number, before anything of them is sent again.
//!
//! What is found was applied, if the claim was to create it. What is not found counts as not applied only `settle_after`
//! after the uncertain attempt: a vendor may still be working on it. A claim to update is made again: an update by the
//! vendor's id does no harm twice. A bill that cannot be looked up goes to a person.

use super::settle::dead;
use super::snapshot::{Scheme, TargetSide};
use super::{Engine, EngineError, problem, retry};
use crate::dialect::Variables;
use crate::journal::{ClaimedBill, Intent, Problem, Settled};
use crate::observe::clock;
use crate::plugin::connector::Found;

/// Numbers of one `find`.
const BATCH: usize = 20;

/// Takes up what an earlier process left claimed: from now on it is uncertain.
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

/// Looks up what is due.
pub(super) async fn due(engine: &Engine, scheme: &Scheme, target: &TargetSide) -> Result<(), EngineError> {
    let now_ms = clock::now_ms();
    let uncertain: Vec<ClaimedBill> = engine
        .journal
        .claimed(&scheme.stem)
        .await?
        .into_iter()
        .filter(|claimed| claimed.look_up_due_ms.is_some_and(|due_ms| due_ms <= now_ms))
        .collect();
    let (findable, lost): (Vec<_>, Vec<_>) =
        uncertain.into_iter().partition(|claimed| target.can_find && claimed.number.is_some());
    if !lost.is_empty() {
        let outcomes = lost.into_iter().map(|claimed| {
            let settled = dead(engine, &claimed.version, cannot_be_found(&claimed));
            (claimed.version, settled)
        });
        engine.journal.settle(outcomes.collect()).await?;
    }
    for batch in findable.chunks(BATCH) {
        let outcomes = look_up(engine, scheme, target, batch).await?;
        engine.journal.settle(outcomes).await?;
    }
    Ok(())
}

async fn look_up(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    batch: &[ClaimedBill],
) -> Result<Vec<(crate::journal::BillVersion, Settled)>, EngineError> {
    let numbers: Vec<String> = batch.iter().filter_map(|claimed| claimed.number.clone()).collect();
    let other_request = super::deliver::other_request(target, &Variables::at(clock::now().as_second()))?;
    let connector = engine.snapshot.target_connector(scheme, target);
    let now_ms = clock::now_ms();
    let outcomes = match connector.find(target.plan.api(), &other_request, &numbers).await {
        Ok(found) => batch
            .iter()
            .zip(found)
            .map(|(claimed, found)| (claimed.version.clone(), decide(engine, target, claimed, found, now_ms)))
            .collect(),
        Err(failure) => {
            tracing::warn!(scheme = scheme.stem, bills = batch.len(), "look-up failed: {failure}");
            engine.progress.attempt_failed();
            batch
                .iter()
                .map(|claimed| {
                    let pause = retry::pause(&scheme.retry, claimed.attempts, failure.retry_after);
                    let look_up_due_ms = now_ms + retry::ms(pause);
                    (claimed.version.clone(), Settled::Uncertain { problem: problem(&failure), look_up_due_ms })
                })
                .collect()
        }
    };
    Ok(outcomes)
}

fn decide(engine: &Engine, target: &TargetSide, claimed: &ClaimedBill, found: Found, now_ms: i64) -> Settled {
    let again = |resume| Settled::Failed { problem: known(claimed, now_ms), due_ms: now_ms, resume };
    match (found, &claimed.intent) {
        (Found::Complete(_), Intent::Update(_)) => again(None),
        (Found::Complete(receipt), Intent::Create | Intent::Resume(_)) => {
            engine.progress.bill_done();
            Settled::Done(receipt)
        }
        (Found::Partial(resume), _) => again(Some(resume)),
        (Found::Absent, _) => {
            let since_ms = claimed.uncertain_since_ms.unwrap_or(now_ms);
            let believed_from_ms = since_ms + retry::ms(target.connection.settings().settle_after);
            if now_ms >= believed_from_ms {
                again(None)
            } else {
                Settled::Uncertain { problem: known(claimed, now_ms), look_up_due_ms: believed_from_ms }
            }
        }
    }
}

fn cannot_be_found(claimed: &ClaimedBill) -> Problem {
    let mut problem = known(claimed, clock::now_ms());
    problem.hint =
        Some("it cannot be looked up by number: see at the vendor whether it is there, then retry or drop it".into());
    problem
}

/// What is known of an uncertain bill's failure.
fn known(claimed: &ClaimedBill, now_ms: i64) -> Problem {
    claimed.problem.clone().unwrap_or_else(|| uncertain("nobody knows whether the vendor applied it", now_ms))
}

fn uncertain(message: &str, at_ms: i64) -> Problem {
    let kind = "uncertain".to_owned();
    Problem { kind, code: None, message: message.to_owned(), hint: None, at_ms, tables: Vec::new() }
}

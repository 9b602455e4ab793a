//! What became of a bill, from what became of its call.

use super::snapshot::Scheme;
use super::{Engine, problem, retry};
use crate::journal::{BillVersion, ClaimedBill, Problem, Settled};
use crate::observe::clock;
use crate::plugin::connector::Outcome;
use crate::plugin::{Failure, FailureKind};

/// How a misconfigured target stops the scheme.
#[derive(Debug)]
pub(super) struct Stop(pub(super) Failure);

/// Decides what became of a claimed bill, and whether the scheme has to stop.
pub(super) fn decide(
    engine: &Engine,
    scheme: &Scheme,
    claimed: &ClaimedBill,
    outcome: Outcome,
) -> (Settled, Option<Stop>) {
    let now_ms = clock::now_ms();
    let failure = match outcome {
        Outcome::Done(receipt) => {
            engine.progress.bill_done();
            return (Settled::Done(receipt), None);
        }
        Outcome::Failed(failure) => failure,
    };
    let again = |pause| Settled::Failed { problem: problem(&failure), due_ms: now_ms + retry::ms(pause), resume: None };
    match failure.kind {
        FailureKind::Transient | FailureKind::Throttled | FailureKind::Unauthorized => {
            let age_ms = now_ms - claimed.first_attempt_ms;
            if age_ms >= retry::ms(scheme.retry.max_age) {
                return (dead(engine, &claimed.version, too_old(problem(&failure), claimed)), None);
            }
            engine.progress.attempt_failed();
            report(scheme, claimed, &failure);
            (again(retry::pause(&scheme.retry, claimed.attempts, failure.retry_after)), None)
        }
        FailureKind::Rejected => (dead(engine, &claimed.version, problem(&failure)), None),
        FailureKind::Uncertain => {
            engine.progress.attempt_failed();
            report(scheme, claimed, &failure);
            (Settled::Uncertain { problem: problem(&failure), look_up_due_ms: now_ms }, None)
        }
        FailureKind::Misconfigured => {
            engine.progress.attempt_failed();
            (again(scheme.retry.most), Some(Stop(failure)))
        }
    }
}

/// A bill needs a person: said aloud, once.
pub(super) fn dead(engine: &Engine, version: &BillVersion, problem: Problem) -> Settled {
    announce_dead(engine, version, &problem);
    Settled::Dead(problem)
}

/// Dead bills of one run that are said one by one: when everything fails, it fails for the same few reasons.
const SAID_ONE_BY_ONE: u64 = 20;

/// Counts a dead bill and says why.
pub(super) fn announce_dead(engine: &Engine, version: &BillVersion, problem: &Problem) {
    engine.progress.bill_dead();
    let dead = engine.progress.now().dead;
    if dead == SAID_ONE_BY_ONE + 1 {
        tracing::error!("more bills are not delivered; from here on they are only counted");
    }
    if dead > SAID_ONE_BY_ONE {
        return;
    }
    let hint = problem.hint.as_deref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    let code = problem.code.as_deref().map(|code| format!("[{code}] ")).unwrap_or_default();
    tracing::error!(scheme = version.scheme, bill = version.bill, "not delivered: {code}{}{hint}", problem.message);
}

fn too_old(mut problem: Problem, claimed: &ClaimedBill) -> Problem {
    problem.message = format!("given up after {} attempts: {}", claimed.attempts, problem.message);
    problem
}

fn report(scheme: &Scheme, claimed: &ClaimedBill, failure: &Failure) {
    tracing::warn!(
        scheme = scheme.stem,
        bill = claimed.version.bill,
        attempts = claimed.attempts,
        kind = failure.kind.name(),
        "attempt failed: {failure}"
    );
}

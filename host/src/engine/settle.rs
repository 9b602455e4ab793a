//! What became of a bill, from what became of its call.

use std::time::Duration;

use super::snapshot::Scheme;
use super::{Engine, problem, retry};
use crate::journal::{BillVersion, ClaimedBill, Intent, Problem, Receipt, Settled};
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
    let (failure, resume, there) = match outcome {
        Outcome::Done(receipt) => {
            engine.progress.bill_done();
            return (Settled::Done(receipt), None);
        }
        // What was half done stays half done.
        Outcome::Failed(failure) => match &claimed.intent {
            Intent::Resume(resume) => (failure, Some(resume.clone()), None),
            Intent::Create | Intent::Update(_) => (failure, None, None),
        },
        Outcome::Partial(half_done, failure) => (failure, Some(half_done.resume), Some(half_done.receipt)),
    };
    let now_ms = clock::now_ms();
    let problem = problem(&failure);
    match failure.kind {
        FailureKind::Rejected => (dead(engine, scheme, &claimed.version, problem, resume, there), None),
        FailureKind::Misconfigured => {
            engine.progress.attempt_failed();
            // The scheme stops. When it is tried again, or was mended, those that have waited longer go first.
            (Settled::Failed { problem, due_ms: now_ms, resume, there }, Some(Stop(failure)))
        }
        // An update by the vendor's id does no harm twice, and what the vendor has is known: there is nothing to look up.
        FailureKind::Uncertain if there.is_none() && !matches!(claimed.intent, Intent::Update(_)) => {
            engine.progress.attempt_failed();
            report(scheme, claimed, &failure);
            (Settled::Uncertain { problem, look_up_due_ms: now_ms }, None)
        }
        FailureKind::Uncertain | FailureKind::Transient | FailureKind::Throttled | FailureKind::Unauthorized => {
            report(scheme, claimed, &failure);
            (again(engine, scheme, claimed, problem, failure.retry_after, resume, there), None)
        }
    }
}

/// Sends a bill again after a pause that grows with its attempts, or gives it up when it is too old.
pub(super) fn again(
    engine: &Engine,
    scheme: &Scheme,
    claimed: &ClaimedBill,
    mut problem: Problem,
    retry_after: Option<Duration>,
    resume: Option<String>,
    there: Option<Receipt>,
) -> Settled {
    let now_ms = clock::now_ms();
    if now_ms - claimed.first_attempt_ms >= retry::ms(scheme.retry.max_age) {
        problem.message = format!("given up after {} attempts: {}", claimed.attempts, problem.message);
        return dead(engine, scheme, &claimed.version, problem, resume, there);
    }
    engine.progress.attempt_failed();
    let pause = retry::pause(&scheme.retry, claimed.attempts, retry_after);
    Settled::Failed { problem, due_ms: now_ms + retry::ms(pause), resume, there }
}

/// A bill needs a person: said aloud, once.
fn dead(
    engine: &Engine,
    scheme: &Scheme,
    version: &BillVersion,
    mut problem: Problem,
    resume: Option<String>,
    there: Option<Receipt>,
) -> Settled {
    problem.depends_on = engine.snapshot.dependencies(scheme);
    announce(engine, &version.scheme, &version.bill, &problem);
    engine.progress.bill_dead();
    Settled::Dead { problem, resume, there }
}

/// Says why a bill needs a person. When everything fails, it fails for the same few reasons: only the first of a run of
/// deliveries are said one by one.
pub(super) fn announce(engine: &Engine, scheme: &str, bill: &str, problem: &Problem) {
    const SAID_ONE_BY_ONE: u64 = 20;
    let said = engine.progress.say_one_more();
    if said == SAID_ONE_BY_ONE {
        tracing::error!(scheme, "more bills are not delivered; from here on they are only counted");
    }
    if said >= SAID_ONE_BY_ONE {
        return;
    }
    let hint = problem.hint.as_deref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    let code = problem.code.as_deref().map(|code| format!("[{code}] ")).unwrap_or_default();
    tracing::error!(scheme, bill, "not delivered: {code}{}{hint}", problem.message);
}

fn report(scheme: &Scheme, claimed: &ClaimedBill, failure: &Failure) {
    let (bill, attempts, kind) = (&claimed.version.bill, claimed.attempts, failure.kind.name());
    // A vendor that is down is said once, not of each bill.
    if scheme.target.as_ref().is_some_and(|target| target.connection.awaits_probe()) {
        tracing::debug!(scheme = scheme.stem, bill, attempts, kind, "attempt failed: {failure}");
    } else {
        tracing::warn!(scheme = scheme.stem, bill, attempts, kind, "attempt failed: {failure}");
    }
}

/// What becomes of a claimed bill of which nothing was sent, through no fault of its own: it is due at once, when whatever
/// held it back is over.
pub(super) fn unsent(claimed: &ClaimedBill, failure: &Failure) -> Settled {
    let resume = match &claimed.intent {
        Intent::Resume(resume) => Some(resume.clone()),
        Intent::Create | Intent::Update(_) => None,
    };
    Settled::Failed { problem: problem(failure), due_ms: clock::now_ms(), resume, there: None }
}

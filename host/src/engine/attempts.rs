//! Attempts as the journal keeps them: what a person sees who asks why a bill is not there, or what it was sent as.

use std::time::Duration;

use super::{Engine, retry};
use crate::journal::{Attempt, AttemptResult, AttemptStep, BillVersion, Exchange};
use crate::observe::clock;
use crate::plugin::Failure;
use crate::plugin::connector::{Found, Outcome};

/// One call to a vendor, as it was seen.
pub(super) struct Called {
    /// What it did.
    pub(super) step: AttemptStep,
    /// Its requests and their answers.
    pub(super) exchanges: Vec<Exchange>,
    /// How long it took.
    pub(super) took: Duration,
}

impl Called {
    /// The attempts that the call was for its bills; none, if none are to be kept. The first of them keeps the requests.
    pub(super) fn attempts<'b>(
        self,
        engine: &Engine,
        results: impl Iterator<Item = (&'b BillVersion, AttemptResult)>,
    ) -> Vec<Attempt> {
        if engine.snapshot.keep_attempts.is_zero() {
            return Vec::new();
        }
        let Self { step, mut exchanges, took } = self;
        let at_ms = clock::now_ms();
        let took_ms = u64::try_from(retry::ms(took)).unwrap_or(0);
        let mut keeper: Option<BillVersion> = None;
        results
            .map(|(version, result)| {
                let with = keeper.clone();
                keeper.get_or_insert_with(|| version.clone());
                let exchanges = std::mem::take(&mut exchanges);
                Attempt { version: version.clone(), step, at_ms, took_ms, result, exchanges, with }
            })
            .collect()
    }
}

/// What came of a write.
pub(super) fn of_outcome(outcome: &Outcome) -> AttemptResult {
    match outcome {
        Outcome::Done(_) => AttemptResult::Done,
        Outcome::Failed(failure) | Outcome::Partial(_, failure) => failed(failure),
    }
}

/// What came of a look-up.
pub(super) fn of_look_up(found: &Result<Found, Failure>) -> AttemptResult {
    match found {
        Ok(Found::Absent) => AttemptResult::Absent,
        Ok(Found::Partial(_)) => AttemptResult::HalfDone,
        Ok(Found::Complete(_)) => AttemptResult::Done,
        Err(failure) => failed(failure),
    }
}

fn failed(failure: &Failure) -> AttemptResult {
    AttemptResult::Failed {
        kind: failure.kind.name().to_owned(),
        code: failure.code.clone(),
        message: failure.message.clone(),
    }
}

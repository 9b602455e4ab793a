//! The life of a row: what happens to it, in what order, and what is made of failures.
//!
//! ```text
//! schedule/once → scan → shape → (journal) → deliver: map → find → claim → send → settle
//!                                    ↑                                         │
//!                                    └───────────── retry, look_up ────────────┘
//! ```
//!
//! * [`snapshot`] is everything that serves at a time: plugins, tables, connections, schemes as plans. Whoever works holds
//!   one from beginning to end.
//! * [`scan`] passes over a source's window, page by page; [`shape`] makes stored rows of fetched ones.
//! * [`deliver`] takes ready bills through [`mapping`], claims them, sends them; [`settle`] decides what became of them,
//!   and [`look_up`] asks the vendor where nobody knows.
//! * [`once`] and [`serve`] decide when; [`check`] which scheme goes first; [`retry`] how long to wait.
//!
//! Invariants:
//! * Nothing but this room changes what became of a bill.
//! * Nothing is sent that is not claimed, and the claim says whether it creates or updates: after a crash the same is done
//!   again, never guessed.
//! * What is uncertain is looked up before anything of that bill is sent again.

pub mod check;
pub mod deliver;
mod look_up;
mod mapping;
pub mod once;
pub mod progress;
mod retry;
pub mod scan;
pub mod serve;
mod settle;
mod shape;
pub mod snapshot;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::{Journal, JournalError, Problem};
use crate::observe::clock;
use crate::plugin::{Failure, FailureKind};

pub use progress::Progress;
pub use snapshot::{Scheme, Snapshot};

/// What the engine works with.
#[derive(Clone)]
pub struct Engine {
    /// Everything that serves.
    pub snapshot: Arc<Snapshot>,
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// What a person watches.
    pub progress: Arc<Progress>,
    /// True when the host is to stop: no new work is begun.
    pub stop: watch::Receiver<bool>,
}

impl Engine {
    /// Whether the host is to stop.
    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sleeps; `Stopping` if told to stop meanwhile.
    async fn sleep(&self, duration: Duration) -> Result<(), EngineError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            Ok(_) = stop.wait_for(|stop| *stop) => Err(EngineError::Stopping),
        }
    }
}

/// Why a scheme's work ended before it was done. What is in the journal stays there; the next run goes on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The source or the target failed.
    #[error("{0}")]
    Failure(Failure),
    /// The scheme's metadata cannot be rendered, or its rows have no id.
    #[error("{0}")]
    Scheme(String),
    /// The host is to stop.
    #[error("stopped before it was done; the next run goes on")]
    Stopping,
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// A failure as the journal keeps it.
fn problem(failure: &Failure) -> Problem {
    Problem {
        kind: failure.kind.name().to_owned(),
        code: failure.code.clone(),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
        at_ms: clock::now_ms(),
        tables: Vec::new(),
    }
}

/// Whether trying again later can help.
fn may_pass(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Transient | FailureKind::Throttled | FailureKind::Unauthorized | FailureKind::Uncertain)
}

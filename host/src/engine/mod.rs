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
//!   and [`look_up`] asks the vendor where nobody knows. What a written bill passes on to other schemes is stored with its
//!   settling ([`write_back`]).
//! * [`reload`] makes another snapshot when the project's folder changes, and [`take_over`] puts what the journal holds of a
//!   scheme in step with it.
//! * [`indexing`] builds the indexes that lookups need, beside everything else.
//! * [`preview`] shows what would become of a few rows, and leaves no trace.
//! * [`records`] shows bills to a person and carries out what is decided of them; `attempts` is what they are shown; `by_hand`
//!   is what a person does about a scheme.
//! * [`backfill`] takes a person's wish to scan a chosen window.
//! * [`standstill`] is what stands in the way of schemes, for people who ask.
//! * [`once`] and [`serve`] decide when, [`due`] by which time; [`check`] which scheme goes first; [`retry`] how long to wait;
//!   [`window`] from when on.
//!
//! Invariants:
//! * Nothing but this room changes what became of a bill.
//! * Nothing is sent that is not claimed, and the claim says whether it creates or updates: after a crash the same is done
//!   again, never guessed.
//! * What is uncertain is looked up before anything of that bill is sent again.

mod attempts;
pub mod backfill;
mod by_hand;
pub mod check;
pub mod deliver;
mod due;
mod indexing;
mod look_up;
mod mapping;
pub mod once;
pub mod preview;
pub mod progress;
pub mod records;
pub mod reload;
mod retention;
mod retry;
pub mod scan;
pub mod serve;
mod settle;
mod shape;
pub mod snapshot;
pub mod standstill;
pub mod status;
mod supervise;
mod take_over;
mod window;
mod write_back;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::capability::Unavailable;
use crate::journal::{Journal, JournalError, Problem};
use crate::observe::clock;
use crate::plugin::{Failure, FailureKind};

pub use progress::Progress;
pub use snapshot::{Scheme, Snapshot};
pub use standstill::Standstills;

/// What one piece of work is done with: it holds one snapshot from beginning to end.
#[derive(Clone)]
pub struct Engine {
    /// Everything that served when the work began.
    pub snapshot: Arc<Snapshot>,
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// What a person watches.
    pub progress: Arc<Progress>,
    /// What stands in the way of schemes.
    pub standstills: Standstills,
    serving: watch::Receiver<Arc<Snapshot>>,
    in_step: take_over::InStep,
    windows: window::Windows,
    /// Rows came that other schemes may wait for, or have to deliver: by a scan, or by a delivery that writes back.
    arrived: Arc<Notify>,
    /// A person has done something that work may have waited for.
    by_hand: Arc<Notify>,
    indexing: indexing::Indexing,
    /// A backfill was asked for.
    asked: Arc<Notify>,
    /// True when the host is to stop: no new work is begun.
    stop: watch::Receiver<bool>,
}

impl Engine {
    /// An engine that begins each piece of work with what is `serving` by then.
    pub fn new(
        serving: watch::Receiver<Arc<Snapshot>>,
        journal: Arc<dyn Journal>,
        progress: Arc<Progress>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let snapshot = Arc::clone(&serving.borrow());
        let (in_step, indexing) = (take_over::InStep::default(), indexing::Indexing::default());
        Self {
            snapshot,
            journal,
            progress,
            standstills: Standstills::default(),
            serving,
            in_step,
            windows: window::Windows::default(),
            arrived: Arc::default(),
            by_hand: Arc::default(),
            indexing,
            asked: Arc::default(),
            stop,
        }
    }

    /// The same engine, for the next piece of work.
    #[must_use]
    pub fn refreshed(&self) -> Self {
        let snapshot = Arc::clone(&self.serving.borrow());
        Self { snapshot, ..self.clone() }
    }

    /// The same engine and a scheme as they serve now; `Removed` if the scheme does no more.
    fn refreshed_with(&self, stem: &str) -> Result<(Self, Arc<Scheme>), EngineError> {
        let engine = self.refreshed();
        let scheme = engine.snapshot.scheme(stem).cloned().ok_or(EngineError::Removed)?;
        Ok((engine, scheme))
    }

    /// Whether something else serves by now.
    fn is_stale(&self) -> bool {
        !Arc::ptr_eq(&self.serving.borrow(), &self.snapshot)
    }

    /// Waits until something else serves than what this engine holds.
    async fn replaced(&self) {
        let mut serving = self.serving.clone();
        let other = serving.wait_for(|serving| !Arc::ptr_eq(serving, &self.snapshot)).await.is_ok();
        if !other {
            // Nobody will replace it any more.
            std::future::pending::<()>().await;
        }
    }

    /// Whether the host is to stop.
    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until a connection may be used again, or something else serves. An error if that is not before `until`.
    async fn wait_out(&self, unavailable: Unavailable, until: Option<Instant>) -> Result<(), EngineError> {
        if until.is_some_and(|until| Instant::now() + unavailable.lasts >= until) {
            return Err(EngineError::Unavailable(unavailable));
        }
        match self.sleep_unless_replaced(unavailable.lasts).await {
            Slept::Stopping => Err(EngineError::Stopping),
            Slept::Whole | Slept::Replaced => Ok(()),
        }
    }

    /// Sleeps, unless something else serves meanwhile or the host is to stop.
    async fn sleep_unless_replaced(&self, duration: Duration) -> Slept {
        tokio::select! {
            slept = self.sleep(duration) => if slept.is_ok() { Slept::Whole } else { Slept::Stopping },
            () = self.replaced() => Slept::Replaced,
        }
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

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slept {
    Whole,
    Replaced,
    Stopping,
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
    /// Nothing is sent over a connection for some time. Bills and pages wait as they are.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The scheme's metadata cannot be rendered, or its rows have no id.
    #[error("{0}")]
    Scheme(String),
    /// A fault of the host's own cut work off. What was claimed is looked up.
    #[error("{0}")]
    BrokenOff(String),
    /// The scan was ended with what it had; its window comes again.
    #[error("{0}")]
    GivenUp(String),
    /// The scheme's file was removed, or it cannot run any more.
    #[error("the scheme was removed; what is in the journal stays")]
    Removed,
    /// Bills of an earlier grouping may still be at the vendor.
    #[error(
        "rows are grouped into other bills now, and bills that may be at the vendor have to be settled first\n  hint: they are looked up by themselves; until then nothing is scanned or sent; what cannot be looked up is settled with the old merge key (or target) put back"
    )]
    Regrouping,
    /// Bills look rows up by an index that is not built yet. They are as they were.
    #[error("bills wait for an index that is being built: {0}")]
    Unindexed(JournalError),
    /// A person has paused the scheme.
    #[error("paused\n  hint: `qiao scheme resume` lets it go on")]
    Paused,
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
        depends_on: Vec::new(),
    }
}

/// Whether trying again later can help.
fn may_pass(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Transient | FailureKind::Throttled | FailureKind::Unauthorized | FailureKind::Uncertain)
}

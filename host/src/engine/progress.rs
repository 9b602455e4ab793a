//! What a person watches while the engine works: counters that only grow.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one run, over all schemes.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    new: AtomicU64,
    done: AtomicU64,
    failures: AtomicU64,
    dead: AtomicU64,
    said: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressNow {
    /// Rows read.
    pub rows: u64,
    /// Rows new or changed.
    pub new: u64,
    /// Bills delivered.
    pub done: u64,
    /// Attempts that failed and are made again.
    pub failures: u64,
    /// Bills that need a person.
    pub dead: u64,
}

impl Progress {
    pub(super) fn page_stored(&self, rows: u64, new: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.new.fetch_add(new, Ordering::Relaxed);
    }

    pub(super) fn bill_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn attempt_failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bill_dead(&self) {
        self.dead.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a bill that is said to need a person, and returns how many were said before it since the last delivery began.
    pub(super) fn say_one_more(&self) -> u64 {
        self.said.fetch_add(1, Ordering::Relaxed)
    }

    /// A delivery begins: what needs a person is said again.
    pub(super) fn delivery_begins(&self) {
        self.said.store(0, Ordering::Relaxed);
    }

    /// The counters now.
    pub fn now(&self) -> ProgressNow {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProgressNow {
            rows: read(&self.rows),
            new: read(&self.new),
            done: read(&self.done),
            failures: read(&self.failures),
            dead: read(&self.dead),
        }
    }
}

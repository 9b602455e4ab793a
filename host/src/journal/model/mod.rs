//! What the journal is told and what it tells: scans and their pages, rows, versions of bills, receipts, problems, and the
//! books. Plain data; what of it is stored is part of the store's format.

mod attempts;
mod backfill;
mod bills;
mod interventions;
mod pages;
mod rows;

use serde::{Deserialize, Serialize};

pub use attempts::{Attempt, AttemptResult, AttemptStep, Excerpt, Exchange};
pub use backfill::{Backfill, NewBackfill};
pub use bills::{
    BillLine, BillVersion, ClaimToMake, ClaimedBill, Dependency, Intent, Problem, ReadyBill, Receipt, SetAside,
    Settled, Status,
};
pub use interventions::{BillState, Intervened, Intervention, PendingBill};
pub use pages::KnownPages;
pub use rows::{
    FoundRow, IndexFields, NewScan, OnChange, PageRef, PageStored, PageToStore, RefusedRow, RestageSettings, Restaged,
    RowToStore, RowsBrought, Scan, ScanKind, Trail,
};

/// The books of one scheme, since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows read.
    pub rows: u64,
    /// Rows new or changed.
    pub new: u64,
    /// Rows skipped.
    pub skipped: u64,
    /// Versions of bills made.
    pub bills: u64,
    /// Versions delivered.
    pub done: u64,
    /// Versions that will be retried.
    pub failed: u64,
    /// Versions that need a person.
    pub dead: u64,
    /// Versions not yet sent.
    pub waiting: u64,
    /// Versions that may have reached the vendor.
    pub claimed: u64,
    /// Versions that a newer one replaced before they were delivered.
    pub superseded: u64,
}

impl Counts {
    /// Whether the books balance.
    pub fn balance(&self) -> bool {
        self.rows == self.new + self.skipped
            && self.bills == self.done + self.failed + self.dead + self.waiting + self.claimed + self.superseded
    }
}

/// Where a scheme stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeState {
    /// The end of the last finished scheduled scan's window, Unix seconds.
    pub last_sync: Option<i64>,
    /// When the last finished scan began, Unix milliseconds.
    pub last_finished_scan_begun_ms: Option<i64>,
    /// The scan under way.
    pub scan: Option<Scan>,
    /// The last backfill that was asked for.
    pub backfill: Option<Backfill>,
    /// Since when a person has it paused, Unix milliseconds.
    pub paused_ms: Option<i64>,
    /// How rows are grouped into bills ([`Journal::regroup`](super::Journal::regroup)); `None`: nobody has said so far.
    pub grouping: Option<String>,
    /// The store has lost something: bills of the scheme may have been sent of which the journal knows nothing. One that was
    /// never delivered is to be looked up before it is created.
    pub in_doubt: bool,
    /// The books.
    pub counts: Counts,
}

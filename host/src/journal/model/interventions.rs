//! What a person does about a bill.

use serde::{Deserialize, Serialize};

use super::{BillVersion, ClaimedBill, Problem, Receipt, Status};

/// What a person decides of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intervention {
    /// Try it now, as if for the first time. An uncertain one is looked up now.
    Retry,
    /// An uncertain one is surely not at the vendor: send it.
    RetryAbsent,
    /// Give up what is pending or uncertain of it. Its rows stay collected: when one of them changes there is a new version.
    Drop,
    /// An uncertain one is at the vendor, under this id.
    Delivered {
        /// The vendor's internal id, by which the next version updates it.
        id: String,
    },
}

/// What came of a person's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intervened {
    /// It is so.
    Done,
    /// There is no such bill.
    Unknown,
    /// Nothing of it is pending: its latest version was delivered, or given up.
    Settled,
    /// It is being sent at this moment.
    UnderWay,
    /// Only for a bill of which nobody knows whether the vendor has it; this one is not.
    NotUncertain,
    /// A stage refused one of its rows: it comes alive when the stage, or the row, is another.
    RefusedRow,
}

/// All that is known of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillState {
    /// Its latest version.
    pub version: BillVersion,
    /// Versions delivered.
    pub done: u32,
    /// Versions that were replaced or given up before they were delivered.
    pub superseded: u32,
    /// The latest version, if it is not yet sent.
    pub pending: Option<PendingBill>,
    /// A version that may have reached the vendor.
    pub claim: Option<ClaimedBill>,
    /// The version delivered last, and the vendor's receipt of it.
    pub delivered: Option<(u32, Receipt)>,
}

/// A version that is not yet sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingBill {
    /// What it is.
    pub status: Status,
    /// Attempts made.
    pub attempts: u32,
    /// When it may be sent, Unix milliseconds.
    pub due_ms: Option<i64>,
    /// The collection that it waits for.
    pub waits_for: Option<String>,
    /// A stage refused one of its rows.
    pub has_refused_row: bool,
    /// What went wrong last.
    pub problem: Option<Problem>,
}

impl BillState {
    /// What its latest version is: delivered, if nothing is pending or claimed.
    pub fn status(&self) -> Status {
        match (&self.pending, &self.claim) {
            (Some(pending), _) => pending.status,
            (None, Some(_)) => Status::Claimed,
            (None, None) => Status::Done,
        }
    }
}

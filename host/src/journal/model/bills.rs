//! Bills: what is to be sent, what is claimed, and what became of it.

use serde::{Deserialize, Serialize};

/// The vendor's receipt of a delivered bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The vendor's internal id.
    pub id: Option<String>,
    /// The number that people see.
    pub number: Option<String>,
    /// The vendor's reply: JSON text.
    pub reply: String,
}

/// What went wrong with a bill, for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The failure's kind, as the contract names it, or the host's own: `rejected`, `transient`, `mapping` ….
    pub kind: String,
    /// The vendor's own code.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// What it may have come of, so that a change of it may mend it ([`Journal::revive`](super::super::Journal::revive)).
    pub depends_on: Vec<Dependency>,
}

/// Something that a problem may have come of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dependency {
    /// What: `table:material_code`, `scheme:products`, `plugin:transforms`.
    pub name: String,
    /// The digest of what was seen of it when the problem arose.
    pub digest: String,
}

/// Names a version of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BillVersion {
    /// The scheme.
    pub scheme: String,
    /// The merge key, or the row's id.
    pub bill: String,
    /// Counts up per bill, from 1.
    pub version: u32,
}

/// A pending version that may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyBill {
    /// Which.
    pub version: BillVersion,
    /// Earlier attempts of this version.
    pub attempts: u32,
    /// When its first attempt was made, Unix milliseconds.
    pub first_attempt_ms: Option<i64>,
    /// When the scan that made it began, Unix milliseconds.
    pub scan_begun_ms: i64,
    /// The receipt of the version delivered last: this one updates it.
    pub delivered: Option<Receipt>,
    /// What a look-up found half done: go on from there. JSON text.
    pub resume: Option<String>,
    /// It may have been sent before, and the journal does not know it any more ([`SchemeState::in_doubt`](super::SchemeState)).
    pub in_doubt: bool,
}

/// How a bill is written. Fixed in the claim, so that after a crash the same is done again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// It is not there: create it. If it is found later, this claim created it.
    Create,
    /// It is there: update it by the vendor's id. Doing so twice does no harm.
    Update(Receipt),
    /// It is there, half done: go on from this. JSON text.
    Resume(String),
}

/// A claim to record before anything is sent.
#[derive(Clone, Debug)]
pub struct ClaimToMake {
    /// Which version.
    pub version: BillVersion,
    /// How it is written.
    pub intent: Intent,
    /// The number to find it by.
    pub number: Option<String>,
    /// The mapped bill: JSON text.
    pub payload: String,
    /// The digest of the plugin that is to send it.
    pub plugin_digest: String,
}

/// A version that may have reached the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedBill {
    /// Which version.
    pub version: BillVersion,
    /// How it is written.
    pub intent: Intent,
    /// The number to find it by.
    pub number: Option<String>,
    /// The mapped bill: JSON text.
    pub payload: String,
    /// The digest of the plugin that sends it.
    pub plugin_digest: String,
    /// When it was claimed, Unix milliseconds.
    pub claimed_ms: i64,
    /// Attempts of this version, this one included.
    pub attempts: u32,
    /// When its first attempt was made, Unix milliseconds.
    pub first_attempt_ms: i64,
    /// When the scan that made it began, Unix milliseconds.
    pub scan_begun_ms: i64,
    /// Since when it is uncertain whether the vendor applied it, Unix milliseconds; `None`: it is under way.
    pub uncertain_since_ms: Option<i64>,
    /// When to look it up, Unix milliseconds.
    pub look_up_due_ms: Option<i64>,
    /// What is known of its failure.
    pub problem: Option<Problem>,
    /// The receipt of the version delivered last.
    pub delivered: Option<Receipt>,
}

/// What became of a claimed bill.
#[derive(Clone, Debug)]
pub enum Settled {
    /// The vendor has it.
    Done(Receipt),
    /// The vendor surely has not applied it: it is sent again when due. Superseded if there is a newer version.
    Failed {
        /// Why.
        problem: Problem,
        /// When to try again, Unix milliseconds.
        due_ms: i64,
        /// Go on from there. JSON text.
        resume: Option<String>,
        /// The vendor has the bill, though not this version of it whole: from now on it is updated, not created.
        there: Option<Receipt>,
    },
    /// It needs a person. Superseded if there is a newer version.
    Dead {
        /// Why.
        problem: Problem,
        /// Go on from there, if it is ever tried again. JSON text.
        resume: Option<String>,
        /// The vendor has the bill, though not this version of it whole: from now on it is updated, not created.
        there: Option<Receipt>,
    },
    /// Nobody knows: it stays claimed, to be looked up when due.
    Uncertain {
        /// Why.
        problem: Problem,
        /// When to look it up, Unix milliseconds.
        look_up_due_ms: i64,
    },
}

/// What became of a pending bill that could not be sent at all.
#[derive(Clone, Debug)]
pub enum SetAside {
    /// It needs a person, or another table.
    Dead(Problem),
    /// It is tried again when due. That was an attempt; but a dead one begins anew, with none.
    Failed {
        /// Why.
        problem: Problem,
        /// When, Unix milliseconds.
        due_ms: i64,
    },
    /// It waits until this collection's scheme completes a scan; if one was completed since the row was looked for, it is
    /// due at once.
    Blocked {
        /// The scheme whose row is missing.
        collection: String,
        /// When the last scan of it that was complete as the row was looked for began, Unix milliseconds.
        looked_in_ms: Option<i64>,
        /// What is missing.
        problem: Problem,
    },
    /// It is delivered as it is: nothing to send (`on_existing: skip`).
    Done(Receipt),
}

/// What a pending version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not yet sent.
    Waiting,
    /// May have reached the vendor.
    Claimed,
    /// Delivered.
    Done,
    /// Will be retried.
    Failed,
    /// Needs a person.
    Dead,
}

impl Status {
    /// Its name, as people and programs are shown it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

/// One line of a list of bills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// Which.
    pub version: BillVersion,
    /// What it is.
    pub status: Status,
    /// Attempts made.
    pub attempts: u32,
    /// When it is due, Unix milliseconds.
    pub due_ms: Option<i64>,
    /// The last thing that went wrong with it.
    pub problem: Option<Problem>,
    /// The receipt of the version delivered last.
    pub delivered: Option<Receipt>,
}

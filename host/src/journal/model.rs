//! What the journal is told and what it tells: scans and their pages, rows, versions of bills, receipts, problems, and the
//! books. Plain data; what of it is stored is part of the store's format.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A page of a scan, as the connector names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PageRef {
    /// 0 for the first page; each index once per scan.
    pub index: u32,
    /// Rows before this page.
    pub start_row: u64,
    /// The connector's own note.
    pub cursor: Option<String>,
}

/// Why a scan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScanKind {
    /// By schedule: moves the scheme's `last_sync` when it is finished.
    Scheduled,
    /// By a person, over a window of their own.
    Backfill,
}

/// One pass of a source over a time window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// Counts up per scheme, from 1.
    pub id: u64,
    /// Why it is made.
    pub kind: ScanKind,
    /// Where its window begins, Unix seconds; `None`: no beginning.
    pub window_start: Option<i64>,
    /// Where its window ends, Unix seconds.
    pub window_end: i64,
    /// When it began, Unix milliseconds.
    pub begun_ms: i64,
    /// Pages that are known and not yet stored. Empty: every page is stored, and the scan can be finished.
    pub open_pages: Vec<PageRef>,
    /// Indexes of all pages ever named, so that a page that is announced twice is fetched once.
    pub known_pages: BTreeSet<u32>,
    /// Pages stored.
    pub pages_stored: u32,
    /// Rows stored, skipped ones included.
    pub rows: u64,
}

/// A scan to begin.
#[derive(Clone, Debug)]
pub struct NewScan {
    /// Why it is made.
    pub kind: ScanKind,
    /// Where its window begins, Unix seconds.
    pub window_start: Option<i64>,
    /// Where its window ends, Unix seconds.
    pub window_end: i64,
    /// Now, Unix milliseconds.
    pub begun_ms: i64,
    /// The first page.
    pub first_page: PageRef,
}

/// A row to store.
#[derive(Clone, Debug)]
pub struct RowToStore {
    /// Its id within the scheme.
    pub id: String,
    /// Tells whether its content changed.
    pub digest: [u8; 16],
    /// The bill it belongs to: the merge key, or the row's id where nothing is merged.
    pub bill: String,
    /// The row: a JSON object.
    pub json: Vec<u8>,
    /// Values by which lookups find it, one per entry of [`PageToStore::indexes`], in that order; `None`: the row has
    /// not all of the index's fields.
    pub index_values: Vec<Option<Vec<String>>>,
}

/// What a row whose id is known and whose content changed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChange {
    /// `idCheck: true`: it is skipped and counted; the collection keeps the row it has.
    Skip,
    /// `idCheck: false`: it is stored, and its bill is delivered again.
    Redeliver,
}

/// The fields by which a lookup finds rows of a collection, in the order of its `where`.
pub type IndexFields = Vec<String>;

/// A page of rows, and what it means for its scan.
#[derive(Clone, Debug)]
pub struct PageToStore {
    /// The scheme (its file's stem).
    pub scheme: String,
    /// The scan that fetched it.
    pub scan: u64,
    /// Which of the scan's open pages this is.
    pub page: PageRef,
    /// Pages that may be fetched now; those already known are ignored.
    pub next: Vec<PageRef>,
    /// The rows, in order.
    pub rows: Vec<RowToStore>,
    /// What to do with changed rows.
    pub on_change: OnChange,
    /// The scheme has a target: its rows make bills.
    pub makes_bills: bool,
    /// Rows of one merge key make one bill, which is sealed when the scan is finished. False: every row is its own bill,
    /// ready at once.
    pub merges: bool,
    /// A scan that returns any row of a bill returns all of its rows: collected rows of that bill that no page of the scan
    /// has are gone when it is finished. Holds only where every page of the scan says so, and with `makes_bills` and
    /// `merges`.
    pub complete_bills: bool,
    /// The collection's indexes.
    pub indexes: Vec<IndexFields>,
}

/// What became of a page's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageStored {
    /// Rows given.
    pub rows: u64,
    /// Rows that are new, or whose content changed and is delivered again.
    pub new: u64,
    /// Rows that were skipped.
    pub skipped: u64,
}

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
    /// Mapping tables whose change may mend it.
    pub tables: Vec<String>,
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
    /// It waits until this collection's scheme completes a scan; if one that began after the bill's own is completed by
    /// now, it is due at once.
    Blocked {
        /// The scheme whose row is missing.
        collection: String,
        /// What is missing.
        problem: Problem,
    },
    /// It is delivered as it is: nothing to send (`on_existing: skip`).
    Done(Receipt),
}

/// What a pending version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The books.
    pub counts: Counts,
}

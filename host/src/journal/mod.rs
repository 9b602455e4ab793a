//! The durable record of scans, rows and bills.
//!
//! Two traits are all that the engine knows of durability: [`Journal`], the life of rows and bills, and [`State`], the
//! key-value store that plugins are lent. Both are asynchronous and assume nothing about who else uses the store, so that
//! a clustered backend can take the place of the embedded one ([`SledStore`]).
//!
//! # What is recorded
//!
//! A **row** of a scheme is kept under its id, the latest version only (the *collection*). It stays, whatever later scans
//! return, unless bills are known to come whole ([`PageToStore::complete_bills`]). A **bill** is the rows of one merge key,
//! or one row. A bill has at most two versions that matter:
//!
//! * the **pending** one: the newest, not yet sent; waiting, failed (will be retried) or dead (needs a person);
//! * the **claimed** one: it may have reached the vendor, and nothing newer of that bill is sent until it is settled.
//!
//! A new version takes the place of a pending one, which is thereby *superseded*; a claimed one is never replaced. What
//! was delivered leaves its receipt, by which the next version updates it instead of creating it again.
//!
//! Every method that changes something is one synced commit: when it returns, the change survives `kill -9`.
//!
//! # The books
//!
//! `rows = skipped + new` and `bills = done + dead + failed + waiting + claimed + superseded` hold after every commit
//! ([`Counts`]); the counts are part of the same commits.

mod audit;
mod bill;
mod bills;
mod books;
mod collection;
mod key;
mod kv;
mod lookups;
mod record;
mod scans;
mod sled_store;
mod txn;
mod vanished;
mod writer;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use sled_store::SledStore;

/// Why the journal did not do something. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has the state folder open.
    #[error(
        "the state folder `{path}` is in use by another process\n  hint: a host that runs on this project holds it; stop that one first"
    )]
    InUse {
        /// The folder.
        path: String,
    },
    /// The store was written by another version of Qiao.
    #[error("the state folder `{path}` has format {found}, this build reads format {expected}")]
    Format {
        /// The folder.
        path: String,
        /// What it has.
        found: u32,
        /// What this build reads.
        expected: u32,
    },
    /// A record does not read back as it was written.
    #[error("the journal holds a damaged record under `{key}`: {reason}")]
    Damaged {
        /// Its key, printable.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system or the store failed: a full disk, a lost volume.
    #[error("the journal could not be {action}: {reason}")]
    Store {
        /// `opened`, `written`, `read`.
        action: &'static str,
        /// The store's own words.
        reason: String,
    },
    /// A scan, bill or version that is not what the journal has. A programming error, or another process's doing.
    #[error("the journal has moved on: {0}")]
    Conflict(String),
}

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

/// The life of rows and bills.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Where a scheme stands; an unknown scheme stands at the beginning.
    async fn scheme(&self, scheme: &str) -> Result<SchemeState, JournalError>;

    /// Schemes that the journal knows.
    async fn schemes(&self) -> Result<Vec<String>, JournalError>;

    /// Begins a scan. A scheme has at most one at a time: `Conflict` if one is under way.
    async fn begin_scan(&self, scheme: &str, scan: NewScan) -> Result<Scan, JournalError>;

    /// Stores a page: its rows enter the collection, their bills are noted, and the scan moves on. `Conflict` if the scan
    /// is not under way or never named the page; a page that is stored already is ignored and counts nothing. An index
    /// that the page does not name has to be ensured again before it serves lookups.
    async fn store_page(&self, page: PageToStore) -> Result<PageStored, JournalError>;

    /// Ends a scan whose pages are all stored: rows that have vanished leave the collection
    /// ([`PageToStore::complete_bills`]), its bills are sealed and become ready, and `last_sync` moves on (for a scheduled
    /// scan). Bills of other schemes that wait for this collection become due. Returns how many versions of bills the scan
    /// made, those that were ready at once included. `Conflict` if the scan is not under way or has open pages. After a
    /// crash half way it is simply called again.
    async fn finish_scan(&self, scheme: &str, scan: u64) -> Result<u64, JournalError>;

    /// Pending bills that are due and whose earlier version is settled, oldest due first, at most `limit`, without those
    /// for which `skip` holds.
    async fn ready(
        &self,
        scheme: &str,
        now_ms: i64,
        limit: usize,
        skip: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Vec<ReadyBill>, JournalError>;

    /// When the next pending bill or look-up is due, Unix milliseconds. `None`: nothing is.
    async fn next_due(&self, scheme: &str) -> Result<Option<i64>, JournalError>;

    /// All collected rows of a bill, in the order of their first arrival: JSON texts.
    async fn rows_of(&self, scheme: &str, bill: &str) -> Result<Vec<Vec<u8>>, JournalError>;

    /// Claims bills in one commit. A version that is no longer the pending one, is dead or blocked, or whose earlier
    /// version is not settled, is left out of the result.
    async fn claim(&self, claims: Vec<ClaimToMake>, now_ms: i64) -> Result<Vec<ClaimedBill>, JournalError>;

    /// Settles claimed bills in one commit. `Conflict`, and none is settled, if a version is not claimed. A version that
    /// was not delivered is also superseded when its bill has no rows any more.
    async fn settle(&self, outcomes: Vec<(BillVersion, Settled)>) -> Result<(), JournalError>;

    /// Sets pending bills aside in one commit. A version that is no longer the pending one is left alone, and so is one
    /// that would be `Done` before its earlier version is settled.
    async fn set_aside(&self, bills: Vec<(BillVersion, SetAside)>) -> Result<(), JournalError>;

    /// All claimed bills of a scheme that are under way or uncertain: after a start, those that a crash left behind.
    async fn claimed(&self, scheme: &str) -> Result<Vec<ClaimedBill>, JournalError>;

    /// The latest row of a collection whose indexed fields have these values, as JSON text. `fields` must be one of the
    /// collection's indexes (`ensure_indexes`), in its order: `Conflict` if it is not, or does not have every row.
    async fn look_up(
        &self,
        collection: &str,
        fields: &IndexFields,
        values: &[String],
    ) -> Result<Option<Vec<u8>>, JournalError>;

    /// Makes sure that a collection has exactly these indexes: builds those that are missing from the rows it has, and
    /// drops the others. `values` gives a row's values for one index.
    async fn ensure_indexes(
        &self,
        collection: &str,
        indexes: &[IndexFields],
        values: &(dyn for<'a> Fn(&'a [u8], &'a IndexFields) -> Option<Vec<String>> + Send + Sync),
    ) -> Result<(), JournalError>;

    /// Bills of a scheme that have this status, at most `limit`. Not for the hot path.
    async fn bills(&self, scheme: &str, status: Status, limit: usize) -> Result<Vec<BillLine>, JournalError>;
}

/// Why the key-value store did not do something. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Larger than the limit, in bytes.
    #[error("the limit is {0} bytes")]
    TooLarge(u64),
    /// The value is no decimal integer of at most 53 bits.
    #[error("`{0}` is not an integer that can be counted up")]
    NotANumber(String),
    /// The store failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The limits of the key-value store.
pub mod state_limits {
    /// Bytes of a key.
    pub const KEY: usize = 512;
    /// Bytes of a value.
    pub const VALUE: usize = 64 * 1024;
    /// Bytes of all keys and values of one owner.
    pub const OWNER: u64 = 16 * 1024 * 1024;
    /// Keys that one listing returns.
    pub const LISTING: usize = 1_000;
}

/// A key-value store with compare-and-set and times to live. An `owner` (a plugin and its connection) sees only its own.
#[async_trait]
pub trait State: Send + Sync + 'static {
    /// The value of a key, unless its time to live is over.
    async fn get(&self, owner: &str, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateError>;

    /// Sets a key; with `expires_ms` (Unix milliseconds) it is forgotten then.
    async fn set(
        &self,
        owner: &str,
        key: &str,
        value: Vec<u8>,
        now_ms: i64,
        expires_ms: Option<i64>,
    ) -> Result<(), StateError>;

    /// Sets a key (`None` deletes it) if its value is `expected` (`None`: if there is none). True if it did; with
    /// `expires_ms` (Unix milliseconds) the new value is forgotten then.
    async fn compare_and_set(
        &self,
        owner: &str,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        now_ms: i64,
        expires_ms: Option<i64>,
    ) -> Result<bool, StateError>;

    /// Adds to a counter (absent: 0) and returns the sum. The time to live stays.
    async fn increment(&self, owner: &str, key: &str, by: i64, now_ms: i64) -> Result<i64, StateError>;

    /// Deletes a key.
    async fn delete(&self, owner: &str, key: &str) -> Result<(), StateError>;

    /// Keys that begin with `prefix` and come after `after`, in byte order, at most [`state_limits::LISTING`].
    async fn keys(
        &self,
        owner: &str,
        prefix: &str,
        after: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<String>, StateError>;
}

#[cfg(test)]
mod tests;

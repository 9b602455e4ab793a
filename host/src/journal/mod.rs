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
//! or one row. A row that a stage refused is kept, too, but not found by lookups, and holds its bill up. A bill has at most
//! two versions that matter:
//!
//! * the **pending** one: the newest, not yet sent; waiting, failed (will be retried) or dead (needs a person);
//! * the **claimed** one: it may have reached the vendor, and nothing newer of that bill is sent until it is settled.
//!
//! A new version takes the place of a pending one, which is thereby *superseded*; a claimed one is never replaced. What
//! was delivered leaves its receipt, by which the next version updates it instead of creating it again.
//!
//! When a method that changes something returns, the change is synced: it survives `kill -9`. Most are one commit; those
//! that may be cut off half way say so, and are called again.
//!
//! # The books
//!
//! `rows = skipped + new` and `bills = done + dead + failed + waiting + claimed + superseded` hold after every commit
//! ([`Counts`]); the counts are part of the same commits.

mod attempts;
mod audit;
mod bill;
mod bills;
mod books;
mod brought;
mod caught;
mod check;
mod collection;
mod compressed;
mod copy;
mod error;
mod groups;
mod interventions;
mod key;
mod kv;
mod lookups;
mod loss;
mod mark;
mod model;
mod overhaul;
mod packed;
mod purge;
mod read_only;
mod record;
mod refused;
mod regroup;
mod scans;
mod scratch;
mod sled_store;
mod stepwise;
mod txn;
mod vanished;
mod writer;

use std::collections::HashMap;

use async_trait::async_trait;

pub use copy::JournalCopy;
pub use error::{JournalError, StateError};
pub use model::{
    Attempt, AttemptResult, AttemptStep, Backfill, BillLine, BillState, BillVersion, ClaimToMake, ClaimedBill, Counts,
    Dependency, Excerpt, Exchange, FoundRow, IndexFields, Intent, Intervened, Intervention, KnownPages, NewBackfill,
    NewScan, OnChange, PageRef, PageStored, PageToStore, PendingBill, Problem, ReadyBill, Receipt, RefusedRow,
    RestageSettings, Restaged, RowToStore, RowsBrought, Scan, ScanKind, SchemeState, SetAside, Settled, Status, Trail,
};
pub use read_only::ReadOnly;
pub use scratch::Scratch;
pub use sled_store::SledStore;

/// The life of rows and bills.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Where a scheme stands; an unknown scheme stands at the beginning.
    async fn scheme(&self, scheme: &str) -> Result<SchemeState, JournalError>;

    /// Schemes that the journal knows.
    async fn schemes(&self) -> Result<Vec<String>, JournalError>;

    /// Begins a scan. A scheme has at most one at a time: `Conflict` if one is under way.
    async fn begin_scan(&self, scheme: &str, scan: NewScan) -> Result<Scan, JournalError>;

    /// Notes a backfill, whose scans are to be made one after the other. `Conflict` if another one is not over; one of the same window
    /// is that one.
    async fn plan_backfill(&self, scheme: &str, backfill: NewBackfill) -> Result<(), JournalError>;

    /// Begins the scan under way again from its first page, with the same number and window: to another source than the one
    /// that named its pages (`source_digest`) their cursors mean nothing. Rows that are stored stay, and bills that it has
    /// noted are sealed when it is finished. A scan whose pages are all stored needs none of it and is returned as it is.
    /// `Conflict` if the scan is not under way.
    async fn restart_scan(
        &self,
        scheme: &str,
        scan: u64,
        first_page: PageRef,
        source_digest: String,
    ) -> Result<Scan, JournalError>;

    /// Stores a page: its rows enter the collection, their bills are noted, and the scan moves on. `Conflict` if the scan
    /// is not under way or never named the page; a page that is stored already is ignored and counts nothing. An index
    /// that the page does not name has to be ensured again before it serves lookups.
    async fn store_page(&self, page: PageToStore) -> Result<PageStored, JournalError>;

    /// Gives up the pages that a scan has still to store, so that it can be finished with what it has. It then moves no `last_sync` on
    /// and counts as no scan that others have waited for. Nothing counts as vanished in it. `Conflict` if the scan is not
    /// under way.
    async fn give_up_pages(&self, scheme: &str, scan: u64, reason: String) -> Result<(), JournalError>;

    /// Makes bills due that wait for this collection, because rows may have come to it otherwise than by a scan.
    async fn release(&self, collection: &str) -> Result<(), JournalError>;

    /// Ends a scan whose pages are all stored: rows that have vanished leave the collection
    /// ([`PageToStore::complete_bills`]), its bills are sealed and become ready, and `last_sync` moves on (for a scheduled
    /// scan). A remedy does not count as a scan that others have waited for. Bills of other schemes that wait for this collection become due. Returns how many versions of bills the scan
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

    /// All collected rows of each bill but those that a stage refused, in the order of their first arrival: JSON texts. A bill
    /// that has none is left out.
    async fn rows_of_bills(&self, scheme: &str, bills: &[&str]) -> Result<HashMap<String, Vec<Vec<u8>>>, JournalError>;

    /// The same of one bill.
    async fn rows_of(&self, scheme: &str, bill: &str) -> Result<Vec<Vec<u8>>, JournalError> {
        Ok(self.rows_of_bills(scheme, &[bill]).await?.remove(bill).unwrap_or_default())
    }

    /// Rows of a scheme that a stage refused, by their ids, behind `after`, at most `limit`.
    async fn refused_rows(
        &self,
        scheme: &str,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Vec<RefusedRow>, JournalError>;

    /// Puts what the stages make of refused rows now in their place, in one commit. Bills that gain, lose or change a row
    /// get a new version, ready at once unless another of their rows is refused; but one of which the scan under way has
    /// brought rows is sealed with the others of that scan, where rows are merged. A row that has come by itself since the
    /// refused one stays as it is. No rows are counted as read. Returns how many versions of bills it made.
    async fn restage(&self, scheme: &str, rows: Vec<Restaged>, how: RestageSettings) -> Result<u64, JournalError>;

    /// Gives every collected row its bill anew, unless the scheme is grouped in this way already: `grouping` names the way,
    /// `bill_of` says a row's bill from its id and JSON text (`None`: it stays where it is); it is asked about refused rows,
    /// too, as they are stored. A pending version of a bill that rows leave is superseded, and the bills that its rows are
    /// in now get new versions, ready at once; so do pending ones that rows come to. Rows that were delivered make nothing
    /// new of a bill that has nothing pending, and the receipt stays with their old bill. What the scan under way has noted is sealed
    /// under its new bills when it is finished; where rows are not merged any more (`merges`), at once. `Conflict` if a
    /// bill is claimed. Returns how many versions of bills it made. After a crash half way it is simply called again, with
    /// this or another grouping; till then nothing of the scheme is ready, and its scan stands still (`Conflict`).
    async fn regroup(
        &self,
        scheme: &str,
        grouping: &str,
        merges: bool,
        bill_of: &(dyn for<'a> Fn(&'a str, &'a [u8]) -> Option<String> + Send + Sync),
    ) -> Result<u64, JournalError>;

    /// Forgets everything of a scheme: its collection, bills (claimed ones too), scan and books. Returns how many rows that
    /// were. After a crash half way it is simply called again; till then nothing of the scheme is ready, and no scan is
    /// begun (`Conflict`).
    async fn purge(&self, scheme: &str) -> Result<u64, JournalError>;

    /// Claims bills in one commit. A version that is no longer the pending one, is dead or blocked, or whose earlier
    /// version is not settled, is left out of the result.
    async fn claim(&self, claims: Vec<ClaimToMake>, now_ms: i64) -> Result<Vec<ClaimedBill>, JournalError>;

    /// Ends the doubt that a loss of the store has left about a scheme ([`SchemeState::in_doubt`]): if a scan begun after it is
    /// finished and nothing is left to deliver, or if a person has `confirmed` that no bill was sent of which the journal
    /// knows nothing. True if it ended by this.
    async fn end_doubt(&self, scheme: &str, confirmed: bool) -> Result<bool, JournalError>;

    /// Settles claimed bills in one commit. `Conflict`, and none is settled, if a version is not claimed. A version that
    /// was not delivered is also superseded when its bill has no rows any more.
    async fn settle(&self, outcomes: Vec<(BillVersion, Settled)>) -> Result<(), JournalError> {
        self.settle_bringing(outcomes, Vec::new(), Vec::new()).await
    }

    /// Settles claimed bills, stores the rows that they bring into other schemes, and keeps the attempts that were made, in
    /// one commit: either all of it is done or nothing. `Conflict` as for [`settle`](Self::settle), and if a scheme that gets rows is being regrouped or
    /// purged.
    async fn settle_bringing(
        &self,
        outcomes: Vec<(BillVersion, Settled)>,
        brought: Vec<RowsBrought>,
        attempts: Vec<Attempt>,
    ) -> Result<(), JournalError>;

    /// All that is known of a bill; `None`: there is none of this name.
    async fn bill(&self, scheme: &str, bill: &str) -> Result<Option<BillState>, JournalError>;

    /// Carries a person's decision out on bills, in one commit: what came of it, for each in order.
    async fn intervene(
        &self,
        scheme: &str,
        bills: Vec<String>,
        decided: Intervention,
        now_ms: i64,
    ) -> Result<Vec<Intervened>, JournalError>;

    /// Notes that a person has paused a scheme, since when (Unix milliseconds; the first time stays), or that it goes on (`None`). The journal
    /// itself does nothing about it.
    async fn pause(&self, scheme: &str, since_ms: Option<i64>) -> Result<(), JournalError>;

    /// Keeps attempts after which bills stay as they are.
    async fn note_attempts(&self, attempts: Vec<Attempt>) -> Result<(), JournalError>;

    /// What was sent for a bill and answered, the oldest first, as far as it is kept.
    async fn attempts(&self, scheme: &str, bill: &str) -> Result<Vec<Attempt>, JournalError>;

    /// Drops a scheme's attempts from days (UTC) before that of `before_ms`, Unix milliseconds. Returns how many. After a crash half way it
    /// is simply called again.
    async fn drop_attempts(&self, scheme: &str, before_ms: i64) -> Result<u64, JournalError>;

    /// Sets pending bills aside in one commit. A version that is no longer the pending one is left alone, and so is one
    /// that would be `Done` before its earlier version is settled.
    async fn set_aside(&self, bills: Vec<(BillVersion, SetAside)>) -> Result<(), JournalError>;

    /// Makes dead bills due that a change may have mended: those whose problem depends on something of which `now` gives
    /// another digest than the recorded one, or none (it is not there any more). Their attempts begin anew. A bill that is
    /// dead for a refused row is not among them. Returns how many there were.
    async fn revive(
        &self,
        scheme: &str,
        now: &(dyn for<'a> Fn(&'a str) -> Option<String> + Send + Sync),
        now_ms: i64,
    ) -> Result<u64, JournalError>;

    /// All claimed bills of a scheme that are under way or uncertain: after a start, those that a crash left behind.
    async fn claimed(&self, scheme: &str) -> Result<Vec<ClaimedBill>, JournalError>;

    /// Claimed bills of a scheme of which nobody knows whether the vendor has them, and that are to be looked up by `until_ms`
    /// (Unix milliseconds), the earliest first.
    async fn uncertain(&self, scheme: &str, until_ms: i64) -> Result<Vec<ClaimedBill>, JournalError>;

    /// The latest row of a collection whose indexed fields have these values and that `accept` takes, which is given rows as
    /// JSON texts, the latest first, till it takes one. `fields` must be one of the collection's indexes
    /// (`ensure_indexes`), in its order: `IndexMissing` if it is not, or does not have every row. An index over no fields
    /// leads to all rows. Refused rows are not found. Pages may be stored meanwhile: a row that is there all the time is
    /// not missed, whatever becomes of its content.
    async fn look_up(
        &self,
        collection: &str,
        fields: &IndexFields,
        values: &[String],
        accept: &(dyn for<'a> Fn(&'a [u8]) -> bool + Send + Sync),
    ) -> Result<Option<FoundRow>, JournalError>;

    /// The latest row of a collection for which `is_wanted` holds, given its JSON text. Every row is looked at: for lookups
    /// that have no index and may not make one. Refused rows are not found.
    async fn search(
        &self,
        collection: &str,
        is_wanted: &(dyn for<'a> Fn(&'a [u8]) -> bool + Send + Sync),
    ) -> Result<Option<FoundRow>, JournalError>;

    /// Makes sure that a collection has exactly these indexes: builds those that are missing from the rows it has, and
    /// drops the others. `values` gives a row's values for one index. Returns how many rows were added to indexes. One at a
    /// time for each collection; everything else goes on meanwhile. After a crash half way it is simply called again.
    async fn ensure_indexes(
        &self,
        collection: &str,
        indexes: &[IndexFields],
        values: &(dyn for<'a> Fn(&'a [u8], &'a IndexFields) -> Option<Vec<String>> + Send + Sync),
    ) -> Result<u64, JournalError>;

    /// Those of these indexes that a collection does not have yet, or not with every row.
    async fn missing_indexes(
        &self,
        collection: &str,
        indexes: &[IndexFields],
    ) -> Result<Vec<IndexFields>, JournalError>;

    /// How many rows a collection has, refused ones included. It counts them: not for the hot path.
    async fn count_rows(&self, collection: &str) -> Result<u64, JournalError>;

    /// Bills of a scheme that have this status, behind the one called `after`, at most `limit`. Not for the hot path.
    async fn bills(
        &self,
        scheme: &str,
        status: Status,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Vec<BillLine>, JournalError>;
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

//! Scans, their pages, and rows.

use serde::{Deserialize, Serialize};

use super::{KnownPages, Problem};

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
    /// By a schedule of its own, with another request, for what a vendor committed late (`omissionRemedy`).
    Remedy,
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
    /// What the cursors of its pages belong to: the digest of the source's settings and of its connector, as the engine
    /// makes it. With another one the scan has to be restarted ([`Journal::restart_scan`](super::super::Journal::restart_scan)).
    pub source_digest: String,
    /// Pages that are known and not yet stored. Empty: every page is stored, and the scan can be finished.
    pub open_pages: Vec<PageRef>,
    /// Indexes of all pages ever named, so that a page that is announced twice is fetched once.
    pub known_pages: KnownPages,
    /// Pages stored.
    pub pages_stored: u32,
    /// Rows stored, skipped ones included.
    pub rows: u64,
    /// What its pages looked like so far.
    pub trail: Trail,
    /// Why the pages that it had still to store were given up: it is finished with what it has, and moves nothing on.
    pub given_up: Option<String>,
}

/// What is kept in mind of the pages of a scan, so that one that never ends is noticed. As large for a million pages as for
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Rows fetched, before conditions and stages.
    pub rows: u64,
    /// The largest total that the source has named.
    pub total: Option<u64>,
    /// Pages that had rows.
    pub pages_with_rows: u32,
    /// Tells the rows of the page that others are compared with.
    pub landmark: u64,
    /// That page.
    pub landmark_page: u32,
    /// Pages since then that had the same rows.
    pub seen_again: u32,
    /// Pages without rows since the last one that had some.
    pub empty_in_a_row: u32,
    /// Those of them at the end that were asked for alike.
    pub standing_still: u32,
    /// Tells what the last of them was asked for with.
    pub place: u64,
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
    /// What the cursors of its pages belong to ([`Scan::source_digest`]).
    pub source_digest: String,
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
    /// not all of the index's fields. A refused row is found by none.
    pub index_values: Vec<Option<Vec<String>>>,
    /// A stage refused it, and why. It is kept, as it was before the stages, until it comes again or is staged again
    /// ([`Journal::restage`](super::super::Journal::restage)); till then its bill is dead.
    pub refused: Option<Problem>,
}

/// A row that a stage refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its id within the scheme.
    pub id: String,
    /// The bill that it holds up.
    pub bill: String,
    /// Tells this content of it from another.
    pub digest: [u8; 16],
    /// The row, as it was given: a JSON object.
    pub json: Vec<u8>,
    /// Why it was refused.
    pub problem: Problem,
}

/// What the stages make of a refused row now.
#[derive(Clone, Debug)]
pub struct Restaged {
    /// The id of the refused row.
    pub id: String,
    /// Its digest ([`RefusedRow::digest`]): if it came again meanwhile with another content, or is refused no more, it is
    /// left as it is.
    pub digest: [u8; 16],
    /// What takes its place: nothing, if it was dropped on purpose; itself, if it is refused still; or other rows.
    pub becomes: Vec<RowToStore>,
}

/// What restaged rows mean for their scheme; see the same fields of [`PageToStore`].
#[derive(Clone, Debug)]
pub struct RestageSettings {
    /// The scheme has a target.
    pub makes_bills: bool,
    /// Rows of one merge key make one bill.
    pub merges: bool,
    /// The collection's indexes.
    pub indexes: Vec<IndexFields>,
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

/// A row that a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    /// The row: JSON text.
    pub json: Vec<u8>,
    /// Of two rows of one collection the later one has more. The collection's count of stored rows, and the row's id.
    pub stored: (u64, String),
}

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
    /// What the scan's pages have looked like with this one.
    pub trail: Trail,
    /// Give up everything that is open after this page, and why ([`Journal::give_up_pages`](super::super::Journal::give_up_pages)).
    pub give_up: Option<String>,
    /// The rows, in order.
    pub rows: Vec<RowToStore>,
    /// Rows that were read and left out on purpose, by a condition or a stage: they count as read and skipped.
    pub left_out: u64,
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
    /// Rows given, and those left out.
    pub rows: u64,
    /// Rows that are new, or whose content changed and is delivered again.
    pub new: u64,
    /// Rows that were skipped.
    pub skipped: u64,
}

/// Rows that a delivery brings into another scheme, and what they mean for it; see the same fields of [`PageToStore`].
#[derive(Clone, Debug)]
pub struct RowsBrought {
    /// The scheme that gets them.
    pub scheme: String,
    /// The rows, in order.
    pub rows: Vec<RowToStore>,
    /// Rows that were left out on purpose: they count as read and skipped.
    pub left_out: u64,
    /// What to do with changed rows.
    pub on_change: OnChange,
    /// The scheme has a target.
    pub makes_bills: bool,
    /// The collection's indexes.
    pub indexes: Vec<IndexFields>,
    /// Now, Unix milliseconds: as old as the bills that they make.
    pub at_ms: i64,
}

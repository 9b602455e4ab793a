//! What stands under the keys.
//!
//! Records are [postcard](https://postcard.jamesmunns.com): small, fast, and without names, so a field that is added, moved
//! or dropped changes the format. [`FORMAT`] is raised then, and a store of another format is refused when it is opened;
//! no record carries a number of its own.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use super::key::printable;
use super::{Backfill, IndexFields, JournalError, Problem, Receipt, Scan};

/// The format of keys and records.
pub(super) const FORMAT: u32 = 7;

pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, JournalError> {
    postcard::to_stdvec(record).map_err(|e| JournalError::Store { action: "written", reason: e.to_string() })
}

/// Reads a record back; it must fill its bytes exactly.
pub(super) fn decode<'b, T: Deserialize<'b>>(key: &[u8], bytes: &'b [u8]) -> Result<T, JournalError> {
    match decode_first(key, bytes)? {
        (record, []) => Ok(record),
        (_, rest) => {
            Err(JournalError::Damaged { key: printable(key), reason: format!("{} bytes too many", rest.len()) })
        }
    }
}

/// Reads the first of several records back, and says what is behind it.
pub(super) fn decode_first<'b, T: Deserialize<'b>>(key: &[u8], bytes: &'b [u8]) -> Result<(T, &'b [u8]), JournalError> {
    postcard::take_from_bytes(bytes).map_err(|e| JournalError::Damaged { key: printable(key), reason: e.to_string() })
}

/// Where a scheme stands; its counts have a record of their own, because they change more often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SchemeRecord {
    pub(super) last_sync: Option<i64>,
    pub(super) last_finished_scan_begun_ms: Option<i64>,
    pub(super) scan: Option<ScanRecord>,
    /// Scans ever begun.
    pub(super) scans: u64,
    /// The last number given to a row that was stored: tells earlier from later.
    pub(super) sequence: u64,
    /// How rows are grouped into bills.
    pub(super) grouping: Option<String>,
    /// Since when a person has it paused, Unix milliseconds.
    pub(super) paused_ms: Option<i64>,
    /// The last backfill.
    pub(super) backfill: Option<Backfill>,
}

impl SchemeRecord {
    /// When the latest scan began: a version that is made of rows that are there is as old as that.
    pub(super) fn scan_begun_ms(&self) -> i64 {
        let under_way = self.scan.as_ref().map(|under_way| under_way.scan.begun_ms);
        under_way.or(self.last_finished_scan_begun_ms).unwrap_or_default()
    }

    /// The scan under way, if it may still bring rows of any bill.
    pub(super) fn open_scan(&self) -> Option<&ScanRecord> {
        self.scan.as_ref().filter(|under_way| !under_way.scan.open_pages.is_empty())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScanRecord {
    pub(super) scan: Scan,
    /// Every page so far said that bills are complete, and left a note of what it saw; what has vanished is still to be
    /// found.
    pub(super) complete: bool,
    /// How often it was restarted. A run is a whole scan as far as vanished rows go: it has notes of its own.
    pub(super) run: u64,
    /// The scheme's `sequence` when its run began: rows stored later, and chunks of a higher number, are its own.
    pub(super) sequence_before: u64,
    /// The same when the scan itself began.
    pub(super) sequence_begun: u64,
    /// Its window has moved on; what is left is to release the bills that waited for it.
    pub(super) finished: bool,
    /// Versions it made.
    pub(super) bills: u64,
}

/// What one page of a scan tells of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenBill<'b> {
    pub(super) bill: &'b str,
    /// Rows of the page belong to it. False: the collection has rows of the page in it that the page has in another bill.
    pub(super) returned: bool,
    /// The page's rows that lie in the bill's chunks from before the scan: sorted, each once.
    #[serde(borrow)]
    pub(super) rows: Vec<&'b str>,
}

/// What is known of a row; its content is with its bill's other rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowRecord {
    pub(super) digest: [u8; 16],
    pub(super) bill: String,
    /// The chunk of the bill's group that holds it.
    pub(super) chunk: u64,
    /// The sequence number of this content.
    pub(super) stored: u64,
    /// Indexes it is in, and its values there.
    pub(super) indexed: Vec<(u64, Vec<String>)>,
    /// A stage refused it, and why.
    pub(super) refused: Option<Problem>,
}

/// Rows of a bill that came in the same page, in the order of their arrival.
///
/// They are kept together because they are read together: a bill is mapped from one short range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chunk<'b> {
    #[serde(borrow)]
    pub(super) rows: Vec<GroupedRow<'b>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GroupedRow<'b> {
    /// The sequence number of its first arrival.
    pub(super) arrived: u64,
    #[serde(borrow)]
    pub(super) id: Cow<'b, str>,
    #[serde(borrow, serialize_with = "whole")]
    pub(super) json: Cow<'b, [u8]>,
}

/// Byte by byte, as serde would, costs a microsecond per kilobyte.
fn whole<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

impl GroupedRow<'_> {
    pub(super) fn into_owned(self) -> GroupedRow<'static> {
        GroupedRow {
            arrived: self.arrived,
            id: Cow::Owned(self.id.into_owned()),
            json: Cow::Owned(self.json.into_owned()),
        }
    }
}

/// Where an index entry's row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) bill: String,
    pub(super) chunk: u64,
}

/// A bill, but for its claim, which has a record of its own.
///
/// While the latest version is claimed, `pending` still tells what it was before: so a claim writes one record, not two.
/// [`books`](super::books) is where the two records become one [`Bill`](super::bill::Bill).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BillRecord {
    pub(super) version: u32,
    pub(super) done: u32,
    pub(super) superseded: u32,
    pub(super) sealed_in: u64,
    pub(super) pending: Option<Pending>,
    pub(super) delivered: Option<Delivered>,
}

/// The latest version of a bill, not claimed and not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) standing: Standing,
    pub(super) attempts: u32,
    pub(super) first_attempt_ms: Option<i64>,
    pub(super) scan_begun_ms: i64,
    pub(super) problem: Option<Problem>,
    pub(super) resume: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    /// Not yet sent.
    Waiting { due_ms: i64 },
    /// Not yet sent; waits until this collection has completed a scan.
    Blocked { collection: String },
    /// Will be retried.
    Failed { due_ms: i64 },
    /// Needs a person, or a change that mends it.
    Dead,
    /// Dead, because a stage refused one of its rows: only a change of its rows mends it.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivered {
    pub(super) version: u32,
    pub(super) receipt: Receipt,
}

/// What has a scheme to itself, over several commits. Meanwhile nothing of it is ready, and no page of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Overhaul {
    /// Its rows are given their bills anew.
    Regroup(Regrouping),
    /// It is being forgotten.
    Purge,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Regrouping {
    /// How its rows are to be grouped.
    pub(super) grouping: String,
    /// The scheme's `sequence` when it began: chunks of a higher number have their rows from it.
    pub(super) sequence_before: u64,
    /// The rows of bills that the scan under way has noted are marked.
    pub(super) marked: bool,
}

/// What a row that is given its bill anew takes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owed {
    /// It was in a bill with a pending version, which is superseded.
    pub(super) unsent: bool,
    /// It was in a bill that the scan under way has noted and not yet sealed.
    pub(super) unsealed: bool,
    /// It has left the bill that it was in.
    pub(super) moved: bool,
}

/// The indexes of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Indexes {
    /// The last number given to an index. Numbers are not used again.
    pub(super) last: u64,
    pub(super) all: Vec<Index>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) number: u64,
    pub(super) fields: IndexFields,
    pub(super) state: IndexState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum IndexState {
    /// It has every row that has its fields.
    Complete,
    /// Rows are missing. `overtaken`: a row was stored without it since building began.
    Building { overtaken: bool },
    /// Nobody wants it; its entries are being removed.
    Dropped,
}

/// A value of the key-value store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value<'b> {
    pub(super) expires_ms: Option<i64>,
    #[serde(borrow, serialize_with = "whole")]
    pub(super) bytes: Cow<'b, [u8]>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let row = |id: &'static str, json: &'static [u8]| GroupedRow { arrived: 7, id: id.into(), json: json.into() };
        let chunk = Chunk { rows: vec![row("订单-1", "{\"单号\":\"1\"}".as_bytes()), row("", b"")] };
        let bytes = encode(&chunk).unwrap();
        let read: Chunk<'_> = decode(b"g", &bytes).unwrap();
        assert_eq!(read, chunk);
        assert!(matches!(read.rows[0].json, Cow::Borrowed(_)), "reading a chunk copies nothing");
    }

    #[test]
    fn cut_or_prolonged_records_are_damaged() {
        let bytes = encode(&Place { bill: "订单".into(), chunk: 300 }).unwrap();
        let prolonged = [bytes.as_slice(), b"x"].concat();
        for damaged in [&bytes[..bytes.len() - 1], &prolonged] {
            let error = decode::<Place>("i订单".as_bytes(), damaged).unwrap_err();
            assert!(error.to_string().starts_with("the journal holds a damaged record under `i订单`: "), "{error}");
        }
    }
}

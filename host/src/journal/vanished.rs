//! Rows that vanish from their bills.
//!
//! Where bills come whole, a collected row of a bill that a scan returned, but without this row, is gone. So each page
//! leaves a note of the bills it returned and of their rows. A row that is new in a scan lies in a chunk that was made in
//! it, which the chunk's number tells; a note names only rows of older chunks, and a first scan names none.
//!
//! When every page is stored, the notes are searched, twice over. First each bill is asked for the old rows that the note
//! before us lacks: few, since the rows of a bill come mostly in one page. Then all other notes may strike what they have.
//! What is left is gone. When too much is lacking to be held, the search stops there, and goes on when that is settled.
//! It does not hold up the writer: once its pages are stored, nothing but this changes what a scan has to find.
//!
//! The notes stay until the search is over. After a crash it begins anew, and finds what is not yet removed. A scan of
//! which one page came without a note, because somebody changed the setting meanwhile, proves nothing, and nothing is
//! removed.

use std::collections::{BTreeMap, HashMap, HashSet};

use sled::Tree;

use super::collection::remove_rows;
use super::groups::group_prefix;
use super::key::{Key, Kind, Parts, printable};
use super::record::{Chunk, RowRecord, SeenBill, decode};
use super::scans::{make_version, scheme_key, to_finish};
use super::txn::{Txn, range};
use super::{JournalError, PageToStore, RowToStore};

/// Lacking rows that a search holds at a time (a page's worth more, if the last note is long).
const ROWS_PER_SEARCH: usize = 20_000;
/// Bills from which one commit removes rows; notes that one commit forgets.
const PER_COMMIT: usize = 500;

fn seen_prefix(scheme: &str, scan: u64) -> Key {
    Key::new(Kind::Seen).text(scheme).number(scan)
}

/// The notes of one run of a scan.
pub(super) fn run_prefix(scheme: &str, scan: u64, run: u64) -> Key {
    seen_prefix(scheme, scan).number(run)
}

/// The note of one page, while its rows are stored.
pub(super) struct PageSeen<'p> {
    sequence_before: u64,
    /// By bill: whether it was returned, and its old rows.
    bills: BTreeMap<String, (bool, Vec<&'p str>)>,
}

impl<'p> PageSeen<'p> {
    /// `sequence_before`: the last number of a chunk from before the scan.
    pub(super) fn new(sequence_before: u64) -> Self {
        Self { sequence_before, bills: BTreeMap::new() }
    }

    /// The page has this row; `stays`: and so has the collection, where it already was.
    pub(super) fn add(&mut self, row: &'p RowToStore, stays: Option<&RowRecord>) {
        self.bill(&row.bill).0 = true;
        if let Some(known) = stays.filter(|known| known.chunk <= self.sequence_before) {
            self.bill(&known.bill).1.push(&row.id);
        }
    }

    fn bill(&mut self, name: &str) -> &mut (bool, Vec<&'p str>) {
        self.bills.entry(name.to_owned()).or_default()
    }

    /// Every page has a note, if it is an empty one.
    pub(super) fn write(mut self, txn: &mut Txn<'_>, page: &PageToStore, run: u64) -> Result<(), JournalError> {
        let bills = self.bills.iter_mut().map(|(bill, (returned, rows))| {
            rows.sort_unstable();
            rows.dedup();
            SeenBill { bill, returned: *returned, rows: std::mem::take(rows) }
        });
        let note: Vec<SeenBill<'_>> = bills.collect();
        txn.put_record(run_prefix(&page.scheme, page.scan, run).number(page.page.index.into()), &note)
    }
}

/// What a search found.
#[derive(Default)]
pub(super) struct Found {
    /// Bills, and the rows that have vanished from them.
    pub(super) gone: Vec<(String, Vec<String>)>,
    /// Where to go on; `None`: that was all.
    pub(super) after: Option<Vec<u8>>,
}

impl Found {
    /// As much as one commit removes.
    pub(super) fn next_to_remove(&mut self) -> Vec<(String, Vec<String>)> {
        self.gone.split_off(self.gone.len().saturating_sub(PER_COMMIT))
    }
}

/// Searches the notes behind `after` for bills that lack rows.
pub(super) fn search(tree: &Tree, scheme: &str, scan: u64, after: Option<&[u8]>) -> Result<Found, JournalError> {
    let (_, under_way) = to_finish(tree, scheme, scan)?;
    // Without rows from before it, there are none to miss.
    if !under_way.complete || under_way.sequence_before == 0 {
        return Ok(Found::default());
    }
    let prefix = run_prefix(scheme, scan, under_way.run);
    let mut lacking: HashMap<String, HashSet<String>> = HashMap::new();
    let mut held = 0;
    let mut stopped = None;
    for item in range(tree, prefix.bytes(), after) {
        let (key, note) = item?;
        for seen in decode::<Vec<SeenBill<'_>>>(&key, &note)?.iter().filter(|seen| seen.returned) {
            if lacking.contains_key(seen.bill) {
                continue;
            }
            let rows = old_rows_without(tree, scheme, seen, under_way.sequence_before)?;
            if !rows.is_empty() {
                held += rows.len();
                lacking.insert(seen.bill.to_owned(), rows);
            }
        }
        if held >= ROWS_PER_SEARCH {
            stopped = Some(key.to_vec());
            break;
        }
    }
    if !lacking.is_empty() {
        strike(tree, &prefix, under_way.scan.pages_stored, &mut lacking)?;
    }
    lacking.retain(|_, rows| !rows.is_empty());
    let gone = lacking.into_iter().map(|(bill, rows)| (bill, rows.into_iter().collect()));
    Ok(Found { gone: gone.collect(), after: stopped })
}

/// The rows of a bill from before the scan that a note does not name.
fn old_rows_without(
    tree: &Tree,
    scheme: &str,
    seen: &SeenBill<'_>,
    sequence_before: u64,
) -> Result<HashSet<String>, JournalError> {
    let prefix = group_prefix(scheme, seen.bill);
    let mut rows = HashSet::new();
    for item in range(tree, prefix.bytes(), None) {
        let (key, bytes) = item?;
        if Parts::behind(prefix.bytes(), &key).number()? > sequence_before {
            break;
        }
        let chunk: Chunk<'_> = decode(&key, &bytes)?;
        let lacking = chunk.rows.into_iter().filter(|row| seen.rows.binary_search(&&*row.id).is_err());
        rows.extend(lacking.map(|row| row.id.into_owned()));
    }
    Ok(rows)
}

/// Strikes out what any note names. Were one of them lost, rows would seem gone that are not.
fn strike(
    tree: &Tree,
    prefix: &Key,
    pages: u32,
    lacking: &mut HashMap<String, HashSet<String>>,
) -> Result<(), JournalError> {
    let mut notes = 0;
    for item in range(tree, prefix.bytes(), None) {
        let (key, note) = item?;
        for seen in decode::<Vec<SeenBill<'_>>>(&key, &note)? {
            if let Some(rows) = lacking.get_mut(seen.bill) {
                for row in seen.rows {
                    rows.remove(row);
                }
            }
        }
        notes += 1;
    }
    if notes == pages {
        return Ok(());
    }
    let reason = format!("there are {notes} notes of {pages} pages");
    Err(JournalError::Damaged { key: printable(prefix.bytes()), reason })
}

/// Removes rows that a search found gone, and makes new versions of their bills.
pub(super) fn remove(
    txn: &mut Txn<'_>,
    scheme: &str,
    scan: u64,
    gone: &[(String, Vec<String>)],
) -> Result<(), JournalError> {
    let (mut record, mut under_way) = to_finish(txn, scheme, scan)?;
    if !under_way.complete {
        return Err(JournalError::Conflict(format!("scan {scan} of scheme `{scheme}` is being sealed")));
    }
    for (bill, rows) in gone {
        remove_rows(txn, scheme, rows)?;
        under_way.bills += u64::from(make_version(txn, scheme, bill, under_way.scan.begun_ms, Some(scan))?);
    }
    record.scan = Some(under_way);
    txn.put_record(scheme_key(scheme), &record)
}

/// Forgets some of a scan's notes; true if none are left.
pub(super) fn forget_some(txn: &mut Txn<'_>, scheme: &str, scan: u64) -> Result<bool, JournalError> {
    let notes = txn.committed(seen_prefix(scheme, scan).bytes(), None, PER_COMMIT)?;
    let all = notes.len() < PER_COMMIT;
    for (key, _) in notes {
        txn.remove_bytes(key);
    }
    Ok(all)
}

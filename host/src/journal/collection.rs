//! Rows and the bills they belong to.
//!
//! A row has two homes: a small record under its id, which says whether it changed and where it is, and its content, which
//! lies with the other rows of its bill. Rows of a bill that come in one page share a chunk, so that a bill of a hundred
//! lines is written and read as a few values and not as a hundred; a chunk is closed when it is long enough that writing
//! it again for one changed row would cost more than it saves.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::key::{Key, Kind, printable};
use super::lookups::{PageIndexes, remove_entries};
use super::record::{Chunk, GroupedRow, RowRecord, decode};
use super::txn::{Read, Txn};
use super::vanished::PageSeen;
use super::{JournalError, OnChange, PageStored, PageToStore, RowToStore};

/// A chunk that has so many rows or bytes takes no more.
const CHUNK_ROWS: usize = 64;
const CHUNK_BYTES: usize = 16 * 1024;

pub(super) fn row_key(scheme: &str, id: &str) -> Key {
    Key::new(Kind::Row).text(scheme).text(id)
}

/// All chunks of a bill.
pub(super) fn group_prefix(scheme: &str, bill: &str) -> Key {
    Key::new(Kind::Group).text(scheme).text(bill)
}

pub(super) fn chunk_key(scheme: &str, bill: &str, chunk: u64) -> Key {
    group_prefix(scheme, bill).number(chunk)
}

/// What storing a page's rows came to.
pub(super) struct RowsStored {
    pub(super) counts: PageStored,
    /// Bills that gained, lost or changed a row.
    pub(super) touched: BTreeSet<String>,
}

/// Stores a page's rows. `sequence` is the collection's counter of stored rows; `seen` notes what the page returns.
pub(super) fn store_rows<'p>(
    txn: &mut Txn<'_>,
    page: &'p PageToStore,
    sequence: &mut u64,
    mut seen: Option<&mut PageSeen<'p>>,
) -> Result<RowsStored, JournalError> {
    let indexes = PageIndexes::load(txn, &page.scheme, &page.indexes)?;
    let mut groups = Groups::of(&page.scheme);
    let mut stored = RowsStored { counts: PageStored::default(), touched: BTreeSet::new() };
    for row in &page.rows {
        stored.counts.rows += 1;
        let key = row_key(&page.scheme, &row.id);
        let known: Option<RowRecord> = txn.record(&key)?;
        let skipped =
            known.as_ref().is_some_and(|known| known.digest == row.digest || page.on_change == OnChange::Skip);
        if let Some(seen) = &mut seen {
            seen.add(row, known.as_ref().filter(|known| skipped || known.bill == row.bill));
        }
        if skipped {
            stored.counts.skipped += 1;
            continue;
        }
        stored.counts.new += 1;
        *sequence += 1;
        let chunk = match &known {
            Some(known) if known.bill == row.bill => groups.replace(txn, known, row)?,
            Some(known) => {
                let arrived = groups.take(txn, known, &row.id)?;
                stored.touched.insert(known.bill.clone());
                groups.add(row, arrived, *sequence)
            }
            None => groups.add(row, *sequence, *sequence),
        };
        stored.touched.insert(row.bill.clone());
        let record = RowRecord {
            digest: row.digest,
            bill: row.bill.clone(),
            chunk,
            stored: *sequence,
            indexed: indexes.move_row(txn, row, known.as_ref(), chunk, *sequence)?,
        };
        txn.put_record(key, &record)?;
    }
    groups.write(txn)?;
    indexes.write(txn, stored.counts.new > 0)?;
    Ok(stored)
}

/// Takes rows out of the collection, and out of its indexes.
pub(super) fn remove_rows(txn: &mut Txn<'_>, scheme: &str, ids: &[String]) -> Result<(), JournalError> {
    let mut groups = Groups::of(scheme);
    for id in ids {
        let key = row_key(scheme, id);
        if let Some(known) = txn.record::<RowRecord>(&key)? {
            groups.take(txn, &known, id)?;
            remove_entries(txn, scheme, &known, id);
            txn.remove(key);
        }
    }
    groups.write(txn)
}

/// The chunks that a commit touches, read once and written once.
struct Groups<'p> {
    scheme: &'p str,
    chunks: BTreeMap<(String, u64), Chunk<'p>>,
    /// The page's own chunk of each bill, and its bytes.
    filling: HashMap<&'p str, (u64, usize)>,
}

impl<'p> Groups<'p> {
    fn of(scheme: &'p str) -> Self {
        Self { scheme, chunks: BTreeMap::new(), filling: HashMap::new() }
    }

    /// Adds a row that is new to its bill; says into which chunk.
    fn add(&mut self, row: &'p RowToStore, arrived: u64, sequence: u64) -> u64 {
        let (number, bytes) = self.filling.entry(&row.bill).or_insert((sequence, 0));
        let mut chunk = self.chunks.entry((row.bill.clone(), *number)).or_default();
        if chunk.rows.len() >= CHUNK_ROWS || (!chunk.rows.is_empty() && *bytes + row.json.len() > CHUNK_BYTES) {
            (*number, *bytes) = (sequence, 0);
            chunk = self.chunks.entry((row.bill.clone(), sequence)).or_default();
        }
        *bytes += row.json.len();
        chunk.rows.push(GroupedRow { arrived, id: Cow::Borrowed(&row.id), json: Cow::Borrowed(&row.json) });
        *number
    }

    /// Replaces the content of a row that stays in its bill.
    fn replace(&mut self, txn: &Txn<'_>, known: &RowRecord, row: &'p RowToStore) -> Result<u64, JournalError> {
        let (chunk, place) = self.find(txn, known, &row.id)?;
        if let Some(found) = chunk.rows.get_mut(place) {
            found.json = Cow::Borrowed(&row.json);
        }
        Ok(known.chunk)
    }

    /// Takes a row out of the bill that it leaves; says when it arrived first.
    fn take(&mut self, txn: &Txn<'_>, known: &RowRecord, id: &str) -> Result<u64, JournalError> {
        let (chunk, place) = self.find(txn, known, id)?;
        Ok(chunk.rows.remove(place).arrived)
    }

    fn find(&mut self, txn: &Txn<'_>, known: &RowRecord, id: &str) -> Result<(&mut Chunk<'p>, usize), JournalError> {
        let chunk = match self.chunks.entry((known.bill.clone(), known.chunk)) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => {
                let key = chunk_key(self.scheme, &known.bill, known.chunk);
                let bytes = txn.get(&key)?.unwrap_or_default();
                let chunk: Chunk<'_> = if bytes.is_empty() { Chunk::default() } else { decode(key.bytes(), &bytes)? };
                unread.insert(Chunk { rows: chunk.rows.into_iter().map(GroupedRow::into_owned).collect() })
            }
        };
        match chunk.rows.iter().position(|row| row.id == id) {
            Some(place) => Ok((chunk, place)),
            None => Err(missing(&chunk_key(self.scheme, &known.bill, known.chunk), id)),
        }
    }

    fn write(self, txn: &mut Txn<'_>) -> Result<(), JournalError> {
        for ((bill, number), chunk) in self.chunks {
            let key = chunk_key(self.scheme, &bill, number);
            if chunk.rows.is_empty() {
                txn.remove(key);
            } else {
                txn.put_record(key, &chunk)?;
            }
        }
        Ok(())
    }
}

pub(super) fn missing(chunk: &Key, row: &str) -> JournalError {
    JournalError::Damaged { key: printable(chunk.bytes()), reason: format!("row `{row}` is not in it") }
}

/// All rows of a bill in the order of their first arrival.
pub(super) fn rows_of(tree: &sled::Tree, scheme: &str, bill: &str) -> Result<Vec<Vec<u8>>, JournalError> {
    let mut rows = Vec::new();
    for item in super::txn::range(tree, group_prefix(scheme, bill).bytes(), None) {
        let (key, bytes) = item?;
        let chunk: Chunk<'_> = decode(&key, &bytes)?;
        rows.extend(chunk.rows.into_iter().map(|row| (row.arrived, row.json.into_owned())));
    }
    rows.sort_by_key(|(arrived, _)| *arrived);
    Ok(rows.into_iter().map(|(_, json)| json).collect())
}

/// One row's content.
pub(super) fn row_in(
    tree: &sled::Tree,
    scheme: &str,
    bill: &str,
    chunk: u64,
    id: &str,
) -> Result<Vec<u8>, JournalError> {
    let key = chunk_key(scheme, bill, chunk);
    let bytes = Read::get(tree, &key)?.ok_or_else(|| missing(&key, id))?;
    let chunk: Chunk<'_> = decode(key.bytes(), &bytes)?;
    let row = chunk.rows.into_iter().find(|row| row.id == id).ok_or_else(|| missing(&key, id))?;
    Ok(row.json.into_owned())
}

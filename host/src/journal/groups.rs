//! The content of rows, bill by bill.
//!
//! Rows of a bill that come in one page share a chunk, so that a bill of a hundred lines is written and read as a few
//! values and not as a hundred; a chunk is closed when it is long enough that writing it again for one changed row would
//! cost more than it saves. Chunks of several bills that come in one page have one number, by which they
//! [lie together](super::packed): the sequence number of the first row that was put into any of them. One that follows
//! because the bill's first is full has the number of its own first row.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use sled::Tree;

use super::JournalError;
use super::key::{Key, Kind, Parts, printable};
use super::packed::place;
use super::record::{Chunk, GroupedRow, RowRecord, decode};
use super::refused::holds_prefix;
use super::txn::{Read, Txn, in_block, range};

/// A chunk that has so many rows or bytes takes no more.
const CHUNK_ROWS: usize = 64;
const CHUNK_BYTES: usize = 16 * 1024;

/// All chunks of all bills.
pub(super) fn groups_prefix(scheme: &str) -> Key {
    Key::new(Kind::Group).text(scheme)
}

/// All chunks of a bill.
pub(super) fn group_prefix(scheme: &str, bill: &str) -> Key {
    groups_prefix(scheme).text(bill)
}

pub(super) fn chunk_key(scheme: &str, bill: &str, chunk: u64) -> Key {
    group_prefix(scheme, bill).number(chunk)
}

/// The chunks that a commit touches, read once and written once.
pub(super) struct Groups<'p> {
    scheme: &'p str,
    chunks: BTreeMap<(String, u64), Chunk<'p>>,
    /// The number of the chunks that the commit begins.
    number: Option<u64>,
    /// The commit's own chunk of each bill, and its bytes.
    filling: HashMap<&'p str, (u64, usize)>,
}

impl<'p> Groups<'p> {
    pub(super) fn of(scheme: &'p str) -> Self {
        Self { scheme, chunks: BTreeMap::new(), number: None, filling: HashMap::new() }
    }

    /// Adds a row that is new to its bill; says into which chunk.
    pub(super) fn add(&mut self, bill: &'p str, row: GroupedRow<'p>, sequence: u64) -> u64 {
        let begun = *self.number.get_or_insert(sequence);
        let (number, bytes) = self.filling.entry(bill).or_insert((begun, 0));
        let mut chunk = self.chunks.entry((bill.to_owned(), *number)).or_default();
        if chunk.rows.len() >= CHUNK_ROWS || (!chunk.rows.is_empty() && *bytes + row.json.len() > CHUNK_BYTES) {
            (*number, *bytes) = (sequence, 0);
            chunk = self.chunks.entry((bill.to_owned(), sequence)).or_default();
        }
        *bytes += row.json.len();
        chunk.rows.push(row);
        *number
    }

    /// Replaces the content of a row that stays in its bill.
    pub(super) fn replace(
        &mut self,
        txn: &Txn<'_>,
        known: &RowRecord,
        id: &str,
        json: &'p [u8],
    ) -> Result<u64, JournalError> {
        let (chunk, place) = self.find(txn, known, id)?;
        if let Some(found) = chunk.rows.get_mut(place) {
            found.json = Cow::Borrowed(json);
        }
        Ok(known.chunk)
    }

    /// Takes a row out of the bill that it leaves.
    pub(super) fn take(&mut self, txn: &Txn<'_>, known: &RowRecord, id: &str) -> Result<GroupedRow<'p>, JournalError> {
        let (chunk, place) = self.find(txn, known, id)?;
        Ok(chunk.rows.remove(place))
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

    pub(super) fn write(self, txn: &mut Txn<'_>) -> Result<(), JournalError> {
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

fn missing(chunk: &Key, row: &str) -> JournalError {
    JournalError::Damaged { key: printable(chunk.bytes()), reason: format!("row `{row}` is not in it") }
}

/// All rows of each bill but the refused ones, in the order of their first arrival. Bills that lie together are read together.
pub(super) fn rows_of(
    tree: &Tree,
    scheme: &str,
    bills: &[&str],
) -> Result<HashMap<String, Vec<Vec<u8>>>, JournalError> {
    let groups = groups_prefix(scheme);
    let mut blocks: BTreeMap<Vec<u8>, HashSet<Vec<u8>>> = BTreeMap::new();
    for bill in bills {
        if let Some(place) = place(group_prefix(scheme, bill).bytes()) {
            blocks.entry(place.block().to_vec()).or_default().insert(place.digits.to_vec());
        }
    }
    let mut arrived: HashMap<String, Vec<(u64, Vec<u8>)>> = HashMap::new();
    for (block, digits) in blocks {
        for item in in_block(tree, &block, |of| digits.contains(of)) {
            let (key, bytes) = item?;
            let chunk: Chunk<'_> = decode(&key, &bytes)?;
            let bill = Parts::behind(groups.bytes(), &key).text()?;
            let refused = refused_of(tree, scheme, &bill)?;
            let good = chunk.rows.into_iter().filter(|row| !refused.contains(&*row.id));
            arrived.entry(bill).or_default().extend(good.map(|row| (row.arrived, row.json.into_owned())));
        }
    }
    let in_order = |mut rows: Vec<(u64, Vec<u8>)>| {
        rows.sort_by_key(|(arrived, _)| *arrived);
        rows.into_iter().map(|(_, json)| json).collect()
    };
    Ok(arrived.into_iter().map(|(bill, rows)| (bill, in_order(rows))).collect())
}

fn refused_of(tree: &Tree, scheme: &str, bill: &str) -> Result<HashSet<String>, JournalError> {
    let prefix = holds_prefix(scheme, bill);
    range(tree, prefix.bytes(), None).map(|item| Parts::behind(prefix.bytes(), &item?.0).text()).collect()
}

/// One row's content.
pub(super) fn row_in(tree: &Tree, scheme: &str, bill: &str, chunk: u64, id: &str) -> Result<Vec<u8>, JournalError> {
    let key = chunk_key(scheme, bill, chunk);
    let bytes = Read::get(tree, &key)?.ok_or_else(|| missing(&key, id))?;
    let chunk: Chunk<'_> = decode(key.bytes(), &bytes)?;
    let row = chunk.rows.into_iter().find(|row| row.id == id).ok_or_else(|| missing(&key, id))?;
    Ok(row.json.into_owned())
}

//! Indexes: from values of fields to the latest row that has them.
//!
//! An entry's key ends in the sequence number under which its row was stored, so the last entry with the values looked for
//! is the latest row, and a lookup is one step into an ordered range; or several, backwards, if it is choosy. A row
//! remembers the entries it has, because by the time it changes nobody else knows its old values.
//!
//! A walk backwards is made in steps, between which pages are stored. A row that is stored again then leaves its place in
//! front of the walk for one behind it: so a walk that ends without a row goes over what has come since it began.
//!
//! An index serves lookups when it has every row (`Complete`). A page that was prepared before the index existed stores
//! its rows all the same and sends the index back to `Building`: a lookup that fails is asked again, one that misses a row
//! would hold a bill back for nothing.

use sled::Tree;

use super::collection::row_key;
use super::groups::row_in;
use super::key::{Key, Kind, Parts};
use super::record::{Index, IndexState, Indexes, Place, RowRecord, decode};
use super::txn::{Read, Txn, range, range_between};
use super::{FoundRow, IndexFields, JournalError, RowToStore};

/// Entries that one commit adds or removes; rows that one step of building reads.
const PER_COMMIT: usize = 500;

/// Entries that one step of a lookup looks at: commits wait for it.
const PER_STEP: usize = 64;

pub(super) fn indexes_key(collection: &str) -> Key {
    Key::new(Kind::Indexes).text(collection)
}

/// All entries of an index.
pub(super) fn index_prefix(collection: &str, index: u64) -> Key {
    Key::new(Kind::Entry).text(collection).number(index)
}

pub(super) fn values_prefix(collection: &str, index: u64, values: &[String]) -> Key {
    values.iter().fold(index_prefix(collection, index), |key, value| key.text(value))
}

pub(super) fn entry_key(collection: &str, index: u64, values: &[String], stored: u64, row: &str) -> Key {
    values_prefix(collection, index, values).number(stored).text(row)
}

pub(super) fn indexes(from: &impl Read, collection: &str) -> Result<Indexes, JournalError> {
    Ok(from.record(&indexes_key(collection))?.unwrap_or_default())
}

impl Indexes {
    /// The index over these fields, if it has every row.
    fn complete(&self, fields: &IndexFields) -> Option<&Index> {
        self.all.iter().find(|index| index.state == IndexState::Complete && index.fields == *fields)
    }

    fn wanted(&mut self) -> impl Iterator<Item = &mut Index> {
        self.all.iter_mut().filter(|index| index.state != IndexState::Dropped)
    }

    /// The number of the index over these fields; a new one is still to be built.
    fn number_of(&mut self, fields: &IndexFields) -> u64 {
        if let Some(index) = self.wanted().find(|index| index.fields == *fields) {
            return index.number;
        }
        self.last += 1;
        let state = IndexState::Building { overtaken: false };
        self.all.push(Index { number: self.last, fields: fields.clone(), state });
        self.last
    }
}

/// A collection's indexes while a page is stored.
pub(super) struct PageIndexes<'p> {
    collection: &'p str,
    before: Indexes,
    now: Indexes,
    /// Their numbers, in the order of the page's values.
    numbers: Vec<u64>,
    /// A row was stored that is not in the indexes that the page does not know of.
    stored: bool,
}

impl<'p> PageIndexes<'p> {
    pub(super) fn load(txn: &Txn<'_>, collection: &'p str, fields: &[IndexFields]) -> Result<Self, JournalError> {
        let before = indexes(txn, collection)?;
        let mut now = before.clone();
        let numbers = fields.iter().map(|fields| now.number_of(fields)).collect();
        Ok(Self { collection, before, now, numbers, stored: false })
    }

    /// Takes a row's old entries away and gives it its new ones, which are returned; a refused row has none.
    pub(super) fn move_row(
        &mut self,
        txn: &mut Txn<'_>,
        row: &RowToStore,
        known: Option<&RowRecord>,
        chunk: u64,
        stored: u64,
    ) -> Result<Vec<(u64, Vec<String>)>, JournalError> {
        if let Some(known) = known {
            remove_entries(txn, self.collection, known, &row.id);
        }
        if row.refused.is_some() {
            return Ok(Vec::new());
        }
        self.stored = true;
        let mut indexed = Vec::with_capacity(self.numbers.len());
        for (index, values) in self.numbers.iter().zip(&row.index_values) {
            if let Some(values) = values {
                let place = Place { bill: row.bill.clone(), chunk };
                txn.put_record(entry_key(self.collection, *index, values, stored, &row.id), &place)?;
                indexed.push((*index, values.clone()));
            }
        }
        Ok(indexed)
    }

    pub(super) fn write(mut self, txn: &mut Txn<'_>) -> Result<(), JournalError> {
        if self.stored {
            for index in self.now.wanted().filter(|index| !self.numbers.contains(&index.number)) {
                index.state = IndexState::Building { overtaken: true };
            }
        }
        if self.now != self.before {
            txn.put_record(indexes_key(self.collection), &self.now)?;
        }
        Ok(())
    }
}

/// Tells a row's entries where it is now.
pub(super) fn relocate(txn: &mut Txn<'_>, collection: &str, row: &RowRecord, id: &str) -> Result<(), JournalError> {
    for (index, values) in &row.indexed {
        let entry = entry_key(collection, *index, values, row.stored, id);
        if txn.get(&entry)?.is_some() {
            txn.put_record(entry, &Place { bill: row.bill.clone(), chunk: row.chunk })?;
        }
    }
    Ok(())
}

/// Takes a row's entries away.
pub(super) fn remove_entries(txn: &mut Txn<'_>, collection: &str, known: &RowRecord, row: &str) {
    for (index, values) in &known.indexed {
        txn.remove(entry_key(collection, *index, values, known.stored, row));
    }
}

/// Whether a row is the one that is looked for.
pub(super) type Accept<'a> = &'a (dyn for<'r> Fn(&'r [u8]) -> bool + Send + Sync);

/// A walk over the entries of an index that have certain values, the latest first.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The index, once it has begun: another one over the same fields has other entries.
    index: Option<u64>,
    /// The latest entry of this pass; the next pass goes down to it.
    latest: Option<Vec<u8>>,
    /// The entry that it has come down to.
    reached: Option<Vec<u8>>,
    /// Entries up to this one are known already.
    known: Option<Vec<u8>>,
}

/// How a step of a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Walked {
    Found(FoundRow),
    /// Take another step.
    On,
    /// There is no such row.
    Nothing,
}

impl Walk {
    /// Looks at some entries.
    pub(super) fn step(
        &mut self,
        tree: &Tree,
        collection: &str,
        fields: &IndexFields,
        values: &[String],
        accept: Accept<'_>,
    ) -> Result<Walked, JournalError> {
        let index = complete_index(tree, collection, fields, values)?;
        if *self.index.get_or_insert(index) != index {
            return Err(missing(collection, fields));
        }
        let prefix = values_prefix(collection, index, values);
        let is_first = self.reached.is_none();
        let mut looked_at = 0;
        let entries = range_between(tree, prefix.bytes(), self.known.as_deref(), self.reached.as_deref());
        for entry in entries.rev().take(PER_STEP) {
            let (key, place) = entry?;
            let place: Place = decode(&key, &place)?;
            let mut parts = Parts::behind(prefix.bytes(), &key);
            let (sequence, row) = (parts.number()?, parts.text()?);
            let json = row_in(tree, collection, &place.bill, place.chunk, &row)?;
            if accept(&json) {
                return Ok(Walked::Found(FoundRow { json, stored: (sequence, row) }));
            }
            looked_at += 1;
            if self.latest.is_none() {
                self.latest = Some(key.to_vec());
            }
            self.reached = Some(key.to_vec());
        }
        if looked_at == PER_STEP {
            return Ok(Walked::On);
        }
        // A pass of one step has seen everything at one moment.
        if is_first {
            return Ok(Walked::Nothing);
        }
        (self.known, self.reached) = (self.latest.take().or_else(|| self.known.take()), None);
        Ok(Walked::On)
    }
}

fn missing(collection: &str, fields: &IndexFields) -> JournalError {
    JournalError::IndexMissing { collection: collection.to_owned(), fields: fields.clone() }
}

/// The number of the index over these fields, if it has every row.
fn complete_index(tree: &Tree, collection: &str, fields: &IndexFields, values: &[String]) -> Result<u64, JournalError> {
    let indexes = indexes(tree, collection)?;
    let index = indexes.complete(fields).ok_or_else(|| missing(collection, fields))?;
    if values.len() != fields.len() {
        return Err(JournalError::Conflict(format!(
            "{} values for the {} fields of an index of collection `{collection}`",
            values.len(),
            fields.len()
        )));
    }
    Ok(index.number)
}

/// Those of these indexes that do not have every row.
pub(super) fn missing_indexes(
    tree: &Tree,
    collection: &str,
    wanted: &[IndexFields],
) -> Result<Vec<IndexFields>, JournalError> {
    let indexes = indexes(tree, collection)?;
    Ok(wanted.iter().filter(|fields| indexes.complete(fields).is_none()).cloned().collect())
}

/// How many rows a collection has.
pub(super) fn count_rows(tree: &Tree, collection: &str) -> Result<u64, JournalError> {
    range(tree, Key::new(Kind::Row).text(collection).bytes(), None).try_fold(0, |rows, item| item.map(|_| rows + 1))
}

/// An index to build or to remove.
pub(super) enum Work {
    Build(u64, IndexFields),
    Remove(u64),
}

/// Notes which indexes are wanted; says what there is to do.
pub(super) fn want(txn: &mut Txn<'_>, collection: &str, wanted: &[IndexFields]) -> Result<Vec<Work>, JournalError> {
    let before = indexes(txn, collection)?;
    let mut now = before.clone();
    for index in now.wanted().filter(|index| !wanted.contains(&index.fields)) {
        index.state = IndexState::Dropped;
    }
    for fields in wanted {
        now.number_of(fields);
    }
    let mut work = Vec::new();
    for index in &mut now.all {
        match &mut index.state {
            IndexState::Complete => {}
            IndexState::Building { overtaken } => {
                *overtaken = false;
                work.push(Work::Build(index.number, index.fields.clone()));
            }
            IndexState::Dropped => work.push(Work::Remove(index.number)),
        }
    }
    if now != before {
        txn.put_record(indexes_key(collection), &now)?;
    }
    Ok(work)
}

/// Removes some entries of a dropped index; true when it is gone. Rows go on remembering entries that are not there.
pub(super) fn remove_some(txn: &mut Txn<'_>, collection: &str, index: u64) -> Result<bool, JournalError> {
    let prefix = index_prefix(collection, index);
    let entries = txn.committed(prefix.bytes(), None, PER_COMMIT)?;
    for (key, _) in &entries {
        txn.remove_bytes(key.clone());
    }
    let gone = entries.len() < PER_COMMIT;
    if gone {
        let mut indexes = indexes(txn, collection)?;
        indexes.all.retain(|other| other.number != index);
        txn.put_record(indexes_key(collection), &indexes)?;
    }
    Ok(gone)
}

/// A row as it is collected.
pub(super) struct RowToIndex {
    pub(super) id: String,
    pub(super) stored: u64,
    pub(super) json: Vec<u8>,
}

/// The number of no index: no row is in it.
pub(super) const NO_INDEX: u64 = u64::MAX;

/// Rows behind `after` that are not in the index, and where to go on; `None` at the end.
pub(super) fn rows_without(
    tree: &Tree,
    collection: &str,
    index: u64,
    after: Option<&[u8]>,
) -> Result<(Vec<RowToIndex>, Option<Vec<u8>>), JournalError> {
    let prefix = Key::new(Kind::Row).text(collection);
    let mut rows = Vec::new();
    let mut last = None;
    for item in range(tree, prefix.bytes(), after).take(PER_COMMIT) {
        let (key, bytes) = item?;
        let record: RowRecord = decode(&key, &bytes)?;
        last = Some(key.to_vec());
        if record.refused.is_some() || record.indexed.iter().any(|(number, _)| *number == index) {
            continue;
        }
        let id = Parts::behind(prefix.bytes(), &key).text()?;
        let json = row_in(tree, collection, &record.bill, record.chunk, &id)?;
        rows.push(RowToIndex { id, stored: record.stored, json });
    }
    Ok((rows, last))
}

/// Adds rows to an index, but for those that were stored again meanwhile. Returns how many.
pub(super) fn add_some(
    txn: &mut Txn<'_>,
    collection: &str,
    index: u64,
    rows: Vec<(String, u64, Vec<String>)>,
) -> Result<u64, JournalError> {
    let mut added = 0;
    for (id, stored, values) in rows {
        let key = row_key(collection, &id);
        let Some(mut row) = txn.record::<RowRecord>(&key)? else {
            continue;
        };
        if row.stored != stored || row.indexed.iter().any(|(number, _)| *number == index) {
            continue;
        }
        let place = Place { bill: row.bill.clone(), chunk: row.chunk };
        txn.put_record(entry_key(collection, index, &values, stored, &id), &place)?;
        row.indexed.push((index, values));
        txn.put_record(key, &row)?;
        added += 1;
    }
    Ok(added)
}

/// Marks an index as complete; false if rows were stored without it meanwhile, and it is to be built again.
pub(super) fn complete(txn: &mut Txn<'_>, collection: &str, index: u64) -> Result<bool, JournalError> {
    let mut indexes = indexes(txn, collection)?;
    let Some(found) = indexes.wanted().find(|other| other.number == index) else {
        return Ok(true);
    };
    let whole = found.state != IndexState::Building { overtaken: true };
    found.state = if whole { IndexState::Complete } else { IndexState::Building { overtaken: false } };
    txn.put_record(indexes_key(collection), &indexes)?;
    Ok(whole)
}

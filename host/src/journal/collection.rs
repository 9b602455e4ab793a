//! Rows and the bills they belong to.
//!
//! A row has two homes: a small record under its id, which says whether it changed and where it is, and its content, which
//! lies with the other rows of its bill ([`groups`](super::groups)).

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::groups::Groups;
use super::key::{Key, Kind};
use super::lookups::{PageIndexes, remove_entries};
use super::record::{GroupedRow, RowRecord};
use super::refused::{holds_key, refused_key};
use super::txn::{Read, Txn};
use super::vanished::PageSeen;
use super::{IndexFields, JournalError, OnChange, PageStored, PageToStore, RowToStore};

pub(super) fn row_key(scheme: &str, id: &str) -> Key {
    Key::new(Kind::Row).text(scheme).text(id)
}

/// What storing rows came to.
pub(super) struct RowsStored {
    pub(super) counts: PageStored,
    /// Bills that gained, lost or changed a row.
    pub(super) touched: BTreeSet<String>,
}

/// Rows that arrive together.
pub(super) struct Arriving<'p> {
    pub(super) scheme: &'p str,
    pub(super) rows: &'p [RowToStore],
    /// Rows that came with them and were left out on purpose.
    pub(super) left_out: u64,
    pub(super) on_change: OnChange,
    /// What the rows' index values belong to.
    pub(super) indexes: &'p [IndexFields],
}

impl<'p> From<&'p PageToStore> for Arriving<'p> {
    fn from(page: &'p PageToStore) -> Self {
        let PageToStore { scheme, rows, left_out, on_change, indexes, .. } = page;
        Self { scheme, rows, left_out: *left_out, on_change: *on_change, indexes }
    }
}

/// Stores rows. `sequence` is the collection's counter of stored rows; `seen` notes what a page returns.
pub(super) fn store_rows<'p>(
    txn: &mut Txn<'_>,
    arriving: &Arriving<'p>,
    sequence: &mut u64,
    mut seen: Option<&mut PageSeen<'p>>,
) -> Result<RowsStored, JournalError> {
    let left_out = arriving.left_out;
    let mut intake = Intake::begin(txn, arriving.scheme, arriving.indexes, *sequence)?;
    let mut counts = PageStored { rows: left_out, skipped: left_out, ..PageStored::default() };
    for row in arriving.rows {
        counts.rows += 1;
        let known: Option<RowRecord> = txn.record(&row_key(arriving.scheme, &row.id))?;
        let skipped = known.as_ref().is_some_and(|known| is_skipped(known, row, arriving.on_change));
        if let Some(seen) = &mut seen {
            seen.add(row, known.as_ref().filter(|known| skipped || known.bill == row.bill));
        }
        if skipped {
            counts.skipped += 1;
        } else {
            counts.new += 1;
            intake.put(txn, row, known.as_ref())?;
        }
    }
    let (last, touched) = intake.end(txn)?;
    *sequence = last;
    Ok(RowsStored { counts, touched })
}

/// A refused row is not yet there as far as deliveries go: it is skipped only when nothing has happened to it.
fn is_skipped(known: &RowRecord, row: &RowToStore, on_change: OnChange) -> bool {
    let unchanged = known.digest == row.digest;
    match (&known.refused, &row.refused) {
        (Some(_), refused) => unchanged && refused.is_some(),
        (None, _) => unchanged || on_change == OnChange::Skip,
    }
}

/// Rows on their way into the collection, in one commit.
pub(super) struct Intake<'p> {
    scheme: &'p str,
    indexes: PageIndexes<'p>,
    groups: Groups<'p>,
    sequence: u64,
    touched: BTreeSet<String>,
}

/// The row that another one is made of.
pub(super) struct Origin {
    /// Its place among the rows of its bill.
    pub(super) arrived: u64,
    /// The sequence number of its content.
    pub(super) stored: u64,
}

impl<'p> Intake<'p> {
    /// `indexes`: what the rows' index values belong to.
    pub(super) fn begin(
        txn: &Txn<'_>,
        scheme: &'p str,
        indexes: &[IndexFields],
        sequence: u64,
    ) -> Result<Self, JournalError> {
        let indexes = PageIndexes::load(txn, scheme, indexes)?;
        Ok(Self { scheme, indexes, groups: Groups::of(scheme), sequence, touched: BTreeSet::new() })
    }

    /// Puts a row in the place of what is `known` under its id.
    pub(super) fn put(
        &mut self,
        txn: &mut Txn<'_>,
        row: &'p RowToStore,
        known: Option<&RowRecord>,
    ) -> Result<(), JournalError> {
        self.sequence += 1;
        let chunk = match known {
            Some(known) if known.bill == row.bill => self.groups.replace(txn, known, &row.id, &row.json)?,
            known => self.add(txn, row, known, self.sequence)?,
        };
        self.save(txn, row, known, chunk, self.sequence)
    }

    /// The same for a row that is made of another one. It goes into a chunk of its own, wherever it was: the scan under
    /// way, which has seen the other, must not take it for vanished.
    pub(super) fn put_instead(
        &mut self,
        txn: &mut Txn<'_>,
        row: &'p RowToStore,
        known: Option<&RowRecord>,
        origin: &Origin,
    ) -> Result<(), JournalError> {
        self.sequence += 1;
        let chunk = self.add(txn, row, known, origin.arrived)?;
        self.save(txn, row, known, chunk, origin.stored)
    }

    /// Adds a row to its bill, where it stands by its first arrival.
    fn add(
        &mut self,
        txn: &Txn<'_>,
        row: &'p RowToStore,
        known: Option<&RowRecord>,
        arrived: u64,
    ) -> Result<u64, JournalError> {
        let arrived = match known {
            Some(known) => self.take(txn, known, &row.id)?,
            None => arrived,
        };
        let grouped = GroupedRow { arrived, id: Cow::Borrowed(&row.id), json: Cow::Borrowed(&row.json) };
        Ok(self.groups.add(&row.bill, grouped, self.sequence))
    }

    fn take(&mut self, txn: &Txn<'_>, known: &RowRecord, id: &str) -> Result<u64, JournalError> {
        self.touched.insert(known.bill.clone());
        Ok(self.groups.take(txn, known, id)?.arrived)
    }

    fn save(
        &mut self,
        txn: &mut Txn<'_>,
        row: &RowToStore,
        known: Option<&RowRecord>,
        chunk: u64,
        stored: u64,
    ) -> Result<(), JournalError> {
        self.touched.insert(row.bill.clone());
        let record = RowRecord {
            digest: row.digest,
            bill: row.bill.clone(),
            chunk,
            stored,
            indexed: self.indexes.move_row(txn, row, known, chunk, stored)?,
            refused: row.refused.clone(),
        };
        save_row(txn, self.scheme, &row.id, known, Some(&record))
    }

    /// Takes a row out; says when it arrived.
    pub(super) fn remove(&mut self, txn: &mut Txn<'_>, id: &str, known: &RowRecord) -> Result<u64, JournalError> {
        remove_entries(txn, self.scheme, known, id);
        save_row(txn, self.scheme, id, Some(known), None)?;
        self.take(txn, known, id)
    }

    /// The collection's counter of stored rows, and the bills that gained, lost or changed a row.
    pub(super) fn end(self, txn: &mut Txn<'_>) -> Result<(u64, BTreeSet<String>), JournalError> {
        self.groups.write(txn)?;
        self.indexes.write(txn)?;
        Ok((self.sequence, self.touched))
    }
}

/// Writes what is known of a row, and where it is found if it is refused.
pub(super) fn save_row(
    txn: &mut Txn<'_>,
    scheme: &str,
    id: &str,
    before: Option<&RowRecord>,
    after: Option<&RowRecord>,
) -> Result<(), JournalError> {
    if let Some(before) = before.filter(|before| before.refused.is_some()) {
        txn.remove(refused_key(scheme, id));
        txn.remove(holds_key(scheme, &before.bill, id));
    }
    let Some(after) = after else {
        txn.remove(row_key(scheme, id));
        return Ok(());
    };
    if after.refused.is_some() {
        txn.put(refused_key(scheme, id), Vec::new());
        txn.put(holds_key(scheme, &after.bill, id), Vec::new());
    }
    txn.put_record(row_key(scheme, id), after)
}

/// Takes rows out of the collection, and out of its indexes.
pub(super) fn remove_rows<'i>(
    txn: &mut Txn<'_>,
    scheme: &str,
    ids: impl IntoIterator<Item = &'i String>,
) -> Result<(), JournalError> {
    let mut groups = Groups::of(scheme);
    for id in ids {
        if let Some(known) = txn.record::<RowRecord>(&row_key(scheme, id))? {
            groups.take(txn, &known, id)?;
            remove_entries(txn, scheme, &known, id);
            save_row(txn, scheme, id, Some(&known), None)?;
        }
    }
    groups.write(txn)
}

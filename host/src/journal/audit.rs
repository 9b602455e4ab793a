//! Whether the journal holds together.
//!
//! Every record that says where something is, or how much of it there is, was written in the same commit as what it speaks
//! of. This goes through a scheme's records and holds each against the other, in memory that does not grow with them.

use sled::Tree;

use super::books::{self, claims_prefix, dead_prefix, index_keys, load, look_up_prefix, ready_prefix};
use super::collection::row_key;
use super::groups::{groups_prefix, row_in};
use super::key::{Key, Kind, Parts, printable};
use super::lookups::{entry_key, indexes};
use super::overhaul;
use super::record::{Chunk, IndexState, RowRecord, SeenBill, decode};
use super::refused::{holds_key, refused_key};
use super::scans::scheme_record;
use super::txn::{Read, range};
use super::vanished::run_prefix;
use super::{Counts, JournalError};

pub(super) fn audit(tree: &Tree, scheme: &str) -> Result<Counts, JournalError> {
    rows(tree, scheme)?;
    notes(tree, scheme)?;
    bills(tree, scheme)
}

fn damaged(key: &[u8], reason: String) -> JournalError {
    JournalError::Damaged { key: printable(key), reason }
}

/// `found` under `prefix` must be as many as the records say.
fn agree(prefix: &Key, what: &str, found: u64, expected: u64) -> Result<(), JournalError> {
    if found == expected {
        return Ok(());
    }
    Err(damaged(prefix.bytes(), format!("there are {found} {what}, and records of {expected}")))
}

fn rows(tree: &Tree, scheme: &str) -> Result<(), JournalError> {
    let prefix = Key::new(Kind::Row).text(scheme);
    let all = indexes(tree, scheme)?.all;
    let is_kept = |number: u64| all.iter().any(|i| i.number == number && i.state != IndexState::Dropped);
    let (mut rows, mut entries, mut refused) = (0, 0, 0);
    for item in range(tree, prefix.bytes(), None) {
        let (key, bytes) = item?;
        let row: RowRecord = decode(&key, &bytes)?;
        let id = Parts::behind(prefix.bytes(), &key).text()?;
        row_in(tree, scheme, &row.bill, row.chunk, &id)?;
        rows += 1;
        if row.refused.is_some() {
            refused += 1;
            for mark in [refused_key(scheme, &id), holds_key(scheme, &row.bill, &id)] {
                if Read::get(tree, &mark)?.is_none() {
                    return Err(damaged(mark.bytes(), format!("row `{id}` is refused and not marked as such")));
                }
            }
            if !row.indexed.is_empty() {
                return Err(damaged(&key, "a refused row is in an index".into()));
            }
        }
        for (index, values) in row.indexed.iter().filter(|(index, _)| is_kept(*index)) {
            let entry = entry_key(scheme, *index, values, row.stored, &id);
            if Read::get(tree, &entry)?.is_none() {
                return Err(damaged(entry.bytes(), format!("row `{id}` should be found here")));
            }
            entries += 1;
        }
    }
    for kind in [Kind::Refused, Kind::Holds] {
        let marks = Key::new(kind).text(scheme);
        agree(&marks, "marks of refused rows", count(tree, &marks)?, refused)?;
    }
    let groups = groups_prefix(scheme);
    let mut grouped = 0;
    for item in range(tree, groups.bytes(), None) {
        let (key, bytes) = item?;
        let chunk: Chunk<'_> = decode(&key, &bytes)?;
        for row in &chunk.rows {
            if Read::get(tree, &row_key(scheme, &row.id))?.is_none() {
                return Err(damaged(&key, format!("row `{}` has no record", row.id)));
            }
            grouped += 1;
        }
    }
    agree(&groups, "rows of bills", grouped, rows)?;
    let mut found = 0;
    for index in all.iter().filter(|index| index.state != IndexState::Dropped) {
        found += count(tree, &Key::new(Kind::Entry).text(scheme).number(index.number))?;
    }
    agree(&Key::new(Kind::Entry).text(scheme), "index entries", found, entries)
}

/// Notes are those of the scan under way, and marks those of rows that are being regrouped.
fn notes(tree: &Tree, scheme: &str) -> Result<(), JournalError> {
    let forming = scheme_record(tree, scheme)?.scan.filter(|scan| !scan.finished);
    for kind in [Kind::Forming, Kind::Seen] {
        let prefix = Key::new(kind).text(scheme);
        for item in range(tree, prefix.bytes(), None) {
            let (key, bytes) = item?;
            let scan = Parts::behind(prefix.bytes(), &key).number()?;
            if forming.as_ref().is_none_or(|forming| forming.scan.id != scan) {
                return Err(damaged(&key, format!("it is a note of scan {scan}, which is over")));
            }
            if kind == Kind::Forming {
                decode::<Vec<String>>(&key, &bytes)?;
                continue;
            }
            decode::<Vec<SeenBill<'_>>>(&key, &bytes)?;
        }
    }
    let owed = Key::new(Kind::Owed).text(scheme);
    if let Some(item) = range(tree, owed.bytes(), None).next()
        && !overhaul::is_under_way(tree, scheme)?
    {
        return Err(damaged(&item?.0, "it is the mark of a row that is being regrouped, and none are".into()));
    }
    match forming {
        Some(forming) if forming.complete => {
            let prefix = run_prefix(scheme, forming.scan.id, forming.run);
            agree(&prefix, "notes of pages", count(tree, &prefix)?, forming.scan.pages_stored.into())
        }
        _ => Ok(()),
    }
}

fn bills(tree: &Tree, scheme: &str) -> Result<Counts, JournalError> {
    let prefix = Key::new(Kind::Bill).text(scheme);
    let books = books::counts(tree, scheme)?;
    let mut counts = Counts { rows: books.rows, new: books.new, skipped: books.skipped, ..Counts::default() };
    let mut found = 0;
    for item in range(tree, prefix.bytes(), None) {
        let (key, _) = item?;
        let name = Parts::behind(prefix.bytes(), &key).text()?;
        let bill = load(tree, scheme, &name)?.bill;
        let part = bill.counts();
        if !part.balance() {
            return Err(damaged(&key, format!("the bill's books do not balance: {part:?}")));
        }
        for key in index_keys(scheme, &name, &bill) {
            if Read::get(tree, &key)?.is_none() {
                return Err(damaged(key.bytes(), format!("bill `{name}` should be found here")));
            }
            found += 1;
        }
        counts.bills += part.bills;
        counts.done += part.done;
        counts.failed += part.failed;
        counts.dead += part.dead;
        counts.waiting += part.waiting;
        counts.claimed += part.claimed;
        counts.superseded += part.superseded;
    }
    let mut indexed = 0;
    for prefix in [ready_prefix(scheme), look_up_prefix(scheme), dead_prefix(scheme)] {
        indexed += count(tree, &prefix)?;
    }
    for item in range(tree, Key::new(Kind::Blocked).bytes(), None) {
        let (key, _) = item?;
        let mut parts = Parts::of(&key);
        parts.text()?;
        indexed += u64::from(parts.text()? == scheme);
    }
    agree(&ready_prefix(scheme), "places of bills", indexed, found)?;
    let claims = claims_prefix(scheme);
    agree(&claims, "claims", count(tree, &claims)?, counts.claimed)?;
    if counts == books {
        return Ok(counts);
    }
    Err(damaged(prefix.bytes(), format!("the bills come to {counts:?}, the books say {books:?}")))
}

fn count(tree: &Tree, prefix: &Key) -> Result<u64, JournalError> {
    range(tree, prefix.bytes(), None).try_fold(0, |count, item| item.map(|_| count + 1))
}

//! A scheme that is forgotten.
//!
//! Its bills go first, each with its part of the books, then the notes, then the rows with their index entries. Between
//! two commits what is left holds together. The scheme's own record goes last, so that what is left of it can be found.

use super::JournalError;
use super::books::{counts_key, forget};
use super::collection::remove_rows;
use super::groups::groups_prefix;
use super::key::{Key, Kind, Parts};
use super::lookups::indexes_key;
use super::overhaul::overhaul_key;
use super::record::{Chunk, Overhaul, decode};
use super::scans::{scheme_key, scheme_record};
use super::txn::{Read, Txn};

/// Bills, notes or rows that one commit forgets (a chunk's worth more of the latter).
const PER_COMMIT: usize = 500;

/// Begins, or goes on after a crash; false if the scheme is not known.
pub(super) fn begin(txn: &mut Txn<'_>, scheme: &str) -> Result<bool, JournalError> {
    if txn.get(&scheme_key(scheme))?.is_none() && txn.get(&indexes_key(scheme))?.is_none() {
        return Ok(false);
    }
    let mut record = scheme_record(txn, scheme)?;
    if let Some(under_way) = &mut record.scan {
        // It will not be finished: its notes need not be whole any more.
        under_way.complete = false;
    }
    txn.put_record(scheme_key(scheme), &record)?;
    txn.put_record(overhaul_key(scheme), &Overhaul::Purge)?;
    Ok(true)
}

/// Forgets some more; says how many rows, and whether that was all.
pub(super) fn forget_some(txn: &mut Txn<'_>, scheme: &str) -> Result<(u64, bool), JournalError> {
    let bills = Key::new(Kind::Bill).text(scheme);
    let some = txn.committed(bills.bytes(), None, PER_COMMIT)?;
    for (key, _) in &some {
        forget(txn, scheme, &Parts::behind(bills.bytes(), key).text()?)?;
    }
    if !some.is_empty() {
        return Ok((0, false));
    }
    for notes in [Kind::Forming, Kind::Seen, Kind::Owed, Kind::Attempted, Kind::Attempt] {
        if remove_some(txn, &Key::new(notes).text(scheme))? {
            return Ok((0, false));
        }
    }
    let rows = forget_rows(txn, scheme)?;
    if rows > 0 {
        return Ok((rows, false));
    }
    // Rows take their entries along, but for those of an index that was dropped and is not yet gone.
    if remove_some(txn, &Key::new(Kind::Entry).text(scheme))? {
        return Ok((0, false));
    }
    for key in [indexes_key(scheme), counts_key(scheme), scheme_key(scheme), overhaul_key(scheme)] {
        txn.remove(key);
    }
    Ok((0, true))
}

/// Removes some keys; false if there were none.
fn remove_some(txn: &mut Txn<'_>, prefix: &Key) -> Result<bool, JournalError> {
    let some = txn.committed(prefix.bytes(), None, PER_COMMIT)?;
    let any = !some.is_empty();
    for (key, _) in some {
        txn.remove_bytes(key);
    }
    Ok(any)
}

/// Forgets the rows of some chunks; says how many.
fn forget_rows(txn: &mut Txn<'_>, scheme: &str) -> Result<u64, JournalError> {
    let prefix = groups_prefix(scheme);
    let mut ids: Vec<String> = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    while ids.len() < PER_COMMIT {
        let Some((key, chunk)) = txn.committed(prefix.bytes(), after.as_deref(), 1)?.pop() else {
            break;
        };
        ids.extend(decode::<Chunk<'_>>(&key, &chunk)?.rows.into_iter().map(|row| row.id.into_owned()));
        after = Some(key.to_vec());
    }
    remove_rows(txn, scheme, &ids)?;
    Ok(ids.len() as u64)
}

//! Bills between the store and their [life](super::bill).
//!
//! A change of a bill is one function over [`Bill`]. What follows from it, in the same commit, is found by comparing before
//! and after: the records that differ, the index keys that come and go, and the scheme's counts. No step of a bill's life
//! keeps an index or a count by itself, so none can forget one.

use sled::IVec;

use super::bill::Bill;
use super::key::{Key, Kind};
use super::record::{BillRecord, Pending, Standing, decode, encode};
use super::txn::{Read, Txn};
use super::{ClaimedBill, Counts, JournalError};

/// A bill as it was read.
pub(super) struct Held {
    pub(super) bill: Bill,
    /// The `pending` of the record, which a claim of the same version leaves standing.
    recorded: Option<Pending>,
    bytes: Option<IVec>,
}

pub(super) fn bill_key(scheme: &str, bill: &str) -> Key {
    Key::new(Kind::Bill).text(scheme).text(bill)
}

pub(super) fn claim_key(scheme: &str, bill: &str) -> Key {
    claims_prefix(scheme).text(bill)
}

/// Reads a bill; one that never was is empty.
pub(super) fn load(from: &impl Read, scheme: &str, bill: &str) -> Result<Held, JournalError> {
    let key = bill_key(scheme, bill);
    let Some(bytes) = from.get(&key)? else {
        return Ok(Held { bill: Bill::default(), recorded: None, bytes: None });
    };
    let record: BillRecord = decode(key.bytes(), &bytes)?;
    let claim: Option<ClaimedBill> = from.record(&claim_key(scheme, bill))?;
    let latest_is_claimed = claim.as_ref().is_some_and(|claim| claim.version.version == record.version);
    let bill = Bill {
        version: record.version,
        done: record.done,
        superseded: record.superseded,
        sealed_in: record.sealed_in,
        pending: if latest_is_claimed { None } else { record.pending.clone() },
        claim,
        delivered: record.delivered,
    };
    Ok(Held { bill, recorded: record.pending, bytes: Some(bytes) })
}

/// Changes a bill, and what follows from it.
pub(super) fn change<T>(
    txn: &mut Txn<'_>,
    scheme: &str,
    bill: &str,
    change: impl FnOnce(&mut Bill) -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    let held = load(txn, scheme, bill)?;
    let mut after = held.bill.clone();
    let value = change(&mut after)?;
    if after != held.bill {
        save(txn, scheme, bill, held, after)?;
    }
    Ok(value)
}

fn save(txn: &mut Txn<'_>, scheme: &str, name: &str, held: Held, after: Bill) -> Result<(), JournalError> {
    let before = held.bill;
    debug_assert!(after.counts().balance(), "bill `{name}` does not balance: {after:?}");

    let old_keys = index_keys(scheme, name, &before);
    let new_keys = index_keys(scheme, name, &after);
    for key in old_keys.iter().filter(|key| !new_keys.contains(key)) {
        txn.remove(key.clone());
    }
    for key in new_keys.into_iter().filter(|key| !old_keys.contains(key)) {
        txn.put(key, Vec::new());
    }

    count(txn, scheme, |counts| {
        moved(counts, &before.counts(), &after.counts());
    })?;

    if after.claim != before.claim {
        match &after.claim {
            Some(claim) => txn.put_record(claim_key(scheme, name), claim)?,
            None => txn.remove(claim_key(scheme, name)),
        }
    }
    let latest_is_claimed = after.claim.as_ref().is_some_and(|claim| claim.version.version == after.version);
    let record = encode(&BillRecord {
        version: after.version,
        done: after.done,
        superseded: after.superseded,
        sealed_in: after.sealed_in,
        pending: if latest_is_claimed { held.recorded } else { after.pending },
        delivered: after.delivered,
    })?;
    if held.bytes.as_deref() != Some(record.as_slice()) {
        txn.put(bill_key(scheme, name), record);
    }
    Ok(())
}

/// Forgets a bill, as if it had never been.
pub(super) fn forget(txn: &mut Txn<'_>, scheme: &str, name: &str) -> Result<(), JournalError> {
    let bill = load(txn, scheme, name)?.bill;
    for key in index_keys(scheme, name, &bill) {
        txn.remove(key);
    }
    txn.remove(claim_key(scheme, name));
    txn.remove(bill_key(scheme, name));
    count(txn, scheme, |counts| moved(counts, &bill.counts(), &Counts::default()))
}

/// Where a bill is found, beside its own records.
pub(super) fn index_keys(scheme: &str, name: &str, bill: &Bill) -> Vec<Key> {
    let mut keys = Vec::with_capacity(2);
    match (&bill.pending, &bill.claim) {
        (Some(Pending { standing: Standing::Blocked { collection }, .. }), _) => {
            keys.push(blocked_prefix(collection).text(scheme).text(name));
        }
        (Some(Pending { standing: Standing::Dead | Standing::Refused, .. }), _) => {
            keys.push(dead_prefix(scheme).text(name));
        }
        (Some(pending), None) => {
            keys.extend(pending.standing.due_ms().map(|due_ms| ready_prefix(scheme).time(due_ms).text(name)));
        }
        _ => {}
    }
    if let Some(due_ms) = bill.claim.as_ref().and_then(|claim| claim.look_up_due_ms) {
        keys.push(look_up_prefix(scheme).time(due_ms).text(name));
    }
    keys
}

pub(super) fn ready_prefix(scheme: &str) -> Key {
    Key::new(Kind::Ready).text(scheme)
}

pub(super) fn look_up_prefix(scheme: &str) -> Key {
    Key::new(Kind::LookUpDue).text(scheme)
}

pub(super) fn dead_prefix(scheme: &str) -> Key {
    Key::new(Kind::Dead).text(scheme)
}

pub(super) fn claims_prefix(scheme: &str) -> Key {
    Key::new(Kind::Claim).text(scheme)
}

pub(super) fn blocked_prefix(collection: &str) -> Key {
    Key::new(Kind::Blocked).text(collection)
}

pub(super) fn counts_key(scheme: &str) -> Key {
    Key::new(Kind::Counts).text(scheme)
}

pub(super) fn counts(from: &impl Read, scheme: &str) -> Result<Counts, JournalError> {
    Ok(from.record(&counts_key(scheme))?.unwrap_or_default())
}

/// Changes a scheme's counts.
pub(super) fn count(txn: &mut Txn<'_>, scheme: &str, change: impl FnOnce(&mut Counts)) -> Result<(), JournalError> {
    let mut counts = counts(txn, scheme)?;
    change(&mut counts);
    debug_assert!(counts.balance(), "the books of `{scheme}` do not balance: {counts:?}");
    txn.put_record(counts_key(scheme), &counts)
}

/// Replaces one bill's part of the books.
fn moved(counts: &mut Counts, before: &Counts, after: &Counts) {
    let parts: [fn(&mut Counts) -> &mut u64; 7] = [
        |c| &mut c.bills,
        |c| &mut c.done,
        |c| &mut c.failed,
        |c| &mut c.dead,
        |c| &mut c.waiting,
        |c| &mut c.claimed,
        |c| &mut c.superseded,
    ];
    let (mut before, mut after) = (*before, *after);
    for part in parts {
        let now = part(counts);
        *now = now.saturating_add(*part(&mut after)).saturating_sub(*part(&mut before));
    }
}

//! What was sent for bills, and what was answered.
//!
//! An attempt is written by the commit that says what became of its bill, and is never changed. Its key begins with its day:
//! what is older than is wanted lies together, and goes without a look at the bills; a bill's own attempts are found with
//! one short read per day that is kept. Where bills share a call, the first of them keeps its requests.

use sled::Tree;

use super::key::{Key, Kind, Parts};
use super::record::decode;
use super::txn::{Read, Txn, range};
use super::{Attempt, BillVersion, JournalError};

/// Attempts that one commit drops.
const PER_COMMIT: usize = 200;

const DAY_MS: i64 = 86_400_000;

fn day(at_ms: i64) -> u64 {
    u64::try_from(at_ms / DAY_MS).unwrap_or(0)
}

fn day_prefix(scheme: &str, day: u64) -> Key {
    Key::new(Kind::Attempt).text(scheme).number(day)
}

fn bill_prefix(scheme: &str, bill: &str, at_ms: i64) -> Key {
    day_prefix(scheme, day(at_ms)).text(bill)
}

/// Writes attempts.
pub(super) fn note(txn: &mut Txn<'_>, attempts: &[Attempt]) -> Result<(), JournalError> {
    for attempt in attempts {
        let BillVersion { scheme, bill, .. } = &attempt.version;
        let prefix = bill_prefix(scheme, bill, attempt.at_ms).time(attempt.at_ms);
        let mut nth = 0;
        // Two within one millisecond.
        while txn.get(&prefix.clone().number(nth))?.is_some() {
            nth += 1;
        }
        txn.put_record(prefix.number(nth), attempt)?;
    }
    Ok(())
}

/// A bill's attempts that are kept, the oldest first.
pub(super) fn of_bill(tree: &Tree, scheme: &str, bill: &str) -> Result<Vec<Attempt>, JournalError> {
    let mut attempts = Vec::new();
    let of_scheme = Key::new(Kind::Attempt).text(scheme);
    let mut next = range(tree, of_scheme.bytes(), None).next().transpose()?;
    while let Some((key, _)) = next {
        let day = Parts::behind(of_scheme.bytes(), &key).number()?;
        for item in range(tree, day_prefix(scheme, day).text(bill).bytes(), None) {
            let (key, bytes) = item?;
            attempts.push(whole(tree, decode(&key, &bytes)?)?);
        }
        next = range(tree, of_scheme.bytes(), Some(&super::key::end_of(day_prefix(scheme, day).bytes())))
            .next()
            .transpose()?;
    }
    Ok(attempts)
}

/// The attempt with the requests of its call, wherever they are kept.
fn whole(tree: &Tree, attempt: Attempt) -> Result<Attempt, JournalError> {
    let Some(with) = &attempt.with else { return Ok(attempt) };
    let kept = bill_prefix(&with.scheme, &with.bill, attempt.at_ms).time(attempt.at_ms);
    for item in range(tree, kept.bytes(), None) {
        let (key, bytes) = item?;
        let keeper: Attempt = decode(&key, &bytes)?;
        if keeper.with.is_none() && keeper.step == attempt.step {
            return Ok(Attempt { exchanges: keeper.exchanges, ..attempt });
        }
    }
    Ok(attempt)
}

/// Drops some of a scheme's attempts from days before that of `before_ms`; says how many.
pub(super) fn drop_some(txn: &mut Txn<'_>, scheme: &str, before_ms: i64) -> Result<usize, JournalError> {
    let prefix = Key::new(Kind::Attempt).text(scheme);
    let keys = txn.committed_until(prefix.bytes(), day_prefix(scheme, day(before_ms)).bytes(), PER_COMMIT)?;
    let dropped = keys.len();
    for key in keys {
        txn.remove_bytes(key);
    }
    Ok(dropped)
}

//! What was sent for bills, and what was answered.
//!
//! An attempt is written by the commit that says what became of its bill, and is never changed. Attempts that a commit notes lie
//! together, under their day: what is older than is wanted goes without a look at the bills, and a bill's own attempts are
//! found by a short note per day that is kept. Where bills share a call, the first of them keeps its requests.

use std::collections::BTreeMap;

use sled::Tree;

use super::compressed::{compress, decompress};
use super::key::{Key, Kind, Parts, end_of, printable};
use super::record::{decode_first, encode};
use super::txn::{Read, Txn, range};
use super::{Attempt, JournalError};

/// Records that one commit drops.
const PER_COMMIT: usize = 500;

/// Attempts of so many bytes lie apart from the next ones: who reads one of them reads all.
const TOGETHER: usize = 64 * 1024;

const DAY_MS: i64 = 86_400_000;

/// A time and a number: where attempts of a day lie.
type Place = (i64, u64);

fn day(at_ms: i64) -> u64 {
    u64::try_from(at_ms / DAY_MS).unwrap_or(0)
}

fn day_prefix(kind: Kind, scheme: &str, day: u64) -> Key {
    Key::new(kind).text(scheme).number(day)
}

fn place_key(scheme: &str, day: u64, (at_ms, number): Place) -> Key {
    day_prefix(Kind::Attempt, scheme, day).time(at_ms).number(number)
}

fn places_key(scheme: &str, day: u64, bill: &str) -> Key {
    day_prefix(Kind::Attempted, scheme, day).text(bill)
}

/// Writes attempts.
pub(super) fn note(txn: &mut Txn<'_>, attempts: &[Attempt]) -> Result<(), JournalError> {
    let mut days: BTreeMap<(&str, u64), Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        days.entry((&attempt.version.scheme, day(attempt.at_ms))).or_default().push(attempt);
    }
    for ((scheme, day), attempts) in days {
        let (mut together, mut bytes) = (Vec::new(), Vec::new());
        for attempt in attempts {
            bytes.extend_from_slice(&encode(attempt)?);
            together.push(attempt);
            if bytes.len() >= TOGETHER {
                put_together(txn, scheme, day, &together, &bytes)?;
                (together, bytes) = (Vec::new(), Vec::new());
            }
        }
        put_together(txn, scheme, day, &together, &bytes)?;
    }
    Ok(())
}

fn put_together(
    txn: &mut Txn<'_>,
    scheme: &str,
    day: u64,
    attempts: &[&Attempt],
    bytes: &[u8],
) -> Result<(), JournalError> {
    let Some(first) = attempts.first() else { return Ok(()) };
    let mut place = (first.at_ms, 0);
    // Two within one millisecond.
    while txn.get(&place_key(scheme, day, place))?.is_some() {
        place.1 += 1;
    }
    txn.put(place_key(scheme, day, place), compress(bytes));
    for attempt in attempts {
        let key = places_key(scheme, day, &attempt.version.bill);
        let mut places: Vec<Place> = txn.record(&key)?.unwrap_or_default();
        if places.last() != Some(&place) {
            places.push(place);
            txn.put_record(key, &places)?;
        }
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
        for attempt in of_day(tree, scheme, day, bill)? {
            attempts.push(whole(tree, day, attempt)?);
        }
        let of_day = day_prefix(Kind::Attempt, scheme, day);
        next = range(tree, of_scheme.bytes(), Some(&end_of(of_day.bytes()))).next().transpose()?;
    }
    attempts.sort_by_key(|attempt| attempt.at_ms);
    Ok(attempts)
}

fn of_day(tree: &Tree, scheme: &str, day: u64, bill: &str) -> Result<Vec<Attempt>, JournalError> {
    let mut attempts = Vec::new();
    let places: Option<Vec<Place>> = tree.record(&places_key(scheme, day, bill))?;
    for place in places.unwrap_or_default() {
        let key = place_key(scheme, day, place);
        let stored = Read::get(tree, &key)?.ok_or_else(|| JournalError::Damaged {
            key: printable(key.bytes()),
            reason: format!("attempts of bill `{bill}` should be found here"),
        })?;
        let mut together = all(key.bytes(), &decompress(key.bytes(), &stored)?)?;
        together.retain(|attempt| attempt.version.bill == bill);
        attempts.append(&mut together);
    }
    Ok(attempts)
}

/// Attempts that lie together.
fn all(key: &[u8], bytes: &[u8]) -> Result<Vec<Attempt>, JournalError> {
    let mut attempts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (attempt, behind) = decode_first(key, rest)?;
        attempts.push(attempt);
        rest = behind;
    }
    Ok(attempts)
}

/// The attempt with the requests of its call, wherever they are kept.
fn whole(tree: &Tree, day: u64, attempt: Attempt) -> Result<Attempt, JournalError> {
    let Some(with) = &attempt.with else { return Ok(attempt) };
    let keeper = of_day(tree, &with.scheme, day, &with.bill)?
        .into_iter()
        .find(|keeper| keeper.with.is_none() && keeper.at_ms == attempt.at_ms && keeper.step == attempt.step);
    Ok(match keeper {
        Some(keeper) => Attempt { exchanges: keeper.exchanges, ..attempt },
        None => attempt,
    })
}

/// Drops some of a scheme's attempts from days before that of `before_ms`; says how many, `None`: there are none left.
pub(super) fn drop_some(txn: &mut Txn<'_>, scheme: &str, before_ms: i64) -> Result<Option<u64>, JournalError> {
    let old = |txn: &Txn<'_>, kind| {
        let end = day_prefix(kind, scheme, day(before_ms));
        txn.committed_until(Key::new(kind).text(scheme).bytes(), end.bytes(), PER_COMMIT)
    };
    // What names them goes first.
    let places = old(txn, Kind::Attempted)?;
    if !places.is_empty() {
        for (key, _) in places {
            txn.remove_bytes(key);
        }
        return Ok(Some(0));
    }
    let mut dropped = None;
    for (key, stored) in old(txn, Kind::Attempt)? {
        // What cannot be read is as old.
        let together = decompress(&key, &stored).and_then(|bytes| all(&key, &bytes)).unwrap_or_default();
        dropped = Some(dropped.unwrap_or_default() + together.len() as u64);
        txn.remove_bytes(key);
    }
    Ok(dropped)
}

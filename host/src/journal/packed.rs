//! Small records that lie together.
//!
//! The store has a price for each key, in time, on the disk and in memory, that a record of fifty bytes does not deserve. So
//! records whose names end in a number, and differ in nothing but its last digits, lie together under one key: vendors number
//! what they make, and what comes together is numbered one after the other. A name that does not end in one digit more
//! than is taken off is a pack of one. A pack is read and written as a whole, which costs less than a second key does as long as what a commit
//! leaves alone in it is small; so how many digits are taken off is each kind's own. A record that is too long for all
//! that is kept apart, and its pack only says so.
//!
//! Nobody else knows of packs: [`txn`](super::txn) reads and writes records by their own keys. They come in the order of packs,
//! and within a pack in that of the digits: of names of one length, that is the order of the names.

use std::collections::BTreeMap;

use sled::{IVec, Tree};

use super::JournalError;
use super::key::{END, Kind, printable};
use super::txn::unreadable;

/// What lies together, and how many digits are taken off its names. Keys of these kinds end in a name.
const PACKED: [(Kind, usize); 4] = [
    // A page of them is written at once.
    (Kind::Row, 2),
    // A few are settled at once, and each has its receipt.
    (Kind::Bill, 1),
    // Next to nothing: a claim is kept apart, and what is ready is a key without a value.
    (Kind::Claim, 2),
    (Kind::Ready, 2),
];

/// Bytes of a record that lies in a pack at most.
const LONGEST: usize = 256;

/// Marks of a record in its pack: what is added to how many digits its name has there.
const APART: u8 = 0x80;

/// Where a record lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'k> {
    /// The key of its pack.
    pub(super) pack: Vec<u8>,
    /// What its own key has more: digits, or nothing.
    pub(super) digits: &'k [u8],
}

/// Whether what begins so lies in packs.
pub(super) fn is_packed(key: &[u8]) -> bool {
    digits_of(key).is_some()
}

/// How many digits are taken off the names of what begins so; none: it does not lie in packs.
fn digits_of(key: &[u8]) -> Option<usize> {
    let kind = *key.first()?;
    PACKED.iter().find(|(packed, _)| *packed as u8 == kind).map(|(_, digits)| *digits)
}

/// Where the record of this key lies; none: under the key itself.
pub(super) fn place(key: &[u8]) -> Option<Place<'_>> {
    let taken_off = digits_of(key)?;
    let name = key.get(name_begins(key)?..)?.strip_suffix(&END)?;
    let number = name.get(name.len().saturating_sub(taken_off + 1)..)?;
    let is_number = number.len() > taken_off && number.iter().all(u8::is_ascii_digit);
    let digits = if is_number { number.get(1..)? } else { &[] };
    let head = key.get(..key.len() - END.len() - digits.len())?;
    Some(Place { pack: [head, &END].concat(), digits })
}

/// Where the name begins: behind the scheme, and a time where there is one.
fn name_begins(key: &[u8]) -> Option<usize> {
    let scheme = key.windows(END.len()).position(|bytes| bytes == END)? + END.len();
    let time = if *key.first()? == Kind::Ready as u8 { 8 } else { 0 };
    Some(scheme + time)
}

/// The key of a record that is kept apart.
fn apart(key: &[u8]) -> Vec<u8> {
    [&[Kind::Apart as u8], key].concat()
}

/// A record in a pack.
#[derive(Debug, PartialEq, Eq)]
struct Packed<'p> {
    digits: &'p [u8],
    /// Where its bytes are in the pack; none: it is kept apart.
    bytes: Option<std::ops::Range<usize>>,
}

/// Reads a pack's records, one after the other.
struct Unpack<'p> {
    key: &'p [u8],
    pack: &'p [u8],
    at: usize,
}

impl<'p> Unpack<'p> {
    fn new(key: &'p [u8], pack: &'p [u8]) -> Self {
        Self { key, pack, at: 0 }
    }

    fn take(&mut self, bytes: usize) -> Result<&'p [u8], JournalError> {
        let taken = self.pack.get(self.at..self.at + bytes).ok_or_else(|| damaged(self.key))?;
        self.at += bytes;
        Ok(taken)
    }

    fn one(&mut self) -> Result<Packed<'p>, JournalError> {
        let [mark] = *self.take(1)? else { return Err(damaged(self.key)) };
        let digits = usize::from(mark & !APART);
        if digits != 0 && Some(digits) != digits_of(self.key) {
            return Err(damaged(self.key));
        }
        let digits = self.take(digits)?;
        if mark & APART != 0 {
            return Ok(Packed { digits, bytes: None });
        }
        let [high, low] = *self.take(2)? else { return Err(damaged(self.key)) };
        let begin = self.at;
        self.take(u16::from_be_bytes([high, low]).into())?;
        Ok(Packed { digits, bytes: Some(begin..self.at) })
    }
}

impl<'p> Iterator for Unpack<'p> {
    type Item = Result<Packed<'p>, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.at < self.pack.len()).then(|| self.one())
    }
}

fn damaged(key: &[u8]) -> JournalError {
    JournalError::Damaged { key: printable(key), reason: "its records run over its end".to_owned() }
}

/// Reads one record.
pub(super) fn get(tree: &Tree, key: &[u8], place: &Place<'_>) -> Result<Option<IVec>, JournalError> {
    let Some(pack) = tree.get(&place.pack).map_err(unreadable)? else {
        return Ok(None);
    };
    for packed in Unpack::new(&place.pack, &pack) {
        let packed = packed?;
        if packed.digits == place.digits {
            return value(tree, key, &pack, packed.bytes).map(Some);
        }
    }
    Ok(None)
}

fn value(tree: &Tree, key: &[u8], pack: &IVec, bytes: Option<std::ops::Range<usize>>) -> Result<IVec, JournalError> {
    match bytes {
        Some(bytes) => Ok(pack.subslice(bytes.start, bytes.len())),
        None => tree.get(apart(key)).map_err(unreadable)?.ok_or_else(|| JournalError::Damaged {
            key: printable(key),
            reason: "its record is not where it is kept apart".to_owned(),
        }),
    }
}

/// A key and its record.
pub(super) type Item = Result<(IVec, IVec), JournalError>;

/// The records of a pack, in order; those behind `after`, where that is in this pack.
pub(super) fn records(tree: &Tree, pack_key: &[u8], pack: &IVec, after: Option<&Place<'_>>) -> Vec<Item> {
    let after = after.filter(|after| after.pack == pack_key).map(|after| after.digits);
    let head = pack_key.get(..pack_key.len().saturating_sub(END.len())).unwrap_or_default();
    let unpacked = Unpack::new(pack_key, pack).filter(|packed| match (packed, after) {
        (Ok(packed), Some(after)) => packed.digits > after,
        _ => true,
    });
    unpacked
        .map(|packed| {
            let packed = packed?;
            let key = [head, packed.digits, &END].concat();
            let value = value(tree, &key, pack, packed.bytes)?;
            Ok((key.into(), value))
        })
        .collect()
}

/// What a commit writes into packs.
#[derive(Default)]
pub(super) struct Changes {
    /// By the key of the pack.
    packs: BTreeMap<Vec<u8>, OfPack>,
}

/// By digits: the record's own key, and what is written; `None`: it is removed.
type OfPack = BTreeMap<Vec<u8>, (IVec, Option<IVec>)>;

impl Changes {
    /// Notes what is written under a key; `None`: it is removed.
    pub(super) fn note(&mut self, place: Place<'_>, key: IVec, value: Option<IVec>) {
        let digits = place.digits.to_vec();
        self.packs.entry(place.pack).or_default().insert(digits, (key, value));
    }

    /// Writes the packs as they are by now.
    pub(super) fn write(self, tree: &Tree, batch: &mut sled::Batch) -> Result<(), JournalError> {
        for (key, changes) in self.packs {
            let before = tree.get(&key).map_err(unreadable)?.unwrap_or_default();
            let after = merge(&key, &before, &changes, batch)?;
            if after.is_empty() {
                batch.remove(key);
            } else {
                batch.insert(key, after);
            }
        }
        Ok(())
    }
}

/// A pack with some records changed. What is kept apart, or is no longer, goes into the batch.
fn merge(pack_key: &[u8], before: &[u8], changes: &OfPack, batch: &mut sled::Batch) -> Result<Vec<u8>, JournalError> {
    let grown: usize = changes.values().map(|(_, value)| value.as_ref().map_or(0, |value| value.len() + 5)).sum();
    let mut after = Vec::with_capacity(before.len() + grown);
    let mut old = Unpack::new(pack_key, before).peekable();
    let mut new = changes.iter().peekable();
    loop {
        let is_old_first = match (old.peek(), new.peek()) {
            (None, None) => return Ok(after),
            (Some(_), None) | (Some(Err(_)), _) => true,
            (None, Some(_)) => false,
            (Some(Ok(packed)), Some((digits, _))) => packed.digits < digits.as_slice(),
        };
        if is_old_first {
            if let Some(packed) = old.next() {
                let Packed { digits, bytes } = packed?;
                put(&mut after, digits, bytes.map(|bytes| before.get(bytes).unwrap_or_default()));
            }
            continue;
        }
        let Some((digits, (key, value))) = new.next() else { continue };
        let replaced = old.next_if(|packed| packed.as_ref().is_ok_and(|packed| packed.digits == digits.as_slice()));
        let was_apart = replaced.transpose()?.is_some_and(|packed| packed.bytes.is_none());
        match value {
            Some(value) if value.len() <= LONGEST => put(&mut after, digits, Some(value)),
            Some(value) => {
                put(&mut after, digits, None);
                batch.insert(apart(key), value);
                continue;
            }
            None => {}
        }
        if was_apart {
            batch.remove(apart(key));
        }
    }
}

/// Adds a record to a pack; without bytes, one that is kept apart.
fn put(pack: &mut Vec<u8>, digits: &[u8], bytes: Option<&[u8]>) {
    let mark = u8::try_from(digits.len()).unwrap_or_default();
    let length = bytes.and_then(|bytes| u16::try_from(bytes.len()).ok());
    pack.push(if length.is_none() { mark | APART } else { mark });
    pack.extend_from_slice(digits);
    if let (Some(length), Some(bytes)) = (length, bytes) {
        pack.extend_from_slice(&length.to_be_bytes());
        pack.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::super::key::Key;
    use super::super::txn::{Read, Txn, range};
    use super::*;

    fn row(name: &str) -> Vec<u8> {
        Key::new(Kind::Row).text("s").text(name).into_bytes()
    }

    #[test]
    fn names_that_differ_in_their_last_digits_lie_together() {
        for (name, pack, digits) in [
            ("SO-0117", "SO-01", "17"),
            ("SO-0199", "SO-01", "99"),
            ("SO-01", "SO-01", ""),
            ("117", "1", "17"),
            ("17", "17", ""),
            ("7", "7", ""),
            ("", "", ""),
            ("订单", "订单", ""),
            ("SO-1x", "SO-1x", ""),
            ("SO-1\0", "SO-1\0", ""),
        ] {
            let key = row(name);
            let place = place(&key).unwrap();
            assert_eq!((&place.pack, place.digits), (&row(pack), digits.as_bytes()), "{name}");
        }
        let bill = |name: &str| Key::new(Kind::Bill).text("s").text(name).into_bytes();
        assert_eq!(place(&bill("SO-0117")).unwrap(), Place { pack: bill("SO-011"), digits: b"7" });
        assert_eq!(place(&bill("SO-7")).unwrap(), Place { pack: bill("SO-7"), digits: b"" });
    }

    #[test]
    fn digits_of_a_time_are_no_digits_of_a_name() {
        // Its last byte is the letter `0`.
        let time = Key::new(Kind::Ready).text("s").time(i64::from(b'0'));
        let key = time.clone().text("7").into_bytes();
        assert_eq!(place(&key).unwrap(), Place { pack: key.clone(), digits: b"" });
        let key = time.clone().text("17").into_bytes();
        assert_eq!(place(&key).unwrap(), Place { pack: key.clone(), digits: b"" });
        let key = time.clone().text("017").into_bytes();
        assert_eq!(place(&key).unwrap(), Place { pack: time.text("0").into_bytes(), digits: b"17" });
        assert_eq!(place(Key::new(Kind::Group).text("s").text("17").bytes()), None);
    }

    #[test]
    fn a_cut_pack_is_damaged() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let mut txn = Txn::new(&db);
        txn.put(Key::new(Kind::Row).text("s").text("117"), vec![1, 2, 3]);
        db.apply_batch(txn.into_batch().unwrap().unwrap()).unwrap();
        let pack = db.get(row("1")).unwrap().unwrap();
        db.insert(row("1"), &pack[..pack.len() - 1]).unwrap();
        let read = Read::get(&*db, &Key::new(Kind::Row).text("s").text("117"));
        assert!(matches!(read, Err(JournalError::Damaged { .. })), "{read:?}");
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9]{0,5}", "S[0-9]{1,4}", "[a0\\x00订]{0,3}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Read, written, removed and listed by their own keys, as if there were no packs.
        #[test]
        fn records_are_found_by_their_own_keys(
            kind in prop_oneof![Just(Kind::Row), Just(Kind::Bill)],
            commits in prop::collection::vec(prop::collection::vec((name(), prop::option::of(0..600_usize)), 0..30), 0..6),
        ) {
            let db = sled::Config::new().temporary(true).open().unwrap();
            let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            let key = |name: &str| Key::new(kind).text("s").text(name);
            for (number, commit) in commits.iter().enumerate() {
                let mut txn = Txn::new(&db);
                for (name, length) in commit {
                    if let Some(length) = length {
                        let value = vec![u8::try_from(number).unwrap(); *length];
                        model.insert(name.clone(), value.clone());
                        txn.put(key(name), value);
                    } else {
                        model.remove(name);
                        txn.remove(key(name));
                    }
                    prop_assert_eq!(txn.get(&key(name)).unwrap().map(|value| value.to_vec()), model.get(name).cloned());
                }
                if let Some(batch) = txn.into_batch().unwrap() {
                    db.apply_batch(batch).unwrap();
                }
            }
            for (name, value) in &model {
                prop_assert_eq!(Read::get(&*db, &key(name)).unwrap().unwrap().to_vec(), value.clone());
            }
            let prefix = Key::new(kind).text("s");
            let found: Vec<(Vec<u8>, Vec<u8>)> = range(&db, prefix.bytes(), None)
                .map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec())))
                .collect::<Result<_, _>>()
                .unwrap();
            let mut sorted = found.clone();
            sorted.sort();
            let mut expected: Vec<_> = model.iter().map(|(name, value)| (key(name).into_bytes(), value.clone())).collect();
            expected.sort();
            prop_assert_eq!(&sorted, &expected);
            // From any of them on.
            for at in 0..found.len() {
                let behind: Vec<Vec<u8>> =
                    range(&db, prefix.bytes(), Some(&found[at].0)).map(|item| item.unwrap().0.to_vec()).collect();
                let rest: Vec<Vec<u8>> = found[at + 1..].iter().map(|(key, _)| key.clone()).collect();
                prop_assert_eq!(behind, rest);
            }
            // Nothing is left behind.
            let apart = model.values().filter(|value| value.len() > LONGEST).count();
            prop_assert_eq!(db.scan_prefix([Kind::Apart as u8]).count(), apart);
        }
    }
}

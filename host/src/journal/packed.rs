//! Small records that lie together.
//!
//! The store has a price for each key, in time, on the disk and in memory, that a record of a few hundred bytes does not deserve. So
//! records whose names end in a number, and differ in nothing but its last digits, lie together under one key: vendors number
//! what they make, and what comes together is numbered one after the other. A name that does not end in one digit more
//! than is taken off is a pack of one. A pack is read and written as a whole, which costs less than a second key does as long as what a commit
//! leaves alone in it is small; so how many digits are taken off is each kind's own. A record that is too long for all
//! that is kept apart, and its pack only says so.
//!
//! Nobody else knows of packs: [`txn`](super::txn) reads and writes records by their own keys. They come in the order of packs,
//! and within a pack in that of the digits: of names of one length, that is the order of the names. Where a number stands
//! behind the name, a pack holds those of one number, and the records of one name are not all next to each other; they are
//! in the same [block](Place::block).

use std::borrow::Cow;
use std::collections::BTreeMap;

use sled::{IVec, Tree};

use super::JournalError;
use super::compressed::{compress, decompress};
use super::key::{END, Kind, printable};
use super::txn::unreadable;

/// How records of a kind lie together. Their keys are the kind, a scheme, and a name with or without eight bytes before or
/// behind it.
struct Packing {
    kind: Kind,
    /// How many digits are taken off the name.
    digits: usize,
    /// Bytes between the scheme and the name.
    before: usize,
    /// Bytes of a record that lies in a pack at most.
    longest: usize,
    /// Whether packs, and records that are kept apart, are compressed.
    compressed: bool,
}

/// What is next to nothing.
const SMALL: Packing = Packing { kind: Kind::Row, digits: 2, before: 0, longest: 256, compressed: false };

/// Bytes of a number or a time.
const NUMBER: usize = 8;

const PACKED: [Packing; 6] = [
    // A page of them is written at once.
    Packing { kind: Kind::Row, ..SMALL },
    // A few are settled at once, and each has its receipt.
    Packing { kind: Kind::Bill, digits: 1, ..SMALL },
    // A batch is claimed at once, and settled in a few goes: each goes through packs of ten once. What is larger is kept apart.
    Packing { kind: Kind::Claim, digits: 1, longest: 4 * 1024, ..SMALL },
    // Keys without a value.
    Packing { kind: Kind::Ready, before: NUMBER, ..SMALL },
    // Rows of ten bills that came in one page: few enough that one bill's are read fast.
    Packing { kind: Kind::Group, digits: 1, longest: 4 * 1024, compressed: true, ..SMALL },
    // Numbers.
    Packing { kind: Kind::Attempted, before: NUMBER, ..SMALL },
];

/// Marks of a record in its pack: what is added to how many digits its name has there.
const APART: u8 = 0x80;

impl Packing {
    /// How what begins so lies together; none: it does not.
    fn of(key: &[u8]) -> Option<&'static Self> {
        let kind = *key.first()?;
        PACKED.iter().find(|packing| packing.kind as u8 == kind)
    }

    /// Where the name is in a key that goes at least as far as its name's end.
    fn name_in(&self, key: &[u8]) -> Option<std::ops::Range<usize>> {
        let end_behind = |from: usize| {
            let ends = key.get(from..)?.windows(END.len()).position(|bytes| bytes == END)?;
            Some(from + ends)
        };
        let begin = end_behind(0)? + END.len() + self.before;
        Some(begin..end_behind(begin)?)
    }

    fn stored(&self, value: Vec<u8>) -> Vec<u8> {
        if self.compressed { compress(&value) } else { value }
    }

    fn read<'v>(&self, key: &[u8], stored: &'v [u8]) -> Result<Cow<'v, [u8]>, JournalError> {
        if self.compressed && !stored.is_empty() { decompress(key, stored) } else { Ok(Cow::Borrowed(stored)) }
    }
}

/// Where a record lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'k> {
    /// The key of its pack.
    pub(super) pack: Vec<u8>,
    /// What its own key has more: digits, or nothing.
    pub(super) digits: &'k [u8],
    /// How many bytes of the pack's key go as far as the name's end.
    named: usize,
}

impl Place<'_> {
    /// What all packs begin with that the name may lie in.
    pub(super) fn block(&self) -> &[u8] {
        self.pack.get(..self.named).unwrap_or_default()
    }
}

/// Whether what begins so lies in packs.
pub(super) fn is_packed(key: &[u8]) -> bool {
    Packing::of(key).is_some()
}

/// Where the record of this key lies, or, of a key that ends with its name, where all records of that name lie; none: under
/// the key itself.
pub(super) fn place(key: &[u8]) -> Option<Place<'_>> {
    let packing = Packing::of(key)?;
    let name = packing.name_in(key)?;
    let number = key.get(name.start.max(name.end.saturating_sub(packing.digits + 1))..name.end)?;
    let is_number = number.len() > packing.digits && number.iter().all(u8::is_ascii_digit);
    let digits = if is_number { number.get(1..)? } else { &[] };
    let named = name.end - digits.len() + END.len();
    let pack = [key.get(..name.end - digits.len())?, key.get(name.end..)?].concat();
    Some(Place { pack, digits, named })
}

/// The key of a record in a pack.
fn key_of(pack_key: &[u8], digits: &[u8]) -> Option<Vec<u8>> {
    let end = Packing::of(pack_key)?.name_in(pack_key)?.end;
    Some([pack_key.get(..end)?, digits, pack_key.get(end..)?].concat())
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
    /// How many digits are taken off.
    digits: usize,
    at: usize,
}

impl<'p> Unpack<'p> {
    fn new(key: &'p [u8], pack: &'p [u8]) -> Self {
        Self { key, pack, digits: Packing::of(key).map_or(0, |packing| packing.digits), at: 0 }
    }

    fn take(&mut self, bytes: usize) -> Result<&'p [u8], JournalError> {
        let taken = self.pack.get(self.at..self.at + bytes).ok_or_else(|| damaged(self.key))?;
        self.at += bytes;
        Ok(taken)
    }

    fn one(&mut self) -> Result<Packed<'p>, JournalError> {
        let [mark] = *self.take(1)? else { return Err(damaged(self.key)) };
        let digits = usize::from(mark & !APART);
        if digits != 0 && digits != self.digits {
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
    // A commit between the pack and what is kept apart may have put that into the pack.
    for _ in 0..2 {
        let Some(stored) = tree.get(&place.pack).map_err(unreadable)? else {
            return Ok(None);
        };
        let pack = Pack::read(&place.pack, &stored)?;
        let found = Unpack::new(&place.pack, &pack.bytes)
            .find(|packed| packed.as_ref().map_or(true, |packed| packed.digits == place.digits));
        let Some(packed) = found.transpose()? else { return Ok(None) };
        let value = pack.value(tree, key, packed.bytes)?;
        if value.is_some() {
            return Ok(value);
        }
    }
    let reason = "its record is not where it is kept apart".to_owned();
    Err(JournalError::Damaged { key: printable(key), reason })
}

/// A pack that was read.
struct Pack<'s> {
    packing: Option<&'static Packing>,
    stored: &'s IVec,
    bytes: Cow<'s, [u8]>,
}

impl<'s> Pack<'s> {
    fn read(key: &[u8], stored: &'s IVec) -> Result<Self, JournalError> {
        let packing = Packing::of(key);
        let bytes = packing.map_or(Ok(Cow::Borrowed(stored.as_ref())), |packing| packing.read(key, stored))?;
        Ok(Self { packing, stored, bytes })
    }

    /// A record of it; `None`: it is kept apart, and not there any more.
    fn value(
        &self,
        tree: &Tree,
        key: &[u8],
        bytes: Option<std::ops::Range<usize>>,
    ) -> Result<Option<IVec>, JournalError> {
        let Some(bytes) = bytes else { return self.value_apart(tree, key) };
        Ok(Some(match &self.bytes {
            // A part of the same memory.
            Cow::Borrowed(pack) if pack.len() == self.stored.len() => self.stored.subslice(bytes.start, bytes.len()),
            pack => pack.get(bytes).unwrap_or_default().into(),
        }))
    }

    fn value_apart(&self, tree: &Tree, key: &[u8]) -> Result<Option<IVec>, JournalError> {
        let apart = apart(key);
        let Some(stored) = tree.get(&apart).map_err(unreadable)? else { return Ok(None) };
        Ok(Some(match self.packing {
            Some(packing) if packing.compressed => packing.read(&apart, &stored)?.as_ref().into(),
            _ => stored,
        }))
    }
}

/// A key and its record.
pub(super) type Item = Result<(IVec, IVec), JournalError>;

/// The records of a pack, in order: those behind `after`, where that is in this pack, and whose digits are `wanted`.
pub(super) fn records(
    tree: &Tree,
    pack_key: &[u8],
    stored: &IVec,
    after: Option<&Place<'_>>,
    wanted: impl Fn(&[u8]) -> bool,
) -> Vec<Item> {
    let after = after.filter(|after| after.pack == pack_key).map(|after| after.digits);
    let pack = match Pack::read(pack_key, stored) {
        Ok(pack) => pack,
        Err(error) => return vec![Err(error)],
    };
    let is_wanted = |packed: &Packed<'_>| after.is_none_or(|after| packed.digits > after) && wanted(packed.digits);
    let unpacked = Unpack::new(pack_key, &pack.bytes).filter(|packed| packed.as_ref().map_or(true, is_wanted));
    let read = |packed: Result<Packed<'_>, JournalError>| {
        let packed = packed?;
        let key = key_of(pack_key, packed.digits).ok_or_else(|| damaged(pack_key))?;
        let value = match pack.value(tree, &key, packed.bytes)? {
            Some(value) => Some(value),
            // As it is by now.
            None => place(&key).map_or(Ok(None), |place| get(tree, &key, &place))?,
        };
        Ok(value.map(|value| (key.into(), value)))
    };
    unpacked.filter_map(|packed| read(packed).transpose()).collect()
}

/// The digits of all records of a pack.
pub(super) fn digits(pack_key: &[u8], stored: &IVec) -> Result<Vec<Vec<u8>>, JournalError> {
    let pack = Pack::read(pack_key, stored)?;
    Unpack::new(pack_key, &pack.bytes).map(|packed| Ok(packed?.digits.to_vec())).collect()
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
            let Some(packing) = Packing::of(&key) else { continue };
            let before = tree.get(&key).map_err(unreadable)?.unwrap_or_default();
            let after = merge(packing, &key, &packing.read(&key, &before)?, &changes, batch)?;
            if after.is_empty() {
                batch.remove(key);
            } else {
                batch.insert(key, packing.stored(after));
            }
        }
        Ok(())
    }
}

/// A pack with some records changed. What is kept apart, or is no longer, goes into the batch.
fn merge(
    packing: &Packing,
    pack_key: &[u8],
    before: &[u8],
    changes: &OfPack,
    batch: &mut sled::Batch,
) -> Result<Vec<u8>, JournalError> {
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
            Some(value) if value.len() <= packing.longest => put(&mut after, digits, Some(value)),
            Some(value) => {
                put(&mut after, digits, None);
                batch.insert(apart(key), packing.stored(value.to_vec()));
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
        assert_lies(&bill("SO-0117"), &bill("SO-011"), b"7");
        assert_lies(&bill("SO-7"), &bill("SO-7"), b"");
    }

    fn assert_lies(key: &[u8], pack: &[u8], digits: &[u8]) {
        let place = place(key).unwrap();
        assert_eq!((place.pack.as_slice(), place.digits), (pack, digits));
        assert_eq!(key_of(pack, digits).unwrap(), key);
    }

    #[test]
    fn a_number_behind_a_name_stays_behind_it() {
        let group = |name: &str| Key::new(Kind::Group).text("s").text(name);
        // Its bytes look like the end of a text.
        for chunk in [1, 0x0001_0001_0001_0001] {
            let key = |name: &str| group(name).number(chunk).into_bytes();
            assert_lies(&key("SO-17"), &key("SO-1"), b"7");
            assert_lies(&key("SO-1"), &key("SO-1"), b"");
            assert_eq!(place(&key("SO-17")).unwrap().block(), group("SO-1").bytes());
        }
        assert_lies(group("SO-17").bytes(), group("SO-1").bytes(), b"7");
        assert_eq!(place(Key::new(Kind::Group).text("s").bytes()), None, "no name yet");
    }

    #[test]
    fn digits_of_a_time_are_no_digits_of_a_name() {
        // Its last byte is the letter `0`.
        let time = Key::new(Kind::Ready).text("s").time(i64::from(b'0'));
        let key = time.clone().text("7").into_bytes();
        assert_lies(&key, &key, b"");
        let key = time.clone().text("17").into_bytes();
        assert_lies(&key, &key, b"");
        let key = time.clone().text("017").into_bytes();
        assert_lies(&key, time.text("0").bytes(), b"17");
        assert_eq!(place(Key::new(Kind::Seen).text("s").text("17").bytes()), None, "these do not lie together");
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

    #[test]
    fn a_record_that_a_commit_has_put_back_into_its_pack_is_read_there() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let key = |name: &str| Key::new(Kind::Row).text("s").text(name);
        let put = |name: &str, value: Option<usize>| {
            let mut txn = Txn::new(&db);
            match value {
                Some(length) => txn.put(key(name), vec![7; length]),
                None => txn.remove(key(name)),
            }
            db.apply_batch(txn.into_batch().unwrap().unwrap()).unwrap();
        };
        put("111", Some(1_000));
        put("112", Some(1_000));
        // Whoever walks over the store has read this pack before what follows.
        let stored = db.get(row("1")).unwrap().unwrap();
        put("111", Some(3));
        put("112", None);
        let read: Vec<_> = records(&db, &row("1"), &stored, None, |_| true).into_iter().map(Result::unwrap).collect();
        assert_eq!(read, [(key("111").into_bytes().into(), vec![7; 3].into())]);
        // What is really lost is said.
        put("113", Some(1_000));
        db.remove(apart(key("113").bytes())).unwrap();
        assert!(matches!(Read::get(&*db, &key("113")), Err(JournalError::Damaged { .. })));
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9]{0,5}", "S[0-9]{1,4}", "[a0\\x00订]{0,3}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Read, written, removed and listed by their own keys, as if there were no packs.
        #[test]
        fn records_are_found_by_their_own_keys(
            kind in prop_oneof![Just(Kind::Row), Just(Kind::Bill), Just(Kind::Group)],
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
                    for (name, _) in commit {
                        prop_assert_eq!(txn.holds_any(key(name).bytes()).unwrap(), model.contains_key(name));
                    }
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
            let longest = Packing::of(prefix.bytes()).unwrap().longest;
            let apart = model.values().filter(|value| value.len() > longest).count();
            prop_assert_eq!(db.scan_prefix([Kind::Apart as u8]).count(), apart);
        }
    }
}

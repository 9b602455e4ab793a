//! A commit in the making.
//!
//! What a commit writes is gathered here and goes into the store as one batch. Reading through it sees its own writes, so
//! a page that names a row twice, or a call that settles two versions of one bill, needs no case of its own.

use std::collections::{BTreeMap, HashSet};
use std::ops::{Bound, Range};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::{IVec, Tree};

use super::JournalError;
use super::key::{Key, end_of};
use super::packed::{self, Changes, Place};
use super::record::{decode, encode};

/// Something that records are read from: the store as it is, or as a commit will leave it.
pub(super) trait Read {
    fn get(&self, key: &Key) -> Result<Option<IVec>, JournalError>;

    fn record<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, JournalError> {
        self.get(key)?.map(|bytes| decode(key.bytes(), &bytes)).transpose()
    }
}

impl Read for Tree {
    fn get(&self, key: &Key) -> Result<Option<IVec>, JournalError> {
        match packed::place(key.bytes()) {
            Some(place) => packed::get(self, key.bytes(), &place),
            None => Tree::get(self, key.bytes()).map_err(unreadable),
        }
    }
}

/// The store's words for a failure to read.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn unreadable(error: sled::Error) -> JournalError {
    let (action, reason) = ("read", error.to_string());
    match error {
        sled::Error::Io(_) => JournalError::Store { action, reason },
        // What it reads cannot be.
        _ => JournalError::Broken { action, reason },
    }
}

/// Keys and values that begin with `prefix`, in order; with `after`, those behind that key.
pub(super) fn range(
    tree: &Tree,
    prefix: &[u8],
    after: Option<&[u8]>,
) -> Box<dyn DoubleEndedIterator<Item = packed::Item>> {
    range_between(tree, prefix, after, None)
}

/// The same, with `before` up to that key, which is left out.
pub(super) fn range_between(
    tree: &Tree,
    prefix: &[u8],
    after: Option<&[u8]>,
    before: Option<&[u8]>,
) -> Box<dyn DoubleEndedIterator<Item = packed::Item>> {
    let end = before.map_or_else(|| end_of(prefix), <[u8]>::to_vec);
    if packed::is_packed(prefix) {
        return Box::new(in_packs(tree, prefix, after, end)) as Box<dyn DoubleEndedIterator<Item = packed::Item>>;
    }
    let begin = match after {
        Some(key) => Bound::Excluded(key.to_vec()),
        None => Bound::Included(prefix.to_vec()),
    };
    Box::new(tree.range((begin, Bound::Excluded(end))).map(|item| item.map_err(unreadable)))
}

/// The same of records that lie in packs. `prefix` ends before their names, or with one.
fn in_packs(
    tree: &Tree,
    prefix: &[u8],
    after: Option<&[u8]>,
    end: Vec<u8>,
) -> impl DoubleEndedIterator<Item = packed::Item> + use<> {
    let after = after.map(<[u8]>::to_vec);
    debug_assert!(after.as_deref().is_none_or(|after| packed::place(after).is_some()), "behind no record");
    let named = packed::place(prefix).map(|named| (named.pack, named.digits.to_vec()));
    let (first, end) = match &named {
        Some((pack, _)) => (pack.clone(), end_of(pack)),
        None => (prefix.to_vec(), end),
    };
    let begin = after.as_deref().and_then(packed::place).map_or(first, |after| after.pack);
    // Others lie in the packs of a name.
    let is_named = move |digits: &[u8]| named.as_ref().is_none_or(|(_, named)| named == digits);
    unpacked(tree, begin..end, after, is_named)
}

/// The records that lie in the packs of one [block](packed::Place::block), and whose digits are `wanted`: each pack is read once.
pub(super) fn in_block<W: Fn(&[u8]) -> bool>(
    tree: &Tree,
    block: &[u8],
    wanted: W,
) -> impl Iterator<Item = packed::Item> + use<W> {
    unpacked(tree, block.to_vec()..end_of(block), None, wanted)
}

/// The records in these packs, behind `after`, whose digits are `wanted`.
fn unpacked<W: Fn(&[u8]) -> bool>(
    tree: &Tree,
    packs: Range<Vec<u8>>,
    after: Option<Vec<u8>>,
    wanted: W,
) -> impl DoubleEndedIterator<Item = packed::Item> + use<W> {
    let of = tree.clone();
    tree.range(packs).flat_map(move |item| match item {
        Ok((key, pack)) => {
            packed::records(&of, &key, &pack, after.as_deref().and_then(packed::place).as_ref(), &wanted)
        }
        Err(error) => vec![Err(unreadable(error))],
    })
}

/// A commit in the making.
pub(super) struct Txn<'t> {
    tree: &'t Tree,
    writes: BTreeMap<IVec, Option<IVec>>,
    /// What was asked last: who asks for one name asks for its neighbours next.
    named: Option<Named>,
}

/// The names in one [block](packed::Place::block) that had records before this commit, by their digits.
struct Named {
    block: Vec<u8>,
    digits: HashSet<Vec<u8>>,
}

impl<'t> Txn<'t> {
    pub(super) fn new(tree: &'t Tree) -> Self {
        Self { tree, writes: BTreeMap::new(), named: None }
    }

    pub(super) fn put(&mut self, key: Key, value: Vec<u8>) {
        self.writes.insert(key.into_bytes().into(), Some(value.into()));
    }

    pub(super) fn put_record<T: Serialize>(&mut self, key: Key, record: &T) -> Result<(), JournalError> {
        self.put(key, encode(record)?);
        Ok(())
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.remove_bytes(key.into_bytes().into());
    }

    /// For a key that was read from the store.
    pub(super) fn remove_bytes(&mut self, key: IVec) {
        self.writes.insert(key, None);
    }

    /// The first `limit` keys that begin with `prefix` (behind `after`), as they were before this commit.
    pub(super) fn committed(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(IVec, IVec)>, JournalError> {
        range(self.tree, prefix, after).take(limit).collect()
    }

    /// The first `limit` keys that begin with `prefix` and are less than `end`, as they were before this commit.
    pub(super) fn committed_until(
        &self,
        prefix: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<(IVec, IVec)>, JournalError> {
        range_between(self.tree, prefix, None, Some(end)).take(limit).collect()
    }

    /// The first key that begins with `prefix`, this commit included.
    pub(super) fn first_key(&self, prefix: &[u8]) -> Result<Option<IVec>, JournalError> {
        let written = self.written(prefix).find(|(_, value)| value.is_some()).map(|(key, _)| key);
        for item in range(self.tree, prefix, None) {
            let (key, _) = item?;
            if !self.writes.contains_key(&key) {
                return Ok(Some(written.filter(|written| **written < key).cloned().unwrap_or(key)));
            }
        }
        Ok(written.cloned())
    }

    /// Whether any key begins with `prefix`, this commit included.
    pub(super) fn holds_any(&mut self, prefix: &[u8]) -> Result<bool, JournalError> {
        let ends_with_name = packed::place(prefix).filter(|place| place.block() == place.pack);
        match ends_with_name {
            Some(name) if self.written(prefix).next().is_none() => self.held(name),
            _ => Ok(self.first_key(prefix)?.is_some()),
        }
    }

    /// Whether this name had records before this commit.
    fn held(&mut self, name: Place<'_>) -> Result<bool, JournalError> {
        let Place { pack: block, digits: name, .. } = name;
        if let Some(named) = self.named.as_ref().filter(|named| named.block == block) {
            return Ok(named.digits.contains(name));
        }
        let mut digits = HashSet::new();
        for item in self.tree.range(block.clone()..end_of(&block)) {
            let (key, pack) = item.map_err(unreadable)?;
            digits.extend(packed::digits(&key, &pack)?);
        }
        let is_held = digits.contains(name);
        self.named = Some(Named { block, digits });
        Ok(is_held)
    }

    /// What this commit writes or removes under keys that begin with `prefix`.
    fn written(&self, prefix: &[u8]) -> impl Iterator<Item = (&IVec, &Option<IVec>)> {
        let written = self.writes.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
        written.take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// The batch, unless nothing changes.
    pub(super) fn into_batch(self) -> Result<Option<sled::Batch>, JournalError> {
        if self.writes.is_empty() {
            return Ok(None);
        }
        let mut batch = sled::Batch::default();
        let mut packs = Changes::default();
        for (key, value) in self.writes {
            match (packed::place(&key), value) {
                (Some(place), value) => packs.note(place, key.clone(), value),
                (None, Some(value)) => batch.insert(key, value),
                (None, None) => batch.remove(key),
            }
        }
        packs.write(self.tree, &mut batch)?;
        Ok(Some(batch))
    }
}

impl Read for Txn<'_> {
    fn get(&self, key: &Key) -> Result<Option<IVec>, JournalError> {
        match self.writes.get(key.bytes()) {
            Some(written) => Ok(written.clone()),
            None => Read::get(self.tree, key),
        }
    }
}

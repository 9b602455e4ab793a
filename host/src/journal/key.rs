//! Keys of the embedded store.
//!
//! Everything the journal knows lives in one ordered tree, because one tree is what the store can change in one atomic
//! batch. A key is a letter for its kind and then its parts. Parts are written so that the order of bytes is the order of
//! parts and no part can run into the next, whatever a vendor puts into an id: a text ends in `00 01`, and a NUL within it
//! is written `00 FF`; numbers and times have eight bytes, the highest first, times with their sign bit turned.
//!
//! What is found by its beginning is therefore found whole: no bill `SO-1` ever picks up the rows of `SO-10`.

use super::JournalError;

/// What a key stands for. The letters are part of the store's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The format's number.
    Format = b'0',
    /// How often the store has lost something.
    Losses = b'1',
    /// scheme → what a loss has left open about it; see [`loss`](super::loss).
    Doubt = b'2',
    /// scheme → [`SchemeRecord`](super::record::SchemeRecord).
    Scheme = b's',
    /// scheme → [`Counts`](super::Counts).
    Counts = b'c',
    /// scheme, row → [`RowRecord`](super::record::RowRecord).
    Row = b'r',
    /// scheme, bill, chunk → the rows of the bill that came together.
    Group = b'g',
    /// scheme, scan, sequence → names of bills that the scan has touched.
    Forming = b'f',
    /// scheme, scan, run, page → [`SeenBill`](super::record::SeenBill)s of the page.
    Seen = b'n',
    /// scheme, bill → [`BillRecord`](super::record::BillRecord).
    Bill = b'b',
    /// scheme, day, time, number → [`Attempt`](super::Attempt)s that were noted together.
    Attempt = b'a',
    /// scheme, day, bill → time and number of what holds the bill's attempts of that day.
    Attempted = b'm',
    /// scheme, bill → [`ClaimedBill`](super::ClaimedBill).
    Claim = b'k',
    /// scheme, due, bill: may be claimed from then on.
    Ready = b'd',
    /// scheme, due, bill: is to be looked up from then on.
    LookUpDue = b'u',
    /// scheme, bill: needs a person, or a change that mends it.
    Dead = b'z',
    /// scheme, row: a stage refused it.
    Refused = b'q',
    /// scheme, bill, row: the row is refused, and holds its bill up.
    Holds = b'h',
    /// scheme → [`Overhaul`](super::record::Overhaul): what has the scheme to itself.
    Overhaul = b'o',
    /// scheme, row → [`Owed`](super::record::Owed): while rows are regrouped, what is still to be made of it.
    Owed = b'y',
    /// collection, scheme, bill: waits until the collection has completed a scan.
    Blocked = b'w',
    /// collection → [`Indexes`](super::record::Indexes).
    Indexes = b'x',
    /// collection, index, values, stored, row → where the row is.
    Entry = b'i',
    /// The key of a record that is too long for its [pack](super::packed) → the record.
    Apart = b'l',
    /// owner, key → a value of the key-value store.
    Value = b'v',
    /// owner → the bytes it holds.
    Total = b't',
    /// owner, expiry, key: to be forgotten then.
    Expiry = b'e',
}

/// The end of a text.
pub(super) const END: [u8; 2] = [0x00, 0x01];
const NUL: [u8; 2] = [0x00, 0xFF];
const SIGN: u64 = 1 << 63;

/// A key, or the beginning of one, under construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn new(kind: Kind) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(kind as u8);
        Self(bytes)
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        for &byte in text.as_bytes() {
            match byte {
                0 => self.0.extend_from_slice(&NUL),
                byte => self.0.push(byte),
            }
        }
        self.0.extend_from_slice(&END);
        self
    }

    /// The beginning of a text: finds all that begin with it.
    pub(super) fn text_prefix(mut self, text: &str) -> Self {
        self = self.text(text);
        self.0.truncate(self.0.len() - END.len());
        self
    }

    pub(super) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Milliseconds; negative ones come before positive ones.
    pub(super) fn time(self, ms: i64) -> Self {
        self.number(ms.cast_unsigned() ^ SIGN)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The first key that does not begin with `prefix`. A prefix begins with a [`Kind`], so there is one.
pub(super) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xFF {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// A key as people can read it, for messages.
pub(super) fn printable(key: &[u8]) -> String {
    let mut text = String::new();
    for chunk in key.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() {
                text.extend(letter.escape_unicode());
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            text.extend(byte.escape_ascii().map(char::from));
        }
    }
    text
}

/// Reads a key's parts back, in order.
pub(super) struct Parts<'k> {
    key: &'k [u8],
    rest: &'k [u8],
}

impl<'k> Parts<'k> {
    /// Begins behind the kind.
    pub(super) fn of(key: &'k [u8]) -> Self {
        Self { key, rest: key.get(1..).unwrap_or_default() }
    }

    /// Begins behind a prefix that is known already.
    pub(super) fn behind(prefix: &[u8], key: &'k [u8]) -> Self {
        Self { key, rest: key.get(prefix.len()..).unwrap_or_default() }
    }

    pub(super) fn text(&mut self) -> Result<String, JournalError> {
        let mut bytes = Vec::with_capacity(self.rest.len());
        loop {
            match *self.rest {
                [0x00, 0x01, ref rest @ ..] => {
                    self.rest = rest;
                    return String::from_utf8(bytes).map_err(|_| self.damaged("a text that is not UTF-8"));
                }
                [0x00, 0xFF, ref rest @ ..] => {
                    self.rest = rest;
                    bytes.push(0);
                }
                [byte, ref rest @ ..] if byte != 0 => {
                    self.rest = rest;
                    bytes.push(byte);
                }
                _ => return Err(self.damaged("a text without an end")),
            }
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, JournalError> {
        let Some((number, rest)) = self.rest.split_first_chunk::<8>() else {
            return Err(self.damaged("a number of less than 8 bytes"));
        };
        self.rest = rest;
        Ok(u64::from_be_bytes(*number))
    }

    pub(super) fn time(&mut self) -> Result<i64, JournalError> {
        Ok((self.number()? ^ SIGN).cast_signed())
    }

    fn damaged(&self, what: &str) -> JournalError {
        JournalError::Damaged { key: printable(self.key), reason: format!("its key has {what}") }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn key(texts: &[String], time: i64) -> Vec<u8> {
        texts.iter().fold(Key::new(Kind::Entry), |key, text| key.text(text)).time(time).into_bytes()
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        let table = [
            (["a", "b"], ["ab", ""]),
            (["", "ab"], ["a", "b"]),
            (["a\0", ""], ["a", "\0"]),
            (["订单", "1"], ["订", "单1"]),
        ];
        for (one, other) in table {
            let of = |parts: [&str; 2]| Key::new(Kind::Bill).text(parts[0]).text(parts[1]).into_bytes();
            assert_ne!(of(one), of(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_whole_text_does_not_find_longer_ones_and_a_prefix_does() {
        let longer = Key::new(Kind::Bill).text("SO-10");
        assert!(!longer.bytes().starts_with(Key::new(Kind::Bill).text("SO-1").bytes()));
        assert!(longer.bytes().starts_with(Key::new(Kind::Bill).text_prefix("SO-1").bytes()));
    }

    #[test]
    fn the_end_of_a_prefix_is_behind_all_that_begin_with_it() {
        let prefix = [b'i', 0xFF, 0xFF];
        assert_eq!(end_of(&prefix), b"j");
        assert_eq!(end_of(b"ia"), b"ib");
    }

    #[test]
    fn a_key_is_readable_in_messages() {
        assert_eq!(printable(&Key::new(Kind::Bill).text("订单").into_bytes()), "b订单\\u{0}\\u{1}");
        assert_eq!(printable(&[b'd', 0xFF]), "d\\xff");
    }

    #[test]
    fn a_cut_key_is_damaged() {
        let bytes = Key::new(Kind::Bill).text("订单").into_bytes();
        assert!(matches!(Parts::of(&bytes[..bytes.len() - 1]).text(), Err(JournalError::Damaged { .. })));
        assert!(matches!(Parts::of(&bytes[..3]).number(), Err(JournalError::Damaged { .. })));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(texts in prop::collection::vec("[\\x00-\\x02a订\u{10FFFF}]{0,6}", 0..4), time: i64) {
            let bytes = key(&texts, time);
            let mut parts = Parts::of(&bytes);
            for text in &texts {
                prop_assert_eq!(&parts.text().unwrap(), text);
            }
            prop_assert_eq!(parts.time().unwrap(), time);
        }

        #[test]
        fn the_order_of_bytes_is_the_order_of_parts(
            one in ("[\\x00-\\x02ab订]{0,4}", any::<i64>(), "[\\x00ab]{0,3}"),
            other in ("[\\x00-\\x02ab订]{0,4}", any::<i64>(), "[\\x00ab]{0,3}"),
        ) {
            let of = |(text, time, last): &(String, i64, String)| Key::new(Kind::Ready).text(text).time(*time).text(last).into_bytes();
            prop_assert_eq!(of(&one).cmp(&of(&other)), one.cmp(&other));
        }
    }
}

//! Text files as people save them: with or without a BOM, and sometimes not in UTF-8.
//!
//! Excel and older editors on a Chinese Windows save GBK. Read as UTF-8 it would be refused with a byte offset that helps
//! nobody, and read leniently it would put replacement characters into bills; so the encoding is named and the file refused.

use std::path::Path;

use super::problem::{ConfigProblem, Place};

/// Reads a UTF-8 file. `file` is relative to `root`. A BOM is dropped.
pub(super) fn read(root: &Path, file: &Path) -> Result<String, ConfigProblem> {
    let bytes = std::fs::read(root.join(file))
        .map_err(|error| ConfigProblem::error(file, format!("cannot be read: {error}")))?;
    decoded(file, bytes)
}

/// The text of a file, or of standard input.
pub fn decoded(file: &Path, bytes: Vec<u8>) -> Result<String, ConfigProblem> {
    decode(bytes).map_err(|(place, message)| {
        ConfigProblem::error(file, message).place(place).hint("save it as UTF-8 (in Excel: the file type `CSV UTF-8`)")
    })
}

fn decode(bytes: Vec<u8>) -> Result<String, (Place, String)> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err((Place { line: 1, column: 1 }, "is not UTF-8 text: it is UTF-16".to_owned()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let bad = bytes.get(offset).copied().unwrap_or_default();
            let valid = bytes.get(..offset).unwrap_or_default();
            let place = Lines::new(&String::from_utf8_lossy(valid)).place(offset);
            let message = if looks_like_gbk(bytes) {
                "is not UTF-8 text: it looks like GBK, the encoding of a Chinese Windows".to_owned()
            } else {
                format!("is not UTF-8 text: the byte {bad:#04x} cannot stand here")
            };
            Err((place, message))
        }
    }
}

/// True if every byte above ASCII belongs to a character of GBK (two bytes) or GB18030 (four).
fn looks_like_gbk(mut bytes: &[u8]) -> bool {
    loop {
        bytes = match bytes {
            [] => return true,
            [0..=0x80, rest @ ..]
            | [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, rest @ ..]
            | [0x81..=0xFE, 0x30..=0x39, 0x81..=0xFE, 0x30..=0x39, rest @ ..] => rest,
            _ => return false,
        };
    }
}

/// Turns byte offsets into lines and columns.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Where a byte is. An offset within a character counts as its begin, one past the end as the end.
    pub(super) fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Place { line: to_u32(line), column: to_u32(before.chars().count() + 1) }
    }

    /// The byte at a line and a column counted in bytes, both from 1, as `serde_json` gives them.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len()) + column.saturating_sub(1)
    }
}

/// Line numbers and columns; a file of more than four billion lines ends at the last.
pub(super) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn encodings_are_named() {
        let gbk = b"code,\xc3\xfb\xb3\xc6\n".to_vec(); // 名称
        for (bytes, expected) in [
            ("a,b\n".as_bytes().to_vec(), Ok("a,b\n")),
            ("\u{feff}名,b".as_bytes().to_vec(), Ok("名,b")),
            (gbk, Err((1, 6, "is not UTF-8 text: it looks like GBK, the encoding of a Chinese Windows"))),
            (b"a\nb\xff".to_vec(), Err((2, 2, "is not UTF-8 text: the byte 0xff cannot stand here"))),
            (b"\xff\xfea\0".to_vec(), Err((1, 1, "is not UTF-8 text: it is UTF-16"))),
        ] {
            let found = decode(bytes);
            let found = found.as_deref().map_err(|(place, message)| (place.line, place.column, message.as_str()));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn places_count_characters() {
        let lines = Lines::new("名称: x\r\n\n好y");
        for (offset, line, column) in [(0, 1, 1), (6, 1, 3), (8, 1, 5), (11, 2, 1), (12, 3, 1), (15, 3, 2), (99, 3, 3)]
        {
            assert_eq!(lines.place(offset), Place { line, column }, "offset {offset}");
        }
    }
}

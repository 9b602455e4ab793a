//! JSON as people paste it: with tabs, and now and then with a comma too many.
//!
//! One published scheme has a comma before a closing brace, and its platform takes it. So such commas are blanked out, byte
//! for byte, and said; everything else is JSON, and what is not is refused with its line and column.

use std::ops::Range;

use serde_json::Value;

use super::problem::{Complaint, Place};
use super::text::Lines;
use super::tree::yaml;

/// A parsed JSON text.
#[derive(Debug)]
pub(super) struct Json {
    pub(super) value: Value,
    /// The commas that should not be there.
    pub(super) commas: Vec<Place>,
}

/// Parses a JSON text. The places are places in it.
pub(super) fn parse(text: &str) -> Result<Json, Complaint> {
    let lines = Lines::new(text);
    let scan = scan(text, 0);
    let tidy = blank(text, 0..text.len(), &scan);
    let value: Value = serde_json::from_str(&tidy).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = error.to_string();
        let reason = reason.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&reason);
        Complaint::new(format!("this is not JSON: {reason}")).place(lines.place(lines.offset(line, column)))
    })?;
    // `serde_json` keeps the last of two equal keys without a word.
    yaml::check_keys(&tidy)?;
    Ok(Json { value, commas: scan.commas.iter().map(|offset| lines.place(*offset)).collect() })
}

/// One pass over a text that may be JSON.
pub(super) struct Scan {
    /// Offsets of commas before a closing bracket.
    pub(super) commas: Vec<usize>,
    /// Offsets of tabs outside of strings.
    pub(super) tabs: Vec<usize>,
    /// Behind the bracket that closes the first one, or the end of the text.
    pub(super) end: usize,
}

/// Looks at `text` from `start`, where an opening bracket stands.
pub(super) fn scan(text: &str, start: usize) -> Scan {
    let mut found = Scan { commas: Vec::new(), tabs: Vec::new(), end: text.len() };
    let mut depth = 0_usize;
    let mut last_comma = None;
    let mut in_string = false;
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(start) {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'\t' => found.tabs.push(offset),
            b',' => {
                last_comma = Some(offset);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                found.commas.extend(last_comma);
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    found.end = offset + 1;
                    return found;
                }
            }
            b'"' => in_string = true,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last_comma = None;
        }
    }
    found
}

/// A part of a text with what the scan found in it replaced by blanks, so that every offset stays what it was.
pub(super) fn blank(text: &str, range: Range<usize>, scan: &Scan) -> String {
    let mut bytes = text.as_bytes().get(range.clone()).unwrap_or_default().to_vec();
    for offset in scan.commas.iter().chain(&scan.tabs) {
        if let Some(byte) = offset.checked_sub(range.start).and_then(|offset| bytes.get_mut(offset)) {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let found = match parse(json) {
            Ok(Json { value, commas }) => {
                let commas = commas.iter().map(|place| format!(" comma {}:{}", place.line, place.column));
                format!("{value}{}", commas.collect::<String>())
            }
            Err(Complaint { place, message, .. }) => {
                format!("{}: {message}", place.map(|place| format!("{}:{}", place.line, place.column)).unwrap())
            }
        };
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn pasted_json() {
        check("{\"a\":\t[1.10, 12345678901234567890]}", r#"{"a":[1.10,12345678901234567890]}"#);
        check(
            "{\"a\": [1,\n 2 ,\t],\n \"b\": \",}\\\",]\",\n}",
            "{\"a\":[1,2],\"b\":\",}\\\",]\"} comma 2:4 comma 3:15",
        );
        check("{\"名\": 好}", "1:7: this is not JSON: expected value");
        check("{\"a\": 1\n \"b\": 2}", "2:2: this is not JSON: expected `,` or `}`");
        check("{\"a\": 1", "1:7: this is not JSON: EOF while parsing an object");
        check("{\"a\": 1}}", "1:9: this is not JSON: trailing characters");
        check("{\"a\": 1,,}", "1:10: this is not JSON: trailing comma");
        check("{\"a\": 1,\n\"b\": {\"a\": 2, \"a\": 3}}", "2:15: the key `a` is there twice");
        check("", "1:1: this is not JSON: EOF while parsing a value");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", jsonish in "[{}\\[\\],:\"\\\\ \t\n0-9a名]{0,40}") {
            let _ = (parse(&text).is_ok(), parse(&jsonish).is_ok());
        }
    }
}

//! Regular expressions over text.
//!
//! A pattern usually stands in the scheme and so is the same for all rows of a call. Compiling it costs a hundred times what matching a
//! field does: each distinct pattern is compiled once per call.

use std::collections::BTreeMap;

use qiao_plugin::{Library, Value};
use regex::{Captures, Regex};

use crate::arguments::Text;
use crate::text::TEXT;

const PATTERN: (&str, &str) =
    ("pattern", "A regular expression, in the syntax of Rust's `regex`; `(?i)` ignores case.");

pub(crate) fn register(library: &mut Library<'_>) {
    library.batch(
        "regexExtract",
        "The first match of a pattern, or a group of it.",
        [
            TEXT,
            PATTERN,
            ("group", "The group's number or name, `0` the whole match. If left out: the first group, or the match if there is none."),
            ("ifNone", "What no match gives; `null` if left out."),
        ],
        |rows: Vec<_>| Ok(with_patterns(rows, |(_, pattern, _, _)| *pattern, regex_extract)),
    );
    library.batch(
        "regexReplace",
        "Every match of a pattern replaced.",
        [TEXT, PATTERN, ("replacement", "What stands in its place; `$1` is the first group, `$$` a dollar sign.")],
        |rows: Vec<_>| Ok(with_patterns(rows, |(_, pattern, _)| *pattern, regex_replace)),
    );
}

/// Answers each row with its pattern, which is compiled once however many rows it serves.
fn with_patterns<'v, Row, Answer>(
    rows: Vec<Row>,
    pattern_of: impl Fn(&Row) -> &'v str,
    answer: impl Fn(Row, &Regex) -> Result<Answer, String>,
) -> Vec<Result<Answer, String>> {
    let mut compiled: BTreeMap<&'v str, Result<Regex, String>> = BTreeMap::new();
    rows.into_iter()
        .map(|row| {
            let pattern = pattern_of(&row);
            match compiled.entry(pattern).or_insert_with(|| compile(pattern)) {
                Ok(regex) => answer(row, regex),
                Err(error) => Err(error.clone()),
            }
        })
        .collect()
}

fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| format!("`{pattern}` is no regular expression: {}", reason(&error)))
}

/// The last line of a message that draws the pattern first.
pub(crate) fn reason(error: &regex::Error) -> String {
    let message = error.to_string();
    let last = message.lines().next_back().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

fn regex_extract<'v>(
    (text, pattern, group, if_none): (Text<'v>, &'v str, Option<&'v str>, Option<&'v Value>),
    regex: &Regex,
) -> Result<Value, String> {
    let group = Group::find(group, pattern, regex)?;
    let matched = text.0.and_then(|text| regex.captures(text)).and_then(|captures| group.of(&captures));
    Ok(matched.map_or_else(|| if_none.cloned().unwrap_or_default(), Value::from))
}

/// A group of a pattern, by its place.
struct Group(usize);

impl Group {
    fn find(asked: Option<&str>, pattern: &str, regex: &Regex) -> Result<Self, String> {
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
            return Ok(Self(usize::from(regex.captures_len() > 1)));
        };
        let place = match asked.parse() {
            Ok(place) => Some(place).filter(|place| *place < regex.captures_len()),
            Err(_) => regex.capture_names().position(|name| name == Some(asked)),
        };
        place.map(Self).ok_or_else(|| format!("pattern `{pattern}` has no group `{asked}`"))
    }

    fn of(&self, captures: &Captures<'_>) -> Option<String> {
        captures.get(self.0).map(|group| group.as_str().to_owned())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of what a pattern answers")]
fn regex_replace<'v>(
    (text, _, replacement): (Text<'v>, &'v str, &'v str),
    regex: &Regex,
) -> Result<Option<String>, String> {
    Ok(text.0.map(|text| regex.replace_all(text, replacement).into_owned()))
}
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::Context;
    use qiao_plugin::json::json;

    use crate::testing::{answer, call};

    use super::*;

    #[test]
    fn patterns_find_and_replace() {
        let cases = [
            ("regexExtract", json!(["订单 XSDD000123 备注", r"[A-Z]+\d{6}"]), json!("XSDD000123")),
            ("regexExtract", json!(["规格:红色;尺码:XL", "尺码:([^;]+)"]), json!("XL")),
            ("regexExtract", json!(["规格:红色;尺码:XL", "尺码:([^;]+)", 0]), json!("尺码:XL")),
            ("regexExtract", json!(["2026-11-21", r"(\d+)-(\d+)", 2]), json!("11")),
            ("regexExtract", json!(["2026-11-21", r"(?<year>\d+)-(?<month>\d+)", "month"]), json!("11")),
            ("regexExtract", json!(["桥Bridge", r"\p{Han}+"]), json!("桥")),
            ("regexExtract", json!(["桥Bridge", "[一-龥]+"]), json!("桥")),
            ("regexExtract", json!(["ABC", "(?i)abc"]), json!("ABC")),
            ("regexExtract", json!([12345, r"\d{3}"]), json!("123")),
            ("regexExtract", json!(["abc", r"\d+"]), json!(null)),
            ("regexExtract", json!(["abc", r"\d+", null, "none"]), json!("none")),
            ("regexExtract", json!(["abc", r"\d+", null, 0]), json!(0)),
            ("regexExtract", json!(["ab", "(a)|(c)", 2, "-"]), json!("-")),
            ("regexExtract", json!([null, r"\d+"]), json!(null)),
            ("regexReplace", json!(["138-0013-8000", r"\D", ""]), json!("13800138000")),
            ("regexReplace", json!(["张三 李四", r"(\S+) (\S+)", "$2,$1"]), json!("李四,张三")),
            ("regexReplace", json!([null, "a", "b"]), json!(null)),
        ];
        for (name, row, expected) in cases {
            assert_eq!(answer(name, &row), Ok(expected), "{name} {row}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        let cases = [
            ("regexExtract", json!(["a", "(a"]), "`(a` is no regular expression: unclosed group"),
            ("regexExtract", json!(["a", "(a)", 2]), "pattern `(a)` has no group `2`"),
            ("regexExtract", json!(["a", "(a)", "x"]), "pattern `(a)` has no group `x`"),
            ("regexReplace", json!(["a", r"\q", ""]), r"`\q` is no regular expression: unrecognized escape sequence"),
        ];
        for (name, row, expected) in cases {
            assert_eq!(call(name, &row), format!("! {expected}"), "{name} {row}");
        }
    }

    #[test]
    fn rows_have_patterns_of_their_own() {
        let rows: Vec<Vec<Value>> =
            serde_json::from_value(json!([["a1", r"\d"], ["a1", "("], ["b2", r"\d"], ["b2", "[a-z]"]])).unwrap();
        let answers = crate::library().call("regexExtract", &Context::default(), &rows).unwrap();
        let answers: Vec<Option<Value>> = answers.into_iter().map(Result::ok).collect();
        assert_eq!(answers, [Some(json!("1")), None, Some(json!("2")), Some(json!("b"))]);
    }
}

//! How a field's name finds its value in a row.
//!
//! A dotted path walks objects; a name that itself contains dots matches literally first, because columns are called
//! `FCustId.FNumber`. Where every element of an array is meant, [`every`] walks arrays too.

use std::cmp::Ordering;

use qiao_plugin::json::{decimal, is_empty, text};
use qiao_plugin::{Object, Value};

/// The field's value; arrays are not walked.
pub(super) fn find<'r>(row: &'r Object, path: &str) -> Option<&'r Value> {
    if let Some(value) = row.get(path) {
        return Some(value);
    }
    steps(path).find_map(|(step, rest)| find(row.get(step)?.as_object()?, rest))
}

/// Takes the field out of the row; what is left of the objects around it stays.
pub(super) fn take(row: &mut Object, path: &str) -> Option<Value> {
    if let Some(value) = row.shift_remove(path) {
        return Some(value);
    }
    steps(path).find_map(|(step, rest)| take(row.get_mut(step)?.as_object_mut()?, rest))
}

/// Every way to part a path: `a.b.c` is `a` and `b.c`, or `a.b` and `c`.
pub(super) fn steps(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.match_indices('.').filter_map(|(dot, _)| Some((path.get(..dot)?, path.get(dot + 1..)?)))
}

/// A value that a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Occurrence<'r> {
    /// The value; `null` where an element lacks the field.
    pub(super) value: &'r Value,
    /// Through which elements of arrays the path went, counted from 1.
    pub(super) lines: Vec<usize>,
}

static NULL: Value = Value::Null;

/// The field's values, through the arrays on the way and at the end: one per element. An array without elements counts as `null`.
pub(super) fn every<'r>(row: &'r Object, path: &str) -> Vec<Occurrence<'r>> {
    let mut found = Vec::new();
    collect(row, path, &mut Vec::new(), &mut found);
    found
}

fn collect<'r>(row: &'r Object, path: &str, lines: &mut Vec<usize>, found: &mut Vec<Occurrence<'r>>) {
    let way = match row.get(path) {
        Some(value) => Some((value, "")),
        None => steps(path).find_map(|(step, rest)| {
            let inner = row.get(step).filter(|inner| inner.is_object() || inner.is_array())?;
            Some((inner, rest))
        }),
    };
    let (value, rest) = way.unwrap_or((&NULL, ""));
    descend(value, rest, lines, found);
}

fn descend<'r>(value: &'r Value, rest: &str, lines: &mut Vec<usize>, found: &mut Vec<Occurrence<'r>>) {
    match value {
        Value::Array(elements) if !elements.is_empty() => {
            for (place, element) in elements.iter().enumerate() {
                lines.push(place + 1);
                descend(element, rest, lines, found);
                lines.pop();
            }
        }
        Value::Object(inner) if !rest.is_empty() => collect(inner, rest, lines, found),
        Value::Array(_) => found.push(Occurrence { value: &NULL, lines: lines.clone() }),
        scalar => {
            let value = if rest.is_empty() { scalar } else { &NULL };
            found.push(Occurrence { value, lines: lines.clone() });
        }
    }
}

/// Numbers are compared as decimals, and so is text that spells a number where the other side is a number: vendors write `"1.0000"`.
/// Two texts are equal only letter by letter: `"0100"` is not the code `"100"`.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    if is_empty(left) || is_empty(right) {
        return is_empty(left) && is_empty(right);
    }
    if (left.is_number() || right.is_number())
        && let (Ok(left), Ok(right)) = (decimal(left), decimal(right))
    {
        return left == right;
    }
    match (text(left), text(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

/// Texts that spell numbers are compared as decimals, other texts (dates, codes) letter by letter; a number has no place among texts.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Ok(left), Ok(right)) = (decimal(left), decimal(right)) {
        return Some(left.cmp(&right));
    }
    match (left, right) {
        (Value::String(left), Value::String(right)) if !left.is_empty() => Some(left.cmp(right)),
        _ => None,
    }
}

/// A value for a message, cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let whole = text(value).map_or_else(|| value.to_string(), Into::into);
    match whole.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::json::json;

    use super::*;

    fn row() -> Object {
        let row = json!({
            "a.b": 1,
            "a": {"b": 2, "c": {"d": 3}},
            "items": [{"sku": "x", "lots": [{"no": 1}, {"no": 2}]}, {"qty": 5}, 7],
            "tags": ["red", "new"],
            "none": [],
            "客户": {"编码": "C1"},
        });
        row.as_object().unwrap().clone()
    }

    #[test]
    fn a_path_finds_one_value() {
        let cases = [
            ("a.b", Some("1")),
            ("a.c.d", Some("3")),
            ("客户.编码", Some("\"C1\"")),
            ("a.x", None),
            ("items.sku", None),
            ("", None),
            (".", None),
        ];
        for (path, expected) in cases {
            assert_eq!(find(&row(), path).map(ToString::to_string).as_deref(), expected, "{path}");
            let mut row = row();
            assert_eq!(take(&mut row, path).map(|value| value.to_string()).as_deref(), expected, "{path}");
        }
        let mut row = row();
        take(&mut row, "a.c.d");
        assert_eq!(row["a"], json!({"b": 2, "c": {}}));
    }

    #[test]
    fn a_path_finds_every_value() {
        let cases = [
            ("a.b", "1"),
            ("tags", "red@1 new@2"),
            ("items.sku", "x@1 null@2 null@3"),
            ("items.lots.no", "1@1.1 2@1.2 null@2 null@3"),
            ("none", "null"),
            ("none.x", "null"),
            ("missing", "null"),
            ("a.b.c", "null"),
        ];
        for (path, expected) in cases {
            let row = row();
            let found = every(&row, path).into_iter().map(|occurrence| {
                let value = occurrence.value.as_str().map_or_else(|| occurrence.value.to_string(), str::to_owned);
                let lines: Vec<String> = occurrence.lines.iter().map(ToString::to_string).collect();
                if lines.is_empty() { value } else { format!("{value}@{}", lines.join(".")) }
            });
            assert_eq!(found.collect::<Vec<_>>().join(" "), expected, "{path}");
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(shown(&json!("桥".repeat(60))), "桥".repeat(60));
        assert_eq!(shown(&json!("桥".repeat(61))), format!("{}…", "桥".repeat(60)));
        assert_eq!(shown(&json!([1])), "[1]");
    }
}

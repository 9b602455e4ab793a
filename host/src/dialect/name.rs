//! How a field's name finds its value.
//!
//! Vendors and articles spell one column in several ways: Kingdee drills with a dot (`FCustId.FNumber`), rows carry an
//! underscore (`FCustId_FNumber`), and a published article writes `FMaterialId_Fnumber` for `FMaterialId_FNumber`. So a name
//! is tried literally, then as a path through objects, then with dots and underscores taken as equal, and only then without
//! regard to case. The first hit wins, and the usual case (the literal name) costs one hash lookup.

use serde_json::Value;

use super::Row;

/// The field of a row under any of its spellings.
pub fn field<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    exact(row, name).or_else(|| any_case(row, name))
}

/// The field of a row, with the name's case as written.
pub(super) fn exact<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    literal(row, name).or_else(|| by_separators(row, name))
}

/// The literal name, or a path.
pub(super) fn literal<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    row.get(name).or_else(|| walk(row, name, |row, step| row.get(step)))
}

/// The name with dots and underscores taken as equal.
pub(super) fn by_separators<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    if !name.contains(['.', '_']) {
        return None;
    }
    row.iter().find(|(key, _)| same_separators(key, name)).map(|(_, value)| value)
}

/// The name without regard to case.
pub(super) fn any_case<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    ignoring_case(row, name).or_else(|| walk(row, name, ignoring_case))
}

fn ignoring_case<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    without_case(row, name).map(|(_, value)| value)
}

/// The member of this very name, and its value.
pub(super) fn with_case<'a>(row: &'a Row, name: &str) -> Option<(&'a String, &'a Value)> {
    row.get_key_value(name)
}

/// The member whose name differs in case, dots and underscores at most, and its value.
pub(super) fn without_case<'a>(row: &'a Row, name: &str) -> Option<(&'a String, &'a Value)> {
    row.iter().find(|(key, _)| same_letters(key, name))
}

/// Whether two names differ in dots and underscores at most.
pub(super) fn same_separators(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left.bytes().zip(right.bytes()).all(|(left, right)| separator(left) == separator(right))
}

/// Whether two names differ in case, dots and underscores at most.
pub(super) fn same_letters(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.len() == right.len()
            && left
                .bytes()
                .zip(right.bytes())
                .all(|(left, right)| separator(left.to_ascii_lowercase()) == separator(right.to_ascii_lowercase()));
    }
    let fold = |name: &'_ str| name.replace('.', "_").to_lowercase();
    fold(left) == fold(right)
}

fn separator(letter: u8) -> u8 {
    if letter == b'.' { b'_' } else { letter }
}

/// Follows a dotted path. A step may itself contain dots; a list on the way stands for its first element, or for the one
/// that the next step numbers.
fn walk<'a>(row: &'a Row, path: &str, get: fn(&'a Row, &str) -> Option<&'a Value>) -> Option<&'a Value> {
    path.match_indices('.').find_map(|(dot, _)| {
        let (step, rest) = (path.get(..dot)?, path.get(dot + 1..)?);
        inside(get(row, step)?, rest, get)
    })
}

fn inside<'a>(value: &'a Value, rest: &str, get: fn(&'a Row, &str) -> Option<&'a Value>) -> Option<&'a Value> {
    match value {
        Value::Object(row) => get(row, rest).or_else(|| walk(row, rest, get)),
        Value::Array(list) => {
            let (step, further) = rest.split_once('.').map_or((rest, None), |(step, further)| (step, Some(further)));
            match (step.parse::<usize>(), further) {
                (Ok(index), None) => list.get(index),
                (Ok(index), Some(further)) => inside(list.get(index)?, further, get),
                (Err(_), _) => inside(list.first()?, rest, get),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn names_resolve_from_literal_to_loose() {
        let row = json!({
            "FBillNo": "literal",
            "a.b": "dotted key",
            "a": {"b": "nested", "c": {"d": "deep"}},
            "FCustId_FNumber": "underscore",
            "fdate": "lower", "FDate": "exact",
            "details": [{"qty": 1}, {"qty": 2, "Sub": {"x": 3}}],
            "单价": "chinese",
            "ÄB": "umlaut",
        });
        let row = row.as_object().unwrap();
        for (name, value) in [
            ("FBillNo", json!("literal")),
            ("fbillno", json!("literal")),
            ("a.b", json!("dotted key")),
            ("a.c.d", json!("deep")),
            ("A.C.D", json!("deep")),
            ("FCustId.FNumber", json!("underscore")),
            ("FCustId_Fnumber", json!("underscore")),
            ("FDate", json!("exact")),
            ("fdate", json!("lower")),
            ("FDATE", json!("lower")),
            ("details.qty", json!(1)),
            ("details.1.qty", json!(2)),
            ("details.1", json!({"qty": 2, "Sub": {"x": 3}})),
            ("details.1.sub.X", json!(3)),
            ("单价", json!("chinese")),
            ("äb", json!("umlaut")),
        ] {
            assert_eq!(field(row, name), Some(&value), "{name}");
        }
        for name in ["FBillNo2", "", ".", "a.", "details.9.qty", "details.x", "a.c.d.e"] {
            assert_eq!(field(row, name), None, "{name}");
        }
    }
}

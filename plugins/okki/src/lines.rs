//! The lines of an order (`product_list`).
//!
//! OKKI does three things with lines that nobody expects (api-3478252 and the order guide doc-338281): a line without a valid
//! `product_id` and `sku_id` is dropped without a word; on an edit, lines with an equal product and SKU become one unless they carry
//! `unique_id`; and lines that an edit does not mention stay. So lines are checked before anything is sent, and an edit names every line
//! that OKKI has: those that the bill still holds by their `unique_id`, the others with `remove`.

use std::borrow::Cow;

use qiao_plugin::json::{json, kind, text};
use qiao_plugin::{Failure, Object, Value};

/// The member that holds the lines.
pub(crate) const LINES: &str = "product_list";

/// Takes the lines out of a bill, which is left with `null` in their place; `None` if it has none. Lines that OKKI would drop are
/// refused.
pub(crate) fn take(body: &mut Object) -> Result<Option<Vec<Object>>, Failure> {
    let lines = match body.get_mut(LINES).map(Value::take) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(lines)) => lines,
        Some(other) => {
            let found = kind(&other);
            return Err(Failure::rejected(format!("`{LINES}` is {found}, not an array"))
                .code("line-dropped")
                .hint("mend the mapping"));
        }
    };
    let count = lines.len();
    let mut dropped = Vec::new();
    let mut kept = Vec::with_capacity(count);
    for (place, line) in lines.into_iter().enumerate() {
        match (missing(&line), line) {
            (None, Value::Object(line)) => kept.push(line),
            (missing, _) => dropped.push(format!("line {} {}", place + 1, missing.unwrap_or_default())),
        }
    }
    if dropped.is_empty() {
        return Ok(Some(kept));
    }
    Err(Failure::rejected(format!(
        "OKKI would silently drop {} of {count} lines: {}",
        dropped.len(),
        dropped.join("; ")
    ))
    .code("line-dropped")
    .hint(
        "the product or SKU was not found at OKKI: add it there (or to the table or lookup that names it), then retry",
    ))
}

/// What a line lacks, in words.
fn missing(line: &Value) -> Option<String> {
    let Value::Object(line) = line else {
        return Some(format!("is {}, not an object", kind(line)));
    };
    if is_removed(line) && id(line, "unique_id").is_some() {
        return None;
    }
    let missing: Vec<&str> = ["product_id", "sku_id"].into_iter().filter(|name| id(line, name).is_none()).collect();
    (!missing.is_empty()).then(|| format!("has no `{}`", missing.join("` and no `")))
}

/// An id, which may be a number or text; 0 and the empty text are none.
fn id<'l>(line: &'l Object, name: &str) -> Option<Cow<'l, str>> {
    let id = text(line.get(name)?)?;
    (!matches!(id.trim(), "" | "0")).then_some(id)
}

fn is_removed(line: &Object) -> bool {
    line.get("remove").and_then(text).as_deref() == Some("1")
}

/// Product and SKU.
fn key(line: &Object) -> (String, String) {
    let part = |name| id(line, name).unwrap_or_default().into_owned();
    (part("product_id"), part("sku_id"))
}

/// The lines that OKKI has, as `order/info` shows them. Those that it shows without a `unique_id` cannot be named.
pub(crate) fn of_order(order: &Value) -> Vec<Object> {
    let lines = order.get(LINES).and_then(Value::as_array);
    let lines = lines.into_iter().flatten().filter_map(Value::as_object);
    let named = lines.filter(|line| id(line, "unique_id").is_some());
    named.cloned().collect()
}

/// The lines of an edit that leaves exactly the wanted ones.
pub(crate) fn edit(wanted: Vec<Object>, current: &[Object]) -> Result<Vec<Object>, Failure> {
    let mut left: Vec<&Object> = current.iter().collect();
    let mut lines = Vec::with_capacity(wanted.len() + current.len());
    // A line that the mapping names itself comes first: it takes its own.
    for line in &wanted {
        if let Some(named) = id(line, "unique_id") {
            left.retain(|other| id(other, "unique_id").as_ref() != Some(&named));
        }
    }
    for mut line in wanted {
        if id(&line, "unique_id").is_none() {
            let same = left.iter().position(|other| key(other) == key(&line));
            let unique_id = same.and_then(|place| left.remove(place).get("unique_id").cloned());
            match unique_id {
                Some(unique_id) => drop(line.insert("unique_id".to_owned(), unique_id)),
                None => drop(line.remove("unique_id")),
            }
        }
        lines.push(line);
    }
    check_duplicates(&lines)?;
    lines.extend(left.into_iter().map(removal));
    Ok(lines)
}

/// A new line is recognised by product and SKU alone, so it must not share them with another line.
fn check_duplicates(lines: &[Object]) -> Result<(), Failure> {
    for (place, line) in lines.iter().enumerate() {
        if id(line, "unique_id").is_some() {
            continue;
        }
        let twin = lines.iter().enumerate().position(|(other, twin)| other != place && key(twin) == key(line));
        if let Some(twin) = twin {
            let (product, sku) = key(line);
            return Err(Failure::rejected(format!(
                "OKKI would merge line {} into line {}: on an edit, a new line is told apart by its product and SKU, and both have `product_id` {product}, `sku_id` {sku}",
                place + 1,
                twin + 1,
            ))
            .code("duplicate-line")
            .hint("let the mapping add up lines of the same SKU, or add the line at OKKI by hand and retry"));
        }
    }
    Ok(())
}

/// It names product and SKU as well, since a line without them would be dropped.
fn removal(line: &Object) -> Object {
    let mut removal: Object = ["unique_id", "product_id", "sku_id", "count", "unit_price"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), line.get(name)?.clone())))
        .collect();
    removal.insert("remove".to_owned(), json!(1));
    removal
}

/// How many lines the order should have after these were sent.
pub(crate) fn staying(lines: &[Object]) -> usize {
    lines.iter().filter(|line| !is_removed(line)).count()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        reason = "tests"
    )]
    use proptest::prelude::*;

    use super::*;
    use crate::testing::object;

    fn checked(lines: Value) -> Result<Option<Vec<Object>>, Failure> {
        take(&mut object(json!({ LINES: lines })))
    }

    #[test]
    fn a_line_that_would_be_dropped_is_refused_by_number() {
        let good = json!({"product_id": 1, "sku_id": "2"});
        let cases = [
            (json!([good, {"product_id": "1"}]), "1 of 2 lines: line 2 has no `sku_id`"),
            (json!([{"product_id": 0, "sku_id": ""}]), "1 of 1 lines: line 1 has no `product_id` and no `sku_id`"),
            (
                json!([{"product_id": "0", "sku_id": 2}, good, 7]),
                "2 of 3 lines: line 1 has no `product_id`; line 3 is a number, not an object",
            ),
        ];
        for (lines, expected) in cases {
            let failure = checked(lines).unwrap_err();
            assert_eq!(failure.message, format!("OKKI would silently drop {expected}"));
            assert_eq!(failure.code.as_deref(), Some("line-dropped"));
        }
        assert!(checked(json!("x")).unwrap_err().message.contains("is a text, not an array"));
        assert_eq!(checked(json!([good])).unwrap().unwrap().len(), 1);
        assert_eq!(checked(json!(null)).unwrap(), None);
    }

    fn lines(value: Value) -> Vec<Object> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_edit_names_every_line_that_okki_has() {
        let current = lines(json!([
            {"unique_id": 1, "product_id": "10", "sku_id": "100", "count": 1, "unit_price": "2.00", "product_name": "x"},
            {"unique_id": 2, "product_id": "10", "sku_id": "100", "count": 3},
            {"unique_id": 3, "product_id": 20, "sku_id": 200, "count": 5}
        ]));
        let wanted = lines(json!([
            {"product_id": 30, "sku_id": 300, "count": 9},
            {"product_id": 10, "sku_id": 100, "count": 8},
            {"product_id": "20", "sku_id": "200", "count": 7}
        ]));
        let edited = edit(wanted, &current).unwrap();
        assert_eq!(
            json!(edited),
            json!([
                {"product_id": 30, "sku_id": 300, "count": 9},
                {"product_id": 10, "sku_id": 100, "count": 8, "unique_id": 1},
                {"product_id": "20", "sku_id": "200", "count": 7, "unique_id": 3},
                {"unique_id": 2, "product_id": "10", "sku_id": "100", "count": 3, "remove": 1}
            ])
        );
        assert_eq!(staying(&edited), 3);
    }

    #[test]
    fn a_line_that_the_mapping_names_keeps_its_name() {
        let current = lines(json!([
            {"unique_id": 1, "product_id": 10, "sku_id": 100},
            {"unique_id": 2, "product_id": 10, "sku_id": 100}
        ]));
        let wanted = lines(json!([
            {"product_id": 10, "sku_id": 100},
            {"product_id": 10, "sku_id": 100, "unique_id": "1"}
        ]));
        let edited = edit(wanted, &current).unwrap();
        assert_eq!(edited[0]["unique_id"], json!(2));
        assert_eq!(edited.len(), 2);
    }

    #[test]
    fn a_new_line_that_would_be_merged_is_refused() {
        let current = lines(json!([{"unique_id": 1, "product_id": 10, "sku_id": 100}]));
        let line = json!({"product_id": 10, "sku_id": 100});
        let failure = edit(lines(json!([line, line])), &current).unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("duplicate-line"));
        assert!(failure.message.starts_with("OKKI would merge line 2 into line 1"));
        assert!(edit(lines(json!([line, line])), &[]).is_err());
    }

    proptest! {
        /// What OKKI has after the edit, by its own rules, is what was wanted.
        #[test]
        fn an_edit_leaves_exactly_the_wanted_lines(
            current in prop::collection::vec(1..4_u32, 0..6),
            wanted in prop::collection::vec(1..4_u32, 0..6),
        ) {
            let current: Vec<Object> = current.iter().enumerate()
                .map(|(place, sku)| object(json!({"unique_id": place + 1, "product_id": 7, "sku_id": sku})))
                .collect();
            let wanted: Vec<Object> = wanted.iter()
                .map(|sku| object(json!({"product_id": "7", "sku_id": sku.to_string()})))
                .collect();
            let skus = |lines: &[Object]| {
                let mut skus: Vec<String> = lines.iter().map(|line| key(line).1).collect();
                skus.sort();
                skus
            };
            let Ok(edited) = edit(wanted.clone(), &current) else { return Ok(()); };

            let mut order = current.clone();
            for line in &edited {
                let known = order.iter().position(|other| match line.get("unique_id") {
                    Some(unique_id) => other.get("unique_id") == Some(unique_id),
                    None => key(other) == key(line),
                });
                match known {
                    Some(place) if is_removed(line) => drop(order.remove(place)),
                    Some(place) => order[place] = line.clone(),
                    None => order.push(line.clone()),
                }
            }
            prop_assert_eq!(skus(&order), skus(&wanted));
        }
    }
}

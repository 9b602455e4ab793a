//! From bytes to what metadata is made of.

use dialect_alone::dialect::Row;
use serde_json::{Value, json};

use crate::world;

/// A text, and a row to use it on.
pub(crate) struct Input {
    pub(crate) text: String,
    pub(crate) row: Row,
}

pub(crate) fn with_row(input: &[u8]) -> Input {
    let whole = String::from_utf8_lossy(input);
    let split = whole.rfind("\n{").and_then(|end| {
        let (text, row) = whole.split_at(end);
        match serde_json::from_str(row) {
            Ok(Value::Object(row)) => Some(Input { text: text.to_owned(), row }),
            _ => None,
        }
    });
    split.unwrap_or_else(|| Input { text: whole.trim_end_matches('\n').to_owned(), row: world::row() })
}

/// JSON as it is; else a test a line.
pub(crate) fn condition(text: &str) -> Value {
    if let Ok(condition) = serde_json::from_str(text) {
        return condition;
    }
    let mut groups = vec![Vec::new()];
    for line in text.lines() {
        if line.is_empty() {
            groups.push(Vec::new());
            continue;
        }
        let (strict, line) = line.strip_prefix("strict ").map_or((false, line), |line| (true, line));
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (field, logic, value) = (word(), word(), word());
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if let Some(group) = groups.last_mut() {
            group.push(json!({"field": field, "logic": logic, "value": value, "strictMode": strict}));
        }
    }
    json!(groups)
}

/// The rows that whole metadata brings along, or the usual ones.
pub(crate) fn rows(input: &Value) -> Vec<Row> {
    match input.get("rows") {
        Some(Value::Array(rows)) => rows.iter().filter_map(Value::as_object).take(20).cloned().collect(),
        _ => vec![world::row(), world::row()],
    }
}

//! Changes of JSON as JSON: what is parsed stays parsable, so that a change reaches the metadata and not the parser of JSON.
//!
//! libFuzzer's own mutations of bytes are made as well, in turn with these; most of them end at a syntax error.

use serde_json::{Map, Value, json};

/// Keys that metadata has.
const KEYS: [&str; 30] = [
    "value",
    "type",
    "children",
    "parser",
    "transform",
    "is_required",
    "params",
    "name",
    "function",
    "api",
    "id",
    "number",
    "request",
    "otherRequest",
    "response",
    "condition",
    "operation",
    "method",
    "field",
    "bodyName",
    "formatResponse",
    "beatFlat",
    "groupCalculate",
    "omissionRemedy",
    "callBackStrategy",
    "pagination",
    "rowsKey",
    "strictMode",
    "logic",
    "rows",
];

/// A source of choices: xorshift.
struct Choice(u64);

impl Choice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (count.max(1) as u64)).unwrap_or_default()
    }
}

/// A changed JSON text; `None`: the input is none.
pub fn json(input: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(input).ok()?;
    let mut choice = Choice(u64::from(seed) * 0x9E37_79B9 + 1);
    for _ in 0..=choice.below(3) {
        let count = nodes(&value);
        let donor = nth(&value, &mut choice.below(count)).cloned().unwrap_or_default();
        let mut at = choice.below(count);
        change(&mut value, &mut at, &donor, &mut choice);
    }
    serde_json::to_vec(&value).ok()
}

fn below(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn nodes(value: &Value) -> usize {
    1 + below(value).map(nodes).sum::<usize>()
}

/// The node at a place, counted from the root down.
fn nth<'v>(value: &'v Value, at: &mut usize) -> Option<&'v Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    below(value).find_map(|inner| nth(inner, at))
}

/// Changes the node at a place; whether it was in here.
fn change(value: &mut Value, at: &mut usize, donor: &Value, choice: &mut Choice) -> bool {
    if *at == 0 {
        changed(value, donor, choice);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|inner| change(inner, at, donor, choice)),
        Value::Object(members) => members.values_mut().any(|inner| change(inner, at, donor, choice)),
        _ => false,
    }
}

fn changed(value: &mut Value, donor: &Value, choice: &mut Choice) {
    let odd = choice.below(6);
    match value {
        Value::Array(list) if odd < 4 => match odd {
            0 => list.push(donor.clone()),
            1 => list.extend(list.first().cloned()),
            2 => list.reverse(),
            _ => {
                list.pop();
            }
        },
        Value::Object(members) if odd < 4 => object(members, odd, donor, choice),
        Value::String(text) if odd < 3 => match donor {
            Value::String(other) if odd == 0 => text.push_str(other),
            Value::String(other) => text.clone_from(other),
            other => *text = other.to_string(),
        },
        _ => {
            *value = match choice.below(10) {
                0 => Value::Null,
                1 => json!([value.take()]),
                2 => json!({"x": value.take()}),
                3 => json!(true),
                4 => json!(-1),
                5 => json!("{{x}}"),
                _ => donor.clone(),
            }
        }
    }
}

fn object(members: &mut Map<String, Value>, odd: usize, donor: &Value, choice: &mut Choice) {
    let key = KEYS.get(choice.below(KEYS.len())).copied().unwrap_or_default();
    let place = choice.below(members.len());
    let old = members.keys().nth(place).cloned();
    match (odd, old) {
        (0, Some(old)) => {
            members.shift_remove(&old);
        }
        (1, Some(old)) => {
            let value = members.shift_remove(&old).unwrap_or_default();
            members.insert(key.to_owned(), value);
        }
        _ => {
            members.insert(key.to_owned(), donor.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_is_json_of_another_content() {
        let input = br#"{"api": "x", "request": [{"field": "a", "value": "{{b}}"}], "n": [1, null]}"#;
        let before: Value = serde_json::from_slice(input).expect("the input is JSON");
        let changed = (0..1000).filter(|seed| {
            let text = json(input, *seed).expect("JSON is changed");
            serde_json::from_slice::<Value>(&text).expect("it stays JSON") != before
        });
        assert!(changed.count() > 800);
        assert_eq!(json(b"{", 1), None);
    }
}

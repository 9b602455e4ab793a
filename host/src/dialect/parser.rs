//! `parser`: what a value becomes after its template is filled in.
//!
//! Those that the platform has are built in (its help, 解析器的应用); any other name is a plugin's function, which is given
//! the value and then the parameters. What the last parser makes of a value stands, whatever the item's `type` says.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::call::Call;
use super::value::{index_text, is_empty};

/// A step from an item's value to what is sent.
#[derive(Clone, Debug)]
pub(super) enum Parser {
    BuiltIn(BuiltIn),
    /// A plugin's function; the value comes before the arguments.
    Function(Call),
}

/// A parser that the platform has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BuiltIn {
    /// `ConvertObjectParser`: `"100"` becomes `{"FNumber":"100"}`.
    Object(Arc<str>),
    /// `ConvertTwoStageObjectParser`: an object in an object.
    TwoStageObject(Arc<str>, Arc<str>),
    /// `ArrayToString`, with this between the elements.
    ArrayToString(String),
    /// `StringToArray`, split at this.
    StringToArray(String),
    /// `ArrayUnique`: of equal elements the first.
    ArrayUnique,
    /// `ConvertJson`: an object becomes a list of `{"Key","Value"}`.
    ConvertJson,
}

impl BuiltIn {
    pub(super) const NAMES: [&'static str; 6] = [
        "ConvertObjectParser",
        "ConvertTwoStageObjectParser",
        "ArrayToString",
        "StringToArray",
        "ArrayUnique",
        "ConvertJson",
    ];

    /// The result; `Err`: what the value should have been.
    pub(super) fn apply(&self, value: Value) -> Result<Value, &'static str> {
        const ARRAY: &str = "an array";
        Ok(match self {
            Self::Object(name) => wrapped(name, blank_if_empty(value)),
            Self::TwoStageObject(outer, inner) => wrapped(outer, wrapped(inner, blank_if_empty(value))),
            Self::ArrayToString(separator) => match elements(value) {
                Ok(list) => Value::from(list.iter().map(index_text).collect::<Vec<_>>().join(separator)),
                Err(Value::Object(_)) => return Err(ARRAY),
                Err(other) => Value::from(index_text(&other)),
            },
            Self::StringToArray(separator) => match value {
                Value::Array(_) => value,
                Value::Object(_) => return Err("a text"),
                other => {
                    let text = index_text(&other);
                    if text.trim().is_empty() {
                        return Ok(Value::Array(Vec::new()));
                    }
                    text.split(separator.as_str()).map(Value::from).collect()
                }
            },
            Self::ArrayUnique => {
                let mut list = match elements(value) {
                    Ok(list) => list,
                    Err(other) if is_empty(&other) => Vec::new(),
                    Err(_) => return Err(ARRAY),
                };
                let mut seen = std::collections::HashSet::new();
                list.retain(|element| seen.insert(index_text(element)));
                Value::Array(list)
            }
            Self::ConvertJson => match value {
                Value::Object(members) => keys_and_values(members),
                Value::Array(_) => value,
                other if is_empty(&other) => Value::Array(Vec::new()),
                other => {
                    let text = index_text(&other).replace(['\r', '\n'], "");
                    serde_json::from_str(&text).map(keys_and_values).map_err(|_| "an object")?
                }
            },
        })
    }

    /// It takes an array to something else.
    pub(super) fn wants_array(&self) -> bool {
        matches!(self, Self::ArrayToString(_) | Self::ArrayUnique)
    }
}

/// The elements of an array, also of one that is written as JSON text; `Err`: the value, which is none.
fn elements(value: Value) -> Result<Vec<Value>, Value> {
    match value {
        Value::Array(list) => Ok(list),
        Value::String(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(&text).map_err(|_| Value::String(text))
        }
        other => Err(other),
    }
}

/// An empty field is sent as `{"FNumber":""}`.
fn blank_if_empty(value: Value) -> Value {
    if is_empty(&value) { Value::from("") } else { value }
}

fn wrapped(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

/// A key that is a whole number becomes one: Kingdee's language codes are numbers.
fn keys_and_values(members: Map<String, Value>) -> Value {
    let pair = |(key, value): (String, Value)| {
        let number = key.parse::<i64>().ok().filter(|number| number.to_string() == key);
        let key = number.map_or(Value::String(key), Value::from);
        Value::Object(Map::from_iter([("Key".to_owned(), key), ("Value".to_owned(), value)]))
    };
    members.into_iter().map(pair).collect()
}

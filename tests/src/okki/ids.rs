//! Ids and numbers as OKKI takes and shows them: the same field now as a number, now as a text.

use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// An id in a request. Missing, null, empty and zero are all "none"; a text that is no number is an id that nothing has.
pub(crate) fn read(value: Option<&Value>) -> Option<u64> {
    let text = match value? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(false) => return None,
        _ => return Some(u64::MAX),
    };
    match text.as_str() {
        "" | "0" => None,
        text => Some(text.parse().unwrap_or(u64::MAX)),
    }
}

/// An id in an answer; whether as a text depends on where it stands and on which it is, so that both occur side by side.
pub(crate) fn show(id: u64, place: u64) -> Value {
    if (id / 2 + id + place).is_multiple_of(2) { Value::String(id.to_string()) } else { Value::from(id) }
}

/// A decimal in a request, as a number or a text. `Ok(None)` if it is missing or empty.
pub(crate) fn decimal(value: Option<&Value>) -> Result<Option<Decimal>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => return Err(other.to_string()),
    };
    text.parse().or_else(|_| Decimal::from_scientific(&text)).map(Some).map_err(|_| text)
}

/// A decimal in an answer: a number of the same digits.
pub(crate) fn number(value: Decimal) -> Value {
    value.to_string().parse::<Number>().map_or(Value::Null, Value::Number)
}

//! Functions and stages for mappings.
//!
//! A function is a plain Rust function: `fn(&str, Option<Decimal>) -> Result<String, String>`. Its parameters' types say what it accepts
//! (see [`FromValue`]) and its result what it gives ([`Answer`]). [`Library::function`] calls it once per row; [`Library::batch`]
//! hands it all rows of a call at once, for functions that look something up. A function, a batch or a stage that needs the scheme's time
//! zone takes `&`[`Context`](crate::Context) before everything else; mappings do not see that parameter.

mod argument;
mod callable;
mod library;

pub use argument::{Answer, Arguments, FromValue};
pub use callable::{Batch, Function, InContext, Plain, Stage};
pub use library::Library;

use crate::Description;
use crate::bindings::{functions as wit, stages};
use crate::json::{self, Object, Value, to_bytes};

/// A plugin that gives functions and stages.
pub trait Transforms {
    /// Describes the plugin. Called at load, without any capability.
    fn describe() -> Description;

    /// Lists the functions and stages. Called at load, without any capability, and before each call.
    fn list(library: &mut Library<'_>);
}

/// What a stage made of the rows. A row that is in neither list was dropped on purpose.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Processed {
    /// The rows that go on.
    pub rows: Vec<Object>,
    /// The rows set aside and shown to a person, never dropped in silence.
    pub refused: Vec<Refusal>,
}

/// A row that a stage refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The row's place among the rows given, from 0.
    pub row: u32,
    /// The rule that it breaks, as the settings name it.
    pub rule: String,
    /// What is wrong with it.
    pub message: String,
}

impl From<Processed> for stages::Processed {
    fn from(processed: Processed) -> Self {
        let rows = processed.rows.into_iter().map(Value::Object).collect();
        let refused = processed.refused.into_iter().map(|refusal| stages::Refusal {
            row: refusal.row,
            rule: refusal.rule,
            message: refusal.message,
        });
        Self { rows: to_bytes(&Value::Array(rows)), refused: refused.collect() }
    }
}

/// An argument as the contract has it, as JSON. A number keeps its digits.
pub(crate) fn from_wit(value: wit::Value) -> Value {
    match value {
        wit::Value::Null => Value::Null,
        wit::Value::Boolean(boolean) => Value::Bool(boolean),
        wit::Value::Number(digits) => digits.parse().map_or(Value::String(digits), Value::Number),
        wit::Value::Text(text) => Value::String(text),
        wit::Value::Json(bytes) => serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

/// A value as the contract has it. A number is plain decimal text, without an exponent where its digits allow.
pub(crate) fn to_wit(value: Value) -> wit::Value {
    match value {
        Value::Null => wit::Value::Null,
        Value::Bool(boolean) => wit::Value::Boolean(boolean),
        Value::Number(ref number) if number.as_str().contains(['e', 'E']) => wit::Value::Number(
            json::decimal(&value).map_or_else(|_| number.as_str().to_owned(), |decimal| decimal.to_string()),
        ),
        Value::Number(number) => wit::Value::Number(number.as_str().to_owned()),
        Value::String(text) => wit::Value::Text(text),
        other => wit::Value::Json(to_bytes(&other)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_number_crosses_as_plain_decimal_text() {
        let cases = [
            ("12.50", "12.50"),
            ("-0.00", "-0.00"),
            ("12345678901234567890.123", "12345678901234567890.123"),
            ("1e3", "1000"),
            ("1.5E-2", "0.015"),
            // More digits than a decimal holds stay as they are.
            ("1e99", "1e+99"),
        ];
        for (text, expected) in cases {
            let value: Value = serde_json::from_str(text).unwrap();
            match to_wit(value) {
                wit::Value::Number(digits) => assert_eq!(digits, expected),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(from_wit(wit::Value::Number("0.10".into())).to_string(), "0.10");
    }
}

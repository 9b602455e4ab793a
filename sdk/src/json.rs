//! JSON whose numbers keep every digit.
//!
//! `serde_json` is compiled with `arbitrary_precision` here, so a [`Value`] holds a number as the text that the vendor wrote;
//! `as_f64` on it would lose cents. These helpers go between such numbers and [`Decimal`], exactly or not at all. Vendors also
//! write numbers as text (`"1.0000"`) and the same id now as a number, now as text: both are read the same way.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
pub use serde_json::value::RawValue;
pub use serde_json::{Map, Number, Value, json};

use crate::Failure;

/// A JSON object; its members stay in the order in which they were written.
pub type Object = Map<String, Value>;

/// A value that is no exact decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDecimal(String);

impl std::fmt::Display for NotDecimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotDecimal {}

/// Reads a number, or text that spells one, without losing a digit.
///
/// ```
/// use qiao_plugin::json::{decimal, json};
///
/// assert_eq!(decimal(&json!("1.0000")).unwrap().to_string(), "1.0000");
/// assert!(decimal(&json!("一")).is_err());
/// ```
pub fn decimal(value: &Value) -> Result<Decimal, NotDecimal> {
    match value {
        Value::Number(number) => parse_decimal(number.as_str()),
        Value::String(text) => parse_decimal(text.trim()),
        other => Err(NotDecimal(format!("{} is no number", kind(other)))),
    }
}

/// The digits of a mantissa are taken exactly; an exponent only moves the point.
fn parse_decimal(text: &str) -> Result<Decimal, NotDecimal> {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let exact = match Decimal::from_str_exact(mantissa) {
        Ok(plain) if mantissa.len() == text.len() => Some(plain),
        Ok(_) => Decimal::from_scientific(text).ok(),
        Err(_) => None,
    };
    exact.ok_or_else(|| NotDecimal(format!("`{text}` is no number of up to 28 digits")))
}

/// A decimal as a JSON number with all its digits: `12.50` stays `12.50`.
pub fn number(decimal: Decimal) -> Value {
    let text = decimal.to_string();
    text.parse().map_or(Value::String(text), Value::Number)
}

/// A scalar as the text that a person would write; `None` for `null`, arrays and objects.
///
/// For ids and codes: `5223975283` and `"5223975283"` are the same text.
pub fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Borrowed(number.as_str())),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Nothing that a vendor would call a value: `null` or the empty text.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// What a value is, for a message: `a number`, `an object`.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Where in a JSON value something does not fit, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The JSON path, beginning with the name given to [`read`]: `config.acct_id`, `config.when[0].logic`.
    pub path: String,
    /// What was expected there.
    pub reason: String,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.path, self.reason)
    }
}

impl std::error::Error for Misfit {}

/// Reads a value into a type; what does not fit is told with its path, which begins with `root`.
pub fn read<T: DeserializeOwned>(root: &str, value: &Value) -> Result<T, Misfit> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        Misfit {
            path: match path.as_str() {
                "." => root.to_owned(),
                index if index.starts_with('[') => format!("{root}{index}"),
                member => format!("{root}.{member}"),
            },
            reason: error.into_inner().to_string(),
        }
    })
}

/// JSON that the host handed over. That it does not parse is a fault of the host's; the name says where to look.
pub(crate) fn handed_over<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::misconfigured(format!("the host handed over a broken `{what}`: {error}")))
}

/// A value as bytes.
pub(crate) fn to_bytes(value: &Value) -> Vec<u8> {
    // A value is JSON whatever it holds: there is nothing that could not be written.
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_decimal_is_read_exactly_or_not_at_all() {
        let cases = [
            ("12.50", Some("12.50")),
            ("-0.01", Some("-0.01")),
            ("\"1.0000\"", Some("1.0000")),
            ("\" 3 \"", Some("3")),
            ("1e3", Some("1000")),
            ("1.5E-2", Some("0.015")),
            ("9999999999999999999999999.99", Some("9999999999999999999999999.99")),
            ("99999999999999999999999999999999.99", None),
            ("0.00000000000000000000000000000000001", None),
            ("\"\"", None),
            ("\"1,000\"", None),
            ("true", None),
            ("null", None),
            ("[]", None),
        ];
        for (json, expected) in cases {
            let value: Value = serde_json::from_str(json).unwrap();
            let read = decimal(&value).ok().map(|decimal| decimal.to_string());
            assert_eq!(read.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn a_number_keeps_its_digits_on_the_way_out() {
        for text in ["12.50", "0.1000000", "-7", "79228162514264337593543950335"] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(number(decimal).to_string(), text);
        }
    }

    #[test]
    fn an_id_is_the_same_text_however_it_is_written() {
        assert_eq!(text(&json!(5_223_975_283_u64)), text(&json!("5223975283")));
        assert_eq!(text(&json!(null)), None);
        assert_eq!(text(&json!({})), None);
    }

    #[test]
    fn a_misfit_names_its_path() {
        #[derive(Debug, serde::Deserialize)]
        struct Rule {
            #[allow(dead_code, reason = "only its type matters")]
            field: String,
        }
        #[derive(Debug, serde::Deserialize)]
        struct Config {
            #[allow(dead_code, reason = "only its type matters")]
            when: Vec<Rule>,
        }
        let cases = [
            (
                json!({"when": [{"field": "a"}, {"field": 3}]}),
                "`config.when[1].field`: invalid type: number, expected a string",
            ),
            (json!({}), "`config`: missing field `when`"),
        ];
        for (value, message) in cases {
            let misfit = read::<Config>("config", &value).unwrap_err();
            assert_eq!(misfit.to_string(), message);
        }
    }
}

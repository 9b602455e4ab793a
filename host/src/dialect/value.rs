//! Types, and the texts of values.
//!
//! Numbers are texts all the way: `serde_json` keeps every digit that the vendor wrote, a whole number beyond any machine
//! word passes, and nothing ever becomes a float.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use super::filter;

/// An item's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// No `type`: the value as it comes.
    Any,
    String,
    Int,
    Float,
    Bool,
    DateTime,
    Object,
    Array,
}

/// A value that is not of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) wanted: &'static str,
    pub(super) found: String,
}

impl Type {
    pub(super) const NAMES: [&'static str; 8] =
        ["string", "int", "float", "bool", "boolean", "datetime", "object", "array"];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "" | "string" => Self::String,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" | "boolean" => Self::Bool,
            "datetime" => Self::DateTime,
            "object" => Self::Object,
            "array" => Self::Array,
            _ => return None,
        })
    }

    /// A value as this type. `None`: it is empty, and the field is left out; an empty string stays an empty string.
    pub(super) fn convert(self, value: Value, zone: &TimeZone) -> Result<Option<Value>, Mismatch> {
        if self == Self::Any {
            return Ok(Some(value).filter(|value| !value.is_null()));
        }
        if self == Self::String {
            return Ok(Some(match value {
                Value::String(_) => value,
                other => Value::from(index_text(&other)),
            }));
        }
        let is_of_type = match (self, &value) {
            (Self::Float, Value::Number(_)) => true,
            (Self::Int, Value::Number(number)) => is_whole(number.as_str()),
            _ => false,
        };
        if is_of_type {
            return Ok(Some(value));
        }
        let is_blank = match &value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            _ => false,
        };
        if is_blank {
            return Ok(None);
        }
        let converted = match self {
            Self::Any | Self::String => None,
            Self::Int => scalar(&value).and_then(whole),
            Self::Float => scalar(&value).and_then(decimal),
            Self::Bool => boolean(&value),
            Self::DateTime => scalar(&value).and_then(|text| filter::normalised(text.trim(), zone)).map(Value::from),
            Self::Object => structure(&value, Value::is_object),
            Self::Array => structure(&value, Value::is_array),
        };
        match converted {
            Some(converted) => Ok(Some(converted)),
            None => Err(Mismatch { wanted: self.wanted(), found: index_text(&value) }),
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Any | Self::String => "a text",
            Self::Int => "a whole number",
            Self::Float => "a decimal number",
            Self::Bool => "true or false",
            Self::DateTime => "a time",
            Self::Object => "an object",
            Self::Array => "an array",
        }
    }
}

/// The text by which values are looked up, compared and put into templates: a number's own digits, nothing for `null`, JSON
/// text for arrays and objects.
pub fn index_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_str().to_owned(),
        other => other.to_string(),
    }
}

/// Whether a value counts as empty: `null`, and a text, array or object with nothing in it.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A number from its text, which must be JSON's.
pub(super) fn number(text: &str) -> Option<Value> {
    text.parse::<Number>().ok().map(Value::Number)
}

fn scalar(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.as_str()),
        _ => None,
    }
}

/// A number's text that is that of a whole number: neither `12.0` nor `-0`.
fn is_whole(text: &str) -> bool {
    text != "-0" && text.strip_prefix('-').unwrap_or(text).bytes().all(|digit| digit.is_ascii_digit())
}

fn whole(text: &str) -> Option<Value> {
    let text = text.trim();
    let (sign, digits) = signed(text);
    if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return number(&format!(
            "{}{}",
            if digits.trim_start_matches('0').is_empty() { "" } else { sign },
            leading_zeros_cut(digits)
        ));
    }
    let value = exact_decimal(text)?;
    value.is_integer().then(|| number(&value.trunc().normalize().to_string())).flatten()
}

/// JSON's own spellings are kept to the digit; `.5`, `5.`, `+5` and `007.50` are put into it.
fn decimal(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Some(value) = number(text) {
        return Some(value);
    }
    let (sign, digits) = signed(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit());
    if !all_digits || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let point = if fraction.is_empty() { "" } else { "." };
    number(&format!("{sign}{}{point}{fraction}", leading_zeros_cut(whole)))
}

fn signed(text: &str) -> (&str, &str) {
    match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    }
}

fn leading_zeros_cut(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        cut => cut,
    }
}

/// The decimal that a text is, to the last digit; `None` if it is none, or has more digits than a decimal holds.
pub(super) fn exact_decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if !text.bytes().all(|letter| letter.is_ascii_digit() || matches!(letter, b'.' | b'-' | b'+' | b'e' | b'E')) {
        return None;
    }
    if let Ok(value) = Decimal::from_str_exact(text) {
        return Some(value);
    }
    if text.contains(['e', 'E']) {
        return Decimal::from_scientific(text).ok();
    }
    // More decimal places than fit, but only zeros are too many.
    let cut = text.contains('.').then(|| text.trim_end_matches('0').trim_end_matches('.'))?;
    Decimal::from_str_exact(cut).ok()
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        _ => match scalar(value)?.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
    }
}

fn structure(value: &Value, wanted: fn(&Value) -> bool) -> Option<Value> {
    let parsed = match value {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    wanted(&parsed).then_some(parsed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn json_text(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn conversions_are_exact() {
        for (kind, value, expected) in [
            ("string", "12.50", r#""12.50""#),
            ("", "1.0e3", r#""1.0e+3""#),
            ("string", "null", r#""""#),
            ("string", "true", r#""true""#),
            ("string", r#"{"a":1.10}"#, r#""{\"a\":1.10}""#),
            ("int", r#""0""#, "0"),
            ("int", r#"" 007 ""#, "7"),
            ("int", r#""-0""#, "0"),
            ("int", r#""+5""#, "5"),
            ("int", "-12", "-12"),
            ("int", "-0", "0"),
            ("int", "12.0", "12"),
            ("int", "1e3", "1000"),
            ("int", r#""99999999999999999999999999999999999999""#, "99999999999999999999999999999999999999"),
            ("float", r#""12.50""#, "12.50"),
            ("float", "12.50", "12.50"),
            ("float", "1.0e3", "1.0e+3"),
            ("float", "0.1000000000000000000000000000000000001", "0.1000000000000000000000000000000000001"),
            ("float", r#"".5""#, "0.5"),
            ("float", r#""5.""#, "5"),
            ("float", r#""-007.50""#, "-7.50"),
            ("bool", r#""TRUE""#, "true"),
            ("boolean", "0", "false"),
            ("bool", "true", "true"),
            ("datetime", r#""2026-01-05T00:00:00""#, r#""2026-01-05 00:00:00""#),
            ("datetime", "1767225600", r#""2026-01-01 00:00:00""#),
            ("object", r#""{\"a\":1.10}""#, r#"{"a":1.10}"#),
            ("array", "[1.10]", "[1.10]"),
        ] {
            let kind = Type::parse(kind).unwrap();
            let converted = kind.convert(json_text(value), &TimeZone::UTC).unwrap();
            assert_eq!(converted, Some(json_text(expected)), "{kind:?} {value}");
        }
    }

    #[test]
    fn what_does_not_convert_says_what_was_wanted() {
        for (kind, value, wanted) in [
            ("int", json!("12.5"), "a whole number"),
            ("int", json!("1,000"), "a whole number"),
            ("int", json!(true), "a whole number"),
            ("int", json!([1]), "a whole number"),
            ("float", json!("abc"), "a decimal number"),
            ("float", json!("."), "a decimal number"),
            ("bool", json!("90"), "true or false"),
            ("datetime", json!("soon"), "a time"),
            ("object", json!("[]"), "an object"),
            ("array", json!("a,b"), "an array"),
        ] {
            let mismatch = Type::parse(kind).unwrap().convert(value.clone(), &TimeZone::UTC).unwrap_err();
            assert_eq!(mismatch.wanted, wanted, "{kind} {value}");
        }
    }

    #[test]
    fn empty_values_are_left_out_unless_they_are_strings() {
        for kind in ["int", "float", "bool", "datetime", "object", "array"] {
            for value in [json!(""), json!("  "), Value::Null] {
                assert_eq!(Type::parse(kind).unwrap().convert(value, &TimeZone::UTC), Ok(None), "{kind}");
            }
        }
        assert_eq!(Type::String.convert(json!(""), &TimeZone::UTC), Ok(Some(json!(""))));
        assert_eq!(Type::Any.convert(Value::Null, &TimeZone::UTC), Ok(None));
        assert_eq!(Type::Any.convert(json!(""), &TimeZone::UTC), Ok(Some(json!(""))));
    }

    #[test]
    fn decimals_are_read_to_the_last_digit() {
        assert_eq!(exact_decimal("12.50").unwrap().to_string(), "12.50");
        assert_eq!(exact_decimal(" -0.1 ").unwrap().to_string(), "-0.1");
        assert_eq!(exact_decimal("1.2E-3").unwrap().to_string(), "0.0012");
        assert_eq!(exact_decimal("1.5000000000000000000000000000000000").unwrap().to_string(), "1.5");
        for text in
            ["", "abc", "1.2.3", "0.1234567890123456789012345678901", "1_000", "99999999999999999999999999999999"]
        {
            assert_eq!(exact_decimal(text), None, "{text}");
        }
    }
}

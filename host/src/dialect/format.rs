//! `formatResponse`: new fields of a fetched row, each another one written differently.
//!
//! The forms are those of the platform's help (值格式化). Where it contradicts itself the form that keeps more is taken:
//! `dateTime` has its seconds. What a form cannot read is an error: the same text in place of a date would reach the vendor.
//! An empty value stays empty.

use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::Row;
use super::error::MappingError;
use super::filter;
use super::item::Origin;
use super::name;
use super::scope::below;
use super::value::{exact_decimal, index_text, is_empty, number};

/// A field that is added to each row.
#[derive(Clone, Debug)]
pub(super) struct Formatted {
    pub(super) origin: Origin,
    /// The field that it is made of.
    pub(super) old: String,
    pub(super) new: String,
    pub(super) format: Format,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A time, as `strftime` has it.
    Time(&'static str),
    /// So many letters, and `...` for the rest.
    LongText(usize),
    /// A whole number: the fraction is cut off.
    Whole,
    /// So many decimal places, rounded half away from zero.
    Round(u32),
    /// `￥1,000.00`.
    Amount,
    /// An array's elements, with this between them.
    Implode(String),
}

impl Format {
    pub(super) const NAMES: [&'static str; 11] = [
        "date",
        "time",
        "dateTime",
        "shortDate",
        "shortTime",
        "shortDateTime",
        "longText(15)",
        "intval",
        "round(2)",
        "amount",
        "implode(',')",
    ];

    /// A name with or without an argument; `Err`: what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, argument) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => match rest.trim_end().strip_suffix(')') {
                Some(argument) => (name.trim_end(), Some(argument)),
                None => return Err(format!("format `{text}` has no `)` at its end")),
            },
        };
        let count = |default: u32| match argument.map(str::trim).filter(|argument| !argument.is_empty()) {
            None => Ok(default),
            Some(argument) => {
                argument.parse::<u32>().map_err(|_| format!("`{argument}` is no whole number in format `{text}`"))
            }
        };
        let format = match name.to_ascii_lowercase().as_str() {
            "date" => Self::Time("%Y-%m-%d"),
            "time" => Self::Time("%H:%M:%S"),
            "datetime" => Self::Time("%Y-%m-%d %H:%M:%S"),
            "shortdate" => Self::Time("%m-%d"),
            "shorttime" => Self::Time("%H:%M"),
            "shortdatetime" => Self::Time("%m-%d %H:%M"),
            "longtext" => return Ok(Self::LongText(usize::try_from(count(15)?).unwrap_or(usize::MAX))),
            "round" => return Ok(Self::Round(count(2)?.min(Decimal::MAX_SCALE))),
            "implode" => return Ok(Self::Implode(argument.map_or(",", unquoted).to_owned())),
            "intval" => Self::Whole,
            "amount" => Self::Amount,
            _ => return Err(format!("format `{name}` is unknown")),
        };
        match argument {
            Some(argument) if !argument.trim().is_empty() => Err(format!("format `{name}` takes no argument")),
            _ => Ok(format),
        }
    }

    fn wanted(&self) -> &'static str {
        match self {
            Self::Time(_) => "a time",
            Self::LongText(_) => "a text",
            Self::Whole | Self::Round(_) | Self::Amount => "a number",
            Self::Implode(_) => "an array",
        }
    }

    /// `None`: the value is not of the kind that the format writes.
    fn apply(&self, value: &Value, zone: &TimeZone) -> Option<Value> {
        if is_empty(value) {
            return Some(Value::from(""));
        }
        let text = index_text(value);
        let text = text.trim();
        Some(match self {
            Self::Time(_) | Self::Whole | Self::Round(_) | Self::Amount if text.is_empty() => Value::from(""),
            Self::Time(form) => Value::from(filter::formatted(text, form, zone)?),
            Self::LongText(letters) => match text.char_indices().nth(*letters) {
                Some((end, _)) => Value::from(format!("{}...", text.get(..end)?)),
                None => Value::from(text),
            },
            Self::Whole => number(&exact_decimal(text)?.trunc().normalize().to_string())?,
            Self::Round(places) => number(&rounded(exact_decimal(text)?, *places).to_string())?,
            Self::Amount => Value::from(amount(exact_decimal(text)?)),
            Self::Implode(separator) => match value {
                Value::Array(list) => Value::from(list.iter().map(index_text).collect::<Vec<_>>().join(separator)),
                Value::Object(_) => return None,
                _ => Value::from(text),
            },
        })
    }
}

impl Formatted {
    /// Adds the field to a row; to each element, where both names lead into the same list.
    pub(super) fn add(&self, row: &mut Row, zone: &TimeZone) -> Result<(), MappingError> {
        if let Some((list, old, new)) = self.within(row) {
            if let Some(Value::Array(elements)) = row.get_mut(&list) {
                for (index, element) in elements.iter_mut().enumerate() {
                    if let Value::Object(element) = element {
                        let value = self.formatted(element, old, Some(index + 1), zone)?;
                        element.insert(new.to_owned(), value);
                    }
                }
            }
            return Ok(());
        }
        let value = self.formatted(row, &self.old, None, zone)?;
        row.insert(self.new.clone(), value);
        Ok(())
    }

    /// The list that both names lead into, and what follows it.
    fn within(&self, row: &Row) -> Option<(String, &str, &str)> {
        let (list, _) = self.old.split_once('.')?;
        let (key, value) = name::with_case(row, list).or_else(|| name::without_case(row, list))?;
        let inside = value.is_array() && !row.contains_key(&self.old);
        let (old, new) = (below(&self.old, list)?, below(&self.new, list).filter(|new| !new.is_empty())?);
        inside.then(|| (key.clone(), old, new))
    }

    fn formatted(&self, row: &Row, old: &str, line: Option<usize>, zone: &TimeZone) -> Result<Value, MappingError> {
        let value = name::field(row, old).unwrap_or(&Value::Null);
        self.format.apply(value, zone).ok_or_else(|| MappingError::Conversion {
            place: self.origin.place(line),
            wanted: self.format.wanted(),
            found: index_text(value),
        })
    }
}

/// Half away from zero, shown with all its places.
fn rounded(value: Decimal, places: u32) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(places);
    if rounded.is_zero() {
        rounded.set_sign_positive(true);
    }
    rounded
}

fn amount(value: Decimal) -> String {
    let text = rounded(value.abs(), 2).to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign =
        if value.is_sign_negative() && text.contains(|digit: char| ('1'..='9').contains(&digit)) { "-" } else { "" };
    format!("{sign}￥{grouped}.{fraction}")
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.trim().strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"')).unwrap_or(text)
}

//! Values of an expression, and how `MySQL` compares them.
//!
//! Texts compare as in `utf8mb4_general_ci`, the collation that `MySQL` and `MariaDB` come with: without regard to case, and
//! as if the shorter one had spaces at its end. A text compared with a number counts as the number that it begins with, and
//! compared with a time as the time that it is.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::super::value::exact_decimal;
use super::ExpressionError;
use super::number::Exact;
use super::time::{Temporal, read_time_of_day};

/// A value of an expression. Truth is a number: 1 and 0.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    Null,
    Number(Exact),
    Text(String),
    Time(Temporal),
}

impl Scalar {
    /// As `MySQL` shows it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Number(exact) => exact.to_string(),
            Self::Text(text) => text.clone(),
            Self::Time(time) => time.to_string(),
        }
    }

    /// For arithmetic. A text must be a number as a whole (blank: 0): what `MySQL` makes of any other would be a wrong amount.
    pub(super) fn number(&self) -> Result<Exact, ExpressionError> {
        match self {
            Self::Number(exact) => Ok(*exact),
            Self::Null => Ok(Exact::from(Decimal::ZERO)),
            Self::Time(time) => Ok(Exact::from(time.number())),
            Self::Text(text) if text.trim().is_empty() => Ok(Exact::from(Decimal::ZERO)),
            Self::Text(text) => exact_decimal(text)
                .map(Exact::from)
                .ok_or_else(|| ExpressionError::NotANumber(super::super::finding::shortened(text))),
        }
    }

    /// For comparisons and casts: the number that a text begins with.
    pub(super) fn leading_number(&self) -> Decimal {
        match self {
            Self::Number(exact) => exact.value,
            Self::Null => Decimal::ZERO,
            Self::Time(time) => time.number(),
            Self::Text(text) => leading_number(text.trim_start()),
        }
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => None,
            other => Some(!other.leading_number().is_zero()),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A number as it is shown: the operators of comparison, unlike `case` and `between`, compare what a reader would see.
    pub(super) fn shown(self) -> Self {
        match self {
            Self::Number(exact) => Self::Number(exact.shown()),
            other => other,
        }
    }
}

impl From<Option<String>> for Scalar {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl From<Option<Temporal>> for Scalar {
    fn from(time: Option<Temporal>) -> Self {
        time.map_or(Self::Null, Self::Time)
    }
}

pub(super) fn truth(flag: bool) -> Scalar {
    Scalar::Number(Exact::from(Decimal::from(u8::from(flag))))
}

pub(super) fn maybe(flag: Option<bool>) -> Scalar {
    flag.map_or(Scalar::Null, truth)
}

pub(super) fn whole(count: impl Into<Decimal>) -> Scalar {
    Scalar::Number(Exact::from(count.into()))
}

fn leading_number(text: &str) -> Decimal {
    let mut end = 0;
    for (index, letter) in text.char_indices() {
        let part_of_number = letter.is_ascii_digit() || letter == '.' || (index == 0 && matches!(letter, '-' | '+'));
        if !part_of_number || (letter == '.' && text.get(..index).is_some_and(|before| before.contains('.'))) {
            break;
        }
        end = index + letter.len_utf8();
    }
    exact_decimal(text.trim()).or_else(|| exact_decimal(text.get(..end)?)).unwrap_or(Decimal::ZERO)
}

/// How two values compare; `None` where one is `NULL`.
pub(super) fn compare(left: &Scalar, right: &Scalar) -> Option<Ordering> {
    Some(match (left, right) {
        (Scalar::Null, _) | (_, Scalar::Null) => return None,
        (Scalar::Text(left), Scalar::Text(right)) => compare_texts(left, right),
        (Scalar::Time(left), Scalar::Time(right)) => left.cmp_with(*right),
        (Scalar::Time(left), Scalar::Text(right)) => compare_time(*left, right),
        (Scalar::Text(left), Scalar::Time(right)) => compare_time(*right, left).reverse(),
        (left, right) => left.leading_number().cmp(&right.leading_number()),
    })
}

/// A text that is no time is before all times.
fn compare_time(time: Temporal, text: &str) -> Ordering {
    let other = match time {
        Temporal::TimeOfDay(_) => read_time_of_day(text).map(Temporal::TimeOfDay),
        _ => Temporal::read(text),
    };
    other.map_or(Ordering::Greater, |other| time.cmp_with(other))
}

pub(super) fn compare_texts(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.chars().map(folded), right.chars().map(folded));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => match left.unwrap_or(' ').cmp(&right.unwrap_or(' ')) {
                Ordering::Equal => {}
                order => return order,
            },
        }
    }
}

/// What a letter counts as in comparisons: its upper case.
pub(super) fn folded(letter: char) -> char {
    upper(letter)
}

/// Letters whose upper case is several letters (`ß`) stay, as in `MySQL`.
pub(super) fn upper(letter: char) -> char {
    single(letter, letter.to_uppercase())
}

pub(super) fn lower(letter: char) -> char {
    single(letter, letter.to_lowercase())
}

fn single(letter: char, mut cased: impl Iterator<Item = char>) -> char {
    match (cased.next(), cased.next()) {
        (Some(cased), None) => cased,
        _ => letter,
    }
}

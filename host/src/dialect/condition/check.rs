//! What a test asks of a value.
//!
//! `eq`, `neq`, `in` and `notin` compare texts, letter by letter; with a `v2` at the end loosely: numbers by their value
//! (`"90"`, `90` and `90.0` are one), times by their moment, white space around it ignored. `gt`, `egt`, `lt`, `elt` and
//! `between` compare numbers if both sides are numbers, exactly and as decimals; moments if both are dates in any spelling;
//! else texts. `like` is plain containment. `timestamp:1704067200` is a moment and compares with every spelling of a time.
//! A field that is missing is the empty text: `eq ""` and `neq "x"` hold, and it is neither more nor less than anything.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value;

use super::super::filter;
use super::super::value::{exact_decimal, index_text, is_empty};

/// A test's logic and what it compares with.
#[derive(Clone, Debug)]
pub(in super::super) enum Check {
    /// `eq` and `in`: the value is one of these.
    OneOf { wanted: Vec<Operand>, loose: bool, negated: bool },
    /// `gt`, `egt`, `lt`, `elt`.
    Ordered { order: Order, than: Operand },
    /// `between`, both ends included.
    Between { low: Operand, high: Operand },
    /// `like`: the value contains this.
    Contains { part: String, negated: bool },
    /// `null`, `notnull`.
    Empty { negated: bool },
}

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Order {
    More,
    MoreOrEqual,
    Less,
    LessOrEqual,
}

/// What a value is compared with.
#[derive(Clone, Debug)]
pub(in super::super) struct Operand {
    text: String,
    number: Option<Decimal>,
    moment: Option<Timestamp>,
    /// Written as `timestamp:`, it compares as a moment only.
    is_moment: bool,
}

impl Check {
    pub(in super::super) fn holds(&self, value: Option<&Value>, zone: &TimeZone) -> bool {
        let value = value.unwrap_or(&Value::Null);
        match self {
            Self::OneOf { wanted, loose, negated } => {
                let text = index_text(value);
                wanted.iter().any(|wanted| wanted.equals(value, &text, *loose, zone)) != *negated
            }
            Self::Ordered { order, than } => than.order_of(value, zone).is_some_and(|found| match order {
                Order::More => found.is_gt(),
                Order::MoreOrEqual => found.is_ge(),
                Order::Less => found.is_lt(),
                Order::LessOrEqual => found.is_le(),
            }),
            Self::Between { low, high } => {
                low.order_of(value, zone).is_some_and(Ordering::is_ge)
                    && high.order_of(value, zone).is_some_and(Ordering::is_le)
            }
            Self::Contains { part, negated } => index_text(value).contains(part) != *negated,
            Self::Empty { negated } => is_empty(value) != *negated,
        }
    }
}

impl Operand {
    /// Reads what a condition compares with; `None`: a `timestamp:` that is none.
    pub(in super::super) fn read(text: &str, zone: &TimeZone) -> Option<Self> {
        if let Some(moment) = text.trim().strip_prefix("timestamp:") {
            let moment = moment_of(moment.trim(), zone)?;
            return Some(Self { text: text.to_owned(), number: None, moment: Some(moment), is_moment: true });
        }
        let number = exact_decimal(text);
        let moment = if number.is_none() { filter::moment(text.trim(), zone) } else { None };
        Some(Self { text: text.to_owned(), number, moment, is_moment: false })
    }

    fn equals(&self, value: &Value, text: &str, loose: bool, zone: &TimeZone) -> bool {
        if self.is_moment {
            return moment_of(text.trim(), zone) == self.moment;
        }
        if !loose {
            return text == self.text;
        }
        text.trim() == self.text.trim()
            || self.number.is_some_and(|number| number_of(value, text) == Some(number))
            || self.moment.is_some_and(|moment| filter::moment(text.trim(), zone) == Some(moment))
    }

    /// How a value stands to the operand; `None`: they cannot be compared.
    fn order_of(&self, value: &Value, zone: &TimeZone) -> Option<Ordering> {
        let text = index_text(value);
        if text.trim().is_empty() {
            return None;
        }
        if self.is_moment {
            return Some(moment_of(text.trim(), zone)?.cmp(&self.moment?));
        }
        if let Some((left, right)) = exact_decimal(&text).zip(self.number) {
            return Some(left.cmp(&right));
        }
        if let Some(moment) = self.moment
            && exact_decimal(&text).is_none()
            && let Some(found) = filter::moment(text.trim(), zone)
        {
            return Some(found.cmp(&moment));
        }
        Some(text.as_str().cmp(&self.text))
    }
}

/// Loosely, `true` is 1 and `false` is 0.
fn number_of(value: &Value, text: &str) -> Option<Decimal> {
    match value {
        Value::Bool(flag) => Some(Decimal::from(u8::from(*flag))),
        _ => exact_decimal(text),
    }
}

/// A moment in any spelling, epochs with a fraction among them.
fn moment_of(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    filter::moment(text, zone).or_else(|| {
        let whole = exact_decimal(text)?.trunc().normalize().to_string();
        filter::moment(&whole, zone)
    })
}

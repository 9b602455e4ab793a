//! What parameters of several families accept: amounts, numbers of decimals, ways of rounding.

use qiao_plugin::json::{decimal, kind};
use qiao_plugin::transforms::FromValue;
use qiao_plugin::{Decimal, Value};
use rust_decimal::RoundingStrategy;

use crate::clean::{to_half_width, trimmed};

/// Nothing that a person would call a value: `null`, or text without a visible character.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => trimmed(text).is_empty(),
        _ => false,
    }
}

/// A text, or `None` where there is `null`. Unlike with `Option`, the parameter may not be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text<'v>(pub(crate) Option<&'v str>);

impl<'v> FromValue<'v> for Text<'v> {
    fn from_value(value: &'v Value) -> Result<Self, String> {
        Option::from_value(value).map(Self)
    }
}

/// An amount, or `None` where the vendor wrote nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Option<Decimal>);

impl FromValue<'_> for Amount {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            blank if is_blank(blank) => Ok(Self(None)),
            Value::Number(_) => decimal(value).map(|amount| Self(Some(amount))).map_err(|error| error.to_string()),
            Value::String(text) => match decimal(value).ok().or_else(|| as_people_write(text)) {
                Some(amount) => Ok(Self(Some(amount))),
                None => Err(format!("`{text}` is no amount of up to 28 digits")),
            },
            other => Err(format!("expected an amount, found {}", kind(other))),
        }
    }
}

/// `1,234.50`, `￥12`, `（5.00）`, `１２元`. Commas stand before three digits each, or the text is none: elsewhere `1,5` means 1.5.
fn as_people_write(text: &str) -> Option<Decimal> {
    let text = to_half_width(text);
    let text = trimmed(&text);
    let (brackets, text) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => (true, trimmed(inner)),
        None => (false, text),
    };
    let (minus, text) = signed(text);
    let text = text.strip_prefix('¥').map_or(text, str::trim_start);
    let (minus_inside, text) = if minus { (false, text) } else { signed(text) };
    let text = text.strip_suffix('元').map_or(text, str::trim_end);
    let amount = Decimal::from_str_exact(&ungrouped(text)?).ok()?;
    match (brackets, minus || minus_inside) {
        (true, true) => None,
        (false, false) => Some(amount),
        // Not `-amount`, which makes of zero a zero with a minus.
        _ => Some(Decimal::ZERO - amount),
    }
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '−']) {
        Some(text) => (true, text.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Digits with a point at most; commas only where thousands end.
fn ungrouped(text: &str) -> Option<String> {
    let whole = text.split('.').next().unwrap_or(text);
    if !text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ',')) {
        return None;
    }
    if whole.contains(',') {
        let mut groups = whole.split(',');
        let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()));
        if !first || !groups.all(|group| group.len() == 3) {
            return None;
        }
    }
    let fraction = text.get(whole.len()..)?;
    if fraction.contains(',') { None } else { Some(format!("{}{fraction}", whole.replace(',', ""))) }
}

/// A number of decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimals(pub(crate) u32);

impl Decimals {
    /// Fen: what amounts have unless a call says otherwise.
    pub(crate) const OF_MONEY: Self = Self(2);
}

impl FromValue<'_> for Decimals {
    fn from_value(value: &Value) -> Result<Self, String> {
        let decimals = i64::from_value(value)?;
        match u32::try_from(decimals) {
            Ok(decimals) if decimals <= Decimal::MAX_SCALE => Ok(Self(decimals)),
            _ => Err(format!("`{decimals}` is not from 0 to {}", Decimal::MAX_SCALE)),
        }
    }
}

/// A way of rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rounding(RoundingStrategy);

impl Rounding {
    const WAYS: [(&str, RoundingStrategy); 7] = [
        ("half-up", RoundingStrategy::MidpointAwayFromZero),
        ("half-even", RoundingStrategy::MidpointNearestEven),
        ("half-down", RoundingStrategy::MidpointTowardZero),
        ("up", RoundingStrategy::AwayFromZero),
        ("down", RoundingStrategy::ToZero),
        ("ceiling", RoundingStrategy::ToPositiveInfinity),
        ("floor", RoundingStrategy::ToNegativeInfinity),
    ];

    /// A half goes away from zero, as on every invoice.
    pub(crate) const HALF_UP: Self = Self(RoundingStrategy::MidpointAwayFromZero);

    /// Rounds.
    pub(crate) fn round(self, amount: Decimal, decimals: Decimals) -> Decimal {
        amount.round_dp_with_strategy(decimals.0, self.0)
    }
}

impl FromValue<'_> for Rounding {
    fn from_value(value: &Value) -> Result<Self, String> {
        let name = <&str>::from_value(value)?;
        Self::WAYS.iter().find(|(way, _)| *way == name).map(|(_, strategy)| Self(*strategy)).ok_or_else(|| {
            format!("`{name}` is no way of rounding; there are {}", Self::WAYS.map(|(way, _)| way).join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::json::json;

    use super::*;

    #[test]
    fn an_amount_is_what_people_write() {
        let cases = [
            (json!(12.5), Some("12.5")),
            (json!("1.0000"), Some("1.0000")),
            (json!(" 3 "), Some("3")),
            (json!("1.5E-2"), Some("0.015")),
            (json!("1,234.50"), Some("1234.50")),
            (json!("1,234,567"), Some("1234567")),
            (json!("１，２３４．５０"), Some("1234.50")),
            (json!("￥1,234.50"), Some("1234.50")),
            (json!("¥ 12"), Some("12")),
            (json!("-¥12"), Some("-12")),
            (json!("-¥0.00"), Some("0.00")),
            (json!("¥-12"), Some("-12")),
            (json!("－１２．５"), Some("-12.5")),
            (json!("−3"), Some("-3")),
            (json!("(1,234.50)"), Some("-1234.50")),
            (json!("（5.00）"), Some("-5.00")),
            (json!("12.5元"), Some("12.5")),
            (json!("\u{a0}7\u{3000}"), Some("7")),
            (json!("1,5"), None),
            (json!("12,34"), None),
            (json!("1,2345"), None),
            (json!(",123"), None),
            (json!("1,234,"), None),
            (json!("0.1,234"), None),
            (json!("1.2.3"), None),
            (json!("--5"), None),
            (json!("-¥-5"), None),
            (json!("(-5)"), None),
            (json!("¥"), None),
            (json!("一百"), None),
            (json!("13%"), None),
            (json!("99999999999999999999999999999999"), None),
            (json!([1]), None),
            (json!(true), None),
        ];
        for (value, expected) in cases {
            let read = Amount::from_value(&value);
            assert_eq!(read.as_ref().ok().map(|amount| amount.0.unwrap().to_string()).as_deref(), expected, "{value}");
        }
        for nothing in [json!(null), json!(""), json!(" \u{3000}")] {
            assert_eq!(Amount::from_value(&nothing), Ok(Amount(None)), "{nothing}");
        }
        assert_eq!(Amount::from_value(&json!("1,5")).unwrap_err(), "`1,5` is no amount of up to 28 digits");
    }

    #[test]
    fn decimals_and_ways_of_rounding_are_checked() {
        assert_eq!(Decimals::from_value(&json!("3")), Ok(Decimals(3)));
        assert_eq!(Decimals::from_value(&json!(-1)).unwrap_err(), "`-1` is not from 0 to 28");
        assert_eq!(Decimals::from_value(&json!(29)).unwrap_err(), "`29` is not from 0 to 28");
        assert_eq!(
            Rounding::from_value(&json!("round")).unwrap_err(),
            "`round` is no way of rounding; there are half-up, half-even, half-down, up, down, ceiling, floor"
        );
    }
}

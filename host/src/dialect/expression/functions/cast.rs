//! `CAST` and `CONVERT`. Unlike arithmetic, they take a text for the number that it begins with: they are how an author asks
//! for that.

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

use super::super::number::{Exact, power_of_ten};
use super::super::scalar::{Scalar, whole};
use super::super::time::{LONGEST_TIME_SECONDS, Temporal, read_time_of_day};
use super::{ExpressionError, Outcome, time};

/// What something is cast to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Target {
    /// At most so many letters.
    Char(Option<usize>),
    Signed,
    Unsigned,
    Decimal {
        precision: u32,
        scale: u32,
    },
    Date,
    DateTime,
    Time,
}

pub(in super::super) fn cast(value: &Scalar, target: Target) -> Outcome {
    if value.is_null() {
        return Ok(Scalar::Null);
    }
    Ok(match target {
        Target::Char(letters) => Scalar::Text(value.text().chars().take(letters.unwrap_or(usize::MAX)).collect()),
        Target::Signed => {
            let number = integer(value);
            whole(number.to_i64().unwrap_or(if number.is_sign_negative() { i64::MIN } else { i64::MAX }))
        }
        Target::Unsigned => whole(unsigned(integer(value))),
        Target::Decimal { precision, scale } => decimal(value, precision, scale)?,
        Target::Date => Scalar::from(time(value).and_then(Temporal::date).map(Temporal::Date)),
        Target::DateTime => Scalar::from(time(value).and_then(Temporal::datetime).map(Temporal::DateTime)),
        Target::Time => Scalar::from(time_of_day(value)),
    })
}

/// A number is rounded, a text is read up to what is no digit.
fn integer(value: &Scalar) -> Decimal {
    match value {
        Scalar::Text(_) => value.leading_number().trunc(),
        _ => value.leading_number().round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero),
    }
}

/// A negative number counts back from 2^64.
fn unsigned(number: Decimal) -> u64 {
    match number.to_i64() {
        Some(negative) if negative < 0 => negative.cast_unsigned(),
        _ => number.to_u64().unwrap_or(if number.is_sign_negative() { 0 } else { u64::MAX }),
    }
}

/// A number that does not fit becomes the greatest that does.
fn decimal(value: &Scalar, precision: u32, scale: u32) -> Outcome {
    let rounded = value.leading_number().round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    let limit = power_of_ten(precision.saturating_sub(scale));
    let fits = limit.is_none_or(|limit| rounded.abs() < limit);
    let number = if fits {
        rounded
    } else {
        let unit = Decimal::try_new(1, scale).map_err(|_| ExpressionError::Overflow)?;
        let greatest = limit.and_then(|limit| limit.checked_sub(unit)).ok_or(ExpressionError::Overflow)?;
        if rounded.is_sign_negative() { -greatest } else { greatest }
    };
    Ok(Scalar::Number(Exact::with_scale(number, scale)))
}

/// The time of a time, and of a text or number that is one.
pub(super) fn time_of_day(value: &Scalar) -> Option<Temporal> {
    match value {
        Scalar::Null => None,
        Scalar::Time(time) => Some(Temporal::TimeOfDay(time.seconds())),
        Scalar::Text(text) => read_time_of_day(text).map(Temporal::TimeOfDay),
        Scalar::Number(exact) => {
            if exact.value.abs() >= Decimal::from(10_000_000_000_i64) {
                return time(value).map(|time| Temporal::TimeOfDay(time.seconds()));
            }
            let text = exact.value.trunc().to_string();
            read_time_of_day(&text)
                .map(|seconds| Temporal::TimeOfDay(seconds.clamp(-LONGEST_TIME_SECONDS, LONGEST_TIME_SECONDS)))
        }
    }
}

//! Exact decimals with `MySQL`'s scales.
//!
//! `MySQL` computes with more digits than it shows: a quotient shows four more decimal places than its dividend
//! (`div_precision_increment`), but `round(1/3,7)` is 0.3333333 and `1/3*3` is 1.0000. So a number carries its value, as
//! exact as a decimal is, and beside it the scale in which it is shown.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

use super::ExpressionError;

/// The places that a division shows beyond those of its dividend.
const DIVISION_PLACES: u32 = 4;
/// `MySQL` keeps decimals in words of nine digits, and cuts a quotient behind a whole word.
const WORD_DIGITS: u32 = 9;

/// A number and its scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exact {
    pub(super) value: Decimal,
    scale: u32,
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    IntegerDivide,
    Modulo,
}

impl From<Decimal> for Exact {
    fn from(value: Decimal) -> Self {
        Self { value, scale: value.scale() }
    }
}

impl Exact {
    /// A number with no more than so many places, shown with all of them.
    pub(super) fn with_scale(value: Decimal, scale: u32) -> Self {
        Self { value, scale }
    }

    pub(super) fn compute(self, operator: Arithmetic, other: Self) -> Result<Self, ExpressionError> {
        let divides = matches!(operator, Arithmetic::Divide | Arithmetic::IntegerDivide | Arithmetic::Modulo);
        if divides && other.value.is_zero() {
            return Err(ExpressionError::DivisionByZero);
        }
        let (value, scale) = match operator {
            Arithmetic::Add => (self.value.checked_add(other.value), self.scale.max(other.scale)),
            Arithmetic::Subtract => (self.value.checked_sub(other.value), self.scale.max(other.scale)),
            Arithmetic::Multiply => (self.value.checked_mul(other.value), self.scale + other.scale),
            Arithmetic::Divide => (quotient(self.value, other.value), self.scale + DIVISION_PLACES),
            Arithmetic::IntegerDivide => (self.value.checked_div(other.value).map(|value| value.trunc()), 0),
            Arithmetic::Modulo => (self.value.checked_rem(other.value), self.scale.max(other.scale)),
        };
        let value = value.ok_or(ExpressionError::Overflow)?;
        Ok(Self { value, scale: scale.min(Decimal::MAX_SCALE) })
    }

    /// Half away from zero; negative places round to tens, hundreds ….
    pub(super) fn round(self, places: i64) -> Result<Self, ExpressionError> {
        self.at_places(places, RoundingStrategy::MidpointAwayFromZero)
    }

    /// Towards zero.
    pub(super) fn truncate(self, places: i64) -> Result<Self, ExpressionError> {
        self.at_places(places, RoundingStrategy::ToZero)
    }

    fn at_places(self, places: i64, strategy: RoundingStrategy) -> Result<Self, ExpressionError> {
        // A whole number stays one: `round(150,2)` is 150, `round(150.000,2)` is 150.00.
        let whole = self.scale == 0;
        let Ok(places) = u32::try_from(places) else {
            let zeros = u32::try_from(places.unsigned_abs()).unwrap_or(u32::MAX);
            let Some(unit) = power_of_ten(zeros) else {
                return Ok(Self::from(Decimal::ZERO));
            };
            let units = self.value.checked_div(unit).ok_or(ExpressionError::Overflow)?;
            let value = units.round_dp_with_strategy(0, strategy).checked_mul(unit).ok_or(ExpressionError::Overflow)?;
            return Ok(Self { value, scale: 0 });
        };
        let places = places.min(Decimal::MAX_SCALE);
        Ok(Self { value: self.value.round_dp_with_strategy(places, strategy), scale: if whole { 0 } else { places } })
    }

    pub(super) fn ceil(self) -> Self {
        Self { value: self.value.ceil(), scale: 0 }
    }

    pub(super) fn floor(self) -> Self {
        Self { value: self.value.floor(), scale: 0 }
    }

    pub(super) fn abs(self) -> Self {
        Self { value: self.value.abs(), scale: self.scale }
    }

    pub(super) fn negated(self) -> Self {
        Self { value: -self.value, scale: self.scale }
    }

    /// The number that is shown.
    pub(super) fn shown(self) -> Self {
        let value = self.value.round_dp_with_strategy(self.scale, RoundingStrategy::MidpointAwayFromZero);
        Self { value, scale: self.scale }
    }

    /// The same number shown with at least the other's places.
    pub(super) fn widened(self, other: Self) -> Self {
        Self { value: self.value, scale: self.scale.max(other.scale) }
    }

    /// As a count of places or characters: `MySQL` rounds it.
    pub(super) fn to_count(self) -> i64 {
        let rounded = self.value.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        i64::try_from(rounded).unwrap_or(if rounded.is_sign_negative() { i64::MIN } else { i64::MAX })
    }
}

/// A quotient with as many places as `MySQL` computes: so `2/3` is 0.666666666, of which 0.6667 is shown.
fn quotient(dividend: Decimal, divisor: Decimal) -> Option<Decimal> {
    let words = |places: u32| places.next_multiple_of(WORD_DIGITS);
    let (whole_words, places) = (words(dividend.scale()) + words(divisor.scale()), dividend.scale() + divisor.scale());
    let places = words(whole_words + DIVISION_PLACES.saturating_sub(whole_words - places));
    let mut quotient = dividend.checked_div(divisor)?.trunc_with_scale(places);
    // The places count in what is computed further.
    if quotient.scale() < places {
        quotient.rescale(places);
    }
    Some(quotient)
}

impl fmt::Display for Exact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.value.round_dp_with_strategy(self.scale, RoundingStrategy::MidpointAwayFromZero);
        shown.rescale(self.scale);
        if shown.is_zero() {
            shown.set_sign_positive(true);
        }
        write!(out, "{shown}")
    }
}

pub(super) fn power_of_ten(zeros: u32) -> Option<Decimal> {
    (0..zeros.min(40)).try_fold(Decimal::ONE, |power, _| power.checked_mul(Decimal::TEN))
}

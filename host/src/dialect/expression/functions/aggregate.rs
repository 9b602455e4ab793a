//! `SUM`, `AVG`, `MIN`, `MAX` and `COUNT` over the elements of a list.
//!
//! Elements without a value count for nothing; without any element the result is `NULL`, and of `COUNT` 0.

use std::cmp::Ordering;
use std::collections::HashSet;

use rust_decimal::Decimal;

use super::super::number::{Arithmetic, Exact};
use super::super::scalar::{Scalar, compare, folded, whole};
use super::{ExpressionError, Outcome};

/// A function of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Aggregate {
    Sum,
    Avg,
    Min,
    Max,
    Count,
}

impl Aggregate {
    pub(in super::super) const NAMES: [&'static str; 5] = ["AVG", "COUNT", "MAX", "MIN", "SUM"];

    /// By name, without regard to case.
    pub(in super::super) fn parse(name: &str) -> Option<Self> {
        [Self::Avg, Self::Count, Self::Max, Self::Min, Self::Sum]
            .into_iter()
            .find(|aggregate| aggregate.name().eq_ignore_ascii_case(name))
    }

    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::Avg => "AVG",
            Self::Count => "COUNT",
            Self::Max => "MAX",
            Self::Min => "MIN",
            Self::Sum => "SUM",
        }
    }

    /// The result over the values of all elements.
    pub(in super::super) fn of(self, mut values: Vec<Scalar>, distinct: bool) -> Outcome {
        values.retain(|value| !value.is_null());
        if distinct {
            let mut seen = HashSet::new();
            values.retain(|value| seen.insert(key(value)));
        }
        match self {
            Self::Count => Ok(whole(values.len())),
            _ if values.is_empty() => Ok(Scalar::Null),
            Self::Sum => sum(&values).map(Scalar::Number),
            Self::Avg => {
                sum(&values)?.compute(Arithmetic::Divide, Exact::from(Decimal::from(values.len()))).map(Scalar::Number)
            }
            Self::Min => Ok(extreme(values, Ordering::Less)),
            Self::Max => Ok(extreme(values, Ordering::Greater)),
        }
    }
}

fn sum(values: &[Scalar]) -> Result<Exact, ExpressionError> {
    values.iter().try_fold(Exact::from(Decimal::ZERO), |sum, value| sum.compute(Arithmetic::Add, value.number()?))
}

/// Numbers are shown alike, with the places of the longest.
fn extreme(values: Vec<Scalar>, wanted: Ordering) -> Scalar {
    let best = values.into_iter().reduce(|best, value| {
        let (chosen, other) = if compare(&value, &best) == Some(wanted) { (value, best) } else { (best, value) };
        match (chosen, other) {
            (Scalar::Number(chosen), Scalar::Number(other)) => Scalar::Number(chosen.widened(other)),
            (chosen, _) => chosen,
        }
    });
    best.unwrap_or(Scalar::Null)
}

/// Equal for values that `MySQL` takes for the same.
fn key(value: &Scalar) -> String {
    match value {
        Scalar::Number(exact) => exact.value.normalize().to_string(),
        other => other.text().trim_end_matches(' ').chars().map(folded).collect(),
    }
}

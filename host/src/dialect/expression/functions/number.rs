//! Functions of numbers.

use std::cmp::Ordering;

use super::super::number::{Arithmetic, Exact};
use super::super::scalar::{Scalar, compare_texts, whole};
use super::super::time::Temporal;
use super::{Arguments, ExpressionError, Outcome, time};

pub(super) fn abs(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Number(arguments.exact(0)?.abs()))
}

pub(super) fn ceil(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Number(arguments.exact(0)?.ceil()))
}

pub(super) fn floor(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Number(arguments.exact(0)?.floor()))
}

pub(super) fn sign(arguments: &Arguments<'_>) -> Outcome {
    let value = arguments.exact(0)?.value;
    Ok(whole(if value.is_zero() {
        0
    } else if value.is_sign_negative() {
        -1
    } else {
        1
    }))
}

pub(super) fn round(arguments: &Arguments<'_>) -> Outcome {
    let places = if arguments.len() > 1 { arguments.count(1)? } else { 0 };
    Ok(Scalar::Number(arguments.exact(0)?.round(places)?))
}

pub(super) fn truncate(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Number(arguments.exact(0)?.truncate(arguments.count(1)?)?))
}

pub(super) fn modulo(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Number(arguments.exact(0)?.compute(Arithmetic::Modulo, arguments.exact(1)?)?))
}

pub(super) fn greatest(arguments: &Arguments<'_>) -> Outcome {
    extreme(arguments.values, Ordering::Greater)
}

pub(super) fn least(arguments: &Arguments<'_>) -> Outcome {
    extreme(arguments.values, Ordering::Less)
}

/// Beside a time all are times, beside a number all are numbers, else all are texts.
fn extreme(values: &[Scalar], wanted: Ordering) -> Outcome {
    let is_better = |order: Ordering| order == wanted;
    if values.iter().any(|value| matches!(value, Scalar::Time(_))) {
        let with_clock = values.iter().any(|value| matches!(value, Scalar::Time(Temporal::DateTime(_))));
        let alike = |time: Temporal| match time.datetime() {
            Some(datetime) if with_clock => Temporal::DateTime(datetime),
            Some(datetime) => Temporal::Date(datetime.date()),
            None => time,
        };
        let times: Option<Vec<Temporal>> = values.iter().map(|value| time(value).map(alike)).collect();
        let best = times.and_then(|times| {
            times.into_iter().reduce(|best, time| if is_better(time.cmp_with(best)) { time } else { best })
        });
        return Ok(Scalar::from(best));
    }
    if values.iter().any(|value| matches!(value, Scalar::Number(_))) {
        let mut numbers =
            values.iter().map(Scalar::number).collect::<Result<Vec<Exact>, ExpressionError>>()?.into_iter();
        let best = numbers.next().map(|first| {
            numbers.fold(first, |best, number| {
                let better = is_better(number.value.cmp(&best.value));
                if better { number.widened(best) } else { best.widened(number) }
            })
        });
        return Ok(best.map_or(Scalar::Null, Scalar::Number));
    }
    let texts = values.iter().map(Scalar::text);
    Ok(Scalar::from(texts.reduce(|best, text| if is_better(compare_texts(&text, &best)) { text } else { best })))
}

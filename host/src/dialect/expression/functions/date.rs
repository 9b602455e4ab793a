//! Functions of dates and times. A text that is no time gives `NULL`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::prelude::ToPrimitive as _;

use super::super::scalar::{Scalar, whole};
use super::super::time::{self, Temporal, Unit, days_between, shifted};
use super::{Arguments, ExpressionError, Outcome};

pub(super) fn now(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::from(moment(arguments, arguments.moment.zone).map(Temporal::DateTime)))
}

pub(super) fn curdate(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::from(moment(arguments, arguments.moment.zone).map(|now| Temporal::Date(now.date()))))
}

pub(super) fn curtime(arguments: &Arguments<'_>) -> Outcome {
    let now = moment(arguments, arguments.moment.zone).map(Temporal::DateTime);
    Ok(Scalar::from(now.map(|now| Temporal::TimeOfDay(now.seconds()))))
}

pub(super) fn utc_timestamp(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::from(moment(arguments, &TimeZone::UTC).map(Temporal::DateTime)))
}

pub(super) fn utc_date(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::from(moment(arguments, &TimeZone::UTC).map(|now| Temporal::Date(now.date()))))
}

fn moment(arguments: &Arguments<'_>, zone: &TimeZone) -> Option<DateTime> {
    Timestamp::from_second(arguments.moment.seconds).ok().map(|now| zone.to_datetime(now))
}

pub(super) fn date(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::from(arguments.time(0).and_then(Temporal::date).map(Temporal::Date)))
}

pub(super) fn time_of_day(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::from(super::cast::time_of_day(arguments.get(0))))
}

pub(super) fn datediff(arguments: &Arguments<'_>) -> Outcome {
    let days = arguments.time(0).zip(arguments.time(1)).and_then(|(later, earlier)| days_between(later, earlier));
    Ok(days.map_or(Scalar::Null, whole))
}

pub(super) fn date_format(arguments: &Arguments<'_>) -> Outcome {
    Ok(format(arguments.time(0).and_then(Temporal::datetime), &arguments.text(1)))
}

/// An empty format gives `NULL`.
fn format(time: Option<DateTime>, format: &str) -> Scalar {
    Scalar::from(time.filter(|_| !format.is_empty()).map(|time| time::formatted(time, format)))
}

pub(super) fn str_to_date(arguments: &Arguments<'_>) -> Outcome {
    match time::str_to_date(&arguments.text(0), &arguments.text(1)) {
        Ok(time) => Ok(Scalar::from(time)),
        Err(specifier) => Err(ExpressionError::Unsupported(format!("`STR_TO_DATE` does not read `%{}`", specifier.0))),
    }
}

/// Without an argument, now.
pub(super) fn unix_timestamp(arguments: &Arguments<'_>) -> Outcome {
    if arguments.len() == 0 {
        return Ok(whole(arguments.moment.seconds));
    }
    let time = arguments.time(0).and_then(Temporal::datetime);
    let seconds = time
        .and_then(|time| time.to_zoned(arguments.moment.zone.clone()).ok())
        .map(|time| time.timestamp().as_second())
        .filter(|seconds| *seconds >= 0);
    Ok(seconds.map_or(Scalar::Null, whole))
}

/// Fractions of a second are cut.
pub(super) fn from_unixtime(arguments: &Arguments<'_>) -> Outcome {
    let seconds = arguments.exact(0)?.value.floor().to_i64().filter(|seconds| *seconds >= 0);
    let time = seconds
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map(|time| arguments.moment.zone.to_datetime(time));
    Ok(if arguments.len() > 1 { format(time, &arguments.text(1)) } else { Scalar::from(time.map(Temporal::DateTime)) })
}

pub(super) fn add_days(arguments: &Arguments<'_>) -> Outcome {
    Ok(shift(arguments.get(0), arguments.count(1)?, Unit::Day))
}

pub(super) fn subtract_days(arguments: &Arguments<'_>) -> Outcome {
    Ok(shift(arguments.get(0), arguments.count(1)?.saturating_neg(), Unit::Day))
}

/// What was a text or a number becomes a text.
pub(in super::super) fn shift(value: &Scalar, count: i64, unit: Unit) -> Scalar {
    let later = super::time(value).and_then(|time| shifted(time, count, unit));
    match value {
        Scalar::Time(_) => Scalar::from(later),
        _ => Scalar::from(later.map(|later| later.to_string())),
    }
}

pub(super) fn last_day(arguments: &Arguments<'_>) -> Outcome {
    let date = arguments.time(0).and_then(Temporal::date);
    Ok(Scalar::from(date.map(|date| Temporal::Date(date.last_of_month()))))
}

fn part<N: Into<i64>>(arguments: &Arguments<'_>, part: impl FnOnce(DateTime) -> N) -> Outcome {
    let time = arguments.time(0).and_then(Temporal::datetime);
    Ok(time.map_or(Scalar::Null, |time| whole(part(time).into())))
}

pub(super) fn year(arguments: &Arguments<'_>) -> Outcome {
    part(arguments, DateTime::year)
}

pub(super) fn quarter(arguments: &Arguments<'_>) -> Outcome {
    part(arguments, |time| (time.month() - 1) / 3 + 1)
}

pub(super) fn month(arguments: &Arguments<'_>) -> Outcome {
    part(arguments, DateTime::month)
}

pub(super) fn day(arguments: &Arguments<'_>) -> Outcome {
    part(arguments, DateTime::day)
}

pub(super) fn dayofyear(arguments: &Arguments<'_>) -> Outcome {
    part(arguments, DateTime::day_of_year)
}

/// From Sunday, 1.
pub(super) fn dayofweek(arguments: &Arguments<'_>) -> Outcome {
    part(arguments, |time| time.weekday().to_sunday_one_offset())
}

/// From Monday, 0.
pub(super) fn weekday(arguments: &Arguments<'_>) -> Outcome {
    part(arguments, |time| time.weekday().to_monday_zero_offset())
}

pub(super) fn hour(arguments: &Arguments<'_>) -> Outcome {
    clock(arguments, |seconds| seconds / 3600)
}

pub(super) fn minute(arguments: &Arguments<'_>) -> Outcome {
    clock(arguments, |seconds| seconds / 60 % 60)
}

pub(super) fn second(arguments: &Arguments<'_>) -> Outcome {
    clock(arguments, |seconds| seconds % 60)
}

fn clock(arguments: &Arguments<'_>, part: fn(i64) -> i64) -> Outcome {
    let seconds = super::cast::time_of_day(arguments.get(0)).map(Temporal::seconds);
    Ok(seconds.map_or(Scalar::Null, |seconds| whole(part(seconds.abs()))))
}

//! Times from texts and numbers, in the spellings that `MySQL` takes.
//!
//! `2026-01-31 08:00:00` with any punctuation, one or two digits in each place and a year of two or four; `20260131`,
//! `20260131080000`; a `T` in the middle. What follows a time is not looked at, not even an offset: the filter `|datetime`
//! puts a time with an offset into the scheme's time zone.

use jiff::civil::{Date, Time};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::{LONGEST_TIME_SECONDS, Temporal};

pub(super) fn read(text: &str) -> Option<Temporal> {
    let text = text.trim();
    let digits = leading_digits(text);
    let (date, rest) = match digits.len() {
        6 | 8 | 12 | 14 => return read_compact(digits, text.get(digits.len()..)?),
        1..=4 => read_date(text)?,
        _ => return None,
    };
    with_time(date, rest)
}

/// `20260131`, `260131`, and with hours, minutes and seconds behind it.
fn read_compact(digits: &str, rest: &str) -> Option<Temporal> {
    let year_digits = if digits.len().is_multiple_of(8) || digits.len() == 14 { 4 } else { 2 };
    let number = |from: usize, length: usize| digits.get(from..from + length)?.parse::<i16>().ok();
    let date = date(number(0, year_digits)?, year_digits, number(year_digits, 2)?, number(year_digits + 2, 2)?)?;
    let Some(hour) = number(year_digits + 4, 2) else {
        return with_time(date, rest);
    };
    let time = time(hour, number(year_digits + 6, 2)?, number(year_digits + 8, 2)?)?;
    Some(Temporal::DateTime(date.to_datetime(time)))
}

/// `2026-1-31`, and what follows.
fn read_date(text: &str) -> Option<(Date, &str)> {
    let (year, year_digits, rest) = number(text, 4)?;
    let (month, _, rest) = number(separated(rest)?, 2)?;
    let (day, _, rest) = number(separated(rest)?, 2)?;
    Some((date(year, year_digits, month, day)?, rest))
}

fn with_time(date: Date, rest: &str) -> Option<Temporal> {
    let begins = rest.strip_prefix(['T', 't', ' ']).map(str::trim_start);
    let Some((hour, _, rest)) = begins.and_then(|rest| number(rest, 2)) else {
        return Some(Temporal::Date(date));
    };
    let (minute, rest) = clock_part(rest);
    let (second, _) = clock_part(rest);
    Some(Temporal::DateTime(date.to_datetime(time(hour, minute, second)?)))
}

/// `:30`, and what follows; 0 where there is none.
fn clock_part(text: &str) -> (i16, &str) {
    text.strip_prefix(|letter: char| letter.is_ascii_punctuation() && letter != '.')
        .and_then(|rest| number(rest, 2))
        .map_or((0, text), |(value, _, rest)| (value, rest))
}

/// A time of `TIME`, in seconds: `08:30`, `-08:30:15`, `1 08:30` (days), `83015`, and the time of a date and time.
pub(in super::super) fn read_time_of_day(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = leading_digits(text).len();
    if let Some(time) = read(text)
        && (digits == 4 || (digits > 4 && matches!(time, Temporal::DateTime(_))))
    {
        return Some(time.seconds());
    }
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (first, _, rest) = number_of(text, 9)?;
    let seconds = match rest.strip_prefix(' ') {
        Some(after_days) if !leading_digits(after_days).is_empty() => {
            let (hours, _, rest) = number_of(after_days, 3)?;
            clock(first * 24 + hours, rest)?
        }
        _ if rest.starts_with(':') => clock(first, rest)?,
        _ => compact_clock(first)?,
    };
    Some(sign * seconds.min(LONGEST_TIME_SECONDS))
}

fn clock(hours: i64, rest: &str) -> Option<i64> {
    let (minutes, rest) = clock_part(rest);
    let (seconds, _) = clock_part(rest);
    (minutes < 60 && seconds < 60).then(|| hours * 3600 + i64::from(minutes) * 60 + i64::from(seconds))
}

fn compact_clock(number: i64) -> Option<i64> {
    let (hours, minutes, seconds) = (number / 10_000, number / 100 % 100, number % 100);
    (minutes < 60 && seconds < 60).then(|| hours * 3600 + minutes * 60 + seconds)
}

/// `20260131` or `20260131080000`; the century of a year of two digits is guessed as in texts.
pub(in super::super) fn read_number(number: Decimal) -> Option<Temporal> {
    let number = number.trunc().to_i64().filter(|number| *number > 0)?;
    // Leading zeros count: 105 is the 5th of January 2000.
    let wanted = [6, 8, 12].into_iter().find(|digits| number < 10_i64.pow(*digits)).unwrap_or(14) as usize;
    let digits = format!("{number:0wanted$}");
    read_compact(&digits, "")
}

fn leading_digits(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// A number of at most so many digits: it, how many it has, and what follows.
fn number(text: &str, most_digits: usize) -> Option<(i16, usize, &str)> {
    let (value, digits, rest) = number_of(text, most_digits)?;
    Some((i16::try_from(value).ok()?, digits, rest))
}

fn number_of(text: &str, most_digits: usize) -> Option<(i64, usize, &str)> {
    let digits = leading_digits(text);
    let digits = digits.get(..most_digits.min(digits.len()))?;
    Some((digits.parse().ok()?, digits.len(), text.get(digits.len()..)?))
}

fn separated(text: &str) -> Option<&str> {
    text.strip_prefix(|letter: char| letter.is_ascii_punctuation())
}

fn date(year: i16, year_digits: usize, month: i16, day: i16) -> Option<Date> {
    let year = if year_digits <= 2 { with_century(year) } else { year };
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok().filter(|date| date.year() > 0)
}

/// A year of two digits: 70 to 99 are the last century's.
pub(super) fn with_century(year: i16) -> i16 {
    if year < 70 { year + 2000 } else { year + 1900 }
}

fn time(hour: i16, minute: i16, second: i16) -> Option<Time> {
    Time::new(hour.try_into().ok()?, minute.try_into().ok()?, second.try_into().ok()?, 0).ok()
}

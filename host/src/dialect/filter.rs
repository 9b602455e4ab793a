//! Times: the filters of placeholders, and the type `datetime`.
//!
//! Vendors give times as Unix seconds, as milliseconds, or as texts in several spellings, and want them back in another.
//! Texts without an offset are meant in the scheme's time zone.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::Value;

use super::value::index_text;

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// `YYYY-MM-DD HH:MM:SS`.
    DateTime,
    /// `YYYY-MM-DD`.
    Date,
    /// `HH:MM:SS`.
    Time,
    /// Unix seconds.
    Timestamp,
    /// Unix milliseconds.
    TimestampMs,
}

impl Filter {
    pub(super) const NAMES: [&'static str; 5] = ["datetime", "date", "time", "timestamp", "timestamp_ms"];

    /// By name, without regard to case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::DateTime, Self::Date, Self::Time, Self::Timestamp, Self::TimestampMs]
            .into_iter()
            .find(|filter| filter.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DateTime => "datetime",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::TimestampMs => "timestamp_ms",
        }
    }

    /// Writes a value that is a time; `None` if it is none. What is empty stays empty.
    pub(super) fn apply(self, value: &Value, zone: &TimeZone) -> Option<Value> {
        let text = index_text(value);
        let text = text.trim();
        if text.is_empty() {
            return Some(Value::from(""));
        }
        let time = read(text, zone)?;
        Some(match self {
            Self::DateTime => Value::from(written(&time)),
            Self::Date => Value::from(time.strftime("%Y-%m-%d").to_string()),
            Self::Time => Value::from(time.strftime("%H:%M:%S").to_string()),
            Self::Timestamp => Value::from(time.timestamp().as_second()),
            Self::TimestampMs => Value::from(time.timestamp().as_millisecond()),
        })
    }
}

/// A value of type `datetime`: epochs and ISO spellings (`2026-01-05T00:00:00`, Kingdee's) become
/// `2026-01-05 00:00:00`, every other spelling of a time stays as it is. `None` if it is no time.
pub(super) fn normalised(text: &str, zone: &TimeZone) -> Option<String> {
    let time = read(text, zone)?;
    let rewritten = text.parse::<i64>().is_ok_and(|_| !is_compact_date(text) && compact_time(text).is_none())
        || text.contains(['T', 't'])
        || text.ends_with(['Z', 'z']);
    Some(if rewritten { written(&time) } else { text.to_owned() })
}

/// The moment that a text means; `None` if it is no time.
pub(super) fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    read(text, zone).map(|time| time.timestamp())
}

/// A time as `strftime` writes it; `None` if the text is no time.
pub(super) fn formatted(text: &str, form: &str, zone: &TimeZone) -> Option<String> {
    read(text, zone).map(|time| time.strftime(form).to_string())
}

fn written(time: &Zoned) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn read(text: &str, zone: &TimeZone) -> Option<Zoned> {
    if is_compact_date(text) {
        return Date::strptime("%Y%m%d", text).ok()?.to_zoned(zone.clone()).ok();
    }
    if let Some(time) = compact_time(text) {
        return time.to_zoned(zone.clone()).ok();
    }
    if let Some(time) = usual(text) {
        return time.to_zoned(zone.clone()).ok();
    }
    if let Ok(epoch) = text.parse::<i64>() {
        return epoch_time(epoch).map(|time| time.to_zoned(zone.clone()));
    }
    // An offset in the text wins over the scheme's time zone.
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.to_zoned(zone.clone()));
    }
    local(&text.replace('/', "-"))?.to_zoned(zone.clone()).ok()
}

/// Seconds, or milliseconds from 10^11 on: as seconds that would be the year 5138.
fn epoch_time(epoch: i64) -> Option<Timestamp> {
    const FIRST_MILLISECONDS: u64 = 100_000_000_000;
    if epoch.unsigned_abs() >= FIRST_MILLISECONDS {
        Timestamp::from_millisecond(epoch).ok()
    } else {
        Timestamp::from_second(epoch).ok()
    }
}

/// `20260131`: as Unix seconds that would be a day of 1970.
fn is_compact_date(text: &str) -> bool {
    text.len() == 8 && (text.starts_with("19") || text.starts_with("20")) && Date::strptime("%Y%m%d", text).is_ok()
}

/// `20260131083000`: as Unix milliseconds that would be the year 2612.
fn compact_time(text: &str) -> Option<DateTime> {
    let is_of_our_time = text.len() == 14 && (text.starts_with("19") || text.starts_with("20"));
    is_of_our_time.then(|| DateTime::strptime("%Y%m%d%H%M%S", text).ok()).flatten()
}

/// `2026-01-31` and `2026-01-31T08:30:00`, with a space or a `T`: what nearly all rows have, read without the detours of the
/// other spellings.
fn usual(text: &str) -> Option<DateTime> {
    let number = |digits: std::ops::Range<usize>| {
        text.as_bytes()
            .get(digits)?
            .iter()
            .try_fold(0_i16, |number, letter| letter.is_ascii_digit().then(|| number * 10 + i16::from(letter - b'0')))
    };
    let small = |digits| i8::try_from(number(digits)?).ok();
    let has = |place: usize, letters: &[u8]| text.as_bytes().get(place).is_some_and(|letter| letters.contains(letter));
    if !has(4, b"-") || !has(7, b"-") {
        return None;
    }
    let date = Date::new(number(0..4)?, small(5..7)?, small(8..10)?).ok()?;
    match text.len() {
        10 => Some(date.to_datetime(Time::midnight())),
        19 if has(10, b" Tt") && has(13, b":") && has(16, b":") => {
            Some(date.to_datetime(Time::new(small(11..13)?, small(14..16)?, small(17..19)?, 0).ok()?))
        }
        _ => None,
    }
}

fn local(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once([' ', 'T', 't']).unwrap_or((text, ""));
    let date = Date::strptime("%Y-%m-%d", date).ok()?;
    let time = time.trim();
    if time.is_empty() {
        return Some(date.to_datetime(Time::midnight()));
    }
    let time = time.split_once('.').map_or(time, |(whole, _)| whole);
    ["%H:%M:%S", "%H:%M"]
        .into_iter()
        .find_map(|format| Time::strptime(format, time).ok())
        .map(|time| date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    #[test]
    fn filters_read_epochs_and_texts() {
        for (filter, value, expected) in [
            (Filter::DateTime, json!(1_767_225_600), json!("2026-01-01 08:00:00")),
            (Filter::DateTime, json!("1767225600"), json!("2026-01-01 08:00:00")),
            (Filter::DateTime, json!(1_767_225_600_000_i64), json!("2026-01-01 08:00:00")),
            (Filter::DateTime, json!("2026-01-01T08:00:00"), json!("2026-01-01 08:00:00")),
            (Filter::DateTime, json!("2026-01-01T00:00:00Z"), json!("2026-01-01 08:00:00")),
            (Filter::DateTime, json!("2026-01-01T00:00:00.123+00:00"), json!("2026-01-01 08:00:00")),
            (Filter::DateTime, json!("2026/1/5"), json!("2026-01-05 00:00:00")),
            (Filter::DateTime, json!("2026-01-05 9:30"), json!("2026-01-05 09:30:00")),
            (Filter::DateTime, json!("2026-01-05 09:30:15.123"), json!("2026-01-05 09:30:15")),
            (Filter::Date, json!("20260105"), json!("2026-01-05")),
            (Filter::DateTime, json!("20260105093015"), json!("2026-01-05 09:30:15")),
            (Filter::Date, json!(1_767_225_600), json!("2026-01-01")),
            (Filter::Time, json!(1_767_225_600), json!("08:00:00")),
            (Filter::Timestamp, json!("2026-01-01 08:00:00"), json!(1_767_225_600)),
            (Filter::TimestampMs, json!("2026-01-01 08:00:00"), json!(1_767_225_600_000_i64)),
            (Filter::Date, json!(""), json!("")),
            (Filter::Date, Value::Null, json!("")),
        ] {
            assert_eq!(filter.apply(&value, &shanghai()), Some(expected), "{filter:?} {value}");
        }
        for value in [json!("tomorrow"), json!("2026-13-01"), json!(true), json!([1]), json!("99999999999999999999")] {
            assert_eq!(Filter::Date.apply(&value, &shanghai()), None, "{value}");
        }
    }

    #[test]
    fn datetime_values_keep_their_spelling_unless_it_is_iso_or_an_epoch() {
        for (text, expected) in [
            ("2026-01-05", Some("2026-01-05")),
            ("2026-01-05 08:00:00", Some("2026-01-05 08:00:00")),
            ("2026/01/05", Some("2026/01/05")),
            ("20260105", Some("20260105")),
            ("20260105093015", Some("20260105093015")),
            ("2026-01-05T08:00:00", Some("2026-01-05 08:00:00")),
            ("2026-01-05T00:00:00Z", Some("2026-01-05 08:00:00")),
            ("1767225600", Some("2026-01-01 08:00:00")),
            ("FDate", None),
        ] {
            assert_eq!(normalised(text, &shanghai()).as_deref(), expected, "{text}");
        }
    }
}

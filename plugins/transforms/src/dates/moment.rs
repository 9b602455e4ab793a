//! Reading a point in time from whatever a vendor writes.
//!
//! A text without an offset names a day and a time of day wherever the scheme lives; it is never moved. An epoch, or a text with an
//! offset, names an instant, and becomes a day and a time of day only in a time zone. Keeping the two apart means that a zone is
//! asked for only where it matters.
//!
//! Nothing here uses jiff's own parser and printer: they know far more spellings than these, and are a fifth of the component.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use qiao_plugin::json::kind;
use qiao_plugin::{Context, Value};

use crate::arguments::is_blank;
use crate::clean::{to_half_width, trimmed};

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A day.
    Day(Date),
    /// A day and a time of day.
    Local(DateTime),
    /// The same for everybody.
    Instant(Timestamp),
}

impl Moment {
    /// Reads a value. `None`: the vendor wrote nothing, or what it writes instead of nothing (`0000-00-00` of `MySQL`, .NET's
    /// `0001-01-01T00:00:00`, an epoch of 0).
    pub(crate) fn read(value: &Value) -> Result<Option<Self>, String> {
        let moment = match value {
            blank if is_blank(blank) => return Ok(None),
            Value::Number(number) => read_text(number.as_str()),
            Value::String(text) => read_text(trimmed(&to_half_width(text))),
            other => return Err(format!("expected a date, found {}", kind(other))),
        };
        match moment {
            Some(Read::Moment(moment)) => Ok(Some(moment)),
            Some(Read::Nothing) => Ok(None),
            None => Err(match value {
                Value::String(text) => format!("`{text}` is no date"),
                other => format!("`{other}` is no date"),
            }),
        }
    }

    /// Day and time of day, in the context's time zone where that matters.
    pub(crate) fn local(self, context: &Context) -> Result<DateTime, String> {
        Ok(match self {
            Self::Day(date) => date.to_datetime(Time::midnight()),
            Self::Local(local) => local,
            Self::Instant(instant) => instant.to_zoned(zone(context)?).datetime(),
        })
    }

    /// The instant, in the context's time zone.
    pub(crate) fn zoned(self, context: &Context) -> Result<Zoned, String> {
        let zone = zone(context)?;
        if let Self::Instant(instant) = self {
            return Ok(instant.to_zoned(zone));
        }
        let local = self.local(context)?;
        local.to_zoned(zone).map_err(|_| format!("`{}` is out of range", plain(local)))
    }
}

/// `2026-11-01 08:30:00`, for messages.
pub(crate) fn plain(local: DateTime) -> String {
    let time = local.time();
    format!("{} {:02}:{:02}:{:02}", plain_day(local.date()), time.hour(), time.minute(), time.second())
}

/// `2026-11-01`, for messages.
pub(crate) fn plain_day(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

fn zone(context: &Context) -> Result<TimeZone, String> {
    TimeZone::get(&context.time_zone).map_err(|_| format!("time zone `{}` is unknown", context.time_zone))
}

enum Read {
    Moment(Moment),
    Nothing,
}

fn read_text(text: &str) -> Option<Read> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return compact(text).map(Read::Moment).or_else(|| epoch(text));
    }
    spelled_out(text)
}

/// `20261101`, `20261101083000`: as an epoch the one would be a day of 1970, the other the year 2612.
fn compact(text: &str) -> Option<Moment> {
    if !text.starts_with("19") && !text.starts_with("20") {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let date = Date::new(text.get(..4)?.parse().ok()?, number(4, 6)?, number(6, 8)?).ok()?;
    match text.len() {
        8 => Some(Moment::Day(date)),
        14 => Time::new(number(8, 10)?, number(10, 12)?, number(12, 14)?, 0)
            .ok()
            .map(|time| Moment::Local(date.to_datetime(time))),
        _ => None,
    }
}

/// Seconds; milliseconds from 10^11 on, which as seconds would be the year 5138. Fewer than 9 digits are no time that a vendor
/// means: `2026` is a year, not half an hour past 1970.
fn epoch(text: &str) -> Option<Read> {
    const FIRST_SECONDS: u64 = 100_000_000;
    const FIRST_MILLISECONDS: u64 = 100_000_000_000;
    let epoch: i64 = text.parse().ok()?;
    let instant = match epoch.unsigned_abs() {
        0 => return Some(Read::Nothing),
        1..FIRST_SECONDS => None,
        FIRST_SECONDS..FIRST_MILLISECONDS => Timestamp::from_second(epoch).ok(),
        _ => Timestamp::from_millisecond(epoch).ok(),
    };
    instant.map(|instant| Read::Moment(Moment::Instant(instant)))
}

/// `2026-11-01 08:30:00`, `2026/11/1`, `2026.11.01T08:30+08:00`, `2026年11月1日 8时30分`.
fn spelled_out(text: &str) -> Option<Read> {
    let date_end = text.find([' ', 'T', 't', '日', '号']).unwrap_or(text.len());
    let (date, rest) = text.split_at(date_end);
    let mut fields = date.split(['-', '/', '.', '年', '月']);
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() || year.len() != 4 {
        return None;
    }
    let (year, month, day) = (whole::<i16>(year, 4)?, whole::<i8>(month, 2)?, whole::<i8>(day, 2)?);
    let time = match rest.strip_prefix(['T', 't']) {
        Some(time) => Some(time),
        None => Some(rest.trim_start_matches(['日', '号', ' '])).filter(|time| !time.is_empty()),
    };
    let (time, offset) = match time {
        None => (None, None),
        Some(time) => {
            let (time, offset) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
            let offset = if offset.is_empty() { None } else { Some(read_offset(offset)?) };
            (Some(time_of_day(time.trim_end())?), offset)
        }
    };
    let is_midnight = time.is_none_or(|time| time == Time::midnight());
    if is_midnight && matches!((year, month, day), (0, 0, 0) | (1, 1, 1)) {
        return Some(Read::Nothing);
    }
    let date = Date::new(year, month, day).ok()?;
    Some(Read::Moment(match (time, offset) {
        (None, _) => Moment::Day(date),
        (Some(time), None) => Moment::Local(date.to_datetime(time)),
        (Some(time), Some(offset)) => Moment::Instant(offset.to_timestamp(date.to_datetime(time)).ok()?),
    }))
}

/// `Z`, `+08:00`, `+0800`, `+08`.
pub(super) fn read_offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z") {
        return Some(Offset::UTC);
    }
    let (sign, hours) = match text.strip_prefix('-') {
        Some(hours) => (-1, hours),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = hours.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let minutes = if minutes.is_empty() { 0 } else { whole::<i32>(minutes, 2).filter(|minutes| *minutes < 60)? };
    Offset::from_seconds(sign * (whole::<i32>(hours, 2)? * 60 + minutes) * 60).ok()
}

/// `08:30:00.123`, `8:30`, `8时30分`.
fn time_of_day(text: &str) -> Option<Time> {
    let in_words = text.contains(['时', '点']);
    let text = text.replace(['时', '点', '分'], ":");
    let text = if in_words { text.trim_end_matches('秒').trim_end_matches(':') } else { text.as_str() };
    let mut fields = text.split(':').map(str::trim);
    let (hour, minute, second) = (fields.next()?, fields.next(), fields.next());
    if fields.next().is_some() || (minute.is_none() && !in_words) {
        return None;
    }
    let (second, fraction) = second.unwrap_or("0").split_once('.').map_or((second.unwrap_or("0"), "0"), |parts| parts);
    let nanosecond: i32 = format!("{:0<9}", whole_text(fraction, 9)?).parse().ok()?;
    Time::new(whole(hour, 2)?, whole(minute.unwrap_or("0"), 2)?, whole(second, 2)?, nanosecond).ok()
}

/// Digits and nothing else, at most so many.
fn whole_text(text: &str, most: usize) -> Option<&str> {
    ((1..=most).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())).then_some(text)
}

fn whole<T: std::str::FromStr>(text: &str, most: usize) -> Option<T> {
    whole_text(text, most)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;
    use qiao_plugin::json::json;

    use super::*;

    fn shown(value: &Value) -> String {
        match Moment::read(value) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(Moment::Day(date))) => format!("day {date}"),
            Ok(Some(Moment::Local(local))) => format!("local {local}"),
            Ok(Some(Moment::Instant(instant))) => format!("instant {instant}"),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn moments_are_read() {
        let cases = [
            (json!("2026-11-01"), "day 2026-11-01"),
            (json!("2026/11/1"), "day 2026-11-01"),
            (json!("2026.11.01"), "day 2026-11-01"),
            (json!("2026年11月1日"), "day 2026-11-01"),
            (json!("２０２６年１１月１日"), "day 2026-11-01"),
            (json!(" 2026-11-01\u{a0}"), "day 2026-11-01"),
            (json!("20261101"), "day 2026-11-01"),
            (json!(20_261_101), "day 2026-11-01"),
            (json!("2026-11-01 08:30:15"), "local 2026-11-01T08:30:15"),
            (json!("2026-11-01T08:30:15"), "local 2026-11-01T08:30:15"),
            (json!("2026-11-01T00:00:00"), "local 2026-11-01T00:00:00"),
            (json!("2026-11-01 8:30"), "local 2026-11-01T08:30:00"),
            (json!("2026-11-01 08:30:15.123"), "local 2026-11-01T08:30:15.123"),
            (json!("2026年11月1日 8时30分15秒"), "local 2026-11-01T08:30:15"),
            (json!("2026年11月1日8时30分"), "local 2026-11-01T08:30:00"),
            (json!("2026年11月1日 8点"), "local 2026-11-01T08:00:00"),
            (json!("2026年11月1日 08:30"), "local 2026-11-01T08:30:00"),
            (json!("20261101083015"), "local 2026-11-01T08:30:15"),
            (json!("2026-11-01T08:30:15Z"), "instant 2026-11-01T08:30:15Z"),
            (json!("2026-11-01T08:30:15+08:00"), "instant 2026-11-01T00:30:15Z"),
            (json!("2026-11-01T08:30:15 -03:30"), "instant 2026-11-01T12:00:15Z"),
            (json!("2026/11/1 8:30+08"), "instant 2026-11-01T00:30:00Z"),
            (json!("2026-11-01 08:30:15.5+0800"), "instant 2026-11-01T00:30:15.5Z"),
            (json!(1_793_500_000), "instant 2026-11-01T02:26:40Z"),
            (json!("1793500000"), "instant 2026-11-01T02:26:40Z"),
            (json!(1_793_500_000_123_i64), "instant 2026-11-01T02:26:40.123Z"),
            (json!(-631_152_000), "instant 1950-01-01T00:00:00Z"),
            (json!(null), "nothing"),
            (json!("\u{3000}"), "nothing"),
            (json!("0000-00-00"), "nothing"),
            (json!("0000-00-00 00:00:00"), "nothing"),
            (json!("0001-01-01T00:00:00"), "nothing"),
            (json!(0), "nothing"),
            (json!("0"), "nothing"),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(&value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "tomorrow",
            "2026-13-01",
            "2026-02-29",
            "2026-11",
            "2026年11月",
            "26-11-01",
            "2026-11-01 25:00",
            "2026-11-01 08",
            "2026-11-01T",
            "2026-11-01T08:30+8",
            "2026-11-01T08:30+08:60",
            "2026-11-01T08:30+99:00",
            "2026-11-01T08:30ZZ",
            "2026-11-01Z",
            "2026-11-01 08:30:15:00",
            "2026-11-01-02",
            "2026",
            "202611",
            "01/11/2026",
            "--5",
            "-",
            "1.5",
            "99999999999999999999",
            "2026-11-01 08:3a",
        ] {
            assert_eq!(shown(&json!(text)), format!("! `{text}` is no date"));
        }
        assert_eq!(shown(&json!(2026)), "! `2026` is no date");
        assert_eq!(shown(&json!([1])), "! expected a date, found an array");
    }

    #[test]
    fn the_zone_matters_for_instants_only() {
        let context = Context { time_zone: "America/New_York".into(), ..Context::default() };
        let local =
            |value: Value| Moment::read(&value).unwrap().unwrap().local(&context).map(|local| local.to_string());
        assert_eq!(local(json!("2026-11-01 08:30:00")).unwrap(), "2026-11-01T08:30:00");
        assert_eq!(local(json!("2026-07-01T12:00:00Z")).unwrap(), "2026-07-01T08:00:00");
        assert_eq!(local(json!("2026-12-01T12:00:00Z")).unwrap(), "2026-12-01T07:00:00");
        let nowhere = Context { time_zone: "Mars/Base".into(), ..Context::default() };
        let instant = Moment::read(&json!(1_793_500_000)).unwrap().unwrap();
        assert_eq!(instant.local(&nowhere).unwrap_err(), "time zone `Mars/Base` is unknown");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*|[0-9年月日时分秒点:./ T+Z-]{0,24}") {
            let _ = Moment::read(&json!(text));
        }
    }
}

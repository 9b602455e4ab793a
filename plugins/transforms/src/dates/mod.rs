//! Dates: read in any spelling, moved, compared, and written as a target wants them.

mod moment;
mod pattern;

use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use qiao_plugin::json::{kind, text};
use qiao_plugin::{Context, Library, Value};

pub(crate) use moment::{Moment, plain, plain_day};
use pattern::Pattern;

const WITH_TIME: &str = "yyyy-MM-dd HH:mm:ss";
const DAY_ONLY: &str = "yyyy-MM-dd";

const DATE: (&str, &str) = (
    "date",
    "A date in any common spelling, with or without a time: `2026-11-01 08:00:00`, ISO with `T`, `2026/11/1`, `2026年11月1日`, `20261101`, epoch seconds or milliseconds. Nothing gives `null`.",
);
const FORMAT: (&str, &str) =
    ("format", "The result's pattern; if left out `yyyy-MM-dd`, and ` HH:mm:ss` if the date has a time.");

pub(crate) fn register(library: &mut Library<'_>) {
    library.function(
        "formatDate",
        "A date in another spelling, in the scheme's time zone.",
        [
            DATE,
            (
                "format",
                "The result's pattern, `yyyy-MM-dd HH:mm:ss` if left out; `timestamp` gives seconds since 1970, `timestamp_ms` milliseconds.",
            ),
            ("from", "The pattern to read the date by, where its spelling is not a common one: `dd/MM/yyyy`."),
        ],
        format_date,
    );
    library.function(
        "addDays",
        "A date some days later, or earlier.",
        [DATE, ("days", "How many; negative for earlier."), FORMAT],
        |context: &Context, date: &Value, days: i64, format: Option<&str>| {
            let days = Span::new().try_days(days).map_err(|_| format!("`{days}` days are too many"));
            moved(context, date, days, format)
        },
    );
    library.function(
        "addMonths",
        "A date some months later, or earlier; at the latest the last day of that month.",
        [DATE, ("months", "How many; negative for earlier."), FORMAT],
        |context: &Context, date: &Value, months: i64, format: Option<&str>| {
            let months = Span::new().try_months(months).map_err(|_| format!("`{months}` months are too many"));
            moved(context, date, months, format)
        },
    );
    library.function(
        "dateDiff",
        "How much later one date is than another, in whole units.",
        [
            ("start", "The date to count from; nothing gives `null`."),
            ("end", "The date to count to; nothing gives `null`."),
            ("unit", "`day` (the default; midnights between them), `hour`, `minute` or `second` (time passed)."),
        ],
        date_diff,
    );
}

fn format_date(context: &Context, date: &Value, format: Option<&str>, from: Option<&str>) -> Result<Value, String> {
    let Some(moment) = read(date, from)? else {
        return Ok(Value::Null);
    };
    Ok(match format {
        Some("timestamp") => moment.zoned(context)?.timestamp().as_second().into(),
        Some("timestamp_ms") => moment.zoned(context)?.timestamp().as_millisecond().into(),
        other => write(context, moment, other.filter(|format| !format.is_empty()).unwrap_or(WITH_TIME))?.into(),
    })
}

fn read(date: &Value, from: Option<&str>) -> Result<Option<Moment>, String> {
    let Some(from) = from.filter(|from| !from.is_empty()) else {
        return Moment::read(date);
    };
    let pattern = Pattern::parse(from)?;
    if !pattern.has_year() {
        return Err(format!("pattern `{from}` has no year"));
    }
    match text(date) {
        None if date.is_null() => Ok(None),
        Some(text) if text.trim().is_empty() => Ok(None),
        Some(text) => pattern.read(text.trim()).map(Some).ok_or_else(|| format!("`{text}` is no date like `{from}`")),
        None => Err(format!("expected a date, found {}", kind(date))),
    }
}

fn write(context: &Context, moment: Moment, format: &str) -> Result<String, String> {
    let pattern = Pattern::parse(format)?;
    if pattern.shows_offset() {
        let zoned = moment.zoned(context)?;
        return Ok(pattern.write(zoned.datetime(), zoned.offset()));
    }
    Ok(pattern.write(moment.local(context)?, Offset::UTC))
}

fn moved(
    context: &Context,
    date: &Value,
    by: Result<Span, String>,
    format: Option<&str>,
) -> Result<Option<String>, String> {
    let Some(moment) = Moment::read(date)? else {
        return Ok(None);
    };
    let local = moment.local(context)?.checked_add(by?).map_err(|_| format!("{date} is moved out of range"))?;
    let usual = if matches!(moment, Moment::Day(_)) { DAY_ONLY } else { WITH_TIME };
    let format = format.filter(|format| !format.is_empty()).unwrap_or(usual);
    write(context, Moment::Local(local), format).map(Some)
}

fn date_diff(context: &Context, start: &Value, end: &Value, unit: Option<&str>) -> Result<Option<i64>, String> {
    let seconds = match unit {
        None | Some("" | "day") => None,
        Some("hour") => Some(3600),
        Some("minute") => Some(60),
        Some("second") => Some(1),
        Some(other) => return Err(format!("`{other}` is no unit; there are day, hour, minute, second")),
    };
    let (Some(start), Some(end)) = (Moment::read(start)?, Moment::read(end)?) else {
        return Ok(None);
    };
    Ok(Some(if let Some(seconds) = seconds {
        let instant = |moment: Moment| moment.zoned(context).map(|zoned| zoned.timestamp().as_second());
        (instant(end)? - instant(start)?) / seconds
    } else {
        let day = |moment: Moment| moment.local(context).map(DateTime::date);
        day(end)?.duration_since(day(start)?).as_hours() / 24
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;
    use qiao_plugin::json::json;

    use crate::testing::{answer, call};

    /// In the time zone of Shanghai.
    #[test]
    fn dates_are_written() {
        let cases = [
            (json!(["2026-11-01T08:00:00"]), "\"2026-11-01 08:00:00\""),
            (json!(["2026-11-01"]), "\"2026-11-01 00:00:00\""),
            (json!(["2026年11月1日", "yyyy-MM-dd"]), "\"2026-11-01\""),
            (json!(["2026/11/1", "yyyy年M月d日"]), "\"2026年11月1日\""),
            (json!([1_793_500_000]), "\"2026-11-01 10:26:40\""),
            (json!(["1793500000123", "HH:mm:ss.SSS"]), "\"10:26:40.123\""),
            (json!(["2026-11-01T00:00:00Z"]), "\"2026-11-01 08:00:00\""),
            (json!(["2026-11-01 08:00:00", "yyyy-MM-ddTHH:mm:ssXXX"]), "\"2026-11-01T08:00:00+08:00\""),
            (json!(["2026-11-01 08:00:00", "timestamp"]), "1793491200"),
            (json!(["2026-11-01", "timestamp_ms"]), "1793462400000"),
            (json!(["01/11/2026", null, "dd/MM/yyyy"]), "\"2026-11-01 00:00:00\""),
            (json!([202_611, "yyyy-MM-dd", "yyyyMM"]), "\"2026-11-01\""),
            (json!([null]), "null"),
            (json!([""]), "null"),
            (json!(["", null, "dd/MM/yyyy"]), "null"),
            (json!(["0000-00-00 00:00:00"]), "null"),
            (json!(["soon"]), "! `soon` is no date"),
            (json!(["2026-11-01", null, "dd/MM/yyyy"]), "! `2026-11-01` is no date like `dd/MM/yyyy`"),
            (json!(["1", null, "dd"]), "! pattern `dd` has no year"),
            (json!([{}]), "! expected a date, found an object"),
        ];
        for (row, expected) in cases {
            assert_eq!(call("formatDate", &row), expected, "{row}");
        }
        assert!(
            call("formatDate", &json!(["2026-11-01", "YYYY"])).starts_with("! `YYYY` in pattern `YYYY` is unknown")
        );
    }

    #[test]
    fn dates_move() {
        let cases = [
            ("addDays", json!(["2026-11-29", 3]), "\"2026-12-02\""),
            ("addDays", json!(["2026-11-01 08:00:00", -1]), "\"2026-10-31 08:00:00\""),
            ("addDays", json!(["2026-11-01", "30", "yyyy/MM/dd"]), "\"2026/12/01\""),
            ("addDays", json!([null, 3]), "null"),
            ("addDays", json!(["2026-11-01", 7_000_000]), "! \"2026-11-01\" is moved out of range"),
            ("addDays", json!(["2026-11-01", 99_999_999]), "! `99999999` days are too many"),
            ("addDays", json!(["2026-11-01", 1.5]), "! parameter `days`: `1.5` is no whole number"),
            ("addMonths", json!(["2026-01-31", 1]), "\"2026-02-28\""),
            ("addMonths", json!(["2028-01-31", 1]), "\"2028-02-29\""),
            ("addMonths", json!(["2026-03-15 10:00", -3]), "\"2025-12-15 10:00:00\""),
        ];
        for (name, row, expected) in cases {
            assert_eq!(call(name, &row), expected, "{name} {row}");
        }
    }

    #[test]
    fn dates_differ() {
        let cases = [
            (json!(["2026-11-01", "2026-11-30"]), "29"),
            (json!(["2026-11-30", "2026-11-01"]), "-29"),
            (json!(["2025-12-31", "2026-12-31"]), "365"),
            // A midnight lies between.
            (json!(["2026-11-01 23:59:59", "2026-11-02 00:00:01"]), "1"),
            (json!(["2026-11-01 23:59:59", "2026-11-02 00:00:01", "second"]), "2"),
            (json!(["2026-11-01 08:00", "2026-11-01 10:59", "hour"]), "2"),
            (json!(["2026-11-01 10:59", "2026-11-01 08:00", "hour"]), "-2"),
            (json!(["2026-11-01 08:00:00", "2026-11-01T00:01:30Z", "minute"]), "1"),
            (json!(["2026-11-01", "9999-12-31"]), "2912138"),
            (json!(["2026-11-01", null]), "null"),
            (json!(["2026-11-01", "x"]), "! `x` is no date"),
            (json!(["2026-11-01", "2026-11-02", "week"]), "! `week` is no unit; there are day, hour, minute, second"),
        ];
        for (row, expected) in cases {
            assert_eq!(call("dateDiff", &row), expected, "{row}");
        }
    }

    proptest! {
        #[test]
        fn days_added_are_the_difference(second in 0..4_102_444_800_i64, days in -40_000..40_000_i64) {
            let moved = answer("addDays", &json!([second + 200_000_000, days])).unwrap();
            prop_assert_eq!(call("dateDiff", &json!([second + 200_000_000, moved])), days.to_string());
        }

        #[test]
        fn an_epoch_comes_back(second in 100_000_000..4_102_444_800_i64) {
            let text = answer("formatDate", &json!([second])).unwrap();
            prop_assert_eq!(call("formatDate", &json!([text, "timestamp"])), second.to_string());
        }
    }
}

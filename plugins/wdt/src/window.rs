//! Windows of time, and their parts.
//!
//! A query asks for rows between two times, both included and at most thirty days apart (WDT 企业版, `refund_query`); a longer
//! window is asked for in parts. Neighbouring parts share the second at which they meet: a row of that second comes twice, which its id
//! tells, rather than not at all, whatever the vendor makes of the bounds.
//!
//! WDT writes and reads times of Beijing, without an offset. The scheme's are meant in the scheme's zone, mostly the same; where it is
//! another they are converted, since a window that is a few hours off skips rows for good.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase, offset};
use jiff::{SignedDuration, Timestamp};
use qiao_plugin::{Connection, Failure};

/// The longest time between the two ends.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

const BEIJING: Offset = offset(8);

/// Both ends are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Window {
    /// The part that begins there, no longer than the vendor allows.
    pub(crate) fn part(self, from: Timestamp) -> Self {
        let end = from.checked_add(LONGEST).unwrap_or(Timestamp::MAX);
        Self { start: from, end: end.min(self.end).max(from) }
    }

    /// Where the part after this one begins; `None` if it is the last.
    pub(crate) fn after(self, part: Self) -> Option<Timestamp> {
        (part.end < self.end).then_some(part.end)
    }
}

/// As WDT writes a time: `yyyy-MM-dd HH:mm:ss`.
pub(crate) fn in_beijing(time: Timestamp) -> String {
    BEIJING.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The zone in which the scheme's times are meant.
pub(crate) fn zone(connection: &Connection) -> Result<TimeZone, Failure> {
    // The sandbox has no files to look zones up in.
    TimeZoneDatabase::bundled().get(&connection.time_zone).map_err(|error| {
        Failure::misconfigured(format!("the time zone `{}`: {error}", connection.time_zone))
            .hint("name a zone such as `Asia/Shanghai` as `time_zone`")
    })
}

/// Reads a time, with or without an offset, in whole seconds.
pub(crate) fn read(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let with_offset = || text.parse::<Timestamp>().ok();
    let in_zone = || Some(text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?.timestamp());
    let time = with_offset().or_else(in_zone)?;
    Timestamp::from_second(time.as_second()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;
    use qiao_plugin::Value;

    use super::*;

    fn connection(time_zone: &str) -> Connection {
        let mut connection = Connection::new("wdt-main", "https://q/", Value::Null, Value::Null);
        time_zone.clone_into(&mut connection.time_zone);
        connection
    }

    fn parts(window: Window) -> Vec<Window> {
        let mut parts = Vec::new();
        let mut from = Some(window.start);
        while let Some(start) = from {
            let part = window.part(start);
            parts.push(part);
            from = window.after(part);
        }
        parts
    }

    #[test]
    fn a_time_is_meant_in_the_schemes_zone_and_written_in_beijings() {
        let cases = [
            ("Asia/Shanghai", "2026-11-01 08:00:00", Some("2026-11-01 08:00:00")),
            ("Asia/Shanghai", " 2026-11-01T08:00:00 ", Some("2026-11-01 08:00:00")),
            ("Asia/Shanghai", "2026-11-01", Some("2026-11-01 00:00:00")),
            ("Europe/Berlin", "2026-07-01 00:00:00", Some("2026-07-01 06:00:00")),
            ("Asia/Tokyo", "2026-11-01 00:30:00", Some("2026-10-31 23:30:00")),
            ("Europe/Berlin", "2026-11-01T00:00:00+08:00", Some("2026-11-01 00:00:00")),
            ("Europe/Berlin", "2026-11-01T00:00:00Z", Some("2026-11-01 08:00:00")),
            ("Asia/Shanghai", "1793500000", None),
            ("Asia/Shanghai", "2026-02-30 00:00:00", None),
            ("Asia/Shanghai", "", None),
        ];
        for (time_zone, text, expected) in cases {
            let zone = zone(&connection(time_zone)).unwrap();
            assert_eq!(read(text, &zone).map(in_beijing).as_deref(), expected, "{time_zone} {text}");
        }
        let failure = zone(&connection("Asia/Peking")).unwrap_err();
        assert!(failure.message.contains("`Asia/Peking`"), "{failure}");
    }

    #[test]
    fn a_long_window_is_split_at_thirty_days() {
        let written = |start: &str, end: &str| -> Vec<String> {
            let zone = zone(&connection("Asia/Shanghai")).unwrap();
            let window = Window { start: read(start, &zone).unwrap(), end: read(end, &zone).unwrap() };
            parts(window)
                .into_iter()
                .map(|part| format!("{}..{}", in_beijing(part.start), in_beijing(part.end)))
                .collect()
        };
        assert_eq!(written("2026-11-01 00:00:00", "2026-12-01 00:00:00"), ["2026-11-01 00:00:00..2026-12-01 00:00:00"]);
        assert_eq!(
            written("2026-11-01 00:00:00", "2026-12-01 00:00:01"),
            ["2026-11-01 00:00:00..2026-12-01 00:00:00", "2026-12-01 00:00:00..2026-12-01 00:00:01"]
        );
        assert_eq!(written("2026-11-01 00:00:00", "2026-11-01 00:00:00"), ["2026-11-01 00:00:00..2026-11-01 00:00:00"]);
    }

    proptest! {
        #[test]
        fn parts_cover_the_window_and_none_is_too_long(start in 0_i64..2_000_000_000, length in 0_i64..400_000_000) {
            let at = |seconds| Timestamp::from_second(seconds).unwrap();
            let window = Window { start: at(start), end: at(start + length) };
            let parts = parts(window);
            prop_assert_eq!(parts[0].start, window.start);
            prop_assert_eq!(parts[parts.len() - 1].end, window.end);
            for part in &parts {
                prop_assert!(part.end.duration_since(part.start) <= LONGEST);
                prop_assert!(part.start < part.end || length == 0);
            }
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
            }
        }

        #[test]
        fn any_text_is_a_time_or_none(text in "\\PC{0,30}") {
            let _ = read(&text, &TimeZone::UTC);
        }
    }
}

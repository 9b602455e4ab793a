//! Time zones and points in time, as people write them.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{self, TimeZone};
use jiff::{Timestamp, Zoned};

use super::problem::Complaint;
use super::tree::shorten;
use super::units::parse_duration;

/// The time zone of the vendors, unless a project says otherwise.
pub(super) const DEFAULT_ZONE: &str = "Asia/Shanghai";

/// The default zone. Without a time zone database its offset, which has not changed since 1991.
pub fn default_zone() -> TimeZone {
    TimeZone::get(DEFAULT_ZONE).unwrap_or_else(|_| tz::offset(8).to_time_zone())
}

/// A zone by its IANA name, or an offset.
pub(super) fn parse_zone(text: &str) -> Result<TimeZone, Complaint> {
    DateTimeParser::new().parse_time_zone(text).map_err(|_| {
        Complaint::new(format!("`{}` is not a known time zone", shorten(text)))
            .hint("write a name such as `Asia/Shanghai`, or an offset such as `+08:00`")
    })
}

/// A date, or a date and time, in `zone` unless it brings an offset along.
pub(super) fn parse_timestamp(text: &str, zone: &TimeZone) -> Result<Timestamp, Complaint> {
    let text = text.trim();
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp());
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    let local = text.parse::<DateTime>().ok();
    local.and_then(|local| zone.to_timestamp(local).ok()).ok_or_else(|| {
        Complaint::new(format!("`{}` is not a date and time", shorten(text)))
            .hint("write `2026-01-01 00:00:00`, or with an offset `2026-01-01T00:00:00+08:00`")
    })
}

/// A point in time that a person gives a command; the text says what is wrong with it.
pub fn read_moment(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    parse_timestamp(text, zone).map_err(said)
}

/// A length of time that a person gives a command.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(said)
}

fn said(complaint: Complaint) -> String {
    let hint = complaint.hint.map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    complaint.message + &hint
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn points_in_time() {
        let zone = default_zone();
        for (text, expected) in [
            ("2026-01-01 00:00:00", Some("2025-12-31T16:00:00Z")),
            ("2026-01-01", Some("2025-12-31T16:00:00Z")),
            ("2026-01-01T00:00:00", Some("2025-12-31T16:00:00Z")),
            ("2026-01-01T00:00:00Z", Some("2026-01-01T00:00:00Z")),
            ("2026-01-01T00:00:00+09:00", Some("2025-12-31T15:00:00Z")),
            ("2026-01-01T00:00:00[Asia/Tokyo]", Some("2025-12-31T15:00:00Z")),
            ("2026-02-30", None),
            ("01.01.2026", None),
            ("", None),
        ] {
            let found = parse_timestamp(text, &zone).ok().map(|timestamp| timestamp.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn zones() {
        for (text, known) in
            [("Asia/Shanghai", true), ("UTC", true), ("+08:00", true), ("Asia/Shangai", false), ("", false)]
        {
            assert_eq!(parse_zone(text).is_ok(), known, "{text}");
        }
    }
}

//! When something is due: cron, with optional seconds, in a time zone.

use std::fmt;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::problem::Complaint;
use super::tree::shorten;

/// A cron schedule of five fields (minute, hour, day, month, weekday) or six (second first).
#[derive(Clone)]
pub struct Schedule {
    cron: croner::Cron,
    text: String,
}

impl Schedule {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `after` at which it is due, by the clocks of `zone`. `None`: never again.
    ///
    /// A time that a change of clocks leaves out falls on the first moment after the gap; one that comes twice is due once.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&after.to_zoned(zone.clone()), false).ok()?;
        Some(next.timestamp())
    }

    /// A schedule from a text that is no value of a configuration file; `Err`: what is wrong, and what to write.
    pub fn from_text(text: &str) -> Result<Self, (String, Option<String>)> {
        Self::parse(text).map_err(|complaint| (complaint.message, complaint.hint))
    }

    pub(super) fn parse(text: &str) -> Result<Self, Complaint> {
        let bad = |why: &str| {
            Complaint::new(format!("`{}` is not a cron schedule: {why}", shorten(text))).hint(
                "five fields (minute hour day month weekday), or six with seconds first: `*/10 * * * *` is every ten minutes",
            )
        };
        // A year would make the schedule end some day, without a word.
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| bad(&reason(&error)))?;
        let schedule = Self { cron, text: text.trim().to_owned() };
        if schedule.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC).is_none() {
            return Err(bad("no day of any year matches"));
        }
        Ok(schedule)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schedule").field(&self.text).finish()
    }
}

/// The library's reason as the end of a sentence.
fn reason(error: &CronError) -> String {
    let text = match error {
        CronError::InvalidPattern(_) => return "it does not have five or six fields".to_owned(),
        CronError::EmptyPattern => return "it is empty".to_owned(),
        CronError::IllegalCharacters(text) | CronError::ComponentError(text) => text.clone(),
        other => other.to_string(),
    };
    let text = text.trim_start_matches("CronPattern contains ").trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_lowercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[track_caller]
    fn check(schedule: &str, zone: &str, after: &str, expected: &[&str]) {
        let schedule = Schedule::parse(schedule).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        let mut now: Timestamp = after.parse().unwrap();
        for expected in expected {
            now = schedule.next_after(now, &zone).unwrap();
            assert_eq!(now.to_zoned(zone.clone()).strftime("%F %T %:z").to_string(), *expected);
        }
    }

    #[test]
    fn due_times() {
        let shanghai = "Asia/Shanghai";
        let after = "2026-01-31T15:59:30.5Z"; // 23:59:30.5 there
        check("*/10 * * * *", shanghai, after, &["2026-02-01 00:00:00 +08:00", "2026-02-01 00:10:00 +08:00"]);
        check("*/15 * * * * *", shanghai, after, &["2026-01-31 23:59:45 +08:00", "2026-02-01 00:00:00 +08:00"]);
        check("0 2 * * 1", shanghai, after, &["2026-02-02 02:00:00 +08:00", "2026-02-09 02:00:00 +08:00"]);
        check("@daily", shanghai, after, &["2026-02-01 00:00:00 +08:00"]);
        check("0 0 29 2 *", shanghai, after, &["2028-02-29 00:00:00 +08:00"]);
        check(
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T20:00:00Z",
            &["2026-03-08 03:00:00 -04:00", "2026-03-09 02:30:00 -04:00"],
        );
    }

    #[test]
    fn problems() {
        for (text, message) in [
            ("bad", "`bad` is not a cron schedule: it does not have five or six fields"),
            ("", "`` is not a cron schedule: it is empty"),
            ("60 * * * *", "`60 * * * *` is not a cron schedule: number out of bounds"),
            ("*/0 * * * *", "`*/0 * * * *` is not a cron schedule: step cannot be zero"),
            ("a b c d e", "`a b c d e` is not a cron schedule: illegal character 'A' in part 'A'"),
            ("0 0 30 2 *", "`0 0 30 2 *` is not a cron schedule: no day of any year matches"),
            ("* * * * * * 2030", "`* * * * * * 2030` is not a cron schedule: it does not have five or six fields"),
        ] {
            assert_eq!(Schedule::parse(text).unwrap_err().message, message);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", cronish in "([0-9*/,?LW#-]{1,5}[ \t]){3,7}[0-9*A-Z]{1,3}") {
            let _ = Schedule::parse(&text);
            let _ = Schedule::parse(&cronish);
        }
    }
}

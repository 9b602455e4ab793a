//! Dates and times, as `MySQL` reads, shows and counts them.
//!
//! A time is civil: what a calendar and a clock on the wall show. Only Unix seconds need the time zone. There are no
//! fractions of a second, and no `0000-00-00`: a time that is none is `NULL`, as under `MySQL`'s `NO_ZERO_DATE`.

mod format;
mod parse;
mod read;
mod shift;

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;

pub(super) use self::format::formatted;
pub(super) use self::parse::str_to_date;
pub(super) use self::read::{read_number, read_time_of_day};
pub(super) use self::shift::{Unit, days_between, shifted};

/// `TIME` goes further than a day, but not further than this.
pub(super) const LONGEST_TIME_SECONDS: i64 = 838 * 3600 + 59 * 60 + 59;

/// A date, or a time, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temporal {
    Date(Date),
    DateTime(DateTime),
    /// Seconds, which may be negative.
    TimeOfDay(i64),
}

impl Temporal {
    /// From a text: a date if it has no time.
    pub(super) fn read(text: &str) -> Option<Self> {
        read::read(text)
    }

    /// As date and time; a time alone has no date.
    pub(super) fn datetime(self) -> Option<DateTime> {
        match self {
            Self::Date(date) => Some(date.to_datetime(Time::midnight())),
            Self::DateTime(datetime) => Some(datetime),
            Self::TimeOfDay(_) => None,
        }
    }

    pub(super) fn date(self) -> Option<Date> {
        self.datetime().map(DateTime::date)
    }

    /// Seconds since midnight; a time alone may have more than a day.
    pub(super) fn seconds(self) -> i64 {
        match self {
            Self::TimeOfDay(seconds) => seconds,
            Self::Date(_) => 0,
            Self::DateTime(datetime) => {
                i64::from(datetime.hour()) * 3600 + i64::from(datetime.minute()) * 60 + i64::from(datetime.second())
            }
        }
    }

    /// `20260131`, `20260131083000`, `83000`.
    pub(super) fn number(self) -> Decimal {
        let of_date =
            |date: Date| i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day());
        let of_time = |seconds: i64| (seconds / 3600) * 10_000 + (seconds / 60 % 60) * 100 + seconds % 60;
        Decimal::from(match self {
            Self::Date(date) => of_date(date),
            Self::DateTime(datetime) => of_date(datetime.date()) * 1_000_000 + of_time(self.seconds()),
            Self::TimeOfDay(seconds) => of_time(seconds),
        })
    }

    pub(super) fn cmp_with(self, other: Self) -> Ordering {
        match (self.datetime(), other.datetime()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => self.seconds().cmp(&other.seconds()),
        }
    }
}

impl fmt::Display for Temporal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(out, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
            Self::DateTime(datetime) => {
                write!(out, "{} {}", Self::Date(datetime.date()), Self::TimeOfDay(self.seconds()))
            }
            Self::TimeOfDay(seconds) => {
                let sign = if *seconds < 0 { "-" } else { "" };
                let seconds = seconds.unsigned_abs();
                write!(out, "{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
            }
        }
    }
}

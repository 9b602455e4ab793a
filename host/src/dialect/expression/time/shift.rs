//! `DATE_ADD` and `DATE_SUB`.

use jiff::Span;
use jiff::civil::DateTime;

use super::Temporal;

/// What an interval counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// Hours and less make a date a date and time.
    fn is_of_the_clock(self) -> bool {
        matches!(self, Self::Second | Self::Minute | Self::Hour)
    }

    fn span(self, count: i64) -> Option<Span> {
        match self {
            Self::Second => Span::new().try_seconds(count).ok(),
            Self::Minute => Span::new().try_minutes(count).ok(),
            Self::Hour => Span::new().try_hours(count).ok(),
            Self::Day => Span::new().try_days(count).ok(),
            Self::Week => Span::new().try_weeks(count).ok(),
            Self::Month => Span::new().try_months(count).ok(),
            Self::Quarter => Span::new().try_months(count.checked_mul(3)?).ok(),
            Self::Year => Span::new().try_years(count).ok(),
        }
    }
}

/// A time so many units later. A month later than the 31st is the month's last day. `None`: beyond the calendar.
pub(in super::super) fn shifted(time: Temporal, count: i64, unit: Unit) -> Option<Temporal> {
    let datetime = match time {
        Temporal::TimeOfDay(seconds) => {
            let unit_seconds = match unit {
                Unit::Second => 1,
                Unit::Minute => 60,
                Unit::Hour => 3600,
                _ => return None,
            };
            return seconds.checked_add(count.checked_mul(unit_seconds)?).map(Temporal::TimeOfDay);
        }
        other => other.datetime()?,
    };
    let later: DateTime =
        datetime.checked_add(unit.span(count)?).ok().filter(|later| (1..=9999).contains(&later.year()))?;
    Some(match time {
        Temporal::Date(_) if !unit.is_of_the_clock() => Temporal::Date(later.date()),
        _ => Temporal::DateTime(later),
    })
}

/// Whole days between two dates.
pub(in super::super) fn days_between(later: Temporal, earlier: Temporal) -> Option<i64> {
    let (later, earlier) = (later.date()?, earlier.date()?);
    earlier.until(later).ok().map(|span| i64::from(span.get_days()))
}

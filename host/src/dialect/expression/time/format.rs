//! `DATE_FORMAT`.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime};

/// The names of months and weekdays, English as `MySQL`'s are by default.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// How weeks are counted: `MySQL`'s modes 0 to 3.
#[derive(Clone, Copy, Debug)]
struct Weeks {
    /// Else on Sunday.
    begin_on_monday: bool,
    /// The days before the year's first week belong to the year before; else they are week 0.
    of_week_years: bool,
}

/// A time as the format has it; a letter that is no specifier stands for itself.
pub(in super::super) fn formatted(time: DateTime, format: &str) -> String {
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '%' { letters.next() } else { None }) {
            ('%', Some(specifier)) => specified(&mut text, time, specifier),
            _ => text.push(letter),
        }
    }
    text
}

fn specified(text: &mut String, time: DateTime, specifier: char) {
    let (date, hour) = (time.date(), time.hour());
    let hour_of_twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let half = if hour < 12 { "AM" } else { "PM" };
    let weekday = WEEKDAYS.get(monday_based(date)).copied().unwrap_or_default();
    let month = usize::try_from(date.month() - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
    let week = |begin_on_monday, of_week_years| week(date, Weeks { begin_on_monday, of_week_years });
    // Writing to a `String` does not fail.
    let _ = match specifier {
        'a' => write!(text, "{weekday:.3}"),
        'b' => write!(text, "{month:.3}"),
        'c' => write!(text, "{}", date.month()),
        'D' => write!(text, "{}{}", date.day(), ordinal(date.day())),
        'd' => write!(text, "{:02}", date.day()),
        'e' => write!(text, "{}", date.day()),
        'f' => write!(text, "000000"),
        'H' => write!(text, "{hour:02}"),
        'h' | 'I' => write!(text, "{hour_of_twelve:02}"),
        'i' => write!(text, "{:02}", time.minute()),
        'j' => write!(text, "{:03}", date.day_of_year()),
        'k' => write!(text, "{hour}"),
        'l' => write!(text, "{hour_of_twelve}"),
        'M' => write!(text, "{month}"),
        'm' => write!(text, "{:02}", date.month()),
        'p' => write!(text, "{half}"),
        'r' => write!(text, "{hour_of_twelve:02}:{:02}:{:02} {half}", time.minute(), time.second()),
        'S' | 's' => write!(text, "{:02}", time.second()),
        'T' => write!(text, "{hour:02}:{:02}:{:02}", time.minute(), time.second()),
        'U' => write!(text, "{:02}", week(false, false).1),
        'u' => write!(text, "{:02}", week(true, false).1),
        'V' => write!(text, "{:02}", week(false, true).1),
        'v' => write!(text, "{:02}", week(true, true).1),
        'W' => write!(text, "{weekday}"),
        'w' => write!(text, "{}", (monday_based(date) + 1) % 7),
        'X' => write!(text, "{:04}", week(false, true).0),
        'x' => write!(text, "{:04}", week(true, true).0),
        'Y' => write!(text, "{:04}", date.year()),
        'y' => write!(text, "{:02}", date.year() % 100),
        other => write!(text, "{other}"),
    };
}

fn ordinal(day: i8) -> &'static str {
    match (day, day % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

pub(in super::super) fn monday_based(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default()
}

/// The year that a week belongs to, and its number. Weeks that begin on Monday are counted as ISO 8601 does, the first being that with
/// four days of the year; those that begin on Sunday from the year's first Sunday.
fn week(date: Date, weeks: Weeks) -> (i16, i16) {
    let day = date.day_of_year() - 1;
    let first_week = first_week(date.year(), weeks);
    if day < first_week {
        if !weeks.of_week_years {
            return (date.year(), 0);
        }
        let before = date.year() - 1;
        return (before, (day + days_of(before) - self::first_week(before, weeks)) / 7 + 1);
    }
    let next = first_week_of_next(date.year(), weeks);
    if weeks.of_week_years && day >= next {
        return (date.year() + 1, 1);
    }
    (date.year(), (day - first_week) / 7 + 1)
}

/// The day of the year on which its first week begins, from 0; it may be in the year before.
fn first_week(year: i16, weeks: Weeks) -> i16 {
    let monday_zero = Date::new(year, 1, 1).map_or(0, |first| first.weekday().to_monday_zero_offset());
    if weeks.begin_on_monday {
        let weekday = i16::from(monday_zero);
        if weekday < 4 { -weekday } else { 7 - weekday }
    } else {
        (6 - i16::from(monday_zero)) % 7
    }
}

fn first_week_of_next(year: i16, weeks: Weeks) -> i16 {
    days_of(year) + first_week(year + 1, weeks)
}

fn days_of(year: i16) -> i16 {
    Date::new(year, 1, 1).map_or(365, Date::days_in_year)
}

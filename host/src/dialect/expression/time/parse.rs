//! `STR_TO_DATE`: a time from a text in a given format.

use jiff::ToSpan as _;
use jiff::civil::{Date, Time};

use super::Temporal;
use super::format::{MONTHS, WEEKDAYS};
use super::read::with_century;

/// What was read so far.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own about the format or the text")]
#[derive(Default)]
struct Parts {
    year: i16,
    month: i8,
    day: i8,
    day_of_year: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    /// The hour is one of twelve.
    of_twelve: bool,
    afternoon: bool,
    has_date: bool,
    has_time: bool,
}

/// A specifier that cannot be read.
pub(in super::super) struct UnknownSpecifier(pub(in super::super) char);

/// The time that a text is in a format: date, time or both, as the format has them. Spaces are skipped, and what follows is not
/// looked at. `Ok(None)`: it is no time in this format.
pub(in super::super) fn str_to_date(text: &str, format: &str) -> Result<Option<Temporal>, UnknownSpecifier> {
    let mut parts = Parts::default();
    let mut rest = text;
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        rest = rest.trim_start();
        let specifier = if letter == '%' { letters.next() } else { None };
        if let Some(specifier) = specifier {
            parts.expects(specifier);
        }
        if rest.is_empty() {
            continue;
        }
        let read = match specifier {
            Some(specifier) => parts.read(specifier, rest)?,
            None if letter.is_whitespace() => Some(rest),
            None => rest.strip_prefix(letter),
        };
        let Some(after) = read else {
            return Ok(None);
        };
        rest = after;
    }
    Ok(parts.time())
}

impl Parts {
    /// The format decides what comes of it, whatever the text has.
    fn expects(&mut self, specifier: char) {
        match specifier {
            'H' | 'h' | 'I' | 'k' | 'l' | 'i' | 's' | 'S' | 'f' | 'p' | 'r' | 'T' => self.has_time = true,
            _ => self.has_date = true,
        }
    }

    /// What follows; `None` if it is not there.
    fn read<'t>(&mut self, specifier: char, text: &'t str) -> Result<Option<&'t str>, UnknownSpecifier> {
        Ok(match specifier {
            'Y' => number(text, 4).map(|(year, rest)| {
                let digits = text.len() - rest.len();
                self.year = if digits <= 2 { with_century(year) } else { year };
                rest
            }),
            'y' => number(text, 2).map(|(year, rest)| {
                self.year = with_century(year);
                rest
            }),
            'm' | 'c' => put(&mut self.month, number(text, 2)),
            'd' | 'e' => put(&mut self.day, number(text, 2)),
            'D' => put(&mut self.day, number(text, 2))
                .and_then(|rest| rest.char_indices().nth(2).map_or(Some(""), |(end, _)| rest.get(end..))),
            'M' => put(&mut self.month, name(text, &MONTHS, usize::MAX)),
            'b' => put(&mut self.month, name(text, &MONTHS, 3)),
            'j' => number(text, 3).map(|(day, rest)| {
                self.day_of_year = Some(day);
                rest
            }),
            'H' | 'k' => put(&mut self.hour, number(text, 2)),
            'h' | 'I' | 'l' => {
                self.of_twelve = true;
                put(&mut self.hour, number(text, 2))
            }
            'i' => put(&mut self.minute, number(text, 2)),
            's' | 'S' => put(&mut self.second, number(text, 2)),
            'f' => number(text, 6).map(|(_, rest)| rest),
            'p' => {
                let half = text.get(..2).map(str::to_ascii_uppercase);
                self.afternoon = half.as_deref() == Some("PM");
                half.filter(|half| half == "AM" || half == "PM").and_then(|_| text.get(2..))
            }
            'W' => name(text, &WEEKDAYS, usize::MAX).map(|(_, rest)| rest),
            'a' => name(text, &WEEKDAYS, 3).map(|(_, rest)| rest),
            'w' => number(text, 1).map(|(_, rest)| rest),
            'T' => self.read_all("%H:%i:%S", text)?,
            'r' => self.read_all("%I:%i:%S %p", text)?,
            '%' => text.strip_prefix('%'),
            other => return Err(UnknownSpecifier(other)),
        })
    }

    fn read_all<'t>(&mut self, format: &str, text: &'t str) -> Result<Option<&'t str>, UnknownSpecifier> {
        let mut rest = text;
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            rest = rest.trim_start();
            let read = match letter {
                '%' => self.read(letters.next().unwrap_or('%'), rest)?,
                ' ' => Some(rest),
                letter => rest.strip_prefix(letter),
            };
            match read {
                Some(after) => rest = after,
                None => return Ok(None),
            }
        }
        Ok(Some(rest))
    }

    fn time(self) -> Option<Temporal> {
        let mut hour = self.hour;
        if self.of_twelve {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if self.afternoon { 12 } else { 0 };
        }
        let time = Time::new(hour, self.minute, self.second, 0).ok()?;
        if !self.has_date {
            let of_day = Date::constant(2000, 1, 1).to_datetime(time);
            return Some(Temporal::TimeOfDay(Temporal::DateTime(of_day).seconds()));
        }
        let date = match self.day_of_year {
            Some(day) if day > 0 => Date::new(self.year, 1, 1).ok()?.checked_add((i64::from(day) - 1).days()).ok()?,
            _ => Date::new(self.year, self.month, self.day).ok()?,
        };
        let date = Some(date).filter(|date| date.year() > 0)?;
        Some(if self.has_time { Temporal::DateTime(date.to_datetime(time)) } else { Temporal::Date(date) })
    }
}

fn put<'t>(part: &mut i8, read: Option<(i16, &'t str)>) -> Option<&'t str> {
    let (value, rest) = read?;
    *part = i8::try_from(value).ok()?;
    Some(rest)
}

fn number(text: &str, most_digits: usize) -> Option<(i16, &str)> {
    let digits = text.bytes().take(most_digits).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    // Fractions of a second have more digits than are wanted of them.
    Some((digits.get(..digits.len().min(4))?.parse().ok()?, rest))
}

/// Which of the names, cut to so many letters, the text begins with, from 1.
fn name<'t>(text: &'t str, names: &[&str], letters: usize) -> Option<(i16, &'t str)> {
    names.iter().zip(1..).find_map(|(name, number)| {
        let name = name.get(..letters.min(name.len()))?;
        let (begin, rest) = text.split_at_checked(name.len())?;
        begin.eq_ignore_ascii_case(name).then_some((number, rest))
    })
}

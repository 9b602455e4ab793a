//! Patterns of dates, in the letters that Java has made common: `yyyy-MM-dd HH:mm:ss`.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::moment::{Moment, read_offset};

const LETTERS: &str = "yyyy, yy, MM, M, dd, d, HH, H, hh, h, mm, m, ss, s, SSS, a, XXX";

/// A pattern, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Digits: what they count, and how many there are at least.
    Number(Unit, usize),
    /// `AM`, `PM`.
    HalfDay,
    /// `+08:00`, `Z`.
    Offset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Year,
    YearOfCentury,
    Month,
    Day,
    Hour,
    HourOfHalfDay,
    Minute,
    Second,
    Millisecond,
}

impl Pattern {
    /// Letters are what [`LETTERS`] lists; other letters of ASCII stand in quotes (`'at'`), but for the `T` of ISO.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if let Some(inner) = rest.strip_prefix('\'') {
                let (quoted, after) =
                    quoted(inner).ok_or_else(|| format!("pattern `{text}` has a quote that is not closed"))?;
                pieces.push(Piece::Text(quoted));
                rest = after;
                continue;
            }
            let (run, after) = rest.split_at(rest.len() - rest.trim_start_matches(letter).len());
            pieces.push(match Self::piece(letter, run.len()) {
                Some(piece) => piece,
                None if letter.is_ascii_alphabetic() && run != "T" => {
                    return Err(format!("`{run}` in pattern `{text}` is unknown; there are {LETTERS}"));
                }
                None => Piece::Text(run.to_owned()),
            });
            rest = after;
        }
        Ok(Self(pieces))
    }

    fn piece(letter: char, run: usize) -> Option<Piece> {
        let unit = match (letter, run) {
            ('y', 4) => Unit::Year,
            ('y', 2) => Unit::YearOfCentury,
            ('M', 1 | 2) => Unit::Month,
            ('d', 1 | 2) => Unit::Day,
            ('H', 1 | 2) => Unit::Hour,
            ('h', 1 | 2) => Unit::HourOfHalfDay,
            ('m', 1 | 2) => Unit::Minute,
            ('s', 1 | 2) => Unit::Second,
            ('S', 3) => Unit::Millisecond,
            ('a', 1) => return Some(Piece::HalfDay),
            ('X', 3) => return Some(Piece::Offset),
            _ => return None,
        };
        Some(Piece::Number(unit, run))
    }

    /// Whether the pattern shows an offset, so that it needs a time zone.
    pub(super) fn shows_offset(&self) -> bool {
        self.0.contains(&Piece::Offset)
    }

    pub(super) fn write(&self, local: DateTime, offset: Offset) -> String {
        self.0.iter().map(|piece| piece.write(local, offset)).collect()
    }

    /// Reads a text of exactly this shape.
    pub(super) fn read(&self, text: &str) -> Option<Moment> {
        let mut fields = Fields::default();
        let mut rest = text;
        for piece in &self.0 {
            rest = match piece {
                Piece::Text(literal) => rest.strip_prefix(literal.as_str())?,
                Piece::Number(unit, digits) => {
                    let end = rest.bytes().take_while(u8::is_ascii_digit).count().min((*digits).max(2));
                    let (number, after) = rest.split_at_checked(end).filter(|_| end >= *digits)?;
                    fields.set(*unit, number.parse().ok()?);
                    after
                }
                Piece::HalfDay => {
                    let (half, after) = rest.split_at_checked(2)?;
                    fields.afternoon = Some(match half {
                        "AM" | "am" => false,
                        "PM" | "pm" => true,
                        _ => return None,
                    });
                    after
                }
                Piece::Offset => {
                    let length = if rest.starts_with(['Z', 'z']) { 1 } else { "+08:00".len() };
                    let (offset, after) = rest.split_at_checked(length)?;
                    fields.offset = Some(read_offset(offset)?);
                    after
                }
            };
        }
        if rest.is_empty() { fields.moment() } else { None }
    }

    /// A pattern to read with must say at least the year.
    pub(super) fn has_year(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Number(Unit::Year | Unit::YearOfCentury, _)))
    }
}

/// What a quote encloses, and what comes after it. Two quotes are one: `'o''clock'`, and `''` alone.
fn quoted(inner: &str) -> Option<(String, &str)> {
    let (mut text, mut rest) = inner.split_once('\'').map(|(text, rest)| (text.to_owned(), rest))?;
    if text.is_empty() {
        return Some(("'".to_owned(), rest));
    }
    while let Some(more) = rest.strip_prefix('\'') {
        let (part, after) = more.split_once('\'')?;
        text.push('\'');
        text.push_str(part);
        rest = after;
    }
    Some((text, rest))
}

impl Piece {
    fn write(&self, local: DateTime, offset: Offset) -> String {
        match self {
            Self::Text(literal) => literal.clone(),
            Self::Number(unit, digits) => format!("{:0digits$}", unit.of(local)),
            Self::HalfDay => if local.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            Self::Offset if offset == Offset::UTC => "Z".to_owned(),
            Self::Offset => {
                let minutes = offset.seconds().abs() / 60;
                let sign = if offset.is_negative() { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl Unit {
    fn of(self, local: DateTime) -> i16 {
        match self {
            Self::Year => local.year(),
            Self::YearOfCentury => local.year().rem_euclid(100),
            Self::Month => local.month().into(),
            Self::Day => local.day().into(),
            Self::Hour => local.hour().into(),
            Self::HourOfHalfDay => i16::from(local.hour() + 11) % 12 + 1,
            Self::Minute => local.minute().into(),
            Self::Second => local.second().into(),
            Self::Millisecond => local.millisecond(),
        }
    }
}

/// What a text says, before it is known to be a moment.
#[derive(Default)]
struct Fields {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    hour: Option<i8>,
    hour_of_half_day: Option<i8>,
    afternoon: Option<bool>,
    minute: Option<i8>,
    second: Option<i8>,
    millisecond: Option<i16>,
    offset: Option<Offset>,
}

impl Fields {
    fn set(&mut self, unit: Unit, number: i16) {
        let small = i8::try_from(number).ok().or(Some(i8::MAX));
        match unit {
            Unit::Year => self.year = number,
            Unit::YearOfCentury => self.year = 2000 + number,
            Unit::Month => self.month = small,
            Unit::Day => self.day = small,
            Unit::Hour => self.hour = small,
            Unit::HourOfHalfDay => self.hour_of_half_day = small,
            Unit::Minute => self.minute = small,
            Unit::Second => self.second = small,
            Unit::Millisecond => self.millisecond = Some(number),
        }
    }

    /// What a pattern leaves out is the first: day, month, hour.
    fn moment(&self) -> Option<Moment> {
        let date = Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?;
        let hour = match (self.hour, self.hour_of_half_day) {
            (None, Some(hour @ 1..=12)) => Some(hour % 12 + if self.afternoon == Some(true) { 12 } else { 0 }),
            (None, Some(_)) => return None,
            (hour, _) => hour,
        };
        if hour.is_none() && self.offset.is_none() {
            return Some(Moment::Day(date));
        }
        let nanosecond = i32::from(self.millisecond.unwrap_or(0)) * 1_000_000;
        let time = Time::new(hour.unwrap_or(0), self.minute.unwrap_or(0), self.second.unwrap_or(0), nanosecond).ok()?;
        let local = date.to_datetime(time);
        match self.offset {
            Some(offset) => offset.to_timestamp(local).ok().map(Moment::Instant),
            None => Some(Moment::Local(local)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use jiff::tz;
    use proptest::prelude::*;

    use super::*;

    const LOCAL: DateTime = DateTime::constant(2026, 1, 5, 15, 4, 9, 7_000_000);

    #[test]
    fn patterns_write() {
        let cases = [
            ("yyyy-MM-dd HH:mm:ss", "2026-01-05 15:04:09"),
            ("yyyy/M/d H:m:s", "2026/1/5 15:4:9"),
            ("yyyyMMdd", "20260105"),
            ("yyyyMMddHHmmssSSS", "20260105150409007"),
            ("yy年M月d日", "26年1月5日"),
            ("yyyy-MM-ddTHH:mm:ss.SSSXXX", "2026-01-05T15:04:09.007+08:00"),
            ("yyyy-MM-dd'T'HH:mm:ss'Z'", "2026-01-05T15:04:09Z"),
            ("hh:mm a", "03:04 PM"),
            ("h 'o''clock'", "3 o'clock"),
            ("''yy", "'26"),
            ("", ""),
        ];
        for (pattern, expected) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().write(LOCAL, tz::offset(8)), expected, "{pattern}");
        }
        let noon = Pattern::parse("hh a").unwrap();
        for (hour, expected) in [(0, "12 AM"), (11, "11 AM"), (12, "12 PM"), (13, "01 PM")] {
            assert_eq!(noon.write(DateTime::constant(2026, 1, 5, hour, 0, 0, 0), Offset::UTC), expected);
        }
        assert_eq!(Pattern::parse("XXX").unwrap().write(LOCAL, Offset::UTC), "Z");
        assert_eq!(Pattern::parse("XXX").unwrap().write(LOCAL, Offset::from_seconds(-12_600).unwrap()), "-03:30");
    }

    #[test]
    fn patterns_read() {
        let cases = [
            ("dd/MM/yyyy", "05/01/2026", Some("day 2026-01-05")),
            ("d/M/yyyy", "5/1/2026", Some("day 2026-01-05")),
            ("d/M/yyyy", "15/11/2026", Some("day 2026-11-15")),
            ("yyyyMM", "202611", Some("day 2026-11-01")),
            ("yyMMdd", "260105", Some("day 2026-01-05")),
            ("MM/dd/yyyy hh:mm a", "01/05/2026 12:30 AM", Some("local 2026-01-05T00:30:00")),
            ("MM/dd/yyyy hh:mm a", "01/05/2026 12:30 PM", Some("local 2026-01-05T12:30:00")),
            ("yyyyMMddHHmmssSSS", "20260105150409007", Some("local 2026-01-05T15:04:09.007")),
            ("yyyy-MM-ddTHH:mmXXX", "2026-01-05T08:00+08:00", Some("instant 2026-01-05T00:00:00Z")),
            ("yyyy-MM-ddTHH:mmXXX", "2026-01-05T08:00Z", Some("instant 2026-01-05T08:00:00Z")),
            ("dd/MM/yyyy", "5/1/2026", None),
            ("dd/MM/yyyy", "05/01/2026 ", None),
            ("dd/MM/yyyy", "31/02/2026", None),
            ("dd/MM/yyyy", "中", None),
            ("MM/dd/yyyy hh:mm a", "01/05/2026 13:30 PM", None),
            ("yyyy HH:mm", "2026 99:00", None),
        ];
        for (pattern, text, expected) in cases {
            let read = Pattern::parse(pattern).unwrap().read(text).map(|moment| match moment {
                Moment::Day(date) => format!("day {date}"),
                Moment::Local(local) => format!("local {local}"),
                Moment::Instant(instant) => format!("instant {instant}"),
            });
            assert_eq!(read.as_deref(), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn unknown_letters_are_told() {
        for (pattern, error) in [
            ("YYYY-MM-DD", "`YYYY` in pattern `YYYY-MM-DD` is unknown; there are "),
            ("yyyy-MM-DD", "`DD` in pattern"),
            ("yyy", "`yyy` in pattern"),
            ("yyyy at HH", "`t` in pattern"),
            ("yyyy 'at", "pattern `yyyy 'at` has a quote that is not closed"),
        ] {
            let message = Pattern::parse(pattern).unwrap_err();
            assert!(message.starts_with(error), "{message}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(second in 0..4_102_444_800_i64, pattern in prop_oneof![
            Just("yyyy-MM-dd HH:mm:ss"), Just("yyyyMMddHHmmss"), Just("d/M/yyyy H:m:s"), Just("yyyy年MM月dd日 hh:mm:ss a")
        ]) {
            let local = Offset::UTC.to_datetime(jiff::Timestamp::from_second(second).unwrap());
            let pattern = Pattern::parse(pattern).unwrap();
            prop_assert_eq!(pattern.read(&pattern.write(local, Offset::UTC)), Some(Moment::Local(local)));
        }

        #[test]
        fn nothing_panics(pattern in "[yMdHhmsSaXT' :中-]{0,12}", text in "[0-9AMPZ+: 中-]{0,16}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let _ = pattern.read(&text);
            }
        }
    }
}

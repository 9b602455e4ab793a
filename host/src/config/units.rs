//! Lengths of time, sizes and rates, as people write them.
//!
//! Lengths of time are read by jiff (`10m`, `1h30m`, `500ms`, `2d`, also `10 minutes` and `PT10M`); a day is 24 hours. Sizes
//! and rates are a number and a word, read here: the crates for sizes go through `f64`.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use super::problem::Complaint;
use super::tree::shorten;

/// Longer is a slip of the pen, and would overflow where times are added.
const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

/// A length of time of at most ten years. `0` needs no unit.
pub(super) fn parse_duration(text: &str) -> Result<Duration, Complaint> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let bad = |why: &str| {
        Complaint::new(format!("`{}` is not a length of time{why}", shorten(text)))
            .hint("write a number and a unit: `500ms`, `30s`, `10m`, `1h30m`, `2d`")
    };
    let span: Span = text.trim().parse().map_err(|_| bad(""))?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| bad(""))?;
    let duration = Duration::try_from(duration).map_err(|_| bad(": it is negative"))?;
    if duration > LONGEST {
        return Err(bad(" of at most ten years"));
    }
    Ok(duration)
}

const SIZES: [(&str, u64); 7] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("b", 1),
];

/// A size in bytes, from 1.
pub(super) fn parse_bytes(text: &str) -> Result<u64, Complaint> {
    let lower = text.trim().to_ascii_lowercase();
    let (number, unit) = SIZES
        .iter()
        .find_map(|(word, unit)| lower.strip_suffix(word).map(|number| (number, *unit)))
        .unwrap_or((&lower, 1));
    let size = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size > 0).ok_or_else(|| {
        Complaint::new(format!("`{}` is not a size", shorten(text)))
            .hint("write a whole number and a unit: `64KiB`, `32MiB`, `1GiB`")
    })
}

/// How many requests a connection may send in a second, a minute or an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    unit: char,
}

impl Rate {
    /// How many requests in each of its periods.
    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// A second, a minute or an hour.
    pub fn period(&self) -> Duration {
        Duration::from_secs(match self.unit {
            'h' => 3600,
            'm' => 60,
            _ => 1,
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, Complaint> {
        let parts = text.split_once('/').map(|(count, unit)| (count.trim().parse(), unit.trim()));
        let unit = |unit| match unit {
            "s" => Some('s'),
            "m" | "min" => Some('m'),
            "h" => Some('h'),
            _ => None,
        };
        if let Some((Ok(count), word)) = parts
            && let Some(unit) = unit(word)
            && count <= Self::MOST
        {
            return Ok(Self { count, unit });
        }
        Err(Complaint::new(format!("`{}` is not a rate", shorten(text)))
            .hint("write requests per second, minute or hour: `10/s`, `600/m`, `36000/h`"))
    }

    /// A million: no vendor admits more, and an interval must not round to nothing.
    const MOST: NonZeroU32 = NonZeroU32::MIN.saturating_add(999_999);
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.unit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, milliseconds) in [
            ("10m", 600_000),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("500ms", 500),
            ("2d", 172_800_000),
            ("0", 0),
            ("0s", 0),
            ("PT10M", 600_000),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
        for (text, message) in [
            ("10", "`10` is not a length of time"),
            ("", "`` is not a length of time"),
            ("10M", "`10M` is not a length of time"),
            ("1mo", "`1mo` is not a length of time"),
            ("-3s", "`-3s` is not a length of time: it is negative"),
            ("9000d", "`9000d` is not a length of time of at most ten years"),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().message, message);
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("64 kib", 64 << 10),
            ("1GiB", 1 << 30),
            ("5MB", 5_000_000),
            ("200B", 200),
            ("4096", 4096),
        ] {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MiB", "-1MiB", "1.5MiB", "0", "64 Mio", "99999999999999GiB"] {
            assert_eq!(parse_bytes(text).unwrap_err().message, format!("`{text}` is not a size"));
        }
    }

    #[test]
    fn rates() {
        for (text, display, count, seconds) in [
            ("10/s", "10/s", 10, 1),
            ("600/m", "600/m", 600, 60),
            ("36000/h", "36000/h", 36_000, 3_600),
            (" 1 / min ", "1/m", 1, 60),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.to_string().as_str(), rate.count()), (display, count));
            assert_eq!(rate.period().as_secs(), seconds);
        }
        for text in ["10", "0/s", "10/d", "1.5/s", "-1/s", "/s", "10/", "2000000/s"] {
            assert_eq!(Rate::parse(text).unwrap_err().message, format!("`{text}` is not a rate"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", plausible in "[-+0-9a-zA-Z. /]{0,24}") {
            for text in [text, plausible] {
                let _ = (parse_duration(&text).is_ok(), parse_bytes(&text).is_ok(), Rate::parse(&text).is_ok());
            }
        }
    }
}

//! The one place where time is read.

use jiff::Timestamp;

/// Now.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Now, Unix milliseconds.
pub fn now_ms() -> i64 {
    now().as_millisecond()
}

/// Unix milliseconds as a timestamp; what lies outside of the calendar becomes its nearest end.
pub fn timestamp_ms(unix_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(unix_ms).unwrap_or(if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

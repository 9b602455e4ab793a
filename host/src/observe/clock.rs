//! The one place where time is read.
//!
//! There are two clocks, because the machine's can be set while a host runs: by its owner, or by a time service after a bad start.
//!
//! * [`now`] is the time of day: for schedules, for the windows that vendors are asked for, and for what a mapping writes.
//! * [`now_ms`] only ever goes on, as fast as time passes: for pauses, ages, what becomes due, and what came before what. It shows the
//!   time of day as it was when the process first read it, so that what the journal keeps means something to the next process.

use std::sync::LazyLock;
use std::time::Instant;

use jiff::Timestamp;

/// What both showed when they were first read: Unix milliseconds, and the moment.
static BEGIN: LazyLock<(i64, Instant)> = LazyLock::new(|| (now().as_millisecond(), Instant::now()));

/// The time of day.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Unix milliseconds by a clock that nobody sets.
pub fn now_ms() -> i64 {
    let (begin_ms, begin) = &*BEGIN;
    begin_ms.saturating_add(i64::try_from(begin.elapsed().as_millis()).unwrap_or(i64::MAX))
}

/// The time of day at a moment of [`now_ms`], as the machine's clock has it now. What an earlier process wrote down is taken as it is.
pub fn time_of_day(steady_ms: i64) -> Timestamp {
    let set_by_ms = if steady_ms < BEGIN.0 { 0 } else { now().as_millisecond().saturating_sub(now_ms()) };
    // Two readings lie a moment apart: the clock was not set by less than a second.
    let set_by_ms = if set_by_ms.abs() < 1_000 { 0 } else { set_by_ms };
    timestamp_ms(steady_ms.saturating_add(set_by_ms))
}

/// Unix milliseconds as a timestamp; what lies outside of the calendar becomes its nearest end.
pub fn timestamp_ms(unix_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(unix_ms).unwrap_or(if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

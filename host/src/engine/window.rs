//! Which stretch of time a scan covers: from where the last one ended, less the `overlap`, to now, less the `lag`.
//!
//! All of that is by the machine's clock, which can be set in between. If it ran ahead for some scans and is right by now, those ended,
//! by the clock as it is now, earlier than was written down; and all but the first of them asked for a time that had not come at the
//! vendor. What changed meanwhile would be missed if this one began where the last one claims to have ended. So a host remembers how
//! long ago the last scan began, by a clock that nobody sets, and where the last one before a leap forward ended. When the clock leaps
//! back, it begins at the earliest of these. Reading a little twice costs little: what is stored is skipped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::retry::ms;
use super::snapshot::Scheme;

/// A window, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Absent: from the beginning of time.
    pub(super) start: Option<i64>,
    /// Its end.
    pub(super) end: i64,
}

/// A scheduled scan that this process began.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Where its window ends.
    end: i64,
    /// When that was.
    begun: Instant,
    /// The clock has leapt forward: where the last scan before that ended, and when it was seen.
    leapt: Option<(i64, Instant)>,
}

/// The last scan of each scheme that this process began.
#[derive(Clone, Default)]
pub(super) struct Windows(Arc<Mutex<HashMap<String, Mark>>>);

impl Windows {
    /// The window of a scan that begins `now`; it is remembered if it `moves_on`: if its end becomes `last_sync`.
    pub(super) fn next(&self, scheme: &Scheme, last_sync: Option<i64>, now: Timestamp, moves_on: bool) -> Window {
        let source = &scheme.source;
        let (overlap, lag) = (ms(source.overlap) / 1_000, ms(source.lag) / 1_000);
        let end = now.as_second().saturating_sub(lag);
        let (ended, leapt) = last_sync.map_or((None, None), |last_sync| {
            let (ended, leapt) = self.ended(&scheme.stem, last_sync, end);
            if ended < last_sync {
                tracing::warn!(
                    scheme = scheme.stem,
                    "the machine's clock was set back since the last scan: the last {} s are read again",
                    end.saturating_sub(ended)
                );
            }
            (Some(ended), leapt)
        });
        if moves_on && let Ok(mut marks) = self.0.lock() {
            marks.insert(scheme.stem.clone(), Mark { end, begun: Instant::now(), leapt });
        }
        let start = match ended {
            Some(ended) => Some(ended.saturating_sub(overlap)),
            None => source.start_from.map(Timestamp::as_second),
        };
        Window { start, end }
    }

    /// Where what is read ends by the clock as it is now, by which a window would end at `end`; and what is to be remembered of a leap.
    fn ended(&self, stem: &str, last_sync: i64, end: i64) -> (i64, Option<(i64, Instant)>) {
        let mark = self.0.lock().ok().and_then(|marks| marks.get(stem).copied()).filter(|mark| mark.end == last_sync);
        match mark {
            Some(mark) => {
                let passed = i64::try_from(mark.begun.elapsed().as_secs()).unwrap_or(i64::MAX);
                let leapt = mark.leapt.filter(|(_, at)| at.elapsed() < LEAP_REMEMBERED);
                match leap(last_sync, end, passed) {
                    Leap::Back => {
                        let ended = end.saturating_sub(passed);
                        (leapt.map_or(ended, |(before, _)| before.min(ended)), None)
                    }
                    Leap::Forward => (last_sync, leapt.or(Some((last_sync, Instant::now())))),
                    Leap::None => (last_sync, leapt),
                }
            }
            // Another process made it, and how long ago nobody knows: as far again before now as it claims to be behind it.
            None if last_sync > end => (end.saturating_sub(last_sync.saturating_sub(end)), None),
            None => (last_sync, None),
        }
    }
}

/// A clock that leaps back later than that was right in between.
const LEAP_REMEMBERED: Duration = Duration::from_hours(24);

/// What the clock did between two scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leap {
    None,
    Forward,
    Back,
}

/// The last window ended at `last_sync`, the one of now ends at `end`, and so many seconds have passed.
fn leap(last_sync: i64, end: i64, passed: i64) -> Leap {
    // Clocks are read at their whole seconds.
    const ROUNDING: i64 = 2;
    let difference = end.saturating_sub(last_sync).saturating_sub(passed);
    match difference {
        back if back < -ROUNDING => Leap::Back,
        forward if forward > ROUNDING => Leap::Forward,
        _ => Leap::None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_clock_that_goes_with_time_does_not_leap() {
        assert_eq!(leap(10_000, 10_600, 600), Leap::None);
        assert_eq!(leap(10_000, 10_599, 600), Leap::None);
        assert_eq!(leap(13_600, 10_600, 600), Leap::Back);
        // Also if the hour has passed meanwhile.
        assert_eq!(leap(13_600, 13_600, 3_600), Leap::Back);
        assert_eq!(leap(6_400, 10_600, 600), Leap::Forward);
    }

    #[test]
    fn a_leap_back_begins_where_the_clock_was_last_right() {
        let windows = Windows::default();
        let begins = |end, leapt| {
            windows.0.lock().unwrap().insert("订单".to_owned(), Mark { end, begun: Instant::now(), leapt });
        };
        begins(10_000, None);
        let (ended, leapt) = windows.ended("订单", 10_000, 13_600);
        assert_eq!((ended, leapt.unwrap().0), (10_000, 10_000), "it is an hour ahead from now on");
        begins(13_600, leapt);
        let (ended, leapt) = windows.ended("订单", 13_600, 13_601);
        assert_eq!((ended, leapt.unwrap().0), (13_600, 10_000));
        begins(13_601, leapt);
        assert_eq!(windows.ended("订单", 13_601, 10_002), (10_000, None), "what was asked for meanwhile had not come");

        begins(10_000, None);
        assert_eq!(windows.ended("订单", 10_000, 6_400), (6_400, None), "it is an hour behind from now on");
    }

    #[test]
    fn a_last_scan_ahead_of_now_that_nobody_remembers_is_taken_for_earlier() {
        let windows = Windows::default();
        assert_eq!(windows.ended("订单", 9_000, 10_000), (9_000, None));
        assert_eq!(windows.ended("订单", 10_900, 10_000), (9_100, None));
    }
}

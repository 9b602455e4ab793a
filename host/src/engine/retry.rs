//! How long to wait before trying again: twice as long each time, up to a most, and not all at the same moment.

use std::time::Duration;

use crate::config::RetryConfig;
use crate::observe::clock;

/// What a vendor may ask for at most, so that one odd answer does not stop a bill for a month.
const LONGEST_ASKED_FOR: Duration = Duration::from_mins(15);

/// The pause before the next attempt, after `attempts` of them.
pub(super) fn pause(config: &RetryConfig, attempts: u32, asked_for: Option<Duration>) -> Duration {
    let doubled = config.first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    let jitter = 0.75 + fastrand::f64() * 0.5;
    doubled.min(config.most).mul_f64(jitter).max(asked_for.unwrap_or_default().min(LONGEST_ASKED_FOR))
}

/// Whether a bill whose first attempt was made then has been tried for long enough.
pub(super) fn is_too_old(config: &RetryConfig, first_attempt_ms: Option<i64>) -> bool {
    first_attempt_ms.is_some_and(|first_ms| clock::now_ms() - first_ms >= ms(config.max_age))
}

/// Milliseconds, for the journal's times.
pub(super) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most_within_a_quarter() {
        let config = RetryConfig {
            max_age: Duration::from_hours(1),
            first: Duration::from_secs(1),
            most: Duration::from_mins(1),
        };
        for (attempts, expected) in [(1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0), (1_000, 60.0)] {
            let seconds = pause(&config, attempts, None).as_secs_f64();
            assert!((expected * 0.75..=expected * 1.25).contains(&seconds), "{attempts}: {seconds}");
        }
        assert_eq!(pause(&config, 1, Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(pause(&config, 1, Some(Duration::from_hours(1_000))), LONGEST_ASKED_FOR);
    }
}

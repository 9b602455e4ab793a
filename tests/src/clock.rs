//! The one place where the simulators read the time, so that a test can set it and see a token expire without waiting.
//!
//! The vendors show local times of China. The offset is fixed (no daylight saving since 1991), so that no time-zone database is
//! needed on the machine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::lock;

/// A clock shared by the vendors: the machine's, or one that stands still until a test moves it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Arc<Mutex<Option<Timestamp>>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `now` until it is moved.
    pub fn fixed(now: Timestamp) -> Self {
        Self { fixed: Arc::new(Mutex::new(Some(now))) }
    }

    /// Moves a fixed clock forward; the machine's clock is first stopped at its present reading.
    pub fn advance(&self, by: Duration) {
        let mut fixed = lock(&self.fixed);
        let now = fixed.unwrap_or_else(Timestamp::now);
        *fixed = now.checked_add(by).ok().or(Some(now));
    }

    /// The instant it shows.
    pub fn now(&self) -> Timestamp {
        lock(&self.fixed).unwrap_or_else(Timestamp::now)
    }

    /// The instant it shows, in seconds since 1970.
    pub fn unix_seconds(&self) -> i64 {
        self.now().as_second()
    }

    /// Local time in China, whole seconds, as the vendors store it.
    pub fn local(&self) -> DateTime {
        let now = TimeZone::fixed(Offset::constant(8)).to_datetime(self.now());
        now.with().subsec_nanosecond(0).build().unwrap_or(now)
    }

    /// Local time in China as `yyyy-MM-dd HH:mm:ss`.
    pub fn local_text(&self) -> String {
        self.local().strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

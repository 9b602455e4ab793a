//! Timing two ways of doing the same work, turn by turn, so that whatever else the machine does meets both.

use std::time::{Duration, Instant};

/// How long each pair is measured.
const LONG_ENOUGH: Duration = Duration::from_millis(1_500);

/// Turns at least, however long they take.
const LEAST_TURNS: usize = 30;

/// The medians of two ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// Without what is measured.
    pub(crate) native: Duration,
    /// With it.
    pub(crate) ours: Duration,
}

impl Pair {
    /// How many times as long it takes with it.
    pub(crate) fn ratio(self) -> f64 {
        self.ours.as_secs_f64() / self.native.as_secs_f64().max(f64::EPSILON)
    }
}

/// Collects turns until there are enough of them.
#[derive(Default)]
pub(crate) struct Turns {
    native: Vec<Duration>,
    ours: Vec<Duration>,
    begun: Option<Instant>,
}

impl Turns {
    /// Whether another turn is to be made.
    pub(crate) fn go_on(&mut self) -> bool {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        self.ours.len() < LEAST_TURNS || begun.elapsed() < LONG_ENOUGH
    }

    /// Notes a turn.
    pub(crate) fn note(&mut self, native: Duration, ours: Duration) {
        self.native.push(native);
        self.ours.push(ours);
    }

    /// The medians.
    pub(crate) fn medians(self) -> Pair {
        Pair { native: median(self.native), ours: median(self.ours) }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

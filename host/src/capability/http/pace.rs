//! How fast a connection sends while its vendor asks for less: additive increase, multiplicative decrease.
//!
//! What adapts is the number of requests per second, not how many are under way: vendors count requests per time, and one
//! at a time with answers of 5 ms is still 200 a second. Fewer per second means fewer at once, too. So a connection adapts
//! whether or not it has a configured rate; that one is kept by the budget's own bucket, whatever happens here.
//!
//! * A refusal halves the rate at which the connection was really sending, down to a floor. Requests that left before the
//!   rate was lowered belong to the same burst: they say nothing about the new rate, and lower it no further.
//! * Each answer raises it by an equal step, in proportion to the rate that was refused: half of it takes at least
//!   [`RECOVERY`] and [`RECOVERY_ANSWERS`] answers, so that few requests are spent on finding the limit again and again.
//!   Of refusals without an answer in between the first one counts: a vendor that refuses everything for a while does not
//!   make the way back any longer.
//! * At the configured rate, or at twice of what was refused, the vendor has more room again, and nothing holds back.
//!
//! No clock is read here: time is handed in.

use std::time::Duration;

use tokio::time::Instant;

/// The slowest: one request in five seconds. A vendor that wants less says so with `Retry-After`.
const FLOOR: f64 = 0.2;

/// How long it takes at least from half of a refused rate back to all of it.
const RECOVERY: Duration = Duration::from_secs(2);

/// How many answers it takes at least.
const RECOVERY_ANSWERS: f64 = 20.0;

/// How fast a connection sends. Rates are requests per second.
#[derive(Debug)]
pub(super) struct Pace {
    most: Option<f64>,
    slowed: Option<Slowed>,
    counted: Counted,
}

#[derive(Debug)]
struct Slowed {
    rate: f64,
    /// The rate at which the vendor refused.
    refused: f64,
    /// It has answered since the rate was lowered.
    answered: bool,
    /// When the next request may leave.
    next: Instant,
    /// When the rate was lowered last.
    lowered: Instant,
    /// When it was raised last.
    raised: Instant,
}

impl Pace {
    /// One that nobody has slowed down. `most`: the configured rate.
    pub(super) fn new(most: Option<f64>, now: Instant) -> Self {
        Self { most, slowed: None, counted: Counted { begin: now, now: 0, before: 0 } }
    }

    /// When a request that is ready now may leave. It is expected to.
    pub(super) fn reserve(&mut self, now: Instant) -> Instant {
        let at = match &mut self.slowed {
            None => now,
            Some(slowed) => {
                let at = slowed.next.max(now);
                slowed.next = at + interval(slowed.rate);
                at
            }
        };
        self.counted.count(at);
        at
    }

    /// The vendor refused a request that left at `sent`, because there are too many. False: it belongs to a burst that has
    /// lowered the rate already.
    pub(super) fn refused(&mut self, sent: Instant, now: Instant) -> bool {
        if self.slowed.as_ref().is_some_and(|slowed| sent < slowed.lowered) {
            return false;
        }
        let floor = self.floor();
        let limit = self.rate().or(self.most).unwrap_or(f64::INFINITY);
        let sending = self.counted.per_second(now).min(limit).max(floor);
        let rate = (sending / 2.0).max(floor);
        let first = self.slowed.as_ref().filter(|slowed| !slowed.answered).map(|slowed| slowed.refused);
        let next = now + interval(rate);
        // Those who have their turn already keep it.
        let next = self.slowed.as_ref().map_or(next, |slowed| slowed.next.max(next));
        let refused = first.unwrap_or(sending);
        self.slowed = Some(Slowed { rate, refused, answered: false, next, lowered: now, raised: now });
        true
    }

    /// The vendor answered a request that left at `sent`.
    pub(super) fn answered(&mut self, sent: Instant, now: Instant) {
        let Some(slowed) = self.slowed.as_mut().filter(|slowed| sent >= slowed.lowered) else { return };
        let since = now.saturating_duration_since(slowed.raised).as_secs_f64();
        slowed.rate += slowed.refused / 2.0 * (since / RECOVERY.as_secs_f64()).min(1.0 / RECOVERY_ANSWERS);
        (slowed.raised, slowed.answered) = (now, true);
        if slowed.rate >= (slowed.refused * 2.0).min(self.most.unwrap_or(f64::INFINITY)) {
            self.slowed = None;
        }
    }

    /// The rate that the connection has slowed down to; `None`: it has not.
    pub(super) fn rate(&self) -> Option<f64> {
        self.slowed.as_ref().map(|slowed| slowed.rate)
    }

    fn floor(&self) -> f64 {
        self.most.unwrap_or(FLOOR).min(FLOOR)
    }
}

/// The time from one request to the next.
fn interval(rate: f64) -> Duration {
    Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::from_secs(5))
}

/// How many requests left lately: of this second, and of the one before it.
#[derive(Debug)]
struct Counted {
    begin: Instant,
    now: u32,
    before: u32,
}

impl Counted {
    fn count(&mut self, at: Instant) {
        self.turn(at);
        self.now += 1;
    }

    /// Requests of the last second, as if those of the second before had been spread evenly over it.
    fn per_second(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let gone = now.saturating_duration_since(self.begin).as_secs_f64().min(1.0);
        f64::from(self.before).mul_add(1.0 - gone, f64::from(self.now))
    }

    fn turn(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.begin).as_secs();
        if seconds > 0 {
            self.before = if seconds == 1 { self.now } else { 0 };
            self.now = 0;
            self.begin += Duration::from_secs(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::float_cmp, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Sends `count` requests one after the other, each answered at once; the time of the last.
    fn send(pace: &mut Pace, mut now: Instant, count: u32, between: Duration) -> Instant {
        for _ in 0..count {
            now = pace.reserve(now + between);
            pace.answered(now, now);
        }
        now
    }

    #[test]
    fn a_refusal_halves_what_was_really_sent_once_per_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(1_000.0), start);
        // 100 a second, far below what is configured.
        let now = send(&mut pace, start, 250, MS * 10);
        let burst: Vec<Instant> = (0..8).map(|_| pace.reserve(now)).collect();
        let answered = now + MS * 20;
        assert!(pace.refused(burst[0], answered));
        let lowered = pace.rate().unwrap();
        assert!((45.0..60.0).contains(&lowered), "{lowered}");
        for sent in &burst[1..] {
            assert!(!pace.refused(*sent, answered + MS), "the same burst");
        }
        assert_eq!(pace.rate(), Some(lowered));
        let sent = pace.reserve(answered + MS);
        assert!(sent >= answered + MS * 10, "the next one waits for its turn");
        assert!(pace.refused(sent, sent + MS), "it left at the lower rate, which is still too much");
        assert!(pace.rate().unwrap() < lowered);
    }

    #[test]
    fn without_a_configured_rate_it_slows_down_and_recovers_all_the_same() {
        let start = Instant::now();
        let mut pace = Pace::new(None, start);
        let now = send(&mut pace, start, 400, MS * 10);
        assert_eq!(pace.rate(), None);
        let sent = pace.reserve(now);
        pace.refused(sent, now);
        let lowered = pace.rate().unwrap();
        assert!(lowered < 60.0);
        // As fast as it is let: half of the refused rate comes back in no less than two seconds.
        let mut later = now;
        let mut answers = 0;
        while pace.rate().is_some_and(|rate| rate < lowered * 2.0) {
            later = send(&mut pace, later, 1, Duration::ZERO);
            answers += 1;
        }
        assert!(later - now >= RECOVERY && later - now < RECOVERY * 2, "{:?}", later - now);
        assert!(answers >= 20, "{answers}");
        while pace.rate().is_some() {
            later = send(&mut pace, later, 1, Duration::ZERO);
        }
        assert!(later - now < RECOVERY * 6, "{:?}", later - now);
    }

    #[test]
    fn it_goes_no_lower_than_the_floor_and_comes_back_from_there() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(10.0), start);
        let mut now = send(&mut pace, start, 30, MS * 100);
        for _ in 0..50 {
            now = pace.reserve(now);
            pace.refused(now, now);
        }
        assert_eq!(pace.rate(), Some(FLOOR));
        let begun = now;
        while pace.rate().is_some() {
            now = send(&mut pace, now, 1, Duration::ZERO);
        }
        assert!(now - begun < Duration::from_mins(1), "{:?}", now - begun);
        let mut slower = Pace::new(Some(0.1), start);
        slower.refused(start, start);
        assert_eq!(slower.rate(), Some(0.1), "a configured rate below the floor is the floor");
    }

    proptest! {
        #[test]
        fn it_never_exceeds_the_configured_rate_nor_its_own(
            most in proptest::option::of(0.05_f64..200.0),
            events in proptest::collection::vec((0_u64..3_000, 0_u8..4), 1..300),
        ) {
            let mut now = Instant::now();
            let mut pace = Pace::new(most, now);
            let mut sent: Vec<Instant> = Vec::new();
            let mut last: Option<Instant> = None;
            for (wait, event) in events {
                now += MS * u32::try_from(wait).unwrap();
                match event {
                    0 | 1 => {
                        let rate = pace.rate();
                        let at = pace.reserve(now);
                        prop_assert!(at >= now);
                        if let (Some(_), Some(last)) = (rate, last) {
                            prop_assert!(at >= last, "turns are given in order");
                        }
                        last = rate.map(|_| at);
                        sent.push(at);
                    }
                    2 => if let Some(at) = sent.last() { pace.answered(*at, now.max(*at)); },
                    _ => if let Some(at) = sent.pop() { pace.refused(at, now.max(at)); },
                }
                if pace.rate().is_none() {
                    last = None;
                }
                if let Some(rate) = pace.rate() {
                    prop_assert!(rate >= most.unwrap_or(FLOOR).min(FLOOR));
                    prop_assert!(most.is_none_or(|most| rate <= most), "{rate} of {most:?}");
                }
            }
        }
    }
}

//! When the work of a scheme is due: by its schedule, each scheme a little later than the others, and once for what was
//! missed while no host ran.
//!
//! Cron schedules of a hundred schemes name the same minute, and at a start everything is due. So each scheme has a delay of
//! its own ([`Jitter`]): the same at every time, made from its stem.
//!
//! What is to come is found anew whenever somebody looks, and the nearer of the known and the new time counts: a clock that
//! is set back does not make a scheme wait until it has caught up, and one that is set forward makes due what it jumps over.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::scan::Pass;
use super::snapshot::Scheme;
use crate::config::Schedule;

/// How much of the time between two runs a delay may take.
const SHARE_OF_INTERVAL: u32 = 10;

/// By how much each further scheme may lengthen the delay at a start: few schemes begin at once.
const PER_SCHEME: Duration = Duration::from_millis(100);

/// By how much a scheme runs later than its schedule says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter {
    most: Duration,
    /// From 0 to 1.
    share: f64,
}

impl Jitter {
    /// The delay of a scheme, `most` at most.
    pub(super) fn of(stem: &str, most: Duration) -> Self {
        let digest = Sha256::digest(stem.as_bytes());
        let number = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        Self { most, share: f64::from(number) / f64::from(u32::MAX) }
    }

    /// After a start, among so many schemes.
    pub(super) fn at_start(&self, schemes: usize) -> Duration {
        let others = u32::try_from(schemes.saturating_sub(1)).unwrap_or(u32::MAX);
        self.most.min(PER_SCHEME.saturating_mul(others)).mul_f64(self.share)
    }

    /// After an occurrence that is followed by another so much later.
    fn after(&self, interval: Duration) -> Duration {
        self.most.min(interval / SHARE_OF_INTERVAL).mul_f64(self.share)
    }
}

/// A schedule, as one scheme keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timetable<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) zone: &'a TimeZone,
    pub(super) jitter: Jitter,
}

impl Timetable<'_> {
    /// The first time after `now`. `None`: never again.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        // An occurrence may have passed, and its delay not.
        let most = SignedDuration::try_from(self.jitter.most).unwrap_or(SignedDuration::ZERO);
        let mut occurrence = self.schedule.next_after(now.checked_sub(most).unwrap_or(now), self.zone)?;
        loop {
            let following = self.schedule.next_after(occurrence, self.zone);
            let interval =
                following.and_then(|following| Duration::try_from(following.duration_since(occurrence)).ok());
            let delay = interval.map_or(Duration::ZERO, |interval| self.jitter.after(interval));
            let at = occurrence.checked_add(delay).unwrap_or(occurrence);
            if at > now {
                return Some(at);
            }
            occurrence = following?;
        }
    }

    /// Whether its time has come between the last run's and now.
    pub(super) fn was_missed(&self, last: Timestamp, now: Timestamp) -> bool {
        self.next(last).is_some_and(|at| at <= now)
    }

    /// The next time, given what was known to come.
    pub(super) fn nearer(&self, known: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let next = self.next(now);
        known.min(next).or(known).or(next)
    }
}

/// When the passes over a source are due next. What becomes due while another one runs is made after it, not passed over.
#[derive(Debug, Default)]
pub(super) struct Due {
    scheduled: Option<Timestamp>,
    remedy: Option<Timestamp>,
    /// The next slice of a backfill, which the journal knows of.
    backfill: Option<Timestamp>,
}

impl Due {
    /// A scheduled pass is due now.
    pub(super) fn at_once(&mut self, now: Timestamp) {
        self.scheduled = Some(now);
    }

    /// When the next slice of a backfill is due, if there is one.
    pub(super) fn backfill(&mut self, at: Option<Timestamp>) {
        self.backfill = at;
    }

    /// What is due first, and when; `None`: the source has no schedule.
    pub(super) fn next(&mut self, scheme: &Scheme, jitter: Jitter, now: Timestamp) -> Option<(Timestamp, Pass)> {
        let source = &scheme.source;
        let at = |known: Option<Timestamp>, schedule: &Option<Schedule>| {
            let schedule = schedule.as_ref()?;
            Timetable { schedule, zone: &source.time_zone, jitter }.nearer(known, now)
        };
        self.scheduled = at(self.scheduled, &source.schedule);
        self.remedy = at(self.remedy, &source.remedy);
        self.first()
    }

    /// The first of what is known; the scheduled one where both are due at a time.
    fn first(&self) -> Option<(Timestamp, Pass)> {
        let all = [(self.scheduled, Pass::Scheduled), (self.remedy, Pass::Remedy), (self.backfill, Pass::Backfill)];
        all.into_iter().filter_map(|(at, pass)| Some((at?, pass))).min_by_key(|(at, _)| *at)
    }

    /// The next time is found anew.
    pub(super) fn done(&mut self, pass: Pass) {
        match pass {
            Pass::Scheduled => self.scheduled = None,
            Pass::Remedy => self.remedy = None,
            Pass::Backfill => self.backfill = None,
        }
    }

    /// The schedules may be others now.
    pub(super) fn forget_what_is_to_come(&mut self, now: Timestamp) {
        self.scheduled.take_if(|at| *at > now);
        self.remedy.take_if(|at| *at > now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    const NO_JITTER: Jitter = Jitter { most: Duration::ZERO, share: 0.0 };

    #[test]
    fn what_is_due_at_once_is_made_one_after_the_other_and_nothing_is_passed_over() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let both = |scheduled: i64, remedy: i64| Due {
            scheduled: Some(at(scheduled)),
            remedy: Some(at(remedy)),
            backfill: None,
        };
        let mut due = both(10, 10);
        assert_eq!(due.first(), Some((at(10), Pass::Scheduled)));
        due.done(Pass::Scheduled);
        assert_eq!(due.first(), Some((at(10), Pass::Remedy)), "it is not forgotten while the other runs");
        let mut due = Due { backfill: Some(at(12)), ..both(10, 20) };
        assert_eq!(due.first(), Some((at(10), Pass::Scheduled)), "what is due by schedule goes before a backfill");
        due.done(Pass::Scheduled);
        assert_eq!(due.first(), Some((at(12), Pass::Backfill)));
        let mut due = both(10, 5);
        assert_eq!(due.first(), Some((at(5), Pass::Remedy)));
        due.forget_what_is_to_come(at(7));
        assert_eq!((due.scheduled, due.remedy), (None, Some(at(5))));
    }

    #[test]
    fn a_run_is_missed_if_its_time_came_while_nobody_ran() {
        let (schedule, utc) = (Schedule::from_text("0 2 * * *").unwrap(), TimeZone::UTC);
        let daily = Timetable { schedule: &schedule, zone: &utc, jitter: NO_JITTER };
        for (last, now, missed) in [
            ("2026-03-01T02:00:01Z", "2026-03-01T23:00:00Z", false),
            ("2026-03-01T02:00:01Z", "2026-03-02T02:00:00Z", true),
            ("2026-03-01T02:00:01Z", "2026-03-02T09:00:00Z", true),
            ("2026-03-01T01:59:59Z", "2026-03-01T02:30:00Z", true),
            // The clock was set back since.
            ("2026-03-02T02:00:01Z", "2026-03-01T09:00:00Z", false),
        ] {
            assert_eq!(daily.was_missed(at(last), at(now)), missed, "{last} {now}");
        }
        // 02:00 is left out that night: it falls on 03:00, which is 07:00 UTC.
        let new_york = zone("America/New_York");
        let daily = Timetable { schedule: &schedule, zone: &new_york, jitter: NO_JITTER };
        assert!(!daily.was_missed(at("2026-03-07T07:00:01Z"), at("2026-03-08T06:59:00Z")));
        assert!(daily.was_missed(at("2026-03-07T07:00:01Z"), at("2026-03-08T07:01:00Z")));
        // 01:30 comes twice that night, and is due once.
        let schedule = Schedule::from_text("30 1 * * *").unwrap();
        let daily = Timetable { schedule: &schedule, zone: &new_york, jitter: NO_JITTER };
        assert!(!daily.was_missed(at("2026-11-01T05:30:01Z"), at("2026-11-01T12:00:00Z")));
    }

    #[test]
    fn a_clock_that_is_set_back_or_forward_holds_nothing_up() {
        let (schedule, utc) = (Schedule::from_text("*/10 * * * *").unwrap(), TimeZone::UTC);
        let timetable = Timetable { schedule: &schedule, zone: &utc, jitter: NO_JITTER };
        let known = timetable.nearer(None, at("2026-03-01T12:05:00Z"));
        assert_eq!(known, Some(at("2026-03-01T12:10:00Z")));
        assert_eq!(timetable.nearer(known, at("2026-03-01T12:09:00Z")), known);
        assert_eq!(timetable.nearer(known, at("2026-03-01T11:05:30Z")), Some(at("2026-03-01T11:10:00Z")), "set back");
        assert_eq!(timetable.nearer(known, at("2026-03-01T13:05:00Z")), known, "set forward: it is due, once");
    }

    #[test]
    fn a_hundred_schemes_do_not_start_at_once_and_a_single_one_does() {
        let most = Duration::from_secs(10);
        let delays: Vec<Duration> = (0..100).map(|n| Jitter::of(&format!("scheme-{n}"), most).at_start(100)).collect();
        for second in 0..10 {
            let in_second = delays.iter().filter(|delay| delay.as_secs() == second).count();
            assert!((1..=25).contains(&in_second), "{in_second} in second {second}");
        }
        assert_eq!(Jitter::of("a", most).at_start(100), Jitter::of("a", most).at_start(100));
        assert_eq!(Jitter::of("a", most).at_start(1), Duration::ZERO);
        assert!(Jitter::of("a", most).at_start(2) <= PER_SCHEME);
        assert_eq!(Jitter::of("a", Duration::ZERO).at_start(100), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn each_time_comes_once_and_late_by_a_tenth_of_the_interval_at_most(
            stem in "[a-z]{1,8}",
            most_ms in 0_u64..20_000,
            schedule in prop_oneof![Just("* * * * * *"), Just("*/7 * * * * *"), Just("* * * * *"), Just("0 2 * * *")],
            begin in 1_700_000_000_000_i64..1_800_000_000_000,
        ) {
            let schedule = Schedule::from_text(schedule).unwrap();
            let zone = zone("Asia/Shanghai");
            let jitter = Jitter::of(&stem, Duration::from_millis(most_ms));
            let timetable = Timetable { schedule: &schedule, zone: &zone, jitter };
            let plain = Timetable { jitter: NO_JITTER, ..timetable };
            let begin = Timestamp::from_millisecond(begin).unwrap();
            let mut occurrence = plain.next(begin).unwrap();
            let mut now = timetable.next(occurrence.checked_sub(SignedDuration::from_nanos(1)).unwrap()).unwrap();
            for _ in 0..20 {
                let following = plain.next(occurrence).unwrap();
                let late = now.duration_since(occurrence);
                prop_assert!(!late.is_negative() && late <= following.duration_since(occurrence) / 10);
                prop_assert!(late <= SignedDuration::from_millis(i64::try_from(most_ms).unwrap()));
                (occurrence, now) = (following, timetable.next(now).unwrap());
            }
        }
    }
}

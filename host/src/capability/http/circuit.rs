//! The circuit of a connection: when its vendor is down, nobody asks it but one probe, at growing pauses.
//!
//! A vendor is taken to be down after [`ROUNDS`] rounds of failures without an answer in between. Requests that were under
//! way together and failed together are one round: a load balancer that drops eight connections at once has failed once.
//! Failures are what says nothing about the request itself: no connection, no whole answer, a time-out, an HTTP 5xx. Any
//! other answer, a refusal included, says that the vendor is there, and closes the circuit.
//!
//! No clock is read here: time is handed in.

use std::time::Duration;

use tokio::time::Instant;

/// Rounds of failures after which a vendor is taken to be down.
const ROUNDS: u32 = 4;

/// How long after it opened the vendor is asked again, first; each failed probe doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest time from one probe to the next.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Whether a vendor is taken to be there.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    rounds: u32,
    /// When the last round's first failure was seen.
    round: Option<Instant>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    since: Instant,
    pause: Duration,
    probe_at: Instant,
    probing: bool,
    reason: String,
}

/// What a circuit says to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The vendor is there.
    Closed,
    /// It is taken to be down; this request may find out.
    Probe,
    /// It is taken to be down, and another request is finding out.
    Probing,
    /// It is taken to be down, until then at least.
    Open(Instant),
}

impl Circuit {
    /// Whether a request may leave now. [`Admission::Probe`] makes it the probe: it has to be reported.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        let admission = self.look(now);
        if admission == Admission::Probe
            && let Some(open) = &mut self.open
        {
            open.probing = true;
        }
        admission
    }

    /// What a request would be told now.
    pub(super) fn look(&self, now: Instant) -> Admission {
        match &self.open {
            None => Admission::Closed,
            Some(open) if open.probing => Admission::Probing,
            Some(open) if now >= open.probe_at => Admission::Probe,
            Some(open) => Admission::Open(open.probe_at),
        }
    }

    /// Why the vendor is taken to be down, and since when.
    pub(super) fn reason(&self) -> Option<(&str, Instant)> {
        self.open.as_ref().map(|open| (open.reason.as_str(), open.since))
    }

    /// The vendor answered. If it was taken to be down: since when.
    pub(super) fn answered(&mut self) -> Option<Instant> {
        (self.rounds, self.round) = (0, None);
        self.open.take().map(|open| open.since)
    }

    /// A request that left at `sent` failed. True: the circuit opened by it.
    pub(super) fn failed(&mut self, sent: Instant, now: Instant, is_probe: bool, reason: &str) -> bool {
        if let Some(open) = &mut self.open {
            if is_probe {
                open.probing = false;
                open.pause = (open.pause * 2).min(LONGEST_PAUSE);
                open.probe_at = now + open.pause;
                reason.clone_into(&mut open.reason);
            }
            return false;
        }
        if self.round.is_some_and(|round| sent < round) {
            return false;
        }
        self.rounds += 1;
        self.round = Some(now);
        if self.rounds < ROUNDS {
            return false;
        }
        let (pause, reason) = (FIRST_PAUSE, reason.to_owned());
        self.open = Some(Open { since: now, pause, probe_at: now + pause, probing: false, reason });
        true
    }

    /// A probe ended without saying anything about the vendor: another may take its place.
    pub(super) fn probe_given_up(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A circuit that has just opened.
    fn opened(mut now: Instant) -> (Circuit, Instant) {
        let mut circuit = Circuit::default();
        for round in 1..=ROUNDS {
            let sent = now;
            now += MS * 10;
            assert_eq!(circuit.failed(sent, now, false, "refused"), round == ROUNDS);
        }
        (circuit, now)
    }

    #[test]
    fn requests_that_fail_together_are_one_round() {
        let now = Instant::now();
        let mut circuit = Circuit::default();
        for later in 0..100 {
            assert!(!circuit.failed(now, now + MS * later, false, "reset"));
        }
        assert_eq!(circuit.admit(now + MS * 200), Admission::Closed);
    }

    #[test]
    fn an_answer_in_between_begins_the_count_anew() {
        let mut now = Instant::now();
        let mut circuit = Circuit::default();
        for _ in 0..100 {
            for _ in 1..ROUNDS {
                now += MS;
                assert!(!circuit.failed(now, now, false, "HTTP 500"));
            }
            assert_eq!(circuit.answered(), None);
        }
    }

    #[test]
    fn one_probe_at_a_time_after_growing_pauses_up_to_a_longest() {
        let (mut circuit, mut now) = opened(Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let Admission::Open(probe_at) = circuit.admit(now) else { panic!("it is open") };
            pauses.push((probe_at - now).as_secs());
            assert_eq!(circuit.admit(probe_at.checked_sub(MS).unwrap()), Admission::Open(probe_at));
            assert_eq!(circuit.admit(probe_at), Admission::Probe);
            assert_eq!(circuit.admit(probe_at), Admission::Probing, "nobody else");
            now = probe_at + MS * 5;
            assert!(!circuit.failed(probe_at, now, false, "one from before"), "does not end the probe");
            assert_eq!(circuit.admit(now), Admission::Probing);
            assert!(!circuit.failed(probe_at, now, true, "still refused"), "opening is told once");
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(circuit.reason().map(|(reason, _)| reason), Some("still refused"));
    }

    #[test]
    fn an_answer_closes_it_and_a_probe_that_says_nothing_gives_way_to_another() {
        let (mut circuit, now) = opened(Instant::now());
        let later = now + FIRST_PAUSE;
        assert_eq!(circuit.admit(later), Admission::Probe);
        circuit.probe_given_up();
        assert_eq!(circuit.admit(later), Admission::Probe);
        assert_eq!(circuit.answered(), Some(now), "down since then");
        assert_eq!(circuit.admit(later), Admission::Closed);
        assert_eq!(circuit.answered(), None, "closing is told once");
    }

    proptest! {
        #[test]
        fn while_it_is_open_at_most_one_request_is_out_and_probes_keep_their_distance(
            events in proptest::collection::vec((0_u64..5_000, 0_u8..4), 1..300),
        ) {
            let (mut circuit, mut now) = opened(Instant::now());
            let mut probe: Option<Instant> = None;
            let mut last_failed: Option<Instant> = None;
            for (wait, event) in events {
                now += Duration::from_millis(wait);
                match (event, probe) {
                    (0 | 1, _) => match circuit.admit(now) {
                        Admission::Probe => {
                            prop_assert!(probe.is_none());
                            prop_assert!(last_failed.is_none_or(|failed| now >= failed + FIRST_PAUSE));
                            probe = Some(now);
                        }
                        Admission::Probing => prop_assert!(probe.is_some()),
                        Admission::Open(until) => prop_assert!(until > now && until <= now + LONGEST_PAUSE),
                        Admission::Closed => prop_assert!(false, "nobody has answered"),
                    },
                    (2, Some(sent)) => {
                        circuit.failed(sent, now, true, "refused");
                        (probe, last_failed) = (None, Some(now));
                    }
                    (_, Some(_)) => {
                        circuit.probe_given_up();
                        probe = None;
                    }
                    (_, None) => {
                        circuit.failed(now, now, false, "late");
                    }
                }
            }
        }
    }
}

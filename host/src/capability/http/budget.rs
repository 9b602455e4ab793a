//! The budget of a connection: whose turn it is to send, shared by all schemes, retries and backfills that use it.
//!
//! A request waits for a slot (the configured concurrency), for the end of a pause that the vendor asked for, for the
//! adaptive [`Pace`], and for the configured rate. It holds its slot until its whole answer is there or it is given up, and
//! a moment longer in that case: the vendor hears of it later than the host knows.
//!
//! What the vendor would not be asked for a longer time is not waited for here: while the [`Circuit`] is open, or a long
//! pause lasts, a request is refused at once, unsent. The engine asks before it begins anything ([`Budget::unavailable`]), so
//! that bills keep waiting instead.
//!
//! The configured rate is smooth: a bucket that held a whole second's worth would let twice the rate through within its
//! first second. So it holds 20 ms of it, and refills a little slower than the rate, by 50 ms in each of its periods: that
//! is how unevenly requests may travel and still be no more than configured in any period, as the vendor counts them.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::circuit::{Admission, Circuit};
use super::pace::Pace;
use crate::config::{ConnectionConfig, Rate};

/// What a vendor may ask for at most, so that one odd header does not stop a connection for a day.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// How long a pause is waited for. Longer ones refuse requests at once.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long the vendor may take to hear that a request was given up.
const LINGER: Duration = Duration::from_millis(100);

/// How much the bucket of the configured rate holds.
const BURST: Duration = Duration::from_millis(20);

/// How unevenly requests may travel.
const MARGIN: Duration = Duration::from_millis(50);

/// How soon to ask again while a probe is out.
const PROBING: Duration = Duration::from_millis(250);

/// The budget of a connection.
pub(crate) struct Budget {
    connection: String,
    concurrency: usize,
    rate: Option<Rate>,
    slots: Arc<Semaphore>,
    bucket: Option<DefaultDirectRateLimiter>,
    state: Mutex<State>,
    /// Told whenever a probe has ended.
    probed: watch::Sender<()>,
}

struct State {
    pace: Pace,
    circuit: Circuit,
    paused_until: Option<Instant>,
}

/// How a connection stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// The configured rate.
    pub rate: Option<Rate>,
    /// The requests per second that it has slowed down to; `None`: it has not.
    pub slowed_to: Option<f64>,
    /// The configured concurrency.
    pub concurrency: usize,
    /// Requests under way.
    pub under_way: usize,
    /// How much longer the pause lasts that the vendor asked for.
    pub paused_for: Option<Duration>,
    /// Set while the vendor is taken to be down.
    pub down: Option<Down>,
}

/// A vendor that is taken to be down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// For how long by now.
    pub lasts: Duration,
    /// What the last probe met.
    pub reason: String,
    /// When it is asked next; none: it is being asked.
    pub probe_in: Duration,
}

/// Nothing is sent over a connection for some time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection `{connection}`: {reason}; nothing is sent to it for {}", for_people(*.lasts))]
pub struct Unavailable {
    /// The connection.
    pub connection: String,
    /// Why.
    pub reason: String,
    /// For how long.
    pub lasts: Duration,
}

/// A length of time in words: whole seconds, from one on.
fn for_people(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64().ceil().max(1.0))
}

impl Budget {
    pub(super) fn new(connection: &ConnectionConfig) -> Self {
        let most = connection.rate.map(|rate| 1.0 / spacing(rate).as_secs_f64());
        let now = Instant::now();
        Self {
            connection: connection.name.clone(),
            concurrency: connection.concurrency.get(),
            rate: connection.rate,
            slots: Arc::new(Semaphore::new(connection.concurrency.get())),
            bucket: connection.rate.and_then(bucket),
            state: Mutex::new(State { pace: Pace::new(most, now), circuit: Circuit::default(), paused_until: None }),
            probed: watch::Sender::new(()),
        }
    }

    /// Waits for a request's turn. `Err`: it is not to be sent.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Unavailable> {
        self.refuse_long_waits()?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        loop {
            let mut probed = self.probed.subscribe();
            self.refuse_long_waits()?;
            let pause = self.with(|state| state.pause(Instant::now()));
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
                continue;
            }
            let now = Instant::now();
            let at = self.with(|state| state.pace.reserve(now));
            // A sleep till now is one till the timer's next tick, which is a millisecond.
            if at > now {
                tokio::time::sleep_until(at).await;
            }
            if let Some(bucket) = &self.bucket {
                bucket.until_ready().await;
            }
            // Much may have happened while it waited.
            let now = Instant::now();
            let admission = self.with(|state| state.pause(now).is_none().then(|| state.circuit.admit(now)));
            match admission {
                Some(admission @ (Admission::Closed | Admission::Probe)) => {
                    let is_probe = admission == Admission::Probe;
                    return Ok(Turn { budget: self, slot, sent: now, is_probe });
                }
                Some(Admission::Probing) => drop(probed.changed().await),
                Some(Admission::Open(_)) | None => {}
            }
        }
    }

    fn refuse_long_waits(&self) -> Result<(), Unavailable> {
        self.unavailable().filter(|_| !self.is_probing()).map_or(Ok(()), Err)
    }

    /// Why, and for how long, nothing is sent; `None`: something is, after a short wait at most.
    pub(crate) fn unavailable(&self) -> Option<Unavailable> {
        let now = Instant::now();
        let (reason, lasts) = self.with(|state| {
            let down = |lasts| (format!("the vendor is down ({})", state.down_because()), lasts);
            match (state.circuit.look(now), state.pause(now)) {
                (Admission::Open(until), _) => Some(down(until - now)),
                (Admission::Probing, _) => Some(down(PROBING)),
                (_, Some(pause)) if pause > LONGEST_WAIT => Some(("the vendor asked for a pause".to_owned(), pause)),
                (Admission::Closed | Admission::Probe, _) => None,
            }
        })?;
        Some(Unavailable { connection: self.connection.clone(), reason, lasts })
    }

    /// Whether the vendor is taken to be down, and the next request is to find out: more than one would be in vain.
    pub(crate) fn awaits_probe(&self) -> bool {
        self.with(|state| state.circuit.reason().is_some())
    }

    fn is_probing(&self) -> bool {
        self.with(|state| state.circuit.look(Instant::now()) == Admission::Probing)
    }

    /// How the connection stands.
    pub(crate) fn traffic(&self) -> Traffic {
        let now = Instant::now();
        self.with(|state| Traffic {
            rate: self.rate,
            slowed_to: state.pace.rate(),
            concurrency: self.concurrency,
            under_way: self.concurrency.saturating_sub(self.slots.available_permits()),
            paused_for: state.pause(now),
            down: state.circuit.reason().map(|(reason, since)| Down {
                lasts: now - since,
                reason: reason.to_owned(),
                probe_in: match state.circuit.look(now) {
                    Admission::Open(until) => until - now,
                    Admission::Closed | Admission::Probe | Admission::Probing => Duration::ZERO,
                },
            }),
        })
    }

    /// The vendor asked for less traffic, in answer to something that was sent at `sent` or later: it is slowed down, and
    /// silent for as long as the vendor says.
    pub(crate) fn throttled(&self, sent: Instant, retry_after: Option<Duration>) {
        let now = Instant::now();
        let lowered = self.with(|state| {
            if let Some(pause) = retry_after {
                let until = now + pause.min(LONGEST_PAUSE);
                state.paused_until = Some(state.paused_until.map_or(until, |earlier| earlier.max(until)));
            }
            state.pace.refused(sent, now).then(|| state.pace.rate()).flatten()
        });
        if let Some(rate) = lowered {
            let connection = &self.connection;
            tracing::debug!(connection, "the vendor asks for less traffic: {rate:.1} requests per second now");
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn opened(&self, reason: &str) {
        let connection = &self.connection;
        tracing::error!(
            connection,
            "the vendor is down: {reason}; it is asked now and then, and what is to be sent to it waits"
        );
    }

    fn closed(&self, since: Instant) {
        let connection = &self.connection;
        tracing::info!(connection, "the vendor answers again, after {}", for_people(since.elapsed()));
    }
}

impl State {
    /// How much longer the vendor asked for silence.
    fn pause(&self, now: Instant) -> Option<Duration> {
        self.paused_until.filter(|until| *until > now).map(|until| until - now)
    }

    fn down_because(&self) -> &str {
        self.circuit.reason().map_or("", |(reason, _)| reason)
    }
}

/// A request's turn. Dropping it gives the request up.
pub(super) struct Turn<'a> {
    budget: &'a Budget,
    slot: Option<OwnedSemaphorePermit>,
    sent: Instant,
    is_probe: bool,
}

impl Turn<'_> {
    /// The head of the answer says how the vendor fares. The slot is held on.
    pub(super) fn is_answered(&mut self, status: u16, retry_after: Option<Duration>) {
        let budget = self.budget;
        if status == 429 || (status == 503 && retry_after.is_some()) {
            budget.throttled(self.sent, retry_after);
        } else if status >= 500 {
            self.has_failed(&format!("HTTP {status}"));
            return;
        } else {
            budget.with(|state| state.pace.answered(self.sent, Instant::now()));
        }
        self.is_probe = false;
        if let Some(since) = budget.with(|state| state.circuit.answered()) {
            budget.closed(since);
        }
        budget.probed.send_replace(());
    }

    /// No connection, or no whole answer. The slot is held on.
    pub(super) fn has_failed(&mut self, reason: &str) {
        let budget = self.budget;
        let is_probe = std::mem::take(&mut self.is_probe);
        if budget.with(|state| state.circuit.failed(self.sent, Instant::now(), is_probe, reason)) {
            budget.opened(reason);
        }
        budget.probed.send_replace(());
    }

    /// Nothing of it is at the vendor any more: its whole answer is here, or it never left.
    pub(super) fn end(mut self) {
        drop(self.slot.take());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.budget.with(|state| state.circuit.probe_given_up());
            self.budget.probed.send_replace(());
        }
        if let Some(slot) = self.slot.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                tokio::time::sleep(LINGER).await;
                drop(slot);
            });
        }
    }
}

/// The time from one request to the next.
fn spacing(rate: Rate) -> Duration {
    (rate.period() + MARGIN) / rate.count()
}

fn bucket(rate: Rate) -> Option<DefaultDirectRateLimiter> {
    let spacing = spacing(rate);
    let held = u32::try_from(BURST.as_nanos() / spacing.as_nanos().max(1)).unwrap_or(u32::MAX);
    let burst = NonZeroU32::new(held).unwrap_or(NonZeroU32::MIN);
    Some(RateLimiter::direct(Quota::with_period(spacing)?.allow_burst(burst)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use futures::FutureExt as _;

    use super::*;
    use crate::config::Project;

    /// A budget of a connection with these settings.
    fn budget(settings: &str) -> Budget {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("[connections.c]\nplugin = \"p\"\nbase_url = \"http://127.0.0.1/\"\n{settings}\n");
        std::fs::write(folder.path().join("qiao.toml"), text).unwrap();
        let project = Project::load(folder.path()).project.unwrap();
        Budget::new(&project.connections["c"])
    }

    #[test]
    fn no_more_than_the_configured_rate_fits_into_any_of_its_periods() {
        for text in ["1/s", "7/s", "10/s", "50/s", "100/s", "999/s", "20000/s", "60/m", "6000/m", "36000/h"] {
            let budget = budget(&format!("rate = \"{text}\""));
            let rate = budget.rate.unwrap();
            let held = (BURST.as_nanos() / spacing(rate).as_nanos()).max(1);
            let refilled = rate.period().as_nanos() / spacing(rate).as_nanos();
            assert!(held + refilled <= u128::from(rate.count()), "{text}: {held} + {refilled}");
            assert!(held + refilled >= u128::from(rate.count()) * 9 / 10 || rate.count() < 10, "{text}: not far below");
        }
    }

    #[tokio::test]
    async fn a_slot_is_held_until_the_answer_is_whole_and_a_moment_longer_when_it_is_given_up() {
        let budget = budget("concurrency = 1");
        let mut turn = budget.turn().await.unwrap();
        turn.is_answered(200, None);
        assert_eq!(budget.traffic().under_way, 1, "its body is still being read");
        turn.end();
        assert_eq!(budget.traffic().under_way, 0);
        let given_up = Instant::now();
        drop(budget.turn().await.unwrap());
        assert_eq!(budget.traffic().under_way, 1, "the vendor does not know yet");
        budget.turn().await.unwrap().end();
        assert!(given_up.elapsed() >= LINGER);
    }

    #[tokio::test]
    async fn whose_turn_it_is_waits_for_nothing() {
        for settings in ["", "rate = \"1/s\""] {
            let turn = budget(settings);
            let turn = turn.turn().now_or_never();
            assert!(turn.is_some_and(|turn| turn.is_ok()), "{settings}");
        }
    }

    #[tokio::test]
    async fn a_long_pause_refuses_at_once_and_a_short_one_is_waited_for() {
        let budget = budget("");
        budget.throttled(Instant::now(), Some(Duration::from_millis(60)));
        assert_eq!(budget.unavailable(), None);
        let begun = Instant::now();
        budget.turn().await.unwrap().end();
        assert!(begun.elapsed() >= Duration::from_millis(55));
        budget.throttled(Instant::now(), Some(Duration::from_hours(24)));
        let refused = budget.turn().await.err().unwrap();
        assert_eq!(
            refused.to_string(),
            "connection `c`: the vendor asked for a pause; nothing is sent to it for 900 s",
            "and a day is not believed"
        );
    }

    #[tokio::test]
    async fn while_the_vendor_is_down_calls_are_refused_at_once_but_one_probe() {
        let budget = budget("concurrency = 8");
        while budget.unavailable().is_none() {
            let mut turn = budget.turn().await.unwrap();
            turn.has_failed("connection refused");
            turn.end();
        }
        let refused = budget.turn().await.err().unwrap().to_string();
        assert_eq!(refused, "connection `c`: the vendor is down (connection refused); nothing is sent to it for 1 s");
        let down = budget.traffic().down.unwrap();
        assert!(down.probe_in > Duration::ZERO && down.reason == "connection refused");
        tokio::time::sleep(down.probe_in).await;
        assert!(budget.unavailable().is_none() && budget.awaits_probe());
        let mut probe = budget.turn().await.unwrap();
        assert!(budget.unavailable().is_some(), "the engine begins nothing while it is out");
        // Who comes meanwhile waits for what the probe finds.
        let (waited, ()) = tokio::join!(budget.turn(), async {
            tokio::task::yield_now().await;
            probe.is_answered(403, None);
        });
        assert!(waited.is_ok() && budget.traffic().down.is_none(), "a refusal is an answer");
        probe.end();
    }
}

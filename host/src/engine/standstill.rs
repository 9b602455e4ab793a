//! What stands in the way of schemes: for people who ask. Kept in memory only: a start finds out anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::observe::clock;

/// What a task does for its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// It fetches rows.
    Scan,
    /// It sends bills.
    Deliver,
}

/// What kind of thing stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The scheme, its connection or the account is set up wrong: somebody has to mend it.
    Misconfigured,
    /// The vendor is down, or asked for silence.
    Unavailable,
    /// Bills of an earlier merge key have to be settled first.
    Regrouping,
    /// An index is being built.
    Unindexed,
    /// It failed otherwise.
    Failed,
}

/// Work of a scheme that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standstill {
    /// What kind of thing stands in its way.
    pub obstacle: Obstacle,
    /// What it is, for a person to read.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again; `None`: as soon as that is over, or by schedule.
    pub again: Option<Timestamp>,
}

/// What stands in the way of all schemes. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Standstills(Arc<Mutex<BTreeMap<(String, Work), Standstill>>>);

impl Standstills {
    /// What stands in the way of one scheme.
    pub fn of(&self, stem: &str) -> Vec<(Work, Standstill)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_scheme = all.iter().filter(|((scheme, _), _)| scheme == stem);
        of_scheme.map(|((_, work), standstill)| (*work, standstill.clone())).collect()
    }

    /// This stands in the way, for that long at least.
    pub(super) fn stands(&self, stem: &str, work: Work, obstacle: Obstacle, reason: String, lasts: Option<Duration>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&(stem.to_owned(), work)).filter(|known| known.obstacle == obstacle);
        let now = clock::now();
        let since = known.map_or(now, |known| known.since);
        let again = lasts.and_then(|lasts| now.checked_add(lasts).ok());
        all.insert((stem.to_owned(), work), Standstill { obstacle, reason, since, again });
    }

    /// Nothing stands in the way any more. Returns what did.
    pub(super) fn is_over(&self, stem: &str, work: Work) -> Option<Standstill> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(stem.to_owned(), work))
    }

    /// Forgets schemes that are no more.
    pub(super) fn keep_only(&self, is_there: impl Fn(&str) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(stem, _), _| is_there(stem));
    }
}

/// The pauses between attempts of work that is set up wrong: 30 seconds, doubling, up to ten minutes. Each attempt is made
/// with one bill or one page, and vendors lock accounts that try too often.
#[derive(Debug, Default)]
pub(super) struct Trials(u32);

impl Trials {
    const FIRST: Duration = Duration::from_secs(30);
    const LONGEST: Duration = Duration::from_mins(10);

    /// The next pause.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = Self::FIRST.saturating_mul(2_u32.saturating_pow(self.0)).min(Self::LONGEST);
        self.0 = self.0.saturating_add(1);
        pause
    }

    /// It went well, or something was changed.
    pub(super) fn begin_anew(&mut self) {
        self.0 = 0;
    }

    /// It did not go well the last time.
    pub(super) fn is_on_trial(&self) -> bool {
        self.0 > 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut trials = Trials::default();
        assert!(!trials.is_on_trial());
        let seconds: Vec<u64> = (0..7).map(|_| trials.next_pause().as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 600, 600]);
        trials.begin_anew();
        assert_eq!(trials.next_pause(), Trials::FIRST);
    }

    #[test]
    fn the_same_obstacle_stands_since_it_was_met_first() {
        let standstills = Standstills::default();
        standstills.stands("a", Work::Deliver, Obstacle::Misconfigured, "wrong secret".to_owned(), None);
        let first = standstills.of("a");
        standstills.stands("a", Work::Deliver, Obstacle::Misconfigured, "wrong user".to_owned(), Some(Trials::FIRST));
        let (_, second) = standstills.of("a").pop().expect("it stands");
        assert_eq!((Some(second.since), second.reason.as_str()), (first.first().map(|(_, it)| it.since), "wrong user"));
        assert!(second.again > Some(second.since));
        assert_eq!(standstills.of("b"), []);
        assert_eq!(standstills.is_over("a", Work::Deliver), Some(second));
        assert_eq!(standstills.of("a"), []);
    }
}

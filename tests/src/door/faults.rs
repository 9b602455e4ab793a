//! Faults: what goes wrong, and for which requests.
//!
//! A rule names a [`Route`] and fires on the next few requests of it, on every k-th, or now and then, as a seed has it. Where several rules match a request the
//! oldest that is due wins; every rule counts every request that it matches, so that rules do not shift each other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::Route;
use crate::lock;
use crate::random::Random;

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This HTTP status with a plain-text body; nothing is applied.
    Status(u16),
    /// HTTP 429; nothing is applied.
    TooManyRequests {
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// HTTP 200 with a web page, as a proxy or a maintenance notice in front of the vendor sends it; nothing is applied.
    Html,
    /// Applied; the answer promises its whole length and ends half way.
    Truncate,
    /// Applied; the answer is whole as HTTP has it, but half a JSON text.
    HalfJson,
    /// Applied; the answer is no JSON: a bracket in its middle became another one.
    BrokenJson,
    /// The connection is reset after the request was read; nothing is applied.
    ResetBefore,
    /// Applied; the connection is reset instead of an answer.
    ResetAfter,
    /// Applied; the answer comes this much later.
    DelayAfter(Duration),
    /// Applied only this much later, whether or not the client still waits for it.
    ApplyLate(Duration),
    /// Not applied, and never answered while the vendor is up.
    Hang,
    /// The session or token that the request names is ended before the request is handled.
    RevokeSession,
    /// This HTTP status and body; nothing is applied.
    Body(u16, String),
    /// Kingdee refuses with this `MsgCode`; nothing is applied.
    KingdeeMsgCode(u16),
    /// OKKI refuses with HTTP 200, this `code` and `message`; nothing is applied.
    OkkiCode(i64, String),
    /// Wangdiantong refuses with this code and message, in the shape of the way that the request came in by; 1012 asks for fewer
    /// requests. Nothing is applied.
    WdtCode(i64, String),
}

pub(super) const HTML_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>系统维护中</title></head>\
<body><h1>系统维护中，请稍后再试</h1></body></html>\n";

/// A JSON text with the last opening bracket of its first half turned round.
pub(super) fn broken(json: &[u8]) -> Bytes {
    let mut bytes = json.to_vec();
    let half = bytes.len().div_ceil(2);
    if let Some(bracket) = bytes.iter_mut().take(half).rev().find(|byte| matches!(byte, b'{' | b'[')) {
        *bracket = b'}';
    }
    bytes.into()
}

#[derive(Clone, Debug)]
enum When {
    Next(usize),
    Every { period: usize, seen: usize },
    OneIn { times: u64, random: Random },
}

#[derive(Clone, Debug)]
struct Rule {
    route: Route,
    when: When,
    /// One of them is drawn where chance decides; the first is meant elsewhere.
    faults: Vec<Fault>,
}

/// The rules of one vendor. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl Faults {
    /// `fault` meets the next `count` requests of `route`.
    pub fn next(&self, route: Route, count: usize, fault: Fault) {
        self.add(route, When::Next(count), vec![fault]);
    }

    /// `fault` meets every `period`-th request of `route`, the first being the `period`-th from now.
    pub fn every(&self, route: Route, period: usize, fault: Fault) {
        let when = When::Every { period: period.max(1), seen: 0 };
        self.add(route, when, vec![fault]);
    }

    /// One of `faults` meets one in `times` requests of `route`, by chance: the same ones for the same `seed`.
    pub fn one_in(&self, route: Route, times: u64, seed: u64, faults: impl Into<Vec<Fault>>) {
        self.add(route, When::OneIn { times, random: Random::new(seed) }, faults.into());
    }

    /// Ends all rules.
    pub fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// How many requests the `next` rules are still waiting for.
    pub fn remaining(&self) -> usize {
        lock(&self.rules)
            .iter()
            .map(|rule| match rule.when {
                When::Next(count) => count,
                When::Every { .. } | When::OneIn { .. } => 0,
            })
            .sum()
    }

    fn add(&self, route: Route, when: When, faults: Vec<Fault>) {
        lock(&self.rules).push(Rule { route, when, faults });
    }

    /// What meets a request of `route`, if anything.
    pub(super) fn draw(&self, route: Route) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        let mut drawn = None;
        for rule in rules.iter_mut().filter(|rule| rule.route == route || rule.route == Route::Any) {
            let faults = &rule.faults;
            let due = match &mut rule.when {
                When::Next(_) => faults.first(),
                When::Every { period, seen } => {
                    *seen += 1;
                    faults.first().filter(|_| seen.is_multiple_of(*period))
                }
                When::OneIn { times, random } => random.one_in(*times).then(|| random.choose(faults)).flatten(),
            };
            if let (Some(fault), None) = (due.cloned(), &drawn) {
                if let When::Next(count) = &mut rule.when {
                    if *count == 0 {
                        continue;
                    }
                    *count -= 1;
                }
                drawn = Some(fault);
            }
        }
        rules.retain(|rule| !matches!(rule.when, When::Next(0)));
        drawn
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn draws(faults: &Faults, route: Route, count: usize) -> Vec<Option<u16>> {
        (0..count)
            .map(|_| match faults.draw(route) {
                Some(Fault::Status(status)) => Some(status),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn next_meets_the_next_few_of_its_route_alone() {
        let faults = Faults::default();
        faults.next(Route::Push, 2, Fault::Status(503));
        assert_eq!(draws(&faults, Route::Query, 1), [None]);
        assert_eq!(draws(&faults, Route::Push, 3), [Some(503), Some(503), None]);
        assert_eq!(faults.remaining(), 0);
    }

    #[test]
    fn every_meets_each_kth_and_rules_do_not_shift_each_other() {
        let faults = Faults::default();
        faults.every(Route::Any, 3, Fault::Status(500));
        faults.next(Route::Query, 3, Fault::Status(502));
        assert_eq!(
            draws(&faults, Route::Query, 7),
            [Some(502), Some(502), Some(500), Some(502), None, Some(500), None]
        );
        faults.clear();
        assert_eq!(draws(&faults, Route::Query, 3), [None, None, None]);
    }

    #[test]
    fn chance_is_the_same_for_the_same_seed_and_meets_about_one_in_so_many() {
        let drawn = |seed| {
            let faults = Faults::default();
            faults.one_in(Route::Any, 20, seed, [Fault::Status(500), Fault::Status(502)]);
            draws(&faults, Route::Query, 2_000)
        };
        let first = drawn(1);
        assert_eq!(first, drawn(1));
        assert_ne!(first, drawn(2));
        let met = |status| first.iter().filter(|drawn| **drawn == Some(status)).count();
        assert!((60..=140).contains(&(met(500) + met(502))), "{} and {}", met(500), met(502));
        assert!(met(500) > 20 && met(502) > 20);
    }
}

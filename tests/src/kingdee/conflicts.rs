//! Network-control conflicts (网控冲突): bills that a call refuses although nothing is wrong with them, while the rest of it is applied.
//!
//! Which calls and which bills is settled by counting: every n-th call of a service, and of that call every second bill, beginning with
//! the first and with the second in turn. So a call of one bill fails whole at the first such call and passes at the next, and
//! whoever tries again gets everything through, even where every call is hit.

use std::sync::Mutex;

use crate::door::Route;
use crate::lock;

#[derive(Debug)]
struct Rule {
    route: Route,
    period: usize,
    calls: usize,
}

/// The rules of a data centre.
#[derive(Debug, Default)]
pub(crate) struct Conflicts(Mutex<Vec<Rule>>);

/// Which bills of one call are hit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hits(Option<usize>);

impl Hits {
    pub(crate) fn hits(self, index: usize) -> bool {
        self.0.is_some_and(|first| index % 2 == first)
    }
}

impl Conflicts {
    /// Every `period`-th call of `route` from now on; 0 ends it.
    pub(crate) fn set(&self, route: Route, period: usize) {
        let mut rules = lock(&self.0);
        rules.retain(|rule| rule.route != route);
        if period > 0 {
            rules.push(Rule { route, period, calls: 0 });
        }
    }

    /// Counts a call.
    pub(crate) fn draw(&self, route: Route) -> Hits {
        let mut rules = lock(&self.0);
        let Some(rule) = rules.iter_mut().find(|rule| rule.route == route) else {
            return Hits::default();
        };
        rule.calls += 1;
        let is_due = rule.calls.is_multiple_of(rule.period);
        Hits(is_due.then(|| (rule.calls / rule.period + 1) % 2))
    }
}

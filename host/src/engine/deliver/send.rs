//! Sending claimed bills, and settling them as their calls return.
//!
//! A call that has returned makes room for the next at once. What became of its bills goes into a queue, and one commit
//! settles whatever has come while the commit before was synced, and within a moment after: so the vendor never waits for
//! the disk, and a quick vendor costs fewer commits than it answers calls. What is sent and not yet settled is claimed, as
//! it is while it is under way; a host that is killed in that moment looks up a few bills more.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::join;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::Delivery;
use crate::engine::EngineError;
use crate::engine::attempts::{self, Called};
use crate::engine::settle::{self, Stop};
use crate::engine::snapshot::TargetSide;
use crate::engine::write_back;
use crate::journal::{Attempt, AttemptStep, BillVersion, ClaimedBill, JournalError, Settled};
use crate::plugin::connector::{BillToPush, Connector, Outcome};
use crate::plugin::{Failure, FailureKind};

/// How long what has returned waits for what returns next, so that one commit settles both.
const LINGER: Duration = Duration::from_millis(5);

/// What became of the bills of a call.
#[derive(Clone, Default)]
struct Decided {
    outcomes: Vec<(BillVersion, Settled)>,
    attempts: Vec<Attempt>,
}

/// The calls of a batch: what they share. Each is a task of its own, so that an answer never waits for the plugin of another
/// call, nor keeps the next from being sent.
struct Calls {
    delivery: Delivery,
    connector: Connector,
    other_request: Value,
    /// The target was found to be set up wrong.
    stopped: OnceLock<Failure>,
    decided: mpsc::Sender<Decided>,
}

impl Calls {
    /// Makes them; says whether one of them found the target set up wrong.
    async fn make(self, target: &TargetSide, claimed: Vec<ClaimedBill>) -> Result<Option<Failure>, EngineError> {
        let side_by_side = target.connection.settings().concurrency.get();
        let calls = Arc::new(self);
        let mut rest = claimed.into_iter();
        let mut under_way = JoinSet::new();
        let mut broken_off = Ok(());
        loop {
            while under_way.len() < side_by_side {
                let bills: Vec<ClaimedBill> = rest.by_ref().take(target.largest_batch).collect();
                if bills.is_empty() {
                    break;
                }
                under_way.spawn(Arc::clone(&calls).call(bills));
            }
            match under_way.join_next().await {
                Some(Ok(())) => {}
                Some(Err(error)) => broken_off = Err(EngineError::BrokenOff(format!("a call broke off: {error}"))),
                None => break,
            }
        }
        broken_off.map(|()| calls.stopped.get().cloned())
    }

    /// Makes one call.
    async fn call(self: Arc<Self>, bills: Vec<ClaimedBill>) {
        let Self { delivery, connector, other_request, stopped, decided } = &*self;
        let Some(target) = &delivery.scheme.target else { return };
        let became = if let Some(failure) = stopped.get().cloned().or_else(|| delivery.of_no_use(target)) {
            let unsent = bills.into_iter().map(|bill| {
                let became = settle::unsent(&bill, &failure);
                (bill.version, became)
            });
            Decided { outcomes: unsent.collect(), attempts: Vec::new() }
        } else {
            let begun = Instant::now();
            let mut exchanges = Vec::new();
            let to_push: Vec<BillToPush> = bills.iter().map(to_push).collect();
            let (api, method) = (target.plan.api(), target.plan.method());
            let outcomes = connector.push(api, method, other_request, &to_push, &mut exchanges).await;
            let called = Called { step: AttemptStep::Write, exchanges, took: begun.elapsed() };
            let (became, stop) = delivery.decide(bills, outcomes, called);
            if let Some(Stop(failure)) = stop {
                // Whoever comes second says the same.
                drop(stopped.set(failure));
            }
            became
        };
        // There is room for every call of the batch, and whoever settles stays to the end.
        drop(decided.send(became).await);
    }
}

impl Delivery {
    /// Sends claimed bills, as many calls side by side as the connection has room for. What there is no use in sending any
    /// more is given back unsent: after the first that says that the target is set up wrong, while the vendor is down, and
    /// when the host is to stop.
    pub(super) async fn send(
        &self,
        target: &TargetSide,
        connector: &Connector,
        other_request: &Value,
        claimed: Vec<ClaimedBill>,
    ) -> Result<(), EngineError> {
        let most = claimed.len().max(1);
        let (decided, returned) = mpsc::channel(most);
        let calls = Calls {
            delivery: self.clone(),
            connector: connector.clone(),
            other_request: other_request.clone(),
            stopped: OnceLock::new(),
            decided,
        };
        let settling = self.settle_as_they_return(target, returned, most);
        let (stopped, settled) = join(calls.make(target, claimed), settling).await;
        settled?;
        stopped?.map_or(Ok(()), |failure| Err(EngineError::Failure(failure)))
    }

    /// Why it would be of no use to send now.
    fn of_no_use(&self, target: &TargetSide) -> Option<Failure> {
        if self.engine.is_stopping() {
            let message = "the host stopped before it was sent";
            return Some(Failure::of_host(FailureKind::Transient, "host-stopping", message));
        }
        let unavailable = target.connection.unavailable()?;
        Some(Failure::of_host(FailureKind::Transient, "vendor-unavailable", format!("it was not sent: {unavailable}")))
    }

    fn decide(&self, bills: Vec<ClaimedBill>, outcomes: Vec<Outcome>, called: Called) -> (Decided, Option<Stop>) {
        let results = bills.iter().zip(&outcomes);
        let attempts = called
            .attempts(&self.engine, results.map(|(bill, outcome)| (&bill.version, attempts::of_outcome(outcome))));
        let mut stop = None;
        let mut decided = Decided { outcomes: Vec::with_capacity(bills.len()), attempts };
        for (bill, outcome) in bills.into_iter().zip(outcomes) {
            let (became, stops) = settle::decide(&self.engine, &self.scheme, &bill, outcome);
            stop = stop.or(stops);
            decided.outcomes.push((bill.version, became));
        }
        (decided, stop)
    }

    /// Settles the calls of a batch, those together that have returned by then. All are tried, whatever becomes of the others.
    async fn settle_as_they_return(
        &self,
        target: &TargetSide,
        mut returned: mpsc::Receiver<Decided>,
        most: usize,
    ) -> Result<(), EngineError> {
        let mut failed = Ok(());
        let mut calls = Vec::with_capacity(most);
        while returned.recv_many(&mut calls, most).await > 0 {
            let until = Instant::now() + LINGER;
            while calls.len() < most {
                match timeout_at(until, returned.recv_many(&mut calls, most)).await {
                    Ok(1..) => {}
                    // No more will come, or not soon.
                    Ok(0) | Err(_) => break,
                }
            }
            let mut together = Decided::default();
            for call in &calls {
                together.outcomes.extend(call.outcomes.iter().cloned());
                together.attempts.extend(call.attempts.iter().cloned());
            }
            match self.settle(target, together).await {
                // Somebody else has changed a bill of one call: that is nothing to the others.
                Err(EngineError::Journal(JournalError::Conflict(_))) if calls.len() > 1 => {
                    for call in calls.drain(..) {
                        failed = failed.and(self.settle(target, call).await);
                    }
                }
                settled => failed = failed.and(settled),
            }
            calls.clear();
        }
        failed
    }

    async fn settle(&self, target: &TargetSide, decided: Decided) -> Result<(), EngineError> {
        let Decided { outcomes, attempts } = decided;
        write_back::settle(&self.engine, &self.scheme, target, outcomes, attempts).await
    }
}

fn to_push(bill: &ClaimedBill) -> BillToPush {
    BillToPush {
        id: name(&bill.version),
        number: bill.number.clone(),
        payload: bill.payload.clone(),
        intent: bill.intent.clone(),
    }
}

/// The name of a version of a bill: the same whenever it is tried again.
fn name(version: &BillVersion) -> String {
    format!("{}/{}/{}", version.scheme, version.bill, version.version)
}

//! Sending claimed bills, and settling each call as it returns.

use std::sync::OnceLock;

use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;
use tokio::time::Instant;

use super::Delivery;
use crate::engine::EngineError;
use crate::engine::attempts::{self, Called};
use crate::engine::settle::{self, Stop};
use crate::engine::snapshot::TargetSide;
use crate::engine::write_back;
use crate::journal::{AttemptStep, BillVersion, ClaimedBill};
use crate::plugin::connector::{BillToPush, Connector, Outcome};
use crate::plugin::{Failure, FailureKind};

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
        let side_by_side = target.connection.settings().concurrency.get();
        let mut rest = claimed.into_iter();
        let calls = std::iter::from_fn(|| {
            let call: Vec<ClaimedBill> = rest.by_ref().take(target.largest_batch).collect();
            (!call.is_empty()).then_some(call)
        });
        let stopped: OnceLock<Failure> = OnceLock::new();
        let results: Vec<Result<(), EngineError>> = stream::iter(calls)
            .map(|bills| async {
                let unsent = stopped.get().cloned().or_else(|| self.of_no_use(target));
                if let Some(failure) = unsent {
                    let unsent = bills.into_iter().map(|bill| {
                        let became = settle::unsent(&bill, &failure);
                        (bill.version, became)
                    });
                    return Ok(self.engine.journal.settle(unsent.collect()).await?);
                }
                let begun = Instant::now();
                let mut exchanges = Vec::new();
                let to_push: Vec<BillToPush> = bills.iter().map(to_push).collect();
                let (api, method) = (target.plan.api(), target.plan.method());
                let outcomes = connector.push(api, method, other_request, &to_push, &mut exchanges).await;
                let called = Called { step: AttemptStep::Write, exchanges, took: begun.elapsed() };
                if let Some(Stop(failure)) = self.settle(target, bills, outcomes, called).await? {
                    // Whoever comes second says the same.
                    drop(stopped.set(failure));
                }
                Ok(())
            })
            .buffer_unordered(side_by_side)
            .collect()
            .await;
        results.into_iter().collect::<Result<(), EngineError>>()?;
        stopped.into_inner().map_or(Ok(()), |failure| Err(EngineError::Failure(failure)))
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

    async fn settle(
        &self,
        target: &TargetSide,
        bills: Vec<ClaimedBill>,
        outcomes: Vec<Outcome>,
        called: Called,
    ) -> Result<Option<Stop>, EngineError> {
        let results = bills.iter().zip(&outcomes);
        let attempts = called
            .attempts(&self.engine, results.map(|(bill, outcome)| (&bill.version, attempts::of_outcome(outcome))));
        let mut stop = None;
        let mut settled = Vec::with_capacity(bills.len());
        for (bill, outcome) in bills.into_iter().zip(outcomes) {
            let (became, stops) = settle::decide(&self.engine, &self.scheme, &bill, outcome);
            stop = stop.or(stops);
            settled.push((bill.version, became));
        }
        write_back::settle(&self.engine, &self.scheme, target, settled, attempts).await?;
        Ok(stop)
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

//! Writing bills, and looking them up.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::super::bindings::target::exports::qiao::plugin::target as wit;
use super::super::call;
use super::super::error::{CallError, Failure, FailureKind};
use super::{Connector, Session};
use crate::capability::CallRecord;
use crate::journal::{Exchange, Intent, Receipt};

/// One bill to write.
#[derive(Clone, Debug)]
pub struct BillToPush {
    /// The name of this version of the bill: the same whenever it is tried again.
    pub id: String,
    /// The number to find it by.
    pub number: Option<String>,
    /// The mapped bill: JSON text.
    pub payload: String,
    /// How it is written.
    pub intent: Intent,
}

/// What became of one bill.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The vendor has it.
    Done(Receipt),
    /// It has not, or nobody knows.
    Failed(Failure),
    /// It has the bill, and a later step failed.
    Partial(HalfDone, Failure),
}

/// A bill that the vendor has, with a step missing.
#[derive(Clone, Debug)]
pub struct HalfDone {
    /// What the vendor knows it by.
    pub receipt: Receipt,
    /// Go on from this JSON text.
    pub resume: String,
}

/// One bill to look up.
#[derive(Clone, Debug)]
pub struct BillToFind {
    /// Its number.
    pub number: String,
    /// The field of the mapped bill that holds the number.
    pub number_field: Option<String>,
    /// The mapped bill: JSON text.
    pub payload: String,
}

/// What a vendor has under a number.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing.
    Absent,
    /// The bill, with a step missing.
    Partial(HalfDone),
    /// The bill.
    Complete(Receipt),
}

impl Connector {
    /// Writes bills: one outcome each, in order. `sent` gets the requests and their answers.
    pub async fn push(
        &self,
        api: &str,
        method: &str,
        other_request: &Value,
        bills: &[BillToPush],
        sent: &mut Vec<Exchange>,
    ) -> Vec<Outcome> {
        let session = match self.session(None).await {
            Ok(session) => session,
            Err(failure) => return all_failed(bills, &failure),
        };
        let begun = Instant::now();
        let mut outcomes = self.call_push(api, method, other_request, bills, &session, sent).await;
        let refused: Vec<usize> = outcomes
            .iter()
            .enumerate()
            .filter(|(_, outcome)| is_unauthorized(outcome))
            .map(|(index, _)| index)
            .collect();
        if outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::Partial(_, failure) if failure.kind == FailureKind::Unauthorized))
        {
            // Those are gone on with later; the session that was refused must not serve them then.
            drop(self.session(Some(&session)).await);
        }
        if !refused.is_empty() {
            let again: Vec<BillToPush> = refused.iter().filter_map(|index| bills.get(*index).cloned()).collect();
            let second = match self.session(Some(&session)).await {
                Ok(session) => self.call_push(api, method, other_request, &again, &session, sent).await,
                Err(failure) => all_failed(&again, &failure),
            };
            for (index, outcome) in refused.into_iter().zip(second) {
                if let Some(place) = outcomes.get_mut(index) {
                    *place = outcome;
                }
            }
        }
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Failed(failure) => Outcome::Failed(self.heed(failure, begun)),
                Outcome::Partial(half_done, failure) => Outcome::Partial(half_done, self.heed(failure, begun)),
                done @ Outcome::Done(_) => done,
            })
            .collect()
    }

    async fn call_push(
        &self,
        api: &str,
        method: &str,
        other_request: &Value,
        bills: &[BillToPush],
        session: &Session,
        sent: &mut Vec<Exchange>,
    ) -> Vec<Outcome> {
        let Some(pre) = &self.plugin.exports.target else {
            return all_failed(bills, &self.lacks("target"));
        };
        let call = wit::PushCall {
            connection: self.as_plugin_sees_it(session),
            api: api.to_owned(),
            method: method.to_owned(),
            bills: bills.iter().map(as_plugin_sees_it).collect(),
            other_request: other_request.to_string().into_bytes(),
        };
        let record = Arc::new(CallRecord::with_exchanges());
        let loan = self.loan(false);
        let pushed = call::in_fresh_instance(pre.instance_pre(), loan, &record, "target.push", async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.qiao_plugin_target().call_push(store, &call).await
        })
        .await;
        sent.extend(self.without_secrets(record.take_exchanges()));
        believe(self.plugin.name(), bills, pushed, &record)
    }

    /// Looks bills up by number: one answer each, in order. What refuses a call over several bills may be about one of them:
    /// then each is asked for on its own. `sent` gets the requests and their answers.
    pub async fn find(
        &self,
        api: &str,
        other_request: &Value,
        bills: &[BillToFind],
        sent: &mut Vec<Exchange>,
    ) -> Vec<Result<Found, Failure>> {
        match self.find_together(api, other_request, bills, sent).await {
            Ok(found) => found.into_iter().map(Ok).collect(),
            Err(failure)
                if bills.len() > 1 && matches!(failure.kind, FailureKind::Rejected | FailureKind::Misconfigured) =>
            {
                let mut found = Vec::with_capacity(bills.len());
                for bill in bills.chunks(1) {
                    let together = self.find_together(api, other_request, bill, sent).await;
                    found.push(together.and_then(|found| found.into_iter().next().ok_or_else(|| failure.clone())));
                }
                found
            }
            Err(failure) => bills.iter().map(|_| Err(failure.clone())).collect(),
        }
    }

    async fn find_together(
        &self,
        api: &str,
        other_request: &Value,
        bills: &[BillToFind],
        sent: &mut Vec<Exchange>,
    ) -> Result<Vec<Found>, Failure> {
        let session = self.session(None).await?;
        let begun = Instant::now();
        match self.call_find(api, other_request, bills, &session, sent).await {
            Err(failure) if failure.kind == FailureKind::Unauthorized => {
                let session = self.session(Some(&session)).await?;
                self.call_find(api, other_request, bills, &session, sent).await
            }
            found => found,
        }
        .map_err(|failure| self.heed(failure, begun))
    }

    async fn call_find(
        &self,
        api: &str,
        other_request: &Value,
        bills: &[BillToFind],
        session: &Session,
        sent: &mut Vec<Exchange>,
    ) -> Result<Vec<Found>, Failure> {
        let Some(pre) = &self.plugin.exports.target else {
            return Err(self.lacks("target"));
        };
        let call = wit::FindCall {
            connection: self.as_plugin_sees_it(session),
            api: api.to_owned(),
            bills: bills
                .iter()
                .map(|bill| wit::Wanted {
                    number: bill.number.clone(),
                    number_field: bill.number_field.clone(),
                    body: bill.payload.clone().into_bytes(),
                })
                .collect(),
            other_request: other_request.to_string().into_bytes(),
        };
        let record = Arc::new(CallRecord::with_exchanges());
        let loan = self.loan(false);
        let found = call::in_fresh_instance(pre.instance_pre(), loan, &record, "target.find", async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.qiao_plugin_target().call_find(store, &call).await
        })
        .await;
        sent.extend(self.without_secrets(record.take_exchanges()));
        let found = found.map_err(CallError::into_failure)??;
        if found.len() != bills.len() {
            let reason = format!("answered for {} of {} bills in `target.find`", found.len(), bills.len());
            return Err(CallError::Malformed { plugin: self.plugin.name().to_owned(), reason }.into_failure());
        }
        Ok(found
            .into_iter()
            .map(|found| match found {
                wit::Found::Absent => Found::Absent,
                wit::Found::Partial(half_done) => Found::Partial(half_done.into()),
                wit::Found::Complete(receipt) => Found::Complete(receipt.into()),
            })
            .collect())
    }
}

/// What the host believes of a push, from what it saw of it.
fn believe(
    plugin: &str,
    bills: &[BillToPush],
    pushed: Result<Result<Vec<wit::Outcome>, crate::capability::bindings::qiao::plugin::types::Failure>, CallError>,
    record: &CallRecord,
) -> Vec<Outcome> {
    match pushed {
        Ok(Ok(outcomes)) if outcomes.len() == bills.len() => outcomes
            .into_iter()
            .map(|outcome| match outcome {
                wit::Outcome::Done(receipt) => Outcome::Done(receipt.into()),
                wit::Outcome::Failed(failure) => Outcome::Failed(doubted(failure.into(), record)),
                wit::Outcome::Partial((half_done, failure)) => Outcome::Partial(half_done.into(), failure.into()),
            })
            .collect(),
        Ok(Ok(outcomes)) => {
            let error = CallError::Malformed {
                plugin: plugin.to_owned(),
                reason: format!("reported {} outcomes for {} bills", outcomes.len(), bills.len()),
            };
            all_failed(bills, &broke_off(error, record))
        }
        Ok(Err(failure)) => {
            let mut failure = Failure::from(failure);
            if !record.believable() {
                failure.kind = FailureKind::Uncertain;
            }
            all_failed(bills, &failure)
        }
        Err(error) => all_failed(bills, &broke_off(error, record)),
    }
}

/// A push broke off: if anything left the host, the vendor may have applied it.
fn broke_off(error: CallError, record: &CallRecord) -> Failure {
    let mut failure = error.into_failure();
    if record.requests_left() > 0 {
        failure.kind = FailureKind::Uncertain;
    }
    failure
}

/// A failure of one bill is not believed either while a write of its call is unanswered.
fn doubted(mut failure: Failure, record: &CallRecord) -> Failure {
    if record.write_unanswered() {
        failure.kind = FailureKind::Uncertain;
    }
    failure
}

fn all_failed(bills: &[BillToPush], failure: &Failure) -> Vec<Outcome> {
    bills.iter().map(|_| Outcome::Failed(failure.clone())).collect()
}

fn is_unauthorized(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(failure) if failure.kind == FailureKind::Unauthorized)
}

fn as_plugin_sees_it(bill: &BillToPush) -> wit::Bill {
    let (existing, resume) = match &bill.intent {
        Intent::Create => (None, None),
        Intent::Update(receipt) => (Some(receipt.clone().into()), None),
        Intent::Resume(resume) => (None, Some(resume.clone().into_bytes())),
    };
    let body = bill.payload.clone().into_bytes();
    wit::Bill { id: bill.id.clone(), number: bill.number.clone(), body, existing, resume }
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Bytes of a reply that are kept with a receipt; a larger one is left out, for half of it would be no JSON.
const REPLY: usize = 256 * 1024;

impl From<wit::Receipt> for Receipt {
    fn from(receipt: wit::Receipt) -> Self {
        let reply = if receipt.reply.len() > REPLY { "null".to_owned() } else { text(receipt.reply) };
        Self { id: receipt.id, number: receipt.number, reply }
    }
}

impl From<wit::HalfDone> for HalfDone {
    fn from(half_done: wit::HalfDone) -> Self {
        Self { receipt: half_done.receipt.into(), resume: text(half_done.resume) }
    }
}

impl From<Receipt> for wit::Receipt {
    fn from(receipt: Receipt) -> Self {
        Self { id: receipt.id, number: receipt.number, reply: receipt.reply.into_bytes() }
    }
}

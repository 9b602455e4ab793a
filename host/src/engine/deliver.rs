//! Ready bills become delivered ones: map, find, claim, send, settle.
//!
//! Bills are taken in batches, so that a plugin is called once per function and batch, and a commit serves many bills. Two
//! batches are under way at a time: one maps and claims while the other waits for the vendor. Never two versions of one
//! bill: a bill under way is not taken again, and the journal gives out no newer version while an older one is claimed.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;
use tokio::task::JoinSet;

use super::mapping::{self, BillRows, MappedBill};
use super::settle::{self, Stop};
use super::snapshot::{Scheme, TargetSide};
use super::{Engine, EngineError, look_up, may_pass, problem, retry};
use crate::config::OnExisting;
use crate::dialect::{Row, Variables};
use crate::journal::{BillVersion, ClaimToMake, ClaimedBill, Intent, ReadyBill, SetAside};
use crate::observe::clock;
use crate::plugin::connector::{BillToPush, Connector, Found, Outcome};
use crate::plugin::{Failure, FailureKind};

/// Bills of a batch.
const BATCH: usize = 64;

/// Batches under way at a time.
const BATCHES: usize = 2;

/// Numbers of one `find`.
const FIND: usize = 32;

/// Delivers what is due, until nothing is. Bills whose time has not come are left.
pub async fn deliver_due(engine: &Engine, scheme: &Arc<Scheme>) -> Result<(), EngineError> {
    let Some(target) = &scheme.target else {
        return Ok(());
    };
    let mut under_way: HashSet<String> = HashSet::new();
    let mut batches: JoinSet<(Vec<String>, Result<(), EngineError>)> = JoinSet::new();
    let mut failed = None;
    loop {
        if failed.is_none() {
            look_up::due(engine, scheme, target).await?;
        }
        while failed.is_none() && batches.len() < BATCHES {
            let skip = |bill: &str| under_way.contains(bill);
            let ready = engine.journal.ready(&scheme.stem, clock::now_ms(), BATCH, &skip).await?;
            if ready.is_empty() {
                break;
            }
            let names: Vec<String> = ready.iter().map(|bill| bill.version.bill.clone()).collect();
            under_way.extend(names.iter().cloned());
            let (engine, scheme) = (engine.clone(), Arc::clone(scheme));
            batches.spawn(async move { (names, deliver_batch(&engine, &scheme, ready).await) });
        }
        match batches.join_next().await {
            Some(Ok((names, result))) => {
                for name in &names {
                    under_way.remove(name);
                }
                if let Err(error) = result {
                    failed.get_or_insert(error);
                }
            }
            Some(Err(broken)) => {
                failed.get_or_insert(EngineError::Scheme(format!("a batch broke off: {broken}")));
            }
            None => return failed.map_or(Ok(()), Err),
        }
    }
}

/// Takes up what an earlier process left behind. Called once, before anything is delivered.
pub async fn take_up(engine: &Engine, scheme: &Scheme) -> Result<(), EngineError> {
    look_up::take_up(engine, scheme).await
}

async fn deliver_batch(engine: &Engine, scheme: &Arc<Scheme>, ready: Vec<ReadyBill>) -> Result<(), EngineError> {
    let Some(target) = &scheme.target else {
        return Ok(());
    };
    let mut bills = Vec::with_capacity(ready.len());
    for bill in ready {
        let rows = rows_of(engine, &bill.version).await?;
        bills.push(BillRows { bill, rows });
    }
    let batch = mapping::map(engine, scheme, target, bills).await?;
    let other_request = other_request(target, &Variables::at(clock::now().as_second()))?;
    let connector = engine.snapshot.target_connector(scheme, target);
    let (claims, found_aside, stop) = find(engine, scheme, target, &connector, &other_request, batch.mapped).await?;

    let mut aside = batch.set_aside;
    aside.extend(found_aside);
    set_aside(engine, aside).await?;
    if let Some(Stop(failure)) = stop {
        return Err(EngineError::Failure(failure));
    }
    let claimed = engine.journal.claim(claims, clock::now_ms()).await?;
    send(engine, scheme, target, &connector, &other_request, claimed).await
}

async fn rows_of(engine: &Engine, version: &BillVersion) -> Result<Vec<Row>, EngineError> {
    let texts = engine.journal.rows_of(&version.scheme, &version.bill).await?;
    texts
        .iter()
        .map(|text| serde_json::from_slice(text))
        .collect::<Result<_, _>>()
        .map_err(|error| EngineError::Scheme(format!("a stored row of bill `{}` is damaged: {error}", version.bill)))
}

/// The rendered `otherRequest`.
pub(super) fn other_request(target: &TargetSide, variables: &Variables) -> Result<Value, EngineError> {
    target
        .plan
        .render_other_request(variables)
        .map_err(|error| EngineError::Scheme(format!("the target's otherRequest: {error}\n  hint: {}", error.hint())))
}

type Found3 = (Vec<ClaimToMake>, Vec<(ReadyBill, SetAside)>, Option<Stop>);

/// Decides how each bill is written: created, updated, or gone on with. What was delivered before is updated by the
/// receipt it left; of the rest, the target is asked (`idCheck`).
async fn find(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    connector: &Connector,
    other_request: &Value,
    mapped: Vec<MappedBill>,
) -> Result<Found3, EngineError> {
    let mut claims = Vec::with_capacity(mapped.len());
    let mut aside = Vec::new();
    let mut to_find = Vec::new();
    let digest = target.plugin.digest.clone();
    for bill in mapped {
        let intent = match (&bill.bill.resume, &bill.bill.delivered) {
            (Some(resume), _) => Some(Intent::Resume(resume.clone())),
            (None, Some(receipt)) => Some(Intent::Update(receipt.clone())),
            (None, None) if target.plan.id_check() && target.can_find => None,
            (None, None) => Some(Intent::Create),
        };
        match intent {
            Some(intent) => claims.push(claim(bill, intent, &digest)),
            None if bill.number.is_none() => {
                let failure = Failure::of_host(
                    FailureKind::Rejected,
                    "bill-without-number",
                    "the mapped bill has no number by which `idCheck` could find it",
                )
                .with_hint(match &target.number_field {
                    Some(field) => format!("map the field `{field}`, or name another in the target's `number`"),
                    None => "name the field in the target's `number`".to_owned(),
                });
                aside.push((bill.bill, SetAside::Dead(problem(&failure))));
            }
            None => to_find.push(bill),
        }
    }
    let mut stop = None;
    while !to_find.is_empty() {
        let rest = to_find.split_off(to_find.len().min(FIND));
        let chunk = std::mem::replace(&mut to_find, rest);
        let numbers: Vec<String> = chunk.iter().filter_map(|bill| bill.number.clone()).collect();
        match connector.find(target.plan.api(), other_request, &numbers).await {
            Ok(found) => {
                for (bill, found) in chunk.into_iter().zip(found) {
                    match (found, target.on_existing) {
                        (Found::Absent, _) => claims.push(claim(bill, Intent::Create, &digest)),
                        (Found::Partial(resume), _) => claims.push(claim(bill, Intent::Resume(resume), &digest)),
                        (Found::Complete(receipt), OnExisting::Update) => {
                            claims.push(claim(bill, Intent::Update(receipt), &digest));
                        }
                        (Found::Complete(receipt), OnExisting::Skip) => {
                            engine.progress.bill_done();
                            aside.push((bill.bill, SetAside::Done(receipt)));
                        }
                    }
                }
            }
            Err(failure) => {
                engine.progress.attempt_failed();
                tracing::warn!(scheme = scheme.stem, bills = chunk.len(), "look-up before writing failed: {failure}");
                for bill in chunk {
                    aside.push((bill.bill.clone(), not_found_out(scheme, &bill.bill, &failure)));
                }
                if failure.kind == FailureKind::Misconfigured {
                    stop = Some(Stop(failure));
                }
            }
        }
    }
    Ok((claims, aside, stop))
}

/// A look-up failed: the bill is tried again later; one that the look-up itself refuses needs a person.
fn not_found_out(scheme: &Scheme, bill: &ReadyBill, failure: &Failure) -> SetAside {
    if failure.kind == FailureKind::Rejected {
        return SetAside::Dead(problem(failure));
    }
    let pause = if may_pass(failure.kind) {
        retry::pause(&scheme.retry, bill.attempts + 1, failure.retry_after)
    } else {
        scheme.retry.most
    };
    SetAside::Failed { problem: problem(failure), due_ms: clock::now_ms() + retry::ms(pause) }
}

fn claim(bill: MappedBill, intent: Intent, plugin_digest: &str) -> ClaimToMake {
    ClaimToMake {
        version: bill.bill.version,
        intent,
        number: bill.number,
        payload: bill.payload,
        plugin_digest: plugin_digest.to_owned(),
    }
}

async fn set_aside(engine: &Engine, bills: Vec<(ReadyBill, SetAside)>) -> Result<(), EngineError> {
    if bills.is_empty() {
        return Ok(());
    }
    for (bill, aside) in &bills {
        if let SetAside::Dead(problem) = aside {
            settle::announce_dead(engine, &bill.version, problem);
        }
    }
    let bills = bills.into_iter().map(|(bill, aside)| (bill.version, aside)).collect();
    Ok(engine.journal.set_aside(bills).await?)
}

/// Sends claimed bills, as many calls side by side as the connection has room for, and settles each call as it returns.
async fn send(
    engine: &Engine,
    scheme: &Arc<Scheme>,
    target: &TargetSide,
    connector: &Connector,
    other_request: &Value,
    claimed: Vec<ClaimedBill>,
) -> Result<(), EngineError> {
    let side_by_side = target.connection.settings().concurrency.get();
    let calls: Vec<Vec<ClaimedBill>> = claimed.chunks(target.largest_batch.max(1)).map(<[_]>::to_vec).collect();
    let results: Vec<Result<Option<Stop>, EngineError>> = stream::iter(calls)
        .map(|bills| async move {
            let to_push: Vec<BillToPush> = bills
                .iter()
                .map(|bill| BillToPush {
                    number: bill.number.clone(),
                    payload: bill.payload.clone(),
                    intent: bill.intent.clone(),
                })
                .collect();
            let outcomes = connector.push(target.plan.api(), target.plan.method(), other_request, &to_push).await;
            settle_call(engine, scheme, bills, outcomes).await
        })
        .buffer_unordered(side_by_side)
        .collect()
        .await;
    for result in results {
        if let Some(Stop(failure)) = result? {
            return Err(EngineError::Failure(failure));
        }
    }
    Ok(())
}

async fn settle_call(
    engine: &Engine,
    scheme: &Scheme,
    bills: Vec<ClaimedBill>,
    outcomes: Vec<Outcome>,
) -> Result<Option<Stop>, EngineError> {
    let mut stop = None;
    let mut settled = Vec::with_capacity(bills.len());
    for (bill, outcome) in bills.into_iter().zip(outcomes) {
        let (became, stops) = settle::decide(engine, scheme, &bill, outcome);
        stop = stop.or(stops);
        settled.push((bill.version, became));
    }
    engine.journal.settle(settled).await?;
    Ok(stop)
}

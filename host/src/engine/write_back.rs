//! What a written bill passes on to other schemes (`callBackStrategy`).
//!
//! The rows are shaped as if the scheme that gets them had fetched them, and stored by the commit that settles the bill: a
//! crash before it finds the bill claimed, and what is looked up then is passed on; after it, both are there. So a bill
//! that was delivered has passed its values on once. What cannot be made a row is stored as a refused one of the scheme
//! that would have got it, where a person finds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::shape::{self, Shaped};
use super::snapshot::{Scheme, TargetSide};
use super::{Engine, EngineError, settle, take_over};
use crate::dialect::{Row, Variables, WriteBack};
use crate::journal::{Attempt, BillVersion, OnChange, Problem, Receipt, RowsBrought, Settled};
use crate::observe::clock;

/// Settles bills after these attempts, and passes on what the delivered ones have for other schemes.
pub(super) async fn settle(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    outcomes: Vec<(BillVersion, Settled)>,
    attempts: Vec<Attempt>,
) -> Result<(), EngineError> {
    if target.plan.write_backs().is_empty() {
        return Ok(engine.journal.settle_bringing(outcomes, Vec::new(), attempts).await?);
    }
    loop {
        // Rows are stored as the receivers are by now, not as they were when the batch began.
        let now = engine.refreshed();
        let (rows, announced) = rows_of(&now, scheme, target, &outcomes).await?;
        // Nobody groups the receivers' rows anew meanwhile.
        let mut in_step = Vec::with_capacity(rows.len());
        for brought in &rows {
            in_step.push(engine.in_step.of(&brought.scheme).read_owned().await);
        }
        if now.is_stale() {
            continue;
        }
        let any = !rows.is_empty();
        engine.journal.settle_bringing(outcomes, rows, attempts).await?;
        drop(in_step);
        for (stem, bill, problem) in announced {
            settle::announce(engine, &stem, &bill, &problem);
        }
        if any {
            engine.arrived.notify_waiters();
        }
        return Ok(());
    }
}

/// What delivered bills bring, for each scheme that gets something, and which of it is refused.
async fn rows_of(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    outcomes: &[(BillVersion, Settled)],
) -> Result<(Vec<RowsBrought>, Vec<(String, String, Problem)>), EngineError> {
    let mut passed_on: BTreeMap<&str, (&Scheme, Shaped)> = BTreeMap::new();
    for (version, settled) in outcomes {
        let Settled::Done(receipt) = settled else { continue };
        let head = head_of(engine, version).await?;
        for write_back in target.plan.write_backs() {
            let Some(receiver) = receiver(engine, scheme, write_back) else { continue };
            if !passed_on.contains_key(receiver.stem.as_str()) {
                // What turns it over is ended first: nothing can be brought meanwhile.
                take_over::take_over(engine, receiver).await?;
            }
            let shaped = row(engine, receiver, write_back, receipt, head.as_ref()).await?;
            let (_, so_far) = passed_on.entry(&receiver.stem).or_insert_with(|| (receiver, Shaped::default()));
            so_far.rows.extend(shaped.rows);
            so_far.left_out += shaped.left_out;
        }
    }
    let mut announced = Vec::new();
    let brought = passed_on.into_values().map(|(receiver, shaped)| {
        let refused = shaped.rows.iter().filter_map(|row| Some((row.bill.clone(), row.refused.clone()?)));
        announced.extend(refused.map(|(bill, problem)| (receiver.stem.clone(), bill, problem)));
        RowsBrought {
            scheme: receiver.stem.clone(),
            rows: shaped.rows,
            left_out: shaped.left_out,
            on_change: if receiver.source.plan.id_check() { OnChange::Skip } else { OnChange::Redeliver },
            makes_bills: receiver.target.is_some(),
            indexes: receiver.indexes.clone(),
            at_ms: clock::now_ms(),
        }
    });
    Ok((brought.collect(), announced))
}

/// The scheme that gets what is written back; `check` has seen to it that there is one.
fn receiver<'e>(engine: &'e Engine, scheme: &Scheme, write_back: &WriteBack) -> Option<&'e Scheme> {
    let stem = scheme.receivers.get(write_back.scheme())?;
    engine.snapshot.scheme(stem).map(Arc::as_ref)
}

/// The first collected row of a bill; none if all have vanished.
async fn head_of(engine: &Engine, version: &BillVersion) -> Result<Option<Row>, EngineError> {
    let rows = engine.journal.rows_of(&version.scheme, &version.bill).await?;
    Ok(rows.first().and_then(|json| serde_json::from_slice(json).ok()))
}

async fn row(
    engine: &Engine,
    receiver: &Scheme,
    write_back: &WriteBack,
    receipt: &Receipt,
    head: Option<&Row>,
) -> Result<Shaped, EngineError> {
    let variables = Variables::at(clock::now().as_second());
    let reply = reply(receipt);
    let row = match write_back.row(reply.clone(), head, &variables) {
        Ok(row) => row,
        Err(error) => return shape::refused_reply(receiver, reply, &error.to_string(), &error.hint()),
    };
    match shape::rows(engine, receiver, vec![row.clone()]).await {
        // The bill is delivered, whatever a stage of another scheme does: its row is taken up when that has changed.
        Err(error @ (EngineError::Failure(_) | EngineError::Scheme(_))) => {
            let hint = "it is taken up again when the scheme or a plugin of its stages changes";
            shape::refused_write_back(engine, receiver, row, &error.to_string(), hint)
        }
        shaped => shaped,
    }
}

/// The vendor's reply with the bill's `id` and `number`, as far as it does not have members of these names.
fn reply(receipt: &Receipt) -> Row {
    let mut reply = match serde_json::from_str(&receipt.reply) {
        Ok(Value::Object(reply)) => reply,
        Ok(Value::Null) | Err(_) => Row::new(),
        Ok(other) => Row::from_iter([("reply".to_owned(), other)]),
    };
    for (name, value) in [("id", &receipt.id), ("number", &receipt.number)] {
        if let (Some(value), false) = (value, reply.contains_key(name)) {
            reply.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    reply
}

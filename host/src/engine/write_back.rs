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
use super::{Engine, EngineError, settle};
use crate::dialect::{Row, Variables, WriteBack};
use crate::journal::{BillVersion, OnChange, Receipt, RowsBrought, Settled};
use crate::observe::clock;

/// Settles bills, and passes on what the delivered ones have for other schemes.
pub(super) async fn settle(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    outcomes: Vec<(BillVersion, Settled)>,
) -> Result<(), EngineError> {
    if target.plan.write_backs().is_empty() {
        return Ok(engine.journal.settle(outcomes).await?);
    }
    let mut passed_on: BTreeMap<&str, Shaped> = BTreeMap::new();
    for (version, settled) in &outcomes {
        let Settled::Done(receipt) = settled else { continue };
        let head = head_of(engine, version).await?;
        for write_back in target.plan.write_backs() {
            let Some(receiver) = receiver(engine, scheme, write_back) else { continue };
            let shaped = row(engine, receiver, write_back, receipt, head.as_ref()).await?;
            let so_far = passed_on.entry(&receiver.stem).or_default();
            so_far.rows.extend(shaped.rows);
            so_far.left_out += shaped.left_out;
        }
    }
    // Nobody groups the receivers' rows anew meanwhile.
    let mut in_step = Vec::with_capacity(passed_on.len());
    let mut brought = Vec::with_capacity(passed_on.len());
    for (stem, shaped) in passed_on {
        in_step.push(engine.in_step.of(stem).read_owned().await);
        let Some(receiver) = engine.snapshot.scheme(stem) else { continue };
        for row in &shaped.rows {
            if let Some(problem) = &row.refused {
                settle::announce(engine, stem, &row.bill, problem);
            }
        }
        brought.push(RowsBrought {
            scheme: stem.to_owned(),
            rows: shaped.rows,
            left_out: shaped.left_out,
            on_change: if receiver.source.plan.id_check() { OnChange::Skip } else { OnChange::Redeliver },
            makes_bills: receiver.target.is_some(),
            merges: receiver.merges(),
            indexes: receiver.indexes.clone(),
            at_ms: clock::now_ms(),
        });
    }
    let any = !brought.is_empty();
    engine.journal.settle_bringing(outcomes, brought).await?;
    drop(in_step);
    if any {
        engine.arrived.notify_waiters();
    }
    Ok(())
}

/// The scheme that gets what is written back; `check` has seen to it that there is one.
fn receiver<'e>(engine: &'e Engine, scheme: &Scheme, write_back: &WriteBack) -> Option<&'e Arc<Scheme>> {
    let stem = scheme.receivers.get(write_back.scheme())?;
    engine.snapshot.scheme(stem)
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
        Err(error) => return shape::refused_write_back(engine, receiver, reply, &error.to_string(), &error.hint()),
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

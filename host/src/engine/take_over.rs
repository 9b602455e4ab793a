//! What a new snapshot means for what the journal holds of a scheme: done once per scheme and snapshot, before the scheme
//! works with it, and at start, since the project may have changed while no host ran.
//!
//! * **Grouping.** A bill is all collected rows of one merge key. If the target groups rows otherwise now, bills that were
//!   not delivered are made anew of their rows. While a bill of the old grouping may be at the vendor, that has to wait: it
//!   is looked up and settled first, and nothing is scanned or sent meanwhile.
//! * **Dead bills** whose problem depends on something that has changed (the scheme, a table, a plugin) wait again.
//! * **Refused rows** whose refusal depends on something that has changed go through the stages again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::RwLock;

use super::snapshot::{Scheme, Snapshot};
use super::{Engine, EngineError, settle, shape};
use crate::journal::{Dependency, JournalError, RefusedRow, RestageSettings, Restaged};
use crate::observe::clock;

/// Refused rows that are taken up at a time.
const BATCH: usize = 200;

/// The snapshot that a scheme is in step with. Read while a page is stored, written while rows are grouped anew.
type OfScheme = Arc<RwLock<Weak<Snapshot>>>;

/// The snapshot that each scheme is in step with.
#[derive(Clone, Default)]
pub(super) struct InStep {
    schemes: Arc<Mutex<HashMap<String, OfScheme>>>,
}

impl InStep {
    /// Of one scheme.
    pub(super) fn of(&self, stem: &str) -> OfScheme {
        let mut schemes = self.schemes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(schemes.entry(stem.to_owned()).or_default())
    }
}

/// Whether a scheme is in step with what serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is.
    Taken,
    /// Bills of an earlier grouping have to be settled first.
    Regrouping,
    /// Something else serves by now: look again.
    Stale,
}

/// Whether a scheme is in step with this snapshot.
pub(super) fn is_taken(engine: &Engine, known: &Weak<Snapshot>) -> bool {
    std::ptr::eq(known.as_ptr(), Arc::as_ptr(&engine.snapshot))
}

/// Puts a scheme in step with the engine's snapshot.
pub(super) async fn take_over(engine: &Engine, scheme: &Scheme) -> Result<Step, EngineError> {
    let of_scheme = engine.in_step.of(&scheme.stem);
    if is_taken(engine, &*of_scheme.read().await) {
        return Ok(Step::Taken);
    }
    let mut in_step = of_scheme.write().await;
    if is_taken(engine, &in_step) {
        return Ok(Step::Taken);
    }
    // What an older snapshot made of the journal must not take the place of what a newer one did.
    if engine.is_stale() {
        return Ok(Step::Stale);
    }
    if !regroup(engine, scheme).await? {
        return Ok(Step::Regrouping);
    }
    revive(engine, scheme).await?;
    let rows = restage(engine, scheme).await?;
    if rows > 0 {
        tracing::info!(
            scheme = scheme.stem,
            rows,
            "refused rows went through the stages again: what they depend on changed"
        );
    }
    *in_step = Arc::downgrade(&engine.snapshot);
    Ok(Step::Taken)
}

/// Dead bills wait again whose problem depends on something that is another now than when it arose.
pub(super) async fn revive(engine: &Engine, scheme: &Scheme) -> Result<(), EngineError> {
    let now = |name: &str| engine.snapshot.digest_of(name);
    let bills = engine.journal.revive(&scheme.stem, &now, clock::now_ms()).await?;
    if bills > 0 {
        tracing::info!(scheme = scheme.stem, bills, "dead bills are tried again: what they depend on changed");
    }
    Ok(())
}

/// Makes bills of an earlier grouping anew. False: some of them may be at the vendor.
async fn regroup(engine: &Engine, scheme: &Scheme) -> Result<bool, EngineError> {
    let state = engine.journal.scheme(&scheme.stem).await?;
    let grouping = scheme.grouping();
    if state.grouping.as_deref() == Some(&grouping) {
        return Ok(true);
    }
    if state.counts.claimed > 0 {
        let bills = state.counts.claimed;
        tracing::debug!(scheme = scheme.stem, bills, "rows are not grouped anew before sent bills are settled");
        return Ok(false);
    }
    let bill_of = |id: &str, json: &[u8]| scheme.bill_of(id, &shape::bare(json)?).ok();
    match engine.journal.regroup(&scheme.stem, &grouping, scheme.merges(), &bill_of).await {
        Ok(0) => Ok(true),
        Ok(bills) => {
            tracing::info!(scheme = scheme.stem, bills, "the merge key changed: rows that wait are grouped anew");
            Ok(true)
        }
        // A batch of the delivery claimed something meanwhile.
        Err(JournalError::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes refused rows up again. Returns how many.
async fn restage(engine: &Engine, scheme: &Scheme) -> Result<u64, EngineError> {
    let mut after: Option<String> = None;
    let mut taken_up = 0;
    loop {
        let rows = engine.journal.refused_rows(&scheme.stem, BATCH, after.as_deref()).await?;
        let Some(last) = rows.last() else { return Ok(taken_up) };
        after = Some(last.id.clone());
        let mut restaged = Vec::new();
        for row in rows.into_iter().filter(|row| has_changed(engine, &row.problem.depends_on)) {
            restaged.extend(again(engine, scheme, row).await?);
        }
        if restaged.is_empty() {
            continue;
        }
        taken_up += u64::try_from(restaged.len()).unwrap_or(0);
        let how = RestageSettings {
            makes_bills: scheme.target.is_some(),
            merges: scheme.merges(),
            indexes: scheme.indexes.clone(),
        };
        engine.journal.restage(&scheme.stem, restaged, how).await?;
    }
}

async fn again(engine: &Engine, scheme: &Scheme, row: RefusedRow) -> Result<Option<Restaged>, EngineError> {
    let shaped = match shape::again(engine, scheme, &row.json).await {
        Ok(shaped) => shaped,
        // A stage that fails as a whole: the row stays refused as it is, and the next snapshot is another try.
        Err(error @ (EngineError::Failure(_) | EngineError::Scheme(_))) => {
            tracing::warn!(scheme = scheme.stem, row = row.id, "a refused row stays refused: {error}");
            None
        }
        Err(error) => return Err(error),
    };
    Ok(shaped.map(|shaped| {
        for row in &shaped.rows {
            if let Some(problem) = &row.refused {
                settle::announce(engine, &scheme.stem, &row.bill, problem);
            }
        }
        Restaged { id: row.id, digest: row.digest, becomes: shaped.rows }
    }))
}

fn has_changed(engine: &Engine, depends_on: &[Dependency]) -> bool {
    depends_on.iter().any(|seen| engine.snapshot.digest_of(&seen.name).is_some_and(|now| now != seen.digest))
}

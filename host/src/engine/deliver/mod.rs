//! Ready bills become delivered ones: map, find, claim, send, settle.
//!
//! Bills are taken in batches, so that a plugin is called once per function and batch, and a commit serves many bills. Two
//! batches are under way at a time: one maps and claims while the other waits for the vendor. Never two versions of one
//! bill: a bill under way is not taken again, and the journal gives out no newer version while an older one is claimed.
//! Never two bills of one number either: each would find the number free, and both would create it.

mod intent;
mod send;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::task::JoinSet;

use super::mapping::{self, BillRows};
use super::settle::{self, Stop};
use super::snapshot::{Scheme, Snapshot, TargetSide};
use super::take_over::{self, Step};
use super::{Engine, EngineError, look_up};
use crate::dialect::Variables;
use crate::journal::{ReadyBill, SetAside};
use crate::observe::clock;

/// Bills of a batch.
const BATCH: usize = 64;

/// Batches under way at a time.
const BATCHES: usize = 2;

/// One delivery of a scheme's bills: what its batches share.
#[derive(Clone)]
struct Delivery {
    engine: Engine,
    scheme: Arc<Scheme>,
    /// Numbers of the bills that are between look-up and settlement.
    numbers: Arc<Mutex<HashSet<String>>>,
    /// What becomes due later is left, Unix milliseconds.
    until_ms: Option<i64>,
    /// The scheme was found to be set up wrong: one bill finds out whether it still is.
    on_trial: bool,
}

impl Delivery {
    /// Whether one bill goes ahead of the others, to find out whether they would be sent in vain.
    fn goes_carefully(&self, target: &TargetSide) -> bool {
        self.on_trial || target.connection.awaits_probe()
    }

    /// Now, but not after the end of this delivery: by it, what becomes due later is not due.
    fn now_ms(&self) -> i64 {
        clock::now_ms().min(self.until_ms.unwrap_or(i64::MAX))
    }
}

/// A batch that has ended.
struct Batch {
    bills: Vec<String>,
    /// What served when it began.
    worked_with: Arc<Snapshot>,
    result: Result<(), EngineError>,
}

/// Delivers what is due, until nothing is. Bills whose time has not come are left, and so is what becomes due after
/// `until_ms` (Unix milliseconds). One at a time for each scheme. Each batch is mapped and sent by what serves by then.
/// `on_trial`: the scheme was found to be set up wrong, and one bill goes first. Returns whether anything was taken up.
pub async fn deliver_due(
    engine: &Engine,
    stem: &str,
    until_ms: Option<i64>,
    on_trial: bool,
) -> Result<bool, EngineError> {
    let (engine, scheme) = engine.refreshed_with(stem)?;
    if scheme.target.is_none() {
        return Ok(false);
    }
    engine.progress.delivery_begins();
    look_up::take_up(&engine, &scheme).await?;
    for collection in scheme.collections.values() {
        // Rows that a delivery brings release nobody by themselves.
        if engine.snapshot.scheme(collection).is_some_and(|collection| collection.is_fed) {
            engine.journal.release(collection).await?;
        }
    }
    let mut delivery = Delivery { engine, scheme, numbers: Arc::default(), until_ms, on_trial };
    let mut was_anything_due = false;
    let mut under_way: HashSet<String> = HashSet::new();
    let mut batches: JoinSet<Batch> = JoinSet::new();
    let mut failed = None;
    loop {
        if failed.is_none()
            && let Err(error) = take_batches(&mut delivery, &mut under_way, &mut batches).await
        {
            failed = Some(error);
        }
        match batches.join_next().await {
            Some(Ok(Batch { bills, worked_with, result })) => {
                for bill in &bills {
                    under_way.remove(bill);
                }
                was_anything_due = true;
                delivery.on_trial &= result.is_err();
                if let Err(error) = result {
                    // That an index is being built says least of all.
                    failed = match failed {
                        Some(known) if !matches!(known, EngineError::Unindexed(_)) => Some(known),
                        _ => Some(error),
                    };
                }
                // What it found dead may be mended by what has come to serve since it began. A scheme that was removed
                // meanwhile has nothing to revive, and its other batches end as they began: nothing is broken off here.
                if let Ok((engine, scheme)) = delivery.engine.refreshed_with(&delivery.scheme.stem)
                    && !Arc::ptr_eq(&worked_with, &engine.snapshot)
                    && let Err(error) = take_over::revive(&engine, &scheme).await
                {
                    failed.get_or_insert(error);
                }
            }
            Some(Err(broken)) => {
                failed.get_or_insert(EngineError::BrokenOff(format!("a batch broke off: {broken}")));
            }
            None => break failed.map_or(Ok(()), Err)?,
        }
    }
    if delivery.engine.journal.end_doubt(stem, false).await? {
        tracing::info!(scheme = stem, "all that the journal had lost is found again, or delivered");
    }
    Ok(was_anything_due)
}

/// Begins batches while there are bills that are due and room for another batch.
async fn take_batches(
    delivery: &mut Delivery,
    under_way: &mut HashSet<String>,
    batches: &mut JoinSet<Batch>,
) -> Result<(), EngineError> {
    while batches.len() < BATCHES {
        (delivery.engine, delivery.scheme) = delivery.engine.refreshed_with(&delivery.scheme.stem)?;
        let Delivery { engine, scheme, .. } = &*delivery;
        let Some(target) = &scheme.target else {
            return Ok(());
        };
        let is_waited_for = match target.connection.unavailable() {
            Some(unavailable) if batches.is_empty() => return Err(EngineError::Unavailable(unavailable)),
            Some(_) => true,
            None => delivery.goes_carefully(target) && !batches.is_empty(),
        };
        if is_waited_for {
            return Ok(());
        }
        look_up::due(engine, scheme, target, delivery.now_ms()).await?;
        match take_over::take_over(engine, scheme).await? {
            Step::Taken => {}
            Step::Stale => continue,
            // What is under way is settled first; then it is seen again.
            Step::Regrouping if !batches.is_empty() => return Ok(()),
            Step::Regrouping => return Err(EngineError::Regrouping),
        }
        if engine.is_stopping() {
            return Err(EngineError::Stopping);
        }
        engine.refuse_if_paused(&scheme.stem).await?;
        let skip = |bill: &str| under_way.contains(bill);
        let most = if delivery.goes_carefully(target) { 1 } else { BATCH };
        let ready = engine.journal.ready(&scheme.stem, delivery.now_ms(), most, &skip).await?;
        if ready.is_empty() {
            return Ok(());
        }
        let bills: Vec<String> = ready.iter().map(|bill| bill.version.bill.clone()).collect();
        under_way.extend(bills.iter().cloned());
        let delivery = delivery.clone();
        batches.spawn(async move {
            let result = delivery.batch(ready).await;
            Batch { bills, worked_with: delivery.engine.snapshot, result }
        });
    }
    Ok(())
}

impl Delivery {
    /// Delivers one batch.
    async fn batch(&self, ready: Vec<ReadyBill>) -> Result<(), EngineError> {
        let Some(target) = &self.scheme.target else {
            return Ok(());
        };
        let bills = self.with_rows(ready).await?;
        let mapped = mapping::map(&self.engine, &self.scheme, target, bills).await?;
        let other_request = other_request(target, &Variables::at(clock::now().as_second()))?;
        let connector = self.engine.snapshot.target_connector(&self.scheme, target);
        let uncertain = self.uncertain_numbers().await?;
        let (to_write, mut aside) = self.hold_numbers(mapped.mapped, &uncertain);
        let numbers: Vec<String> = to_write.iter().filter_map(|bill| bill.number.clone()).collect();
        aside.extend(mapped.set_aside);

        let result = async {
            let decided = self.decide_intents(target, &connector, &other_request, to_write).await;
            aside.extend(decided.aside);
            self.set_aside(aside).await?;
            if !decided.attempts.is_empty() {
                self.engine.journal.note_attempts(decided.attempts).await?;
            }
            if let Some(Stop(failure)) = decided.stop {
                return Err(EngineError::Failure(failure));
            }
            if let Some(broken_off) = decided.broken_off {
                return Err(broken_off);
            }
            let claimed = self.engine.journal.claim(decided.claims, clock::now_ms()).await?;
            self.send(target, &connector, &other_request, claimed).await
        }
        .await;
        // Bills of calls that broke off stay claimed, and hold their numbers as long as this delivery lasts.
        if !matches!(result, Err(EngineError::BrokenOff(_))) {
            self.release_numbers(&numbers);
        }
        result?;
        // The others of the batch are on their way.
        mapped.waits_for.map_or(Ok(()), |missing| Err(EngineError::Unindexed(missing)))
    }

    async fn with_rows(&self, ready: Vec<ReadyBill>) -> Result<Vec<BillRows>, EngineError> {
        let names: Vec<&str> = ready.iter().map(|bill| bill.version.bill.as_str()).collect();
        let mut texts = self.engine.journal.rows_of_bills(&self.scheme.stem, &names).await?;
        let parsed = ready.into_iter().map(|bill| {
            let texts = texts.remove(&bill.version.bill).unwrap_or_default();
            let rows = texts.iter().map(|text| serde_json::from_slice(text)).collect::<Result<_, _>>();
            let rows = rows.map_err(|error| {
                EngineError::Scheme(format!("a stored row of bill `{}` is damaged: {error}", bill.version.bill))
            })?;
            Ok(BillRows { bill, rows })
        });
        parsed.collect()
    }

    async fn set_aside(&self, bills: Vec<(ReadyBill, SetAside)>) -> Result<(), EngineError> {
        if bills.is_empty() {
            return Ok(());
        }
        for (bill, aside) in &bills {
            match aside {
                SetAside::Dead(problem) => {
                    settle::announce(&self.engine, &bill.version.scheme, &bill.version.bill, problem);
                    self.engine.progress.bill_dead();
                }
                SetAside::Done(_) => self.engine.progress.bill_done(),
                SetAside::Failed { .. } => self.engine.progress.attempt_failed(),
                SetAside::Blocked { .. } => {}
            }
        }
        let bills = bills.into_iter().map(|(bill, aside)| (bill.version, aside)).collect();
        Ok(self.engine.journal.set_aside(bills).await?)
    }
}

/// The rendered `otherRequest`.
pub(super) fn other_request(target: &TargetSide, variables: &Variables) -> Result<Value, EngineError> {
    target
        .plan
        .render_other_request(variables)
        .map_err(|error| EngineError::Scheme(format!("the target's otherRequest: {error}\n  hint: {}", error.hint())))
}

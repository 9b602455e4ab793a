//! What would become of a few rows: fetched, shaped, mapped and looked up at the target, and nothing written anywhere.
//!
//! A preview is made of the same pieces as a scan and a delivery, on an [`Engine`] that cannot leave a trace: its journal
//! refuses every change ([`ReadOnly`]), what plugins keep is forgotten with it ([`Scratch`]), and its snapshot is its own, in
//! which the scheme that is looked at stands as if it had been saved. Connections are those that serve, so that a preview
//! spends of their rates and sessions.
//!
//! [`gather`] gets rows and shapes them, [`compare`] says what the target has already, and [`report`] is what a person, or a
//! program, is shown.

mod compare;
mod gather;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::check::{self, Draft};
use super::indexing;
use super::mapping;
use super::reload::Standing;
use super::snapshot::{Scheme, Snapshot, TargetSide};
use super::{Engine, EngineError, Progress};
use crate::dialect::{MappingError, Row, Variables};
use crate::journal::{Journal, ReadOnly, Scratch, State};
use crate::observe::clock;
use gather::{Bill, Gathered};

pub use report::{
    BillShown, Difference, Failed, LeftOut, RefusedRow, Remark, Report, RowsRead, There, ThereState, Window,
};

/// What is to be shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The scheme's file: relative to the project's folder where it lies in it, and absolute where not.
    pub file: PathBuf,
    /// What is in it.
    pub text: String,
    /// Rows to take in place of fetched ones, as the source would return them.
    pub rows: Option<Vec<Row>>,
    /// So many bills, or rows where the scheme has no target.
    pub limit: usize,
    /// Look the bills up at the target.
    pub diff: bool,
}

/// Makes a preview. `journal` and `state` are read where they are there. What goes wrong is said in the report.
pub async fn preview(
    standing: &Standing,
    journal: Option<Arc<dyn Journal>>,
    state: Option<Arc<dyn State>>,
    request: Request,
) -> Report {
    let mut report = Report { file: request.file.display().to_string(), ..Report::default() };
    let scratch: Arc<dyn State> = Arc::new(Scratch::over(state));
    let Draft { stem, snapshot, problems } = check::draft(standing, Some(scratch), &request.file, &request.text);
    report.say(&problems);
    let small = snapshot.zip(stem).and_then(|(snapshot, stem)| with_small_pages(snapshot, &stem, request.limit));
    let Some((snapshot, scheme)) = small else {
        return report;
    };
    report.describe(&scheme);
    if journal.is_none() && !scheme.collections.is_empty() {
        report.notes.push("nothing has run here so far: lookups into other schemes find nothing".to_owned());
    }
    // Nobody replaces the snapshot, and nobody stops the work.
    let (_serving, snapshots) = watch::channel(snapshot);
    let (_stop, stopped) = watch::channel(false);
    let journal = Arc::new(ReadOnly::new(journal, Box::new(indexing::index_values)));
    let engine = Engine::new(snapshots, journal, Arc::new(Progress::default()), stopped);
    if let Err(error) = show(&engine, &scheme, request, &mut report).await {
        report.failed(&error);
    }
    report
}

/// The snapshot and the scheme, which fetches pages no larger than a look at it needs.
fn with_small_pages(mut snapshot: Snapshot, stem: &str, limit: usize) -> Option<(Arc<Snapshot>, Arc<Scheme>)> {
    const ROWS_OF_A_BILL: usize = 5;
    const LEAST: usize = 20;
    let place = snapshot.schemes.iter_mut().find(|scheme| scheme.stem == stem)?;
    let wanted = u32::try_from(limit.saturating_mul(ROWS_OF_A_BILL).max(LEAST)).unwrap_or(u32::MAX);
    if let Some(scheme) = Arc::get_mut(place) {
        scheme.source.page_size = scheme.source.page_size.min(wanted);
    }
    let scheme = Arc::clone(place);
    Some((Arc::new(snapshot), scheme))
}

async fn show(engine: &Engine, scheme: &Scheme, request: Request, report: &mut Report) -> Result<(), EngineError> {
    let Request { rows, limit, diff, .. } = request;
    let mut gathered = Gathered::default();
    let result = match rows {
        Some(rows) => gathered.take(engine, scheme, rows).await,
        None => gathered.fetch(engine, scheme, limit).await,
    };
    let bills = gathered.bills(scheme, limit);
    report.gathered(gathered);
    result?;
    let Some(target) = &scheme.target else {
        report.shaped.truncate(limit);
        return Ok(());
    };
    report.bills = map(engine, scheme, target, bills).await?;
    if diff {
        compare::with_target(engine, scheme, target, &mut report.bills).await?;
    }
    Ok(())
}

/// The bills, mapped as far as they can be.
async fn map(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    bills: Vec<Bill>,
) -> Result<Vec<BillShown>, EngineError> {
    let variables = Variables::at(clock::now().as_second());
    let rows: Vec<Vec<Row>> = bills.iter().map(|bill| bill.rows.clone()).collect();
    let drafts = mapping::draft(engine, scheme, target, &rows, &variables).await?;
    let mut shown = Vec::with_capacity(bills.len());
    for (bill, draft) in bills.into_iter().zip(drafts) {
        let number = target.plan.bill_number(&draft.bill, bill.rows.first(), target.number_field.as_deref());
        let mut failures = Vec::with_capacity(draft.failures.len());
        for failure in &draft.failures {
            let hint = hint(engine, scheme, failure).await?;
            // A computed field that several items name fails once.
            let failed = Failed::of(failure, hint);
            if !failures.contains(&failed) {
                failures.push(failed);
            }
        }
        shown.push(BillShown {
            key: bill.key,
            number,
            rows: bill.rows,
            may_lack_rows: bill.may_lack_rows,
            bill: draft.bill,
            failures,
            there: None,
        });
    }
    Ok(shown)
}

/// What a person can do now: a collection that is empty is filled, not waited for.
async fn hint(engine: &Engine, scheme: &Scheme, failure: &MappingError) -> Result<String, EngineError> {
    if let MappingError::MissingRow { collection, .. } = failure {
        let stem = scheme.collections.get(&**collection).map_or(&**collection, String::as_str);
        if engine.journal.scheme(stem).await?.counts.rows == 0 {
            return Ok(format!("the scheme `{stem}` has collected nothing so far: `qiao run --once` fills it"));
        }
    }
    Ok(failure.hint())
}

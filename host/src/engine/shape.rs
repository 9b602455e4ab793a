//! From fetched rows to rows that can be stored: formats and conditions of the metadata, stages, id, digest, bill, index
//! values.
//!
//! A row leaves this module in one of three ways: stored, left out on purpose (by a condition, by a stage that drops it),
//! or *refused*. A refused row is stored, too, for it must not vanish: with the problem, dead, and with the step that
//! refused it, so that when the scheme, the stage's plugin or a table has changed, it is taken up again from that step
//! (`take_over`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::snapshot::Scheme;
use super::{Engine, EngineError};
use crate::dialect::{self, MappingError, Row};
use crate::journal::{Dependency, IndexFields, Problem, RowToStore};
use crate::observe::clock;
use crate::plugin::transforms;

/// What became of rows.
#[derive(Default)]
pub(super) struct Shaped {
    /// Rows to store, refused ones included.
    pub(super) rows: Vec<RowToStore>,
    /// Rows that were left out on purpose.
    pub(super) left_out: u64,
    /// Those of them that each stage left out, by its place.
    pub(super) left_out_by_stage: BTreeMap<usize, u64>,
}

/// A row that was refused, as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refused {
    /// The step that refused it: 0 the metadata's formats and conditions, from 1 the stages, after them the storing.
    #[serde(rename = "refused_at_step")]
    step: usize,
    /// The row, as that step was given it.
    row: Row,
}

/// Why a row is refused.
struct Reason {
    rule: String,
    message: String,
    hint: Option<String>,
    depends_on: Vec<Dependency>,
}

/// Shapes a page of fetched rows.
pub(super) async fn rows(engine: &Engine, scheme: &Scheme, fetched: Vec<Row>) -> Result<Shaped, EngineError> {
    shape(engine, scheme, fetched, 0).await
}

/// A stored row, without what was noted beside it if it was refused.
pub(super) fn bare(stored: &[u8]) -> Option<Row> {
    match serde_json::from_slice::<Refused>(stored) {
        Ok(refused) => Some(refused.row),
        Err(_) => serde_json::from_slice(stored).ok(),
    }
}

/// The step of what never was a row.
const NO_ROW: usize = usize::MAX;

/// A vendor's reply of which no row could be made. Nothing takes it up again: only the bill's next delivery makes another.
pub(super) fn refused_reply(scheme: &Scheme, reply: Row, message: &str, hint: &str) -> Result<Shaped, EngineError> {
    let (message, hint) = (format!("what was written back: {message}"), Some(hint.to_owned()));
    let reason = Reason { rule: "write-back".to_owned(), message, hint, depends_on: Vec::new() };
    Ok(Shaped { rows: vec![to_refuse(scheme, &Refused { step: NO_ROW, row: reply }, reason)?], ..Shaped::default() })
}

/// A row that another scheme's delivery passes on, and that a stage cannot take now.
pub(super) fn refused_write_back(
    engine: &Engine,
    scheme: &Scheme,
    row: Row,
    message: &str,
    hint: &str,
) -> Result<Shaped, EngineError> {
    let mut depends_on = vec![engine.snapshot.dependency("scheme", &scheme.stem)];
    depends_on.extend(scheme.stages.iter().map(|stage| engine.snapshot.dependency("plugin", stage.plugin.name())));
    let (message, hint) = (format!("what was written back: {message}"), Some(hint.to_owned()));
    let reason = Reason { rule: "write-back".to_owned(), message, hint, depends_on };
    Ok(Shaped { rows: vec![to_refuse(scheme, &Refused { step: 0, row }, reason)?], ..Shaped::default() })
}

/// Shapes a refused row again, from the step that refused it. What is stored of it is not readable: `None`.
pub(super) async fn again(engine: &Engine, scheme: &Scheme, stored: &[u8]) -> Result<Option<Shaped>, EngineError> {
    let Ok(Refused { step, row }) = serde_json::from_slice(stored) else {
        return Ok(None);
    };
    if step == NO_ROW {
        return Ok(None);
    }
    shape(engine, scheme, vec![row], step).await.map(Some)
}

async fn shape(engine: &Engine, scheme: &Scheme, given: Vec<Row>, from: usize) -> Result<Shaped, EngineError> {
    let mut shaped = Shaped::default();
    let mut rows = given;
    if from == 0 {
        rows = by_metadata(engine, scheme, rows, &mut shaped);
    }
    for (place, stage) in scheme.stages.iter().enumerate() {
        let step = place + 1;
        if step < from || rows.is_empty() {
            continue;
        }
        let context = engine.snapshot.transform_context(scheme);
        let processed = transforms::run_stage(&stage.plugin, &context, &stage.name, &stage.config, &rows)
            .await
            .map_err(|error| EngineError::Failure(error.into_failure()))?;
        let went_on = processed.rows.len() + processed.refused.len();
        let left_out = u64::try_from(rows.len().saturating_sub(went_on)).unwrap_or(0);
        if left_out > 0 {
            shaped.left_out += left_out;
            shaped.left_out_by_stage.insert(place, left_out);
        }
        for refusal in processed.refused {
            let place = usize::try_from(refusal.row).unwrap_or(usize::MAX);
            let Some(row) = rows.get_mut(place).map(std::mem::take) else {
                return Err(EngineError::Scheme(format!(
                    "the stage `{}` of `{}` refuses row {place} of {}\n  hint: this is a mistake of the plugin: ask its author",
                    stage.name,
                    stage.plugin.name(),
                    rows.len()
                )));
            };
            let mut depends_on = vec![
                engine.snapshot.dependency("scheme", &scheme.stem),
                engine.snapshot.dependency("plugin", stage.plugin.name()),
            ];
            depends_on.extend(processed.tables_read.iter().map(|table| engine.snapshot.dependency("table", table)));
            let message = format!("the stage `{}` of `{}`: {}", stage.name, stage.plugin.name(), refusal.message);
            let reason = Reason { rule: refusal.rule, message, hint: None, depends_on };
            shaped.rows.push(to_refuse(scheme, &Refused { step, row }, reason)?);
        }
        rows = processed.rows;
    }
    let after_stages = scheme.stages.len() + 1;
    let total = rows.len();
    let mut unusable = None;
    let mut unstorable = 0;
    for row in rows {
        match to_store(scheme, &row)? {
            Ok(stored) => shaped.rows.push(stored),
            Err(mut reason) => {
                unstorable += 1;
                reason.depends_on.push(engine.snapshot.dependency("scheme", &scheme.stem));
                unusable.get_or_insert_with(|| format!("{}{}", reason.message, hinted(reason.hint.as_deref())));
                shaped.rows.push(to_refuse(scheme, &Refused { step: after_stages, row }, reason)?);
            }
        }
    }
    match unusable {
        // Not the rows are wrong then, but what the metadata says of them.
        Some(message) if unstorable == total && total > 1 => {
            Err(EngineError::Scheme(format!("no row of the page can be stored: {message}")))
        }
        _ => Ok(shaped),
    }
}

/// The metadata's formats and conditions.
fn by_metadata(engine: &Engine, scheme: &Scheme, fetched: Vec<Row>, shaped: &mut Shaped) -> Vec<Row> {
    let mut rows = Vec::with_capacity(fetched.len());
    for row in fetched {
        match scheme.source.plan.shape(row.clone()) {
            Ok(made) if made.is_empty() => shaped.left_out += 1,
            Ok(made) => rows.extend(made),
            Err(error) => {
                let depends_on = vec![engine.snapshot.dependency("scheme", &scheme.stem)];
                let rule = "metadata".to_owned();
                let reason = Reason { rule, message: error.to_string(), hint: Some(error.hint()), depends_on };
                shaped.rows.extend(to_refuse(scheme, &Refused { step: 0, row }, reason).ok());
            }
        }
    }
    rows
}

/// A row as it is stored, or why it cannot be.
fn to_store(scheme: &Scheme, row: &Row) -> Result<Result<RowToStore, Reason>, EngineError> {
    let reason = |error: MappingError| Reason {
        rule: "id".to_owned(),
        message: error.to_string(),
        hint: Some(error.hint()),
        depends_on: Vec::new(),
    };
    let id = match scheme.source.plan.row_id(row) {
        Ok(id) => id,
        Err(error) => return Ok(Err(reason(error))),
    };
    if id.is_empty() {
        return Ok(Err(Reason {
            rule: "id".to_owned(),
            message: format!("the row has no id: `{}` is empty or missing", scheme.source.plan.id_field()),
            hint: Some("`id` in the source's metadata names the field that tells rows apart".to_owned()),
            depends_on: Vec::new(),
        }));
    }
    let bill = match scheme.bill_of(&id, row) {
        Ok(bill) => bill,
        Err(error) => return Ok(Err(reason(error))),
    };
    let json = serde_json::to_vec(row).map_err(|error| EngineError::Scheme(error.to_string()))?;
    let index_values = scheme.indexes.iter().map(|fields| index_values(row, fields)).collect();
    Ok(Ok(RowToStore { digest: digest(&json), id, bill, json, index_values, refused: None }))
}

/// A refused row as it is stored: under its id where it has one, and under a name made of its content where it has none.
fn to_refuse(scheme: &Scheme, refused: &Refused, reason: Reason) -> Result<RowToStore, EngineError> {
    let json = serde_json::to_vec(refused).map_err(|error| EngineError::Scheme(error.to_string()))?;
    let digest = digest(&json);
    let id = scheme.source.plan.row_id(&refused.row).ok().filter(|id| !id.is_empty()).unwrap_or_else(|| {
        let name = digest.iter().take(8).fold(0_u64, |name, byte| name << 8 | u64::from(*byte));
        format!("row-{name:016x}")
    });
    let bill = scheme.bill_of(&id, &refused.row).ok().filter(|bill| !bill.is_empty()).unwrap_or_else(|| id.clone());
    let problem = Problem {
        kind: "refused".to_owned(),
        code: Some(reason.rule),
        message: reason.message,
        hint: reason.hint,
        at_ms: clock::now_ms(),
        depends_on: reason.depends_on,
    };
    let index_values = scheme.indexes.iter().map(|_| None).collect();
    Ok(RowToStore { digest, id, bill, json, index_values, refused: Some(problem) })
}

fn hinted(hint: Option<&str>) -> String {
    hint.map(|hint| format!("\n  hint: {hint}")).unwrap_or_default()
}

/// The values by which a lookup over these fields finds the row; none if it lacks one.
pub(super) fn index_values(row: &Row, fields: &IndexFields) -> Option<Vec<String>> {
    fields.iter().map(|name| dialect::field(row, name).map(dialect::index_text)).collect()
}

fn digest(json: &[u8]) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(json).into();
    let mut half = [0; 16];
    half.copy_from_slice(whole.first_chunk::<16>().map_or(&[0; 16], |chunk| chunk));
    half
}

//! From fetched rows to rows that can be stored: stages, id, digest, bill, index values.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::snapshot::Scheme;
use super::{Engine, EngineError};
use crate::dialect::{self, Row};
use crate::journal::{IndexFields, RowToStore};
use crate::plugin::transforms;

/// Shapes a page of rows.
pub(super) async fn rows(engine: &Engine, scheme: &Scheme, fetched: Vec<Row>) -> Result<Vec<RowToStore>, EngineError> {
    let mut rows = fetched;
    for stage in &scheme.stages {
        let context = engine.snapshot.transform_context(scheme);
        let processed = transforms::run_stage(&stage.plugin, &context, &stage.name, &stage.config, &rows)
            .await
            .map_err(|error| EngineError::Failure(error.into_failure()))?;
        if let Some(refusal) = processed.refused.first() {
            // A row must not vanish: until rows can be set aside on their own, the scan stops at the first.
            return Err(EngineError::Scheme(format!(
                "the stage `{}` of `{}` refuses row {}: {} ({})",
                stage.name,
                stage.plugin.name(),
                refusal.row,
                refusal.message,
                refusal.rule
            )));
        }
        rows = processed.rows;
    }
    rows.iter().map(|row| to_store(scheme, row)).collect()
}

fn to_store(scheme: &Scheme, row: &Row) -> Result<RowToStore, EngineError> {
    let unusable = |error: dialect::MappingError| {
        EngineError::Scheme(format!(
            "a row cannot be stored: {error}\n  hint: {}\n  row: {}",
            error.hint(),
            shortened(row)
        ))
    };
    let id = scheme.source.plan.row_id(row).map_err(unusable)?;
    if id.is_empty() {
        return Err(EngineError::Scheme(format!(
            "a row has no id: `{}` is empty or missing\n  hint: `id` in the source's metadata names the field that tells rows apart\n  row: {}",
            scheme.source.plan.id_field(),
            shortened(row)
        )));
    }
    let bill = match &scheme.target {
        Some(target) => target.plan.merge_key(row).map_err(unusable)?.unwrap_or_else(|| id.clone()),
        None => id.clone(),
    };
    let json = serde_json::to_vec(row).map_err(|error| EngineError::Scheme(error.to_string()))?;
    let index_values = scheme.indexes.iter().map(|fields| index_values(row, fields)).collect();
    Ok(RowToStore { digest: digest(&json), id, bill, json, index_values })
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

/// Enough of a row for a person to find it.
fn shortened(row: &Row) -> String {
    const CHARACTERS: usize = 300;
    let text = Value::Object(row.clone()).to_string();
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(&text)),
        None => text,
    }
}

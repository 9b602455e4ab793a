//! What the boundary between host and plugin costs: rows through a function and through a stage of the plugin `transforms`,
//! beside the very same Rust code called natively.
//!
//! The plugin's side is what the engine does: a fresh instance for each call, values converted at the boundary, rows as
//! JSON text both ways. The native side is the bare function on values that are there already.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use comfy_table::{Table, presets};
use qiao_host::config::{LimitsConfig, TableSet};
use qiao_host::plugin::transforms::{self, Scalar, TransformContext};
use qiao_host::plugin::{Plugin, Registry, Runtime};
use qiao_plugin::Context;
use serde_json::{Map, Value, json};

use crate::measure::{Pair, Turns};

/// Rows of one call.
const BATCHES: [usize; 3] = [1, 100, 1_000];

const FUNCTION: &str = "formatAmount";
const STAGE: &str = "rename";

/// What one way of calling cost.
pub(crate) struct Measured {
    what: &'static str,
    rows: usize,
    pair: Pair,
}

impl Measured {
    fn per_row_us(&self, whole: std::time::Duration) -> f64 {
        whole.as_secs_f64() * 1e6 / f64::from(u32::try_from(self.rows).unwrap_or(u32::MAX))
    }
}

pub(crate) async fn measure(file: &Path) -> anyhow::Result<Vec<Measured>> {
    let limits = LimitsConfig::default();
    let runtime = Runtime::new(limits.memory_bytes)?;
    let plugin = Registry::load_file(&runtime, &limits, file)
        .await
        .with_context(|| format!("`{}` does not load", file.display()))?;
    let context = TransformContext {
        tables: Arc::new(TableSet::empty()),
        state: None,
        scheme: Some("bench".into()),
        time_zone: "Asia/Shanghai".into(),
        limits,
    };
    let mut measured = Vec::new();
    for rows in BATCHES {
        let pair = function(&plugin, &context, rows).await?;
        measured.push(Measured { what: FUNCTION, rows, pair });
    }
    for rows in BATCHES {
        let pair = stage(&plugin, &context, rows).await?;
        measured.push(Measured { what: STAGE, rows, pair });
    }
    Ok(measured)
}

/// Amounts as vendors write them.
fn amounts(count: usize) -> Vec<Vec<Value>> {
    (0..count)
        .map(|row| vec![json!(format!("{}.{:04}", 10 + row * 37 % 9_000, row * 7_919 % 10_000)), json!(2)])
        .collect()
}

async fn function(plugin: &Plugin, context: &TransformContext, count: usize) -> anyhow::Result<Pair> {
    let arguments = amounts(count);
    let scalars: Vec<Vec<Scalar>> = arguments.iter().map(|row| row.iter().map(Scalar::from).collect()).collect();
    let library = qiao_plugin_transforms::library();
    let native_context = Context::default();
    let mut turns = Turns::default();
    while turns.go_on() {
        let begun = Instant::now();
        let native =
            library.call(FUNCTION, &native_context, &arguments).map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        let native_took = begun.elapsed();

        let given = scalars.clone();
        let begun = Instant::now();
        let called = transforms::call_function(plugin, context, FUNCTION, given).await?;
        let plugin_took = begun.elapsed();

        ensure!(native.len() == count && called.values.len() == count, "not all rows were answered");
        let same = native
            .iter()
            .zip(&called.values)
            .all(|(native, called)| called.clone().and_then(Scalar::into_value).as_ref().ok() == native.as_ref().ok());
        ensure!(same, "the plugin answers otherwise than the native code");
        turns.note(native_took, plugin_took);
    }
    Ok(turns.medians())
}

/// Lines of orders, as Kingdee's query returns them.
fn lines(count: usize) -> Vec<Map<String, Value>> {
    let line = |row: usize| {
        json!({
            "FSaleOrderEntry_FEntryID": 200_001 + row,
            "FBillNo": format!("XSDD{:06}", row / 3),
            "FDocumentStatus": "C",
            "FSaleOrgId_FNumber": "100",
            "FDate": "2026-11-01T00:00:00",
            "FModifyDate": "2026-11-01T08:30:00",
            "FCustId_FNumber": "CUST0001",
            "FSalerId_FNumber": "EMP01",
            "FSettleCurrId_FCODE": "CNY",
            "FNote": "加急，请在周五之前发货",
            "FMaterialId_FNumber": "MAT-001",
            "FMaterialId_FName": "不锈钢螺栓 M6",
            "FQty": "12.0000",
            "FTaxPrice": "8.5000",
        })
    };
    (0..count).filter_map(|row| line(row).as_object().cloned()).collect()
}

async fn stage(plugin: &Plugin, context: &TransformContext, count: usize) -> anyhow::Result<Pair> {
    let rows = lines(count);
    let config = json!({ "fields": { "FNote": "remark", "FQty": "count", "FTaxPrice": "unit_price" } });
    let library = qiao_plugin_transforms::library();
    let native_context = Context::default();
    let mut turns = Turns::default();
    while turns.go_on() {
        let given = rows.clone();
        let begun = Instant::now();
        let native = library
            .process(STAGE, &native_context, &config, given)
            .map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        let native_took = begun.elapsed();

        let begun = Instant::now();
        let processed = transforms::run_stage(plugin, context, STAGE, &config, &rows).await?;
        let plugin_took = begun.elapsed();

        ensure!(native.rows == processed.rows, "the plugin answers otherwise than the native code");
        turns.note(native_took, plugin_took);
    }
    Ok(turns.medians())
}

pub(crate) fn table(measured: &[Measured]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "through",
        "rows per call",
        "native µs/row",
        "plugin µs/row",
        "ratio",
    ]);
    for line in measured {
        table.add_row([
            line.what.to_owned(),
            line.rows.to_string(),
            format!("{:.3}", line.per_row_us(line.pair.native)),
            format!("{:.3}", line.per_row_us(line.pair.ours)),
            format!("{:.1}", line.pair.ratio()),
        ]);
    }
    table.to_string()
}

pub(crate) fn json(measured: &[Measured]) -> Value {
    let lines = measured.iter().map(|line| {
        json!({
            "through": line.what,
            "rows_per_call": line.rows,
            "native_us_per_row": line.per_row_us(line.pair.native),
            "plugin_us_per_row": line.per_row_us(line.pair.ours),
            "ratio": line.pair.ratio(),
        })
    });
    Value::Array(lines.collect())
}

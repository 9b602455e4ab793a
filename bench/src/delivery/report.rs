//! What was measured, for people and as JSON.

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::runs::{Case, Measured, Side};

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn table(measured: &Measured) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "rows",
        "orders",
        "latency ms",
        "by",
        "orders/s",
        "CPU s",
        "fixture's CPU s",
        "peak MiB",
        "beyond idle MiB",
    ]);
    for case in &measured.cases {
        let Case { task, reference, qiao } = case;
        let mut line = |by: &str, side: &Side, beyond: String| {
            table.add_row([
                task.rows.to_string(),
                case.orders().to_string(),
                task.latency_ms.to_string(),
                by.to_owned(),
                format!("{:.0}", side.orders_per_second),
                format!("{:.2}", side.cpu_seconds),
                format!("{:.2}", side.fixture_cpu_seconds),
                format!("{:.0}", mib(side.peak_bytes)),
                beyond,
            ]);
        };
        if let Some(reference) = reference {
            line("hand", reference, String::new());
        }
        line("qiao", qiao, format!("{:.0}", beyond_idle(measured, qiao)));
        if let Some(reference) = reference {
            table.add_row([
                String::new(),
                String::new(),
                String::new(),
                "ratio".to_owned(),
                format!("{:.2}", qiao.orders_per_second / reference.orders_per_second),
                times_of_processor(qiao, reference).map_or_else(|| "-".to_owned(), |times| format!("{times:.1}")),
                String::new(),
                format!("{:.1}", mib(qiao.peak_bytes) / mib(reference.peak_bytes)),
                String::new(),
            ]);
        }
    }
    let idle = measured.idle;
    format!("{table}\n\nidle: {:.0} MiB, {:.2} s from start to end", mib(idle.peak_bytes), idle.seconds)
}

/// `None`: the program written by hand was done before the system counted any time.
fn times_of_processor(qiao: &Side, reference: &Side) -> Option<f64> {
    (reference.cpu_seconds > 0.0).then(|| qiao.cpu_seconds / reference.cpu_seconds)
}

pub(crate) fn json(measured: &Measured) -> Value {
    let side = |side: &Side| {
        json!({
            "orders_per_second": side.orders_per_second,
            "cpu_seconds": side.cpu_seconds,
            "fixture_cpu_seconds": side.fixture_cpu_seconds,
            "peak_mib": mib(side.peak_bytes),
        })
    };
    let cases = measured.cases.iter().map(|case| {
        let ratio = case.reference.as_ref().map(|reference| {
            json!({
                "orders_per_second": case.qiao.orders_per_second / reference.orders_per_second,
                "cpu_seconds": times_of_processor(&case.qiao, reference),
                "peak_mib": mib(case.qiao.peak_bytes) / mib(reference.peak_bytes),
            })
        });
        json!({
            "rows": case.task.rows,
            "orders": case.orders(),
            "latency_ms": case.task.latency_ms,
            "reference": case.reference.as_ref().map(side),
            "qiao": side(&case.qiao),
            "ratio": ratio,
            "beyond_idle_mib": beyond_idle(measured, &case.qiao),
        })
    });
    let cases: Vec<Value> = cases.collect();
    let idle = json!({ "peak_mib": mib(measured.idle.peak_bytes), "seconds": measured.idle.seconds });
    json!({ "idle": idle, "cases": cases })
}

fn beyond_idle(measured: &Measured, side: &Side) -> f64 {
    mib(side.peak_bytes) - mib(measured.idle.peak_bytes)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for a person")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

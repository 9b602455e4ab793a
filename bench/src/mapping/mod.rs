//! What a mapping by metadata costs: Kingdee's sales orders become OKKI's (14 fields, a rounded amount, a lookup and an array
//! over the lines), beside the same mapping written by hand in Rust over the same JSON values.
//!
//! Both look products up in memory, so that the mapping is measured and not the journal; that is `lookups`.

mod books;
mod by_dialect;
mod by_hand;

use std::time::{Duration, Instant};

use anyhow::ensure;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::measure::{Pair, Turns};

/// Orders that are mapped in one turn: a batch of the engine, and short enough to be seldom interrupted.
const ORDERS: usize = 64;

/// What a row, a line of an order, cost.
pub(crate) struct Measured {
    rows: u32,
    pair: Pair,
}

impl Measured {
    fn by_hand_ns(&self) -> f64 {
        self.pair.native.as_secs_f64() * 1e9 / f64::from(self.rows)
    }

    fn by_metadata_ns(&self) -> f64 {
        self.pair.ours.as_secs_f64() * 1e9 / f64::from(self.rows)
    }
}

pub(crate) fn measure() -> anyhow::Result<Measured> {
    let plan = by_dialect::plan()?;
    let (bills, products) = (books::bills(ORDERS, 1)?, books::products());
    let rows = u32::try_from(bills.iter().map(Vec::len).sum::<usize>())?;
    let by_hand =
        || timed(|| bills.iter().map(|lines| by_hand::order(lines, &products)).collect::<anyhow::Result<Vec<_>>>());
    let by_metadata = || timed(|| by_dialect::orders(&plan, &bills, &products));
    let mut turns = Turns::default();
    let mut by_hand_first = false;
    while turns.go_on() {
        // What comes second finds the rows in the processor's cache.
        by_hand_first = !by_hand_first;
        let (by_hand, by_metadata) = if by_hand_first {
            let by_hand = by_hand()?;
            (by_hand, by_metadata()?)
        } else {
            let by_metadata = by_metadata()?;
            (by_hand()?, by_metadata)
        };
        ensure!(by_hand.0 == by_metadata.0, "the metadata maps otherwise than the mapping by hand");
        turns.note(by_hand.1, by_metadata.1);
    }
    Ok(Measured { rows, pair: turns.medians() })
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let begun = Instant::now();
    let done = work()?;
    Ok((done, begun.elapsed()))
}

pub(crate) fn table(measured: &Measured) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "mapping",
        "rows",
        "by hand ns/row",
        "by metadata ns/row",
        "ratio",
    ]);
    table.add_row([
        "kingdee → okki".to_owned(),
        measured.rows.to_string(),
        format!("{:.0}", measured.by_hand_ns()),
        format!("{:.0}", measured.by_metadata_ns()),
        format!("{:.2}", measured.pair.ratio()),
    ]);
    table.to_string()
}

pub(crate) fn json(measured: &Measured) -> Value {
    json!({
        "mapping": "kingdee → okki",
        "rows": measured.rows,
        "by_hand_ns_per_row": measured.by_hand_ns(),
        "by_metadata_ns_per_row": measured.by_metadata_ns(),
        "ratio": measured.pair.ratio(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn both_mappings_give_the_same_orders() {
        let (plan, products) = (by_dialect::plan().unwrap(), books::products());
        for seed in 0..20 {
            let bills = books::bills(100, seed).unwrap();
            let by_hand: Vec<_> = bills.iter().map(|lines| by_hand::order(lines, &products).unwrap()).collect();
            assert_eq!(by_dialect::orders(&plan, &bills, &products).unwrap(), by_hand, "seed {seed}");
        }
    }

    #[test]
    fn an_order_is_what_okki_wants() {
        let line = |text| serde_json::from_str(text).unwrap();
        let bill = vec![
            line(
                r#"{"FBillNo": "XSDD01", "FDate": "2026-11-01T00:00:00", "FSettleCurrId_FCODE": "CNY", "FNote": "加急",
                "FCustId_FNumber": "CUST0001", "FSalerId_FNumber": "EMP01", "FMaterialId_FNumber": "CH000-M0000",
                "FMaterialId_FName": "螺栓", "FQty": 3.00, "FTaxPrice": 1.1150}"#,
            ),
            line(
                r#"{"FBillNo": "XSDD01", "FMaterialId_FNumber": "CH001-M0001", "FMaterialId_FName": "螺母",
                "FQty": 0.01, "FTaxPrice": 0.5000}"#,
            ),
        ];
        let expected =
            r#"{"order_no":"XSDD01","name":"金蝶销售订单 XSDD01","account_date":"2026-11-01","currency":"CNY","#
                .to_owned()
                + r#""remark":"加急","customer_no":"CUST0001","salesman_no":"EMP01","product_list":["#
                + r#"{"product_id":68719476736,"product_no":"CH000-M0000","product_name":"螺栓","count":3.00,"#
                + r#""unit_price":1.1150,"cost_amount":3.35},"#
                + r#"{"product_id":68719476737,"product_no":"CH001-M0001","product_name":"螺母","count":0.01,"#
                + r#""unit_price":0.5000,"cost_amount":0.01}]}"#;
        let mapped = by_dialect::orders(&by_dialect::plan().unwrap(), &[bill], &books::products()).unwrap();
        assert_eq!(Value::Object(mapped[0].clone()).to_string(), expected);
    }
}

//! What is mapped: lines of orders as Kingdee's query returns them, and the products that OKKI knows.

use std::collections::HashMap;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

pub(super) type Row = Map<String, Value>;

/// A product of OKKI.
pub(super) struct Product {
    pub(super) product_id: Value,
}

/// Products by their number.
pub(super) type Products = HashMap<String, Product>;

const MATERIALS: usize = 320;
const CUSTOMERS: usize = 40;
const SALESMEN: usize = 10;

/// Orders of one to six lines each, parsed from the text of a page, so that numbers are as JSON has them.
pub(super) fn bills(count: usize, seed: u64) -> anyhow::Result<Vec<Vec<Row>>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut entry = 200_000;
    let mut bills = Vec::with_capacity(count);
    for bill in 0..count {
        let lines = random.usize(1..=6);
        let (customer, salesman) = (random.usize(0..CUSTOMERS), random.usize(0..SALESMEN));
        let (month, day) = (random.u8(1..=12), random.u8(1..=28));
        let rows = (0..lines).map(|_| {
            entry += 1;
            let material = random.usize(0..MATERIALS);
            let (quantity, price) = (random.u32(1..100_000), random.u32(1..10_000_000));
            format!(
                r#"{{"FSaleOrderEntry_FEntryID": {entry}, "FBillNo": "XSDD{bill:06}", "FDocumentStatus": "C",
                "FSaleOrgId_FNumber": "100", "FDate": "2026-{month:02}-{day:02}T00:00:00",
                "FModifyDate": "2026-{month:02}-{day:02}T08:30:00.123", "FCustId_FNumber": "CUST{customer:04}",
                "FSalerId_FNumber": "EMP{salesman:02}", "FSettleCurrId_FCODE": "CNY",
                "FNote": "加急，请在周五之前发货", "FMaterialId_FNumber": "{}",
                "FMaterialId_FName": "不锈钢螺栓 M{material}", "FQty": {}.{:02}, "FTaxPrice": {}.{:04}}}"#,
                material_number(material),
                quantity / 100,
                quantity % 100,
                price / 10_000,
                price % 10_000,
            )
        });
        let rows = rows.map(|text| serde_json::from_str(&text)).collect::<Result<_, _>>();
        bills.push(rows.context("a row is no JSON")?);
    }
    Ok(bills)
}

pub(super) fn products() -> Products {
    let product = |material| {
        let product_id = json!(68_719_476_736_u64 + material as u64);
        (material_number(material), Product { product_id })
    };
    (0..MATERIALS).map(product).collect()
}

fn material_number(material: usize) -> String {
    format!("CH{:03}-M{material:04}", material % 17)
}

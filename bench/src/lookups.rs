//! What a lookup costs in the journal, by the number of rows in the collection: a point read through an index, of any row and
//! of one that was read just before, and what the engine makes of the row found, which is to parse it and to take a field.
//!
//! A million rows are more than the store keeps in memory, so there reading any row means reading from a file.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use comfy_table::{Table, presets};
use dialect_alone::dialect::{Row, field};
use journal_alone::journal::{
    IndexFields, Journal, NewScan, OnChange, PageRef, PageToStore, RowToStore, ScanKind, SledStore, Trail,
};
use serde_json::{Value, json};

/// Rows collected.
const SIZES: [u32; 2] = [1_000, 1_000_000];

/// Rows of a page.
const PAGE: u32 = 500;

/// Lookups of a turn, and turns.
const LOOKUPS: u32 = 500;
const TURNS: usize = 40;

const COLLECTION: &str = "okki-products";

/// A collection of one size.
pub(crate) struct Measured {
    rows: u32,
    /// Storing a row, with its index.
    stored: Duration,
    /// A point read of any row.
    read: Duration,
    /// A point read of a row that was read just before.
    read_again: Duration,
    /// The same, and a field of the row.
    answered: Duration,
}

pub(crate) async fn measure() -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for rows in SIZES {
        measured.push(measure_size(rows).await?);
    }
    Ok(measured)
}

async fn measure_size(rows: u32) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir()?;
    let store = SledStore::open(&folder.path().join("state"))?;
    let fields = vec!["product_no".to_owned()];
    let begun = Instant::now();
    collect(&store, rows, &fields).await?;
    let stored = begun.elapsed() / rows;
    let mut random = fastrand::Rng::with_seed(1);
    let [mut reads, mut reads_again, mut answers] = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        let wanted: Vec<u32> = (0..LOOKUPS).map(|_| random.u32(0..rows)).collect();
        let values: Vec<Vec<String>> = wanted.iter().map(|product| vec![product_no(*product)]).collect();

        for times in [&mut reads, &mut reads_again] {
            let begun = Instant::now();
            for values in &values {
                ensure!(
                    store.look_up(COLLECTION, &fields, values, &|_| true).await?.is_some(),
                    "a product is not found"
                );
            }
            times.push(begun.elapsed() / LOOKUPS);
        }

        let begun = Instant::now();
        let mut found = Vec::with_capacity(values.len());
        for values in &values {
            let found_row = store.look_up(COLLECTION, &fields, values, &|_| true).await?;
            let row: Row = serde_json::from_slice(&found_row.context("a product is not found")?.json)?;
            found.push(field(&row, "product_id").cloned().unwrap_or_default());
        }
        answers.push(begun.elapsed() / LOOKUPS);
        let expected = wanted.iter().map(|product| json!(product_id(*product)));
        ensure!(found.into_iter().eq(expected), "another product is found");
    }
    Ok(Measured { rows, stored, read: median(reads), read_again: median(reads_again), answered: median(answers) })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A whole scan.
async fn collect(store: &SledStore, rows: u32, fields: &IndexFields) -> anyhow::Result<()> {
    store.ensure_indexes(COLLECTION, std::slice::from_ref(fields), &|_, _| None).await?;
    let page = |index| PageRef { index, start_row: 0, cursor: None };
    let scan = NewScan {
        kind: ScanKind::Scheduled,
        window_start: None,
        window_end: 1_767_225_600,
        begun_ms: 1_767_225_600_000,
        source_digest: "bench".to_owned(),
        first_page: page(0),
    };
    let scan = store.begin_scan(COLLECTION, scan).await?.id;
    let pages = rows.div_ceil(PAGE);
    for index in 0..pages {
        let products = index * PAGE..rows.min((index + 1) * PAGE);
        let stored = PageToStore {
            scheme: COLLECTION.to_owned(),
            scan,
            page: page(index),
            next: Vec::from_iter((index + 1 < pages).then(|| page(index + 1))),
            trail: Trail::default(),
            give_up: None,
            rows: products.map(product).collect(),
            left_out: 0,
            on_change: OnChange::Redeliver,
            makes_bills: false,
            merges: false,
            complete_bills: false,
            indexes: vec![fields.clone()],
        };
        store.store_page(stored).await?;
    }
    store.finish_scan(COLLECTION, scan).await?;
    Ok(())
}

/// A product as OKKI lists it.
fn product(product: u32) -> RowToStore {
    let (id, number) = (product_id(product), product_no(product));
    let row = json!({
        "product_id": id,
        "product_no": number,
        "name": format!("不锈钢螺栓 M{product}"),
        "cn_name": format!("不锈钢螺栓 M{product}"),
        "model": "A2-70",
        "unit": "件",
        "sku_id": id + 1_000_000_000,
        "group_id": 12,
        "create_time": "2026-01-05 08:30:00",
        "update_time": "2026-11-01 08:30:00",
    });
    let mut digest = [0; 16];
    digest.iter_mut().zip(product.to_be_bytes()).for_each(|(to, from)| *to = from);
    RowToStore {
        bill: id.to_string(),
        id: id.to_string(),
        digest,
        json: row.to_string().into_bytes(),
        index_values: vec![Some(vec![number])],
        refused: None,
    }
}

fn product_id(product: u32) -> u64 {
    68_719_476_736 + u64::from(product)
}

/// In an order that is not the products'.
fn product_no(product: u32) -> String {
    format!("CH{:03}-M{product:07}", product % 997)
}

pub(crate) fn table(measured: &[Measured]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "collected rows",
        "storing ns/row",
        "lookup ns",
        "lookup again ns",
        "and its field ns",
    ]);
    for size in measured {
        table.add_row([size.rows.to_string(), ns(size.stored), ns(size.read), ns(size.read_again), ns(size.answered)]);
    }
    table.to_string()
}

fn ns(time: Duration) -> String {
    time.as_nanos().to_string()
}

pub(crate) fn json(measured: &[Measured]) -> Value {
    let sizes = measured.iter().map(|size| {
        json!({
            "collected_rows": size.rows,
            "storing_ns_per_row": size.stored.as_secs_f64() * 1e9,
            "lookup_ns": size.read.as_secs_f64() * 1e9,
            "lookup_again_ns": size.read_again.as_secs_f64() * 1e9,
            "lookup_again_and_field_ns": size.answered.as_secs_f64() * 1e9,
        })
    });
    Value::Array(sizes.collect())
}

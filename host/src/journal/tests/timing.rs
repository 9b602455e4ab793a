//! What things cost: `cargo test timing -- --ignored --nocapture`.
#![allow(clippy::print_stdout, reason = "figures for a person")]

use std::time::{Duration, Instant};

use super::*;

const PAGE: usize = 500;
const PAGES: usize = 40;
const LINES: usize = 3;
const BATCH: usize = 50;

fn wide_row(number: usize) -> RowToStore {
    let fields: Vec<String> = (0..18).map(|field| format!("\"FField{field}\":\"value-{number}-{field}\"")).collect();
    let order = format!("SO{:06}", number / LINES);
    RowToStore {
        id: format!("{}", 100_000 + number),
        digest: u128::try_from(number + 1).unwrap().to_be_bytes(),
        bill: order.clone(),
        json: format!("{{\"FBillNo\":\"{order}\",{}}}", fields.join(",")).into_bytes(),
        index_values: vec![Some(vec![format!("{number}")])],
        refused: None,
    }
}

fn per(time: Duration, count: usize) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap()))
}

async fn pages(bench: &Bench, scheme: &str, shape: impl Fn(&mut PageToStore)) -> (Duration, Duration) {
    let scan = bench.begin(scheme).await;
    let mut storing = Duration::ZERO;
    for index in 0..PAGES {
        let rows = (index * PAGE..(index + 1) * PAGE).map(wide_row).collect();
        let number = u32::try_from(index).unwrap();
        let mut to_store = page_of(scheme, scan, number, rows);
        to_store.next = if index + 1 < PAGES { vec![page(number + 1)] } else { vec![] };
        to_store.indexes = vec![];
        shape(&mut to_store);
        let begun = Instant::now();
        bench.store.store_page(to_store).await.unwrap();
        storing += begun.elapsed();
    }
    let begun = Instant::now();
    bench.store.finish_scan(scheme, scan).await.unwrap();
    (storing, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn pages_and_bills() {
    let bench = Bench::new();
    let rows = PAGES * PAGE;
    let orders = rows.div_ceil(LINES);

    let (storing, sealing) = pages(&bench, "orders", |_| {}).await;
    println!("{rows} rows of {} bytes in pages of {PAGE}, {LINES} to a bill", wide_row(9_999).json.len());
    println!("store_page, merging      {} per row", per(storing, rows));
    println!("finish_scan              {} per bill", per(sealing, orders));

    let (mut reading, mut mapping, mut claiming, mut settling) = Default::default();
    let mut delivered = 0;
    loop {
        let begun = Instant::now();
        let ready = bench.store.ready("orders", LATE, BATCH, &|_| false).await.unwrap();
        reading += begun.elapsed();
        if ready.is_empty() {
            break;
        }
        let begun = Instant::now();
        for bill in &ready {
            bench.store.rows_of("orders", &bill.version.bill).await.unwrap();
        }
        mapping += begun.elapsed();
        let payload = String::from_utf8(wide_row(1).json).unwrap();
        let claims =
            ready.iter().map(|bill| ClaimToMake { payload: payload.clone(), ..to_claim(bill.version.clone()) });
        let claims = claims.collect();
        let begun = Instant::now();
        let claimed = bench.store.claim(claims, LATE).await.unwrap();
        claiming += begun.elapsed();
        delivered += claimed.len();
        let outcomes = claimed.into_iter().map(|claim| (claim.version, Settled::Done(receipt("SO"))));
        let outcomes = outcomes.collect();
        let begun = Instant::now();
        bench.store.settle(outcomes).await.unwrap();
        settling += begun.elapsed();
    }
    assert_eq!(delivered, orders);
    let [reading, mapping, claiming, settling]: [Duration; 4] = [reading, mapping, claiming, settling];
    println!("ready, {BATCH} at a time     {} per bill", per(reading, orders));
    println!("rows_of                  {} per bill", per(mapping, orders));
    println!("claim, {BATCH} at a time     {} per bill", per(claiming, orders));
    println!("settle, {BATCH} at a time    {} per bill", per(settling, orders));

    let (storing, _) = pages(&bench, "orders", |_| {}).await;
    println!("store_page, all known    {} per row", per(storing, rows));
    let (storing, sealing) = pages(&bench, "orders", |page| page.complete_bills = true).await;
    println!("store_page, complete     {} per row", per(storing, rows));
    println!("finish_scan, complete    {} per bill", per(sealing, orders));
    // A line is gone from every tenth bill.
    let (_, sealing) = pages(&bench, "orders", |page| {
        page.complete_bills = true;
        let mut number = 0;
        page.rows.retain(|_| {
            number += 1;
            number % (10 * LINES) != 0
        });
    })
    .await;
    println!("finish_scan, lines gone  {} per bill", per(sealing, orders));

    bench.store.ensure_indexes("products", &[by_content()], &values_of).await.unwrap();
    let (storing, _) = pages(&bench, "products", |page| {
        page.indexes = vec![by_content()];
        page.makes_bills = false;
        for row in &mut page.rows {
            row.bill.clone_from(&row.id);
        }
    })
    .await;
    println!("store_page, one index    {} per row", per(storing, rows));
    let begun = Instant::now();
    for number in 0..rows {
        let found = bench.store.look_up("products", &by_content(), &[number.to_string()], &any_row).await.unwrap();
        assert!(found.is_some());
    }
    println!("look_up                  {}", per(begun.elapsed(), rows));

    let (storing, sealing) = pages(&bench, "flat", |page| {
        page.merges = false;
        for row in &mut page.rows {
            row.bill.clone_from(&row.id);
        }
    })
    .await;
    println!("store_page, a bill each  {} per row", per(storing + sealing, rows));

    let begun = Instant::now();
    for number in 0..200 {
        bench.store.set("plugin/connection", "key", vec![number], 0, None).await.unwrap();
    }
    println!("a commit alone           {}", per(begun.elapsed(), 200));
}

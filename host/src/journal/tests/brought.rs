//! Rows that a delivery of another scheme brings.

use super::*;

const FROM: &str = "退货";
const TO: &str = "写回";

fn brought(rows: Vec<RowToStore>) -> RowsBrought {
    RowsBrought {
        scheme: TO.into(),
        rows,
        left_out: 0,
        on_change: OnChange::Redeliver,
        makes_bills: true,
        indexes: vec![by_content()],
        at_ms: 5_000,
    }
}

/// A bill that is claimed, and may be settled.
async fn with_a_claim() -> (Bench, BillVersion) {
    let bench = Bench::new();
    bench.scan(FROM, vec![row("行1", "TK1", 1)]).await;
    let version = version(FROM, "TK1", 1);
    bench.claim(version.clone(), LATE).await.unwrap();
    (bench, version)
}

#[tokio::test]
async fn they_are_there_when_the_bill_is_settled_and_are_ready_at_once() {
    let (bench, version) = with_a_claim().await;
    bench.store.ensure_indexes(TO, &[by_content()], &values_of).await.unwrap();
    let outcome = vec![(version, Settled::Done(receipt("TK1")))];
    bench.store.settle_bringing(outcome, vec![brought(vec![row("1", "1", 7)])], vec![]).await.unwrap();
    assert_eq!(bench.ready(TO, 5_000).await, ["1 v1"]);
    assert_eq!(bench.ready(TO, 4_999).await, Vec::<String>::new());
    let counts = bench.check(TO).await;
    assert_eq!((counts.rows, counts.new, counts.bills), (1, 1, 1));
    assert_eq!(bench.check(FROM).await.done, 1);
    let found = bench.store.look_up(TO, &by_content(), &["7".into()], &any_row).await.unwrap();
    assert_eq!(found.map(|found| found.json), Some(json("1", 7)));
}

#[tokio::test]
async fn of_what_cannot_be_settled_nothing_is_brought() {
    let (bench, version) = with_a_claim().await;
    let done = |version: &BillVersion| vec![(version.clone(), Settled::Done(receipt("TK1")))];
    bench.store.settle(done(&version)).await.unwrap();
    let again = bench.store.settle_bringing(done(&version), vec![brought(vec![row("1", "1", 7)])], vec![]).await;
    assert!(matches!(again, Err(JournalError::Conflict(_))), "{again:?}");
    assert_eq!(bench.check(TO).await.rows, 0);
    assert_eq!(bench.ready(TO, LATE).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_row_that_comes_again_unchanged_makes_nothing_new() {
    let (bench, _) = with_a_claim().await;
    for _ in 0..2 {
        bench.store.settle_bringing(vec![], vec![brought(vec![row("1", "1", 7)])], vec![]).await.unwrap();
    }
    let counts = bench.check(TO).await;
    assert_eq!((counts.rows, counts.skipped, counts.bills), (2, 1, 1));
    let changed = RowsBrought { on_change: OnChange::Skip, ..brought(vec![row("1", "1", 8)]) };
    bench.store.settle_bringing(vec![], vec![changed], vec![]).await.unwrap();
    assert_eq!(bench.check(TO).await.bills, 1);
}

#[tokio::test]
async fn a_refused_row_is_kept_and_its_bill_is_dead() {
    let (bench, _) = with_a_claim().await;
    bench.store.settle_bringing(vec![], vec![brought(vec![refused("1", "1", 7)])], vec![]).await.unwrap();
    assert_eq!(bench.check(TO).await.dead, 1);
    assert_eq!(bench.store.refused_rows(TO, 10, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn bills_that_wait_for_the_collection_are_released_when_asked() {
    let (bench, version) = with_a_claim().await;
    bench.settle(version, Settled::Done(receipt("TK1"))).await.unwrap();
    bench.scan("订单", vec![row("行1", "SO-1", 1)]).await;
    let blocked = SetAside::Blocked { collection: TO.into(), looked_in_ms: None, problem: problem("缺") };
    bench.set_aside(super::version("订单", "SO-1", 1), blocked).await;
    assert_eq!(bench.ready("订单", LATE).await, Vec::<String>::new());
    bench.store.release(TO).await.unwrap();
    assert_eq!(bench.ready("订单", LATE).await, ["SO-1 v1"]);
}

#[tokio::test]
async fn while_a_scan_is_under_way_a_brought_row_makes_its_bill_at_once() {
    let bench = Bench::new();
    let scan = bench.begin(TO).await;
    bench.store.store_page(page_of(TO, scan, 0, vec![row("1", "SO-1", 1)])).await.unwrap();
    bench.store.settle_bringing(vec![], vec![brought(vec![row("2", "SO-1", 2)])], vec![]).await.unwrap();
    assert_eq!(bench.ready(TO, LATE).await, ["SO-1 v1"]);
    bench.store.finish_scan(TO, scan).await.unwrap();
    assert_eq!(bench.ready(TO, LATE).await, ["SO-1 v2"]);
    assert_eq!(bench.rows_of(TO, "SO-1").await.len(), 2);
}

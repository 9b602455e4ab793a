//! Scans that begin again.

use super::*;

const S: &str = "订单";

async fn store(bench: &Bench, scan: u64, index: u32, next: &[u32], rows: Vec<RowToStore>) -> PageStored {
    let mut to_store = page_of(S, scan, index, rows);
    to_store.next = next.iter().map(|index| page(*index)).collect();
    to_store.complete_bills = true;
    let stored = bench.store.store_page(to_store).await.unwrap();
    bench.check(S).await;
    stored
}

async fn restart(bench: &Bench, scan: u64) -> Result<Scan, JournalError> {
    let first = PageRef { index: 0, start_row: 0, cursor: Some("新".into()) };
    let scan = bench.store.restart_scan(S, scan, first, "新源".into()).await;
    bench.check(S).await;
    scan
}

#[tokio::test]
async fn it_is_the_same_scan_from_its_first_page_on() {
    let bench = Bench::new();
    let scan = bench.begin(S).await;
    let before = bench.store.scheme(S).await.unwrap().scan.unwrap();
    store(&bench, scan, 0, &[1, 2], vec![row("1", "SO-1", 1)]).await;
    store(&bench, scan, 1, &[], vec![row("2", "SO-2", 1)]).await;
    let first = PageRef { index: 0, start_row: 0, cursor: Some("新".into()) };
    let expected = Scan { source_digest: "新源".into(), open_pages: vec![first], ..before };
    assert_eq!(restart(&bench, scan).await.unwrap(), expected);
    let bench = bench.reopen();
    assert_eq!(bench.store.scheme(S).await.unwrap().scan, Some(expected));

    // Page 2 is not known any more, page 0 is stored again, and what was stored before is sealed with the rest.
    assert!(bench.store.store_page(page_of(S, scan, 2, vec![])).await.is_err());
    let stored = store(&bench, scan, 0, &[], vec![row("1", "SO-1", 1), row("3", "SO-3", 1)]).await;
    assert_eq!((stored.new, stored.skipped), (1, 1));
    assert_eq!(bench.store.finish_scan(S, scan).await.unwrap(), 3);
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v1", "SO-2 v1", "SO-3 v1"]);
    assert_eq!(bench.store.scheme(S).await.unwrap().last_sync, Some(1));
}

#[tokio::test]
async fn a_scan_that_has_all_pages_has_nothing_to_begin_again() {
    let bench = Bench::new();
    assert!(matches!(restart(&bench, 1).await, Err(JournalError::Conflict(_))));
    let scan = bench.begin(S).await;
    store(&bench, scan, 0, &[], vec![row("1", "SO-1", 1)]).await;
    let state = bench.store.scheme(S).await.unwrap();
    assert_eq!(Some(restart(&bench, scan).await.unwrap()), state.scan);
    assert_eq!(bench.store.scheme(S).await.unwrap(), state);
    bench.store.finish_scan(S, scan).await.unwrap();
    assert!(matches!(restart(&bench, scan).await, Err(JournalError::Conflict(_))));
}

#[tokio::test]
async fn what_vanished_is_told_by_the_last_run() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "A", 1), row("2", "A", 2), row("3", "B", 3), row("4", "B", 4)]).await;
    let scan = bench.begin(S).await;
    // This run has more pages than the next, says that A lacks row 2, and brings a row that the next does not have.
    store(&bench, scan, 0, &[1, 2, 3], vec![row("1", "A", 1), row("5", "A", 5)]).await;
    store(&bench, scan, 1, &[], vec![row("3", "B", 3), row("4", "B", 4)]).await;
    let mut unsure = page_of(S, scan, 2, vec![]);
    unsure.complete_bills = false;
    bench.store.store_page(unsure).await.unwrap();
    restart(&bench, scan).await.unwrap();
    store(&bench, scan, 0, &[1], vec![row("1", "A", 1), row("2", "A", 2)]).await;
    store(&bench, scan, 1, &[], vec![row("3", "B", 3)]).await;
    bench.store.finish_scan(S, scan).await.unwrap();
    bench.check(S).await;
    assert_eq!(bench.rows_of(S, "A").await, texts(&[("1", 1), ("2", 2)]));
    assert_eq!(bench.rows_of(S, "B").await, texts(&[("3", 3)]));
}

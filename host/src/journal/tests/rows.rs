//! Pages, rows and the bills they make.

use super::key::Kind;
use super::*;

const NEW: (u64, u64) = (1, 0);
const SKIPPED: (u64, u64) = (0, 1);

#[tokio::test]
async fn what_becomes_of_a_row() {
    let table = [
        // known content, what a change means, content read → (new, skipped), content kept
        (None, OnChange::Skip, 1, NEW, 1),
        (None, OnChange::Redeliver, 1, NEW, 1),
        (Some(1), OnChange::Skip, 1, SKIPPED, 1),
        (Some(1), OnChange::Redeliver, 1, SKIPPED, 1),
        (Some(1), OnChange::Skip, 2, SKIPPED, 1),
        (Some(1), OnChange::Redeliver, 2, NEW, 2),
    ];
    for (known, on_change, read, outcome, kept) in table {
        let bench = Bench::new();
        if let Some(known) = known {
            bench.scan("订单", vec![row("1", "SO-1", known)]).await;
        }
        let (stored, bills) =
            bench.scan_as("订单", vec![row("1", "SO-1", read)], |page| page.on_change = on_change).await;
        let case = format!("{known:?} {on_change:?} {read}");
        assert_eq!((stored.new, stored.skipped), outcome, "{case}");
        assert_eq!(bills, stored.new, "{case}");
        assert_eq!(bench.rows_of("订单", "SO-1").await, texts(&[("1", kept)]), "{case}");
    }
}

#[tokio::test]
async fn a_row_twice_in_a_page_is_taken_one_after_the_other() {
    let bench = Bench::new();
    let twice = |second| vec![row("1", "SO-1", 1), row("1", "SO-1", second)];
    let (stored, bills) = bench.scan("订单", twice(1)).await;
    assert_eq!((stored.new, stored.skipped, bills), (1, 1, 1));
    let (stored, bills) = bench.scan("订单", twice(2)).await;
    assert_eq!((stored.new, stored.skipped, bills), (1, 1, 1));
    assert_eq!(bench.rows_of("订单", "SO-1").await, texts(&[("1", 2)]));
    let (stored, _) = bench.scan_as("订单", twice(3), |page| page.on_change = OnChange::Skip).await;
    assert_eq!((stored.new, stored.skipped), (0, 2));
}

#[tokio::test]
async fn a_page_is_stored_once() {
    let bench = Bench::new();
    let scan = bench.begin("订单").await;
    let store_first = || async {
        let mut first = page_of("订单", scan, 0, vec![row("1", "SO-1", 1)]);
        first.next = vec![page(1), page(0), page(1), page(2)];
        bench.store.store_page(first).await.unwrap()
    };
    assert_eq!(store_first().await, PageStored { rows: 1, new: 1, skipped: 0 });
    let state = bench.store.scheme("订单").await.unwrap();
    assert_eq!(store_first().await, PageStored::default());
    assert_eq!(bench.store.scheme("订单").await.unwrap(), state);
    let scan = state.scan.unwrap();
    assert_eq!(scan.open_pages, [page(1), page(2)]);
    assert_eq!((scan.pages_stored, scan.rows), (1, 1));
}

#[tokio::test]
async fn what_is_not_under_way_is_a_conflict() {
    let bench = Bench::new();
    let scan = bench.begin("订单").await;
    let conflict = |error: JournalError| match error {
        JournalError::Conflict(what) => what,
        other => panic!("{other}"),
    };
    let unknown_page = bench.store.store_page(page_of("订单", scan, 5, vec![])).await;
    let unknown_scan = bench.store.store_page(page_of("订单", 9, 0, vec![])).await;
    let open_page = bench.store.finish_scan("订单", scan).await;
    let second = NewScan {
        kind: ScanKind::Backfill,
        window_start: None,
        window_end: 0,
        begun_ms: 0,
        source_digest: String::new(),
        first_page: page(0),
    };
    let second = bench.store.begin_scan("订单", second).await;
    assert_eq!(conflict(unknown_page.unwrap_err()), "scan 1 of scheme `订单` knows no page 5");
    assert_eq!(conflict(unknown_scan.unwrap_err()), "scan 9 of scheme `订单` is not under way");
    assert_eq!(conflict(open_page.unwrap_err()), "scan 1 of scheme `订单` has 1 pages to store");
    assert_eq!(conflict(second.unwrap_err()), "scan 1 of scheme `订单` is under way");
    bench.store.store_page(page_of("订单", scan, 0, vec![])).await.unwrap();
    bench.store.finish_scan("订单", scan).await.unwrap();
    let again = bench.store.finish_scan("订单", scan).await;
    assert_eq!(conflict(again.unwrap_err()), "scan 1 of scheme `订单` is not under way");
}

#[tokio::test]
async fn a_backfill_is_kept_with_what_its_slices_brought_and_there_is_one_at_a_time() {
    let bench = Bench::new();
    let week = NewBackfill { start: 100, end: 300, slice: 100 };
    bench.store.plan_backfill("订单", week).await.unwrap();
    bench.store.plan_backfill("订单", week).await.unwrap();
    let other = bench.store.plan_backfill("订单", NewBackfill { end: 301, ..week }).await.unwrap_err();
    assert!(matches!(other, JournalError::Conflict(_)), "{other}");
    for (id, window_end, given_up) in [(1, 200, None), (2, 300, Some("因为"))] {
        let new = NewScan {
            kind: ScanKind::Backfill,
            window_start: Some(100),
            window_end,
            begun_ms: 80_000,
            source_digest: "源".into(),
            first_page: page(0),
        };
        bench.store.begin_scan("订单", new).await.unwrap();
        let give_up = given_up.map(str::to_owned);
        let rows = vec![row("1", "SO-1", 1), row(&format!("r{id}"), "SO-2", 1)];
        bench.store.store_page(PageToStore { give_up, ..page_of("订单", id, 0, rows) }).await.unwrap();
        bench.store.finish_scan("订单", id).await.unwrap();
    }
    let bench = bench.reopen();
    let backfill = bench.store.scheme("订单").await.unwrap().backfill.unwrap();
    assert_eq!((backfill.done_to, backfill.given_up.as_deref(), backfill.is_open()), (200, Some("因为"), false));
    assert_eq!(backfill.rows, 4);
    assert_eq!(backfill.rows, backfill.new + backfill.skipped);
    assert!(backfill.bills > 0);
    bench.store.plan_backfill("订单", NewBackfill { end: 301, ..week }).await.unwrap();
}

#[tokio::test]
async fn only_a_finished_scheduled_scan_moves_last_sync() {
    for (kind, moved) in [(ScanKind::Scheduled, (Some(77), Some(80_000))), (ScanKind::Backfill, (None, None))] {
        let bench = Bench::new();
        let new = NewScan {
            kind,
            window_start: Some(5),
            window_end: 77,
            begun_ms: 80_000,
            source_digest: "源".into(),
            first_page: page(0),
        };
        let scan = bench.store.begin_scan("订单", new).await.unwrap();
        assert_eq!((scan.id, scan.kind, scan.window_start, scan.window_end), (1, kind, Some(5), 77));
        assert_eq!(scan.source_digest, "源");
        let bench = bench.reopen();
        assert_eq!(bench.store.scheme("订单").await.unwrap().scan, Some(scan));
        bench.store.store_page(page_of("订单", 1, 0, vec![])).await.unwrap();
        assert_eq!(bench.store.scheme("订单").await.unwrap().last_sync, None);
        assert_eq!(bench.store.finish_scan("订单", 1).await.unwrap(), 0);
        let state = bench.store.scheme("订单").await.unwrap();
        assert_eq!((state.last_sync, state.last_finished_scan_begun_ms), moved);
        assert_eq!(state.scan, None);
    }
}

#[tokio::test]
async fn merged_rows_make_one_bill_when_the_scan_is_finished() {
    let bench = Bench::new();
    let scan = bench.begin("订单").await;
    let mut first = page_of("订单", scan, 0, vec![row("1", "SO-1", 1), row("2", "SO-2", 1)]);
    first.next = vec![page(1)];
    bench.store.store_page(first).await.unwrap();
    bench.store.store_page(page_of("订单", scan, 1, vec![row("3", "SO-1", 1)])).await.unwrap();
    assert_eq!(bench.ready("订单", LATE).await, [""; 0]);
    let bench = bench.reopen();
    assert_eq!(bench.store.finish_scan("订单", scan).await.unwrap(), 2);
    assert_eq!(bench.ready("订单", LATE).await, ["SO-1 v1", "SO-2 v1"]);
    assert_eq!(bench.rows_of("订单", "SO-1").await, texts(&[("1", 1), ("3", 1)]));

    // One more row: the whole bill again, in place of the version that waits.
    assert_eq!(bench.scan("订单", vec![row("0", "SO-1", 1)]).await.1, 1);
    assert_eq!(bench.ready("订单", LATE).await, ["SO-2 v1", "SO-1 v2"]);
    assert_eq!(bench.rows_of("订单", "SO-1").await, texts(&[("1", 1), ("3", 1), ("0", 1)]));
    let counts = bench.check("订单").await;
    assert_eq!((counts.bills, counts.waiting, counts.superseded), (3, 2, 1));
}

#[tokio::test]
async fn unmerged_rows_are_ready_at_once() {
    let bench = Bench::new();
    let scan = bench.begin("订单").await;
    let mut to_store = page_of("订单", scan, 0, vec![row("1", "1", 1), row("2", "2", 1), row("1", "1", 2)]);
    to_store.merges = false;
    bench.store.store_page(to_store).await.unwrap();
    assert_eq!(bench.ready("订单", LATE).await, ["1 v1", "2 v1"]);
    assert_eq!(bench.store.finish_scan("订单", scan).await.unwrap(), 2);
    bench.check("订单").await;
}

#[tokio::test]
async fn a_collection_without_a_target_makes_no_bills() {
    let bench = Bench::new();
    let (stored, bills) = bench.scan_as("products", vec![row("1", "1", 1)], |page| page.makes_bills = false).await;
    assert_eq!((stored.new, bills), (1, 0));
    assert_eq!(bench.check("products").await.bills, 0);
    assert_eq!(bench.store.schemes().await.unwrap(), ["products"]);
}

#[tokio::test]
async fn a_row_that_moves_renews_both_bills_and_an_empty_one_makes_none() {
    for merges in [true, false] {
        let bench = Bench::new();
        let scan = async |rows| bench.scan_as("订单", rows, |page| page.merges = merges).await.1;
        scan(vec![row("1", "SO-1", 1), row("2", "SO-1", 1), row("3", "SO-2", 1)]).await;
        assert_eq!(scan(vec![row("1", "SO-2", 2)]).await, 2);
        // By its first arrival it comes before the row that was there.
        assert_eq!(bench.rows_of("订单", "SO-2").await, texts(&[("1", 2), ("3", 1)]));
        assert_eq!(bench.rows_of("订单", "SO-1").await, texts(&[("2", 1)]));
        assert_eq!(bench.ready("订单", LATE).await, ["SO-1 v2", "SO-2 v2"]);
        assert_eq!(scan(vec![row("2", "SO-2", 2)]).await, 1);
        assert_eq!(bench.ready("订单", LATE).await, ["SO-2 v3"]);
        let counts = bench.check("订单").await;
        assert_eq!((counts.bills, counts.waiting, counts.superseded), (5, 1, 4));
    }
}

#[tokio::test]
async fn a_long_bill_keeps_its_order_and_changes_in_place() {
    let bench = Bench::new();
    let id = |number: u32| format!("{:04}", 9_999 - number);
    let rows = |content| (0..300).map(|number| row(&id(number), "SO-1", content)).collect::<Vec<_>>();
    bench.scan("订单", rows(1)).await;
    bench.scan("订单", vec![row(&id(150), "SO-1", 2)]).await;
    let mut expected: Vec<_> = (0..300).map(|number| json(&id(number), 1)).collect();
    expected[150] = json(&id(150), 2);
    assert_eq!(bench.store.rows_of("订单", "SO-1").await.unwrap(), expected);
    bench.scan("订单", rows(3)).await;
    let expected: Vec<_> = (0..300).map(|number| json(&id(number), 3)).collect();
    assert_eq!(bench.store.rows_of("订单", "SO-1").await.unwrap(), expected);
}

#[tokio::test]
async fn a_scan_of_many_bills_is_sealed_in_parts() {
    let bench = Bench::new();
    let scan = bench.begin("订单").await;
    for index in 0..5 {
        // Each page touches half of the bills of the page before.
        let rows = (index * 300..index * 300 + 600)
            .map(|number| row(&format!("{number}-{index}"), &format!("SO-{number}"), 1));
        let mut to_store = page_of("订单", scan, index, rows.collect());
        to_store.next = if index < 4 { vec![page(index + 1)] } else { vec![] };
        bench.store.store_page(to_store).await.unwrap();
    }
    assert_eq!(bench.store.finish_scan("订单", scan).await.unwrap(), 1_800);
    assert_eq!(bench.store.ready("订单", LATE, 10_000, &|_| false).await.unwrap().len(), 1_800);
    assert_eq!(bench.check("订单").await.bills, 1_800);
}

#[tokio::test]
async fn schemes_do_not_touch_each_other() {
    let bench = Bench::new();
    for scheme in ["a", "a\0b", "ab", "方案"] {
        bench.scan(scheme, vec![row("1", "SO-1", 1)]).await;
    }
    bench.scan("a", vec![row("1", "SO-1", 2)]).await;
    assert_eq!(bench.store.schemes().await.unwrap(), ["a", "a\0b", "ab", "方案"]);
    assert_eq!(bench.ready("a", LATE).await, ["SO-1 v2"]);
    assert_eq!(bench.ready("a\0b", LATE).await, ["SO-1 v1"]);
    assert_eq!(bench.rows_of("ab", "SO-1").await, texts(&[("1", 1)]));
    assert_eq!(bench.store.scheme("unknown").await.unwrap(), SchemeState::default());
}

#[tokio::test]
async fn a_scan_that_gives_up_ends_with_what_it_has_and_moves_nothing_on() {
    for kind in [ScanKind::Remedy, ScanKind::Backfill, ScanKind::Scheduled] {
        gives_up(kind).await;
    }
}

async fn gives_up(kind: ScanKind) {
    const S: &str = "订单";
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1)]).await;
    let before = bench.store.scheme(S).await.unwrap();
    let new = NewScan {
        kind,
        window_start: None,
        window_end: 9_999,
        begun_ms: 9_999_000,
        source_digest: "源".into(),
        first_page: page(0),
    };
    let scan = bench.store.begin_scan(S, new).await.unwrap().id;
    let stored = PageToStore { next: vec![page(1)], ..page_of(S, scan, 0, vec![row("2", "SO-2", 2)]) };
    bench.store.store_page(stored).await.unwrap();
    assert!(bench.store.finish_scan(S, scan).await.is_err(), "a page is open");
    bench.store.give_up_pages(S, scan, "因为".into()).await.unwrap();
    assert_eq!(bench.store.finish_scan(S, scan).await.unwrap(), 1);
    let after = bench.store.scheme(S).await.unwrap();
    assert_eq!((after.last_sync, after.scan), (before.last_sync, None));
    assert_eq!(after.last_finished_scan_begun_ms, before.last_finished_scan_begun_ms);
    assert!(bench.store.give_up_pages(S, scan, "因为".into()).await.is_err());
}

#[tokio::test]
async fn bills_that_come_in_one_page_share_keys() {
    let bench = Bench::new();
    let rows = (0..300).map(|n| row(&format!("{}", 1_000 + n), &format!("SO-{}", 100 + n / 3), 1)).collect();
    bench.scan("s", rows).await;
    let mut keys = 0;
    let bench = bench.tamper(|tree| keys = tree.scan_prefix([Kind::Group as u8]).count());
    assert_eq!(keys, 10, "of a hundred bills");
    assert_eq!(bench.rows_of("s", "SO-142").await.len(), 3);
}

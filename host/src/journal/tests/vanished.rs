//! Rows that a scan of complete bills did not return.

use super::*;

type Rows = &'static [(&'static str, &'static str, u8)];

fn to_store(rows: Rows) -> Vec<RowToStore> {
    rows.iter().map(|(id, bill, content)| row(id, bill, *content)).collect()
}

/// Stores the pages of a scan, which say whether bills are complete.
async fn store_pages(bench: &Bench, pages: &[(Rows, bool)], on_change: OnChange) -> u64 {
    let scan = bench.begin("订单").await;
    for (number, (rows, complete_bills)) in (0..).zip(pages) {
        let mut page_to_store = page_of("订单", scan, number, to_store(rows));
        let is_last = number as usize + 1 == pages.len();
        page_to_store.next = if is_last { vec![] } else { vec![page(number + 1)] };
        page_to_store.on_change = on_change;
        page_to_store.complete_bills = *complete_bills;
        bench.store.store_page(page_to_store).await.unwrap();
        bench.check("订单").await;
    }
    scan
}

/// `bill: row row`, where the journal has any.
async fn collected(bench: &Bench) -> Vec<String> {
    let mut bills = vec![];
    for bill in ["A", "B", "C"] {
        let rows = bench.rows_of("订单", bill).await;
        let ids = rows.iter().map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap()["编号"].to_string());
        let ids: Vec<_> = ids.map(|id| id.trim_matches('"').to_owned()).collect();
        if !ids.is_empty() {
            bills.push(format!("{bill}: {}", ids.join(" ")));
        }
    }
    bills
}

/// Two bills, their versions delivered.
const KNOWN: Rows = &[("a1", "A", 1), ("a2", "A", 2), ("a3", "A", 3), ("b1", "B", 4), ("b2", "B", 5)];

async fn delivered() -> Bench {
    let bench = Bench::new();
    bench.scan("订单", to_store(KNOWN)).await;
    for bill in ["A", "B"] {
        bench.claim(version("订单", bill, 1), 0).await.unwrap();
        bench.settle(version("订单", bill, 1), Settled::Done(receipt(bill))).await.unwrap();
    }
    bench
}

/// Its name; the pages of a scan, and whether bills are complete; what a change means → what is collected, what is ready.
type Case = (&'static str, &'static [(Rows, bool)], OnChange, &'static [&'static str], &'static [&'static str]);

#[tokio::test]
async fn a_row_that_its_bill_came_without_is_gone() {
    use OnChange::{Redeliver, Skip};
    #[rustfmt::skip]
    let table: &[Case] = &[
        ("an empty scan", &[(&[], true)], Redeliver, &["A: a1 a2 a3", "B: b1 b2"], &[]),
        ("nothing new", &[(KNOWN, true)], Redeliver, &["A: a1 a2 a3", "B: b1 b2"], &[]),
        ("a row is gone, the others are as they were",
            &[(&[("a1", "A", 1), ("a3", "A", 3)], true)], Redeliver, &["A: a1 a3", "B: b1 b2"], &["A v2"]),
        ("bills are not complete",
            &[(&[("a1", "A", 1), ("a3", "A", 3)], false)], Redeliver, &["A: a1 a2 a3", "B: b1 b2"], &[]),
        ("a row is gone, another has changed, one is new",
            &[(&[("a1", "A", 9), ("a3", "A", 3), ("a4", "A", 4)], true)], Redeliver, &["A: a1 a3 a4", "B: b1 b2"], &["A v2"]),
        ("only new rows are left",
            &[(&[("a7", "A", 7)], true)], Redeliver, &["A: a7", "B: b1 b2"], &["A v2"]),
        ("over pages, rows twice",
            &[(&[("a1", "A", 1), ("b2", "B", 5)], true), (&[("a1", "A", 1)], true), (&[("b1", "B", 4), ("a2", "A", 2)], true)],
            Redeliver, &["A: a1 a2", "B: b1 b2"], &["A v2"]),
        ("a row twice, changed in between",
            &[(&[("a1", "A", 1), ("a2", "A", 2)], true), (&[("a1", "A", 9)], true), (&[("a1", "A", 9)], true)],
            Redeliver, &["A: a1 a2", "B: b1 b2"], &["A v2"]),
        ("a row that moves takes nothing with it where its old bill does not come",
            &[(&[("a1", "B", 9), ("b1", "B", 4), ("b2", "B", 5)], true)],
            Redeliver, &["A: a2 a3", "B: a1 b1 b2"], &["A v2", "B v2"]),
        ("a row that moves on while the scan runs",
            &[(&[("a1", "B", 8)], true), (&[("a1", "C", 9)], true)],
            Redeliver, &["A: a2 a3", "C: a1"], &["A v2", "C v1"]),
        ("a row that moves there and back",
            &[(&[("a1", "B", 8), ("b1", "B", 4)], true), (&[("a1", "A", 9), ("a2", "A", 2)], true)],
            Redeliver, &["A: a1 a2", "B: b1"], &["A v2", "B v2"]),
        ("changes are skipped: the row was returned all the same",
            &[(&[("a1", "A", 9), ("a2", "A", 9)], true)], Skip, &["A: a1 a2", "B: b1 b2"], &["A v2"]),
        ("changes are skipped: a row stays in the bill that it had",
            &[(&[("a1", "B", 9), ("b1", "B", 4)], true), (&[("a2", "A", 2)], true)],
            Skip, &["A: a1 a2", "B: b1"], &["A v2", "B v2"]),
        ("a page before it did not know",
            &[(&[("a1", "A", 1)], false), (&[("a3", "A", 3), ("b1", "B", 9)], true)],
            Redeliver, &["A: a1 a2 a3", "B: b1 b2"], &["B v2"]),
        ("a page after it did not know",
            &[(&[("a3", "A", 3), ("b1", "B", 9)], true), (&[("a1", "A", 1)], false)],
            Redeliver, &["A: a1 a2 a3", "B: b1 b2"], &["B v2"]),
    ];
    for &(case, pages, on_change, rows, ready) in table {
        for restarted in [false, true] {
            let mut bench = delivered().await;
            let scan = store_pages(&bench, pages, on_change).await;
            if restarted {
                bench = bench.reopen();
            }
            assert_eq!(bench.ready("订单", LATE).await, [""; 0], "{case}");
            assert_eq!(bench.store.finish_scan("订单", scan).await.unwrap(), ready.len() as u64, "{case}");
            assert_eq!(collected(&bench).await, rows, "{case}");
            assert_eq!(bench.ready("订单", LATE).await, ready, "{case}");
            bench.check("订单").await;
        }
    }
}

#[tokio::test]
async fn what_makes_no_bills_or_merges_none_keeps_its_rows() {
    for (makes_bills, merges) in [(false, true), (true, false), (false, false)] {
        let bench = Bench::new();
        bench.scan("订单", to_store(KNOWN)).await;
        let shape = |page: &mut PageToStore| {
            (page.makes_bills, page.merges, page.complete_bills) = (makes_bills, merges, true);
        };
        bench.scan_as("订单", to_store(&[("a1", "A", 1)]), shape).await;
        assert_eq!(collected(&bench).await, ["A: a1 a2 a3", "B: b1 b2"]);
    }
}

#[tokio::test]
async fn a_row_that_is_gone_is_found_no_more_and_is_new_when_it_comes_again() {
    let bench = Bench::new();
    bench.store.ensure_indexes("订单", &[by_content()], &values_of).await.unwrap();
    let complete = async |rows| bench.scan_as("订单", to_store(rows), |page| page.complete_bills = true).await.0;
    let found = async || bench.store.look_up("订单", &by_content(), &["2".into()], &any_row).await.unwrap();
    complete(KNOWN).await;
    assert!(found().await.is_some());
    complete(&[("a1", "A", 1), ("a3", "A", 3)]).await;
    assert_eq!(found().await, None);
    let again = complete(&[("a1", "A", 1), ("a2", "A", 2), ("a3", "A", 3)]).await;
    assert_eq!((again.new, again.skipped), (1, 2));
    assert!(found().await.is_some());
    assert_eq!(collected(&bench).await, ["A: a1 a3 a2", "B: b1 b2"]);
}

#[tokio::test]
async fn a_claimed_version_is_not_replaced() {
    let bench = Bench::new();
    bench.scan("订单", to_store(KNOWN)).await;
    bench.claim(version("订单", "A", 1), 0).await.unwrap();
    bench.scan_as("订单", to_store(&[("a2", "A", 2)]), |page| page.complete_bills = true).await;
    assert_eq!(bench.ready("订单", LATE).await, ["B v1"]);
    bench.settle(version("订单", "A", 1), Settled::Done(receipt("A"))).await.unwrap();
    assert_eq!(bench.ready("订单", LATE).await, ["B v1", "A v2"]);
}

/// Bills of three rows, of which a second scan lacks one, or has one that changed; their rows lie far apart in its pages.
const MANY: usize = 1_800;

async fn store_many(bench: &Bench) -> u64 {
    let name = |number: usize| format!("SO-{number}");
    let line = |number: usize, line: u8| row(&format!("{number}-{line}"), &name(number), line);
    bench
        .scan("订单", (0..MANY).flat_map(|number| [line(number, 0), line(number, 1), line(number, 2)]).collect())
        .await;
    let scan = bench.begin("订单").await;
    for (index, lines) in [(0, 0), (1, 2)] {
        // From every third bill nothing has vanished.
        let rows = (0..MANY).flat_map(|number| {
            let whole = number % 3 == 0 && index == 0;
            let changed = row(&format!("{number}-1"), &name(number), 9);
            std::iter::once(line(number, lines)).chain(whole.then_some(changed))
        });
        let mut page_to_store = page_of("订单", scan, index, rows.collect());
        page_to_store.next = if index == 0 { vec![page(1)] } else { vec![] };
        page_to_store.complete_bills = true;
        bench.store.store_page(page_to_store).await.unwrap();
    }
    scan
}

#[tokio::test]
async fn a_crash_while_a_scan_is_finished_changes_nothing() {
    for cut in 0.. {
        let bench = Bench::new();
        let scan = store_many(&bench).await;
        let cut_off = cut_off(bench.store.finish_scan("订单", scan), cut).await;
        let bench = bench.reopen();
        bench.check("订单").await;
        if bench.store.scheme("订单").await.unwrap().scan.is_some() {
            assert_eq!(bench.store.finish_scan("订单", scan).await.unwrap(), MANY as u64, "cut {cut}");
        }
        let counts = bench.check("订单").await;
        assert_eq!((counts.bills, counts.superseded, counts.waiting), (2 * MANY as u64, MANY as u64, MANY as u64));
        for (bill, rows) in [("SO-3", 3), ("SO-4", 2)] {
            assert_eq!(bench.rows_of("订单", bill).await.len(), rows, "cut {cut}");
        }
        if cut_off.is_some() {
            // A search, three commits that remove, and two that seal; on a busy machine some are done before anybody waits.
            assert!(cut >= 2, "cut {cut}");
            break;
        }
    }
}

#[tokio::test]
async fn what_is_lacking_is_searched_in_parts() {
    const BILLS: usize = 7_000;
    let bench = Bench::new();
    let line = |number: usize, line: u8| row(&format!("{number}-{line}"), &format!("SO-{number}"), line);
    bench.scan("订单", (0..BILLS).flat_map(|number| (0..4).map(move |place| line(number, place))).collect()).await;
    let scan = bench.begin("订单").await;
    // After the first page, 21 000 rows are lacking; of every tenth bill they are lacking to the end.
    let pages = [
        (0..BILLS).map(|number| line(number, 0)).collect(),
        (0..BILLS).filter(|number| number % 10 != 0).flat_map(|n| (1..4).map(move |place| line(n, place))).collect(),
    ];
    for (index, rows) in (0..).zip(pages) {
        let mut page_to_store = page_of("订单", scan, index, rows);
        page_to_store.next = if index == 0 { vec![page(1)] } else { vec![] };
        page_to_store.complete_bills = true;
        bench.store.store_page(page_to_store).await.unwrap();
    }
    assert_eq!(bench.store.finish_scan("订单", scan).await.unwrap(), 700);
    assert_eq!(bench.check("订单").await.superseded, 700);
    for (bill, rows) in [("SO-0", 1), ("SO-1", 4), ("SO-6990", 1), ("SO-6999", 4)] {
        assert_eq!(bench.rows_of("订单", bill).await.len(), rows, "{bill}");
    }
}

#[tokio::test]
async fn audit_knows_the_notes() {
    let bench = delivered().await;
    let scan = store_pages(&bench, &[(&[("a1", "A", 1)], true), (&[("a2", "A", 9)], true)], OnChange::Redeliver).await;
    let mut note = None;
    let bench = bench.tamper(|tree| {
        note = tree.scan_prefix([b'n']).next().transpose().unwrap();
        tree.remove(&note.as_ref().unwrap().0).unwrap();
    });
    let error = bench.store.audit("订单").await.unwrap_err().to_string();
    assert!(error.ends_with("there are 1 notes of pages, and records of 2"), "{error}");
    // Nothing is taken for gone where a note is missing.
    let error = bench.store.finish_scan("订单", scan).await.unwrap_err().to_string();
    assert!(error.ends_with("there are 1 notes of 2 pages"), "{error}");

    let (key, note) = note.unwrap();
    let bench = bench.tamper(|tree| drop(tree.insert(&key, &note).unwrap()));
    bench.check("订单").await;
    bench.store.finish_scan("订单", scan).await.unwrap();
    let bench = bench.tamper(|tree| drop(tree.insert(&key, &note).unwrap()));
    let error = bench.store.audit("订单").await.unwrap_err().to_string();
    assert!(error.ends_with("it is a note of scan 2, which is over"), "{error}");
}

//! Rows that are given their bills anew.

use super::*;

const S: &str = "订单";

type Moves = &'static [(&'static str, &'static str)];

/// Groups rows as `moves` says: row, bill. A row that it does not name stays where it is.
async fn try_regroup(bench: &Bench, grouping: &str, merges: bool, moves: Moves) -> Result<u64, JournalError> {
    let bill_of = |id: &str, _: &[u8]| moves.iter().find(|(row, _)| *row == id).map(|(_, bill)| (*bill).to_owned());
    let made = bench.store.regroup(S, grouping, merges, &bill_of).await;
    bench.check(S).await;
    made
}

async fn regroup(bench: &Bench, moves: Moves) -> u64 {
    try_regroup(bench, "新", true, moves).await.unwrap()
}

async fn deliver(bench: &Bench, bill: &str, number: u32) {
    bench.claim(version(S, bill, number), 0).await.unwrap();
    bench.settle(version(S, bill, number), Settled::Done(receipt(bill))).await.unwrap();
}

/// `bill: row row`, where the journal has any.
async fn collected(bench: &Bench) -> Vec<String> {
    let mut bills = vec![];
    for bill in ["A", "B", "C", "D"] {
        let rows = bench.rows_of(S, bill).await;
        let ids = rows.iter().map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap()["编号"].to_string());
        let ids: Vec<_> = ids.map(|id| id.trim_matches('"').to_owned()).collect();
        if !ids.is_empty() {
            bills.push(format!("{bill}: {}", ids.join(" ")));
        }
    }
    bills
}

const ROWS: [(&str, &str, u8); 5] = [("a1", "A", 1), ("a2", "A", 2), ("b1", "B", 3), ("b2", "B", 4), ("c1", "C", 5)];

fn rows() -> Vec<RowToStore> {
    ROWS.map(|(id, bill, content)| row(id, bill, content)).into()
}

/// Bills A, B and C; those in `delivered` are.
async fn with_bills(delivered: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.store.ensure_indexes(S, &[by_content()], &values_of).await.unwrap();
    bench.scan(S, rows()).await;
    for bill in delivered {
        deliver(&bench, bill, 1).await;
    }
    bench
}

/// What is delivered; what moves → rows, what is ready.
type Case = (&'static str, &'static [&'static str], Moves, &'static [&'static str], &'static [&'static str]);

#[tokio::test]
async fn where_rows_go_and_what_is_made() {
    #[rustfmt::skip]
    let table: &[Case] = &[
        ("nothing moves", &[], &[],
            &["A: a1 a2", "B: b1 b2", "C: c1"], &["A v1", "B v1", "C v1"]),
        ("a bill moves whole", &[], &[("a1", "D"), ("a2", "D")],
            &["B: b1 b2", "C: c1", "D: a1 a2"], &["B v1", "C v1", "D v1"]),
        ("a bill splits", &[], &[("a2", "D")],
            &["A: a1", "B: b1 b2", "C: c1", "D: a2"], &["A v2", "B v1", "C v1", "D v1"]),
        ("bills become one", &[], &[("b1", "A"), ("b2", "A")],
            &["A: a1 a2 b1 b2", "C: c1"], &["A v2", "C v1"]),
        ("bills change places", &[], &[("a1", "B"), ("a2", "B"), ("b1", "A"), ("b2", "A")],
            &["A: b1 b2", "B: a1 a2", "C: c1"], &["A v2", "B v2", "C v1"]),
        ("what was delivered only moves", &["A", "B", "C"], &[("a2", "D"), ("b1", "A"), ("b2", "A")],
            &["A: a1 b1 b2", "C: c1", "D: a2"], &[]),
        ("what was not delivered comes to what was: with all rows", &["B"], &[("a1", "B")],
            &["A: a2", "B: a1 b1 b2", "C: c1"], &["A v2", "B v2", "C v1"]),
        ("what was delivered comes to what was not: it goes along", &["A"], &[("a1", "B"), ("a2", "B")],
            &["B: a1 a2 b1 b2", "C: c1"], &["B v2", "C v1"]),
        ("one comes in the place of one that was delivered and goes on", &["B", "C"], &[("a1", "B"), ("a2", "B"), ("b1", "C"), ("b2", "C")],
            &["B: a1 a2", "C: b1 b2 c1"], &["B v2"]),
        ("one that was delivered comes in the place of one that was not and goes on", &["A"], &[("a1", "B"), ("a2", "B"), ("b1", "C"), ("b2", "C")],
            &["B: a1 a2", "C: b1 b2 c1"], &["C v2"]),
    ];
    for &(case, delivered, moves, rows, ready) in table {
        let bench = with_bills(delivered).await;
        let before = bench.check(S).await;
        let made = regroup(&bench, moves).await;
        let after = bench.check(S).await;
        assert_eq!(after.bills, before.bills + made, "{case}");
        assert_eq!((after.done, after.rows, after.new), (before.done, before.rows, before.new), "{case}");
        let bench = bench.reopen();
        assert_eq!(bench.store.scheme(S).await.unwrap().grouping.as_deref(), Some("新"), "{case}");
        assert_eq!(collected(&bench).await, rows, "{case}");
        assert_eq!(bench.ready(S, begun_ms(1)).await, ready, "{case}");
        for (id, _, content) in ROWS {
            let found = bench
                .store
                .look_up(S, &by_content(), &[content.to_string()], &any_row)
                .await
                .unwrap()
                .map(|found| found.json);
            assert_eq!(found, Some(json(id, content)), "{case}");
        }
        // The same grouping again: nothing is asked, and nothing done.
        assert_eq!(regroup(&bench, &[("c1", "A")]).await, 0, "{case}");
        assert_eq!(collected(&bench).await, rows, "{case}");
    }
}

#[tokio::test]
async fn whatever_a_pending_version_is_it_is_made_anew_and_a_receipt_stays_with_its_bill() {
    let asides = [
        SetAside::Dead(problem("缺客户")),
        SetAside::Failed { problem: problem("库存不足"), due_ms: LATE },
        SetAside::Blocked { collection: "products".into(), looked_in_ms: None, problem: problem("缺物料") },
    ];
    for aside in asides {
        let bench = with_bills(&["A"]).await;
        bench.scan(S, vec![row("a1", "A", 2)]).await;
        bench.set_aside(version(S, "A", 2), aside).await;
        assert_eq!(regroup(&bench, &[("a1", "D")]).await, 2);
        let ready = bench.store.ready(S, begun_ms(2), 9, &|_| false).await.unwrap();
        let found: Vec<_> = ready.into_iter().map(|bill| (bill.version.bill, bill.delivered)).collect();
        let expected = [("B", None), ("C", None), ("A", Some(receipt("A"))), ("D", None)];
        assert_eq!(found, expected.map(|(bill, receipt)| (bill.to_owned(), receipt)));
        assert_eq!(bench.check(S).await.superseded, 1);
    }
}

#[tokio::test]
async fn a_claimed_bill_is_a_conflict() {
    let bench = with_bills(&[]).await;
    bench.claim(version(S, "C", 1), 0).await.unwrap();
    for uncertain in [false, true] {
        if uncertain {
            let uncertain = Settled::Uncertain { problem: problem("?"), look_up_due_ms: 0 };
            bench.settle(version(S, "C", 1), uncertain).await.unwrap();
        }
        let error = try_regroup(&bench, "新", true, &[("a1", "D")]).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the journal has moved on: scheme `订单` cannot be regrouped: it has claimed bills"
        );
        assert_eq!(bench.store.scheme(S).await.unwrap().grouping, None);
        assert_eq!(bench.ready(S, LATE).await, ["A v1", "B v1"]);
    }
}

#[tokio::test]
async fn without_rows_it_is_only_recorded() {
    let bench = Bench::new();
    assert_eq!(bench.store.scheme(S).await.unwrap().grouping, None);
    assert_eq!(regroup(&bench, &[]).await, 0);
    assert_eq!(bench.store.scheme(S).await.unwrap().grouping.as_deref(), Some("新"));
    bench.scan(S, rows()).await;
    assert_eq!(bench.store.scheme(S).await.unwrap().grouping.as_deref(), Some("新"));
}

#[tokio::test]
async fn a_refused_row_kills_the_bill_that_it_comes_to() {
    let bench = with_bills(&["B"]).await;
    bench.scan(S, vec![refused("a3", "A", 3)]).await;
    assert_eq!(regroup(&bench, &[("a3", "B")]).await, 2);
    assert_eq!(bench.ready(S, LATE).await, ["C v1", "A v3"]);
    let dead = &bench.store.bills(S, Status::Dead, 9, None).await.unwrap()[0];
    assert_eq!((dead.version.clone(), dead.problem.clone()), (version(S, "B", 2), Some(problem("必填 3"))));
    assert_eq!(bench.store.refused_rows(S, 9, None).await.unwrap()[0].bill, "B");
    // Also if that one is pending by itself.
    let bench = with_bills(&["A"]).await;
    bench.scan_as(S, vec![refused("a3", "A", 3)], |page| page.makes_bills = false).await;
    assert_eq!(regroup(&bench, &[("a3", "B")]).await, 1);
    assert_eq!(bench.ready(S, LATE).await, ["C v1"]);
}

/// A and B are delivered; a scan is open that has brought another row of A.
async fn with_open_scan() -> (Bench, u64) {
    let bench = with_bills(&["A", "B", "C"]).await;
    let scan = bench.begin(S).await;
    let mut first = page_of(S, scan, 0, vec![row("a3", "A", 2)]);
    first.next = vec![page(1)];
    bench.store.store_page(first).await.unwrap();
    (bench, scan)
}

#[tokio::test]
async fn what_an_open_scan_has_noted_is_sealed_under_its_new_bill() {
    // whether bills are merged afterwards → what is ready at once, what is when the scan is finished
    #[rustfmt::skip]
    let table: [(bool, &[&str], &[&str]); 2] = [
        (true, &[], &["A v2", "B v2", "D v1"]),
        (false, &["B v2", "D v1"], &["A v2", "B v2", "D v1"]),
    ];
    for (merges, at_once, finished) in table {
        let (bench, scan) = with_open_scan().await;
        try_regroup(&bench, "新", merges, &[("a3", "D"), ("a2", "B")]).await.unwrap();
        let bench = bench.reopen();
        assert_eq!(bench.ready(S, LATE).await, at_once, "{merges}");
        bench.store.store_page(page_of(S, scan, 1, vec![])).await.unwrap();
        bench.store.finish_scan(S, scan).await.unwrap();
        bench.check(S).await;
        assert_eq!(bench.ready(S, LATE).await, finished, "{merges}");
        assert_eq!(collected(&bench).await, ["A: a1", "B: a2 b1 b2", "C: c1", "D: a3"]);
    }
}

#[tokio::test]
async fn a_scan_that_is_half_sealed_loses_nothing() {
    let rows = || (0..1_800).map(|n| row(&n.to_string(), &format!("SO-{n}"), 1)).collect::<Vec<_>>();
    for cut in 0..8 {
        let bench = Bench::new();
        let scan = bench.begin(S).await;
        for (index, part) in (0..).zip(rows().chunks(600)) {
            let mut to_store = page_of(S, scan, index, part.to_vec());
            to_store.next = if index < 2 { vec![page(index + 1)] } else { vec![] };
            bench.store.store_page(to_store).await.unwrap();
        }
        cut_off(bench.store.finish_scan(S, scan), cut).await;
        let bench = bench.reopen();
        let bill_of = |id: &str, _: &[u8]| Some(format!("SO-{}", id.parse::<u32>().unwrap() / 2));
        bench.store.regroup(S, "两行", true, &bill_of).await.unwrap();
        bench.check(S).await;
        if bench.store.scheme(S).await.unwrap().scan.is_some() {
            bench.store.finish_scan(S, scan).await.unwrap();
        }
        let ready = bench.store.ready(S, LATE, 5_000, &|_| false).await.unwrap();
        assert_eq!(ready.len(), 900, "cut {cut}");
        assert_eq!(bench.check(S).await.waiting, 900);
    }
}

#[tokio::test]
async fn rows_that_move_during_a_scan_have_not_vanished() {
    let bench = with_bills(&[]).await;
    let scan = bench.begin(S).await;
    let store = async |index, next, rows| {
        let mut to_store = page_of(S, scan, index, rows);
        (to_store.next, to_store.complete_bills) = (next, true);
        bench.store.store_page(to_store).await.unwrap();
    };
    store(0, vec![page(1)], vec![row("a1", "A", 1), row("b1", "B", 3)]).await;
    try_regroup(&bench, "新", true, &[("a1", "D"), ("a2", "D")]).await.unwrap();
    store(1, vec![], vec![row("a1", "D", 1), row("c1", "C", 5)]).await;
    bench.store.finish_scan(S, scan).await.unwrap();
    bench.check(S).await;
    assert_eq!(collected(&bench).await, ["B: b1", "C: c1", "D: a1 a2"]);
}

const MANY: usize = 750;

/// Pairs of rows; every third bill is delivered.
async fn with_many() -> Bench {
    let bench = Bench::new();
    let rows = (0..MANY).flat_map(|n| [0, 1].map(|line| row(&format!("{n}-{line}"), &format!("SO-{n:04}"), line)));
    bench.scan(S, rows.collect()).await;
    let bills = (0..MANY).step_by(3).map(|n| version(S, &format!("SO-{n:04}"), 1));
    let claims = bills.clone().map(to_claim).collect();
    assert_eq!(bench.store.claim(claims, 0).await.unwrap().len(), MANY / 3);
    let outcomes = bills.map(|version| (version, Settled::Done(receipt("1"))));
    bench.store.settle(outcomes.collect()).await.unwrap();
    bench
}

/// The second row of each bill goes to the bill behind it, and where that one is delivered, both do: each bill is left and
/// comes to another.
fn shifted(id: &str, _: &[u8]) -> Option<String> {
    let (number, line) = id.split_once('-').unwrap();
    let behind = number.parse::<usize>().unwrap() + 1;
    (line == "1" || behind.is_multiple_of(3)).then(|| format!("SO-{behind:04}"))
}

fn back(id: &str, _: &[u8]) -> Option<String> {
    id.split_once('-').map(|(number, _)| format!("SO-{number:0>4}"))
}

#[tokio::test]
async fn what_has_come_to_a_bill_is_not_taken_for_what_it_had() {
    const BILLS: usize = 300;
    let bench = Bench::new();
    bench.scan(S, (0..2 * BILLS).map(|n| row(&n.to_string(), &format!("SO-{n:04}"), 1)).collect()).await;
    let claims = (0..BILLS).map(|n| to_claim(version(S, &format!("SO-{n:04}"), 1)));
    let claimed = bench.store.claim(claims.collect(), 0).await.unwrap();
    let outcomes = claimed.into_iter().map(|claim| (claim.version, Settled::Done(receipt("1"))));
    bench.store.settle(outcomes.collect()).await.unwrap();
    // What was delivered comes to bills whose own rows go on.
    let bill_of = |id: &str, _: &[u8]| Some(format!("SO-{:04}", id.parse::<usize>().unwrap() + BILLS));
    assert_eq!(bench.store.regroup(S, "移", true, &bill_of).await.unwrap(), 300);
    let (_, ready) = summary(&bench).await;
    assert_eq!(ready, (2 * BILLS..3 * BILLS).map(|n| format!("SO-{n:04}")).collect::<Vec<_>>());
}

async fn summary(bench: &Bench) -> (Counts, Vec<String>) {
    let ready = bench.store.ready(S, LATE, 5_000, &|_| false).await.unwrap();
    let mut ready: Vec<_> = ready.into_iter().map(|bill| bill.version.bill).collect();
    ready.sort();
    (bench.check(S).await, ready)
}

#[tokio::test]
async fn after_a_crash_it_goes_on() {
    let bench = with_many().await;
    bench.store.regroup(S, "移", true, &shifted).await.unwrap();
    let expected = summary(&bench).await;
    // Two of three bills are made anew, and those behind them that were delivered.
    assert_eq!(expected.1.len(), MANY);
    let mut was_cut = 0;
    for cut in 0.. {
        let bench = with_many().await;
        let ended = cut_off(bench.store.regroup(S, "移", true, &shifted), cut).await.is_some();
        let bench = bench.reopen();
        bench.check(S).await;
        if bench.store.scheme(S).await.unwrap().grouping.is_none() {
            was_cut += 1;
            assert_eq!(bench.ready(S, LATE).await, [""; 0]);
            assert_eq!(bench.store.next_due(S).await.unwrap(), None);
            assert!(bench.claim(version(S, "SO-0001", 1), 0).await.is_none());
            let new = || NewScan {
                kind: ScanKind::Scheduled,
                window_start: None,
                window_end: 0,
                begun_ms: 0,
                source_digest: String::new(),
                first_page: page(0),
            };
            let error = bench.store.begin_scan(S, new()).await.unwrap_err();
            assert_eq!(error.to_string(), "the journal has moved on: scheme `订单` is being regrouped");
            let how = RestageSettings { makes_bills: true, merges: true, indexes: vec![] };
            assert!(matches!(bench.store.restage(S, vec![], how).await, Err(JournalError::Conflict(_))));
        }
        bench.store.regroup(S, "移", true, &shifted).await.unwrap();
        assert_eq!(summary(&bench).await, expected, "cut {cut}");
        if ended {
            break;
        }
    }
    assert!(was_cut >= 6, "{was_cut}: commits that move, and commits that make");
}

#[tokio::test]
async fn a_bill_whose_rows_came_in_several_pages_is_moved_as_one() {
    let bench = Bench::new();
    let scan = bench.begin(S).await;
    let mut first = page_of(S, scan, 0, vec![row("a", "SO-10", 1), row("b", "SO-11", 2)]);
    first.next = vec![page(1)];
    bench.store.store_page(first).await.unwrap();
    bench.store.store_page(page_of(S, scan, 1, vec![row("c", "SO-10", 3), row("d", "SO-11", 4)])).await.unwrap();
    bench.store.finish_scan(S, scan).await.unwrap();
    // What is left of it is owed a version, too.
    assert_eq!(regroup(&bench, &[("a", "SO-12")]).await, 2);
    assert_eq!(bench.ready(S, LATE).await, ["SO-10 v2", "SO-11 v1", "SO-12 v1"]);
}

#[tokio::test]
async fn after_a_crash_another_grouping_loses_nothing() {
    for cut in 0.. {
        let bench = with_many().await;
        let ended = cut_off(bench.store.regroup(S, "移", true, &shifted), cut).await.is_some();
        let bench = bench.reopen();
        let is_over = bench.store.scheme(S).await.unwrap().grouping.is_some();
        if ended || is_over {
            assert!(cut >= 6);
            break;
        }
        bench.store.regroup(S, "回", true, &back).await.unwrap();
        let (_, ready) = summary(&bench).await;
        let expected: Vec<_> = (0..MANY).filter(|n| n % 3 != 0).map(|n| format!("SO-{n:04}")).collect();
        // Once versions are made of what has moved, a bill that was delivered may be among them: it is updated.
        let unsent: Vec<_> = ready.iter().filter(|bill| expected.contains(bill)).cloned().collect();
        assert_eq!(unsent, expected, "cut {cut}");
        for n in [0, 1, MANY - 1] {
            assert_eq!(bench.rows_of(S, &format!("SO-{n:04}")).await.len(), 2, "cut {cut}");
        }
    }
}

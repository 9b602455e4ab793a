//! Refused rows that are staged again.

use super::*;

const S: &str = "订单";

fn how() -> RestageSettings {
    RestageSettings { makes_bills: true, merges: true, indexes: vec![by_content()] }
}

fn restaged(id: &str, content: u8, becomes: Vec<RowToStore>) -> Restaged {
    Restaged { id: id.into(), digest: [content; 16], becomes }
}

async fn refused_ids(bench: &Bench) -> Vec<String> {
    bench.store.refused_rows(S, 100, None).await.unwrap().into_iter().map(|row| row.id).collect()
}

/// Restages row `2`, whose content is 2.
async fn restage(bench: &Bench, becomes: Vec<RowToStore>) -> u64 {
    let made = bench.store.restage(S, vec![restaged("2", 2, becomes)], how()).await.unwrap();
    bench.check(S).await;
    made
}

/// Rows 1, 2 (refused) and 3 of one bill.
async fn with_refused() -> Bench {
    let bench = Bench::new();
    bench.store.ensure_indexes(S, &[by_content()], &values_of).await.unwrap();
    bench.scan(S, vec![row("1", "SO-1", 1), refused("2", "SO-1", 2), row("3", "SO-1", 3)]).await;
    bench
}

/// What row 2 becomes → versions made, what is ready, the rows of SO-1, refused rows.
type Case = (Vec<RowToStore>, u64, &'static [&'static str], &'static [(&'static str, u8)], &'static [&'static str]);

#[tokio::test]
async fn what_comes_of_it() {
    let table: Vec<Case> = vec![
        (vec![row("2", "SO-1", 2)], 1, &["SO-1 v2"], &[("1", 1), ("2", 2), ("3", 3)], &[]),
        (vec![row("2", "SO-1", 9)], 1, &["SO-1 v2"], &[("1", 1), ("2", 9), ("3", 3)], &[]),
        // It was dropped on purpose.
        (vec![], 1, &["SO-1 v2"], &[("1", 1), ("3", 3)], &[]),
        // It became several, under other ids.
        (
            vec![row("2-b", "SO-1", 4), row("2-a", "SO-1", 5)],
            1,
            &["SO-1 v2"],
            &[("1", 1), ("2-b", 4), ("2-a", 5), ("3", 3)],
            &[],
        ),
        // Also under an id that is known.
        (vec![row("2", "SO-1", 4), row("1", "SO-1", 5)], 1, &["SO-1 v2"], &[("1", 5), ("2", 4), ("3", 3)], &[]),
        // In another bill.
        (vec![row("2", "SO-2", 2)], 2, &["SO-1 v2", "SO-2 v1"], &[("1", 1), ("3", 3)], &[]),
        // Still refused; another part of it, too.
        (vec![refused("2", "SO-1", 2)], 0, &[], &[("1", 1), ("3", 3)], &["2"]),
        (vec![row("2", "SO-1", 4), refused("4", "SO-1", 4)], 1, &[], &[("1", 1), ("2", 4), ("3", 3)], &["4"]),
    ];
    for (becomes, made, ready, rows, refused) in table {
        let bench = with_refused().await;
        let before = bench.check(S).await;
        let case = format!("{becomes:?}");
        assert_eq!(restage(&bench, becomes).await, made, "{case}");
        let bench = bench.reopen();
        assert_eq!(bench.ready(S, begun_ms(1)).await, ready, "{case}");
        assert_eq!(bench.rows_of(S, "SO-1").await, texts(rows), "{case}");
        assert_eq!(refused_ids(&bench).await, refused, "{case}");
        let after = bench.check(S).await;
        assert_eq!((after.rows, after.new, after.skipped), (before.rows, before.new, before.skipped), "{case}");
        assert_eq!(after.bills, before.bills + made, "{case}");
        for (id, content) in rows {
            let found = bench
                .store
                .look_up(S, &by_content(), &[content.to_string()], &any_row)
                .await
                .unwrap()
                .map(|found| found.json);
            assert_eq!(found, Some(json(id, *content)), "{case}");
        }
    }
}

#[tokio::test]
async fn one_that_is_still_refused_says_why_now() {
    let bench = with_refused().await;
    let still = RowToStore { refused: Some(problem("不在表中")), ..refused("2", "SO-1", 2) };
    assert_eq!(restage(&bench, vec![still]).await, 0);
    assert_eq!(bench.store.refused_rows(S, 9, None).await.unwrap()[0].problem, problem("不在表中"));
    let dead = &bench.store.bills(S, Status::Dead, 9, None).await.unwrap()[0];
    assert_eq!((dead.version.version, dead.problem.clone()), (1, Some(problem("不在表中"))));
}

#[tokio::test]
async fn one_that_is_not_what_was_staged_stays_as_it_is() {
    // What came meanwhile.
    for came in [refused("2", "SO-1", 7), row("2", "SO-1", 2), row("2", "SO-1", 7)] {
        let bench = with_refused().await;
        bench.scan(S, vec![came.clone()]).await;
        let before = bench.check(S).await;
        assert_eq!(restage(&bench, vec![row("2", "SO-1", 9)]).await, 0);
        assert_eq!(bench.check(S).await, before);
        let is_refused = came.refused.is_some();
        assert_eq!(refused_ids(&bench).await, if is_refused { vec!["2"] } else { vec![] });
    }
    let bench = with_refused().await;
    let unknown = vec![restaged("9", 2, vec![row("9", "SO-9", 2)]), restaged("1", 1, vec![])];
    assert_eq!(bench.store.restage(S, unknown, how()).await.unwrap(), 0);
    assert_eq!(bench.rows_of(S, "SO-1").await, texts(&[("1", 1), ("3", 3)]));
}

#[tokio::test]
async fn what_came_after_the_refused_row_is_newer() {
    let bench = with_refused().await;
    // A part of row 2 has come by itself since, and so has row 1.
    bench.scan(S, vec![row("2-a", "SO-1", 7), row("1", "SO-1", 8)]).await;
    restage(&bench, vec![row("2-a", "SO-1", 4), row("2-b", "SO-1", 5), row("1", "SO-1", 6), row("3", "SO-1", 9)]).await;
    assert_eq!(bench.rows_of(S, "SO-1").await, texts(&[("1", 8), ("2-b", 5), ("3", 3), ("2-a", 7)]));
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v3"]);
    // Of two rows with one content, the later one is found.
    bench.scan(S, vec![refused("4", "SO-4", 4)]).await;
    bench.scan(S, vec![row("5", "SO-5", 1)]).await;
    bench.store.restage(S, vec![restaged("4", 4, vec![row("4", "SO-4", 1)])], how()).await.unwrap();
    let found = bench.store.look_up(S, &by_content(), &["1".into()], &any_row).await.unwrap().map(|found| found.json);
    assert_eq!(found, Some(json("5", 1)));
}

#[tokio::test]
async fn a_scheme_without_a_target_makes_no_bills() {
    let bench = Bench::new();
    bench.scan_as(S, vec![refused("2", "2", 2)], |page| page.makes_bills = false).await;
    let how = RestageSettings { makes_bills: false, merges: false, indexes: vec![by_content()] };
    let rows = vec![restaged("2", 2, vec![row("2", "2", 2)])];
    assert_eq!(bench.store.restage(S, rows, how).await.unwrap(), 0);
    assert_eq!(bench.check(S).await.bills, 0);
    assert_eq!(bench.rows_of(S, "2").await, texts(&[("2", 2)]));
}

#[tokio::test]
async fn an_index_that_is_not_named_is_to_be_built_again() {
    for (becomes, is_missing) in [(row("2", "SO-1", 2), true), (refused("2", "SO-2", 2), false)] {
        let bench = with_refused().await;
        let how = RestageSettings { indexes: vec![], ..how() };
        bench.store.restage(S, vec![restaged("2", 2, vec![becomes])], how).await.unwrap();
        let found = bench.store.look_up(S, &by_content(), &["2".into()], &any_row).await;
        assert_eq!(matches!(found, Err(JournalError::IndexMissing { .. })), is_missing);
    }
}

/// Rows 2 and 5 are refused: one from before the scan that is open, one that it has brought.
async fn with_open_scan() -> (Bench, u64) {
    let bench = with_refused().await;
    let scan = bench.begin(S).await;
    let rows = vec![row("1", "SO-1", 1), refused("2", "SO-1", 2), row("4", "SO-2", 1), refused("5", "SO-2", 5)];
    let mut first = page_of(S, scan, 0, rows);
    (first.next, first.complete_bills) = (vec![page(1)], true);
    bench.store.store_page(first).await.unwrap();
    (bench, scan)
}

#[tokio::test]
async fn a_bill_that_is_still_coming_waits_for_the_end_of_its_scan() {
    let (bench, scan) = with_open_scan().await;
    let rows = vec![restaged("2", 2, vec![row("2", "SO-1", 2)]), restaged("5", 5, vec![row("5", "SO-2", 5)])];
    assert_eq!(bench.store.restage(S, rows, how()).await.unwrap(), 1);
    bench.check(S).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"]);
    let bench = bench.reopen();
    bench.store.store_page(page_of(S, scan, 1, vec![row("6", "SO-2", 6)])).await.unwrap();
    assert_eq!(bench.store.finish_scan(S, scan).await.unwrap(), 1);
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2", "SO-2 v1"]);
    assert_eq!(bench.rows_of(S, "SO-2").await, texts(&[("4", 1), ("5", 5), ("6", 6)]));
}

#[tokio::test]
async fn what_was_seen_refused_has_not_vanished() {
    let bench = with_refused().await;
    let scan = bench.begin(S).await;
    let store = async |index, next, rows| {
        let mut to_store = page_of(S, scan, index, rows);
        (to_store.next, to_store.complete_bills) = (next, true);
        bench.store.store_page(to_store).await.unwrap();
    };
    store(0, vec![page(1)], vec![refused("2", "SO-1", 2)]).await;
    let becomes = vec![row("2-a", "SO-1", 4), row("1", "SO-1", 8)];
    bench.store.restage(S, vec![restaged("2", 2, becomes)], how()).await.unwrap();
    store(1, vec![], vec![]).await;
    bench.store.finish_scan(S, scan).await.unwrap();
    bench.check(S).await;
    // Row 3 has.
    assert_eq!(bench.rows_of(S, "SO-1").await, texts(&[("1", 8), ("2-a", 4)]));
}

#[tokio::test]
async fn a_bill_that_is_still_coming_is_held_up_by_what_is_refused_now() {
    let bench = with_refused().await;
    bench.scan(S, vec![row("4", "SO-2", 4)]).await;
    let scan = bench.begin(S).await;
    let mut first = page_of(S, scan, 0, vec![row("5", "SO-2", 5)]);
    first.next = vec![page(1)];
    bench.store.store_page(first).await.unwrap();
    assert_eq!(bench.ready(S, LATE).await, ["SO-2 v1"]);
    // Row 2 was of another bill; a part of it, refused as well, is of this one.
    assert_eq!(restage(&bench, vec![refused("2-a", "SO-2", 6)]).await, 1);
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"]);
    bench.store.store_page(page_of(S, scan, 1, vec![row("2-a", "SO-2", 6)])).await.unwrap();
    bench.store.finish_scan(S, scan).await.unwrap();
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2", "SO-2 v2"]);
}

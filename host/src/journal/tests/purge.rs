//! Schemes that are forgotten.

use super::*;

const S: &str = "订单";

/// A scheme with everything that a scheme can have, and another beside it.
async fn with_everything() -> Bench {
    let bench = Bench::new();
    bench.store.ensure_indexes(S, &[by_content(), vec!["编号".into()]], &values_of).await.unwrap();
    let rows = (0..1_300).map(|n| row(&n.to_string(), &format!("SO-{}", n / 2), 1));
    bench.scan(S, rows.chain([refused("x", "SO-X", 1)]).collect()).await;
    bench.claim(version(S, "SO-1", 1), 0).await.unwrap();
    bench.claim(version(S, "SO-2", 1), 0).await.unwrap();
    bench.settle(version(S, "SO-2", 1), Settled::Done(receipt("2"))).await.unwrap();
    bench.claim(version(S, "SO-3", 1), 0).await.unwrap();
    let uncertain = Settled::Uncertain { problem: problem("?"), look_up_due_ms: 0 };
    bench.settle(version(S, "SO-3", 1), uncertain).await.unwrap();
    bench.set_aside(version(S, "SO-4", 1), SetAside::Dead(problem("缺"))).await;
    let blocked = |collection: &str, looked_in_ms| SetAside::Blocked {
        collection: collection.into(),
        looked_in_ms,
        problem: problem("缺"),
    };
    bench.set_aside(version(S, "SO-5", 1), blocked("products", None)).await;
    let scan = bench.begin(S).await;
    let mut first = page_of(S, scan, 0, vec![row("0", "SO-0", 1), row("y", "SO-Y", 1)]);
    (first.next, first.complete_bills) = (vec![page(1)], true);
    bench.store.store_page(first).await.unwrap();
    bench.scan("订", vec![row("1", "SO-1", 1)]).await;
    let looked_in_ms = bench.store.scheme(S).await.unwrap().last_finished_scan_begun_ms;
    bench.set_aside(version("订", "SO-1", 1), blocked(S, looked_in_ms)).await;
    bench.store.set("okki", "k", b"v".into(), 0, None).await.unwrap();
    bench
}

/// All keys of the journal.
fn keys(bench: Bench) -> (Bench, Vec<sled::IVec>) {
    let mut keys = vec![];
    let bench = bench.tamper(|tree| keys = tree.iter().keys().map(Result::unwrap).collect());
    (bench, keys)
}

#[tokio::test]
async fn nothing_is_left_of_it_and_nothing_else_is_touched() {
    let bench = with_everything().await;
    assert_eq!(bench.store.purge(S).await.unwrap(), 1_302);
    assert_eq!(bench.store.scheme(S).await.unwrap(), SchemeState::default());
    assert_eq!(bench.check(S).await, Counts::default());
    assert_eq!(bench.store.schemes().await.unwrap(), ["订"]);
    assert_eq!(bench.store.purge(S).await.unwrap(), 0);
    let (bench, keys) = keys(bench);
    let name = |key: &&sled::IVec| key[1..].starts_with("订单\0".as_bytes());
    let left: Vec<_> = keys.iter().filter(name).map(|key| String::from_utf8_lossy(key)).collect();
    assert_eq!(left, ["w订单\0\u{1}订\0\u{1}SO-1\0\u{1}"], "another scheme's bill waits for it");
    assert_eq!(bench.check("订").await.waiting, 1);
    assert_eq!(bench.store.get("okki", "k", 0).await.unwrap(), Some(b"v".into()));

    // It begins as if it had never been, and what waited for it is released.
    assert_eq!(bench.scan(S, vec![row("1", "SO-1", 1)]).await, (PageStored { rows: 1, new: 1, skipped: 0 }, 1));
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v1"]);
    assert_eq!(bench.ready("订", LATE).await, ["SO-1 v1"]);
}

#[tokio::test]
async fn after_a_crash_it_goes_on() {
    let mut was_cut = 0;
    for cut in 0.. {
        let bench = with_everything().await;
        let ended = cut_off(bench.store.purge(S), cut).await.is_some();
        let bench = bench.reopen();
        bench.check(S).await;
        bench.check("订").await;
        if bench.store.schemes().await.unwrap().contains(&S.to_owned()) {
            was_cut += 1;
            assert_eq!(bench.ready(S, LATE).await, [""; 0]);
            let error = bench.store.store_page(page_of(S, 2, 1, vec![])).await.unwrap_err();
            assert_eq!(error.to_string(), "the journal has moved on: scheme `订单` is being purged");
            let regrouped = bench.store.regroup(S, "新", true, &|_, _| None).await;
            assert!(matches!(regrouped, Err(JournalError::Conflict(_))));
        }
        bench.store.purge(S).await.unwrap();
        assert_eq!(bench.store.scheme(S).await.unwrap(), SchemeState::default());
        assert_eq!(bench.store.schemes().await.unwrap(), ["订"]);
        if ended {
            break;
        }
    }
    assert!(was_cut >= 6, "{was_cut}: commits that forget bills, notes and rows");
}

#[tokio::test]
async fn a_scheme_that_is_being_regrouped_is_forgotten_too() {
    let bench = with_everything().await;
    for bill in ["SO-1", "SO-3"] {
        bench.settle(version(S, bill, 1), Settled::Done(receipt("1"))).await.unwrap();
    }
    let all_in_one = |_: &str, _: &[u8]| Some("SO".to_owned());
    assert!(cut_off(bench.store.regroup(S, "新", true, &all_in_one), 3).await.is_none());
    let bench = bench.reopen();
    assert_eq!(bench.store.purge(S).await.unwrap(), 1_302);
    let (_, keys) = keys(bench);
    assert!(!keys.iter().any(|key| key[0] != b'w' && key[1..].starts_with("订单\0".as_bytes())));
}

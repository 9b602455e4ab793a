//! What is kept of attempts, and for how long.

use super::key::Kind;
use super::*;

const S: &str = "订单";
const DAY_MS: i64 = 86_400_000;

fn attempt(bill: &str, at_ms: i64, message: &str) -> Attempt {
    Attempt {
        version: version(S, bill, 1),
        step: AttemptStep::Write,
        at_ms,
        took_ms: 12,
        result: AttemptResult::Failed { kind: "rejected".into(), code: Some("500".into()), message: message.into() },
        exchanges: vec![Exchange {
            method: "POST".into(),
            path: "/push".into(),
            request: Excerpt { text: "{\"单号\":\"1\"}".into(), left_out: 0 },
            status: Some(200),
            reply: Excerpt { text: message.into(), left_out: 3 },
            took_ms: 11,
        }],
        with: None,
    }
}

async fn of(bench: &Bench, bill: &str) -> Vec<Attempt> {
    bench.store.attempts(S, bill).await.unwrap()
}

#[tokio::test]
async fn a_bills_attempts_come_in_order_and_without_those_of_others() {
    let bench = Bench::new();
    let (first, second) = (attempt("SO-1", 5, "一"), attempt("SO-1", 5, "二"));
    let (other, later) = (attempt("SO-10", 5, "别的"), attempt("SO-1", 3 * DAY_MS, "三"));
    bench.store.note_attempts(vec![later.clone(), first.clone(), other]).await.unwrap();
    bench.store.note_attempts(vec![second.clone()]).await.unwrap();
    let bench = bench.reopen();
    assert_eq!(of(&bench, "SO-1").await, [first, second, later]);
    assert_eq!(of(&bench, "SO").await, []);
}

#[tokio::test]
async fn bills_that_share_a_call_share_its_requests() {
    let bench = Bench::new();
    let keeper = attempt("SO-1", 7, "都");
    let with = Some(keeper.version.clone());
    let shared = Attempt { version: version(S, "SO-2", 4), exchanges: vec![], with, ..keeper.clone() };
    bench.store.note_attempts(vec![keeper.clone(), shared.clone()]).await.unwrap();
    assert_eq!(of(&bench, "SO-2").await, [Attempt { exchanges: keeper.exchanges, ..shared }]);
}

#[tokio::test]
async fn a_call_of_many_bills_has_its_requests_once_wherever_they_lie() {
    let bench = Bench::new();
    let long = "很长".repeat(5_000);
    let keeper = attempt("SO-100", 7, &long);
    let with = Some(keeper.version.clone());
    let others = (101..140).map(|n| Attempt {
        version: version(S, &format!("SO-{n}"), 1),
        exchanges: vec![],
        with: with.clone(),
        ..keeper.clone()
    });
    bench.store.note_attempts(std::iter::once(keeper.clone()).chain(others).collect()).await.unwrap();
    let mut keys = 0;
    let bench = bench.tamper(|tree| keys = tree.scan_prefix([Kind::Attempt as u8]).count());
    assert!(keys > 1, "who reads one attempt does not read a megabyte");
    for n in 101..140 {
        let of_one = of(&bench, &format!("SO-{n}")).await;
        assert_eq!(of_one.len(), 1);
        assert_eq!(of_one[0].exchanges, keeper.exchanges);
    }
}

#[tokio::test]
async fn attempts_that_are_noted_together_cost_few_keys_and_a_missing_one_is_said() {
    let bench = Bench::new();
    let noted = (100..200).map(|n| attempt(&format!("SO-{n}"), 7, "好")).collect();
    bench.store.note_attempts(noted).await.unwrap();
    let mut keys = vec![];
    let bench = bench.tamper(|tree| {
        keys = tree.iter().keys().map(|key| key.unwrap()[0]).filter(|kind| b"am".contains(kind)).collect();
        for key in tree.scan_prefix([Kind::Attempt as u8]).keys() {
            tree.remove(key.unwrap()).unwrap();
        }
    });
    assert_eq!(keys, b"am");
    // Nothing is said of a day that has nothing left.
    assert_eq!(of(&bench, "SO-100").await, []);
    bench.store.note_attempts(vec![attempt("SO-1", 8, "好")]).await.unwrap();
    let damaged = bench.store.attempts(S, "SO-100").await.unwrap_err().to_string();
    assert!(damaged.ends_with(": attempts of bill `SO-100` should be found here"), "{damaged}");
}

#[tokio::test]
async fn attempts_that_cannot_be_read_do_not_stop_old_ones_from_being_dropped() {
    let bench = Bench::new();
    for day in [0, 1] {
        bench.store.note_attempts(vec![attempt("SO-1", day * DAY_MS, "旧")]).await.unwrap();
    }
    let bench = bench.tamper(|tree| {
        let (first, _) = tree.scan_prefix([Kind::Attempt as u8]).next().unwrap().unwrap();
        tree.insert(first, &[0xFF]).unwrap();
    });
    assert_eq!(bench.store.drop_attempts(S, 5 * DAY_MS).await.unwrap(), 1, "of those that could be read");
    let mut left = 9;
    let _bench = bench.tamper(|tree| left = tree.scan_prefix([Kind::Attempt as u8]).count());
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_a_settling_tells_is_kept_with_it_and_a_refused_settling_keeps_nothing() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1)]).await;
    let done = || vec![(version(S, "SO-1", 1), Settled::Done(receipt("A")))];
    let refused = bench.store.settle_bringing(done(), vec![], vec![attempt("SO-1", 1, "不算")]).await;
    assert!(matches!(refused, Err(JournalError::Conflict(_))));
    bench.claim(version(S, "SO-1", 1), 0).await.unwrap();
    bench.store.settle_bringing(done(), vec![], vec![attempt("SO-1", 2, "算")]).await.unwrap();
    assert_eq!(of(&bench, "SO-1").await, [attempt("SO-1", 2, "算")]);
    bench.check(S).await;
}

#[tokio::test]
async fn days_that_are_over_are_dropped_and_a_purged_scheme_takes_its_attempts_along() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1)]).await;
    let days: Vec<Attempt> =
        (0..5).flat_map(|day| (0..150).map(move |n| attempt("SO-1", day * DAY_MS + n, "旧"))).collect();
    bench.store.note_attempts(days).await.unwrap();
    assert_eq!(bench.store.drop_attempts(S, 3 * DAY_MS + 9).await.unwrap(), 450);
    assert_eq!(of(&bench, "SO-1").await.first().unwrap().at_ms, 3 * DAY_MS);
    assert_eq!(bench.store.drop_attempts(S, 3 * DAY_MS + 9).await.unwrap(), 0);
    bench.store.purge(S).await.unwrap();
    assert_eq!(of(&bench, "SO-1").await, []);
}

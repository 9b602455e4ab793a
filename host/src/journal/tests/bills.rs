//! The life of a bill.

use super::*;

const S: &str = "订单";

fn v(number: u32) -> BillVersion {
    version(S, "SO-1", number)
}

fn failed(due_ms: i64) -> Settled {
    Settled::Failed { problem: problem("库存不足"), due_ms, resume: Some("{\"步\":2}".into()), there: None }
}

fn uncertain(at_ms: i64, look_up_due_ms: i64) -> Settled {
    Settled::Uncertain { problem: Problem { at_ms, ..problem("no answer") }, look_up_due_ms }
}

/// A bench with `SO-1 v1` pending.
async fn with_bill() -> Bench {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1)]).await;
    bench
}

/// Another version of the bill.
async fn renew(bench: &Bench, content: u8) {
    bench.scan(S, vec![row("1", "SO-1", content)]).await;
}

/// waiting, claimed, done, failed, dead, superseded
async fn books(bench: &Bench) -> [u64; 6] {
    let c = bench.check(S).await;
    [c.waiting, c.claimed, c.done, c.failed, c.dead, c.superseded]
}

async fn status(bench: &Bench, status: Status) -> Vec<BillLine> {
    bench.store.bills(S, status, 10, None).await.unwrap()
}

#[tokio::test]
async fn from_ready_to_done() {
    let bench = with_bill().await;
    let ready = bench.store.ready(S, LATE, 10, &|_| false).await.unwrap();
    let expected = ReadyBill {
        version: v(1),
        attempts: 0,
        first_attempt_ms: None,
        scan_begun_ms: begun_ms(1),
        delivered: None,
        resume: None,
        in_doubt: false,
    };
    assert_eq!(ready, [expected]);

    let claimed = bench.claim(v(1), 5_000).await.unwrap();
    let expected = ClaimedBill {
        version: v(1),
        intent: Intent::Create,
        number: Some("SO-1".into()),
        payload: "{\"金额\":12.50}".into(),
        plugin_digest: "abc".into(),
        claimed_ms: 5_000,
        attempts: 1,
        first_attempt_ms: 5_000,
        scan_begun_ms: begun_ms(1),
        uncertain_since_ms: None,
        look_up_due_ms: None,
        problem: None,
        delivered: None,
    };
    assert_eq!(claimed, expected);
    assert_eq!(books(&bench).await, [0, 1, 0, 0, 0, 0]);
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);

    let bench = bench.reopen();
    assert_eq!(bench.store.claimed(S).await.unwrap(), [expected]);
    bench.settle(v(1), Settled::Done(receipt("SO-1"))).await.unwrap();
    assert_eq!(books(&bench).await, [0, 0, 1, 0, 0, 0]);
    assert_eq!(bench.store.claimed(S).await.unwrap(), []);
    assert_eq!(status(&bench, Status::Done).await[0].delivered, Some(receipt("SO-1")));

    // The next version knows what it updates.
    renew(&bench, 2).await;
    let ready = bench.store.ready(S, LATE, 10, &|_| false).await.unwrap();
    assert_eq!((ready[0].version.clone(), ready[0].delivered.clone()), (v(2), Some(receipt("SO-1"))));
    assert_eq!(bench.claim(v(2), 6_000).await.unwrap().delivered, Some(receipt("SO-1")));
    assert_eq!(bench.store.claimed(S).await.unwrap()[0].delivered, Some(receipt("SO-1")));
}

#[tokio::test]
async fn a_claimed_version_is_never_replaced_and_holds_back_the_newer() {
    let bench = with_bill().await;
    bench.claim(v(1), 5_000).await.unwrap();
    renew(&bench, 2).await;
    assert_eq!(books(&bench).await, [1, 1, 0, 0, 0, 0]);
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    assert_eq!(bench.store.next_due(S).await.unwrap(), None);
    assert!(bench.claim(v(2), 5_000).await.is_none());
    renew(&bench, 3).await;
    assert_eq!(books(&bench).await, [1, 1, 0, 0, 0, 1]);
    bench.settle(v(1), Settled::Done(receipt("SO-1"))).await.unwrap();
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v3"]);
    assert_eq!(books(&bench).await, [1, 0, 1, 0, 0, 1]);
}

#[tokio::test]
async fn what_settling_comes_to() {
    // outcome → [waiting, claimed, done, failed, dead, superseded], alone and with a newer version
    let table = [
        (Settled::Done(receipt("1")), [0, 0, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0]),
        (failed(9_000), [0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 1]),
        (
            Settled::Dead { problem: problem("缺客户"), resume: None, there: None },
            [0, 0, 0, 0, 1, 0],
            [1, 0, 0, 0, 0, 1],
        ),
        (uncertain(6_000, 9_000), [0, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]),
    ];
    for (settled, alone, with_newer) in table {
        let bench = with_bill().await;
        bench.claim(v(1), 5_000).await.unwrap();
        bench.settle(v(1), settled.clone()).await.unwrap();
        assert_eq!(books(&bench).await, alone, "{settled:?}");

        let bench = with_bill().await;
        bench.claim(v(1), 5_000).await.unwrap();
        renew(&bench, 2).await;
        bench.settle(v(1), settled.clone()).await.unwrap();
        assert_eq!(books(&bench).await, with_newer, "{settled:?}");
    }
}

#[tokio::test]
async fn what_failed_is_sent_again_when_due() {
    let bench = with_bill().await;
    bench.claim(v(1), 5_000).await.unwrap();
    bench.settle(v(1), failed(9_000)).await.unwrap();
    assert_eq!(bench.ready(S, 8_999).await, [""; 0]);
    assert_eq!(bench.store.next_due(S).await.unwrap(), Some(9_000));
    let ready = bench.store.ready(S, 9_000, 10, &|_| false).await.unwrap();
    assert_eq!((ready[0].attempts, ready[0].first_attempt_ms), (1, Some(5_000)));
    assert_eq!(ready[0].resume.as_deref(), Some("{\"步\":2}"));
    let line = &status(&bench, Status::Failed).await[0];
    assert_eq!((line.due_ms, line.problem.clone()), (Some(9_000), Some(problem("库存不足"))));
    let claimed = bench.claim(v(1), 9_500).await.unwrap();
    assert_eq!((claimed.attempts, claimed.first_attempt_ms), (2, 5_000));
}

#[tokio::test]
async fn what_is_uncertain_stays_claimed_since_the_first_time() {
    let bench = with_bill().await;
    bench.claim(v(1), 5_000).await.unwrap();
    assert_eq!(bench.store.next_due(S).await.unwrap(), None);
    bench.settle(v(1), uncertain(6_000, 9_000)).await.unwrap();
    bench.settle(v(1), uncertain(7_000, 12_000)).await.unwrap();
    assert_eq!(bench.store.next_due(S).await.unwrap(), Some(12_000));
    let claimed = &bench.store.claimed(S).await.unwrap()[0];
    assert_eq!((claimed.uncertain_since_ms, claimed.look_up_due_ms), (Some(6_000), Some(12_000)));
    assert_eq!(status(&bench, Status::Claimed).await[0].due_ms, Some(12_000));
    bench.settle(v(1), Settled::Done(receipt("1"))).await.unwrap();
    assert_eq!(bench.store.next_due(S).await.unwrap(), None);
}

#[tokio::test]
async fn settling_what_is_not_claimed_is_a_conflict_and_settles_nothing() {
    let bench = with_bill().await;
    bench.scan(S, vec![row("2", "SO-2", 1)]).await;
    bench.claim(v(1), 5_000).await.unwrap();
    let both = [v(1), version(S, "SO-2", 1)].map(|version| (version, Settled::Done(receipt("1"))));
    let error = bench.store.settle(both.into()).await.unwrap_err();
    assert_eq!(error.to_string(), "the journal has moved on: version 1 of bill `SO-2` of scheme `订单` is not claimed");
    assert!(bench.settle(v(2), Settled::Done(receipt("1"))).await.is_err());
    assert_eq!(books(&bench).await, [1, 1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn only_a_pending_version_is_claimed() {
    let bench = with_bill().await;
    renew(&bench, 2).await;
    assert!(bench.claim(v(1), 5_000).await.is_none(), "superseded");
    assert!(bench.claim(v(3), 5_000).await.is_none(), "not made");
    assert!(bench.claim(version(S, "SO-9", 1), 5_000).await.is_none(), "unknown");
    let twice = vec![to_claim(v(2)), to_claim(v(2))];
    assert_eq!(bench.store.claim(twice, 5_000).await.unwrap().len(), 1, "claimed");
    bench.settle(v(2), Settled::Dead { problem: problem("缺客户"), resume: None, there: None }).await.unwrap();
    assert!(bench.claim(v(2), 5_000).await.is_none(), "dead");
    bench.check(S).await;
}

#[tokio::test]
async fn a_bill_without_rows_is_not_tried_again() {
    let bench = with_bill().await;
    bench.claim(v(1), 5_000).await.unwrap();
    bench.scan(S, vec![row("1", "SO-2", 2)]).await;
    assert_eq!(books(&bench).await, [1, 1, 0, 0, 0, 0]);
    bench.settle(v(1), failed(0)).await.unwrap();
    assert_eq!(books(&bench).await, [1, 0, 0, 0, 0, 1]);
    assert_eq!(bench.ready(S, LATE).await, ["SO-2 v1"]);
}

#[tokio::test]
async fn what_setting_aside_comes_to() {
    let blocked =
        SetAside::Blocked { collection: "products".into(), looked_in_ms: None, problem: problem("缺物料") };
    let table = [
        (SetAside::Dead(problem("缺客户")), [0, 0, 0, 0, 1, 0], None),
        (SetAside::Failed { problem: problem("缺"), due_ms: 9_000 }, [0, 0, 0, 1, 0, 0], Some(9_000)),
        (blocked, [1, 0, 0, 0, 0, 0], None),
        (SetAside::Done(receipt("1")), [0, 0, 1, 0, 0, 0], None),
    ];
    for (aside, expected, next_due) in table {
        let bench = with_bill().await;
        bench.set_aside(v(1), aside.clone()).await;
        assert_eq!(books(&bench).await, expected, "{aside:?}");
        assert_eq!(bench.store.next_due(S).await.unwrap(), next_due, "{aside:?}");

        // Whatever it is, a newer version takes its place, but for what was delivered.
        renew(&bench, 2).await;
        assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"], "{aside:?}");
        let done = u64::from(matches!(aside, SetAside::Done(_)));
        assert_eq!(books(&bench).await, [1, 0, done, 0, 0, 1 - done], "{aside:?}");
        bench.set_aside(v(1), aside.clone()).await;
        assert_eq!(books(&bench).await, [1, 0, done, 0, 0, 1 - done], "{aside:?}, too late");
    }
}

#[tokio::test]
async fn setting_aside_as_failed_counts_attempts_and_mends_the_dead() {
    let bench = with_bill().await;
    let aside = || SetAside::Failed { problem: problem("no plugin"), due_ms: 0 };
    let attempts = async || {
        let ready = bench.store.ready(S, LATE, 10, &|_| false).await.unwrap();
        (ready[0].attempts, ready[0].first_attempt_ms)
    };
    bench.set_aside(v(1), aside()).await;
    bench.set_aside(v(1), aside()).await;
    assert_eq!(attempts().await, (2, Some(7)));
    bench.set_aside(v(1), SetAside::Dead(problem("缺客户"))).await;
    bench.set_aside(v(1), aside()).await;
    assert_eq!(attempts().await, (0, None));
}

#[tokio::test]
async fn a_newer_version_is_not_done_before_the_claimed_one() {
    let bench = with_bill().await;
    bench.claim(v(1), 5_000).await.unwrap();
    renew(&bench, 2).await;
    bench.set_aside(v(2), SetAside::Done(receipt("2"))).await;
    assert_eq!(books(&bench).await, [1, 1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_blocked_bill_is_due_when_the_collection_has_completed_a_scan() {
    let bench = with_bill().await;
    let blocked =
        |looked_in_ms| SetAside::Blocked { collection: "products".into(), looked_in_ms, problem: problem("缺物料") };
    bench.set_aside(v(1), blocked(None)).await;
    assert!(bench.claim(v(1), 5_000).await.is_none());
    assert_eq!(status(&bench, Status::Waiting).await[0].problem, Some(problem("缺物料")));
    bench.scan("others", vec![]).await;
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    let bench = bench.reopen();
    bench.scan("products", vec![row("1", "1", 1)]).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v1"]);

    // It was looked for after that scan, in vain: it waits for the next.
    let looked_in_ms = bench.store.scheme("products").await.unwrap().last_finished_scan_begun_ms;
    assert!(looked_in_ms.is_some());
    bench.set_aside(v(1), blocked(looked_in_ms)).await;
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    bench.scan("products", vec![]).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v1"]);

    // A scan was completed between the look-up and this: it may have brought what the bill needs.
    bench.set_aside(v(1), blocked(looked_in_ms)).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v1"]);
}

#[tokio::test]
async fn many_blocked_bills_are_released_in_parts() {
    let bench = Bench::new();
    let rows = (0..2_500).map(|number| row(&format!("{number}"), &format!("SO-{number}"), 1));
    bench.scan(S, rows.collect()).await;
    let ready = bench.store.ready(S, LATE, 5_000, &|_| false).await.unwrap();
    let blocked = |bill: ReadyBill| {
        (
            bill.version,
            SetAside::Blocked { collection: "products".into(), looked_in_ms: None, problem: problem("缺物料") },
        )
    };
    bench.store.set_aside(ready.into_iter().map(blocked).collect()).await.unwrap();
    assert_eq!(bench.ready(S, LATE).await.len(), 0);
    bench.scan("products", vec![]).await;
    assert_eq!(bench.store.ready(S, LATE, 5_000, &|_| false).await.unwrap().len(), 2_500);
    bench.check(S).await;
}

#[tokio::test]
async fn ready_is_oldest_due_first_limited_and_skips() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-3", 1)]).await;
    bench.scan(S, vec![row("2", "SO-1", 1), row("3", "SO-2", 1)]).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-3 v1", "SO-1 v1", "SO-2 v1"]);
    assert_eq!(bench.ready(S, begun_ms(1)).await, ["SO-3 v1"]);
    assert_eq!(bench.ready(S, begun_ms(1) - 1).await, [""; 0]);
    assert_eq!(bench.store.next_due(S).await.unwrap(), Some(begun_ms(1)));
    let ready = bench.store.ready(S, LATE, 1, &|bill| bill == "SO-3").await.unwrap();
    assert_eq!(ready.len(), 1);
    assert_eq!(ready[0].version.bill, "SO-1");
    assert!(bench.store.ready(S, LATE, 0, &|_| false).await.unwrap().is_empty());
}

#[tokio::test]
async fn lists_are_by_status_and_limited() {
    let bench = Bench::new();
    bench.scan(S, (0..5).map(|number| row(&number.to_string(), &format!("SO-{number}"), 1)).collect()).await;
    bench.set_aside(version(S, "SO-3", 1), SetAside::Dead(problem("缺客户"))).await;
    assert_eq!(bench.store.bills(S, Status::Waiting, 3, None).await.unwrap().len(), 3);
    let dead = bench.store.bills(S, Status::Dead, 3, None).await.unwrap();
    let expected = BillLine {
        version: version(S, "SO-3", 1),
        status: Status::Dead,
        attempts: 0,
        due_ms: None,
        problem: Some(problem("缺客户")),
        delivered: None,
    };
    assert_eq!(dead, [expected]);
}

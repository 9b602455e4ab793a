//! Dead bills that a change may have mended.

use super::*;

const S: &str = "订单";

fn dead_of(depends_on: &[Dependency]) -> SetAside {
    SetAside::Dead(Problem { depends_on: depends_on.to_vec(), ..problem("缺物料") })
}

async fn with_bill() -> Bench {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1)]).await;
    bench
}

#[tokio::test]
async fn what_depends_on_a_change_is_due_again() {
    let table_seen = || depends_on("table:物料", "旧");
    let plugin = || depends_on("plugin:transforms", "a1");
    // what the problem depends on, the digest of the table now → whether it is revived
    let table = [
        (vec![], None, false),
        (vec![table_seen()], Some("旧"), false),
        (vec![table_seen()], Some("新"), true),
        (vec![table_seen()], None, true),
        (vec![plugin()], Some("新"), false),
        (vec![plugin(), table_seen()], Some("旧"), false),
        (vec![plugin(), table_seen()], Some("新"), true),
    ];
    for (depends_on, digest, is_revived) in table {
        let bench = with_bill().await;
        bench.set_aside(version(S, "SO-1", 1), dead_of(&depends_on)).await;
        let now = |name: &str| match name {
            "table:物料" => digest.map(str::to_owned),
            "plugin:transforms" => Some("a1".to_owned()),
            _ => None,
        };
        let revived = bench.store.revive(S, &now, 5_000).await.unwrap();
        assert_eq!(revived, u64::from(is_revived), "{depends_on:?} {digest:?}");
        let counts = bench.check(S).await;
        assert_eq!((counts.waiting, counts.dead), (u64::from(is_revived), u64::from(!is_revived)));
        if is_revived {
            assert_eq!(bench.ready(S, 4_999).await, [""; 0]);
            assert_eq!(bench.ready(S, 5_000).await, ["SO-1 v1"]);
        }
        assert_eq!(bench.store.revive("others", &|_| None, 5_000).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn its_attempts_begin_anew() {
    let bench = with_bill().await;
    bench.claim(version(S, "SO-1", 1), 3_000).await.unwrap();
    let dead = Settled::Dead { problem: problem("缺物料"), resume: None, there: Some(receipt("半")) };
    bench.settle(version(S, "SO-1", 1), dead).await.unwrap();
    assert_eq!(bench.store.revive(S, &|_| None, 5_000).await.unwrap(), 1);
    let ready = &bench.store.ready(S, LATE, 9, &|_| false).await.unwrap()[0];
    assert_eq!((ready.attempts, ready.first_attempt_ms), (0, None));
    assert_eq!(ready.delivered, Some(receipt("半")));
}

#[tokio::test]
async fn only_the_dead_are_revived_also_behind_a_claim() {
    let bench = with_bill().await;
    assert_eq!(bench.store.revive(S, &|_| None, 0).await.unwrap(), 0);
    bench.claim(version(S, "SO-1", 1), 0).await.unwrap();
    bench.scan(S, vec![row("1", "SO-1", 2)]).await;
    bench.set_aside(version(S, "SO-1", 2), dead_of(&[depends_on("table:物料", "旧")])).await;
    assert_eq!(bench.store.revive(S, &|_| None, 0).await.unwrap(), 1);
    bench.check(S).await;
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    bench.settle(version(S, "SO-1", 1), Settled::Done(receipt("1"))).await.unwrap();
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"]);
}

#[tokio::test]
async fn many_are_revived_in_parts() {
    let bench = Bench::new();
    bench.scan(S, (0..1_200).map(|n| row(&n.to_string(), &format!("SO-{n}"), 1)).collect()).await;
    let ready = bench.store.ready(S, LATE, 2_000, &|_| false).await.unwrap().into_iter().enumerate();
    let asides = ready.map(|(number, bill)| {
        let digest = if number % 2 == 0 { "旧" } else { "新" };
        (bill.version, dead_of(&[depends_on("table:物料", digest)]))
    });
    bench.store.set_aside(asides.collect()).await.unwrap();
    assert_eq!(bench.store.revive(S, &|_| Some("新".into()), 0).await.unwrap(), 600);
    let counts = bench.check(S).await;
    assert_eq!((counts.waiting, counts.dead), (600, 600));
    assert_eq!(bench.store.bills(S, Status::Dead, 5, None).await.unwrap().len(), 5);
}

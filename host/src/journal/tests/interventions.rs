//! What a person decides of bills.

use super::*;

const S: &str = "订单";

fn v(number: u32) -> BillVersion {
    version(S, "SO-1", number)
}

async fn decide(bench: &Bench, decided: Intervention) -> Intervened {
    let came_of_it = bench.store.intervene(S, vec!["SO-1".into()], decided, 9_000).await.unwrap();
    bench.check(S).await;
    came_of_it[0]
}

async fn state(bench: &Bench) -> BillState {
    bench.store.bill(S, "SO-1").await.unwrap().unwrap()
}

async fn with_bill() -> Bench {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1)]).await;
    bench
}

async fn uncertain() -> Bench {
    let bench = with_bill().await;
    bench.claim(v(1), 0).await.unwrap();
    let unknown = Settled::Uncertain { problem: problem("no answer"), look_up_due_ms: i64::MAX };
    bench.settle(v(1), unknown).await.unwrap();
    bench
}

fn delivered() -> Intervention {
    Intervention::Delivered { id: "8801".into() }
}

#[tokio::test]
async fn a_dead_bill_is_tried_again_as_if_for_the_first_time() {
    let bench = with_bill().await;
    bench.claim(v(1), 0).await.unwrap();
    let dead = Settled::Dead { problem: problem("库存不足"), resume: None, there: None };
    bench.settle(v(1), dead).await.unwrap();
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    assert_eq!(decide(&bench, Intervention::Retry).await, Intervened::Done);
    assert_eq!(bench.ready(S, 9_000).await, ["SO-1 v1"]);
    let pending = state(&bench).await.pending.unwrap();
    assert_eq!((pending.status, pending.attempts, pending.due_ms), (Status::Waiting, 0, Some(9_000)));
    assert_eq!(pending.problem, Some(problem("库存不足")), "why it died is not forgotten");
}

#[tokio::test]
async fn what_is_given_up_is_superseded_and_comes_again_with_another_content() {
    let bench = with_bill().await;
    assert_eq!(decide(&bench, Intervention::Drop).await, Intervened::Done);
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    let books = bench.check(S).await;
    assert_eq!((books.bills, books.superseded, books.waiting), (1, 1, 0));
    assert_eq!(decide(&bench, Intervention::Drop).await, Intervened::Settled);
    bench.scan(S, vec![row("1", "SO-1", 1)]).await;
    assert_eq!(bench.ready(S, LATE).await, [""; 0], "the same content is no news");
    bench.scan(S, vec![row("1", "SO-1", 2)]).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"]);
}

#[tokio::test]
async fn an_uncertain_bill_is_settled_by_who_knows() {
    let bench = uncertain().await;
    assert_eq!(decide(&bench, Intervention::RetryAbsent).await, Intervened::Done);
    assert_eq!(bench.ready(S, 9_000).await, ["SO-1 v1"]);

    let bench = uncertain().await;
    assert_eq!(decide(&bench, delivered()).await, Intervened::Done);
    let (version, receipt) = state(&bench).await.delivered.unwrap();
    assert_eq!((version, receipt.id.as_deref(), receipt.number.as_deref()), (1, Some("8801"), Some("SO-1")));

    let bench = uncertain().await;
    assert_eq!(decide(&bench, Intervention::Drop).await, Intervened::Done);
    assert_eq!((state(&bench).await.status(), bench.check(S).await.superseded), (Status::Done, 1));

    let bench = uncertain().await;
    assert_eq!(decide(&bench, Intervention::Retry).await, Intervened::Done);
    assert_eq!(bench.store.next_due(S).await.unwrap(), Some(9_000), "it is looked up now");
}

#[tokio::test]
async fn a_newer_version_takes_the_place_of_an_uncertain_one_that_is_given_up() {
    let bench = uncertain().await;
    bench.scan(S, vec![row("1", "SO-1", 2)]).await;
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    assert_eq!(decide(&bench, Intervention::Drop).await, Intervened::Done);
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"]);
}

#[tokio::test]
async fn nobody_meddles_with_a_bill_that_is_being_sent() {
    let bench = with_bill().await;
    bench.claim(v(1), 0).await.unwrap();
    for decided in [Intervention::Retry, Intervention::Drop] {
        assert_eq!(decide(&bench, decided).await, Intervened::UnderWay);
    }
    assert_eq!(decide(&bench, delivered()).await, Intervened::NotUncertain);
    bench.settle(v(1), Settled::Done(receipt("A"))).await.unwrap();
    assert_eq!(decide(&bench, Intervention::Retry).await, Intervened::Settled);
    let unknown = bench.store.intervene(S, vec!["SO-2".into()], Intervention::Retry, 0).await.unwrap();
    assert_eq!(unknown, [Intervened::Unknown]);
    assert_eq!(bench.store.bill(S, "SO-2").await.unwrap(), None);
}

#[tokio::test]
async fn a_bill_with_a_refused_row_can_be_given_up_but_not_tried() {
    let bench = Bench::new();
    bench.scan(S, vec![refused("1", "SO-1", 1)]).await;
    assert!(state(&bench).await.pending.unwrap().has_refused_row);
    assert_eq!(decide(&bench, Intervention::Retry).await, Intervened::RefusedRow);
    assert_eq!(decide(&bench, Intervention::Drop).await, Intervened::Done);
}

#[tokio::test]
async fn a_pause_is_remembered_since_it_began() {
    let bench = with_bill().await;
    bench.store.pause(S, Some(5)).await.unwrap();
    bench.store.pause(S, Some(8)).await.unwrap();
    let bench = bench.reopen();
    assert_eq!(bench.store.scheme(S).await.unwrap().paused_ms, Some(5));
    bench.store.pause(S, None).await.unwrap();
    assert_eq!(bench.store.scheme(S).await.unwrap().paused_ms, None);
}

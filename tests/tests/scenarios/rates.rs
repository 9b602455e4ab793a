//! How fast a connection sends, as its vendor sees it: within what is configured, slower when it is asked to, and hardly at
//! all while the vendor is down.

use std::time::{Duration, Instant};

use qiao_tests::{Dataset, Fault, RequestLog, Route, Seen, Vendors, VendorsOptions};

use crate::harness::{PATIENCE, Project};

/// Vendors with so many orders, and the example project.
async fn started(orders: usize) -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(orders))).await.unwrap();
    let project = Project::example(&vendors);
    (vendors, project)
}

/// Requests that came between two moments.
fn between(log: &RequestLog, from: Instant, to: Instant) -> usize {
    log.all().iter().filter(|seen| seen.at >= from && seen.at < to).count()
}

fn refused(log: &RequestLog) -> Vec<Seen> {
    log.all().into_iter().filter(|seen| seen.status == Some(429)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schemes_on_one_connection_share_its_rate_and_concurrency() {
    let (vendors, project) = started(30).await;
    // The source of orders and the target of refunds.
    let limits = "plugin = \"kingdee\"\nrate = \"15/s\"\nconcurrency = 2\n";
    project.edit("qiao.toml", "plugin = \"kingdee\"\n", limits);
    project.edit("schemes/kingdee-order-to-okki.yaml", "page_size: 500", "page_size: 4");
    vendors.kingdee.set_latency(Duration::from_millis(120));
    let host = project.serve().await;
    vendors.wait_for(PATIENCE, |vendors| vendors.ledger().balances()).await.unwrap();
    let log = vendors.kingdee.log();
    assert!(log.count(Route::Query) > 10 && log.count(Route::BatchSave) > 0, "both schemes used it");
    assert_eq!(log.max_in_flight(), 2, "as many as it may, and never more");
    // Requests that left in turn may be read closer together, on a busy machine.
    for (seconds, most) in [(1, 16), (2, 31), (4, 60)] {
        let came = log.max_within(Duration::from_secs(seconds));
        assert!(came <= most, "{came} within {seconds} s");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configured_rate_it_slows_down_when_refused_and_recovers() {
    let (vendors, project) = started(300).await;
    // What the orders look up is there.
    let orders = std::fs::read(project.root().join("schemes/kingdee-order-to-okki.yaml")).unwrap();
    project.remove("schemes/kingdee-order-to-okki.yaml");
    project.run_once().await.succeeded();
    project.write("schemes/kingdee-order-to-okki.yaml", orders);

    vendors.okki.set_latency(Duration::from_millis(20));
    vendors.okki.faults().every(Route::Push, 140, Fault::TooManyRequests { retry_after: None });
    project.run_once().await.succeeded();
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");

    let log = vendors.okki.log();
    let first = refused(log).first().unwrap().at;
    let stretch = Duration::from_millis(300);
    let before = between(log, first.checked_sub(stretch).unwrap(), first);
    // What was under way is answered by then.
    let lowered = first + Duration::from_millis(40);
    let slowed = between(log, lowered, lowered + stretch);
    assert!(slowed * 3 < before * 2, "{before} before, {slowed} after");
    let later: Vec<Instant> = log.all().iter().map(|seen| seen.at).filter(|at| *at > lowered + stretch).collect();
    let recovered = later.iter().map(|at| between(log, *at, *at + stretch)).max();
    assert!(recovered.unwrap() * 10 >= slowed * 11, "{slowed} slowed down, {recovered:?} recovered");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_silences_the_connection_for_that_long() {
    let (vendors, project) = started(40).await;
    vendors.okki.faults().every(Route::Push, 20, Fault::TooManyRequests { retry_after: Some(2) });
    project.run_once().await.succeeded();
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    let log = vendors.okki.log();
    for seen in refused(log) {
        let on_their_way = seen.at + Duration::from_millis(300);
        assert_eq!(between(log, on_their_way, seen.at + Duration::from_secs(2)), 0);
    }
    assert!(!refused(log).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_down_is_asked_now_and_then_and_its_bills_wait() {
    let (vendors, project) = started(200).await;
    vendors.okki.set_latency(Duration::from_millis(10));
    let host = project.serve().await;
    vendors.wait_for(PATIENCE, |vendors| vendors.okki.push_count() >= 20).await.unwrap();
    vendors.okki.faults().every(Route::Any, 1, Fault::Status(502));
    host.said("the vendor is down: HTTP 502").await;
    let log = vendors.okki.log();
    let delivered = vendors.okki.push_count();
    // What was under way has arrived by then.
    let opened = Instant::now() + Duration::from_millis(200);
    let probes = || log.all().into_iter().map(|seen| seen.at).filter(|at| *at > opened).collect::<Vec<Instant>>();
    vendors.wait_for(PATIENCE, |_| probes().len() >= 2).await.unwrap();
    // Probes only, one at a time, after pauses that grow: 1 s, then 2 s.
    let pause = probes()[1] - probes()[0];
    assert!(pause > Duration::from_millis(1_900), "{pause:?}");
    assert_eq!(vendors.okki.push_count(), delivered);
    let told = project.qiao(&["scheme", "status", "--json"]).await.succeeded().json();
    let connections = told["connections"].as_array().unwrap();
    let okki = connections.iter().find(|told| told["connection"] == "okki-main").unwrap();
    assert_eq!((&okki["down"], &okki["concurrency"]), (&"HTTP 502".into(), &8.into()), "{okki}");
    let told = project.qiao(&["scheme", "status"]).await.succeeded();
    assert!(told.stdout.contains("connection `okki-main`: its vendor is down (HTTP 502)"), "{told:?}");

    vendors.okki.faults().clear();
    host.said("the vendor answers again, after").await;
    vendors.wait_for(PATIENCE, |vendors| vendors.ledger().balances()).await.unwrap();
    assert_eq!(host.log().matches("the vendor is down: ").count(), 1, "{}", host.log());
    host.stop().await;
    // Nothing was claimed in vain: few bills needed more than one attempt.
    let pushes = log.of(Route::Push).len();
    assert!(pushes <= 200 + 60, "{pushes} pushes of 200 orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_once_ends_within_its_wait_although_the_vendor_is_down() {
    let (vendors, project) = started(30).await;
    for route in [Route::Push, Route::OrderInfo] {
        vendors.okki.faults().every(route, 1, Fault::Status(503));
    }
    let begun = Instant::now();
    let ran = project.qiao(&["run", "--once", "--json", "--wait", "2s"]).await;
    ran.failed_saying(&["connection `okki-main`: the vendor is down (HTTP 503)"]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    vendors.okki.faults().clear();
    project.run_once().await.succeeded();
    assert!(vendors.ledger().balances());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_has_failed_for_longer_than_its_greatest_age_is_dead() {
    let (vendors, project) = started(2).await;
    let retry = "retry: { first: 100ms, most: 300ms, max_age: 1s }\nsource:\n";
    project.edit("schemes/kingdee-order-to-okki.yaml", "source:\n", retry);
    vendors.okki.faults().every(Route::Push, 1, Fault::TooManyRequests { retry_after: None });
    let ran = project.run_once().await.failed_saying(&["given up after"]);
    assert_eq!((&ran.orders()["dead"], vendors.okki.push_count()), (&2.into(), 0), "{ran:?}");
    assert!(refused(vendors.okki.log()).len() >= 4, "each was tried again before");
}

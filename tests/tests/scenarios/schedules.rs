//! When a serving host works, and how it ends.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use qiao_tests::{Dataset, Fault, Route, Vendors, VendorsOptions};

use crate::harness::{Host, PATIENCE, Project, terminate};

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";

async fn started(orders: usize) -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(orders))).await.unwrap();
    let project = Project::example(&vendors);
    (vendors, project)
}

/// What orders look up is there, and no order is.
async fn without_orders(project: &Project) {
    let orders = std::fs::read(project.root().join(ORDERS)).unwrap();
    project.remove(ORDERS);
    project.run_once().await.succeeded();
    project.write(ORDERS, orders);
}

/// A host that has begun to send this to a slow vendor, with sixty orders to deliver.
async fn sending(route: Route, latency: Duration) -> (Vendors, Project, Host) {
    let (vendors, project) = started(60).await;
    without_orders(&project).await;
    vendors.okki.set_latency(latency);
    let host = project.serve().await;
    vendors.wait_for(PATIENCE, |vendors| vendors.okki.log().count(route) > 0).await.unwrap();
    (vendors, project, host)
}

fn is_exact(vendors: &Vendors) {
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    for order in vendors.okki.orders() {
        assert_eq!(vendors.okki.creates_of(&order.order_no), 1, "{}", order.order_no);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_under_way_end_within_the_grace_time_and_nothing_new_begins() {
    let (vendors, project, host) = sending(Route::Push, Duration::from_millis(700)).await;
    host.stop().await;
    // Each of them was answered, and settled: none is looked up, or sent again.
    let sent = vendors.okki.log().count(Route::Push);
    assert!(sent < 60 && vendors.okki.push_count() == sent, "{sent} sent");
    vendors.okki.set_latency(Duration::ZERO);
    project.run_once().await.succeeded();
    is_exact(&vendors);
    assert_eq!(vendors.okki.log().count(Route::Push), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_more_is_looked_up_once_the_host_is_to_stop() {
    let (vendors, project, host) = sending(Route::OrderInfo, Duration::from_millis(300)).await;
    host.stop().await;
    // One call looks up twenty.
    let asked = vendors.okki.log().count(Route::OrderInfo);
    assert!(asked <= 20 && vendors.okki.push_count() == 0, "{asked} asked");
    vendors.okki.set_latency(Duration::ZERO);
    project.run_once().await.succeeded();
    is_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_at_the_vendor_is_not_looked_up_any_more_once_the_host_is_to_stop() {
    let (vendors, project, host) = sending(Route::Push, Duration::from_millis(300)).await;
    host.kill().await;
    let asked = || vendors.okki.log().count(Route::OrderInfo);
    let before = asked();
    // All that were to be sent may be there.
    let host = project.serve().await;
    vendors.wait_for(PATIENCE, |_| asked() > before).await.unwrap();
    host.stop().await;
    // One call looks up twenty.
    assert!(asked() <= before + 20, "{} asked", asked() - before);
    vendors.okki.set_latency(Duration::ZERO);
    project.run_once().await.succeeded();
    is_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_the_grace_time_is_broken_off_and_looked_up_at_the_next_start() {
    let (vendors, project) = started(30).await;
    without_orders(&project).await;
    let text = std::fs::read_to_string(project.root().join("qiao.toml")).unwrap();
    project.write(
        "qiao.toml",
        format!("[host]\ngrace = \"500ms\"\n{}", text.replace("timeout = \"5s\"", "timeout = \"2m\"")),
    );
    // They are applied, and nobody hears of it.
    vendors.okki.faults().next(Route::Push, 3, Fault::DelayAfter(Duration::from_mins(5)));
    let host = project.serve().await;
    vendors.wait_for(PATIENCE, |vendors| vendors.okki.push_count() == 30).await.unwrap();
    let said = host.stop_saying().await;
    assert!(said.contains("3 bill(s) that were being sent are looked up at the vendor at the next start"), "{said}");
    vendors.okki.faults().clear();
    project.run_once().await.succeeded();
    is_exact(&vendors);
    assert_eq!(vendors.okki.push_count(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_once_that_is_told_to_stop_ends_in_good_order() {
    let (vendors, project) = started(60).await;
    without_orders(&project).await;
    vendors.okki.set_latency(Duration::from_millis(300));
    let mut run = project.start(&["run", "--once"]);
    vendors.wait_for(PATIENCE, |vendors| vendors.okki.log().count(Route::Push) > 0).await.unwrap();
    terminate(&run).await;
    let ended = tokio::time::timeout(PATIENCE, run.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(1));
    let sent = vendors.okki.log().count(Route::Push);
    assert!(sent < 60 && vendors.okki.push_count() == sent, "{sent} sent");
    vendors.okki.set_latency(Duration::ZERO);
    project.run_once().await.succeeded();
    is_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_missed_while_no_host_ran_is_made_up_at_the_start() {
    let (vendors, project) = started(10).await;
    project.run_once().await.succeeded();
    let asked = vendors.kingdee.log().count(Route::Query);
    vendors.add(5).unwrap();
    // Once a day, and it will be tomorrow.
    let at =
        Timestamp::now().to_zoned(TimeZone::get("Asia/Shanghai").unwrap()).saturating_add(jiff::Span::new().seconds(2));
    let schedule = format!("schedule: \"{} {} {} * * *\"", at.second(), at.minute(), at.hour());
    project.edit(ORDERS, "schedule: \"*/10 * * * *\"", &schedule);
    let text = std::fs::read_to_string(project.root().join("qiao.toml")).unwrap();
    project.write("qiao.toml", format!("[host]\njitter = \"0\"\n{text}"));
    let passed = at.timestamp().duration_since(Timestamp::now()) + jiff::SignedDuration::from_millis(1_200);
    tokio::time::sleep(Duration::try_from(passed).unwrap()).await;
    let host = project.serve().await;
    vendors.wait_for(PATIENCE, |vendors| vendors.okki.push_count() == 15).await.unwrap();
    assert!(vendors.kingdee.log().count(Route::Query) > asked);
    host.stop().await;
    is_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_never_overlaps_itself() {
    let (vendors, project) = started(5).await;
    project.remove("schemes/wdt-refund-to-kingdee.yaml");
    project.edit(ORDERS, "schedule: \"*/10 * * * *\"", "schedule: \"* * * * * *\"");
    vendors.kingdee.set_latency(Duration::from_millis(1_300));
    let host = project.serve().await;
    vendors.wait_for(PATIENCE, |vendors| vendors.kingdee.log().count(Route::Query) >= 4).await.unwrap();
    assert_eq!(vendors.kingdee.log().max_in_flight(), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_up_wrong_is_tried_with_one_bill_and_goes_on_as_soon_as_it_is_mended() {
    let (vendors, mut project) = started(20).await;
    let secret = vendors.credentials.app_secret.clone();
    project.forget("KINGDEE_APP_SECRET");
    project.edit("qiao.toml", "{ env = \"KINGDEE_APP_SECRET\" }", "{ file = \"secret\" }");
    project.write("secret", "wrong");
    let host = project.serve().await;
    host.said("delivery is stopped until this is mended").await;
    host.said("scanning is stopped until this is mended").await;
    // Two schemes use the connection, and its sign-in is tried for few bills, not for each.
    let asked = vendors.kingdee.log().count(Route::Any);
    assert!(asked <= 6, "{asked} requests");
    project.write("secret", secret);
    host.said("it delivers again").await;
    vendors.wait_for(PATIENCE, |vendors| vendors.ledger().balances()).await.unwrap();
    host.stop().await;
    is_exact(&vendors);
}

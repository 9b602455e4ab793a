//! What metadata can say beyond the articles: bills that are grouped anew, what is passed on after a write, what is fetched
//! again because it was committed late.

use std::time::Duration;

use qiao_tests::{Dataset, Fault, Route, Vendors, VendorsOptions};

use crate::harness::{PATIENCE, Project};

const REFUNDS: &str = "schemes/wdt-refund-to-kingdee.yaml";
const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";

/// Gets what the refunds' scheme writes back.
const WRITTEN: &str = "schemes/written.yaml";

async fn refunds() -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(60))).await.unwrap();
    let project = Project::example(&vendors);
    for scheme in ["kingdee-order-to-okki", "okki-companies", "okki-products", "okki-users"] {
        project.remove(&format!("schemes/{scheme}.yaml"));
    }
    (vendors, project)
}

/// Adds keys to the metadata of the refunds' target.
fn with_keys(project: &Project, keys: &str) {
    project.edit(REFUNDS, "\"api\": \"batchSave\",", &format!("\"api\": \"batchSave\",\n{keys},"));
}

fn write_back(project: &Project) {
    with_keys(
        project,
        r#""callBackStrategy": {"strategyId": "退货写回", "refund_no": "{{refund_no}}", "fid": "{{primaryWriteback.id}}",
           "number": "{{primaryWriteback.number}}"}"#,
    );
    project.write(
        WRITTEN,
        r#"
name: 退货写回
source:
  connection: wdt-main
  metadata: { "api": "wdt.refund.query", "id": "refund_no", "idCheck": false, "request": [] }
"#,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_grouped_by_group_calculate_are_the_same_refunds() {
    let (vendors, project) = refunds().await;
    with_keys(
        &project,
        r#""groupCalculate": {"headerGroup": ["refund_no", "shop_no", "modified", "remark"], "bodyName": "refund_order_list",
           "bodyGroup": ["refund_order_list.order_id", "refund_order_list.goods_no", "refund_order_list.remark"],
           "calculate": {"refund_order_list.refund_num": "$sum", "refund_order_list.refund_order_amount": "$sum"}}"#,
    );
    project.run_once().await.succeeded();
    let ledger = vendors.ledger().refunds;
    assert!(ledger.balances(), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_write_are_no_more_than_the_metadata_says() {
    let (vendors, project) = refunds().await;
    with_keys(&project, r#""operation": {"method": "batchArraySave", "rows": 3, "rowsKey": "Model"}"#);
    let ran = project.run_once().await.succeeded();
    let ledger = vendors.ledger().refunds;
    assert!(ledger.balances(), "{ledger:?}");
    let done = usize::try_from(ran.refunds()["done"].as_u64().unwrap()).unwrap();
    assert!(vendors.kingdee.log().count(Route::BatchSave) >= done.div_ceil(3), "{done} bills");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_passed_on_once() {
    let (vendors, project) = refunds().await;
    write_back(&project);
    let ran = project.run_once().await.succeeded();
    let done = ran.refunds()["done"].clone();
    assert!(done.as_u64().unwrap() > 10);
    assert_eq!((&ran.scheme(WRITTEN)["rows"], &ran.scheme(WRITTEN)["new"]), (&done, &done), "{ran:?}");
    assert!(vendors.ledger().refunds.balances());
    // It is fed by the other scheme, and asks the vendor for nothing.
    let again = project.run_once().await.succeeded();
    assert_eq!(again.scheme(WRITTEN)["rows"], 0, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_lost_answers_and_kills_each_bill_is_passed_on_once() {
    let (vendors, project) = refunds().await;
    write_back(&project);
    vendors.kingdee.faults().every(Route::BatchSave, 3, Fault::ResetAfter);
    vendors.kingdee.set_latency(Duration::from_millis(20));
    for audited in [5, 20] {
        let mut host = project.start(&["run", "--once", "--json"]);
        vendors.wait_for(PATIENCE, |vendors| vendors.ledger().refunds.audited >= audited).await.unwrap();
        host.kill().await.unwrap();
    }
    project.run_once().await.succeeded();
    let ledger = vendors.ledger().refunds;
    assert!(ledger.balances(), "{ledger:?}");
    // All of them by now, whichever run it was: a row that came twice would be counted as skipped.
    project.remove(REFUNDS);
    project.remove(WRITTEN);
    let purged = project.qiao(&["scheme", "purge", "written", "--json"]).await.succeeded();
    assert_eq!(purged.json()["rows"], ledger.deliverable, "{purged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_not_there_is_said_before_anything_is_sent() {
    let (vendors, project) = refunds().await;
    write_back(&project);
    project.remove(WRITTEN);
    let check = project.qiao(&["scheme", "check"]).await;
    check
        .failed_saying(&["callBackStrategy.strategyId", "the scheme `退货写回`, which is to get what is written back"]);
    assert_eq!(vendors.ledger().refunds.saved, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_late_is_fetched_by_the_remedy() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(30))).await.unwrap();
    let project = Project::example(&vendors);
    // After the first scan, on New Year's Day only.
    project.edit(ORDERS, "schedule: \"*/10 * * * *\"", "schedule: \"0 0 1 1 *\"");
    project.run_once().await.succeeded();
    let remedy = r#""omissionRemedy": {"crontab": "* * * * * *", "takeOverRequest": [
        {"field": "FilterString", "value": "FModifyDate>='{{DAYS_AGO_30|dateTime}}' and FDocumentStatus='C'"}]},"#;
    project.edit(ORDERS, "\"api\": \"executeBillQuery\",", &format!("\"api\": \"executeBillQuery\",\n{remedy}"));
    vendors.add(5).unwrap();

    let host = project.serve().await;
    let arrived = vendors.wait_for(PATIENCE, |vendors| vendors.okki.orders().len() >= 35).await;
    assert!(arrived.is_ok(), "{}", host.log());
    host.stop().await;
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crontab_that_is_none_is_said() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let project = Project::example(&vendors);
    let remedy =
        r#""omissionRemedy": {"crontab": "every night", "takeOverRequest": [{"field": "FNote", "value": "1"}]},"#;
    project.edit(ORDERS, "\"api\": \"executeBillQuery\",", &format!("\"api\": \"executeBillQuery\",\n{remedy}"));
    let check = project.qiao(&["scheme", "check"]).await;
    check.failed_saying(&["source.metadata.omissionRemedy.crontab", "`every night` is not a cron schedule"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remedy_that_the_vendor_refuses_stops_no_scan() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await.unwrap();
    let project = Project::example(&vendors);
    let remedy = r#""omissionRemedy": {"crontab": "* * * * * *", "takeOverRequest": [
        {"field": "FilterString", "value": "FModifyDate >> 'gestern'"}]},"#;
    project.edit(ORDERS, "\"api\": \"executeBillQuery\",", &format!("\"api\": \"executeBillQuery\",\n{remedy}"));
    project.edit(ORDERS, "schedule: \"*/10 * * * *\"", "schedule: \"* * * * * *\"");
    let host = project.serve().await;
    host.said("what was committed late is not fetched this time").await;
    vendors.add(5).unwrap();
    let arrived = vendors.wait_for(PATIENCE, |vendors| vendors.okki.orders().len() >= 15).await;
    assert!(arrived.is_ok(), "{}", host.log());
    host.stop().await;
    assert!(vendors.ledger().balances(), "{:?}", vendors.ledger());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_removed_serves_on_for_who_writes_back() {
    let (vendors, project) = refunds().await;
    write_back(&project);
    project.edit(REFUNDS, "schedule: \"*/5 * * * *\"", "schedule: \"* * * * * *\"");
    project.edit(REFUNDS, "lag: 3m", "lag: 0s");
    let host = project.serve().await;
    project.remove(WRITTEN);
    host.said("serves on").await;
    let before = vendors.ledger().refunds.deliverable;
    vendors.add_refunds(3).unwrap();
    let delivered = vendors.wait_for(PATIENCE, |vendors| vendors.ledger().refunds.delivered >= before + 3).await;
    assert!(delivered.is_ok(), "{}", host.log());
    host.stop().await;
}

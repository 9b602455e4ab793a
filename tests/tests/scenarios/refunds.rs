//! The second article: finished returns of WDT become sales returns of Kingdee, saved, submitted and audited, once.

use qiao_tests::{Dataset, Fault, Route, Vendors, VendorsOptions};

use crate::harness::Project;

const REFUNDS: &str = "schemes/wdt-refund-to-kingdee.yaml";

/// A project that only moves refunds.
fn refunds_only(vendors: &Vendors) -> Project {
    let project = Project::example(vendors);
    for scheme in ["kingdee-order-to-okki", "okki-companies", "okki-products", "okki-users"] {
        project.remove(&format!("schemes/{scheme}.yaml"));
    }
    project
}

async fn small() -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(60))).await.unwrap();
    let project = refunds_only(&vendors);
    (vendors, project)
}

#[track_caller]
fn assert_exact(vendors: &Vendors) {
    let ledger = vendors.ledger().refunds;
    assert!(ledger.balances(), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_refunds_arrive_once_and_a_second_run_delivers_nothing_new() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::demo())).await.unwrap();
    let project = refunds_only(&vendors);
    let ran = project.run_once().await.succeeded();
    assert_exact(&vendors);
    let ledger = vendors.ledger().refunds;
    assert_eq!(ran.refunds()["rows"], 500, "{ran:?}");
    assert_eq!(ran.refunds()["done"], ledger.deliverable, "{ran:?}");
    assert!(ledger.deliverable < 500, "the condition leaves some out");

    let again = project.run_once().await.succeeded();
    assert_eq!((&again.refunds()["new"], &again.refunds()["done"]), (&0.into(), &0.into()), "{again:?}");
    assert_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_direct_way_in_delivers_the_same() {
    let (vendors, project) = small().await;
    project.edit("qiao.toml", &vendors.wdt.base_url_qimen(), &vendors.wdt.base_url_direct());
    project.edit("qiao.toml", "mode = \"qimen\"", "mode = \"direct\"");
    project.run_once().await.succeeded();
    assert_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_signing_is_accepted() {
    for method in ["md5", "hmac", "hmac-sha256"] {
        let (vendors, project) = small().await;
        project.edit("qiao.toml", "sign_method = \"hmac-sha256\"", &format!("sign_method = \"{method}\""));
        project.run_once().await.succeeded();
        assert_exact(&vendors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_killed_between_save_and_audit_goes_on_from_there() {
    let (vendors, project) = small().await;
    // The first call is saved, and its submission never answered.
    for route in [Route::Submit, Route::Audit] {
        vendors.kingdee.faults().next(route, 1, Fault::Hang);
        let mut host = project.start(&["run", "--once"]);
        let patience = crate::harness::PATIENCE;
        vendors.wait_for(patience, |vendors| vendors.kingdee.log().count(route) > 0).await.unwrap();
        host.kill().await.unwrap();
        vendors.kingdee.faults().clear();
    }
    let before = vendors.ledger().refunds;
    assert!(before.saved > before.audited, "it was killed half way: {before:?}");
    project.run_once().await.succeeded();
    assert_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_that_change_during_a_scan_are_not_missed() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::demo())).await.unwrap();
    let project = refunds_only(&vendors);
    vendors.wdt.touch_after(2, 10);
    vendors.wdt.touch_after(5, 10);
    vendors.wdt.appear_after(3, 5);
    project.run_once().await;
    // What was touched lies behind the window's end: the next scan, whose lag has passed, has it.
    project.edit(REFUNDS, "lag: 3m", "lag: 0s");
    project.run_once().await.succeeded();
    assert_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_kingdee_refuses_is_dead_with_its_words_and_stops_nobody() {
    let (vendors, project) = small().await;
    // A warehouse that Kingdee does not have.
    project.edit(
        REFUNDS,
        r#""value": "THC""#,
        r#""value": "_function case when '{refund_no}' like '%1' then 'NIRGENDS' else 'THC' end""#,
    );
    let ran = project.run_once().await.failed_saying(&["NIRGENDS", "not delivered"]);
    let dead = ran.refunds()["dead"].as_u64().unwrap();
    assert!(dead > 0, "{ran:?}");
    assert_eq!(ran.refunds()["done"].as_u64().unwrap() + dead, vendors.ledger().refunds.deliverable as u64, "{ran:?}");
    // Mended in the scheme, they are delivered by themselves.
    project.edit(REFUNDS, "NIRGENDS", "THC");
    project.run_once().await.succeeded();
    assert_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_breaks_a_rule_is_dead_with_the_rules_name_and_comes_alive_when_the_rule_changes() {
    let (vendors, project) = small().await;
    let stages = "stages:\n  - plugin: transforms\n    stage: validate\n    rules:\n      - { name: 单号为偶数, field: refund_no, pattern: \"TK.*[02468]\" }\ntarget:";
    project.edit(REFUNDS, "target:", stages);
    let ran = project.run_once().await.failed_saying(&["单号为偶数", "validate"]);
    let dead = ran.refunds()["dead"].as_u64().unwrap();
    assert!(dead > 0, "{ran:?}");
    project.edit(REFUNDS, "[02468]", "[0-9]");
    let ran = project.run_once().await.succeeded();
    assert_eq!(ran.refunds()["done"].as_u64(), Some(dead), "{ran:?}");
    assert_exact(&vendors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_said_with_the_vendors_words() {
    let (_vendors, mut project) = small().await;
    project.set("WDT_APP_SECRET", "wrong");
    let tried = project.qiao(&["connection", "test", "wdt-main"]).await;
    tried.failed_saying(&["Invalid signature", "app_secret"]);
    project.run_once().await.failed_saying(&["Invalid signature", "wdt-main"]);
}

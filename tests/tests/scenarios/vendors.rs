//! Vendors on a bad day: what is said. That nothing is lost or doubled, `faults` shows.

use qiao_tests::{Dataset, Fault, Route, Vendors, VendorsOptions};

use crate::harness::Project;

async fn vendors(orders: usize) -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(orders))).await.unwrap();
    let project = Project::example(&vendors);
    // Refunds look Kingdee's returns up, by the same route as orders are read.
    project.remove("schemes/wdt-refund-to-kingdee.yaml");
    (vendors, project)
}

const ONCE: &[&str] = &["run", "--once", "--json", "--wait", "0s"];

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_said_with_what_it_answered() {
    for (fault, said) in [
        (Fault::Html, &["page 0 from connection `kingdee-main`", "HTML"][..]),
        (Fault::Truncate, &["page 0 from connection `kingdee-main`", "broke off"]),
        (Fault::Status(503), &["page 0 from connection `kingdee-main`", "503"]),
        (Fault::KingdeeMsgCode(7), &["MsgCode 7"]),
    ] {
        let (vendors, project) = vendors(3).await;
        // The heartbeat of signing in goes by the same route.
        project.qiao(&["connection", "test", "kingdee-main"]).await.succeeded();
        vendors.kingdee.faults().every(Route::Query, 1, fault.clone());
        project.qiao(ONCE).await.failed_saying(said);
        vendors.kingdee.faults().clear();
        let ran = project.run_once().await.succeeded();
        assert_eq!(ran.orders()["done"], 3, "{fault:?}: after it has passed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_the_vendor_refuses_is_dead_and_said_and_the_others_arrive() {
    let (vendors, project) = vendors(5).await;
    vendors.okki.faults().next(
        Route::Push,
        1,
        Fault::OkkiCode(404, "Not Found Resource没有权限编辑销售订单".to_owned()),
    );
    let ran = project.run_once().await.failed_saying(&["404", "没有权限编辑销售订单", "not delivered"]);
    assert_eq!(ran.orders()["dead"], 1, "{ran:?}");
    assert_eq!(ran.orders()["done"], 4, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_material_code_that_the_table_lacks_is_named_and_the_others_arrive() {
    let (vendors, project) = vendors(20).await;
    let table = std::fs::read_to_string(project.root().join("tables/material_code.csv")).unwrap();
    let approved = vendors.kingdee.dataset();
    let code = approved.approved().next().unwrap().entries[0].material.clone();
    let row = format!("{code},");
    let lacking: Vec<&str> = table.lines().filter(|line| !line.starts_with(&row)).collect();
    project.write("tables/material_code.csv", lacking.join("\n"));
    let ran = project.run_once().await.failed_saying(&[&code, "material_code"]);
    let (done, dead) = (ran.orders()["done"].as_u64().unwrap(), ran.orders()["dead"].as_u64().unwrap());
    assert!(dead > 0 && done + dead == 20, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_said_as_such() {
    let (_vendors, project) = vendors(1).await;
    project.qiao(&["connection", "test", "okki-main"]).await.succeeded();
    project.edit("qiao.toml", "client_id = \"okki-demo-client\"", "client_id = \"somebody-else\"");
    let ran = project.qiao(&["connection", "test", "okki-main"]).await;
    ran.failed_saying(&["`okki-main` does not work", "misconfigured", "invalid_client"]);
}

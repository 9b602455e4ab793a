//! Looking into what other schemes have collected: by an index that is built while everything else goes on.

use qiao_tests::{Dataset, Vendors, VendorsOptions};
use serde_json::Value;

use crate::harness::{PATIENCE, Project, Ran};

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";

/// The example project with collected rows and without the scheme that looks into them; and that scheme's text.
async fn collected(orders: usize) -> (Vendors, Project, String) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(orders))).await.unwrap();
    let project = Project::example(&vendors);
    let orders = std::fs::read_to_string(project.root().join(ORDERS)).unwrap();
    project.remove(ORDERS);
    project.run_once().await.succeeded();
    (vendors, project, orders)
}

/// What `scheme check` says of indexes: where, and what.
fn unbuilt(checked: &Ran) -> Vec<(String, String)> {
    let checked = checked.json();
    let text = |warning: &Value, key: &str| warning[key].as_str().unwrap_or_default().to_owned();
    let warnings = checked["warnings"].as_array().unwrap().iter();
    let of_indexes = warnings.filter(|warning| text(warning, "message").contains("no index"));
    of_indexes.map(|warning| (text(warning, "path"), text(warning, "message"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_dropped_into_a_running_host_gets_its_indexes_and_is_delivered() {
    let (vendors, project, orders) = collected(6).await;

    project.write(ORDERS, &orders);
    let warned = unbuilt(&project.qiao(&["scheme", "check", "--json"]).await.succeeded());
    assert_eq!(warned.len(), 4, "one for each lookup: {warned:?}");
    assert!(warned.iter().all(|(path, _)| path.starts_with("target.metadata.request[")), "{warned:?}");
    let products = "the collection `okki-products` has no index over `product_no` yet (";
    let message = warned.iter().find(|(_, message)| message.starts_with(products)).map(|(_, message)| message);
    let rows_and_more =
        message.and_then(|message| message.strip_prefix(products)).unwrap_or_else(|| panic!("{warned:?}"));
    assert!(!rows_and_more.starts_with('0'), "{rows_and_more}");
    assert!(rows_and_more.ends_with("rows): it is built in the background when a host takes the scheme over"));
    project.remove(ORDERS);

    let host = project.serve().await;
    project.write(ORDERS, &orders);
    let arrived = vendors.wait_for(PATIENCE, |vendors| vendors.okki.orders().len() >= 6).await;
    assert!(arrived.is_ok(), "{}", host.log());
    // A running host is asked: it has the journal.
    let checked = project.qiao(&["scheme", "check", "--json"]).await.succeeded();
    assert_eq!((unbuilt(&checked), checked.stderr.as_str()), (vec![], ""));
    host.stop().await;
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    let ran = project.run_once().await.succeeded();
    let scheme = ran.orders();
    assert_eq!((&scheme["dead"], &scheme["failed"], &scheme["waiting"]), (&0.into(), &0.into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_of_every_kind_deliver_the_same() {
    let (vendors, project, orders) = collected(5).await;
    let mut text = orders;
    for (from, to) in [
        (
            "_findCollection find company_id from okki-companies where serial_id={FCustId_FNumber}",
            "_function _findCollection find company_id from okki-companies where serial_id={FCustId_FNumber} _endFind + 0",
        ),
        (
            "_findCollection find user_id from okki-users where employee_no={FSalerId_FNumber}",
            r"_mongoQuery okki-users findField=content.user_id where={'content.employee_no':{'$in':['none','{FSalerId_FNumber}']},'content.user_id':{'$gt':0}}",
        ),
        // No equality: it reads all products, the latest first.
        (
            "_findCollection find sku_id from okki-products where product_no={FMaterialId_Fnumber}",
            r"_mongoQuery okki-products findField=content.sku_id where={'content.product_no':{'$gte':'{FMaterialId_Fnumber}','$lte':'{FMaterialId_Fnumber}'}}",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    project.write(ORDERS, text);
    let checked = project.qiao(&["scheme", "check", "--json"]).await.succeeded();
    assert!(unbuilt(&checked).iter().any(|(_, message)| message.contains("no index over all rows yet")), "{checked:?}");
    let ran = project.run_once().await.succeeded();
    assert_eq!(ran.orders()["done"], 5, "{ran:?}");
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
}

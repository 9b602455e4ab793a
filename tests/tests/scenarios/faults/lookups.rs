//! Lookups into a scheme that has not scanned yet: bills wait, and none is dead.

use qiao_tests::{Fault, OrderNoReading, Route};

use super::{Case, Way};
use crate::harness::PATIENCE;

const ORDERS: Way = Way::Orders(OrderNoReading::SecondOrder);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_lookups_find_nothing_yet_leaves_its_bills_waiting() {
    for route in [Route::CompanyList, Route::ProductList, Route::UserList] {
        let case = Case::new(ORDERS, 6).await;
        case.vendors.okki.faults().every(route, 1, Fault::Status(503));
        let ran = case.project.qiao(&["run", "--once", "--json", "--wait", "1s"]).await.failed_saying(&["503"]);
        let orders = ran.orders();
        assert_eq!((&orders["dead"], &orders["waiting"]), (&0.into(), &6.into()), "{route:?}: {ran:?}");
        assert_eq!(case.vendors.okki.push_count(), 0);
        case.vendors.okki.faults().clear();
        case.delivers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serving_host_delivers_as_soon_as_the_rows_are_there() {
    let case = Case::new(ORDERS, 6).await;
    case.vendors.okki.faults().next(Route::CompanyList, 1, Fault::Hang);
    let host = case.project.serve().await;
    host.said("scan finished scheme=\"kingdee-order-to-okki\"").await;
    // The hanging scan is given up at the time-out, and made again.
    let arrived = case.vendors.wait_for(PATIENCE, |vendors| vendors.ledger().balances()).await;
    assert!(arrived.is_ok(), "{}", host.log());
    assert!(!host.log().contains("not delivered"), "{}", host.log());
    host.stop().await;
    case.delivers().await;
}

//! Vendors that are not there: nothing is lost, and what has piled up is delivered when they are back.

use qiao_tests::{OrderNoReading, Vendors};

use super::{Case, ORDERS, REFUNDS, WAYS, Way};
use crate::harness::PATIENCE;

/// A run that does not wait for long.
const BRIEFLY: &[&str] = &["run", "--once", "--json", "--wait", "1s"];

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_down_for_the_whole_run_is_said_and_caught_up_with() {
    for way in WAYS {
        let case = Case::new(way, 6).await;
        let said = if way == Way::Refunds {
            case.vendors.wdt.go_down().await.unwrap();
            "wdt-main"
        } else {
            case.vendors.kingdee.go_down().await.unwrap();
            "kingdee-main"
        };
        case.project.qiao(BRIEFLY).await.failed_saying(&[said, "refused"]);
        case.vendors.kingdee.come_up().unwrap();
        case.vendors.wdt.come_up().unwrap();
        case.delivers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_down_for_the_whole_run_gets_everything_in_the_next() {
    for way in WAYS {
        let case = Case::new(way, 6).await;
        let scheme = if way == Way::Refunds { REFUNDS } else { ORDERS };
        if way == Way::Refunds {
            case.vendors.kingdee.go_down().await.unwrap();
        } else {
            // What it looks up is there; then OKKI goes.
            let orders = std::fs::read(case.project.root().join(ORDERS)).unwrap();
            case.project.remove(ORDERS);
            case.project.run_once().await.succeeded();
            case.project.write(ORDERS, orders);
            case.vendors.okki.go_down().await.unwrap();
        }
        let ran = case.project.qiao(BRIEFLY).await.failed_saying(&["refused"]);
        let of_scheme = ran.scheme(scheme);
        assert_eq!(
            (&of_scheme["bills"], &of_scheme["done"], &of_scheme["dead"]),
            (&6.into(), &0.into(), &0.into()),
            "{ran:?}"
        );
        case.vendors.kingdee.come_up().unwrap();
        case.vendors.okki.come_up().unwrap();
        case.delivers().await;
    }
}

/// A host that serves while vendors come and go. Its schemes are due every second.
async fn serves_through(way: Way, goes: impl AsyncFn(&Vendors), comes: impl Fn(&Vendors)) {
    let case = Case::new(way, 6).await;
    for (scheme, schedule) in [(ORDERS, "*/10 * * * *"), (REFUNDS, "*/5 * * * *")] {
        if case.project.root().join(scheme).exists() {
            case.project.edit(scheme, schedule, "* * * * * *");
        }
    }
    if way == Way::Refunds {
        // What comes in this test is modified now.
        case.project.edit(REFUNDS, "lag: 3m ", "lag: 0s ");
    }
    let arrived = |vendors: &Vendors| {
        let ledger = vendors.ledger();
        if way == Way::Refunds { ledger.refunds.balances() } else { ledger.balances() }
    };
    let host = case.project.serve().await;
    assert!(case.vendors.wait_for(PATIENCE, arrived).await.is_ok(), "{}", host.log());
    goes(&case.vendors).await;
    case.vendors.add(4).unwrap();
    case.vendors.add_refunds(4).unwrap();
    host.said("refused").await;
    comes(&case.vendors);
    assert!(case.vendors.wait_for(PATIENCE, arrived).await.is_ok(), "{:?} {}", case.vendors.ledger(), host.log());
    assert!(!host.log().contains("not delivered"), "{}", host.log());
    host.stop().await;
    case.delivers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serving_host_outlives_a_source_that_goes_and_comes() {
    let orders = Way::Orders(OrderNoReading::SecondOrder);
    serves_through(
        orders,
        async |vendors| vendors.kingdee.go_down().await.unwrap(),
        |vendors| vendors.kingdee.come_up().unwrap(),
    )
    .await;
    serves_through(
        Way::Refunds,
        async |vendors| vendors.wdt.go_down().await.unwrap(),
        |vendors| vendors.wdt.come_up().unwrap(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serving_host_outlives_a_target_that_goes_and_comes() {
    let orders = Way::Orders(OrderNoReading::SecondOrder);
    serves_through(
        orders,
        async |vendors| vendors.okki.go_down().await.unwrap(),
        |vendors| vendors.okki.come_up().unwrap(),
    )
    .await;
    serves_through(
        Way::Refunds,
        async |vendors| vendors.kingdee.go_down().await.unwrap(),
        |vendors| vendors.kingdee.come_up().unwrap(),
    )
    .await;
}

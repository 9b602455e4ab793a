//! The first article: approved sales orders of Kingdee become orders of OKKI, complete and to the cent.

use qiao_tests::{Dataset, OrderNoReading, PushKind, Vendors, VendorsOptions};

use crate::harness::Project;

#[tokio::test(flavor = "multi_thread")]
async fn all_orders_arrive_to_the_cent_and_a_second_run_delivers_nothing_new() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::demo())).await.unwrap();
    let project = Project::example(&vendors);

    let ran = project.run_once().await.succeeded();
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    assert_eq!(ledger.orders, 700);
    assert!(ledger.lines >= 2_000, "{ledger:?}");
    assert_eq!(ran.orders()["done"], 700, "{ran:?}");
    assert_eq!(vendors.okki.push_count(), 700);

    let again = project.run_once().await.succeeded();
    assert_eq!(again.orders()["new"], 0, "{again:?}");
    assert_eq!(again.orders()["done"], 0, "{again:?}");
    assert_eq!(vendors.okki.push_count(), 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_changes_exactly_the_changed_and_added_orders_are_delivered_under_both_readings_of_order_no() {
    for reading in [OrderNoReading::Edit, OrderNoReading::SecondOrder] {
        let options = VendorsOptions::new(Dataset::small(120)).reading(reading);
        let vendors = Vendors::start(options).await.unwrap();
        let project = Project::example(&vendors);
        project.run_once().await.succeeded();
        let before = vendors.okki.push_count();

        vendors.change(50).unwrap();
        vendors.add(20).unwrap();
        let ran = project.run_once().await.succeeded();

        assert_eq!(ran.orders()["done"], 70, "{reading:?}: {ran:?}");
        let pushes = vendors.okki.pushes().split_off(before);
        let creates = pushes.iter().filter(|push| push.kind == PushKind::Create).count();
        assert_eq!((creates, pushes.len() - creates), (20, 50), "{reading:?}");
        let ledger = vendors.ledger();
        assert!(ledger.balances(), "{reading:?}: {ledger:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_okki_has_already_is_updated_not_doubled() {
    for reading in [OrderNoReading::Edit, OrderNoReading::SecondOrder] {
        let options = VendorsOptions::new(Dataset::small(10)).reading(reading);
        let vendors = Vendors::start(options).await.unwrap();
        Project::example(&vendors).run_once().await.succeeded();
        // Another project, which has never delivered anything: `idCheck` finds what is there.
        let ran = Project::example(&vendors).run_once().await.succeeded();
        assert_eq!(ran.orders()["done"], 10, "{ran:?}");
        let ledger = vendors.ledger();
        assert!(ledger.balances(), "{reading:?}: {ledger:?}");
    }
}

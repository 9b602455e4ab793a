//! `kill -9` at any instant: nothing is lost, nothing is doubled.

use std::time::Duration;

use qiao_tests::{Dataset, OrderNoReading, Vendors, VendorsOptions};

use crate::harness::Project;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_host_goes_on_where_it_was() {
    for reading in [OrderNoReading::Edit, OrderNoReading::SecondOrder] {
        let options = VendorsOptions::new(Dataset::small(200)).reading(reading);
        let vendors = Vendors::start(options).await.unwrap();
        let project = Project::example(&vendors);
        // With this much latency there are pushes under way at any moment.
        vendors.okki.set_latency(Duration::from_millis(5));
        for delivered in [20, 90, 150] {
            let mut host = project.start(&["run", "--once", "--json"]);
            vendors.wait_for(Duration::from_mins(1), |vendors| vendors.okki.push_count() >= delivered).await.unwrap();
            host.kill().await.unwrap();
        }
        project.run_once().await.succeeded();
        let ledger = vendors.ledger();
        assert!(ledger.balances(), "{reading:?}: {ledger:?}");
        let doubled = vendors.okki.orders().iter().filter(|order| vendors.okki.creates_of(&order.order_no) > 1).count();
        assert_eq!(doubled, 0, "{reading:?}");
    }
}

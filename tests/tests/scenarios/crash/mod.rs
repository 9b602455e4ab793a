//! `kill -9` at any instant: nothing is lost, nothing is doubled.

mod damage;
mod storm;

use std::time::Duration;

use qiao_tests::{Dataset, OrderNoReading, Vendors, VendorsOptions};

use self::storm::{Storm, doubled_orders};
use crate::harness::Project;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_where_it_was() {
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
        assert_eq!(doubled_orders(&vendors), Vec::<String>::new(), "{reading:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_while_everything_changes_loses_and_doubles_nothing() {
    let seed = fastrand::u64(..);
    let storm = |reading| Storm { seed, kills: 5, bills: 200, reading }.pass();
    tokio::join!(storm(OrderNoReading::Edit), storm(OrderNoReading::SecondOrder));
}

/// `cargo xtask test crash` runs it, and sets how much of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour"]
async fn a_hundred_kills_lose_and_double_nothing() {
    let asked = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let count = |name, usual| asked(name).map_or(usual, |count| usize::try_from(count).unwrap());
    let seed = asked("QIAO_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    let (kills, bills) = (count("QIAO_CRASH_KILLS", 100), count("QIAO_CRASH_BILLS", 5_000));
    for reading in [OrderNoReading::Edit, OrderNoReading::SecondOrder] {
        Storm { seed, kills, bills, reading }.pass().await;
    }
}

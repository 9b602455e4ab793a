//! What can go wrong between the host and the vendors, one file per kind: however it went, everything has arrived in the end, once and
//! to the cent, nothing is dead, and no vendor was asked more often than its connection allows.
//!
//! A [`Case`] is the example project that moves one thing, with small pages and short pauses, so that a few bills make many requests
//! and a row of the matrix takes seconds.

mod answers;
mod budget;
mod clocks;
mod down;
mod lookups;
mod motion;
mod partial;
mod sessions;
mod statuses;

use std::collections::HashSet;

use qiao_tests::{Dataset, Fault, OrderNoReading, RequestLog, Route, Vendors, VendorsOptions};

use super::harness::{Project, Ran};
use budget::Budget;

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";
const REFUNDS: &str = "schemes/wdt-refund-to-kingdee.yaml";
const LOOKED_INTO: [&str; 3] = ["schemes/okki-companies.yaml", "schemes/okki-products.yaml", "schemes/okki-users.yaml"];

/// What is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Orders from Kingdee to OKKI, which reads a known `order_no` so.
    Orders(OrderNoReading),
    /// Refunds from WDT to Kingdee.
    Refunds,
    /// Both in one project.
    Both,
}

/// Everything that an example moves, and OKKI as it may be.
pub(super) const WAYS: [Way; 3] =
    [Way::Orders(OrderNoReading::Edit), Way::Orders(OrderNoReading::SecondOrder), Way::Refunds];

/// A project between vendors on a bad day.
pub(super) struct Case {
    pub(super) vendors: Vendors,
    pub(super) project: Project,
    pub(super) budget: Budget,
    way: Way,
}

impl Case {
    /// So many orders, and as many refunds.
    pub(super) async fn new(way: Way, bills: usize) -> Self {
        Self::within(way, bills, Budget::ample()).await
    }

    /// The same, with these rates.
    pub(super) async fn within(way: Way, bills: usize, budget: Budget) -> Self {
        let mut options = VendorsOptions::new(slim(Dataset::small(bills)));
        if let Way::Orders(reading) = way {
            options = options.reading(reading);
        }
        let vendors = Vendors::start(options).await.unwrap();
        let project = Project::example(&vendors);
        budget.set(&project);
        for (from, to) in
            [("timeout = \"5s\"", "timeout = \"1s\""), ("settle_after = \"1s\"", "settle_after = \"500ms\"")]
        {
            project.edit("qiao.toml", from, to);
        }
        let without: &[&str] = match way {
            Way::Orders(_) => &[REFUNDS],
            Way::Refunds => &[ORDERS, LOOKED_INTO[0], LOOKED_INTO[1], LOOKED_INTO[2]],
            Way::Both => &[],
        };
        let case = Self { vendors, project, budget, way };
        for scheme in without {
            case.project.remove(scheme);
        }
        for scheme in [ORDERS, REFUNDS].iter().chain(&LOOKED_INTO).filter(|scheme| !without.contains(*scheme)) {
            // Short pauses, and pages of a few rows.
            case.project.edit(scheme, "\nsource:\n", "\nretry: { first: 50ms, most: 500ms }\nsource:\n");
        }
        if way != Way::Refunds {
            case.project.edit(ORDERS, "page_size: 500", "page_size: 2");
            case.project.edit(LOOKED_INTO[0], "page_size: 100", "page_size: 5");
            case.project.edit(LOOKED_INTO[1], "page_size: 100", "page_size: 10");
        }
        if !matches!(way, Way::Orders(_)) {
            case.project.edit(REFUNDS, "page_size: 40 ", "page_size: 4 ");
            let two_a_call = "\"idCheck\": true,\n      \"operation\": { \"method\": \"batchArraySave\", \"rows\": 2 },\n      \"request\": [\n        {\"field\": \"FBillTypeID\"";
            case.project.edit(
                REFUNDS,
                "\"idCheck\": true,\n      \"request\": [\n        {\"field\": \"FBillTypeID\"",
                two_a_call,
            );
        }
        case
    }

    /// A fault for every so many requests of these routes, at whichever vendor.
    pub(super) fn every(&self, routes: &[Route], period: usize, fault: &Fault) {
        for faults in [self.vendors.kingdee.faults(), self.vendors.okki.faults(), self.vendors.wdt.faults()] {
            for route in routes {
                faults.every(*route, period, fault.clone());
            }
        }
    }

    /// Runs once, through all pauses: everything has arrived, and nothing is left.
    pub(super) async fn delivers(&self) -> Ran {
        let ran = self.project.qiao(&["run", "--once", "--json", "--wait", "60s"]).await;
        // A scheme with anything dead, failed, waiting or claimed makes the run fail.
        assert_eq!(ran.code, Some(0), "{:?}: {ran:?}\n{}", self.way, self.asked());
        self.assert_exact(&ran);
        ran
    }

    /// How often each vendor was asked, for whoever reads a failure.
    fn asked(&self) -> String {
        let logs = [self.vendors.kingdee.log(), self.vendors.okki.log(), self.vendors.wdt.log()];
        logs.map(|log| format!("{} requests, {} with a fault", log.count(Route::Any), met(log))).join("; ")
    }

    /// Everything has arrived, once and to the cent, and no vendor was asked too often.
    #[track_caller]
    pub(super) fn assert_exact(&self, ran: &Ran) {
        let ledger = self.vendors.ledger();
        if self.way != Way::Refunds {
            assert!(ledger.balances(), "{:?}: {ledger:?} {ran:?}", self.way);
            let doubled =
                self.vendors.okki.orders().into_iter().find(|order| self.vendors.okki.creates_of(&order.order_no) > 1);
            assert_eq!(doubled, None, "{:?}: {ran:?}", self.way);
        }
        if !matches!(self.way, Way::Orders(_)) {
            assert!(ledger.refunds.balances(), "{:?}: {:?} {ran:?}", self.way, ledger.refunds);
        }
        self.budget.assert_kept(&self.vendors);
    }
}

/// Only materials that are sold, since OKKI is asked for each.
fn slim(mut dataset: Dataset) -> Dataset {
    let sold: HashSet<String> =
        dataset.orders.iter().flat_map(|order| &order.entries).map(|entry| entry.material.clone()).collect();
    dataset.materials.retain(|material| sold.contains(&material.number));
    dataset
}

/// How many requests met a fault.
pub(super) fn met(log: &RequestLog) -> usize {
    log.all().iter().filter(|seen| seen.fault.is_some()).count()
}

//! A host that serves, killed again and again while orders and refunds come and change.
//!
//! What is random comes from a seed, which is said at the beginning: which bills change, and when the host is killed. Half
//! of the kills wait for a request at a vendor (the n-th of a kind since the host was started), because the instants that
//! matter are few: while a page is stored, while a bill is on its way, between its answer and its settling. The others come
//! at any time, the start of the host included. When the processes interleave otherwise, the same seed gives another course.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use qiao_tests::{Dataset, EffectKind, OrderNoReading, PushKind, Route, Vendors, VendorsOptions};

use crate::harness::Project;

/// The scheme's files, and what makes them run every second; the source's last minutes are complete here at once.
const HURRY: [(&str, &[(&str, &str)]); 5] = [
    ("kingdee-order-to-okki", &[("\"*/10 * * * *\"", "\"* * * * * *\""), ("overlap: 10m", "overlap: 30s")]),
    (
        "wdt-refund-to-kingdee",
        &[("\"*/5 * * * *\"", "\"* * * * * *\""), ("overlap: 10m", "overlap: 30s"), ("lag: 3m ", "lag: 0s ")],
    ),
    ("okki-companies", &[("\"5 * * * *\"", "\"*/2 * * * * *\"")]),
    ("okki-products", &[("\"0 * * * *\"", "\"*/2 * * * * *\"")]),
    ("okki-users", &[("\"10 * * * *\"", "\"*/2 * * * * *\"")]),
];

/// How much happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    pub(crate) seed: u64,
    pub(crate) kills: usize,
    /// Orders and refunds that are there in the end.
    pub(crate) bills: usize,
    pub(crate) reading: OrderNoReading,
}

/// When the host is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after the n-th request of this kind since its start.
    AtRequest(Route, usize, Duration),
}

impl Storm {
    /// Makes it, and judges what is left.
    pub(crate) async fn pass(self) {
        eprintln!("{self:?}");
        let began = Instant::now();
        let mut random = fastrand::Rng::with_seed(self.seed);
        // Half of the bills come one by one, while the host is killed.
        let there_at_first = self.bills.div_ceil(4);
        let options = VendorsOptions::new(Dataset::small(there_at_first)).reading(self.reading);
        let vendors = Vendors::start(options).await.unwrap();
        vendors.okki.set_latency(Duration::from_millis(5));
        let project = Project::example(&vendors);
        for (scheme, edits) in HURRY {
            for (from, to) in edits {
                project.edit(&format!("schemes/{scheme}.yaml"), from, to);
            }
        }
        let log = tempfile::NamedTempFile::new().unwrap();
        for kill in 0..self.kills {
            let to_come = self.share(kill);
            for vendor in [vendors.okki.log(), vendors.kingdee.log(), vendors.wdt.log()] {
                vendor.clear();
            }
            let mut host = project.start_saying(&["run"], log.path());
            // What comes before the first scan of this host, and what comes while it works.
            let at_once = random.usize(0..=to_come);
            change(&vendors, at_once);
            let moment = Moment::any(&mut random);
            moment.await_half(&vendors).await;
            change(&vendors, to_come - at_once);
            moment.await_whole(&vendors).await;
            host.kill().await.unwrap();
            if (kill + 1) % 10 == 0 {
                eprintln!(
                    "{:?}: {} kills, {} pushes applied at OKKI, {} returns audited at Kingdee, {:.0?}",
                    self.reading,
                    kill + 1,
                    vendors.okki.push_count(),
                    vendors.kingdee.effect_count(EffectKind::Audit),
                    began.elapsed()
                );
            }
        }
        self.judge(&vendors, &project, &std::fs::read_to_string(log.path()).unwrap()).await;
        eprintln!("{:?}: nothing lost, nothing doubled, {:.0?}", self.reading, began.elapsed());
    }

    /// How many orders, and how many refunds, come during this kill, so that all are there in the end.
    fn share(&self, kill: usize) -> usize {
        let to_come = (self.bills - 2 * self.bills.div_ceil(4)) / 2;
        let until = |kill: usize| to_come * kill / self.kills;
        until(kill + 1) - until(kill)
    }

    async fn judge(&self, vendors: &Vendors, project: &Project, said: &str) {
        // Once more, to the end; and then there is nothing to do.
        let ran = project.qiao(&["run", "--once", "--json", "--wait", "2m"]).await.succeeded();
        let again = project.qiao(&["run", "--once", "--json", "--wait", "2m"]).await.succeeded();
        for scheme in again.json()["schemes"].as_array().unwrap() {
            for count in ["new", "bills", "done", "failed", "dead", "waiting", "claimed", "superseded"] {
                assert_eq!(scheme[count], 0, "{self:?}: {count}: {scheme}");
            }
            assert_eq!(scheme["rows"], scheme["skipped"], "{self:?}: {scheme}");
        }
        for said in [said, &ran.stderr, &again.stderr] {
            for fault in ["panicked", "do not balance", "damaged"] {
                assert!(!said.contains(fault), "{self:?}: {fault}: {said}");
            }
        }
        let ledger = vendors.ledger();
        assert!(ledger.balances(), "{self:?}: {ledger:?}");
        assert!(ledger.refunds.balances(), "{self:?}: {ledger:?}");
        assert_eq!(doubled_orders(vendors), Vec::<String>::new(), "{self:?}");
        assert!(ledger.orders + ledger.refunds.delivered >= self.bills, "{self:?}: {ledger:?}");
    }
}

/// So many orders and refunds are added, and about as many are changed.
fn change(vendors: &Vendors, count: usize) {
    if count > 0 {
        vendors.add(count).unwrap();
        vendors.change(count).unwrap();
        vendors.add_refunds(count).unwrap();
        vendors.change_refunds(count).unwrap();
    }
}

impl Moment {
    fn any(random: &mut fastrand::Rng) -> Self {
        if random.bool() {
            return Self::After(Duration::from_millis(random.u64(0..3_000)));
        }
        // How many there are at least, most of the time, before the host has nothing to do.
        let kinds = [
            (Route::Query, 4),
            (Route::WdtQuery, 6),
            (Route::OrderList, 40),
            (Route::Push, 60),
            (Route::Push, 60),
            (Route::BatchSave, 3),
            (Route::Submit, 3),
            (Route::Audit, 3),
        ];
        let (route, most) = kinds[random.usize(0..kinds.len())];
        // Its answer, and what is made of it, takes a few milliseconds.
        Self::AtRequest(route, random.usize(1..=most), Duration::from_micros(random.u64(0..20_000)))
    }

    async fn await_half(self, vendors: &Vendors) {
        match self {
            Self::After(time) => tokio::time::sleep(time / 2).await,
            Self::AtRequest(route, number, _) => at_request(vendors, route, number / 2).await,
        }
    }

    async fn await_whole(self, vendors: &Vendors) {
        match self {
            Self::After(time) => tokio::time::sleep(time / 2).await,
            Self::AtRequest(route, number, and) => {
                at_request(vendors, route, number).await;
                tokio::time::sleep(and).await;
            }
        }
    }
}

/// Waits for the n-th request of a kind, but not for ever: there may be nothing left to do.
async fn at_request(vendors: &Vendors, route: Route, number: usize) {
    let happened = |vendors: &Vendors| {
        let logs = [vendors.okki.log(), vendors.kingdee.log(), vendors.wdt.log()];
        logs.iter().map(|log| log.count(route)).sum::<usize>() >= number
    };
    let _ = vendors.wait_for(Duration::from_secs(3), happened).await;
}

/// Numbers under which OKKI was told to create more than one order.
pub(crate) fn doubled_orders(vendors: &Vendors) -> Vec<String> {
    let mut creates: HashMap<String, usize> = HashMap::new();
    for push in vendors.okki.pushes().into_iter().filter(|push| push.kind == PushKind::Create) {
        *creates.entry(push.order_no).or_default() += 1;
    }
    creates.into_iter().filter(|(_, count)| *count > 1).map(|(number, _)| number).collect()
}

//! The machine's clock is set while a host runs, an hour forward and an hour back. The vendors' clocks go on as they were.
//!
//! `libfaketime` stands between the host and the machine's clock. It leaves the monotonic clock alone, as setting the time does.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use qiao_tests::{Fault, OrderNoReading, Route, Vendors};

use super::{Case, LOOKED_INTO, ORDERS, REFUNDS, Way};
use crate::harness::{Host, PATIENCE};

/// Where distributions put it.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders = folders.chain(["/usr/lib".into(), "/usr/lib64".into()]);
    folders.find_map(|folder| Some(folder.join("faketime/libfaketimeMT.so.1")).filter(|library| library.is_file()))
}

/// A case whose host has a clock that can be set. Absent: there is no `libfaketime` here, and the test is to be skipped.
struct Clocked {
    case: Case,
}

impl Clocked {
    async fn new(way: Way, bills: usize) -> Option<Self> {
        let Some(library) = library() else {
            let reason = "libfaketime is not here; `cargo xtask setup` installs it on Debian and Ubuntu";
            assert!(std::env::var_os("CI").is_none(), "{reason}");
            // Not by `eprintln!`, whose text the test harness keeps to itself when a test passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: a clock that is set: {reason}");
            return None;
        };
        let mut case = Case::new(way, bills).await;
        let offset = case.project.root().join("clock");
        let (library, offset) = (library.display().to_string(), offset.display().to_string());
        for (name, value) in [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", offset.as_str()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            // The times of files are those of the machine's clock.
            ("NO_FAKE_STAT", "1"),
        ] {
            case.project.set(name, value);
        }
        for (scheme, schedule) in [(ORDERS, "*/10 * * * *"), (REFUNDS, "*/5 * * * *")] {
            if case.project.root().join(scheme).exists() {
                case.project.edit(scheme, schedule, "* * * * * *");
                // Nothing hides what a window leaves out.
                case.project.edit(scheme, "overlap: 10m", "overlap: 2s");
            }
        }
        let clocked = Self { case };
        clocked.set("+0");
        Some(clocked)
    }

    /// So far from the machine's clock, in seconds.
    fn set(&self, offset: &str) {
        self.case.project.replace("clock", offset);
    }

    /// Waits until scans were begun that see what is there now.
    async fn scanned_again(&self, host: &Host) {
        let scans = |vendors: &Vendors| vendors.kingdee.log().count(Route::Query);
        let before = scans(&self.case.vendors);
        // A scan may have several pages.
        let waited = self.case.vendors.wait_for(PATIENCE, |vendors| scans(vendors) >= before + 10).await;
        assert!(waited.is_ok(), "{}", host.log());
    }

    async fn arrived(&self, host: &Host) {
        let waited = self.case.vendors.wait_for(PATIENCE, |vendors| vendors.ledger().balances()).await;
        assert!(waited.is_ok(), "{:?}\n{}", self.case.vendors.ledger(), host.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_the_clock_is_wrong_arrives_when_it_is_right() {
    let Some(clocked) = Clocked::new(Way::Orders(OrderNoReading::SecondOrder), 4).await else { return };
    let vendors = &clocked.case.vendors;
    let host = clocked.case.project.serve().await;
    clocked.arrived(&host).await;
    for wrong in ["+3600", "-3600"] {
        clocked.set(wrong);
        clocked.scanned_again(&host).await;
        // Ahead, the host asks for a time that has not come.
        vendors.add(2).unwrap();
        vendors.change(1).unwrap();
        clocked.scanned_again(&host).await;
        clocked.set("+0");
        clocked.arrived(&host).await;
    }
    assert!(host.log().contains("clock was set back"), "{}", host.log());
    assert!(!host.log().contains("not delivered"), "{}", host.log());
    host.stop().await;
    clocked.case.delivers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_tried_again_is_not_kept_waiting_for_an_hour() {
    let Some(clocked) = Clocked::new(Way::Orders(OrderNoReading::SecondOrder), 4).await else { return };
    let (vendors, project) = (&clocked.case.vendors, &clocked.case.project);
    let host = project.serve().await;
    clocked.arrived(&host).await;
    clocked.set("+3600");
    // They fail while the clock is ahead, and are due by it.
    vendors.okki.faults().every(Route::Push, 1, Fault::Status(503));
    vendors.add(2).unwrap();
    let pushed = vendors.okki.log().count(Route::Push);
    let failed = vendors.wait_for(PATIENCE, |vendors| vendors.okki.log().count(Route::Push) > pushed + 3).await;
    assert!(failed.is_ok(), "{}", host.log());
    clocked.set("+0");
    vendors.okki.faults().clear();
    clocked.arrived(&host).await;
    host.stop().await;
    clocked.case.delivers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_by_the_clock_does_not_settle_what_is_uncertain() {
    let Some(clocked) = Clocked::new(Way::Orders(OrderNoReading::SecondOrder), 4).await else { return };
    let (vendors, project) = (&clocked.case.vendors, &clocked.case.project);
    project.edit("qiao.toml", "timeout = \"1s\"", "timeout = \"300ms\"");
    project.edit("qiao.toml", "settle_after = \"500ms\"", "settle_after = \"6s\"");
    // Given up by the host, and applied later: it is created twice if it is believed absent too early.
    vendors.okki.faults().next(Route::Push, 4, Fault::ApplyLate(Duration::from_secs(4)));
    let host = project.serve().await;
    let pushed = vendors.wait_for(PATIENCE, |vendors| vendors.okki.log().count(Route::Push) == 4).await;
    assert!(pushed.is_ok(), "{}", host.log());
    host.said("attempt failed").await;
    clocked.set("+3600");
    clocked.arrived(&host).await;
    host.stop().await;
    clocked.set("+0");
    clocked.case.delivers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_not_given_up_because_a_scan_is_dated_ahead() {
    let Some(clocked) = Clocked::new(Way::Orders(OrderNoReading::SecondOrder), 4).await else { return };
    let (vendors, project) = (&clocked.case.vendors, &clocked.case.project);
    // The companies are scanned once, an hour ahead, and not all of them are there yet.
    clocked.set("+3600");
    let all = fs::read(project.root().join(ORDERS)).unwrap();
    project.remove(ORDERS);
    vendors.okki.hide_companies(39);
    let host = project.serve().await;
    host.said("scan finished scheme=\"okki-companies\"").await;
    host.said("scan finished scheme=\"okki-products\"").await;
    clocked.set("+0");
    project.write(ORDERS, all);
    // The orders are younger than that scan, whatever the clock says.
    host.said("scan finished scheme=\"kingdee-order-to-okki\"").await;
    clocked.scanned_again(&host).await;
    assert!(!host.log().contains("not delivered"), "{}", host.log());
    vendors.okki.hide_companies(0);
    project.edit(LOOKED_INTO[0], "\"5 * * * *\"", "\"* * * * * *\"");
    clocked.arrived(&host).await;
    host.stop().await;
}

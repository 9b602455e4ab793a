//! A scan reads every page of its window: side by side where their order is free, on after a crash, and not for ever.

use std::time::Duration;

use jiff::Timestamp;
use qiao_tests::{Clock, Dataset, Vendors, VendorsOptions};
use serde_json::{Value, json};

use crate::harness::{Project, test_plugin};

/// The rows of a source that ends, as `tests/plugins/misbehaving/src/pages.rs` has it: twelve pages.
const ROWS: u64 = 24;

/// A project whose only scheme reads `api` and writes what it reads; the vendor sees each page that is asked for.
fn paging(api: &str, vendors: &Vendors) -> Project {
    let project = Project::empty();
    project.add_plugin(&test_plugin("misbehaving"));
    project.write(
        "qiao.toml",
        format!(
            "[connections.main]\nplugin = \"misbehaving\"\nbase_url = \"{}\"\nallow_private = true\nconcurrency = 4\n",
            vendors.okki.base_url()
        ),
    );
    let since = json!({ "field": "since", "type": "string", "value": "{{LAST_SYNC_TIME|datetime}}" });
    let source = json!({ "api": api, "method": "GET", "id": "number", "request": [since] });
    let number = json!({ "field": "number", "type": "string", "value": "{number}" });
    let target = json!({ "api": "behave", "request": [number] });
    project.write(
        "schemes/pages.yaml",
        format!(
            "source:\n  connection: main\n  start_from: \"2026-01-01\"\n  page_size: 1\n  metadata: {source}\n\
             target:\n  connection: main\n  metadata: {target}\n"
        ),
    );
    project
}

async fn vendors() -> Vendors {
    Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap()
}

/// How many pages were asked for so far.
fn asked(vendors: &Vendors) -> usize {
    vendors.okki.log().all().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_whose_order_is_free_are_fetched_side_by_side() {
    for (api, side_by_side) in [("side-by-side", 4), ("one-by-one", 1)] {
        let vendors = vendors().await;
        vendors.okki.set_latency(Duration::from_millis(20));
        let ran = paging(api, &vendors).run_once().await.succeeded().scheme("schemes/pages.yaml");
        assert_eq!((&ran["new"], &ran["done"]), (&json!(ROWS), &json!(ROWS)), "{api}");
        assert_eq!(vendors.okki.log().max_in_flight(), side_by_side, "{api}: the connection's concurrency");
        assert_eq!(asked(&vendors), 12, "{api}: each page once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_killed_with_several_pages_in_flight_goes_on_with_those_that_are_not_stored() {
    for api in ["side-by-side", "one-by-one"] {
        let vendors = vendors().await;
        vendors.okki.set_latency(Duration::from_millis(50));
        let project = paging(api, &vendors);
        // One more than are asked for at once behind the first: that one is stored by then, while others are not.
        for pages in [6, 11] {
            let mut host = project.start(&["run", "--once"]);
            vendors.wait_for(Duration::from_mins(1), |vendors| asked(vendors) >= pages).await.unwrap();
            host.kill().await.unwrap();
        }
        let before = asked(&vendors);
        let ran = project.run_once().await.succeeded().scheme("schemes/pages.yaml");
        // The scan that was cut off, and one of what came since: it skips every row that the first one, or an earlier run, has
        // stored.
        assert_eq!(ran["skipped"], ROWS, "{api}: nothing is lost: {ran}");
        assert!(ran["new"].as_u64().unwrap() < ROWS, "{api}: {ran}");
        assert!(asked(&vendors) - before < 24, "{api}: what is stored is not asked for again");
    }
}

/// What was read is delivered; the window does not move on; the next scan begins anew, and ends likewise.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_never_ends_is_given_up_and_named() {
    let vendors = vendors().await;
    for (api, rows, said) in [
        ("repeat", 2, &["has returned the rows of page", "8 times more", "cursor `2026-01-01T00:00:00+08:00`"][..]),
        ("repeat-three", 6, &["has returned the rows of page", "8 times more"]),
        ("follow-itself", 6, &["names a page as the one that follows it (page 2)"]),
        ("reuse-number", 2, &["names two pages that have the same number, 7 (page 0)"]),
        ("empty", 0, &["has returned 1000 pages without rows that differ in nothing but their number"]),
        ("outgrow", 126, &["has returned 126 rows of 3 that it says it has"]),
    ] {
        let project = paging(api, &vendors);
        for done in [rows, 0] {
            let ran = project.run_once().await;
            let scheme = ran.scheme("schemes/pages.yaml");
            assert_eq!((&scheme["new"], &scheme["done"]), (&json!(done), &json!(done)), "{api}: {ran:?}");
            let named = "the source does not come to an end: the connector `misbehaving` of connection `main`";
            ran.failed_saying(said).failed_saying(&[named, "hint: what was read stays"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_repeats_itself_is_noticed_over_a_crash() {
    let vendors = vendors().await;
    vendors.okki.set_latency(Duration::from_millis(20));
    let project = paging("repeat", &vendors);
    let mut host = project.start(&["run", "--once"]);
    vendors.wait_for(Duration::from_mins(1), |vendors| asked(vendors) >= 16).await.unwrap();
    host.kill().await.unwrap();
    let before = asked(&vendors);
    project.run_once().await.failed_saying(&["8 times more"]);
    assert!(asked(&vendors) - before < 24, "the pages from before the crash count");
}

/// Half a year of orders, as a person writes it.
const WINDOW: [&str; 4] = ["--from", "2026-01-01", "--to", "2026-06-01 08:00"];

/// Scans [`WINDOW`] again, and says what came of it.
async fn backfill(project: &Project, more: &[&str]) -> Value {
    let arguments = [&["scheme", "backfill", "kingdee-order-to-okki", "--json"], WINDOW.as_slice(), more].concat();
    project.qiao(&arguments).await.succeeded().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_reads_its_window_once_and_moves_nothing_on() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(60))).await.unwrap();
    let project = Project::example(&vendors);
    project.remove("schemes/wdt-refund-to-kingdee.yaml");
    let scheme = "schemes/kingdee-order-to-okki.yaml";
    let since = "FModifyDate>='{{LAST_SYNC_TIME|dateTime}}'";
    project.edit(scheme, since, &format!("{since} and FModifyDate<='{{{{CURRENT_TIME|dateTime}}}}'"));
    let number = |report: &Value, of: &str| report[of].as_u64().unwrap();

    // Without a host: it is scanned and delivered here.
    let made = backfill(&project, &["--slice", "30d"]).await;
    assert!(number(&made, "new") > 0, "{made}");
    assert_eq!(number(&made, "rows"), number(&made, "new") + number(&made, "skipped"), "{made}");
    assert_eq!((&made["done_to"], &made["over"]), (&json!("2026-06-01 08:00:00"), &json!(true)), "{made}");
    assert!(number(&made, "bills") > 0, "{made}");

    // The scheduled window still begins at the beginning, and passes over what is there.
    let ran = project.run_once().await.succeeded().orders();
    assert!(number(&ran, "new") > 0, "{ran}");
    assert_eq!(number(&ran, "skipped"), number(&made, "new"), "{ran}");
    let ledger = vendors.ledger();
    assert!((ledger.missing, ledger.duplicates) == (0, 0) && ledger.wrong.is_empty(), "{ledger:?}");

    // With a host: it is asked to, and killed at it; the next one goes on, and the command joins in.
    let pushed = vendors.okki.push_count();
    vendors.kingdee.set_latency(Duration::from_millis(20));
    let host = project.serve().await;
    let before = vendors.kingdee.log().all().len();
    backfill(&project, &["--no-wait"]).await;
    vendors.wait_for(Duration::from_mins(1), |vendors| vendors.kingdee.log().all().len() > before + 20).await.unwrap();
    host.kill().await;
    let host = project.serve().await;
    let again = backfill(&project, &[]).await;
    assert_eq!((number(&again, "new"), number(&again, "bills")), (0, 0), "{again}");
    assert!(number(&again, "rows") >= number(&made, "new"), "{again}");
    assert_eq!(vendors.okki.push_count(), pushed, "nothing is sent again");

    // What cannot be, a host refuses in its own words.
    for (from, to, said) in [
        ("2026-06-01", "2026-01-01", "`--from` must be earlier than `--to`"),
        ("2026-01-01", "2999-01-01", "`--to` lies ahead"),
        ("soon", "2026-01-01", "`--from`: `soon` is not a date and time"),
    ] {
        let arguments = ["scheme", "backfill", "kingdee-order-to-okki", "--from", from, "--to", to];
        project.qiao(&arguments).await.failed_saying(&[said, "hint:"]);
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_late_or_in_the_windows_last_second_is_covered_by_the_overlap() {
    let orders = "schemes/kingdee-order-to-okki.yaml";
    // By how much the vendor's clock is behind the end of the first window, the overlap, and whether that reaches back so far.
    for (behind, overlap, is_covered) in [(30, "10m", true), (0, "1m", true), (30, "0s", false)] {
        let behind = Duration::from_secs(behind);
        let mut options = VendorsOptions::new(Dataset::small(10));
        options.clock = Clock::fixed(Timestamp::now() - behind);
        let vendors = Vendors::start(options).await.unwrap();
        let project = Project::example(&vendors);
        project.edit(orders, "overlap: 10m", &format!("overlap: {overlap}"));
        project.run_once().await.succeeded();
        // Stamped with a time that the first window has covered.
        vendors.add(3).unwrap();
        vendors.change(2).unwrap();
        let ran = project.run_once().await.succeeded();
        let done = if is_covered { 5 } else { 0 };
        assert_eq!(ran.orders()["done"], done, "{behind:?} {overlap}: {ran:?}");
        assert_eq!(vendors.ledger().balances(), is_covered, "{behind:?} {overlap}");
        assert_eq!(project.run_once().await.succeeded().orders()["done"], 0, "{behind:?} {overlap}: once is enough");
    }
}

//! How refunds and goods are read: windows, pages, and what moves while they are read.

use std::collections::BTreeSet;

use super::*;
use crate::Refund;
use crate::wdt::sign::{self, Parameters};

/// A signed query of the direct way, at the vendors' time.
async fn ask(vendors: &Vendors, script: &str, business: &[(&str, &str)]) -> Value {
    let credentials = &vendors.credentials;
    let now = vendors.clock.unix_seconds().to_string();
    let common = [("sid", credentials.sid.as_str()), ("appkey", &credentials.wdt_app_key), ("timestamp", &now)];
    let mut parameters: Parameters =
        common.iter().chain(business).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    parameters.insert("sign".to_owned(), sign::openapi2(&parameters, &credentials.wdt_app_secret));
    let url = format!("{}{script}", vendors.wdt.base_url_direct());
    body(client().post(url).form(&parameters)).await
}

fn shown(time: jiff::civil::DateTime) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The numbers on one page.
fn numbers(page: &Value) -> Vec<String> {
    let rows = page["refunds"].as_array().map_or(&[][..], Vec::as_slice);
    rows.iter().map(|row| row["refund_no"].as_str().unwrap().to_owned()).collect()
}

/// A page of the last 30 days.
async fn page(vendors: &Vendors, page_no: usize, page_size: usize) -> Value {
    let (page_no, page_size) = (page_no.to_string(), page_size.to_string());
    let window = [("start_time", "2026-10-22 12:00:00"), ("end_time", "2026-11-21 12:00:00")];
    ask(vendors, "refund_query.php", &[window[0], window[1], ("page_no", &page_no), ("page_size", &page_size)]).await
}

#[tokio::test]
async fn three_windows_hold_every_refund_once() {
    let vendors = at_noon(Dataset::demo()).await;
    let refunds = vendors.wdt.refunds();
    assert_eq!(refunds.len(), 560);
    let mut seen = Vec::new();
    for (start, end) in [
        ("2026-11-01 00:00:00", "2026-11-21 12:00:00"),
        ("2026-10-02 00:00:00", "2026-10-31 23:59:59"),
        ("2026-09-02 00:00:00", "2026-10-01 23:59:59"),
    ] {
        let mut total = 0;
        for page_no in 0.. {
            let number = page_no.to_string();
            let window = [("start_time", start), ("end_time", end), ("page_no", &number), ("process_status", "90")];
            let answer = ask(&vendors, "refund_query.php", &window).await;
            assert_eq!(answer["code"], 0);
            assert_eq!(answer.get("total_count").is_some(), page_no == 0);
            total = answer["total_count"].as_u64().unwrap_or(total);
            let rows = numbers(&answer);
            if rows.is_empty() {
                assert!(answer.get("refunds").is_none(), "an empty page has no list");
                break;
            }
            assert!(rows.len() <= 40);
            seen.extend(rows);
        }
        assert!(total > 40);
    }
    assert_eq!(seen.len(), 500);
    let expected: BTreeSet<String> =
        refunds.iter().filter(|refund| refund.process_status == 90).map(|refund| refund.refund_no.clone()).collect();
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn both_ends_of_a_window_belong_to_it() {
    let vendors = at_noon(Dataset::small(20)).await;
    let refunds = vendors.wdt.refunds();
    let middle = &refunds[10];
    let at = shown(middle.modified);
    let answer = ask(&vendors, "refund_query.php", &[("start_time", &at), ("end_time", &at)]).await;
    let same: Vec<&Refund> = refunds.iter().filter(|refund| refund.modified == middle.modified).collect();
    assert_eq!(numbers(&answer), same.iter().map(|refund| refund.refund_no.clone()).collect::<Vec<_>>());
    assert_eq!(answer["total_count"], same.len());
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let vendors = at_noon(Dataset::small(3)).await;
    let start = ("start_time", "2026-10-22 12:00:00");
    for (changes, code) in [
        (vec![("end_time", "2026-11-21 12:00:00")], 0),
        (vec![("end_time", "2026-11-21 12:00:01")], 2104),
        (vec![("end_time", "2026-10-22 11:59:59")], 2104),
        (vec![("end_time", "2026-11-21")], 2104),
        (vec![], 2104),
        (vec![("refund_no", "TK0")], 0),
        (vec![("end_time", "2026-11-21 12:00:00"), ("page_size", "0")], 2104),
        (vec![("end_time", "2026-11-21 12:00:00"), ("page_size", "41")], 2104),
        (vec![("end_time", "2026-11-21 12:00:00"), ("page_size", "40"), ("page_no", "0")], 0),
        (vec![("end_time", "2026-11-21 12:00:00"), ("time_type", "2")], 2104),
        (vec![("end_time", "2026-11-21 12:00:00"), ("process_status", "done")], 2104),
    ] {
        let all: Vec<(&str, &str)> = std::iter::once(start).chain(changes).collect();
        assert_eq!(ask(&vendors, "refund_query.php", &all).await["code"], code, "{all:?}");
    }
    vendors.wdt.set_largest_page(100);
    assert_eq!(page(&vendors, 0, 100).await["code"], 0);
}

/// Whether all that is in a row is text, numbers too.
fn assert_texts(name: &str, value: &Value) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| assert_texts(name, value)),
        Value::Array(array) => array.iter().for_each(|value| assert_texts(name, value)),
        other => assert!(other.is_string(), "{name}"),
    }
}

#[tokio::test]
async fn a_refund_is_found_by_what_it_is_named() {
    let vendors = at_noon(Dataset::small(20)).await;
    let refund = vendors.wdt.refunds().into_iter().find(Refund::is_deliverable).unwrap();
    let found = ask(&vendors, "refund_query.php", &[("refund_no", &refund.refund_no)]).await;
    assert_eq!(found["total_count"], 1);
    let row = found["refunds"][0].clone();
    for (parameter, field) in [("src_refund_no", "src_no"), ("trade_no", "sales_tid"), ("tid", "tid")] {
        let again = ask(&vendors, "refund_query.php", &[(parameter, row[field].as_str().unwrap())]).await;
        assert_eq!(again["refunds"][0], row, "{parameter}");
    }
    assert_texts("", &row);
    assert_eq!((&row["type"], &row["process_status"]), (&json!("2"), &json!("90")));
    let line = &row["refund_order_list"][0];
    assert_eq!(line["goods_no"], refund.lines[0].goods_no);
    assert_eq!(line["refund_num"], format!("{:.4}", refund.lines[0].num));
    assert_eq!(line["refund_order_amount"], format!("{:.4}", refund.lines[0].amount));

    let window = [("start_time", "2026-10-22 12:00:00"), ("end_time", "2026-11-21 12:00:00")];
    let of_shop = ask(&vendors, "refund_query.php", &[window[0], window[1], ("shop_no", &refund.shop_no)]).await;
    let rows = of_shop["refunds"].as_array().map_or(0, Vec::len);
    assert!(rows < numbers(&page(&vendors, 0, 40).await).len());
    // A refund that is not completed was never settled.
    let settled = ask(&vendors, "refund_query.php", &[window[0], window[1], ("time_type", "1")]).await;
    let rows = settled["refunds"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["process_status"] == "90"));
}

#[tokio::test]
async fn a_refund_of_money_may_show_an_empty_list_or_none() {
    let vendors = at_noon(Dataset::demo()).await;
    let mut shapes = BTreeSet::new();
    for refund in vendors.wdt.refunds().iter().filter(|refund| refund.lines.is_empty()).take(20) {
        let found = ask(&vendors, "refund_query.php", &[("refund_no", &refund.refund_no)]).await;
        let row = &found["refunds"][0];
        assert_ne!(row["type"], "2");
        shapes.insert(row.get("refund_order_list").map(ToString::to_string));
    }
    assert_eq!(shapes.into_iter().collect::<Vec<_>>(), [None, Some("[]".to_owned())]);
}

/// Reads all pages of the last 30 days in this order of pages.
async fn read(vendors: &Vendors, pages: impl Iterator<Item = usize>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for page_no in pages {
        seen.extend(numbers(&page(vendors, page_no, 10).await));
    }
    seen
}

#[tokio::test]
async fn rows_that_are_touched_shift_the_pages_of_whoever_reads_forwards() {
    for is_forward in [true, false] {
        let vendors = at_noon(Dataset::demo()).await;
        let total = usize::try_from(page(&vendors, 0, 10).await["total_count"].as_u64().unwrap()).unwrap();
        let before: BTreeSet<String> = read(&vendors, 0..total.div_ceil(10)).await;
        assert_eq!(before.len(), total);
        vendors.wdt.touch_after(2, 3);
        assert_eq!(vendors.wdt.motions_waiting(), 1);
        // Time goes on: what is touched leaves the window.
        vendors.clock.advance(Duration::from_mins(1));
        let pages = 0..total.div_ceil(10);
        let seen = if is_forward { read(&vendors, pages).await } else { read(&vendors, pages.rev()).await };
        assert_eq!(vendors.wdt.motions_waiting(), 0);
        let touched: BTreeSet<String> = vendors
            .wdt
            .refunds()
            .into_iter()
            .filter(|refund| !refund.modified_before.is_empty())
            .map(|refund| refund.refund_no)
            .collect();
        assert_eq!(touched.len(), 3);
        let lost: BTreeSet<&String> = before.difference(&seen).collect();
        if is_forward {
            assert_eq!(lost.len(), 3);
            assert!(lost.is_disjoint(&touched.iter().collect()));
        } else {
            // Those that were touched lie in the next window; nobody else is missing.
            assert_eq!(lost, touched.iter().collect());
        }
    }
}

#[tokio::test]
async fn late_rows_appear_at_the_end_of_a_window() {
    let vendors = at_noon(Dataset::small(20)).await;
    vendors.wdt.appear_after(1, 2);
    let first = page(&vendors, 0, 5).await;
    let total = first["total_count"].as_u64().unwrap();
    let again = page(&vendors, 0, 5).await;
    assert_eq!(again["total_count"], total + 2);
    assert_eq!(numbers(&first), numbers(&again));
    let late: Vec<Refund> =
        vendors.wdt.refunds().into_iter().filter(|refund| shown(refund.modified) == "2026-11-21 12:00:00").collect();
    assert_eq!(late.len(), 2);
    assert!(late.iter().all(Refund::is_deliverable));
}

#[tokio::test]
async fn goods_are_read_in_the_same_way() {
    let vendors = at_noon(Dataset::small(3)).await;
    let window = [("start_time", "2026-10-22 12:00:00"), ("end_time", "2026-11-21 12:00:00")];
    let first = ask(&vendors, "goods_query.php", &window).await;
    assert_eq!(first["goods_list"].as_array().unwrap().len(), 40);
    assert!(first["total_count"].as_u64().unwrap() > 100);
    let one = ask(&vendors, "goods_query.php", &[("goods_no", "MAT-007")]).await;
    assert_eq!(one["goods_list"][0]["goods_no"], "MAT-007");
    assert_eq!(one["total_count"], 1);
    let none = ask(&vendors, "goods_query.php", &[("goods_no", "X")]).await;
    assert_eq!(none, json!({"code": 0, "message": "", "total_count": 0}));
}

#[tokio::test]
async fn changes_and_dates_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = |clock: &Clock| {
        let mut options = VendorsOptions::new(Dataset::small(10)).in_dir(dir.path());
        options.clock = clock.clone();
        options
    };
    let clock = noon();
    let vendors = Vendors::start(options(&clock)).await.unwrap();
    let first = vendors.wdt.refunds();
    clock.advance(Duration::from_hours(30));
    let changed = vendors.change_refunds(4).unwrap();
    assert_eq!(changed.refunds.len(), 4);
    let completed = |refund: &&Refund| {
        refund.is_deliverable() && first.iter().any(|old| old.id == refund.id && !old.is_deliverable())
    };
    assert_eq!(changed.refunds.iter().filter(completed).count(), 1, "there is one that was not completed");
    assert!(changed.refunds.iter().all(|refund| refund.modified == clock.local()));
    let added = vendors.add_refunds(2).unwrap();
    vendors.wdt.touch_after(1, 1);
    page(&vendors, 0, 5).await;
    let before = vendors.wdt.refunds();
    assert_eq!(before.len(), 14);
    assert!(added.refunds.iter().all(|refund| refund.is_deliverable() && before.contains(refund)));
    let numbers: BTreeSet<&String> = before.iter().map(|refund| &refund.refund_no).collect();
    assert_eq!(numbers.len(), before.len());
    drop(vendors);

    clock.advance(Duration::from_hours(1000));
    let vendors = Vendors::start(options(&clock)).await.unwrap();
    assert_eq!(vendors.wdt.refunds(), before);
    assert_eq!(vendors.ledger().refunds.deliverable, 13);
}

//! What the dataset promises to those who test with it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, HashSet};

use jiff::civil::{DateTime, date};
use rust_decimal::Decimal;

use super::*;

fn rows(dataset: &Dataset) -> Vec<(u64, &str)> {
    let mut rows: Vec<(u64, &str)> = dataset
        .approved()
        .flat_map(|order| order.entries.iter().map(|entry| (entry.id, order.bill_no.as_str())))
        .collect();
    rows.sort_unstable();
    rows
}

#[test]
fn the_demo_holds_what_it_is_made_for() {
    let demo = Dataset::demo();
    assert_eq!(demo.approved().count(), 700);
    assert_eq!(demo.orders.len(), 730);
    let rows = rows(&demo);
    assert!(rows.len() >= 2_000, "{}", rows.len());
    let with = |lines: usize| demo.approved().filter(|order| order.entries.len() == lines).count();
    assert!(with(1) > 50);
    assert_eq!(with(300), 1);

    // Orders whose lines, in the order of entry ids, lie on several pages of 500.
    let mut pages: BTreeMap<&str, HashSet<usize>> = BTreeMap::new();
    for (at, (_, bill_no)) in rows.iter().enumerate() {
        pages.entry(bill_no).or_default().insert(at / 500);
    }
    assert!(pages.values().filter(|pages| pages.len() > 1).count() >= 8);

    let ids: HashSet<u64> = demo.orders.iter().flat_map(|order| &order.entries).map(|entry| entry.id).collect();
    assert_eq!(ids.len(), demo.orders.iter().map(|order| order.entries.len()).sum::<usize>());
    for order in &demo.orders {
        let materials: HashSet<&String> = order.entries.iter().map(|entry| &entry.material).collect();
        assert_eq!(materials.len(), order.entries.len(), "no material twice in {}", order.bill_no);
        assert!(!order.entries.is_empty());
        assert!(demo.customer(&order.customer).is_some() && demo.salesman(&order.salesman).is_some());
        assert!(demo.currency(&order.currency).is_some());
        for time in [order.date.at(0, 0, 0, 0), order.created, order.modified] {
            let first = date(2026, 1, 5).at(0, 0, 0, 0);
            assert!(time >= first && time < date(2026, 11, 1).at(0, 0, 0, 0), "{time}");
        }
        assert!(order.created <= order.modified);
    }
    assert_eq!(demo.approved().map(|order| &order.currency).collect::<HashSet<_>>().len(), 3);
}

#[test]
fn many_amounts_end_between_two_cents() {
    let demo = Dataset::demo();
    let half = Decimal::new(5, 3);
    let cent = Decimal::new(1, 2);
    let entries = demo.approved().flat_map(|order| &order.entries);
    let ties = entries.filter(|entry| (entry.qty * entry.tax_price) % cent == half);
    assert!(ties.count() > 100);
    let entry = |qty: &str, price: &str| Entry {
        id: 1,
        seq: 1,
        material: String::new(),
        qty: qty.parse().unwrap(),
        tax_price: price.parse().unwrap(),
        note: String::new(),
    };
    for (qty, price, amount) in
        [("0.5", "8.01", "4.01"), ("1.0", "1.005", "1.01"), ("12.0", "8.5", "102.00"), ("0.5", "0.01", "0.01")]
    {
        assert_eq!(entry(qty, price).amount(), amount.parse().unwrap(), "{qty} × {price}");
    }
}

#[test]
fn the_same_seed_gives_the_same_books() {
    assert_eq!(Dataset::demo().orders, Dataset::demo().orders);
    let small = Dataset::small(20);
    assert_eq!(small.approved().count(), 20);
    assert_eq!(small.orders.len(), 21);
    assert_ne!(small.orders[0], Dataset::demo().orders[0]);
}

fn moment() -> DateTime {
    date(2026, 11, 21).at(10, 30, 0, 0)
}

#[test]
fn a_change_changes_every_order_it_names() {
    let before = Dataset::demo();
    let mut after = before.clone();
    let mutation = before.change(50, moment());
    after.apply(&mutation);
    assert_eq!(mutation.orders.len(), 50);
    let mut differences = Vec::new();
    for order in &mutation.orders {
        let old = before.order(&order.bill_no).unwrap();
        assert!(old.is_approved());
        assert_eq!(after.order(&order.bill_no), Some(order));
        assert_eq!(order.modified, moment());
        assert_ne!(order.note, old.note);
        assert_ne!(order.entries, old.entries);
        assert_ne!(order.entries.len(), 0);
        differences.push(i64::try_from(order.entries.len()).unwrap() - i64::try_from(old.entries.len()).unwrap());
    }
    assert_eq!(differences.iter().filter(|difference| **difference == -1).count(), 1);
    assert_eq!(differences.iter().filter(|difference| **difference == 1).count(), 1);
    assert_eq!(after.approved().count(), 700);
    assert_ne!(after.change(50, moment()), mutation, "the next change is another");
}

#[test]
fn added_orders_are_new_and_entry_ids_are_never_used_again() {
    let mut books = Dataset::demo();
    let largest = rows(&books).last().unwrap().0;
    let added = books.add(20, moment());
    books.apply(&added);
    assert_eq!(books.approved().count(), 720);
    assert!(added.orders.iter().flat_map(|order| &order.entries).all(|entry| entry.id > largest));
    assert!(added.orders.iter().all(|order| order.date == moment().date()));
    let newest = rows(&books).last().unwrap().0;
    let mut without = books.clone();
    without.orders.pop();
    let next = without.add(1, moment());
    assert!(next.orders[0].entries[0].id > newest);
}

#[test]
fn the_demo_holds_refunds_of_every_sort() {
    let demo = Dataset::demo();
    let newest = moment();
    let refunds = demo.refunds(newest);
    assert_eq!(refunds, Dataset::demo().refunds(newest));
    assert_eq!(refunds.iter().filter(|refund| refund.process_status == 90).count(), 500);
    let deliverable: Vec<&Refund> = refunds.iter().filter(|refund| refund.is_deliverable()).collect();
    assert_eq!((refunds.len(), deliverable.len()), (560, 380));
    let kinds: HashSet<u8> = refunds.iter().map(|refund| refund.kind).collect();
    assert_eq!(kinds, HashSet::from([1, 2, 3, 4, 5]));
    assert!(refunds.iter().map(|refund| refund.process_status).collect::<HashSet<_>>().len() > 8);
    assert_eq!(deliverable.iter().filter(|refund| refund.lines.len() == 60).count(), 1);

    let numbers: HashSet<&String> = refunds.iter().map(|refund| &refund.refund_no).collect();
    assert_eq!(numbers.len(), refunds.len());
    let lines: HashSet<u64> = refunds.iter().flat_map(|refund| &refund.lines).map(|line| line.id).collect();
    assert_eq!(lines.len(), refunds.iter().map(|refund| refund.lines.len()).sum::<usize>());
    assert!(refunds.is_sorted_by_key(|refund| (refund.modified, refund.id)));
    assert_eq!(refunds.last().unwrap().modified, newest);
    let oldest = refunds[0].modified;
    assert!(newest.duration_since(oldest).as_hours() > 60 * 24, "more than two windows of 30 days");
    let same_second = refunds.windows(2).filter(|pair| pair[0].modified == pair[1].modified).count();
    assert!(same_second > 50);
    for refund in &refunds {
        assert!(refund.created < refund.modified && demo.customer(&refund.shop_no).is_some());
        assert!(!refund.is_deliverable() || !refund.lines.is_empty());
        assert!(refund.lines.iter().all(|line| demo.material(&line.goods_no).is_some()));
    }
}

#[test]
fn seven_places_bring_an_amount_back_to_the_cent_and_two_do_not() {
    let refunds = Dataset::demo().refunds(moment());
    let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let mut lost = 0;
    for line in refunds.iter().flat_map(|refund| &refund.lines) {
        let price = line.unit_price();
        assert!(price.scale() <= 7 && line.amount.scale() <= 2 && line.num > Decimal::ZERO);
        assert_eq!((line.num * price).round_dp_with_strategy(2, away), line.amount, "{} / {}", line.amount, line.num);
        let coarse = price.round_dp_with_strategy(2, away);
        lost += usize::from((line.num * coarse).round_dp_with_strategy(2, away) != line.amount);
    }
    assert!(lost > 100, "{lost}");
}

#[test]
fn a_change_completes_refunds_or_remarks_on_them() {
    let demo = Dataset::demo();
    let held = demo.refunds(moment());
    let now = moment().saturating_add(jiff::ToSpan::hours(3));
    let mutation = demo.change_refunds(&held, 0, 20, now);
    assert_eq!(mutation.refunds.len(), 20);
    let mut completed = 0;
    for refund in &mutation.refunds {
        let old = held.iter().find(|old| old.id == refund.id).unwrap();
        assert!(refund.is_deliverable() && refund.modified == now && refund.modified_before == [old.modified]);
        assert_eq!((&refund.lines, &refund.shop_no), (&old.lines, &old.shop_no));
        completed += usize::from(!old.is_deliverable());
    }
    assert_eq!(completed, 10);
    assert_ne!(demo.change_refunds(&held, 1, 20, now), mutation);
    let small = Dataset::small(3);
    let all = small.change_refunds(&small.refunds(moment()), 0, 99, now);
    assert_eq!(all.refunds.len(), 4, "no more than there are");
}

#[test]
fn the_example_project_has_a_table_of_every_material() {
    let demo = Dataset::demo();
    let mut table = Vec::new();
    write_material_table(&demo, &mut table).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/tables/material_code.csv");
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        written,
        String::from_utf8(table).unwrap(),
        "hint: `cargo run -p qiao-tests -- table > examples/tables/material_code.csv`"
    );
    let codes: HashSet<&str> = written.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    for entry in demo.orders.iter().flat_map(|order| &order.entries) {
        assert!(codes.contains(entry.material.as_str()), "{}", entry.material);
    }
}

//! What the judge says, and what survives a restart.

use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn the_ledger_balances_only_if_everything_is_right() {
    let vendors =
        Vendors::start(VendorsOptions::new(Dataset::small(10)).reading(OrderNoReading::SecondOrder)).await.unwrap();
    let caller = Caller::new(&vendors).await;
    let dataset = vendors.kingdee.dataset();
    assert_eq!(vendors.ledger().missing, 10);
    for order in dataset.approved() {
        assert_eq!(body(caller.push(&bridged(&dataset, order))).await["code"], 200);
    }
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    let text = serde_json::to_value(&ledger).unwrap();
    let amount: rust_decimal::Decimal =
        dataset.approved().flat_map(|order| &order.entries).map(crate::Entry::amount).sum();
    assert_eq!(text["amount"], format!("{amount:.2}"));
    assert_eq!(text["expected"]["amount"], text["amount"]);

    // The same order again, and one that nobody approved.
    let first = dataset.approved().next().unwrap();
    body(caller.push(&bridged(&dataset, first))).await;
    let draft = dataset.orders.iter().find(|order| !order.is_approved()).unwrap();
    body(caller.push(&bridged(&dataset, draft))).await;
    let ledger = vendors.ledger();
    assert_eq!((ledger.orders, ledger.duplicates, ledger.missing), (12, 1, 0));
    assert_eq!(ledger.wrong.len(), 2);
    assert_eq!(vendors.okki.creates_of(&first.bill_no), 2);

    // A change that was not delivered.
    let changed = vendors.change(3).unwrap();
    assert_eq!(vendors.ledger().missing, 3);
    assert_eq!(vendors.mutations(), [changed]);
}

#[tokio::test]
async fn each_kind_of_difference_is_named() {
    let dataset = Dataset::small(1);
    let original = bridged(&dataset, dataset.approved().next().unwrap());
    for (pointer, value, words) in [
        ("/company_id", json!(3_448_551_039_u64), "company_id is"),
        ("/currency", json!("EUR"), "currency is"),
        ("/account_date", json!("2026-12-31"), "account_date is"),
        ("/product_list/0/count", json!("777"), "count of MAT-"),
        ("/product_list/0/unit_price", json!("0.001"), "unit_price of MAT-"),
        ("/product_list/0/cost_amount", json!(""), "cost_amount of MAT-"),
        ("/product_list/0/sku_id", json!(""), "is not there"),
    ] {
        let vendors = Vendors::start(VendorsOptions::new(dataset.clone())).await.unwrap();
        let caller = Caller::new(&vendors).await;
        let mut order = original.clone();
        *order.pointer_mut(pointer).unwrap() = value;
        assert_eq!(body(caller.push(&order)).await["code"], 200);
        let ledger = vendors.ledger();
        assert_eq!(ledger.missing, 1);
        assert!(ledger.wrong[0].contains(words), "{words}: {:?}", ledger.wrong);
    }
}

#[tokio::test]
async fn what_happened_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = || VendorsOptions::new(Dataset::small(10)).in_dir(dir.path());
    let vendors = Vendors::start(options()).await.unwrap();
    let caller = Caller::new(&vendors).await;
    let dataset = vendors.kingdee.dataset();
    for order in dataset.approved().take(4) {
        body(caller.push(&bridged(&dataset, order))).await;
    }
    vendors.change(2).unwrap();
    vendors.add(1).unwrap();
    let before = (vendors.kingdee.dataset().orders, vendors.okki.orders(), vendors.okki.pushes(), vendors.ledger());
    drop(vendors);

    // The process was killed while it wrote the next line.
    let file = dir.path().join("okki.jsonl");
    let mut text = std::fs::read(&file).unwrap();
    text.extend_from_slice(b"{\"push\":null,\"ord");
    std::fs::write(&file, text).unwrap();

    let vendors = Vendors::start(options()).await.unwrap();
    let after = (vendors.kingdee.dataset().orders, vendors.okki.orders(), vendors.okki.pushes(), vendors.ledger());
    assert_eq!(before, after);
    // Ids go on where they were, and so does the file.
    let caller = Caller::new(&vendors).await;
    body(caller.push(&order("X9"))).await;
    assert!(vendors.okki.orders().iter().all(|order| (order.order_no == "X9") == (order.order_id == 5_223_975_005)));
    drop(vendors);
    let vendors = Vendors::start(options()).await.unwrap();
    assert_eq!(vendors.okki.push_count(), 5);
}

#[tokio::test]
async fn a_restart_takes_the_same_ports_if_they_are_free() {
    let dir = tempfile::tempdir().unwrap();
    let options = || VendorsOptions::new(Dataset::small(1)).in_dir(dir.path());
    let vendors = Vendors::start(options()).await.unwrap();
    let second = Vendors::start(options()).await.unwrap();
    assert_ne!(vendors.okki.port(), second.okki.port());
    let ports = (second.kingdee.port(), second.okki.port());
    second.kingdee.go_down().await.unwrap();
    second.okki.go_down().await.unwrap();
    // The port is closed when connecting fails.
    for port in [ports.0, ports.1] {
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
    let third = Vendors::start(options()).await.unwrap();
    assert_eq!((third.kingdee.port(), third.okki.port()), ports);
}

#[tokio::test]
async fn a_broken_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("kingdee.jsonl"), "{}\n").unwrap();
    let error = Vendors::start(VendorsOptions::new(Dataset::small(1)).in_dir(dir.path())).await.unwrap_err();
    let words = error.to_string();
    assert!(words.contains("kingdee.jsonl") && words.contains("line 1"), "{words}");
}

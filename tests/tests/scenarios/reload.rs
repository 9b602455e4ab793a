//! A running host takes new plugins, schemes and tables without a restart; what does not fit is said, and what served
//! serves on.

use std::time::Duration;

use qiao_tests::{Dataset, Fault, Route, StoredOrder, Vendors, VendorsOptions};
use serde_json::Value;

use crate::harness::{Host, PATIENCE, Project, plugin, test_plugin, until};

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";
const TRANSFORMS: &str = "plugins/transforms.wasm";
const TABLE: &str = "tables/material_code.csv";
const PRODUCTS: &str = "schemes/okki-products.yaml";

/// Every scheme of the example scans as often as can be.
fn scan_every_second(project: &Project) {
    for (scheme, schedule) in [
        (ORDERS, "*/10 * * * *"),
        ("schemes/okki-companies.yaml", "5 * * * *"),
        (PRODUCTS, "0 * * * *"),
        ("schemes/okki-users.yaml", "10 * * * *"),
        ("schemes/wdt-refund-to-kingdee.yaml", "*/5 * * * *"),
    ] {
        project.edit(scheme, &format!("schedule: \"{schedule}\""), "schedule: \"* * * * * *\"");
    }
}

async fn example(orders: usize) -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(orders))).await.unwrap();
    let project = Project::example(&vendors);
    scan_every_second(&project);
    (vendors, project)
}

async fn delivered(vendors: &Vendors, host: &Host, orders: usize) {
    let arrived = vendors.wait_for(PATIENCE, |vendors| vendors.okki.orders().len() >= orders).await;
    assert!(arrived.is_ok(), "{} of {orders} arrived: {}", vendors.okki.orders().len(), host.log());
}

/// What is said of a file that is not in use as it stands.
fn refused(listed: &Value, file: &str) -> Option<String> {
    let mut refused = listed["refused"].as_array().unwrap().iter().filter(|refused| refused["file"] == file);
    refused.next().map(|refused| refused["text"].as_str().unwrap().to_owned())
}

fn state(listed: &Value, stem: &str) -> Option<String> {
    let mut schemes = listed["schemes"].as_array().unwrap().iter().filter(|scheme| scheme["stem"] == stem);
    schemes.next().map(|scheme| scheme["state"].as_str().unwrap().to_owned())
}

fn digest(listed: &Value, name: &str) -> Option<String> {
    let mut plugins = listed["plugins"].as_array().unwrap().iter().filter(|plugin| plugin["name"] == name);
    plugins.next().map(|plugin| plugin["digest"].as_str().unwrap().to_owned())
}

/// The stamping plugin, built as another version: its mark is of one length, so that it can be written over.
fn stamp(version: u32) -> Vec<u8> {
    const MARK: &[u8] = b"stamp-version-0000";
    let mut bytes = std::fs::read(test_plugin("stamp")).unwrap();
    let places: Vec<usize> =
        bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK).map(|(place, _)| place).collect();
    let [place] = places[..] else { panic!("the mark is there {} times", places.len()) };
    bytes[place..place + MARK.len()].copy_from_slice(format!("stamp-version-{version:04}").as_bytes());
    bytes
}

fn version_of(field: &Value) -> u32 {
    let version = field.as_str().and_then(|text| text.rsplit('-').next()?.parse().ok());
    version.unwrap_or_else(|| panic!("`{field}` is no stamp"))
}

/// The version of the build that stamped an order.
fn stamped(order: &StoredOrder) -> u32 {
    version_of(&order.other["remark"])
}

/// Waits until an order has arrived that this version stamped.
async fn arrived_stamped(vendors: &Vendors, host: &Host, version: u32) {
    // All orders are looked through, so not after each one.
    let mut next = 0;
    let arrived = vendors.wait_for(PATIENCE, |vendors| {
        let count = vendors.okki.push_count();
        if count < next {
            return false;
        }
        next = count + 20;
        vendors.okki.orders().iter().any(|order| stamped(order) >= version)
    });
    assert!(arrived.await.is_ok(), "version {version}: {}", host.log());
}

fn is_named(order: &StoredOrder, begin: &str) -> bool {
    order.other["name"].as_str().unwrap().starts_with(begin)
}

/// The example's schemes call `mapMaterialCode`, which the stamping plugin has, too.
fn stamp_orders(project: &Project) {
    project.edit(
        ORDERS,
        r#"{ "field": "remark", "label": "备注", "type": "string", "value": "{FNote}" },"#,
        r#"{ "field": "remark", "type": "string", "transform": { "function": "stamp", "params": [] } },"#,
    );
    project.edit(
        ORDERS,
        r#"{ "field": "product_name", "value": "{{details.FMaterialId_FName}}" },"#,
        r#"{ "field": "product_name", "type": "string", "transform": { "function": "stamp", "params": [] } },"#,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_replaced_again_and_again_loses_nothing_and_each_bill_has_one_version() {
    const BILLS: usize = 5_000;
    const BUILDS: u32 = 20;
    let (vendors, project) = example(BILLS).await;
    stamp_orders(&project);
    project.replace(TRANSFORMS, stamp(0));
    // Slow enough for twenty builds to come while orders are delivered.
    vendors.okki.set_latency(Duration::from_millis(25));
    let host = project.serve().await;
    for version in 1..=BUILDS {
        if version % 4 == 0 {
            project.replace(TRANSFORMS, b"\0asm no plugin");
            let named = || async { refused(&project.list("plugin").await, TRANSFORMS).is_some() };
            until("the broken build is refused", named).await;
        }
        project.replace(TRANSFORMS, stamp(version));
        arrived_stamped(&vendors, &host, version).await;
    }
    assert!(vendors.okki.orders().len() < BILLS, "all builds came while orders were delivered");
    vendors.okki.set_latency(Duration::ZERO);
    delivered(&vendors, &host, BILLS).await;
    host.stop().await;

    let ledger = vendors.ledger();
    assert_eq!((ledger.orders, ledger.duplicates, ledger.missing), (BILLS, 0, 0), "{ledger:?}");
    assert_eq!(vendors.okki.push_count(), BILLS);
    let mut orders = vendors.okki.orders();
    for order in &orders {
        let one_version = order.lines.iter().all(|line| version_of(&line.other["product_name"]) == stamped(order));
        assert!(one_version, "{order:?}");
    }
    // Two batches are under way at a time, each with the version of its beginning.
    let mut newest = 0;
    orders.sort_by_key(|order| order.order_id);
    for order in &orders {
        let version = stamped(order);
        assert!(version + 2 >= newest, "version {version} after version {newest}");
        newest = newest.max(version);
    }
    assert_eq!(newest, BUILDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_a_table_gets_delivers_the_bills_that_were_dead_for_it() {
    let (vendors, project) = example(30).await;
    let whole = std::fs::read_to_string(project.root().join(TABLE)).unwrap();
    let half: Vec<&str> = whole.lines().step_by(2).collect();
    project.write(TABLE, half.join("\n"));
    let host = project.serve().await;
    host.said("not delivered:").await;
    let before = vendors.okki.orders().len();
    assert!(before < 30, "some orders miss a code");

    project.write(TABLE, whole);
    delivered(&vendors, &host, 30).await;
    host.stop().await;
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_changes_while_no_host_runs_mends_dead_bills_too() {
    let (vendors, project) = example(20).await;
    let whole = std::fs::read_to_string(project.root().join(TABLE)).unwrap();
    let half: Vec<&str> = whole.lines().step_by(2).collect();
    project.write(TABLE, half.join("\n"));
    let ran = project.run_once().await;
    assert!(ran.orders()["dead"].as_u64().unwrap() > 0, "{ran:?}");
    project.write(TABLE, whole);
    let ran = project.run_once().await.succeeded();
    assert_eq!(ran.orders()["dead"], 0, "{ran:?}");
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_scheme_serves_the_next_bill() {
    let (vendors, project) = example(5).await;
    let host = project.serve().await;
    delivered(&vendors, &host, 5).await;
    project.edit(ORDERS, "金蝶销售订单 {FBillNo}", "新 {FBillNo}");
    host.said("scheme `kingdee-order-to-okki` is another").await;
    vendors.add(3).unwrap();
    delivered(&vendors, &host, 8).await;
    host.stop().await;
    let renamed = vendors.okki.orders().iter().filter(|order| is_named(order, "新 ")).count();
    assert_eq!(renamed, 3);
    assert_eq!(vendors.okki.push_count(), 8, "what was delivered is not delivered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_that_is_broken_serves_on_as_it_was_until_it_is_mended() {
    let (vendors, project) = example(5).await;
    let host = project.serve().await;
    delivered(&vendors, &host, 5).await;
    let sound = std::fs::read_to_string(project.root().join(ORDERS)).unwrap();
    for (broken, said) in [
        // A file that is not even YAML, and one that asks for what is not there.
        (sound.replace("source:", "source: ["), ORDERS),
        (sound.replace("\"mapMaterialCode\"", "\"mapMaterialCod\""), "did you mean `mapMaterialCode`?"),
    ] {
        project.write(ORDERS, broken);
        let before = vendors.okki.orders().len();
        until("the broken scheme is refused", || async {
            let listed = project.list("scheme").await;
            refused(&listed, ORDERS).is_some_and(|text| text.contains(said) && text.contains("serves on"))
                && state(&listed, "kingdee-order-to-okki").as_deref() == Some("earlier version")
        })
        .await;
        assert!(host.log().contains(said), "{}", host.log());
        vendors.add(2).unwrap();
        delivered(&vendors, &host, before + 2).await;
    }
    project.write(ORDERS, sound.replace("金蝶销售订单 {FBillNo}", "修好 {FBillNo}"));
    host.said("scheme `kingdee-order-to-okki` is another").await;
    vendors.add(1).unwrap();
    delivered(&vendors, &host, 10).await;
    assert!(vendors.okki.orders().iter().any(|order| is_named(order, "修好 ")));
    let listed = project.list("scheme").await;
    assert_eq!(state(&listed, "kingdee-order-to-okki").as_deref(), Some("ready"));
    assert_eq!(refused(&listed, ORDERS), None);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_scheme_stops_keeps_its_data_and_goes_on_where_it_was_when_it_comes_back() {
    let (vendors, project) = example(5).await;
    let host = project.serve().await;
    delivered(&vendors, &host, 5).await;
    let text = std::fs::read_to_string(project.root().join(ORDERS)).unwrap();
    project.remove(ORDERS);
    host.said("scheme `kingdee-order-to-okki` is gone").await;
    assert_eq!(state(&project.list("scheme").await, "kingdee-order-to-okki"), None);
    vendors.add(2).unwrap();
    project.write(ORDERS, text);
    delivered(&vendors, &host, 7).await;
    host.stop().await;
    assert_eq!(vendors.okki.push_count(), 7, "what was delivered before is not delivered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_scheme_has_under_way_is_finished() {
    const BILLS: usize = 150;
    let (vendors, project) = example(BILLS).await;
    // Two batches are under way for a while after the file is gone.
    vendors.okki.set_latency(Duration::from_millis(60));
    let host = project.serve().await;
    delivered(&vendors, &host, 5).await;
    let text = std::fs::read_to_string(project.root().join(ORDERS)).unwrap();
    project.remove(ORDERS);
    host.said("scheme `kingdee-order-to-okki` is gone").await;
    vendors.okki.set_latency(Duration::ZERO);
    project.write(ORDERS, text);
    delivered(&vendors, &host, BILLS).await;
    let log = host.log();
    host.stop().await;
    assert!(!log.contains("looks up what was being sent"), "a batch was broken off: {log}");
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    assert_eq!(vendors.okki.push_count(), BILLS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_begins_anew() {
    let (_vendors, project) = example(4).await;
    project.run_once().await.succeeded();
    project.qiao(&["scheme", "purge", "kingdee-order-to-okki"]).await.failed_saying(&[
        ORDERS,
        "is still there",
        "hint:",
    ]);
    let text = std::fs::read_to_string(project.root().join(ORDERS)).unwrap();
    project.remove(ORDERS);
    project
        .qiao(&["scheme", "purge", "kingdee-order-to-oki"])
        .await
        .failed_saying(&["no scheme `kingdee-order-to-oki`", "did you mean `kingdee-order-to-okki`?"]);
    let purged = project.qiao(&["scheme", "purge", "kingdee-order-to-okki", "--json"]).await.succeeded().json();
    assert_eq!(purged["bills"], 4);
    project.write(ORDERS, text);
    let ran = project.run_once().await.succeeded();
    assert_eq!(ran.orders()["done"], 4, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_that_another_looks_into_goes_on_without_its_file() {
    let (vendors, project) = example(3).await;
    let host = project.serve().await;
    delivered(&vendors, &host, 3).await;
    project.remove(PRODUCTS);
    until("the removal is refused", || async {
        let text = refused(&project.list("scheme").await, PRODUCTS);
        text.is_some_and(|text| text.contains("okki-products") && text.contains("serves on"))
    })
    .await;
    vendors.add(2).unwrap();
    delivered(&vendors, &host, 5).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_merge_key_groups_what_waits_anew() {
    let (vendors, project) = example(12).await;
    // One bill per line, which waits for a schedule that never comes.
    let grouped = std::fs::read_to_string(project.root().join(ORDERS)).unwrap();
    let merge = r#"      "operation": { "method": "merge", "field": "FBillNo", "bodyName": "details" },"#;
    assert!(grouped.contains(merge));
    let single = grouped
        .replace(merge, "")
        .replace("{{details.", "{{")
        .replace("  complete_bills: true", "  complete_bills: false")
        .replace("target:\n  connection: okki-main", "target:\n  connection: okki-main\n  schedule: \"0 0 1 1 *\"");
    project.write(ORDERS, single);
    vendors.okki.faults().every(Route::Push, 1, Fault::Status(503));
    let ran = project.qiao(&["run", "--once", "--json", "--wait", "0s"]).await;
    let lines = ran.orders()["bills"].as_u64().unwrap();
    assert!(lines > 12, "one bill per line: {ran:?}");
    vendors.okki.faults().clear();
    assert_eq!(vendors.okki.push_count(), 0);

    project.write(ORDERS, grouped);
    let host = project.serve().await;
    delivered(&vendors, &host, 12).await;
    host.stop().await;
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    assert_eq!(vendors.okki.push_count(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_lacks_a_function_in_use_is_refused_and_the_old_build_serves() {
    let (vendors, project) = example(4).await;
    let host = project.serve().await;
    delivered(&vendors, &host, 4).await;
    let served = digest(&project.list("plugin").await, "transforms");
    // It is called `transforms`, and has no `mapMaterialCode`.
    let mut other = std::fs::read(plugin("transforms")).unwrap();
    rename_everywhere(&mut other, b"mapMaterialCode", b"mapMaterialKode");
    project.replace(TRANSFORMS, &other);
    until("the build is refused", || async {
        let text = refused(&project.list("plugin").await, TRANSFORMS);
        text.is_some_and(|text| {
            text.contains("no plugin exports the function `mapMaterialCode`")
                && text.contains("the build loaded before")
        })
    })
    .await;
    assert_eq!(digest(&project.list("plugin").await, "transforms"), served);
    vendors.add(2).unwrap();
    delivered(&vendors, &host, 6).await;
    host.stop().await;
}

/// Writes one text over another of the same length, wherever it is in a component.
fn rename_everywhere(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from).map(|(place, _)| place).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_not_load_leaves_the_build_in_use_serving_and_says_why() {
    let (vendors, project) = example(4).await;
    let host = project.serve().await;
    delivered(&vendors, &host, 4).await;
    let whole = std::fs::read(plugin("transforms")).unwrap();
    let served = digest(&project.list("plugin").await, "transforms");
    let mut of_another_contract = whole.clone();
    rename_everywhere(&mut of_another_contract, b"@0.1.0", b"@0.9.0");
    let mut expected = 4;
    for (file, bytes, said) in [
        (TRANSFORMS, of_another_contract, "is built for contract version 0.9.0; this host serves 0.1"),
        // Half of it: what a copy that was broken off leaves.
        (TRANSFORMS, whole[..whole.len() / 2].to_vec(), "is not a valid component"),
        ("plugins/second.wasm", whole.clone(), "are both named `transforms`"),
    ] {
        // Not renamed into place: written over, as a careless copy does.
        project.write(file, &bytes);
        until(said, || async {
            let listed = project.list("plugin").await;
            listed["refused"].as_array().unwrap().iter().any(|refused| {
                let text = refused["text"].as_str().unwrap();
                text.contains(said) && text.contains("serves on")
            })
        })
        .await;
        let listed = project.list("plugin").await;
        assert_eq!(digest(&listed, "transforms"), served, "{said}: {listed}");
        vendors.add(1).unwrap();
        expected += 1;
        delivered(&vendors, &host, expected).await;
        project.write(TRANSFORMS, &whole);
        if file != TRANSFORMS {
            project.remove(file);
        }
        until("all is well again", || async { project.list("plugin").await["refused"].as_array().unwrap().is_empty() })
            .await;
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_replaced_while_it_compiles_ends_as_the_last_build() {
    let (vendors, project) = example(3).await;
    stamp_orders(&project);
    project.replace(TRANSFORMS, stamp(0));
    let host = project.serve().await;
    delivered(&vendors, &host, 3).await;
    // Faster than they compile; some are never loaded.
    for version in 1..=9 {
        project.replace(TRANSFORMS, stamp(version));
        tokio::task::yield_now().await;
    }
    let last = project.qiao(&["plugin", "inspect", project.root().join(TRANSFORMS).to_str().unwrap(), "--json"]).await;
    let last = last.succeeded().json()["digest"].as_str().unwrap().to_owned();
    until("the last build serves", || async {
        digest(&project.list("plugin").await, "transforms").as_ref() == Some(&last)
    })
    .await;
    vendors.add(1).unwrap();
    delivered(&vendors, &host, 4).await;
    host.stop().await;
    assert_eq!(vendors.okki.orders().iter().map(stamped).max(), Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_edited_serves_the_next_call_and_a_broken_toml_changes_nothing() {
    let (vendors, project) = example(3).await;
    let host = project.serve().await;
    delivered(&vendors, &host, 3).await;
    let sound = std::fs::read_to_string(project.root().join("qiao.toml")).unwrap();
    project.write("qiao.toml", sound.replace("concurrency = 8", "concurrency = \"many\""));
    until("the broken file is refused", || async {
        refused(&project.list("scheme").await, "qiao.toml").is_some_and(|text| text.contains("concurrency"))
    })
    .await;
    vendors.add(1).unwrap();
    delivered(&vendors, &host, 4).await;
    project.write("qiao.toml", sound.replace("concurrency = 8", "concurrency = 3"));
    host.said("connection `okki-main` is another").await;
    vendors.add(1).unwrap();
    delivered(&vendors, &host, 5).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_schemes_waits_for_one() {
    let (vendors, project) = example(2).await;
    let schemes: Vec<(String, String)> = ["kingdee-order-to-okki", "okki-companies", "okki-products", "okki-users"]
        .into_iter()
        .chain(["wdt-refund-to-kingdee"])
        .map(|stem| {
            let file = format!("schemes/{stem}.yaml");
            let text = std::fs::read_to_string(project.root().join(&file)).unwrap();
            project.remove(&file);
            (file, text)
        })
        .collect();
    let host = project.serve().await;
    for (file, text) in schemes {
        project.write(&file, text);
    }
    delivered(&vendors, &host, 2).await;
    host.kill().await;
    // A host that was killed leaves its socket; commands are not misled by it.
    let listed = project.list("scheme").await;
    assert_eq!((&listed["running"], state(&listed, "okki-users").as_deref()), (&Value::Bool(false), Some("ready")));
}

//! A full disk, and a journal that is not what it was: an error that says what to do, or a recovery that loses and doubles
//! nothing.

use std::fs;
use std::path::Path;

use qiao_tests::{Dataset, OrderNoReading, Vendors, VendorsOptions};

use super::storm::doubled_orders;
use crate::harness::{PATIENCE, Project};

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";

const REFUNDS: &str = "schemes/wdt-refund-to-kingdee.yaml";

/// A known `order_no` makes a second order: whoever creates one twice is found out.
async fn vendors(count: usize) -> Vendors {
    let options = VendorsOptions::new(Dataset::small(count)).reading(OrderNoReading::SecondOrder);
    Vendors::start(options).await.unwrap()
}

/// The example, but orders are not looked up before they are created.
fn without_id_check(vendors: &Vendors) -> Project {
    let project = Project::example(vendors);
    project.edit(ORDERS, "\"idCheck\": true,", "\"idCheck\": false,");
    // What a shop has just changed is read at once.
    project.edit(REFUNDS, "lag: 3m", "lag: 0s");
    project
}

#[track_caller]
fn assert_exact(vendors: &Vendors, what: &str) {
    let ledger = vendors.ledger();
    assert!(ledger.balances() && ledger.refunds.balances(), "{what}: {ledger:?}");
    assert_eq!(doubled_orders(vendors), Vec::<String>::new(), "{what}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_host_and_it_goes_on_when_there_is_room() {
    for arguments in [&["run"][..], &["run", "--once", "--json"]] {
        let vendors = vendors(150).await;
        let project = Project::example(&vendors);
        // At several places of its work.
        for kilobytes in [600, 1_100, 1_700] {
            let ran = project.qiao_with_room_for(kilobytes, arguments).await;
            let ran = ran.failed_saying(&["the journal could not be written", "hint: make room on the disk"]);
            assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        }
        let ran = project.run_once().await.succeeded();
        assert!(!ran.stderr.contains("has lost"), "{ran:?}");
        assert_exact(&vendors, &arguments.join(" "));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}

/// What is left of a journal, in the place of the whole one. The mark beside it stays.
fn lose(journal: &Path, earlier: &Path, how: &str) {
    let db = || fs::File::options().write(true).open(journal.join("db")).unwrap();
    match how {
        "an earlier journal" => {
            fs::remove_dir_all(journal).unwrap();
            copy(earlier, journal);
        }
        "no journal" => fs::remove_dir_all(journal).unwrap(),
        "half of the file" => db().set_len(db().metadata().unwrap().len() / 2).unwrap(),
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_lost_something_says_so_and_loses_and_doubles_nothing() {
    for how in ["an earlier journal", "no journal", "half of the file"] {
        let vendors = vendors(30).await;
        let project = without_id_check(&vendors);
        project.run_once().await.succeeded();
        let earlier = tempfile::tempdir().unwrap();
        let journal = project.root().join("state/journal");
        copy(&journal, earlier.path());
        vendors.add(10).unwrap();
        vendors.change(10).unwrap();
        vendors.add_refunds(10).unwrap();
        project.run_once().await.succeeded();
        vendors.add(5).unwrap();

        lose(&journal, earlier.path(), how);
        let mut ran = project.run_once().await;
        if ran.code == Some(2) {
            // It is too much damaged: it is moved away, as the hint says.
            let ran_before = ran.failed_saying(&["the journal in `", "is damaged", "hint: move that folder away"]);
            assert!(!ran_before.stderr.contains("panicked"), "{ran_before:?}");
            fs::rename(&journal, project.root().join("state/damaged")).unwrap();
            ran = project.run_once().await;
        }
        let ran = ran.succeeded();
        assert!(ran.stderr.contains("has lost something"), "{how}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{how}: {ran:?}");
        assert_exact(&vendors, how);

        // It is said once; then it is over, and bills are created without a look-up again.
        let again = project.run_once().await.succeeded();
        assert_eq!((&again.orders()["new"], &again.orders()["done"]), (&0.into(), &0.into()), "{how}: {again:?}");
        assert_eq!(again.stderr, "", "{how}");
        assert_exact(&vendors, how);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_up_is_not_created_before_a_person_says_so() {
    let vendors = vendors(8).await;
    let project = without_id_check(&vendors);
    // OKKI gives each order a number of its own: by which nobody can look it up.
    project.edit(
        ORDERS,
        r#"{ "field": "order_no", "label": "订单号", "type": "string", "value": "{FBillNo}", "is_required": true },"#,
        "",
    );
    project.run_once().await.succeeded();
    assert_eq!(vendors.okki.orders().len(), 8);
    fs::remove_dir_all(project.root().join("state/journal")).unwrap();

    let ran = project.run_once().await;
    let ran = ran.failed_saying(&["has lost something", "qiao scheme confirm kingdee-order-to-okki"]);
    assert_eq!(ran.orders()["waiting"], 8, "{ran:?}");
    assert_eq!(vendors.okki.orders().len(), 8);
    let misspelt = project.qiao(&["scheme", "confirm", "kingdee-order-to-oki"]).await;
    misspelt.failed_saying(&["there is no scheme `kingdee-order-to-oki`", "did you mean"]);
    // A host that serves is told, and acts at once.
    let host = project.serve().await;
    host.said("qiao scheme confirm kingdee-order-to-okki").await;
    let confirmed = project.qiao(&["scheme", "confirm", "kingdee-order-to-okki", "--json"]).await.succeeded();
    assert_eq!(confirmed.json()["confirmed"], true);
    // All of them were there, but that is what was said.
    vendors.wait_for(PATIENCE, |vendors| vendors.okki.orders().len() == 16).await.unwrap();
    host.stop().await;
}

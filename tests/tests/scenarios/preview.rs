//! What would become of a few rows, shown before anything is delivered; and that showing it leaves no trace.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use qiao_tests::{Dataset, Vendors, VendorsOptions};
use serde_json::{Value, json};

use crate::harness::{Project, Ran, repository};

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";
const STEM: &str = "kingdee-order-to-okki";

/// The example project, everything collected that orders look up, and no order delivered: their scheme is not in it.
async fn collected() -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(12))).await.unwrap();
    let project = Project::example(&vendors);
    project.remove(ORDERS);
    project.run_once().await.succeeded();
    assert_eq!(vendors.okki.push_count(), 0);
    (vendors, project)
}

/// The scheme of orders, which is in no project.
fn draft() -> String {
    repository().join("examples").join(ORDERS).to_str().unwrap().to_owned()
}

/// Every file of a project, with its content.
fn everything(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    fn read(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.insert(path.clone(), Vec::new());
                read(&path, files);
            } else {
                files.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    read(project.root(), &mut files);
    files
}

/// Runs a preview, and asserts that it changed nothing: neither a file of the project nor anything at the vendors.
async fn preview(vendors: &Vendors, project: &Project, arguments: &[&str]) -> Ran {
    let before = (everything(project), format!("{:?}", vendors.ledger()), vendors.okki.push_count());
    let ran = project.qiao(&[&["scheme", "preview"], arguments].concat()).await;
    let after = (everything(project), format!("{:?}", vendors.ledger()), vendors.okki.push_count());
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before.0), names(&after.0));
    assert!(before.0 == after.0, "a file was changed: {ran:?}");
    assert_eq!((before.1, before.2), (after.1, after.2));
    ran
}

fn bills(ran: &Ran) -> Vec<Value> {
    ran.json()["bills"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_fetched_and_shown_beside_their_bills() {
    let (vendors, project) = collected().await;
    let ran = preview(&vendors, &project, &[&draft(), "--limit", "3", "--json"]).await.succeeded();
    let report = ran.json();
    assert_eq!(report["scheme"], STEM, "{ran:?}");
    assert_eq!((&report["errors"], &report["warnings"], &report["refused"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!(report["read"]["window"]["start"], "2026-01-01 00:00:00", "as a first scan has it");
    let bills = bills(&ran);
    assert_eq!(bills.len(), 3);
    for bill in &bills {
        assert_eq!(bill["failures"], json!([]));
        assert_eq!(bill["number"], bill["bill"]["order_no"]);
        assert_eq!(bill["number"], bill["rows"][0]["FBillNo"]);
        let lines = bill["bill"]["product_list"].as_array().unwrap();
        assert_eq!(lines.len(), bill["rows"].as_array().unwrap().len());
        assert!(lines.iter().all(|line| line["product_id"].is_string() || line["product_id"].is_number()), "{bill}");
    }

    let shown = preview(&vendors, &project, &[&draft(), "--limit", "1"]).await.succeeded().stdout;
    for said in ["bill 1 of 1", "✓ maps", "FCustId_FNumber", "│ order_no: ", "product_list:", "nothing was written"]
    {
        assert!(shown.contains(said), "`{said}`: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours where there is no terminal: {shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_in_which_nothing_has_run_stays_without_a_state() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(3))).await.unwrap();
    let project = Project::example(&vendors);
    fs::remove_dir_all(project.root().join("state")).unwrap();
    let ran = preview(&vendors, &project, &[STEM, "--json"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let bills = bills(&ran);
    assert_eq!(bills.len(), 3);
    let failure = &bills[0]["failures"][0];
    assert_eq!((&failure["side"], &failure["path"]), (&json!("target"), &json!("$.request[5].value")));
    assert!(failure["message"].as_str().unwrap().starts_with("no row of `okki-companies` has `serial_id` = "));
    assert_eq!(failure["hint"], "the scheme `okki-companies` has collected nothing so far: `qiao run --once` fills it");
    // A scheme that fills a collection has rows, and no bills.
    let ran = preview(&vendors, &project, &["okki-companies", "--json", "--limit", "2"]).await.succeeded();
    assert_eq!(ran.json()["bills"], json!([]));
    assert!(!ran.json()["shaped"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn given_rows_are_mapped_with_every_failure() {
    let (vendors, project) = collected().await;
    project.write("drafts/orders.yaml.example", fs::read_to_string(draft()).unwrap());
    project.edit(
        "drafts/orders.yaml.example",
        "round({{details.FTaxPrice}}*{{details.FQty}},2)",
        "round({{details.FTaxPrice}}/{{details.FQty}},2)",
    );
    project.write(
        "rows.json",
        r#"[
            {"FBillNo": "单1", "FSaleOrderEntry_FEntryID": 1, "FDate": "昨天", "FQty": 0, "FTaxPrice": 1.50, "FMaterialId_FNumber": "没有"},
            {"FBillNo": "单1", "FSaleOrderEntry_FEntryID": 2, "FQty": 2, "FTaxPrice": 3},
            {"FBillNo": "单2", "FQty": 2, "FTaxPrice": 3},
        ]"#,
    );
    let rows = project.root().join("rows.json");
    let arguments = ["drafts/orders.yaml.example", "--rows", rows.to_str().unwrap()];
    let ran = preview(&vendors, &project, &[&arguments[..], &["--json"]].concat()).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let bills = bills(&ran);
    assert_eq!(bills.len(), 1, "the row without an id is refused");
    assert_eq!(bills[0]["rows"].as_array().unwrap().len(), 2);
    let failed: Vec<String> = bills[0]["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| format!("{} {}", failure["path"].as_str().unwrap(), failure["message"].as_str().unwrap()))
        .collect();
    for (place, said) in [
        ("$.request[2].value", "the filter `date` cannot read `昨天` as a time"),
        ("$.request[3].value", "the required field `currency` is empty"),
        ("$.request[7].children[5].value", "the expression gives no value"),
        ("$.request[11].transform", "没有"),
    ] {
        assert!(
            failed.iter().any(|failure| failure.starts_with(place) && failure.contains(said)),
            "{place} {said}: {failed:#?}"
        );
    }
    assert_eq!(bills[0]["bill"]["name"], "金蝶销售订单 单1", "what can be mapped is shown");
    let refused = &ran.json()["refused"][0];
    assert!(refused["message"].as_str().unwrap().contains("FSaleOrderEntry_FEntryID"), "{refused}");

    let shown = preview(&vendors, &project, &arguments).await;
    assert!(shown.stdout.contains("it would not be sent") && shown.stdout.contains("refused:"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_change_at_the_target_is_shown() {
    let (vendors, project) = collected().await;
    let draft = draft();
    let arguments = [draft.as_str(), "--diff", "--limit", "12", "--json"];
    let before = preview(&vendors, &project, &arguments).await.succeeded();
    assert!(bills(&before).iter().all(|bill| bill["there"]["state"] == "absent"), "{before:?}");

    project.write(ORDERS, fs::read_to_string(&draft).unwrap());
    project.run_once().await.succeeded();
    let same = preview(&vendors, &project, &arguments).await.succeeded();
    for bill in bills(&same) {
        assert_eq!((&bill["there"]["state"], &bill["there"]["differences"]), (&json!("exists"), &json!([])), "{bill}");
        assert!(bill["there"]["compared"].as_u64().unwrap() > 5 && bill["there"]["id"].is_string(), "{bill}");
    }

    vendors.change(2).unwrap();
    let changed = preview(&vendors, &project, &arguments).await.succeeded();
    let differing = bills(&changed).into_iter().filter(|bill| bill["there"]["differences"] != json!([]));
    assert_eq!(differing.count(), 2, "{changed:?}");
    let shown = preview(&vendors, &project, &[STEM, "--diff", "--limit", "12"]).await.succeeded().stdout;
    assert!(shown.contains("≠ exists") && shown.contains("0 to create, 12 there"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_host_is_asked() {
    let (vendors, project) = collected().await;
    let host = project.serve().await;
    let rows = project.root().join("rows.json");
    project.write("rows.json", r#"[{"FBillNo": "SO1", "FSaleOrderEntry_FEntryID": 1, "FQty": 12345678901234.10}]"#);
    let ran = project.qiao(&["scheme", "preview", &draft(), "--json", "--limit", "2"]).await.succeeded();
    assert_eq!(bills(&ran).len(), 2);
    let given = project.qiao(&["scheme", "preview", &draft(), "--json", "--rows", rows.to_str().unwrap()]).await;
    assert!(given.stdout.contains("12345678901234.10"), "numbers keep their digits: {given:?}");
    let broken = project.qiao(&["scheme", "preview", "rows.json"]).await;
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert_eq!(vendors.okki.push_count(), 0);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_said_with_what_to_do() {
    let (vendors, project) = collected().await;
    project.write("drafts/x.yaml", fs::read_to_string(draft()).unwrap());
    project.edit("drafts/x.yaml", "from okki-users where", "from okki-user where");
    let ran = preview(&vendors, &project, &["drafts/x.yaml"]).await;
    assert_eq!(ran.code, Some(1));
    for said in ["error: drafts/x.yaml:", "`okki-user`, which is not there", "hint: did you mean `okki-users`?"] {
        assert!(ran.stdout.contains(said), "`{said}`: {ran:?}");
    }
    preview(&vendors, &project, &["okki-compnies"]).await.failed_saying(&["did you mean `okki-companies`?"]);
    project.write("rows.json", "{}");
    let rows = project.root().join("rows.json");
    let no_rows = preview(&vendors, &project, &[&draft(), "--rows", rows.to_str().unwrap()]).await;
    assert_eq!(no_rows.failed_saying(&["has no rows", "hint: write an array of objects"]).code, Some(2));
    // A vendor that cannot be reached.
    drop(vendors);
    let ran = project.qiao(&["scheme", "preview", "okki-companies", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.json()["errors"][0]["message"].as_str().unwrap().contains("okki-main"), "{ran:?}");
}

//! Bills one by one: what a person is shown of them, and what becomes of a decision.

use qiao_tests::{Dataset, Fault, Route, Vendors, VendorsOptions};
use serde_json::Value;

use crate::harness::{Project, until};

const SCHEME: &str = "kingdee-order-to-okki";

async fn vendors(orders: usize) -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(orders))).await.unwrap();
    let project = Project::example(&vendors);
    project.remove("schemes/wdt-refund-to-kingdee.yaml");
    (vendors, project)
}

fn refusal() -> Fault {
    Fault::OkkiCode(40_321, "信用额度不足".to_owned())
}

/// The bills that `list` lists.
async fn listed(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let listed = project.qiao(&[&["records", "list", "--json"], arguments].concat()).await.succeeded().json();
    listed["records"].as_array().unwrap().clone()
}

async fn status(project: &Project) -> Value {
    let told = project.qiao(&["scheme", "status", SCHEME, "--json"]).await.succeeded().json();
    told["schemes"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_bill_shows_what_was_sent_and_answered_and_is_sent_again_when_somebody_says_so() {
    let (vendors, project) = vendors(6).await;
    vendors.okki.faults().next(Route::Push, 1, refusal());
    project.run_once().await.failed_saying(&["信用额度不足"]);

    let dead = listed(&project, &[]).await;
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0]["status"], "dead");
    let bill = dead[0]["bill"].as_str().unwrap();
    assert!(dead[0]["problem"]["message"].as_str().unwrap().contains("信用额度不足"), "{dead:?}");

    let shown = project.qiao(&["records", "show", bill, "--json"]).await.succeeded();
    let shown = shown.json()["records"][0].clone();
    let exchange = &shown["attempts"][0]["exchanges"][0];
    assert_eq!(exchange["method"], "POST");
    assert!(exchange["request"]["text"].as_str().unwrap().contains(bill), "{exchange}");
    assert!(exchange["reply"]["text"].as_str().unwrap().contains("信用额度不足"), "{exchange}");
    assert!(!shown["rows"].as_array().unwrap().is_empty());
    let for_people = project.qiao(&["records", "show", bill]).await.succeeded();
    assert!(for_people.stdout.contains("信用额度不足") && for_people.stdout.contains("answered"), "{for_people:?}");

    assert_eq!(status(&project).await["books"]["dead"], 1);
    project.qiao(&["records", "retry", bill]).await.succeeded();
    project.run_once().await.succeeded();
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    let done = project.qiao(&["records", "show", bill, "--json"]).await.json()["records"][0].clone();
    let results: Vec<&Value> = done["attempts"].as_array().unwrap().iter().map(|a| &a["result"]).collect();
    assert_eq!((results.len(), results[1]), (2, &Value::from("done")), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_vendor_echoes_is_kept_nowhere() {
    let (vendors, project) = vendors(2).await;
    let secret = &vendors.credentials.client_secret;
    let reply = format!(r#"{{"code":40321,"message":"拒绝","echo":"client_secret={secret}"}}"#);
    vendors.okki.faults().next(Route::Push, 1, Fault::Body(200, reply));
    project.run_once().await.failed_saying(&["拒绝"]);
    let bill = listed(&project, &[]).await[0]["bill"].as_str().unwrap().to_owned();
    let shown = project.qiao(&["records", "show", &bill, "--json"]).await.succeeded();
    let exchange = &shown.json()["records"][0]["attempts"][0]["exchanges"][0];
    assert!(exchange["reply"]["text"].as_str().unwrap().contains("client_secret=[redacted]"), "{exchange}");
    assert!(!shown.stdout.contains(secret.as_str()), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_not_sent_until_it_changes() {
    let (vendors, project) = vendors(5).await;
    vendors.okki.faults().next(Route::Push, 1, refusal());
    project.run_once().await.failed_saying(&["信用额度不足"]);
    project.qiao(&["records", "drop", "--all", "--scheme", SCHEME]).await.succeeded();
    let ran = project.run_once().await.succeeded();
    assert_eq!((vendors.okki.orders().len(), &ran.orders()["dead"]), (4, &Value::from(0)));
    vendors.change(5).unwrap();
    project.run_once().await.succeeded();
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_is_not_there_is_said() {
    let (_vendors, project) = vendors(1).await;
    project.qiao(&["records", "list"]).await.failed_saying(&["nothing has run here so far", "qiao run --once"]);
    project.run_once().await.succeeded();
    project.qiao(&["records", "show", "XX"]).await.failed_saying(&["there is no bill `XX`", "hint"]);
    project.qiao(&["records", "retry", "XX"]).await.failed_saying(&["there is no such bill"]);
    let done = listed(&project, &["--status", "done", "--scheme", SCHEME]).await;
    let bill = done[0]["bill"].as_str().unwrap();
    project.qiao(&["records", "retry", bill]).await.failed_saying(&[bill, "it was delivered"]);
    project.qiao(&["records", "drop", bill, "--delivered-as", "1"]).await.failed_saying(&["nobody knows"]);
    project.qiao(&["scheme", "pause", "kingdee-order-to-oki"]).await.failed_saying(&["did you mean", SCHEME]);
    project.qiao(&["scheme", "status", "nowhere"]).await.failed_saying(&["there is no scheme `nowhere`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_host_does_at_once_what_is_decided() {
    let (vendors, project) = vendors(4).await;
    vendors.okki.faults().next(Route::Push, 1, refusal());
    let host = project.serve().await;
    until("one bill is dead and three are there", async || {
        let books = status(&project).await["books"].clone();
        books["dead"] == 1 && books["done"] == 3
    })
    .await;
    let bill = listed(&project, &[]).await[0]["bill"].as_str().unwrap().to_owned();
    let retried = project.qiao(&["records", "retry", &bill]).await.succeeded();
    assert!(retried.stdout.contains("tried again now"), "{retried:?}");
    vendors.wait_for(crate::harness::PATIENCE, |vendors| vendors.ledger().balances()).await.unwrap();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_paused_scheme_is_fetched_or_sent_until_it_is_resumed() {
    let (vendors, project) = vendors(4).await;
    // Whatever is paused before anything ran stays paused.
    project.qiao(&["scheme", "pause", "schemes/kingdee-order-to-okki.yaml"]).await.succeeded();
    let ran = project.run_once().await.succeeded();
    assert_eq!((&ran.orders()["rows"], vendors.okki.push_count()), (&Value::from(0), 0), "{ran:?}");
    assert!(ran.stderr.contains("is paused"), "{ran:?}");

    let host = project.serve().await;
    // Schemes that are not paused run meanwhile.
    until("products are collected", async || {
        let told = project.qiao(&["scheme", "status", "--json"]).await.json();
        let schemes = told["schemes"].as_array().unwrap().clone();
        schemes.iter().any(|scheme| scheme["scheme"] == "okki-products" && !scheme["last_scan"].is_null())
    })
    .await;
    let paused = status(&project).await;
    assert_eq!((&paused["state"], &paused["books"]["rows"]), (&Value::from("paused"), &Value::from(0)), "{paused}");
    project.qiao(&["scheme", "resume", SCHEME]).await.succeeded();
    vendors.wait_for(crate::harness::PATIENCE, |vendors| vendors.ledger().balances()).await.unwrap();
    assert_eq!(status(&project).await["state"], "runs");

    // What comes while it is paused is sent afterwards.
    project.qiao(&["scheme", "pause", SCHEME]).await.succeeded();
    vendors.change(4).unwrap();
    host.stop().await;
    project.qiao(&["scheme", "resume", SCHEME]).await.succeeded();
    project.run_once().await.succeeded();
    let ledger = vendors.ledger();
    assert!(ledger.balances(), "{ledger:?}");
}

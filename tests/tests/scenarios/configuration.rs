//! Mistakes in a project's files: each said with what, where and what to do, and the rest runs.

use qiao_tests::{Dataset, Vendors, VendorsOptions};

use crate::harness::Project;

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";

async fn example() -> (Vendors, Project) {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(3))).await.unwrap();
    let project = Project::example(&vendors);
    (vendors, project)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_project_has_no_errors() {
    let (_vendors, project) = example().await;
    let checked = project.qiao(&["scheme", "check"]).await.succeeded();
    assert!(checked.stdout.contains("5 scheme(s) ready, 0 error(s)"), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_there_is_said_with_the_nearest_that_is() {
    for (file, from, to, said) in [
        (
            ORDERS,
            "connection: kingdee-main",
            "connection: kingde-main",
            &[ORDERS, "`kingde-main`", "`kingdee-main`"][..],
        ),
        (
            "qiao.toml",
            "plugin = \"okki\"",
            "plugin = \"oki\"",
            &["connections.okki-main", "there is no plugin `oki`", "did you mean `okki`?"],
        ),
        (
            ORDERS,
            "\"mapMaterialCode\"",
            "\"mapMaterialCod\"",
            &[ORDERS, "no plugin exports the function `mapMaterialCod`", "did you mean `mapMaterialCode`?"],
        ),
        (
            ORDERS,
            "from okki-users where",
            "from okki-user where",
            &[ORDERS, "the lookup reads from the scheme `okki-user`", "did you mean `okki-users`?"],
        ),
        (
            ORDERS,
            "_findCollection find user_id from okki-users where employee_no={FSalerId_FNumber}",
            "_findCollection find product_no from table:material_cod where material_code={FSalerId_FNumber}",
            &[ORDERS, "there is no table `material_cod`", "did you mean `material_code`?"],
        ),
        (
            ORDERS,
            "\"api\": \"/v1/invoices/order/push\"",
            "\"api\": \"/v1/invoices/order/pus\"",
            &[ORDERS, "metadata.api", "cannot write `/v1/invoices/order/pus`"],
        ),
        (ORDERS, "  start_from: \"2026-01-01 00:00:00\"\n", "", &[ORDERS, "LAST_SYNC_TIME", "hint: add `start_from"]),
    ] {
        let (_vendors, project) = example().await;
        project.edit(file, from, to);
        project.qiao(&["scheme", "check"]).await.failed_saying(said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_said_with_its_variable_and_the_others_run() {
    let (vendors, mut project) = example().await;
    project.forget("KINGDEE_APP_SECRET");
    let ran = project.run_once().await;
    let ran =
        ran.failed_saying(&["qiao.toml", "connections.kingdee-main.secrets.app_secret", "KINGDEE_APP_SECRET", "hint:"]);
    assert!(ran.scheme("schemes/okki-products.yaml")["new"].as_u64().unwrap() > 0, "{ran:?}");
    assert_eq!(vendors.okki.push_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_said_with_line_and_column() {
    for (file, text, said) in [
        ("qiao.toml", "[host]\nlisten = \"127.0.0.1:8620\n", &["qiao.toml:2:"][..]),
        (
            "schemes/broken.yaml",
            "name: 断\nsource:\n  connection: [kingdee-main\n",
            &["schemes/broken.yaml:", "error:"],
        ),
        (
            "schemes/broken.yaml",
            "source:\n  connection: okki-main\n  metadata: |\n    { \"api\": \"x\",\n      \"method\" \"GET\" }\n",
            &["schemes/broken.yaml:5:"],
        ),
        ("tables/broken.csv", "code,name\nA,甲\nA,乙\n", &["tables/broken.csv:3", "A"]),
    ] {
        let (_vendors, project) = example().await;
        project.write(file, text);
        project.qiao(&["scheme", "check"]).await.failed_saying(said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_scheme_stops_nobody_else() {
    let (vendors, project) = example().await;
    project.write("schemes/broken.yaml", "source: [");
    let ran = project.run_once().await.failed_saying(&["schemes/broken.yaml"]);
    assert_eq!(ran.orders()["done"], 3, "{ran:?}");
    assert!(vendors.ledger().balances());
}

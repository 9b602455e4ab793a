//! Metadata that is looked at by itself, and what a check says of a scheme's columns and lookups.

use std::fs;

use qiao_tests::{Dataset, Vendors, VendorsOptions};
use serde_json::json;

use crate::harness::{Project, repository};

const ORDERS: &str = "schemes/kingdee-order-to-okki.yaml";

/// The two metadata blocks of an example, source and target.
fn blocks(scheme: &str) -> [String; 2] {
    let text = fs::read_to_string(repository().join("examples").join(scheme)).unwrap();
    let mut blocks = text.split("  metadata:\n").skip(1).map(|rest| {
        let end = rest.find("\n    }\n").unwrap();
        format!("{}\n    }}\n", &rest[..end])
    });
    [blocks.next().unwrap(), blocks.next().unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_of_metadata_is_checked_without_a_project() {
    let folder = Project::empty();
    let file = folder.root().join("pasted.json");
    let check = async |text: &str| {
        folder.write("pasted.json", text);
        folder.qiao(&["scheme", "check", "--metadata", file.to_str().unwrap(), "--json"]).await
    };
    let [source, target] = blocks(ORDERS);
    let said = check(&source).await.succeeded().json();
    assert_eq!((&said["side"], &said["errors"], &said["warnings"]), (&json!("source"), &json!([]), &json!([])));
    assert_eq!(said["needs"]["functions"], json!([{"name": "mapMaterialCode", "arguments": 1}]));
    let said = check(&target).await.succeeded().json();
    assert_eq!((&said["side"], &said["errors"], &said["warnings"]), (&json!("target"), &json!([]), &json!([])));
    assert_eq!(said["needs"]["schemes"][0], json!({"name": "okki-companies", "fields": ["serial_id", "company_id"]}));
    let [source, target] = blocks("schemes/wdt-refund-to-kingdee.yaml");
    // As the article has it: with a type that the value is not of, a comma too many, and tabs.
    let pasted = source.replace(r#""退换单处理状态","type":"string""#, r#""退换单处理状态","type":"bool""#);
    let said = check(&pasted.replace("]]\n", "]],\n\t")).await.succeeded().json();
    let warnings = said["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{said}");
    assert!(warnings[0]["message"].as_str().unwrap().contains("a comma too many"), "{said}");
    assert_eq!((&warnings[1]["path"], &warnings[1]["text"]), (&json!("$.request[0].value"), &json!("90")));
    assert_eq!(warnings[1]["line"], 10, "{said}");
    assert_eq!(check(&target).await.succeeded().json()["because"], "`effect` is `EXECUTE`");
    // Connectors that are not ours are no matter.
    check(r#"{"api": "jdy.order.list", "type": "QUERY", "number": "no", "request": []}"#).await.succeeded();
    assert!(!folder.root().join("state").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_piece_is_said_and_tells_the_exit_code() {
    let folder = Project::empty();
    let file = folder.root().join("pasted.json");
    let file = file.to_str().unwrap();
    for (text, code, said) in [
        ("{\"api\": \"push\"\n \"request\": []}", 1, "pasted.json:2:2: this is not JSON"),
        ("[]", 1, "metadata is no JSON object"),
        ("", 1, "this is not JSON"),
        (
            r#"{"api": "push", "effect": "EXECUTE", "request": [{"field": "a", "value": "{{x|datetim}}"}]}"#,
            1,
            "did you mean `|datetime`?",
        ),
        (
            r#"{"api": "push", "effect": "EXECUTE", "reqest": [], "request": [{"field": "a", "value": "{x}"}]}"#,
            0,
            "did you mean `request`?",
        ),
    ] {
        folder.write("pasted.json", text);
        let ran = folder.qiao(&["scheme", "check", "--metadata", file]).await;
        assert_eq!(ran.code, Some(code), "{text}: {ran:?}");
        assert!(ran.stderr.contains(said), "{text}: {ran:?}");
    }
    let side = folder.qiao(&["scheme", "check", "--metadata", file, "--side", "source"]).await;
    assert_eq!(side.failed_saying(&["`EXECUTE` writes, and a source reads"]).code, Some(1));
    let missing = folder.qiao(&["scheme", "check", "--metadata", "没有.json"]).await;
    assert_eq!(missing.failed_saying(&["`没有.json` cannot be read"]).code, Some(2));
    folder.write("pasted.json", b"{\"a\": \"\xc3\xfb\xb3\xc6\"}");
    let gbk = folder.qiao(&["scheme", "check", "--metadata", file]).await;
    assert_eq!(gbk.failed_saying(&["it looks like GBK"]).code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_project_a_piece_is_checked_against_it() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let project = Project::example(&vendors);
    let [source, target] = blocks(ORDERS);
    let file = project.root().join("piece.json");
    for (text, path, hint) in [
        (
            source.replace("\"mapMaterialCode\"", "\"mapMaterialCod\""),
            "$.request[11].transform",
            "did you mean `mapMaterialCode`?",
        ),
        (
            target.replace("from okki-users", "from okki-user"),
            "$.request[6].children[0].value",
            "did you mean `okki-users`?",
        ),
    ] {
        project.write("piece.json", text);
        let ran = project.qiao(&["scheme", "check", "--metadata", file.to_str().unwrap(), "--json"]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let error = &ran.json()["errors"][0];
        assert_eq!((&error["path"], &error["hint"]), (&json!(path), &json!(hint)), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_warns_of_columns_and_lookups_that_lead_nowhere() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let project = Project::example(&vendors);
    let checked = project.qiao(&["scheme", "check", "--json"]).await.succeeded().json();
    assert_eq!(checked, json!({"errors": [], "warnings": []}), "the example is clean");

    // A collection of Kingdee's, whose columns are known, and which nobody delivers: no warning of columns there.
    project.write(
        "schemes/kingdee-materials.yaml",
        "source: { connection: kingdee-main, metadata: { api: executeBillQuery, id: FNumber, request: [ \
         { field: FNumber }, { field: FName }, { field: FUnused }, { field: FormId, value: BD_MATERIAL } ] } }",
    );
    project.edit(
        ORDERS,
        r#""value": "{FNote}""#,
        r#""value": "_findCollection find FNam from kingdee-materials where FNumber={FMaterialId_FNumber}""#,
    );
    let ran = project.qiao(&["scheme", "check", "--json"]).await.succeeded();
    let warnings = ran.json()["warnings"].as_array().unwrap().clone();
    let told: Vec<String> = warnings
        .iter()
        .map(|warning| format!("{} {}", warning["path"].as_str().unwrap(), warning["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "source.metadata.request 1 column(s) of the request are used by nothing: `FNote`",
            "target.metadata.request[4].value the lookup names `FNam`, which is no column of the scheme `kingdee-materials`: it finds nothing but empty values",
        ]
    );
    assert_eq!(warnings[1]["hint"], "did you mean `FName`?");

    // One scheme alone, by its stem or its file.
    let one = project.qiao(&["scheme", "check", "kingdee-materials"]).await.succeeded();
    assert!(one.stdout.contains("is ready, 0 error(s), 0 warning(s)"), "{one:?}");
    let one = project.qiao(&["scheme", "check", ORDERS]).await.succeeded();
    assert!(one.stdout.contains("0 error(s), 2 warning(s)") && one.stderr.contains("`FNote`"), "{one:?}");
}

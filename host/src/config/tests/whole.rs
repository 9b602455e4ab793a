//! What a sound project is read into.

use std::time::Duration;

use serde_json::json;

use super::super::{OnExisting, OnExpressionError, Project, SecretSource};
use super::{QIAO, SCHEME, load, project};

const FULL_QIAO: &str = r#"
[host]
listen = "0.0.0.0:9000"
time_zone = "Asia/Tokyo"
jitter = "0"
grace = "1m"

[store]
kind = "sled"

[limits]
memory = "128MiB"
cpu_time = "2s"
call_time = "1m30s"
response = "1MiB"
log_lines = 10
log = "4KiB"

[connections.kingdee-main]
plugin = "kingdee"
base_url = "https://erp.example.com/k3cloud"
rate = "600/m"
concurrency = 8
timeout = "10s"
allow_private = true
config = { user = "张三", lcid = 2052, big = 12345678901234567890, since = 2026-01-01 }
secrets = { app_secret = { env = "KINGDEE_APP_SECRET" }, other = { file = "secrets/other" } }

[connections."小满"]
plugin = "okki"
base_url = "http://127.0.0.1:8080"
settle_after = "5s"
"#;

const FULL_SCHEME: &str = r#"# 注释
name: 金蝶销售订单=>小满销售订单
id: 3ae6a1b0-0000-0000-0000-000000000001
enabled: false
time_zone: Asia/Shanghai
source:
  connection: kingdee-main
  schedule: "*/10 * * * *"
  start_from: "2026-01-01 00:00:00"
  overlap: 30m
  lag: 5s
  page_size: 500
  complete_bills: true
  metadata: {
	"api": "executeBillQuery",
	"request": [
		{"field": "FQty", "value": 1.10},
	]
}
stages:
  - { plugin: transforms, stage: drop-rows, field: FQty, limit: 0.10 }
  - plugin: transforms
    stage: other
target:
  connection: 小满
  schedule: "* * * * *"
  on_existing: skip
  metadata_file: order.json
optional_lookups: true
on_expression_error: keep_text
retry: { max_age: 2d, first: 2s, most: 1m }
"#;

#[test]
fn everything_set() {
    let loaded = load(&[
        ("qiao.toml", FULL_QIAO),
        ("schemes/order.yaml", FULL_SCHEME),
        ("schemes/order.json", "\u{feff}{\"api\": \"/v1/invoices/order/push\"}"),
        ("tables/material_code.csv", "\u{feff}code,okki\r\nMAT-001, 1001\r\n007,\"a,\"\"b\"\"\"\r\n,\r\n"),
    ]);
    let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["schemes/order.yaml:17:35: warning: there is a comma too many before the closing bracket; it is ignored"]
    );
    assert!(!loaded.has_errors());
    let project = loaded.project.unwrap();

    assert_eq!(project.host.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(project.host.time_zone_name, "Asia/Tokyo");
    assert_eq!((project.host.jitter, project.host.grace), (Duration::ZERO, Duration::from_mins(1)));
    assert_eq!(project.limits.memory_bytes, 128 << 20);
    assert_eq!(project.limits.call_time, Duration::from_secs(90));
    assert_eq!((project.limits.log_lines, project.limits.log_bytes), (10, 4096));

    let kingdee = &project.connections["kingdee-main"];
    assert_eq!(kingdee.base_url.as_str(), "https://erp.example.com/k3cloud/");
    assert_eq!(kingdee.rate.unwrap().to_string(), "600/m");
    assert_eq!(kingdee.concurrency.get(), 8);
    assert_eq!((kingdee.timeout, kingdee.settle_after), (Duration::from_secs(10), Duration::from_secs(20)));
    assert!(kingdee.allow_private);
    assert_eq!(
        kingdee.config.to_string(),
        r#"{"user":"张三","lcid":2052,"big":12345678901234567890,"since":"2026-01-01"}"#
    );
    assert_eq!(kingdee.secrets["app_secret"], SecretSource::Env("KINGDEE_APP_SECRET".to_owned()));
    assert_eq!(kingdee.secrets["other"], SecretSource::File("secrets/other".into()));
    assert!(!format!("{kingdee:?}").contains("张三"));
    assert_eq!(project.connections["小满"].base_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(project.connections["小满"].settle_after, Duration::from_secs(5));

    let scheme = project.scheme("金蝶销售订单=>小满销售订单").unwrap();
    assert_eq!((scheme.stem.as_str(), scheme.enabled, scheme.optional_lookups), ("order", false, true));
    assert_eq!(scheme.on_expression_error, OnExpressionError::KeepText);
    assert_eq!(scheme.retry.max_age, Duration::from_hours(48));
    assert_eq!(project.time_zone(scheme).iana_name(), Some("Asia/Shanghai"));
    assert_eq!(scheme.source.start_from.unwrap().to_string(), "2025-12-31T16:00:00Z");
    assert_eq!(scheme.source.schedule.as_ref().unwrap().as_str(), "*/10 * * * *");
    assert_eq!((scheme.source.overlap, scheme.source.lag), (Duration::from_mins(30), Duration::from_secs(5)));
    assert_eq!(scheme.source.page_size, Some(500));
    assert!(scheme.source.complete_bills);
    assert_eq!(
        scheme.source.complete_bills_origin.error("no").to_string(),
        "schemes/order.yaml:13:19: source.complete_bills: no"
    );
    let metadata = r#"{"api":"executeBillQuery","request":[{"field":"FQty","value":1.10}]}"#;
    assert_eq!(scheme.source.metadata.to_string(), metadata);
    assert_eq!(
        scheme.source.metadata_origin.error("no such key").to_string(),
        "schemes/order.yaml:14:13: source.metadata: no such key"
    );
    assert_eq!(
        scheme.source.metadata_origin.warning("no such type").inside("$.request[0].type").to_string(),
        "schemes/order.yaml:14:13: warning: source.metadata.request[0].type: no such type"
    );
    assert_eq!(scheme.stages.len(), 2);
    assert_eq!(scheme.stages[0].config.to_string(), r#"{"field":"FQty","limit":0.10}"#);
    assert_eq!(scheme.stages[1].origin.warning("x").to_string(), "schemes/order.yaml:22:5: warning: stages[1]: x");
    let target = scheme.target.as_ref().unwrap();
    assert_eq!((target.connection.as_str(), target.on_existing), ("小满", OnExisting::Skip));
    assert_eq!(target.metadata, json!({"api": "/v1/invoices/order/push"}));
    assert_eq!(target.metadata_origin.file.to_str(), Some("schemes/order.json"));

    let table = project.tables.get("material_code").unwrap();
    assert_eq!((table.name(), table.columns().join("|").as_str()), ("material_code", "code|okki"));
    assert_eq!(table.lookup("MAT-001").unwrap(), ["MAT-001", "1001"]);
    assert_eq!(table.row_json("007").unwrap(), r#"{"code":"007","okki":"a,\"b\""}"#);
    assert_eq!(table.row_json("mat-001"), None);
    assert_eq!(project.tables.names().collect::<Vec<_>>(), ["material_code"]);
    assert_eq!(table.digest().len(), 64);
}

#[test]
fn everything_left_out() {
    let loaded = load(&[("schemes/a.yaml", SCHEME), ("tables/empty.csv", "key,value\n")]);
    assert_eq!(loaded.problems, []);
    let project = loaded.project.unwrap();
    assert_eq!(project.host.listen.to_string(), "127.0.0.1:8620");
    assert_eq!(project.host.time_zone_name, "Asia/Shanghai");
    assert_eq!(project.limits.memory_bytes, 64 << 20);
    let connection = &project.connections["erp"];
    assert_eq!((connection.rate, connection.concurrency.get()), (None, 4));
    assert_eq!((connection.timeout, connection.settle_after), (Duration::from_secs(30), Duration::from_mins(1)));
    assert_eq!((connection.config.to_string().as_str(), connection.allow_private), ("{}", false));
    let scheme = &project.schemes[0];
    assert_eq!((scheme.name.as_str(), scheme.enabled, scheme.target.is_none()), ("a", true, true));
    assert_eq!(scheme.source.overlap, Duration::from_mins(10));
    assert!(!scheme.source.complete_bills);
    assert_eq!(scheme.on_expression_error, OnExpressionError::Error);
    assert_eq!(project.tables.get("empty").unwrap().lookup(""), None);
}

#[test]
fn metadata_in_every_form_is_the_same() {
    let json = r#"{"api":"q","n":1.10,"request":[{"value":"{{a|datetime}}"}]}"#;
    let pretty = "{\n    \"api\": \"q\",\n    \"n\": 1.10,\n    \"request\": [{\"value\": \"{{a|datetime}}\"}]\n    }";
    let block = format!("    {}\n", pretty.replace('\n', "\n    "));
    for metadata in [
        format!("metadata: {json}"),
        format!("metadata: {json}  # 注释"),
        format!("metadata:\n    {json}"),
        format!("metadata: {pretty}"),
        format!("metadata: {}", pretty.replace("    ", "\t")),
        format!("metadata: {}", pretty.replace('\n', "\r\n")),
        format!("metadata: |\n{block}"),
        format!("metadata: |-\n\n{block}"),
        format!("metadata: >\n{block}"),
        format!("metadata: '{json}'"),
        "metadata:\n    api: q\n    n: 1.10\n    request:\n      - value: '{{a|datetime}}'".to_owned(),
        "metadata: { api: q, n: 1.10, request: [ { value: \"{{a|datetime}}\" } ] }".to_owned(),
        "metadata_file: m.json".to_owned(),
        "metadata_file: ../metadata/m.json".to_owned(),
        "metadata_file: metadata/m.json".to_owned(),
    ] {
        let yaml = format!("source:\n  connection: erp\n  {metadata}\n  lag: 1s\n");
        let files = [("schemes/a.yaml", yaml.as_str()), ("schemes/m.json", pretty), ("metadata/m.json", pretty)];
        let loaded = load(&files);
        assert_eq!(loaded.problems, [], "{yaml}");
        let source = &loaded.project.unwrap().schemes[0].source;
        assert_eq!((source.metadata.to_string().as_str(), source.lag), (json, Duration::from_secs(1)), "{yaml}");
    }
}

#[test]
fn a_digest_changes_with_every_text() {
    let digest = |yaml: &str, json: &str| {
        let loaded = load(&[("schemes/a.yaml", yaml), ("schemes/m.json", json)]);
        loaded.project.unwrap().schemes[0].digest.clone()
    };
    let by_file = "source: { connection: erp, metadata_file: m.json }";
    let first = digest(by_file, "{}");
    assert_eq!(first, digest(by_file, "{}"));
    assert_ne!(first, digest(by_file, "{ }"));
    assert_ne!(first, digest(&format!("{by_file}\n"), "{}"));
}

#[test]
fn hidden_and_foreign_files_are_not_read() {
    let root = project(&[
        ("qiao.toml", QIAO.as_bytes()),
        ("schemes/a.yml", SCHEME.as_bytes()),
        ("schemes/.#a.yml", b"{"),
        ("schemes/a.yml~", b"{"),
        ("schemes/README.md", b"{"),
        ("schemes/old/b.yaml", b"{"),
        ("tables/.x.csv", b""),
        ("tables/x.CSV", b"a\n"),
    ]);
    let loaded = Project::load(root.path());
    assert_eq!(loaded.problems, []);
    let project = loaded.project.unwrap();
    assert_eq!(project.schemes.len(), 1);
    assert_eq!(project.tables.names().collect::<Vec<_>>(), ["x"]);
    assert_eq!(project.plugins_dir(), root.path().join("plugins"));
    assert_eq!(project.schemes_dir(), root.path().join("schemes"));
    assert_eq!(project.tables_dir(), root.path().join("tables"));
    assert_eq!(project.state_dir(), root.path().join("state"));
}

#[test]
fn missing_secrets_are_listed() {
    let toml = format!("{QIAO}secrets = {{ a = {{ env = \"PATH\" }}, b = {{ env = \"QIAO_TEST_NEVER_SET\" }} }}");
    let loaded = load(&[("qiao.toml", &toml)]);
    assert_eq!(loaded.problems, []);
    let project = loaded.project.unwrap();
    let missing: Vec<String> = project.missing_secrets().iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        ["qiao.toml: connections.erp.secrets.b: the environment variable `QIAO_TEST_NEVER_SET` is not set\
          \n  hint: set it before `qiao` starts, for example by `export QIAO_TEST_NEVER_SET=…`"]
    );
    let unknown = project.connections["erp"].read_secret("app_secret", &project.root).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "qiao.toml: connections.erp.secrets.app_secret: the connection `erp` has no secret `app_secret`\
         \n  hint: add `secrets = { app_secret = { env = \"ERP_APP_SECRET\" } }` to it"
    );
}

/// Any JSON object.
fn object() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,12})?".prop_map(|text| serde_json::from_str(&text).unwrap()),
        any::<String>().prop_map(|text| json!(text)),
    ];
    let key = prop_oneof![any::<String>(), Just("metadata".to_owned()), "[a-z名{}:<]{0,4}"];
    let inner = leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::Array),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    });
    proptest::collection::btree_map(any::<String>(), inner, 0..5).prop_map(|map| map.into_iter().collect())
}

proptest::proptest! {
    #[test]
    fn pasted_json_is_read_as_what_it_is(metadata in object()) {
        let pretty = serde_json::to_string_pretty(&metadata).unwrap();
        let block = format!("    {}\n", pretty.replace('\n', "\n    "));
        for form in [format!("metadata: {pretty}"), format!("metadata: {metadata}"), format!("metadata: |\n{block}")] {
            let loaded = load(&[("schemes/a.yaml", &format!("source:\n  connection: erp\n  {form}\n"))]);
            assert_eq!(loaded.problems, [], "{form}");
            assert_eq!(loaded.project.unwrap().schemes[0].source.metadata, metadata, "{form}");
        }
    }
}

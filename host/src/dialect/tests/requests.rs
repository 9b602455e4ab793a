//! What a source asks for.

use super::*;

fn request(items: &Value) -> Value {
    let plan = source(&json!({"api": "q", "id": "id", "request": items}));
    let variables = Variables {
        last_sync_seconds: Some(NOW),
        current_seconds: NOW + 3600,
        page_size: 40,
        start_row: 80,
        page_no: 3,
    };
    plan.render_request(&variables).unwrap()
}

#[test]
fn every_item_is_a_member() {
    for (item, expected) in [
        (json!({}), json!(null)),
        (json!({"value": null}), json!(null)),
        (json!({"value": "", "type": "string"}), json!("")),
        (json!({"value": "", "type": "int"}), json!(null)),
        (json!({"value": "0", "type": "int"}), json!(0)),
        (json!({"value": "FQty", "type": "int"}), json!("FQty")),
        (json!({"value": "FDate", "type": "datetime"}), json!("FDate")),
        (json!({"value": "90", "type": "bool"}), json!("90")),
        (json!({"value": "true", "type": "bool"}), json!(true)),
        (json!({"value": 5, "type": "string"}), json!("5")),
        (json!({"value": "{PAGINATION_PAGE_SIZE}", "type": "string"}), json!("40")),
        (json!({"value": "{PAGINATION_PAGE_SIZE}"}), json!(40)),
        (json!({"value": "{{PAGINATION_START_PAGE}}", "type": "int"}), json!(3)),
        (json!({"value": "{{PAGE_NO}}/{{PAGE_SIZE}}"}), json!("3/40")),
        (json!({"value": "{{LAST_SYNC_TIME|datetime}}"}), json!("2026-01-02 03:04:05")),
        (json!({"value": "{{CURRENT_TIME|datetime}}"}), json!("2026-01-02 04:04:05")),
        (json!({"value": "{{DAYS_AGO_30|date}}"}), json!("2025-12-03")),
        (json!({"value": "{{CURRENT_TIME}}000", "type": "int"}), json!((NOW + 3600) * 1000)),
        (
            json!({"value": "_function ({{LAST_SYNC_TIME}}-(3600 * 24))* 1000", "type": "string"}),
            json!(((NOW - 86_400) * 1000).to_string()),
        ),
        (json!({"value": "{\"a\":1,\"b\":\"{{PAGE_NO}}\"}", "type": "object"}), json!({"a": 1, "b": "3"})),
        (json!({"value": ["a", "{{PAGE_NO}}", 2]}), json!(["a", 3, 2])),
        (
            json!({"type": "object", "children": [{"field": "x", "value": "{PAGE_NO}"}, {"field": "y"}]}),
            json!({"x": 3, "y": null}),
        ),
        (json!({"type": "array", "children": [{"field": "x", "value": "{PAGE_NO}"}]}), json!([{"x": 3}])),
    ] {
        let mut written = item.clone();
        written["field"] = json!("f");
        assert_eq!(request(&json!([written])), json!({"f": expected}), "{item}");
        let mut members = item.clone();
        members["label"] = json!("object form");
        assert_eq!(request(&json!({"f": members})), json!({"f": expected}), "{item}");
    }
}

#[test]
fn a_first_scan_without_a_start_is_an_error() {
    let plan = source(&json!({"api": "q", "id": "id", "request": [{"field": "start", "value": "{{LAST_SYNC_TIME}}"}]}));
    assert!(plan.needs_last_sync());
    let error = plan.render_request(&Variables::at(NOW)).unwrap_err();
    assert_eq!(error.to_string(), "source `$.request[0].value`: `LAST_SYNC_TIME` has no value here");
    assert_eq!(error.hint(), "set `start_from` on the scheme's source");
    assert!(!source(&json!({"api": "q", "id": "id"})).needs_last_sync());
}

#[test]
fn a_value_that_does_not_convert_names_its_path() {
    let plan = source(&json!({"api": "q", "id": "id", "request": [{"field": "f", "type": "object", "children": [
        {"field": "x", "type": "int", "value": "p{{PAGE_NO}}"},
    ]}]}));
    let error = plan.render_request(&Variables::default()).unwrap_err();
    assert_eq!(error.to_string(), "source `$.request[0].children[0].value`: `p0` is not a whole number");
    assert_eq!(error.path(), "$.request[0].children[0].value");
    assert_eq!(error.text(), "p{{PAGE_NO}}");
}

#[test]
fn other_requests_are_rendered_beside() {
    let metadata = json!({"api": "batchSave", "request": [{"field": "a", "value": "1"}], "otherRequest": [
        {"field": "FormId", "type": "string", "value": "SAL_SaleOrder"},
        {"field": "IsAutoSubmitAndAudit", "type": "bool", "value": "true"},
        {"field": "Unused", "type": "string"},
    ]});
    let rendered = target(&metadata).render_other_request(&Variables::at(NOW)).unwrap();
    assert_eq!(rendered, json!({"FormId": "SAL_SaleOrder", "IsAutoSubmitAndAudit": true}));
}

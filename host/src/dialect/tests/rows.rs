//! What tells rows and bills apart.

use super::*;

#[test]
fn ids_are_fields_or_templates() {
    let fetched =
        row(r#"{"FBillNo": "B1", "FEntryID": 12345678901234567890, "FDate": "2026-01-05T00:00:00", "blank": ""}"#);
    for (keys, id) in [
        (json!({"id": "FEntryID"}), Some("12345678901234567890")),
        (json!({"id": "fentryid", "number": "x"}), Some("12345678901234567890")),
        (json!({"number": "FBillNo"}), Some("B1")),
        (json!({"id": "", "number": "FBillNo"}), Some("B1")),
        (json!({"id": "{{FBillNo}}-{{FEntryID}}"}), Some("B1-12345678901234567890")),
        (json!({"id": "{FBillNo}/{FDate|date}"}), Some("B1/2026-01-05")),
        (json!({"id": "blank"}), None),
        (json!({"id": "missing", "number": "FBillNo"}), None),
        (json!({"id": "{{FBillNo}}-{{missing}}"}), None),
    ] {
        let mut metadata = keys.clone();
        metadata["api"] = json!("q");
        assert_eq!(source(&metadata).row_id(&fetched).ok().as_deref(), id, "{keys}");
    }
    let error = source(&json!({"api": "q", "id": "nope"})).row_id(&fetched).unwrap_err();
    assert_eq!(error.to_string(), "source `$.id`: the row has no value for `nope`");
    assert_eq!(error.hint(), "the row has `FBillNo`, `FEntryID`, `FDate`, `blank`");
}

#[test]
fn a_merge_key_must_be_there() {
    let mut metadata = metadata(&json!([{"field": "a", "value": "{x}"}]));
    assert_eq!(target(&metadata).merge_key(&row("{}")).unwrap(), None);
    metadata["operation"] = json!({"method": "merge", "field": "FBillNo"});
    let target = target(&metadata);
    assert_eq!(target.merge_key(&row(r#"{"FBillNo": 7}"#)).unwrap().as_deref(), Some("7"));
    assert!(matches!(target.merge_key(&row(r#"{"FBillNo": null}"#)), Err(MappingError::Key { .. })));
}

#[test]
fn bill_numbers() {
    let (bill, head) = (row(r#"{"order_no": "O1", "nested": {"no": 2}}"#), row(r#"{"FBillNo": "B1"}"#));
    for (number, default, expected) in [
        (None, Some("order_no"), Some("O1")),
        (None, Some("missing"), None),
        (None, None, None),
        (Some("order_no"), Some("other"), Some("O1")),
        (Some("nested.no"), None, Some("2")),
        (Some("FBillNo"), Some("order_no"), Some("B1")),
        (Some("{{FBillNo}}-X"), None, Some("B1-X")),
        (Some("missing"), Some("order_no"), None),
    ] {
        let mut metadata = metadata(&json!([{"field": "a", "value": "1"}]));
        metadata["number"] = json!(number);
        let target = target(&metadata);
        assert_eq!(target.number_field(), number);
        assert_eq!(target.bill_number(&bill, Some(&head), default).as_deref(), expected, "{number:?}");
    }
}

#[test]
fn a_grouping_tells_apart_what_groups_differently() {
    let grouping = |operation: Value| {
        let mut metadata = metadata(&json!([{"field": "a", "value": "{x}"}]));
        metadata["operation"] = operation;
        target(&metadata).grouping()
    };
    let merge = |field: &str| grouping(json!({"method": "merge", "field": field}));
    for (operation, expected) in [
        (Value::Null, "none"),
        (json!({"method": "none"}), "none"),
        (json!({"method": "merge", "field": "FBillNo"}), "merge:FBillNo"),
        (json!({"method": "merge", "field": " FBillNo ", "bodyName": "lines"}), "merge:FBillNo"),
        (json!({"method": "merge", "field": "{{ FBillNo }}"}), "merge:FBillNo"),
        (json!({"method": "merge", "field": "{a}-{{b}}"}), "merge:{{a}}-{{b}}"),
        (json!({"method": "merge", "field": "{a}-{{b|DATE}}"}), "merge:{{a}}-{{b|date}}@Asia/Shanghai"),
    ] {
        assert_eq!(grouping(operation.clone()), expected, "{operation}");
    }
    assert_ne!(merge("{a}{b}"), merge("{b}{a}"));
    assert_ne!(merge("{a|date}"), merge("{a}"));
}

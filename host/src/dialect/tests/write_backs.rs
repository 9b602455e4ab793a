//! `callBackStrategy`: what a written bill passes on to another scheme.

use super::*;

fn with(strategy: &Value, response: &Value) -> Value {
    json!({
        "api": "batchSave",
        "request": [{"field": "FBillNo", "value": "{refund_no}"}],
        "response": response,
        "callBackStrategy": strategy,
    })
}

fn reply() -> Row {
    row(r#"{"Id": 100001, "Number": "XSTHD000001", "Entries": [{"EntryId": 7}], "id": "100001"}"#)
}

#[track_caller]
fn rows(metadata: &Value) -> Vec<(String, Value)> {
    let head = row(r#"{"refund_no": "TK1", "shop": "S1"}"#);
    let plan = target(metadata);
    let rows = plan.write_backs().iter().map(|write_back| {
        let row = write_back.row(reply(), Some(&head), &Variables::at(NOW)).unwrap();
        (write_back.scheme().to_owned(), Value::Object(row))
    });
    rows.collect()
}

#[test]
fn values_of_the_reply_become_a_row() {
    let strategy = json!({"strategyId": "写回", "id": "{{primaryWriteback.Id}}", "no": "{{refund_no}}/{{primaryWriteback.Number}}",
        "entry": "{{primaryWriteback.Entries.EntryId}}", "at": "{{CURRENT_TIME|datetime}}", "what": "done"});
    assert_eq!(
        rows(&with(&strategy, &json!(null))),
        [(
            "写回".to_owned(),
            json!({"id": 100_001, "no": "TK1/XSTHD000001", "entry": 7, "at": "2026-01-02 03:04:05", "what": "done"})
        )]
    );
}

#[test]
fn response_picks_what_primary_writeback_is() {
    let response = json!([{"field": "x"}, {"field": "primaryWriteback", "type": "object", "children": [
        {"field": "key", "type": "string", "value": "{{Id}}"}, {"field": "gone", "value": "{{nothing}}"}]}]);
    let strategies = json!([
        {"strategyId": "a", "key": "{{primaryWriteback.key}}", "number": "{{primaryWriteback.Number}}!"},
        {"strategyId": "b", "key": "{{primaryWriteback.key}}"},
    ]);
    assert_eq!(
        rows(&with(&strategies, &response)),
        [("a".to_owned(), json!({"key": "100001", "number": "!"})), ("b".to_owned(), json!({"key": "100001"})),]
    );
}

#[test]
fn a_bill_without_rows_passes_on_what_the_reply_has() {
    let plan =
        target(&with(&json!({"strategyId": "a", "id": "{{primaryWriteback.id}}", "no": "{refund_no}"}), &json!([])));
    let row = plan.write_backs()[0].row(reply(), None, &Variables::at(NOW)).unwrap();
    assert_eq!(Value::Object(row), json!({"id": "100001"}));
}

#[test]
fn what_loading_says() {
    for (strategy, error) in [
        (json!("a"), "`$.callBackStrategy`: `callBackStrategy` is no object"),
        (json!({"id": "{{primaryWriteback.id}}"}), "`$.callBackStrategy`: `callBackStrategy` names no scheme"),
        (json!({"strategyId": "a"}), "`$.callBackStrategy`: `callBackStrategy` passes no value on"),
        (
            json!({"strategyId": "a", "id": "_findCollection find a from b where c={{d}}"}),
            "`$.callBackStrategy.id`: lookups and plugin functions are for mappings, not for what is written back",
        ),
        (json!([{"strategyId": "a", "id": "{{x|dat}}"}]), "`$.callBackStrategy[0].id`: filter `dat` is unknown"),
    ] {
        let found = shown(&parse_target(&with(&strategy, &json!(null)), None, &options()).errors);
        assert!(found.len() == 1 && found[0].starts_with(error), "{strategy}: {found:?}");
    }
    let on_a_source = json!({"api": "q", "id": "a", "callBackStrategy": {"strategyId": "a", "id": "1"}});
    let found = shown(&parse_source(&on_a_source, &options()).warnings);
    assert_eq!(
        found,
        [
            "`$.callBackStrategy`: key `callBackStrategy` does nothing on a source (hint: it says what becomes of a written bill: move it to the target's metadata)"
        ]
    );
}

//! Bills as far as they can be mapped, for a person to look at.

use super::*;

#[test]
fn a_draft_has_what_can_be_mapped_and_everything_that_failed() {
    let plan = target(&json!({"api": "push", "operation": {"method": "merge", "field": "no"}, "request": [
        {"field": "no", "value": "{no}"},
        {"field": "note", "value": "{note}", "is_required": true},
        {"field": "customer", "value": "_findCollection find id from customers where no={customer}"},
        {"field": "lines", "type": "array", "children": [
            {"field": "price", "value": "_function {{details.amount}}/{{details.qty}}"},
            {"field": "qty", "type": "int", "value": "{{details.qty}}"},
        ]},
    ]}));
    let rows = [
        row(r#"{"no": "SO1", "customer": "C1", "amount": 10, "qty": 0}"#),
        row(r#"{"no": "SO1", "customer": "C1", "amount": 10, "qty": "两"}"#),
    ];
    let variables = Variables::at(NOW);
    let first = plan.draft(&rows, &variables, &Answers::new());
    assert_eq!(first.open.len(), 1, "{:?}", first.open);

    let mut answers = Answers::new();
    answers.extend(first.open.into_iter().map(|question| (question, Answer::Absent)));
    let draft = plan.draft(&rows, &variables, &answers);
    assert!(draft.open.is_empty());
    assert_eq!(Value::Object(draft.bill), json!({"no": "SO1", "lines": [{"qty": 0}, {}]}));
    let failed: Vec<String> = draft
        .failures
        .iter()
        .map(|failure| {
            format!("{} {}", failure.path(), failure.line().map_or_else(String::new, |line| line.to_string()))
        })
        .collect();
    assert_eq!(
        failed,
        [
            "$.request[1].value ",
            "$.request[2].value ",
            "$.request[3].children[0].value 1",
            "$.request[3].children[0].value 2",
            "$.request[3].children[1].value 2",
        ]
    );
    // Of all of them, the one that only a person can mend is the mapping's.
    assert_eq!(failure(plan.map(&rows, &variables, &answers)).path(), "$.request[1].value");
}

#[test]
fn a_draft_without_failures_is_the_bill() {
    let plan = target(&metadata(&json!([{"field": "no", "value": "{no}"}])));
    let rows = [row(r#"{"no": "单1"}"#)];
    let draft = plan.draft(&rows, &Variables::at(NOW), &Answers::new());
    assert!(draft.failures.is_empty() && draft.open.is_empty());
    assert_eq!(Value::Object(draft.bill), bill(plan.map(&rows, &Variables::at(NOW), &Answers::new())));
    assert_eq!(plan.draft(&[], &Variables::at(NOW), &Answers::new()).failures.len(), 1);
}

//! Sums over the lines of a bill, and over arrays of a row.

use super::*;

const LINES: &str = r#"[
    {"no": "A", "rate": 2, "FQty": 1, "FPrice": 10.50, "day": 1767225600},
    {"no": "A", "rate": 2, "FQty": 2.5, "FPrice": null, "day": 1767312000},
    {"no": "A", "rate": 2, "FQty": "3", "FPrice": 4}
]"#;

fn lines() -> Vec<Row> {
    parsed(LINES).as_array().unwrap().iter().map(|line| line.as_object().unwrap().clone()).collect()
}

#[track_caller]
fn over_lines(request: &Value, rows: &[Row]) -> Value {
    let metadata = json!({
        "api": "x", "request": request, "operation": {"method": "merge", "field": "no", "bodyName": "details"},
    });
    bill(target(&metadata).map(rows, &Variables::at(NOW), &Answers::new()))
}

#[test]
fn a_merged_bill_sums_its_lines_wherever_it_does() {
    let request = json!([
        {"field": "qty", "value": "_function SUM({{details.FQty}})"},
        {"field": "amount", "value": "_function sum({{details.FQty}}*{{details.FPrice}}*{{rate}})"},
        {"field": "lines", "value": "_function count(details)"},
        {"field": "first", "value": "_function {{details.FQty}} + 0"},
        {"field": "last_day", "value": "_function max({{details.day|date}})"},
        {"field": "body", "type": "array", "value": "details", "children": [
            {"field": "share", "value": "_function round({{details.FQty}} / sum(details.FQty), 2)"},
        ]},
    ]);
    let expected = parsed(
        r#"{"qty": 6.5, "amount": 45.00, "lines": 3, "first": 1, "last_day": "2026-01-02",
            "body": [{"share": 0.15}, {"share": 0.38}, {"share": 0.46}]}"#,
    );
    assert_eq!(over_lines(&request, &lines()), expected);
}

/// An array without a value has an element per line only if a child means one line.
#[test]
fn a_sum_does_not_make_an_array_one_of_lines() {
    let request = json!([{"field": "body", "type": "array", "children": [
        {"field": "qty", "value": "_function sum({{details.FQty}})"},
    ]}]);
    assert_eq!(over_lines(&request, &lines()), parsed(r#"{"body": [{"qty": 6.5}]}"#));
}

#[test]
fn an_array_of_the_row_is_summed_from_outside_and_from_inside() {
    let row_text = r#"{"name": "head", "items": [{"qty": 1, "sub": {"price": 5}}, {"qty": 2, "sub": {"price": 7.5}}], "tags": ["a", "b"]}"#;
    let request = json!([
        {"field": "sum", "value": "_function sum({{items.qty}} * {{items.sub.price}})"},
        {"field": "tags", "value": "_function count(tags)"},
        {"field": "none", "value": "_function ifnull(sum({{gone.qty}}), 0)"},
        {"field": "body", "type": "array", "value": "items", "children": [
            {"field": "of", "value": "_function concat({{items.qty}}, '/', sum({{items.qty}}))"},
        ]},
    ]);
    let expected = parsed(r#"{"sum": 20.0, "tags": 2, "none": 0, "body": [{"of": "1/3"}, {"of": "2/3"}]}"#);
    assert_eq!(map(&request, row_text), expected);
}

#[test]
fn an_expression_knows_the_moment_and_the_time_zone() {
    let request = json!([
        {"field": "now", "value": "_function now()"},
        {"field": "days", "value": "_function datediff(curdate(), '2026-01-01')"},
        {"field": "seconds", "value": "_function unix_timestamp('2026-01-01 08:00:00')"},
    ]);
    let expected = json!({"now": "2026-01-02 03:04:05", "days": 1, "seconds": 1_767_225_600});
    assert_eq!(map(&request, "{}"), expected);
}

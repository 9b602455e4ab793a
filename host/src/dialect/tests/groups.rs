//! `groupCalculate`: flat rows in, bills with computed lines out.

use super::*;

fn lines() -> Vec<Row> {
    [
        r#"{"shop": "S1", "day": "2026-01-05", "goods": "A", "name": "螺丝", "qty": "2", "paid": "10.50", "no": "T1", "note": "x"}"#,
        r#"{"shop": "S1", "day": "2026-01-05", "goods": "B", "name": "螺母", "qty": 1, "paid": 3.25, "no": "T1", "note": "y"}"#,
        r#"{"shop": "S1", "day": "2026-01-05", "goods": "A", "name": "螺丝", "qty": 3, "paid": "", "no": "T2", "note": "z"}"#,
    ]
    .map(row)
    .into()
}

fn grouped(changes: &Value, request: &Value) -> Value {
    let mut group = json!({"headerGroup": ["shop", "day"], "bodyGroup": ["goods", "name"], "targetBodyName": "lines"});
    for (key, value) in changes.as_object().unwrap() {
        group[key] = value.clone();
    }
    json!({"api": "x", "request": request, "groupCalculate": group})
}

#[track_caller]
fn mapped(metadata: &Value, rows: &[Row]) -> Value {
    bill(target(metadata).map(rows, &Variables::at(NOW), &Answers::new()))
}

#[test]
fn lines_are_gathered_by_their_fields_and_the_head_over_all() {
    let calculate = json!({"calculate": {"qty": "$sum", "paid": "$sum", "no": "$addToSet"}});
    let request = json!([
        {"field": "bill_no", "value": "{{shop}}-{{day}}"},
        {"field": "total", "value": "{{paid}}"},
        {"field": "trades", "value": "{no}", "parser": {"name": "ArrayToString", "params": ";"}},
        {"field": "rows", "type": "array", "value": "lines", "children": [
            {"field": "goods", "value": "{{lines.goods}}"},
            {"field": "name", "value": "{name}"},
            {"field": "count", "type": "int", "value": "{qty}"},
            {"field": "amount", "value": "{{lines.paid}}"},
            {"field": "of", "value": "{shop}"},
        ]},
    ]);
    let expected = parsed(
        r#"{"bill_no": "S1-2026-01-05", "total": 13.75, "trades": "T1;T2", "rows": [
            {"goods": "A", "name": "螺丝", "count": 5, "amount": 10.50, "of": "S1"},
            {"goods": "B", "name": "螺母", "count": 1, "amount": 3.25, "of": "S1"}]}"#,
    );
    assert_eq!(mapped(&grouped(&calculate, &request), &lines()), expected);
}

#[test]
fn every_way_to_gather() {
    let gathered = |how: &str, values: &Value| -> Value {
        let metadata = grouped(
            &json!({"headerGroup": ["h"], "bodyGroup": [], "calculate": {"v": how}}),
            &json!([{"field": "v", "value": "{v}"}]),
        );
        let rows: Vec<Row> =
            values.as_array().unwrap().iter().map(|v| row(&json!({"h": 1, "v": v}).to_string())).collect();
        mapped(&metadata, &rows).get("v").cloned().unwrap_or_default()
    };
    for (how, values, expected) in [
        ("$sum", json!(["1.10", 2, ""]), "3.10"),
        ("$sum", json!(["", null]), "0"),
        ("$avg", json!([1, "2", 2, null]), "1.6666666666666666666666666667"),
        ("$avg", json!(["1.50", "2.50"]), "2"),
        ("$avg", json!([""]), "null"),
        ("$min", json!(["10", "9", ""]), r#""9""#),
        ("$max", json!(["10", "9"]), r#""10""#),
        ("$max", json!(["2026-01-05", "2025-12-31"]), r#""2026-01-05""#),
        ("$push", json!([2, "a", 2]), r#"[2,"a",2]"#),
        ("$addToSet", json!([2, "a", "2"]), r#"[2,"a"]"#),
        ("$first", json!(["", "b"]), r#""""#),
        ("$last", json!(["a", "b"]), r#""b""#),
        ("SUM", json!([1]), "1"),
    ] {
        assert_eq!(gathered(how, &values), parsed(expected), "{how} {values}");
    }
}

#[test]
fn a_sum_of_what_is_no_number_is_an_error() {
    let metadata = grouped(&json!({"calculate": {"name": "$sum"}}), &json!([{"field": "a", "value": "{shop}"}]));
    let error = failure(target(&metadata).map(&lines(), &Variables::at(NOW), &Answers::new()));
    assert_eq!(error.to_string(), "target `$.groupCalculate.calculate.name`: `螺丝` is not a decimal number");
}

#[test]
fn elements_of_an_array_are_lines() {
    let metadata = grouped(
        &json!({"headerGroup": ["no"], "bodyGroup": ["details.sku"], "bodyName": "details", "targetBodyName": null,
            "calculate": {"details.qty": "$sum"}}),
        &json!([{"field": "no", "value": "{no}"}, {"field": "qty", "value": "{qty}"},
            {"field": "lines", "type": "array", "value": "details", "children": [
                {"field": "sku", "value": "{{details.sku}}"}, {"field": "qty", "value": "{qty}"}]}]),
    );
    let rows = [row(
        r#"{"no": "T1", "details": [{"sku": "A", "qty": 1, "no": "L1"}, {"sku": "B", "qty": 2.5}, {"sku": "A", "qty": "1"}]}"#,
    )];
    let expected = json!({"no": "T1", "qty": 4.5, "lines": [{"sku": "A", "qty": 2}, {"sku": "B", "qty": 2.5}]});
    assert_eq!(mapped(&metadata, &rows).to_string(), expected.to_string());
}

#[test]
fn without_a_body_group_each_line_stays() {
    let metadata = grouped(
        &json!({"bodyGroup": null}),
        &json!([{"field": "rows", "type": "array", "value": "lines", "children": [{"field": "note", "value": "{note}"}]}]),
    );
    assert_eq!(mapped(&metadata, &lines()), json!({"rows": [{"note": "x"}, {"note": "y"}, {"note": "z"}]}));
}

#[test]
fn bills_are_told_apart_by_all_header_fields() {
    let plan = target(&grouped(&json!({}), &json!([{"field": "a", "value": "{shop}"}])));
    assert!(plan.is_merge());
    assert_eq!(plan.grouping(), r#"group:["shop","day"]"#);
    let key = |text: &str| plan.merge_key(&row(text)).map_err(|error| error.to_string());
    assert_eq!(key(r#"{"shop": "S1", "day": "d"}"#), Ok(Some("S1|d".into())));
    assert_eq!(key(r#"{"shop": "S1|d", "day": ""}"#), Ok(Some(r"S1\|d|".into())));
    assert_eq!(key(r#"{"shop": "S1"}"#), Ok(Some("S1|".into())));
    assert_eq!(
        key(r#"{"x": 1}"#),
        Err("target `$.groupCalculate.headerGroup`: the row has no value for `shop, day`".into())
    );
}

#[test]
fn a_bill_that_is_too_long_is_an_error() {
    let metadata = grouped(&json!({"bodyMaxLine": "1"}), &json!([{"field": "a", "value": "{shop}"}]));
    let error = failure(target(&metadata).map(&lines(), &Variables::at(NOW), &Answers::new()));
    assert_eq!(
        error.to_string(),
        "target `$.groupCalculate.headerGroup`: the bill has 2 lines, and `bodyMaxLine` allows 1"
    );
    assert!(!error.may_mend_itself());
}

#[test]
fn it_may_stand_in_the_sources_metadata() {
    let source = source(
        &json!({"api": "q", "id": "id", "groupCalculate": {"headerGroup": "shop,day", "calculate": {"qty": "$sum"}}}),
    );
    assert!(source.regroups());
    let metadata = metadata(&json!([{"field": "qty", "value": "{qty}"}]));
    let parsed = parse_target(&metadata, Some(&source), &options());
    assert_eq!((shown(&parsed.errors), shown(&parsed.warnings)), (vec![], vec![]));
    let mapping = parsed.plan.unwrap().map(&lines(), &Variables::at(NOW), &Answers::new());
    assert_eq!(bill(mapping), json!({"qty": 6}));
}

#[test]
fn what_loading_says() {
    let request = json!([{"field": "a", "value": "{shop}"}]);
    for (changes, errors) in [
        (json!({"headerGroup": []}), "`$.groupCalculate.headerGroup`: `groupCalculate` has no `headerGroup`"),
        (json!({"headerGroup": [""], "bodyGroup": [5]}), "`$.groupCalculate.headerGroup`: `groupCalculate` has no"),
        (json!({"bodyGroup": ["a", {"b": 1}]}), "`$.groupCalculate.bodyGroup[1]`: `bodyGroup` names no field here"),
        (
            json!({"calculate": {"qty": "$sun"}}),
            "`$.groupCalculate.calculate.qty`: `$sun` is no way to gather values (hint: did you mean `$sum`?)",
        ),
        (json!({"calculate": "qty"}), "`$.groupCalculate.calculate`: `calculate` is no object"),
        (json!({"bodyMaxLine": "many"}), "`$.groupCalculate.bodyMaxLine`: `bodyMaxLine` is no whole number"),
    ] {
        let found = shown(&parse_target(&grouped(&changes, &request), None, &options()).errors);
        assert!(found.len() == 1 && found[0].starts_with(errors), "{changes}: {found:?}");
    }
    let mut both = grouped(&json!({}), &request);
    both["operation"] = json!({"method": "merge", "field": "shop"});
    let found = shown(&parse_target(&both, None, &options()).errors);
    assert!(found[0].contains("`merge` and `groupCalculate` both group rows into bills"), "{found:?}");
    // A field that is neither grouped by nor gathered is gone.
    let ungrouped = grouped(&json!({}), &json!([{"field": "a", "value": "{note}"}]));
    let found = shown(&parse_target(&ungrouped, None, &options()).warnings);
    assert!(found[0].starts_with("`$.request[0].value`: the source's request has no column `note`"), "{found:?}");
}

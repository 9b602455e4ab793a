//! Columns that nothing uses, and names that no column feeds.

use super::*;

/// The unused columns of `A` to `F`, of which `A` is the id, for a target and names that others look up.
#[track_caller]
fn unused(source: &Value, target: &Value, looked_up: &[&str]) -> Vec<String> {
    let mut metadata = json!({"api": "executeBillQuery", "id": "A",
        "request": [{"field": "A"}, {"field": "B"}, {"field": "C_x", "value": "C.x"}, {"field": "D"}, {"field": "FormId", "value": "BD"}]});
    for (key, value) in source.as_object().unwrap() {
        metadata[key] = value.clone();
    }
    let parsed = parse_source(&metadata, &options());
    let plan = parsed.plan.unwrap_or_else(|| panic!("{:?}", parsed.errors));
    let parsed = parse_target(target, Some(&plan), &options());
    let target = parsed.plan.unwrap_or_else(|| panic!("{:?}", parsed.errors));
    plan.unused_columns(&target, looked_up).into_iter().map(str::to_owned).collect()
}

fn mapped(value: &str) -> Value {
    json!({"api": "push", "request": [{"field": "a", "value": value}]})
}

#[test]
fn a_column_is_used_by_whatever_names_it() {
    let none = json!({});
    for (source, target, looked_up, expected) in [
        (none.clone(), mapped("1"), &[][..], "B C_x D"),
        (none.clone(), mapped("{{B}} {c.X} {{D|date}}"), &[], ""),
        (none.clone(), mapped("_function round({{B}}*{D},2)"), &[], "C_x"),
        (none.clone(), mapped("_findCollection find z from s where D={B}"), &[], "C_x D"),
        (none.clone(), mapped("_plugin f({{B}}, '{{D}}')"), &[], "C_x"),
        (none.clone(), mapped("1"), &["b", "C.x"], "D"),
        (json!({"number": "B"}), mapped("1"), &[], "C_x D"),
        (json!({"condition": [[{"field": "D", "logic": "notnull"}]]}), mapped("1"), &[], "B C_x"),
        // What is made of a column is no column that is fetched.
        (json!({"formatResponse": [{"old": "B", "new": "day", "format": "date"}]}), mapped("{D}"), &[], "C_x"),
        (
            json!({"request": [{"field": "A"}, {"field": "B"}, {"field": "k", "transform": {"function": "f", "params": ["B"]}}]}),
            mapped("1"),
            &[],
            "",
        ),
        (
            none.clone(),
            json!({"api": "push", "number": "D", "operation": {"method": "merge", "field": "B"},
                "request": [{"field": "l", "type": "array", "value": "details", "children": [{"field": "x", "value": "1"}]}]}),
            &[],
            "C_x",
        ),
        (
            none.clone(),
            json!({"api": "push", "operation": {"method": "merge", "field": "B"},
                "request": [{"field": "l", "type": "array", "children": [{"field": "x", "value": "{{details.D}}"}]}]}),
            &[],
            "C_x",
        ),
        // The lines as they are: all of them is used.
        (
            none,
            json!({"api": "push", "operation": {"method": "merge", "field": "B"},
                "request": [{"field": "l", "type": "array", "value": "details"}]}),
            &[],
            "",
        ),
    ] {
        assert_eq!(unused(&source, &target, looked_up).join(" "), expected, "{source} {target}");
    }
}

#[test]
fn where_the_request_does_not_tell_its_columns_none_is_unused() {
    let source =
        source(&json!({"api": "wdt.refund.query", "id": "no", "request": [{"field": "status", "value": "90"}]}));
    assert!(source.unused_columns(&target(&mapped("{x}")), &[]).is_empty());
    assert_eq!(source.misses_column("x"), Ok(()));
}

#[test]
fn keys_that_no_column_feeds_are_warned_of() {
    let request = json!([{"field": "FBillNo"}, {"field": "FQty"}]);
    let metadata =
        json!({"api": "executeBillQuery", "id": "{{FBillNo}}-{{FEntryId}}", "number": "FBilNo", "request": request});
    let parsed = parse_source(&metadata, &options());
    assert_eq!(
        shown(&parsed.warnings),
        [
            "`$.id`: the source's request has no column `FEntryId`: rows have no id",
            "`$.number`: the source's request has no column `FBilNo`: rows have no number (hint: did you mean `FBillNo`?)",
        ]
    );
    let plan = parsed.plan.unwrap();
    assert_eq!(plan.misses_column("FQtx"), Err(Some("FQty")));
    assert_eq!(plan.misses_column("fqty"), Ok(()));
    let merge = json!({"api": "push", "operation": {"method": "merge", "field": "FBilNo"}, "request": [{"field": "a", "value": "{FQty}"}]});
    assert_eq!(
        shown(&parse_target(&merge, Some(&plan), &options()).warnings),
        [
            "`$.operation.field`: the source's request has no column `FBilNo`: no row says which bill it belongs to (hint: did you mean `FBillNo`?)"
        ]
    );
}

#[test]
fn a_field_that_is_written_twice_is_warned_of_wherever_it_stands() {
    let twice = json!([{"field": "x", "value": "1"}, {"field": "y", "value": "2"}, {"field": "x", "value": "3"}]);
    let nested = json!({"api": "push",
        "request": [{"field": "o", "type": "object", "children": twice}, {"field": "l", "type": "array", "children": [{"field": "o", "type": "object", "children": twice}]}],
        "otherRequest": twice});
    let warnings = parse_target(&nested, None, &options()).warnings;
    let places: Vec<&str> = warnings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(
        places,
        ["$.request[0].children[2].value", "$.request[1].children[0].children[2].value", "$.otherRequest[2].value"]
    );
    assert!(warnings.iter().all(|finding| finding.message == "field `x` occurs twice; the later one wins"));
}

#[test]
fn what_is_used_of_the_world_is_known_in_spite_of_errors() {
    let metadata = json!({"request": [{"field": "a", "value": "_findCollection find id from s where no={x}"},
        {"field": "b", "transform": {"function": "f", "params": ["y"]}}]});
    let parsed = parse_target(&metadata, None, &options());
    assert_eq!(
        shown(&parsed.errors),
        [
            "`$.api`: `api` is missing (hint: name the vendor's operation: `executeBillQuery`, `/v1/invoices/order/push` …)"
        ]
    );
    assert_eq!(parsed.uses.lookups[0].source, LookupIn::Collection("s".to_owned()));
    assert_eq!(parsed.uses.functions[0].name, "f");
}

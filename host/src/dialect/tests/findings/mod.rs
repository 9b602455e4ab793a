//! What loading says about metadata.

mod items;
mod pasted;
mod shapes;

use super::*;

fn with(base: &Value, changes: &Value) -> Value {
    let mut metadata = base.clone();
    for (key, value) in changes.as_object().unwrap() {
        metadata[key] = value.clone();
    }
    metadata
}

fn good_source() -> Value {
    json!({"api": "executeBillQuery", "id": "FBillNo", "request": [{"field": "FBillNo"}, {"field": "FQty"}]})
}

fn good_target() -> Value {
    json!({"api": "push", "request": [{"field": "no", "value": "{FBillNo}"}]})
}

#[track_caller]
fn check(side: Side, changes: &Value, errors: &[&str], warnings: &[&str]) {
    let source = source(&good_source());
    let (has_plan, found_errors, found_warnings) = match side {
        Side::Source => {
            let parsed = parse_source(&with(&good_source(), changes), &options());
            (parsed.plan.is_some(), parsed.errors, parsed.warnings)
        }
        Side::Target => {
            let parsed = parse_target(&with(&good_target(), changes), Some(&source), &options());
            (parsed.plan.is_some(), parsed.errors, parsed.warnings)
        }
    };
    let matches = |found: &[Finding], expected: &[&str]| {
        let found = shown(found);
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected))
    };
    assert!(matches(&found_errors, errors), "{changes}\nerrors: {:#?}", shown(&found_errors));
    assert!(matches(&found_warnings, warnings), "{changes}\nwarnings: {:#?}", shown(&found_warnings));
    assert_eq!(has_plan, errors.is_empty());
}

#[test]
fn what_acts_but_is_not_supported_is_an_error() {
    let value = |value: &str| json!({"request": [{"field": "a", "value": value}]});
    for (changes, error) in [
        (
            value("_mongoQuery x findField=content.y where={\"a\":{\"$gtt\":1}}"),
            "`$.request[0].value`: operator `$gtt` is unknown (hint: did you mean `$gt`?)",
        ),
        (
            value("_function case _findCollection find F from S where A={{FBillNo}} when 1 then 2 end"),
            "`$.request[0].value`: a lookup within the value has no `_endFind` (hint: end it: `_findCollection … _endFind`)",
        ),
        (value("{{FBillNo}} _plugin f()"), "`$.request[0].value`: `_plugin` inside of a value is not supported"),
        (value("_functoin 1+1"), "`$.request[0].value`: `_functoin` is no directive (hint: did you mean `_function`?)"),
        (
            value("_function rund({FQty},2)"),
            "`$.request[0].value`: function `rund` is unknown (hint: did you mean `ROUND`?",
        ),
        (value("_function {FQty} *"), "`$.request[0].value`: it does not parse"),
        (value("{{FDate|date('Y-m-d')}}"), "`$.request[0].value`: filter `date('Y-m-d')` is unknown (hint: filters:"),
        (value("{{FDate|日期}}"), "`$.request[0].value`: filter `日期` is unknown (hint: filters:"),
        (
            value("{{FQty|dattime}}"),
            "`$.request[0].value`: filter `dattime` is unknown (hint: did you mean `|datetime`?)",
        ),
        (
            value("_findCollection find a from b"),
            "`$.request[0].value`: the lookup has no `where` (hint: write `_findCollection find",
        ),
        (value("_plugin f(x)"), "`$.request[0].value`: the argument `x` has neither quotes nor braces"),
        (value("{PAGE_NO}"), "`$.request[0].value`: `PAGE_NO` has a value only in a source's request"),
    ] {
        check(Side::Target, &changes, &[error], &[]);
    }
}

#[test]
fn keys_that_order_nothing_are_no_matter() {
    let nothing = json!({"condition": [[]], "beatFlat": [], "formatResponse": null, "callBackStrategy": {"strategyId": ""}, "operation": {},
        "response": [{"field": "x"}], "autoFillResponse": true, "name": "FBillNo", "otherRequest": []});
    check(Side::Source, &nothing, &[], &[]);
    check(Side::Target, &nothing, &[], &[]);
    let item = json!({"request": [{"field": "a", "label": "甲", "type": "string", "value": "1", "describe": "d", "is_required": false, "parent": "", "id": "1",
        "parent_id": "0", "display": true, "enableDisplay": 1, "parser": null, "children": []}]});
    check(Side::Target, &item, &[], &[]);
}

#[test]
fn unknown_keys_are_warnings() {
    check(
        Side::Target,
        &json!({"reqest": []}),
        &[],
        &["`$.reqest`: key `reqest` is unknown and does nothing (hint: did you mean `request`?)"],
    );
    check(
        Side::Target,
        &json!({"request": [{"field": "a", "vaule": "1", "value": "2"}]}),
        &[],
        &["`$.request[0].vaule`: key `vaule` is unknown and does nothing (hint: did you mean `value`?)"],
    );
    check(Side::Source, &json!({"pagination": {"size": 5}}), &[], &["`$.pagination.size`: key `size` is unknown"]);
    check(
        Side::Target,
        &json!({"operation": {"method": "merge", "field": "FBillNo", "bodySum": ["x"]}}),
        &[],
        &["`$.operation.bodySum`: key"],
    );
}

#[test]
fn the_top_level() {
    for (side, changes, errors) in [
        (Side::Source, json!({"api": null}), &["`$.api`: `api` is missing (hint:"][..]),
        (Side::Source, json!({"id": null}), &["`$.id`: neither `id` nor `number` is given (hint:"]),
        (Side::Source, json!({"effect": "EXECUTE"}), &["`$.effect`: `EXECUTE` writes, and a source reads"]),
        (Side::Target, json!({"type": "query"}), &["`$.type`: `QUERY` reads, and a target writes"]),
        (Side::Target, json!({"method": "FETCH"}), &["`$.method`: `FETCH` is no HTTP method"]),
        (Side::Target, json!({"idCheck": "perhaps"}), &["`$.idCheck`: `idCheck` is neither true nor false"]),
        (Side::Target, json!({"operation": {"method": "merge"}}), &["`$.operation.field`: `merge` has no `field`"]),
        (
            Side::Target,
            json!({"operation": {"method": "mrege", "field": "a"}}),
            &["`$.operation.method`: method `mrege` is unknown (hint: did you mean `merge`?)"],
        ),
        (Side::Target, json!({"operation": "merge"}), &["`$.operation`: `operation` is no object"]),
        (Side::Target, json!({"request": []}), &["`$.request`: a target without `request` maps nothing"]),
        (Side::Target, json!({"request": "x"}), &["`$.request`: this is no list of items"]),
        (
            Side::Source,
            json!({"pagination": {"pageSize": "many"}}),
            &["`$.pagination.pageSize`: the page size is no whole number"],
        ),
        (Side::Source, json!({"number": "{{a|x}}"}), &["`$.number`: filter `x` is unknown"]),
    ] {
        check(side, &changes, errors, &[]);
    }
    assert_eq!(
        shown(&parse_source(&json!([]), &options()).errors),
        ["`$`: metadata is no JSON object (hint: paste the scheme's metadata from `{` to `}`)"]
    );
}

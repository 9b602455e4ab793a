//! What loading says about metadata.

use proptest::prelude::*;

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
    for (changes, error) in [
        (
            json!({"condition": [[{"field": "type", "logic": "eqv2", "value": "2"}]]}),
            "`$.condition`: key `condition` is not supported (hint: filter in",
        ),
        (json!({"beatFlat": ["details"]}), "`$.beatFlat`: key `beatFlat` is not supported (hint:"),
        (json!({"formatResponse": [{"old": "a", "new": "b", "format": "date"}]}), "`$.formatResponse`: key"),
        (json!({"groupCalculate": {"headerGroup": ["a"]}}), "`$.groupCalculate`: key"),
        (json!({"omissionRemedy": {"crontab": "0 1 * * *"}}), "`$.omissionRemedy`: key"),
        (json!({"callBackStrategy": {"strategyId": "x"}}), "`$.callBackStrategy`: key"),
        (
            json!({"request": [{"field": "a", "value": "1", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}}]}),
            "`$.request[0].parser`: key `parser` is not supported (hint:",
        ),
    ] {
        check(Side::Source, &changes, &[error], &[]);
        check(Side::Target, &changes, &[error], &[]);
    }
    let value = |value: &str| json!({"request": [{"field": "a", "value": value}]});
    for (changes, error) in [
        (
            json!({"operation": {"method": "batchArraySave", "rows": 20, "rowsKey": "a"}}),
            "`$.operation.method`: `batchArraySave` is not supported (hint:",
        ),
        (
            json!({"operation": {"method": "merge", "field": "FBillNo", "rows": 20}}),
            "`$.operation.rows`: key `rows` is not supported",
        ),
        (
            value("_mongoQuery x findField=content.y where={}"),
            "`$.request[0].value`: `_mongoQuery` is not supported (hint:",
        ),
        (
            value("_function case _findCollection find F from S where A={{FBillNo}} _endFind when 1 then 2 end"),
            "`$.request[0].value`: `_findCollection` inside of a value is not supported",
        ),
        (value("_functoin 1+1"), "`$.request[0].value`: `_functoin` is no directive (hint: did you mean `_function`?)"),
        (
            value("_function rund({FQty},2)"),
            "`$.request[0].value`: function `rund` is unknown (hint: did you mean `ROUND`?",
        ),
        (value("_function {FQty} *"), "`$.request[0].value`: it does not parse"),
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

#[test]
fn items() {
    for (item, errors, warnings) in [
        (json!("x"), &["`$.request[0]`: an item is no object"][..], &[][..]),
        (json!({"label": "x"}), &["`$.request[0]`: an item has no `field`"], &[]),
        (json!({"field": "a", "type": "integer"}), &["`$.request[0].type`: type `integer` is unknown"], &[]),
        (
            json!({"field": "a", "type": "strng"}),
            &["`$.request[0].type`: type `strng` is unknown (hint: did you mean `string`?)"],
            &[],
        ),
        (
            json!({"field": "a", "type": "int", "value": "FQty"}),
            &["`$.request[0].value`: `FQty` is not a whole number (hint: correct the value"],
            &[],
        ),
        (
            json!({"field": "a", "type": "bool", "value": "90"}),
            &[],
            &["`$.request[0].value`: `90` is not true or false; it is passed on as it is"],
        ),
        (
            json!({"field": "a", "value": "{FBilNo}"}),
            &[],
            &[
                "`$.request[0].value`: the source's request has no column `FBilNo`: it stays empty (hint: did you mean `FBillNo`?)",
            ],
        ),
        (
            json!({"field": "a", "value": "_function round({{{FQty}}/{{FQty}},7)"}),
            &[],
            &[
                "`$.request[0].value`: a brace is left over",
                "`$.request[0].value`: the expression is parsed anew for every record: a brace is left over",
            ],
        ),
        (
            json!({"field": "a", "value": "_function {{FQty}}000+1"}),
            &[],
            &["`$.request[0].value`: the expression is parsed anew for every record: `{{FQty}}` touches other text"],
        ),
        (
            json!({"field": "a", "type": "string", "children": [{"field": "b"}]}),
            &["`$.request[0].children`: only an array or an object has `children`"],
            &[],
        ),
        (
            json!({"field": "a", "type": "object", "value": "x", "children": [{"field": "b"}]}),
            &[],
            &["`$.request[0].value`: an object with `children`"],
        ),
        (
            json!({"field": "a", "type": "array", "value": "details", "children": [{"field": "b", "value": "{x}"}]}),
            &[],
            &["`$.request[0].value`: `details` is no array of this source's rows"],
        ),
        (
            json!({"field": "a", "type": "array", "value": "_function 1", "children": [{"field": "b"}]}),
            &["`$.request[0].value`: an array with `children` takes the bare name"],
            &[],
        ),
        (
            json!({"field": "a", "value": "x", "transform": {"function": "f"}}),
            &["`$.request[0].value`: an item has either `value` or `transform`"],
            &[],
        ),
        (
            json!({"field": "a", "transform": {"params": ["x"]}}),
            &["`$.request[0].transform`: `transform` names no `function`"],
            &[],
        ),
        (
            json!({"field": "a", "transform": {"function": "f", "param": ["x"]}}),
            &[],
            &["`$.request[0].transform.param`: key `param` is unknown"],
        ),
        (
            json!({"field": "a", "transform": {"function": "f", "params": ["FQtx"]}}),
            &[],
            &["`$.request[0].transform`: the source's request has no column `FQtx`"],
        ),
        (json!({"field": "a", "is_required": true}), &[], &["`$.request[0]`: `a` is required and has no `value`"]),
    ] {
        check(Side::Target, &json!({"request": [item]}), errors, warnings);
    }
    check(
        Side::Target,
        &json!({"request": [{"field": "a", "value": "1"}, {"field": "a", "value": "2"}]}),
        &[],
        &["`$.request[1].value`: field `a` occurs twice"],
    );
}

#[test]
fn a_request_has_variables_and_no_fields() {
    let item = |value: &str| json!({"request": [{"field": "FBillNo", "value": value}]});
    check(
        Side::Source,
        &item("{{LAST_SYNC_TIM|datetime}}"),
        &[
            "`$.request[0].value`: `LAST_SYNC_TIM` is no variable, and a request has no fields (hint: did you mean `LAST_SYNC_TIME`?)",
        ],
        &[],
    );
    check(
        Side::Source,
        &item("_plugin f()"),
        &["`$.request[0].value`: lookups and plugin functions are for mappings"],
        &[],
    );
    check(
        Side::Source,
        &json!({"request": [{"field": "FBillNo"}, {"field": "x", "transform": {"function": "f", "params": ["FNo"]}}]}),
        &[],
        &["`$.request[1].transform`: the request has no column `FNo`"],
    );
    check(
        Side::Source,
        &json!({"operation": {"method": "merge"}}),
        &[],
        &["`$.operation`: `operation` does nothing on a source"],
    );
    check(
        Side::Source,
        &json!({"request": {"a": {"parser": {"name": "x"}}}}),
        &["`$.request.a.parser`: key `parser` is not supported"],
        &[],
    );
    check(
        Side::Source,
        &json!({"request": {"a": {"vaule": "x"}}}),
        &[],
        &["`$.request.a.vaule`: `vaule` is taken as part of a constant (hint: did you mean `value`?)"],
    );
    // A constant that is not of its type is the name of a column; a number is not.
    check(
        Side::Source,
        &json!({"request": [{"field": "a", "type": "bool", "value": "FIsFree"}, {"field": "b", "type": "int", "value": "FQty"}]}),
        &[],
        &[],
    );
    check(
        Side::Source,
        &json!({"request": [{"field": "a", "type": "bool", "value": "90"}]}),
        &[],
        &["`$.request[0].value`: `90` is not true or false"],
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        ".{0,12}",
        "(_function |_findCollection find |_plugin f|\\{\\{|\\}\\}|\\{|\\}|x|\\|date| from | where |=|'|,|\\(|\\)|1|\\+){0,8}",
        proptest::sample::select(vec![
            "string",
            "int",
            "float",
            "bool",
            "datetime",
            "object",
            "array",
            "merge",
            "QUERY",
            "EXECUTE",
            "details",
            "_function {x}/2",
            "{{x}}"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from)
    ];
    let key = proptest::sample::select(vec![
        "api",
        "effect",
        "type",
        "method",
        "number",
        "id",
        "idCheck",
        "request",
        "otherRequest",
        "operation",
        "pagination",
        "field",
        "value",
        "children",
        "transform",
        "function",
        "params",
        "is_required",
        "bodyName",
        "pageSize",
        "x",
        "条件",
    ]);
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..7).prop_map(|members| Value::Object(
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_metadata_panics(metadata in any_json(), request in any_json(), operation in any_json(), fetched in any_json()) {
        let mut wrapped = json!({"api": "executeBillQuery", "id": "{{x}}", "request": request});
        let fetched = fetched.as_object().cloned().unwrap_or_default();
        for metadata in [&metadata, &wrapped] {
            if let Some(plan) = parse_source(metadata, &options()).plan {
                let _ = plan.render_request(&Variables::default());
                let _ = plan.row_id(&fetched);
            }
        }
        wrapped["operation"] = operation;
        let source = parse_source(&good_source(), &options()).plan;
        for metadata in [&metadata, &wrapped] {
            if let Some(plan) = parse_target(metadata, source.as_ref(), &options()).plan {
                let rows = [fetched.clone(), fetched.clone()];
                let mut answers = Answers::new();
                while let Mapping::Pending(questions) = plan.map(&rows, &Variables::at(NOW), &answers) {
                    answers.extend(questions.into_iter().map(|question| (question, Answer::Value(json!("1")))));
                }
                let _ = plan.merge_key(&fetched);
            }
        }
    }
}

//! What loading says about items and their parsers.

use super::*;

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
        (
            json!({"field": "a", "is_required": true, "value": "_findCollection fnd b from c where d=1"}),
            &["`$.request[0].value`: the lookup has no `find`"],
            &[],
        ),
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
fn parsers() {
    let item = |parser: Value| json!({"request": [{"field": "a", "value": "1", "parser": parser}]});
    for (metadata, errors, warnings) in [
        (item(json!(5)), &["`$.request[0].parser`: `parser` has no `name` (hint: write `{\"name\":"][..], &[][..]),
        (item(json!({"params": "x"})), &["`$.request[0].parser`: `parser` has no `name`"], &[]),
        (item(json!("ConvertObjectParser")), &["`$.request[0].parser`: `ConvertObjectParser` has no `params`"], &[]),
        (
            item(json!({"name": "ConvertTwoStageObjectParser", "params": "a"})),
            &["`$.request[0].parser`: `ConvertTwoStageObjectParser` takes two parameters"],
            &[],
        ),
        (
            item(json!({"name": "ConvertObjectParser", "params": ["a", "b"]})),
            &[],
            &["`$.request[0].parser`: `ConvertObjectParser` takes fewer parameters: `b` does nothing"],
        ),
        (
            item(json!({"name": "ConvertObjectParse", "params": "a"})),
            &[],
            &[
                "`$.request[0].parser`: `ConvertObjectParse` is no built-in parser; it is taken for a plugin's function (hint: did you mean `ConvertObjectParser`?)",
            ],
        ),
        (item(json!({"name": "StringToArray,,ArrayUnique"})), &["`$.request[0].parser`: `` is no parser's name"], &[]),
        (item(json!({"name": "f", "params": "{{x|dat}}"})), &["`$.request[0].parser`: filter `dat` is unknown"], &[]),
        (
            item(json!({"name": "ConvertJson", "view": true})),
            &["`$.request[0].value`: `1` is not an object, which its parser needs"],
            &["`$.request[0].parser.view`: key `view` is unknown"],
        ),
        (
            json!({"request": [{"field": "a", "value": "1", "params": ","}]}),
            &[],
            &["`$.request[0].params`: key `params` is unknown"],
        ),
    ] {
        check(Side::Target, &metadata, errors, warnings);
    }
    let computed = json!({"id": "FQty", "request": [{"field": "FQty"}, {"field": "c", "transform": {"function": "f", "params": ["FQty"]}, "parser": "ConvertJson"}]});
    check(
        Side::Source,
        &computed,
        &["`$.request[1].transform`: a field that is computed from a row takes no `parser`"],
        &[],
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
        &json!({"id": "a", "request": {"a": {"parser": {"name": "x"}, "value": "1"}}}),
        &["`$.request.a.parser`: `x` is no built-in parser, and plugin functions are for mappings"],
        &[],
    );
    check(
        Side::Source,
        &json!({"id": "a", "request": {"a": {"vaule": "x"}}}),
        &[],
        &["`$.request.a.vaule`: `vaule` is taken as part of a constant (hint: did you mean `value`?)"],
    );
    // A constant that is not of its type is the name of a column; a number is not.
    check(
        Side::Source,
        &json!({"id": "a", "request": [{"field": "a", "type": "bool", "value": "FIsFree"}, {"field": "b", "type": "int", "value": "FQty"}]}),
        &[],
        &[],
    );
    check(
        Side::Source,
        &json!({"id": "a", "request": [{"field": "a", "type": "bool", "value": "90"}]}),
        &[],
        &["`$.request[0].value`: `90` is not true or false"],
    );
}

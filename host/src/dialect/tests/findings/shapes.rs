//! What loading says about conditions, formats and flattening.

use super::*;

#[test]
fn conditions() {
    let on_target = json!({"condition": [[{"field": "type", "logic": "eqv2", "value": "2"}]]});
    check(
        Side::Target,
        &on_target,
        &["`$.condition`: key `condition` is not supported on a target (hint: rows are chosen"],
        &[],
    );
    let test = |test: Value| json!({"condition": [[{"field": "FQty", "logic": "notnull"}], [test]]});
    for (condition, errors, warnings) in [
        (json!({"condition": "x"}), &["`$.condition`: `condition` is no array (hint: write `[[{"][..], &[][..]),
        (
            json!({"condition": [{"field": "FQty", "logic": "gt", "value": 1}]}),
            &["`$.condition[0]`: a group of conditions is no array"],
            &[],
        ),
        (
            json!({"condition": [[], [{"field": "FQty", "logic": "gt", "value": 1}]]}),
            &[],
            &["`$.condition[0]`: a group without conditions is passed over"],
        ),
        (test(json!("x")), &["`$.condition[1][0]`: a condition is no object"], &[]),
        (test(json!({"logic": "eq", "value": "1"})), &["`$.condition[1][0]`: a condition has no `field`"], &[]),
        (test(json!({"field": "FQty", "value": "1"})), &["`$.condition[1][0]`: a condition has no `logic`"], &[]),
        (
            test(json!({"field": "FQty", "logic": "betwen", "value": "1"})),
            &["`$.condition[1][0].logic`: logic `betwen` is unknown (hint: did you mean `between`?)"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "gte", "value": "1"})),
            &["`$.condition[1][0].logic`: logic `gte` is unknown (hint: did you mean `egt`?)"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "matches", "value": "1"})),
            &["`$.condition[1][0].logic`: logic `matches` is unknown (hint: logics: `eq`,"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "gt"})),
            &["`$.condition[1][0].value`: there is no value to compare with"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "between", "value": "1"})),
            &["`$.condition[1][0].value`: `between` takes two values"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "gt", "value": [1]})),
            &["`$.condition[1][0].value`: a condition cannot compare with this"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "gt", "value": "timestamp:soon"})),
            &["`$.condition[1][0].value`: `timestamp:soon` is no time"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "gt", "value": "{{LAST_SYNC_TIME}}"})),
            &["`$.condition[1][0].value`: a condition compares with a constant"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "like", "value": ""})),
            &["`$.condition[1][0].value`: every text contains the empty text"],
            &[],
        ),
        (
            test(json!({"field": "FQty", "logic": "like", "value": "%1%"})),
            &[],
            &["`$.condition[1][0].value`: `%` is no wildcard here"],
        ),
        (
            test(json!({"field": "FQty", "logic": "eq", "value": "1", "strictmode": true})),
            &[],
            &[
                "`$.condition[1][0].strictmode`: key `strictmode` is unknown and does nothing (hint: did you mean `strictMode`?)",
            ],
        ),
        (
            test(json!({"field": "FQty", "logic": "eq", "value": "1", "strictMode": "perhaps"})),
            &["`$.condition[1][0].strictMode`: `strictMode` is neither true nor false"],
            &[],
        ),
        (
            test(json!({"field": "FQtx", "logic": "eq", "value": "1"})),
            &[],
            &[
                "`$.condition[1][0].field`: the request has no column `FQtx`: the condition sees it empty (hint: did you mean `FQty`?)",
            ],
        ),
    ] {
        check(Side::Source, &condition, errors, warnings);
    }
    let computed = json!({"request": [{"field": "FBillNo"}, {"Code": {"transform": {"function": "f", "params": ["FBillNo"]}}}],
        "condition": [[{"field": "Code", "logic": "eq", "value": "1"}]]});
    check(Side::Source, &computed, &["`$.condition[0][0].field`: `Code` is computed when a bill is mapped"], &[]);
}

#[test]
fn formats_and_flattening() {
    for key in ["beatFlat", "formatResponse"] {
        let error = format!("`$.{key}`: key `{key}` is not supported on a target (hint: rows are chosen and shaped");
        check(Side::Target, &json!({key: ["details"]}), &[&error], &[]);
    }
    let format = |format: Value| json!({"formatResponse": [format]});
    let of = |name: &str| format(json!({"old": "FQty", "new": "n", "format": name}));
    for (keys, errors, warnings) in [
        (json!({"formatResponse": "date"}), &["`$.formatResponse`: `formatResponse` is no array"][..], &[][..]),
        (format(json!("date")), &["`$.formatResponse[0]`: a format is no object"], &[]),
        (format(json!({"old": "FQty", "format": "date"})), &["`$.formatResponse[0]`: a format has no `new`"], &[]),
        (of("dat"), &["`$.formatResponse[0].format`: format `dat` is unknown (hint: did you mean `date`?)"], &[]),
        (
            of("dateDescription"),
            &["`$.formatResponse[0].format`: format `dateDescription` is unknown (hint: formats: `date`,"],
            &[],
        ),
        (
            of("round(two)"),
            &["`$.formatResponse[0].format`: `two` is no whole number in format `round(two)` (hint: formats:"],
            &[],
        ),
        (of("round(2"), &["`$.formatResponse[0].format`: format `round(2` has no `)` at its end"], &[]),
        (of("intval(2)"), &["`$.formatResponse[0].format`: format `intval` takes no argument"], &[]),
        (
            format(json!({"old": "FQtx", "new": "n", "format": "date", "type": "x"})),
            &[],
            &[
                "`$.formatResponse[0].type`: key `type` is unknown",
                "`$.formatResponse[0].old`: the request has no column `FQtx`: the new field stays empty (hint: did you mean `FQty`?)",
            ],
        ),
        // What a format adds is a column.
        (
            json!({"formatResponse": [{"old": "FQty", "new": "n", "format": "round"}], "condition": [[{"field": "n", "logic": "gt", "value": 1}]]}),
            &[],
            &[],
        ),
        (json!({"beatFlat": 5}), &["`$.beatFlat`: `beatFlat` does not name an array"], &[]),
        (json!({"beatFlat": ["a.b"]}), &["`$.beatFlat`: `beatFlat` does not name an array"], &[]),
        (json!({"beatFlat": ["a", "b"]}), &["`$.beatFlat`: flattening several arrays is not supported"], &[]),
        (
            json!({"beatFlat": ["items"]}),
            &[],
            &["`$.beatFlat`: `items` is no array of this source's rows: they stay as they are"],
        ),
        (
            json!({"beatFlat": ["items"], "api": "q", "id": "{{a}}-{{b}}"}),
            &[
                "`$.beatFlat`: all rows of an array would have the same `id` (hint: name a field of the elements in it, as in `{{no}}-{{items_id}}`)",
            ],
            &[],
        ),
    ] {
        check(Side::Source, &keys, errors, warnings);
    }
}

#[test]
fn merging_by_what_flattening_makes_different_is_noticed() {
    let target = |field: &str| json!({"api": "push", "request": [{"field": "a", "value": "1"}], "operation": {"method": "merge", "field": field}});
    for (id, field, noticed) in
        [("no", "no", true), ("no", "{{NO}}-{{x}}", true), ("items_id", "no", false), ("no", "customer", false)]
    {
        let source = source(&json!({"api": "q", "id": id, "beatFlat": ["items"]}));
        let warnings = shown(&parse_target(&target(field), Some(&source), &options()).warnings);
        let expected = "`$.operation.field`: flattening makes `no` different in every row: no two rows become one bill";
        assert_eq!(warnings.len() == 1 && warnings[0].starts_with(expected), noticed, "{warnings:?}");
    }
}

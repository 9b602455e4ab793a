//! `batchArraySave`: how many bills go into one write.

use super::*;

#[test]
fn rows_limits_a_write() {
    let with =
        |operation: &Value| json!({"api": "x", "request": [{"field": "a", "value": "{a}"}], "operation": operation});
    for (operation, rows, merges) in [
        (json!(null), None, false),
        (json!({"method": "batchArraySave", "rows": 20, "rowsKey": "array"}), Some(20), false),
        (json!({"method": "batcharraysave", "rows": "5"}), Some(5), false),
        (json!({"method": "batchArraySave"}), None, false),
        // Both: the first groups rows into bills, the second bills into writes.
        (json!({"method": "merge", "field": "a", "rows": 10, "rowsKey": "array"}), Some(10), true),
        (json!({"method": "batchArraySave", "field": "a", "rows": 10}), Some(10), true),
    ] {
        let plan = target(&with(&operation));
        assert_eq!((plan.rows_per_write(), plan.is_merge()), (rows, merges), "{operation}");
    }
    for (operation, errors, warnings) in [
        (
            json!({"method": "batchArraySave", "rows": "many"}),
            vec!["`$.operation.rows`: `rows` is no whole number above 0 (hint: for example 20)"],
            vec![],
        ),
        (
            json!({"method": "none", "rows": 5}),
            vec![],
            vec![
                "`$.operation.rows`: `rows` does nothing without `batchArraySave` (hint: it says how many bills go into one write: `\"method\": \"batchArraySave\"`)",
            ],
        ),
    ] {
        let parsed = parse_target(&with(&operation), None, &options());
        assert_eq!(
            (shown(&parsed.errors), shown(&parsed.warnings)),
            (errors.iter().map(ToString::to_string).collect(), warnings.iter().map(ToString::to_string).collect()),
            "{operation}"
        );
    }
}

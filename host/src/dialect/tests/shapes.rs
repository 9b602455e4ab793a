//! What `formatResponse` and `beatFlat` make of fetched rows.

use super::*;

fn shape(keys: &Value, row_text: &str) -> Result<Vec<String>, String> {
    let mut metadata = json!({"api": "q", "id": "no"});
    for (key, value) in keys.as_object().unwrap() {
        metadata[key] = value.clone();
    }
    let shaped = source(&metadata).shape(row(row_text)).map_err(|error| error.to_string())?;
    Ok(shaped.into_iter().map(|row| Value::Object(row).to_string()).collect())
}

fn formatted(old: &str, format: &str, row_text: &str) -> Result<Value, String> {
    let shaped = shape(&json!({"formatResponse": [{"old": old, "new": "new", "format": format}]}), row_text)?;
    Ok(parsed(&shaped[0])["new"].clone())
}

#[test]
fn formats() {
    const ROW: &str = r#"{"time": "2024-03-15 14:30:25", "iso": "2024-03-15T14:30:25.000+08:00", "compact": "20240315143025",
        "epoch": 1710484225, "text": "这是一个很长很长的文本内容，包含了详细的产品描述信息", "short": "短", "n": "10.8", "minus": -10.8, "price": 19.9956,
        "total": 1000000, "small": "-0.001", "tags": ["重要", "紧急", 3], "empty": [], "blank": "", "none": null, "info": {"date": "2024/3/5"}}"#;
    for (old, format, expected) in [
        ("time", "date", r#""2024-03-15""#),
        ("time", "time", r#""14:30:25""#),
        ("time", "dateTime", r#""2024-03-15 14:30:25""#),
        ("time", "shortDate", r#""03-15""#),
        ("time", "shortTime", r#""14:30""#),
        ("time", "shortDateTime", r#""03-15 14:30""#),
        ("time", "DATE", r#""2024-03-15""#),
        ("iso", "dateTime", r#""2024-03-15 14:30:25""#),
        ("compact", "dateTime", r#""2024-03-15 14:30:25""#),
        ("epoch", "dateTime", r#""2024-03-15 14:30:25""#),
        ("info.date", "date", r#""2024-03-05""#),
        ("text", "longText", r#""这是一个很长很长的文本内容，包...""#),
        ("text", "longText(4)", r#""这是一个...""#),
        ("short", "longText(1)", r#""短""#),
        ("n", "intval", "10"),
        ("minus", "intval", "-10"),
        ("price", "round(2)", "20.00"),
        ("price", "round", "20.00"),
        ("price", "round(0)", "20"),
        ("n", "round(3)", "10.800"),
        ("total", "amount", r#""￥1,000,000.00""#),
        ("minus", "amount", r#""-￥10.80""#),
        ("small", "amount", r#""￥0.00""#),
        ("small", "round(2)", "0.00"),
        ("tags", "implode", r#""重要,紧急,3""#),
        ("tags", "implode('|')", r#""重要|紧急|3""#),
        ("tags", "implode(' ')", r#""重要 紧急 3""#),
        ("short", "implode(',')", r#""短""#),
        ("empty", "implode", r#""""#),
        ("blank", "date", r#""""#),
        ("none", "amount", r#""""#),
        ("missing", "intval", r#""""#),
    ] {
        assert_eq!(formatted(old, format, ROW), Ok(parsed(expected)), "{old} {format}");
    }
    for (old, format, message) in [
        ("short", "date", "source `$.formatResponse[0].format`: `短` is not a time"),
        ("short", "amount", "source `$.formatResponse[0].format`: `短` is not a number"),
        ("tags", "intval", "source `$.formatResponse[0].format`: `[\"重要\",\"紧急\",3]` is not a number"),
        ("info", "implode", "source `$.formatResponse[0].format`: `{\"date\":\"2024/3/5\"}` is not an array"),
    ] {
        assert_eq!(formatted(old, format, ROW), Err(message.to_owned()), "{old} {format}");
    }
}

#[test]
fn formats_are_added_in_order_and_within_lists() {
    let keys = json!({"formatResponse": [
        {"old": "when", "new": "day", "format": "date"},
        {"old": "day", "new": "day_short", "format": "shortDate"},
        {"old": "items.at", "new": "items.day", "format": "date"},
    ]});
    assert_eq!(
        shape(&keys, r#"{"no":"1","when":"2024-03-15 14:30:25","items":[{"at":"2024-03-01 00:00"},{"at":""}]}"#)
            .unwrap(),
        [
            r#"{"no":"1","when":"2024-03-15 14:30:25","items":[{"at":"2024-03-01 00:00","day":"2024-03-01"},{"at":"","day":""}],"day":"2024-03-15","day_short":"03-15"}"#
        ]
    );
    let bad = r#"{"no":"1","items":[{"at":"2024-03-01 00:00"},{"at":"soon"}]}"#;
    assert_eq!(shape(&keys, bad).unwrap_err(), "source `$.formatResponse[2].format` (line 2): `soon` is not a time");
}

/// The example of the platform's help.
const ORDER: &str = r#"{"no":"OUT20210001","customer":"CK0001","details_list":[{"goods":"FOO0001","num":12},{"goods":"FOO0002","num":50}]}"#;

#[test]
fn each_element_becomes_a_row() {
    let first = r#"{"no":"OUT20210001-1","customer":"CK0001","details_list_goods":"FOO0001","details_list_num":12}"#;
    let second = r#"{"no":"OUT20210001-2","customer":"CK0001","details_list_goods":"FOO0002","details_list_num":50}"#;
    let test = |field: &str, value: &str| json!({"field": field, "logic": "eq", "value": value});
    let strict = |field: &str, value: &str| json!({"field": field, "logic": "eq", "value": value, "strictMode": true});
    for (condition, expected) in [
        (json!([]), vec![first, second]),
        // Named as fetched, or as flattened: the place in the suffix stays.
        (json!([[test("details_list.goods", "FOO0002")]]), vec![second]),
        (json!([[test("details_list_goods", "FOO0002")]]), vec![second]),
        (json!([[test("details_list_goods", "FOO0003")]]), vec![]),
        (json!([[strict("details_list.goods", "FOO0002")]]), vec![]),
        (json!([[test("customer", "CK0001"), test("details_list_num", "12")]]), vec![first]),
        (json!([[test("customer", "CK0002"), test("details_list_num", "12")]]), vec![]),
        (json!([[test("no", "OUT20210001")]]), vec![first, second]),
        // A group holds as a whole, or not at all.
        (json!([[test("details_list.goods", "FOO0001"), test("details_list_num", "50")]]), vec![]),
        (
            json!([[test("customer", "x"), test("details_list_num", "12")], [test("details_list_num", "50")]]),
            vec![second],
        ),
        (json!([[test("details_list.num", "12")], [test("details_list_num", "50")]]), vec![first, second]),
    ] {
        let keys = json!({"beatFlat": ["details_list"], "condition": condition});
        assert_eq!(shape(&keys, ORDER).unwrap(), expected, "{condition}");
    }
}

#[test]
fn flattening_in_other_forms() {
    for (keys, row_text, expected) in [
        // Nothing to flatten: the row stays.
        (json!({"beatFlat": ["items"]}), r#"{"no":"1","items":[]}"#, vec![r#"{"no":"1","items":[]}"#]),
        (json!({"beatFlat": ["items"]}), r#"{"no":"1"}"#, vec![r#"{"no":"1"}"#]),
        (
            json!({"beatFlat": ["items"], "condition": [[{"field": "items_n", "logic": "notnull"}]]}),
            r#"{"no":"1"}"#,
            vec![],
        ),
        // Elements that are no objects, another case, one name as a text.
        (
            json!({"beatFlat": "Items"}),
            r#"{"no":"1","items":["a",2]}"#,
            vec![r#"{"no":"1-1","items":"a"}"#, r#"{"no":"1-2","items":2}"#],
        ),
        // The id is another field than the number, or in an object, or an element's.
        (
            json!({"beatFlat": ["items"], "id": "key"}),
            r#"{"no":"1","KEY":7,"items":[{"n":1}]}"#,
            vec![r#"{"no":"1","KEY":"7-1","items_n":1}"#],
        ),
        (
            json!({"beatFlat": ["items"], "id": "head.id"}),
            r#"{"no":"1","head":{"id":7},"items":[{"n":1}]}"#,
            vec![r#"{"no":"1","head":{"id":7},"items_n":1,"head.id":"7-1"}"#],
        ),
        (
            json!({"beatFlat": ["items"], "id": "items_oid"}),
            r#"{"no":"1","items":[{"oid":1},{"oid":2}]}"#,
            vec![r#"{"no":"1","items_oid":1}"#, r#"{"no":"1","items_oid":2}"#],
        ),
        (
            json!({"beatFlat": ["items"], "id": "{{no}}/{{items.oid}}"}),
            r#"{"no":"1","items":[{"oid":1}]}"#,
            vec![r#"{"no":"1","items_oid":1}"#],
        ),
        // Lists within the elements, filtered on the way.
        (
            json!({"beatFlat": ["items"], "condition": [[{"field": "items.subs.s", "logic": "gt", "value": 1}]]}),
            r#"{"no":"1","items":[{"subs":[{"s":1},{"s":2}]},{"subs":[{"s":1}]}]}"#,
            vec![r#"{"no":"1-1","items_subs":[{"s":2}]}"#],
        ),
        (
            json!({"beatFlat": ["items"], "condition": [[{"field": "items.subs.s", "logic": "gt", "value": 1},
                {"field": "items_subs.s", "logic": "lt", "value": 3}]]}),
            r#"{"no":"1","items":[{"subs":[{"s":1},{"s":2},{"s":3}]},{"subs":[{"s":1},{"s":3}]}]}"#,
            vec![r#"{"no":"1-1","items_subs":[{"s":2}]}"#],
        ),
    ] {
        assert_eq!(shape(&keys, row_text).unwrap(), expected, "{keys} {row_text}");
    }
    let plan = source(&json!({"api": "q", "id": "no", "beatFlat": ["details_list"]}));
    let ids: Vec<_> = plan.shape(row(ORDER)).unwrap().iter().map(|row| plan.row_id(row).unwrap()).collect();
    assert_eq!(ids, ["OUT20210001-1", "OUT20210001-2"]);
    let plan = source(&json!({"api": "q", "id": "{{no}}/{{details_list.goods}}", "beatFlat": ["details_list"]}));
    let ids: Vec<_> = plan.shape(row(ORDER)).unwrap().iter().map(|row| plan.row_id(row).unwrap()).collect();
    assert_eq!(ids, ["OUT20210001/FOO0001", "OUT20210001/FOO0002"]);
}

//! Which rows, and which elements of their lists, a condition keeps.

use proptest::prelude::*;

use super::*;

const ROW: &str = r#"{"type": "2", "status": 90, "amount": "1000.50", "code": "A-001", "flag": true, "blank": "", "none": null,
    "created": "2024-01-01 08:00:00", "epoch": 1704067200, "epoch_ms": "1704067200000", "float": "1704067200.123",
    "day": "2026/1/5", "iso": "2026-01-05T00:00:00", "content": {"billdate": "2024-01-01", "a.b": 1}, "a.b": "dotted", "仓库": "MT01", "tags": []}"#;

fn shaped(condition: &Value, row_text: &str) -> Vec<String> {
    let plan = source(&json!({"api": "q", "id": "no", "condition": condition}));
    plan.shape(row(row_text)).unwrap().into_iter().map(|row| Value::Object(row).to_string()).collect()
}

/// Whether one test keeps the row.
fn keeps(field: &str, logic: &str, value: &Value) -> bool {
    !shaped(&json!([[{"field": field, "logic": logic, "value": value}]]), ROW).is_empty()
}

#[test]
fn logics() {
    for (field, logic, value, expected) in [
        // Texts, letter by letter.
        ("type", "eq", json!("2"), true),
        ("type", "eq", json!(2), true),
        ("type", "EQ", json!("2"), true),
        ("status", "eq", json!("90"), true),
        ("status", "eq", json!("90.0"), false),
        ("code", "eq", json!("a-001"), false),
        ("flag", "eq", json!(true), true),
        ("blank", "eq", json!(""), true),
        ("missing", "eq", json!(""), true),
        ("type", "neq", json!("2"), false),
        ("type", "neq", json!("3"), true),
        ("missing", "neq", json!("3"), true),
        // Loosely.
        ("type", "eqv2", json!("2"), true),
        ("status", "eqv2", json!("90"), true),
        ("status", "eqv2", json!("90.0"), true),
        ("status", "eqv2", json!(" 90 "), true),
        ("amount", "eqv2", json!(1000.5), true),
        ("flag", "eqv2", json!("1"), true),
        ("code", "eqv2", json!("a-001"), false),
        ("status", "neqv2", json!("90.0"), false),
        ("blank", "eqv2", json!("0"), false),
        ("iso", "eqv2", json!("2026-01-05"), true),
        // Order: numbers, moments, texts.
        ("amount", "gt", json!("999"), true),
        ("amount", "gt", json!("1000.5"), false),
        ("amount", "egt", json!("1000.5"), true),
        ("amount", "lt", json!(1000.51), true),
        ("amount", "elt", json!(1000.5), true),
        ("status", "lt", json!("100"), true),
        ("status", "gtv2", json!("9"), true),
        ("created", "gt", json!("2023-12-31"), true),
        ("created", "elt", json!("2024-01-01"), false),
        ("day", "lt", json!("2026-01-10"), true),
        ("iso", "elt", json!("2026-01-05 00:00:00"), true),
        ("code", "gt", json!("A-000"), true),
        ("code", "lt", json!("A-000"), false),
        // A number is no date.
        ("status", "lt", json!("2024-01-01"), false),
        // What is empty is neither more nor less.
        ("blank", "lt", json!("5"), false),
        ("missing", "gt", json!("-1"), false),
        ("none", "elt", json!("5"), false),
        // Moments: 1704067200 is 2024-01-01 08:00:00 in Shanghai.
        ("created", "eq", json!("timestamp:1704067200"), true),
        ("created", "gt", json!("timestamp:1704067199"), true),
        ("created", "gt", json!("timestamp:1704067200"), false),
        ("created", "lt", json!("timestamp:1735689600"), true),
        ("epoch", "eq", json!("timestamp:1704067200"), true),
        ("epoch_ms", "egt", json!("timestamp:1704067200"), true),
        ("float", "egt", json!("timestamp:1704067200000"), true),
        ("code", "gt", json!("timestamp:1"), false),
        ("code", "neq", json!("timestamp:1704067200"), true),
        ("created", "between", json!("timestamp:1704067200,timestamp:1735689600"), true),
        // Lists of values, and ranges.
        ("type", "in", json!("1, 2"), true),
        ("type", "in", json!(["1", 2]), true),
        ("type", "in", json!("12"), false),
        ("status", "in", json!("90.0,80"), false),
        ("status", "inv2", json!("90.0,80"), true),
        ("type", "notin", json!("3,4"), true),
        ("type", "notin", json!("2"), false),
        ("amount", "between", json!("1000,50000"), true),
        ("amount", "between", json!("1000.5,1000.5"), true),
        ("amount", "between", json!(["1001", "2000"]), false),
        ("blank", "between", json!("0,9"), false),
        // Containment, no wildcards.
        ("code", "like", json!("-00"), true),
        ("code", "like", json!("00-"), false),
        ("code", "notlike", json!("B"), true),
        ("missing", "like", json!("x"), false),
        ("missing", "notlike", json!("x"), true),
        // Empty values.
        ("none", "null", json!(null), true),
        ("blank", "isnull", json!(null), true),
        ("missing", "isnull", json!("whatever"), true),
        ("tags", "isnull", json!(null), true),
        ("status", "isnull", json!(null), false),
        ("status", "notnull", json!(null), true),
        ("blank", "notnull", json!(null), false),
        // Names.
        ("content.billdate", "eq", json!("2024-01-01"), true),
        ("content.a.b", "eq", json!("1"), true),
        ("a.b", "eq", json!("dotted"), true),
        ("CONTENT.BillDate", "eq", json!("2024-01-01"), true),
        ("仓库", "like", json!("MT"), true),
    ] {
        assert_eq!(keeps(field, logic, &value), expected, "{field} {logic} {value}");
    }
}

#[test]
fn outer_or_inner_and() {
    let test = |field: &str, value: &str| json!({"field": field, "logic": "eq", "value": value});
    for (condition, expected) in [
        (json!([]), true),
        (json!([[]]), true),
        (json!(null), true),
        (json!([[test("type", "2"), test("code", "A-001")]]), true),
        (json!([[test("type", "2"), test("code", "B")]]), false),
        (json!([[test("type", "3")], [test("code", "A-001")]]), true),
        (json!([[test("type", "3")], [test("code", "B")]]), false),
        (json!([[test("type", "3"), test("code", "A-001")], [test("status", "90")]]), true),
    ] {
        assert_eq!(!shaped(&condition, ROW).is_empty(), expected, "{condition}");
    }
    // The published condition of the refunds.
    let published = parsed(
        r#"[[{"field": "type", "logic": "eqv2", "value": "2"}, {"field": "process_status", "logic": "eqv2", "value": "90"}]]"#,
    );
    for (refund, kept) in [
        (r#"{"type": "2", "process_status": "90"}"#, true),
        (r#"{"type": 2, "process_status": 90.0}"#, true),
        (r#"{"type": "1", "process_status": "90"}"#, false),
        (r#"{"type": "2", "process_status": "80"}"#, false),
        (r#"{"type": "2"}"#, false),
    ] {
        assert_eq!(!shaped(&published, refund).is_empty(), kept, "{refund}");
    }
}

#[test]
fn lists_lose_the_elements_that_do_not_match() {
    let test = |field: &str, logic: &str, value: &str| json!({"field": field, "logic": logic, "value": value});
    let strict = |field: &str, logic: &str, value: &str| json!({"field": field, "logic": logic, "value": value, "strictMode": true});
    let bill = r#"{"no":"1","items":[{"n":"a","q":1},{"n":"b","q":2},{"n":"c","q":3}]}"#;
    let only = |items: &str| vec![format!(r#"{{"no":"1","items":[{items}]}}"#)];
    for (condition, expected) in [
        (json!([[test("items.n", "eq", "b")]]), only(r#"{"n":"b","q":2}"#)),
        (json!([[test("items.q", "gt", "1")]]), only(r#"{"n":"b","q":2},{"n":"c","q":3}"#)),
        (json!([[test("ITEMS.N", "eq", "b")]]), only(r#"{"n":"b","q":2}"#)),
        // Both tests for the same element.
        (json!([[test("items.q", "gt", "1"), test("items.n", "neq", "c")]]), only(r#"{"n":"b","q":2}"#)),
        (json!([[test("items.q", "gt", "2"), test("items.n", "eq", "a")]]), vec![]),
        // No element matches: nothing is left of the row.
        (json!([[test("items.n", "eq", "x")]]), vec![]),
        (json!([[test("items.n", "eq", "b"), test("no", "eq", "2")]]), vec![]),
        // A missing field of an element is empty.
        (json!([[test("items.z", "isnull", "")]]), vec![bill.to_owned()]),
        // Several groups: what any of them keeps, in the list's order.
        (
            json!([[test("items.n", "eq", "c")], [test("items.n", "eq", "a")]]),
            only(r#"{"n":"a","q":1},{"n":"c","q":3}"#),
        ),
        (json!([[test("items.n", "eq", "c")], [test("no", "eq", "1")]]), vec![bill.to_owned()]),
        (json!([[test("items.n", "eq", "c")], [test("no", "eq", "2")]]), only(r#"{"n":"c","q":3}"#)),
        // Strict: all or nothing.
        (json!([[strict("items.q", "gt", "0")]]), vec![bill.to_owned()]),
        (json!([[strict("items.q", "gt", "1")]]), vec![]),
        (json!([[strict("items.q", "gt", "0"), test("items.n", "eq", "a")]]), only(r#"{"n":"a","q":1}"#)),
        (json!([[strict("items.q", "gt", "1")], [test("items.n", "eq", "a")]]), only(r#"{"n":"a","q":1}"#)),
        // On a field of the head it is no matter.
        (json!([[strict("no", "eq", "1")]]), vec![bill.to_owned()]),
        // One element, by its number.
        (json!([[test("items.1.n", "eq", "b")]]), vec![bill.to_owned()]),
    ] {
        assert_eq!(shaped(&condition, bill), expected, "{condition}");
    }

    // An empty list, and a list that is none.
    for (condition, row_text, kept) in [
        (json!([[test("items.n", "eq", "a")]]), r#"{"items":[]}"#, false),
        (json!([[test("items.n", "neq", "a")]]), r#"{"items":[]}"#, true),
        (json!([[strict("items.n", "eq", "a")]]), r#"{"items":[]}"#, true),
        (json!([[test("items.n", "eq", "a")]]), r#"{"items":null}"#, false),
        (json!([[test("items.n", "eq", "a")]]), r#"{"items":{"n":"a"}}"#, true),
        (json!([[test("items.n", "eq", "a")]]), r#"{"items":["a"]}"#, false),
    ] {
        assert_eq!(!shaped(&condition, row_text).is_empty(), kept, "{condition} {row_text}");
    }

    // Lists within lists, and within objects.
    let nested = r#"{"d":{"items":[{"n":"a","subs":[{"s":1},{"s":2}]},{"n":"b","subs":[{"s":1}]}]}}"#;
    for (condition, expected) in [
        (json!([[test("d.items.subs.s", "eq", "2")]]), vec![r#"{"d":{"items":[{"n":"a","subs":[{"s":2}]}]}}"#]),
        (
            json!([[test("d.items.subs.s", "eq", "2")], [test("d.items.n", "eq", "b")]]),
            vec![r#"{"d":{"items":[{"n":"a","subs":[{"s":2}]},{"n":"b","subs":[{"s":1}]}]}}"#],
        ),
        (
            json!([
                [test("d.items.subs.s", "eq", "2")],
                [test("d.items.subs.s", "eq", "1"), test("d.items.n", "eq", "a")]
            ]),
            vec![r#"{"d":{"items":[{"n":"a","subs":[{"s":1},{"s":2}]}]}}"#],
        ),
        (json!([[strict("d.items.subs.s", "lt", "3")]]), vec![nested]),
        (json!([[strict("d.items.subs.s", "eq", "1")]]), vec![]),
    ] {
        assert_eq!(shaped(&condition, nested), expected, "{condition}");
    }
}

proptest! {
    /// Whatever the condition: what is kept was fetched, and a row that a group keeps whole is unchanged.
    #[test]
    fn nothing_is_made_up(
        logic in proptest::sample::select(vec!["eq", "neqv2", "gt", "elt", "like", "notin", "between", "isnull"]),
        field in "(no|items|items\\.n|items\\.subs\\.s|x|\\.|\\.\\.)",
        value in "[0-9]{1,2},[0-9]{1,2}",
        strict in any::<bool>(),
        numbers in prop::collection::vec(0_u8..20, 0..6),
    ) {
        let items: Vec<Value> = numbers.iter().map(|n| json!({"n": n, "subs": [{"s": n}]})).collect();
        let fetched = json!({"no": "7", "items": items}).as_object().unwrap().clone();
        let plan = source(&json!({"api": "q", "id": "no", "condition":
            [[{"field": field, "logic": logic, "value": value, "strictMode": strict}]]}));
        for kept in plan.shape(fetched.clone()).unwrap() {
            prop_assert_eq!(&kept["no"], &fetched["no"]);
            let mut rest = fetched["items"].as_array().unwrap().iter();
            prop_assert!(kept["items"].as_array().unwrap().iter().all(|element| rest.any(|other| other == element)));
        }
    }
}

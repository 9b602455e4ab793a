//! What a target makes of rows.

use super::*;

const ROW: &str = r#"{"no": "B1", "qty": 2.50, "zero": 0, "empty": "", "none": null, "flag": true, "obj": {"a": 1.10, "b": ""},
    "tags": ["x", "y"], "details": [{"qty": 1, "name": "甲"}, {"qty": 2, "name": "乙", "no": "L2", "subs": [{"s": 1}, {"s": 2}]}]}"#;

#[test]
fn values() {
    for (item, expected) in [
        // One placeholder alone keeps its JSON type; a type converts it.
        (json!({"value": "{qty}"}), json!({"f": parsed("2.50")})),
        (json!({"value": "{{qty}}", "type": "string"}), json!({"f": "2.50"})),
        (json!({"value": "{{qty}}", "type": ""}), json!({"f": "2.50"})),
        (json!({"value": "{{qty}}个"}), json!({"f": "2.50个"})),
        (json!({"value": "{obj}"}), json!({"f": parsed(r#"{"a": 1.10, "b": ""}"#)})),
        (json!({"value": "{obj.a}"}), json!({"f": parsed("1.10")})),
        (json!({"value": "o={obj}"}), json!({"f": r#"o={"a":1.10,"b":""}"#})),
        (json!({"value": "{flag}"}), json!({"f": true})),
        (json!({"value": "{{details.qty}}"}), json!({"f": 1})),
        (json!({"value": "{NO}"}), json!({"f": "B1"})),
        (json!({"value": "{{CURRENT_TIME|datetime}}"}), json!({"f": "2026-01-02 03:04:05"})),
        // Empty values: left out, unless they are strings.
        (json!({"value": "{none}"}), json!({})),
        (json!({"value": "{missing}"}), json!({})),
        (json!({"value": "{missing}", "type": "string"}), json!({"f": ""})),
        (json!({"value": "{empty}", "type": "int"}), json!({})),
        (json!({"value": "", "type": "float"}), json!({})),
        (json!({"value": "", "type": "string"}), json!({"f": ""})),
        (json!({"value": null, "type": "string"}), json!({})),
        (json!({"type": "string"}), json!({})),
        (json!({"value": "{zero}", "type": "int"}), json!({"f": 0})),
        // Constants.
        (json!({"value": "12.50", "type": "float"}), json!({"f": parsed("12.50")})),
        (json!({"value": r#"{"a":1}"#, "type": "string"}), json!({"f": r#"{"a":1}"#})),
        (json!({"value": r#"{"a":1}"#, "type": "object"}), json!({"f": {"a": 1}})),
        (json!({"value": r#"{"a":"{no}"}"#, "type": "object"}), json!({"f": {"a": "B1"}})),
        (json!({"value": {"a": "{qty}", "b": [1]}}), json!({"f": {"a": parsed("2.50"), "b": [1]}})),
        (json!({"value": "{", "type": "string"}), json!({"f": "{"})),
        (json!({"value": "90", "type": "bool"}), json!({"f": "90"})),
        // Expressions.
        (json!({"value": "_function round({qty}*3,1)", "type": "float"}), json!({"f": parsed("7.5")})),
        (json!({"value": "_function case when '{no}'='B1' then 'a' end"}), json!({"f": "a"})),
        (json!({"value": "_function case when 1=2 then 'a' end"}), json!({})),
        (json!({"value": "_function {zero}=0", "type": "bool"}), json!({"f": true})),
        // Objects.
        (
            json!({"type": "object", "value": null, "children": [{"field": "FNumber", "value": "{no}"}, {"field": "x", "type": "int", "value": "{empty}"}]}),
            json!({"f": {"FNumber": "B1"}}),
        ),
        // Arrays.
        (json!({"type": "array", "value": "tags"}), json!({"f": ["x", "y"]})),
        (json!({"type": "array", "value": "{{tags}}"}), json!({"f": ["x", "y"]})),
        (json!({"type": "array", "value": "[1, \"a\"]"}), json!({"f": [1, "a"]})),
        (json!({"type": "array", "value": "missing"}), json!({"f": []})),
        (
            json!({"type": "array", "value": "details", "children": [{"field": "n", "value": "{{details.name}}"}, {"field": "q", "value": "{qty}"}, {"field": "no", "value": "{no}"}]}),
            json!({"f": [{"n": "甲", "q": 1, "no": "B1"}, {"n": "乙", "q": 2, "no": "L2"}]}),
        ),
        (json!({"type": "array", "value": "missing", "children": [{"field": "n", "value": "{no}"}]}), json!({"f": []})),
        (json!({"type": "array", "value": "obj", "children": [{"field": "n", "value": "{no}"}]}), json!({"f": []})),
        (json!({"type": "array", "children": [{"field": "n", "value": "{no}"}]}), json!({"f": [{"n": "B1"}]})),
        (
            json!({"type": "array", "value": "tags", "children": [{"field": "t", "value": "{{tags}}"}]}),
            json!({"f": [{"t": "x"}, {"t": "y"}]}),
        ),
        (
            json!({"type": "array", "value": "details", "children": [{"field": "subs", "type": "array", "value": "details.subs", "children": [{"field": "s", "value": "{s}"}, {"field": "n", "value": "{name}"}]}]}),
            json!({"f": [{"subs": []}, {"subs": [{"s": 1, "n": "乙"}, {"s": 2, "n": "乙"}]}]}),
        ),
    ] {
        let mut written = item.clone();
        written["field"] = json!("f");
        assert_eq!(map(&json!([written]), ROW).to_string(), expected.to_string(), "{item}");
    }
}

fn merged(request: &Value, operation: &Value) -> Value {
    let rows = [row(r#"{"no": "B1", "qty": 1, "note": "first"}"#), row(r#"{"no": "B1", "qty": 2, "note": "second"}"#)];
    let metadata = json!({"api": "x", "request": request, "operation": operation});
    bill(target(&metadata).map(&rows, &Variables::at(NOW), &Answers::new()))
}

#[test]
fn merged_lines() {
    let merge = json!({"method": "merge", "field": "no"});
    let array = |children: Value| json!([{"field": "f", "type": "array", "children": children}]);
    for (request, operation, expected) in [
        // Any child that names a line makes one element per line.
        (
            array(json!([{"field": "q", "value": "{qty}"}, {"field": "d", "value": "{{details.qty}}"}])),
            &merge,
            json!({"f": [{"q": 1, "d": 1}, {"q": 2, "d": 2}]}),
        ),
        (
            array(
                json!([{"field": "o", "type": "object", "children": [{"field": "d", "value": "_function {{details.qty}}*2"}]}]),
            ),
            &merge,
            json!({"f": [{"o": {"d": 2}}, {"o": {"d": 4}}]}),
        ),
        // None does: one element, from the head row.
        (array(json!([{"field": "n", "value": "{note}"}])), &merge, json!({"f": [{"n": "first"}]})),
        // The lines can be named outright, also by a name of their own.
        (
            json!([{"field": "f", "type": "array", "value": "details", "children": [{"field": "q", "value": "{qty}"}]}]),
            &merge,
            json!({"f": [{"q": 1}, {"q": 2}]}),
        ),
        (
            json!([{"field": "f", "type": "array", "value": "rows", "children": [{"field": "q", "value": "{{rows.qty}}"}]}]),
            &json!({"method": "merge", "field": "no", "bodyName": "rows"}),
            json!({"f": [{"q": 1}, {"q": 2}]}),
        ),
        (
            array(json!([{"field": "q", "value": "{{rows.qty}}"}])),
            &json!({"method": "merge", "field": "no", "bodyName": "rows"}),
            json!({"f": [{"q": 1}, {"q": 2}]}),
        ),
        // Outside of arrays a line's field is the first line's.
        (json!([{"field": "f", "value": "{{details.note}}"}]), &merge, json!({"f": "first"})),
        // Without a merge a bill is one row.
        (array(json!([{"field": "q", "value": "{qty}"}])), &json!({"method": "none"}), json!({"f": [{"q": 1}]})),
    ] {
        assert_eq!(merged(&request, operation), expected, "{request}");
    }
}

#[test]
fn required_fields() {
    for (item, is_bill) in [
        (json!({"value": "{no}"}), true),
        (json!({"value": "{zero}"}), true),
        (json!({"value": "{empty}", "type": "string"}), false),
        (json!({"value": "{missing}"}), false),
        (json!({"type": "array", "value": "missing", "children": [{"field": "a", "value": "1"}]}), false),
    ] {
        let mut written = item.clone();
        written["field"] = json!("f");
        written["is_required"] = json!(true);
        let mapping = target(&metadata(&json!([written]))).map(&[row(ROW)], &Variables::at(NOW), &Answers::new());
        assert_eq!(matches!(mapping, Mapping::Bill(_)), is_bill, "{item}");
        if !is_bill {
            let error = failure(mapping);
            assert!(error.to_string().ends_with("the required field `f` is empty"), "{error}");
        }
    }
}

#[test]
fn failures_name_path_line_and_reason() {
    for (item, message) in [
        (json!({"value": "{no}", "type": "int"}), "target `$.request[0].value`: `B1` is not a whole number"),
        (json!({"value": "{no|date}"}), "target `$.request[0].value`: the filter `date` cannot read `B1` as a time"),
        (
            json!({"value": "_function 1/{zero}"}),
            "target `$.request[0].value`: the expression gives no value: division by zero",
        ),
        (
            json!({"value": "_function round({missing}*2,2)"}),
            "target `$.request[0].value`: the expression gives no value: `{missing}` is empty",
        ),
        (
            json!({"type": "array", "value": "details", "children": [{"field": "n", "type": "int", "value": "{name}"}]}),
            "target `$.request[0].children[0].value` (line 1): `甲` is not a whole number",
        ),
    ] {
        let mut written = item.clone();
        written["field"] = json!("f");
        let mapping = target(&metadata(&json!([written]))).map(&[row(ROW)], &Variables::at(NOW), &Answers::new());
        let error = failure(mapping);
        assert_eq!(error.to_string(), message);
        assert!(!error.may_mend_itself() && !error.hint().is_empty());
    }
    assert!(matches!(
        target(&metadata(&json!([{"field": "a", "value": "1"}]))).map(&[], &Variables::at(NOW), &Answers::new()),
        Mapping::Failed(MappingError::NoRows { .. })
    ));
}

#[test]
fn keep_text_is_the_published_behaviour() {
    let options = Options { on_expression_error: OnExpressionError::KeepText, ..options() };
    let request = json!([{"field": "f", "type": "float", "value": "_function round({{qty}}/{zero},2)"}, {"field": "g", "value": "_function round({{{qty}}/{{zero}},7)"}]);
    let target = parse_target(&metadata(&request), None, &options).plan.unwrap();
    let bill = bill(target.map(&[row(ROW)], &Variables::at(NOW), &Answers::new()));
    assert_eq!(bill, json!({"f": "_function round(2.50/0,2)", "g": "_function round({2.50/0,7)"}));
}

#[test]
fn all_questions_are_collected_and_failures_wait_for_them() {
    let request = json!([
        {"field": "bad", "type": "int", "value": "{no}"},
        {"field": "a", "value": "_findCollection find id from s where no={no} kind='x {qty}'"},
        {"field": "again", "type": "string", "value": "_findCollection find id from s where no={no} kind='x {qty}'"},
        {"field": "t", "value": "_findCollection find target from table:codes where code={{qty}}"},
        {"field": "p", "value": "_plugin f({qty}, '{no}', true, {missing}, {obj})"},
        {"field": "x", "transform": {"function": "g", "params": ["obj.a", "'keep'", 1]}},
    ]);
    let target = target(&metadata(&request));
    let questions = pending(target.map(&[row(ROW)], &Variables::at(NOW), &Answers::new()));
    let text = |text: &str| Argument::Text(text.into());
    assert_eq!(
        questions,
        [
            Question::Lookup {
                collection: "s".into(),
                find: "id".into(),
                search: Search::by([("no", "B1"), ("kind", "x 2.50")]),
            },
            Question::Table {
                table: "codes".into(),
                find: "target".into(),
                conditions: vec![("code".into(), "2.50".into())]
            },
            Question::Function {
                name: "f".into(),
                arguments: vec![
                    Argument::Number("2.50".into()),
                    text("B1"),
                    Argument::Boolean(true),
                    Argument::Null,
                    Argument::Json(r#"{"a":1.10,"b":""}"#.into())
                ],
            },
            Question::Function {
                name: "g".into(),
                arguments: vec![Argument::Number("1.10".into()), text("keep"), Argument::Number("1".into())]
            },
        ]
    );
    let mut answers = Answers::new();
    answers.extend(questions.into_iter().map(|question| (question, Answer::Absent)));
    // A missing row may still come; what only a person can mend is said first.
    assert!(matches!(failure(target.map(&[row(ROW)], &Variables::at(NOW), &answers)), MappingError::Conversion { .. }));
}

#[test]
fn lookups_that_find_nothing() {
    let item = |value: &str| json!([{"field": "f", "value": value}, {"field": "g", "type": "int", "value": value}]);
    let lookup = item("_findCollection find id from s where no={no}");
    let table = item("_findCollection find id from table:t where no={no}");
    let mut answers = Answers::new();
    for request in [&lookup, &table] {
        for question in pending(target(&metadata(request)).map(&[row(ROW)], &Variables::at(NOW), &answers)) {
            answers.insert(question, Answer::Absent);
        }
    }
    let run = |request: &Value, optional_lookups: bool| {
        let options = Options { optional_lookups, ..options() };
        parse_target(&metadata(request), None, &options).plan.unwrap().map(&[row(ROW)], &Variables::at(NOW), &answers)
    };
    assert!(matches!(failure(run(&lookup, false)), MappingError::MissingRow { .. }));
    let error = failure(run(&table, false));
    assert!(matches!(error, MappingError::MissingTableRow { .. }));
    assert_eq!(error.to_string(), "target `$.request[0].value`: no row of table `t` has `no` = `B1`");
    assert_eq!(bill(run(&lookup, true)), json!({"f": ""}));
    // Looked up by nothing: not even asked.
    let blank = item("_findCollection find id from s where no={empty} x={missing}");
    assert!(matches!(failure(run(&blank, false)), MappingError::MissingRow { .. }));
}

#[test]
fn answers_keep_their_json_type_and_are_converted() {
    let request = json!([
        {"field": "f", "value": "_findCollection find id from s where no={no}"},
        {"field": "g", "type": "string", "value": "_findCollection find id from s where no={no}"},
    ]);
    let target = target(&metadata(&request));
    let mut answers = Answers::new();
    let question = pending(target.map(&[row(ROW)], &Variables::at(NOW), &answers)).remove(0);
    answers.insert(question.clone(), Answer::Value(parsed("123456789012345678901234567890")));
    let mapped = bill(target.map(&[row(ROW)], &Variables::at(NOW), &answers));
    assert_eq!(mapped.to_string(), r#"{"f":123456789012345678901234567890,"g":"123456789012345678901234567890"}"#);
    answers.insert(question, Answer::Failed("two rows".into()));
    assert_eq!(
        failure(target.map(&[row(ROW)], &Variables::at(NOW), &answers)).to_string(),
        "target `$.request[0].value`: the lookup in `s` failed: two rows"
    );
}

//! What parsers make of values.

use super::*;

const ROW: &str = r#"{"no": "100", "n": 1.50, "empty": "", "none": null, "codes": "a,b,a", "pipes": "a|b", "tags": ["x", 1, "x", "1"], "list": [],
    "names": {"1033": "en", "2052": "中", "x": 1.10}, "names_text": "{\"1033\":\n\"en\"}", "details": [{"goods": "G1"}, {"goods": ""}]}"#;

fn item(mut item: Value) -> Value {
    item["field"] = json!("f");
    json!([item])
}

#[test]
fn built_in_parsers() {
    let object = json!({"name": "ConvertObjectParser", "params": "FNumber"});
    let two = json!({"name": "ConvertTwoStageObjectParser", "params1": "value", "params2": "phone"});
    let joined = json!({"name": "ArrayToString", "params": ","});
    let split = json!({"name": "StringToArray", "params": ","});
    for (parser, value, expected) in [
        (&object, json!("100"), r#"{"FNumber":"100"}"#),
        (&object, json!("{no}"), r#"{"FNumber":"100"}"#),
        (&object, json!("{{n}}"), r#"{"FNumber":1.50}"#),
        (&object, json!("S{no}"), r#"{"FNumber":"S100"}"#),
        (&object, json!(""), r#"{"FNumber":""}"#),
        (&object, json!("{empty}"), r#"{"FNumber":""}"#),
        (&object, json!("{none}"), r#"{"FNumber":""}"#),
        (&object, json!("{missing}"), r#"{"FNumber":""}"#),
        (&object, json!("_function case when {n}>1 then 'A' else 'B' end"), r#"{"FNumber":"A"}"#),
        (&json!({"name": "convertobjectparser", "params": ["FNUMBER"]}), json!("1"), r#"{"FNUMBER":"1"}"#),
        (&two, json!("{no}"), r#"{"value":{"phone":"100"}}"#),
        (&two, json!("{empty}"), r#"{"value":{"phone":""}}"#),
        (&json!({"name": "ConvertTwoStageObjectParser", "params": "a,b"}), json!("1"), r#"{"a":{"b":"1"}}"#),
        (&json!({"name": "ConvertTwoStageObjectParser", "params": ["a", "b"]}), json!("1"), r#"{"a":{"b":"1"}}"#),
        (&joined, json!("{tags}"), r#""x,1,x,1""#),
        (&joined, json!("[\"a\",\"b\"]"), r#""a,b""#),
        (&joined, json!(["a", "{no}"]), r#""a,100""#),
        (&joined, json!("{list}"), r#""""#),
        (&joined, json!("{none}"), r#""""#),
        (&joined, json!("{no}"), r#""100""#),
        (&json!({"name": "ArrayToString", "params": "|"}), json!("{tags}"), r#""x|1|x|1""#),
        (&json!("ArrayToString"), json!("{tags}"), r#""x,1,x,1""#),
        (&split, json!("{codes}"), r#"["a","b","a"]"#),
        (&split, json!("a,b"), r#"["a","b"]"#),
        (&json!({"name": "StringToArray", "params": "|"}), json!("{pipes}"), r#"["a","b"]"#),
        (&split, json!("{empty}"), "[]"),
        (&split, json!("{none}"), "[]"),
        (&split, json!("  "), "[]"),
        (&split, json!("{n}"), r#"["1.50"]"#),
        (&json!("ArrayUnique"), json!("{tags}"), r#"["x",1]"#),
        (&json!("ArrayUnique"), json!("{missing}"), "[]"),
        (
            &json!("ConvertJson"),
            json!("{names}"),
            r#"[{"Key":1033,"Value":"en"},{"Key":2052,"Value":"中"},{"Key":"x","Value":1.10}]"#,
        ),
        (&json!("ConvertJson"), json!("{names_text}"), r#"[{"Key":1033,"Value":"en"}]"#),
        (&json!("ConvertJson"), json!({"1": "a"}), r#"[{"Key":1,"Value":"a"}]"#),
        (&json!("ConvertJson"), json!("{empty}"), "[]"),
        // Chains, left to right.
        (&json!("StringToArray,ArrayUnique"), json!("{codes}"), r#"["a","b"]"#),
        (&json!("StringToArray, ArrayUnique, ArrayToString"), json!("{codes}"), r#""a,b""#),
        (
            &json!({"name": "StringToArray,ArrayToString,ConvertObjectParser", "params": ["|", "/", "FName"]}),
            json!("{pipes}"),
            r#"{"FName":"a/b"}"#,
        ),
    ] {
        // Whatever `type` says.
        for kind in ["string", "int", "bool", ""] {
            let mapped = map(&item(json!({"type": kind, "value": value, "parser": parser})), ROW);
            assert_eq!(mapped.to_string(), format!(r#"{{"f":{expected}}}"#), "{parser} {value} {kind}");
        }
    }
}

#[test]
fn parameters_may_stand_beside_a_parser() {
    for (written, expected) in [
        (json!({"value": "{pipes}", "parser": "StringToArray,ArrayUnique", "params": "|"}), json!(["a", "b"])),
        (json!({"value": "{no}", "parser": "ConvertObjectParser", "params": "FNumber"}), json!({"FNumber": "100"})),
        (
            json!({"value": "{no}", "parser": "ConvertTwoStageObjectParser", "params1": "a", "params2": "b"}),
            json!({"a": {"b": "100"}}),
        ),
    ] {
        assert_eq!(map(&item(written.clone()), ROW), json!({"f": expected}), "{written}");
    }
}

#[test]
fn parsers_of_structures() {
    let wrap = json!({"name": "ConvertObjectParser", "params": "items"});
    for (written, expected) in [
        (json!({"type": "array", "value": "tags", "parser": "ArrayToString"}), json!("x,1,x,1")),
        (json!({"type": "array", "value": "{{codes}}", "parser": "StringToArray"}), json!(["a", "b", "a"])),
        (json!({"type": "array", "value": "a,b", "parser": "StringToArray"}), json!(["a", "b"])),
        (
            json!({"type": "array", "value": "details", "parser": wrap, "children": [{"field": "g", "value": "{goods}"}]}),
            json!({"items": [{"g": "G1"}, {"g": ""}]}),
        ),
        (
            json!({"type": "array", "value": "details", "children": [{"field": "g", "value": "{{details.goods}}", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}}]}),
            json!([{"g": {"FNumber": "G1"}}, {"g": {"FNumber": ""}}]),
        ),
        (
            json!({"type": "object", "parser": "ConvertJson", "children": [{"field": "1033", "value": "{no}"}]}),
            json!([{"Key": 1033, "Value": "100"}]),
        ),
    ] {
        assert_eq!(map(&item(written.clone()), ROW), json!({"f": expected}), "{written}");
    }
    // Without a value there is nothing to parse.
    for value in [json!({}), json!({"value": null})] {
        let mut written = value;
        written["parser"] = wrap.clone();
        assert_eq!(map(&item(written), ROW), json!({}));
    }
}

#[test]
fn what_a_parser_cannot_read_is_an_error() {
    for (parser, value, message) in [
        ("ArrayToString", "{names}", "`{\"1033\":\"en\",\"2052\":\"中\",\"x\":1.10}` is not an array"),
        ("StringToArray", "{names}", "`{\"1033\":\"en\",\"2052\":\"中\",\"x\":1.10}` is not a text"),
        ("ArrayUnique", "{no}", "`100` is not an array"),
        ("ConvertJson", "{no}", "`100` is not an object"),
    ] {
        let target = target(&metadata(&item(json!({"value": value, "parser": parser}))));
        let error = failure(target.map(&[row(ROW)], &Variables::at(NOW), &Answers::new()));
        assert_eq!(error.to_string(), format!("target `$.request[0].value`: {message}"), "{parser}");
    }
    // What is required is missed before it is wrapped.
    for value in ["{empty}", "{missing}", ""] {
        let written = json!({"value": value, "is_required": true, "parser": {"name": "ConvertObjectParser", "params": "FNumber"}});
        let error = failure(target(&metadata(&item(written))).map(&[row(ROW)], &Variables::at(NOW), &Answers::new()));
        assert_eq!(error.to_string().split(": ").last().unwrap(), "the required field `f` is empty");
    }
}

#[test]
fn an_unknown_parser_is_a_plugin_function() {
    let text = |text: &str| Argument::Text(text.into());
    for (written, arguments) in [
        (json!({"value": "{n}", "parser": "toUnits"}), vec![Argument::Number("1.50".into())]),
        (json!({"value": "{no}", "parser": {"name": "toUnits", "params": "kg"}}), vec![text("100"), text("kg")]),
        (
            json!({"value": "{none}", "parser": {"name": "toUnits", "params": ["kg", 2, "{{codes}}"], "params1": "x"}}),
            vec![Argument::Null, text("kg"), Argument::Number("2".into()), text("a,b,a")],
        ),
        (
            json!({"value": "{codes}", "parser": {"name": "StringToArray,toUnits", "params": [",", "kg"]}}),
            vec![Argument::Json(r#"["a","b","a"]"#.into()), text("kg")],
        ),
        (
            json!({"value": "X", "parser": {"name": "toUnits", "params1": "a", "params2": "b"}}),
            vec![text("X"), text("a"), text("b")],
        ),
    ] {
        let target = target(&metadata(&item(written.clone())));
        assert_eq!(
            target.functions(),
            [FunctionUse {
                path: "$.request[0].parser".into(),
                name: "toUnits".into(),
                argument_count: arguments.len()
            }],
            "{written}"
        );
        let mut answers = Answers::new();
        let question = Question::Function { name: "toUnits".into(), arguments };
        let asked = pending(target.map(&[row(ROW)], &Variables::at(NOW), &answers));
        assert_eq!(asked, std::slice::from_ref(&question), "{written}");
        answers.insert(question.clone(), Answer::Value(json!("7")));
        assert_eq!(bill(target.map(&[row(ROW)], &Variables::at(NOW), &answers)), json!({"f": "7"}));
        answers.insert(question, Answer::Failed("no unit".into()));
        let error = failure(target.map(&[row(ROW)], &Variables::at(NOW), &answers));
        assert_eq!(error.to_string(), "target `$.request[0].value`: `toUnits`: no unit");
    }
    // Its result is parsed further; a lookup is answered first.
    let chained = item(json!({"value": "_findCollection find unit from s where no={no}",
        "parser": {"name": "toUnits,ConvertObjectParser", "params": "FNumber"}}));
    let target = target(&metadata(&chained));
    let mut answers = Answers::new();
    let lookup = pending(target.map(&[row(ROW)], &Variables::at(NOW), &answers)).remove(0);
    answers.insert(lookup, Answer::Value(json!("kg")));
    let call = pending(target.map(&[row(ROW)], &Variables::at(NOW), &answers)).remove(0);
    assert_eq!(call, Question::Function { name: "toUnits".into(), arguments: vec![text("kg"), text("FNumber")] });
    answers.insert(call, Answer::Value(json!("U1")));
    assert_eq!(bill(target.map(&[row(ROW)], &Variables::at(NOW), &answers)), json!({"f": {"FNumber": "U1"}}));
}

/// Published queries join their columns with a parser, and leave the value to the platform.
#[test]
fn parsers_of_a_request() {
    let render = |written: Value| {
        let plan = source(
            &json!({"api": "executeBillQuery", "id": "FBillNo", "request": [{"field": "FBillNo", "value": "FBillNo"}, written]}),
        );
        let keys = plan.render_request(&Variables::default()).unwrap()["FieldKeys"].clone();
        (keys, plan.columns().unwrap().to_vec())
    };
    let parser = json!({"name": "ArrayToString", "params": ","});
    for (value, keys, columns) in [
        (json!(["FDate", "FQty"]), json!("FDate,FQty"), &["FBillNo", "FDate", "FQty"][..]),
        (json!("[\"FDate\"]"), json!("FDate"), &["FBillNo", "FDate"]),
        (json!(""), Value::Null, &["FBillNo"]),
        (Value::Null, Value::Null, &["FBillNo"]),
    ] {
        let written = json!({"field": "FieldKeys", "type": "array", "value": value, "parser": parser});
        let (rendered, known) = render(written);
        assert_eq!(
            (rendered, known.as_slice()),
            (keys, columns.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
            "{value}"
        );
    }
}

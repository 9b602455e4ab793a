//! What a mapping asks at once.

use super::*;

/// `field` for a lookup or a table, `function(arguments)` for a call.
fn asked(request: &Value) -> Vec<String> {
    let source = source(&json!({
        "api": "executeBillQuery",
        "id": "no",
        "request": [
            {"field": "no"}, {"field": "qty"},
            {"field": "Code_X", "transform": {"function": "code", "params": ["no"]}},
        ],
    }));
    let operation = json!({"method": "merge", "field": "no"});
    let metadata = json!({"api": "x", "request": request, "operation": operation});
    let target = parse_target(&metadata, Some(&source), &options()).plan.unwrap();
    let rows = [row(r#"{"no": "B1", "qty": 1}"#), row(r#"{"no": "B1", "qty": 2}"#)];
    let questions = pending(target.map(&rows, &Variables::at(NOW), &Answers::new()));
    let shown = questions.into_iter().map(|question| match question {
        Question::Lookup { find, .. } | Question::Table { find, .. } => find.to_string(),
        Question::Function { name, arguments } => {
            let arguments: Vec<_> = arguments.iter().map(|argument| index_text(&argument.to_value())).collect();
            format!("{name}({})", arguments.join(", "))
        }
    });
    shown.collect()
}

#[test]
fn an_open_question_keeps_no_other_from_being_asked() {
    let first = json!({"field": "first", "value": "_findCollection find id from s where no={no}"});
    for (item, expected) in [
        (json!({"value": "{qty}"}), vec![]),
        (json!({"value": "_findCollection find id from s where no={no}"}), vec![]),
        (json!({"value": "_findCollection find other from s where no={no}"}), vec!["other"]),
        (json!({"value": "_plugin f({{qty}})"}), vec!["f(1)"]),
        (json!({"transform": {"function": "f", "params": ["qty"]}}), vec!["f(1)"]),
        (json!({"value": ["{qty}", {"a": "_plugin f({{qty}})"}]}), vec!["f(1)"]),
        (json!({"type": "object", "children": [{"field": "a", "value": "_plugin f({{qty}})"}]}), vec!["f(1)"]),
        (
            json!({"type": "array", "children": [{"field": "a", "value": "_plugin f({{details.qty}})"}]}),
            vec!["f(1)", "f(2)"],
        ),
        // A function is given the whole value, in which nothing is left out.
        (json!({"value": "{qty}", "parser": {"name": "f"}}), vec!["f(1)"]),
        (
            json!({"type": "object", "parser": {"name": "f"}, "children": [{"field": "a", "value": "{qty}"}]}),
            vec![r#"f({"a":1})"#],
        ),
        (
            json!({"type": "array", "value": "details", "parser": {"name": "f"}}),
            vec![r#"f([{"no":"B1","qty":1},{"no":"B1","qty":2}])"#],
        ),
        // A field that the source computes, however it is spelt and wherever it is named.
        (json!({"value": "{Code_X}"}), vec!["code(B1)"]),
        (json!({"value": "{{code.x}}"}), vec!["code(B1)"]),
        (json!({"value": "{{details.CODE_X}}"}), vec!["code(B1)"]),
        (json!({"value": "no {{Code_X}}"}), vec!["code(B1)"]),
        (json!({"value": "_function concat('{{Code_X}}', 'a')"}), vec!["code(B1)"]),
    ] {
        let mut written = item.clone();
        written["field"] = json!("f");
        let mut all = vec!["id".to_owned()];
        all.extend(expected.iter().map(|&question| question.to_owned()));
        assert_eq!(asked(&json!([first, written])), all, "{item}");
    }
}

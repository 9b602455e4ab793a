//! Metadata is pasted in from anywhere: none of it panics, nor do rows that it then meets.

use proptest::prelude::*;

use super::*;

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
            "eqv2",
            "between",
            "StringToArray,ArrayUnique",
            "ConvertObjectParser",
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
        "parser",
        "name",
        "is_required",
        "bodyName",
        "pageSize",
        "x",
        "条件",
        "condition",
        "formatResponse",
        "beatFlat",
        "old",
        "new",
        "format",
        "logic",
        "strictMode",
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
    fn no_shape_panics(
        logic in "(eq|neq|gt|lt|like|in|between|null)(v2)?",
        value in any_json(),
        field in "(a|b|items|[.]|_|0){1,4}",
        format in "(date|round|longText|implode|intval|amount)?([(](-?[0-9]{0,3}|'.?')[)]?)?|.{0,9}",
        fetched in "[0-9]{1,14}|[0-9:T -]{0,19}|.{0,9}",
        strict in any::<bool>(),
    ) {
        let metadata = json!({"api": "q", "id": "a", "beatFlat": ["items"],
            "condition": [[{"field": field, "logic": logic, "value": value, "strictMode": strict}]],
            "formatResponse": [{"old": field, "new": "items.new", "format": format}]});
        if let Some(plan) = parse_source(&metadata, &options()).plan {
            let fetched = json!({"a": fetched, "b": value, "items": [{"a": fetched, "items": [{"b": fetched}]}, fetched]});
            let _ = plan.shape(fetched.as_object().unwrap().clone());
        }
    }

    #[test]
    fn no_metadata_panics(metadata in any_json(), request in any_json(), operation in any_json(), fetched in any_json()) {
        let mut wrapped = json!({"api": "executeBillQuery", "id": "{{x}}", "request": request});
        let fetched = fetched.as_object().cloned().unwrap_or_default();
        for metadata in [&metadata, &wrapped] {
            if let Some(plan) = parse_source(metadata, &options()).plan {
                let _ = plan.render_request(&Variables::default());
                let _ = plan.row_id(&fetched);
                let _ = plan.shape(fetched.clone());
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

//! Lookups in all places where they may stand, over two collections and a table.

use super::*;

const ROW: &str = r#"{"no": "B1", "shop": "苹果店", "qty": 2.50, "codes": ["x", "C2"], "empty": "", "details": []}"#;

/// `products`: by `code`; `shops`: by `FName`. The latest row last.
fn collections() -> Value {
    json!({
        "products": [{"code": "C1", "id": 1, "price": "9.0"}, {"code": "C2", "id": 2, "price": 10}, {"code": "C1", "id": 3}],
        "shops": [{"FName": "苹果店", "code": "C1", "FNumber": "S-01"}, {"FName": "O'Neil", "FNumber": "S 02"}],
        "table:codes": [{"code": "B1", "target": "C2"}],
    })
}

/// What the engine does, on a list of rows.
fn answered(question: &Question) -> Answer {
    let rows = |name: &str| {
        collections()[name].as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect()
    };
    let value = |row: Option<Row>, find: &str| match row {
        Some(row) => Answer::Value(field(&row, find).cloned().unwrap_or_default()),
        None => Answer::Absent,
    };
    let equal =
        |row: &Row, field: &str, text: &str| super::field(row, field).is_some_and(|value| index_text(value) == text);
    match question {
        Question::Lookup { collection, find, search } => {
            let rows: Vec<Row> = rows(collection);
            let latest = rows.into_iter().rfind(|row| {
                search.reads().iter().any(|read| {
                    read.conditions().all(|(field, text)| equal(row, field, text))
                        && read.matcher(&options().time_zone).is_none_or(|matcher| matcher.accepts(row))
                })
            });
            value(latest, find)
        }
        Question::Table { table, find, conditions } => {
            let rows: Vec<Row> = rows(&format!("table:{table}"));
            let row = rows.into_iter().find(|row| conditions.iter().all(|(field, text)| equal(row, field, text)));
            value(row, find)
        }
        Question::Function { name, arguments } => {
            let arguments: Vec<Value> = arguments.iter().map(Argument::to_value).collect();
            Answer::Value(json!(format!("{name}{}", Value::from(arguments))))
        }
    }
}

/// Maps a row; the questions of each round, and what came of it.
fn mapped(target: &TargetPlan) -> (Vec<Vec<Question>>, Mapping) {
    let mut answers = Answers::new();
    let mut rounds = Vec::new();
    loop {
        match target.map(&[row(ROW)], &Variables::at(NOW), &answers) {
            Mapping::Pending(questions) => {
                answers.extend(questions.iter().map(|question| (question.clone(), answered(question))));
                rounds.push(questions);
            }
            done => return (rounds, done),
        }
    }
}

fn value(text: &str, options: &Options) -> Result<Value, String> {
    let metadata = metadata(&json!([{"field": "f", "value": text}]));
    let parsed = parse_target(&metadata, None, options);
    assert_eq!(shown(&parsed.errors), Vec::<String>::new(), "{text}");
    match mapped(&parsed.plan.unwrap()).1 {
        Mapping::Bill(mut bill) => Ok(bill.remove("f").unwrap_or_default()),
        Mapping::Failed(error) => Err(error.to_string()),
        Mapping::Pending(_) => unreachable!(),
    }
}

#[test]
fn a_lookup_stands_wherever_a_value_does() {
    for (text, expected) in [
        // A whole value keeps its JSON type, with `_endFind` and without.
        ("_findCollection find id from products where code=C1", json!(3)),
        ("_findCollection find id from products where code=C1 _endFind", json!(3)),
        ("  _findCollection   find id\n from products\n where code = 'C1'\n_endfind\n", json!(3)),
        // Beside text.
        ("编号-_findCollection find id from products where code=C2 _endFind-{no}", json!("编号-2-B1")),
        (
            "_findCollection find id from products where code=C1 _endFind/_findCollection find id from products where code=C2 _endFind",
            json!("3/2"),
        ),
        // As an operand of an expression, and within quotes.
        ("_function _findCollection find id from products where code=C2 _endFind * {{qty}}", parsed("5.00")),
        (
            "_function case _findCollection find id from products where code=C2 _endFind when 2 then 'a' else 'b' end",
            json!("a"),
        ),
        (
            "_function case when '_findCollection find FNumber from shops where FName='{{shop}}' _endFind' = 'S-01' then 1 else 0 end",
            json!(1),
        ),
        (
            "_function concat('_findCollection find FNumber from shops where FName=\"O'Neil\" _endFind','!')",
            json!("S 02!"),
        ),
        // As an argument, with its type or as a text.
        (
            "_plugin f(_findCollection find id from products where code=C2 _endFind, 'no _findCollection find id from products where code=C1 _endFind', {qty})",
            json!("f[2,\"no 3\",2.50]"),
        ),
        // As a value of another lookup, or of a table.
        (
            "_findCollection find id from products where code=_findCollection find code from shops where FName={{shop}} _endFind",
            json!(3),
        ),
        (
            "_findCollection find id from products where code=_findCollection find target from table:codes where code={no} _endFind _endFind",
            json!(2),
        ),
        (
            r#"_findCollection find id from products where code=_mongoQuery shops findField=content.code where={"content.FName":"{{shop}}"} _endFind"#,
            json!(3),
        ),
        (
            r#"_mongoQuery products findField=content.id where={"code":"_findCollection find target from table:codes where code={no} _endFind"}"#,
            json!(2),
        ),
        // Mongo filters, as published and otherwise.
        (r#"_mongoQuery shops findField=content.FNumber where={"content.FName":{"$eq":"{{shop}}"}}"#, json!("S-01")),
        (r#"_mongoQuery shops findField=FNumber where={"FName":{{shop}}}"#, json!("S-01")),
        (r#"_mongoQuery products findField=content.id where={"content.code":{"$in":["{no}","C2"]}}"#, json!(2)),
        (r#"_mongoQuery products findField=content.id where={"content.code":{"$in":"{{codes}}"}}"#, json!(2)),
        (
            r#"_mongoQuery products findField=content.id where={"content.code":"C1","content.price":{"$lt":"10"}}"#,
            json!(1),
        ),
        (
            r#"_mongoQuery products findField=content.id where={"$or":[{"content.code":"C2"},{"content.code":"C1"}]}"#,
            json!(3),
        ),
        (r#"_mongoQuery products findField=content.id where={"content.price":{"$gte":9,"$lte":"10.00"}}"#, json!(2)),
        (
            r#"_function _mongoQuery products findField=content.price where={"content.price":{"$exists":true},"content.code":"C2"} _endFind + 1"#,
            json!(11),
        ),
    ] {
        assert_eq!(value(text, &options()), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_found_is_an_error_or_nothing() {
    let optional = Options { optional_lookups: true, ..options() };
    for (text, error, nothing) in [
        (
            "no: _findCollection find id from products where code={no} _endFind",
            "no row of `products` has `code` = `B1`",
            json!("no: "),
        ),
        (
            "_function ifnull(_findCollection find id from products where code={no} _endFind, 7)",
            "no row of `products` has `code` = `B1`",
            json!(7),
        ),
        (
            "_findCollection find id from products where code=_findCollection find code from shops where FName={no} _endFind",
            "no row of `shops` has `FName` = `B1`",
            json!(""),
        ),
        (
            r#"_mongoQuery products findField=content.id where={"code":{"$in":["{no}","{shop}"]},"price":{"$gt":1}}"#,
            "no row of `products` has `code` = `B1` and `price` > `1`, or `code` = `苹果店` and `price` > `1`",
            json!(""),
        ),
        // Looked up by nothing: not even asked.
        (
            r#"_mongoQuery products findField=id where={"code":"{{empty}}"}"#,
            "no row of `products` has `code` = ``",
            json!(""),
        ),
    ] {
        let error = format!("target `$.request[0].value`: {error}");
        assert_eq!(value(text, &options()), Err(error), "{text}");
        assert_eq!(value(text, &optional), Ok(nothing), "{text}");
    }
}

#[test]
fn what_does_not_depend_on_each_other_is_asked_together() {
    let find = |code: &str| format!("_findCollection find id from products where code={code} _endFind");
    let request = json!([
        {"field": "a", "value": format!("_function {} + {}", find("C1"), find("C2"))},
        {"field": "b", "value": format!("_plugin f({}, {})", find("C1"), find("C3"))},
    ]);
    let (rounds, _) = mapped(&target(&metadata(&request)));
    assert_eq!(rounds.first().unwrap().len(), 3);
}

#[test]
fn a_plan_names_what_its_lookups_need() {
    let request = json!([
        {"field": "a", "value": "x _findCollection find id from products where code=_findCollection find code from shops where FName={{shop}} _endFind b=1 _endFind"},
        {"field": "b", "value": r#"_mongoQuery products findField=content.id where={"$or":[{"a":1},{"b":2,"c":{"$gt":3}},{"a":4}]}"#},
        {"field": "c", "value": "_plugin f(_findCollection find target from table:codes where code={no} _endFind)"},
        {"field": "d", "value": r#"_mongoQuery products findField=id where={"price":{"$gt":"{{qty}}"}}"#},
    ]);
    let parsed = parse_target(&metadata(&request), None, &options());
    assert_eq!(
        shown(&parsed.warnings),
        [
            "`$.request[3].value`: the lookup has no field that equals something: it reads all rows of `products` (hint: every record costs a pass over them, the latest first, until one fits; add a field that equals something (`$eq`, `$in`))"
        ]
    );
    let plan = parsed.plan.unwrap();
    let uses: Vec<String> = plan
        .lookups()
        .iter()
        .map(|used| format!("{} {:?} {} {:?} {:?}", used.path, used.source, used.find, used.where_fields, used.indexes))
        .collect();
    assert_eq!(
        uses,
        [
            r#"$.request[0].value Collection("shops") code ["FName"] [["FName"]]"#,
            r#"$.request[0].value Collection("products") id ["code", "b"] [["code", "b"]]"#,
            r#"$.request[1].value Collection("products") id ["a", "b", "c"] [["a"], ["b"]]"#,
            r#"$.request[2].value Table("codes") target ["code"] []"#,
            r#"$.request[3].value Collection("products") id ["price"] [[]]"#,
        ]
    );
}

#[test]
fn lookups_are_for_mappings_only() {
    for (value, path) in [
        ("_findCollection find a from b where c={{CURRENT_TIME}}", "$.request[0].value"),
        ("x _findCollection find a from b where c={{CURRENT_TIME}} _endFind", "$.request[0].value"),
        (r#"_mongoQuery s findField=content.a where={"b":1}"#, "$.request[0].value"),
    ] {
        let metadata = json!({"api": "x", "id": "a", "request": [{"field": "p", "value": value}]});
        let errors = shown(&parse_source(&metadata, &options()).errors);
        let [error] = &errors[..] else { panic!("{errors:?}") };
        assert!(error.starts_with(&format!("`{path}`: lookups and plugin functions are for mappings")), "{error}");
    }
    let key = json!({"api": "x", "id": "_findCollection find a from b where c={d} _endFind", "request": []});
    let errors = shown(&parse_source(&key, &options()).errors);
    assert!(errors[0].starts_with("`$.id`: `id` cannot be looked up"), "{errors:?}");
}

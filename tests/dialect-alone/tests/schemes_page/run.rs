//! Running an example.

use dialect_alone::dialect::{
    Answer, Answers, Finding, Mapping, OnExpressionError, Options, Question, Row, SourcePlan, TargetPlan, Variables,
    WriteBack, field, index_text, parse_source, parse_target,
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::page::Example;

/// The second page of a scan from 2026-01-01 00:00:00 to 2026-01-02 03:04:05 in Shanghai.
const PAGE: Variables = Variables {
    last_sync_seconds: Some(1_767_196_800),
    current_seconds: 1_767_294_245,
    page_size: 100,
    start_row: 100,
    page_no: 2,
};

/// Runs an example; `Err`: what came out otherwise.
pub(crate) fn run(example: &Example) -> Result<(), String> {
    if let Some(scheme) = example.get("scheme") {
        return loads(scheme);
    }
    let options = options(example.get("settings").unwrap_or_default());
    let mut came_out = Map::new();
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let mut noted = |found: (Vec<Finding>, Vec<Finding>)| {
        errors.extend(found.0.iter().map(ToString::to_string));
        warnings.extend(found.1.iter().map(ToString::to_string));
    };
    let mut source = None;
    if let Some(text) = example.get("source") {
        let parsed = parse_source(&metadata(text, &json!({"api": "query", "id": "id"}))?, &options);
        noted((parsed.errors, parsed.warnings));
        source = parsed.plan;
    }
    let mut target = None;
    if let Some(text) = example.get("target") {
        let parsed = parse_target(&metadata(text, &json!({"api": "write"}))?, source.as_ref(), &options);
        noted((parsed.errors, parsed.warnings));
        target = parsed.plan;
    }
    begin_alike("errors", &errors, example)?;
    begin_alike("warnings", &warnings, example)?;
    let mut rows = example.get("rows").map(json).transpose()?.map(objects).unwrap_or_default();
    if let Some(plan) = &source {
        came_out.insert("request".to_owned(), plan.render_request(&PAGE).map_err(|error| error.to_string())?);
        rows = shaped(plan, rows)?;
        came_out.insert("shaped".to_owned(), json!(rows));
        let ids: Result<Vec<String>, _> = rows.iter().map(|row| plan.row_id(row)).collect();
        came_out.insert("ids".to_owned(), ids.map_or(Value::Null, |ids| json!(ids)));
        let (remedy, _) = plan.render_remedy(&PAGE).map_err(|error| error.to_string())?;
        came_out.insert("remedy".to_owned(), remedy);
    }
    let mut failures = Vec::new();
    if let Some(plan) = &target {
        let (bills, failed) = bills(plan, &rows, example)?;
        came_out.insert("bills".to_owned(), json!(bills));
        let rows_per_write = plan.rows_per_write().map_or(1, |rows| rows as usize);
        came_out.insert("writes".to_owned(), json!(bills.chunks(rows_per_write).collect::<Vec<_>>()));
        if let Some(reply) = example.get("reply") {
            came_out.insert("callback".to_owned(), json!(written_back(plan, &json(reply)?, rows.first())?));
        }
        let other = plan.render_other_request(&PAGE).map_err(|error| error.to_string())?;
        came_out.insert("other".to_owned(), other);
        failures = failed;
    }
    begin_alike("failures", &failures, example)?;
    for kind in example.results().filter(|kind| !["errors", "warnings", "failures"].contains(kind)) {
        let expected = json(example.get(kind).unwrap_or_default())?;
        let Some(found) = came_out.get(kind) else {
            return Err(format!("no `{kind}` come out"));
        };
        // As text: the order of keys and the digits of numbers count.
        let (expected, found) = (expected.to_string(), found.to_string());
        if expected != found {
            return Err(format!("{kind}\nexpected {expected}\nfound    {found}"));
        }
    }
    Ok(())
}

/// Whole schemes are the engine's; their metadata must load.
fn loads(scheme: &str) -> Result<(), String> {
    let options = options("");
    let mut pieces = scheme.split("metadata:").skip(1).map(|rest| {
        let start = rest.find('{').unwrap_or_default();
        let mut read = serde_json::Deserializer::from_str(&rest[start..]).into_iter::<Value>();
        read.next().unwrap().map_err(|error| error.to_string())
    });
    let mut piece = || pieces.next().unwrap_or_else(|| Err("metadata is missing".to_owned()));
    let source = parse_source(&piece()?, &options);
    let target = parse_target(&piece()?, source.plan.as_ref(), &options);
    let found: Vec<String> = [source.errors, source.warnings, target.errors, target.warnings]
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{error} in\n{text}"))
}

/// Metadata, with what examples leave out.
fn metadata(text: &str, left_out: &Value) -> Result<Value, String> {
    let mut metadata = json(text)?;
    let keys = metadata.as_object_mut().ok_or("metadata is no object")?;
    let has_number = keys.contains_key("number");
    for (key, value) in left_out.as_object().into_iter().flatten() {
        if key != "id" || !has_number {
            keys.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(metadata)
}

fn options(settings: &str) -> Options {
    let has = |line: &str| settings.lines().any(|setting| setting == line);
    let known = ["on_expression_error: keep_text", "optional_lookups: true"];
    assert!(settings.lines().all(|line| known.contains(&line)), "{settings}");
    Options {
        time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
        on_expression_error: if has(known[0]) { OnExpressionError::KeepText } else { OnExpressionError::Fail },
        optional_lookups: has(known[1]),
    }
}

/// What is expected of a message is how it begins.
fn begin_alike(kind: &str, found: &[String], example: &Example) -> Result<(), String> {
    let expected = example.get(kind).map_or(Ok(Value::Array(Vec::new())), json)?;
    let expected: Vec<&str> = expected.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let alike =
        found.len() == expected.len() && found.iter().zip(&expected).all(|(found, begins)| found.starts_with(begins));
    if alike { Ok(()) } else { Err(format!("{kind}\nexpected {expected:#?}\nfound    {found:#?}")) }
}

fn objects(value: Value) -> Vec<Row> {
    match value {
        Value::Array(list) => list.iter().filter_map(Value::as_object).cloned().collect(),
        _ => Vec::new(),
    }
}

fn shaped(plan: &SourcePlan, rows: Vec<Row>) -> Result<Vec<Row>, String> {
    let mut shaped = Vec::new();
    for row in rows {
        shaped.extend(plan.shape(row).map_err(|error| error.to_string())?);
    }
    Ok(shaped)
}

/// The rows that other schemes get after a write.
fn written_back(plan: &TargetPlan, reply: &Value, head: Option<&Row>) -> Result<Vec<Row>, String> {
    let reply = objects(json!([reply])).pop().unwrap_or_default();
    let row = |write_back: &WriteBack| write_back.row(reply.clone(), head, &Variables::at(PAGE.current_seconds));
    plan.write_backs().iter().map(row).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// The bills of rows, and what became of those that have none.
fn bills(plan: &TargetPlan, rows: &[Row], example: &Example) -> Result<(Vec<Row>, Vec<String>), String> {
    let mut groups: Vec<(Option<String>, Vec<Row>)> = Vec::new();
    for row in rows {
        let key = plan.merge_key(row).map_err(|error| error.to_string())?;
        match groups.iter_mut().find(|(of_group, _)| key.is_some() && *of_group == key) {
            Some((_, rows)) => rows.push(row.clone()),
            None => groups.push((key, vec![row.clone()])),
        }
    }
    let (mut bills, mut failures) = (Vec::new(), Vec::new());
    for (_, rows) in groups {
        let mut answers = Answers::new();
        loop {
            match plan.map(&rows, &Variables::at(PAGE.current_seconds), &answers) {
                Mapping::Bill(bill) => bills.push(bill),
                Mapping::Failed(error) => failures.push(error.to_string()),
                Mapping::Pending(questions) => {
                    for question in questions {
                        let answer = answer(&question, example)?;
                        answers.insert(question, answer);
                    }
                    continue;
                }
            }
            break;
        }
    }
    Ok((bills, failures))
}

/// What the example's collections, tables and functions say.
fn answer(question: &Question, example: &Example) -> Result<Answer, String> {
    let given = |kind: &str| example.get(kind).ok_or(format!("no `{kind}` is given"));
    let has = |row: &Row, name: &str, text: &str| field(row, name).is_some_and(|value| index_text(value) == text);
    let (found, find) = match question {
        Question::Function { name, arguments } => {
            let arguments: Vec<String> = arguments.iter().map(|argument| argument.to_value().to_string()).collect();
            let call = format!("{name}({})", arguments.join(","));
            let functions = json(given("functions")?)?;
            let value = functions.get(&call).ok_or(format!("`{call}` is not among {functions}"))?;
            return Ok(Answer::Value(value.clone()));
        }
        // Of a collection the latest row counts, of a table the first.
        Question::Lookup { collection, find, search } => {
            let zone = options("").time_zone;
            let mut rows = objects(json(given(&format!("collection {collection}"))?)?).into_iter().rev();
            let found = rows.find(|row| {
                search.reads().iter().any(|read| {
                    read.conditions().all(|(name, text)| has(row, name, text))
                        && read.matcher(&zone).is_none_or(|matcher| matcher.accepts(row))
                })
            });
            (found, find)
        }
        Question::Table { table, find, conditions } => {
            let mut rows = csv(given(&format!("table {table}"))?).into_iter();
            (rows.find(|row| conditions.iter().all(|(name, text)| has(row, name, text))), find)
        }
    };
    Ok(match found {
        None => Answer::Absent,
        Some(row) => Answer::Value(field(&row, find).cloned().ok_or(format!("a row has no `{find}`"))?),
    })
}

/// Rows of a table without quotes.
fn csv(text: &str) -> Vec<Row> {
    let mut lines = text.lines().map(|line| line.split(','));
    let columns: Vec<&str> = lines.next().into_iter().flatten().collect();
    lines
        .map(|cells| columns.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), json!(cell))).collect())
        .collect()
}

//! The same expression for both: with placeholders for the dialect, and with their values for `MariaDB`.

use std::path::Path;

use dialect_alone::dialect::{Answers, Mapping, OnExpressionError, Options, Row, Variables, parse_target};
use serde_json::{Value, json};

use crate::server::NOW;

/// What the dialect made of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Ours {
    Null,
    Number(String),
    Text(String),
    /// It loads, and gives an error for this record.
    Failed(String),
    #[allow(dead_code, reason = "shown where a test fails")]
    DoesNotLoad(String),
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The fields that expressions name.
pub(crate) fn row() -> Row {
    let row = json!({
        "price": 12.345, "qty": "3", "debt": -7.50, "zero": 0, "half": 2.5, "none": null,
        "name": "上海桥梁公司", "note": "O'Neil \\ 50%_ \"x\"", "code": "XSDD0012", "blank": "",
        "day": "2026-01-31", "moment": "2024-02-29 23:59:59",
    });
    row.as_object().unwrap().clone()
}

/// The expression with its placeholders filled in by somebody who quotes well: the meaning that the dialect must give it.
pub(crate) fn as_sql(expression: &str) -> String {
    let mut sql = expression.to_owned();
    for (name, value) in row() {
        let quoted = match &value {
            Value::String(text) => text.replace('\\', "\\\\").replace('\'', "\\'"),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let bare = match &value {
            Value::Null => "NULL".to_owned(),
            Value::String(text) if text.is_empty() => "NULL".to_owned(),
            // A negative number after a minus would begin a comment.
            Value::Number(number) if number.as_str().starts_with('-') => format!("({number})"),
            _ => quoted.clone(),
        };
        sql = sql
            .replace(&format!("'{{{{{name}}}}}'"), &format!("'{quoted}'"))
            .replace(&format!("{{{{{name}}}}}"), &bare);
    }
    sql
}

pub(crate) fn evaluate(expression: &str) -> Ours {
    mapped(expression, &[row()], &json!({"method": "none"}))
}

/// Over the lines of a merged bill.
pub(crate) fn evaluate_over(expression: &str, lines: &[Row]) -> Ours {
    mapped(expression, lines, &json!({"method": "merge", "field": "no", "bodyName": "details"}))
}

fn mapped(expression: &str, rows: &[Row], operation: &Value) -> Ours {
    let options = Options {
        // Not Asia/Shanghai, which had summer time until 1991; the server here has no time zones but fixed ones.
        time_zone: jiff::tz::TimeZone::fixed(jiff::tz::offset(8)),
        on_expression_error: OnExpressionError::Fail,
        optional_lookups: false,
    };
    let metadata = json!({
        "api": "save",
        "operation": operation,
        "request": [{"field": "result", "value": format!("_function {expression}")}],
    });
    let parsed = parse_target(&metadata, None, &options);
    if let Some(error) = parsed.errors.first() {
        return Ours::DoesNotLoad(error.message.clone());
    }
    match parsed.plan.unwrap().map(rows, &Variables::at(NOW), &Answers::default()) {
        Mapping::Bill(bill) => match bill.get("result") {
            None | Some(Value::Null) => Ours::Null,
            Some(Value::Number(number)) => Ours::Number(number.as_str().to_owned()),
            Some(Value::String(text)) => Ours::Text(text.clone()),
            Some(other) => panic!("{expression}: {other}"),
        },
        Mapping::Failed(error) => Ours::Failed(error.to_string()),
        Mapping::Pending(questions) => panic!("{expression}: {questions:?}"),
    }
}

//! The dialect as its users see it: metadata in, requests and bills out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod article;
mod columns;
mod conditions;
mod drafts;
mod findings;
mod groups;
mod lookups;
mod parsers;
mod questions;
mod refunds;
mod remedies;
mod requests;
mod rows;
mod shapes;
mod sums;
mod targets;
mod write_backs;
mod writes;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;

/// 2026-01-02 03:04:05 in Shanghai.
const NOW: i64 = 1_767_294_245;

fn options() -> Options {
    Options {
        time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
        on_expression_error: OnExpressionError::Fail,
        optional_lookups: false,
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn row(text: &str) -> Row {
    parsed(text).as_object().unwrap().clone()
}

fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn source(metadata: &Value) -> SourcePlan {
    let parsed = parse_source(metadata, &options());
    assert_eq!(shown(&parsed.errors), Vec::<String>::new());
    parsed.plan.unwrap()
}

#[track_caller]
fn target(metadata: &Value) -> TargetPlan {
    let parsed = parse_target(metadata, None, &options());
    assert_eq!(shown(&parsed.errors), Vec::<String>::new());
    parsed.plan.unwrap()
}

/// A target that maps one row, item by item.
fn metadata(request: &Value) -> Value {
    json!({"api": "x", "request": request})
}

#[track_caller]
fn bill(mapping: Mapping) -> Value {
    match mapping {
        Mapping::Bill(bill) => Value::Object(bill),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn failure(mapping: Mapping) -> MappingError {
    match mapping {
        Mapping::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn pending(mapping: Mapping) -> Vec<Question> {
    match mapping {
        Mapping::Pending(questions) => questions,
        other => panic!("{other:?}"),
    }
}

/// Maps a row whose questions nobody answers.
#[track_caller]
fn map(request: &Value, row_text: &str) -> Value {
    bill(target(&metadata(request)).map(&[row(row_text)], &Variables::at(NOW), &Answers::new()))
}

#[test]
fn plans_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<SourcePlan>();
    shared::<TargetPlan>();
    shared::<MappingError>();
    shared::<Answers>();
}

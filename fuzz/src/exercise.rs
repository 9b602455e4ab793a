//! Uses metadata as the engine does, and looks whether what always holds does.
//!
//! * There is a plan exactly when there are no errors, and every finding has a path and words.
//! * What happens twice happens alike: shaping, rendering, mapping.
//! * A mapping asks only what is not answered, each question once, and comes to an end.
//! * A bill is JSON, and reads back as it was. A failure has a place and a hint.

use std::collections::HashSet;

use dialect_alone::dialect::{
    Answers, Finding, Mapping, MappingError, Options, Parsed, Row, SourcePlan, TargetPlan, parse_source, parse_target,
};
use serde_json::Value;

use crate::world::{self, MOODS, Mood};

/// More rounds of questions than any metadata of this size can need.
const ROUNDS: usize = 1_000;

/// Parses a source under all settings and runs rows through it; the plan under the first, with the rows that it makes.
pub(crate) fn source(metadata: &Value, rows: &[Row]) -> Option<(SourcePlan, Vec<Row>)> {
    let mut first = None;
    for options in world::options() {
        let Some(plan) = checked(parse_source(metadata, options)) else {
            continue;
        };
        for variables in world::moments() {
            request(|| plan.render_request(&variables));
            request(|| plan.render_other_request(&variables));
        }
        let mut shaped = Vec::new();
        for row in rows {
            let made = plan.shape(row.clone());
            assert_eq!(made, plan.shape(row.clone()), "shaping repeats");
            match made {
                Ok(rows) => shaped.extend(rows),
                Err(error) => failure(&error),
            }
        }
        for row in &shaped {
            reads_back(row);
            if let Err(error) = plan.row_id(row) {
                failure(&error);
            }
            plan.row_number(row);
        }
        first.get_or_insert((plan, shaped));
    }
    first
}

/// Parses a target under all settings and maps the rows as one bill, in every mood of the world.
pub(crate) fn target(metadata: &Value, source: Option<&SourcePlan>, rows: &[Row]) {
    for options in world::options() {
        let Some(plan) = checked(parse_target(metadata, source, options)) else {
            continue;
        };
        for variables in world::moments() {
            request(|| plan.render_other_request(&variables));
        }
        for row in rows {
            if let Err(error) = plan.merge_key(row) {
                failure(&error);
            }
        }
        // A world that is not asked anything is in no mood.
        for mood in MOODS {
            if !map(&plan, rows, options, mood) {
                break;
            }
        }
    }
}

/// Maps, answers, and maps again, until nothing is asked; whether anything was.
fn map(plan: &TargetPlan, rows: &[Row], options: &Options, mood: Mood) -> bool {
    let [variables, _] = world::moments();
    let mut answers = Answers::new();
    for _ in 0..ROUNDS {
        let mapping = plan.map(rows, &variables, &answers);
        let again = plan.map(rows, &variables, &answers);
        assert!(is_same(&mapping, &again), "a mapping repeats: {mapping:?} and {again:?}");
        match mapping {
            Mapping::Pending(questions) => {
                assert!(!questions.is_empty(), "a mapping waits for nothing");
                let mut distinct = HashSet::new();
                for question in questions {
                    assert!(!answers.contains(&question), "{question:?} is answered");
                    assert!(distinct.insert(question.clone()), "{question:?} is asked twice");
                    let answer = world::answer(mood, &question);
                    answers.insert(question, answer);
                }
            }
            Mapping::Bill(bill) => {
                reads_back(&bill);
                plan.bill_number(&bill, rows.first(), Some("no"));
                return !answers.is_empty();
            }
            Mapping::Failed(error) => {
                failure(&error);
                return !answers.is_empty();
            }
        }
    }
    panic!(
        "the mapping goes on asking, with {options:?} and the world {mood:?}: {:?}",
        plan.map(rows, &variables, &answers)
    );
}

fn checked<T>(parsed: Parsed<T>) -> Option<T> {
    parsed.errors.iter().chain(&parsed.warnings).for_each(finding);
    assert_eq!(parsed.plan.is_some(), parsed.errors.is_empty(), "a plan, and errors: {:?}", parsed.errors);
    parsed.plan
}

fn finding(finding: &Finding) {
    assert!(finding.path.starts_with('$'), "{finding:?}");
    assert!(!finding.message.is_empty() && finding.hint.as_deref() != Some(""), "{finding:?}");
    // Shown shortened, the mark of it included.
    assert!(finding.text.chars().count() <= 121, "{finding:?}");
}

fn failure(error: &MappingError) {
    assert!(error.path().starts_with('$'), "{error:?}");
    assert!(!error.to_string().is_empty() && !error.hint().is_empty(), "{error:?}");
}

fn request(render: impl Fn() -> Result<Value, MappingError>) {
    let rendered = render();
    assert_eq!(rendered, render(), "rendering repeats");
    match rendered {
        Ok(Value::Object(members)) => reads_back(&members),
        Ok(other) => panic!("a request is no object: {other}"),
        Err(error) => failure(&error),
    }
}

fn is_same(one: &Mapping, other: &Mapping) -> bool {
    match (one, other) {
        (Mapping::Bill(one), Mapping::Bill(other)) => one == other,
        (Mapping::Pending(one), Mapping::Pending(other)) => one == other,
        (Mapping::Failed(one), Mapping::Failed(other)) => one == other,
        _ => false,
    }
}

/// As a plugin gets it.
fn reads_back(members: &Row) {
    let text = serde_json::to_string(members).expect("it can be written as JSON");
    match serde_json::from_str::<Row>(&text) {
        Ok(again) => assert_eq!(&again, members, "{text}"),
        // A row that nests almost too deep can do so altogether in a bill.
        Err(error) => assert!(error.to_string().starts_with("recursion limit exceeded"), "{error}: {text}"),
    }
}

//! Calls of functions and stages by name, as schemes make them.

#![allow(clippy::unwrap_used, reason = "tests")]

use qiao_plugin::{Context, Failure, Processed, Value};

/// The answer to one row of arguments.
pub(crate) fn answer(name: &str, row: &Value) -> Result<Value, String> {
    let rows = vec![row.as_array().unwrap().clone()];
    let mut answers = crate::library().call(name, &Context::default(), &rows).unwrap();
    answers.remove(0)
}

/// The answer as JSON text, or the error after `! `.
pub(crate) fn call(name: &str, row: &Value) -> String {
    answer(name, row).map_or_else(|error| format!("! {error}"), |value| value.to_string())
}

/// A stage over a page of rows.
pub(crate) fn process(name: &str, config: &Value, rows: &Value) -> Result<Processed, Failure> {
    let rows = rows.as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect();
    crate::library().process(name, &Context::default(), config, rows)
}

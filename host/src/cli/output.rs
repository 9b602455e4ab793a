//! The one place that writes to standard output, and what is said on standard error.

use std::io::Write as _;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::config::ConfigProblem;

/// Writes a line to standard output. A reader that has gone away is no error.
pub(super) fn line(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Writes a line to standard error.
pub(super) fn note(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Says what is wrong.
pub(super) fn problem(text: &str) {
    note(&format!("error: {text}"));
}

/// Says what is wrong with the project's files.
pub(super) fn problems(problems: &[ConfigProblem]) {
    for problem in problems {
        if problem.is_error() { note(&format!("error: {problem}")) } else { note(&problem.to_string()) }
    }
}

/// Problems as JSON, errors and warnings apart.
pub(super) fn problems_json(problems: &[ConfigProblem]) -> Value {
    let listed = |errors: bool| -> Vec<Value> {
        problems
            .iter()
            .filter(|problem| problem.is_error() == errors)
            .map(|problem| {
                json!({
                    "file": problem.file.display().to_string(),
                    "line": problem.line,
                    "column": problem.column,
                    "path": problem.path,
                    "text": problem.text,
                    "message": problem.message,
                    "hint": problem.hint,
                })
            })
            .collect()
    };
    json!({ "errors": listed(true), "warnings": listed(false) })
}

/// Writes a table; columns of Chinese text line up.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    line(&table.to_string());
}

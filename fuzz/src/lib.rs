//! What the fuzz targets do with an input.
//!
//! Metadata is pasted in from elsewhere, so the dialect must survive any: each function here takes bytes, makes metadata and
//! rows of them, and uses the dialect as the engine does. What it finds wrong is a panic ([`exercise`] says what is looked at).
//! Templates, expressions and conditions have targets of their own because a change of one letter then stays a change of one
//! letter, not broken JSON.
//!
//! An input is a text, and after it, where its last line that begins with `{` parses as an object, a row to use it on:
//!
//! ```text
//! {{FBillNo}}-{details.qty}
//! {"FBillNo": "A1", "details": [{"qty": 2}]}
//! ```
//!
//! `corpus/` holds inputs that each reach something that no other one does. `cargo xtask fuzz` looks for more; the tests run them all.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "what does not hold is a finding, and panics"
)]

mod exercise;
mod input;
pub mod mutate;
mod world;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs};

use serde_json::{Value, json};

/// A value's text, wherever metadata can have one.
pub fn template(input: &[u8]) {
    let input = input::with_row(input);
    exercise::source(
        &json!({
            "api": "executeBillQuery", "id": input.text, "number": "FBillNo",
            "request": [
                {"field": "FilterString", "value": input.text},
                {"field": "since", "type": "int", "value": input.text},
                {"field": "FBillNo", "parser": "StringToArray", "value": input.text},
            ],
            "otherRequest": {"x": input.text},
        }),
        std::slice::from_ref(&input.row),
    );
    let of_type = |kind: &str| json!({"field": kind, "type": kind, "value": input.text});
    let child = json!([
        {"field": "of_element", "value": input.text},
        {"field": "f", "parser": {"name": "plugged", "params": input.text}, "value": input.text},
    ]);
    let items = json!([
        {"field": "required", "value": input.text, "is_required": true},
        of_type("int"), of_type("float"), of_type("bool"), of_type("datetime"), of_type("array"), of_type("object"), of_type(""),
        {"field": "wrapped", "value": input.text, "parser": {"name": "ConvertObjectParser", "params": input.text}},
        {"field": "chained", "value": input.text, "parser": "StringToArray,ArrayUnique,ArrayToString"},
        {"field": "json", "value": [input.text, {"k": input.text}], "parser": "ConvertJson"},
        {"field": "elements", "type": "array", "value": "details", "children": child},
        {"field": "over", "type": "array", "value": input.text, "children": child},
        {"field": "lines", "type": "array", "children": child},
    ]);
    let item = json!([{"field": "f", "value": input.text}]);
    exercise::target(&json!({"api": "x", "request": item}), None, std::slice::from_ref(&input.row));
    let rows = [input.row.clone(), input.row];
    exercise::target(&json!({"api": "x", "number": input.text, "request": items}), None, &rows);
    exercise::target(
        &json!({"api": "x", "operation": {"method": "merge", "field": input.text}, "request": [{"field": "lines", "type": "array", "children": child}]}),
        None,
        &rows,
    );
}

/// What stands after `_function`, `_findCollection`, `_mongoQuery` or `_plugin`; without any of these, after `_function`.
pub fn expression(input: &[u8]) {
    let input = input::with_row(input);
    let text = if input.text.starts_with('_') { input.text } else { format!("_function {}", input.text) };
    let rows = [input.row.clone(), input.row];
    for kind in ["", "string", "int", "float", "bool", "datetime"] {
        let item = json!({"field": "f", "type": kind, "value": text});
        exercise::target(&json!({"api": "x", "request": [item]}), None, &rows);
    }
    let item = json!({"field": "f", "value": text});
    exercise::target(
        &json!({"api": "x", "request": [{"field": "elements", "type": "array", "value": "details", "children": [item]}]}),
        None,
        &rows,
    );
    exercise::target(
        &json!({"api": "x", "operation": {"method": "merge", "field": "FBillNo"},
            "request": [item, {"field": "lines", "type": "array", "children": [item, {"field": "x", "value": "{{details.qty}}"}]}]}),
        None,
        &rows,
    );
    exercise::source(&json!({"api": "x", "id": "FBillNo", "request": [item]}), &[]);
}

/// `condition` as JSON, or one test a line, `field logic value`, where an empty line begins another group. With it
/// `formatResponse`, where the text begins with `format `.
pub fn condition(input: &[u8]) {
    let input = input::with_row(input);
    let condition = input::condition(&input.text);
    let source = |flatten: Value| json!({"api": "x", "id": "FBillNo", "beatFlat": flatten, "condition": condition, "request": []});
    exercise::source(&source(Value::Null), std::slice::from_ref(&input.row));
    exercise::source(&source(json!(["details"])), std::slice::from_ref(&input.row));
    if let Some((name, format)) = input.text.strip_prefix("format ").and_then(|rest| rest.split_once(' ')) {
        let formats =
            json!([{"old": name, "new": "f", "format": format}, {"old": name, "new": "details.f", "format": format}]);
        exercise::source(&json!({"api": "x", "id": "FBillNo", "formatResponse": formats, "request": []}), &[input.row]);
    }
}

/// Whole metadata: that of either side, or `{"source": …, "target": …, "rows": […]}`.
pub fn metadata(input: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let rows = input::rows(&input);
    let (source, target) = match (input.get("source"), input.get("target")) {
        (None, None) => (Some(&input), Some(&input)),
        sides => sides,
    };
    let plan = source.and_then(|source| exercise::source(source, &rows));
    if let Some(target) = target {
        exercise::target(target, None, &rows);
        if let Some((plan, shaped)) = &plan {
            exercise::target(target, Some(plan), shaped);
        }
    }
}

/// Runs one input of libFuzzer's. Where `QIAO_FUZZ_CURRENT` names a file, the input is there while it is under way: a stack
/// that overflows ends the process before libFuzzer can write it down.
pub fn run(target: fn(&[u8]), input: &[u8]) {
    static CURRENT: LazyLock<Option<OsString>> = LazyLock::new(|| env::var_os("QIAO_FUZZ_CURRENT"));
    if let Some(file) = CURRENT.as_ref() {
        fs::write(file, input).expect("the input can be written down");
    }
    target(input);
}

/// Runs what the program was given: files, and all files of folders.
pub fn replay(target: fn(&[u8])) {
    for path in env::args_os().skip(1) {
        for file in files(Path::new(&path)) {
            eprintln!("{}", file.display());
            target(&fs::read(&file).expect("the file can be read"));
        }
    }
}

/// A file itself, or the files of a folder, by name.
pub fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(path).expect("the folder can be read").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

//! Scheme metadata, in the three ways it is written: pasted JSON, a text block that holds JSON, or a file of its own.
//!
//! ```yaml
//! metadata: { "api": "executeBillQuery" }     # pasted: JSON is YAML, and YAML works too
//! metadata: |                                 # a text block
//!   { "api": "executeBillQuery" }
//! metadata_file: kingdee-order.json           # beside the scheme, or in the project's folder
//! ```
//!
//! Pasted JSON is YAML but for two things that people paste: tabs before a line, and a comma before a closing brace. Both are
//! blanked out before YAML is parsed, byte for byte, so that every place stays right. And where it is neither JSON nor YAML,
//! the JSON reader knows better what is wrong.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::json::{self, Json};
use super::problem::{Complaint, ConfigProblem, Origin, Place, Report};
use super::text::{self, Lines};
use super::tree::fields::Fields;
use super::tree::{Data, Node, read, yaml};

pub(super) const COMMA: &str = "there is a comma too many before the closing bracket; it is ignored";

/// The metadata of one side of a scheme.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// The content of the file it stands in, if that is not the scheme's.
    pub(super) file_text: Option<String>,
}

/// Parses a scheme file, pasted JSON and all.
pub(super) fn parse_yaml(text: &str, report: &Report) -> Option<Node> {
    let lines = Lines::new(text);
    let mut tidy = text.to_owned();
    let mut broken = Vec::new();
    for start in pastes(text) {
        let scan = json::scan(text, start);
        let range = start..scan.end;
        let pasted = text.get(range.clone()).unwrap_or_default();
        match json::parse(pasted) {
            Ok(_) => {
                for comma in &scan.commas {
                    report.add(ConfigProblem::warning(report.file(), COMMA).place(lines.place(*comma)));
                }
                tidy.replace_range(range.clone(), &json::blank(text, range, &scan));
            }
            Err(complaint) if looks_like_json(pasted) => {
                let from = lines.place(start);
                let place = complaint.place.map(|place| Place {
                    line: from.line + place.line - 1,
                    column: if place.line == 1 { from.column + place.column - 1 } else { place.column },
                });
                broken.push((from, Complaint { place, ..complaint }));
            }
            Err(_) => {}
        }
    }
    match yaml::parse(&tidy) {
        Ok(node) => Some(node),
        Err(complaint) => {
            let line = complaint.place.map_or(1, |place| place.line);
            // The last paste that begins before the place where YAML gave up is what it gave up on.
            let pasted = broken.into_iter().rfind(|(from, _)| from.line <= line).map(|(_, complaint)| complaint);
            report.complain(Place { line: 1, column: 1 }, "", pasted.unwrap_or(complaint));
            None
        }
    }
}

/// Offsets of the `{` behind each `metadata:`, on its line or on the next that is not blank.
fn pastes(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut offset = 0;
    let mut awaited = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start();
        let value = content.strip_prefix("metadata:").or_else(|| content.strip_prefix("\"metadata\":"));
        let value = match value {
            Some(value) => Some(value.trim_start()),
            None if awaited => Some(content),
            None => None,
        };
        if let Some(value) = value {
            if value.starts_with('{') {
                found.push(offset + line.len() - value.len());
            }
            awaited = value.is_empty() || value.starts_with('#');
        }
        offset += line.len();
    }
    found
}

/// Its first key is in double quotes, or there is none.
fn looks_like_json(pasted: &str) -> bool {
    pasted.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

/// Reads `metadata` or `metadata_file` of one side of a scheme.
pub(super) fn read(fields: &Fields<'_>, root: &Path) -> Option<Metadata> {
    let node = fields.get("metadata");
    match (node, fields.get("metadata_file")) {
        (None, None) => {
            fields.missing("metadata");
            None
        }
        (Some(_), Some(_)) => {
            fields.complain(Complaint::new("has both `metadata` and `metadata_file`").hint("keep one of them"));
            None
        }
        (Some(node), None) => {
            let value = fields.read("metadata", |node| inline(node, fields.report(), &fields.path("metadata")))?;
            let value = object(value, || fields.read::<()>("metadata", |_| Err(no_object(node))))?;
            Some(Metadata { value, origin: fields.origin("metadata"), file_text: None })
        }
        (None, Some(_)) => {
            let name = fields.read("metadata_file", read::text)?;
            from_file(fields, root, &name)
        }
    }
}

fn object(value: Value, complain: impl FnOnce() -> Option<()>) -> Option<Value> {
    if value.is_object() {
        return Some(value);
    }
    complain();
    None
}

fn no_object(node: &Node) -> Complaint {
    Complaint::new(format!("expected a JSON object, found {}", node.describe()))
        .hint("paste the metadata's JSON, or name its file by `metadata_file`")
}

fn inline(node: &Node, report: &Report, path: &str) -> Result<Value, Complaint> {
    let Data::Text(text) = &node.data else { return node.to_json() };
    if !text.trim_start().starts_with('{') {
        return Err(no_object(node));
    }
    // Within a block the places of JSON are places of the file. In any other text they are told beside the place of the text.
    let blank_lines = text.bytes().take_while(|byte| *byte == b'\n').count();
    let in_file = |place: Place| Place {
        line: (node.place.line + place.line).saturating_sub(1 + text::to_u32(blank_lines)),
        column: node.place.column + place.column - 1,
    };
    match json::parse(text) {
        Ok(Json { value, commas }) => {
            for comma in commas {
                let place = if node.block { in_file(comma) } else { node.place };
                report.add(ConfigProblem::warning(report.file(), COMMA).place(place).at(path));
            }
            Ok(value)
        }
        Err(complaint) => Err(match complaint.place {
            Some(place) if node.block => complaint.place(in_file(place)),
            Some(place) => Complaint {
                message: format!("{} (line {}, column {} of the text)", complaint.message, place.line, place.column),
                place: None,
                ..complaint
            },
            None => complaint,
        }),
    }
}

fn from_file(fields: &Fields<'_>, root: &Path, name: &str) -> Option<Metadata> {
    let report = fields.report();
    let beside = report.file().parent().unwrap_or(Path::new("")).join(name);
    let file = [beside.clone(), PathBuf::from(name)].into_iter().find(|file| root.join(file).is_file());
    let Some(file) = file else {
        fields.read::<()>("metadata_file", |_| {
            Err(Complaint::new(format!(
                "there is no file `{}`, and no `{name}` in the project's folder",
                beside.display()
            ))
            .hint("the path is relative to the scheme's file, or to the project's folder"))
        });
        return None;
    };
    let text = text::read(root, &file).map_err(|problem| report.add(problem)).ok()?;
    let problem = |complaint: Complaint| ConfigProblem::complaint(&file, complaint);
    match json::parse(&text) {
        Ok(Json { value, commas }) => {
            for comma in commas {
                report.add(ConfigProblem::warning(&file, COMMA).place(comma));
            }
            let value = object(value, || {
                report.add(problem(Complaint::new("expected a JSON object")));
                None
            })?;
            let origin = Origin { file, line: Some(1), column: Some(1), path: fields.path("metadata") };
            Some(Metadata { value, origin, file_text: Some(text) })
        }
        Err(complaint) => {
            report.add(problem(complaint));
            None
        }
    }
}

//! What TOML and YAML have in common: a tree of values, each with its place in the file.
//!
//! Neither format is read straight into structs. Serde would stop at the first problem, would know a place only for
//! syntax errors, and would carry numbers through `f64` and `i64`; here every value keeps its line and column, and numbers
//! keep the text that was written. [`fields`] reads the tree, key by key.

pub(super) mod fields;
pub(super) mod read;
pub(super) mod toml;
pub(super) mod yaml;

use serde_json::{Map, Number, Value};

use super::problem::{Complaint, Place};

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) data: Data,
    pub(super) place: Place,
    /// True for a `|` block: each of its lines is a line of the file, indented to the column of `place`.
    pub(super) block: bool,
}

/// A key and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

/// What was written.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Null,
    Bool(bool),
    /// A number in JSON's notation, digit by digit as it was written.
    Number(String),
    Text(String),
    /// Something JSON has no word for, such as `inf`.
    Other(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// "the text `x`", for messages.
    pub(super) fn describe(&self) -> String {
        match &self.data {
            Data::Null => "nothing".to_owned(),
            Data::Bool(value) => format!("`{value}`"),
            Data::Number(text) | Data::Other(text) => format!("the number `{}`", shorten(text)),
            Data::Text(text) => format!("the text `{}`", shorten(text)),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a mapping".to_owned(),
        }
    }

    /// The value as JSON, its numbers exact and its keys in order.
    pub(super) fn to_json(&self) -> Result<Value, Complaint> {
        Ok(match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Text(text) => Value::String(text.clone()),
            Data::Number(text) => Value::Number(text.parse::<Number>().map_err(|_| self.not_json(text))?),
            Data::Other(text) => return Err(self.not_json(text)),
            Data::List(items) => Value::Array(items.iter().map(Node::to_json).collect::<Result<_, _>>()?),
            Data::Map(entries) => Value::Object(to_object(entries.iter().map(|(key, node)| (key, node)))?),
        })
    }

    fn not_json(&self, text: &str) -> Complaint {
        Complaint::new(format!("the number `{}` does not exist in JSON", shorten(text))).place(self.place)
    }
}

/// Entries as a JSON object.
pub(super) fn to_object<'a>(
    entries: impl Iterator<Item = (&'a Key, &'a Node)>,
) -> Result<Map<String, Value>, Complaint> {
    entries.map(|(key, node)| Ok((key.name.clone(), node.to_json()?))).collect()
}

/// Enough of a text to recognise it in a message.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > MOST || line.len() < text.trim_end().len() {
        format!("{}…", line.chars().take(MOST).collect::<String>())
    } else {
        line.to_owned()
    }
}

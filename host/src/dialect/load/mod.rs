//! Reading items.
//!
//! Everything that can be known before the first record is found out here: types, directives, functions and their argument
//! counts, names that nothing feeds. What is read becomes a tree of [`Item`]s; what is wrong becomes findings, and reading
//! goes on, so that a person sees all of it at once.

mod array;
mod condition;
mod group;
mod names;
mod parser;
mod shape;
mod transform;
mod value;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::Side;
use super::finding::{Findings, element, listed, member, nearest};
use super::item::{Computed, Content, Item, Origin};
use super::options::Options;
use super::parser::Parser;
use super::plan::{FunctionUse, LookupUse, Named};
use super::value::{Type, index_text};

/// Keys that act.
const ACTING: [&str; 7] = ["field", "type", "value", "parser", "children", "transform", "is_required"];
/// Keys that describe.
const DESCRIBING: [&str; 7] = ["label", "describe", "parent", "id", "parent_id", "display", "enableDisplay"];

/// What templates can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Variables, those of a page among them: a source's request.
    Page,
    /// Variables but those of a page: what is sent beside bills.
    Moment,
    /// A row's fields as well: a mapping.
    Row,
    /// Fields that nobody knows beforehand, of a vendor's reply and of the bill that was written; no lookups.
    Reply,
}

/// Reads the items of one side.
pub(super) struct Loader<'a> {
    pub(super) side: Side,
    pub(super) options: &'a Options,
    pub(super) findings: Findings,
    pub(super) names: Names,
    /// The name of a merged bill's lines.
    pub(super) lines: Option<String>,
    /// The columns of the source, where they are known.
    pub(super) columns: Option<Map<String, Value>>,
    /// What the source computes.
    pub(super) source_computed: Arc<[Computed]>,
    /// What is computed here.
    pub(super) computed: Vec<Computed>,
    pub(super) lookups: Vec<LookupUse>,
    pub(super) functions: Vec<FunctionUse>,
    /// The fields of rows that were named so far.
    pub(super) mentioned: Named,
    pub(super) needs_last_sync: bool,
    /// The array that is flattened, where one is.
    pub(super) flattened: Option<String>,
    /// How many arrays over lists of unknown elements surround the item.
    lists: usize,
    /// A template has named a line since this was last cleared.
    line_named: bool,
}

impl<'a> Loader<'a> {
    pub(super) fn new(side: Side, options: &'a Options) -> Self {
        Self {
            side,
            options,
            findings: Findings::default(),
            names: match side {
                Side::Source => Names::Page,
                Side::Target => Names::Row,
            },
            lines: None,
            columns: None,
            source_computed: Arc::from([]),
            computed: Vec::new(),
            lookups: Vec::new(),
            functions: Vec::new(),
            mentioned: Named::default(),
            needs_last_sync: false,
            flattened: None,
            lists: 0,
            line_named: false,
        }
    }

    /// The items of `request`, `otherRequest` or `children`, as an array or as an object.
    pub(super) fn items(&mut self, path: &str, items: &Value) -> Vec<Item> {
        let mut read = Vec::new();
        match items {
            Value::Null => {}
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.array_item(&element(path, index), item, &mut read);
                }
            }
            Value::Object(items) => self.object_items(path, items, &mut read),
            other => self.findings.error(
                path,
                other,
                "this is no list of items",
                "write an array of items: `[{\"field\": …, \"value\": …}]`".to_owned(),
            ),
        }
        for item in &mut read {
            item.may_ask = item.finds_or_calls(&self.source_computed);
        }
        for (index, item) in read.iter().enumerate() {
            if read.iter().take(index).any(|before| before.field == item.field) {
                let text = Value::from(item.field.as_ref());
                self.findings.warning(
                    &item.origin.path,
                    &text,
                    format!("field `{}` occurs twice; the later one wins", item.field),
                    None,
                );
            }
        }
        read
    }

    fn array_item(&mut self, path: &str, item: &Value, read: &mut Vec<Item>) {
        let Value::Object(keys) = item else {
            self.findings.error(path, item, "an item is no object", "write `{\"field\": …, \"value\": …}`".to_owned());
            return;
        };
        match keys.get("field") {
            Some(Value::String(field)) if !field.trim().is_empty() => {
                read.extend(self.item(path, field.trim(), keys, item));
            }
            // The object form, one item or more of it, among others.
            None if !keys.is_empty() && keys.values().all(is_item) => self.object_items(path, keys, read),
            _ => self.findings.error(
                path,
                item,
                "an item has no `field`",
                "name the field that the item fills".to_owned(),
            ),
        }
    }

    fn object_items(&mut self, path: &str, items: &Map<String, Value>, read: &mut Vec<Item>) {
        for (field, value) in items {
            let path = member(path, field);
            match value {
                Value::Object(keys) if is_item(value) => read.extend(self.item(&path, field, keys, value)),
                // `"FormId": "SAL_SaleOrder"`: a value without further ado.
                value => {
                    self.misspelt_item(&path, value);
                    let content = self.written(&path, value, Type::Any);
                    read.push(Item {
                        field: field.as_str().into(),
                        origin: self.origin(&path, value),
                        kind: Type::Any,
                        required: false,
                        content,
                        parsers: Vec::new(),
                        may_ask: true,
                    });
                }
            }
        }
    }

    /// An object is taken as a constant unless it describes an item; that it was meant to is likely where a key nearly does.
    fn misspelt_item(&mut self, path: &str, value: &Value) {
        for key in value.as_object().into_iter().flat_map(Map::keys) {
            if let Some(near) = nearest(key, ACTING) {
                let hint = format!("did you mean `{near}`?");
                self.findings.warning(
                    &member(path, key),
                    value,
                    format!("`{key}` is taken as part of a constant"),
                    hint,
                );
            }
        }
    }

    fn item(&mut self, path: &str, field: &str, keys: &Map<String, Value>, whole: &Value) -> Option<Item> {
        for (key, value) in keys {
            let key = key.as_str();
            let of_parser = keys.contains_key("parser") && parser::PARAMETERS.contains(&key);
            if !ACTING.contains(&key) && !DESCRIBING.contains(&key) && !of_parser {
                self.findings.unknown_key(path, key, value, &ACTING);
            }
        }
        let kind = self.kind(path, keys.get("type"));
        let required = self.flag(path, keys, "is_required").unwrap_or(false);
        let value = keys.get("value").filter(|value| !value.is_null());
        let at = value.map_or_else(|| path.to_owned(), |_| member(path, "value"));
        let origin = self.origin(&at, value.unwrap_or(&Value::Null));
        let mut parsers = self.parsers(path, keys);
        if let Some(transform) = keys.get("transform").filter(|transform| !says_nothing(transform)) {
            return self.transformed(path, field, kind, required, (transform, value), parsers);
        }
        let children = keys.get("children").filter(|children| !says_nothing(children));
        let content = match (children, kind) {
            (Some(children), Type::Array) => self.array(path, value, children),
            (Some(children), Type::Object) => {
                if let Some(value) = value.filter(|value| !says_nothing(value)) {
                    self.findings.warning(
                        &at,
                        value,
                        "an object with `children` takes its members from them; this value does nothing",
                        None,
                    );
                }
                Content::Object(self.items(&member(path, "children"), children))
            }
            (Some(children), _) => {
                self.findings.error(
                    &member(path, "children"),
                    children,
                    "only an array or an object has `children`",
                    "set `type` to `array` or `object`".to_owned(),
                );
                Content::Nothing
            }
            (None, Type::Array) if self.names == Names::Row && reads_list(&parsers) => self.list(&at, value, &parsers),
            (None, _) if !parsers.is_empty() => {
                let content = value.map_or(Content::Nothing, |value| self.unparsed(&at, value));
                self.parsed(&at, content, &mut parsers)
            }
            (None, _) => value.map_or(Content::Nothing, |value| self.written(&at, value, kind)),
        };
        // A value that was written, and is nothing because it is wrong, has been said to be so.
        if let (Content::Nothing, None, true, Side::Target) = (&content, value, required, self.side) {
            self.findings.warning(
                path,
                whole,
                format!("`{field}` is required and has no `value`: no record can be mapped"),
                "give it a value, or drop `is_required`".to_owned(),
            );
        }
        Some(Item { field: field.into(), origin, kind, required, content, parsers, may_ask: true })
    }

    fn kind(&mut self, path: &str, kind: Option<&Value>) -> Type {
        let known = match kind {
            None | Some(Value::Null) => Some(Type::Any),
            Some(Value::String(name)) => Type::parse(name),
            Some(_) => None,
        };
        known.unwrap_or_else(|| {
            let kind = kind.unwrap_or(&Value::Null);
            let name = index_text(kind);
            let hint = nearest(&name, Type::NAMES)
                .map_or_else(|| format!("types: {}", listed(&Type::NAMES)), |near| format!("did you mean `{near}`?"));
            self.findings.error(&member(path, "type"), kind, format!("type `{name}` is unknown"), hint);
            Type::Any
        })
    }

    /// A truth value, which published metadata also writes as a text or a number.
    pub(super) fn flag(&mut self, path: &str, keys: &Map<String, Value>, key: &str) -> Option<bool> {
        let value = keys.get(key).filter(|value| !value.is_null())?;
        match index_text(value).to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            "" => None,
            _ => {
                self.findings.error(&member(path, key), value, format!("`{key}` is neither true nor false"), None);
                None
            }
        }
    }

    /// Whether flattening makes a field of this name.
    fn is_flattened(&self, field: &str) -> bool {
        self.flattened.as_deref().is_some_and(|list| {
            let head = field.get(..list.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(list))
                && field.get(list.len()..).is_some_and(|rest| rest.starts_with('_'))
        })
    }

    pub(super) fn origin(&self, path: &str, value: &Value) -> Origin {
        Origin { side: self.side, path: path.into(), text: index_text(value).into() }
    }
}

/// Without parsers, or with one that reads an array, the bare text of an array's `value` is the name of one.
fn reads_list(parsers: &[Parser]) -> bool {
    match parsers.first() {
        None | Some(Parser::Function(_)) => true,
        Some(Parser::BuiltIn(parser)) => parser.wants_array(),
    }
}

/// An object that describes an item, not a value.
fn is_item(value: &Value) -> bool {
    value.as_object().is_some_and(|keys| {
        keys.keys().any(|key| {
            key != "field" && (ACTING.contains(&key.as_str()) || matches!(key.as_str(), "label" | "describe"))
        })
    })
}

/// `null`, `""`, `[]`, `{}`, and arrays of those: a key that is written but orders nothing.
pub(super) fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(says_nothing),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

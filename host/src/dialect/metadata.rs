//! The top level of metadata.
//!
//! Both sides share most keys. A key that would act on the other side only is refused, or warned of, by name: metadata that
//! asks for rows to be chosen and gets all of them would deliver the wrong bills.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::Side;
use super::finding::{listed, member};
use super::item::Origin;
use super::key::Key;
use super::load::{Loader, says_nothing};
use super::options::Options;
use super::plan::{FunctionUse, LookupUse, Named, Uses};
use super::template::Template;
use super::value::index_text;

/// Keys that act, or are documentation.
const KNOWN: [&str; 15] = [
    "api",
    "effect",
    "type",
    "method",
    "number",
    "id",
    "name",
    "idCheck",
    "request",
    "otherRequest",
    "response",
    "autoFillResponse",
    "operation",
    "groupCalculate",
    "pagination",
];

/// Keys that choose and shape a source's rows.
const OF_SOURCES: [&str; 4] = ["condition", "formatResponse", "beatFlat", "omissionRemedy"];

/// The key of what is done after a write.
const WRITE_BACK: &str = "callBackStrategy";

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What both sides have.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) api: String,
    pub(super) method: String,
    pub(super) id_check: Option<bool>,
    pub(super) id: Option<Key>,
    pub(super) number: Option<Key>,
}

pub(super) fn header(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> Header {
    for (key, value) in keys {
        let (key, of_source) = (key.as_str(), OF_SOURCES.contains(&key.as_str()));
        if of_source && loader.side == Side::Target && !says_nothing(value) {
            let hint = "rows are chosen and shaped where they are fetched: move it to the source's metadata";
            let message = format!("key `{key}` is not supported on a target");
            loader.findings.error(&member("$", key), value, message, hint.to_owned());
        } else if key == WRITE_BACK && loader.side == Side::Source && !says_nothing(value) {
            let hint = "it says what becomes of a written bill: move it to the target's metadata".to_owned();
            loader.findings.warning(&member("$", key), value, format!("key `{key}` does nothing on a source"), hint);
        } else if !of_source && key != WRITE_BACK && !KNOWN.contains(&key) {
            let known: Vec<&str> = KNOWN.iter().chain(&OF_SOURCES).chain(&[WRITE_BACK]).copied().collect();
            loader.findings.unknown_key("$", key, value, &known);
        }
    }
    effect(loader, keys);
    Header {
        api: api(loader, keys),
        method: method(loader, keys),
        id_check: loader.flag("$", keys, "idCheck"),
        id: key(loader, keys, "$", "id"),
        number: key(loader, keys, "$", "number"),
    }
}

fn api(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> String {
    match keys.get("api") {
        Some(Value::String(api)) if !api.trim().is_empty() => api.trim().to_owned(),
        other => {
            let at = other.unwrap_or(&Value::Null);
            loader.findings.error(
                "$.api",
                at,
                "`api` is missing",
                "name the vendor's operation: `executeBillQuery`, `/v1/invoices/order/push` …".to_owned(),
            );
            String::new()
        }
    }
}

fn method(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> String {
    let Some(value) = keys.get("method").filter(|value| !says_nothing(value)) else {
        return "POST".to_owned();
    };
    let method = index_text(value).trim().to_ascii_uppercase();
    if !METHODS.contains(&method.as_str()) {
        loader.findings.error(
            "$.method",
            value,
            format!("`{method}` is no HTTP method"),
            format!("methods: {}", listed(&METHODS)),
        );
    }
    method
}

/// `effect` in articles, `type` in live metadata.
fn effect(loader: &mut Loader<'_>, keys: &Map<String, Value>) {
    for key in ["effect", "type"] {
        let Some(value) = keys.get(key).filter(|value| !says_nothing(value)) else {
            continue;
        };
        let written = index_text(value).trim().to_ascii_uppercase();
        let side = match written.as_str() {
            "QUERY" => Side::Source,
            "EXECUTE" | "WRITE" | "CREATE" | "UPDATE" => Side::Target,
            _ => {
                loader.findings.warning(
                    &member("$", key),
                    value,
                    format!("`{written}` is neither `QUERY` nor `EXECUTE`"),
                    None,
                );
                continue;
            }
        };
        if side != loader.side {
            let message = match loader.side {
                Side::Source => format!("`{written}` writes, and a source reads"),
                Side::Target => format!("`{written}` reads, and a target writes"),
            };
            loader.findings.error(&member("$", key), value, message, "source and target may be mixed up".to_owned());
        }
    }
}

/// A field's path, or a template over the row.
pub(super) fn key(loader: &mut Loader<'_>, keys: &Map<String, Value>, parent: &str, key: &str) -> Option<Key> {
    let value = keys.get(key).filter(|value| !says_nothing(value))?;
    let path = member(parent, key);
    let Value::String(text) = value else {
        loader.findings.error(
            &path,
            value,
            format!("`{key}` is no text"),
            "write a field's path, or `\"{{a}}-{{b}}\"`".to_owned(),
        );
        return None;
    };
    match Template::parse(text.trim()) {
        Ok(template) => {
            if template.has_odd_brace() {
                loader.findings.warning(
                    &path,
                    value,
                    "a brace is left over and stays text",
                    "write `{{field}}`".to_owned(),
                );
            }
            if template.finds().next().is_some() {
                let hint = "name fields of the row: what a lookup finds may change".to_owned();
                loader.findings.error(&path, value, format!("`{key}` cannot be looked up"), hint);
                return None;
            }
            let origin = Origin { side: loader.side, path: path.as_str().into(), text: text.trim().into() };
            Some(Key::new(origin, template))
        }
        Err(error) => {
            loader.findings.error(&path, value, error.message, error.hint);
            None
        }
    }
}

/// `operation`: how a target groups rows into bills, and bills into writes.
#[derive(Default)]
pub(super) struct Operation {
    pub(super) merge: Option<Merge>,
    /// Bills of one write at most.
    pub(super) rows: Option<u32>,
}

/// Rows with an equal key are one bill.
pub(super) struct Merge {
    pub(super) key: Key,
    pub(super) lines: String,
}

pub(super) fn operation(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> Operation {
    const METHODS: [&str; 3] = ["none", "merge", "batchArraySave"];
    const KNOWN: [&str; 5] = ["method", "field", "bodyName", "rows", "rowsKey"];
    let Some(value) = keys.get("operation").filter(|value| !says_nothing(value)) else {
        return Operation::default();
    };
    let Value::Object(operation) = value else {
        loader.findings.error(
            "$.operation",
            value,
            "`operation` is no object",
            "write `{\"method\": \"merge\", \"field\": …}`".to_owned(),
        );
        return Operation::default();
    };
    let method = operation.get("method").map(index_text).unwrap_or_default();
    let method = method.trim();
    for (key, value) in operation {
        if !KNOWN.contains(&key.as_str()) {
            loader.findings.unknown_key("$.operation", key, value, &KNOWN);
        } else if matches!(key.as_str(), "rows" | "rowsKey") && matches!(method, "" | "none") && !says_nothing(value) {
            let hint = "it says how many bills go into one write: `\"method\": \"batchArraySave\"`".to_owned();
            let message = format!("`{key}` does nothing without `batchArraySave`");
            loader.findings.warning(&member("$.operation", key), value, message, hint);
        }
    }
    let merge = match METHODS.into_iter().find(|known| known.eq_ignore_ascii_case(method)) {
        Some("merge") => merge(loader, operation, value),
        // `batchArraySave` with the field of a merge is both.
        Some("batchArraySave") if operation.get("field").is_some_and(|field| !says_nothing(field)) => {
            merge(loader, operation, value)
        }
        Some(_) => None,
        None if method.is_empty() => None,
        None => {
            let hint = super::finding::nearest(method, METHODS)
                .map_or_else(|| format!("methods: {}", listed(&METHODS)), |near| format!("did you mean `{near}`?"));
            loader.findings.error("$.operation.method", value, format!("method `{method}` is unknown"), hint);
            None
        }
    };
    let batches = !method.is_empty() && !method.eq_ignore_ascii_case("none");
    Operation { merge, rows: rows(loader, operation).filter(|_| batches) }
}

fn merge(loader: &mut Loader<'_>, operation: &Map<String, Value>, value: &Value) -> Option<Merge> {
    let Some(key) = key(loader, operation, "$.operation", "field") else {
        loader.findings.error(
            "$.operation.field",
            value,
            "`merge` has no `field`",
            "name the field that the rows of one bill have in common".to_owned(),
        );
        return None;
    };
    let lines = operation.get("bodyName").map(index_text).filter(|name| !name.trim().is_empty());
    Some(Merge { key, lines: lines.map_or_else(|| "details".to_owned(), |name| name.trim().to_owned()) })
}

/// `rows`: bills of one write. Under which name the vendor takes them (`rowsKey`) its connector knows.
fn rows(loader: &mut Loader<'_>, operation: &Map<String, Value>) -> Option<u32> {
    let value = operation.get("rows").filter(|value| !says_nothing(value))?;
    let rows = index_text(value).trim().parse::<u32>().ok().filter(|rows| *rows > 0);
    if rows.is_none() {
        let hint = "for example 20".to_owned();
        loader.findings.error("$.operation.rows", value, "`rows` is no whole number above 0", hint);
    }
    rows
}

/// `pagination`: how a source pages.
pub(super) fn page_size(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> Option<u32> {
    let value = keys.get("pagination").filter(|value| !says_nothing(value))?;
    let Value::Object(pagination) = value else {
        loader.findings.error(
            "$.pagination",
            value,
            "`pagination` is no object",
            "write `{\"pageSize\": 500}`".to_owned(),
        );
        return None;
    };
    for (key, value) in pagination {
        if key != "pageSize" {
            loader.findings.unknown_key("$.pagination", key, value, &["pageSize"]);
        }
    }
    let size = pagination.get("pageSize").filter(|size| !says_nothing(size))?;
    let number = index_text(size).trim().parse::<u32>().ok().filter(|size| *size > 0);
    if number.is_none() {
        loader.findings.error(
            "$.pagination.pageSize",
            size,
            "the page size is no whole number above 0",
            "for example 500".to_owned(),
        );
    }
    number
}

/// The members of metadata, which must be an object.
pub(super) fn members<'m>(loader: &mut Loader<'_>, metadata: &'m Value) -> Option<&'m Map<String, Value>> {
    let members = metadata.as_object();
    if members.is_none() {
        loader.findings.error(
            "$",
            metadata,
            "metadata is no JSON object",
            "paste the scheme's metadata from `{` to `}`".to_owned(),
        );
    }
    members
}

/// What a side uses, and how it is set.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) header: Header,
    pub(super) options: Options,
    pub(super) lookups: Arc<[LookupUse]>,
    pub(super) functions: Arc<[FunctionUse]>,
    /// The fields of a row that it names.
    pub(super) named: Arc<Named>,
}

impl Common {
    pub(super) fn uses(&self) -> Uses {
        Uses { lookups: self.lookups.to_vec(), functions: self.functions.to_vec() }
    }
}

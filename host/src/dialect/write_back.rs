//! `callBackStrategy`: after a write, values of the vendor's reply become a row of another scheme.
//!
//! The reply is what the connector noted of the written bill, with its `id` and `number`. `primaryWriteback` stands for it,
//! or for what the `response` item of that name picks of it; every other name means the head of the bill that was written.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Row;
use super::error::{MappingError, Place, Side};
use super::finding::{element, member};
use super::item::Item;
use super::load::{Loader, Names, says_nothing};
use super::mapping::{Mapping, Rendering};
use super::options::{Options, Variables};
use super::question::Answers;
use super::scope::Scope;
use super::value::index_text;

/// The name under which templates mean the reply.
const REPLY: &str = "primaryWriteback";

/// A row that a delivery brings into another scheme.
#[derive(Clone, Debug)]
pub struct WriteBack {
    path: Arc<str>,
    scheme: Arc<str>,
    members: Arc<[Item]>,
    /// What is picked of the reply; `None`: all of it.
    picked: Option<Arc<[Item]>>,
    options: Options,
}

impl WriteBack {
    /// The JSON path within the metadata.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The scheme that gets the row, as the metadata names it: a stem, a name, or an id.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The row, from the reply (with `id` and `number` in it) and the head of the bill as it is collected; `None` where
    /// nothing is collected of it any more.
    pub fn row(&self, reply: Row, head: Option<&Row>, variables: &Variables) -> Result<Row, MappingError> {
        let picked = match &self.picked {
            Some(items) => self.render(items, &reply, variables)?,
            None => reply,
        };
        let mut row = head.cloned().unwrap_or_default();
        row.insert(REPLY.to_owned(), Value::Object(picked));
        self.render(&self.members, &row, variables)
    }

    fn render(&self, items: &[Item], row: &Row, variables: &Variables) -> Result<Row, MappingError> {
        let answers = Answers::new();
        match Rendering::new(&self.options, variables, &answers).render(items, &Scope::of_row(row)) {
            Mapping::Bill(row) => Ok(row),
            Mapping::Failed(error) => Err(error),
            // Loading refuses lookups and functions here.
            Mapping::Pending(_) => Err(MappingError::NoRows {
                place: Place { side: Side::Target, path: Arc::clone(&self.path), text: "".into(), line: None },
            }),
        }
    }
}

/// Reads `callBackStrategy`, and what `response` picks of the reply.
pub(super) fn read(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> Vec<WriteBack> {
    const PATH: &str = "$.callBackStrategy";
    let Some(value) = keys.get("callBackStrategy").filter(|value| !says_nothing(value)) else {
        return Vec::new();
    };
    let before = loader.names;
    loader.names = Names::Reply;
    let picked = picked(loader, keys.get("response"));
    let strategies: Vec<(String, &Value)> = match value {
        Value::Array(list) => list.iter().enumerate().map(|(index, value)| (element(PATH, index), value)).collect(),
        single => vec![(PATH.to_owned(), single)],
    };
    let write_backs =
        strategies.into_iter().filter_map(|(path, value)| one(loader, &path, value, picked.as_ref())).collect();
    loader.names = before;
    write_backs
}

fn one(loader: &mut Loader<'_>, path: &str, value: &Value, picked: Option<&Arc<[Item]>>) -> Option<WriteBack> {
    const HINT: &str = "write `{\"strategyId\": \"scheme\", \"order_id\": \"{{primaryWriteback.id}}\"}`";
    let Value::Object(keys) = value else {
        loader.findings.error(path, value, "`callBackStrategy` is no object", HINT.to_owned());
        return None;
    };
    let scheme = keys.get("strategyId").map(index_text).unwrap_or_default().trim().to_owned();
    if scheme.is_empty() {
        let message = "`callBackStrategy` names no scheme: `strategyId` is missing";
        loader.findings.error(path, value, message, HINT.to_owned());
        return None;
    }
    let members: Map<String, Value> =
        keys.iter().filter(|(key, _)| *key != "strategyId").map(|(key, value)| (key.clone(), value.clone())).collect();
    if members.is_empty() {
        loader.findings.error(path, value, "`callBackStrategy` passes no value on", HINT.to_owned());
        return None;
    }
    Some(WriteBack {
        path: member(path, "strategyId").into(),
        scheme: scheme.into(),
        members: loader.items(path, &Value::Object(members)).into(),
        picked: picked.cloned(),
        options: loader.options.clone(),
    })
}

/// The children of the `response` item `primaryWriteback`.
fn picked(loader: &mut Loader<'_>, response: Option<&Value>) -> Option<Arc<[Item]>> {
    let items = response?.as_array()?;
    let (index, children) = items.iter().enumerate().find_map(|(index, item)| {
        let is_it = item.get("field").and_then(Value::as_str) == Some(REPLY);
        item.get("children").filter(|children| is_it && !says_nothing(children)).map(|children| (index, children))
    })?;
    let path = member(&element("$.response", index), "children");
    Some(loader.items(&path, children).into())
}

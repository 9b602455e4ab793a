//! What a plugin says about itself, in the host's own types, checked.

use std::collections::BTreeSet;

use serde_json::Value;

use super::bindings::functions::exports::qiao::plugin::functions as wit_functions;
use super::bindings::plugin::exports::qiao::plugin::plugin as wit;
use super::bindings::stages::exports::qiao::plugin::stages as wit_stages;

/// Which way data flows through an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Read.
    Source,
    /// Written.
    Target,
}

/// A secret that a connection gives.
#[derive(Clone, Debug)]
pub struct SecretSpec {
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// Without it the connection does not load.
    pub required: bool,
}

/// Something the vendor can be asked to do.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Which way data flows.
    pub direction: Direction,
    /// The metadata's `api`; a trailing `*` stands for any rest.
    pub api: String,
    /// One sentence.
    pub summary: String,
    /// The field of a mapped bill that holds the number to find it by.
    pub number_field: Option<String>,
    /// A bill can be looked up by its number.
    pub can_find: bool,
    /// Bills of one push, or rows of one page; 0: no limit.
    pub largest_batch: u32,
    /// Bills of one look-up; 0: no limit.
    pub largest_find: u32,
}

impl Operation {
    /// Whether this is the operation that metadata calls `api`.
    pub fn serves(&self, direction: Direction, api: &str) -> bool {
        let (ours, theirs) = (self.api.to_lowercase(), api.to_lowercase());
        self.direction == direction
            && match ours.strip_suffix('*') {
                Some(prefix) => theirs.starts_with(prefix),
                None => ours == theirs,
            }
    }
}

/// What a plugin says about itself.
#[derive(Clone, Debug)]
pub struct Description {
    /// How connections and schemes name it.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the connection's `config`.
    pub config_schema: Value,
    /// The secrets it uses.
    pub secrets: Vec<SecretSpec>,
    /// The operations it serves.
    pub operations: Vec<Operation>,
}

impl Description {
    /// The operation that metadata calls `api`.
    pub fn operation(&self, direction: Direction, api: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.serves(direction, api))
    }

    /// The `api`s of one direction, for a message.
    pub fn apis(&self, direction: Direction) -> Vec<&str> {
        self.operations.iter().filter(|operation| operation.direction == direction).map(|o| o.api.as_str()).collect()
    }

    /// Keys of the connection's `config` whose values are as sensitive as secrets: its schema calls them `writeOnly`.
    pub fn sensitive_settings(&self) -> Vec<&str> {
        let properties = self.config_schema.get("properties").and_then(Value::as_object);
        let sensitive = |schema: &Value| schema.get("writeOnly").and_then(Value::as_bool) == Some(true);
        properties.into_iter().flatten().filter(|(_, schema)| sensitive(schema)).map(|(key, _)| key.as_str()).collect()
    }

    /// The names of its secrets.
    pub fn secret_names(&self) -> BTreeSet<String> {
        self.secrets.iter().map(|secret| secret.name.clone()).collect()
    }
}

impl TryFrom<wit::Description> for Description {
    type Error = String;

    fn try_from(given: wit::Description) -> Result<Self, String> {
        let well_named = !given.name.is_empty()
            && given.name.len() <= 64
            && given.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !well_named {
            return Err(format!(
                "`{}` is not a plugin name (lower case letters, digits and `-`)",
                given.name.escape_debug()
            ));
        }
        Ok(Self {
            config_schema: schema(&given.config_schema, "config-schema")?,
            name: given.name,
            version: given.version,
            summary: given.summary,
            secrets: given
                .secrets
                .into_iter()
                .map(|secret| SecretSpec { name: secret.name, summary: secret.summary, required: secret.required })
                .collect(),
            operations: given
                .operations
                .into_iter()
                .map(|operation| Operation {
                    direction: match operation.direction {
                        wit::Direction::Source => Direction::Source,
                        wit::Direction::Target => Direction::Target,
                    },
                    api: operation.api,
                    summary: operation.summary,
                    number_field: operation.number_field,
                    can_find: operation.can_find,
                    largest_batch: operation.largest_batch,
                    largest_find: operation.largest_find,
                })
                .collect(),
        })
    }
}

fn schema(text: &[u8], what: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(text).map_err(|error| format!("its {what} is not JSON: {error}"))
}

/// A function that a plugin exports.
#[derive(Clone, Debug)]
pub struct FunctionSignature {
    /// As schemes call it.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Names of its parameters; the optional ones end in `?`.
    pub parameters: Vec<String>,
    /// How many arguments it needs at least.
    pub required: usize,
}

impl From<wit_functions::Signature> for FunctionSignature {
    fn from(given: wit_functions::Signature) -> Self {
        Self {
            name: given.name,
            summary: given.summary,
            required: given.parameters.iter().filter(|parameter| !parameter.optional).count(),
            parameters: given
                .parameters
                .into_iter()
                .map(|parameter| if parameter.optional { format!("{}?", parameter.name) } else { parameter.name })
                .collect(),
        }
    }
}

/// A stage that a plugin exports.
#[derive(Clone, Debug)]
pub struct StageSignature {
    /// As schemes name it.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of its settings.
    pub config_schema: Value,
}

impl TryFrom<wit_stages::Stage> for StageSignature {
    type Error = String;

    fn try_from(given: wit_stages::Stage) -> Result<Self, String> {
        Ok(Self {
            config_schema: schema(&given.config_schema, "stage's config-schema")?,
            name: given.name,
            summary: given.summary,
        })
    }
}

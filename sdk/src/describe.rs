//! What a plugin says about itself.

use crate::bindings::plugin as wit;
use crate::json::{Value, json, to_bytes};

/// What a plugin says about itself. Made at load, without any capability: no HTTP, no state, no tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// How connections and schemes name the plugin: lower case letters, digits, `-`.
    pub name: String,
    /// The plugin's own version (semver).
    pub version: String,
    /// One sentence for a person.
    pub summary: String,
    /// JSON Schema of the connection's `config`, for people and tools; `{}` says nothing.
    pub config_schema: Value,
    /// The secrets it uses.
    pub secrets: Vec<Secret>,
    /// The operations it serves.
    pub operations: Vec<Operation>,
}

impl Description {
    /// A plugin that takes any config, uses no secret and serves no operation yet. `env!("CARGO_PKG_VERSION")` makes a good version.
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            summary: summary.to_owned(),
            config_schema: json!({}),
            secrets: Vec::new(),
            operations: Vec::new(),
        }
    }

    /// With a JSON Schema of the connection's `config`, for people and tools. What does not fit is told by
    /// [`Connection::config`](crate::Connection::config).
    #[must_use]
    pub fn config_schema(mut self, schema: Value) -> Self {
        self.config_schema = schema;
        self
    }

    /// With a secret that the connection must give. The summary says what it is and where a person finds it.
    #[must_use]
    pub fn secret(mut self, name: &str, summary: &str) -> Self {
        self.secrets.push(Secret { name: name.to_owned(), summary: summary.to_owned(), required: true });
        self
    }

    /// With a secret that the connection may give.
    #[must_use]
    pub fn optional_secret(mut self, name: &str, summary: &str) -> Self {
        self.secrets.push(Secret { name: name.to_owned(), summary: summary.to_owned(), required: false });
        self
    }

    /// With something the vendor can be asked to do.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }
}

/// A secret that the connection gives, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The name that requests and the connection's `secrets` use.
    pub name: String,
    /// What it is and where a person finds it.
    pub summary: String,
    /// Without it the connection does not load.
    pub required: bool,
}

/// Which way data flows through an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// [`Source::fetch`](crate::Source::fetch) serves it.
    Source,
    /// [`Target::push`](crate::Target::push) serves it.
    Target,
}

/// Something the vendor can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which way data flows.
    pub direction: Direction,
    /// The metadata's `api`, compared without regard to case. A trailing `*` stands for any rest.
    pub api: String,
    /// One sentence for a person.
    pub summary: String,
    /// Target: the field of a mapped bill that holds the number `find` knows it by.
    pub number_field: Option<String>,
    /// Target: `find` can look a bill up by its number.
    pub can_find: bool,
    /// Target: the largest number of bills in one `push`. Source: the largest page size, 0 for no limit.
    pub largest_batch: u32,
    /// Target: the largest number of bills in one `find`, 0 for as many as the host likes.
    pub largest_find: u32,
}

impl Operation {
    /// Something to read, in pages of any size.
    pub fn source(api: &str, summary: &str) -> Self {
        Self {
            direction: Direction::Source,
            api: api.to_owned(),
            summary: summary.to_owned(),
            number_field: None,
            can_find: false,
            largest_batch: 0,
            largest_find: 0,
        }
    }

    /// Something to write, one bill per call.
    pub fn target(api: &str, summary: &str) -> Self {
        Self { direction: Direction::Target, largest_batch: 1, ..Self::source(api, summary) }
    }

    /// With the largest number of bills in one push, or of rows in one page.
    #[must_use]
    pub fn largest_batch(mut self, size: u32) -> Self {
        self.largest_batch = size;
        self
    }

    /// With the largest number of bills in one look-up.
    #[must_use]
    pub fn largest_find(mut self, size: u32) -> Self {
        self.largest_find = size;
        self
    }

    /// Its bills can be looked up by the number in this field.
    #[must_use]
    pub fn found_by(mut self, number_field: &str) -> Self {
        self.number_field = Some(number_field.to_owned());
        self.can_find = true;
        self
    }
}

impl From<Description> for wit::Description {
    fn from(description: Description) -> Self {
        Self {
            name: description.name,
            version: description.version,
            summary: description.summary,
            config_schema: to_bytes(&description.config_schema),
            secrets: description
                .secrets
                .into_iter()
                .map(|secret| wit::SecretSpec { name: secret.name, summary: secret.summary, required: secret.required })
                .collect(),
            operations: description
                .operations
                .into_iter()
                .map(|operation| wit::Operation {
                    direction: match operation.direction {
                        Direction::Source => wit::Direction::Source,
                        Direction::Target => wit::Direction::Target,
                    },
                    api: operation.api,
                    summary: operation.summary,
                    number_field: operation.number_field,
                    can_find: operation.can_find,
                    largest_batch: operation.largest_batch,
                    largest_find: operation.largest_find,
                })
                .collect(),
        }
    }
}

//! A connection at run time: one account at one vendor, its secrets, and its way out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::http::Outbound;
use crate::config::{ConfigProblem, ConnectionConfig, LimitsConfig, Secret};

/// Why a connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// A secret is missing or cannot be read.
    #[error("{0}")]
    Secret(Box<ConfigProblem>),
    /// Its base URL is an address that it may not reach.
    #[error(
        "connection `{connection}`: `{host}` is a loopback or private address\n  hint: set `allow_private = true` on the connection if it is meant to be reached"
    )]
    PrivateAddress {
        /// The connection.
        connection: String,
        /// The host of its base URL.
        host: String,
    },
    /// The HTTP client cannot be built.
    #[error("connection `{connection}`: {reason}")]
    Client {
        /// The connection.
        connection: String,
        /// Why.
        reason: String,
    },
}

/// One account at one vendor.
pub struct Connection {
    settings: ConnectionConfig,
    config_json: Vec<u8>,
    secrets: BTreeMap<String, Secret>,
    outbound: Arc<Outbound>,
}

impl Connection {
    /// Reads the secrets and prepares the way out. `root` is the project's folder, to which secret files are relative.
    pub fn new(settings: ConnectionConfig, root: &Path, limits: &LimitsConfig) -> Result<Self, ConnectionError> {
        let mut secrets = BTreeMap::new();
        for name in settings.secrets.keys() {
            let secret =
                settings.read_secret(name, root).map_err(|problem| ConnectionError::Secret(Box::new(problem)))?;
            secrets.insert(name.clone(), secret);
        }
        let outbound = Arc::new(Outbound::new(&settings, limits)?);
        let config_json = settings.config.to_string().into_bytes();
        Ok(Self { settings, config_json, secrets, outbound })
    }

    /// Its name in `qiao.toml`.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Its settings.
    pub fn settings(&self) -> &ConnectionConfig {
        &self.settings
    }

    /// Its `config` table as JSON text.
    pub fn config_json(&self) -> &[u8] {
        &self.config_json
    }

    /// Its way out: rate, concurrency, HTTP.
    pub(crate) fn outbound(&self) -> &Arc<Outbound> {
        &self.outbound
    }

    /// A secret's text.
    pub(super) fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(Secret::expose)
    }

    /// A text without this connection's secrets.
    pub fn redact(&self, text: &str) -> String {
        self.secrets
            .values()
            .map(Secret::expose)
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret, "[redacted]"))
    }

    /// Stops all traffic for a while: the vendor asked for it.
    pub fn pause(&self, duration: std::time::Duration) {
        self.outbound.pause(duration);
    }
}

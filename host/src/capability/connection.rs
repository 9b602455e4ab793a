//! A connection at run time: one account at one vendor, its secrets, and its way out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::http::{Outbound, Traffic, Unavailable};
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
    id: u64,
    settings: ConnectionConfig,
    /// The keys of `config` whose values are redacted.
    sensitive: Vec<String>,
    config_json: Vec<u8>,
    secrets: BTreeMap<String, Secret>,
    /// What no text that leaves the host may contain: secrets as they are and as they are encoded, sensitive settings,
    /// and what sessions are made of.
    redacted: RwLock<BTreeSet<String>>,
    outbound: Arc<Outbound>,
}

/// Every connection that is made in a process has a number of its own.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Shorter texts occur by chance, and would blacken innocent words.
const SHORTEST_REDACTED: usize = 6;

/// Sessions come and go; this many texts of them are remembered.
const MOST_REDACTED: usize = 500;

impl Connection {
    /// Reads the secrets and prepares the way out. `root` is the project's folder, to which secret files are relative;
    /// `sensitive` are the keys of `config` whose values are redacted like secrets.
    pub fn new(
        settings: ConnectionConfig,
        sensitive: &[&str],
        root: &Path,
        limits: &LimitsConfig,
    ) -> Result<Self, ConnectionError> {
        let mut secrets = BTreeMap::new();
        for name in settings.secrets.keys() {
            let secret =
                settings.read_secret(name, root).map_err(|problem| ConnectionError::Secret(Box::new(problem)))?;
            secrets.insert(name.clone(), secret);
        }
        let outbound = Arc::new(Outbound::new(&settings, limits)?);
        let config_json = settings.config.to_string().into_bytes();
        let mut redacted = BTreeSet::new();
        for secret in secrets.values() {
            redacted.extend(super::credentials::encodings(secret.expose()));
        }
        let of_config = sensitive.iter().filter_map(|key| settings.config.get(key)?.as_str());
        redacted.extend(of_config.map(str::to_owned));
        redacted.retain(|text| text.len() >= SHORTEST_REDACTED);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let sensitive = sensitive.iter().map(|key| (*key).to_owned()).collect();
        Ok(Self { id, settings, sensitive, config_json, secrets, redacted: RwLock::new(redacted), outbound })
    }

    /// Whether one made now with these settings would be the same: then this one stays, with its budget and its sessions.
    pub fn is_still(&self, settings: &ConnectionConfig, sensitive: &[&str], root: &Path) -> bool {
        let same_secret = |(name, secret): (&String, &Secret)| {
            settings.read_secret(name, root).is_ok_and(|now| now.expose() == secret.expose())
        };
        self.settings == *settings && self.sensitive == sensitive && self.secrets.iter().all(same_secret)
    }

    /// Tells it from every other connection of this process, one of the same name with other settings included.
    pub fn id(&self) -> u64 {
        self.id
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
        let mut text = text.to_owned();
        self.redact_in_place(&mut text);
        text
    }

    /// Takes this connection's secrets out of a text.
    pub fn redact_in_place(&self, text: &mut String) {
        let Ok(redacted) = self.redacted.read() else {
            "[redacted]".clone_into(text);
            return;
        };
        for secret in redacted.iter() {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), "[redacted]");
            }
        }
    }

    /// Redacts what a session is made of, too: its texts are as good as a secret while it lasts.
    pub fn redact_session(&self, session: &[u8]) {
        const SHORTEST: usize = 16;
        let Ok(session) = serde_json::from_slice::<Value>(session) else { return };
        let mut texts = Vec::new();
        collect_texts(&session, &mut texts);
        if let Ok(mut redacted) = self.redacted.write()
            && redacted.len() < MOST_REDACTED
        {
            redacted.extend(texts.into_iter().filter(|text| text.len() >= SHORTEST).map(str::to_owned));
        }
    }

    /// The vendor asked for less traffic, in answer to something that was sent at `sent` or later.
    pub fn throttled(&self, sent: Instant, retry_after: Option<Duration>) {
        self.outbound.budget().throttled(sent, retry_after);
    }

    /// Why, and for how long, nothing is sent over it; `None`: something is, after a short wait at most.
    pub fn unavailable(&self) -> Option<Unavailable> {
        self.outbound.budget().unavailable()
    }

    /// Whether its vendor is taken to be down, and the next request is to find out: more than one would be in vain.
    pub fn awaits_probe(&self) -> bool {
        self.outbound.budget().awaits_probe()
    }

    /// How it stands: its rate and concurrency, and whether its vendor is there.
    pub fn traffic(&self) -> Traffic {
        self.outbound.budget().traffic()
    }
}

fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect_texts(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

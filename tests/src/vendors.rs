//! Both vendors, started together inside a test or the demo.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::dataset::{Dataset, Mutation};
use crate::door::{Bell, RequestLog, WaitTimedOut};
use crate::kingdee::signature::{Application, mint_app_id};
use crate::kingdee::{Kingdee, State};
use crate::ledger::Ledger;
use crate::okki::{Catalogue, Crm, Okki, OrderNoReading, Orders, Tokens};

/// Why the vendors did not start, or did not change.
#[derive(Debug, thiserror::Error)]
pub enum VendorsError {
    /// A file of the data folder cannot be read or written.
    #[error("the simulators cannot use `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No port could be opened.
    #[error("the simulator of {vendor} cannot listen on 127.0.0.1: {source}")]
    Listen {
        /// `Kingdee` or `OKKI`.
        vendor: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// What a caller needs to be let in by both vendors. None of it is anybody's real key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// Kingdee: the data centre.
    pub acct_id: String,
    /// Kingdee: the integration user.
    pub user: String,
    /// Kingdee: the application.
    pub app_id: String,
    /// Kingdee: its secret.
    pub app_secret: String,
    /// OKKI: the client.
    pub client_id: String,
    /// OKKI: its secret.
    pub client_secret: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            acct_id: "67f63bfb8a7c61".to_owned(),
            user: "demo".to_owned(),
            app_id: mint_app_id("288416", b"simulated-client-secret!"),
            app_secret: "simulated-app-secret".to_owned(),
            client_id: "okki-demo-client".to_owned(),
            client_secret: "simulated-okki-secret".to_owned(),
        }
    }
}

/// How the vendors are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VendorsOptions {
    /// The books they begin with.
    pub dataset: Dataset,
    /// Where they keep what happens; nowhere if absent. What is already there is replayed over the dataset, which must be the same.
    pub data_dir: Option<PathBuf>,
    /// What a push with a known `order_no` does.
    pub okki_reading: OrderNoReading,
    /// How long a token lives, in seconds.
    pub okki_token_seconds: u32,
    /// The most rows that one query gives: 10000 in the current help, 2000 in the older.
    pub kingdee_cap: usize,
    /// The port to try first; otherwise the one of last time if there is a data folder, otherwise a free one.
    pub kingdee_port: Option<u16>,
    /// The port to try first; otherwise the one of last time if there is a data folder, otherwise a free one.
    pub okki_port: Option<u16>,
    /// The vendors' time.
    pub clock: Clock,
}

impl VendorsOptions {
    /// In memory, on free ports, with eight-hour tokens and 2000 rows a query.
    pub fn new(dataset: Dataset) -> Self {
        Self {
            dataset,
            data_dir: None,
            okki_reading: OrderNoReading::default(),
            okki_token_seconds: 28_800,
            kingdee_cap: 2_000,
            kingdee_port: None,
            okki_port: None,
            clock: Clock::system(),
        }
    }

    /// The same, keeping what happens in `dir`.
    #[must_use]
    pub fn in_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// The same, with this reading of a known `order_no`.
    #[must_use]
    pub fn reading(mut self, reading: OrderNoReading) -> Self {
        self.okki_reading = reading;
        self
    }
}

/// Both vendors. Dropping them closes their ports and connections.
#[derive(Debug)]
pub struct Vendors {
    /// Kingdee Cloud Galaxy.
    pub kingdee: Kingdee,
    /// OKKI CRM.
    pub okki: Okki,
    /// What lets a caller in.
    pub credentials: Credentials,
    clock: Clock,
    bell: Bell,
    mutations: Mutex<Vec<Mutation>>,
}

/// The ports of last time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Ports {
    kingdee: Option<u16>,
    okki: Option<u16>,
}

impl Vendors {
    /// Starts both on the loopback address, from within a Tokio runtime.
    pub async fn start(options: VendorsOptions) -> Result<Self, VendorsError> {
        let dir = options.data_dir.as_deref();
        let credentials = Credentials::default();
        let bell = Bell::default();
        if let Some(dir) = dir {
            std::fs::create_dir_all(dir).map_err(|source| file_error(dir, source))?;
        }
        let ports_file = dir.map(|dir| dir.join("ports.json"));
        let last = ports_file.as_deref().map(read_ports).unwrap_or_default();

        let catalogue = Catalogue::of(&options.dataset);
        let file = dir.map(|dir| dir.join("kingdee.jsonl"));
        let state = State::open(options.dataset, file.as_deref()).map_err(|source| opening(file.as_deref(), source))?;
        let application = Application {
            acct_id: credentials.acct_id.clone(),
            user: credentials.user.clone(),
            app_id: credentials.app_id.clone(),
            app_secret: credentials.app_secret.clone(),
        };
        let port = options.kingdee_port.or(last.kingdee);
        let log = RequestLog::new(bell.clone());
        let kingdee = Kingdee::start(application, state, options.kingdee_cap, port, log)
            .await
            .map_err(|source| VendorsError::Listen { vendor: "Kingdee", source })?;

        let file = dir.map(|dir| dir.join("okki.jsonl"));
        let orders = Orders::open(file.as_deref()).map_err(|source| opening(file.as_deref(), source))?;
        let crm = Crm {
            tokens: Tokens::new(
                credentials.client_id.clone(),
                credentials.client_secret.clone(),
                options.okki_token_seconds,
                options.clock.clone(),
            ),
            catalogue,
            orders: Mutex::new(orders),
            reading: options.okki_reading,
            clock: options.clock.clone(),
        };
        let port = options.okki_port.or(last.okki);
        let okki = Okki::start(crm, port, RequestLog::new(bell.clone()))
            .await
            .map_err(|source| VendorsError::Listen { vendor: "OKKI", source })?;

        if let Some(file) = &ports_file {
            let ports = Ports { kingdee: Some(kingdee.port()), okki: Some(okki.port()) };
            let text = serde_json::to_vec(&ports).map_err(|error| file_error(file, error.into()))?;
            std::fs::write(file, text).map_err(|source| file_error(file, source))?;
        }
        Ok(Self { kingdee, okki, credentials, clock: options.clock, bell, mutations: Mutex::default() })
    }

    /// Changes `count` approved orders at Kingdee; see [`Dataset::change`].
    pub fn change(&self, count: usize) -> Result<Mutation, VendorsError> {
        self.mutated(self.kingdee.change(count, &self.clock))
    }

    /// Adds `count` approved orders at Kingdee.
    pub fn add(&self, count: usize) -> Result<Mutation, VendorsError> {
        self.mutated(self.kingdee.add(count, &self.clock))
    }

    /// What was changed and added since the start, in order.
    pub fn mutations(&self) -> Vec<Mutation> {
        crate::lock(&self.mutations).clone()
    }

    /// What OKKI holds against what Kingdee holds.
    pub fn ledger(&self) -> Ledger {
        Ledger::judge(&self.kingdee.dataset(), &self.okki.orders())
    }

    /// Waits until `condition`, asked now and whenever something happens at either vendor, says yes.
    pub async fn wait_for(
        &self,
        timeout: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Result<(), WaitTimedOut> {
        self.bell.wait_for(timeout, || condition(self)).await
    }

    fn mutated(&self, mutation: io::Result<Mutation>) -> Result<Mutation, VendorsError> {
        let mutation = mutation.map_err(|source| file_error(Path::new("kingdee.jsonl"), source))?;
        crate::lock(&self.mutations).push(mutation.clone());
        self.bell.ring();
        Ok(mutation)
    }
}

fn file_error(path: &Path, source: io::Error) -> VendorsError {
    VendorsError::File { path: path.to_owned(), source }
}

fn opening(path: Option<&Path>, source: io::Error) -> VendorsError {
    file_error(path.unwrap_or_else(|| Path::new("")), source)
}

/// Whatever cannot be read is as good as no port: a free one is taken.
fn read_ports(file: &Path) -> Ports {
    std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;

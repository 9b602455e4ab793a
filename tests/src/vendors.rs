//! The vendors, started together inside a test or the demo.

mod options;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::dataset::{Mutation, RefundMutation};
use crate::door::{Bell, RequestLog, WaitTimedOut};
use crate::kingdee::signature::Application;
use crate::kingdee::{Bills, Kingdee, State};
use crate::ledger::{Ledger, RETURNS, RefundLedger};
use crate::okki::{Catalogue, Crm, Motion, Okki, Orders, Tokens};
use crate::wdt::{self, Wdt};

pub use options::{Credentials, VendorsOptions};

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
        /// `Kingdee`, `OKKI` or `Wangdiantong`.
        vendor: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// The vendors. Dropping them closes their ports and connections.
#[derive(Debug)]
pub struct Vendors {
    /// Kingdee Cloud Galaxy.
    pub kingdee: Kingdee,
    /// OKKI CRM.
    pub okki: Okki,
    /// Wangdiantong, enterprise edition.
    pub wdt: Wdt,
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
    wdt: Option<u16>,
}

impl Vendors {
    /// Starts them on the loopback address, from within a Tokio runtime.
    pub async fn start(options: VendorsOptions) -> Result<Self, VendorsError> {
        let dir = options.data_dir.as_deref();
        let credentials = Credentials::default();
        let bell = Bell::default();
        if let Some(dir) = dir {
            std::fs::create_dir_all(dir).map_err(|source| file_error(dir, source))?;
        }
        let ports_file = dir.map(|dir| dir.join("ports.json"));
        let last = ports_file.as_deref().map(read_ports).unwrap_or_default();

        let wdt = start_wdt(&options, &credentials, last.wdt, RequestLog::new(bell.clone())).await?;
        let okki = start_okki(&options, &credentials, last.okki, RequestLog::new(bell.clone())).await?;
        let clock = options.clock.clone();
        let kingdee = start_kingdee(options, &credentials, last.kingdee, RequestLog::new(bell.clone())).await?;

        if let Some(file) = &ports_file {
            let ports = Ports { kingdee: Some(kingdee.port()), okki: Some(okki.port()), wdt: Some(wdt.port()) };
            let text = serde_json::to_vec(&ports).map_err(|error| file_error(file, error.into()))?;
            std::fs::write(file, text).map_err(|source| file_error(file, source))?;
        }
        Ok(Self { kingdee, okki, wdt, credentials, clock, bell, mutations: Mutex::default() })
    }

    /// Changes `count` approved orders at Kingdee; see [`Dataset::change`].
    pub fn change(&self, count: usize) -> Result<Mutation, VendorsError> {
        self.mutated(self.kingdee.change(count, &self.clock))
    }

    /// Adds `count` approved orders at Kingdee.
    pub fn add(&self, count: usize) -> Result<Mutation, VendorsError> {
        self.mutated(self.kingdee.add(count, &self.clock))
    }

    /// Changes `count` refunds, now: half of them become completed, the others get a remark.
    pub fn change_refunds(&self, count: usize) -> Result<RefundMutation, VendorsError> {
        self.refunds_mutated(self.wdt.change(count))
    }

    /// Adds `count` refunds that are to be delivered, modified now.
    pub fn add_refunds(&self, count: usize) -> Result<RefundMutation, VendorsError> {
        self.refunds_mutated(self.wdt.add(count))
    }

    /// Which orders were changed and added since the start, in order.
    pub fn mutations(&self) -> Vec<Mutation> {
        crate::lock(&self.mutations).clone()
    }

    /// What OKKI holds against what Kingdee holds, and what Kingdee holds against what Wangdiantong holds.
    pub fn ledger(&self) -> Ledger {
        let refunds = RefundLedger::judge(&self.wdt.refunds(), &self.kingdee.bills(RETURNS), &self.kingdee.effects());
        Ledger::judge(&self.kingdee.dataset(), &self.okki.orders(), refunds)
    }

    /// Waits until `condition`, asked now and whenever something happens at any vendor, says yes.
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

    fn refunds_mutated(&self, mutation: io::Result<RefundMutation>) -> Result<RefundMutation, VendorsError> {
        let mutation = mutation.map_err(|source| file_error(Path::new("wdt.jsonl"), source))?;
        self.bell.ring();
        Ok(mutation)
    }
}

async fn start_kingdee(
    options: VendorsOptions,
    credentials: &Credentials,
    last_port: Option<u16>,
    log: RequestLog,
) -> Result<Kingdee, VendorsError> {
    let file = options.data_dir.as_ref().map(|dir| dir.join("kingdee-bills.jsonl"));
    let bills = Bills::open(file.as_deref()).map_err(|source| opening(file.as_deref(), source))?;
    let file = options.data_dir.as_ref().map(|dir| dir.join("kingdee.jsonl"));
    let state =
        State::open(options.dataset, file.as_deref(), bills).map_err(|source| opening(file.as_deref(), source))?;
    let application = Application {
        acct_id: credentials.acct_id.clone(),
        user: credentials.user.clone(),
        password: credentials.password.clone(),
        app_id: credentials.app_id.clone(),
        app_secret: credentials.app_secret.clone(),
    };
    let port = options.kingdee_port.or(last_port);
    let kingdee = Kingdee::start(application, state, options.clock, options.kingdee_cap, port, log).await;
    kingdee.map_err(|source| VendorsError::Listen { vendor: "Kingdee", source })
}

async fn start_okki(
    options: &VendorsOptions,
    credentials: &Credentials,
    last_port: Option<u16>,
    log: RequestLog,
) -> Result<Okki, VendorsError> {
    let file = options.data_dir.as_ref().map(|dir| dir.join("okki.jsonl"));
    let orders = Orders::open(file.as_deref()).map_err(|source| opening(file.as_deref(), source))?;
    let crm = Crm {
        tokens: Tokens::new(
            credentials.client_id.clone(),
            credentials.client_secret.clone(),
            options.okki_token_seconds,
            options.clock.clone(),
        ),
        catalogue: Catalogue::of(&options.dataset),
        orders: Mutex::new(orders),
        reading: options.okki_reading,
        motion: Motion::default(),
        clock: options.clock.clone(),
    };
    let okki = Okki::start(crm, options.okki_port.or(last_port), log).await;
    okki.map_err(|source| VendorsError::Listen { vendor: "OKKI", source })
}

async fn start_wdt(
    options: &VendorsOptions,
    credentials: &Credentials,
    last_port: Option<u16>,
    log: RequestLog,
) -> Result<Wdt, VendorsError> {
    let file = options.data_dir.as_ref().map(|dir| dir.join("wdt.jsonl"));
    let clock = options.clock.clone();
    let state = wdt::State::open(options.dataset.clone(), file.as_deref(), clock.local())
        .map_err(|source| opening(file.as_deref(), source))?;
    let application = wdt::Application {
        sid: credentials.sid.clone(),
        app_key: credentials.wdt_app_key.clone(),
        app_secret: credentials.wdt_app_secret.clone(),
        target_app_key: credentials.target_app_key.clone(),
    };
    let wdt = Wdt::start(application, state, clock, options.wdt_port.or(last_port), log).await;
    wdt.map_err(|source| VendorsError::Listen { vendor: "Wangdiantong", source })
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

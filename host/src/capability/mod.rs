//! What a plugin is lent, and nothing else.
//!
//! A plugin reaches the outside only through this room: HTTP to its connection's host, its own durable state, the log,
//! mapping tables, and computations with secrets that it never sees. One capability, one module.
//!
//! Every call of a plugin gets a [`Lent`] of its own: the [`Loan`] says what is lent (at load: nothing), the
//! [`CallRecord`] notes what the call did with it. The record is shared with the caller, because a call that is cut off
//! takes its `Lent` with it, while what it has sent must not be forgotten: *the host believes what it saw, not what a
//! guest says*.
//!
//! Invariants: no module here knows schemes, scans or bills; a secret's text leaves this room only inside a request.

pub mod bindings;
mod connection;
mod credentials;
mod http;
mod kv;
mod logging;
mod memory;
mod record;
mod tables;
mod wasi;

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::config::{LimitsConfig, TableSet};
use crate::journal::State;

pub use connection::{Connection, ConnectionError};
pub(crate) use http::choose_cryptography;
pub use http::{Down, Traffic, Unavailable};
pub use memory::MemoryLimiter;
pub use record::CallRecord;

/// What one call of a plugin is lent.
#[derive(Clone)]
pub struct Loan {
    /// The plugin's name, for the log and as the owner of its state.
    pub plugin: Arc<str>,
    /// The secrets that its description declares; others are not computed with.
    pub declared_secrets: Arc<BTreeSet<String>>,
    /// The connection that serves the call; `None` for transforms and at load.
    pub connection: Option<Arc<Connection>>,
    /// True during `session.sign-in`: the only time when a secret may be a part of a request.
    pub signing_in: bool,
    /// Where its state is kept; `None` at load.
    pub state: Option<Arc<dyn State>>,
    /// The tables it may read: one snapshot for the whole call.
    pub tables: Arc<TableSet>,
    /// The scheme on whose behalf it is called, for the log.
    pub scheme: Option<Arc<str>>,
    /// What it may use up.
    pub limits: LimitsConfig,
}

impl Loan {
    /// Nothing: what a plugin is lent while it is asked what it is.
    pub fn nothing(plugin: &str, limits: &LimitsConfig) -> Self {
        Self {
            plugin: plugin.into(),
            declared_secrets: Arc::default(),
            connection: None,
            signing_in: false,
            state: None,
            tables: Arc::new(TableSet::empty()),
            scheme: None,
            limits: limits.clone(),
        }
    }
}

/// The host's side of one instance of a plugin.
pub struct Lent {
    loan: Loan,
    record: Arc<CallRecord>,
    memory: MemoryLimiter,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl Lent {
    /// Lends for one call.
    pub fn new(loan: Loan, record: Arc<CallRecord>) -> Self {
        let memory = MemoryLimiter::new(loan.limits.memory_bytes, Arc::clone(&record));
        let wasi = wasi::context(&record);
        Self { loan, record, memory, wasi, resources: ResourceTable::new() }
    }

    /// What may grow in the instance, and how far.
    pub fn memory_limiter(&mut self) -> &mut MemoryLimiter {
        &mut self.memory
    }
}

impl WasiView for Lent {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

impl bindings::qiao::plugin::types::Host for Lent {}

struct Capabilities;

impl HasData for Capabilities {
    type Data<'a> = &'a mut Lent;
}

/// Makes everything that can be lent known to a linker: this room's capabilities, and WASI with an empty context.
pub fn add_to_linker(linker: &mut Linker<Lent>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    bindings::Capabilities::add_to_linker::<Lent, Capabilities>(linker, |lent| lent)
}

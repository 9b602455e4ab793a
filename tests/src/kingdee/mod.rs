//! Kingdee Cloud Galaxy (金蝶云星空), as its Web API looks from outside: sales orders to query, returns to save, submit and audit.
//!
//! Each file has one job. The way in: [`galaxy`] knows the services and who may call them, [`signature`] verifies, [`login`] lets in,
//! [`session`] keeps cookies, [`envelope`] finds the data in a body, [`failure`] refuses a call. Reading: [`query`] runs over the
//! [`fields`] with the [`filter`]. Writing: [`schema`] says what a form holds, [`model`] reads what was sent, [`write`] and [`flow`] apply
//! it, [`reply`] says what became of each bill, [`bills`] holds them and counts. [`state`] is the books, [`conflicts`] and [`motion`]
//! make them unquiet.

mod base_data;
mod bill_fields;
mod bills;
mod conflicts;
mod envelope;
mod failure;
mod fields;
mod filter;
mod flow;
mod galaxy;
mod login;
mod model;
mod motion;
mod operand;
mod query;
mod reply;
mod schema;
mod session;
pub mod signature;
mod state;
#[cfg(test)]
mod tests;
mod view;
mod write;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock::Clock;
use crate::dataset::{Dataset, Mutation};
use crate::door::{Faults, RequestLog, Route, Server};
use crate::lock;

pub(crate) use bills::Bills;
pub use bills::{Bill, BillEntry, BillStatus, Effect, EffectKind};
use conflicts::Conflicts;
use galaxy::Galaxy;
use motion::Motion;
use session::Sessions;
use signature::Application;
pub(crate) use state::State;

/// A running data centre.
#[derive(Debug)]
pub struct Kingdee {
    server: Server,
    galaxy: Arc<Galaxy>,
}

impl Kingdee {
    pub(crate) async fn start(
        application: Application,
        state: State,
        clock: Clock,
        cap: usize,
        port: Option<u16>,
        log: RequestLog,
    ) -> io::Result<Self> {
        let galaxy = Arc::new(Galaxy {
            application,
            sessions: Sessions::default(),
            state,
            conflicts: Conflicts::default(),
            motion: Mutex::default(),
            clock,
            cap,
        });
        let server = Server::start(Arc::clone(&galaxy), port, log).await?;
        Ok(Self { server, galaxy })
    }

    /// `http://127.0.0.1:PORT/k3cloud/`; `/K3Cloud/` is served as well.
    pub fn base_url(&self) -> String {
        format!("http://{}/k3cloud/", self.server.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// What goes wrong here.
    pub fn faults(&self) -> &Faults {
        &self.server.faults
    }

    /// What was asked here.
    pub fn log(&self) -> &RequestLog {
        &self.server.log
    }

    /// How long every request waits before it is handled.
    pub fn set_latency(&self, latency: Duration) {
        self.server.set_latency(latency);
    }

    /// Closes the port and all connections: callers are refused until it comes up again.
    pub async fn go_down(&self) -> io::Result<()> {
        self.server.go_down().await
    }

    /// Lets callers in again, at the same port.
    pub fn come_up(&self) -> io::Result<()> {
        self.server.come_up()
    }

    /// Ends every session.
    pub fn revoke_sessions(&self) {
        self.galaxy.sessions.revoke_all();
    }

    /// Every `every`-th call of `route` ([`Route::Save`], [`Route::BatchSave`], [`Route::Submit`], [`Route::Audit`] …) from now on
    /// refuses every second of its bills with a network-control conflict and applies the others; a call of one bill fails at the
    /// first such call and passes at the next. 0 ends it.
    pub fn fail_in_part(&self, route: Route, every: usize) {
        self.galaxy.conflicts.set(route, every);
    }

    /// When `queries` more queries of sales orders have been answered, `count` approved orders change, once; see [`Dataset::change`]. It is not
    /// among [`crate::Vendors::mutations`].
    pub fn change_after(&self, queries: usize, count: usize) {
        *lock(&self.galaxy.motion) = Some(Motion::new(queries.max(1), count));
    }

    /// The books it began with, as they are now.
    pub fn dataset(&self) -> Dataset {
        self.galaxy.state.dataset().clone()
    }

    /// The bills of a form that were saved here, by `FID`.
    pub fn bills(&self, form: &str) -> Vec<Bill> {
        self.galaxy.state.bills().of_form(form).cloned().collect()
    }

    /// The bill of this number that was saved here.
    pub fn bill(&self, form: &str, number: &str) -> Option<Bill> {
        self.galaxy.state.bills().by_number(form, number).cloned()
    }

    /// Everything that was applied to bills here, oldest first.
    pub fn effects(&self) -> Vec<Effect> {
        self.galaxy.state.bills().effects().to_vec()
    }

    /// How often this was applied to any bill.
    pub fn effect_count(&self, kind: EffectKind) -> usize {
        self.galaxy.state.bills().effects().iter().filter(|effect| effect.kind == kind).count()
    }

    /// How often this was applied to bills of this number.
    pub fn effects_of(&self, number: &str, kind: EffectKind) -> usize {
        let bills = self.galaxy.state.bills();
        bills.effects().iter().filter(|effect| effect.kind == kind && effect.number == number).count()
    }

    pub(crate) fn change(&self, count: usize, clock: &Clock) -> io::Result<Mutation> {
        self.galaxy.state.mutate(|dataset| dataset.change(count, clock.local()))
    }

    pub(crate) fn add(&self, count: usize, clock: &Clock) -> io::Result<Mutation> {
        self.galaxy.state.mutate(|dataset| dataset.add(count, clock.local()))
    }
}

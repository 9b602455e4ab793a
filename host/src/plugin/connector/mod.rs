//! A connector with its connection, in the host's own types: what the engine reads from and writes to.
//!
//! # Signing in
//!
//! Once per connection and plugin build ([`session`]). A call that answers `unauthorized` is made again after signing in
//! anew, once.
//!
//! # What is believed
//!
//! The host believes what it saw, not what a guest says. A failure of a whole `push` is taken at its word only if at most
//! one request left the host during the call and its whole answer arrived. Otherwise, and after a trap or a time-out with
//! any request out, every bill of the call is `uncertain`. Reading changes nothing, so that a failed `fetch` or `find` is
//! simply made again.

mod session;
mod source;
mod target;

use std::sync::Arc;

use tokio::time::Instant;

use super::bindings::session::exports::qiao::plugin::session::SignedIn;
use super::call;
use super::error::{Failure, FailureKind};
use super::load::Plugin;
use crate::capability::bindings::qiao::plugin::types;
use crate::capability::{CallRecord, Connection, Loan};
use crate::config::{LimitsConfig, TableSet};
use crate::journal::{Exchange, State};

pub use session::Sessions;
pub use source::{FetchedPage, SourceRequest};
pub use target::{BillToFind, BillToPush, Found, HalfDone, Outcome};

use session::Session;

/// What a failed sign-in means for the bills that wait for it: it is never about one of them.
fn about_the_connection(mut failure: Failure) -> Failure {
    failure.kind = match failure.kind {
        // There is no session that could be renewed: the credentials are wrong.
        FailureKind::Unauthorized | FailureKind::Rejected | FailureKind::Misconfigured => FailureKind::Misconfigured,
        FailureKind::Uncertain | FailureKind::Transient => FailureKind::Transient,
        FailureKind::Throttled => FailureKind::Throttled,
    };
    failure
}

/// A plugin and the connection it serves.
#[derive(Clone)]
pub struct Connector {
    /// The plugin: one build of it.
    pub plugin: Arc<Plugin>,
    /// The connection.
    pub connection: Arc<Connection>,
    /// Where sessions are kept.
    pub sessions: Arc<Sessions>,
    /// Where plugins keep their state.
    pub state: Option<Arc<dyn State>>,
    /// The tables: one snapshot.
    pub tables: Arc<TableSet>,
    /// The scheme on whose behalf.
    pub scheme: Option<Arc<str>>,
    /// The scheme's time zone (IANA name).
    pub time_zone: Arc<str>,
    /// The limits of a call.
    pub limits: LimitsConfig,
}

impl Connector {
    fn loan(&self, signing_in: bool) -> Loan {
        Loan {
            plugin: Arc::clone(&self.plugin.name),
            declared_secrets: Arc::clone(&self.plugin.declared_secrets),
            connection: Some(Arc::clone(&self.connection)),
            signing_in,
            state: self.state.clone(),
            tables: Arc::clone(&self.tables),
            scheme: self.scheme.clone(),
            limits: self.limits.clone(),
        }
    }

    fn as_plugin_sees_it(&self, session: &Session) -> types::Connection {
        types::Connection {
            name: self.connection.name().to_owned(),
            base_url: self.connection.settings().base_url.to_string(),
            config: self.connection.config_json().to_vec(),
            session: session.data.to_vec(),
            time_zone: self.time_zone.to_string(),
        }
    }

    /// Signs in, unless a session is valid already. Says whether the connection works.
    pub async fn sign_in(&self) -> Result<(), Failure> {
        self.session(None).await.map(drop)
    }

    /// A valid session; never `refused`, which a call found to be none.
    async fn session(&self, refused: Option<&Session>) -> Result<Session, Failure> {
        if self.plugin.exports.session.is_none() {
            return Ok(Session::none());
        }
        self.sessions
            .get(self.connection.id(), &self.plugin.digest, refused, || self.call_sign_in())
            .await
            .map_err(|failure| failure.map_text(|text| self.connection.redact(text)))
    }

    async fn call_sign_in(&self) -> Result<SignedIn, Failure> {
        let Some(pre) = &self.plugin.exports.session else {
            return Err(self.lacks("session"));
        };
        let connection = self.as_plugin_sees_it(&Session::none());
        let record = Arc::new(CallRecord::default());
        let loan = self.loan(true);
        let signed_in = call::in_fresh_instance(pre.instance_pre(), loan, &record, "session.sign-in", async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.qiao_plugin_session().call_sign_in(store, &connection).await
        })
        .await
        .map_err(|error| about_the_connection(error.into_failure()))?
        .map_err(|failure| about_the_connection(failure.into()))?;
        self.connection.redact_session(&signed_in.data);
        Ok(signed_in)
    }

    /// Passes a failure of a call that began at `begun` on: redacted, and heeded by the connection.
    fn heed(&self, failure: Failure, begun: Instant) -> Failure {
        if failure.kind == FailureKind::Throttled {
            self.connection.throttled(begun, failure.retry_after);
        }
        failure.map_text(|text| self.connection.redact(text))
    }

    /// Exchanges as they may be kept and shown.
    fn without_secrets(&self, exchanges: Vec<Exchange>) -> impl Iterator<Item = Exchange> {
        exchanges.into_iter().map(|mut exchange| {
            for text in [&mut exchange.path, &mut exchange.request.text, &mut exchange.reply.text] {
                self.connection.redact_in_place(text);
            }
            exchange
        })
    }

    fn lacks(&self, interface: &str) -> Failure {
        Failure::of_host(
            FailureKind::Misconfigured,
            "plugin-missing-export",
            format!("the plugin `{}` does not export `{interface}`", self.plugin.name()),
        )
        .with_hint(format!("it exports: {}", self.plugin.exports.names().join(", ")))
    }
}

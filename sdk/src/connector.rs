//! Every connector: it describes itself and signs in.
//!
//! The functions take no `self`: every call gets a fresh instance, so there is nothing that an earlier call could have left. What must
//! outlive a call goes into the session, the page's cursor, or [`kv`](crate::kv).

use std::time::Duration;

use crate::bindings::session as wit;
use crate::json::{Value, to_bytes};
use crate::{Connection, Description, Failure};

/// A plugin that speaks to one vendor. Implement [`Source`](crate::Source), [`Target`](crate::Target) or both beside it.
pub trait Connector {
    /// Describes the plugin. Called at load, without any capability.
    fn describe() -> Description;

    /// Signs in. Called by the host before the first call and after `unauthorized`; never two at a time for a connection. A vendor that
    /// needs no session checks the connection with its cheapest request and returns [`SignedIn::without_data`].
    fn sign_in(connection: &Connection) -> Result<SignedIn, Failure>;
}

/// A session. The host keeps it in memory only, never logs it, and hands its data to each call as
/// [`Connection::session`].
#[derive(Debug, Clone, PartialEq)]
pub struct SignedIn {
    /// Whatever the plugin's other calls need: a token, cookies.
    pub data: Value,
    /// How long it may be used; `None`: until a call answers `unauthorized`.
    pub valid_for: Option<Duration>,
}

impl SignedIn {
    /// A session that holds until a call answers `unauthorized`.
    pub fn new(data: Value) -> Self {
        Self { data, valid_for: None }
    }

    /// For a vendor that needs no session.
    pub fn without_data() -> Self {
        Self::new(Value::Null)
    }

    /// With an end, known beforehand.
    #[must_use]
    pub fn valid_for(mut self, duration: Duration) -> Self {
        self.valid_for = Some(duration);
        self
    }
}

impl From<SignedIn> for wit::SignedIn {
    fn from(session: SignedIn) -> Self {
        Self {
            data: to_bytes(&session.data),
            valid_for_ms: session.valid_for.map(|valid| u64::try_from(valid.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

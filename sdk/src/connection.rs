//! The connection on whose behalf a call is made.

use serde::de::DeserializeOwned;

use crate::Failure;
use crate::bindings::lent::types as wit;
use crate::json::{self, Value};

/// The connection on whose behalf a call is made.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its name in `qiao.toml`.
    pub name: String,
    /// Its base URL, ending in `/`. For signatures that cover the path; requests themselves give relative paths.
    pub base_url: String,
    /// The scheme's time zone (IANA name), in which date texts without an offset are meant.
    pub time_zone: String,
    config: Value,
    session: Value,
}

impl Connection {
    /// A connection made by hand, for tests.
    pub fn new(name: &str, base_url: &str, config: Value, session: Value) -> Self {
        Self {
            name: name.to_owned(),
            base_url: base_url.to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            config,
            session,
        }
    }

    /// Its `config` table, as the user wrote it: nobody has checked it yet. What does not fit is `misconfigured`, with the JSON path; a
    /// type with `#[serde(deny_unknown_fields)]` also finds what is misspelt.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read("config", &self.config).map_err(|misfit| {
            Failure::misconfigured(format!("connection `{}`: {misfit}", self.name))
                .hint("mend the connection's `config` in `qiao.toml`")
        })
    }

    /// The data of the session that serves this call. What does not fit is `unauthorized`, so that the host signs in again; its
    /// value is not repeated, since it may be a token.
    pub fn session<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read("session", &self.session).map_err(|misfit| {
            Failure::unauthorized(format!("connection `{}`: the session does not fit at `{}`", self.name, misfit.path))
        })
    }
}

impl TryFrom<wit::Connection> for Connection {
    type Error = Failure;

    fn try_from(connection: wit::Connection) -> Result<Self, Failure> {
        Ok(Self {
            config: json::handed_over("config", &connection.config)?,
            session: json::handed_over("session", &connection.session)?,
            name: connection.name,
            base_url: connection.base_url,
            time_zone: connection.time_zone,
        })
    }
}

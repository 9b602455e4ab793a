//! HTTP to the connection's own host, and to no other.
//!
//! [`request`] turns what a plugin asks for into a request that provably stays below the connection's base URL;
//! [`outbound`] sends it when the connection's [`budget`] gives it a turn; [`address`] keeps names from resolving to the
//! inside of the network. The budget is made of the configured rate and concurrency, the [`pace`] that adapts to what the
//! vendor refuses, the pauses it asks for ([`retry_after`]), and the [`circuit`] that opens while it is down.

mod address;
mod budget;
mod circuit;
mod outbound;
mod pace;
mod request;
mod retry_after;

use std::sync::Arc;

use futures::future::join_all;

pub use budget::{Down, Traffic, Unavailable};
pub(crate) use outbound::{Outbound, choose_cryptography};

use super::bindings::qiao::plugin::http::{Error, Host, Request, Response};
use super::{Connection, Lent};

impl Host for Lent {
    async fn send(&mut self, request: Request) -> Result<Response, Error> {
        let (connection, request) = self.prepare(&request)?;
        connection.outbound().send(request, &self.record).await
    }

    async fn send_all(&mut self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        let prepared: Vec<_> = requests.iter().map(|request| self.prepare(request)).collect();
        let record = &self.record;
        join_all(prepared.into_iter().map(|prepared| async move {
            let (connection, request) = prepared?;
            connection.outbound().send(request, record).await
        }))
        .await
    }
}

impl Lent {
    fn prepare(&self, request: &Request) -> Result<(Arc<Connection>, reqwest::Request), Error> {
        let Some(connection) = &self.loan.connection else {
            return Err(Error::Denied("this call has no connection: only connectors are lent HTTP".to_owned()));
        };
        let request = request::build(self, connection, request)?;
        Ok((Arc::clone(connection), request))
    }

    pub(super) fn is_signing_in(&self) -> bool {
        self.loan.signing_in
    }
}

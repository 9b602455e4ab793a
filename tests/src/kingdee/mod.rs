//! Kingdee Cloud Galaxy (金蝶云星空), as its Web API looks from outside: sales orders to query, for now.
//!
//! Each file has one job: [`signature`] verifies, [`session`] keeps cookies, [`envelope`] finds the data in a body, [`query`] runs it
//! over the [`fields`] with the [`filter`], [`failure`] refuses, [`state`] holds the books. This one is the way in: which path is which
//! service, and who may come in. A service that writes gets a file beside `query` and an arm in `Galaxy::serve`.
//!
//! What a wrong signature is answered with is documented nowhere. Here it is a lost context (`MsgCode` 1, in the wrapping of a query)
//! whose message names the signature: no user context is what the vendor's stub has then, and it is what a caller without any
//! signature gets.

mod envelope;
mod failure;
mod fields;
mod filter;
mod operand;
mod query;
mod session;
pub mod signature;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::dataset::{Dataset, Mutation};
use crate::door::{Answer, Faults, Request, RequestLog, Route, Server, Vendor};

use failure::{CONTEXT_LOST, Failure};
use session::Sessions;
use signature::Application;
pub(crate) use state::State;

/// A running data centre.
#[derive(Debug)]
pub struct Kingdee {
    server: Server,
    galaxy: Arc<Galaxy>,
}

/// The data centre without its sockets.
#[derive(Debug)]
pub(crate) struct Galaxy {
    application: Application,
    sessions: Sessions,
    state: State,
    cap: usize,
}

impl Kingdee {
    pub(crate) async fn start(
        application: Application,
        state: State,
        cap: usize,
        port: Option<u16>,
        log: RequestLog,
    ) -> io::Result<Self> {
        let galaxy = Arc::new(Galaxy { application, sessions: Sessions::default(), state, cap });
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

    /// Closes the port and all connections, for good.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Ends every session.
    pub fn revoke_sessions(&self) {
        self.galaxy.sessions.revoke_all();
    }

    /// The books as they are now.
    pub fn dataset(&self) -> Dataset {
        self.galaxy.state.dataset().clone()
    }

    pub(crate) fn change(&self, count: usize, clock: &Clock) -> io::Result<Mutation> {
        self.galaxy.state.mutate(|dataset| dataset.change(count, clock.local()))
    }

    pub(crate) fn add(&self, count: usize, clock: &Clock) -> io::Result<Mutation> {
        self.galaxy.state.mutate(|dataset| dataset.add(count, clock.local()))
    }
}

const FORM_SERVICE: &str = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.";

/// The service that a path names: `/k3cloud/<Service>.common.kdsvc`.
fn service(path: &str) -> Option<&str> {
    path.strip_prefix("/k3cloud/")
        .or_else(|| path.strip_prefix("/K3Cloud/"))?
        .strip_suffix(".common.kdsvc")
        .filter(|service| !service.contains('/'))
}

impl Vendor for Galaxy {
    fn route(&self, request: &Request) -> Route {
        let Some(service) = service(&request.path) else {
            return Route::Unknown;
        };
        match service.strip_prefix(FORM_SERVICE) {
            Some("ExecuteBillQuery") => Route::Query,
            _ => Route::OtherService,
        }
    }

    fn answer(&self, route: Route, request: &Request) -> Answer {
        if route == Route::Unknown || request.method != "POST" {
            return Answer::text(404, "text/html", "<h2>404 - 找不到文件或目录。</h2>");
        }
        match self.admit(request) {
            Err(failure) => Answer::json(200, &failure.wrapped()),
            Ok(named) => {
                let answer = self.serve(route, request);
                match named {
                    Some(_) => answer,
                    None => self.sessions.begin(answer),
                }
            }
        }
    }

    fn revoke(&self, request: &Request) -> Option<Answer> {
        match Sessions::named(request) {
            Some(named) => {
                self.sessions.revoke(&named);
                None
            }
            // A caller who signs every request and names no session loses the context of this request alone.
            None => Some(Answer::json(200, &Failure::session_lost().wrapped())),
        }
    }

    fn failure(&self, code: i64, message: Option<&str>) -> Answer {
        let failure = match message {
            Some(message) => Failure::new(code, message),
            None => Failure::of_code(code),
        };
        Answer::json(200, &failure.wrapped())
    }
}

impl Galaxy {
    /// Whether the caller may come in, and the session that it named.
    fn admit(&self, request: &Request) -> Result<Option<String>, Failure> {
        let named = Sessions::named(request);
        if named.as_deref().is_some_and(|named| !self.sessions.is_live(named)) {
            return Err(Failure::session_lost());
        }
        if signature::is_signed(request) {
            signature::verify(&self.application, request)
                .map_err(|error| Failure::new(CONTEXT_LOST, format!("签名验证失败：{error}")))?;
        } else if named.is_none() {
            return Err(Failure::session_lost());
        }
        Ok(named)
    }

    fn serve(&self, route: Route, request: &Request) -> Answer {
        let data = match envelope::data(&request.body) {
            Ok(data) => data,
            Err(message) => return Answer::text(500, "text/plain; charset=utf-8", message),
        };
        match route {
            Route::Query => match query::run(&self.state.dataset(), &data, self.cap) {
                Ok(rows) => Answer::json(200, &rows),
                Err(failure) => Answer::json(200, &failure.wrapped()),
            },
            _ => Answer::text(500, "text/plain; charset=utf-8", "response_error:未找到指定的服务"),
        }
    }
}

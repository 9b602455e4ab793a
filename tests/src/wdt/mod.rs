//! Wangdiantong, enterprise edition (旺店通企业版), as it looks from outside: refunds and goods to query, by both ways in.
//!
//! Each file has one job: [`sign`] signs again, [`parameters`] finds them wherever a client placed them, [`entry`] decides who comes in,
//! [`query`] selects and cuts pages, [`records`] shows a row, [`shape`] answers in the manner of the way that was taken, [`state`] holds
//! and writes down, [`motion`] changes rows while somebody reads them. This one is the two ways themselves: Taobao's router at
//! `/router/qm` (奇门), and the seller software's own `/openapi2/*.php`.
//!
//! There is no limit on requests a minute: the vendor publishes none, so that code 1012 comes only from a [`crate::Fault`].

mod entry;
mod motion;
mod parameters;
mod query;
mod records;
mod shape;
pub mod sign;
mod state;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::clock::Clock;
use crate::dataset::{Refund, RefundMutation};
use crate::door::{Answer, Faults, Request, RequestLog, Route, Server, Vendor};
use crate::lock;

pub(crate) use entry::Application;
use motion::Motions;
use query::{Query, Refusal};
use shape::Way;
pub(crate) use state::State;

/// A running seller.
#[derive(Debug)]
pub struct Wdt {
    server: Server,
    seller: Arc<Seller>,
}

/// The seller without its sockets.
#[derive(Debug)]
pub(crate) struct Seller {
    application: Application,
    state: Mutex<State>,
    motions: Mutex<Motions>,
    largest_page: AtomicUsize,
    answered: AtomicUsize,
    clock: Clock,
}

/// The most rows that the vendor's documents allow on a page of refunds.
const LARGEST_PAGE: usize = 40;

impl Wdt {
    pub(crate) async fn start(
        application: Application,
        state: State,
        clock: Clock,
        port: Option<u16>,
        log: RequestLog,
    ) -> io::Result<Self> {
        let seller = Arc::new(Seller {
            application,
            state: Mutex::new(state),
            motions: Mutex::default(),
            largest_page: AtomicUsize::new(LARGEST_PAGE),
            answered: AtomicUsize::new(0),
            clock,
        });
        let server = Server::start(Arc::clone(&seller), port, log).await?;
        Ok(Self { server, seller })
    }

    /// The router: `http://127.0.0.1:PORT/router/qm`.
    pub fn base_url_qimen(&self) -> String {
        format!("http://{}/router/qm", self.server.address)
    }

    /// The folder of the direct way: `http://127.0.0.1:PORT/openapi2/`.
    pub fn base_url_direct(&self) -> String {
        format!("http://{}/openapi2/", self.server.address)
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

    /// The largest `page_size` from now on, and the one that stands where none is sent; 40 at first.
    pub fn set_largest_page(&self, rows: usize) {
        self.seller.largest_page.store(rows, Ordering::SeqCst);
    }

    /// Closes the port and all connections: callers are refused until it comes up again.
    pub async fn go_down(&self) -> io::Result<()> {
        self.server.go_down().await
    }

    /// Lets callers in again, at the same port.
    pub fn come_up(&self) -> io::Result<()> {
        self.server.come_up()
    }

    /// The refunds as they are now, by id.
    pub fn refunds(&self) -> Vec<Refund> {
        lock(&self.seller.state).refunds().to_vec()
    }

    /// When `pages` more pages of refunds have been answered, the first `count` refunds of the last window are modified: they move
    /// behind all others, mostly out of the window, and everything behind them moves to lower places.
    pub fn touch_after(&self, pages: usize, count: usize) {
        lock(&self.seller.motions).touch_after(pages, count);
    }

    /// When `pages` more pages of refunds have been answered, `count` new refunds appear that are modified at the end of the last
    /// window: committed late, in a window that somebody is reading.
    pub fn appear_after(&self, pages: usize, count: usize) {
        lock(&self.seller.motions).appear_after(pages, count);
    }

    /// How often `touch_after` and `appear_after` are still waiting.
    pub fn motions_waiting(&self) -> usize {
        lock(&self.seller.motions).waiting()
    }

    pub(crate) fn change(&self, count: usize) -> io::Result<RefundMutation> {
        lock(&self.seller.state).change(count, self.seller.clock.local())
    }

    pub(crate) fn add(&self, count: usize) -> io::Result<RefundMutation> {
        lock(&self.seller.state).add(count, self.seller.clock.local())
    }
}

/// The way that a path names, and the script of the direct one.
fn way(path: &str) -> Option<(Way, &str)> {
    match path {
        "/router/qm" | "/router/qmtest" => Some((Way::Qimen, "")),
        _ => path.strip_prefix("/openapi2/").map(|script| (Way::Direct, script)),
    }
}

impl Vendor for Seller {
    fn route(&self, request: &Request) -> Route {
        match way(&request.path) {
            Some((Way::Qimen, _)) => Route::WdtQuery,
            Some((Way::Direct, script)) if Query::of_script(script).is_some() => Route::WdtQuery,
            _ => Route::Unknown,
        }
    }

    fn answer(&self, route: Route, request: &Request) -> Answer {
        match way(&request.path) {
            Some((way, script)) if route == Route::WdtQuery => {
                if way == Way::Direct && request.method != "POST" {
                    return Answer::json(200, &way.failure(&Refusal::new(100, "请使用POST方式请求"), ""));
                }
                Answer::json(200, &self.serve(way, script, request))
            }
            _ => Answer::text(404, "text/html", "<h1>404 Not Found</h1>"),
        }
    }

    /// There are no sessions: what a caller gets whose application was ended.
    fn revoke(&self, request: &Request) -> Option<Answer> {
        Some(self.failure(Route::WdtQuery, request, 2060, Some("app auth fail")))
    }

    fn failure(&self, _: Route, request: &Request, code: i64, message: Option<&str>) -> Answer {
        let way = way(&request.path).map_or(Way::Direct, |(way, _)| way);
        let refusal = Refusal::new(code, message.unwrap_or("系统繁忙"));
        Answer::json(200, &way.failure(&refusal, &self.request_id()))
    }
}

impl Seller {
    fn serve(&self, way: Way, script: &str, request: &Request) -> Value {
        let request_id = self.request_id();
        let parameters = parameters::merged(request);
        let now = self.clock.now();
        let (admitted, query) = match way {
            Way::Qimen => {
                if let Err(refused) = self.application.admit_router(&parameters, now) {
                    return shape::router_failure(refused.code, refused.message, refused.sub, &request_id);
                }
                let method = parameters.get("method").map_or("", String::as_str);
                let Some(query) = Query::of_method(method) else {
                    return shape::unknown_method(method, &request_id);
                };
                (self.application.admit_seller(&parameters), query)
            }
            Way::Direct => {
                let Some(query) = Query::of_script(script) else {
                    return way.failure(&Refusal::new(100, "接口不存在"), &request_id);
                };
                (self.application.admit_direct(&parameters, now), query)
            }
        };
        let mut state = lock(&self.state);
        let cap = self.largest_page.load(Ordering::SeqCst);
        let page = admitted.and_then(|()| query.run(&state, &parameters, cap));
        match page {
            Ok(mut page) => {
                let window = page.window.take();
                let answer = way.success(page);
                if let Some((end, ids)) = window
                    && let Err(error) = lock(&self.motions).page_answered(&mut state, &ids, end, self.clock.local())
                {
                    return way.failure(&Refusal::new(100, error.to_string()), &request_id);
                }
                answer
            }
            Err(refusal) => way.failure(&refusal, &request_id),
        }
    }

    /// Like `15qzd9btbeym5`, and different each time.
    fn request_id(&self) -> String {
        format!("15qzd{:08x}", self.answered.fetch_add(1, Ordering::SeqCst))
    }
}

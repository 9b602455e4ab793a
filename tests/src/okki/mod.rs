//! OKKI CRM (小满), as its open API looks from outside: tokens, order push, and what an order refers to.
//!
//! Each file has one job: [`token`] lets callers in, [`push`] computes what a push makes, [`reads`] shows what is there, [`ids`] mixes
//! ids as the vendor does, [`envelope`] answers and refuses, [`state`] holds and writes down, [`motion`] makes lists unquiet. This one is the way in: which path is
//! which call, and what scope it needs.
//!
//! There is no limit on requests: the vendor publishes none, so that a 429 comes only from a [`crate::Fault`].

mod envelope;
mod ids;
mod motion;
mod push;
mod reads;
mod state;
#[cfg(test)]
mod tests;
mod token;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::door::{Answer, Faults, Request, RequestLog, Route, Server, Vendor};
use crate::lock;

use envelope::Refusal;
pub(crate) use motion::Motion;
pub use push::OrderNoReading;
pub(crate) use state::{Catalogue, Orders};
pub use state::{Line, PushKind, PushRecord, StoredOrder};
pub(crate) use token::Tokens;

/// A running enterprise account.
#[derive(Debug)]
pub struct Okki {
    server: Server,
    crm: Arc<Crm>,
}

/// The account without its sockets.
#[derive(Debug)]
pub(crate) struct Crm {
    pub(crate) tokens: Tokens,
    pub(crate) catalogue: Catalogue,
    pub(crate) orders: Mutex<Orders>,
    pub(crate) reading: OrderNoReading,
    pub(crate) motion: Motion,
    pub(crate) clock: Clock,
}

impl Okki {
    pub(crate) async fn start(crm: Crm, port: Option<u16>, log: RequestLog) -> io::Result<Self> {
        let crm = Arc::new(crm);
        let server = Server::start(Arc::clone(&crm), port, log).await?;
        Ok(Self { server, crm })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address)
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

    /// Ends every token.
    pub fn revoke_tokens(&self) {
        self.crm.tokens.revoke_all();
    }

    /// When `pages` more pages of companies or products have been answered, all of both move by `count` places: towards the first page,
    /// whose rows become the last (`ahead`), or away from it.
    pub fn shift_after(&self, pages: usize, count: usize, ahead: bool) {
        self.crm.motion.shift_after(pages.max(1), count, ahead);
    }

    /// So many companies are not listed from now on, as if they were not there yet.
    pub fn hide_companies(&self, count: usize) {
        self.crm.motion.hide_companies(count);
    }

    /// Every push that was applied, in order.
    pub fn pushes(&self) -> Vec<PushRecord> {
        lock(&self.crm.orders).pushes().to_vec()
    }

    /// How many pushes were applied.
    pub fn push_count(&self) -> usize {
        lock(&self.crm.orders).pushes().len()
    }

    /// How many orders were created with this number.
    pub fn creates_of(&self, order_no: &str) -> usize {
        let orders = lock(&self.crm.orders);
        let is_create = |push: &&PushRecord| push.order_no == order_no && push.kind == PushKind::Create;
        orders.pushes().iter().filter(is_create).count()
    }

    /// Every order that is not removed, by id.
    pub fn orders(&self) -> Vec<StoredOrder> {
        let orders = lock(&self.crm.orders);
        orders.all().filter(|order| !order.is_removed).cloned().collect()
    }
}

impl Vendor for Crm {
    fn route(&self, request: &Request) -> Route {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/oauth2/access_token") => Route::Token,
            ("POST", "/v1/invoices/order/push") => Route::Push,
            ("POST", "/v1/invoices/order/remove") => Route::OrderRemove,
            ("GET", "/v1/invoices/order/info") => Route::OrderInfo,
            ("GET", "/v1/invoices/order/list") => Route::OrderList,
            ("GET", "/v1/invoices/order/orderEnums") => Route::OrderEnums,
            ("GET", "/v1/product/list") => Route::ProductList,
            ("GET", "/v1/product/info") => Route::ProductInfo,
            ("GET", "/v1/company/list") => Route::CompanyList,
            ("GET", "/v1/company/info") => Route::CompanyInfo,
            ("GET", "/v1/user/list") => Route::UserList,
            _ => Route::Unknown,
        }
    }

    fn answer(&self, route: Route, request: &Request) -> Answer {
        let scope = match route {
            Route::Token => return self.tokens.issue(request),
            Route::ProductList | Route::ProductInfo => "product",
            Route::CompanyList | Route::CompanyInfo => "company",
            Route::UserList => "user",
            Route::Unknown => return not_found(),
            _ => "invoices",
        };
        if let Err(denied) = self.tokens.admit(request, scope) {
            return *denied;
        }
        let now = self.clock.local_text();
        match self.serve(route, request) {
            Ok(Some(data)) => envelope::success(&now, &data),
            Ok(None) => not_found(),
            Err(refusal) => refusal.answer(&now),
        }
    }

    fn revoke(&self, request: &Request) -> Option<Answer> {
        self.tokens.revoke(request)
    }

    fn failure(&self, _: Route, _: &Request, code: i64, message: Option<&str>) -> Answer {
        Refusal::new(code, message.unwrap_or("Server Error")).answer(&self.clock.local_text())
    }
}

fn not_found() -> Answer {
    Answer::json(404, &json!({"code": 404, "message": "Not Found"}))
}

impl Crm {
    /// The data of an answer; nothing where the vendor answers with HTTP 404.
    fn serve(&self, route: Route, request: &Request) -> Result<Option<Value>, Refusal> {
        let catalogue = &self.catalogue;
        let data = match route {
            Route::Push => self.push(request)?,
            Route::OrderRemove => self.remove(request)?,
            Route::OrderInfo => reads::order_info(catalogue, &lock(&self.orders), request)?,
            Route::OrderList => reads::order_list(&lock(&self.orders), request)?,
            Route::OrderEnums => reads::order_enums(catalogue),
            Route::ProductList => reads::product_list(catalogue, &self.motion, request)?,
            Route::ProductInfo => return Ok(reads::product_info(catalogue, request)),
            Route::CompanyList => reads::company_list(catalogue, &self.motion, request)?,
            Route::CompanyInfo => reads::company_info(catalogue, request)?,
            Route::UserList => reads::user_list(catalogue, request),
            _ => return Ok(None),
        };
        Ok(Some(data))
    }

    fn push(&self, request: &Request) -> Result<Value, Refusal> {
        let body: Map<String, Value> = serde_json::from_slice(&request.body)
            .map_err(|error| Refusal::invalid(&format!("请求体不是 JSON 对象：{error}")))?;
        let mut orders = lock(&self.orders);
        let pushed = push::compute(&orders, &self.catalogue, self.reading, &body, self.clock.local())?;
        let data = json!({
            "order_id": pushed.order.order_id,
            "product_list": reads::lines(&self.catalogue, &pushed.order),
        });
        orders.commit(pushed.order, Some(pushed.record)).map_err(unwritten)?;
        Ok(data)
    }

    fn remove(&self, request: &Request) -> Result<Value, Refusal> {
        let mut orders = lock(&self.orders);
        let mut order = reads::find_order(&orders, request)?.clone();
        order.is_removed = true;
        order.updated = self.clock.local();
        orders.commit(order, None).map_err(unwritten)?;
        Ok(json!("success"))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn unwritten(error: io::Error) -> Refusal {
    Refusal::new(500, format!("the simulator cannot write its file: {error}"))
}

//! The door of a vendor: sockets, faults and the log, so that a vendor's own code is a plain function from request to answer.
//!
//! Every request takes the same way: read whole, named by its [`Route`], counted, delayed if a latency is set, met by a fault or
//! handed to the [`Vendor`], logged, answered. A vendor is synchronous on purpose: what it applies is applied in one step, and no
//! caller who hangs up can leave it half done. Faults that a well-behaved HTTP server cannot commit (a reset, a body cut short) are
//! committed one layer below, on the [`wire`].

mod faults;
mod log;
mod wire;

pub use faults::{Fault, Faults};
pub(crate) use log::Bell;
pub use log::{RequestLog, Seen, WaitTimedOut};

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::any;
use bytes::Bytes;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::lock;
use wire::{Cut, DoorListener, Wire};

/// What a request asks for: the word by which faults and the log name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// In a fault's rule: every request.
    Any,
    /// Kingdee: `DynamicFormService.ExecuteBillQuery`.
    Query,
    /// Kingdee: `DynamicFormService.BillQuery`.
    BillQuery,
    /// Kingdee: `DynamicFormService.View`.
    View,
    /// Kingdee: `DynamicFormService.Save`.
    Save,
    /// Kingdee: `DynamicFormService.BatchSave`.
    BatchSave,
    /// Kingdee: `DynamicFormService.Draft`.
    Draft,
    /// Kingdee: `DynamicFormService.Submit`.
    Submit,
    /// Kingdee: `DynamicFormService.Audit`.
    Audit,
    /// Kingdee: `DynamicFormService.UnAudit`.
    UnAudit,
    /// Kingdee: `DynamicFormService.Delete`.
    Delete,
    /// Kingdee: `AuthService.ValidateUser`, `LoginByAppSecret` or `LoginBySign`.
    Login,
    /// Kingdee: `AuthService.Logout`.
    Logout,
    /// Kingdee: another service, which is not simulated.
    OtherService,
    /// Wangdiantong: a query, by either way in.
    WdtQuery,
    /// OKKI: `POST /v1/oauth2/access_token`.
    Token,
    /// OKKI: `POST /v1/invoices/order/push`.
    Push,
    /// OKKI: `POST /v1/invoices/order/remove`.
    OrderRemove,
    /// OKKI: `GET /v1/invoices/order/info`.
    OrderInfo,
    /// OKKI: `GET /v1/invoices/order/list`.
    OrderList,
    /// OKKI: `GET /v1/invoices/order/orderEnums`.
    OrderEnums,
    /// OKKI: `GET /v1/product/list`.
    ProductList,
    /// OKKI: `GET /v1/product/info`.
    ProductInfo,
    /// OKKI: `GET /v1/company/list`.
    CompanyList,
    /// OKKI: `GET /v1/company/info`.
    CompanyInfo,
    /// OKKI: `GET /v1/user/list`.
    UserList,
    /// A path that the vendor does not have.
    Unknown,
}

/// A request, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// A header's text; absent, or not text: nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A parameter of the query string, decoded. The empty text counts as absent, as the vendors have it.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    }
}

/// An answer, before it meets the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::text(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A vendor behind the door.
pub(crate) trait Vendor: Send + Sync + 'static {
    /// Names the request. Called once per request, before any fault.
    fn route(&self, request: &Request) -> Route;
    /// Applies the request and answers it.
    fn answer(&self, route: Route, request: &Request) -> Answer;
    /// Ends the session or token that the request names. If there is nothing to end, gives what a caller whose session is gone gets.
    fn revoke(&self, request: &Request) -> Option<Answer>;
    /// A business failure in the vendor's own shape, as this request would get it.
    fn failure(&self, route: Route, request: &Request, code: i64, message: Option<&str>) -> Answer;
}

/// A vendor that is being served. Dropping it closes its port and all its connections.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    latency: watch::Sender<Duration>,
    /// How often it went down. Whoever sees it rise belongs to an earlier life, and ends.
    lives: watch::Sender<u64>,
    app: IntoMakeServiceWithConnectInfo<axum::Router, Wire>,
    standing: Mutex<Standing>,
}

/// Whether callers are let in.
#[derive(Debug)]
enum Standing {
    /// They are.
    Up(JoinHandle<()>),
    /// They are refused; the socket keeps the port from everybody else.
    Down(TcpSocket),
    /// For good, or on the way from one to the other.
    Closed,
}

struct Door<V> {
    vendor: Arc<V>,
    faults: Faults,
    log: RequestLog,
    latency: watch::Receiver<Duration>,
    lives: watch::Receiver<u64>,
}

impl Server {
    /// Serves `vendor` on the loopback address. A `port` that is taken gives way to a free one.
    pub(crate) async fn start<V: Vendor>(vendor: Arc<V>, port: Option<u16>, log: RequestLog) -> io::Result<Self> {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await {
            Err(error) if port.is_some() && error.kind() == io::ErrorKind::AddrInUse => {
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?
            }
            bound => bound?,
        };
        let address = listener.local_addr()?;
        let (latency, latency_seen) = watch::channel(Duration::ZERO);
        let (lives, lives_seen) = watch::channel(0);
        let faults = Faults::default();
        let door = Arc::new(Door {
            vendor,
            faults: faults.clone(),
            log: log.clone(),
            latency: latency_seen,
            lives: lives_seen,
        });
        let app =
            axum::Router::new().fallback(any(pass::<V>)).with_state(door).into_make_service_with_connect_info::<Wire>();
        let server = Self { address, faults, log, latency, lives, app, standing: Mutex::new(Standing::Closed) };
        server.accept(listener);
        Ok(server)
    }

    fn accept(&self, listener: TcpListener) {
        let listener = DoorListener::new(listener, self.lives.subscribe());
        let app = self.app.clone();
        let accepting = tokio::spawn(async move {
            // It ends only when aborted; a failed accept is retried by the listener.
            let _ = axum::serve(listener, app).await;
        });
        *lock(&self.standing) = Standing::Up(accepting);
    }

    /// How long every request waits before it is handled.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.latency.send_replace(latency);
    }

    /// Closes the port and every connection, as a vendor that is down: callers are refused until it comes up again.
    pub(crate) async fn go_down(&self) -> io::Result<()> {
        if let Some(accepting) = self.close() {
            // Only then is the port free.
            let _ = accepting.await;
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(self.address)?;
            *lock(&self.standing) = Standing::Down(socket);
        }
        Ok(())
    }

    /// Lets callers in again, at the same address.
    pub(crate) fn come_up(&self) -> io::Result<()> {
        let standing = std::mem::replace(&mut *lock(&self.standing), Standing::Closed);
        match standing {
            Standing::Down(socket) => self.accept(socket.listen(1_024)?),
            other => *lock(&self.standing) = other,
        }
        Ok(())
    }

    /// Ends the port and every connection.
    fn close(&self) -> Option<JoinHandle<()>> {
        let standing = std::mem::replace(&mut *lock(&self.standing), Standing::Closed);
        self.lives.send_modify(|lives| *lives += 1);
        let Standing::Up(accepting) = standing else {
            return None;
        };
        accepting.abort();
        Some(accepting)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// No request of these vendors comes near this.
const LARGEST_REQUEST: usize = 64 << 20;

async fn pass<V: Vendor>(
    State(door): State<Arc<Door<V>>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: axum::extract::Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_REQUEST).await else {
        return respond(Answer::text(413, "text/plain", "Request Entity Too Large"));
    };
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let route = door.vendor.route(&request);
    let ticket = door.log.begin(route, &request);
    let latency = *door.latency.borrow();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let fault = door.faults.draw(route);
    if let Some(fault) = &fault {
        ticket.meets(fault);
    }
    let answer = door.answer(fault.as_ref(), route, &request, &wire).await;
    ticket.answered(answer.status);
    respond(answer)
}

impl<V: Vendor> Door<V> {
    async fn answer(&self, fault: Option<&Fault>, route: Route, request: &Request, wire: &Wire) -> Answer {
        let Some(fault) = fault else {
            return self.vendor.answer(route, request);
        };
        match fault {
            Fault::Status(status) => {
                let reason = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
                Answer::text(*status, "text/plain", reason.unwrap_or_default())
            }
            Fault::TooManyRequests { retry_after } => {
                let answer = Answer::text(429, "text/plain", "Too Many Requests");
                match retry_after {
                    Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
                    None => answer,
                }
            }
            Fault::Html => Answer::text(200, "text/html; charset=utf-8", faults::HTML_PAGE),
            Fault::Body(status, body) => Answer::text(*status, "application/json", body.clone()),
            Fault::KingdeeMsgCode(code) => self.vendor.failure(route, request, i64::from(*code), None),
            Fault::OkkiCode(code, message) | Fault::WdtCode(code, message) => {
                self.vendor.failure(route, request, *code, Some(message))
            }
            Fault::RevokeSession => {
                let refused = self.vendor.revoke(request);
                refused.unwrap_or_else(|| self.vendor.answer(route, request))
            }
            Fault::HalfJson => {
                let mut answer = self.vendor.answer(route, request);
                answer.body.truncate(answer.body.len() / 2);
                answer
            }
            Fault::BrokenJson => {
                let mut answer = self.vendor.answer(route, request);
                answer.body = faults::broken(&answer.body);
                answer
            }
            Fault::ApplyLate(delay) => {
                let (vendor, request, log, delay) =
                    (Arc::clone(&self.vendor), request.clone(), self.log.clone(), *delay);
                // A task of its own: a client that hangs up does not keep the vendor from applying.
                let applying = tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let answer = vendor.answer(route, &request);
                    log.ring();
                    answer
                });
                applying.await.unwrap_or_else(|_| Answer::text(500, "text/plain", ""))
            }
            Fault::Truncate => {
                let answer = self.vendor.answer(route, request);
                wire.cut(Cut::AfterBody(answer.body.len() / 2));
                answer
            }
            Fault::ResetBefore => {
                wire.cut(Cut::Reset);
                Answer::text(500, "text/plain", "")
            }
            Fault::ResetAfter => {
                let answer = self.vendor.answer(route, request);
                wire.cut(Cut::Reset);
                answer
            }
            Fault::DelayAfter(delay) => {
                let answer = self.vendor.answer(route, request);
                self.log.ring();
                tokio::time::sleep(*delay).await;
                answer
            }
            Fault::Hang => {
                let mut lives = self.lives.clone();
                lives.mark_unchanged();
                let _ = lives.changed().await;
                wire.cut(Cut::Reset);
                Answer::text(500, "text/plain", "")
            }
        }
    }
}

fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().append(header::HeaderName::from_static(name), value);
        }
    }
    response
}

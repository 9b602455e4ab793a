//! The data centre without its sockets: which path is which service, who may come in, and how each service is refused.
//!
//! What a wrong signature is answered with is documented nowhere. Here it is a lost context (`MsgCode` 1) whose message names the
//! signature: no user context is what the vendor's stub has then, and it is what a caller without any signature gets. Nor is the shape
//! of a failed `BillQuery` certain; here it is the plain one of all services but `ExecuteBillQuery`.

use std::sync::Mutex;

use serde_json::{Map, Value};

use super::bills::Bills;
use super::conflicts::Conflicts;
use super::envelope;
use super::failure::{CONTEXT_LOST, EXCEPTION, FORM_ID_EMPTY, Failure, MISSING};
use super::fields::{Books, Form};
use super::flow::Step;
use super::login::{self, Login, Refused};
use super::motion::Motion;
use super::query::{self, Shape};
use super::schema::Schema;
use super::session::{self, Sessions};
use super::signature::{self, Application};
use super::state::State;
use super::write::{Completeness, Desk};
use crate::clock::Clock;
use crate::door::{Answer, Request, Route, Vendor};
use crate::lock;

/// The data centre without its sockets.
#[derive(Debug)]
pub(crate) struct Galaxy {
    pub(super) application: Application,
    pub(super) sessions: Sessions,
    pub(super) state: State,
    pub(super) conflicts: Conflicts,
    pub(super) motion: Mutex<Option<Motion>>,
    pub(super) clock: Clock,
    pub(super) cap: usize,
}

const FORM_SERVICE: &str = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.";
const AUTH_SERVICE: &str = "Kingdee.BOS.WebApi.ServicesStub.AuthService.";

/// The service that a path names: `/k3cloud/<Service>.common.kdsvc`.
fn service(path: &str) -> Option<&str> {
    path.strip_prefix("/k3cloud/")
        .or_else(|| path.strip_prefix("/K3Cloud/"))?
        .strip_suffix(".common.kdsvc")
        .filter(|service| !service.contains('/'))
}

/// The way to log in that a path names.
fn login_of(path: &str) -> Option<Login> {
    Login::of_service(service(path)?.strip_prefix(AUTH_SERVICE)?)
}

impl Vendor for Galaxy {
    fn route(&self, request: &Request) -> Route {
        let Some(service) = service(&request.path) else {
            return Route::Unknown;
        };
        if login_of(&request.path).is_some() {
            return Route::Login;
        }
        if service.strip_prefix(AUTH_SERVICE) == Some("Logout") {
            return Route::Logout;
        }
        match service.strip_prefix(FORM_SERVICE) {
            Some("ExecuteBillQuery") => Route::Query,
            Some("BillQuery") => Route::BillQuery,
            Some("View") => Route::View,
            Some("Save") => Route::Save,
            Some("BatchSave") => Route::BatchSave,
            Some("Draft") => Route::Draft,
            Some("Submit") => Route::Submit,
            Some("Audit") => Route::Audit,
            Some("UnAudit") => Route::UnAudit,
            Some("Delete") => Route::Delete,
            _ => Route::OtherService,
        }
    }

    fn answer(&self, route: Route, request: &Request) -> Answer {
        if route == Route::Unknown || request.method != "POST" {
            return Answer::text(404, "text/html", "<h2>404 - 找不到文件或目录。</h2>");
        }
        if let Some(login) = login_of(&request.path) {
            return self.log_in(login, request);
        }
        match self.admit(request) {
            Err(failure) => refuse(route, &failure),
            Ok(named) => {
                if route == Route::Logout {
                    if let Some(named) = &named {
                        self.sessions.revoke(named);
                    }
                    return Answer::json(200, &Value::Bool(true));
                }
                let answer = self.serve(route, request);
                match named {
                    Some(_) => answer,
                    None => session::with_cookies(answer, &self.sessions.begin()),
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
            None => Some(refuse(self.route(request), &Failure::session_lost())),
        }
    }

    fn failure(&self, route: Route, _: &Request, code: i64, message: Option<&str>) -> Answer {
        let failure = match message {
            Some(message) => Failure::new(code, message),
            None => Failure::of_code(code),
        };
        refuse(route, &failure)
    }
}

/// A failure as the service of this route has it.
fn refuse(route: Route, failure: &Failure) -> Answer {
    let body = match route {
        Route::Query => failure.wrapped(),
        Route::Login => Refused::because(&failure.message).body(),
        _ => failure.result(),
    };
    Answer::json(200, &body)
}

/// What a service says to a body that it cannot read.
fn unreadable(message: envelope::Unreadable) -> Answer {
    Answer::text(500, "text/plain; charset=utf-8", message)
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

    fn log_in(&self, login: Login, request: &Request) -> Answer {
        let values = match envelope::arguments(&request.body, login.parameters()) {
            Ok(values) => values,
            Err(message) => return unreadable(message),
        };
        if let Err(refused) = login.admit(&self.application, &values) {
            return Answer::json(200, &refused.body());
        }
        let session = self.sessions.begin();
        session::with_cookies(Answer::json(200, &login::welcome(&self.application, &session)), &session)
    }

    fn serve(&self, route: Route, request: &Request) -> Answer {
        if route == Route::OtherService {
            return Answer::text(500, "text/plain; charset=utf-8", "response_error:未找到指定的服务");
        }
        let (form, data) = match envelope::call(&request.body) {
            Ok(call) => call,
            Err(message) => return unreadable(message),
        };
        let answered = match route {
            Route::Query => self.query(Shape::Arrays, &data),
            Route::BillQuery => self.query(Shape::Objects, &data),
            _ => self.work(route, &form, &data),
        };
        match answered {
            Ok(body) => Answer::json(200, &body),
            Err(failure) => refuse(route, &failure),
        }
    }

    fn query(&self, shape: Shape, data: &Map<String, Value>) -> Result<Value, Failure> {
        let rows = {
            let (dataset, bills) = (self.state.dataset(), self.state.bills());
            query::run(Books { dataset: &dataset, bills: &bills }, shape, data, self.cap)?
        };
        let is_of_orders = data.get("FormId").and_then(Value::as_str).and_then(Form::of_id) == Some(Form::SaleOrder);
        if is_of_orders && let Some(count) = lock(&self.motion).as_mut().and_then(Motion::query_answered) {
            let now = self.clock.local();
            let changed = self.state.mutate(|dataset| dataset.change(count, now));
            changed.map_err(|error| Failure::new(EXCEPTION, error.to_string()))?;
        }
        Ok(rows)
    }

    /// The services that are given a form.
    fn work(&self, route: Route, form: &str, data: &Map<String, Value>) -> Result<Value, Failure> {
        if form.is_empty() {
            return Err(Failure::new(FORM_ID_EMPTY, "业务对象标识 FormId 不能为空"));
        }
        let schema = Schema::of_id(form)
            .ok_or_else(|| Failure::new(MISSING, format!("业务对象 {form} 不存在或不支持此操作")))?;
        let dataset = self.state.dataset();
        let mut bills = self.state.bills();
        let bills: &mut Bills = &mut bills;
        let hits = self.conflicts.draw(route);
        let mut desk = Desk { dataset: &dataset, bills, schema, now: self.clock.local(), hits };
        match route {
            Route::Save => desk.save(data, Completeness::Whole).map(|reply| reply.single()),
            Route::Draft => desk.save(data, Completeness::PutAside).map(|reply| reply.single()),
            Route::BatchSave => desk.batch_save(data).map(|reply| reply.batch()),
            Route::Submit => desk.step(Step::Submit, data).map(|reply| reply.plain()),
            Route::Audit => desk.step(Step::Audit, data).map(|reply| reply.plain()),
            Route::UnAudit => desk.step(Step::UnAudit, data).map(|reply| reply.plain()),
            Route::Delete => desk.step(Step::Delete, data).map(|reply| reply.plain()),
            _ => desk.view(data),
        }
    }
}

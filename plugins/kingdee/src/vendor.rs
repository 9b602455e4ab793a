//! Kingdee as one connection reaches it: every request goes out here, with what shows who sends it.
//!
//! The bodies are those of the official SDK (`PyPI`, `kingdee.cdp.webapi.sdk` 8.2.0): `{"data":…}` for a query, which names its form
//! itself, and `{"formid":…,"data":…}` for an operation on a form.

use std::time::{SystemTime, UNIX_EPOCH};

use qiao_plugin::http::{Error, Request, Response};
use qiao_plugin::json::json;
use qiao_plugin::{Connection, Failure, Object, Value};

use crate::Send;
use crate::config::{Config, SignInBy};
use crate::service::Service;
use crate::session::{ASP_NET_COOKIE, SESSION_COOKIE, Session};
use crate::sign::Signer;

/// Kingdee, as one connection reaches it.
pub(crate) struct Vendor<'c> {
    base_url: &'c str,
    signer: Option<Signer>,
    session: Session,
    send: Send<'c>,
}

impl<'c> Vendor<'c> {
    /// With the session that the host keeps.
    pub(crate) fn of(connection: &'c Connection, config: &Config, send: Send<'c>) -> Result<Self, Failure> {
        let session: Session = connection.session()?;
        let signer = match config.sign_in {
            SignInBy::Signature if session.signature.is_none() => {
                return Err(Failure::unauthorized(format!(
                    "connection `{}`: the session has no signature",
                    connection.name
                )));
            }
            SignInBy::Signature => Some(Signer::new(config)?),
            SignInBy::AppSecret => None,
        };
        Ok(Self::with(connection, signer, session, send))
    }

    /// With a session that is only being made.
    pub(crate) fn with(connection: &'c Connection, signer: Option<Signer>, session: Session, send: Send<'c>) -> Self {
        Self { base_url: &connection.base_url, signer, session, send }
    }

    /// Reads rows.
    pub(crate) fn query(&self, service: Service, data: &Object) -> Result<Response, Error> {
        self.post(service, &json!({ "data": data }))
    }

    /// Does something to bills of a form.
    pub(crate) fn operate(&self, service: Service, form_id: &str, data: &Object) -> Result<Response, Error> {
        self.post(service, &json!({ "formid": form_id, "data": data }))
    }

    fn post(&self, service: Service, body: &Value) -> Result<Response, Error> {
        let path = service.path();
        let mut request = Request::post(path.as_str()).json(body);
        if let (Some(signer), Some(signature)) = (&self.signer, &self.session.signature) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let seconds = now.map_or(0, |since| since.as_secs());
            // The signature covers the path, so each service has its own.
            let url = format!("{}{path}", self.base_url);
            for (name, value) in signer.headers(&url, seconds, signature) {
                request = request.header(name, value);
            }
        }
        // The cookies go as the official SDK sends them.
        if let Some(id) = &self.session.kdservice {
            let mut cookies = format!("Theme=standard;{SESSION_COOKIE}={id}");
            if let Some(id) = &self.session.asp_net {
                cookies = format!("{cookies}; {ASP_NET_COOKIE}={id}");
            }
            request = request.header(SESSION_COOKIE, id.as_str()).header("Cookie", cookies);
        }
        (self.send)(request)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind;
    use qiao_plugin::http::Part;

    use super::*;
    use crate::testing::{Kingdee, answer, config_of, connection, object};

    fn header(request: &Request, name: &str) -> Option<String> {
        let (_, parts) = request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        let [Part::Text(text)] = parts.as_slice() else {
            panic!("plain text: {parts:?}");
        };
        Some(text.clone())
    }

    fn sent(session: Value, sign_in: &str, service: Service) -> Request {
        let connection = connection(&json!({"sign_in": sign_in}), session);
        let kingdee = Kingdee::new([answer("[]")]);
        let send = |request| kingdee.send(request);
        let vendor = Vendor::of(&connection, &config_of(&connection), &send).unwrap();
        vendor.operate(service, "SAL_RETURNSTOCK", &object(json!({"Ids": "1"}))).unwrap();
        kingdee.requests.into_inner().remove(0)
    }

    #[test]
    fn every_service_is_signed_for_its_own_path() {
        let session = || json!({"signature": "kd", "kdservice": null, "asp_net": null});
        let audit = sent(session(), "signature", Service::Audit);
        let submit = sent(session(), "signature", Service::Submit);
        assert_eq!(audit.path, "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.Audit.common.kdsvc");
        assert_eq!(header(&audit, "X-Kd-Signature").as_deref(), Some("kd"));
        assert!(header(&audit, "X-Api-Signature").is_some());
        // At the same second the two differ only by the path.
        if header(&audit, "x-api-timestamp") == header(&submit, "x-api-timestamp") {
            assert_ne!(header(&audit, "X-Api-Signature"), header(&submit, "X-Api-Signature"));
        }
    }

    #[test]
    fn a_session_needs_no_signature() {
        let request = sent(json!({"kdservice": "s", "asp_net": "a"}), "app_secret", Service::Save);
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "kdservice-sessionid", "Cookie"]);
    }

    #[test]
    fn the_cookies_are_sent_as_the_official_sdk_sends_them() {
        for sign_in in ["signature", "app_secret"] {
            let session = json!({"signature": "kd", "kdservice": "s", "asp_net": "a"});
            let request = sent(session, sign_in, Service::BatchSave);
            assert_eq!(header(&request, "kdservice-sessionid").as_deref(), Some("s"));
            let cookies = header(&request, "Cookie").unwrap();
            assert_eq!(cookies, "Theme=standard;kdservice-sessionid=s; ASP.NET_SessionId=a");
        }
    }

    #[test]
    fn a_session_of_another_build_is_made_anew() {
        for session in [json!("token"), json!({"kdservice": "s"})] {
            let connection = connection(&json!({}), session);
            let failure = Vendor::of(&connection, &config_of(&connection), &|_| answer("[]")).err().unwrap();
            assert_eq!(failure.kind, FailureKind::Unauthorized);
        }
    }
}

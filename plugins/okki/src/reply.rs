//! The envelope: `{"code":200,"message":"success","now":…,"data":…}`.
//!
//! The HTTP status stays 200 when `code` says otherwise, and some operations answer with a real HTTP status instead; so both are looked
//! at. A few GET examples show `code` 0 and `msg`. The codes are those of the vendor's pages for each operation, which list few of them.
//!
//! OKKI says 404 for three things: for what it does not have (`Not Found Resource`, with more behind it), for what the acting user may not
//! do (`Not Found Resource没有权限编辑…`, `No Privilege`), and for a path that it does not know. Only the first lets the engine create an
//! order, so it is taken for granted nowhere: it needs the envelope, its own `code` 404 and those words.
//!
//!
//! | code or status | read | push |
//! |---|---|---|
//! | 200, 0 | success | success |
//! | 401, `access_denied` | unauthorized | unauthorized |
//! | 429 | throttled | throttled |
//! | 503 with `Retry-After` | throttled | throttled |
//! | 403, `No Privilege`, missing scopes | misconfigured | misconfigured |
//! | `code` 404, `没有权限` | misconfigured | rejected: the acting user, whom the bill names, may not edit it |
//! | `code` 404, `Not Found Resource` | nothing there | rejected: a row that the bill names does not exist |
//! | `code` 404, other words | misconfigured | rejected |
//! | HTTP 404 without `code` | misconfigured | misconfigured |
//! | 408, other 5xx | transient | uncertain |
//! | 400, -1, any other | misconfigured | rejected |
//! | no envelope (HTML, cut off) | transient | uncertain |

use qiao_plugin::http::{Access, Response};
use qiao_plugin::json::{RawValue, text};
use qiao_plugin::{Failure, FailureKind, Value};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
struct Envelope<'r> {
    code: Option<Value>,
    message: Option<Value>,
    msg: Option<Value>,
    error: Option<Value>,
    error_description: Option<Value>,
    #[serde(borrow)]
    data: Option<&'r RawValue>,
}

/// Why there is no data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// OKKI says that it has nothing under this id or number. The failure is for those who expected something.
    NotFound(Failure),
    /// Anything else.
    Failed(Failure),
}

impl Refusal {
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::NotFound(failure) | Self::Failed(failure) => failure,
        }
    }
}

/// The JSON text of an answer's `data`; `null` where there is none.
pub(crate) fn data(response: &Response, access: Access) -> Result<&str, Refusal> {
    let envelope: Result<Envelope<'_>, _> = serde_json::from_slice(&response.body);
    let success = (200..=299).contains(&response.status);
    if let Some(busy) = busy(response, envelope.as_ref().ok()) {
        return Err(Refusal::Failed(busy));
    }
    match envelope {
        Ok(envelope) if success && matches!(envelope.code().as_deref(), Some("200" | "0")) => {
            Ok(envelope.data.map_or("null", RawValue::get))
        }
        // A 404 without OKKI's own `code` is a gateway's: it is about the address, not about a row.
        Ok(envelope) if envelope.code().is_some() || (envelope.message().is_some() && response.status != 404) => {
            Err(envelope.refusal(response, access))
        }
        Err(error) if success => Err(Refusal::Failed(no_envelope(
            if error.is_eof() {
                format!("OKKI's answer is cut off after {} bytes", response.body.len())
            } else {
                format!("OKKI's answer is no envelope: {}", response.excerpt())
            },
            access,
        ))),
        Ok(_) if success => {
            Err(Refusal::Failed(no_envelope(format!("OKKI's answer has no `code`: {}", response.excerpt()), access)))
        }
        _ => Err(Refusal::Failed(response.failure(access))),
    }
}

/// A server that says when to come back has not taken what was sent, not even a write.
fn busy(response: &Response, envelope: Option<&Envelope<'_>>) -> Option<Failure> {
    let wait = response.retry_after().filter(|_| response.status == 503)?;
    let own = envelope.and_then(Envelope::message);
    let message = own.unwrap_or_else(|| format!("OKKI answers HTTP 503: {}", response.excerpt()));
    Some(Failure::throttled(message).code("HTTP 503").retry_after(wait))
}

fn no_envelope(message: String, access: Access) -> Failure {
    match access {
        Access::Read => Failure::transient(message),
        Access::Write => Failure::uncertain(message),
    }
}

impl Envelope<'_> {
    fn code(&self) -> Option<String> {
        self.code.as_ref().and_then(text).map(Into::into)
    }

    fn message(&self) -> Option<String> {
        [&self.error_description, &self.message, &self.msg, &self.error]
            .into_iter()
            .flatten()
            .find_map(text)
            .map(Into::into)
    }

    fn refusal(&self, response: &Response, access: Access) -> Refusal {
        let status = response.status.to_string();
        let error = self.error.as_ref().and_then(text);
        let own_code = self.code().or(error.map(Into::into));
        // A status of the server as such outweighs what the body says.
        let weighty = matches!(response.status, 401 | 403 | 408 | 429 | 500..=599);
        let code = match &own_code {
            Some(code) if !weighty && !matches!(code.as_str(), "200" | "0") => code.clone(),
            _ => status,
        };
        let message = self.message().unwrap_or_else(|| format!("OKKI answers code {code}"));
        let nothing_there = code == "404" && own_code.is_some() && says_nothing_is_there(&message);
        let (kind, hint) = judge(&code, &message, access);
        let mut failure =
            Failure::new(kind, message).code(own_code.unwrap_or(code.clone())).retry_after(response.retry_after());
        failure.hint = hint.map(str::to_owned);
        if nothing_there { Refusal::NotFound(failure) } else { Refusal::Failed(failure) }
    }
}

/// The words of order/info, product/info and company/info for what OKKI does not have, unless they go on about a right.
fn says_nothing_is_there(message: &str) -> bool {
    message.to_ascii_lowercase().contains("not found resource") && !is_about_rights(message)
}

fn is_about_rights(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    ["没有权限", "无权", "权限不足", "privilege", "permission", "scope"].iter().any(|words| lower.contains(words))
}

fn judge(code: &str, message: &str, access: Access) -> (FailureKind, Option<&'static str>) {
    use FailureKind::{Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};

    let server_fault = code == "408" || (code.len() == 3 && code.starts_with('5'));
    match (code, access) {
        ("401" | "access_denied", _) => (Unauthorized, None),
        ("429", _) => (Throttled, Some("lower the connection's `rate`")),
        ("403", _) => (Misconfigured, Some("check the application's rights at OKKI")),
        _ if server_fault && access == Access::Read => (Transient, None),
        _ if server_fault => (Uncertain, None),
        ("404", Access::Write) if message.contains("没有权限") => {
            (Rejected, Some("the acting user (`user_id`) lacks the right at OKKI: name another, or give it the right"))
        }
        _ if is_about_rights(message) => {
            (Misconfigured, Some("check the application's rights at OKKI, and `scope` in the connection's `config`"))
        }
        ("404", Access::Write) => (
            Rejected,
            Some("something that the order names may not exist at OKKI: its company, a product, a SKU or a user"),
        ),
        (_, Access::Read) => (Misconfigured, None),
        (_, Access::Write) => (Rejected, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use FailureKind::{Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};
    use proptest::prelude::*;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.as_bytes().to_vec() }
    }

    #[test]
    fn data_is_passed_on_as_it_is() {
        let cases = [
            (r#"{"code":200,"message":"success","data":{"a": 1.50}}"#, r#"{"a": 1.50}"#),
            (r#"{"code":"200","data":[]}"#, "[]"),
            (r#"{"code":0,"msg":"ok","data":[1]}"#, "[1]"),
            (r#"{"code":200,"data":null}"#, "null"),
            (r#"{"code":200}"#, "null"),
        ];
        for (body, expected) in cases {
            assert_eq!(data(&response(200, body), Access::Read), Ok(expected));
        }
    }

    #[test]
    fn a_code_decides_whatever_the_status() {
        let envelope = |code: &str| format!(r#"{{"code":{code},"message":"没有"}}"#);
        let cases = [
            (200, envelope("401"), Unauthorized, Unauthorized),
            (401, r#"{"error":"access_denied","message":"expired"}"#.into(), Unauthorized, Unauthorized),
            (200, envelope("403"), Misconfigured, Misconfigured),
            (200, envelope("404"), Misconfigured, Rejected),
            (404, envelope("404"), Misconfigured, Rejected),
            (200, envelope("429"), Throttled, Throttled),
            (429, "slow".into(), Throttled, Throttled),
            (200, envelope("-1"), Misconfigured, Rejected),
            (400, envelope("400"), Misconfigured, Rejected),
            (200, r#"{"code":404,"message":"No Privilege"}"#.into(), Misconfigured, Misconfigured),
            (200, r#"{"code":-1,"message":"no permission invoices scopes"}"#.into(), Misconfigured, Misconfigured),
            (200, r#"{"code":404,"message":"Not Found Resource没有权限编辑订单"}"#.into(), Misconfigured, Rejected),
            (404, r#"{"message":"no Route matched with those values"}"#.into(), Misconfigured, Misconfigured),
            (502, "<html>".into(), Transient, Uncertain),
            (504, envelope("404"), Transient, Uncertain),
            (200, envelope("500"), Transient, Uncertain),
            (500, envelope("-1"), Transient, Uncertain),
            (503, "<html>".into(), Transient, Uncertain),
            (200, "<html>".into(), Transient, Uncertain),
            (200, r#"{"code":200,"data":{"#.into(), Transient, Uncertain),
            (200, "{}".into(), Transient, Uncertain),
            (404, "<html>".into(), Misconfigured, Misconfigured),
        ];
        for (status, body, read, push) in cases {
            let kind = |access| data(&response(status, &body), access).unwrap_err().failure().kind;
            assert_eq!(kind(Access::Read), read, "{status} {body}");
            assert_eq!(kind(Access::Write), push, "{status} {body}");
        }
    }

    #[test]
    fn only_an_envelope_says_that_nothing_is_there() {
        let nothing = r#"{"code":404,"message":"Not Found Resource（未知异常）"}"#;
        for (status, body) in [(200, nothing), (404, nothing), (200, r#"{"code":"404","msg":"Not Found Resource"}"#)] {
            let refusal = data(&response(status, body), Access::Read).unwrap_err();
            assert!(matches!(refusal, Refusal::NotFound(_)), "{refusal:?}");
            assert!(refusal.failure().to_string().starts_with("Not Found Resource"));
        }
        let others = [
            (404, "<html>"),
            (404, ""),
            (404, r#"{"message":"Not Found Resource"}"#),
            (404, r#"{"error":"404","message":"Not Found Resource"}"#),
            (404, r#"{"code":404,"message":"Not Found"}"#),
            (404, r#"{"code":404}"#),
            (404, r#"{"code":-1,"message":"Not Found Resource"}"#),
            (200, r#"{"code":404,"message":"No Privilege"}"#),
            (200, r#"{"code":404,"message":"Not Found Resource没有权限编辑订单"}"#),
            (200, r#"{"code":404,"message":"Not Found Resource: no permission"}"#),
            (200, r#"{"code":404,"message":"Not Found Resource: invoices scopes"}"#),
        ];
        for (status, body) in others {
            let refusal = data(&response(status, body), Access::Read).unwrap_err();
            assert!(matches!(refusal, Refusal::Failed(_)), "{status} {body}");
            assert_eq!(refusal.failure().kind, Misconfigured, "{status} {body}");
        }
    }

    #[test]
    fn a_server_that_says_when_to_come_back_has_taken_nothing() {
        for body in ["<html>", r#"{"code":503,"message":"busy"}"#] {
            let mut busy = response(503, body);
            busy.headers.push(("retry-after".into(), "7".into()));
            for access in [Access::Read, Access::Write] {
                let failure = data(&busy, access).unwrap_err().failure();
                assert_eq!((failure.kind, failure.retry_after), (Throttled, Some(Duration::from_secs(7))), "{body}");
            }
        }
    }

    proptest! {
        #[test]
        fn an_answer_cut_anywhere_is_no_success(text in "[^\u{0}]{0,12}", cut in any::<prop::sample::Index>()) {
            let body = serde_json::json!({"code": 200, "message": text, "data": {"order_id": 7}}).to_string();
            let cut = body.floor_char_boundary(cut.index(body.len()));
            let refusal = data(&response(200, &body[..cut]), Access::Write).unwrap_err();
            prop_assert_eq!(refusal.failure().kind, Uncertain);
        }
    }
}

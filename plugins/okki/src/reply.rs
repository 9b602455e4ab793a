//! The envelope: `{"code":200,"message":"success","now":…,"data":…}`.
//!
//! The HTTP status stays 200 when `code` says otherwise, and some operations answer with a real HTTP status instead; so both are looked
//! at. A few GET examples show `code` 0 and `msg`. The codes are those of the vendor's pages for each operation, which list few of them:
//!
//! | code or status | read | push |
//! |---|---|---|
//! | 200, 0 | success | success |
//! | 401, `access_denied` | unauthorized | unauthorized |
//! | 429 | throttled | throttled |
//! | 403, `No Privilege`, missing scopes | misconfigured | misconfigured |
//! | 404 | nothing there | rejected: the acting user may not edit it, or a row it names does not exist |
//! | 408, 5xx | transient | uncertain |
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
    /// There is nothing under this id or number. The failure is for those who expected something.
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
    match envelope {
        Ok(envelope) if success && matches!(envelope.code().as_deref(), Some("200" | "0")) => {
            Ok(envelope.data.map_or("null", RawValue::get))
        }
        Ok(envelope) if envelope.message().is_some() || envelope.code().is_some() => {
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
        // Its 404 is a page of the server's, so it is about the address, not about a row.
        _ => Err(Refusal::Failed(response.failure(access))),
    }
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
        let (kind, hint) = judge(&code, &message, access);
        let mut failure =
            Failure::new(kind, message).code(own_code.unwrap_or(code.clone())).retry_after(response.retry_after());
        failure.hint = hint.map(str::to_owned);
        if code == "404" { Refusal::NotFound(failure) } else { Refusal::Failed(failure) }
    }
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
        _ if message.contains("No Privilege") || message.contains("scopes") => {
            (Misconfigured, Some("check the application's rights at OKKI, and `scope` in the connection's `config`"))
        }
        ("404", Access::Write) if message.contains("没有权限") => {
            (Rejected, Some("the acting user (`user_id`) lacks the right at OKKI: name another, or give it the right"))
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
        let nothing = r#"{"code":404,"message":"Not Found Resource"}"#;
        for status in [200, 404] {
            let refusal = data(&response(status, nothing), Access::Read).unwrap_err();
            let Refusal::NotFound(failure) = refusal else {
                panic!("{refusal:?}");
            };
            assert_eq!(failure.to_string(), "Not Found Resource (404)");
        }
        let page = data(&response(404, "<html>"), Access::Read).unwrap_err();
        assert!(matches!(page, Refusal::Failed(_)));
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

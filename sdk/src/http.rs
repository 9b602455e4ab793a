//! HTTP to the connection's own host, and to no other. No redirects are followed, no cookies are kept.
//!
//! The connection's rate and concurrency hold for every request, and waiting for them happens inside the call; retries are the
//! engine's. What a missing answer means depends on what was asked: reading again does no harm, writing again may. So the way from
//! an error to a [`Failure`] asks for the [`Access`].
//!
//! ```no_run
//! use qiao_plugin::{Failure, http::{Access, Request}};
//!
//! fn order(number: &str) -> Result<qiao_plugin::Value, Failure> {
//!     let answer = Request::get("v1/invoices/order/info")
//!         .query("order_no", number)
//!         .send()
//!         .map_err(|error| error.failure(Access::Read))?;
//!     if answer.status != 200 {
//!         return Err(answer.failure(Access::Read));
//!     }
//!     answer.json().map_err(|error| Failure::transient(error.to_string()))
//! }
//! ```

mod answer;

use std::fmt;
use std::time::Duration;

pub use answer::{Access, Response};

pub use crate::credentials::{Encoding, IntoParts, Part, basic, secret};

use crate::Failure;
use crate::bindings::lent::http as wit;
use crate::json::{Value, to_bytes};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` ….
    pub method: String,
    /// Relative to the connection's base URL: no scheme, no host, no leading `/`, no `..`. Percent-encoded where needed.
    pub path: String,
    /// Query parameters, not yet encoded, in this order.
    pub query: Vec<(String, Vec<Part>)>,
    /// Header names and values. `host`, `content-length` and hop-by-hop headers are the host's.
    pub headers: Vec<(String, Vec<Part>)>,
    /// The body. Empty: none.
    pub body: Vec<Part>,
    /// From the first byte sent to the last received. It can only shorten the connection's own time-out.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request without query, headers or body.
    pub fn new(method: &str, path: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
        }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A `POST`.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    /// With a query parameter, which the host encodes. The value is a text; while signing in also [`secret`], or several parts.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl IntoParts) -> Self {
        self.query.push((name.into(), value.into_parts()));
        self
    }

    /// With a header. The value is a text; while signing in also [`secret`], [`basic`], or several parts.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl IntoParts) -> Self {
        self.headers.push((name.to_owned(), value.into_parts()));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = vec![Part::Bytes(to_bytes(body))];
        self.header("content-type", "application/json")
    }

    /// With a flat JSON object as its body, for a sign-in whose members are texts and secrets. A secret is escaped as JSON text.
    #[must_use]
    pub fn json_fields<'a>(mut self, fields: impl IntoIterator<Item = (&'a str, Part)>) -> Self {
        let mut open = "{";
        for (name, value) in fields {
            let name = Value::from(name);
            match value {
                Part::Text(text) => {
                    let text = Value::from(text);
                    self.body.push(Part::Text(format!("{open}{name}:{text}")));
                }
                other => {
                    self.body.push(Part::Text(format!("{open}{name}:\"")));
                    self.body.push(written_as(other, Encoding::JsonString));
                    self.body.push(Part::Text("\"".to_owned()));
                }
            }
            open = ",";
        }
        let end = if open == "{" { "{}" } else { "}" };
        self.body.push(end.into());
        self.header("content-type", "application/json")
    }

    /// With an `application/x-www-form-urlencoded` body. Texts and secrets are encoded.
    #[must_use]
    pub fn form<'a>(mut self, fields: impl IntoIterator<Item = (&'a str, Part)>) -> Self {
        let mut separator = "";
        for (name, value) in fields {
            let name = form_encode(name);
            self.body.push(Part::Text(format!("{separator}{name}=")));
            self.body.push(match value {
                Part::Text(text) => Part::Text(form_encode(&text)),
                other => written_as(other, Encoding::Form),
            });
            separator = "&";
        }
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// With a body made of parts; the content type is the caller's to set.
    #[must_use]
    pub fn body(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.body = parts.into_iter().collect();
        self
    }

    /// With a time-out shorter than the connection's own.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and waits for its whole answer, whatever its status.
    pub fn send(self) -> Result<Response, Error> {
        Ok(wit::send(&self.into())?.into())
    }
}

/// A secret that is still as it is gets the encoding of the place where it is put in.
fn written_as(part: Part, encoding: Encoding) -> Part {
    match part {
        Part::Secret { name, encoding: Encoding::Raw, prefix, suffix } => {
            Part::Secret { name, encoding, prefix, suffix }
        }
        other => other,
    }
}

fn form_encode(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => {
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

/// Sends all of them side by side within the connection's concurrency; the answers are in the order of the requests.
pub fn send_all(requests: Vec<Request>) -> Vec<Result<Response, Error>> {
    let requests: Vec<wit::Request> = requests.into_iter().map(Into::into).collect();
    wit::send_all(&requests).into_iter().map(|answer| Ok(answer?.into())).collect()
}

impl From<Request> for wit::Request {
    fn from(request: Request) -> Self {
        let lend = |parts: Vec<Part>| parts.into_iter().map(Into::into).collect();
        let lend_named =
            |named: Vec<(String, Vec<Part>)>| named.into_iter().map(|(name, parts)| (name, lend(parts))).collect();
        Self {
            method: request.method,
            path: request.path,
            query: lend_named(request.query),
            headers: lend_named(request.headers),
            body: lend(request.body),
            timeout_ms: request.timeout.map(|timeout| u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The host refuses to send this: another host, a secret outside of sign-in, a malformed request, more requests or answers
    /// than one call may have.
    Denied(String),
    /// Surely nothing reached the vendor.
    NotSent(String),
    /// It was sent, and no whole answer came. The vendor may have applied it.
    NoAnswer(String),
    /// The answer is larger than the limit, which is given in bytes. The vendor may have applied it.
    TooLarge(u64),
}

impl Error {
    /// What it means for the call that made the request.
    pub fn failure(&self, access: Access) -> Failure {
        let message = self.to_string();
        match (self, access) {
            (Self::Denied(_), _) => Failure::misconfigured(message),
            (Self::NotSent(_), _) | (Self::NoAnswer(_), Access::Read) => Failure::transient(message),
            (Self::TooLarge(_), Access::Read) => Failure::misconfigured(message)
                .hint("ask for smaller pages (`page_size`), or raise the host's response limit"),
            (Self::NoAnswer(_) | Self::TooLarge(_), Access::Write) => Failure::uncertain(message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(reason) => write!(f, "the host refuses to send the request: {reason}"),
            Self::NotSent(reason) => write!(f, "the request did not reach the vendor: {reason}"),
            Self::NoAnswer(reason) => {
                write!(f, "the request was sent, and no whole answer came: {reason}")
            }
            Self::TooLarge(limit) => {
                write!(f, "the vendor's answer is larger than the limit of {limit} bytes")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(reason) => Self::Denied(reason),
            wit::Error::NotSent(reason) => Self::NotSent(reason),
            wit::Error::NoAnswer(reason) => Self::NoAnswer(reason),
            wit::Error::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::FailureKind::{self, Misconfigured, Transient, Uncertain};

    /// A text with its secrets shown as `<prefix name suffix as encoding>`.
    fn told(parts: &[Part]) -> String {
        parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
                Part::Secret { name, encoding, prefix, suffix } => format!("<{prefix}{name}{suffix} as {encoding:?}>"),
            })
            .collect()
    }

    #[test]
    fn a_secret_is_a_part_of_its_own_encoded_for_its_place() {
        let fields = || [("scope", "订单 a&b".into()), ("key", secret("client_secret"))];
        let form = Request::post("token").form(fields());
        assert_eq!(told(&form.body), "scope=%E8%AE%A2%E5%8D%95+a%26b&key=<client_secret as Form>");
        let json = Request::post("token").json_fields(fields());
        assert_eq!(told(&json.body), r#"{"scope":"订单 a&b","key":"<client_secret as JsonString>"}"#);
        assert_eq!(told(&Request::post("token").json_fields([]).body), "{}");
    }

    #[test]
    fn a_header_and_a_query_parameter_are_text_or_parts() {
        let several = [Part::from("key="), secret("key"), Part::from("&")];
        let request = Request::get("x")
            .header("authorization", basic("用户", "password"))
            .header("x-app", "app")
            .query("plain", "a b".to_owned())
            .query("sign", secret("key"))
            .query("several", several.to_vec());
        let told = |named: &[(String, Vec<Part>)]| {
            let told: Vec<String> = named.iter().map(|(name, parts)| format!("{name}: {}", told(parts))).collect();
            told.join("; ")
        };
        assert_eq!(told(&request.headers), "authorization: Basic <用户:password as Base64>; x-app: app");
        assert_eq!(told(&request.query), "plain: a b; sign: <key as Raw>; several: key=<key as Raw>&");
    }

    #[test]
    fn a_missing_answer_means_more_for_a_write_than_for_a_read() {
        let cases: [(Error, FailureKind, FailureKind); 4] = [
            (Error::Denied("x".into()), Misconfigured, Misconfigured),
            (Error::NotSent("x".into()), Transient, Transient),
            (Error::NoAnswer("x".into()), Transient, Uncertain),
            (Error::TooLarge(8), Misconfigured, Uncertain),
        ];
        for (error, read, write) in cases {
            assert_eq!(error.failure(Access::Read).kind, read, "{error}");
            assert_eq!(error.failure(Access::Write).kind, write, "{error}");
        }
    }
}

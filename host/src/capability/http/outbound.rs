//! One connection's way out: its HTTP client and its [`Budget`], shared by everything that uses it.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Method;

use super::address::{PrivateAddress, PublicResolver, is_public};
use super::budget::Budget;
use super::retry_after;
use crate::capability::ConnectionError;
use crate::capability::bindings::qiao::plugin::http::{Error, Response};
use crate::capability::record::CallRecord;
use crate::config::{ConnectionConfig, LimitsConfig};

/// Which library does the cryptography of TLS is decided once per process, before the first client is built; a later call
/// changes nothing.
pub(crate) fn choose_cryptography() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// One connection's way out.
pub(crate) struct Outbound {
    client: reqwest::Client,
    budget: Budget,
    largest_response: u64,
}

impl Outbound {
    pub(crate) fn new(connection: &ConnectionConfig, limits: &LimitsConfig) -> Result<Self, ConnectionError> {
        let host = connection.base_url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if !connection.allow_private && host.parse::<IpAddr>().is_ok_and(|address| !is_public(address)) {
            return Err(ConnectionError::PrivateAddress { connection: connection.name.clone(), host });
        }
        choose_cryptography();
        let failed = |reason: String| ConnectionError::Client { connection: connection.name.clone(), reason };
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(connection.timeout.min(Duration::from_secs(10)))
            .pool_max_idle_per_host(connection.concurrency.get());
        if !connection.allow_private {
            client = client.dns_resolver(std::sync::Arc::new(PublicResolver));
        }
        Ok(Self {
            client: client.build().map_err(|error| failed(error.to_string()))?,
            budget: Budget::new(connection),
            largest_response: limits.response_bytes,
        })
    }

    /// Whose turn it is to send.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Sends a request when its turn comes.
    pub(crate) async fn send(&self, request: reqwest::Request, record: &CallRecord) -> Result<Response, Error> {
        if !record.admit_request() {
            return Err(Error::Denied("one call may not make so many requests".to_owned()));
        }
        let queued = record.queue();
        let mut turn = self.budget.turn().await.map_err(|unavailable| Error::NotSent(unavailable.to_string()))?;
        drop(queued);
        let is_write = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        record.request_leaves(is_write);
        let noted = record.note_request(&request);
        let answer = match self.client.execute(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let error = classify(error);
                noted.answered(None, said(&error).as_bytes());
                if let Error::NotSent(reason) | Error::NoAnswer(reason) = &error {
                    turn.has_failed(reason);
                }
                if matches!(error, Error::NotSent(_) | Error::Denied(_)) {
                    record.request_did_not_leave(is_write);
                    turn.end();
                }
                return Err(error);
            }
        };
        let status = answer.status().as_u16();
        let retry_after = retry_after::read(answer.headers());
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = match self.read_body(answer, record).await {
            Ok(body) => body,
            Err(error) => {
                if let Error::NoAnswer(reason) = &error {
                    turn.has_failed(reason);
                }
                noted.answered(Some(status), said(&error).as_bytes());
                return Err(error);
            }
        };
        noted.answered(Some(status), &body);
        record.answer_arrived(is_write);
        turn.is_answered(status, retry_after);
        turn.end();
        Ok(Response { status, headers, body })
    }

    async fn read_body(&self, mut answer: reqwest::Response, record: &CallRecord) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                // The limit is for each answer, and for all answers of one call together, twice.
                Ok(Some(chunk))
                    if body.len() as u64 + chunk.len() as u64 > self.largest_response
                        || !record.admit_answer_bytes(chunk.len(), self.largest_response.saturating_mul(2)) =>
                {
                    return Err(Error::TooLarge(self.largest_response));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(error) => return Err(Error::NoAnswer(format!("the answer broke off: {}", chain(error)))),
            }
        }
    }
}

/// What went wrong, in words.
fn said(error: &Error) -> String {
    match error {
        Error::Denied(reason) | Error::NotSent(reason) | Error::NoAnswer(reason) => reason.clone(),
        Error::TooLarge(limit) => format!("the answer is larger than {limit} bytes"),
    }
}

/// What went wrong, by what the vendor may have seen of it.
fn classify(error: reqwest::Error) -> Error {
    if error.is_builder() {
        return Error::Denied(chain(error));
    }
    if error.is_connect() {
        let mut source = error.source();
        while let Some(inner) = source {
            if inner.is::<PrivateAddress>() {
                return Error::Denied(inner.to_string());
            }
            source = inner.source();
        }
        return Error::NotSent(chain(error));
    }
    if error.is_timeout() {
        return Error::NoAnswer("no answer within the time-out".to_owned());
    }
    Error::NoAnswer(chain(error))
}

/// An error with its causes, without the URL, which may hold what a log should not.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

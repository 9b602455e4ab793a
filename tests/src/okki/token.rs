//! Tokens (api-3473041): fetched with the client's secret, good for eight hours, not made longer by fetching again.
//!
//! A token is good for the scopes that it was fetched with; one fetched without naming any is good for all.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::envelope::oauth_error;
use crate::clock::Clock;
use crate::door::{Answer, Request};
use crate::lock;

const SCOPES: &[&str] = &[
    "company",
    "lead",
    "opportunity",
    "product",
    "invoices",
    "purchaseOrder",
    "costInvoice",
    "paymentInvoice",
    "warehouse",
    "capitalAccount",
    "user",
    "webhook",
];

#[derive(Clone, Debug)]
struct Token {
    scope: String,
    ends_at: i64,
}

#[derive(Debug, Default)]
struct Book {
    live: HashMap<String, Token>,
    given: u64,
}

impl Book {
    /// The token that lives with this scope; if none does, a new one.
    fn token_of(&mut self, scope: &str, ends_at: i64) -> (String, i64) {
        if let Some((name, token)) = self.live.iter().find(|(_, token)| token.scope == scope) {
            return (name.clone(), token.ends_at);
        }
        self.given += 1;
        let name = format!("okki{:08x}{:024x}", std::process::id(), self.given);
        let scope = scope.to_owned();
        self.live.insert(name.clone(), Token { scope, ends_at });
        (name, ends_at)
    }
}

/// The tokens of one client.
#[derive(Debug)]
pub(crate) struct Tokens {
    client_id: String,
    client_secret: String,
    valid_for: i64,
    clock: Clock,
    book: Mutex<Book>,
}

impl Tokens {
    pub(crate) fn new(client_id: String, client_secret: String, valid_for: u32, clock: Clock) -> Self {
        Self { client_id, client_secret, valid_for: i64::from(valid_for), clock, book: Mutex::default() }
    }

    /// `POST /v1/oauth2/access_token`, with a form or a JSON object.
    pub(crate) fn issue(&self, request: &Request) -> Answer {
        let fields = fields(request);
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        match field("grant_type") {
            "client_credentials" => {}
            "" => {
                return oauth_error(400, "invalid_request", "The request is missing a required parameter: grant_type");
            }
            "password" => {
                return oauth_error(400, "invalid_credentials", "The user credentials were incorrect.");
            }
            _ => {
                let description = "The authorization grant type is not supported by the authorization server.";
                return oauth_error(400, "unsupported_grant_type", description);
            }
        }
        if field("client_id") != self.client_id || field("client_secret") != self.client_secret {
            return oauth_error(400, "invalid_client", "Client authentication failed");
        }
        let scope = field("scope");
        if let Some(unknown) = scope.split_whitespace().find(|scope| !SCOPES.contains(scope)) {
            let description = format!("The requested scope is invalid, unknown, or malformed: {unknown}");
            return oauth_error(400, "invalid_scope", &description);
        }
        let now = self.clock.unix_seconds();
        let mut book = lock(&self.book);
        book.live.retain(|_, token| token.ends_at > now);
        let (name, ends_at) = book.token_of(scope, now + self.valid_for);
        // A grant of client credentials has no refresh token.
        let body = json!({"token_type": "Bearer", "expires_in": ends_at - now - 1, "access_token": name});
        Answer::json(200, &body)
    }

    /// Whether the caller may use calls of this scope. The vendor's examples show the token bare, its clients send `Bearer`.
    pub(crate) fn admit(&self, request: &Request, scope: &str) -> Result<(), Box<Answer>> {
        let now = self.clock.unix_seconds();
        let named = named(request);
        let book = lock(&self.book);
        let token = named.and_then(|name| book.live.get(name)).filter(|token| token.ends_at > now);
        let Some(token) = token else {
            return Err(Box::new(denied()));
        };
        if token.scope.is_empty() || token.scope.split_whitespace().any(|held| held == scope) {
            return Ok(());
        }
        let description = format!("no permission {scope} scopes");
        Err(Box::new(oauth_error(400, "invalid_scope", &description)))
    }

    pub(crate) fn revoke(&self, request: &Request) -> Option<Answer> {
        match named(request) {
            Some(name) => {
                lock(&self.book).live.remove(name);
                None
            }
            None => Some(denied()),
        }
    }

    pub(crate) fn revoke_all(&self) {
        lock(&self.book).live.clear();
    }
}

fn denied() -> Answer {
    oauth_error(401, "access_denied", "The resource owner or authorization server denied the request.")
}

fn named(request: &Request) -> Option<&str> {
    let header = request.header("authorization")?;
    let name = match header.split_once(' ') {
        Some((kind, name)) if kind.eq_ignore_ascii_case("bearer") => name,
        _ => header,
    };
    Some(name.trim()).filter(|name| !name.is_empty())
}

fn fields(request: &Request) -> HashMap<String, String> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(&request.body) {
        return fields.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    }
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

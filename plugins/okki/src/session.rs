//! The access token (OKKI api-3473041).
//!
//! It is good for eight hours, and asking again within them does not prolong it. The documentation knows no `expires_in` for
//! `client_credentials`, the server sends one; both are taken. A minute before its end the host signs in again.

use std::time::Duration;

use qiao_plugin::http::{Access, Request, Response, secret};
use qiao_plugin::json::{decimal, json, text};
use qiao_plugin::{Connection, Failure, SignedIn, Value};
use serde::{Deserialize, Serialize};

use crate::{SendAll, send_one};

/// The secret's name.
pub(crate) const CLIENT_SECRET: &str = "client_secret";

const TOKEN_PATH: &str = "v1/oauth2/access_token";
const DEFAULT_SCOPE: &str = "invoices product company user";
const EIGHT_HOURS: u64 = 8 * 60 * 60;
const MARGIN: u64 = 60;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    client_id: Value,
    scope: Option<String>,
}

pub(crate) fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "client_id": { "type": ["string", "integer"], "description": "The application's id, from OKKI's open platform." },
            "scope": { "type": "string", "description": format!("What the token is for, separated by spaces; `{DEFAULT_SCOPE}` if left out.") }
        },
        "required": ["client_id"],
        "additionalProperties": false
    })
}

/// What later calls need.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    token: String,
}

pub(crate) fn sign_in(connection: &Connection, send: SendAll<'_>) -> Result<SignedIn, Failure> {
    let config: Config = connection.config()?;
    let client_id = text(&config.client_id).unwrap_or_default();
    let scope = config.scope.as_deref().unwrap_or(DEFAULT_SCOPE);
    let request = Request::post(TOKEN_PATH).form([
        ("grant_type", "client_credentials".into()),
        ("client_id", client_id.as_ref().into()),
        ("client_secret", secret(CLIENT_SECRET)),
        ("scope", scope.into()),
    ]);
    // Asking for a token changes nothing.
    let response = send_one(request, send).map_err(|error| error.failure(Access::Read))?;
    let body: Value = response.json().unwrap_or_default();
    let token = body.get("access_token").and_then(Value::as_str);
    match token {
        Some(token) if response.status == 200 => {
            let session = Session { token: token.to_owned() };
            Ok(SignedIn::new(json!(session)).valid_for(valid_for(&body)))
        }
        _ => Err(refused(&response, &body)),
    }
}

fn valid_for(body: &Value) -> Duration {
    let expires_in = body.get("expires_in").and_then(|value| decimal(value).ok());
    let seconds = expires_in.and_then(|seconds| u64::try_from(seconds).ok());
    let seconds = seconds.unwrap_or(EIGHT_HOURS);
    Duration::from_secs(seconds.saturating_sub(MARGIN).max(seconds / 2))
}

/// The error body has no envelope: `{"error":"invalid_client","error_description":…,"message":…}`.
fn refused(response: &Response, body: &Value) -> Failure {
    let member = |name| body.get(name).and_then(text);
    let Some(error) = member("error").or_else(|| member("code")) else {
        return if response.status == 200 {
            Failure::transient(format!("OKKI gives no token: {}", response.excerpt()))
                .hint("check the connection's `base_url`, and any proxy in between")
        } else {
            response.failure(Access::Read)
        };
    };
    let message = member("error_description").or_else(|| member("message")).or_else(|| member("msg"));
    let message = message.unwrap_or_else(|| error.clone());
    let scope = message.contains("scope") || error.contains("scope");
    let failure = match (response.status, error.as_ref()) {
        (429, _) => Failure::throttled(message),
        (500..=599, _) | (_, "server_error") => Failure::transient(message),
        _ if scope => Failure::misconfigured(message)
            .hint("give the application these scopes at OKKI, or name fewer as `scope` in the connection's `config`"),
        _ => Failure::misconfigured(message)
            .hint("check `client_id` in the connection's `config` and its secret `client_secret`"),
    };
    failure.code(error).retry_after(response.retry_after())
}

/// The request with its token. The documentation's examples show the bare token; working clients send `Bearer`.
pub(crate) fn with_token(connection: &Connection) -> Result<impl Fn(Request) -> Request, Failure> {
    let session: Session = connection.session()?;
    let value = format!("Bearer {}", session.token);
    Ok(move |request: Request| request.header("authorization", value.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind::{Misconfigured, Throttled, Transient};
    use qiao_plugin::http::Error;

    use super::*;
    use crate::testing::{Vendor, answer, connection};

    fn signed_in(reply: Result<Response, Error>) -> Result<SignedIn, Failure> {
        let vendor = Vendor::new([reply]);
        sign_in(&connection(), &|requests| vendor.send_all(requests))
    }

    #[test]
    fn the_secret_goes_by_name() {
        let vendor = Vendor::new([answer(200, &json!({"access_token": "t"}))]);
        sign_in(&connection(), &|requests| vendor.send_all(requests)).unwrap();
        assert_eq!(
            vendor.asked.into_inner(),
            ["POST v1/oauth2/access_token grant_type= client_credentials &client_id= client-1 \
              &client_secret= <client_secret Form> &scope= invoices+product+company+user"]
        );
    }

    #[test]
    fn a_token_is_used_until_a_minute_before_its_end() {
        let cases = [
            (json!({"access_token": "t", "expires_in": 28_799}), 28_739),
            (json!({"access_token": "t", "expires_in": "3600"}), 3_540),
            (json!({"access_token": "t", "expires_in": 90}), 45),
            (json!({"access_token": "t"}), 28_740),
        ];
        for (body, seconds) in cases {
            let session = signed_in(answer(200, &body)).unwrap();
            assert_eq!(session.valid_for, Some(Duration::from_secs(seconds)));
            assert_eq!(session.data, json!({"token": "t"}));
        }
    }

    #[test]
    fn a_refusal_says_what_to_mend() {
        let error = |error, message| json!({"error": error, "error_description": message});
        let cases = [
            (400, error("invalid_client", "Client authentication failed"), Misconfigured, Some("client_secret")),
            (401, error("access_denied", "x"), Misconfigured, Some("client_secret")),
            (400, error("invalid_scope", "x"), Misconfigured, Some("scope")),
            (400, json!({"error": "x", "message": "no permission invoices scopes"}), Misconfigured, Some("scope")),
            (400, error("server_error", "x"), Transient, None),
            (502, json!({"message": "bad gateway"}), Transient, None),
            (429, json!({"error": "too many"}), Throttled, None),
            (404, json!("x"), Misconfigured, Some("base_url")),
            (200, json!("x"), Transient, Some("base_url")),
        ];
        for (status, body, kind, hint) in cases {
            let failure = signed_in(answer(status, &body)).unwrap_err();
            assert_eq!(failure.kind, kind, "{status} {body}");
            let told = failure.hint.unwrap_or_default();
            assert_eq!(hint.is_none(), told.is_empty(), "{told}");
            assert!(told.contains(hint.unwrap_or_default()), "{told}");
        }
        let failure = signed_in(Err(Error::NoAnswer("timed out".into()))).unwrap_err();
        assert_eq!(failure.kind, Transient);
    }
}

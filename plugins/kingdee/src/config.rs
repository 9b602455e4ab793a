//! The connection's `config`.

use qiao_plugin::json::{json, text};
use qiao_plugin::{Connection, Failure, Value};
use serde::Deserialize;

/// The largest `Limit` that the current help allows.
pub(crate) const LARGEST_LIMIT: u32 = 10_000;

/// The largest `Limit` that every version allows. A server that silently gave fewer rows than asked would end a scan too early.
const SAFE_LIMIT: u32 = 2_000;

/// How a request shows who sends it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignInBy {
    /// Each carries the signature of the official SDK.
    #[default]
    Signature,
    /// Each belongs to a session that `LoginByAppSecret` opened.
    AppSecret,
}

/// One account of one data centre.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The data centre's id (账套 ID).
    pub(crate) acct_id: String,
    /// The user on whose behalf is read and written.
    pub(crate) user: String,
    /// `<client id>_<32 characters>`. Sensitive: the client secret is derived from it.
    pub(crate) app_id: String,
    #[serde(default)]
    pub(crate) sign_in: SignInBy,
    #[serde(default)]
    lcid: Value,
    #[serde(default)]
    org_num: Value,
    max_limit: Option<u32>,
}

impl Config {
    pub(crate) fn of(connection: &Connection) -> Result<Self, Failure> {
        connection.config()
    }

    /// The account in the order in which the signature covers it.
    pub(crate) fn appdata(&self) -> String {
        let org_num = text(&self.org_num).unwrap_or("0".into());
        format!("{},{},{},{org_num}", self.acct_id, self.user, self.lcid())
    }

    /// The language.
    pub(crate) fn lcid(&self) -> String {
        text(&self.lcid).map_or_else(|| "2052".to_owned(), Into::into)
    }

    /// The largest page to ask for.
    pub(crate) fn max_limit(&self) -> u32 {
        self.max_limit.unwrap_or(SAFE_LIMIT).clamp(1, LARGEST_LIMIT)
    }
}

pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "acct_id": { "type": "string", "minLength": 1, "description": "The data centre's id (账套 ID)." },
            "user": { "type": "string", "minLength": 1, "description": "The user on whose behalf is read and written." },
            "app_id": { "type": "string", "minLength": 1, "writeOnly": true, "description": "The application's id, `<client id>_<32 characters>`. As sensitive as a secret: half of it is one." },
            "sign_in": {
                "enum": ["signature", "app_secret"],
                "description": "How to sign in: `signature` (if left out) signs every request, as the official SDK does; `app_secret` opens a session with LoginByAppSecret, for servers that take no signature."
            },
            "lcid": { "type": ["integer", "string"], "description": "The language; 2052 (Chinese) if left out." },
            "org_num": { "type": ["integer", "string"], "description": "The organisation's number; the user's own if left out. With `sign_in = \"app_secret\"` it is the user's own." },
            "max_limit": {
                "type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT,
                "description": "The largest `Limit` of one query; 2000 if left out, which every version allows."
            }
        },
        "required": ["acct_id", "user", "app_id"],
        "additionalProperties": false
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn config(more: &Value) -> Config {
        let mut config = json!({"acct_id": "dcid-1", "user": "user-1", "app_id": "x"});
        let members = more.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(members);
        Config::of(&Connection::new("k", "https://k/", config, Value::Null)).unwrap()
    }

    #[test]
    fn language_and_organisation_may_be_numbers_texts_or_left_out() {
        let cases = [
            (json!({}), "dcid-1,user-1,2052,0"),
            (json!({"lcid": 1033, "org_num": 100}), "dcid-1,user-1,1033,100"),
            (json!({"lcid": "2052", "org_num": "100.1"}), "dcid-1,user-1,2052,100.1"),
        ];
        for (more, appdata) in cases {
            assert_eq!(config(&more).appdata(), appdata);
        }
    }

    #[test]
    fn requests_are_signed_unless_told_otherwise() {
        assert_eq!(config(&json!({})).sign_in, SignInBy::Signature);
        assert_eq!(config(&json!({"sign_in": "signature"})).sign_in, SignInBy::Signature);
        assert_eq!(config(&json!({"sign_in": "app_secret"})).sign_in, SignInBy::AppSecret);
    }

    #[test]
    fn what_is_misspelt_is_told() {
        let config = json!({"acct_id": "a", "user": "u", "app_id": "x", "max_limt": 10});
        let failure = Config::of(&Connection::new("k", "https://k/", config, Value::Null)).unwrap_err();
        assert!(failure.message.contains("unknown field `max_limt`"), "{failure}");
    }

    #[test]
    fn the_limit_is_what_every_version_allows_unless_raised() {
        let cases = [
            (json!({}), 2_000),
            (json!({"max_limit": 10_000}), 10_000),
            (json!({"max_limit": 99_999}), 10_000),
            (json!({"max_limit": 0}), 1),
        ];
        for (more, limit) in cases {
            assert_eq!(config(&more).max_limit(), limit);
        }
    }
}

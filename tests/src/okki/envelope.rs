//! How OKKI answers: HTTP 200 and an envelope whose `code` is what counts, except where the vendor does otherwise.
//!
//! A refusal of a business call is HTTP 200 with another `code` (api-3478252 lists 404 `Not Found Resource…`). Two things differ:
//! `product/info` answers a missing product with HTTP 404, and everything about tokens has OAuth's own shape without an envelope.

use serde_json::{Value, json};

use crate::door::Answer;

/// A refusal inside the envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A record that is not there, or that the acting user may not touch; OKKI does not tell which.
    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(404, format!("Not Found Resource{detail}"))
    }

    /// A parameter that cannot be used. The vendor documents the words for other calls; for `push` it documents none.
    pub(crate) fn invalid(detail: &str) -> Self {
        Self::new(400, format!("Invalid query：{detail}"))
    }

    pub(crate) fn answer(&self, now: &str) -> Answer {
        let body = json!({"code": self.code, "message": self.message, "now": now, "data": null});
        Answer::json(200, &body)
    }
}

/// `{"code":200,"message":"success","now":…,"data":…}`.
pub(crate) fn success(now: &str, data: &Value) -> Answer {
    Answer::json(200, &json!({"code": 200, "message": "success", "now": now, "data": data}))
}

/// An error of OAuth's, without the envelope.
pub(crate) fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    let body = json!({"error": error, "error_description": description, "message": description});
    Answer::json(status, &body)
}

//! How each way in answers and refuses.
//!
//! The direct way has `code` and `message` beside the list. The router wraps everything in `response`, or in `error_response` where
//! it does not know the method; its own refusals have TOP's codes, those of the seller's software the same codes as the direct way.
//! A page without rows has no list in either.

use serde_json::{Map, Value, json};

use super::query::{Page, Refusal};

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Taobao's router: `/router/qm`.
    Qimen,
    /// `/openapi2/`.
    Direct,
}

impl Way {
    /// An answered query.
    pub(super) fn success(self, page: Page) -> Value {
        let mut body = Map::new();
        let (code, message) = match self {
            Self::Qimen => ("errorcode", "ok"),
            Self::Direct => ("code", ""),
        };
        body.insert(code.to_owned(), json!(0));
        body.insert("message".to_owned(), json!(message));
        if let Some(total) = page.total {
            body.insert("total_count".to_owned(), json!(total));
        }
        if !page.rows.is_empty() {
            body.insert(page.list.to_owned(), Value::Array(page.rows));
        }
        match self {
            Self::Qimen => json!({ "response": body }),
            Self::Direct => Value::Object(body),
        }
    }

    /// A refusal by the seller's software.
    pub(super) fn failure(self, refusal: &Refusal, request_id: &str) -> Value {
        match self {
            Self::Qimen => router_failure(refusal.code, &refusal.message, None, request_id),
            Self::Direct => json!({"code": refusal.code, "message": refusal.message}),
        }
    }
}

/// A refusal by the router, or through it.
pub(super) fn router_failure(code: i64, message: &str, sub: Option<(&str, &str)>, request_id: &str) -> Value {
    let mut response = json!({"flag": "failure", "code": code, "message": message});
    if let (Some((sub_code, sub_message)), Some(response)) = (sub, response.as_object_mut()) {
        response.insert("sub_code".to_owned(), json!(sub_code));
        response.insert("sub_message".to_owned(), json!(sub_message));
    }
    if let Some(response) = response.as_object_mut() {
        response.insert("request_id".to_owned(), json!(request_id));
    }
    json!({ "response": response })
}

/// The router's older shape, for a method that it does not have.
pub(super) fn unknown_method(method: &str, request_id: &str) -> Value {
    json!({"error_response": {
        "code": 22,
        "msg": "Invalid method",
        "sub_code": "isv.method-not-exist",
        "sub_msg": format!("不存在的方法名：{method}"),
        "request_id": request_id,
    }})
}

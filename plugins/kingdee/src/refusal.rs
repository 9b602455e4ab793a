//! What Kingdee says when it gives no rows, and what the engine does about it.
//!
//! The codes are those of the help inside the product. A query is judged otherwise than a bill would be: it
//! contains nothing but what the scheme wrote, so what Kingdee finds wrong with it is the scheme's to mend.

use qiao_plugin::json::text;
use qiao_plugin::{Failure, FailureKind, Value};

/// `ResponseStatus` of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `MsgCode`, as it is written.
    pub(crate) code: Option<String>,
    /// The vendor's own words.
    pub(crate) message: String,
}

/// No data: an empty page, not a failure.
const NO_DATA: &str = "10";

/// The session's context is lost. At sign-in it means that the account does not exist.
const CONTEXT_LOST: &str = "1";

const NO_PERMISSION: &str = "2";

impl Refusal {
    /// Reads a `ResponseStatus`; `None` if it reports success.
    pub(crate) fn read(status: &Value) -> Option<Self> {
        let errors: Vec<_> = status
            .get("Errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|error| text(error.get("Message")?))
            .collect();
        // Written as a boolean or as text.
        let success = status.get("IsSuccess").and_then(text);
        if errors.is_empty() && success.is_some_and(|success| success.eq_ignore_ascii_case("true")) {
            return None;
        }
        let message = if errors.is_empty() {
            "Kingdee refuses the query and gives no reason".to_owned()
        } else {
            errors.join("；")
        };
        let code = status.get("MsgCode").and_then(text);
        Some(Self { code: code.map(Into::into), message })
    }

    fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    pub(crate) fn no_data(&self) -> bool {
        self.is(NO_DATA)
    }

    /// The account exists and the signature is right, although this user may not see what was asked.
    pub(crate) fn proves_the_account(&self) -> bool {
        self.is(NO_PERMISSION) || self.is(NO_DATA)
    }

    /// What it means for a query.
    pub(crate) fn failure(&self) -> Failure {
        let (kind, hint) = judge(self.code.as_deref());
        // The words are plain, whatever the code.
        let kind = if self.message.contains("会话信息已丢失") { FailureKind::Unauthorized } else { kind };
        let mut failure = Failure::new(kind, self.message.clone());
        failure.code = self.code.as_ref().map(|code| format!("MsgCode {code}"));
        failure.hint = hint.map(str::to_owned);
        failure
    }

    /// What it means while signing in: there is no session yet that could be lost.
    pub(crate) fn sign_in_failure(&self) -> Failure {
        let failure = self.failure();
        if self.is(CONTEXT_LOST) || failure.kind == FailureKind::Unauthorized {
            return Failure { kind: FailureKind::Misconfigured, ..failure }.hint(
                "check `acct_id`, `user` and `app_id` in the connection's `config` and its secret `app_secret`: Kingdee answers so to an unknown data centre, and to whom it does not know",
            );
        }
        failure
    }
}

/// `MsgCode`: what the engine does, and what a person can do.
#[expect(clippy::match_same_arms, reason = "a table: one row for each meaning")]
fn judge(code: Option<&str>) -> (FailureKind, Option<&'static str>) {
    use FailureKind::{Misconfigured, Throttled, Transient, Unauthorized};

    match code {
        // The session's context is lost: sign in again.
        Some("1") => (Unauthorized, None),
        Some("2") => (Misconfigured, Some("give the connection's user the right to see this form")),
        // An operation's or a form's id is empty: the scheme forgot it.
        Some("3") => (Misconfigured, None),
        Some("5") => (Misconfigured, Some("give the request a `FormId`")),
        // An exception, the database, a conflict of network control: the same query may succeed later.
        Some("4" | "6" | "13") => (Transient, None),
        Some("7") => (Misconfigured, Some("check Kingdee's licence for this user and module")),
        // A parameter is wrong; a field or its value is missing: so it will be next time.
        Some("0" | "8" | "9" | "11") => {
            (Misconfigured, Some("check the request's columns, `FilterString` and `OrderString`"))
        }
        // The operation is not allowed on this form in its state.
        Some("12") => (Misconfigured, None),
        Some("14") => (Throttled, Some("lower the connection's `rate`, or have the WebAPI limit raised")),
        Some("15") => {
            (Misconfigured, Some("use a user that is no administrator: Kingdee forbids those to sign in here"))
        }
        // No code, or one that the help does not list: Kingdee may mean anything, and a retry does no harm.
        _ => (Transient, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use FailureKind::{Misconfigured, Throttled, Transient, Unauthorized};
    use qiao_plugin::json::json;

    use super::*;

    fn refusal(code: &Value, message: &str) -> Refusal {
        Refusal::read(&json!({
            "ErrorCode": 500, "IsSuccess": false, "MsgCode": code,
            "Errors": [{"FieldName": null, "Message": message, "DIndex": 0}]
        }))
        .unwrap()
    }

    #[test]
    fn every_documented_code_has_its_kind() {
        let cases = [
            (0, Misconfigured, Misconfigured),
            (1, Unauthorized, Misconfigured),
            (2, Misconfigured, Misconfigured),
            (3, Misconfigured, Misconfigured),
            (4, Transient, Transient),
            (5, Misconfigured, Misconfigured),
            (6, Transient, Transient),
            (7, Misconfigured, Misconfigured),
            (8, Misconfigured, Misconfigured),
            (9, Misconfigured, Misconfigured),
            (11, Misconfigured, Misconfigured),
            (12, Misconfigured, Misconfigured),
            (13, Transient, Transient),
            (14, Throttled, Throttled),
            (15, Misconfigured, Misconfigured),
            (99, Transient, Transient),
        ];
        for (code, query, sign_in) in cases {
            let refusal = refusal(&json!(code), "字段不存在");
            assert_eq!(refusal.failure().kind, query, "MsgCode {code}");
            assert_eq!(refusal.sign_in_failure().kind, sign_in, "MsgCode {code}");
            assert_eq!(refusal.failure().message, "字段不存在");
            assert_eq!(refusal.failure().code, Some(format!("MsgCode {code}")));
        }
        assert!(refusal(&json!(10), "没有数据").no_data());
    }

    #[test]
    fn codes_and_booleans_may_be_text() {
        assert_eq!(refusal(&json!("14"), "x").failure().kind, Throttled);
        assert_eq!(Refusal::read(&json!({"IsSuccess": "True", "Errors": []})), None);
        assert_eq!(Refusal::read(&json!({"IsSuccess": true})), None);
        assert!(Refusal::read(&json!({"IsSuccess": "false"})).is_some());
    }

    #[test]
    fn a_lost_session_is_known_by_its_words_too() {
        let lost = refusal(&json!(0), "会话信息已丢失，请重新登录");
        assert_eq!(lost.failure().kind, Unauthorized);
        let failure = lost.sign_in_failure();
        assert_eq!(failure.kind, Misconfigured);
        assert!(failure.hint.unwrap().contains("acct_id"));
    }
}

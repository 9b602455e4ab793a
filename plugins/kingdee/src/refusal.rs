//! What Kingdee says when it refuses, and what the engine does about it.
//!
//! The codes are those of the help inside the product. A query is judged otherwise than a bill: it contains nothing but what the scheme
//! wrote, so what Kingdee finds wrong with it is the scheme's to mend, and reading again does no harm.
//!
//! | `MsgCode` | meaning | query | save, submit, audit |
//! |---|---|---|---|
//! | 1 | the session's context is lost | unauthorized | unauthorized |
//! | 2, 7, 15 | no permission, no licence, an administrator | misconfigured | misconfigured |
//! | 3, 5 | no operation, no form | misconfigured | misconfigured |
//! | 4, 6 | an exception, the database | transient | uncertain |
//! | 13 | a conflict of network control | transient | transient |
//! | 14 | too many calls | throttled | throttled |
//! | 0, 8, 9, 11, 12 | the content, or its state | misconfigured | rejected |
//! | 10 | no data | an empty page | rejected |
//! | any other | | transient | rejected |
//!
//! An exception or a failure of the database rolls back the bill that it struck, says the help; but it may also come from what runs after
//! the commit, and of several bills it does not say which were saved before it. Looking them up costs little, saving one twice costs
//! much: so they are uncertain, and their words stay in the log.

use qiao_plugin::http::Access;
use qiao_plugin::{Failure, FailureKind};

use crate::status::{Complaint, Status, joined};

/// Why Kingdee did not do it.
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

/// What stops a request before any of its bills is looked at.
const ABOUT_THE_CALL: [&str; 7] = [CONTEXT_LOST, NO_PERMISSION, "3", "5", "7", "14", "15"];

impl Refusal {
    /// What a status as a whole says; `None` if it reports success.
    pub(crate) fn of(status: &Status) -> Option<Self> {
        let success = status.errors.is_empty() && status.success == Some(true);
        (!success).then(|| Self::saying(status.code.clone(), &status.errors))
    }

    /// With some of a status's complaints.
    pub(crate) fn saying<'c>(code: Option<String>, complaints: impl IntoIterator<Item = &'c Complaint>) -> Self {
        let message = joined(complaints);
        let message = if message.is_empty() { "Kingdee refuses and gives no reason".to_owned() } else { message };
        Self { code, message }
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

    /// It is about none of the bills in particular, although such answers give a `DIndex` of 0.
    pub(crate) fn is_about_the_call(&self) -> bool {
        self.session_is_lost() || self.code.as_deref().is_some_and(|code| ABOUT_THE_CALL.contains(&code))
    }

    /// The words are plain, whatever the code.
    fn session_is_lost(&self) -> bool {
        self.is(CONTEXT_LOST) || self.message.contains("会话信息已丢失")
    }

    /// What it means.
    pub(crate) fn failure(&self, access: Access) -> Failure {
        let (kind, hint) = judge(self.code.as_deref(), access);
        let kind = if self.session_is_lost() { FailureKind::Unauthorized } else { kind };
        let mut failure = Failure::new(kind, self.message.clone());
        failure.code = self.code.as_ref().map(|code| format!("MsgCode {code}"));
        failure.hint = hint.map(str::to_owned);
        failure
    }

    /// What it means while signing in: there is no session yet that could be lost.
    pub(crate) fn sign_in_failure(&self) -> Failure {
        let failure = self.failure(Access::Read);
        if failure.kind == FailureKind::Unauthorized {
            return Failure { kind: FailureKind::Misconfigured, ..failure }.hint(
                "check `acct_id`, `user` and `app_id` in the connection's `config` and its secret `app_secret`: Kingdee answers so to an unknown data centre, and to whom it does not know",
            );
        }
        failure
    }
}

/// `MsgCode`: what the engine does, and what a person can do.
fn judge(code: Option<&str>, access: Access) -> (FailureKind, Option<&'static str>) {
    use FailureKind::{Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};

    match (code, access) {
        (Some("1"), _) => (Unauthorized, None),
        (Some("2"), Access::Read) => (Misconfigured, Some("give the connection's user the right to see this form")),
        (Some("2"), Access::Write) => {
            (Misconfigured, Some("give the connection's user the right to save, submit and audit this form"))
        }
        (Some("3"), _) | (Some("12"), Access::Read) => (Misconfigured, None),
        (Some("5"), _) => (Misconfigured, Some("give the metadata's `otherRequest` a `FormId`")),
        (Some("7"), _) => (Misconfigured, Some("check Kingdee's licence for this user and module")),
        (Some("13"), _) => (Transient, None),
        (Some("14"), _) => (Throttled, Some("lower the connection's `rate`, or have the WebAPI limit raised")),
        (Some("15"), _) => {
            (Misconfigured, Some("use a user that is no administrator: Kingdee forbids those to sign in here"))
        }
        (Some("4" | "6"), Access::Write) => (Uncertain, None),
        (_, Access::Write) => (Rejected, None),
        (Some("0" | "8" | "9" | "11"), Access::Read) => {
            (Misconfigured, Some("check the request's columns, `FilterString` and `OrderString`"))
        }
        // Kingdee may mean anything, and a retry does no harm.
        (_, Access::Read) => (Transient, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use FailureKind::{Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};
    use qiao_plugin::Value;
    use qiao_plugin::json::json;

    use super::*;

    fn refusal(code: &Value, message: &str) -> Refusal {
        let status = json!({
            "ErrorCode": 500, "IsSuccess": false, "MsgCode": code,
            "Errors": [{"FieldName": null, "Message": message, "DIndex": 0}]
        });
        Refusal::of(&Status::read(&status)).unwrap()
    }

    #[test]
    fn every_documented_code_has_its_kind() {
        let cases = [
            (0, Misconfigured, Misconfigured, Rejected),
            (1, Unauthorized, Misconfigured, Unauthorized),
            (2, Misconfigured, Misconfigured, Misconfigured),
            (3, Misconfigured, Misconfigured, Misconfigured),
            (4, Transient, Transient, Uncertain),
            (5, Misconfigured, Misconfigured, Misconfigured),
            (6, Transient, Transient, Uncertain),
            (7, Misconfigured, Misconfigured, Misconfigured),
            (8, Misconfigured, Misconfigured, Rejected),
            (9, Misconfigured, Misconfigured, Rejected),
            (11, Misconfigured, Misconfigured, Rejected),
            (12, Misconfigured, Misconfigured, Rejected),
            (13, Transient, Transient, Transient),
            (14, Throttled, Throttled, Throttled),
            (15, Misconfigured, Misconfigured, Misconfigured),
            (99, Transient, Transient, Rejected),
        ];
        for (code, query, sign_in, bill) in cases {
            let refusal = refusal(&json!(code), "字段不存在");
            assert_eq!(refusal.failure(Access::Read).kind, query, "MsgCode {code}");
            assert_eq!(refusal.sign_in_failure().kind, sign_in, "MsgCode {code}");
            assert_eq!(refusal.failure(Access::Write).kind, bill, "MsgCode {code}");
            assert_eq!(refusal.failure(Access::Write).message, "字段不存在");
            assert_eq!(refusal.failure(Access::Read).code, Some(format!("MsgCode {code}")));
        }
        assert!(refusal(&json!(10), "没有数据").no_data());
    }

    #[test]
    fn codes_and_booleans_may_be_text() {
        let of = |status: Value| Refusal::of(&Status::read(&status));
        assert_eq!(refusal(&json!("14"), "x").failure(Access::Read).kind, Throttled);
        assert_eq!(of(json!({"IsSuccess": "True", "Errors": []})), None);
        assert_eq!(of(json!({"IsSuccess": true})), None);
        assert_eq!(of(json!({"IsSuccess": "false"})).unwrap().message, "Kingdee refuses and gives no reason");
    }

    #[test]
    fn a_lost_session_is_known_by_its_words_too() {
        let lost = refusal(&json!(0), "会话信息已丢失，请重新登录");
        assert!(lost.is_about_the_call());
        assert_eq!(lost.failure(Access::Write).kind, Unauthorized);
        let failure = lost.sign_in_failure();
        assert_eq!(failure.kind, Misconfigured);
        assert!(failure.hint.unwrap().contains("acct_id"));
        assert!(!refusal(&json!(11), "数量大于入库上限！").is_about_the_call());
    }
}

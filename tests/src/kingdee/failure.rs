//! How Kingdee refuses a whole call: HTTP 200 and a `ResponseStatus`, which the answer of `ExecuteBillQuery` alone wraps in two arrays.

use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) msg_code: i64,
    pub(crate) message: String,
}

/// The session is gone.
pub(crate) const CONTEXT_LOST: i64 = 1;
/// Something went wrong inside.
pub(crate) const EXCEPTION: i64 = 4;
/// The form's id is empty.
pub(crate) const FORM_ID_EMPTY: i64 = 5;
/// The database refused the statement.
pub(crate) const DATABASE: i64 = 6;
/// A parameter cannot be used.
pub(crate) const PARAMETER: i64 = 8;
/// There is no such form or field.
pub(crate) const MISSING: i64 = 9;
/// There is no such bill.
pub(crate) const NO_DATA: i64 = 10;
/// A bill breaks a rule.
pub(crate) const VALIDATION: i64 = 11;
/// Somebody else has the bill open.
pub(crate) const CONFLICT: i64 = 13;

impl Failure {
    pub(crate) fn new(msg_code: i64, message: impl Into<String>) -> Self {
        Self { msg_code, message: message.into() }
    }

    pub(crate) fn session_lost() -> Self {
        Self::new(CONTEXT_LOST, "会话信息已丢失，请重新登录")
    }

    /// With the words of the in-product help's list of `MsgCode`.
    pub(crate) fn of_code(msg_code: i64) -> Self {
        let message = match msg_code {
            CONTEXT_LOST => return Self::session_lost(),
            2 => "没有权限",
            3 => "操作标识为空",
            EXCEPTION => "异常",
            FORM_ID_EMPTY => "单据标识为空",
            DATABASE => "数据库操作失败",
            7 => "许可错误",
            PARAMETER => "参数错误",
            MISSING => "指定字段或值不存在",
            NO_DATA => "未找到对应数据",
            VALIDATION => "验证失败",
            12 => "不可操作",
            CONFLICT => "网控冲突",
            14 => "调用限制",
            15 => "禁止管理员登录",
            _ => "未知错误",
        };
        Self::new(msg_code, message)
    }

    /// `{"Result":{"ResponseStatus":{…}}}`.
    pub(crate) fn result(&self) -> Value {
        json!({"Result": {"ResponseStatus": {
            "ErrorCode": 500,
            "IsSuccess": false,
            "Errors": [{"FieldName": null, "Message": self.message, "DIndex": 0}],
            "SuccessEntitys": [],
            "SuccessMessages": [],
            "MsgCode": self.msg_code,
        }}})
    }

    /// As the answer to a query.
    pub(crate) fn wrapped(&self) -> Value {
        json!([[self.result()]])
    }
}

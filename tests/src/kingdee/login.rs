//! The ways to log in: a user's password, an application's secret, or a signature made with it (`AuthService`).
//!
//! Their answer is no `ResponseStatus` but a context of its own, with the session's name in it and in the cookies. A wrong user, password
//! or secret is `LoginResultType` 0; a data centre that does not exist is answered as if the session were lost.

use serde_json::{Value, json};

use super::signature::{Application, login_sign};

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Password,
    Secret,
    Sign,
}

impl Login {
    /// By the name of the service.
    pub(crate) fn of_service(service: &str) -> Option<Self> {
        match service {
            "ValidateUser" => Some(Self::Password),
            "LoginByAppSecret" => Some(Self::Secret),
            "LoginBySign" => Some(Self::Sign),
            _ => None,
        }
    }

    /// The names of its parameters, in the order in which they may be sent without names.
    pub(crate) fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["acctid", "username", "password", "lcid"],
            Self::Secret => &["acctid", "username", "appid", "appsecret", "lcid"],
            Self::Sign => &["acctid", "username", "appid", "timestamp", "sign", "lcid"],
        }
    }

    /// Whether these values, in the order of the names, let a caller in.
    pub(crate) fn admit(self, application: &Application, values: &[String]) -> Result<(), Refused> {
        let value = |at: usize| values.get(at).map_or("", String::as_str);
        if value(0) != application.acct_id {
            return Err(Refused::NO_CONTEXT);
        }
        let is_user = value(1) == application.user;
        let is_application = value(2) == application.app_id;
        let is_let_in = match self {
            Self::Password => is_user && value(2) == application.password,
            Self::Secret => is_user && is_application && value(3) == application.app_secret,
            Self::Sign => {
                let parts = vec![value(0), value(1), value(2), application.app_secret.as_str(), value(3)];
                is_user && is_application && value(4) == login_sign(parts)
            }
        };
        match (is_let_in, self) {
            (true, _) => Ok(()),
            (false, Self::Password) => Err(Refused::wrong("用户名或密码错误")),
            (false, _) => Err(Refused::wrong("应用ID、应用密钥或用户错误，登录失败")),
        }
    }
}

/// Why nobody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    result_type: i64,
    message: String,
}

impl Refused {
    const NO_CONTEXT: Self = Self { result_type: -1, message: String::new() };

    fn wrong(message: &str) -> Self {
        Self { result_type: 0, message: message.to_owned() }
    }

    /// A refusal for a reason of the server's own.
    pub(crate) fn because(message: &str) -> Self {
        Self { result_type: -1, message: message.to_owned() }
    }

    /// The answer.
    pub(crate) fn body(&self) -> Value {
        let message =
            if self.message.is_empty() { "会话信息已丢失，请重新登录" } else { self.message.as_str() };
        body(message, self.result_type, &Value::Null, &Value::Null)
    }
}

/// The answer to who was let in.
pub(crate) fn welcome(application: &Application, session: &str) -> Value {
    let context = json!({
        "UserId": 100_001,
        "UserName": application.user,
        "DataCenterName": "桥通贸易",
        "DBid": application.acct_id,
        "SessionId": session,
        "UserLocale": "zh-CN",
        "CurrentOrganizationInfo": {
            "ID": 1, "AcctOrgType": "1", "Name": super::base_data::ORGANIZATION, "FunctionIds": [101, 102],
        },
    });
    body("", 1, &context, &json!(session))
}

fn body(message: &str, result_type: i64, context: &Value, session: &Value) -> Value {
    let message = if message.is_empty() { Value::Null } else { json!(message) };
    json!({
        "Message": message,
        "MessageCode": null,
        "LoginResultType": result_type,
        "Context": context,
        "KDSVCSessionId": session,
        "FormId": null,
        "RedirectFormParam": null,
        "FormInputObject": null,
        "ErrorStackTrace": null,
        "Lcid": 0,
        "AccessToken": null,
        "KdAccessResult": null,
        "IsSuccessByAPI": result_type == 1,
    })
}

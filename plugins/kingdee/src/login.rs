//! `LoginByAppSecret`: a session instead of signatures, for servers that take none.
//!
//! The call takes its parameters by place, in the envelope of Kingdee's .NET client. Its reply is not that of other services:
//! `LoginResultType` tells how it went, as `Kingdee.BOS` numbers it:
//!
//! | type | meaning | here |
//! |---|---|---|
//! | 1 | signed in | signed in |
//! | -5 | signed in, and a form should be shown (an expiring licence, a notice); administrators get it | signed in |
//! | 0 | wrong user or secret | misconfigured |
//! | -1 | failed; for a data centre that does not exist the message is that of a lost session | misconfigured |
//! | -2, -3 | the password should, or must, be changed | misconfigured |
//! | -4, -6, -7 | a warning; no cloud account; not activated | misconfigured |
//!
//! A session ends after some 20 minutes without a request. The host cannot know when its last one was, so it signs in again after 15
//! minutes in any case; a session that ends before that is `MsgCode` 1.

use std::borrow::Cow;
use std::time::Duration;

use qiao_plugin::http::{Access, Encoding, Part, Request, Response};
use qiao_plugin::json::{json, text};
use qiao_plugin::{Failure, SignedIn, Value, log};

use crate::Send;
use crate::config::Config;
use crate::refusal::Refusal;
use crate::service::Service;
use crate::session::{APP_SECRET, Session, not_signed_in};
use crate::status::Status;

const VALID_FOR: Duration = Duration::from_mins(15);

const HINT: &str = "check `acct_id`, `user` and `app_id` in the connection's `config` and its secret `app_secret`";

pub(crate) fn log_in(config: &Config, send: Send<'_>) -> Result<SignedIn, Failure> {
    // It changes nothing that a second try could spoil.
    let response = send(request(config)).map_err(|error| error.failure(Access::Read))?;
    let session = opened(&response)?;
    Ok(SignedIn::new(json!(session)).valid_for(VALID_FOR))
}

fn request(config: &Config) -> Request {
    let quoted = |value: &str| Value::from(value).to_string();
    // Kingdee's clients send the language as a number.
    let lcid = config.lcid();
    let lcid = if lcid.parse::<u32>().is_ok() { lcid } else { quoted(&lcid) };
    let secret = Part::Secret {
        name: APP_SECRET.to_owned(),
        encoding: Encoding::JsonString,
        prefix: String::new(),
        suffix: String::new(),
    };
    let before = format!(
        r#"{{"format":1,"useragent":"ApiClient","parameters":[{},{},{},""#,
        quoted(&config.acct_id),
        quoted(&config.user),
        quoted(&config.app_id),
    );
    let after = format!(r#"",{lcid}],"v":"1.0"}}"#);
    Request::post(Service::LoginByAppSecret.path()).header("content-type", "application/json").body([
        before.into(),
        secret,
        after.into(),
    ])
}

fn opened(response: &Response) -> Result<Session, Failure> {
    if !matches!(response.status, 200 | 206) {
        return Err(not_signed_in(response.failure(Access::Read)));
    }
    let reply: Value = response.json().unwrap_or_default();
    let reply = reply.get("Result").unwrap_or(&reply);
    let member = |name: &str| reply.get(name).and_then(text).filter(|text| !text.is_empty());
    let Some(result) = member("LoginResultType") else {
        return Err(refused(reply, response));
    };
    if !matches!(result.as_ref(), "1" | "-5") {
        let message = member("Message");
        let message = message.unwrap_or_else(|| format!("Kingdee answers LoginResultType {result}").into());
        return Err(Failure::misconfigured(message).code(format!("LoginResultType {result}")).hint(HINT));
    }
    if result == "-5" {
        log::warn(
            "Kingdee signs in and wants a form to be shown to the user",
            &[("message", &member("Message").unwrap_or_default())],
        );
    }
    let session = Session::opened(response);
    let kdservice = session.kdservice.or_else(|| member("KDSVCSessionId").map(Cow::into_owned));
    if kdservice.is_none() {
        return Err(Failure::transient(
            "Kingdee signs in, but gives no session: neither a cookie nor `KDSVCSessionId`",
        )
        .hint("a proxy in between may take cookies out"));
    }
    Ok(Session { kdservice, ..session })
}

/// Some versions refuse in the envelope of the other services.
fn refused(reply: &Value, response: &Response) -> Failure {
    let status = reply.get("ResponseStatus").map(Status::read);
    match status.and_then(|status| Refusal::of(&status)) {
        Some(refusal) => refusal.sign_in_failure(),
        None => {
            Failure::transient(format!("Kingdee's reply to the sign-in says nothing of it: {}", response.excerpt()))
                .hint("check the connection's `base_url`, and any proxy in between")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind::{Misconfigured, Transient};
    use qiao_plugin::http::Error;

    use super::*;
    use crate::session;
    use crate::testing::{Kingdee, answer, connection, told};

    fn signed_in(reply: Result<Response, Error>) -> (Result<SignedIn, Failure>, Vec<String>) {
        let kingdee = Kingdee::new([reply]);
        let more = json!({"sign_in": "app_secret", "user": "张三", "app_id": "any\"id"});
        let signed_in = session::sign_in(&connection(&more, Value::Null), &|request| kingdee.send(request));
        (signed_in, kingdee.requests.into_inner().iter().map(told).collect())
    }

    fn success(headers: &[(&str, &str)], more: &Value) -> Result<Response, Error> {
        let mut reply = json!({"Message": null, "LoginResultType": 1, "Context": {"UserName": "demo"}});
        reply.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        answer(&reply.to_string()).map(|response| Response { headers, ..response })
    }

    #[test]
    fn the_secret_goes_by_name_in_its_place() {
        let (session, asked) = signed_in(success(&[("kdservice-sessionid", "kd")], &json!({})));
        assert_eq!(
            asked,
            [
                r#"LoginByAppSecret {"format":1,"useragent":"ApiClient","parameters":["dcid-1","张三","any\"id","<app_secret JsonString>",2052],"v":"1.0"}"#
            ]
        );
        assert_eq!(session.unwrap().valid_for, Some(Duration::from_mins(15)));
    }

    #[test]
    fn the_session_is_in_a_cookie_a_header_or_the_reply() {
        let cookies = [
            ("set-cookie", "kdservice-sessionid=kd-1; path=/; HttpOnly"),
            ("set-cookie", "ASP.NET_SessionId=asp; path=/"),
        ];
        let cases = [
            (success(&cookies, &json!({"KDSVCSessionId": "kd-0"})), json!("kd-1"), json!("asp")),
            (success(&[("kdservice-sessionid", "kd-2")], &json!({})), json!("kd-2"), json!(null)),
            (success(&[], &json!({"KDSVCSessionId": "kd-3"})), json!("kd-3"), json!(null)),
            (success(&cookies, &json!({"LoginResultType": -5})), json!("kd-1"), json!("asp")),
            (success(&cookies, &json!({"LoginResultType": "1"})), json!("kd-1"), json!("asp")),
        ];
        for (reply, kdservice, asp_net) in cases {
            let data = signed_in(reply).0.unwrap().data;
            assert_eq!(data, json!({"signature": null, "kdservice": kdservice, "asp_net": asp_net}));
        }
    }

    #[test]
    fn a_refusal_says_what_to_mend() {
        let failed = |result: i32, message: &str| json!({"LoginResultType": result, "Message": message}).to_string();
        let cases = [
            (failed(0, "用户名或密码错误"), Misconfigured, "用户名或密码错误 (LoginResultType 0)"),
            (
                failed(-1, "会话信息已丢失，请重新登录"),
                Misconfigured,
                "会话信息已丢失，请重新登录 (LoginResultType -1)",
            ),
            (failed(-7, ""), Misconfigured, "Kingdee answers LoginResultType -7 (LoginResultType -7)"),
            (
                r#"{"Result":{"ResponseStatus":{"IsSuccess":false,"Errors":[{"Message":"无效的应用"}],"MsgCode":1}}}"#
                    .into(),
                Misconfigured,
                "无效的应用 (MsgCode 1)",
            ),
            (failed(1, ""), Transient, "Kingdee signs in, but gives no session: neither"),
            (
                "<html><title>登录</title>".into(),
                Transient,
                "Kingdee's reply to the sign-in says nothing of it: an HTML page",
            ),
            (String::new(), Transient, "Kingdee's reply to the sign-in says nothing of it: an empty body"),
        ];
        for (body, kind, message) in cases {
            let failure = signed_in(answer(&body)).0.unwrap_err();
            assert_eq!(failure.kind, kind, "{body}");
            assert!(failure.to_string().starts_with(message), "{failure}");
            assert!(failure.hint.is_some(), "{body}");
        }
        let failure = signed_in(Err(Error::NoAnswer("timed out".into()))).0.unwrap_err();
        assert_eq!(failure.kind, Transient);
        let unauthorized = Response { status: 401, ..answer("").unwrap() };
        assert_eq!(signed_in(Ok(unauthorized)).0.unwrap_err().kind, Misconfigured);
    }
}

//! Signing in, which at Kingdee means trying the signature once.
//!
//! Every request carries the signature, so there is no login call. The cheapest query tells whether account and secret are right, and
//! gives the cookies of a session; later requests send them as the official SDK does, so that the server need not open a new one each time.

use std::time::{SystemTime, UNIX_EPOCH};

use qiao_plugin::credentials::{Algorithm, hmac};
use qiao_plugin::http::{Access, Request, Response};
use qiao_plugin::json::json;
use qiao_plugin::{Connection, Failure, FailureKind, Object, SignedIn};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::reply::{self, Reply};
use crate::sign::{Signer, encode};
use crate::{QUERY_PATH, Send};

/// The secret's name.
pub(crate) const APP_SECRET: &str = "app_secret";

const SESSION_COOKIE: &str = "kdservice-sessionid";
const ASP_NET_COOKIE: &str = "ASP.NET_SessionId";

/// What later calls need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// `X-Kd-Signature`: the same for every request of the account.
    signature: String,
    /// The cookie `kdservice-sessionid`.
    kdservice: Option<String>,
    /// The cookie `ASP.NET_SessionId`.
    asp_net: Option<String>,
}

pub(crate) fn sign_in(connection: &Connection, send: Send<'_>) -> Result<SignedIn, Failure> {
    let config = Config::of(connection)?;
    let signer = Signer::new(&config)?;
    let message = signer.account_message();
    let signature = hmac(Algorithm::Sha256, APP_SECRET, [message.into()])?;
    let session = try_out(connection, &signer, encode(&signature), send)?;
    Ok(SignedIn::new(json!(session)))
}

fn try_out(connection: &Connection, signer: &Signer, signature: String, send: Send<'_>) -> Result<Session, Failure> {
    let heartbeat = Object::from_iter([
        ("FormId".to_owned(), json!("BD_Currency")),
        ("FieldKeys".to_owned(), json!("FNUMBER")),
        ("FilterString".to_owned(), json!("")),
        ("OrderString".to_owned(), json!("")),
        ("TopRowCount".to_owned(), json!(0)),
        ("StartRow".to_owned(), json!(0)),
        ("Limit".to_owned(), json!(1)),
    ]);
    let session = Session { signature, ..Session::default() };
    let response =
        send(request(connection, signer, &session, &heartbeat)).map_err(|error| error.failure(Access::Read))?;
    match reply::read(&response).map_err(not_signed_in)? {
        Reply::Refused(refusal) if !refusal.proves_the_account() => Err(refusal.sign_in_failure()),
        Reply::Rows(..) | Reply::Refused(_) => Ok(Session {
            kdservice: cookie(&response, SESSION_COOKIE).or_else(|| response.header(SESSION_COOKIE).map(str::to_owned)),
            asp_net: cookie(&response, ASP_NET_COOKIE),
            ..session
        }),
    }
}

/// While signing in there is no session that signing in again could mend.
fn not_signed_in(failure: Failure) -> Failure {
    if failure.kind != FailureKind::Unauthorized {
        return failure;
    }
    Failure { kind: FailureKind::Misconfigured, ..failure }
        .hint("check `acct_id`, `user` and `app_id` in the connection's `config` and its secret `app_secret`")
}

/// A signed query. The cookies go as the official SDK sends them.
pub(crate) fn request(connection: &Connection, signer: &Signer, session: &Session, data: &Object) -> Request {
    let url = format!("{}{QUERY_PATH}", connection.base_url);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs());
    let mut request = Request::post(QUERY_PATH).json(&json!({ "data": data }));
    for (name, value) in signer.headers(&url, seconds, &session.signature) {
        request = request.header(name, value);
    }
    if let Some(id) = &session.kdservice {
        let mut cookies = format!("Theme=standard;{SESSION_COOKIE}={id}");
        if let Some(id) = &session.asp_net {
            cookies = format!("{cookies}; {ASP_NET_COOKIE}={id}");
        }
        request = request.header(SESSION_COOKIE, id.as_str()).header("Cookie", cookies);
    }
    request
}

fn cookie(response: &Response, name: &str) -> Option<String> {
    response.headers("set-cookie").find_map(|cookie| {
        let pair = cookie.split(';').next()?;
        let (other, value) = pair.split_once('=')?;
        let value = value.trim();
        (other.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        reason = "tests"
    )]
    use std::cell::RefCell;

    use qiao_plugin::Value;
    use qiao_plugin::http::{Error, Part};

    use super::*;
    use crate::sign::tests::{connection, host_hmac};

    fn response(headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        Response { status: 200, headers: headers.collect(), body: body.as_bytes().to_vec() }
    }

    fn tried_out(answer: Result<Response, Error>) -> Result<Session, Failure> {
        let connection = connection("https://erp.example.com/k3cloud/", Value::Null);
        let signer = Signer::new(&Config::of(&connection).unwrap()).unwrap();
        let signature = encode(&host_hmac(&signer.account_message()));
        try_out(&connection, &signer, signature, &|_| answer.clone())
    }

    fn refused(code: u32) -> String {
        format!(
            r#"[[{{"Result":{{"ResponseStatus":{{"IsSuccess":false,"Errors":[{{"Message":"不行"}}],"MsgCode":{code}}}}}}}]]"#
        )
    }

    #[test]
    fn a_session_keeps_signature_and_cookies() {
        let cookies = [
            ("set-cookie", "ASP.NET_SessionId=asp; path=/; HttpOnly"),
            ("set-cookie", "kdservice-sessionid=kd-1; path=/"),
        ];
        let session = tried_out(Ok(response(&cookies, r#"[["PRE001"]]"#))).unwrap();
        assert!(session.signature.starts_with("NjI5MzRi"));
        assert_eq!(session.kdservice.as_deref(), Some("kd-1"));
        assert_eq!(session.asp_net.as_deref(), Some("asp"));

        let bare = tried_out(Ok(response(&[("kdservice-sessionid", "kd-2")], "[]"))).unwrap();
        assert_eq!(bare.kdservice.as_deref(), Some("kd-2"));
    }

    #[test]
    fn a_user_without_rights_is_signed_in_all_the_same() {
        assert!(tried_out(Ok(response(&[], &refused(2)))).is_ok());
        assert!(tried_out(Ok(response(&[], &refused(10)))).is_ok());
    }

    #[test]
    fn what_signing_in_again_cannot_mend_is_misconfigured() {
        let unauthorized = Response { status: 401, ..response(&[], "") };
        let cases = [
            (response(&[], &refused(1)), "acct_id"),
            (response(&[], "response_error:会话"), "app_secret"),
            (unauthorized, "app_secret"),
        ];
        for (answer, hint) in cases {
            let failure = tried_out(Ok(answer)).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Misconfigured);
            assert!(failure.hint.unwrap().contains(hint));
        }
        let failure = tried_out(Err(Error::NoAnswer("timed out".into()))).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient);
    }

    #[test]
    fn the_cookies_are_sent_as_the_official_sdk_sends_them() {
        let connection = connection("https://erp.example.com/k3cloud/", Value::Null);
        let signer = Signer::new(&Config::of(&connection).unwrap()).unwrap();
        let session = Session { signature: "kd".into(), kdservice: Some("s".into()), asp_net: Some("a".into()) };
        let sent = RefCell::new(Vec::new());
        for (name, parts) in request(&connection, &signer, &session, &Object::new()).headers {
            if name.eq_ignore_ascii_case("cookie") || name == SESSION_COOKIE {
                sent.borrow_mut().extend(parts);
            }
        }
        assert_eq!(
            sent.into_inner(),
            [Part::from("s"), Part::from("Theme=standard;kdservice-sessionid=s; ASP.NET_SessionId=a"),]
        );
    }
}

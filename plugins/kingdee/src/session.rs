//! Signing in, in one of two ways.
//!
//! With the header signature every request shows who sends it, so there is no login call: the cheapest query tells whether account and
//! secret are right, and gives the cookies of a session. Later requests send them as the official SDK does, so that the server need not
//! open a new one each time. The other way is a session alone (`login`).

use qiao_plugin::credentials::{Algorithm, hmac};
use qiao_plugin::http::{Access, Response};
use qiao_plugin::json::json;
use qiao_plugin::{Connection, Failure, FailureKind, Object, SignedIn};
use serde::{Deserialize, Serialize};

use crate::config::{Config, SignInBy};
use crate::reply::{self, Reply, Shape};
use crate::service::Service;
use crate::sign::{Signer, encode};
use crate::vendor::Vendor;
use crate::{Send, login};

/// The secret's name.
pub(crate) const APP_SECRET: &str = "app_secret";

pub(crate) const SESSION_COOKIE: &str = "kdservice-sessionid";
pub(crate) const ASP_NET_COOKIE: &str = "ASP.NET_SessionId";

/// What later calls need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// `X-Kd-Signature`: the same for every request of the account. None where the session alone signs in.
    pub(crate) signature: Option<String>,
    /// The cookie `kdservice-sessionid`.
    pub(crate) kdservice: Option<String>,
    /// The cookie `ASP.NET_SessionId`.
    pub(crate) asp_net: Option<String>,
}

impl Session {
    /// The session that a response opens.
    pub(crate) fn opened(response: &Response) -> Self {
        let bare = || response.header(SESSION_COOKIE).map(str::to_owned);
        Self {
            signature: None,
            kdservice: cookie(response, SESSION_COOKIE).or_else(bare),
            asp_net: cookie(response, ASP_NET_COOKIE),
        }
    }
}

pub(crate) fn sign_in(connection: &Connection, send: Send<'_>) -> Result<SignedIn, Failure> {
    let config = Config::of(connection)?;
    match config.sign_in {
        SignInBy::AppSecret => login::log_in(&config, send),
        SignInBy::Signature => {
            let signer = Signer::new(&config)?;
            let message = signer.account_message();
            let signature = hmac(Algorithm::Sha256, APP_SECRET, [message.into()])?;
            let session = try_out(connection, signer, encode(&signature), send)?;
            Ok(SignedIn::new(json!(session)))
        }
    }
}

fn try_out(connection: &Connection, signer: Signer, signature: String, send: Send<'_>) -> Result<Session, Failure> {
    let heartbeat = Object::from_iter([
        ("FormId".to_owned(), json!("BD_Currency")),
        ("FieldKeys".to_owned(), json!("FNUMBER")),
        ("FilterString".to_owned(), json!("")),
        ("OrderString".to_owned(), json!("")),
        ("TopRowCount".to_owned(), json!(0)),
        ("StartRow".to_owned(), json!(0)),
        ("Limit".to_owned(), json!(1)),
    ]);
    let session = Session { signature: Some(signature), ..Session::default() };
    let vendor = Vendor::with(connection, Some(signer), session.clone(), send);
    let response = vendor.query(Service::ExecuteBillQuery, &heartbeat).map_err(|error| error.failure(Access::Read))?;
    match reply::rows(&response, Shape::Arrays).map_err(not_signed_in)? {
        Reply::Refused(refusal) if !refusal.proves_the_account() => Err(refusal.sign_in_failure()),
        Reply::Rows(..) | Reply::Nothing | Reply::Refused(_) => {
            Ok(Session { signature: session.signature, ..Session::opened(&response) })
        }
    }
}

/// While signing in there is no session that signing in again could mend.
pub(crate) fn not_signed_in(failure: Failure) -> Failure {
    if failure.kind != FailureKind::Unauthorized {
        return failure;
    }
    Failure { kind: FailureKind::Misconfigured, ..failure }
        .hint("check `acct_id`, `user` and `app_id` in the connection's `config` and its secret `app_secret`")
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
    use qiao_plugin::Value;
    use qiao_plugin::http::Error;

    use super::*;
    use crate::sign::tests::host_hmac;
    use crate::testing::{config_of, connection};

    fn response(headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        Response { status: 200, headers: headers.collect(), body: body.as_bytes().to_vec() }
    }

    fn tried_out(answer: Result<Response, Error>) -> Result<Session, Failure> {
        let connection = connection(&json!({}), Value::Null);
        let signer = Signer::new(&config_of(&connection)).unwrap();
        let signature = encode(&host_hmac(&signer.account_message()));
        try_out(&connection, signer, signature, &|_| answer.clone())
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
        assert!(session.signature.unwrap().starts_with("NjI5MzRi"));
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
}

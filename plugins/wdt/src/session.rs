//! Signing in, which at WDT means trying the signature once.
//!
//! Every request is signed and there is no session. The cheapest query, the refunds of one minute, tells whether key, secret and account
//! fit together, so that a wrong one is told by `qiao connection test` and not by the first scan. Only that is asked: an application that
//! may not see refunds, or whatever else WDT finds wrong with this particular query, is signed in all the same.

use jiff::Timestamp;
use qiao_plugin::http::Access;
use qiao_plugin::{Connection, Failure, SignedIn, log};

use crate::Host;
use crate::api::Api;
use crate::config::Config;
use crate::refusal::Meaning;
use crate::reply::{self, Reply};
use crate::request::request;
use crate::window::in_beijing;

pub(crate) fn sign_in(connection: &Connection, host: &Host<'_>) -> Result<SignedIn, Failure> {
    let config = Config::of(connection)?;
    let minute = (host.now)().div_euclid(60) * 60;
    let ago = |minutes: i64| Timestamp::from_second(minute - minutes * 60).map(in_beijing).unwrap_or_default();
    let parameters =
        [("start_time", ago(11)), ("end_time", ago(10)), ("page_no", "0".into()), ("page_size", "1".into())];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let request = request(&config, &Api::refunds(), parameters, host)?;
    let response = (host.send)(request).map_err(|error| error.failure(Access::Read))?;
    match reply::read(&response)? {
        Reply::Answer(_) => {}
        Reply::Refused(refusal) => match refusal.meaning() {
            Meaning::Permission | Meaning::Parameters => {}
            Meaning::Unknown => log::warn(
                "the query that tries the account out is refused for an unknown reason, which may not concern others",
                &[("refusal", &refusal.failure())],
            ),
            _ => return Err(refusal.failure()),
        },
    }
    Ok(SignedIn::without_data())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::cell::RefCell;

    use qiao_plugin::FailureKind::{Misconfigured, Throttled, Transient};
    use qiao_plugin::http::{Error, Response};
    use qiao_plugin::json::json;
    use qiao_plugin::{Value, credentials};

    use super::*;
    use crate::request::tests::{NOW, connection, told};
    use crate::sign::tests::with_secret;

    fn signed_in(config: Value, status: u16, body: &str) -> (Result<SignedIn, Failure>, String) {
        let asked = RefCell::new(String::new());
        let send = |request| {
            *asked.borrow_mut() = told(&request);
            Ok(Response { status, headers: vec![], body: body.as_bytes().to_vec() })
        };
        let host = Host { send: &send, compute: &|sum| Ok(with_secret("topsecret", sum)), now: &|| NOW + 7 };
        let result = sign_in(&connection(config), &host);
        (result, asked.into_inner())
    }

    #[test]
    fn one_minute_of_refunds_is_asked_for() {
        let (result, asked) =
            signed_in(json!({}), 200, r#"{"response":{"errorcode":0,"total_count":5,"refunds":[{}]}}"#);
        assert_eq!(result.unwrap(), SignedIn::without_data());
        let (_, body) = asked.split_once(' ').unwrap().1.split_once(" sid=").unwrap();
        assert_eq!(
            body,
            "demo2&start_time=2026-11-21+11%3A49%3A00&end_time=2026-11-21+11%3A50%3A00&page_no=0&page_size=1"
        );
        let (_, asked) = signed_in(json!({"mode": "direct"}), 200, r#"{"code":0}"#);
        assert!(asked.starts_with("POST refund_query.php sid=demo2&"), "{asked}");
    }

    #[test]
    fn only_what_is_wrong_with_the_account_is_told() {
        let refused = |code: &str, message: &str| json!({"code": code, "message": message}).to_string();
        let cases = [
            (200, refused("100", "无效sign"), Some((Misconfigured, "app_secret"))),
            (200, refused("100", "无效appkey:x"), Some((Misconfigured, "app_key"))),
            (200, refused("100", "无效timestamp"), Some((Misconfigured, "clock"))),
            (200, refused("2030", "验证失败"), Some((Misconfigured, "sid"))),
            (200, refused("1012", "busy"), Some((Throttled, "rate"))),
            (200, refused("2030", "权限不足"), None),
            (200, refused("2104", "end_time"), None),
            (200, refused("4711", "?"), None),
            (502, "<html>".into(), Some((Transient, ""))),
        ];
        for (status, body, expected) in cases {
            let (result, _) = signed_in(json!({}), status, &body);
            match (result, expected) {
                (Ok(_), None) => {}
                (Err(failure), Some((kind, hint))) => {
                    assert_eq!(failure.kind, kind, "{body}");
                    assert!(failure.hint.unwrap_or_default().contains(hint), "{body}");
                }
                (result, _) => panic!("{body}: {result:?}"),
            }
        }
    }

    #[test]
    fn without_secret_or_answer_nobody_is_signed_in() {
        let missing = |_| Err(credentials::Error::Missing("app_secret".to_owned()));
        let host = Host { send: &|_| panic!("nothing is sent"), compute: &missing, now: &|| NOW };
        assert_eq!(sign_in(&connection(json!({})), &host).unwrap_err().kind, Misconfigured);
        let host = Host {
            send: &|_| Err(Error::NoAnswer("timed out".to_owned())),
            compute: &|sum| Ok(with_secret("x", sum)),
            now: &|| NOW,
        };
        assert_eq!(sign_in(&connection(json!({})), &host).unwrap_err().kind, Transient);
    }
}

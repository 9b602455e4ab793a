//! What a reply is.
//!
//! `openapi2` answers `{"code":0,"message":…,"total_count":…,"refunds":[…]}`. Qimen wraps the same in `response`, with `errorcode` or `code`
//! for what went wrong, and `flag` and `sub_code` besides; what its router refuses itself may come as `error_response`. No code, or 0, is
//! success. Numbers may be text. The list is left out where it is empty, and its rows stay the text that the vendor sent.

use std::collections::BTreeMap;

use qiao_plugin::http::{Access, Response};
use qiao_plugin::json::{RawValue, text};
use qiao_plugin::{Failure, FailureKind, Value};

use crate::api::Api;
use crate::refusal::Refusal;

type Members<'r> = BTreeMap<String, &'r RawValue>;

/// A reply that is none of the failures that concern a request as such.
#[derive(Debug)]
pub(crate) enum Reply<'r> {
    /// Rows, or none.
    Answer(Answer<'r>),
    /// The vendor refuses the query.
    Refused(Refusal),
}

/// A page, as the vendor gives it.
#[derive(Debug)]
pub(crate) struct Answer<'r> {
    members: Members<'r>,
}

/// The rows of a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct List<'r> {
    /// The JSON text of the array.
    pub(crate) text: &'r str,
    pub(crate) rows: u64,
}

pub(crate) fn read(response: &Response) -> Result<Reply<'_>, Failure> {
    let success = (200..=299).contains(&response.status);
    match (parse(response), success) {
        (Ok(reply), true) => Ok(reply),
        (Err(failure), true) => Err(failure),
        (Ok(Reply::Refused(refusal)), false) => refused_with_status(response, refusal),
        (_, false) => Err(of_status(response)),
    }
}

/// What an HTTP status means here. There is no session, so `unauthorized` would only lead to the same again.
fn of_status(response: &Response) -> Failure {
    let failure = response.failure(Access::Read);
    match response.status {
        401 | 403 => Failure { kind: FailureKind::Misconfigured, ..failure }
            .hint("check `app_key` in the connection's `config` and its secret `app_secret`, and whether the vendor knows this machine's address"),
        404 | 405 => failure.hint(
            "check the connection's `base_url`: in mode `qimen` it is the router (…/router/qm), in mode `direct` the folder (…/openapi2/)",
        ),
        // Seen where too much was asked.
        503 => Failure { kind: FailureKind::Throttled, ..failure }.hint("lower the connection's `rate`"),
        429 => failure.hint("lower the connection's `rate`"),
        _ => failure,
    }
}

/// The status of a server in trouble outweighs what the body says; the words are the body's.
fn refused_with_status(response: &Response, refusal: Refusal) -> Result<Reply<'_>, Failure> {
    let of_status = of_status(response);
    if of_status.kind == FailureKind::Misconfigured {
        return Ok(Reply::Refused(refusal));
    }
    let own = refusal.failure();
    Err(Failure { message: own.message, code: own.code.or(of_status.code), ..of_status })
}

fn parse(response: &Response) -> Result<Reply<'_>, Failure> {
    let body = std::str::from_utf8(&response.body)
        .map_err(|error| Failure::transient(format!("WDT's reply is not UTF-8: {error}")))?;
    let body = body.trim_start_matches('\u{feff}').trim();
    let no_envelope = || {
        Failure::transient(format!("WDT answers neither rows nor a `code`: {}", response.excerpt()))
            .hint("check the connection's `mode` and `base_url`, and any proxy in between")
    };
    let root: Members<'_> = serde_json::from_str(body).map_err(|error| {
        if error.is_eof() && body.starts_with('{') {
            Failure::transient(format!("WDT's reply is cut off after {} bytes", body.len()))
        } else {
            no_envelope()
        }
    })?;
    let inside = |name: &str| {
        let object = root.get(name).filter(|member| member.get().starts_with('{'))?;
        serde_json::from_str::<Members<'_>>(object.get()).ok()
    };
    if let Some(error) = inside("error_response") {
        return Ok(Reply::Refused(refusal(&error, true)));
    }
    let (members, of_router) = match inside("response") {
        Some(members) => (members, true),
        None if ["code", "errorcode", "flag"].iter().any(|name| root.contains_key(*name)) => (root, false),
        None => return Err(no_envelope()),
    };
    let refused = code(&members, "code").is_some()
        || code(&members, "errorcode").is_some()
        || said(&members, "sub_code").is_some()
        || said(&members, "flag").is_some_and(|flag| !flag.eq_ignore_ascii_case("success"));
    Ok(if refused { Reply::Refused(refusal(&members, of_router)) } else { Reply::Answer(Answer { members }) })
}

fn refusal(members: &Members<'_>, in_response: bool) -> Refusal {
    let own_code = code(members, "code");
    let message = said(members, "message").or_else(|| said(members, "msg"));
    let more = said(members, "sub_message").or_else(|| said(members, "sub_msg"));
    Refusal {
        of_router: in_response && code(members, "errorcode").is_none(),
        code: own_code.or_else(|| code(members, "errorcode")),
        sub_code: said(members, "sub_code"),
        message: match (message, more) {
            (Some(message), Some(more)) if message != more => format!("{message}: {more}"),
            (message, more) => {
                message.or(more).unwrap_or_else(|| "WDT refuses the query and gives no reason".to_owned())
            }
        },
    }
}

/// A code that is none of success.
fn code(members: &Members<'_>, name: &str) -> Option<String> {
    said(members, name).filter(|code| code != "0")
}

/// The text of a scalar that is not empty.
fn said(members: &Members<'_>, name: &str) -> Option<String> {
    let value: Value = serde_json::from_str(members.get(name)?.get()).ok()?;
    let text = text(&value)?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

impl<'r> Answer<'r> {
    /// `total_count`, where it is given.
    pub(crate) fn total(&self) -> Option<u64> {
        said(&self.members, "total_count")?.parse().ok()
    }

    /// The rows of the page of this number.
    pub(crate) fn list(&self, api: &Api, page: u64) -> Result<List<'r>, Failure> {
        let not_of_its_shape = |message: String| {
            Failure::misconfigured(message).hint("this query is not of the shape that the connector reads")
        };
        let list = match (self.find_list(api).map_err(not_of_its_shape)?, self.total()) {
            (Some(list), _) => list.get(),
            // Taking this for an empty page would lose the rows.
            (None, Some(total)) if page == 0 && total > 0 => {
                let names = quoted(self.members.keys().map(String::as_str));
                let message =
                    format!("WDT counts {total} rows for `{}` and gives no list of them, only {names}", api.method());
                return Err(not_of_its_shape(message));
            }
            (None, _) => "[]",
        };
        let rows: Vec<&RawValue> = serde_json::from_str(list)
            .map_err(|error| Failure::transient(format!("WDT's list of rows is broken: {error}")))?;
        match rows.iter().position(|row| !row.get().starts_with('{')) {
            Some(place) => Err(not_of_its_shape(format!("row {} of WDT's reply is no object", place + 1))),
            None => Ok(List { text: list, rows: rows.len() as u64 }),
        }
    }

    /// The list is told by its name, or by being the only one. That of refunds is known.
    fn find_list(&self, api: &Api) -> Result<Option<&'r RawValue>, String> {
        let lists = || self.members.iter().filter(|(_, member)| member.get().starts_with('['));
        let named: Vec<_> = lists().filter(|(name, _)| api.names_its_list(name)).collect();
        let others: Vec<_> = if api.is_refunds() { Vec::new() } else { lists().collect() };
        match (named.as_slice(), others.as_slice()) {
            ([(_, one)], _) | ([], [(_, one)]) => Ok(Some(*one)),
            ([], []) => Ok(None),
            _ => Err(format!(
                "WDT's reply to `{}` has several lists, and none is clearly that of its rows: {}",
                api.method(),
                quoted(lists().map(|(name, _)| name.as_str()))
            )),
        }
    }
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use FailureKind::{Misconfigured, Throttled, Transient};
    use proptest::prelude::*;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.as_bytes().to_vec() }
    }

    /// `<total> <rows>`, `refused: <failure>`, or the failure's kind and text.
    fn told(api: &str, body: &str) -> String {
        let failed = |failure: Failure| format!("{:?}: {failure}", failure.kind);
        match read(&response(200, body)) {
            Ok(Reply::Refused(refusal)) => format!("refused: {}", failed(refusal.failure())),
            Ok(Reply::Answer(answer)) => match answer.list(&Api::read(api).unwrap(), 0) {
                Ok(list) => format!("{:?} {}", answer.total(), list.text),
                Err(failure) => failed(failure),
            },
            Err(failure) => failed(failure),
        }
    }

    #[test]
    fn rows_are_found_in_every_shape() {
        let cases = [
            (
                "wdt.refund.query",
                r#"{"code":0,"message":"","total_count":2,"refunds":[{"a": "1.0000"},{}]}"#,
                r#"Some(2) [{"a": "1.0000"},{}]"#,
            ),
            (
                "wdt.refund.query",
                r#"{"response":{"errorcode":0,"message":"ok","total_count":"1","refunds":[{"a":1.10}]}}"#,
                r#"Some(1) [{"a":1.10}]"#,
            ),
            (
                "wdt.refund.query",
                r#"{"response":{"flag":"success","code":"0","sub_code":"","refunds":[{}]}}"#,
                "None [{}]",
            ),
            ("wdt.refund.query", "\u{feff} {\"response\":{\"code\":null,\"total_count\":0}} ", "Some(0) []"),
            ("wdt.refund.query", r#"{"code":"0","refunds":null,"total_count":""}"#, "None []"),
            ("wdt.refund.query", r#"{"code":0,"refunds":[{}],"shops":[{"b":1}]}"#, "None [{}]"),
            ("wdt.refund.query", r#"{"code":0,"shops":[{"b":1}]}"#, "None []"),
            ("wdt.shop.query", r#"{"code":0,"shoplist":[{"b":1}]}"#, r#"None [{"b":1}]"#),
            ("wdt.trade.query", r#"{"code":0,"logs":[],"trades":[{"b":1}]}"#, r#"None [{"b":1}]"#),
            ("wdt.stockout.order.query.trade", r#"{"code":0,"stockout_list":[{"b":1}],"x":[]}"#, r#"None [{"b":1}]"#),
        ];
        for (api, body, expected) in cases {
            assert_eq!(told(api, body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_rows_says_why() {
        let shape = "hint: this query is not of the shape that the connector reads";
        let secret = "hint: check the connection's secret `app_secret`";
        let cases = [
            (r#"{"code":0,"a":[],"b":[]}"#, format!("Misconfigured: WDT's reply to `wdt.x.query` has several lists, and none is clearly that of its rows: `a`, `b`; {shape}")),
            (r#"{"code":0,"xs":[],"x_list":[],"b":[]}"#, format!("Misconfigured: WDT's reply to `wdt.x.query` has several lists, and none is clearly that of its rows: `b`, `x_list`, `xs`; {shape}")),
            (r#"{"code":0,"total_count":3,"data":{}}"#, format!("Misconfigured: WDT counts 3 rows for `wdt.x.query` and gives no list of them, only `code`, `data`, `total_count`; {shape}")),
            (r#"{"code":0,"xs":[{},1]}"#, format!("Misconfigured: row 2 of WDT's reply is no object; {shape}")),
            (r#"{"response":{"flag":"failure","code":25,"message":"Invalid signature","request_id":"15qzd9btbeym5"}}"#, format!("refused: Misconfigured: Invalid signature (25); {secret}")),
            (r#"{"response":{"errorcode":100,"message":"无效sign"}}"#, format!("refused: Misconfigured: 无效sign (100); {secret}")),
            (r#"{"code":"100","message":"无效sign"}"#, format!("refused: Misconfigured: 无效sign (100); {secret}")),
            (r#"{"error_response":{"code":15,"msg":"Remote service error","sub_code":"isp.x","sub_msg":"稍后再试"}}"#, "refused: Transient: Remote service error: 稍后再试 (15 isp.x)".into()),
            (r#"{"response":{"flag":"failure"}}"#, "refused: Transient: WDT refuses the query and gives no reason".into()),
            (r#"{"response":{"code":0,"sub_code":"isv.x","sub_message":"参数"}}"#, "refused: Misconfigured: 参数 (isv.x); hint: check the items of the source's `request`".into()),
            (r#"{"response":{"errorcode":7,"message":"x"}}"#, "refused: Transient: x (7)".into()),
            (r#"{"code":0,"refunds":[{"#, "Transient: WDT's reply is cut off after 22 bytes".into()),
            ("<html><title>登录</title>", "Transient: WDT answers neither rows nor a `code`: an HTML page titled `登录`; hint: check the connection's `mode` and `base_url`".into()),
            ("", "Transient: WDT answers neither rows nor a `code`: an empty body".into()),
            ("[]", "Transient: WDT answers neither rows nor a `code`: []".into()),
            (r#"{"ok":1}"#, "Transient: WDT answers neither rows nor a `code`: {\"ok\":1}".into()),
        ];
        for (body, expected) in cases {
            let told = told("wdt.x.query", body);
            assert!(told.starts_with(&expected), "{body}\n{told}\n{expected}");
        }
    }

    #[test]
    fn only_page_0_has_to_hold_what_it_counts() {
        let response = response(200, r#"{"code":0,"total_count":3}"#);
        let Ok(Reply::Answer(answer)) = read(&response) else { panic!() };
        assert_eq!(answer.list(&Api::refunds(), 1), Ok(List { text: "[]", rows: 0 }));
        assert!(answer.list(&Api::refunds(), 0).is_err());
    }

    #[test]
    fn a_status_is_judged_before_the_body() {
        let refusal = r#"{"code":100,"message":"无效sign"}"#;
        let success = r#"{"code":0,"refunds":[]}"#;
        let cases = [
            (302, "", Misconfigured, "HTTP 302", "base_url"),
            (401, "", Misconfigured, "HTTP 401", "app_secret"),
            (403, refusal, Misconfigured, "100", "app_secret"),
            (404, "<html>", Misconfigured, "HTTP 404", "openapi2"),
            (400, refusal, Misconfigured, "100", "app_secret"),
            (400, success, Misconfigured, "HTTP 400", ""),
            (429, "", Throttled, "HTTP 429", "rate"),
            (429, refusal, Throttled, "100", "rate"),
            (500, success, Transient, "HTTP 500", ""),
            (502, "<html>", Transient, "HTTP 502", ""),
            (503, "", Throttled, "HTTP 503", "rate"),
            (503, refusal, Throttled, "100", "rate"),
        ];
        for (status, body, kind, code, hint) in cases {
            let failure = match read(&response(status, body)) {
                Ok(Reply::Refused(refusal)) => refusal.failure(),
                Ok(Reply::Answer(_)) => panic!("{status} {body}"),
                Err(failure) => failure,
            };
            assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(code)), "{status} {body}");
            assert!(failure.hint.unwrap_or_default().contains(hint), "{status} {body}");
        }
    }

    #[test]
    fn a_server_that_names_a_wait_is_waited_for() {
        for status in [429, 503] {
            let mut busy = response(status, r#"{"code":1012,"message":"busy"}"#);
            busy.headers.push(("retry-after".into(), "7".into()));
            let failure = read(&busy).unwrap_err();
            assert_eq!((failure.kind, failure.retry_after), (Throttled, Some(Duration::from_secs(7))));
        }
    }

    proptest! {
        #[test]
        fn a_reply_cut_anywhere_is_never_taken_for_rows(text in "[^\u{0}]{0,8}", cut in any::<prop::sample::Index>()) {
            let body = serde_json::json!({"response": {"errorcode": 0, "refunds": [{"a": text}]}}).to_string();
            let cut = body.floor_char_boundary(cut.index(body.len()));
            prop_assert_eq!(read(&response(200, &body[..cut])).unwrap_err().kind, Transient);
        }

        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&Response { status: 200, headers: vec![], body: bytes });
        }
    }
}

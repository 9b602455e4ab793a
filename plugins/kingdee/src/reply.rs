//! What a reply is.
//!
//! A query succeeds with a bare array of arrays, which is told from a refusal without reading the rows: they stay the text that Kingdee
//! sent. A refusal comes with HTTP 200, bare (`{"Result":…}`) or dressed as a row (`[[{"Result":…}]]`); besides there are the SDK's
//! `response_error:` bodies, the firewall's dialogue, and whatever a proxy in between makes up.

use qiao_plugin::http::{Access, Response};
use qiao_plugin::json::{RawValue, text};
use qiao_plugin::{Failure, Value};

use crate::refusal::Refusal;

/// A reply that is none of the failures that concern a request as such.
#[derive(Debug)]
pub(crate) enum Reply<'r> {
    /// Rows, each the text of a JSON array, and the text of them all.
    Rows(&'r str, Vec<&'r RawValue>),
    /// Kingdee refuses the query.
    Refused(Refusal),
}

pub(crate) fn read(response: &Response) -> Result<Reply<'_>, Failure> {
    // The official SDK takes 200 and 206 for success.
    if !matches!(response.status, 200 | 206) {
        return Err(response.failure(Access::Read));
    }
    let body = std::str::from_utf8(&response.body)
        .map_err(|error| Failure::transient(format!("Kingdee's reply is not UTF-8: {error}")))?;
    let body = body.trim_start_matches('\u{feff}').trim();
    if let Some(error) = body.strip_prefix("response_error:") {
        return Err(response_error(error.trim()));
    }
    if body.starts_with('<') {
        return Err(Failure::transient(format!("Kingdee answers {} instead of rows", response.excerpt()))
            .hint("check the connection's `base_url`, and any proxy in between"));
    }
    if body.starts_with('{') {
        return object(&parse(body)?, response);
    }
    let rows: Vec<&RawValue> = parse(body)?;
    match rows.first().map(|row| row.get()) {
        None => Ok(Reply::Rows(body, rows)),
        Some(first) if first.starts_with('{') => object(&parse(first)?, response),
        Some(first) if is_refusal(first) && rows.len() == 1 => {
            let row: Vec<Value> = parse(first)?;
            object(row.first().unwrap_or(&Value::Null), response)
        }
        Some(_) => match rows.iter().position(|row| !row.get().starts_with('[')) {
            None => Ok(Reply::Rows(body, rows)),
            Some(place) => Err(Failure::transient(format!("row {} of Kingdee's reply is no array", place + 1))),
        },
    }
}

/// `[{"Result":…}]`: a row whose only cell is an object. Cells of a query are never objects.
fn is_refusal(row: &str) -> bool {
    row.strip_prefix('[').is_some_and(|cells| cells.trim_start().starts_with('{'))
}

fn object<'r>(object: &Value, response: &Response) -> Result<Reply<'r>, Failure> {
    let status = object.get("Result").unwrap_or(object).get("ResponseStatus");
    if let Some(status) = status {
        return Ok(match Refusal::read(status) {
            Some(refusal) => Reply::Refused(refusal),
            None => Reply::Rows("[]", Vec::new()),
        });
    }
    // [{"actionname":"showConfirm","params":[{"msg":"请求参数存在可疑数据…"}]}]
    if let Some(action) = object.get("actionname").and_then(text) {
        let message = object.pointer("/params/0/msg").and_then(text);
        let message = message.unwrap_or("Kingdee's firewall stops the query".into());
        return Err(Failure::misconfigured(message)
            .code(action)
            .hint("Kingdee's firewall takes the query for an attack: write `FilterString` more plainly"));
    }
    Err(Failure::transient(format!("Kingdee answers neither rows nor a `ResponseStatus`: {}", response.excerpt())))
}

/// The server's own exception. Words are all there is to go by.
fn response_error(message: &str) -> Failure {
    let failure = if ["会话", "重新登录"].iter().any(|word| message.contains(word)) {
        Failure::unauthorized(message)
    } else if ["签名", "ignature", "授权"].iter().any(|word| message.contains(word)) {
        Failure::misconfigured(message).hint(
            "check `app_id` and `user` in the connection's `config`, its secret `app_secret`, and the case of `base_url`'s path",
        )
    } else {
        Failure::transient(message)
    };
    failure.code("response_error")
}

fn parse<'r, T: serde::Deserialize<'r>>(text: &'r str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::transient(if error.is_eof() {
            format!("Kingdee's reply is cut off after {} bytes", text.len())
        } else {
            format!("Kingdee's reply is not JSON: {error}")
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use proptest::prelude::*;
    use qiao_plugin::FailureKind::{self, Misconfigured, Throttled, Transient, Unauthorized};

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.as_bytes().to_vec() }
    }

    /// `2 rows`, `refused: <message>`, or the failure's kind and text.
    fn told(status: u16, body: &str) -> String {
        match read(&response(status, body)) {
            Ok(Reply::Rows(_, rows)) => format!("{} rows", rows.len()),
            Ok(Reply::Refused(refusal)) => format!("refused: {}", refusal.message),
            Err(failure) => format!("{:?}: {failure}", failure.kind),
        }
    }

    #[test]
    fn a_reply_is_rows_or_says_why_not() {
        let status = r#"{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}],"MsgCode":1}}"#;
        let cases = [
            ("[]".to_owned(), "0 rows"),
            ("\u{feff} [[\"XSDD000001\",100.10],[\"b\",null]] ".to_owned(), "2 rows"),
            (format!(r#"[[{{"Result":{status}}}]]"#), "refused: 会话信息已丢失，请重新登录"),
            (format!(r#"{{"Result":{status}}}"#), "refused: 会话信息已丢失，请重新登录"),
            (format!(r#"[{{"Result":{status}}}]"#), "refused: 会话信息已丢失，请重新登录"),
            (status.to_owned(), "refused: 会话信息已丢失，请重新登录"),
            (r#"[[{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[]}}}]]"#.to_owned(), "0 rows"),
            (
                r#"[{"actionname":"showConfirm","params":[{"msg":"请求参数存在可疑数据"}]}]"#.to_owned(),
                "Misconfigured: 请求参数存在可疑数据 (showConfirm); hint: Kingdee's firewall takes the query for an attack: write `FilterString` more plainly",
            ),
            ("response_error:会话超时，请重新登录".to_owned(), "Unauthorized: 会话超时，请重新登录 (response_error)"),
            ("response_error: NullReference".to_owned(), "Transient: NullReference (response_error)"),
            (
                "<html><title>登录</title>".to_owned(),
                "Transient: Kingdee answers an HTML page titled `登录` instead of rows; hint: check the connection's `base_url`, and any proxy in between",
            ),
            ("[[1,2],[3".to_owned(), "Transient: Kingdee's reply is cut off after 9 bytes"),
            (String::new(), "Transient: Kingdee's reply is cut off after 0 bytes"),
            ("[[1],{}]".to_owned(), "Transient: row 2 of Kingdee's reply is no array"),
            (r#"{"ok":1}"#.to_owned(), "Transient: Kingdee answers neither rows nor a `ResponseStatus`: {\"ok\":1}"),
        ];
        for (body, expected) in cases {
            assert_eq!(told(200, &body), expected, "{body}");
        }
    }

    #[test]
    fn a_status_is_judged_as_for_a_read() {
        let cases: [(u16, FailureKind); 6] = [
            (302, Misconfigured),
            (401, Unauthorized),
            (404, Misconfigured),
            (429, Throttled),
            (500, Transient),
            (502, Transient),
        ];
        for (status, kind) in cases {
            assert_eq!(read(&response(status, "x")).unwrap_err().kind, kind);
        }
    }

    #[test]
    fn a_server_that_names_a_wait_is_waited_for_but_not_for_hours() {
        for (status, value, seconds) in [(503, "30", 30), (429, "7", 7), (503, "86400", 900)] {
            let mut busy = response(status, "<html>");
            busy.headers.push(("retry-after".into(), value.into()));
            let failure = read(&busy).unwrap_err();
            assert_eq!((failure.kind, failure.retry_after), (Throttled, Some(Duration::from_secs(seconds))));
        }
    }

    proptest! {
        #[test]
        fn a_reply_cut_anywhere_is_never_taken_for_rows(
            rows in prop::collection::vec(("[^\u{0}]{0,8}", any::<i32>()), 1..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let body = serde_json::to_string(&rows).unwrap();
            let cut = body.floor_char_boundary(cut.index(body.len()));
            let failure = read(&response(200, &body[..cut])).unwrap_err();
            prop_assert_eq!(failure.kind, Transient);
        }

        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&Response { status: 200, headers: vec![], body: bytes });
        }
    }
}

//! What a reply is.
//!
//! A query succeeds with a bare array, of arrays or (`BillQuery`) of objects, which is told from a refusal without reading the rows: they
//! stay the text that Kingdee sent. A refusal comes with HTTP 200, bare (`{"Result":…}`, `{"ResponseStatus":…}`) or dressed as a row
//! (`[[{"Result":…}]]`); besides there are the SDK's `response_error:` bodies, the firewall's dialogue, and whatever a proxy in between
//! makes up. What is no answer of Kingdee's at all leaves a write uncertain.

use qiao_plugin::http::{Access, Response};
use qiao_plugin::json::{RawValue, text};
use qiao_plugin::{Failure, FailureKind, Value};

use crate::refusal::Refusal;
use crate::status::{Entity, Status};

/// A reply to a query that is none of the failures that concern a request as such.
#[derive(Debug)]
pub(crate) enum Reply<'r> {
    /// Rows, each the text of a JSON array or object, and the text of them all.
    Rows(&'r str, Vec<&'r RawValue>),
    /// Kingdee reports success, without rows.
    Nothing,
    /// Kingdee refuses the query.
    Refused(Refusal),
}

/// How a query writes its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `ExecuteBillQuery`: arrays of cells.
    Arrays,
    /// `BillQuery`: objects of cells.
    Objects,
}

/// Reads the reply to a query.
pub(crate) fn rows(response: &Response, shape: Shape) -> Result<Reply<'_>, Failure> {
    let body = body(response, Access::Read)?;
    if body.starts_with('{') {
        return no_rows(&parse(body, Access::Read)?, response);
    }
    let rows: Vec<&RawValue> = parse(body, Access::Read)?;
    let Some(first) = rows.first().map(|row| row.get()) else {
        return Ok(Reply::Rows(body, rows));
    };
    if is_dressed_refusal(first) && rows.len() == 1 {
        let row: Vec<Value> = parse(first, Access::Read)?;
        return no_rows(row.first().unwrap_or(&Value::Null), response);
    }
    if first.starts_with('{') {
        let object: Value = parse(first, Access::Read)?;
        if shape == Shape::Arrays || status_of(&object).is_some() || object.get(FIREWALL).is_some() {
            return no_rows(&object, response);
        }
    }
    let (opening, name) = match shape {
        Shape::Arrays => ('[', "array"),
        Shape::Objects => ('{', "object"),
    };
    match rows.iter().position(|row| !row.get().starts_with(opening)) {
        None => Ok(Reply::Rows(body, rows)),
        Some(place) => Err(Failure::transient(format!("row {} of Kingdee's reply is no {name}", place + 1))),
    }
}

/// Reads the reply to a save, a submit or an audit.
pub(crate) fn written(response: &Response) -> Result<Status, Failure> {
    let mut reply: Value = parse(body(response, Access::Write)?, Access::Write)?;
    while let Value::Array(rows) = reply {
        reply = rows.into_iter().next().unwrap_or_default();
    }
    let Some(status) = status_of(&reply) else {
        return Err(no_status(&reply, response, Access::Write));
    };
    let mut status = Status::read(status);
    // `Save` says beside the status which bill it saved.
    if status.entities.is_empty() && status.errors.is_empty() && status.success == Some(true) {
        let saved = Entity::read(reply.get("Result").unwrap_or(&Value::Null));
        if saved.id.is_some() {
            status.entities.push(Entity { place: Some(0), ..saved });
        }
    }
    Ok(status)
}

/// The text of a reply that comes from Kingdee.
fn body(response: &Response, access: Access) -> Result<&str, Failure> {
    // The official SDK takes 200 and 206 for success.
    if !matches!(response.status, 200 | 206) {
        return Err(response.failure(access));
    }
    let body = std::str::from_utf8(&response.body)
        .map_err(|error| unread(access, format!("Kingdee's reply is not UTF-8: {error}")))?;
    let body = body.trim_start_matches('\u{feff}').trim();
    if let Some(error) = body.strip_prefix("response_error:") {
        return Err(response_error(error.trim(), access));
    }
    if body.starts_with('<') {
        return Err(unread(access, format!("Kingdee's reply is {} instead of JSON", response.excerpt()))
            .hint("check the connection's `base_url`, and any proxy in between"));
    }
    Ok(body)
}

/// Whether Kingdee did what was asked, the reply does not say.
fn unread(access: Access, message: String) -> Failure {
    match access {
        Access::Read => Failure::transient(message),
        Access::Write => Failure::uncertain(message),
    }
}

/// `[{"Result":…}]`: a row whose only cell is an object. Cells of a query are never objects.
fn is_dressed_refusal(row: &str) -> bool {
    row.strip_prefix('[').is_some_and(|cells| cells.trim_start().starts_with('{'))
}

fn status_of(object: &Value) -> Option<&Value> {
    object.get("Result").unwrap_or(object).get("ResponseStatus")
}

/// An object instead of rows.
fn no_rows<'r>(object: &Value, response: &Response) -> Result<Reply<'r>, Failure> {
    let Some(status) = status_of(object) else {
        return Err(no_status(object, response, Access::Read));
    };
    Ok(Refusal::of(&Status::read(status)).map_or(Reply::Nothing, Reply::Refused))
}

/// The member that tells the firewall's dialogue.
const FIREWALL: &str = "actionname";

fn no_status(object: &Value, response: &Response, access: Access) -> Failure {
    // [{"actionname":"showConfirm","params":[{"msg":"请求参数存在可疑数据…"}]}]
    let Some(action) = object.get(FIREWALL).and_then(text) else {
        return unread(access, format!("Kingdee's reply has no `ResponseStatus`: {}", response.excerpt()));
    };
    let message = object.pointer("/params/0/msg").and_then(text);
    let message = message.unwrap_or("Kingdee's firewall stops the request".into());
    let (kind, hint) = match access {
        Access::Read => (
            FailureKind::Misconfigured,
            "Kingdee's firewall takes the query for an attack: write `FilterString` more plainly",
        ),
        Access::Write => (
            FailureKind::Rejected,
            "Kingdee's firewall takes what a bill of this call contains for an attack: look for SQL or HTML in its texts",
        ),
    };
    Failure::new(kind, message).code(action).hint(hint)
}

/// The server's own exception. Words are all there is to go by.
fn response_error(message: &str, access: Access) -> Failure {
    let failure = if ["会话", "重新登录"].iter().any(|word| message.contains(word)) {
        Failure::unauthorized(message)
    } else if ["签名", "ignature", "授权"].iter().any(|word| message.contains(word)) {
        Failure::misconfigured(message).hint(
            "check `app_id` and `user` in the connection's `config`, its secret `app_secret`, and the case of `base_url`'s path",
        )
    } else {
        unread(access, message.to_owned())
    };
    failure.code("response_error")
}

fn parse<'r, T: serde::Deserialize<'r>>(text: &'r str, access: Access) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let message = if error.is_eof() {
            format!("Kingdee's reply is cut off after {} bytes", text.len())
        } else {
            format!("Kingdee's reply is not JSON: {error}")
        };
        unread(access, message)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use proptest::prelude::*;
    use qiao_plugin::FailureKind::{self, Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.as_bytes().to_vec() }
    }

    /// `2 rows`, `nothing`, `refused: <message>`, or the failure's kind and text.
    fn told(body: &str, shape: Shape) -> String {
        match rows(&response(200, body), shape) {
            Ok(Reply::Nothing) => "nothing".to_owned(),
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
            (r#"[[{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[]}}}]]"#.to_owned(), "nothing"),
            (
                r#"[{"actionname":"showConfirm","params":[{"msg":"请求参数存在可疑数据"}]}]"#.to_owned(),
                "Misconfigured: 请求参数存在可疑数据 (showConfirm); hint: Kingdee's firewall takes the query for an attack: write `FilterString` more plainly",
            ),
            ("response_error:会话超时，请重新登录".to_owned(), "Unauthorized: 会话超时，请重新登录 (response_error)"),
            ("response_error: NullReference".to_owned(), "Transient: NullReference (response_error)"),
            (
                "<html><title>登录</title>".to_owned(),
                "Transient: Kingdee's reply is an HTML page titled `登录` instead of JSON; hint: check the connection's `base_url`, and any proxy in between",
            ),
            ("[[1,2],[3".to_owned(), "Transient: Kingdee's reply is cut off after 9 bytes"),
            (String::new(), "Transient: Kingdee's reply is cut off after 0 bytes"),
            ("[[1],{}]".to_owned(), "Transient: row 2 of Kingdee's reply is no array"),
            (r#"{"ok":1}"#.to_owned(), "Transient: Kingdee's reply has no `ResponseStatus`: {\"ok\":1}"),
        ];
        for (body, expected) in cases {
            assert_eq!(told(&body, Shape::Arrays), expected, "{body}");
        }
    }

    #[test]
    fn rows_may_be_objects() {
        let status =
            r#"{"ResponseStatus":{"IsSuccess":false,"Errors":[{"Message":"会话信息已丢失","DIndex":0}],"MsgCode":1}}"#;
        let cases = [
            ("[]".to_owned(), "0 rows"),
            (r#"[{"FBillNo":"A","FSaleOrgId.FNumber":"100"},{"FBillNo":"B"}]"#.to_owned(), "2 rows"),
            (format!("[{status}]"), "refused: 会话信息已丢失"),
            (status.to_owned(), "refused: 会话信息已丢失"),
            (format!(r#"{{"Result":{status}}}"#), "refused: 会话信息已丢失"),
            (format!(r#"[{{"Result":{status}}}]"#), "refused: 会话信息已丢失"),
            (format!(r#"[[{{"Result":{status}}}]]"#), "refused: 会话信息已丢失"),
            (r#"[{"FBillNo":"A"},[1]]"#.to_owned(), "Transient: row 2 of Kingdee's reply is no object"),
            ("[[1]]".to_owned(), "Transient: row 1 of Kingdee's reply is no object"),
        ];
        for (body, expected) in cases {
            assert_eq!(told(&body, Shape::Objects), expected, "{body}");
        }
        let firewall = r#"[{"actionname":"showConfirm","params":[{"msg":"请求参数存在可疑数据"}]}]"#;
        assert!(told(firewall, Shape::Objects).starts_with("Misconfigured: 请求参数存在可疑数据"));
    }

    #[test]
    fn what_is_no_answer_of_kingdees_leaves_a_write_uncertain() {
        let cases = [
            ("<html>", Uncertain),
            ("", Uncertain),
            ("[]", Uncertain),
            ("null", Uncertain),
            (r#"{"Result":{}}"#, Uncertain),
            ("response_error: NullReference", Uncertain),
            ("response_error: 会话超时", Unauthorized),
            ("response_error: 签名错误", Misconfigured),
            (r#"[{"actionname":"showConfirm","params":[{"msg":"请求参数存在可疑数据"}]}]"#, Rejected),
        ];
        for (body, kind) in cases {
            assert_eq!(written(&response(200, body)).unwrap_err().kind, kind, "{body}");
        }
        let status = r#"{"ResponseStatus":{"IsSuccess":true,"SuccessEntitys":[{"Id":7,"Number":"A","DIndex":0}]}}"#;
        for body in [status.to_owned(), format!(r#"{{"Result":{status}}}"#), format!(r#"[[{{"Result":{status}}}]]"#)] {
            assert_eq!(written(&response(200, &body)).unwrap().entities[0].id.as_deref(), Some("7"), "{body}");
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
            assert_eq!(rows(&response(status, "x"), Shape::Arrays).unwrap_err().kind, kind);
        }
    }

    #[test]
    fn a_server_that_names_a_wait_is_waited_for_but_not_for_hours() {
        for (status, value, seconds) in [(503, "30", 30), (429, "7", 7), (503, "86400", 900)] {
            let mut busy = response(status, "<html>");
            busy.headers.push(("retry-after".into(), value.into()));
            let failure = rows(&busy, Shape::Arrays).unwrap_err();
            assert_eq!((failure.kind, failure.retry_after), (Throttled, Some(Duration::from_secs(seconds))));
        }
    }

    proptest! {
        #[test]
        fn a_reply_cut_anywhere_is_never_taken_for_rows(
            sent in prop::collection::vec(("[^\u{0}]{0,8}", any::<i32>()), 1..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let body = serde_json::to_string(&sent).unwrap();
            let cut = body.floor_char_boundary(cut.index(body.len()));
            let reply = response(200, &body[..cut]);
            for shape in [Shape::Arrays, Shape::Objects] {
                prop_assert_eq!(rows(&reply, shape).unwrap_err().kind, Transient);
            }
            prop_assert_eq!(written(&reply).unwrap_err().kind, Uncertain);
        }

        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let reply = Response { status: 200, headers: vec![], body: bytes };
            let _ = (rows(&reply, Shape::Arrays), rows(&reply, Shape::Objects), written(&reply));
        }
    }
}

//! What a request's body carries, in each of the envelopes that Kingdee's clients send.
//!
//! The official SDK sends `{"data":{…}}`, some send `data` as a JSON text, and the clients for .NET, PHP and TypeScript send
//! `{"format":1,…,"parameters":[…]}`, where `parameters` itself may be a JSON text, and so may each parameter. A service that writes is
//! given its form as `formid` beside `data`, or as the parameter before it; a login, its parameters by position or by name.

use serde_json::{Map, Value};

use super::model::member;

/// Why a body is not understood. The server answers it with HTTP 500 and the words of its JSON library.
pub(crate) type Unreadable = &'static str;

/// The form and the `data` of a call; the form is empty if it is not named, as it is not where `data` itself names it (a query).
pub(crate) fn call(body: &[u8]) -> Result<(String, Map<String, Value>), Unreadable> {
    let body = object(body)?;
    let (form, data) = if let Some(data) = member(&body, "data") {
        (member(&body, "formid").cloned().unwrap_or_default(), unfold(data.clone())?)
    } else if let Some(parameters) = member(&body, "parameters") {
        let mut parameters = positional(parameters)?;
        let data = unfold(parameters.pop().unwrap_or_default())?;
        (parameters.pop().unwrap_or_default(), data)
    } else {
        return Err("Value cannot be null. Parameter name: data");
    };
    match data {
        Value::Object(data) => Ok((form.as_str().unwrap_or_default().to_owned(), data)),
        _ => Err("Error reading data: a JSON object is expected."),
    }
}

/// The values of parameters that may be sent by position or by name.
pub(crate) fn arguments(body: &[u8], names: &[&str]) -> Result<Vec<String>, Unreadable> {
    let body = object(body)?;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match member(&body, "parameters") {
        Some(parameters) => Ok(positional(parameters)?.iter().map(text).collect()),
        None => Ok(names.iter().map(|name| member(&body, name).map(text).unwrap_or_default()).collect()),
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(Value::Array(_)) => Err("Additional text found in JSON string after finishing deserializing object."),
        _ => Err("Unexpected character encountered while parsing value. Path '', line 0, position 0."),
    }
}

fn positional(parameters: &Value) -> Result<Vec<Value>, Unreadable> {
    match unfold(parameters.clone())? {
        Value::Array(parameters) => Ok(parameters),
        _ => Err("Error reading parameters: a JSON array is expected."),
    }
}

fn unfold(value: Value) -> Result<Value, Unreadable> {
    match value {
        Value::String(text) => {
            serde_json::from_str(&text).map_err(|_| "Unexpected character encountered while parsing a JSON string.")
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_envelope_carries_the_same_data() {
        for body in [
            r#"{"data":{"FormId":"X"}}"#,
            r#"{"data":"{\"FormId\":\"X\"}"}"#,
            r#"{"format":1,"useragent":"ApiClient","rid":"1","parameters":[{"FormId":"X"}],"v":"1.0"}"#,
            r#"{"format":1,"parameters":"[{\"FormId\":\"X\"}]"}"#,
            r#"{"format":1,"parameters":["{\"FormId\":\"X\"}"]}"#,
            r#"{"format":1,"parameters":"[\"{\\\"FormId\\\":\\\"X\\\"}\"]"}"#,
        ] {
            let (_, data) = call(body.as_bytes()).unwrap();
            assert_eq!(data.get("FormId").unwrap(), "X", "{body}");
        }
    }

    #[test]
    fn every_envelope_names_the_form() {
        for body in [
            r#"{"formid":"X","data":{"A":1}}"#,
            r#"{"FormId":"X","data":"{\"A\":1}"}"#,
            r#"{"format":1,"parameters":["X",{"A":1}]}"#,
            r#"{"format":1,"parameters":["X","{\"A\":1}"]}"#,
            r#"{"format":1,"parameters":"[\"X\",\"{\\\"A\\\":1}\"]"}"#,
        ] {
            let (form, data) = call(body.as_bytes()).unwrap();
            assert_eq!((form.as_str(), data.get("A").unwrap().to_string()), ("X", "1".to_owned()), "{body}");
        }
    }

    #[test]
    fn arguments_come_by_position_or_by_name() {
        for body in [
            r#"{"parameters":["a","b",2052]}"#,
            r#"{"format":1,"parameters":"[\"a\",\"b\",2052]"}"#,
            r#"{"acctId":"a","UserName":"b","lcid":2052}"#,
        ] {
            assert_eq!(
                arguments(body.as_bytes(), &["acctid", "username", "lcid"]).unwrap(),
                ["a", "b", "2052"],
                "{body}"
            );
        }
        assert!(arguments(b"[]", &[]).is_err());
    }

    #[test]
    fn anything_else_is_an_error_of_the_server() {
        assert!(call(b"[{}]").unwrap_err().starts_with("Additional text found in JSON string"));
        for body in ["", "<html>", "{}", r#"{"data":1}"#, r#"{"parameters":{}}"#, r#"{"parameters":[]}"#] {
            assert!(call(body.as_bytes()).is_err(), "{body}");
        }
    }
}

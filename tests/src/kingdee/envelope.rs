//! What a request's body carries, in each of the envelopes that Kingdee's clients send.
//!
//! The official SDK sends `{"data":{…}}`, some send `data` as a JSON text, and the clients for .NET, PHP and TypeScript send
//! `{"format":1,…,"parameters":[…]}`, where `parameters` itself may be a JSON text, and so may each parameter.

use serde_json::{Map, Value};

/// Why a body is not understood. The server answers it with HTTP 500 and the words of its JSON library.
pub(crate) type Unreadable = &'static str;

/// The `data` of a service that takes no form (a query).
pub(crate) fn data(body: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    let mut body = match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => body,
        Ok(Value::Array(_)) => {
            return Err("Additional text found in JSON string after finishing deserializing object.");
        }
        _ => {
            return Err("Unexpected character encountered while parsing value. Path '', line 0, position 0.");
        }
    };
    let data = match (body.remove("data"), body.remove("parameters")) {
        (Some(data), _) => unfold(data)?,
        (None, Some(parameters)) => match unfold(parameters)? {
            Value::Array(parameters) => unfold(parameters.into_iter().next_back().unwrap_or_default())?,
            _ => return Err("Error reading parameters: a JSON array is expected."),
        },
        (None, None) => return Err("Value cannot be null. Parameter name: data"),
    };
    match data {
        Value::Object(data) => Ok(data),
        _ => Err("Error reading data: a JSON object is expected."),
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
            let data = data(body.as_bytes()).unwrap();
            assert_eq!(data.get("FormId").unwrap(), "X", "{body}");
        }
    }

    #[test]
    fn anything_else_is_an_error_of_the_server() {
        assert!(data(b"[{}]").unwrap_err().starts_with("Additional text found in JSON string"));
        for body in ["", "<html>", "{}", r#"{"data":1}"#, r#"{"parameters":{}}"#, r#"{"parameters":[]}"#] {
            assert!(data(body.as_bytes()).is_err(), "{body}");
        }
    }
}

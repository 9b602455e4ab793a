//! Kingdee's header signature: how a caller proves both halves of its application on every request, without logging in.
//!
//! The verifier signs again with whatever time stamp and nonce were sent: the official SDK sends seconds and repeats them as the
//! nonce, others send milliseconds and 32 hexadecimal digits, and the vendor takes both. The path is signed as it was sent, so that
//! `/k3cloud/` and `/K3Cloud/` give different signatures. (Kingdee `WebAPI` SDK for Python 8.2.0, `k3cloud_webapi_sdk/main.py`.)

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::door::Request;

/// What a caller is known by. None of it is anybody's real key.
#[derive(Clone, Debug)]
pub struct Application {
    /// The data centre.
    pub acct_id: String,
    /// The integration user.
    pub user: String,
    /// The user's password, for those who log in with it.
    pub password: String,
    /// `<client id>_<32 base64 characters>`.
    pub app_id: String,
    /// The secret that goes with it.
    pub app_secret: String,
}

/// Why a request is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there.
    #[error("缺少请求头 {0}")]
    Missing(&'static str),
    /// `X-Kd-Appkey` or `X-Api-ClientID` names no application of this data centre.
    #[error("应用不存在或未授权")]
    UnknownApplication,
    /// `X-Api-Signature` is not what signing again gives.
    #[error("X-Api-Signature 不匹配")]
    Api,
    /// `X-Kd-Signature` is not what signing again gives.
    #[error("X-Kd-Signature 不匹配")]
    Kd,
    /// `X-Kd-Appdata` names another data centre or user.
    #[error("账套或用户不存在")]
    Account,
}

/// The fixed key that hides the client secret inside an application id.
const XOR_KEY: &[u8; 32] = b"0054f397c6234378b09ca7d3e5debce7";

fn xor(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().zip(XOR_KEY).map(|(byte, key)| byte ^ key).collect()
}

/// The two halves of an application id: the client id, and the client secret that the second half hides. Both are empty if the id
/// does not have exactly one `_`; the secret is, if its half does not have 32 characters.
pub fn client_of(app_id: &str) -> (String, String) {
    let parts: Vec<&str> = app_id.split('_').collect();
    let [client_id, hidden] = parts.as_slice() else {
        return Default::default();
    };
    let secret = match STANDARD.decode(hidden) {
        Ok(bytes) if hidden.len() == 32 => STANDARD.encode(xor(&bytes)),
        _ => String::new(),
    };
    ((*client_id).to_owned(), secret)
}

/// Makes an application id that hides `secret`.
pub fn mint_app_id(client_id: &str, secret: &[u8; 24]) -> String {
    format!("{client_id}_{}", STANDARD.encode(xor(secret)))
}

/// Base64 of the lower-case hexadecimal text of HMAC-SHA256.
pub fn sign(key: &str, message: &str) -> String {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(message.as_bytes());
    STANDARD.encode(hex(&mac.finalize().into_bytes()))
}

/// The text that `X-Api-Signature` signs.
pub fn api_message(path: &str, nonce: &str, timestamp: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.').remove(b'~');
    let path = utf8_percent_encode(path, ESCAPED);
    format!("POST\n{path}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{timestamp}\n")
}

/// The `sign` of the call `LoginBySign`: SHA-256 over its parts in ordinal order.
pub fn login_sign(mut parts: Vec<&str>) -> String {
    parts.sort_unstable();
    hex(&Sha256::digest(parts.concat()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a request carries a header signature at all.
pub(crate) fn is_signed(request: &Request) -> bool {
    request.header("x-api-signature").is_some() || request.header("x-kd-signature").is_some()
}

/// Signs again and compares.
pub(crate) fn verify(application: &Application, request: &Request) -> Result<(), SignatureError> {
    let header = |name: &'static str| request.header(name).ok_or(SignatureError::Missing(name));
    let (client_id, client_secret) = client_of(&application.app_id);
    let app_data = STANDARD
        .decode(header("x-kd-appdata")?)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(SignatureError::Account)?;
    header("x-api-auth-version")?;
    header("x-api-signheaders")?;
    if header("x-kd-appkey")? != application.app_id || header("x-api-clientid")? != client_id {
        return Err(SignatureError::UnknownApplication);
    }
    let path = match request.query.as_str() {
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    };
    let message = api_message(&path, header("x-api-nonce")?, header("x-api-timestamp")?);
    if header("x-api-signature")? != sign(&client_secret, &message) {
        return Err(SignatureError::Api);
    }
    let signed = sign(&application.app_secret, &format!("{}{app_data}", application.app_id));
    if header("x-kd-signature")? != signed {
        return Err(SignatureError::Kd);
    }
    let mut account = app_data.split(',');
    if account.next() != Some(&application.acct_id) || account.next() != Some(&application.user) {
        return Err(SignatureError::Account);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use axum::http::{HeaderMap, HeaderName, HeaderValue};
    use bytes::Bytes;

    use super::*;

    const APP_ID: &str = "123456_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4";
    const APP_SECRET: &str = "test-app-secret-value";
    const PATH: &str = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc";

    #[test]
    fn the_client_secret_is_hidden_in_the_application_id() {
        let (client_id, secret) = client_of(APP_ID);
        assert_eq!(client_id, "123456");
        assert_eq!(secret, "UVJWUANVXl8KXFlfWV1YSBNCShcUQRNL");
        assert_eq!(client_of("no-underscore"), (String::new(), String::new()));
        assert_eq!(client_of("a_b_c"), (String::new(), String::new()));
        assert_eq!(client_of("123456_c2hvcnQ="), ("123456".to_owned(), String::new()));
    }

    #[test]
    fn an_application_id_can_be_minted_for_any_secret() {
        let minted = mint_app_id("9", b"abcdefghijklmnopqrstuvwx");
        let (client_id, secret) = client_of(&minted);
        assert_eq!(client_id, "9");
        assert_eq!(STANDARD.decode(secret).unwrap(), b"abcdefghijklmnopqrstuvwx");
    }

    #[test]
    fn signatures_equal_those_of_the_official_sdk() {
        let api = |path| sign(&client_of(APP_ID).1, &api_message(path, "1700000000", "1700000000"));
        assert_eq!(
            api_message(PATH, "1700000000", "1700000000"),
            "POST\n%2Fk3cloud%2FKingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc\n\n\
             x-api-nonce:1700000000\nx-api-timestamp:1700000000\n"
        );
        assert_eq!(
            api(PATH),
            "YTVmYjk2NDNhZDNhOTM2ZTk5M2E1YzhiYWIzOWE2YzFjYzNhMDczZDM5NzRiZmUxZGI4YmJkNjM0Nzk5NzE0Ng=="
        );
        assert_eq!(
            api(&PATH.replace("k3cloud", "K3Cloud")),
            "MjNhMzg5MmZiMWE1MTQ1ZGE5NWFkYmZiZWYxYzhlY2NjNzcwM2ZjNDJlZTczMzBhNzkxOTk1ODhjNDZkMTEzYw=="
        );
        assert_eq!(STANDARD.encode("dcid-1,user-1,2052,100"), "ZGNpZC0xLHVzZXItMSwyMDUyLDEwMA==");
        assert_eq!(
            sign(APP_SECRET, &format!("{APP_ID}dcid-1,user-1,2052,100")),
            "NjI5MzRiZGVhNGJhOWY2N2Y2YzQ2MzQ5ODA3N2JiZTRiMDRmOTUwNjI3YWIzODU1ODBkZDdhNzgwMzdmMDgxMg=="
        );
        assert_eq!(
            sign("key123", "POST\n%2Ftest\n\nx-api-nonce:1\nx-api-timestamp:1\n"),
            "MThmZGFiM2U5MGZhNmU0MDQ0MWI1NTNkNmNmMjY2MDY0YzEzZTllNTA0OTBmM2M0NDI2NzFiMTI3NTFkZmU1ZQ=="
        );
    }

    #[test]
    fn the_login_sign_sorts_its_parts() {
        assert_eq!(
            login_sign(vec!["67f63bfb8a7c61", "demo", APP_ID, APP_SECRET, "1700000000"]),
            "cb9770d3c0370c41f9042d9075b02982f681ce2ddc9ba4a373f06f5260e7e71d"
        );
    }

    fn application() -> Application {
        Application {
            acct_id: "dcid-1".to_owned(),
            user: "user-1".to_owned(),
            password: "user-1-password".to_owned(),
            app_id: APP_ID.to_owned(),
            app_secret: APP_SECRET.to_owned(),
        }
    }

    /// A request signed by hand, with these time stamp and nonce.
    fn signed(timestamp: &str, nonce: &str) -> Request {
        let (client_id, secret) = client_of(APP_ID);
        let headers = [
            ("x-api-clientid", client_id),
            ("x-api-auth-version", "2.0".to_owned()),
            ("x-api-timestamp", timestamp.to_owned()),
            ("x-api-nonce", nonce.to_owned()),
            ("x-api-signheaders", "x-api-timestamp,x-api-nonce".to_owned()),
            ("x-api-signature", sign(&secret, &api_message(PATH, nonce, timestamp))),
            ("x-kd-appkey", APP_ID.to_owned()),
            ("x-kd-appdata", STANDARD.encode("dcid-1,user-1,2052,100")),
            ("x-kd-signature", sign(APP_SECRET, &format!("{APP_ID}dcid-1,user-1,2052,100"))),
        ];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value).unwrap()));
        Request {
            method: "POST".to_owned(),
            path: PATH.to_owned(),
            query: String::new(),
            headers: headers.collect::<HeaderMap>(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn any_time_stamp_and_nonce_are_taken_as_sent() {
        for (timestamp, nonce) in [("1700000000", "1700000000"), ("1700000000123", "0af1c3d2e4b5968778695a4b3c2d1e0f")]
        {
            assert_eq!(verify(&application(), &signed(timestamp, nonce)), Ok(()));
        }
    }

    #[test]
    fn whatever_was_tampered_with_is_named() {
        let tampered = |name: &'static str, value: &str| {
            let mut request = signed("1700000000", "1700000000");
            request.headers.insert(name, HeaderValue::try_from(value).unwrap());
            verify(&application(), &request)
        };
        assert_eq!(tampered("x-api-nonce", "1700000001"), Err(SignatureError::Api));
        assert_eq!(tampered("x-kd-signature", "AAAA"), Err(SignatureError::Kd));
        assert_eq!(tampered("x-kd-appdata", &STANDARD.encode("dcid-2,user-1,2052,100")), Err(SignatureError::Kd));
        assert_eq!(tampered("x-kd-appkey", "1_x"), Err(SignatureError::UnknownApplication));

        let mut other_case = signed("1700000000", "1700000000");
        other_case.path = PATH.replace("k3cloud", "K3Cloud");
        assert_eq!(verify(&application(), &other_case), Err(SignatureError::Api));

        let mut bare = signed("1700000000", "1700000000");
        bare.headers.remove("x-api-timestamp");
        assert_eq!(verify(&application(), &bare), Err(SignatureError::Missing("x-api-timestamp")));
    }
}

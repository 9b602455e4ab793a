//! The header signature of Kingdee's official SDK (`PyPI`, `kingdee.cdp.webapi.sdk` 8.2.0, `k3cloud_webapi_sdk/main.py`).
//!
//! Two signatures go with every request. `X-Kd-Signature` covers the account and is made with the application's secret, which stays with
//! the host. `X-Api-Signature` covers path and time and is made with a client secret that hides in the application's id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qiao_plugin::Failure;
use sha2::Sha256;

use crate::config::Config;

/// What the SDK XORs the client secret with.
const MASK: &[u8] = b"0054f397c6234378b09ca7d3e5debce7";

/// What RFC 3986 leaves unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who signs.
#[derive(Debug)]
pub(crate) struct Signer {
    app_id: String,
    client_id: String,
    client_secret: String,
    appdata: String,
}

impl Signer {
    /// Takes the application's id apart. Its value is not repeated in a failure.
    pub(crate) fn new(config: &Config) -> Result<Self, Failure> {
        let malformed = || {
            Failure::misconfigured("`config.app_id` is malformed: expected `<client id>_<32 characters of base64>`")
                .hint("copy the 应用 ID from 第三方系统登录授权 in Kingdee's system administration")
        };
        let (client_id, hidden) = config.app_id.split_once('_').ok_or_else(malformed)?;
        Ok(Self {
            client_secret: unmask(hidden).ok_or_else(malformed)?,
            client_id: client_id.to_owned(),
            appdata: config.appdata(),
            app_id: config.app_id.clone(),
        })
    }

    /// What `X-Kd-Signature` covers.
    pub(crate) fn account_message(&self) -> String {
        format!("{}{}", self.app_id, self.appdata)
    }

    /// The headers of a request to this URL at this time (Unix seconds; like the SDK's, the nonce is the time).
    pub(crate) fn headers(&self, url: &str, seconds: u64, account_signature: &str) -> Vec<(&'static str, String)> {
        let time = seconds.to_string();
        let message = request_message(path_of(url), &time, &time);
        vec![
            ("X-Api-ClientID", self.client_id.clone()),
            ("X-Api-Auth-Version", "2.0".to_owned()),
            ("x-api-timestamp", time.clone()),
            ("x-api-nonce", time),
            ("x-api-signheaders", "x-api-timestamp,x-api-nonce".to_owned()),
            ("X-Api-Signature", encode(&hmac_sha256(&self.client_secret, &message))),
            ("X-Kd-Appkey", self.app_id.clone()),
            ("X-Kd-Appdata", BASE64.encode(&self.appdata)),
            ("X-Kd-Signature", account_signature.to_owned()),
        ]
    }
}

/// How Kingdee writes a digest: base64 of its lower-case hex.
pub(crate) fn encode(digest: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut hex = String::with_capacity(digest.len() * 2);
    for byte in digest {
        let _ = write!(hex, "{byte:02x}");
    }
    BASE64.encode(hex)
}

/// The client secret inside an application's id.
fn unmask(hidden: &str) -> Option<String> {
    if hidden.len() != 32 {
        return None;
    }
    let masked = BASE64.decode(hidden).ok()?;
    let secret: Vec<u8> = masked.iter().zip(MASK).map(|(a, b)| a ^ b).collect();
    Some(BASE64.encode(secret))
}

/// A URL's path, with the upper and lower case in which it is written: the signature covers it as sent.
fn path_of(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let rest = url.get(authority..).unwrap_or_default();
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
}

/// What `X-Api-Signature` covers.
fn request_message(path: &str, nonce: &str, timestamp: &str) -> String {
    let path = utf8_percent_encode(path, RESERVED);
    format!("POST\n{path}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{timestamp}\n")
}

fn hmac_sha256(key: &str, message: &str) -> Vec<u8> {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return Vec::new();
    };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Vectors: computed with the official Python SDK 8.2.0. All keys are invented.
#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::json::json;
    use qiao_plugin::{Connection, Value};

    use super::*;
    use crate::service::Service;
    use crate::testing::{config_of, connection};

    const APP_SECRET: &str = "test-app-secret-value";

    fn signer() -> Signer {
        Signer::new(&config_of(&connection(&json!({}), Value::Null))).unwrap()
    }

    fn header(base_url: &str, name: &str) -> String {
        let url = format!("{base_url}{}", Service::ExecuteBillQuery.path());
        let headers = signer().headers(&url, 1_700_000_000, "kd");
        let (_, value) = headers.into_iter().find(|(n, _)| *n == name).unwrap();
        value
    }

    /// What the host computes for the plugin.
    pub(crate) fn host_hmac(message: &str) -> Vec<u8> {
        hmac_sha256(APP_SECRET, message)
    }

    #[test]
    fn the_client_secret_hides_in_the_application_id() {
        assert_eq!(signer().client_secret, "UVJWUANVXl8KXFlfWV1YSBNCShcUQRNL");
        assert_eq!(signer().client_id, "123456");
    }

    #[test]
    fn the_message_covers_path_nonce_and_time() {
        let path = format!("/k3cloud/{}", Service::ExecuteBillQuery.path());
        assert_eq!(
            request_message(&path, "1700000000", "1700000000"),
            "POST\n%2Fk3cloud%2FKingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc\n\n\
             x-api-nonce:1700000000\nx-api-timestamp:1700000000\n"
        );
        assert_eq!(
            encode(&hmac_sha256("key123", &request_message("/test", "1", "1"))),
            "MThmZGFiM2U5MGZhNmU0MDQ0MWI1NTNkNmNmMjY2MDY0YzEzZTllNTA0OTBmM2M0NDI2NzFiMTI3NTFkZmU1ZQ=="
        );
    }

    #[test]
    fn the_path_is_signed_in_the_case_of_the_base_url() {
        let cases = [
            (
                "https://erp.example.com/k3cloud/",
                "YTVmYjk2NDNhZDNhOTM2ZTk5M2E1YzhiYWIzOWE2YzFjYzNhMDczZDM5NzRiZmUxZGI4YmJkNjM0Nzk5NzE0Ng==",
            ),
            (
                "http://127.0.0.1:8080/K3Cloud/",
                "MjNhMzg5MmZiMWE1MTQ1ZGE5NWFkYmZiZWYxYzhlY2NjNzcwM2ZjNDJlZTczMzBhNzkxOTk1ODhjNDZkMTEzYw==",
            ),
        ];
        for (base_url, signature) in cases {
            assert_eq!(header(base_url, "X-Api-Signature"), signature);
        }
    }

    #[test]
    fn the_account_is_signed_with_the_secret_that_the_host_keeps() {
        assert_eq!(header("https://k/", "X-Kd-Appdata"), "ZGNpZC0xLHVzZXItMSwyMDUyLDEwMA==");
        assert_eq!(
            encode(&host_hmac(&signer().account_message())),
            "NjI5MzRiZGVhNGJhOWY2N2Y2YzQ2MzQ5ODA3N2JiZTRiMDRmOTUwNjI3YWIzODU1ODBkZDdhNzgwMzdmMDgxMg=="
        );
    }

    #[test]
    fn a_malformed_application_id_is_told_but_not_repeated() {
        for app_id in ["123456", "123456_short", "123456_????????????????????????????????"] {
            let config = json!({"acct_id": "a", "user": "u", "app_id": app_id});
            let connection = Connection::new("k", "https://k/", config, Value::Null);
            let failure = Signer::new(&Config::of(&connection).unwrap()).unwrap_err();
            assert!(failure.message.starts_with("`config.app_id` is malformed"));
            assert!(!failure.to_string().contains(app_id));
        }
    }
}

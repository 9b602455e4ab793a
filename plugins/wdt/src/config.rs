//! The connection's `config`.

use qiao_plugin::json::{json, text};
use qiao_plugin::{Connection, Failure, Value};
use serde::Deserialize;

/// The largest page that may be set. Clients are known to ask `openapi2` for so many.
pub(crate) const LARGEST_PAGE: u32 = 100;

/// The largest page that the vendor documents.
pub(crate) const DOCUMENTED_PAGE: u32 = 40;

/// WDT 企业版 at Qimen.
const WDT_APP_KEY: &str = "21363512";

/// The way in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Through the Qimen router.
    #[default]
    Qimen,
    /// WDT's own `openapi2`.
    Direct,
}

/// How a request to Qimen is signed. The default is that of Qimen's official SDKs for Java and C#.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SignMethod {
    /// MD5 of the secret, the text, and the secret again.
    Md5,
    /// HMAC-MD5.
    Hmac,
    /// HMAC-SHA256.
    #[default]
    HmacSha256,
}

impl SignMethod {
    /// As `sign_method` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Hmac => "hmac",
            Self::HmacSha256 => "hmac-sha256",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    mode: Mode,
    // Keys are digits, and are written as a number as often as as a text.
    sid: Value,
    app_key: Value,
    #[serde(default)]
    target_app_key: Value,
    #[serde(default)]
    sign_method: SignMethod,
    max_page_size: Option<u32>,
}

/// One seller's account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    /// The seller's account (卖家账号).
    pub(crate) sid: String,
    /// The application's key.
    pub(crate) app_key: String,
    /// Whom the Qimen router passes the request to.
    pub(crate) target_app_key: String,
    /// Of Qimen.
    pub(crate) sign_method: SignMethod,
    /// The largest page to ask for.
    pub(crate) max_page_size: u32,
}

impl Config {
    pub(crate) fn of(connection: &Connection) -> Result<Self, Failure> {
        let written: Written = connection.config()?;
        let given = |value: &Value| text(value).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let required = |name: &str, value: &Value| {
            given(value).ok_or_else(|| {
                Failure::misconfigured(format!("connection `{}`: `config.{name}` is empty", connection.name))
                    .hint(format!("give `{name}` in the connection's `config` in `qiao.toml`"))
            })
        };
        Ok(Self {
            mode: written.mode,
            sid: required("sid", &written.sid)?,
            app_key: required("app_key", &written.app_key)?,
            target_app_key: given(&written.target_app_key).unwrap_or_else(|| WDT_APP_KEY.to_owned()),
            sign_method: written.sign_method,
            max_page_size: written.max_page_size.unwrap_or(DOCUMENTED_PAGE).clamp(1, LARGEST_PAGE),
        })
    }
}

pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "mode": {
                "enum": ["qimen", "direct"],
                "description": "The way in: `qimen` through Taobao's router (`base_url` …/router/qm), or `direct` to WDT (`base_url` …/openapi2/), which lacks what Taobao and Tmall sold. `qimen` if left out."
            },
            "sid": { "type": ["string", "integer"], "description": "The seller's account at WDT (卖家账号)." },
            "app_key": { "type": ["string", "integer"], "description": "The application's key: of Taobao's open platform in mode `qimen`, of WDT's in mode `direct`." },
            "target_app_key": { "type": ["string", "integer"], "description": format!("Whom the Qimen router passes requests to; `{WDT_APP_KEY}`, WDT 企业版, if left out.") },
            "sign_method": {
                "enum": ["md5", "hmac", "hmac-sha256"],
                "description": "How requests to Qimen are signed; `hmac-sha256`, as by Qimen's official SDKs, if left out. `direct` knows one way only."
            },
            "max_page_size": {
                "type": "integer", "minimum": 1, "maximum": LARGEST_PAGE,
                "description": format!("The largest page to ask for; {DOCUMENTED_PAGE} if left out, the largest that WDT documents.")
            }
        },
        "required": ["sid", "app_key"],
        "additionalProperties": false
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn config(more: Value) -> Result<Config, Failure> {
        let mut config = json!({"sid": "demo2", "app_key": "21000001"});
        config.as_object_mut().unwrap().extend(serde_json::from_value::<qiao_plugin::Object>(more).unwrap());
        Config::of(&Connection::new("wdt-main", "https://q/router/qm/", config, Value::Null))
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let expected = Config {
            mode: Mode::Qimen,
            sid: "demo2".into(),
            app_key: "21000001".into(),
            target_app_key: "21363512".into(),
            sign_method: SignMethod::HmacSha256,
            max_page_size: 40,
        };
        assert_eq!(config(json!({})).unwrap(), expected);
        assert_eq!(config(json!({"app_key": 21_000_001, "target_app_key": ""})).unwrap(), expected);
    }

    #[test]
    fn settings_are_read() {
        for (name, method) in
            [("md5", SignMethod::Md5), ("hmac", SignMethod::Hmac), ("hmac-sha256", SignMethod::HmacSha256)]
        {
            let config = config(json!({"mode": "direct", "sign_method": name})).unwrap();
            assert_eq!((config.mode, config.sign_method), (Mode::Direct, method));
            assert_eq!(method.name(), name);
        }
        for (written, expected) in [(0, 1), (20, 20), (100, 100), (500, 100)] {
            assert_eq!(config(json!({"max_page_size": written})).unwrap().max_page_size, expected);
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let cases = [
            (json!({"sid": " "}), "connection `wdt-main`: `config.sid` is empty"),
            (json!({"app_key": null}), "`config.app_key` is empty"),
            (json!({"mode": "qm"}), "unknown variant `qm`, expected `qimen` or `direct`"),
            (json!({"sign_method": "sha256"}), "unknown variant `sha256`"),
            (json!({"appkey": "x"}), "unknown field `appkey`"),
        ];
        for (more, message) in cases {
            let failure = config(more).unwrap_err();
            assert!(failure.message.contains(message), "{failure}");
        }
    }
}

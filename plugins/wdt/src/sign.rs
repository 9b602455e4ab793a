//! The two signatures.
//!
//! Both cover all parameters in the order of their names; the secret stays with the host, which is told what to compute.
//!
//! * **TOP** (Taobao open platform, "API调用方法详解"), for Qimen: names and values in a row, empty values left out, upper-case hex.
//! * **`openapi2`** (WDT 企业版, `WdtClient.php`): `06-appkey:0008-test2-xx;08-end_time:…`, every name and value with its length, and the secret
//!   behind; MD5 in lower-case hex. A length is one in characters: that client, the vendor's own, uses `iconv_strlen`, which shows only
//!   where a value is Chinese.

use qiao_plugin::Failure;
use qiao_plugin::credentials::{self, Algorithm, Part, secret};

use crate::config::SignMethod;

/// The secret's name.
pub(crate) const APP_SECRET: &str = "app_secret";

/// A parameter of a request: its name and value.
pub(crate) type Parameter = (String, String);

/// What the host computes with the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sum {
    /// MD5 of the parts.
    Md5(Vec<Part>),
    /// HMAC of the text under the secret.
    Hmac(Algorithm, String),
}

impl Sum {
    /// Has the host compute it.
    pub(crate) fn compute(self) -> Result<Vec<u8>, credentials::Error> {
        match self {
            Self::Md5(parts) => credentials::digest(Algorithm::Md5, parts),
            Self::Hmac(algorithm, text) => credentials::hmac(algorithm, APP_SECRET, [text.into()]),
        }
    }
}

type Compute<'c> = &'c dyn Fn(Sum) -> Result<Vec<u8>, credentials::Error>;

/// `sign` of a request to Qimen.
pub(crate) fn qimen(parameters: &[Parameter], method: SignMethod, compute: Compute<'_>) -> Result<String, Failure> {
    let mut text = String::new();
    for (name, value) in sorted(parameters) {
        if !value.is_empty() {
            text.push_str(name);
            text.push_str(value);
        }
    }
    let sum = match method {
        SignMethod::Md5 => Sum::Md5(vec![secret(APP_SECRET), text.into(), secret(APP_SECRET)]),
        SignMethod::Hmac => Sum::Hmac(Algorithm::Md5, text),
        SignMethod::HmacSha256 => Sum::Hmac(Algorithm::Sha256, text),
    };
    Ok(hex(&compute(sum)?).to_ascii_uppercase())
}

/// `sign` of a request to `openapi2`.
pub(crate) fn direct(parameters: &[Parameter], compute: Compute<'_>) -> Result<String, Failure> {
    let measured =
        |(name, value): &Parameter| format!("{:02}-{name}:{:04}-{value}", name.chars().count(), value.chars().count());
    let text = sorted(parameters).map(measured).collect::<Vec<_>>().join(";");
    Ok(hex(&compute(Sum::Md5(vec![text.into(), secret(APP_SECRET)]))?))
}

fn sorted(parameters: &[Parameter]) -> impl Iterator<Item = &Parameter> {
    let mut sorted: Vec<&Parameter> = parameters.iter().filter(|(name, _)| name != "sign").collect();
    sorted.sort();
    sorted.into_iter()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Vectors: the first is the example that WDT documents, its digest computed with the algorithm documented beside it; those of MD5 were
/// checked against public clients of Taobao's open platform. All keys are invented.
#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use hmac::{Hmac, Mac as _};
    use md5::{Digest as _, Md5};
    use sha2::Sha256;

    use super::*;

    /// What the host computes with this secret.
    pub(crate) fn with_secret(key: &str, sum: Sum) -> Vec<u8> {
        match sum {
            Sum::Md5(parts) => {
                let text: Vec<String> = parts
                    .into_iter()
                    .map(|part| match part {
                        Part::Text(text) => text,
                        Part::Secret { name, .. } if name == APP_SECRET => key.to_owned(),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                Md5::digest(text.concat()).to_vec()
            }
            Sum::Hmac(Algorithm::Md5, text) => {
                let mut mac = Hmac::<Md5>::new_from_slice(key.as_bytes()).unwrap();
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            Sum::Hmac(Algorithm::Sha256, text) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            Sum::Hmac(other, _) => panic!("{other:?}"),
        }
    }

    fn parameters(list: &[(&str, &str)]) -> Vec<Parameter> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_request_to_openapi2_is_signed_with_lengths_in_characters() {
        let documented = [
            ("sid", "test2"),
            ("appkey", "test2-xx"),
            ("timestamp", "1470042310"),
            ("start_time", "2016-08-01 12:00:00"),
            ("end_time", "2016-08-01 13:00:00"),
            ("page_no", "0"),
            ("page_size", "40"),
        ];
        let refunds = [
            ("sid", "demo2"),
            ("appkey", "demo2-ot"),
            ("timestamp", "1793500000"),
            ("process_status", "90"),
            ("time_type", "0"),
            ("start_time", "2026-11-01 00:00:00"),
            ("end_time", "2026-11-01 23:59:59"),
            ("page_no", "0"),
            ("page_size", "40"),
            ("sign", "not signed"),
        ];
        let chinese = [("sid", "test2"), ("appkey", "test2-xx"), ("timestamp", "1470042310"), ("shop_no", "旗舰店")];
        let cases = [
            (&documented[..], "12345", "ad4e6fe037ea6e3ba4768317be9d1309"),
            (&refunds, "s3cr3t", "e3cd282e68b4f3fa750cefec41dd15f5"),
            (&chinese, "12345", "dde5d0408b9530522b193a86941b047b"),
        ];
        for (list, key, expected) in cases {
            let sign = direct(&parameters(list), &|sum| Ok(with_secret(key, sum))).unwrap();
            assert_eq!(sign, expected, "{list:?}");
        }
    }

    #[test]
    fn openapi2_signs_this_text() {
        let list = parameters(&[("shop_no", "旗舰店"), ("long", &"x".repeat(12_345)), ("empty", "")]);
        let text = format!("05-empty:0000-;04-long:12345-{};07-shop_no:0003-旗舰店", "x".repeat(12_345));
        let compute = |sum| {
            assert_eq!(sum, Sum::Md5(vec![Part::from(text.as_str()), secret(APP_SECRET)]));
            Ok(vec![0xAB])
        };
        assert_eq!(direct(&list, &compute).unwrap(), "ab");
    }

    #[test]
    fn a_request_to_qimen_is_signed_in_three_ways() {
        let cases = [
            (SignMethod::Md5, "", "4288683D0CBC050693FCB48BE607C043"),
            (SignMethod::Md5, "旗舰店", "CAA1DDA3A7BFFE148A1C331B736F6EBF"),
            (SignMethod::Hmac, "", "39568325216648D951456D8979965C0A"),
            (SignMethod::HmacSha256, "", "B9754D240CED80BE71068C7CB389916FEB94CCB4F8EF98E7C5E049BC116A6F7C"),
        ];
        for (method, shop_no, expected) in cases {
            let list = parameters(&[
                ("v", "2.0"),
                ("app_key", "21000001"),
                ("format", "json"),
                ("method", "wdt.refund.query"),
                ("sign_method", method.name()),
                ("target_app_key", "21363512"),
                ("timestamp", "2026-11-21 12:00:00"),
                ("sid", "demo2"),
                ("start_time", "2026-11-01 00:00:00"),
                ("end_time", "2026-11-01 01:00:00"),
                ("page_no", "0"),
                ("page_size", "40"),
                ("shop_no", shop_no),
                ("sign", "not signed"),
            ]);
            let sign = qimen(&list, method, &|sum| Ok(with_secret("topsecret", sum))).unwrap();
            assert_eq!(sign, expected, "{method:?} {shop_no}");
        }
    }

    #[test]
    fn a_missing_secret_is_said_with_its_remedy() {
        let missing = |_| Err(credentials::Error::Missing(APP_SECRET.to_owned()));
        let failure = direct(&[], &missing).unwrap_err();
        assert!(failure.hint.unwrap().contains("`app_secret`"));
    }
}

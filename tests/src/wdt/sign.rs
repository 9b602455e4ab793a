//! The signatures of both ways in.
//!
//! The direct way (openapi2) writes each parameter with the lengths of its name and value, joins them, appends the secret and takes
//! MD5. Lengths are counted in characters, as the vendor's own PHP client does (`iconv_strlen`); clients that count bytes are refused
//! as soon as a value is not ASCII. The other way is the router of Taobao's open platform (TOP), which has three methods.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;

/// All parameters of a request by name, from wherever they were placed.
pub type Parameters = BTreeMap<String, String>;

/// The `sign` of openapi2: 32 lower-case hexadecimal digits.
pub fn openapi2(parameters: &Parameters, secret: &str) -> String {
    let parts: Vec<String> = parameters
        .iter()
        .filter(|(name, _)| *name != "sign")
        .map(|(name, value)| format!("{:02}-{name}:{:04}-{value}", name.chars().count(), value.chars().count()))
        .collect();
    hex(&Md5::digest(format!("{}{secret}", parts.join(";"))))
}

/// The `sign` of TOP by `md5`, `hmac` or `hmac-sha256`, in upper-case hexadecimal digits; nothing if the method is none of these.
/// Empty values are not signed.
pub fn top(parameters: &Parameters, method: &str, secret: &str) -> Option<String> {
    let mut base = String::new();
    for (name, value) in parameters.iter().filter(|(name, value)| *name != "sign" && !value.is_empty()) {
        base.push_str(name);
        base.push_str(value);
    }
    let digest = match method {
        "md5" => hex(&Md5::digest(format!("{secret}{base}{secret}"))),
        "hmac" => mac(Hmac::<Md5>::new_from_slice(secret.as_bytes()).ok()?, &base),
        "hmac-sha256" => mac(Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?, &base),
        _ => return None,
    };
    Some(digest.to_uppercase())
}

fn mac(mut mac: impl Mac, message: &str) -> String {
    mac.update(message.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn openapi2_counts_characters() {
        let documented = parameters(&[
            ("appkey", "test2-xx"),
            ("end_time", "2016-08-01 13:00:00"),
            ("page_no", "0"),
            ("page_size", "40"),
            ("sid", "test2"),
            ("start_time", "2016-08-01 12:00:00"),
            ("timestamp", "1470042310"),
            ("sign", "is not signed"),
        ]);
        assert_eq!(openapi2(&documented, "12345"), "ad4e6fe037ea6e3ba4768317be9d1309");
        let refunds = parameters(&[
            ("appkey", "demo2-ot"),
            ("end_time", "2026-11-01 23:59:59"),
            ("page_no", "0"),
            ("page_size", "40"),
            ("process_status", "90"),
            ("sid", "demo2"),
            ("start_time", "2026-11-01 00:00:00"),
            ("time_type", "0"),
            ("timestamp", "1793500000"),
        ]);
        assert_eq!(openapi2(&refunds, "s3cr3t"), "e3cd282e68b4f3fa750cefec41dd15f5");
        let chinese =
            parameters(&[("appkey", "test2-xx"), ("shop_no", "旗舰店"), ("sid", "test2"), ("timestamp", "1470042310")]);
        assert_eq!(openapi2(&chinese, "12345"), "dde5d0408b9530522b193a86941b047b");
        // What a client that counts bytes would send.
        assert_ne!(openapi2(&chinese, "12345"), "e47d1ec1febe394634972e551d99a8b0");
    }

    #[test]
    fn lengths_above_their_width_are_written_whole() {
        let long = "长".repeat(12_345);
        let signed = openapi2(&parameters(&[("a", &long)]), "s");
        assert_eq!(signed, hex(&Md5::digest(format!("01-a:12345-{long}s"))));
    }

    #[test]
    fn top_has_three_methods() {
        let request = |method: &str, shop_no: &str| {
            parameters(&[
                ("app_key", "21000001"),
                ("end_time", "2026-11-01 01:00:00"),
                ("format", "json"),
                ("method", "wdt.refund.query"),
                ("page_no", "0"),
                ("page_size", "40"),
                ("shop_no", shop_no),
                ("sid", "demo2"),
                ("sign_method", method),
                ("start_time", "2026-11-01 00:00:00"),
                ("target_app_key", "21363512"),
                ("timestamp", "2026-11-21 12:00:00"),
                ("v", "2.0"),
            ])
        };
        for (method, shop_no, sign) in [
            ("md5", "", "4288683D0CBC050693FCB48BE607C043"),
            ("md5", "旗舰店", "CAA1DDA3A7BFFE148A1C331B736F6EBF"),
            ("hmac", "", "39568325216648D951456D8979965C0A"),
            ("hmac-sha256", "", "B9754D240CED80BE71068C7CB389916FEB94CCB4F8EF98E7C5E049BC116A6F7C"),
        ] {
            assert_eq!(top(&request(method, shop_no), method, "topsecret").unwrap(), sign, "{method} {shop_no}");
        }
        assert_eq!(top(&request("sha1", ""), "sha1", "topsecret"), None);
    }
}

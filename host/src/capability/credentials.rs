//! Computing with secrets on a plugin's behalf: it names them, and gets digests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::Digest;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Lent;
use super::bindings::qiao::plugin::credentials::{Algorithm, Encoding, Error, Host, Part, SecretPart};

/// `application/x-www-form-urlencoded` leaves these as they are (and writes a blank as `+`).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

impl Host for Lent {
    fn digest(&mut self, algorithm: Algorithm, parts: Vec<Part>) -> Result<Vec<u8>, Error> {
        let text = self.concatenate(&parts)?;
        Ok(match algorithm {
            Algorithm::Md5 => md5::Md5::digest(&text).to_vec(),
            Algorithm::Sha1 => sha1::Sha1::digest(&text).to_vec(),
            Algorithm::Sha256 => sha2::Sha256::digest(&text).to_vec(),
            Algorithm::Sha512 => sha2::Sha512::digest(&text).to_vec(),
        })
    }

    fn hmac(&mut self, algorithm: Algorithm, secret: String, parts: Vec<Part>) -> Result<Vec<u8>, Error> {
        let text = self.concatenate(&parts)?;
        let key = self.secret(&secret)?.as_bytes().to_vec();
        match algorithm {
            Algorithm::Md5 => Hmac::<md5::Md5>::new_from_slice(&key).map(|mac| authenticate(mac, &text)),
            Algorithm::Sha1 => Hmac::<sha1::Sha1>::new_from_slice(&key).map(|mac| authenticate(mac, &text)),
            Algorithm::Sha256 => Hmac::<sha2::Sha256>::new_from_slice(&key).map(|mac| authenticate(mac, &text)),
            Algorithm::Sha512 => Hmac::<sha2::Sha512>::new_from_slice(&key).map(|mac| authenticate(mac, &text)),
        }
        .map_err(|_| Error::Missing(secret))
    }
}

fn authenticate<M: Mac>(mut mac: M, text: &[u8]) -> Vec<u8> {
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

impl Lent {
    /// A secret's text, if the plugin declared it and the connection has it.
    fn secret(&self, name: &str) -> Result<&str, Error> {
        if !self.loan.declared_secrets.contains(name) {
            return Err(Error::Undeclared(name.to_owned()));
        }
        self.loan
            .connection
            .as_ref()
            .and_then(|connection| connection.secret(name))
            .ok_or_else(|| Error::Missing(name.to_owned()))
    }

    /// The parts as one text, secrets put in.
    pub(super) fn concatenate(&self, parts: &[Part]) -> Result<Vec<u8>, Error> {
        let mut text = Vec::new();
        for part in parts {
            match part {
                Part::Text(plain) => text.extend_from_slice(plain.as_bytes()),
                Part::Bytes(plain) => text.extend_from_slice(plain),
                Part::Secret(part) => {
                    let SecretPart { name, encoding, prefix, suffix } = part;
                    let whole = format!("{prefix}{}{suffix}", self.secret(name)?);
                    text.extend(encode(&whole, *encoding));
                }
            }
            // A short list of parts can name a long secret a million times.
            let limit = self.loan.limits.response_bytes;
            if text.len() as u64 > limit {
                return Err(Error::TooLarge(limit));
            }
        }
        Ok(text)
    }
}

/// A secret as it may stand in a text: in every encoding.
pub(super) fn encodings(secret: &str) -> Vec<String> {
    [Encoding::Raw, Encoding::JsonString, Encoding::Form, Encoding::Base64]
        .map(|encoding| String::from_utf8_lossy(&encode(secret, encoding)).into_owned())
        .to_vec()
}

fn encode(secret: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Raw => secret.as_bytes().to_vec(),
        Encoding::JsonString => {
            let quoted = serde_json::Value::from(secret).to_string();
            quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).into()
        }
        Encoding::Form => secret
            .split(' ')
            .map(|word| utf8_percent_encode(word, FORM).to_string())
            .collect::<Vec<_>>()
            .join("+")
            .into(),
        Encoding::Base64 => STANDARD.encode(secret).into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_secret_is_written_as_its_surroundings_need_it() {
        let written = |secret, encoding| String::from_utf8(encode(secret, encoding)).unwrap();
        for (secret, encoding, expected) in [
            ("a\"b\\c\n密", Encoding::Raw, "a\"b\\c\n密"),
            ("a\"b\\c\n密", Encoding::JsonString, "a\\\"b\\\\c\\n密"),
            ("a b&c=d+密", Encoding::Form, "a+b%26c%3Dd%2B%E5%AF%86"),
            ("密钥", Encoding::Base64, "5a+G6ZKl"),
        ] {
            assert_eq!(written(secret, encoding), expected);
        }
    }
}

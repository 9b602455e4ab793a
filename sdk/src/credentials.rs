//! Long-lived secrets never enter the sandbox: a plugin uses them by name, and the host computes with them.

use std::borrow::Cow;
use std::fmt;

use crate::Failure;
use crate::bindings::lent::credentials as wit;

/// How a secret is written where it is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is, UTF-8.
    Raw,
    /// As the inside of a JSON string.
    JsonString,
    /// As a value of `application/x-www-form-urlencoded`.
    Form,
    /// As standard base64 with padding.
    Base64,
}

/// One piece of a text that may contain secrets. Pieces are concatenated without a separator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Plain text.
    Text(String),
    /// Plain bytes.
    Bytes(Vec<u8>),
    /// A secret. [`secret`] and [`basic`] make the usual ones.
    Secret {
        /// Its name, as the plugin's description lists it and the connection's `secrets` fill it.
        name: String,
        /// How it is written.
        encoding: Encoding,
        /// Text before the secret that is encoded together with it. Usually empty.
        prefix: String,
        /// Text after the secret that is encoded together with it. Usually empty.
        suffix: String,
    },
}

/// The secret of this name, as it is. In an HTTP request it is accepted only while signing in.
pub fn secret(name: &str) -> Part {
    Part::Secret { name: name.to_owned(), encoding: Encoding::Raw, prefix: String::new(), suffix: String::new() }
}

/// The value of an `authorization` header for HTTP Basic: `Basic`, and the user and the secret of this name in base64. Like any secret
/// in a request it is accepted only while signing in.
///
/// ```
/// use qiao_plugin::http::{Request, basic};
///
/// let request = Request::post("token").header("authorization", basic("client-1", "client_secret"));
/// # let _ = request;
/// ```
pub fn basic(user: &str, secret: &str) -> [Part; 2] {
    [
        "Basic ".into(),
        Part::Secret {
            name: secret.to_owned(),
            encoding: Encoding::Base64,
            prefix: format!("{user}:"),
            suffix: String::new(),
        },
    ]
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Part {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Cow<'_, str>> for Part {
    fn from(text: Cow<'_, str>) -> Self {
        Self::Text(text.into_owned())
    }
}

/// What a header or a query parameter may be made of: plain text, a [`Part`], or several parts.
pub trait IntoParts {
    /// The parts, in order.
    fn into_parts(self) -> Vec<Part>;
}

macro_rules! one_part {
    ($($T:ty)+) => {$(
        impl IntoParts for $T {
            fn into_parts(self) -> Vec<Part> {
                vec![self.into()]
            }
        }
    )+};
}

one_part!(Part &str String &String Cow<'_, str>);

impl IntoParts for Vec<Part> {
    fn into_parts(self) -> Vec<Part> {
        self
    }
}

impl<const N: usize> IntoParts for [Part; N] {
    fn into_parts(self) -> Vec<Part> {
        self.into()
    }
}

impl From<Part> for wit::Part {
    fn from(part: Part) -> Self {
        match part {
            Part::Text(text) => Self::Text(text),
            Part::Bytes(bytes) => Self::Bytes(bytes),
            Part::Secret { name, encoding, prefix, suffix } => {
                Self::Secret(wit::SecretPart { name, encoding: encoding.into(), prefix, suffix })
            }
        }
    }
}

impl From<Encoding> for wit::Encoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Raw => Self::Raw,
            Encoding::JsonString => Self::JsonString,
            Encoding::Form => Self::Form,
            Encoding::Base64 => Self::Base64,
        }
    }
}

/// The digests that the vendors' signatures are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl From<Algorithm> for wit::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5,
            Algorithm::Sha1 => Self::Sha1,
            Algorithm::Sha256 => Self::Sha256,
            Algorithm::Sha512 => Self::Sha512,
        }
    }
}

/// Why the host did not compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The plugin's description does not list a secret of this name.
    Undeclared(String),
    /// The connection has no secret of this name.
    Missing(String),
    /// The concatenated parts would be larger than the limit, which is given in bytes.
    TooLarge(u64),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undeclared(name) => {
                write!(f, "the plugin's description lists no secret `{name}`")
            }
            Self::Missing(name) => write!(f, "the connection has no secret `{name}`"),
            Self::TooLarge(limit) => write!(f, "the text to compute with is larger than the limit of {limit} bytes"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::misconfigured(error.to_string());
        match error {
            Error::Undeclared(_) => failure.hint("declare it with `Description::secret`"),
            Error::TooLarge(_) => failure,
            Error::Missing(name) => failure.hint(format!("add `{name}` to the connection's `secrets` in `qiao.toml`")),
        }
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Undeclared(name) => Self::Undeclared(name),
            wit::Error::Missing(name) => Self::Missing(name),
            wit::Error::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

fn lend(parts: impl IntoIterator<Item = Part>) -> Vec<wit::Part> {
    parts.into_iter().map(Into::into).collect()
}

/// The digest of the concatenated parts, as raw bytes.
pub fn digest(algorithm: Algorithm, parts: impl IntoIterator<Item = Part>) -> Result<Vec<u8>, Error> {
    Ok(wit::digest(algorithm.into(), &lend(parts))?)
}

/// The HMAC of the concatenated parts under the secret of this name, as raw bytes.
pub fn hmac(algorithm: Algorithm, secret: &str, parts: impl IntoIterator<Item = Part>) -> Result<Vec<u8>, Error> {
    Ok(wit::hmac(algorithm.into(), secret, &lend(parts))?)
}

//! Durable state of a plugin, kept per plugin name and connection. It survives restarts and new versions of the plugin.
//!
//! A key has at most 512 bytes, a value at most 64 KiB, and one plugin and connection at most 16 MiB together.

use std::fmt;
use std::time::Duration;

use crate::Failure;
use crate::bindings::lent::kv as wit;

/// Why the store did not do it. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A key, a value or the whole would be larger than the limit, which is given in bytes.
    TooLarge(u64),
    /// [`increment`] on a value that is not a decimal integer, or past what 53 bits hold.
    NotANumber(String),
    /// The store failed; the text says how.
    Unavailable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => {
                write!(f, "the plugin's state would exceed its limit of {limit} bytes")
            }
            Self::NotANumber(value) => {
                write!(f, "the plugin's state holds `{value}` where a counter is expected")
            }
            Self::Unavailable(reason) => write!(f, "the plugin's state is unavailable: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

/// For calls that have sent nothing yet; after a write to the vendor a connector must decide itself.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::transient(error.to_string()),
            Error::TooLarge(_) | Error::NotANumber(_) => Self::misconfigured(error.to_string()),
        }
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::TooLarge(limit) => Self::TooLarge(limit),
            wit::Error::NotANumber(value) => Self::NotANumber(value),
            wit::Error::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

/// The value of a key; `None` where there is none or its time to live is over.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(wit::get(key)?)
}

/// Sets a key. With a time to live it is forgotten that much later.
pub fn set(key: &str, value: &[u8], time_to_live: Option<Duration>) -> Result<(), Error> {
    Ok(wit::set(key, value, time_to_live.map(milliseconds))?)
}

/// Sets a key to `new` (`None` deletes it) if its value is `expected` (`None`: if there is none). True if it did. With a time to live
/// the new value is forgotten that much later.
pub fn compare_and_set(
    key: &str,
    expected: Option<&[u8]>,
    new: Option<&[u8]>,
    time_to_live: Option<Duration>,
) -> Result<bool, Error> {
    Ok(wit::compare_and_set(key, expected, new, time_to_live.map(milliseconds))?)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Adds to a counter kept as decimal text (absent: 0) and returns the sum.
pub fn increment(key: &str, by: i32) -> Result<i64, Error> {
    let sum = wit::increment(key, by)?;
    sum.parse().map_err(|_| Error::NotANumber(sum))
}

/// Deletes a key. Deleting what is not there is no error.
pub fn delete(key: &str) -> Result<(), Error> {
    Ok(wit::delete(key)?)
}

/// The keys that begin with `prefix` and come after `after`, in byte order, at most 1,000. The last one is the next call's `after`.
pub fn keys(prefix: &str, after: Option<&str>) -> Result<Vec<String>, Error> {
    Ok(wit::keys(prefix, after)?)
}

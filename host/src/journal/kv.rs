//! The key-value store that plugins are lent.
//!
//! Each owner has its values, the sum of their bytes, and an index of what expires when. A value whose time is over is not
//! there for anybody; it is swept, and its bytes are free again, the next time its owner writes or lists.

use std::borrow::Cow;

use super::key::{Key, Kind, Parts};
use super::record::{Value, decode};
use super::state_limits::{KEY, LISTING, OWNER, VALUE};
use super::txn::{Read, Txn, range};
use super::{JournalError, SledStore, State, StateError};
use async_trait::async_trait;

/// Expired values that one write sweeps, unless it needs the room.
const SWEPT_PER_WRITE: usize = 32;
/// Counters stay within what a double holds exactly, because some guests have no other number.
const LARGEST: i64 = (1 << 53) - 1;

fn value_key(owner: &str, key: &str) -> Key {
    Key::new(Kind::Value).text(owner).text(key)
}

fn total_key(owner: &str) -> Key {
    Key::new(Kind::Total).text(owner)
}

fn expiry_prefix(owner: &str) -> Key {
    Key::new(Kind::Expiry).text(owner)
}

#[async_trait]
impl State for SledStore {
    async fn get(&self, owner: &str, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key)?;
        Ok(read(self.state(), owner, key, now_ms)?.map(|(value, _)| value))
    }

    async fn set(
        &self,
        owner: &str,
        key: &str,
        value: Vec<u8>,
        now_ms: i64,
        expires_ms: Option<i64>,
    ) -> Result<(), StateError> {
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.change(move |txn| write(txn, &owner, &key, Some((value, expires_ms)), now_ms)).await
    }

    async fn compare_and_set(
        &self,
        owner: &str,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        now_ms: i64,
        expires_ms: Option<i64>,
    ) -> Result<bool, StateError> {
        check_key(key)?;
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.change(move |txn| {
            let is_expected = read(txn, &owner, &key, now_ms)?.map(|(value, _)| value) == expected;
            if is_expected {
                write(txn, &owner, &key, new.map(|new| (new, expires_ms)), now_ms)?;
            }
            Ok(is_expected)
        })
        .await
    }

    async fn increment(&self, owner: &str, key: &str, by: i64, now_ms: i64) -> Result<i64, StateError> {
        check_key(key)?;
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.change(move |txn| {
            let (value, expires_ms) = read(txn, &owner, &key, now_ms)?.unwrap_or_else(|| (b"0".into(), None));
            let sum = add(&value, by)?;
            write(txn, &owner, &key, Some((sum.to_string().into_bytes(), expires_ms)), now_ms)?;
            Ok(sum)
        })
        .await
    }

    async fn delete(&self, owner: &str, key: &str) -> Result<(), StateError> {
        check_key(key)?;
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.change(move |txn| {
            let freed = remove(txn, &owner, &key)?;
            let total = total(txn, &owner)?;
            put_total(txn, &owner, total.saturating_sub(freed))
        })
        .await
    }

    async fn keys(
        &self,
        owner: &str,
        prefix: &str,
        after: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<String>, StateError> {
        let swept = owner.to_owned();
        self.change(move |txn| {
            let freed = sweep(txn, &swept, now_ms, SWEPT_PER_WRITE)?;
            if freed > 0 {
                let total = total(txn, &swept)?;
                put_total(txn, &swept, total.saturating_sub(freed))?;
            }
            Ok(())
        })
        .await?;
        let all = Key::new(Kind::Value).text(owner);
        let begin = Key::new(Kind::Value).text(owner).text_prefix(prefix);
        let mut keys = Vec::new();
        for item in range(self.state(), begin.bytes(), None) {
            let (key, bytes) = item?;
            let name = Parts::behind(all.bytes(), &key).text()?;
            if after.is_none_or(|after| name.as_str() > after) && is_live(&decode(&key, &bytes)?, now_ms) {
                keys.push(name);
            }
            if keys.len() == LISTING {
                break;
            }
        }
        Ok(keys)
    }
}

impl SledStore {
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        self.writer().commit(self.state(), change).await
    }
}

/// Refuses a key that is too long.
pub(super) fn check_key(key: &str) -> Result<(), StateError> {
    if key.len() > KEY { Err(StateError::TooLarge(KEY as u64)) } else { Ok(()) }
}

/// Refuses a value that is too long.
pub(super) fn check_value(value: &[u8]) -> Result<(), StateError> {
    if value.len() > VALUE { Err(StateError::TooLarge(VALUE as u64)) } else { Ok(()) }
}

fn is_live(value: &Value<'_>, now_ms: i64) -> bool {
    value.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms)
}

/// A value and when it expires.
type Live = (Vec<u8>, Option<i64>);

/// A value, unless it has expired.
fn read(from: &impl Read, owner: &str, key: &str, now_ms: i64) -> Result<Option<Live>, JournalError> {
    let key = value_key(owner, key);
    let Some(bytes) = from.get(&key)? else {
        return Ok(None);
    };
    let value: Value<'_> = decode(key.bytes(), &bytes)?;
    Ok(is_live(&value, now_ms).then(|| (value.bytes.into_owned(), value.expires_ms)))
}

/// Sets or deletes a value within the limits, and sweeps some of what has expired.
fn write(txn: &mut Txn<'_>, owner: &str, key: &str, value: Option<Live>, now_ms: i64) -> Result<(), StateError> {
    check_key(key)?;
    let mut total = total(txn, owner)?;
    total = total.saturating_sub(sweep(txn, owner, now_ms, SWEPT_PER_WRITE)?);
    total = total.saturating_sub(remove(txn, owner, key)?);
    if let Some((bytes, expires_ms)) = value {
        check_value(&bytes)?;
        total += size(key, &bytes);
        if total > OWNER {
            total = total.saturating_sub(sweep(txn, owner, now_ms, usize::MAX)?);
        }
        if total > OWNER {
            return Err(StateError::TooLarge(OWNER));
        }
        txn.put_record(value_key(owner, key), &Value { expires_ms, bytes: Cow::Owned(bytes) })?;
        if let Some(expires_ms) = expires_ms {
            txn.put(expiry_prefix(owner).time(expires_ms).text(key), Vec::new());
        }
    }
    put_total(txn, owner, total)
}

/// Removes a value; says how many bytes it had.
fn remove(txn: &mut Txn<'_>, owner: &str, key: &str) -> Result<u64, JournalError> {
    let of_value = value_key(owner, key);
    let Some(bytes) = txn.get(&of_value)? else {
        return Ok(0);
    };
    let value: Value<'_> = decode(of_value.bytes(), &bytes)?;
    if let Some(expires_ms) = value.expires_ms {
        txn.remove(expiry_prefix(owner).time(expires_ms).text(key));
    }
    txn.remove(of_value);
    Ok(size(key, &value.bytes))
}

/// Removes at most `limit` expired values; says how many bytes they had.
fn sweep(txn: &mut Txn<'_>, owner: &str, now_ms: i64, limit: usize) -> Result<u64, JournalError> {
    let prefix = expiry_prefix(owner);
    let mut freed = 0;
    let end = prefix.clone().time(now_ms.saturating_add(1));
    for (key, _) in txn.committed_until(prefix.bytes(), end.bytes(), limit)? {
        let mut parts = Parts::behind(prefix.bytes(), &key);
        parts.time()?;
        freed += remove(txn, owner, &parts.text()?)?;
    }
    Ok(freed)
}

fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

fn total(from: &impl Read, owner: &str) -> Result<u64, JournalError> {
    Ok(from.record(&total_key(owner))?.unwrap_or_default())
}

fn put_total(txn: &mut Txn<'_>, owner: &str, total: u64) -> Result<(), StateError> {
    Ok(txn.put_record(total_key(owner), &total)?)
}

/// A counter's value after an addition.
pub(super) fn add(value: &[u8], by: i64) -> Result<i64, StateError> {
    let not_a_number = || StateError::NotANumber(String::from_utf8_lossy(value).into_owned());
    let within = |number: &i64| (-LARGEST..=LARGEST).contains(number);
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).filter(within);
    number.ok_or_else(not_a_number)?.checked_add(by).filter(within).ok_or_else(not_a_number)
}

//! A key-value store whose changes nobody keeps: for work that must leave no trace.
//!
//! What is read comes from the store beneath, where there is one; what is changed stays in memory, and is seen by who
//! changed it. Keys, values and counters have the limits of the store that is kept; how much one owner may keep is not
//! counted here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::kv::{add, check_key, check_value};
use super::{State, StateError, state_limits};

/// A key-value store over another, which it never changes.
#[derive(Default)]
pub struct Scratch {
    beneath: Option<Arc<dyn State>>,
    changed: Mutex<Changes>,
}

/// By owner and key; `None`: deleted.
type Changes = BTreeMap<(String, String), Option<Changed>>;

#[derive(Clone)]
struct Changed {
    value: Vec<u8>,
    expires_ms: Option<i64>,
}

impl Changed {
    fn at(&self, now_ms: i64) -> Option<Vec<u8>> {
        self.expires_ms.is_none_or(|expires_ms| expires_ms > now_ms).then(|| self.value.clone())
    }
}

impl Scratch {
    /// One over this store; `None`: over an empty one.
    pub fn over(beneath: Option<Arc<dyn State>>) -> Self {
        Self { beneath, changed: Mutex::default() }
    }

    fn changed(&self) -> MutexGuard<'_, Changes> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, owner: &str, key: &str, changed: Option<Changed>) {
        self.changed().insert((owner.to_owned(), key.to_owned()), changed);
    }
}

#[async_trait]
impl State for Scratch {
    async fn get(&self, owner: &str, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key)?;
        let changed = self.changed().get(&(owner.to_owned(), key.to_owned())).cloned();
        match (changed, &self.beneath) {
            (Some(changed), _) => Ok(changed.and_then(|changed| changed.at(now_ms))),
            (None, Some(beneath)) => beneath.get(owner, key, now_ms).await,
            (None, None) => Ok(None),
        }
    }

    async fn set(
        &self,
        owner: &str,
        key: &str,
        value: Vec<u8>,
        _now_ms: i64,
        expires_ms: Option<i64>,
    ) -> Result<(), StateError> {
        check_key(key)?;
        check_value(&value)?;
        self.put(owner, key, Some(Changed { value, expires_ms }));
        Ok(())
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
        if self.get(owner, key, now_ms).await? != expected {
            return Ok(false);
        }
        match new {
            Some(value) => self.set(owner, key, value, now_ms, expires_ms).await?,
            None => self.put(owner, key, None),
        }
        Ok(true)
    }

    async fn increment(&self, owner: &str, key: &str, by: i64, now_ms: i64) -> Result<i64, StateError> {
        let before = self.get(owner, key, now_ms).await?;
        let sum = add(before.as_deref().unwrap_or(b"0"), by)?;
        let changed = self.changed().get(&(owner.to_owned(), key.to_owned())).cloned().flatten();
        let expires_ms = changed.filter(|changed| changed.at(now_ms).is_some()).and_then(|live| live.expires_ms);
        self.put(owner, key, Some(Changed { value: sum.to_string().into_bytes(), expires_ms }));
        Ok(sum)
    }

    async fn delete(&self, owner: &str, key: &str) -> Result<(), StateError> {
        check_key(key)?;
        self.put(owner, key, None);
        Ok(())
    }

    async fn keys(
        &self,
        owner: &str,
        prefix: &str,
        after: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<String>, StateError> {
        let mut keys = BTreeSet::new();
        if let Some(beneath) = &self.beneath {
            keys.extend(beneath.keys(owner, prefix, after, now_ms).await?);
        }
        for ((_, key), changed) in self.changed().iter().filter(|((of, _), _)| of == owner) {
            let is_there = changed.as_ref().is_some_and(|changed| changed.at(now_ms).is_some());
            if !is_there {
                keys.remove(key);
            } else if key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after) {
                keys.insert(key.clone());
            }
        }
        Ok(keys.into_iter().take(state_limits::LISTING).collect())
    }
}

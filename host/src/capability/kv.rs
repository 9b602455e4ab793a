//! A plugin's durable state, kept per plugin and connection.

use super::Lent;
use super::bindings::qiao::plugin::kv::{Error, Host};
use crate::journal::{State, StateError};
use crate::observe::clock;
use std::sync::Arc;

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        match error {
            StateError::TooLarge(limit) => Self::TooLarge(limit),
            StateError::NotANumber(text) => Self::NotANumber(text),
            StateError::Journal(error) => Self::Unavailable(error.to_string()),
        }
    }
}

impl Host for Lent {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.state()?.get(&self.owner(), &key, clock::now_ms()).await?)
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), Error> {
        let now_ms = clock::now_ms();
        let expires_ms = ttl_ms.map(|ttl| now_ms.saturating_add_unsigned(ttl));
        Ok(self.state()?.set(&self.owner(), &key, value, now_ms, expires_ms).await?)
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        ttl_ms: Option<u64>,
    ) -> Result<bool, Error> {
        let now_ms = clock::now_ms();
        let expires_ms = ttl_ms.map(|ttl| now_ms.saturating_add_unsigned(ttl));
        Ok(self.state()?.compare_and_set(&self.owner(), &key, expected, new, now_ms, expires_ms).await?)
    }

    async fn increment(&mut self, key: String, by: i32) -> Result<String, Error> {
        let sum = self.state()?.increment(&self.owner(), &key, i64::from(by), clock::now_ms()).await?;
        Ok(sum.to_string())
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        Ok(self.state()?.delete(&self.owner(), &key).await?)
    }

    async fn keys(&mut self, prefix: String, after: Option<String>) -> Result<Vec<String>, Error> {
        Ok(self.state()?.keys(&self.owner(), &prefix, after.as_deref(), clock::now_ms()).await?)
    }
}

impl Lent {
    fn state(&self) -> Result<Arc<dyn State>, Error> {
        self.loan.state.clone().ok_or_else(|| Error::Unavailable("no state is lent to this call".to_owned()))
    }

    fn owner(&self) -> String {
        let connection = self.loan.connection.as_ref().map_or("", |connection| connection.name());
        format!("{}/{connection}", self.loan.plugin)
    }
}

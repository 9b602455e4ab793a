//! Sessions: one per connection and plugin build, made one at a time, kept in memory only. A connection whose settings were
//! changed is another one: its account may be another.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::error::Failure;
use super::SignedIn;

/// A session, as its plugin made it.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) data: Arc<[u8]>,
    number: u64,
    valid_until: Option<Instant>,
}

impl Session {
    /// What a plugin without sign-in, and sign-in itself, is handed.
    pub(super) fn none() -> Self {
        Self { data: Arc::from(b"null".as_slice()), number: 0, valid_until: None }
    }

    fn is_valid(&self) -> bool {
        self.valid_until.is_none_or(|until| Instant::now() < until)
    }
}

/// What is known of the session of one connection and build.
#[derive(Default)]
enum Known {
    /// Nobody has signed in yet.
    #[default]
    Nothing,
    /// The last sign-in.
    Session(Session),
    /// The last sign-in failed, at this time.
    Failure(Failure, Instant),
}

/// How long a failed sign-in stands for those who wait for one: vendors lock accounts that try too often. They are told when to come
/// again: an attempt before would only meet the same failure.
const FAILED_FOR: Duration = Duration::from_secs(2);

type Slot = Arc<Mutex<Known>>;

/// All sessions of a host.
#[derive(Default)]
pub struct Sessions {
    slots: Mutex<HashMap<(u64, String), Slot>>,
    made: AtomicU64,
}

impl Sessions {
    /// A valid session of a connection ([`Connection::id`](crate::capability::Connection::id)) that is not `refused`, made with `sign_in` if there is none. Others who ask meanwhile wait for it.
    pub(super) async fn get<F, Fut>(
        &self,
        connection: u64,
        plugin_digest: &str,
        refused: Option<&Session>,
        sign_in: F,
    ) -> Result<Session, Failure>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<SignedIn, Failure>>,
    {
        let key = (connection, plugin_digest.to_owned());
        let slot = Arc::clone(self.slots.lock().await.entry(key).or_default());
        let mut known = slot.lock().await;
        match &*known {
            Known::Session(session)
                if session.is_valid() && refused.is_none_or(|refused| refused.number != session.number) =>
            {
                return Ok(session.clone());
            }
            Known::Failure(failure, at) if at.elapsed() < FAILED_FOR => {
                return Err(failure.clone().not_before(FAILED_FOR.saturating_sub(at.elapsed())));
            }
            _ => {}
        }
        let signed_in = match sign_in().await {
            Ok(signed_in) => signed_in,
            Err(failure) => {
                *known = Known::Failure(failure.clone(), Instant::now());
                return Err(failure.not_before(FAILED_FOR));
            }
        };
        let session = Session {
            data: signed_in.data.into(),
            number: self.made.fetch_add(1, Ordering::Relaxed) + 1,
            valid_until: signed_in.valid_for_ms.map(|ms| Instant::now() + Duration::from_millis(ms)),
        };
        *known = Known::Session(session.clone());
        Ok(session)
    }

    /// Forgets the sessions of connections that are no more.
    pub async fn keep_only(&self, connections: &[u64]) {
        self.slots.lock().await.retain(|(connection, _), _| connections.contains(connection));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::cell::Cell;

    use super::*;
    use crate::plugin::FailureKind;

    #[tokio::test]
    async fn a_failed_sign_in_stands_for_a_while_and_says_when_to_come_again() {
        let sessions = Sessions::default();
        let asked = Cell::new(0);
        let sign_in = async || {
            asked.set(asked.get() + 1);
            Err(Failure::of_host(FailureKind::Transient, "HTTP 503", "busy"))
        };
        let wait = async || sessions.get(1, "build", None, sign_in).await.err().unwrap().retry_after.unwrap();
        let begun = Instant::now();
        assert_eq!(wait().await, FAILED_FOR);
        let told = wait().await;
        assert_eq!(asked.get(), 1, "vendors lock accounts that try too often");
        assert!(told < FAILED_FOR && told + begun.elapsed() >= FAILED_FOR, "{told:?}");
    }

    #[tokio::test]
    async fn what_the_vendor_asks_for_is_longer() {
        let asked_for = Duration::from_mins(1);
        let mut failure = Failure::of_host(FailureKind::Throttled, "HTTP 429", "later");
        failure.retry_after = Some(asked_for);
        let failed = Sessions::default().get(1, "build", None, async || Err(failure)).await.err().unwrap();
        assert_eq!(failed.retry_after, Some(asked_for));
    }
}

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

/// How long a failed sign-in stands for those who wait for one: vendors lock accounts that try too often.
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
            Known::Failure(failure, at) if at.elapsed() < FAILED_FOR => return Err(failure.clone()),
            _ => {}
        }
        let signed_in = match sign_in().await {
            Ok(signed_in) => signed_in,
            Err(failure) => {
                *known = Known::Failure(failure.clone(), Instant::now());
                return Err(failure);
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

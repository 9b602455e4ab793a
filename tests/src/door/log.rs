//! What was asked, when, and how much of it at once; and a bell, so that a test can wait for something to have happened instead of
//! sleeping.
//!
//! Times are the machine's monotonic clock and not the vendors' [`crate::Clock`]: the log measures what the host under test does in
//! real time. The bell is shared by the vendors and rings whenever a request begins, is applied late, or ends.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;

use super::{Fault, Request, Route};
use crate::lock;

/// One request as the vendor saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Seen {
    /// What it asked for.
    pub route: Route,
    /// The path as sent.
    pub path: String,
    /// The query string as sent.
    pub query: String,
    /// The body as sent.
    pub body: Bytes,
    /// When it had been read.
    pub at: Instant,
    /// How many requests the vendor was handling then, this one included.
    pub in_flight: usize,
    /// The answer's HTTP status; none while it is being handled, and for ever if the client hung up.
    pub status: Option<u16>,
    /// The fault that met it.
    pub fault: Option<Fault>,
}

/// A condition that did not come true in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the condition did not come true within {after:?}")]
pub struct WaitTimedOut {
    /// How long it was waited for.
    pub after: Duration,
}

/// Rings when something happened at any vendor.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<watch::Sender<u64>>);

impl Default for Bell {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.send_modify(|rung| *rung = rung.wrapping_add(1));
    }

    /// Waits until `condition`, asked now and after each ring, says yes.
    pub(crate) async fn wait_for(
        &self,
        timeout: Duration,
        mut condition: impl FnMut() -> bool,
    ) -> Result<(), WaitTimedOut> {
        let mut rings = self.0.subscribe();
        let waiting = async {
            while !condition() {
                if rings.changed().await.is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(timeout, waiting).await.map_err(|_| WaitTimedOut { after: timeout })
    }
}

#[derive(Debug, Default)]
struct Book {
    seen: Vec<Seen>,
    in_flight: usize,
}

/// The log of one vendor. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    book: Arc<Mutex<Book>>,
    bell: Bell,
}

impl RequestLog {
    pub(crate) fn new(bell: Bell) -> Self {
        Self { book: Arc::default(), bell }
    }

    /// Every request so far, in the order they were read.
    pub fn all(&self) -> Vec<Seen> {
        lock(&self.book).seen.clone()
    }

    /// The requests of one route.
    pub fn of(&self, route: Route) -> Vec<Seen> {
        let mut seen = self.all();
        seen.retain(|seen| seen.route == route);
        seen
    }

    /// How many requests of one route there were ([`Route::Any`]: of all).
    pub fn count(&self, route: Route) -> usize {
        let book = lock(&self.book);
        let is_counted = |seen: &&Seen| route == Route::Any || seen.route == route;
        book.seen.iter().filter(is_counted).count()
    }

    /// How many requests the vendor was handling at most at the same time.
    pub fn max_in_flight(&self) -> usize {
        let book = lock(&self.book);
        book.seen.iter().map(|seen| seen.in_flight).max().unwrap_or(0)
    }

    /// The largest number of requests that came within any stretch of time of length `window`.
    pub fn max_within(&self, window: Duration) -> usize {
        let times: Vec<Instant> = lock(&self.book).seen.iter().map(|seen| seen.at).collect();
        let mut first = times.iter();
        let mut held = 0_usize;
        let mut most = 0;
        let mut oldest = first.next();
        for at in &times {
            held += 1;
            while let Some(begin) = oldest
                && at.duration_since(*begin) >= window
            {
                held -= 1;
                oldest = first.next();
            }
            most = most.max(held);
        }
        most
    }

    /// Forgets every request so far.
    pub fn clear(&self) {
        lock(&self.book).seen.clear();
    }

    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    pub(super) fn begin(&self, route: Route, request: &Request) -> Ticket {
        let mut book = lock(&self.book);
        book.in_flight += 1;
        let seen = Seen {
            route,
            path: request.path.clone(),
            query: request.query.clone(),
            body: request.body.clone(),
            at: Instant::now(),
            in_flight: book.in_flight,
            status: None,
            fault: None,
        };
        let at = seen.at;
        book.seen.push(seen);
        let index = book.seen.len() - 1;
        drop(book);
        self.ring();
        Ticket { log: self.clone(), index, at }
    }
}

/// A request under way; dropped when it is answered, or when the client has hung up.
pub(super) struct Ticket {
    log: RequestLog,
    index: usize,
    at: Instant,
}

impl Ticket {
    pub(super) fn meets(&self, fault: &Fault) {
        self.update(|seen| seen.fault = Some(fault.clone()));
    }

    pub(super) fn answered(self, status: u16) {
        self.update(|seen| seen.status = Some(status));
    }

    fn update(&self, change: impl FnOnce(&mut Seen)) {
        let mut book = lock(&self.log.book);
        // After `clear` the place may belong to another request.
        if let Some(seen) = book.seen.get_mut(self.index).filter(|seen| seen.at == self.at) {
            change(seen);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.log.book).in_flight -= 1;
        self.log.ring();
    }
}

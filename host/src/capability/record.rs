//! What one call of a plugin did, as the host saw it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::journal::{Excerpt, Exchange};

/// What one call did. Shared between the call and its caller, so that it outlives a call that is cut off.
#[derive(Debug, Default)]
pub struct CallRecord {
    requests_asked_for: AtomicU32,
    requests_left: AtomicU32,
    answers_whole: AtomicU32,
    writes_unanswered: AtomicU32,
    answer_bytes: AtomicU64,
    queued: AtomicU32,
    queued_ms: AtomicU64,
    memory_exceeded: AtomicBool,
    log_lines: AtomicU32,
    log_bytes: AtomicU64,
    log_dropped: AtomicU32,
    output: Mutex<Vec<u8>>,
    tables: Mutex<BTreeSet<String>>,
    /// Its requests and their answers, if they are to be kept.
    exchanges: Option<Mutex<Vec<Exchange>>>,
}

/// Exchanges that are kept of one call, and bytes of each body: enough to see what a bill was sent as.
const EXCHANGES: usize = 20;
const EXCERPT: usize = 16 * 1024;

/// Requests that one call may make: many more than a page of products with their details.
const REQUESTS: u32 = 1_000;

/// How much of a guest's standard output and error is kept: enough for a panic message.
const OUTPUT_LIMIT: usize = 8 * 1024;

impl CallRecord {
    /// A record that keeps the call's requests and their answers.
    pub fn with_exchanges() -> Self {
        Self { exchanges: Some(Mutex::default()), ..Self::default() }
    }

    /// The requests and their answers so far, secrets included; afterwards there are none.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        let exchanges = self.exchanges.as_ref().and_then(|exchanges| exchanges.lock().ok());
        exchanges.map(|mut exchanges| std::mem::take(&mut *exchanges)).unwrap_or_default()
    }

    /// Notes a request that is about to leave; says where to note its answer.
    pub(super) fn note_request(&self, request: &reqwest::Request) -> Noted<'_> {
        let begun = Instant::now();
        let place = self.exchanges.as_ref().and_then(|exchanges| {
            let mut exchanges = exchanges.lock().ok().filter(|exchanges| exchanges.len() < EXCHANGES)?;
            let url = request.url();
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
            exchanges.push(Exchange {
                method: request.method().to_string(),
                path: format!("{}{query}", url.path()),
                request: Excerpt::of(body, EXCERPT),
                status: None,
                reply: Excerpt::default(),
                took_ms: 0,
            });
            Some(exchanges.len() - 1)
        });
        Noted { record: self, place, begun }
    }

    /// Counts a request that the guest asks for; false when it has asked for too many.
    pub(super) fn admit_request(&self) -> bool {
        self.requests_asked_for.fetch_add(1, Ordering::Relaxed) < REQUESTS
    }

    /// Counts bytes of answers, which the host holds until the guest takes them; false when they are too many together.
    pub(super) fn admit_answer_bytes(&self, bytes: usize, limit: u64) -> bool {
        let before = self.answer_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        before.saturating_add(bytes as u64) <= limit
    }

    /// A request waits for its turn: for the connection's rate, concurrency or pause.
    pub(super) fn queue(&self) -> Queued<'_> {
        self.queued.fetch_add(1, Ordering::Relaxed);
        Queued(self, Instant::now())
    }

    /// How long requests have waited for their turn.
    pub fn queued_for(&self) -> Duration {
        Duration::from_millis(self.queued_ms.load(Ordering::Relaxed))
    }

    /// Whether a request waits for its turn. That time is the host's, not the guest's.
    pub fn is_queued(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > 0
    }

    /// A request is handed to the network.
    pub(super) fn request_leaves(&self, is_write: bool) {
        self.requests_left.fetch_add(1, Ordering::Relaxed);
        self.writes_unanswered.fetch_add(is_write.into(), Ordering::Relaxed);
    }

    /// It turned out that nothing of it left.
    pub(super) fn request_did_not_leave(&self, is_write: bool) {
        self.requests_left.fetch_sub(1, Ordering::Relaxed);
        self.writes_unanswered.fetch_sub(is_write.into(), Ordering::Relaxed);
    }

    /// Its whole answer arrived.
    pub(super) fn answer_arrived(&self, is_write: bool) {
        self.answers_whole.fetch_add(1, Ordering::Relaxed);
        self.writes_unanswered.fetch_sub(is_write.into(), Ordering::Relaxed);
    }

    /// Whether a request that may have changed something left the host and was not answered.
    pub fn write_unanswered(&self) -> bool {
        self.writes_unanswered.load(Ordering::Relaxed) > 0
    }

    /// Requests that left the host.
    pub fn requests_left(&self) -> u32 {
        self.requests_left.load(Ordering::Relaxed)
    }

    /// Whether a failure of the whole call may be taken at its word: at most one request left, and was answered.
    pub fn believable(&self) -> bool {
        let left = self.requests_left();
        left <= 1 && self.answers_whole.load(Ordering::Relaxed) >= left
    }

    pub(super) fn exceed_memory(&self) {
        self.memory_exceeded.store(true, Ordering::Relaxed);
    }

    /// Whether the call wanted more memory than it may have.
    pub fn memory_exceeded(&self) -> bool {
        self.memory_exceeded.load(Ordering::Relaxed)
    }

    /// Counts a log line; false when the volume is used up.
    pub(super) fn admit_log_line(&self, bytes: usize, max_lines: u32, max_bytes: u64) -> bool {
        let lines = self.log_lines.fetch_add(1, Ordering::Relaxed);
        let volume = self.log_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let admitted = lines < max_lines && volume.saturating_add(bytes as u64) <= max_bytes;
        if !admitted {
            self.log_dropped.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Log lines that were over the limit.
    pub fn log_lines_dropped(&self) -> u32 {
        self.log_dropped.load(Ordering::Relaxed)
    }

    pub(super) fn keep_output(&self, bytes: &[u8]) {
        if let Ok(mut output) = self.output.lock() {
            let room = OUTPUT_LIMIT.saturating_sub(output.len());
            output.extend(bytes.iter().take(room));
        }
    }

    /// What the guest wrote to its standard output and error: a panic's message, for one.
    pub fn output(&self) -> String {
        self.output.lock().map(|output| String::from_utf8_lossy(&output).trim().to_owned()).unwrap_or_default()
    }

    pub(super) fn table_read(&self, table: &str) {
        if let Ok(mut tables) = self.tables.lock()
            && !tables.contains(table)
        {
            tables.insert(table.to_owned());
        }
    }

    /// The tables that the call read: a change of one of them may change its result.
    pub fn tables_read(&self) -> Vec<String> {
        self.tables.lock().map(|tables| tables.iter().cloned().collect()).unwrap_or_default()
    }
}

/// Where the answer to a request is noted, if it is kept.
pub(super) struct Noted<'a> {
    record: &'a CallRecord,
    place: Option<usize>,
    begun: Instant,
}

impl Noted<'_> {
    /// A status came, and a body or what went wrong with it.
    pub(super) fn answered(&self, status: Option<u16>, body: &[u8]) {
        let (Some(place), Some(exchanges)) = (self.place, &self.record.exchanges) else { return };
        if let Ok(mut exchanges) = exchanges.lock()
            && let Some(exchange) = exchanges.get_mut(place)
        {
            exchange.status = status;
            exchange.reply = Excerpt::of(body, EXCERPT);
            exchange.took_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
    }
}

/// While it lives, a request waits for its turn.
pub(super) struct Queued<'a>(&'a CallRecord, Instant);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let waited_ms = u64::try_from(self.1.elapsed().as_millis()).unwrap_or(0);
        self.0.queued_ms.fetch_add(waited_ms, Ordering::Relaxed);
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_believed_only_after_at_most_one_answered_request() {
        let record = CallRecord::default();
        assert!(record.believable(), "nothing left the host");
        record.request_leaves(true);
        assert!(!record.believable() && record.write_unanswered(), "one left and was not answered");
        record.answer_arrived(true);
        assert!(record.believable() && !record.write_unanswered(), "one left and was answered");
        record.request_leaves(false);
        assert!(!record.write_unanswered(), "reading changes nothing");
        record.answer_arrived(false);
        assert!(!record.believable(), "two left");
        record.request_did_not_leave(false);
        assert!(record.believable(), "the second never left");
    }

    #[test]
    fn output_is_capped() {
        let record = CallRecord::default();
        record.keep_output(&vec![b'x'; OUTPUT_LIMIT * 2]);
        assert_eq!(record.output().len(), OUTPUT_LIMIT);
    }

    #[test]
    fn log_volume_is_capped() {
        let record = CallRecord::default();
        assert!(record.admit_log_line(10, 2, 100));
        assert!(!record.admit_log_line(1_000, 2, 100));
        assert!(!record.admit_log_line(1, 2, 10_000));
        assert_eq!(record.log_lines_dropped(), 2);
    }
}

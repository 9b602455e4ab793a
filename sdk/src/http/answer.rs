//! An answer, and what a status means.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::Failure;
use crate::bindings::lent::http as wit;

/// What a request does at the vendor: it decides what a missing or broken answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It changes nothing there, and may be made again.
    Read,
    /// It may have changed something there.
    Write,
}

/// A whole answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers in the order received; names in lower case; repeated headers repeated.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(other, _)| other == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// All headers of this name, which is given in lower case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// How long the vendor asks to wait: `Retry-After` in seconds, at most 15 minutes. A vendor that names a time after its own
    /// maintenance, or nonsense, is asked again before that: a connection that waits for days would look dead.
    pub fn retry_after(&self) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_mins(15);

        let seconds = self.header("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST))
    }

    /// What the body says, short enough for a message: an HTML page's title, or the beginning of the text.
    pub fn excerpt(&self) -> String {
        const LONGEST: usize = 200;

        let text = self.text();
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.is_empty() {
            return "an empty body".to_owned();
        }
        if text.starts_with('<') {
            return match title(text) {
                Some(title) => format!("an HTML page titled `{title}`"),
                None => "an HTML page".to_owned(),
            };
        }
        let words: Vec<&str> = text.split_whitespace().take(LONGEST).collect();
        let line = words.join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
            None => line,
        }
    }

    /// What a status other than success means for the call that made the request.
    ///
    /// | status | read | write |
    /// |---|---|---|
    /// | 401 | unauthorized | unauthorized |
    /// | 429 | throttled | throttled |
    /// | 503 with `Retry-After` | throttled | uncertain |
    /// | 408, 425, other 5xx | transient | uncertain |
    /// | 3xx, 403, 404, 405 | misconfigured | misconfigured |
    /// | anything else | misconfigured | rejected |
    pub fn failure(&self, access: Access) -> Failure {
        let status = self.status;
        let message = format!("the vendor answers HTTP {status}: {}", self.excerpt());
        let failure = match (status, access) {
            (401, _) => Failure::unauthorized(message),
            (429, _) => Failure::throttled(message),
            (503, Access::Read) if self.retry_after().is_some() => Failure::throttled(message),
            (408 | 425 | 500..=599, Access::Read) => Failure::transient(message),
            (408 | 425 | 500..=599, Access::Write) => Failure::uncertain(message),
            (300..=399, _) => {
                Failure::misconfigured(message).hint("redirects are not followed; check the connection's `base_url`")
            }
            (404 | 405, _) => Failure::misconfigured(message).hint("check the connection's `base_url`"),
            (403, _) | (_, Access::Read) => Failure::misconfigured(message),
            (_, Access::Write) => Failure::rejected(message),
        };
        failure.code(format!("HTTP {status}")).retry_after(self.retry_after())
    }
}

fn title(html: &str) -> Option<&str> {
    // ASCII lower-casing keeps every byte offset.
    let lower = html.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower.get(tag..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = html.get(start..end)?.trim();
    (!title.is_empty()).then_some(title)
}

impl From<wit::Response> for Response {
    fn from(response: wit::Response) -> Self {
        Self { status: response.status, headers: response.headers, body: response.body }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::FailureKind::{self, Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_status_is_judged_by_what_was_asked() {
        let cases: [(u16, FailureKind, FailureKind); 9] = [
            (302, Misconfigured, Misconfigured),
            (400, Misconfigured, Rejected),
            (401, Unauthorized, Unauthorized),
            (403, Misconfigured, Misconfigured),
            (404, Misconfigured, Misconfigured),
            (408, Transient, Uncertain),
            (429, Throttled, Throttled),
            (500, Transient, Uncertain),
            (503, Transient, Uncertain),
        ];
        for (status, read, write) in cases {
            assert_eq!(answer(status, "").failure(Access::Read).kind, read);
            assert_eq!(answer(status, "").failure(Access::Write).kind, write);
        }
    }

    #[test]
    fn a_vendor_that_says_how_long_is_waited_for() {
        let mut busy = answer(503, "busy");
        busy.headers.push(("retry-after".into(), "7".into()));
        let failure = busy.failure(Access::Read);
        assert_eq!(failure.kind, Throttled);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(failure.code.as_deref(), Some("HTTP 503"));
        assert_eq!(busy.failure(Access::Write).kind, Uncertain);
    }

    #[test]
    fn a_wait_is_whole_seconds_and_at_most_a_quarter_of_an_hour() {
        let cases = [
            ("0", Some(0)),
            (" 900 ", Some(900)),
            ("901", Some(900)),
            ("18446744073709551615", Some(900)),
            ("99999999999999999999", None),
            ("-1", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("", None),
        ];
        for (value, seconds) in cases {
            let mut busy = answer(429, "");
            busy.headers.push(("retry-after".into(), value.into()));
            assert_eq!(busy.retry_after(), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn an_excerpt_fits_in_a_message() {
        let cases = [
            ("", "an empty body"),
            ("<html><head><TITLE>\n502 Bad Gateway </title>", "an HTML page titled `502 Bad Gateway`"),
            ("<html>", "an HTML page"),
            ("\u{feff}a\n  b", "a b"),
        ];
        for (body, excerpt) in cases {
            assert_eq!(answer(200, body).excerpt(), excerpt);
        }
        let long = answer(200, &"长".repeat(300)).excerpt();
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with('…'));
    }
}

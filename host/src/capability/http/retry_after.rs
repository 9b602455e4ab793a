//! `Retry-After`: how long a vendor asks to wait, as a number of seconds or as a date (RFC 9110, 10.2.3).

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::observe::clock;

/// How long to wait. A date counts from the answer's own `Date`, since a vendor's clock may differ from the host's; one that
/// has passed asks for nothing more.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = date(headers, &DATE).unwrap_or_else(|| SystemTime::from(clock::now()));
    Some(until.duration_since(now).unwrap_or_default())
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn of(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        read(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates() {
        let date = Some("Sun, 06 Nov 1994 08:49:07 GMT");
        assert_eq!(of("7", date), Some(7));
        assert_eq!(of(" 120 ", None), Some(120));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT", date), Some(30), "by the vendor's clock");
        assert_eq!(of("Sunday, 06-Nov-94 08:49:37 GMT", date), Some(30), "as it was written before RFC 1123");
        assert_eq!(of("Sun, 06 Nov 1994 08:49:00 GMT", date), Some(0), "it has passed");
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT", None), Some(0), "by the host's clock");
        for nothing in ["", "soon", "-1", "1.5", "Sun, 06 Nov"] {
            assert_eq!(of(nothing, date), None, "{nothing}");
        }
        assert_eq!(read(&HeaderMap::new()), None);
    }
}

//! Both vendors, as far as speed goes: pages of rows without end, and pushes that are counted.
//!
//! It is to cost as little as possible, for it runs on the same machine: one thread, rows written as text, and of a push only
//! the order's number is looked at. The simulators of the tests are where vendors behave like vendors.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;

use super::LINES;

/// What one side is measured with.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Task {
    /// Rows that the ERP has.
    pub(super) rows: u64,
    /// How long each call takes, beside the work for it.
    pub(super) latency_ms: u64,
}

/// What the fixture has seen since it was given a task.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// When the first page was asked for, Unix microseconds.
    pub(super) first_page_us: u64,
    /// Pages given out.
    pub(super) pages: u64,
    /// Orders pushed.
    pub(super) pushes: u64,
    /// Different numbers among them.
    pub(super) numbers: u64,
}

#[derive(Default)]
struct Books {
    task: Task,
    seen: Seen,
    /// How often each order was pushed.
    orders: HashMap<u64, u32>,
}

type Shared = Arc<Mutex<Books>>;

/// Serves until standard input ends, which it does when whoever started it is gone. Writes its port first. Each line that it
/// reads is a task; it answers with what it has seen of the one before.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let books = Shared::default();
    std::thread::spawn({
        let books = Arc::clone(&books);
        move || {
            if let Err(error) = take_tasks(&books) {
                eprintln!("the fixture understands no more: {error:#}");
            }
            std::process::exit(0);
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let books = Arc::clone(&books);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(Arc::clone(&books), request));
            // A client that goes away is no fault.
            drop(http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

fn take_tasks(books: &Shared) -> anyhow::Result<()> {
    for line in std::io::stdin().lines() {
        let next = Books { task: serde_json::from_str(&line?)?, ..Books::default() };
        let before = std::mem::replace(&mut *lock(books), next);
        println!("{}", serde_json::to_string(&before.seen)?);
    }
    Ok(())
}

async fn answer(books: Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let latency_ms = lock(&books).task.latency_ms;
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
    let (status, text) = match vendor(&books, &path, &body) {
        Ok(text) => (200, text),
        Err(error) => (500, format!("{path}: {error:#}")),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn lock(books: &Shared) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

fn vendor(books: &Shared, path: &str, body: &[u8]) -> anyhow::Result<String> {
    if path.ends_with("/order/push") {
        let number = number_of(body).context("the order has no number")?;
        let mut books = lock(books);
        let pushed = books.orders.entry(number).or_default();
        *pushed += 1;
        let is_first = *pushed == 1;
        books.seen.pushes += 1;
        books.seen.numbers += u64::from(is_first);
        return Ok(format!(r#"{{"code":200,"message":"success","data":{{"order_id":{}}}}}"#, 7_000_000 + number));
    }
    if path.ends_with("/access_token") {
        return Ok(r#"{"access_token":"bench","token_type":"Bearer","expires_in":28800}"#.to_owned());
    }
    anyhow::ensure!(path.contains("ExecuteBillQuery"), "nobody answers this");
    let query: Query = serde_json::from_slice(body)?;
    if query.data.form_id == "BD_Currency" {
        return Ok(r#"[["PRE001"]]"#.to_owned());
    }
    let after = query.after()?;
    let mut books = lock(books);
    if books.seen.pages == 0 {
        books.seen.first_page_us = now_us();
    }
    books.seen.pages += 1;
    Ok(page(after, query.data.limit, books.task.rows))
}

pub(super) fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// The digits of the order's number.
fn number_of(body: &[u8]) -> Option<u64> {
    const BEFORE: &[u8] = b"\"order_no\":\"XSDD";
    let at = body.windows(BEFORE.len()).position(|window| window == BEFORE)?;
    let digits = body.get(at + BEFORE.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

#[derive(Deserialize)]
struct Query {
    data: QueryData,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueryData {
    form_id: String,
    #[serde(default)]
    filter_string: Value,
    limit: u64,
}

impl Query {
    /// The entry's id that the page begins behind, of which the filter speaks last.
    fn after(&self) -> anyhow::Result<u64> {
        let filter = self.data.filter_string.as_str().unwrap_or_default();
        match filter.rsplit_once('>') {
            None => Ok(0),
            Some((_, last)) => {
                last.trim().trim_matches('\'').parse().with_context(|| format!("what does `{filter}` mean?"))
            }
        }
    }
}

/// Rows in the order of `project`'s columns.
fn page(after: u64, limit: u64, rows: u64) -> String {
    let last = rows.min(after.saturating_add(limit));
    let mut text = String::with_capacity(256 * usize::try_from(last.saturating_sub(after)).unwrap_or_default() + 2);
    text.push('[');
    for id in after + 1..=last {
        if id > after + 1 {
            text.push(',');
        }
        let (order, product) = ((id - 1) / LINES, id * 37 % 5_000);
        let (quantity, cents) = (1 + id % 40, 100 + id * 7 % 9_000);
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            r#"[{id},"XSDD{order:07}","C","100","2026-11-01T00:00:00","2026-11-01T08:30:00","CUST{:04}","EMP{:02}","CNY","加急，请在周五之前发货","CH{product:05}","不锈钢螺栓 M{product}",{},{},{quantity}.00,{}.{:02}00]"#,
            order % 900,
            order % 40,
            68_719_476_736 + product,
            69_719_476_736 + product,
            cents / 100,
            cents % 100,
        );
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn ids(page: &str) -> Vec<u64> {
        let rows: Vec<Vec<Value>> = serde_json::from_str(page).unwrap();
        rows.iter().map(|row| row[0].as_u64().unwrap()).collect()
    }

    #[test]
    fn pages_go_on_behind_a_key_and_end() {
        assert_eq!(ids(&page(0, 3, 5)), [1, 2, 3]);
        assert_eq!(ids(&page(3, 3, 5)), [4, 5]);
        assert!(ids(&page(5, 3, 5)).is_empty());
        let query = |filter: &str| {
            let data = QueryData { form_id: String::new(), filter_string: filter.into(), limit: 1 };
            Query { data }.after().unwrap()
        };
        assert_eq!((query(""), query("FEntryID > 500"), query("(FDate>='2026') and FEntryID > 17")), (0, 500, 17));
    }

    #[test]
    fn a_push_is_known_by_its_number() {
        assert_eq!(number_of(br#"{"name":"x","order_no":"XSDD0000042","a":1}"#), Some(42));
        assert_eq!(number_of(br#"{"name":"x"}"#), None);
    }
}

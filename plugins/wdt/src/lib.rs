//! WDT (旺店通企业版) as a source: `wdt.refund.query`, and any other query of its shape.
//!
//! There are two ways in, and both are one signed POST per page: the Qimen (奇门) router of Taobao's open platform, and WDT's own
//! `openapi2`, which lacks what Taobao and Tmall sold (`request`, `sign`). The scheme's request items are the query (`query`). A window
//! longer than the vendor allows is split (`window`), and each part is paged backwards, because pages only have numbers and rows leave a
//! window while it is read (`paging`). What an answer is, `reply` says; what a refusal means, `refusal`. Rows are passed on unparsed.

mod api;
mod config;
mod fetch;
mod paging;
mod query;
mod refusal;
mod reply;
mod request;
mod session;
mod sign;
mod window;

use std::time::{SystemTime, UNIX_EPOCH};

use qiao_plugin::credentials;
use qiao_plugin::http::{Error, Request, Response};
use qiao_plugin::{Connection, Connector, Description, Failure, Fetch, Operation, Page, SignedIn, Source};

use crate::sign::Sum;

/// What the plugin has of its host; tests put a vendor in its place.
struct Host<'h> {
    /// How a request reaches the vendor.
    send: &'h dyn Fn(Request) -> Result<Response, Error>,
    /// Computes with the secret.
    compute: &'h dyn Fn(Sum) -> Result<Vec<u8>, credentials::Error>,
    /// Now, in Unix seconds.
    now: &'h dyn Fn() -> i64,
}

const HOST: Host<'static> = Host { send: &Request::send, compute: &Sum::compute, now: &now };

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

struct Wdt;

impl Connector for Wdt {
    fn describe() -> Description {
        Description::new(
            "wdt",
            env!("CARGO_PKG_VERSION"),
            "Reads refunds and whatever else WDT (旺店通企业版) can be queried for, through Qimen (奇门) or directly.",
        )
        .config_schema(config::schema())
        .secret(
            sign::APP_SECRET,
            "The application's secret: that of Taobao's open platform in mode `qimen`, that of WDT's in mode `direct`.",
        )
        .operation(
            Operation::source(
                api::REFUND_API,
                "Refunds, returns and exchanges (退换单), by time of change or of settlement.",
            )
            .largest_batch(config::LARGEST_PAGE),
        )
        .operation(
            Operation::source(
                "wdt.*",
                "Any other query of the same shape: `wdt.trade.query`, `wdt.stockout.order.query.trade` ….",
            )
            .largest_batch(config::LARGEST_PAGE),
        )
    }

    fn sign_in(connection: &Connection) -> Result<SignedIn, Failure> {
        session::sign_in(connection, &HOST)
    }
}

impl Source for Wdt {
    fn fetch(call: Fetch) -> Result<Page, Failure> {
        fetch::fetch(&call, &HOST)
    }
}

qiao_plugin::export!(source: Wdt);

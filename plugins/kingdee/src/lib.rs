//! Kingdee Cloud Galaxy (金蝶云星空) as a source: `ExecuteBillQuery` for any form.
//!
//! A request is signed, not logged in (`sign`). The scheme's request items become one query (`query`), which is paged by the key
//! that tells rows apart, so that rows that change meanwhile are not skipped (`paging`). The vendor answers HTTP 200 to almost
//! everything; what it means is told by the body (`reply`) and its `MsgCode` (`refusal`). Rows are passed on unparsed.

mod config;
mod fetch;
mod paging;
mod query;
mod refusal;
mod reply;
mod session;
mod sign;

use qiao_plugin::http::{Error, Request, Response};
use qiao_plugin::{Connection, Connector, Description, Failure, Fetch, Operation, Page, SignedIn, Source};

/// `{Service}.common.kdsvc`, relative to the connection's base URL (Kingdee `WebAPI` help, `ExecuteBillQuery`).
const QUERY_PATH: &str = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc";

const QUERY_API: &str = "executeBillQuery";

/// How a request reaches the vendor.
type Send<'s> = &'s dyn Fn(Request) -> Result<Response, Error>;

struct Kingdee;

impl Connector for Kingdee {
    fn describe() -> Description {
        Description::new(
            "kingdee",
            env!("CARGO_PKG_VERSION"),
            "Reads bills and master data of Kingdee Cloud Galaxy (金蝶云星空).",
        )
        .config_schema(config::schema())
        .secret(
            session::APP_SECRET,
            "The application's secret, from 第三方系统登录授权 in Kingdee's system administration.",
        )
        .operation(
            Operation::source(
                QUERY_API,
                "The rows of any form (FormId), paged by key, in pages of up to the connection's `max_limit`.",
            )
            .largest_batch(config::LARGEST_LIMIT),
        )
    }

    fn sign_in(connection: &Connection) -> Result<SignedIn, Failure> {
        session::sign_in(connection, &Request::send)
    }
}

impl Source for Kingdee {
    fn fetch(call: Fetch) -> Result<Page, Failure> {
        fetch::fetch(&call, &Request::send)
    }
}

qiao_plugin::export!(source: Kingdee);

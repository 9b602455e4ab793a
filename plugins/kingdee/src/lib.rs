//! Kingdee Cloud Galaxy (金蝶云星空) as source and target, for any form.
//!
//! **Reaching it.** Every request goes out through `vendor`, signed for its own service (`sign`, `service`) or within a session that was
//! opened once (`session`, `login`). The vendor answers HTTP 200 to almost everything; what it means is told by the body (`reply`), its
//! `ResponseStatus` (`status`) and its `MsgCode` (`refusal`).
//!
//! **Reading.** The scheme's request items become one query (`query`), which is paged by the key that tells rows apart, so that rows that
//! change meanwhile are not skipped (`paging`, `fetch`). Rows are passed on unparsed; only those of `BillQuery`, which are objects, are
//! put in the order of the columns (`rows`).
//!
//! **Writing.** A call (`push`, `options`) saves its bills in one request (`save`), each with an outcome of its own (`tally`). Where the
//! scheme asks for it they are then submitted and audited (`workflow`), and the true status at Kingdee (`document`) decides what comes
//! next: a bill that a crash, a refusal or a lost reply left half way goes on from where it is (`resume`), and is never made twice; one whose
//! content has changed since (`digest`) is saved again before it goes on. A bill that nobody knows of is looked up by its number (`find`);
//! what goes into a filter is quoted in one place (`filter`).

mod config;
mod digest;
mod document;
mod fetch;
mod filter;
mod find;
mod login;
mod options;
mod paging;
mod push;
mod query;
mod refusal;
mod reply;
mod resume;
mod rows;
mod save;
mod service;
mod session;
mod sign;
mod status;
mod tally;
#[cfg(test)]
mod testing;
mod vendor;
mod workflow;

use qiao_plugin::http::{Error, Request, Response};
use qiao_plugin::{
    Connection, Connector, Description, Failure, Fetch, Find, Found, Operation, Outcome, Page, Push, SignedIn, Source,
    Target,
};

use service::Service;

/// How a request reaches the vendor.
type Send<'s> = &'s dyn Fn(Request) -> Result<Response, Error>;

struct Kingdee;

impl Connector for Kingdee {
    fn describe() -> Description {
        let description = Description::new(
            "kingdee",
            env!("CARGO_PKG_VERSION"),
            "Reads and writes bills and master data of Kingdee Cloud Galaxy (金蝶云星空); submits and audits what it writes.",
        )
        .config_schema(config::schema())
        .secret(
            session::APP_SECRET,
            "The application's secret, from 第三方系统登录授权 in Kingdee's system administration.",
        );
        // Metadata may also give a service's whole name, as the help does.
        let services = Service::SOURCES.into_iter().chain(Service::TARGETS);
        services.fold(description, |description, service| {
            description.operation(operation(service, service.api())).operation(operation(service, &service.name()))
        })
    }

    fn sign_in(connection: &Connection) -> Result<SignedIn, Failure> {
        session::sign_in(connection, &Request::send)
    }
}

fn operation(service: Service, api: &str) -> Operation {
    let target = |summary, largest_batch| {
        Operation::target(api, summary)
            .found_by(document::NUMBER_FIELD)
            .largest_batch(largest_batch)
            .largest_find(find::LARGEST_FIND)
    };
    match service {
        Service::BatchSave => target(
            "Saves up to 20 bills of any form (`otherRequest`: FormId) in one call; with IsAutoSubmitAndAudit submits and audits them.",
            save::LARGEST_BATCH,
        ),
        Service::Save => target(
            "Saves one bill of any form (`otherRequest`: FormId); with IsAutoSubmitAndAudit submits and audits it.",
            1,
        ),
        Service::BillQuery => {
            Operation::source(api, "The same rows as executeBillQuery, by the query that Kingdee added in 2023.")
                .largest_batch(config::LARGEST_LIMIT)
        }
        _ => Operation::source(
            api,
            "The rows of any form (FormId), paged by key, in pages of up to the connection's `max_limit`.",
        )
        .largest_batch(config::LARGEST_LIMIT),
    }
}

impl Source for Kingdee {
    fn fetch(call: Fetch) -> Result<Page, Failure> {
        fetch::fetch(&call, &Request::send)
    }
}

impl Target for Kingdee {
    fn push(call: Push) -> Result<Vec<Outcome>, Failure> {
        push::push(&call, &Request::send)
    }

    fn find(call: Find) -> Result<Vec<Found>, Failure> {
        find::find(&call, &Request::send)
    }
}

qiao_plugin::export!(connector: Kingdee);

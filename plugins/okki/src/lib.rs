//! OKKI (小满) CRM as source and target.
//!
//! A token is fetched once and lasts some hours (`session`). Answers come in an envelope whose `code` decides, not the HTTP status
//! (`reply`). Lists are paged by number (`list`), products are joined with their SKUs (`products`), orders are pushed one by one
//! (`order`) with their lines matched to those that OKKI has (`lines`), and found by their number (`find`). What takes many questions is
//! asked in `ask`.

mod ask;
mod find;
mod lines;
mod list;
mod order;
mod products;
mod reply;
mod session;

use qiao_plugin::http::{self, Error, Request, Response};
use qiao_plugin::{
    Connection, Connector, Description, Failure, Fetch, Find, Found, Operation, Outcome, Page, Push, SignedIn, Source,
    Target,
};

/// How requests reach the vendor.
type SendAll<'s> = &'s dyn Fn(Vec<Request>) -> Vec<Result<Response, Error>>;

fn send_one(request: Request, send: SendAll<'_>) -> Result<Response, Error> {
    let answer = send(vec![request]).pop();
    answer.unwrap_or_else(|| Err(Error::NoAnswer("the host gives no answer".to_owned())))
}

struct Okki;

impl Connector for Okki {
    fn describe() -> Description {
        Description::new(
            "okki",
            env!("CARGO_PKG_VERSION"),
            "Reads master data of OKKI (小满) CRM and writes sales orders.",
        )
        .config_schema(session::config_schema())
        .secret(session::CLIENT_SECRET, "The application's secret, from OKKI's open platform.")
        .operation(
            Operation::target(
                order::PUSH_API,
                "Creates or edits a sales order; an edit leaves exactly the lines of the bill.",
            )
            .found_by(find::NUMBER_FIELD)
            // They are looked up one by one, side by side.
            .largest_find(20),
        )
        .operation(
            Operation::source(
                products::PRODUCT_API,
                "Products with their SKUs: one row per `sku_id`, none for a product without.",
            )
            .largest_batch(products::LARGEST_PAGE),
        )
        .operation(Operation::source("/v1/company/list", "Companies (customers).").largest_batch(list::LARGEST_PAGE))
        .operation(Operation::source("/v1/user/list", "Users; not paged."))
        .operation(
            Operation::source("/v1/*", "Any other list that is read with GET.").largest_batch(list::LARGEST_PAGE),
        )
    }

    fn sign_in(connection: &Connection) -> Result<SignedIn, Failure> {
        session::sign_in(connection, &http::send_all)
    }
}

impl Source for Okki {
    fn fetch(call: Fetch) -> Result<Page, Failure> {
        if call.api.eq_ignore_ascii_case(products::PRODUCT_API) {
            products::fetch(&call, &http::send_all)
        } else {
            list::fetch(&call, &http::send_all)
        }
    }
}

impl Target for Okki {
    fn push(call: Push) -> Result<Vec<Outcome>, Failure> {
        order::push(call, &http::send_all)
    }

    fn find(call: Find) -> Result<Vec<Found>, Failure> {
        find::find(&call, &http::send_all)
    }
}

qiao_plugin::export!(connector: Okki);

#[cfg(test)]
mod testing {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::format_push_string,
        reason = "tests"
    )]
    //! A vendor made of prepared answers.

    use std::cell::RefCell;
    use std::collections::VecDeque;

    use qiao_plugin::http::Part;
    use qiao_plugin::json::json;
    use qiao_plugin::{Object, Value};

    use super::*;

    pub(crate) fn connection() -> Connection {
        let config = json!({"client_id": "client-1"});
        Connection::new("okki-main", "https://okki/", config, json!({"token": "t-1"}))
    }

    pub(crate) fn object(value: Value) -> Object {
        serde_json::from_value(value).unwrap()
    }

    pub(crate) fn answer(status: u16, body: &Value) -> Result<Response, Error> {
        Ok(Response { status, headers: vec![], body: body.to_string().into_bytes() })
    }

    pub(crate) fn success(data: Value) -> Result<Response, Error> {
        answer(200, &json!({"code": 200, "message": "success", "data": data}))
    }

    /// Gives its answers one after the other and keeps what it was asked.
    pub(crate) struct Vendor {
        answers: RefCell<VecDeque<Result<Response, Error>>>,
        pub(crate) asked: RefCell<Vec<String>>,
    }

    impl Vendor {
        pub(crate) fn new(answers: impl IntoIterator<Item = Result<Response, Error>>) -> Self {
            Self { answers: RefCell::new(answers.into_iter().collect()), asked: RefCell::default() }
        }

        pub(crate) fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
            requests
                .iter()
                .map(|request| {
                    self.asked.borrow_mut().push(told(request));
                    self.answers.borrow_mut().pop_front().expect("an answer prepared")
                })
                .collect()
        }
    }

    /// `GET v1/x?a=1`, `POST v1/x {"a":1}`
    pub(crate) fn told(request: &Request) -> String {
        let mut told = format!("{} {}", request.method, request.path);
        for (place, (name, value)) in request.query.iter().enumerate() {
            let mark = if place == 0 { '?' } else { '&' };
            let value: Vec<String> = value.iter().map(part).collect();
            told.push_str(&format!("{mark}{name}={}", value.concat()));
        }
        for piece in &request.body {
            told.push_str(&format!(" {}", part(piece)));
        }
        told
    }

    fn part(part: &Part) -> String {
        match part {
            Part::Text(text) => text.clone(),
            Part::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Part::Secret { name, encoding, .. } => format!("<{name} {encoding:?}>"),
        }
    }
}

//! One page of a query.

use qiao_plugin::http::Access;
use qiao_plugin::paging::Held;
use qiao_plugin::{Failure, Fetch, Page, log};

use crate::Host;
use crate::api::Api;
use crate::config::{Config, DOCUMENTED_PAGE};
use crate::paging::Place;
use crate::query::{Query, Span};
use crate::reply::{self, List, Reply};
use crate::request::request;
use crate::sign::Parameter;
use crate::window::{Window, in_beijing};

const NO_ROWS: &str = "[]";

pub(crate) fn fetch(call: &Fetch, host: &Host<'_>) -> Result<Page, Failure> {
    let api = Api::read(&call.api)?;
    let config = Config::of(&call.connection)?;
    let query = Query::read(&api, call)?;
    let window = match query.span {
        Span::Nothing => return Ok(Page::raw_objects(NO_ROWS)),
        Span::Timeless => None,
        Span::Window(window) => Some(window),
    };
    let size = call.page_size.clamp(1, config.max_page_size);
    let place = Place::of(&call.page, window, size);
    let part = window.map(|window| window.part(place.from().unwrap_or(window.start)));

    let request = request(&config, &api, parameters(query.parameters, part, &place, size), host)?;
    let response = (host.send)(request).map_err(|error| error.failure(Access::Read))?;
    let answer = match reply::read(&response)? {
        Reply::Answer(answer) => answer,
        Reply::Refused(refusal) => return Err(refusal.failure()),
    };
    let page_no = place.numbered.page();
    let list = answer.list(&api, page_no)?;
    let total = answer.total();
    if place.numbered.is_first() {
        check_size(&list, total, size)?;
    }
    log::debug("page fetched", &[("api", &api.method()), ("page_no", &page_no), ("rows", &list.rows)]);

    let step = place.numbered.after(Held::new(list.text.as_bytes(), list.rows, total));
    let next = step.next.map(|next| place.at(next)).or_else(|| {
        let from = window?.after(part?)?;
        Some(Place::first(Some(from), size))
    });
    let rows = if step.keep { list.text } else { NO_ROWS };
    let kept = if step.keep { list.rows } else { 0 };
    let after = call.page.after(usize::try_from(kept).unwrap_or(usize::MAX));
    let page = Page::raw_objects(rows).next(next.map(|next| after.cursor(next.cursor())));
    // A part's total is not the scan's.
    Ok(if part == window { page.total(total) } else { page })
}

/// The query of one page.
fn parameters(mut query: Vec<Parameter>, part: Option<Window>, place: &Place, size: u32) -> Vec<Parameter> {
    let mut set = |name: &str, value: String| query.push((name.to_owned(), value));
    if let Some(part) = part {
        set("start_time", in_beijing(part.start));
        set("end_time", in_beijing(part.end));
    }
    set("page_no", place.numbered.page().to_string());
    set("page_size", size.to_string());
    query
}

/// A vendor that silently gives its largest page instead of a larger one counts its pages otherwise than we do: rows would be lost.
fn check_size(list: &List<'_>, total: Option<u64>, size: u32) -> Result<(), Failure> {
    let documented = u64::from(DOCUMENTED_PAGE);
    let more = total.is_none_or(|total| total > documented);
    if size <= DOCUMENTED_PAGE || list.rows != documented || !more {
        return Ok(());
    }
    Err(Failure::misconfigured(format!("WDT gives {DOCUMENTED_PAGE} rows where a page of {size} was asked for"))
        .hint(format!("set `max_page_size` in the connection's `config` to {DOCUMENTED_PAGE}, or leave it out")))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        reason = "tests"
    )]
    use std::cell::RefCell;
    use std::collections::{BTreeMap, BTreeSet};

    use qiao_plugin::FailureKind::{self, Misconfigured, Throttled, Transient};
    use qiao_plugin::http::{Error, Request, Response};
    use qiao_plugin::json::json;
    use qiao_plugin::{PageRef, Value};

    use super::*;
    use crate::request::tests::{NOW, connection, told};
    use crate::sign::tests::with_secret;

    fn call(config: Value, request: Value, page: PageRef, page_size: u32) -> Fetch {
        Fetch {
            connection: connection(config),
            api: "wdt.refund.query".to_owned(),
            method: "POST".to_owned(),
            request: serde_json::from_value(request).unwrap(),
            other_request: qiao_plugin::Object::new(),
            id_field: Some("refund_no".to_owned()),
            window: qiao_plugin::Window { start: None, end: "2026-11-21T12:00:00+08:00".to_owned() },
            page,
            page_size,
        }
    }

    fn with_vendor(call: &Fetch, vendor: &dyn Fn(Request) -> Result<Response, Error>) -> Result<Page, Failure> {
        let host = Host { send: vendor, compute: &|sum| Ok(with_secret("topsecret", sum)), now: &|| NOW };
        fetch(call, &host)
    }

    fn answer(body: &str) -> Result<Response, Error> {
        Ok(Response { status: 200, headers: vec![], body: body.as_bytes().to_vec() })
    }

    /// The fields of a request's body.
    fn fields(request: &Request) -> BTreeMap<String, String> {
        let text = told(request);
        let (_, body) = text.rsplit_once(' ').unwrap();
        let plain = |text: &str| text.replace("%3A", ":").replace('+', " ");
        body.split('&').map(|field| field.split_once('=').unwrap()).map(|(n, v)| (n.to_owned(), plain(v))).collect()
    }

    /// A vendor with a refund at each of these times, counted on page 0 only.
    fn scan(refunds: &[&str], request: Value, page_size: u32) -> (Vec<String>, Vec<String>) {
        let asked = RefCell::new(Vec::new());
        let vendor = |request: Request| {
            let fields = fields(&request);
            let inside: Vec<&&str> = refunds
                .iter()
                .filter(|at| fields["start_time"].as_str() <= **at && **at <= fields["end_time"].as_str())
                .collect();
            let (page, size): (usize, usize) =
                (fields["page_no"].parse().unwrap(), fields["page_size"].parse().unwrap());
            let rows: Vec<Value> = inside
                .iter()
                .skip(page * size)
                .take(size)
                .map(|at| json!({"refund_no": at, "amount": "1.0000"}))
                .collect();
            let mut response = json!({"errorcode": 0, "message": "ok"});
            if page == 0 {
                response["total_count"] = inside.len().to_string().into();
            }
            if !rows.is_empty() {
                response["refunds"] = rows.into();
            }
            asked.borrow_mut().push(format!("{}..{} {page}", &fields["start_time"][5..], &fields["end_time"][5..]));
            answer(&json!({"response": response}).to_string())
        };
        let (mut open, mut seen, mut indices) = (vec![PageRef::default()], Vec::new(), BTreeSet::new());
        while let Some(page) = open.pop() {
            assert!(indices.insert(page.index), "page {} came twice", page.index);
            let page = with_vendor(&call(json!({}), request.clone(), page, page_size), &vendor).unwrap();
            let rows: Vec<Value> = serde_json::from_slice(&page.rows).unwrap();
            seen.extend(rows.iter().map(|row| row["refund_no"].as_str().unwrap().to_owned()));
            open.extend(page.next);
        }
        (asked.into_inner(), seen)
    }

    #[test]
    fn parts_of_the_window_are_read_one_after_the_other_each_backwards() {
        let refunds = [
            "2026-08-01 00:00:00",
            "2026-08-20 10:00:00",
            "2026-08-31 00:00:00",
            "2026-10-01 00:00:00",
            "2026-10-02 00:00:00",
        ];
        let request = json!({"start_time": "2026-08-01 00:00:00", "end_time": "2026-10-05 00:00:00", "page_no": "7"});
        let (asked, seen) = scan(&refunds, request, 2);
        assert_eq!(
            asked,
            [
                "08-01 00:00:00..08-31 00:00:00 0",
                "08-01 00:00:00..08-31 00:00:00 1",
                "08-01 00:00:00..08-31 00:00:00 0",
                "08-31 00:00:00..09-30 00:00:00 0",
                "09-30 00:00:00..10-05 00:00:00 0",
            ]
        );
        // The row of the second that two parts share comes twice.
        assert_eq!(seen, [refunds[2], refunds[0], refunds[1], refunds[2], refunds[3], refunds[4]]);
    }

    #[test]
    fn a_window_that_ends_before_it_starts_is_empty_without_asking() {
        let request = json!({"start_time": "2026-11-02 00:00:00", "end_time": "2026-11-01 23:59:59"});
        assert_eq!(scan(&[], request, 40), (vec![], vec![]));
        let request = json!({"start_time": "2026-11-02 00:00:00", "end_time": "2026-11-02 00:00:00"});
        let (asked, seen) = scan(&["2026-11-02 00:00:00"], request, 40);
        assert_eq!((asked.as_slice(), seen.len()), (&["11-02 00:00:00..11-02 00:00:00 0".to_owned()][..], 1));
    }

    #[test]
    fn the_page_is_the_connectors_and_rows_are_passed_on_as_they_are() {
        let request = json!({"process_status": "90", "refund_no": "TK1", "page_size": "7", "page_no": "3"});
        let sizes = [
            (json!({}), 500, "40"),
            (json!({}), 20, "20"),
            (json!({"max_page_size": 100}), 500, "100"),
            (json!({"max_page_size": 10}), 40, "10"),
        ];
        for (config, page_size, expected) in sizes {
            let vendor = |request: Request| {
                let asked = fields(&request);
                assert_eq!((asked["page_no"].as_str(), asked["page_size"].as_str()), ("0", expected));
                assert_eq!((asked["process_status"].as_str(), asked.contains_key("start_time")), ("90", false));
                answer(r#"{"response":{"errorcode":0,"total_count":1,"refunds": [ {"paid":"1.0000", "n":1.10} ] }}"#)
            };
            let page = with_vendor(&call(config, request.clone(), PageRef::default(), page_size), &vendor).unwrap();
            assert_eq!(String::from_utf8(page.rows).unwrap(), r#"[ {"paid":"1.0000", "n":1.10} ]"#);
            assert_eq!((page.next, page.total), (vec![], Some(1)));
        }
    }

    #[test]
    fn a_smaller_page_than_asked_for_loses_no_rows() {
        let rows = |count: usize| vec![json!({}); count];
        let page = |max: u32, total: Value, count: usize| {
            let body = json!({"code": 0, "total_count": total, "refunds": rows(count)}).to_string();
            let call = call(json!({"max_page_size": max}), json!({"tid": "1"}), PageRef::default(), 100);
            with_vendor(&call, &|_| answer(&body))
        };
        for total in [json!(41), json!(500), json!(null)] {
            let failure = page(100, total, 40).unwrap_err();
            assert_eq!(failure.message, "WDT gives 40 rows where a page of 100 was asked for");
            assert!(failure.hint.unwrap().contains("`max_page_size`"));
        }
        assert!(page(100, json!(40), 40).is_ok());
        assert!(page(100, json!(100), 100).is_ok());
        assert!(page(40, json!(500), 40).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let page = |reply: Result<Response, Error>| {
            let call = call(json!({}), json!({"tid": "1"}), PageRef::default(), 40);
            with_vendor(&call, &|_| reply.clone()).unwrap_err()
        };
        let cases: [(Result<Response, Error>, FailureKind); 5] = [
            (answer(r#"{"response":{"flag":"failure","code":25,"message":"Invalid signature"}}"#), Misconfigured),
            (answer(r#"{"code":1012,"message":"busy"}"#), Throttled),
            (answer("<html>"), Transient),
            (Err(Error::NoAnswer("timed out".into())), Transient),
            (Err(Error::TooLarge(1)), Misconfigured),
        ];
        for (reply, kind) in cases {
            assert_eq!(page(reply.clone()).kind, kind, "{reply:?}");
        }
        let mut other = call(json!({}), json!({}), PageRef::default(), 40);
        other.api = "wdt.trade.push".to_owned();
        let failure = with_vendor(&other, &|_| panic!("nothing is sent")).unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Misconfigured, "wdt has no source `wdt.trade.push`"));
    }
}

//! Lists, paged by number: `start_index` is the page, from 1, and `count` its size.
//!
//! What tells the end differs: products have the whole list's `count`, companies `totalItem` beside a `count` that may be the page's,
//! users come as an array without pages. How large `count` may be is not published, so a page that is shorter than asked ends the scan
//! only where no total says that more is to come.

use qiao_plugin::http::{Access, Request};
use qiao_plugin::json::{RawValue, decimal, kind, text};
use qiao_plugin::{Failure, Fetch, Object, Page, PageRef, Value};
use serde::Deserialize;

use crate::reply::{self, Refusal};
use crate::{SendAll, send_one, session};

/// The largest page that is asked for.
pub(crate) const LARGEST_PAGE: u32 = 100;

/// It knows no pages.
const USER_API: &str = "/v1/user/list";

pub(crate) fn fetch(call: &Fetch, send: SendAll<'_>) -> Result<Page, Failure> {
    let paged = !call.api.eq_ignore_ascii_case(USER_API);
    let count = call.page_size.clamp(1, LARGEST_PAGE);
    let request = request(call, paged.then_some(count))?;
    let answer = send_one(request, send).map_err(|error| error.failure(Access::Read))?;
    let data = reply::data(&answer, Access::Read).map_err(Refusal::failure)?;
    let list = List::read(data)?;
    let next = list.next(&call.page, count);
    Ok(Page::raw_objects(list.text).next(next).total(list.total))
}

/// The request's items as query parameters, and the page. Items without a value are left out.
pub(crate) fn request(call: &Fetch, count: Option<u32>) -> Result<Request, Failure> {
    let path = call.api.trim_start_matches('/');
    if !path.to_ascii_lowercase().starts_with("v1/") {
        return Err(Failure::misconfigured(format!("okki has no source `{}`", call.api))
            .hint("set the metadata's `api` to a list such as `/v1/company/list`"));
    }
    if !matches!(call.method.as_str(), "" | "GET") {
        return Err(Failure::misconfigured(format!("`{}` is read with GET, not {}", call.api, call.method))
            .hint("set the metadata's `method` to `GET`"));
    }
    let mut request = Request::get(path);
    for (name, value) in parameters(&call.request).chain(parameters(&call.other_request)) {
        request = request.query(name, parameter(name, value)?);
    }
    if let Some(count) = count {
        let number = u64::from(call.page.index) + 1;
        request = request.query("start_index", number.to_string()).query("count", count.to_string());
    }
    Ok(session::with_token(&call.connection)?(request))
}

/// But for the page, which is the connector's to number.
fn parameters(items: &Object) -> impl Iterator<Item = (&String, &Value)> {
    items.iter().filter(|(name, value)| !value.is_null() && !matches!(name.as_str(), "start_index" | "count"))
}

fn parameter(name: &str, value: &Value) -> Result<String, Failure> {
    let misfit = |value: &Value| {
        Failure::misconfigured(format!(
            "the request's item `{name}` is {}, which a query parameter cannot hold",
            kind(value)
        ))
    };
    match value {
        // Flags are 0 and 1 at OKKI.
        Value::Bool(flag) => Ok(i32::from(*flag).to_string()),
        Value::Array(members) => {
            let members: Option<Vec<_>> = members.iter().map(text).collect();
            Ok(members.ok_or_else(|| misfit(value))?.join(","))
        }
        scalar => Ok(text(scalar).ok_or_else(|| misfit(scalar))?.into_owned()),
    }
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct List<'r> {
    /// The JSON text of the array.
    text: &'r str,
    pub(crate) rows: Vec<&'r RawValue>,
    total: Option<u64>,
    paged: bool,
}

#[derive(Deserialize)]
struct Listed<'r> {
    #[serde(borrow)]
    list: &'r RawValue,
    #[serde(default)]
    count: Value,
    #[serde(default, rename = "totalItem")]
    total_item: Value,
}

impl<'r> List<'r> {
    pub(crate) fn read(data: &'r str) -> Result<Self, Failure> {
        let (text, total, paged) = match data.as_bytes().first() {
            Some(b'[') => (data, None, false),
            Some(b'n') => ("[]", None, false),
            _ => {
                let listed: Listed<'_> = serde_json::from_str(data).map_err(|error| {
                    Failure::misconfigured(format!("OKKI answers neither a list nor an array: {error}"))
                        .hint("check the metadata's `api`: it must name a list")
                })?;
                let total = count(&listed.total_item).or(count(&listed.count));
                let list = listed.list.get();
                (if list == "null" { "[]" } else { list }, total, true)
            }
        };
        let rows = serde_json::from_str(text)
            .map_err(|error| Failure::transient(format!("OKKI's list is no array: {error}")))?;
        Ok(Self { text, rows, total, paged })
    }

    /// The next page, if there is one. The total is believed where it is larger than the page: otherwise it may be the page's own size.
    pub(crate) fn next(&self, page: &PageRef, asked: u32) -> Option<PageRef> {
        let here = self.rows.len() as u64;
        let so_far = page.start_row + here;
        let ended = match self.total {
            _ if here == 0 || !self.paged => true,
            Some(total) if so_far < total => false,
            Some(total) if total > here => true,
            _ => here < u64::from(asked),
        };
        (!ended).then(|| page.after(self.rows.len()))
    }
}

fn count(value: &Value) -> Option<u64> {
    u64::try_from(decimal(value).ok()?).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::Window;
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::{Vendor, connection, object, success};

    pub(crate) fn call(api: &str, request: Value, page: PageRef) -> Fetch {
        Fetch {
            connection: connection(),
            api: api.into(),
            method: "GET".into(),
            request: object(request),
            other_request: Object::new(),
            id_field: None,
            window: Window { start: None, end: "2026-11-01T00:00:00+08:00".into() },
            page,
            page_size: 2,
        }
    }

    fn fetched(call: &Fetch, data: Value) -> (Result<Page, Failure>, Vec<String>) {
        let vendor = Vendor::new([success(data)]);
        let page = fetch(call, &|requests| vendor.send_all(requests));
        (page, vendor.asked.into_inner())
    }

    #[test]
    fn items_become_parameters_in_their_order() {
        let request = json!({
            "start_time": "2026-01-01 00:00:00", "end_time": null, "all": 1, "removed": false,
            "group_id": [3, "4"], "start_index": "9", "count": "500"
        });
        let page = PageRef { index: 2, start_row: 4, cursor: None };
        let (page, asked) =
            fetched(&call("/v1/company/list", request, page), json!({"list": [{"company_id": 1}], "totalItem": 5}));
        assert_eq!(
            asked,
            ["GET v1/company/list?start_time=2026-01-01 00:00:00&all=1&removed=0&group_id=3,4&start_index=3&count=2"]
        );
        let page = page.unwrap();
        assert_eq!(page.rows, br#"[{"company_id":1}]"#);
        assert_eq!((page.next, page.total), (vec![], Some(5)));
    }

    #[test]
    fn users_come_without_pages() {
        let (page, asked) = fetched(
            &call("/v1/user/list", json!({"enable_flag": 1}), PageRef::default()),
            json!([{"user_id": "1"}, {"user_id": 2}]),
        );
        assert_eq!(asked, ["GET v1/user/list?enable_flag=1"]);
        assert_eq!(page.unwrap().next, []);
    }

    #[test]
    fn a_scan_ends_where_the_total_or_a_short_page_says_so() {
        // rows before, rows here, what the vendor counts; does it go on, with two asked for?
        let cases = [
            (0, 2, json!({"count": 5}), true),
            (2, 2, json!({"count": 5}), true),
            (4, 1, json!({"count": 5}), false),
            (2, 2, json!({"count": 4}), false),
            // A server that gives fewer than asked is followed to its total.
            (0, 1, json!({"count": 5}), true),
            // `count` may be the page's.
            (0, 2, json!({"count": 2}), true),
            (2, 2, json!({"count": 2}), true),
            (0, 2, json!({"count": 2, "totalItem": "3"}), true),
            (2, 1, json!({"count": 1, "totalItem": 3}), false),
            (0, 2, json!({}), true),
            (0, 1, json!({}), false),
            (2, 0, json!({"count": 5}), false),
        ];
        for (before, here, counts, goes_on) in cases {
            let page = PageRef { start_row: before, ..PageRef::default() };
            let mut data = counts.clone();
            data["list"] = json!(vec![json!({}); here]);
            let (page, _) = fetched(&call("/v1/company/list", json!({}), page), data);
            assert_eq!(!page.unwrap().next.is_empty(), goes_on, "{before} {here} {counts}");
        }
    }

    #[test]
    fn what_is_no_list_is_said() {
        let at = |api: &str| call(api, json!({}), PageRef::default());
        let (page, _) = fetched(&at("/v1/company/info"), json!({"company_id": 1}));
        let message = page.unwrap_err().message;
        assert!(message.starts_with("OKKI answers neither a list nor an array"));
        let (page, _) = fetched(&at("/v2/x/list"), json!([]));
        assert_eq!(page.unwrap_err().message, "okki has no source `/v2/x/list`");
        let (page, _) = fetched(&at("/v1/x/list"), json!(null));
        assert_eq!(page.unwrap().rows, b"[]");
        let mut posted = at("/v1/x/list");
        posted.method = "POST".into();
        let (page, _) = fetched(&posted, json!([]));
        assert_eq!(page.unwrap_err().message, "`/v1/x/list` is read with GET, not POST");
    }
}

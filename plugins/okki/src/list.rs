//! Lists, paged by number: `start_index` is the page, from 1, and `count` its size. They are read [backwards](qiao_plugin::paging), since rows
//! that change while they are read move to other pages, or out of a window of time.
//!
//! What tells the total differs: products have the whole list's `count`, companies `totalItem` beside a `count` that may be the page's,
//! users come as an array without pages. A total that is no more than the page has may be the page's own: it is not believed, and where
//! there is no other, pages are read forwards until one is not full. How large `count` may be is not published: where it is less than was
//! asked for, pages are read forwards, too.

use qiao_plugin::http::{Access, Request};
use qiao_plugin::json::{RawValue, decimal, json, kind, text};
use qiao_plugin::paging::{Held, Numbered, Step};
use qiao_plugin::{Failure, Fetch, Object, Page, Value};
use serde::Deserialize;

use crate::reply::{self, Refusal};
use crate::{SendAll, send_one, session};

/// The largest page that is asked for.
pub(crate) const LARGEST_PAGE: u32 = 100;

/// It knows no pages.
const USER_API: &str = "/v1/user/list";

pub(crate) fn fetch(call: &Fetch, send: SendAll<'_>) -> Result<Page, Failure> {
    let place = (!call.api.eq_ignore_ascii_case(USER_API)).then(|| place(call, LARGEST_PAGE));
    let request = request(call, place.as_ref())?;
    let answer = send_one(request, send).map_err(|error| error.failure(Access::Read))?;
    let data = reply::data(&answer, Access::Read).map_err(Refusal::failure)?;
    let list = List::read(data)?;
    let Some(place) = place else { return Ok(Page::raw_objects(list.text)) };
    let step = list.step(&place);
    Ok(follow(Page::raw_objects(if step.keep { list.text } else { "[]" }), call, &list, step))
}

/// Which page is asked for, of so many rows at most.
pub(crate) fn place(call: &Fetch, largest: u32) -> Numbered {
    Numbered::of(&call.page, call.page_size.clamp(1, largest))
}

/// The page, with the one that follows it.
pub(crate) fn follow(page: Page, call: &Fetch, list: &List<'_>, step: Step) -> Page {
    let kept = if step.keep { list.rows.len() } else { 0 };
    page.next(step.next.map(|next| call.page.after(kept).cursor(json!(next).to_string()))).total(list.total())
}

/// The request's items as query parameters, and the page. Items without a value are left out.
pub(crate) fn request(call: &Fetch, place: Option<&Numbered>) -> Result<Request, Failure> {
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
    if let Some(place) = place {
        let number = place.page() + 1;
        request = request.query("start_index", number.to_string()).query("count", place.size().to_string());
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

    /// What follows this page.
    pub(crate) fn step(&self, place: &Numbered) -> Step {
        // One that is no list has no pages.
        let rows = if self.paged { self.rows.len() as u64 } else { 0 };
        place.after(Held::new(self.text.as_bytes(), rows, self.total()))
    }

    /// The rows of the whole list, where that is certain.
    fn total(&self) -> Option<u64> {
        self.total.filter(|total| *total > self.rows.len() as u64)
    }
}

fn count(value: &Value) -> Option<u64> {
    u64::try_from(decimal(value).ok()?).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::collections::BTreeSet;

    use qiao_plugin::{PageRef, Window};

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
        let call = call("/v1/company/list", request, PageRef::default());
        let (page, asked) = fetched(&call, json!({"list": [{"company_id": 1}], "count": 1}));
        assert_eq!(
            asked,
            ["GET v1/company/list?start_time=2026-01-01 00:00:00&all=1&removed=0&group_id=3,4&start_index=1&count=2"]
        );
        let page = page.unwrap();
        assert_eq!(page.rows, br#"[{"company_id":1}]"#);
        assert_eq!((page.next, page.total), (vec![], None));
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

    /// How a vendor counts: all its rows, and the page's.
    type Counts<'c> = &'c dyn Fn(usize, usize) -> Value;

    const OF_LIST: Counts<'_> = &|all, _| json!({"count": all});

    /// A vendor with so many rows, which gives at most `gives` at a time, and whose first one goes before the request of number `goes`.
    /// What `start_index` is asked for (`!` where the rows are not kept), and which rows came.
    fn scanned(rows: u32, gives: usize, counts: Counts<'_>, goes: usize) -> (Vec<String>, BTreeSet<String>) {
        let (mut vendor, mut asked, mut came): (Vec<u32>, Vec<String>, _) =
            ((0..rows).collect(), vec![], BTreeSet::new());
        let mut page = PageRef::default();
        loop {
            if asked.len() == goes {
                vendor.remove(0);
            }
            let call = call("/v1/company/list", json!({}), page);
            let number = usize::try_from(place(&call, LARGEST_PAGE).page()).unwrap();
            let list: Vec<Value> =
                vendor.chunks(gives).nth(number).unwrap_or_default().iter().map(|row| json!(row)).collect();
            let mut data = counts(vendor.len(), list.len());
            data["list"] = json!(list);
            let (fetched, urls) = fetched(&call, data);
            let fetched = fetched.unwrap();
            let kept: Vec<Value> = serde_json::from_slice(&fetched.rows).unwrap();
            let (_, index) = urls[0].split_once("start_index=").unwrap();
            let mark = if kept.is_empty() && !list.is_empty() { "!" } else { "" };
            asked.push(format!("{}{mark}", index.strip_suffix("&count=2").unwrap()));
            came.extend(kept.iter().map(Value::to_string));
            match fetched.next.into_iter().next() {
                Some(next) => page = next,
                None => return (asked, came),
            }
            assert!(asked.len() < 100, "no end");
        }
    }

    #[test]
    fn a_list_is_read_backwards_where_its_total_is_known_and_else_forwards() {
        let of_page: Counts<'_> = &|_, here| json!({"count": here});
        let both: Counts<'_> = &|all, here| json!({"count": here, "totalItem": all.to_string()});
        let none: Counts<'_> = &|_, _| json!({});
        let cases: [(u32, usize, _, &[&str]); 8] = [
            (5, 2, OF_LIST, &["1!", "3", "2", "1"]),
            (5, 2, both, &["1!", "3", "2", "1"]),
            (5, 2, of_page, &["1", "2", "3"]),
            (5, 2, none, &["1", "2", "3"]),
            // The page's own count says no more than that it is full.
            (2, 2, OF_LIST, &["1", "2"]),
            (1, 2, both, &["1"]),
            (0, 2, OF_LIST, &["1"]),
            // A server that gives fewer than asked is followed to its total.
            (3, 1, OF_LIST, &["1", "2", "3"]),
        ];
        for (rows, gives, counts, expected) in cases {
            let (asked, came) = scanned(rows, gives, counts, usize::MAX);
            assert_eq!(asked, expected, "{rows} rows, {gives} at a time");
            assert_eq!(came.len(), rows as usize);
        }
    }

    #[test]
    fn no_row_is_missed_when_another_leaves_the_list() {
        for goes in 0..6 {
            let (_, came) = scanned(9, 2, OF_LIST, goes);
            assert!((1..9).all(|row| came.contains(&row.to_string())), "before request {goes}: {came:?}");
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

//! From the scheme's request items to a query.
//!
//! Every item with a value is a parameter, but for those that are the connector's own: account, signature, and page. Two are read more
//! closely, `start_time` and `end_time`, because the window between them may have to be split.
//!
//! An item of these that has no value takes it from the scan's window. Queries that know no time (shops, warehouses) are left alone: only
//! for refunds, where WDT demands a window, one is added that the scheme does not name. A number (`refund_no`, `tid` …) does instead of
//! a window.

use jiff::Timestamp;
use qiao_plugin::json::{kind, text};
use qiao_plugin::{Failure, Fetch, Object, Value};

use crate::api::Api;
use crate::sign::Parameter;
use crate::window::{self, Window};

const START: &str = "start_time";
const END: &str = "end_time";

/// What the connector sets itself, whatever the scheme's items say.
const OWN: [&str; 12] = [
    "app_key",
    "appkey",
    "format",
    "method",
    "page_no",
    "page_size",
    "sid",
    "sign",
    "sign_method",
    "target_app_key",
    "timestamp",
    "v",
];

/// Any of these names what is wanted, without a window (WDT 企业版, `refund_query`: 传该字段可以不传时间).
const NUMBERS: [&str; 4] = ["refund_no", "src_refund_no", "trade_no", "tid"];

/// A query, but for its page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// Without the window.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) span: Span,
}

/// Which time it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// It has no window.
    Timeless,
    /// The window ends before it starts: nothing can be in it.
    Nothing,
    /// Rows of this window.
    Window(Window),
}

impl Query {
    /// Reads the rendered `request` and `otherRequest`. What both give, `request` decides.
    pub(crate) fn read(api: &Api, call: &Fetch) -> Result<Self, Failure> {
        let mut parameters = Vec::new();
        for (name, value) in items(&call.request, &call.other_request) {
            if !OWN.contains(&name.as_str()) && name != START && name != END {
                let value = parameter(name, value)?;
                if !value.is_empty() {
                    parameters.push((name.clone(), value));
                }
            }
        }
        let by_number = parameters.iter().any(|(name, _)| NUMBERS.contains(&name.as_str()));
        Ok(Self { span: span(api, call, by_number)?, parameters })
    }
}

/// The items that have a value, each name once.
fn items<'c>(request: &'c Object, other: &'c Object) -> impl Iterator<Item = (&'c String, &'c Value)> {
    let given = |(_, value): &(&String, &Value)| !value.is_null();
    let decided = |name: &str| request.get(name).is_some_and(|value| !value.is_null());
    request.iter().filter(given).chain(other.iter().filter(given).filter(move |(name, _)| !decided(name)))
}

fn parameter(name: &str, value: &Value) -> Result<String, Failure> {
    let misfit = |value: &Value| {
        Failure::misconfigured(format!("the request's item `{name}` is {}, which a form cannot hold", kind(value)))
            .hint(format!("give the item `{name}` of the source's `request` a plain value"))
    };
    match value {
        Value::Array(members) => {
            let members: Option<Vec<_>> = members.iter().map(text).collect();
            Ok(members.ok_or_else(|| misfit(value))?.join(","))
        }
        scalar => Ok(text(scalar).ok_or_else(|| misfit(scalar))?.into_owned()),
    }
}

fn span(api: &Api, call: &Fetch, by_number: bool) -> Result<Span, Failure> {
    let named = |name: &str| call.request.contains_key(name) || call.other_request.contains_key(name);
    let written = |name: &str| -> Result<Option<String>, Failure> {
        let Some((_, value)) = items(&call.request, &call.other_request).find(|(item, _)| *item == name) else {
            return Ok(None);
        };
        Ok(Some(parameter(name, value)?).filter(|text| !text.trim().is_empty()))
    };
    let (start, end) = (written(START)?, written(END)?);
    let wanted = start.is_some() || end.is_some() || (!by_number && (api.is_refunds() || named(START) || named(END)));
    if !wanted {
        return Ok(Span::Timeless);
    }
    let Some(start) = start.or_else(|| call.window.start.clone()) else {
        return if api.is_refunds() || end.is_some() {
            Err(Failure::misconfigured(format!("`{START}` of the query has no value, and the scan no beginning")).hint(
                format!(
                    "give the item `{START}` of the source's `request` the value `{{{{LAST_SYNC_TIME|datetime}}}}`, and the source a `start_from`"
                ),
            ))
        } else {
            Ok(Span::Timeless)
        };
    };
    let end = end.unwrap_or_else(|| call.window.end.clone());
    let zone = window::zone(&call.connection)?;
    let read = |name: &str, text: &str| -> Result<Timestamp, Failure> {
        window::read(text, &zone).ok_or_else(|| {
            Failure::misconfigured(format!("`{name}` of the query is `{text}`, which is no time")).hint(format!(
                "write it as `yyyy-MM-dd HH:mm:ss`: `{{{{LAST_SYNC_TIME|datetime}}}}` in the item `{name}` does"
            ))
        })
    };
    let window = Window { start: read(START, &start)?, end: read(END, &end)? };
    Ok(if window.start > window.end { Span::Nothing } else { Span::Window(window) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::json::json;
    use qiao_plugin::{Connection, PageRef};

    use super::*;

    fn call(api: &str, request: Value, other: Value, start: Option<&str>) -> Fetch {
        Fetch {
            connection: Connection::new("wdt-main", "https://q/", Value::Null, Value::Null),
            api: api.to_owned(),
            method: "POST".to_owned(),
            request: serde_json::from_value(request).unwrap(),
            other_request: serde_json::from_value(other).unwrap(),
            id_field: None,
            window: qiao_plugin::Window {
                start: start.map(str::to_owned),
                end: "2026-11-05T00:00:00+08:00".to_owned(),
            },
            page: PageRef::default(),
            page_size: 40,
        }
    }

    fn query(api: &str, request: Value, start: Option<&str>) -> Result<Query, Failure> {
        Query::read(&Api::read(api).unwrap(), &call(api, request, json!({}), start))
    }

    /// `name=value&…`
    fn told(query: &Query) -> String {
        query.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn items_are_parameters_as_they_are() {
        let decimal: Value = serde_json::from_str("1.50").unwrap();
        let request = json!({
            "process_status": "90", "time_type": 0, "flag": true, "rate": decimal, "shop_no": "旗舰店", "logistics_no": "",
            "shop_nos": ["a", 2], "trade_no": null, "page_size": "7", "page_no": "3", "sid": "other", "refund_no": "TK1"
        });
        let other = json!({"shop_no": "not used", "trade_no": "JY1", "sign": "x", "more": null});
        let api = Api::refunds();
        let query = Query::read(&api, &call("wdt.refund.query", request, other, None)).unwrap();
        assert_eq!(
            told(&query),
            "process_status=90&time_type=0&flag=true&rate=1.50&shop_no=旗舰店&shop_nos=a,2&refund_no=TK1&trade_no=JY1"
        );
    }

    #[test]
    fn the_window_is_the_requests_or_the_scans_or_none() {
        let times = |start: &str, end: &str| json!({"start_time": start, "end_time": end});
        let scan = Some("2026-11-01T00:00:00+08:00");
        let cases = [
            ("wdt.refund.query", times("2026-11-02 00:00:00", "2026-11-03 00:00:00"), None, "11-02..11-03"),
            ("wdt.refund.query", times("2026-11-03 00:00:00", "2026-11-03 00:00:00"), None, "11-03..11-03"),
            ("wdt.refund.query", times("2026-11-03 00:00:00", "2026-11-02 00:00:00"), None, "nothing"),
            ("wdt.refund.query", times("2026-11-02 00:00:00", ""), scan, "11-02..11-05"),
            ("wdt.refund.query", json!({"end_time": "2026-11-03 00:00:00"}), scan, "11-01..11-03"),
            ("wdt.refund.query", json!({}), scan, "11-01..11-05"),
            ("wdt.refund.query", json!({"refund_no": "TK1"}), scan, "timeless"),
            ("wdt.refund.query", json!({"tid": "1", "start_time": null, "end_time": ""}), scan, "timeless"),
            ("wdt.refund.query", json!({"tid": "", "start_time": null}), scan, "11-01..11-05"),
            ("wdt.refund.query", json!({"tid": "1", "start_time": "2026-11-02 00:00:00"}), None, "11-02..11-05"),
            ("wdt.shop.query", json!({}), scan, "timeless"),
            ("wdt.trade.query", json!({"start_time": null}), scan, "11-01..11-05"),
            ("wdt.trade.query", json!({"start_time": null}), None, "timeless"),
        ];
        for (api, request, start, expected) in cases {
            let told = match query(api, request.clone(), start).unwrap().span {
                Span::Timeless => "timeless".to_owned(),
                Span::Nothing => "nothing".to_owned(),
                Span::Window(Window { start, end }) => {
                    let day = |time| window::in_beijing(time)[5..10].to_owned();
                    format!("{}..{}", day(start), day(end))
                }
            };
            assert_eq!(told, expected, "{api} {request}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let cases = [
            (json!({"start_time": "1793500000"}), "`start_time` of the query is `1793500000`, which is no time"),
            (
                json!({"start_time": "2026-11-01", "end_time": "now"}),
                "`end_time` of the query is `now`, which is no time",
            ),
            (json!({}), "`start_time` of the query has no value, and the scan no beginning"),
            (json!({"shop": {}}), "the request's item `shop` is an object, which a form cannot hold"),
            (json!({"shop": [[]]}), "the request's item `shop` is an array, which a form cannot hold"),
        ];
        for (request, message) in cases {
            let failure = query("wdt.refund.query", request, None).unwrap_err();
            assert_eq!(failure.message, message);
            assert!(failure.hint.is_some());
        }
    }
}

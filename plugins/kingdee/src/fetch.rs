//! One page of a query.

use qiao_plugin::http::Access;
use qiao_plugin::json::RawValue;
use qiao_plugin::{Failure, Fetch, Page, log};

use crate::config::Config;
use crate::paging::Paging;
use crate::query::Query;
use crate::reply::{self, Reply, Shape};
use crate::service::Service;
use crate::vendor::Vendor;
use crate::{Send, rows};

pub(crate) fn fetch(call: &Fetch, send: Send<'_>) -> Result<Page, Failure> {
    let service = Service::called(&call.api, &Service::SOURCES).ok_or_else(|| {
        let [one, other] = Service::SOURCES.map(Service::api);
        Failure::misconfigured(format!("kingdee has no source `{}`", call.api))
            .hint(format!("set the metadata's `api` to `{one}` or `{other}`"))
    })?;
    let config = Config::of(&call.connection)?;
    let vendor = Vendor::of(&call.connection, &config, send)?;
    let query = Query::read(&call.request, &call.other_request)?;
    let paging = Paging::choose(&query, call.id_field.as_deref());
    let limit = limit(call, &config, &query);

    let data = paging.data(&query, &call.page, limit)?;
    let response = vendor.query(service, &data).map_err(|error| error.failure(Access::Read))?;

    let shape = if service == Service::BillQuery { Shape::Objects } else { Shape::Arrays };
    let (mut text, mut rows) = match reply::rows(&response, shape)? {
        Reply::Rows(text, rows) => (text, rows),
        Reply::Nothing => ("[]", Vec::new()),
        Reply::Refused(refusal) if refusal.no_data() => ("[]", Vec::new()),
        Reply::Refused(refusal) => return Err(refusal.failure(Access::Read)),
    };
    let arrays;
    if shape == Shape::Objects {
        arrays = rows::arrays(&query, &rows)?;
        text = &arrays;
        rows = serde_json::from_str(text)
            .map_err(|error| Failure::transient(format!("a row of Kingdee's is broken: {error}")))?;
    }
    check_width(&query, &rows)?;
    log::debug("page fetched", &[("form", &query.form_id), ("rows", &rows.len())]);
    // A page that is not full is the last.
    let next = if (rows.len() as u64) < limit { None } else { paging.next(&query, &call.page, &rows)? };
    let columns = query.columns.into_iter().map(|column| column.name);
    Ok(Page::arrays(columns.collect(), text).next(next))
}

/// The host's page size, as far as the connection, the scheme's `Limit` and what is left of its `TopRowCount` allow.
fn limit(call: &Fetch, config: &Config, query: &Query) -> u64 {
    let mut limit = u64::from(call.page_size.clamp(1, config.max_limit()));
    if let Some(own) = query.limit {
        limit = limit.min(own);
    }
    if query.top > 0 {
        limit = limit.min(query.top.saturating_sub(call.page.start_row).max(1));
    }
    limit
}

/// A row with more or fewer cells than columns would put values under the wrong names. Kingdee writes all rows alike.
fn check_width(query: &Query, rows: &[&RawValue]) -> Result<(), Failure> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let cells: Vec<&RawValue> = serde_json::from_str(first.get())
        .map_err(|error| Failure::transient(format!("a row of Kingdee's is broken: {error}")))?;
    if cells.len() == query.columns.len() {
        return Ok(());
    }
    Err(Failure::misconfigured(format!(
        "Kingdee's rows have {} cells, and the query {} columns",
        cells.len(),
        query.columns.len()
    ))
    .hint("a column may be named twice, or be unknown to this form: check the request's columns"))
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

    use qiao_plugin::http::{Part, Request};
    use qiao_plugin::json::json;
    use qiao_plugin::{FailureKind, PageRef, Value, Window};

    use super::*;
    use crate::testing::{answer, signed_in};

    fn call(request: Value, page: PageRef, page_size: u32) -> Fetch {
        Fetch {
            connection: signed_in(),
            api: "ExecuteBillQuery".into(),
            method: "POST".into(),
            request: serde_json::from_value(request).unwrap(),
            other_request: json!({"FormId": "SAL_SaleOrder"}).as_object().unwrap().clone(),
            id_field: Some("FEntity_FEntryID".into()),
            window: Window { start: None, end: "2026-11-01T00:00:00+08:00".into() },
            page,
            page_size,
        }
    }

    fn body(request: &Request) -> Value {
        let [Part::Bytes(body)] = request.body.as_slice() else {
            panic!("one part of bytes");
        };
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn rows_are_passed_on_as_they_are_and_the_scan_goes_on_by_key() {
        let request = json!({
            "FBillNo": null, "FSaleOrgId_FNumber": "FSaleOrgId.FNumber", "FEntity_FEntryID": null,
            "FilterString": "FDocumentStatus='C'", "Limit": "2", "StartRow": "0"
        });
        let asked = RefCell::new(None);
        let vendor = |request: Request| {
            *asked.borrow_mut() = Some(request);
            answer(r#" [["XSDD1","100",1], ["XSDD1","100",2.0]] "#)
        };
        let page = fetch(&call(request, PageRef::default(), 500), &vendor).unwrap();

        let request = asked.into_inner().unwrap();
        assert_eq!(request.path, Service::ExecuteBillQuery.path());
        assert_eq!(
            body(&request),
            json!({"data": {
                "FormId": "SAL_SaleOrder",
                "FieldKeys": "FBillNo,FSaleOrgId.FNumber,FEntity_FEntryID",
                "FilterString": "FDocumentStatus='C'",
                "OrderString": "FEntity_FEntryID ASC",
                "TopRowCount": 0, "StartRow": 0, "Limit": 2
            }})
        );
        assert_eq!(page.columns.unwrap(), ["FBillNo", "FSaleOrgId_FNumber", "FEntity_FEntryID"]);
        assert_eq!(String::from_utf8(page.rows).unwrap(), r#"[["XSDD1","100",1], ["XSDD1","100",2.0]]"#);
        let next = &page.next[0];
        assert_eq!((next.index, next.start_row), (1, 2));
        assert!(next.cursor.as_ref().unwrap().contains("\"last\":2.0"));
    }

    #[test]
    fn objects_are_named_and_paged_like_arrays() {
        let request = json!({"FBillNo": null, "Org": "FSaleOrgId.FNumber", "FEntity_FEntryID": null});
        let asked = RefCell::new(None);
        let vendor = |request: Request| {
            *asked.borrow_mut() = Some(request);
            answer(
                r#"[{"FBillNo":"A","FSaleOrgId.FNumber":"100","FEntity_FEntryID":7}, {"FEntity_FEntryID":8,"FBillNo":"B"}]"#,
            )
        };
        for api in ["billQuery", "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BillQuery"] {
            let call = Fetch { api: api.into(), ..call(request.clone(), PageRef::default(), 2) };
            let page = fetch(&call, &vendor).unwrap();
            assert_eq!(asked.take().unwrap().path, Service::BillQuery.path());
            assert_eq!(page.columns.unwrap(), ["FBillNo", "Org", "FEntity_FEntryID"]);
            assert_eq!(String::from_utf8(page.rows).unwrap(), r#"[["A","100",7],["B",null,8]]"#);
            assert!(page.next[0].cursor.as_ref().unwrap().contains("\"last\":8"));
        }
    }

    #[test]
    fn a_short_or_empty_page_is_the_last() {
        let request = json!({"FEntity_FEntryID": null});
        let no_data =
            r#"[[{"Result":{"ResponseStatus":{"IsSuccess":false,"Errors":[{"Message":"x"}],"MsgCode":10}}}]]"#;
        for reply in ["[]", "[[1]]", no_data] {
            let page = fetch(&call(request.clone(), PageRef::default(), 2), &|_| answer(reply));
            assert_eq!(page.unwrap().next, []);
        }
    }

    #[test]
    fn the_limit_is_the_smallest_of_all() {
        let at = |start_row| PageRef { start_row, ..PageRef::default() };
        let cases = [
            (json!({}), at(0), 500, 500),
            (json!({}), at(0), 5_000, 2_000),
            (json!({"Limit": "100"}), at(0), 500, 100),
            (json!({"Limit": 0}), at(0), 500, 500),
            (json!({"TopRowCount": 700}), at(500), 500, 200),
        ];
        for (more, page, page_size, expected) in cases {
            let mut request = json!({"FEntity_FEntryID": null});
            let more = more.as_object().unwrap().clone();
            request.as_object_mut().unwrap().extend(more);
            let send = |request: Request| {
                assert_eq!(body(&request)["data"]["Limit"], json!(expected));
                answer("[]")
            };
            fetch(&call(request, page, page_size), &send).unwrap();
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let request = || json!({"FBillNo": null, "FEntity_FEntryID": null});
        let page = |reply: &str| fetch(&call(request(), PageRef::default(), 9), &|_| answer(reply));
        let failure = page("[[1,2,3]]").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Misconfigured);
        assert_eq!(failure.message, "Kingdee's rows have 3 cells, and the query 2 columns");
        let lost = r#"[[{"Result":{"ResponseStatus":{"IsSuccess":false,"Errors":[{"Message":"会话信息已丢失，请重新登录"}],"MsgCode":1}}}]]"#;
        assert_eq!(page(lost).unwrap_err().kind, FailureKind::Unauthorized);

        let mut other = call(request(), PageRef::default(), 9);
        other.api = "View".into();
        let failure = fetch(&other, &|_| answer("[]")).unwrap_err();
        assert_eq!(failure.message, "kingdee has no source `View`");
    }
}

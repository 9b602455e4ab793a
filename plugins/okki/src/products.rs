//! Products with their SKUs.
//!
//! An order's line needs a `sku_id`, and the product list has none: only `product/info` shows `sku_items`. So a page of the list is
//! joined with the info of each of its products, asked for side by side, and gives one row per SKU.
//!
//! A product without SKUs gives no row: no order's line can name it, and a row whose `sku_id` is `null` has no id to be stored under. It
//! is named in the log instead. So is a SKU without `sku_id`. A product that OKKI no longer has when its info is asked for is left out;
//! anything else that is wrong with one product fails the page, which is then fetched again.

use std::fmt::Display;

use qiao_plugin::http::{Access, Request};
use qiao_plugin::json::{is_empty, text};
use qiao_plugin::{Failure, Fetch, Object, Page, Value, log};

use crate::list::{self, List};
use crate::reply::{self, Refusal};
use crate::{SendAll, ask, send_one, session};

/// The metadata's `api`.
pub(crate) const PRODUCT_API: &str = "/v1/product/list";

const INFO_PATH: &str = "v1/product/info";

/// The largest page that is asked for: each row costs a request of its own.
pub(crate) const LARGEST_PAGE: u32 = 50;

pub(crate) fn fetch(call: &Fetch, send: SendAll<'_>) -> Result<Page, Failure> {
    let place = list::place(call, LARGEST_PAGE);
    let request = list::request(call, Some(&place))?;
    let answer = send_one(request, send).map_err(|error| error.failure(Access::Read))?;
    let data = reply::data(&answer, Access::Read).map_err(Refusal::failure)?;
    let list = List::read(data)?;
    let step = list.step(&place);
    if !step.keep {
        return Ok(list::follow(Page::objects(Vec::new()), call, &list, step).total(None));
    }
    let products = list
        .rows
        .iter()
        .map(|row| serde_json::from_str(row.get()))
        .collect::<Result<Vec<Object>, _>>()
        .map_err(|error| Failure::transient(format!("a product of OKKI's is broken: {error}")))?;

    let with_token = session::with_token(&call.connection)?;
    let requests = products.iter().map(|product| {
        let id = product
            .get("product_id")
            .and_then(text)
            .ok_or_else(|| Failure::transient("OKKI's product list has a product without `product_id`"))?;
        Ok(with_token(Request::get(INFO_PATH).query("product_id", id)))
    });
    let infos = ask::ask(&requests.collect::<Result<Vec<_>, Failure>>()?, send)?;

    let mut rows = Vec::with_capacity(products.len());
    for (product, info) in products.into_iter().zip(infos) {
        match info {
            Some(info) => rows.extend(by_sku(&product, &read(&info)?)?),
            // Removed since the list was made.
            None => log::info("OKKI no longer has the product", &named(&product)),
        }
    }
    // The list counts products, not SKUs.
    Ok(list::follow(Page::objects(rows), call, &list, step).total(None))
}

fn read(info: &str) -> Result<Value, Failure> {
    serde_json::from_str(info).map_err(|error| Failure::transient(format!("a product of OKKI's is broken: {error}")))
}

/// One row per SKU: the product's fields, `sku_id` and `sku_code`.
fn by_sku(product: &Object, info: &Value) -> Result<Vec<Object>, Failure> {
    let items = match info.get("sku_items") {
        Some(Value::Array(items)) => items.as_slice(),
        None | Some(Value::Null) if info.is_object() => &[],
        _ => {
            let id = product.get("product_id").and_then(text).unwrap_or_default();
            return Err(Failure::transient(format!("OKKI's info of product `{id}` has no list of SKUs")));
        }
    };
    if items.is_empty() {
        log::warn("the product has no SKU, so it gives no row", &named(product));
    }
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        if item.get("sku_id").is_none_or(is_empty) {
            log::warn("a SKU of the product has no `sku_id`, so it gives no row", &named(product));
            continue;
        }
        let mut row = product.clone();
        for name in ["sku_id", "sku_code"] {
            row.insert(name.to_owned(), item.get(name).cloned().unwrap_or_default());
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The product, for a line in the log.
fn named(product: &Object) -> [(&'static str, &dyn Display); 2] {
    ["product_no", "product_id"].map(|name| (name, product.get(name).unwrap_or(&Value::Null) as &dyn Display))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::http::{Error, Response};
    use qiao_plugin::json::json;
    use qiao_plugin::{FailureKind, PageRef};

    use super::*;
    use crate::list::tests::call;
    use crate::testing::{Vendor, answer, success};

    fn fetched(answers: impl IntoIterator<Item = Result<Response, Error>>) -> (Result<Page, Failure>, Vec<String>) {
        let vendor = Vendor::new(answers);
        let page = fetch(&call(PRODUCT_API, json!({"time_type": 1}), PageRef::default()), &|requests| {
            vendor.send_all(requests)
        });
        (page, vendor.asked.into_inner())
    }

    #[test]
    fn a_page_of_products_gives_a_row_per_sku() {
        let list = json!({"count": 2, "list": [
            {"product_id": 1, "product_no": "P-1", "cost_with_tax": 1.10},
            {"product_id": "2", "product_no": "P-2"},
        ]});
        let skus = json!({"sku_items": [{"sku_id": 11, "sku_code": "a", "enable_flag": 1}, {"sku_id": "12"}]});
        let (page, asked) = fetched([success(list), success(skus), success(json!({"sku_items": [{"sku_id": 21}]}))]);
        assert_eq!(
            asked,
            [
                "GET v1/product/list?time_type=1&start_index=1&count=2",
                "GET v1/product/info?product_id=1",
                "GET v1/product/info?product_id=2",
            ]
        );
        let page = page.unwrap();
        let rows: Value = serde_json::from_slice(&page.rows).unwrap();
        assert_eq!(
            rows,
            json!([
                {"product_id": 1, "product_no": "P-1", "cost_with_tax": 1.10, "sku_id": 11, "sku_code": "a"},
                {"product_id": 1, "product_no": "P-1", "cost_with_tax": 1.10, "sku_id": "12", "sku_code": null},
                {"product_id": "2", "product_no": "P-2", "sku_id": 21, "sku_code": null}
            ])
        );
        // Two products before the next page, whatever their SKUs.
        assert_eq!(page.next[0].start_row, 2);
    }

    #[test]
    fn a_page_that_is_only_looked_at_for_the_total_asks_for_no_product() {
        let list = json!({"count": 4, "list": [{"product_id": 1}, {"product_id": 2}]});
        let (page, asked) = fetched([success(list)]);
        let page = page.unwrap();
        assert_eq!((asked.len(), page.rows.as_slice(), page.next.len()), (1, &b"[]"[..], 1));
    }

    #[test]
    fn a_product_that_is_gone_is_left_out_and_any_other_failure_fails_the_page() {
        let list = || success(json!({"count": 1, "list": [{"product_id": 1}]}));
        let gone = answer(404, &json!({"code": 404, "message": "Not Found Resource"}));
        let (page, _) = fetched([list(), gone]);
        assert_eq!(page.unwrap().rows, b"[]");

        let cases = [
            (answer(500, &json!("x")), FailureKind::Transient),
            (answer(404, &json!("page")), FailureKind::Misconfigured),
            (answer(404, &json!({"message": "no Route matched"})), FailureKind::Misconfigured),
            (answer(200, &json!({"code": 404, "message": "No Privilege"})), FailureKind::Misconfigured),
            (answer(200, &json!({"code": 404, "message": "Not Found Resource没有权限"})), FailureKind::Misconfigured),
            (success(json!(null)), FailureKind::Transient),
            (success(json!({"sku_items": "x"})), FailureKind::Transient),
        ];
        for (reply, kind) in cases {
            let told = format!("{reply:?}");
            let (page, _) = fetched([list(), reply]);
            assert_eq!(page.unwrap_err().kind, kind, "{told}");
        }
    }

    #[test]
    fn a_product_without_skus_gives_no_row() {
        let cases = [
            json!({}),
            json!({"sku_items": null}),
            json!({"sku_items": []}),
            json!({"sku_items": [{"sku_code": "a"}, {"sku_id": null}, {"sku_id": ""}]}),
        ];
        for info in cases {
            let list = json!({"count": 2, "list": [{"product_id": 1, "product_no": "P-1"}, {"product_id": 2}]});
            let other = json!({"sku_items": [{"sku_id": 7}]});
            let (page, _) = fetched([success(list), success(info.clone()), success(other)]);
            let page = page.unwrap();
            assert_eq!(page.rows, br#"[{"product_id":2,"sku_id":7,"sku_code":null}]"#, "{info}");
        }
    }
}

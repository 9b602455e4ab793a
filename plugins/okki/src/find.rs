//! Looking orders up by their number (`order/info`).
//!
//! `absent` lets the engine create an order, so it is said only where OKKI says it (`reply`). An answer that is merely empty, or about
//! another number, is a failure; and so is a number that OKKI cannot know, since OKKI would not find it either.

use std::borrow::Cow;

use qiao_plugin::http::Request;
use qiao_plugin::json::text;
use qiao_plugin::{Failure, Find, Found, Receipt, Value, Wanted};

use crate::{SendAll, ask, order, session};

const INFO_PATH: &str = "v1/invoices/order/info";

/// The field of an order that OKKI knows it by.
pub(crate) const NUMBER_FIELD: &str = "order_no";

pub(crate) fn find(call: &Find, send: SendAll<'_>) -> Result<Vec<Found>, Failure> {
    order::check_api(&call.api)?;
    let with_token = session::with_token(&call.connection)?;
    let numbers = call.bills.iter().map(order_no).collect::<Result<Vec<_>, _>>()?;
    let requests = numbers.iter().map(|number| with_token(Request::get(INFO_PATH).query(NUMBER_FIELD, &**number)));
    let orders = ask::ask(&requests.collect::<Vec<_>>(), send)?;
    numbers
        .iter()
        .zip(orders)
        .map(|(number, order)| match order {
            None => Ok(Found::Absent),
            Some(order) => Ok(Found::Complete(receipt(number, read(&order)?)?)),
        })
        .collect()
}

/// The number that OKKI knows the order by: the bill's, unless the scheme takes that from another field.
fn order_no(wanted: &Wanted) -> Result<Cow<'_, str>, Failure> {
    let number = match wanted.number_field.as_deref() {
        None | Some(NUMBER_FIELD) => Some(Cow::Borrowed(wanted.number.as_str())),
        Some(_) => wanted.body.get(NUMBER_FIELD).and_then(text),
    };
    number.filter(|number| !number.trim().is_empty()).ok_or_else(|| {
        let field = wanted.number_field.as_deref().unwrap_or(NUMBER_FIELD);
        Failure::misconfigured(format!(
            "the order with `{field}` `{}` has no `{NUMBER_FIELD}`, which is all that OKKI finds an order by",
            wanted.number
        ))
        .hint(format!("map `{NUMBER_FIELD}`, or take out the scheme's `number`"))
    })
}

/// An order by its `order_id` or `order_no`; `None` if OKKI has none.
pub(crate) fn info(by: &str, value: &str, send: SendAll<'_>) -> Result<Option<Value>, Failure> {
    let order = ask::ask(&[Request::get(INFO_PATH).query(by, value)], send)?.pop().flatten();
    order.as_deref().map(read).transpose()
}

fn read(order: &str) -> Result<Value, Failure> {
    serde_json::from_str(order).map_err(|error| Failure::transient(format!("OKKI's order is broken: {error}")))
}

/// What the order is known by, if it is the one that was asked for.
pub(crate) fn receipt(number: &str, order: Value) -> Result<Receipt, Failure> {
    let id = order.get("order_id").and_then(text).map(String::from);
    if id.is_none() {
        return Err(Failure::transient(format!("OKKI answers success for order `{number}`, but shows no order")));
    }
    match order.get("order_no").and_then(text) {
        Some(shown) if shown != number => {
            Err(Failure::transient(format!("OKKI was asked for order `{number}` and shows order `{shown}`")))
        }
        _ => Ok(Receipt { id, number: Some(number.to_owned()), reply: order }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind::{Misconfigured, Transient, Unauthorized};
    use qiao_plugin::Object;
    use qiao_plugin::http::{Error, Response};
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::{Vendor, answer, connection, object, success};

    fn looked_up(
        bills: Vec<Wanted>,
        answers: impl IntoIterator<Item = Result<Response, Error>>,
    ) -> (Result<Vec<Found>, Failure>, Vec<String>) {
        let vendor = Vendor::new(answers);
        let api = order::PUSH_API.to_uppercase();
        let call = Find { connection: connection(), api, bills, other_request: Object::new() };
        let found = find(&call, &|requests| vendor.send_all(requests));
        (found, vendor.asked.into_inner())
    }

    fn found(
        numbers: &[&str],
        answers: impl IntoIterator<Item = Result<Response, Error>>,
    ) -> Result<Vec<Found>, Failure> {
        let wanted = |number: &&str| Wanted { number: (*number).to_owned(), ..Wanted::default() };
        looked_up(numbers.iter().map(wanted).collect(), answers).0
    }

    fn absent() -> Result<Response, Error> {
        answer(200, &json!({"code": 404, "message": "Not Found Resource（未知异常）"}))
    }

    #[test]
    fn each_number_is_there_or_not() {
        let order = json!({"order_id": 7, "order_no": "B", "product_list": []});
        let found = found(&["A", "B"], [absent(), success(order.clone())]).unwrap();
        let receipt = Receipt { id: Some("7".into()), number: Some("B".into()), reply: order };
        assert_eq!(found, [Found::Absent, Found::Complete(receipt)]);
    }

    #[test]
    fn an_order_is_looked_up_by_what_okki_knows_it_by() {
        let wanted = |number_field: Option<&str>, body: &Value| Wanted {
            number: "N-1".into(),
            number_field: number_field.map(Into::into),
            body: object(body.clone()),
        };
        let cases = [
            (wanted(None, &json!({})), "N-1"),
            (wanted(Some("order_no"), &json!({"order_no": "N-1"})), "N-1"),
            (wanted(Some("name"), &json!({"name": "N-1", "order_no": "XSDD1"})), "XSDD1"),
            (wanted(Some("name"), &json!({"name": "N-1", "order_no": 42})), "42"),
        ];
        for (wanted, number) in cases {
            let (found, asked) = looked_up(vec![wanted], [absent()]);
            assert_eq!(found.unwrap(), [Found::Absent]);
            assert_eq!(asked, [format!("GET v1/invoices/order/info?order_no={number}")]);
        }
        for body in [json!({"name": "N-1"}), json!({"order_no": ""}), json!({"order_no": null})] {
            let (found, asked) = looked_up(vec![wanted(Some("name"), &body)], []);
            let failure = found.unwrap_err();
            assert_eq!(
                failure.to_string(),
                "the order with `name` `N-1` has no `order_no`, which is all that OKKI finds an order by; \
                 hint: map `order_no`, or take out the scheme's `number`"
            );
            assert_eq!(failure.kind, Misconfigured);
            assert!(asked.is_empty());
        }
    }

    #[test]
    fn whatever_is_not_said_clearly_is_a_failure() {
        let cases = [
            (success(json!(null)), Transient),
            (success(json!([])), Transient),
            (success(json!({"order_id": 7, "order_no": "Z"})), Transient),
            (answer(404, &json!("page")), Misconfigured),
            (answer(404, &json!({"message": "no Route matched"})), Misconfigured),
            (answer(200, &json!({"code": 404, "message": "No Privilege"})), Misconfigured),
            (answer(200, &json!({"code": 404, "message": "Not Found Resource没有权限查看订单"})), Misconfigured),
            (answer(401, &json!({"message": "expired"})), Unauthorized),
            (answer(500, &json!("x")), Transient),
            (Err(Error::NoAnswer("timed out".into())), Transient),
        ];
        for (reply, kind) in cases {
            let told = format!("{reply:?}");
            let failure = found(&["A", "B"], [absent(), reply]).unwrap_err();
            assert_eq!(failure.kind, kind, "{told}");
        }
        assert_eq!(found(&[" "], []).unwrap_err().kind, Misconfigured);
    }
}

//! Looking orders up by their number (`order/info`).
//!
//! `absent` lets the engine create an order, so it is said only where OKKI says it: `code` 404. An answer that is merely empty, or about
//! another number, is a failure.

use qiao_plugin::http::{Access, Error, Request, Response};
use qiao_plugin::json::text;
use qiao_plugin::{Failure, Find, Found, Receipt, Value};

use crate::reply::Refusal;
use crate::{SendAll, order, reply, send_one, session};

const INFO_PATH: &str = "v1/invoices/order/info";

pub(crate) fn find(call: &Find, send: SendAll<'_>) -> Result<Vec<Found>, Failure> {
    order::check_api(&call.api)?;
    let with_token = session::with_token(&call.connection)?;
    if call.numbers.iter().any(|number| number.trim().is_empty()) {
        return Err(Failure::misconfigured("an order without a number cannot be looked up").hint("map `order_no`"));
    }
    let requests = call.numbers.iter().map(|number| with_token(Request::get(INFO_PATH).query("order_no", number)));
    let answers = send(requests.collect());
    call.numbers
        .iter()
        .zip(answers)
        .map(|(number, answer)| match read(answer)? {
            None => Ok(Found::Absent),
            Some(order) => Ok(Found::Complete(receipt(number, order)?)),
        })
        .collect()
}

/// An order by its `order_id` or `order_no`; `None` if OKKI has none.
pub(crate) fn info(by: &str, value: &str, send: SendAll<'_>) -> Result<Option<Value>, Failure> {
    read(send_one(Request::get(INFO_PATH).query(by, value), send))
}

fn read(answer: Result<Response, Error>) -> Result<Option<Value>, Failure> {
    let answer = answer.map_err(|error| error.failure(Access::Read))?;
    match reply::data(&answer, Access::Read) {
        Ok(data) => serde_json::from_str(data)
            .map(Some)
            .map_err(|error| Failure::transient(format!("OKKI's order is broken: {error}"))),
        Err(Refusal::NotFound(_)) => Ok(None),
        Err(Refusal::Failed(failure)) => Err(failure),
    }
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
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::{Vendor, answer, connection, success};

    fn found(
        numbers: &[&str],
        answers: impl IntoIterator<Item = Result<Response, Error>>,
    ) -> Result<Vec<Found>, Failure> {
        let vendor = Vendor::new(answers);
        let call = Find {
            connection: connection(),
            api: order::PUSH_API.to_uppercase(),
            numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
            other_request: Object::new(),
        };
        find(&call, &|requests| vendor.send_all(requests))
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
    fn whatever_is_not_said_clearly_is_a_failure() {
        let cases = [
            (success(json!(null)), Transient),
            (success(json!([])), Transient),
            (success(json!({"order_id": 7, "order_no": "Z"})), Transient),
            (answer(404, &json!("page")), Misconfigured),
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

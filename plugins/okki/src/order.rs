//! Pushing orders (api-3478252), one per request: the vendor takes no more.
//!
//! What OKKI does with a second push of a known `order_no` is not documented for sure: it may edit the order, or make another. Both
//! readings are met by never finding out: an order that is known to exist is edited by its `order_id`, which is documented; any other is
//! created once, and after a push whose answer is missing the engine looks the number up before it pushes again. An order that OKKI took
//! with fewer lines than it was sent is half done: its `order_id` comes back with the next push, which edits it.

use qiao_plugin::http::{Access, Request};
use qiao_plugin::json::{json, text};
use qiao_plugin::{Bill, Failure, HalfDone, Object, Outcome, Push, Receipt, Value};

use crate::reply::Refusal;
use crate::{SendAll, find, lines, reply, send_one, session};

/// The metadata's `api`.
pub(crate) const PUSH_API: &str = "/v1/invoices/order/push";

pub(crate) fn push(call: Push, send: SendAll<'_>) -> Result<Vec<Outcome>, Failure> {
    check_api(&call.api)?;
    let with_token = session::with_token(&call.connection)?;
    let signed = |requests: Vec<Request>| send(requests.into_iter().map(&with_token).collect());
    let bills = call.bills.into_iter();
    Ok(bills.map(|bill| push_one(bill, &call.other_request, &signed).unwrap_or_else(Outcome::Failed)).collect())
}

pub(crate) fn check_api(api: &str) -> Result<(), Failure> {
    if api.eq_ignore_ascii_case(PUSH_API) {
        return Ok(());
    }
    Err(Failure::misconfigured(format!("okki has no target `{api}`"))
        .hint(format!("set the metadata's `api` to `{PUSH_API}`")))
}

fn push_one(mut bill: Bill, other_request: &Object, send: SendAll<'_>) -> Result<Outcome, Failure> {
    let mut body = std::mem::take(&mut bill.body);
    // OKKI takes nothing beside the body, so what the scheme writes there belongs into it.
    for (name, value) in other_request {
        if !value.is_null() && !body.contains_key(name) {
            body.insert(name.clone(), value.clone());
        }
    }
    let mut product_list = lines::take(&mut body)?;
    if let Some(id) = order_id(&bill, &body, send)? {
        if let Some(wanted) = product_list {
            let order = current(&id, send)?;
            product_list = Some(lines::edit(wanted, &lines::of_order(&order))?);
        }
        // `order_id` is documented as a number.
        let id = id.parse::<u64>().map_or(Value::from(id), Value::from);
        body.insert("order_id".to_owned(), id);
    }
    let expected = lines::staying(product_list.as_deref().unwrap_or_default());
    if let Some(lines) = product_list {
        body.insert(lines::LINES.to_owned(), lines.into_iter().map(Value::Object).collect());
    }
    let path = PUSH_API.trim_start_matches('/');
    let body = Value::Object(body);
    let request = Request::post(path).json(&body);
    let answer = send_one(request, send).map_err(|error| error.failure(Access::Write))?;
    let data = reply::data(&answer, Access::Write).map_err(Refusal::failure)?;
    let data = serde_json::from_str(data).unwrap_or_default();
    taken(bill.number, &body, expected, data)
}

/// The vendor's id of the order to edit; `None`: create one.
fn order_id(bill: &Bill, body: &Object, send: SendAll<'_>) -> Result<Option<String>, Failure> {
    if let Some(resume) = &bill.resume {
        // Without its id it would be created again.
        let id = resume.get("order_id").and_then(text).map(Into::into);
        return id.map(Some).ok_or_else(|| {
            Failure::misconfigured("the order is half done at OKKI, but what was kept of it has no `order_id`")
                .hint("see at OKKI whether the order is whole, and finish it there by hand")
        });
    }
    let Some(existing) = &bill.existing else {
        // A mapping may name the order itself.
        let named = body.get("order_id").and_then(text);
        return Ok(named.filter(|id| !matches!(id.as_ref(), "" | "0")).map(Into::into));
    };
    if let Some(id) = &existing.id {
        return Ok(Some(id.clone()));
    }
    let number = existing.number.clone().or_else(|| body.get(find::NUMBER_FIELD).and_then(text).map(Into::into));
    let number = number.ok_or_else(|| {
        Failure::misconfigured("the order exists at OKKI, but neither its id nor its number is known")
    })?;
    match find::info(find::NUMBER_FIELD, &number, send)? {
        Some(order) => Ok(find::receipt(&number, order)?.id),
        None => Err(gone(find::NUMBER_FIELD, &number)),
    }
}

/// The order as it is now.
fn current(id: &str, send: SendAll<'_>) -> Result<Value, Failure> {
    find::info("order_id", id, send)?.ok_or_else(|| gone("order_id", id))
}

fn gone(by: &str, value: &str) -> Failure {
    Failure::rejected(format!("the order to edit, `{by}` {value}, is no longer at OKKI"))
        .code("404")
        .hint("restore it at OKKI; it is tried again when its scheme or a table that it uses is edited")
}

/// What became of an order that OKKI says it has taken. `expected`: how many lines it should have.
fn taken(bill_number: Option<String>, body: &Value, expected: usize, data: Value) -> Result<Outcome, Failure> {
    let known = || body.get("order_id").and_then(text);
    let id = data.get("order_id").and_then(text).or_else(known);
    let Some(id) = id.map(String::from) else {
        return Err(Failure::uncertain("OKKI answers success without an `order_id`"));
    };
    let shown = data.get(lines::LINES).and_then(Value::as_array).map(Vec::len);
    let number = body.get(find::NUMBER_FIELD).and_then(text).map(Into::into);
    let receipt = Receipt { id: Some(id.clone()), number: number.or(bill_number), reply: data };
    let Some(shown) = shown.filter(|shown| *shown < expected) else {
        return Ok(Outcome::Done(receipt));
    };
    let failure = Failure::rejected(format!(
        "OKKI has taken the order (`order_id` {id}) with {shown} of {expected} lines"
    ))
    .code("lines-dropped")
    .hint("compare its lines at OKKI with the record, mend what OKKI does not accept, then retry: it will be edited");
    Ok(Outcome::Partial(HalfDone { receipt, resume: json!({ "order_id": id }) }, failure))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind::{Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};
    use qiao_plugin::http::{Error, Response};

    use super::*;
    use crate::testing::{Vendor, answer, connection, object, success};

    type Answer = Result<Response, Error>;

    fn bill(lines: &Value) -> Bill {
        Bill {
            number: Some("XSDD1".into()),
            body: object(json!({"order_no": "XSDD1", "currency": "CNY", "product_list": lines})),
            ..Bill::default()
        }
    }

    fn existing(bill: Bill, id: Option<&str>) -> Bill {
        Bill { existing: Some(Receipt { id: id.map(Into::into), ..Receipt::default() }), ..bill }
    }

    fn done(outcome: Outcome) -> Receipt {
        match outcome {
            Outcome::Done(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    fn failed(outcome: Outcome) -> Failure {
        match outcome {
            Outcome::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn pushed(bill: Bill, answers: impl IntoIterator<Item = Answer>) -> (Outcome, Vec<String>) {
        let vendor = Vendor::new(answers);
        let call = Push {
            connection: connection(),
            api: PUSH_API.into(),
            method: "POST".into(),
            bills: vec![bill],
            other_request: Object::new(),
        };
        let mut outcomes = push(call, &|requests| vendor.send_all(requests)).unwrap();
        (outcomes.remove(0), vendor.asked.into_inner())
    }

    #[test]
    fn a_new_order_is_created_once() {
        let data = json!({"order_id": 5_223_975_283_u64, "product_list": [{"unique_id": 1}]});
        let lines = json!([{"product_id": "1", "sku_id": 2, "count": 1.50}]);
        let (outcome, asked) = pushed(bill(&lines), [success(data.clone())]);
        assert_eq!(done(outcome), Receipt { id: Some("5223975283".into()), number: Some("XSDD1".into()), reply: data });
        assert_eq!(
            asked,
            [
                r#"POST v1/invoices/order/push {"order_no":"XSDD1","currency":"CNY","product_list":[{"product_id":"1","sku_id":2,"count":1.5}]}"#
            ]
        );
    }

    #[test]
    fn an_existing_order_is_edited_by_its_id_with_the_lines_it_has_now() {
        let now = json!({"order_id": "77", "product_list": [
            {"unique_id": 4, "product_id": 1, "sku_id": "2"}, {"unique_id": 5, "product_id": 3, "sku_id": 4}
        ]});
        let whole = json!({"order_id": "77", "product_list": [{"unique_id": 4}]});
        let lines = json!([{"product_id": "1", "sku_id": 2}]);
        let (outcome, asked) = pushed(existing(bill(&lines), Some("77")), [success(now), success(whole)]);
        assert_eq!(done(outcome).id.as_deref(), Some("77"));
        assert_eq!(
            asked,
            [
                "GET v1/invoices/order/info?order_id=77",
                r#"POST v1/invoices/order/push {"order_no":"XSDD1","currency":"CNY","product_list":[{"product_id":"1","sku_id":2,"unique_id":4},{"unique_id":5,"product_id":3,"sku_id":4,"remove":1}],"order_id":77}"#,
            ]
        );
    }

    #[test]
    fn an_existing_order_whose_id_is_unknown_is_looked_up() {
        let order = || success(json!({"order_id": 77, "order_no": "XSDD1"}));
        let (outcome, asked) = pushed(existing(bill(&json!(null)), None), [order(), success(json!({"order_id": 77}))]);
        assert_eq!(done(outcome).id.as_deref(), Some("77"));
        assert_eq!(asked[0], "GET v1/invoices/order/info?order_no=XSDD1");
        assert!(asked[1].contains("\"order_id\":77"));

        // One that exists is never made again.
        let gone = answer(200, &json!({"code": 404, "message": "Not Found Resource"}));
        let (outcome, asked) = pushed(existing(bill(&json!(null)), None), [gone]);
        assert_eq!(failed(outcome).message, "the order to edit, `order_no` XSDD1, is no longer at OKKI");
        assert_eq!(asked.len(), 1);
    }

    #[test]
    fn nothing_is_sent_that_okki_would_drop_or_merge() {
        let (outcome, asked) = pushed(bill(&json!([{"product_id": 1}])), []);
        assert_eq!(failed(outcome).code.as_deref(), Some("line-dropped"));
        assert!(asked.is_empty());

        let line = json!({"product_id": 1, "sku_id": 2});
        let twice = existing(bill(&json!([line, line])), Some("7"));
        let (outcome, asked) = pushed(twice, [success(json!({"order_id": 7}))]);
        assert_eq!(failed(outcome).code.as_deref(), Some("duplicate-line"));
        assert_eq!(asked.len(), 1);
    }

    #[test]
    fn an_order_with_fewer_lines_than_sent_is_half_done_and_edited_next_time() {
        let line = |sku| json!({"product_id": 1, "sku_id": sku});
        let both = json!([line(2), line(3)]);
        let data = json!({"order_id": 9, "product_list": [line(2)]});
        let (outcome, _) = pushed(bill(&both), [success(data.clone())]);
        let Outcome::Partial(half_done, failure) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(failure.kind, Rejected);
        assert_eq!(failure.message, "OKKI has taken the order (`order_id` 9) with 1 of 2 lines");
        assert_eq!(half_done.receipt, Receipt { id: Some("9".into()), number: Some("XSDD1".into()), reply: data });

        let again = Bill { resume: Some(half_done.resume), ..bill(&both) };
        let now = json!({"order_id": 9, "product_list": [{"unique_id": 4, "product_id": 1, "sku_id": 2}]});
        let whole = json!({"order_id": 9, "product_list": [line(2), line(3)]});
        let (outcome, asked) = pushed(again, [success(now), success(whole)]);
        assert_eq!(done(outcome).id.as_deref(), Some("9"));
        assert_eq!(asked[0], "GET v1/invoices/order/info?order_id=9");
        assert!(asked[1].contains("\"unique_id\":4") && asked[1].ends_with("\"order_id\":9}"), "{}", asked[1]);

        let (outcome, asked) = pushed(Bill { resume: Some(json!({})), ..bill(&both) }, []);
        assert_eq!(failed(outcome).kind, Misconfigured);
        assert!(asked.is_empty());
    }

    #[test]
    fn what_became_of_a_push_is_judged_as_a_write() {
        let cases: [(Answer, _); 10] = [
            (Err(Error::NotSent("refused".into())), Transient),
            (Err(Error::NoAnswer("timed out".into())), Uncertain),
            (Err(Error::TooLarge(9)), Uncertain),
            (Err(Error::Denied("host".into())), Misconfigured),
            (answer(503, &json!("busy")), Uncertain),
            (answer(429, &json!("slow")), Throttled),
            (answer(200, &json!({"code": 401, "message": "x"})), Unauthorized),
            (answer(200, &json!({"code": 404, "message": "Not Found Resource没有权限编辑订单"})), Rejected),
            (success(json!({})), Uncertain),
            (success(json!(null)), Uncertain),
        ];
        for (reply, kind) in cases {
            let told = format!("{reply:?}");
            let (outcome, _) = pushed(bill(&json!([])), [reply]);
            assert_eq!(failed(outcome).kind, kind, "{told}");
        }
    }

    #[test]
    fn before_an_edit_only_reads_fail() {
        let lines = json!([{"product_id": 1, "sku_id": 2}]);
        let cases: [(Answer, _); 3] = [
            (Err(Error::NoAnswer("timed out".into())), Transient),
            (answer(500, &json!("x")), Transient),
            (answer(200, &json!({"code": 404, "message": "Not Found Resource"})), Rejected),
        ];
        for (reply, kind) in cases {
            let (outcome, asked) = pushed(existing(bill(&lines), Some("7")), [reply]);
            assert_eq!(failed(outcome).kind, kind);
            assert_eq!(asked.len(), 1);
        }
    }
}

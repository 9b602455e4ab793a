#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "tests"
)]
//! A Kingdee made of prepared answers.

use std::cell::RefCell;
use std::collections::VecDeque;

use qiao_plugin::http::{Error, Part, Request, Response};
use qiao_plugin::json::json;
use qiao_plugin::{Bill, Connection, Failure, Object, Outcome, Push, Value};

use crate::config::Config;
use crate::push;

pub(crate) type Answer = Result<Response, Error>;

/// Gives its answers one after the other and keeps what it was asked.
pub(crate) struct Kingdee {
    answers: RefCell<VecDeque<Answer>>,
    pub(crate) requests: RefCell<Vec<Request>>,
}

impl Kingdee {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: RefCell::new(answers.into_iter().collect()), requests: RefCell::default() }
    }

    pub(crate) fn send(&self, request: Request) -> Answer {
        let unexpected = told(&request);
        self.requests.borrow_mut().push(request);
        self.answers.borrow_mut().pop_front().unwrap_or_else(|| panic!("no answer prepared for {unexpected}"))
    }

    /// What it was asked, and nothing prepared is left over.
    pub(crate) fn asked(self) -> Vec<String> {
        assert!(self.answers.into_inner().is_empty(), "an answer was not asked for");
        self.requests.into_inner().iter().map(told).collect()
    }
}

/// A connection of the account whose signature vectors are known, with more in its `config`.
pub(crate) fn connection(more: &Value, session: Value) -> Connection {
    let mut config = json!({
        "acct_id": "dcid-1", "user": "user-1", "lcid": 2052, "org_num": "100",
        "app_id": "123456_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Connection::new("kingdee-main", "https://erp.example.com/k3cloud/", config, session)
}

/// A connection that is signed in.
pub(crate) fn signed_in() -> Connection {
    connection(&json!({}), json!({"signature": "kd", "kdservice": null, "asp_net": null}))
}

pub(crate) fn config_of(connection: &Connection) -> Config {
    Config::of(connection).unwrap()
}

pub(crate) fn object(value: Value) -> Object {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn answer(body: &str) -> Answer {
    Ok(Response { status: 200, headers: vec![], body: body.as_bytes().to_vec() })
}

pub(crate) fn lost() -> Answer {
    Err(Error::NoAnswer("timed out".into()))
}

/// Rows of a query.
pub(crate) fn rows(rows: Value) -> Answer {
    answer(&rows.to_string())
}

/// The reply to a write: `(Id, Number, DIndex)` of each success, `(Message, DIndex)` of each error.
pub(crate) fn written(code: u32, entities: &[(u64, &str, usize)], errors: &[(&str, Option<usize>)]) -> Answer {
    let entities: Vec<Value> =
        entities.iter().map(|(id, number, place)| json!({"Id": id, "Number": number, "DIndex": place})).collect();
    let errors: Vec<Value> = errors
        .iter()
        .map(|(message, place)| match place {
            Some(place) => json!({"FieldName": null, "Message": message, "DIndex": place}),
            None => json!({"FieldName": null, "Message": message}),
        })
        .collect();
    let status = json!({
        "IsSuccess": errors.is_empty(), "Errors": errors, "SuccessEntitys": entities, "SuccessMessages": [],
        "MsgCode": code
    });
    answer(&json!({"Result": {"ResponseStatus": status}}).to_string())
}

/// The reply to a write that did both.
pub(crate) fn both(first: (u64, &str), second: (u64, &str)) -> Answer {
    written(0, &[(first.0, first.1, 0), (second.0, second.1, 1)], &[])
}

/// A bill to make.
pub(crate) fn new(number: &str) -> Bill {
    Bill { number: Some(number.into()), body: object(json!({"FBillNo": number})), ..Bill::default() }
}

/// A bill to go on with.
pub(crate) fn half_done(number: &str, id: &str, step: &str) -> Bill {
    Bill { resume: Some(json!({"id": id, "number": number, "step": step})), ..new(number) }
}

/// Pushes bills: what became of them, and what Kingdee was asked.
pub(crate) fn pushed_with(
    api: &str,
    other_request: Value,
    bills: Vec<Bill>,
    answers: impl IntoIterator<Item = Answer>,
) -> (Result<Vec<Outcome>, Failure>, Vec<String>) {
    let kingdee = Kingdee::new(answers);
    let call = Push {
        connection: signed_in(),
        api: api.into(),
        method: "POST".into(),
        bills,
        other_request: object(other_request),
    };
    let outcomes = push::push(&call, &|request| kingdee.send(request));
    (outcomes, kingdee.asked())
}

/// Pushes bills to be audited: `done ID`, `failed KIND: …` or `partial ID STEP KIND: …` of each, and the services that were asked.
pub(crate) fn pushed(bills: Vec<Bill>, answers: impl IntoIterator<Item = Answer>) -> (Vec<String>, Vec<String>) {
    let other_request = json!({"FormId": "F", "IsAutoSubmitAndAudit": "true"});
    let (outcomes, asked) = pushed_with("batchSave", other_request, bills, answers);
    let why = |failure: Failure| format!("{:?}: {}", failure.kind, failure.message);
    let told = |outcome| match outcome {
        Outcome::Done(receipt) => format!("done {}", receipt.id.unwrap()),
        Outcome::Failed(failure) => format!("failed {}", why(failure)),
        Outcome::Partial(half_done, failure) => {
            let (id, step) = (&half_done.resume["id"], &half_done.resume["step"]);
            assert_eq!(half_done.receipt.id.as_deref(), id.as_str());
            format!("partial {} {} {}", id.as_str().unwrap(), step.as_str().unwrap(), why(failure))
        }
    };
    let service = |request: String| request.split(' ').next().unwrap().to_owned();
    (outcomes.unwrap().into_iter().map(told).collect(), asked.into_iter().map(service).collect())
}

/// `Audit {"formid":…}`
pub(crate) fn told(request: &Request) -> String {
    assert_eq!(request.method, "POST");
    let service = request.path.strip_suffix(".common.kdsvc").unwrap();
    let word = service.rsplit('.').next().unwrap();
    let body: Vec<String> = request.body.iter().map(part).collect();
    format!("{word} {}", body.concat())
}

fn part(part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Part::Secret { name, encoding, .. } => format!("<{name} {encoding:?}>"),
    }
}

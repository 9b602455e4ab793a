//! The rules of pushing, over the account without its sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::dataset::Dataset;

struct Client {
    crm: Crm,
    token: String,
}

fn crm(reading: OrderNoReading) -> Crm {
    let clock = Clock::fixed("2026-11-21T08:00:00Z".parse::<Timestamp>().unwrap());
    Crm {
        tokens: Tokens::new("id".to_owned(), "secret".to_owned(), 28_800, clock.clone()),
        catalogue: Catalogue::of(&Dataset::small(1)),
        orders: Mutex::default(),
        reading,
        clock,
        motion: Motion::default(),
    }
}

impl Client {
    fn new(reading: OrderNoReading) -> Self {
        let mut client = Self { crm: crm(reading), token: String::new() };
        client.sign_in("");
        client
    }

    fn sign_in(&mut self, scope: &str) {
        let form = format!("grant_type=client_credentials&client_id=id&client_secret=secret&scope={scope}");
        let (status, body) = self.send("POST", "/v1/oauth2/access_token", "", &form);
        assert_eq!(status, 200);
        self.token = body["access_token"].as_str().unwrap().to_owned();
    }

    fn send(&self, method: &str, path: &str, query: &str, body: &str) -> (u16, Value) {
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", self.token);
        headers.insert("authorization", HeaderValue::try_from(bearer).unwrap());
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: body.to_owned().into(),
        };
        let answer = self.crm.answer(self.crm.route(&request), &request);
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    fn get(&self, path: &str, query: &str) -> Value {
        let (status, body) = self.send("GET", path, query, "");
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["code"], 200, "{body}");
        assert_eq!(body["now"], "2026-11-21 16:00:00");
        body["data"].clone()
    }

    /// The data of a push, or its code and message.
    fn push(&self, order: &Value) -> Result<Value, (i64, String)> {
        let (status, body) = self.send("POST", "/v1/invoices/order/push", "", &order.to_string());
        assert_eq!(status, 200, "a refusal is HTTP 200 as well: {body}");
        match body["code"].as_i64().unwrap() {
            200 => Ok(body["data"].clone()),
            code => Err((code, body["message"].as_str().unwrap().to_owned())),
        }
    }

    /// Product, count and cost of each line of the newest order of this number.
    fn lines(&self, order_no: &str) -> Vec<(String, String, String)> {
        let info = self.get("/v1/invoices/order/info", &format!("order_no={order_no}"));
        let lines = info["product_list"].as_array().unwrap().iter();
        lines
            .map(|line| {
                (line["product_no"].as_str().unwrap().to_owned(), text(&line["count"]), text(&line["cost_amount"]))
            })
            .collect()
    }
}

/// Ids compare as texts, whatever their type.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// A line of the n-th product.
fn line(n: u64, count: &str) -> Value {
    json!({"product_id": 3_495_742_999 + 2 * n, "sku_id": (3_495_743_000 + 2 * n).to_string(),
           "count": count, "unit_price": "10", "cost_amount": "9.99"})
}

fn order(order_no: &str, lines: &[Value]) -> Value {
    json!({"order_no": order_no, "currency": "CNY", "account_date": "2026-01-05", "company_id": "3448551001",
           "users": [{"user_id": 11_858_701, "rate": 100}], "product_list": lines})
}

fn found(lines: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = |line: &(&str, &str, &str)| (line.0.to_owned(), line.1.to_owned(), line.2.to_owned());
    lines.iter().map(owned).collect()
}

#[test]
fn a_known_number_edits_under_one_reading_and_doubles_under_the_other() {
    for (reading, orders, creates) in [(OrderNoReading::Edit, 1, 1), (OrderNoReading::SecondOrder, 2, 2)] {
        let client = Client::new(reading);
        let first = client.push(&order("X1", &[line(1, "1")])).unwrap();
        let second = client.push(&order("X1", &[line(1, "2")])).unwrap();
        assert_eq!(first["order_id"] == second["order_id"], orders == 1);
        let list = client.get("/v1/invoices/order/list", "");
        assert_eq!(list["count"], orders);
        let pushes = lock(&client.crm.orders).pushes().to_vec();
        assert_eq!(pushes.len(), 2);
        assert_eq!(pushes.iter().filter(|push| push.kind == PushKind::Create).count(), creates);
        assert_eq!(client.lines("X1"), found(&[("OK-1001", "2", "9.99")]));
    }
}

#[test]
fn an_order_id_edits_under_both_readings() {
    for reading in [OrderNoReading::Edit, OrderNoReading::SecondOrder] {
        let client = Client::new(reading);
        let made = client.push(&order("X1", &[line(1, "1")])).unwrap();
        let mut edit = order("X1", &[line(1, "5")]);
        edit["order_id"] = json!(text(&made["order_id"]));
        client.push(&edit).unwrap();
        assert_eq!(client.get("/v1/invoices/order/list", "")["count"], 1);
        edit["order_id"] = json!(1);
        assert_eq!(client.push(&edit).unwrap_err(), (404, "Not Found Resource（未知异常）".to_owned()));
    }
}

#[test]
fn lines_are_dropped_in_silence_and_amounts_are_not_computed() {
    let client = Client::new(OrderNoReading::Edit);
    let mut unpriced = line(1, "3");
    unpriced.as_object_mut().unwrap().remove("cost_amount");
    let mut without_sku = line(2, "1");
    without_sku["sku_id"] = json!("");
    let mut without_product = line(3, "1");
    without_product["product_id"] = json!(0);
    let made = client.push(&order("X1", &[unpriced, without_sku, without_product])).unwrap();
    assert_eq!(made["product_list"].as_array().unwrap().len(), 1);
    assert_eq!(client.lines("X1"), found(&[("OK-1001", "3", "0")]));
    assert_eq!(lock(&client.crm.orders).pushes()[0].dropped, 2);
}

#[test]
fn an_edit_merges_lines() {
    let client = Client::new(OrderNoReading::Edit);
    // Only an edit is de-duplicated.
    let made = client.push(&order("X1", &[line(1, "1"), line(1, "2"), line(2, "7")])).unwrap();
    assert_eq!(client.lines("X1").len(), 3);
    let second = made["product_list"][1]["unique_id"].clone();
    let third = made["product_list"][2]["unique_id"].clone();

    // The first line of the product is the one that is meant; the third stays.
    client.push(&order("X1", &[line(1, "4"), line(3, "1")])).unwrap();
    let counts =
        [("OK-1001", "4", "9.99"), ("OK-1001", "2", "9.99"), ("OK-1002", "7", "9.99"), ("OK-1003", "1", "9.99")];
    assert_eq!(client.lines("X1"), found(&counts));

    // A `unique_id` means exactly its line; with `remove` the line goes.
    let mut exact = line(1, "6");
    exact["unique_id"] = second;
    client.push(&order("X1", &[exact, json!({"unique_id": third, "remove": 1})])).unwrap();
    let counts = [("OK-1001", "4", "9.99"), ("OK-1001", "6", "9.99"), ("OK-1003", "1", "9.99")];
    assert_eq!(client.lines("X1"), found(&counts));
}

#[test]
fn what_does_not_exist_is_refused_and_nothing_is_applied() {
    let client = Client::new(OrderNoReading::Edit);
    let with = |name: &str, value: Value| {
        let mut order = order("X1", &[line(1, "1")]);
        order[name] = value;
        order
    };
    let mut wrong_sku = line(1, "1");
    wrong_sku["sku_id"] = line(2, "1")["sku_id"].clone();
    for (order, code, words) in [
        (with("company_id", json!(5)), 404, "Not Found Resource"),
        (with("company_id", json!("CUST0001")), 404, "Not Found Resource"),
        (with("users", json!([{"user_id": 5, "rate": 100}])), 404, "没有权限编辑"),
        (with("user_id", json!("5")), 404, "没有权限编辑"),
        (
            with("users", json!([{"user_id": 11_858_701, "rate": 60}, {"user_id": 11_858_702, "rate": "40.5"}])),
            400,
            "100",
        ),
        (with("currency", json!("")), 400, "currency"),
        (with("currency", json!("PRE001")), 400, "currency"),
        (with("product_list", json!([wrong_sku])), 404, "Not Found Resource"),
        (with("product_list", json!([line(400, "1")])), 404, "Not Found Resource"),
        (with("product_list", json!([line(1, "many")])), 400, "count"),
    ] {
        let (refused, message) = client.push(&order).unwrap_err();
        assert_eq!(refused, code, "{order}");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(client.get("/v1/invoices/order/list", "")["count"], 0);
    let (status, body) = client.send("GET", "/v1/invoices/order/info", "order_no=X1", "");
    assert_eq!((status, body["code"].as_i64().unwrap()), (200, 404));
}

#[test]
fn decimals_keep_their_digits() {
    let client = Client::new(OrderNoReading::Edit);
    let mut exact = line(1, "0.5");
    exact["unit_price"] = "8.0100".parse::<serde_json::Number>().unwrap().into();
    exact["cost_amount"] = json!("4.01");
    client.push(&order("X1", &[exact])).unwrap();
    let info = client.get("/v1/invoices/order/info", "order_no=X1");
    assert_eq!(info["product_list"][0]["unit_price"].to_string(), "8.0100");
    assert_eq!(info["amount"].to_string(), "4.01");
}

#[test]
fn lists_are_read_by_page_number_and_leave_things_out() {
    let client = Client::new(OrderNoReading::Edit);
    let first = client.get("/v1/product/list", "");
    assert_eq!(first["count"], 320);
    assert_eq!(first["list"].as_array().unwrap().len(), 10);
    assert!(first["list"][0].get("sku_id").is_none() && first["list"][0].get("sku_items").is_none());
    let again = client.get("/v1/product/list", "start_index=1&count=10");
    assert_eq!(first, again, "pages count from 1");
    let last = client.get("/v1/product/list", "start_index=4&count=100");
    assert_eq!(last["list"].as_array().unwrap().len(), 20);
    assert_eq!(last["list"][19]["product_no"], "OK-1320");
    let none = client.get("/v1/product/list", "start_index=5&count=100");
    assert_eq!(none["list"], json!([]));

    let info = client.get("/v1/product/info", "product_no=OK-1001");
    assert_eq!(text(&info["sku_items"][0]["sku_id"]), "3495743002");
    let (status, _) = client.send("GET", "/v1/product/info", "product_no=OK-9", "");
    assert_eq!(status, 404, "product/info answers with HTTP 404");
    assert_eq!(client.get("/v1/company/list", "count=50")["totalItem"], 40);
    assert_eq!(client.get("/v1/company/info", "serial_id=CUST0002")["serial_id"], "CUST0002");
    let users = client.get("/v1/user/list", "enable_flag=1");
    assert_eq!(users.as_array().unwrap().len(), 10, "a bare array");
    assert_eq!(users[0]["employee_no"], "EMP01");
}

#[test]
fn one_id_is_a_number_here_and_a_text_there() {
    let client = Client::new(OrderNoReading::Edit);
    let list = client.get("/v1/product/list", "count=320");
    let ids: Vec<&Value> = list["list"].as_array().unwrap().iter().map(|item| &item["product_id"]).collect();
    assert!(ids.iter().any(|id| id.is_string()) && ids.iter().any(|id| id.is_number()));
    let differs = ids.iter().filter(|id| {
        let info = client.get("/v1/product/info", &format!("product_id={}", text(id)));
        assert_eq!(text(&info["product_id"]), text(id));
        info["product_id"].is_string() != id.is_string()
    });
    assert!(differs.count() > 0);
}

#[test]
fn orders_are_listed_by_time_and_disappear_when_removed() {
    let client = Client::new(OrderNoReading::Edit);
    client.push(&order("X1", &[])).unwrap();
    client.crm.clock.advance(Duration::from_hours(1));
    client.push(&order("X2", &[])).unwrap();
    let count = |query: &str| {
        let (_, body) = client.send("GET", "/v1/invoices/order/list", query, "");
        body["data"]["count"].as_u64().unwrap()
    };
    assert_eq!(count(""), 2);
    assert_eq!(count("start_time=2026-11-21%2016:30:00"), 1);
    assert_eq!(count("end_time=2026-11-21%2016:30:00"), 1);
    assert_eq!(count("start_time=2026-11-21&end_time=2026-11-21&time_type=2"), 2);
    assert_eq!(count("start_time=2026-01-05&end_time=2026-01-05&time_type=3"), 2);
    let (status, body) = client.send("POST", "/v1/invoices/order/remove", "order_no=X1", "");
    assert_eq!((status, &body["data"]), (200, &json!("success")));
    assert_eq!((count(""), count("removed=1")), (1, 1));
    let (_, body) = client.send("GET", "/v1/invoices/order/info", "order_no=X1", "");
    assert_eq!(body["code"], 404);
}

#[test]
fn a_token_ends_and_fetching_again_does_not_prolong_it() {
    let mut client = Client::new(OrderNoReading::Edit);
    let fetched = client.token.clone();
    client.crm.clock.advance(Duration::from_hours(5));
    client.sign_in("");
    assert_eq!(client.token, fetched);
    client.crm.clock.advance(Duration::from_hours(3));
    let (status, body) = client.send("GET", "/v1/user/list", "", "");
    assert_eq!((status, body["error"].as_str()), (401, Some("access_denied")));
    client.sign_in("");
    assert_ne!(client.token, fetched);
    assert_eq!(client.send("GET", "/v1/user/list", "", "").0, 200);
    client.crm.tokens.revoke_all();
    assert_eq!(client.send("GET", "/v1/user/list", "", "").0, 401);
}

#[test]
fn a_token_is_good_for_its_scopes() {
    let mut client = Client::new(OrderNoReading::Edit);
    client.sign_in("product+user");
    assert_eq!(client.send("GET", "/v1/user/list", "", "").0, 200);
    let (status, body) = client.send("GET", "/v1/invoices/order/list", "", "");
    assert_eq!((status, body["message"].as_str()), (400, Some("no permission invoices scopes")));
}

#[test]
fn oauth_refuses_without_an_envelope() {
    let client = Client::new(OrderNoReading::Edit);
    for (body, error) in [
        ("grant_type=client_credentials&client_id=id&client_secret=wrong", "invalid_client"),
        ("grant_type=refresh_token&client_id=id&client_secret=secret", "unsupported_grant_type"),
        ("client_id=id&client_secret=secret", "invalid_request"),
        ("grant_type=client_credentials&client_id=id&client_secret=secret&scope=everything", "invalid_scope"),
    ] {
        let (status, answer) = client.send("POST", "/v1/oauth2/access_token", "", body);
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)), "{body}");
    }
    let json = json!({"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"});
    let (status, answer) = client.send("POST", "/v1/oauth2/access_token", "", &json.to_string());
    assert_eq!((status, answer["token_type"].as_str()), (200, Some("Bearer")));
    assert!(answer.get("refresh_token").is_none() && answer.get("code").is_none());
}

#[test]
fn a_path_that_is_not_there_is_http_404() {
    let client = Client::new(OrderNoReading::Edit);
    assert_eq!(client.send("POST", "/v1/invoices/order/pushes", "", "{}").0, 404);
    assert_eq!(client.send("GET", "/v1/invoices/order/push", "", "").0, 404);
}

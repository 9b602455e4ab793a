//! The vendors over real sockets: who is let in ([`sessions`], [`logins`], [`ways_in`]), how refunds are read ([`refunds`]) and returns
//! written ([`returns`], [`steps`]), how faults look to a client ([`faults`]), what the judge says and what survives a restart ([`books`]).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod books;
mod faults;
mod logins;
mod refunds;
mod returns;
mod sessions;
mod steps;
mod ways_in;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::dataset::Dataset;
use crate::door::{Fault, Route};
use crate::kingdee::signature::{api_message, client_of, sign};
use crate::okki::OrderNoReading;

const QUERY: &str = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc";
const SOON: Duration = Duration::from_secs(20);

fn client() -> reqwest::Client {
    // Nothing here is encrypted, but the client wants to be able to.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// The headers of a signed request, by name.
fn signed(credentials: &Credentials, path: &str) -> Vec<(&'static str, String)> {
    let (client_id, secret) = client_of(&credentials.app_id);
    let data = format!("{},{},2052,100", credentials.acct_id, credentials.user);
    vec![
        ("X-Api-ClientID", client_id),
        ("X-Api-Auth-Version", "2.0".to_owned()),
        ("x-api-timestamp", "1790000000".to_owned()),
        ("x-api-nonce", "1790000000".to_owned()),
        ("x-api-signheaders", "x-api-timestamp,x-api-nonce".to_owned()),
        ("X-Api-Signature", sign(&secret, &api_message(path, "1790000000", "1790000000"))),
        ("X-Kd-Appkey", credentials.app_id.clone()),
        ("X-Kd-Appdata", STANDARD.encode(&data)),
        ("X-Kd-Signature", sign(&credentials.app_secret, &format!("{}{data}", credentials.app_id))),
    ]
}

struct Caller<'a> {
    vendors: &'a Vendors,
    http: reqwest::Client,
    token: String,
}

impl<'a> Caller<'a> {
    async fn new(vendors: &'a Vendors) -> Self {
        let mut caller = Self { vendors, http: client(), token: String::new() };
        caller.sign_in().await;
        caller
    }

    async fn sign_in(&mut self) {
        let credentials = &self.vendors.credentials;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &credentials.client_id),
            ("client_secret", &credentials.client_secret),
        ];
        let url = format!("{}/v1/oauth2/access_token", self.vendors.okki.base_url());
        let answer = self.http.post(url).form(&form).send().await.unwrap();
        let token: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        self.token = token["access_token"].as_str().unwrap().to_owned();
    }

    fn query(&self, base: &str, headers: Vec<(&'static str, String)>) -> reqwest::RequestBuilder {
        let url = format!("http://127.0.0.1:{}{base}{QUERY}", self.vendors.kingdee.port());
        let body = json!({"data": {"FormId": "SAL_SaleOrder", "FieldKeys": "FBillNo", "Limit": 3}});
        let request = self.http.post(url).body(body.to_string());
        headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// A signed query with nothing else.
    fn plain_query(&self) -> reqwest::RequestBuilder {
        self.query("/k3cloud/", signed(&self.vendors.credentials, &format!("/k3cloud/{QUERY}")))
    }

    fn push(&self, order: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/invoices/order/push", self.vendors.okki.base_url());
        self.http.post(url).bearer_auth(&self.token).body(order.to_string())
    }
}

const FORMS: &str = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService";

/// Calls a service of Kingdee's forms, signed.
async fn call(vendors: &Vendors, service: &str, body: &Value) -> Value {
    let path = format!("/k3cloud/{FORMS}.{service}.common.kdsvc");
    let url = format!("http://127.0.0.1:{}{path}", vendors.kingdee.port());
    let request = client().post(url).body(body.to_string());
    let headers = signed(&vendors.credentials, &path);
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let text = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// The same on the form of returns.
async fn on_returns(vendors: &Vendors, service: &str, data: &Value) -> Value {
    call(vendors, service, &json!({"formid": "SAL_RETURNSTOCK", "data": data})).await
}

fn status(answer: &Value) -> &Value {
    &answer["Result"]["ResponseStatus"]
}

/// `(DIndex, FieldName)` of each error.
fn errors(answer: &Value) -> Vec<(u64, String)> {
    let errors = status(answer)["Errors"].as_array().unwrap().iter();
    errors.map(|e| (e["DIndex"].as_u64().unwrap(), e["FieldName"].as_str().unwrap_or("").to_owned())).collect()
}

/// `DIndex` of each success.
fn successes(answer: &Value) -> Vec<u64> {
    let entities = status(answer)["SuccessEntitys"].as_array().unwrap().iter();
    entities.map(|entity| entity["DIndex"].as_u64().unwrap()).collect()
}

/// A return that nothing is wrong with.
fn returned(number: &str) -> Value {
    json!({
        "FBillNo": number, "FDate": "2026-11-20 10:12:13", "FSaleOrgId": {"FNumber": "100"},
        "FRetcustId": {"FNumber": "CUST0003"}, "SubHeadEntity": {"FSettleCurrId": {"FNumber": "PRE001"}},
        "FEntity": [{"FMaterialId": {"FNumber": "MAT-007"}, "FRealQty": "3.0000", "FTaxPrice": 33.333_333_3,
                     "FStockId": {"FNumber": "THC"}}],
    })
}

/// What a bridge without a fault would save of a refund.
fn bridged_refund(refund: &crate::Refund) -> Value {
    let lines = refund.lines.iter().map(|line| {
        json!({"FMaterialId": {"FNumber": line.goods_no}, "FRealQty": line.num.to_string(),
               "FTaxPrice": line.unit_price().to_string(), "FStockId": {"FNumber": "THC"}})
    });
    json!({
        "FBillTypeID": {"FNUMBER": "XSTHD01_SYS"}, "FBillNo": refund.refund_no, "FDate": refund.modified.to_string(),
        "FSaleOrgId": {"FNumber": "100"}, "FStockOrgId": {"FNumber": "100"}, "FRetcustId": {"FNumber": refund.shop_no},
        "SubHeadEntity": {"FSettleCurrId": {"FNumber": "PRE001"}}, "FEntity": lines.collect::<Vec<_>>(),
    })
}

/// A clock that stands at noon in China.
fn noon() -> Clock {
    Clock::fixed("2026-11-21T04:00:00Z".parse().unwrap())
}

/// Vendors whose clock stands at noon.
async fn at_noon(dataset: Dataset) -> Vendors {
    let mut options = VendorsOptions::new(dataset);
    options.clock = noon();
    Vendors::start(options).await.unwrap()
}

async fn body(request: reqwest::RequestBuilder) -> Value {
    let text = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

fn msg_code(answer: &Value) -> &Value {
    &answer[0][0]["Result"]["ResponseStatus"]["MsgCode"]
}

fn order(order_no: &str) -> Value {
    json!({"order_no": order_no, "currency": "CNY"})
}

/// What a bridge without a fault would push for an order of Kingdee's.
fn bridged(dataset: &Dataset, order: &crate::SaleOrder) -> Value {
    let lines = order.entries.iter().map(|entry| {
        let material = dataset.material(&entry.material).unwrap();
        json!({"product_id": material.product_id, "sku_id": material.sku_id, "count": entry.qty.to_string(),
               "unit_price": entry.tax_price.to_string(), "cost_amount": entry.amount().to_string()})
    });
    json!({"order_no": order.bill_no, "currency": order.currency, "account_date": order.date.to_string(),
           "company_id": dataset.customer(&order.customer).unwrap().company_id, "product_list": lines.collect::<Vec<_>>()})
}

//! The SDK of Taobao's open platform, `topsdk`: signs by md5, sends its own parameters in the query and the method's in the body.

use jiff::ToSpan as _;
use qiao_tests::{Dataset, Vendors, VendorsOptions};
use serde_json::{Value, json};

use crate::clients::Clients;

/// Asks for refunds.
async fn call(clients: &Clients, vendors: &Vendors, app_secret: &str, parameters: Value) -> Value {
    let keys = &vendors.credentials;
    let Value::Object(mut all) = json!({"sid": keys.sid, "target_app_key": keys.target_app_key}) else {
        unreachable!()
    };
    all.extend(parameters.as_object().unwrap().clone());
    let (router, parameters) = (vendors.wdt.base_url_qimen(), Value::Object(all).to_string());
    let arguments = [&router, &keys.wdt_app_key, app_secret, "wdt.refund.query", &parameters];
    let printed = clients.run("wdt.py", &arguments).await;
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// The last thirty days that have refunds, and the numbers of those that there are, in the order of their time.
fn window(vendors: &Vendors) -> (Value, Vec<String>) {
    let mut refunds = vendors.wdt.refunds();
    refunds.sort_by_key(|refund| (refund.modified, refund.id));
    let end = refunds.last().unwrap().modified;
    let start = end - 29.days();
    let window = json!({
        "start_time": start.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "end_time": end.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "page_no": "0",
        "page_size": "40",
    });
    refunds.retain(|refund| (start..=end).contains(&refund.modified));
    (window, refunds.into_iter().map(|refund| refund.refund_no).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_answered_what_it_asks() {
    let Some(clients) = Clients::ready().await else { return };
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await.unwrap();
    let (mut parameters, expected) = window(&vendors);
    let answer = call(clients, &vendors, &vendors.credentials.wdt_app_secret, parameters.clone()).await;
    let response = &answer["response"];
    assert_eq!(response["total_count"], json!(expected.len()), "{answer}");
    let refunds = response["refunds"].as_array().unwrap();
    let numbers: Vec<_> = refunds.iter().map(|refund| refund["refund_no"].as_str().unwrap()).collect();
    assert_eq!(numbers, expected[..expected.len().min(40)]);

    // Signed over characters that are not ASCII.
    parameters["shop_no"] = json!("没有的旗舰店");
    let answer = call(clients, &vendors, &vendors.credentials.wdt_app_secret, parameters).await;
    assert_eq!(answer["response"]["total_count"], json!(0), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_with_a_wrong_secret() {
    let Some(clients) = Clients::ready().await else { return };
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await.unwrap();
    let (parameters, _) = window(&vendors);
    let answer = call(clients, &vendors, "not-the-secret", parameters).await;
    let response = &answer["response"];
    assert_eq!((&response["code"], &response["message"]), (&json!(25), &json!("Invalid signature")), "{answer}");
    assert_eq!(response["refunds"], Value::Null);
}

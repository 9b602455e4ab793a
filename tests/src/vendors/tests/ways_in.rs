//! Who is let in by Wangdiantong, by which way, and how each way refuses.

use super::*;
use crate::wdt::sign::{self, Parameters};

/// A query of the router without its signature.
fn router_query(credentials: &Credentials, changes: &[(&str, &str)]) -> Parameters {
    let mut all = Parameters::new();
    for (name, value) in [
        ("app_key", credentials.wdt_app_key.as_str()),
        ("target_app_key", &credentials.target_app_key),
        ("method", "wdt.refund.query"),
        ("timestamp", "2026-11-21 12:00:00"),
        ("v", "2.0"),
        ("format", "json"),
        ("sign_method", "md5"),
        ("sid", &credentials.sid),
        ("start_time", "2026-11-01 00:00:00"),
        ("end_time", "2026-11-21 12:00:00"),
        ("shop_no", "旗舰店"),
    ]
    .iter()
    .chain(changes)
    {
        all.insert((*name).to_owned(), (*value).to_owned());
    }
    all
}

fn with_sign(mut parameters: Parameters, secret: &str) -> Parameters {
    let method = parameters["sign_method"].clone();
    parameters.insert("sign".to_owned(), sign::top(&parameters, &method, secret).unwrap_or_default());
    parameters
}

fn multipart(parameters: &Parameters) -> String {
    let parts = parameters.iter().map(|(name, value)| {
        format!("--b1\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Length: 9\r\n\r\n{value}\r\n")
    });
    parts.collect::<String>() + "--b1--\r\n"
}

/// The answer to a request whose parameters `in_query` picks stand in the query string, the others in the body.
async fn ask_router(
    vendors: &Vendors,
    parameters: &Parameters,
    in_query: fn(&str) -> bool,
    is_multipart: bool,
) -> Value {
    let (query, rest): (Parameters, Parameters) = parameters.clone().into_iter().partition(|(name, _)| in_query(name));
    let request = client().post(vendors.wdt.base_url_qimen()).query(&query);
    let request = if is_multipart {
        request.header("content-type", "multipart/form-data; boundary=b1").body(multipart(&rest))
    } else {
        request.form(&rest)
    };
    body(request).await
}

#[tokio::test]
async fn parameters_may_stand_anywhere_and_are_signed_by_any_method() {
    let vendors = at_noon(Dataset::small(3)).await;
    let credentials = &vendors.credentials;
    let system: fn(&str) -> bool = |name| !["sid", "start_time", "end_time", "shop_no"].contains(&name);
    for (in_query, is_multipart) in [
        (system, false),
        ((|_| false) as fn(&str) -> bool, false),
        (|_| false, true),
        (|_| true, false),
        (system, true),
    ] {
        for method in ["md5", "hmac", "hmac-sha256"] {
            for (timestamp, partner) in [("2026-11-21 12:00:00", ""), ("1795233600000", "top-sdk-python-20260414")] {
                let changes = [("sign_method", method), ("timestamp", timestamp), ("partner_id", partner)];
                let parameters = router_query(credentials, &changes);
                let answer = ask_router(
                    &vendors,
                    &with_sign(parameters.clone(), &credentials.wdt_app_secret),
                    in_query,
                    is_multipart,
                )
                .await;
                assert_eq!(
                    answer,
                    json!({"response": {"errorcode": 0, "message": "ok", "total_count": 0}}),
                    "{method}"
                );
                let wrong = ask_router(&vendors, &with_sign(parameters, "wrong"), in_query, is_multipart).await;
                let wrong = &wrong["response"];
                assert_eq!((&wrong["code"], &wrong["flag"]), (&json!(25), &json!("failure")), "{method}");
                assert_eq!(wrong["message"], "Invalid signature");
                assert!(wrong["request_id"].is_string());
            }
        }
    }
}

#[tokio::test]
async fn the_router_says_what_it_refuses() {
    let vendors = at_noon(Dataset::small(3)).await;
    let credentials = &vendors.credentials;
    for (change, code) in [
        (("method", ""), 21),
        (("format", "xml"), 23),
        (("sign_method", "sha1"), 24),
        (("app_key", ""), 28),
        (("app_key", "2100"), 29),
        (("timestamp", ""), 30),
        (("timestamp", "2026-11-21 11:49:00"), 31),
        (("timestamp", "2026-11-21T12:00:00"), 31),
        // Seconds are not milliseconds.
        (("timestamp", "1795233600"), 31),
        (("v", "1.0"), 33),
        (("target_app_key", "21000009"), 41),
        (("sid", "nobody"), 2030),
        (("page_size", "41"), 2104),
    ] {
        let parameters = with_sign(router_query(credentials, &[change]), &credentials.wdt_app_secret);
        let answer = ask_router(&vendors, &parameters, |_| false, false).await;
        assert_eq!(answer["response"]["code"], code, "{change:?}: {answer}");
        assert_eq!(answer["response"]["flag"], "failure");
        assert_eq!(answer["response"]["sub_code"].is_string(), code == 41);
    }
    let edge = router_query(credentials, &[("timestamp", "2026-11-21 11:50:00")]);
    let answer = ask_router(&vendors, &with_sign(edge, &credentials.wdt_app_secret), |_| true, false).await;
    assert_eq!(answer["response"]["errorcode"], 0);

    let unknown = router_query(credentials, &[("method", "wdt.refund.quarry")]);
    let answer = ask_router(&vendors, &with_sign(unknown, &credentials.wdt_app_secret), |_| true, false).await;
    let error = &answer["error_response"];
    assert_eq!((&error["code"], &error["sub_code"]), (&json!(22), &json!("isv.method-not-exist")));
}

/// The answer of the direct way, signed unless `changes` holds a `sign`.
async fn ask_direct(vendors: &Vendors, changes: &[(&str, &str)]) -> Value {
    let credentials = &vendors.credentials;
    let mut parameters = Parameters::new();
    for (name, value) in [
        ("sid", credentials.sid.as_str()),
        ("appkey", &credentials.wdt_app_key),
        ("timestamp", "1795233600"),
        ("start_time", "2026-11-01 00:00:00"),
        ("end_time", "2026-11-21 12:00:00"),
        ("shop_no", "旗舰店"),
    ]
    .iter()
    .chain(changes)
    {
        parameters.insert((*name).to_owned(), (*value).to_owned());
    }
    if !parameters.contains_key("sign") {
        parameters.insert("sign".to_owned(), sign::openapi2(&parameters, &credentials.wdt_app_secret));
    }
    let url = format!("{}refund_query.php", vendors.wdt.base_url_direct());
    body(client().post(url).form(&parameters)).await
}

#[tokio::test]
async fn the_direct_way_counts_characters_and_minutes() {
    let vendors = at_noon(Dataset::small(3)).await;
    assert_eq!(ask_direct(&vendors, &[]).await, json!({"code": 0, "message": "", "total_count": 0}));
    for (timestamp, code) in [
        ("1795233300", 0),
        ("1795233900", 0),
        ("1795233299", 100),
        ("1795233901", 100),
        ("1795233600000", 100),
        ("", 100),
    ] {
        assert_eq!(ask_direct(&vendors, &[("timestamp", timestamp)]).await["code"], code, "{timestamp}");
    }
    for (change, code, message) in [
        (("sid", "nobody"), 2030, "sid is not exists"),
        (("appkey", "x1"), 100, "无效appkey:x1"),
        (("timestamp", "0"), 100, "无效timestamp"),
        (("sign", "0123456789abcdef0123456789abcdef"), 100, "无效sign"),
        (("page_no", "-1"), 2104, "page_no 的值 -1 不是非负整数"),
    ] {
        assert_eq!(ask_direct(&vendors, &[change]).await, json!({"code": code, "message": message}));
    }
}

#[tokio::test]
async fn a_signature_over_bytes_is_refused_where_it_differs() {
    use md5::Digest;
    let vendors = at_noon(Dataset::small(3)).await;
    let credentials = &vendors.credentials;
    for (shop_no, code) in [("CUST0001", 0), ("旗舰店", 100)] {
        let text = format!(
            "06-appkey:{:04}-{};08-end_time:0019-2026-11-21 12:00:00;07-shop_no:{:04}-{shop_no};03-sid:{:04}-{};\
             10-start_time:0019-2026-11-01 00:00:00;09-timestamp:0010-1795233600{}",
            credentials.wdt_app_key.len(),
            credentials.wdt_app_key,
            shop_no.len(),
            credentials.sid.len(),
            credentials.sid,
            credentials.wdt_app_secret
        );
        let sign = format!("{:x}", md5::Md5::digest(text));
        assert_eq!(ask_direct(&vendors, &[("shop_no", shop_no), ("sign", &sign)]).await["code"], code, "{shop_no}");
    }
}

#[tokio::test]
async fn faults_take_the_shape_of_the_way() {
    let vendors = at_noon(Dataset::small(3)).await;
    let credentials = &vendors.credentials;
    let busy = || Fault::WdtCode(1012, "系统繁忙，请稍后再试".to_owned());
    vendors.wdt.faults().next(Route::WdtQuery, 2, busy());
    assert_eq!(ask_direct(&vendors, &[]).await, json!({"code": 1012, "message": "系统繁忙，请稍后再试"}));
    let parameters = with_sign(router_query(credentials, &[]), &credentials.wdt_app_secret);
    let answer = ask_router(&vendors, &parameters, |_| true, false).await;
    assert_eq!((&answer["response"]["flag"], &answer["response"]["code"]), (&json!("failure"), &json!(1012)));
    vendors.wdt.faults().next(Route::WdtQuery, 1, Fault::RevokeSession);
    assert_eq!(ask_direct(&vendors, &[]).await, json!({"code": 2060, "message": "app auth fail"}));
    assert_eq!(ask_direct(&vendors, &[]).await["code"], 0);
    assert_eq!(vendors.wdt.log().count(Route::WdtQuery), 4);

    let get = client().get(format!("{}refund_query.php", vendors.wdt.base_url_direct()));
    assert_eq!(body(get).await["code"], 100);
    for nowhere in ["openapi2/no_such.php", "router/rest"] {
        let url = format!("http://127.0.0.1:{}/{nowhere}", vendors.wdt.port());
        assert_eq!(client().post(url).send().await.unwrap().status(), 404, "{nowhere}");
    }
}

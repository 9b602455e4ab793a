//! Logging in to Kingdee, and what a session that ends looks like to each service.

use super::*;
use crate::kingdee::signature::login_sign;

const AUTH: &str = "Kingdee.BOS.WebApi.ServicesStub.AuthService";

async fn send(vendors: &Vendors, service: &str, body: &Value, headers: &[(&str, &str)]) -> (Value, Vec<String>) {
    let url = format!("{}{service}.common.kdsvc", vendors.kingdee.base_url());
    let request = client().post(url).body(body.to_string());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    let cookies = answer.headers().get_all("set-cookie").iter();
    let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
    (serde_json::from_str(&answer.text().await.unwrap()).unwrap(), cookies)
}

#[tokio::test]
async fn every_login_opens_a_session_that_needs_no_signature() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(3))).await.unwrap();
    let Credentials { acct_id, user, password, app_id, app_secret, .. } = vendors.credentials.clone();
    let sign = login_sign(vec![&acct_id, &user, &app_id, &app_secret, "1790000000"]);
    for (service, body) in [
        ("ValidateUser", json!({"acctid": acct_id, "username": user, "password": password, "lcid": 2052})),
        ("ValidateUser", json!({"format": 1, "parameters": [acct_id, user, password, 2052]})),
        ("LoginByAppSecret", json!({"acctId": acct_id, "username": user, "appId": app_id, "appSecret": app_secret})),
        ("LoginByAppSecret", json!({"parameters": [acct_id, user, app_id, app_secret, 2052]})),
        (
            "LoginByAppSecret",
            json!({"format": 1, "parameters": json!([acct_id, user, app_id, app_secret, 2052]).to_string()}),
        ),
        (
            "LoginBySign",
            json!({"acctID": acct_id, "username": user, "appId": app_id, "timestamp": 1_790_000_000, "sign": sign, "lcid": 2052}),
        ),
    ] {
        let (answer, cookies) = send(&vendors, &format!("{AUTH}.{service}"), &body, &[]).await;
        assert_eq!(answer["LoginResultType"], 1, "{service}: {answer}");
        assert_eq!((&answer["IsSuccessByAPI"], &answer["Message"]), (&json!(true), &Value::Null));
        assert_eq!(answer["Context"]["UserName"], user);
        let session = answer["KDSVCSessionId"].as_str().unwrap();
        assert!(cookies.contains(&format!("kdservice-sessionid={session}")), "{cookies:?}");
        let query = json!({"data": {"FormId": "SAL_SaleOrder", "FieldKeys": "FBillNo"}});
        let jar = cookies.join("; ");
        for header in [("cookie", jar.as_str()), ("kdservice-sessionid", session)] {
            let (rows, none) = send(&vendors, &format!("{FORMS}.ExecuteBillQuery"), &query, &[header]).await;
            assert_eq!(rows.as_array().unwrap().len(), 4);
            assert!(none.is_empty());
        }
    }
    assert_eq!(vendors.kingdee.log().count(Route::Login), 6);
}

#[tokio::test]
async fn a_login_is_refused_for_what_is_wrong_with_it() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let Credentials { acct_id, user, app_id, app_secret, .. } = vendors.credentials.clone();
    for (service, parameters, result, words) in [
        ("LoginByAppSecret", json!([acct_id, user, app_id, "wrong"]), 0, "登录失败"),
        ("LoginByAppSecret", json!([acct_id, "nobody", app_id, app_secret]), 0, "登录失败"),
        ("LoginByAppSecret", json!(["nowhere", user, app_id, app_secret]), -1, "会话信息已丢失"),
        ("ValidateUser", json!([acct_id, user, "wrong", 2052]), 0, "密码错误"),
        ("LoginBySign", json!([acct_id, user, app_id, 1, "wrong", 2052]), 0, "登录失败"),
    ] {
        let body = json!({"parameters": parameters});
        let (answer, cookies) = send(&vendors, &format!("{AUTH}.{service}"), &body, &[]).await;
        assert_eq!(answer["LoginResultType"], result, "{service}: {answer}");
        assert!(answer["Message"].as_str().unwrap().contains(words), "{answer}");
        assert_eq!((&answer["KDSVCSessionId"], &answer["IsSuccessByAPI"]), (&Value::Null, &json!(false)));
        assert!(cookies.is_empty());
    }
    vendors.kingdee.faults().next(Route::Login, 1, Fault::KingdeeMsgCode(14));
    let (answer, _) = send(&vendors, &format!("{AUTH}.ValidateUser"), &json!({}), &[]).await;
    assert_eq!((&answer["LoginResultType"], &answer["Message"]), (&json!(-1), &json!("调用限制")));
}

#[tokio::test]
async fn every_service_says_in_its_own_shape_that_a_session_is_lost() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let Credentials { acct_id, user, app_id, app_secret, .. } = vendors.credentials.clone();
    let login = json!({"parameters": [acct_id, user, app_id, app_secret, 2052]});
    let data = json!({"formid": "SAL_RETURNSTOCK", "data": {"FormId": "SAL_SaleOrder", "FieldKeys": "FID"}});
    for is_revoked in [true, false] {
        for service in ["ExecuteBillQuery", "BillQuery", "Save", "BatchSave", "Submit", "Audit", "View", "Delete"] {
            let (answer, _) = send(&vendors, &format!("{AUTH}.LoginByAppSecret"), &login, &[]).await;
            let session = answer["KDSVCSessionId"].as_str().unwrap();
            if is_revoked {
                vendors.kingdee.revoke_sessions();
            } else {
                let named = [("kdservice-sessionid", session)];
                let (out, _) = send(&vendors, &format!("{AUTH}.Logout"), &json!({}), &named).await;
                assert_eq!(out, true);
            }
            let named = [("kdservice-sessionid", session)];
            let (lost, _) = send(&vendors, &format!("{FORMS}.{service}"), &data, &named).await;
            let status = if service == "ExecuteBillQuery" { &lost[0][0] } else { &lost };
            let status = &status["Result"]["ResponseStatus"];
            assert_eq!((&status["MsgCode"], &status["IsSuccess"]), (&json!(1), &json!(false)), "{service}: {lost}");
            assert_eq!(status["Errors"][0]["Message"], "会话信息已丢失，请重新登录");
        }
    }
}

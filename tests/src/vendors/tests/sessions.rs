//! Who is let in.

use super::*;

#[tokio::test]
async fn a_signature_lets_in_and_its_path_must_be_the_one_called() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(5))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    for base in ["/k3cloud/", "/K3Cloud/"] {
        let headers = signed(&vendors.credentials, &format!("{base}{QUERY}"));
        assert_eq!(body(caller.query(base, headers)).await.as_array().unwrap().len(), 3);
    }
    let other_case = caller.query("/k3cloud/", signed(&vendors.credentials, &format!("/K3Cloud/{QUERY}")));
    let refused = body(other_case).await;
    assert_eq!(msg_code(&refused), 1);
    assert!(refused.to_string().contains("签名验证失败"), "{refused}");
    let unsigned = body(caller.query("/k3cloud/", Vec::new())).await;
    assert_eq!(msg_code(&unsigned), 1);
    let nowhere = caller.query("/k3/", Vec::new()).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
}

#[tokio::test]
async fn a_session_is_given_once_and_refused_when_it_has_ended() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(5))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    let first = caller.plain_query().send().await.unwrap();
    let cookies: Vec<String> =
        first.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
    assert_eq!(cookies.len(), 2);
    assert!(cookies.iter().all(|cookie| !cookie.contains(',')), "{cookies:?}");
    let pair = cookies.iter().find(|cookie| cookie.starts_with("kdservice-sessionid=")).unwrap();
    let pair = pair.split(';').next().unwrap().to_owned();

    let again = caller.plain_query().header("cookie", format!("Theme=standard;{pair}; a=b"));
    let again = again.send().await.unwrap();
    assert!(again.headers().get("set-cookie").is_none());
    // The session is enough by itself.
    let unsigned = body(caller.query("/k3cloud/", vec![("cookie", pair.clone())])).await;
    assert_eq!(unsigned.as_array().unwrap().len(), 3);

    vendors.kingdee.faults().next(Route::Query, 1, Fault::RevokeSession);
    let name = pair.split_once('=').unwrap().1.to_owned();
    for _ in 0..2 {
        let lost = body(caller.plain_query().header("kdservice-sessionid", &name)).await;
        assert_eq!(msg_code(&lost), 1);
    }
    assert!(body(caller.plain_query()).await[0][0].is_string());
}

#[tokio::test]
async fn a_revoked_token_is_refused_with_401() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let mut caller = Caller::new(&vendors).await;
    vendors.okki.faults().next(Route::Push, 1, Fault::RevokeSession);
    for _ in 0..2 {
        let answer = caller.push(&order("X1")).send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    caller.sign_in().await;
    assert_eq!(body(caller.push(&order("X1"))).await["code"], 200);
}

//! From a saved return to an audited one, failures in part, and the judge.

use super::*;
use crate::{BillStatus, EffectKind};

const FORM: &str = "SAL_RETURNSTOCK";

async fn vendors() -> Vendors {
    Vendors::start(VendorsOptions::new(Dataset::small(12))).await.unwrap()
}

async fn save(vendors: &Vendors, numbers: &[&str]) -> Value {
    let models: Vec<Value> = numbers.iter().map(|number| returned(number)).collect();
    on_returns(vendors, "BatchSave", &json!({ "Model": models })).await
}

#[tokio::test]
async fn each_step_is_allowed_from_where_it_begins() {
    let vendors = vendors().await;
    save(&vendors, &["TK1"]).await;
    let id = vendors.kingdee.bill(FORM, "TK1").unwrap().id;
    let change = json!({"Model": {"FID": id, "FHeadNote": "改"}});
    let by_number = json!({"Numbers": ["TK1"]});
    for (service, data, is_allowed, letter) in [
        ("Audit", &by_number, false, "A"),
        ("UnAudit", &by_number, false, "A"),
        ("Submit", &by_number, true, "B"),
        ("Submit", &by_number, false, "B"),
        ("Save", &change, false, "B"),
        ("Delete", &by_number, false, "B"),
        ("Audit", &by_number, true, "C"),
        ("Audit", &by_number, false, "C"),
        ("Submit", &by_number, false, "C"),
        ("Save", &change, false, "C"),
        ("UnAudit", &by_number, true, "D"),
        ("Save", &change, true, "D"),
        ("Submit", &by_number, true, "B"),
        ("Audit", &by_number, true, "C"),
        ("UnAudit", &by_number, true, "D"),
        ("Delete", &by_number, true, ""),
        ("Submit", &by_number, false, ""),
    ] {
        let answer = on_returns(&vendors, service, data).await;
        assert_eq!(status(&answer)["IsSuccess"], is_allowed, "{service} to {letter}: {answer}");
        assert_eq!(errors(&answer).len(), usize::from(!is_allowed), "{service} to {letter}");
        let held = vendors.kingdee.bill(FORM, "TK1");
        assert_eq!(held.as_ref().map_or("", |bill| bill.status.letter()), letter, "{service}");
        assert_eq!(held.is_some_and(|bill| bill.approved.is_some()), letter == "C");
    }
    let done = |kind| vendors.kingdee.effects_of("TK1", kind);
    assert_eq!((done(EffectKind::Submit), done(EffectKind::Audit), done(EffectKind::Delete)), (2, 2, 1));
    // The number is free again.
    assert_eq!(successes(&save(&vendors, &["TK1"]).await), [0]);
}

#[tokio::test]
async fn a_step_takes_many_bills_and_says_what_became_of_each() {
    let vendors = vendors().await;
    save(&vendors, &["TK1", "TK2", "TK3"]).await;
    let ids: Vec<u64> = vendors.kingdee.bills(FORM).into_iter().map(|bill| bill.id).collect();
    let data = json!({"CreateOrgId": 0, "Numbers": [], "Ids": format!("{},{},7", ids[0], ids[2])});
    let answer = on_returns(&vendors, "Submit", &data).await;
    assert_eq!((successes(&answer), errors(&answer)), (vec![0, 1], vec![(2, String::new())]));
    assert_eq!(status(&answer)["IsSuccess"], false);
    assert_eq!(status(&answer)["SuccessEntitys"][1], json!({"Id": ids[2], "Number": "TK3", "DIndex": 1}));
    let answer = on_returns(&vendors, "Audit", &json!({"Numbers": ["TK1", "TK2", "TK3"]})).await;
    assert_eq!((successes(&answer), errors(&answer)), (vec![0, 2], vec![(1, String::new())]));
    let message = status(&answer)["Errors"][0]["Message"].as_str().unwrap();
    assert!(message.contains("TK2") && message.contains("创建"), "{message}");
    assert_eq!(status(&on_returns(&vendors, "Submit", &json!({"Ids": ""})).await)["MsgCode"], 8);
}

#[tokio::test]
async fn a_draft_may_be_incomplete_until_it_is_saved() {
    let vendors = vendors().await;
    let answer = on_returns(&vendors, "Draft", &json!({"Model": {"FBillNo": "TK1"}})).await;
    assert_eq!(answer["Result"]["Number"], "TK1", "{answer}");
    assert_eq!(vendors.kingdee.bill(FORM, "TK1").unwrap().status, BillStatus::Draft);
    let id = answer["Result"]["Id"].clone();
    let answer = on_returns(&vendors, "Save", &json!({"Model": {"FID": id}})).await;
    let missing: Vec<String> = errors(&answer).into_iter().map(|(_, field)| field).collect();
    assert_eq!(missing, ["FDate", "FSaleOrgId", "FRetcustId", "FEntity"]);
    let mut model = returned("TK1");
    model["FID"] = id;
    assert_eq!(status(&on_returns(&vendors, "Save", &json!({"Model": model})).await)["IsSuccess"], true);
    assert_eq!(vendors.kingdee.bill(FORM, "TK1").unwrap().status, BillStatus::Created);
}

#[tokio::test]
async fn every_nth_call_fails_in_part_and_passes_when_it_is_tried_again() {
    let vendors = vendors().await;
    vendors.kingdee.fail_in_part(Route::BatchSave, 3);
    let numbers = ["A1", "A2", "A3", "A4", "A5"];
    for prefix in ["X", "Y"] {
        let own: Vec<String> = numbers.iter().map(|number| format!("{prefix}{number}")).collect();
        let answer = save(&vendors, &own.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert_eq!(successes(&answer), [0, 1, 2, 3, 4]);
    }
    let answer = save(&vendors, &numbers).await;
    assert_eq!(successes(&answer), [1, 3]);
    assert_eq!(errors(&answer), [0, 2, 4].map(|at| (at, String::new())));
    assert_eq!((&status(&answer)["MsgCode"], &status(&answer)["IsSuccess"]), (&json!(13), &json!(false)));
    let message = status(&answer)["Errors"][0]["Message"].as_str().unwrap();
    assert!(message.contains("“A1”") && message.contains("网络控制冲突"), "{message}");
    assert_eq!(successes(&save(&vendors, &["A1", "A3", "A5"]).await), [0, 1, 2]);

    // One bill at a time gets through even where every call is hit.
    vendors.kingdee.fail_in_part(Route::BatchSave, 1);
    assert_eq!(successes(&save(&vendors, &["B1"]).await).len(), 0);
    assert_eq!(successes(&save(&vendors, &["B1"]).await), [0]);
    vendors.kingdee.fail_in_part(Route::BatchSave, 0);
    vendors.kingdee.fail_in_part(Route::Audit, 1);
    on_returns(&vendors, "Submit", &json!({"Numbers": ["B1", "A1"]})).await;
    let answer = on_returns(&vendors, "Audit", &json!({"Numbers": ["B1", "A1"]})).await;
    assert_eq!((successes(&answer), errors(&answer)), (vec![1], vec![(0, String::new())]));
}

#[tokio::test]
async fn a_lost_answer_was_applied() {
    let vendors = vendors().await;
    let path = format!("/k3cloud/{FORMS}.BatchSave.common.kdsvc");
    let url = format!("http://127.0.0.1:{}{path}", vendors.kingdee.port());
    let body = json!({"formid": FORM, "data": {"Model": [returned("TK1"), returned("TK2")]}});
    let request = client().post(url).body(body.to_string());
    let headers = signed(&vendors.credentials, &path);
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    vendors.kingdee.faults().next(Route::BatchSave, 1, Fault::ResetAfter);
    assert!(request.send().await.is_err());
    assert_eq!(vendors.kingdee.bills(FORM).len(), 2);
    vendors.kingdee.faults().next(Route::Submit, 1, Fault::KingdeeMsgCode(13));
    let answer = on_returns(&vendors, "Submit", &json!({"Numbers": ["TK1"]})).await;
    assert_eq!((&status(&answer)["MsgCode"], &status(&answer)["IsSuccess"]), (&json!(13), &json!(false)));
    assert_eq!(vendors.kingdee.effect_count(EffectKind::Submit), 0);
}

/// Saves, submits and audits all refunds that are to be delivered.
async fn deliver(vendors: &Vendors) {
    for refund in vendors.wdt.refunds().iter().filter(|refund| refund.is_deliverable()) {
        let answer = on_returns(vendors, "Save", &json!({"Model": bridged_refund(refund)})).await;
        assert_eq!(status(&answer)["IsSuccess"], true, "{answer}");
        for step in ["Submit", "Audit"] {
            on_returns(vendors, step, &json!({"Ids": answer["Result"]["Id"]})).await;
        }
    }
}

#[tokio::test]
async fn the_ledger_of_refunds_balances_only_if_everything_is_right() {
    let vendors = vendors().await;
    let ledger = vendors.ledger().refunds;
    assert_eq!((ledger.total, ledger.deliverable, ledger.missing, ledger.delivered), (14, 12, 12, 0));
    deliver(&vendors).await;
    let ledger = vendors.ledger();
    assert!(ledger.refunds.balances(), "{ledger:?}");
    let text = serde_json::to_value(&ledger).unwrap();
    assert_eq!(text["refunds"]["amount"], text["refunds"]["expected_amount"]);
    assert_eq!((&text["refunds"]["saved"], &text["refunds"]["audited"]), (&json!(12), &json!(12)));
    assert!(!ledger.balances(), "the orders are another matter");

    // Looked at again since: still delivered. One completed since: not.
    vendors.change_refunds(3).unwrap();
    let ledger = vendors.ledger().refunds;
    assert_eq!((ledger.deliverable, ledger.delivered, ledger.missing), (13, 12, 1));

    // Audited twice; and one that is nobody's refund.
    let first = vendors.kingdee.bills(FORM).remove(0);
    for step in ["UnAudit", "Submit", "Audit"] {
        on_returns(&vendors, step, &json!({"Ids": first.id.to_string()})).await;
    }
    save(&vendors, &["TK0"]).await;
    let ledger = vendors.ledger().refunds;
    assert_eq!((ledger.duplicates, ledger.not_deliverable_delivered, ledger.audited), (2, 1, 13));
    assert_eq!(ledger.wrong.len(), 4, "{:?}", ledger.wrong);
}

#[tokio::test]
async fn each_kind_of_difference_is_named() {
    let dataset = Dataset::small(1);
    for (pointer, value, words) in [
        ("/FRetcustId/FNumber", json!("CUST0040"), "FRetcustId is"),
        ("/FDate", json!("2020-01-01"), "FDate is"),
        ("/SubHeadEntity/FSettleCurrId/FNumber", json!("PRE007"), "FSettleCurrId is"),
        ("/FEntity/0/FRealQty", json!("777"), "a line is `777"),
        ("/FEntity/0/FTaxPrice", json!("0.01"), "a line is"),
        ("/FEntity/0/FStockId/FNumber", json!("CK001"), "FStockId is"),
        ("/FEntity/0/FMaterialId/FNumber", json!("MAT-320"), "a line is"),
        ("", Value::Null, "its status is `B`"),
    ] {
        let vendors = Vendors::start(VendorsOptions::new(dataset.clone())).await.unwrap();
        let refund = vendors.wdt.refunds().into_iter().find(crate::Refund::is_deliverable).unwrap();
        let mut model = bridged_refund(&refund);
        let steps = if pointer.is_empty() { &["Submit"][..] } else { &["Submit", "Audit"] };
        if !pointer.is_empty() {
            *model.pointer_mut(pointer).unwrap() = value;
        }
        let answer = on_returns(&vendors, "Save", &json!({ "Model": model })).await;
        for step in steps {
            on_returns(&vendors, step, &json!({"Ids": answer["Result"]["Id"]})).await;
        }
        let ledger = vendors.ledger().refunds;
        assert_eq!((ledger.missing, ledger.delivered), (1, 0));
        assert!(ledger.wrong[0].contains(words), "{words}: {:?}", ledger.wrong);
    }
}

#[tokio::test]
async fn returns_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = || VendorsOptions::new(Dataset::small(5)).in_dir(dir.path());
    let vendors = Vendors::start(options()).await.unwrap();
    deliver(&vendors).await;
    save(&vendors, &["TK1", "TK2"]).await;
    on_returns(&vendors, "Delete", &json!({"Numbers": ["TK1"]})).await;
    let before = (vendors.kingdee.bills(FORM), vendors.kingdee.effects(), vendors.ledger());
    drop(vendors);
    let vendors = Vendors::start(options()).await.unwrap();
    assert_eq!((vendors.kingdee.bills(FORM), vendors.kingdee.effects(), vendors.ledger()), before);
    let answer = save(&vendors, &["TK1", "TK2"]).await;
    assert_eq!((successes(&answer), errors(&answer)), (vec![0], vec![(1, "FBillNo".to_owned())]));
    let newest = vendors.kingdee.bill(FORM, "TK1").unwrap();
    assert!(before.0.iter().all(|bill| bill.id < newest.id));
}

#[tokio::test]
async fn orders_change_while_they_are_read() {
    let vendors = vendors().await;
    vendors.kingdee.change_after(2, 3);
    let before = vendors.kingdee.dataset().orders;
    let query = json!({"data": {"FormId": "SAL_SaleOrder", "FieldKeys": "FBillNo", "Limit": 5}});
    call(&vendors, "ExecuteBillQuery", &query).await;
    assert_eq!(vendors.kingdee.dataset().orders, before);
    call(&vendors, "ExecuteBillQuery", &query).await;
    let changed = vendors.kingdee.dataset().orders.into_iter().filter(|order| !before.contains(order)).count();
    assert_eq!(changed, 3);
    call(&vendors, "BillQuery", &query).await;
    let changed = vendors.kingdee.dataset().orders.into_iter().filter(|order| !before.contains(order)).count();
    assert_eq!(changed, 3, "once");
}

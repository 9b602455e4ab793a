//! Saving returns at Kingdee: what is taken, what is refused and where it says so, and reading them back.

use super::*;
use crate::{BillStatus, EffectKind};

const FORM: &str = "SAL_RETURNSTOCK";

async fn vendors() -> Vendors {
    Vendors::start(VendorsOptions::new(Dataset::small(3))).await.unwrap()
}

/// The return with the value at a JSON pointer replaced.
fn changed(number: &str, pointer: &str, value: Value) -> Value {
    let mut model = returned(number);
    *model.pointer_mut(pointer).unwrap() = value;
    model
}

#[tokio::test]
async fn a_return_is_saved_in_every_envelope() {
    let vendors = vendors().await;
    let data = |number: &str| json!({"Model": returned(number), "IsVerifyBaseDataField": "true"});
    for (number, body) in [
        ("TK1", json!({"formid": FORM, "data": data("TK1")})),
        ("TK2", json!({"FormId": FORM, "data": data("TK2").to_string()})),
        (
            "TK3",
            json!({"format": 1, "useragent": "ApiClient", "rid": "1", "parameters": [FORM, data("TK3")], "v": "1.0"}),
        ),
        ("TK4", json!({"format": 1, "parameters": json!([FORM, data("TK4").to_string()]).to_string()})),
    ] {
        let answer = call(&vendors, "Save", &body).await;
        assert_eq!(status(&answer)["IsSuccess"], true, "{answer}");
        assert_eq!(answer["Result"]["Number"], number);
        let bill = vendors.kingdee.bill(FORM, number).unwrap();
        assert_eq!(answer["Result"]["Id"], bill.id);
        assert_eq!(status(&answer)["SuccessEntitys"], json!([{"Id": bill.id, "Number": number, "DIndex": 0}]));
        assert_eq!(bill.status, BillStatus::Created);
        assert_eq!(bill.text("FDate").unwrap(), "2026-11-20 00:00:00");
        assert_eq!(bill.text("FSettleCurrId").unwrap(), "PRE001");
        assert_eq!(bill.text("FBillTypeID").unwrap(), "XSTHD01_SYS", "a default");
        assert_eq!(bill.entries[0].number("FRealQty").unwrap(), 3.into());
        assert_eq!(bill.entries[0].text("FTaxPrice").unwrap(), "33.3333333");
    }
    // Without a number Kingdee gives one.
    let answer = on_returns(&vendors, "Save", &json!({"Model": changed("", "/FBillNo", json!(""))})).await;
    assert_eq!(answer["Result"]["Number"], "XSTHD000001");
    assert_eq!(vendors.kingdee.effect_count(EffectKind::Create), 5);
}

#[tokio::test]
async fn what_is_wrong_is_named_by_field_and_nothing_is_saved() {
    let vendors = vendors().await;
    for (pointer, value, field, words) in [
        ("/FRetcustId", json!({"FNumber": "NOBODY"}), "FRetcustId", "“退货客户”的编码“NOBODY”不存在"),
        ("/FRetcustId", json!({"FNumber": ""}), "FRetcustId", "必填"),
        ("/FRetcustId", json!("CUST0003"), "FRetcustId", "对象"),
        ("/FSaleOrgId/FNumber", json!("999"), "FSaleOrgId", "销售组织"),
        ("/FDate", json!("yesterday"), "FDate", "有效的日期"),
        ("/FDate", json!(""), "FDate", "必填"),
        ("/SubHeadEntity/FSettleCurrId/FNumber", json!("CNY"), "FSettleCurrId", "结算币别"),
        ("/FEntity", json!([]), "FEntity", "分录不能为空"),
        ("/FEntity", json!({}), "FEntity", "数组"),
        ("/FEntity/0/FMaterialId/FNumber", json!("MAT-999"), "FMaterialId", "第1行分录"),
        ("/FEntity/0/FStockId/FNumber", json!("?"), "FStockId", "第1行分录"),
        ("/FEntity/0/FRealQty", json!(0), "FRealQty", "第1行分录，实退数量必须大于0"),
        ("/FEntity/0/FRealQty", json!("-1"), "FRealQty", "必须大于0"),
        ("/FEntity/0/FRealQty", json!("many"), "FRealQty", "有效的数字"),
        ("/FEntity/0/FTaxPrice", json!(-1), "FTaxPrice", "不能小于0"),
    ] {
        let data = json!({"Model": changed("TK1", pointer, value.clone()), "IsVerifyBaseDataField": true});
        let answer = on_returns(&vendors, "Save", &data).await;
        assert_eq!(errors(&answer), [(0, field.to_owned())], "{pointer} {value}: {answer}");
        let message = status(&answer)["Errors"][0]["Message"].as_str().unwrap();
        assert!(message.contains(words), "{pointer} {value}: {message}");
        assert_eq!((&status(&answer)["ErrorCode"], &status(&answer)["MsgCode"]), (&json!(500), &json!(11)));
        assert_eq!((&answer["Result"]["Id"], &status(&answer)["SuccessEntitys"]), (&json!(""), &json!([])));
    }
    // Unless it is told to verify, Kingdee leaves an unknown reference empty, and misses it only where it must be there.
    let unknown = |pointer| json!({"Model": changed("TK1", pointer, json!("?"))});
    let answer = on_returns(&vendors, "Save", &unknown("/FRetcustId/FNumber")).await;
    assert_eq!(status(&answer)["Errors"][0]["Message"], "字段“退货客户”是必填项");
    assert!(vendors.kingdee.bills(FORM).is_empty());
    let mut model = returned("TK1");
    model["FSalesManId"] = json!({"FNumber": "NOBODY"});
    assert_eq!(status(&on_returns(&vendors, "Save", &json!({"Model": model})).await)["IsSuccess"], true);
    assert_eq!(vendors.kingdee.bill(FORM, "TK1").unwrap().text("FSalesManId"), None);

    for (form, model, code) in [("", json!({}), 5), ("NO_SUCH", json!({}), 9), (FORM, json!([]), 8)] {
        let answer = call(&vendors, "Save", &json!({"formid": form, "data": {"Model": model}})).await;
        assert_eq!(status(&answer)["MsgCode"], code, "{form}");
    }
}

#[tokio::test]
async fn a_batch_keeps_what_it_could_save() {
    let vendors = vendors().await;
    on_returns(&vendors, "Save", &json!({"Model": returned("TK0")})).await;
    let models = json!([
        returned("TK1"),
        returned("TK0"),
        changed("TK2", "/FEntity/0/FRealQty", json!(0)),
        returned("TK3"),
        returned("TK1"),
    ]);
    let answer = on_returns(&vendors, "BatchSave", &json!({"Model": models, "BatchCount": 5})).await;
    assert_eq!(successes(&answer), [0, 3]);
    let wrong = [(1, "FBillNo"), (2, "FRealQty"), (4, "FBillNo")].map(|(at, field)| (at, field.to_owned()));
    assert_eq!(errors(&answer), wrong);
    assert_eq!(status(&answer)["Errors"][0]["Message"], "单据编号“TK0”已经存在，请重新录入单据编号");
    assert_eq!(status(&answer)["IsSuccess"], false);
    assert!(answer["Result"].get("Id").is_none() && answer["Result"].get("Number").is_none());
    let held: Vec<String> = vendors.kingdee.bills(FORM).into_iter().map(|bill| bill.number).collect();
    assert_eq!(held, ["TK0", "TK1", "TK3"]);

    let fields = json!(["FBillNo", "FRetcustId", "FDate"]);
    let data = json!({"Model": [returned("TK4"), returned("TK5")], "NeedReturnFields": fields});
    let answer = on_returns(&vendors, "BatchSave", &data).await;
    assert_eq!((&status(&answer)["IsSuccess"], &status(&answer)["MsgCode"]), (&json!(true), &json!(0)));
    let back = &answer["Result"]["NeedReturnData"];
    assert_eq!((&back[1]["FBillNo"], &back[0]["FRetcustId"]["Number"]), (&json!("TK5"), &json!("CUST0003")));
    assert_eq!(status(&on_returns(&vendors, "BatchSave", &json!({"Model": []})).await)["MsgCode"], 8);
}

#[tokio::test]
async fn a_model_with_an_id_changes_that_bill() {
    let vendors = vendors().await;
    let answer = on_returns(&vendors, "Save", &json!({"Model": returned("TK1")})).await;
    let id = answer["Result"]["Id"].clone();
    let entry = vendors.kingdee.bill(FORM, "TK1").unwrap().entries[0].id;
    let bill = || vendors.kingdee.bill(FORM, "TK1").unwrap();

    // Only what is mentioned changes; the entry keeps its id.
    let model = json!({"FID": id, "FHeadNote": "加急", "FEntity": [{"FEntryID": entry, "FRealQty": 5}]});
    assert_eq!(status(&on_returns(&vendors, "Save", &json!({"Model": model})).await)["IsSuccess"], true);
    assert_eq!(
        (bill().text("FHeadNote").unwrap(), bill().text("FRetcustId").unwrap()),
        ("加急".into(), "CUST0003".into())
    );
    assert_eq!((bill().entries[0].id, bill().entries[0].number("FRealQty").unwrap()), (entry, 5.into()));

    // An entry without an id is a new one; the others go, or stay if that is asked for.
    let line = returned("")["FEntity"][0].clone();
    let model = json!({"FID": id, "FEntity": [line]});
    for (deletes, count) in [("false", 2), ("true", 1)] {
        on_returns(&vendors, "Save", &json!({"Model": model, "IsDeleteEntry": deletes})).await;
        assert_eq!(bill().entries.len(), count);
    }
    assert!(bill().entries[0].id > entry + 1);

    // Only the fields that are named, if any are.
    let model = json!({"FID": id, "FHeadNote": "不加急", "FRetcustId": {"FNumber": "CUST0009"}});
    on_returns(&vendors, "Save", &json!({"Model": model, "NeedUpDateFields": ["FRetcustId"]})).await;
    assert_eq!(
        (bill().text("FHeadNote").unwrap(), bill().text("FRetcustId").unwrap()),
        ("加急".into(), "CUST0009".into())
    );

    let answer = on_returns(&vendors, "Save", &json!({"Model": {"FID": 1}})).await;
    assert_eq!(errors(&answer), [(0, "FID".to_owned())]);
    let answer = on_returns(&vendors, "Save", &json!({"Model": {"FID": id, "FEntity": [{"FEntryID": 1}]}})).await;
    assert_eq!(errors(&answer), [(0, "FEntryID".to_owned())]);
    assert_eq!(vendors.kingdee.effects_of("TK1", EffectKind::Create), 1);
    assert_eq!(vendors.kingdee.effects_of("TK1", EffectKind::Update), 4);
}

#[tokio::test]
async fn saved_returns_are_read_back() {
    let vendors = vendors().await;
    let mut model = returned("TK2");
    let line = model["FEntity"][0].clone();
    model["FEntity"].as_array_mut().unwrap().push(line);
    for model in [returned("TK1"), model] {
        on_returns(&vendors, "Save", &json!({"Model": model})).await;
    }
    let query = |keys: &str, filter: &str| json!({"FormId": FORM, "FieldKeys": keys, "FilterString": filter});
    let rows = call(
        &vendors,
        "ExecuteBillQuery",
        &json!({"data": query("FBillNo,FDocumentStatus,FDate,FBillAllAmount", "FBillNo in ('TK2','TK9')")}),
    )
    .await;
    assert_eq!(rows.to_string(), r#"[["TK2","A","2026-11-20T00:00:00",200.00]]"#);
    let keys = "FID,FEntity_FEntryID,FEntity_FSeq,FMaterialId.FNumber,FMaterialId.FName,FRealQty,FTaxPrice,FAllAmount";
    let rows = call(&vendors, "ExecuteBillQuery", &json!({"data": query(keys, "FRetcustId.FNumber='CUST0003'")})).await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[2][2].to_string(), rows[2][6].to_string()), ("2".to_owned(), "33.3333333".to_owned()));
    assert!(rows[2][4].as_str().unwrap().contains(' '), "the material's name");

    let by_id = query("FBillNo,FRetcustId.FNumber", &format!("FID={}", rows[0][0]));
    let objects = call(&vendors, "BillQuery", &json!({"data": by_id})).await;
    assert_eq!(objects, json!([{"FBillNo": "TK1", "FRetcustId.FNumber": "CUST0003"}]));
    let orders = json!({"data": {"FormId": "SAL_SaleOrder", "FieldKeys": "FBillNo,FCustId.FNumber", "Limit": 2}});
    let objects = call(&vendors, "BillQuery", &orders).await;
    assert_eq!(objects.as_array().unwrap().len(), 2);
    assert_eq!(objects[0]["FBillNo"], "XSDD000001");
    let refused = call(&vendors, "BillQuery", &json!({"data": query("FNope", "")})).await;
    assert_eq!(status(&refused)["MsgCode"], 9);

    for data in
        [json!({"Number": "TK1"}), json!({"Id": rows[0][0]}), json!({"Id": rows[0][0].to_string(), "Number": ""})]
    {
        let viewed = on_returns(&vendors, "View", &data).await;
        let bill = &viewed["Result"]["Result"];
        assert_eq!((&bill["BillNo"], &bill["RetcustId"]["Number"]), (&json!("TK1"), &json!("CUST0003")), "{data}");
        assert_eq!(bill["SAL_RETURNSTOCKENTRY"][0]["MaterialId"]["Number"], "MAT-007");
    }
    assert_eq!(status(&on_returns(&vendors, "View", &json!({"Number": "TK9"})).await)["MsgCode"], 10);
}

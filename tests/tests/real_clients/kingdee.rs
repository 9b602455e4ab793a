//! Kingdee's own SDK, `kingdee.cdp.webapi.sdk`.

use qiao_tests::{BillStatus, Dataset, Vendors, VendorsOptions};
use serde_json::{Value, json};

use crate::clients::Clients;

/// Makes calls, one after another, and returns their answers.
async fn call(clients: &Clients, vendors: &Vendors, app_secret: &str, calls: Value) -> Vec<Value> {
    let keys = &vendors.credentials;
    let (base_url, calls) = (vendors.kingdee.base_url(), calls.to_string());
    let arguments = [&base_url, &keys.acct_id, &keys.user, &keys.app_id, app_secret, &calls];
    let printed = clients.run("kingdee.py", &arguments).await;
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {printed}")))
        .collect()
}

fn approved_orders() -> Value {
    json!(["ExecuteBillQuery", {
        "FormId": "SAL_SaleOrder",
        "FieldKeys": "FBillNo,FSaleOrderEntry_FEntryID,FQty,FNote",
        "FilterString": "FDocumentStatus='C' and FBillNo<>'没有'",
        "OrderString": "FID,FSaleOrderEntry_FSeq",
        "TopRowCount": 0,
        "StartRow": 0,
        "Limit": 2000,
    }])
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_answered_what_it_asks() {
    let Some(clients) = Clients::ready().await else { return };
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await.unwrap();
    let calls = json!([approved_orders(), approved_orders()]);
    let answers = call(clients, &vendors, &vendors.credentials.app_secret, calls).await;
    let dataset = vendors.kingdee.dataset();
    let lines = dataset.approved().flat_map(|order| order.entries.iter().map(move |entry| (order, entry)));
    let expected: Vec<_> = lines.map(|(order, entry)| (&order.bill_no, entry.id, entry.qty, &order.note)).collect();
    // The second call names the session that the first was given.
    assert_eq!(answers.len(), 2);
    for answer in answers {
        let rows: Vec<_> = answer.as_array().unwrap().iter().map(|row| row.as_array().unwrap()).collect();
        assert_eq!(rows.len(), expected.len(), "{answer}");
        for (row, (bill_no, entry, qty, note)) in rows.into_iter().zip(&expected) {
            assert_eq!((&row[0], &row[1], &row[3]), (&json!(bill_no), &json!(entry), &json!(note)));
            assert_eq!(row[2].to_string().parse::<rust_decimal::Decimal>().unwrap(), *qty);
        }
    }
}

fn return_stock(number: &str, material: &str) -> Value {
    json!({
        "FBillTypeID": {"FNumber": "XSTHD01_SYS"},
        "FBillNo": number,
        "FDate": "2026-11-07",
        "FSaleOrgId": {"FNumber": "100"},
        "FStockOrgId": {"FNumber": "100"},
        "FRetcustId": {"FNumber": "CUST0001"},
        "FHeadNote": "七天无理由“退货”",
        "SubHeadEntity": {"FSettleCurrId": {"FNumber": "PRE001"}},
        "FEntity": [{
            "FMaterialId": {"FNumber": material},
            "FRealQty": "3",
            "FTaxPrice": "3.3333333",
            "FReturnType": {"FNumber": "THLX01_SYS"},
            "FStockId": {"FNumber": "THC"},
            "FOwnerTypeId": "BD_OwnerOrg",
            "FIsFree": false,
        }],
    })
}

const RETURNS: &str = "SAL_RETURNSTOCK";

#[tokio::test(flavor = "multi_thread")]
async fn it_saves_submits_and_audits() {
    let Some(clients) = Clients::ready().await else { return };
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await.unwrap();
    let models = json!([return_stock("TK1", "MAT-001"), return_stock("TK2", "没有的物料")]);
    let calls = json!([
        ["BatchSave", RETURNS, {"Model": models}],
        ["Submit", RETURNS, {"Numbers": ["TK1"]}],
        ["Audit", RETURNS, {"Numbers": ["TK1"]}],
    ]);
    let answers = call(clients, &vendors, &vendors.credentials.app_secret, calls).await;
    for answer in &answers {
        let applied = &answer["Result"]["ResponseStatus"]["SuccessEntitys"];
        assert_eq!((&applied[0]["Number"], &applied[1]), (&json!("TK1"), &Value::Null), "{answer}");
    }
    let refused = &answers[0]["Result"]["ResponseStatus"]["Errors"];
    assert_eq!((&refused[0]["DIndex"], &refused[1]), (&json!(1), &Value::Null), "{refused}");
    let bills = vendors.kingdee.bills(RETURNS);
    assert_eq!(bills.len(), 1, "{bills:?}");
    assert_eq!((bills[0].number.as_str(), bills[0].status), ("TK1", BillStatus::Audited));
    assert_eq!(bills[0].text("FHeadNote").as_deref(), Some("七天无理由“退货”"));
    assert_eq!(bills[0].entries[0].text("FTaxPrice").as_deref(), Some("3.3333333"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_with_a_wrong_secret() {
    let Some(clients) = Clients::ready().await else { return };
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await.unwrap();
    let save = json!(["BatchSave", RETURNS, {"Model": [return_stock("TK1", "MAT-001")]}]);
    let answers = call(clients, &vendors, "not-the-secret", json!([approved_orders(), save])).await;
    for refusal in [&answers[0][0][0], &answers[1]] {
        let status = &refusal["Result"]["ResponseStatus"];
        assert_eq!((&status["IsSuccess"], &status["MsgCode"]), (&json!(false), &json!(1)), "{answers:?}");
        assert!(status["Errors"][0]["Message"].as_str().unwrap().contains("签名"), "{status}");
    }
    assert!(vendors.kingdee.bills(RETURNS).is_empty());
}

//! The published scheme “金蝶销售订单=>小满销售订单”, its blocks verbatim. What the article elides with `…` is filled in.

use super::*;

/// The parameters as the article has them, with the columns that its text names.
const REQUEST: &str = r#"[
    {"field": "FBillNo", "label": "单据编号", "type": "string", "value": "FBillNo"},
    {"field": "FDocumentStatus", "label": "单据状态", "type": "string", "value": "FDocumentStatus"},
    {"field": "FSaleOrgId_FNumber", "label": "销售组织", "type": "string", "value": "FSaleOrgId.FNumber"},
    {"field": "FDate", "label": "日期", "type": "datetime", "value": "FDate"},
    {"field": "FCustId_FNumber", "label": "客户", "type": "string", "value": "FCustId.FNumber"},
    {"field": "FSettleCurrId_FCODE", "label": "结算币别", "type": "string", "value": "FSettleCurrId.FCODE"},
    {"field": "FSaleOrderEntry_FEntryID", "label": "分录ID", "type": "string"},
    {"field": "FMaterialId_FNumber", "label": "物料编码", "type": "string", "value": "FMaterialId.FNumber"},
    {"field": "FQty", "label": "销售数量", "type": "float", "value": "FQty"},
    {"field": "FTaxPrice", "label": "含税单价", "type": "float", "value": "FTaxPrice"},
    {"field": "FormId", "type": "string", "value": "SAL_SaleOrder"},
    {"field": "FilterString", "type": "string", "value": "FModifyDate>='{{LAST_SYNC_TIME|dateTime}}' and FDocumentStatus='C'"},
    {"field": "Limit", "type": "string", "value": "{PAGINATION_PAGE_SIZE}"},
    {"field": "StartRow", "type": "int", "value": "{PAGINATION_START_ROW}"}
]"#;

const TRANSFORM: &str = r#"{
  "FMaterialId_Fnumber": {
    "type": "string",
    "transform": {
      "function": "mapMaterialCode",
      "params": ["FMaterialId.Fnumber"]
    }
  }
}"#;

const PRODUCT_LIST: &str = r#"{
  "field": "product_list",
  "type": "array",
  "children": [
    {
      "field": "product_id",
      "value": "_findCollection find product_id from okki-products where product_no={FMaterialId_Fnumber}"
    },
    {
      "field": "count",
      "value": "{FQty}"
    },
    {
      "field": "unit_price",
      "value": "{FTaxPrice}"
    },
    {
      "field": "cost_amount",
      "value": "_function round({{details.FTaxPrice}}*{{details.FQty}},2)"
    }
  ]
}"#;

fn source_metadata() -> Value {
    let mut request = parsed(REQUEST);
    request.as_array_mut().unwrap().push(parsed(TRANSFORM));
    json!({
        "api": "executeBillQuery",
        "method": "POST",
        "number": "FBillNo",
        "id": "FSaleOrderEntry_FEntryID",
        "request": request,
    })
}

fn target_metadata() -> Value {
    let mut metadata = parsed(r#"{"method": "POST", "api": "/v1/invoices/order/push", "idCheck": true}"#);
    metadata["request"] = json!([
        {"field": "order_no", "type": "string", "value": "{{FBillNo}}"},
        {"field": "company_id", "value": "_findCollection find company_id from okki-companies where serial_id={FCustId_FNumber}"},
        {"field": "currency", "type": "string", "value": "{FSettleCurrId_FCODE}"},
        {"field": "account_date", "type": "string", "value": "{{FDate|date}}"},
        parsed(PRODUCT_LIST),
        {"field": "users", "type": "array", "children": [
            {"field": "user_id", "value": "{FSaleOrgId_FNumber}"},
            {"field": "rate", "type": "int", "value": "100"},
        ]},
    ]);
    metadata["operation"] = parsed(r#"{"method": "merge", "field": "FBillNo"}"#);
    metadata
}

fn rows() -> [Row; 2] {
    let line = |entry: &str, material: &str, qty: &str, price: &str| {
        row(&format!(
            r#"{{"FBillNo": "XSDD000001", "FDocumentStatus": "C", "FSaleOrgId_FNumber": "100", "FDate": "2026-01-05T00:00:00",
                "FCustId_FNumber": "CUST0001", "FSettleCurrId_FCODE": "CNY", "FSaleOrderEntry_FEntryID": {entry},
                "FMaterialId_FNumber": "{material}", "FQty": {qty}, "FTaxPrice": {price}}}"#
        ))
    };
    [line("100001", "MAT-001", "3", "12.345"), line("100002", "MAT-002", "10.5", "0.10")]
}

#[test]
fn the_request_is_rendered_in_order() {
    let source = source(&source_metadata());
    assert!(source.needs_last_sync());
    assert_eq!((source.api(), source.method(), source.id_check()), ("executeBillQuery", "POST", true));
    let variables = Variables {
        last_sync_seconds: Some(NOW),
        current_seconds: NOW + 60,
        page_size: 500,
        start_row: 1000,
        page_no: 3,
    };
    let request = source.render_request(&variables).unwrap();
    let expected = r#"{"FBillNo":"FBillNo","FDocumentStatus":"FDocumentStatus","FSaleOrgId_FNumber":"FSaleOrgId.FNumber","FDate":"FDate","FCustId_FNumber":"FCustId.FNumber","FSettleCurrId_FCODE":"FSettleCurrId.FCODE","FSaleOrderEntry_FEntryID":null,"FMaterialId_FNumber":"FMaterialId.FNumber","FQty":"FQty","FTaxPrice":"FTaxPrice","FormId":"SAL_SaleOrder","FilterString":"FModifyDate>='2026-01-02 03:04:05' and FDocumentStatus='C'","Limit":"500","StartRow":1000}"#;
    assert_eq!(request.to_string(), expected);
    assert_eq!(source.render_other_request(&variables).unwrap(), json!({}));
    assert_eq!(source.columns().unwrap().len(), 10);
    assert_eq!(
        source.functions(),
        [FunctionUse {
            path: "$.request[14].FMaterialId_Fnumber.transform".into(),
            name: "mapMaterialCode".into(),
            argument_count: 1
        }]
    );
    let [first, _] = rows();
    assert_eq!(source.row_id(&first).unwrap(), "100001");
    assert_eq!(source.row_number(&first).unwrap(), "XSDD000001");
    assert_eq!(source.id_field(), "FSaleOrderEntry_FEntryID");
}

/// The article also shows the parameters as a plain object; pasted as they stand they work.
#[test]
fn the_object_form_is_a_request_too() {
    let source = source(&json!({
        "api": "executeBillQuery", "id": "FBillNo",
        "request": parsed(r#"{
          "FormId": "SAL_SaleOrder",
          "FieldKeys": ["FBillNo", "FDocumentStatus", "FSaleOrgId.FNumber"],
          "FilterString": "FModifyDate>='{{LAST_SYNC_TIME|dateTime}}' and FDocumentStatus='C'",
          "Limit": "{PAGINATION_PAGE_SIZE}",
          "StartRow": "{PAGINATION_START_ROW}"
        }"#),
    }));
    let variables = Variables { last_sync_seconds: Some(NOW), page_size: 500, ..Variables::default() };
    let expected = r#"{"FormId":"SAL_SaleOrder","FieldKeys":["FBillNo","FDocumentStatus","FSaleOrgId.FNumber"],"FilterString":"FModifyDate>='2026-01-02 03:04:05' and FDocumentStatus='C'","Limit":500,"StartRow":0}"#;
    assert_eq!(source.render_request(&variables).unwrap().to_string(), expected);
    assert_eq!(source.columns().unwrap(), ["FBillNo", "FDocumentStatus", "FSaleOrgId.FNumber"]);
}

#[test]
fn two_lines_become_one_order() {
    let source = source(&source_metadata());
    let parsed = parse_target(&target_metadata(), Some(&source), &options());
    assert_eq!((shown(&parsed.errors), shown(&parsed.warnings)), (vec![], vec![]));
    let target = parsed.plan.unwrap();
    assert_eq!((target.api(), target.id_check(), target.is_merge()), ("/v1/invoices/order/push", true, true));
    assert_eq!(
        target.lookups()[1],
        LookupUse {
            path: "$.request[4].children[0].value".into(),
            source: LookupIn::Collection("okki-products".into()),
            find: "product_id".into(),
            where_fields: vec!["product_no".into()],
            indexes: vec![vec!["product_no".into()]],
        }
    );
    let rows = rows();
    assert_eq!(target.merge_key(&rows[0]).unwrap().as_deref(), Some("XSDD000001"));

    let mut answers = Answers::new();
    let now = Variables::at(NOW);
    let map_code = |code: &str| Question::Function {
        name: "mapMaterialCode".into(),
        arguments: vec![Argument::Text(code.into())],
    };
    let find = |collection: &str, field: &str, by: &str, value: &str| Question::Lookup {
        collection: collection.into(),
        find: field.into(),
        search: Search::by([(by, value)]),
    };
    let company = find("okki-companies", "company_id", "serial_id", "CUST0001");
    // First all that can be asked at once, then what depends on it.
    let questions = pending(target.map(&rows, &now, &answers));
    assert_eq!(questions, [company.clone(), map_code("MAT-001"), map_code("MAT-002")]);
    answers.extend([
        (company, Answer::Value(parsed_number("3448551934"))),
        (map_code("MAT-001"), Answer::Value(json!("OK-001"))),
        (map_code("MAT-002"), Answer::Value(json!("OK-002"))),
    ]);
    let products = [
        find("okki-products", "product_id", "product_no", "OK-001"),
        find("okki-products", "product_id", "product_no", "OK-002"),
    ];
    assert_eq!(pending(target.map(&rows, &now, &answers)), products);
    let [first, second] = products;
    answers.extend([(first, Answer::Value(parsed_number("7001"))), (second.clone(), Answer::Absent)]);

    let error = failure(target.map(&rows, &now, &answers));
    assert!(error.may_mend_itself() && matches!(error, MappingError::MissingRow { .. }));
    assert_eq!(
        error.to_string(),
        "target `$.request[4].children[0].value` (line 2): no row of `okki-products` has `product_no` = `OK-002`"
    );

    answers.insert(second, Answer::Value(parsed_number("7002")));
    let bill = bill(target.map(&rows, &now, &answers));
    let expected = r#"{"order_no":"XSDD000001","company_id":3448551934,"currency":"CNY","account_date":"2026-01-05","product_list":[{"product_id":7001,"count":3,"unit_price":12.345,"cost_amount":37.04},{"product_id":7002,"count":10.5,"unit_price":0.10,"cost_amount":1.05}],"users":[{"user_id":"100","rate":100}]}"#;
    assert_eq!(bill.to_string(), expected);
    assert_eq!(target.bill_number(bill.as_object().unwrap(), None, Some("order_no")).as_deref(), Some("XSDD000001"));
}

fn parsed_number(text: &str) -> Value {
    parsed(text)
}

/// The computed field bears nearly the name of its column; exact names keep them apart.
#[test]
fn a_computed_field_and_its_column_are_told_apart() {
    let source = source(&source_metadata());
    let metadata = metadata(&json!([
        {"field": "computed", "value": "{FMaterialId_Fnumber}"},
        {"field": "column", "value": "{FMaterialId_FNumber}"},
        {"field": "drilled", "value": "{FMaterialId.FNumber}"},
        {"field": "drilled_computed", "value": "{FMaterialId.Fnumber}"},
    ]));
    let target = parse_target(&metadata, Some(&source), &options()).plan.unwrap();
    let mut answers = Answers::new();
    let questions = pending(target.map(&rows()[..1], &Variables::at(NOW), &answers));
    assert_eq!(
        questions,
        [Question::Function { name: "mapMaterialCode".into(), arguments: vec![Argument::Text("MAT-001".into())] }]
    );
    answers.insert(questions[0].clone(), Answer::Value(json!("OK-001")));
    let bill = bill(target.map(&rows()[..1], &Variables::at(NOW), &answers));
    assert_eq!(
        bill,
        json!({"computed": "OK-001", "column": "MAT-001", "drilled": "MAT-001", "drilled_computed": "OK-001"})
    );

    answers.insert(questions[0].clone(), Answer::Failed("`MAT-001` is not in `material_code`".into()));
    let error = failure(target.map(&rows()[..1], &Variables::at(NOW), &answers));
    assert_eq!(
        error.to_string(),
        "source `$.request[14].FMaterialId_Fnumber.transform`: `mapMaterialCode`: `MAT-001` is not in `material_code`"
    );
}

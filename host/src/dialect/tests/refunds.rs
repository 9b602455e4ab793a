//! The published scheme “销售退货同步到金蝶(正式)”: refunds of a shop become return orders of Kingdee.

use super::*;

/// The source's metadata as the article has it.
const SOURCE: &str = r#"{
  "api": "wdt.refund.query",
  "effect": "QUERY",
  "method": "POST",
  "number": "refund_no",
  "id": "refund_no",
  "name": "refund_no",
  "idCheck": true,
  "request": [
    {"field":"process_status","label":"退换单处理状态","type":"bool","describe":"退换单处理状态 5 补款 10已取消 20待审核 30已同意 40已拒绝 50待财审 60待收货 63待推送 64推送失败 65委外待收货 69待收货(已结算) 70部分到货 71部分到货(已结算) 80待结算 90已完成","value":"90"},
    {"field":"time_type","label":"时间类型","type":"string","describe":"0,最后更新时间,1,结算时间。默认值0"},
    {"field":"start_time","label":"开始时间","type":"string","describe":"按最后修改(结算)时间增量获取数据,start_time作为开始时间,格式:yyyy-MM-dd HH:mm:ss","value":"{{LAST_SYNC_TIME|datetime}}"},
    {"field":"end_time","label":"结束时间","type":"string","describe":"按最后修改时间(结算)增量获取数据,end_time作为结束时间,格式:yyyy-MM-dd HH:mm:ss","value":"{{CURRENT_TIME|datetime}}"},
    {"field":"page_size","label":"分页大小","type":"string","describe":"每页返回的数据条数,输入值范围1~40,不传本参数,输入值默认为40,使用举例单击这里","value":"{PAGINATION_PAGE_SIZE}"},
    {"field":"shop_no","label":"店铺编号","type":"string","describe":"店铺编号"},
    {"field":"page_no","label":"页号","type":"string","describe":"不传值默认从0页开始"},
    {"field":"refund_no","label":"Erp内退换单编号","type":"string","describe":"Erp内退换单编号,传该字段可以不传时间"},
    {"field":"src_refund_no","label":"平台原始退换单号","type":"string","describe":"平台原始退换单号,传该字段可以不传时间"},
    {"field":"trade_no","label":"系统订单编号","type":"string","describe":"系统订单编号,传该字段可以不传时间"},
    {"field":"tid","label":"原始单号","type":""}
   ],
   "autoFillResponse": true,
   "condition":[[{"field": "type", "logic": "eqv2", "value": "2"}, {"field": "process_status", "logic": "eqv2", "value": "90"}]]
}"#;

/// The target's metadata: the article's first items verbatim, what it elides filled in from like schemes.
const TARGET: &str = r#"{
  "api": "batchSave",
  "effect": "EXECUTE",
  "method": "POST",
  "idCheck": true,
  "request": [
    {"field": "FBillTypeID", "label": "单据类型", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "XSTHD01_SYS"},
    {"field": "FBillNo", "label": "单据编号", "type": "string", "value": "{refund_no}"},
    {"field": "FSaleOrgId", "label": "销售组织", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "100"},
    {"field": "FDate", "label":"日期{check_time}", "type": "string", "value": "{{modified|date}}"},
    {"field": "FStockOrgId", "label": "库存组织", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "100"},
    {"field": "FRetcustId", "label": "退货客户", "type": "string", "is_required": true, "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "{{shop_no}}"},
    {"field": "FSalesManID", "label": "销售员", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}},
    {"field": "FHeadNote", "label": "备注", "type": "string", "value": "{tid}/{sales_tid} {remark}"},
    {"field": "SubHeadEntity", "label": "财务信息", "type": "object", "value": null, "children": [
      {"field": "FSettleCurrId", "parent": "SubHeadEntity", "label": "结算币别", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "PRE001"},
      {"field": "FExchangeRate", "parent": "SubHeadEntity", "label": "汇率", "type": "float", "value": "1.0"},
      {"field": "FIsIncludedTax", "parent": "SubHeadEntity", "label": "是否含税", "type": "bool", "value": "true"}
    ]},
    {"field": "FEntity", "label": "明细信息", "type": "array", "value": "refund_order_list", "children": [
      {"field": "FMaterialId", "parent": "FEntity", "label": "物料编码", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "{{refund_order_list.goods_no}}"},
      {"field": "FRealQty", "parent": "FEntity", "label": "实退数量", "type": "float", "value": "{refund_num}"},
      {"field": "FTaxPrice", "parent": "FEntity", "label": "含税单价", "type": "float", "value": "_function round({{refund_order_list.refund_order_amount}}/{{refund_order_list.refund_num}},7)"},
      {"field": "FReturnType", "parent": "FEntity", "label": "退货类型", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "THLX01_SYS"},
      {"field": "FStockId", "parent": "FEntity", "label": "仓库", "type": "string", "parser": {"name": "ConvertObjectParser", "params": "FNumber"}, "value": "THC"},
      {"field": "FOwnerTypeId", "parent": "FEntity", "label": "货主类型", "type": "string", "value": "BD_OwnerOrg"},
      {"field": "FIsFree", "parent": "FEntity", "label": "是否赠品", "type": "bool", "value": "_function case when {{refund_order_list.refund_order_amount}}=0 then 1 else 0 end"},
      {"field": "FNote", "parent": "FEntity", "label": "备注", "type": "string", "value": "{refund_no}-{oid}"},
      {"field": "FSerialSubEntity", "parent": "FEntity", "label": "序列号", "type": "array", "value": "refund_order_list.serials", "children": [
        {"field": "FSerialNo", "type": "string", "value": "{sn}"}
      ]}
    ]}
  ],
  "otherRequest": [
    {"field": "FormId", "label": "业务对象表单Id", "type": "string", "value": "SAL_RETURNSTOCK"},
    {"field": "Operation", "label": "执行的操作", "type": "string", "value": "Save"},
    {"field": "IsAutoSubmitAndAudit", "label": "提交并审核", "type": "bool", "value": "true"},
    {"field": "IsVerifyBaseDataField", "label": "验证所有的基础资料有效性", "type": "bool", "value": false},
    {"field": "InterationFlags", "label": "允许负库存", "type": "string", "value": "STK_InvCheckResult"}
  ]
}"#;

/// A refund as the vendor sends it: every number a text.
const REFUND: &str = r#"{"refund_id": "12", "refund_no": "TK1712070002", "shop_no": "api_test", "type": "2", "process_status": "90", "tid": "1712051519002014",
    "sales_tid": "JY201712050001", "modified": "2017-12-07 13:29:44", "remark": "", "refund_order_list": [
        {"order_id": "7", "oid": "A1", "goods_no": "lztestyj001", "spec_no": "2323", "refund_num": "3.0000", "refund_order_amount": "10.0000", "serials": [{"sn": "S1"}, {"sn": "S2"}]},
        {"order_id": "8", "oid": "A2", "goods_no": "赠品002", "refund_num": "1.0000", "refund_order_amount": "0.0000", "remark": "", "serials": []}]}"#;

#[test]
fn the_request_is_rendered() {
    let read = parse_source(&parsed(SOURCE), &options());
    assert_eq!(shown(&read.errors), Vec::<String>::new());
    assert_eq!(
        shown(&read.warnings),
        [
            "`$.request[0].value`: `90` is not true or false; it is passed on as it is (hint: set `type` to what the vendor expects)"
        ]
    );
    let plan = read.plan.unwrap();
    assert!(plan.id_check() && plan.needs_last_sync() && plan.columns().is_none());
    let variables =
        Variables { last_sync_seconds: Some(NOW), current_seconds: NOW + 60, page_size: 40, start_row: 0, page_no: 1 };
    let expected = r#"{"process_status":"90","time_type":null,"start_time":"2026-01-02 03:04:05","end_time":"2026-01-02 03:05:05","page_size":"40","shop_no":null,"page_no":null,"refund_no":null,"src_refund_no":null,"trade_no":null,"tid":null}"#;
    assert_eq!(plan.render_request(&variables).unwrap().to_string(), expected);
    let refund = row(REFUND);
    assert_eq!(plan.shape(refund.clone()).unwrap(), [refund]);
    assert_eq!(plan.shape(row(&REFUND.replace(r#""type": "2""#, r#""type": "1""#))).unwrap(), [] as [Row; 0]);
}

#[test]
fn a_refund_becomes_a_return_order() {
    let source = parse_source(&parsed(SOURCE), &options()).plan.unwrap();
    let read = parse_target(&parsed(TARGET), Some(&source), &options());
    assert_eq!((shown(&read.errors), shown(&read.warnings)), (vec![], vec![]));
    let target = read.plan.unwrap();
    assert_eq!((target.api(), target.id_check(), target.is_merge()), ("batchSave", true, false));
    assert_eq!(target.grouping(), "none");
    let bill = bill(target.map(&[row(REFUND)], &Variables::at(NOW), &Answers::new()));
    let expected = parsed(
        r#"{"FBillTypeID":{"FNumber":"XSTHD01_SYS"},"FBillNo":"TK1712070002","FSaleOrgId":{"FNumber":"100"},"FDate":"2017-12-07",
        "FStockOrgId":{"FNumber":"100"},"FRetcustId":{"FNumber":"api_test"},"FHeadNote":"1712051519002014/JY201712050001 ",
        "SubHeadEntity":{"FSettleCurrId":{"FNumber":"PRE001"},"FExchangeRate":1.0,"FIsIncludedTax":true},
        "FEntity":[
            {"FMaterialId":{"FNumber":"lztestyj001"},"FRealQty":3.0000,"FTaxPrice":3.3333333,"FReturnType":{"FNumber":"THLX01_SYS"},"FStockId":{"FNumber":"THC"},
             "FOwnerTypeId":"BD_OwnerOrg","FIsFree":false,"FNote":"TK1712070002-A1","FSerialSubEntity":[{"FSerialNo":"S1"},{"FSerialNo":"S2"}]},
            {"FMaterialId":{"FNumber":"赠品002"},"FRealQty":1.0000,"FTaxPrice":0.0000000,"FReturnType":{"FNumber":"THLX01_SYS"},"FStockId":{"FNumber":"THC"},
             "FOwnerTypeId":"BD_OwnerOrg","FIsFree":true,"FNote":"TK1712070002-A2","FSerialSubEntity":[]}
        ]}"#,
    );
    assert_eq!(bill.to_string(), expected.to_string());
    assert_eq!(target.bill_number(bill.as_object().unwrap(), None, Some("FBillNo")).as_deref(), Some("TK1712070002"));
    assert_eq!(
        target.render_other_request(&Variables::at(NOW)).unwrap().to_string(),
        r#"{"FormId":"SAL_RETURNSTOCK","Operation":"Save","IsAutoSubmitAndAudit":true,"IsVerifyBaseDataField":false,"InterationFlags":"STK_InvCheckResult"}"#
    );
}

#[test]
fn what_is_wrong_with_a_refund_is_said_with_its_line() {
    let target = target(&parsed(TARGET));
    for (from, to, message) in [
        (
            r#""refund_num": "1.0000""#,
            r#""refund_num": "0.0000""#,
            "target `$.request[9].children[2].value` (line 2): the expression gives no value: division by zero",
        ),
        (
            r#""shop_no": "api_test""#,
            r#""shop_no": """#,
            "target `$.request[5].value`: the required field `FRetcustId` is empty",
        ),
    ] {
        let error = failure(target.map(&[row(&REFUND.replace(from, to))], &Variables::at(NOW), &Answers::new()));
        assert_eq!(error.to_string(), message);
    }
}

/// Published with one brace too many: the inner placeholder counts, and the brace is text.
#[test]
fn a_brace_too_many_is_survived() {
    let written = "_function round({{{refund_order_list.refund_order_amount}}/{{refund_order_list.refund_num}},7)";
    let mut metadata = parsed(TARGET);
    metadata["request"][9]["children"][2]["value"] = json!(written);
    let read = parse_target(&metadata, None, &options());
    let at = "`$.request[9].children[2].value`";
    assert_eq!(
        shown(&read.warnings),
        [
            format!("{at}: a brace is left over and stays text (hint: write `{{{{field}}}}`)"),
            format!(
                "{at}: the expression is parsed anew for every record: a brace is left over (hint: take the brace away: outside of quotes it leaves the expression without a value)"
            ),
        ]
    );
    let map = |on_expression_error| {
        let options = Options { on_expression_error, ..options() };
        parse_target(&metadata, None, &options).plan.unwrap().map(&[row(REFUND)], &Variables::at(NOW), &Answers::new())
    };
    let error = failure(map(OnExpressionError::Fail));
    assert!(error.to_string().starts_with(
        "target `$.request[9].children[2].value` (line 1): the expression gives no value: it does not parse: "
    ));
    // What the platform does.
    let bill = bill(map(OnExpressionError::KeepText));
    assert_eq!(bill["FEntity"][0]["FTaxPrice"], json!("_function round({10.0000/3.0000,7)"));
}

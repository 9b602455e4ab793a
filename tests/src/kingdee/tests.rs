//! Queries as a client sends them, over the data centre without its sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::bills::Bills;
use super::failure::{DATABASE, FORM_ID_EMPTY, Failure, MISSING, PARAMETER};
use super::fields::{Books, Form};
use super::filter::Filter;
use super::query::{self, Shape};
use crate::dataset::{Dataset, Entry};

fn raw(dataset: &Dataset, data: &Value, cap: usize) -> Result<Value, Failure> {
    let bills = Bills::default();
    query::run(Books { dataset, bills: &bills }, Shape::Arrays, data.as_object().unwrap(), cap)
}

fn run(dataset: &Dataset, data: &Value) -> Result<Vec<Vec<Value>>, Failure> {
    let rows = raw(dataset, data, 2_000)?;
    Ok(rows.as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone()).collect())
}

/// The numbers of the orders that pass a filter.
fn numbers(dataset: &Dataset, filter: &Value) -> Result<Vec<String>, Failure> {
    let data = json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FBillNo", "FilterString": filter});
    let rows = run(dataset, &data)?;
    Ok(rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect())
}

fn expected(dataset: &Dataset, keep: impl Fn(&crate::SaleOrder) -> bool) -> Vec<String> {
    let kept = dataset.orders.iter().filter(|order| keep(order));
    kept.map(|order| order.bill_no.clone()).collect()
}

#[test]
fn the_filter_means_what_sql_means() {
    let data = Dataset::demo();
    let first = data.orders[0].clone();
    let modified = first.modified.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let check = |filter: &str, keep: &dyn Fn(&crate::SaleOrder) -> bool| {
        assert_eq!(numbers(&data, &json!(filter)).unwrap(), expected(&data, keep), "{filter}");
    };
    check("", &|_| true);
    check("1=1", &|_| true);
    check("FDocumentStatus='C'", &|o| o.is_approved());
    check("FDocumentStatus<>'C'", &|o| !o.is_approved());
    check("fdocumentstatus in ('A','B')", &|o| !o.is_approved());
    check("FDocumentStatus not in ('A','B')", &|o| o.is_approved());
    check(&format!("FModifyDate>='{modified}'"), &|o| o.modified >= first.modified);
    check(&format!("FModifyDate < '{modified}'"), &|o| o.modified < first.modified);
    check("FDate >= '2026-06-01' and FDate<'2026-07-01T00:00:00'", &|o| o.date.month() == 6);
    check("FDate between '2026-06-01' and '2026-06-30'", &|o| o.date.month() == 6);
    check("FApproveDate is null", &|o| o.approved.is_none());
    check("FApproveDate is not null", &|o| o.approved.is_some());
    // A null is neither before nor not before.
    check("not (FApproveDate < '2100-01-01')", &|_| false);
    check("FBillNo like 'XSDD00001_'", &|o| o.bill_no.starts_with("XSDD00001"));
    check("FCustId.FName not like '%进出口%'", &|o| !data.customer(&o.customer).unwrap().name.contains("进出口"));
    check("FNote = 'O''Brien 先生指定航班'", &|o| o.note.starts_with("O'Brien"));
    check("FNote = N'样品单'", &|o| o.note == "样品单");
    check("FID > 100700", &|o| o.id > 100_700);
    check("FID > '100700'", &|o| o.id > 100_700);
    check("FSettleCurrId.FCODE='USD' or FSettleCurrId.FCODE='EUR' and FID<0", &|o| o.currency == "USD");
    check("(FSettleCurrId.FCODE='USD' or FSettleCurrId.FCODE='EUR') and FID<0", &|_| false);
    check("FBillAllAmount > 50000.5", &|o| {
        o.entries.iter().map(Entry::amount).sum::<rust_decimal::Decimal>() > "50000.5".parse().unwrap()
    });
}

#[test]
fn the_filter_may_be_an_array_of_conditions() {
    let data = Dataset::demo();
    let filter = json!([
        {"Left": "(", "FieldName": "FBillNo", "Compare": "67", "Value": "XSDD000007", "Right": "", "Logic": "1"},
        {"Left": "", "FieldName": "FBillNo", "Compare": "67", "Value": "XSDD000009", "Right": ")", "Logic": 0},
        {"Left": "", "FieldName": "FDocumentStatus", "Compare": "105", "Value": "C", "Right": "", "Logic": 0},
    ]);
    assert_eq!(numbers(&data, &filter).unwrap(), ["XSDD000007", "XSDD000009"]);
    assert_eq!(numbers(&data, &json!([])).unwrap().len(), data.orders.len());
    let unknown = json!([{"FieldName": "FBillNo", "Compare": "9999", "Value": "x"}]);
    assert_eq!(numbers(&data, &unknown).unwrap_err().msg_code, PARAMETER);
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let data = Dataset::small(3);
    for (filter, msg_code, words) in [
        ("FDocumentStatus='C", PARAMETER, "过滤条件解析失败"),
        ("FDocumentStatus=='C'", PARAMETER, "过滤条件解析失败"),
        ("FDocumentStatus='C' FDate", PARAMETER, "语法错误"),
        ("and FID>0", PARAMETER, "过滤条件"),
        ("FModifyDate>='{{LAST_SYNC_TIME|dateTime}}'", DATABASE, "转换日期和/或时间时，转换失败"),
        ("FID > 'many'", DATABASE, "decimal"),
        ("FNoSuchField = 1", MISSING, "FNoSuchField"),
        ("getdate() > FDate", PARAMETER, "不支持"),
        ("FID", PARAMETER, "不支持"),
    ] {
        let failure = numbers(&data, &json!(filter)).unwrap_err();
        assert_eq!(failure.msg_code, msg_code, "{filter}: {failure:?}");
        assert!(failure.message.contains(words), "{filter}: {failure:?}");
    }
}

proptest! {
    #[test]
    fn no_filter_breaks_the_parser(filter in "[ -~一二'()%_=<>]{0,60}") {
        let data = Dataset::small(2);
        let _ = numbers(&data, &json!(filter));
    }

    #[test]
    fn quoted_text_is_taken_literally(text in "[ -~中文'%]{1,20}") {
        let filter = json!(format!("FNote = '{}'", text.replace('\'', "''")));
        prop_assert!(Filter::compile(Form::SaleOrder, &filter).is_ok());
    }
}

#[test]
fn rows_repeat_the_head_and_numbers_keep_their_digits() {
    let data = Dataset::demo();
    let order = data.approved().find(|order| order.entries.len() == 3).unwrap();
    let rows = run(
        &data,
        &json!({
            "FormId": "SAL_SaleOrder",
            "FieldKeys": "FBillNo, FDate,FSettleCurrId.FCODE,FSettleCurrId.FNumber,FSaleOrderEntry_FEntryID,fsaleorderentry_fentryid,\
                          FSaleOrderEntry_FSeq,FMaterialId.FNumber,FQty,FTaxPrice,FAllAmount",
            "FilterString": format!("FBillNo='{}'", order.bill_no),
        }),
    )
    .unwrap();
    assert_eq!(rows.len(), 3);
    for (row, entry) in rows.iter().zip(&order.entries) {
        assert_eq!(row[0], order.bill_no);
        assert_eq!(row[1], format!("{}T00:00:00", order.date));
        assert_eq!(row[2], order.currency);
        assert!(row[3].as_str().unwrap().starts_with("PRE00"));
        assert_eq!(row[4], row[5]);
        assert_eq!(row[6].to_string(), entry.seq.to_string());
        assert_eq!(row[7], entry.material);
        // `12.0`, not `12`; `1.005`, not `1.00499…`.
        assert_eq!(row[8].to_string(), entry.qty.to_string());
        assert!(row[8].is_number() && row[8].to_string().contains('.'));
        assert_eq!(row[9].to_string(), entry.tax_price.to_string());
        assert_eq!(row[10].to_string(), entry.amount().to_string());
    }
}

#[test]
fn only_an_entry_field_makes_rows_of_entries() {
    let data = Dataset::demo();
    let count = |keys: &str, filter: &str, order: &str| {
        let data_ = json!({"FormId": "SAL_SaleOrder", "FieldKeys": keys, "FilterString": filter, "OrderString": order, "Limit": 10_000});
        raw(&data, &data_, 10_000).unwrap().as_array().unwrap().len()
    };
    let lines: usize = data.orders.iter().map(|order| order.entries.len()).sum();
    assert_eq!(count("FID", "", ""), data.orders.len());
    assert_eq!(count("FID,FQty", "", ""), lines);
    assert_eq!(count("FID", "FQty>0", ""), lines);
    assert_eq!(count("FID", "", "FQty"), lines);
}

/// Reads everything page by page as a client does: until a page is shorter than it asked for.
fn pages(data: &Dataset, cap: usize, limit: &Value, order: &str) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut start = 0;
    loop {
        let request = json!({
            "FormId": "SAL_SaleOrder", "FieldKeys": "FSaleOrderEntry_FEntryId", "OrderString": order,
            "StartRow": start.to_string(), "Limit": limit, "TopRowCount": 0,
        });
        let size = raw(data, &request, cap).unwrap().as_array().unwrap().len();
        sizes.push(size);
        start += size;
        if size == 0 {
            return sizes;
        }
    }
}

#[test]
fn pages_are_cut_to_the_cap() {
    let data = Dataset::demo();
    let lines: usize = data.orders.iter().map(|order| order.entries.len()).sum();
    assert!(lines > 2_000 && lines < 4_000, "{lines}");
    assert_eq!(pages(&data, 2_000, &json!(10_000), ""), [2_000, lines - 2_000, 0]);
    assert_eq!(pages(&data, 10_000, &json!("0"), ""), [lines, 0]);
    assert_eq!(pages(&data, 2_000, &json!("500"), "FID ASC").iter().sum::<usize>(), lines);
    let top = json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FID", "TopRowCount": "5", "StartRow": 3, "Limit": 100});
    assert_eq!(run(&data, &top).unwrap().len(), 2);
}

#[test]
fn rows_come_in_the_order_asked_for() {
    let data = Dataset::demo();
    let rows = run(
        &data,
        &json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FSettleCurrId.FCODE,FQty,FSaleOrderEntry_FEntryId",
                "OrderString": "FSettleCurrId.FCODE desc, FSaleOrderEntry_FEntryId ASC"}),
    )
    .unwrap();
    let keys: Vec<(String, u64)> =
        rows.iter().map(|row| (row[0].as_str().unwrap().to_owned(), row[2].as_u64().unwrap())).collect();
    let mut sorted = keys.clone();
    sorted.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
    assert_eq!(keys, sorted);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let data = Dataset::small(3);
    for (request, msg_code) in [
        (json!({"FieldKeys": "FID"}), FORM_ID_EMPTY),
        (json!({"FormId": "NO_SUCH", "FieldKeys": "FID"}), MISSING),
        (json!({"FormId": "SAL_SaleOrder"}), PARAMETER),
        (json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FID,FNope"}), MISSING),
        (json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FID,"}), MISSING),
        (json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FID", "OrderString": "FNope"}), MISSING),
        (json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FID", "OrderString": "FID upwards"}), PARAMETER),
        (json!({"FormId": "SAL_SaleOrder", "FieldKeys": "FID", "Limit": "ten"}), PARAMETER),
    ] {
        assert_eq!(run(&data, &request).unwrap_err().msg_code, msg_code, "{request}");
    }
}

#[test]
fn the_heartbeat_of_a_known_client_is_answered() {
    let data = Dataset::small(1);
    let request = json!({"FormId": "BD_Currency", "FieldKeys": "FCODE", "FilterString": "FNUMBER='PRE001'"});
    assert_eq!(run(&data, &request).unwrap(), [[json!("CNY")]]);
}

#[test]
fn a_failure_is_wrapped_in_two_arrays() {
    let failure = Failure::session_lost().wrapped();
    let status = &failure[0][0]["Result"]["ResponseStatus"];
    assert_eq!(status["MsgCode"], 1);
    assert_eq!(status["IsSuccess"], false);
    assert_eq!(status["Errors"][0]["Message"], "会话信息已丢失，请重新登录");
}

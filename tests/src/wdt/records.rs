//! How refunds and goods look on the wire: every number is a text, quantities and amounts with four places.

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::dataset::{Refund, RefundLine};

use super::state::Goods;

fn four_places(number: Decimal) -> String {
    let mut number = number;
    number.rescale(4);
    number.to_string()
}

fn shown(time: DateTime) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The number of the order at the platform.
pub(super) fn tid(refund: &Refund) -> String {
    format!("{}{:06}", refund.created.strftime("%y%m%d0519"), refund.id)
}

/// The number of the order at this seller (`sales_tid`; a query calls it `trade_no`).
pub(super) fn trade_no(refund: &Refund) -> String {
    format!("JY{}{:04}", refund.created.strftime("%Y%m%d"), refund.id % 10_000)
}

/// The number of the refund at the platform.
pub(super) fn src_no(refund: &Refund) -> String {
    format!("88{:010}", refund.id * 7)
}

/// The parcel that the goods came back in; money alone comes back in none.
pub(super) fn logistics_no(refund: &Refund) -> String {
    if refund.kind == 2 { format!("SF{:012}", refund.id * 11) } else { String::new() }
}

/// One of `refunds`. A refund without lines shows an empty list, or none at all.
pub(super) fn refund(refund: &Refund) -> Value {
    let amount: Decimal = refund.lines.iter().map(|line| line.amount).sum();
    let count: Decimal = refund.lines.iter().map(|line| line.num).sum();
    let text = |text: &str| Value::String(text.to_owned());
    let fields = [
        ("refund_id", Value::String(refund.id.to_string())),
        ("refund_no", text(&refund.refund_no)),
        ("api_outer_no", text("")),
        // Not Taobao (1), whose refunds the direct way does not show: both ways show the same.
        ("platform_id", text("3")),
        ("src_no", Value::String(src_no(refund))),
        ("type", Value::String(refund.kind.to_string())),
        ("process_status", Value::String(refund.process_status.to_string())),
        ("status", text(if refund.finished.is_some() { "5" } else { "2" })),
        ("shop_no", text(&refund.shop_no)),
        ("shop_name", text(&refund.shop_name)),
        ("goods_amount", Value::String(four_places(amount))),
        ("refund_amount", Value::String(four_places(amount))),
        ("actual_refund_amount", Value::String(four_places(amount))),
        ("exchange_amount", text("0.0000")),
        ("post_amount", text("0.0000")),
        ("other_amount", text("0.0000")),
        ("paid", Value::String(four_places(amount))),
        ("tid", Value::String(tid(refund))),
        ("sales_tid", Value::String(trade_no(refund))),
        ("buyer_nick", text(refund.buyer())),
        ("return_logistics_no", Value::String(logistics_no(refund))),
        ("warehouse_no", text("THC")),
        ("warehouse_type", text("1")),
        ("refund_time", Value::String(shown(refund.created))),
        ("remark", text(&refund.remark)),
        ("refund_reason", text(&refund.reason)),
        ("modified", Value::String(shown(refund.modified))),
        ("finish_time", Value::String(refund.finished.map_or_else(|| "0000-00-00 00:00:00".to_owned(), shown))),
        ("created", Value::String(shown(refund.created))),
        ("return_goods_count", Value::String(four_places(count))),
        ("from_type", text("1")),
    ];
    let mut fields: Map<String, Value> = fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    if !refund.lines.is_empty() || refund.id % 2 == 1 {
        let lines = refund.lines.iter().map(|each| line(refund, each)).collect();
        fields.insert("refund_order_list".to_owned(), lines);
    }
    Value::Object(fields)
}

fn line(refund: &Refund, line: &RefundLine) -> Value {
    let price = line.amount.checked_div(line.num).unwrap_or_default();
    json!({
        "order_id": line.id.to_string(),
        "refund_id": refund.id.to_string(),
        "oid": format!("AD{}", line.id),
        "tid": tid(refund),
        "src_no": src_no(refund),
        "process_status": refund.process_status.to_string(),
        "sales_tid": trade_no(refund),
        "order_num": four_places(line.num),
        "price": four_places(price),
        "original_price": four_places(price),
        "discount": "0.0000",
        "paid": four_places(line.amount),
        "refund_num": four_places(line.num),
        "refund_order_amount": four_places(line.amount),
        "total_amount": four_places(line.amount),
        "spec_no": line.goods_no,
        "goods_no": line.goods_no,
        "goods_name": line.goods_name,
        "spec_name": "默认规格",
        "suite_no": "",
        "suite_num": "0.0000",
        "stockin_num": if refund.finished.is_some() { four_places(line.num) } else { "0.0000".to_owned() },
        "remark": line.remark,
        "platform_id": "3",
        "modified": shown(refund.modified),
        "created": shown(refund.created),
    })
}

/// One of `goods_list`.
pub(super) fn goods(goods: &Goods) -> Value {
    json!({
        "goods_id": goods.id.to_string(),
        "goods_no": goods.material.number,
        "goods_name": goods.material.name,
        "short_name": goods.material.model,
        "goods_type": "1",
        "spec_count": "1",
        "deleted": "0",
        "modified": shown(goods.modified),
        "spec_list": [{
            "spec_id": (goods.id * 2).to_string(),
            "spec_no": goods.material.number,
            "spec_name": goods.material.model,
            "deleted": "0",
        }],
    })
}

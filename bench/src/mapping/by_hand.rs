//! The mapping as a program of its own would have it: plain Rust over the same JSON values.

use anyhow::{Context as _, ensure};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

use super::books::{Product, Products, Row};

/// An order of OKKI from the lines of one of Kingdee's.
pub(super) fn order(lines: &[Row], products: &Products) -> anyhow::Result<Row> {
    let head = lines.first().context("an order without lines")?;
    let number = required_text(head, "FBillNo")?;
    let date = required_text(head, "FDate")?;
    let day = date.split_once('T').map_or(date, |(day, _)| day);
    let product_list = lines.iter().map(|line| product(line, products)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(object([
        ("order_no", Value::from(number)),
        ("name", Value::from(format!("金蝶销售订单 {number}"))),
        ("account_date", Value::from(day)),
        ("currency", Value::from(required_text(head, "FSettleCurrId_FCODE")?)),
        ("remark", value(head, "FNote")?.clone()),
        ("customer_no", Value::from(required_text(head, "FCustId_FNumber")?)),
        ("salesman_no", value(head, "FSalerId_FNumber")?.clone()),
        ("product_list", Value::from(product_list)),
    ]))
}

fn product(line: &Row, products: &Products) -> anyhow::Result<Value> {
    let material = required_text(line, "FMaterialId_FNumber")?;
    let Product { product_id } = products.get(material).with_context(|| format!("OKKI has no product `{material}`"))?;
    let (quantity, price) = (number(line, "FQty")?, number(line, "FTaxPrice")?);
    let amount =
        (decimal(quantity)? * decimal(price)?).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    Ok(Value::Object(object([
        ("product_id", product_id.clone()),
        ("product_no", Value::from(material)),
        ("product_name", value(line, "FMaterialId_FName")?.clone()),
        ("count", Value::Number(quantity.clone())),
        ("unit_price", Value::Number(price.clone())),
        ("cost_amount", Value::Number(format!("{amount:.2}").parse()?)),
    ])))
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Row {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn value<'a>(row: &'a Row, field: &str) -> anyhow::Result<&'a Value> {
    row.get(field).with_context(|| format!("`{field}` is missing"))
}

fn required_text<'a>(row: &'a Row, field: &str) -> anyhow::Result<&'a str> {
    let text = value(row, field)?.as_str().with_context(|| format!("`{field}` is no text"))?;
    ensure!(!text.is_empty(), "`{field}` is empty");
    Ok(text)
}

fn number<'a>(row: &'a Row, field: &str) -> anyhow::Result<&'a Number> {
    value(row, field)?.as_number().with_context(|| format!("`{field}` is no number"))
}

fn decimal(number: &Number) -> anyhow::Result<Decimal> {
    Ok(Decimal::from_str_exact(number.as_str())?)
}

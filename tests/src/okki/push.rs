//! `POST /v1/invoices/order/push` (api-3478252): what one push makes of an order, by the documented rules and their silences.
//!
//! * `order_id` selects the order to edit. Whether a known `order_no` does is not documented for sure: [`OrderNoReading`].
//! * A line without `product_id` and `sku_id` is dropped, and nobody is told. A missing `cost_amount` is 0.
//! * On an edit, a line with a `unique_id` is that line, and `remove: 1` deletes it; one without is the line of the same product and
//!   SKU, or a new one. Lines that the push does not mention stay.
//! * Companies, products and users that do not exist are refused, and nothing is applied.
//!
//! The functions only compute; the caller writes down and then holds what comes out, so that a push is applied whole or not at all.

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::envelope::Refusal;
use super::ids;
use super::state::{Catalogue, Line, Orders, PushKind, PushRecord, StoredOrder};

/// What a push with a known `order_no` and no `order_id` does. The vendor's words allow both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderNoReading {
    /// It edits the order that has the number.
    #[default]
    Edit,
    /// It makes a second order of the same number.
    SecondOrder,
}

/// What a push would make.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) order: StoredOrder,
    pub(crate) record: PushRecord,
}

/// Computes a push.
pub(crate) fn compute(
    orders: &Orders,
    catalogue: &Catalogue,
    reading: OrderNoReading,
    request: &Map<String, Value>,
    now: DateTime,
) -> Result<Pushed, Refusal> {
    check_head(catalogue, request)?;
    let (mut order, kind) = select(orders, reading, request, now)?;
    set_head(&mut order, request);
    let dropped = set_lines(&mut order, orders, catalogue, request)?;
    order.updated = now;
    let record = PushRecord {
        at: now,
        order_no: order.order_no.clone(),
        order_id: order.order_id,
        kind,
        lines: order.lines.len(),
        dropped,
        amount: order.lines_amount(),
    };
    Ok(Pushed { order, record })
}

fn text(request: &Map<String, Value>, name: &str) -> String {
    match request.get(name) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn list<'a>(request: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    request.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn check_head(catalogue: &Catalogue, request: &Map<String, Value>) -> Result<(), Refusal> {
    let currency = text(request, "currency");
    if currency.is_empty() {
        return Err(Refusal::invalid("currency 不能为空"));
    }
    if !catalogue.currencies.contains(&currency.as_str()) {
        return Err(Refusal::invalid(&format!("currency {currency} 不在币种列表中")));
    }
    if let Some(company_id) = ids::read(request.get("company_id"))
        && !catalogue.has_company(company_id)
    {
        return Err(Refusal::not_found("：company_id"));
    }
    let known_user = |user_id: Option<&Value>| match ids::read(user_id) {
        Some(user_id) if !catalogue.has_user(user_id) => Err(Refusal::not_found("没有权限编辑销售订单")),
        _ => Ok(()),
    };
    known_user(request.get("user_id"))?;
    known_user(request.get("create_user"))?;
    for handler in list(request, "handler") {
        known_user(Some(handler))?;
    }
    let mut rates = Decimal::ZERO;
    for user in list(request, "users") {
        if ids::read(user.get("user_id")).is_none() {
            return Err(Refusal::invalid("users.user_id 不能为空"));
        }
        known_user(user.get("user_id"))?;
        rates += number(user.get("rate"), "users.rate")?.unwrap_or_default();
    }
    if rates > Decimal::ONE_HUNDRED {
        return Err(Refusal::invalid("业绩归属人比例之和不能大于 100"));
    }
    Ok(())
}

fn number(value: Option<&Value>, name: &str) -> Result<Option<Decimal>, Refusal> {
    ids::decimal(value).map_err(|text| Refusal::invalid(&format!("{name} 的值 {text} 不是数字")))
}

fn select(
    orders: &Orders,
    reading: OrderNoReading,
    request: &Map<String, Value>,
    now: DateTime,
) -> Result<(StoredOrder, PushKind), Refusal> {
    let order_no = text(request, "order_no");
    if let Some(order_id) = ids::read(request.get("order_id")) {
        let held = orders.by_id(order_id).ok_or_else(|| Refusal::not_found("（未知异常）"))?;
        let mut order = held.clone();
        if !order_no.is_empty() {
            order.order_no = order_no;
        }
        return Ok((order, PushKind::Edit));
    }
    if reading == OrderNoReading::Edit
        && let Some(held) = orders.by_no(&order_no)
    {
        return Ok((held.clone(), PushKind::Edit));
    }
    let order_id = orders.next_order_id();
    let order = StoredOrder {
        order_id,
        order_no: if order_no.is_empty() { format!("SO{order_id}") } else { order_no },
        company_id: None,
        currency: String::new(),
        account_date: now.date().to_string(),
        lines: Vec::new(),
        other: Map::new(),
        created: now,
        updated: now,
        is_removed: false,
    };
    Ok((order, PushKind::Create))
}

/// A key that is not sent stays as it is.
fn set_head(order: &mut StoredOrder, request: &Map<String, Value>) {
    for (name, value) in request {
        match name.as_str() {
            "order_id" | "order_no" | "product_list" | "user_id" => {}
            "company_id" => order.company_id = ids::read(Some(value)),
            "currency" => order.currency = text(request, name),
            "account_date" => order.account_date = text(request, name),
            _ => {
                order.other.insert(name.clone(), value.clone());
            }
        }
    }
}

/// How many lines were dropped.
fn set_lines(
    order: &mut StoredOrder,
    orders: &Orders,
    catalogue: &Catalogue,
    request: &Map<String, Value>,
) -> Result<usize, Refusal> {
    let is_edit = orders.by_id(order.order_id).is_some();
    let mut last_unique_id = orders.last_unique_id();
    let mut dropped = 0;
    for sent in list(request, "product_list") {
        let unique_id = ids::read(sent.get("unique_id"));
        if let (Some(unique_id), Some(1)) = (unique_id, ids::read(sent.get("remove"))) {
            order.lines.retain(|line| line.unique_id != unique_id);
            continue;
        }
        let (Some(product_id), Some(sku_id)) = (ids::read(sent.get("product_id")), ids::read(sent.get("sku_id")))
        else {
            dropped += 1;
            continue;
        };
        if !catalogue.has_sku(product_id, sku_id) {
            return Err(Refusal::not_found("：product_id、sku_id"));
        }
        let line = Line {
            unique_id: 0,
            product_id,
            sku_id,
            count: number(sent.get("count"), "product_list.count")?.unwrap_or_default(),
            unit_price: number(sent.get("unit_price"), "product_list.unit_price")?.unwrap_or_default(),
            cost_amount: number(sent.get("cost_amount"), "product_list.cost_amount")?.unwrap_or_default(),
            other: other_of(sent),
        };
        let held = order.lines.iter_mut().find(|held| match unique_id {
            Some(unique_id) => held.unique_id == unique_id,
            None => is_edit && held.product_id == product_id && held.sku_id == sku_id,
        });
        if let Some(held) = held {
            let unique_id = held.unique_id;
            *held = Line { unique_id, ..line };
        } else {
            last_unique_id += 1;
            order.lines.push(Line { unique_id: last_unique_id, ..line });
        }
    }
    Ok(dropped)
}

fn other_of(line: &Value) -> Map<String, Value> {
    const READ: &[&str] = &["unique_id", "remove", "product_id", "sku_id", "count", "unit_price", "cost_amount"];
    let mut other = line.as_object().cloned().unwrap_or_default();
    other.retain(|name, _| !READ.contains(&name.as_str()));
    other
}

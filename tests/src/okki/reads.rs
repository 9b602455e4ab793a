//! The calls that read: lists by page number (from 1, ten at a time unless `count` says more) and single records.
//!
//! Lists leave out what single records have (`product/list` has no `sku_id`), `user/list` is a bare array, and ids change their
//! type from one place to the next.

use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::envelope::Refusal;
use super::ids;
use super::motion::Motion;
use super::state::{Catalogue, Orders, StoredOrder};
use crate::dataset::{Customer, Material};
use crate::door::Request;

/// When everything in the catalogue was made.
const CATALOGUE_TIME: &str = "2026-01-02 09:00:00";

fn count_of(request: &Request, name: &str, default: usize) -> Result<usize, Refusal> {
    match request.parameter(name) {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(Refusal::invalid(name)),
        },
    }
}

/// The page that a request asks for.
fn page<T>(request: &Request, items: impl Iterator<Item = T>) -> Result<Vec<T>, Refusal> {
    let count = count_of(request, "count", 10)?;
    let page = count_of(request, "start_index", 1)?;
    Ok(items.skip((page - 1).saturating_mul(count)).take(count).collect())
}

/// Whether a time lies in `start_time`…`end_time`, both included; a bare date ends with its last second.
fn is_within(request: &Request, time: DateTime) -> Result<bool, Refusal> {
    let bound = |name: &str, is_end: bool| match request.parameter(name) {
        None => Ok(None),
        Some(text) => match (text.parse::<Date>(), text.parse::<DateTime>()) {
            (Ok(date), _) if text.len() == 10 && is_end => Ok(Some(date.at(23, 59, 59, 0))),
            (_, Ok(time)) => Ok(Some(time)),
            (Ok(date), Err(_)) => Ok(Some(date.at(0, 0, 0, 0))),
            _ => Err(Refusal::invalid(name)),
        },
    };
    let start = bound("start_time", false)?;
    let end = bound("end_time", true)?;
    Ok(start.is_none_or(|start| start <= time) && end.is_none_or(|end| time <= end))
}

fn is_catalogue_within(request: &Request) -> Result<bool, Refusal> {
    CATALOGUE_TIME.parse().map_or(Ok(true), |time| is_within(request, time))
}

pub(crate) fn product_list(catalogue: &Catalogue, motion: &Motion, request: &Request) -> Result<Value, Refusal> {
    let all: &[Material] = if is_catalogue_within(request)? { &catalogue.materials } else { &[] };
    let all = motion.arranged(all.iter().collect());
    let list: Vec<Value> = page(request, all.iter())?.into_iter().map(|item| Value::Object(product(item, 0))).collect();
    motion.page_answered();
    Ok(json!({"count": all.len(), "list": list}))
}

pub(crate) fn product_info(catalogue: &Catalogue, request: &Request) -> Option<Value> {
    let item = match (request.parameter("product_id"), request.parameter("product_no")) {
        (Some(id), _) => catalogue.product(id.parse().ok()?),
        (None, no) => catalogue.materials.iter().find(|item| Some(&item.product_no) == no.as_ref()),
    }?;
    let mut product = product(item, 1);
    let sku = json!([{
        "sku_id": ids::show(item.sku_id, 0),
        "sku_code": format!("{}-1", item.product_no),
        "fob_price": "0.0000",
        "enable_flag": "1",
        "attributes_info": [],
    }]);
    product.insert("sku_items".to_owned(), sku);
    Some(Value::Object(product))
}

fn product(item: &Material, place: u64) -> Map<String, Value> {
    let product = json!({
        "product_id": ids::show(item.product_id, place),
        "product_no": item.product_no,
        "name": item.name,
        "group_id": 0,
        "model": item.model,
        "unit": "Pcs",
        "cost_with_tax": "0.0000",
        "fob": {"price_currency": "USD", "price_min": 0, "price_max": 0, "price_unit": "Pcs"},
        "enable_flag": "1",
        "disable_flag": 0,
        "create_time": CATALOGUE_TIME,
        "update_time": CATALOGUE_TIME,
    });
    product.as_object().cloned().unwrap_or_default()
}

pub(crate) fn company_list(catalogue: &Catalogue, motion: &Motion, request: &Request) -> Result<Value, Refusal> {
    let all: &[Customer] = if is_catalogue_within(request)? { &catalogue.companies } else { &[] };
    let all = motion.arranged(all.iter().skip(motion.hidden_companies()).collect());
    let list: Vec<Value> = page(request, all.iter())?.into_iter().map(|company| company_json(company, 0)).collect();
    motion.page_answered();
    Ok(json!({"list": list, "totalItem": all.len(), "count": all.len()}))
}

pub(crate) fn company_info(catalogue: &Catalogue, request: &Request) -> Result<Value, Refusal> {
    let found = match (request.parameter("company_id"), request.parameter("serial_id")) {
        (Some(id), _) => catalogue.companies.iter().find(|company| company.company_id.to_string() == id),
        (None, serial) => catalogue.companies.iter().find(|company| Some(&company.number) == serial.as_ref()),
    };
    found.map(|company| company_json(company, 1)).ok_or_else(|| Refusal::not_found(""))
}

fn company_json(company: &Customer, place: u64) -> Value {
    json!({
        "company_id": ids::show(company.company_id, place),
        "user_id": [],
        "name": company.name,
        "short_name": "",
        "serial_id": company.number,
        "order_time": CATALOGUE_TIME,
        "create_time": CATALOGUE_TIME,
        "update_time": CATALOGUE_TIME,
        "create_user": 0,
        "last_edit_user": 0,
        "archive_type": 10,
        "edit_time": CATALOGUE_TIME,
    })
}

/// A bare array, and not paged.
pub(crate) fn user_list(catalogue: &Catalogue, request: &Request) -> Value {
    if request.parameter("enable_flag").is_some_and(|flag| flag != "1") {
        return json!([]);
    }
    let users = catalogue.users.iter().map(|user| {
        json!({
            "user_id": ids::show(user.user_id, 1),
            "email": format!("{}@example.com", user.number.to_ascii_lowercase()),
            "nickname": user.name,
            "full_name": user.name,
            "gender": 0,
            "position": "业务员",
            "enable_flag": "1",
            "user_mobile": "",
            "employee_no": user.number,
            "departments": [{"department_id": "148", "department_name": "外贸一部"}],
            "department_id": "148",
            "department_name": "外贸一部",
        })
    });
    users.collect()
}

pub(crate) fn order_list(orders: &Orders, request: &Request) -> Result<Value, Refusal> {
    let wants_removed = request.parameter("removed").as_deref() == Some("1");
    let time_type = request.parameter("time_type");
    let mut all = Vec::new();
    for order in orders.all().filter(|order| order.is_removed == wants_removed) {
        let time = match time_type.as_deref() {
            None | Some("1" | "4") => order.updated,
            Some("2") => order.created,
            Some("3") => match order.account_date.parse::<Date>() {
                Ok(date) => date.at(0, 0, 0, 0),
                Err(_) => continue,
            },
            Some(_) => return Err(Refusal::invalid("time_type")),
        };
        if is_within(request, time)? {
            all.push(order);
        }
    }
    // Newest first, as the vendor's own list shows them.
    let list: Vec<Value> =
        page(request, all.iter().rev())?.into_iter().map(|order| Value::Object(order_head(order, 0))).collect();
    Ok(json!({"count": all.len(), "list": list}))
}

pub(crate) fn order_info(catalogue: &Catalogue, orders: &Orders, request: &Request) -> Result<Value, Refusal> {
    let order = find_order(orders, request)?;
    let mut info = order_head(order, 1);
    for (name, value) in &order.other {
        if !info.contains_key(name) {
            info.insert(name.clone(), value.clone());
        }
    }
    info.insert("product_list".to_owned(), lines(catalogue, order));
    Ok(Value::Object(info))
}

/// The order that `order_id` or `order_no` names.
pub(crate) fn find_order<'a>(orders: &'a Orders, request: &Request) -> Result<&'a StoredOrder, Refusal> {
    let found = match (request.parameter("order_id"), request.parameter("order_no")) {
        (Some(id), _) => id.parse().ok().and_then(|id| orders.by_id(id)),
        (None, Some(no)) => orders.by_no(&no),
        (None, None) => return Err(Refusal::invalid("order_id 与 order_no 不能同时为空")),
    };
    found.ok_or_else(|| Refusal::not_found("（未知异常）"))
}

fn order_head(order: &StoredOrder, place: u64) -> Map<String, Value> {
    let costs: Decimal = order
        .other
        .get("cost_list")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter_map(|cost| ids::decimal(cost.get("cost")).ok().flatten())
        .sum();
    let sum = order.lines_amount() + costs;
    let amount = ids::decimal(order.other.get("amount")).ok().flatten().unwrap_or(sum);
    let time = |time: DateTime| time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let head = json!({
        "order_id": ids::show(order.order_id, place),
        "order_no": order.order_no,
        "name": order.other.get("name").cloned().unwrap_or_else(|| Value::from("")),
        "company_id": order.company_id.map_or(Value::from(0), |id| ids::show(id, place)),
        "currency": order.currency,
        "account_date": order.account_date,
        "amount": ids::number(amount),
        "product_total_amount": ids::number(order.lines_amount()),
        "create_time": time(order.created),
        "update_time": time(order.updated),
    });
    head.as_object().cloned().unwrap_or_default()
}

/// The lines of an order, as `order/info` and the answer to a push show them.
pub(crate) fn lines(catalogue: &Catalogue, order: &StoredOrder) -> Value {
    let lines = order.lines.iter().map(|line| {
        let product = catalogue.product(line.product_id);
        json!({
            "unique_id": ids::show(line.unique_id, 0),
            "product_name": product.map_or("", |product| &product.name),
            "product_no": product.map_or("", |product| &product.product_no),
            "product_model": product.map_or("", |product| &product.model),
            "product_id": ids::show(line.product_id, 1),
            "sku_id": ids::show(line.sku_id, 1),
            "count": ids::number(line.count),
            "unit_price": ids::number(line.unit_price),
            "cost_amount": ids::number(line.cost_amount),
        })
    });
    lines.collect()
}

pub(crate) fn order_enums(catalogue: &Catalogue) -> Value {
    json!({
        "currency_list": catalogue.currencies,
        "pay_list": ["T/T", "L/C"],
        "country_area_list": {"CN": "中国", "US": "美国"},
        "source_type_list": {"1": "线下", "2": "阿里巴巴", "3": "店铺", "4": "其他"},
        "order_status_list": {"1001": "待确认", "1002": "已确认"},
        "archive_type_list": {"10": "金蝶云星空同步"},
    })
}

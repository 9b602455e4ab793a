//! `ExecuteBillQuery`: rows as bare arrays in the order of `FieldKeys`, heads repeated for each entry, and no total. `BillQuery` gives the
//! same rows as objects whose members are named exactly as in `FieldKeys`.
//!
//! Numbers arrive as numbers or as texts. `Limit` above the server's cap is cut to the cap in silence, and `0` means the cap
//! (what happens above it is not documented; cutting is the reading under which a client loses rows if it trusts its own number).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::failure::{FORM_ID_EMPTY, Failure, MISSING, PARAMETER};
use super::fields::{Books, Field, Form, Level, Record};
use super::filter::Filter;

/// What each row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Arrays,
    Objects,
}

/// Answers one query.
pub(crate) fn run(books: Books<'_>, shape: Shape, data: &Map<String, Value>, cap: usize) -> Result<Value, Failure> {
    let form_id = data.get("FormId").and_then(Value::as_str).unwrap_or_default();
    if form_id.is_empty() {
        return Err(Failure::new(FORM_ID_EMPTY, "业务对象标识 FormId 不能为空"));
    }
    let form = Form::of_id(form_id).ok_or_else(|| Failure::new(MISSING, format!("业务对象 {form_id} 不存在")))?;
    let (names, columns) = columns(form, data.get("FieldKeys"))?;
    let filter = Filter::compile(form, data.get("FilterString").unwrap_or(&Value::Null))?;
    let order = order(form, data.get("OrderString"))?;
    let start = number(data, "StartRow")?;
    let limit = match number(data, "Limit")? {
        0 => cap,
        limit => limit.min(cap),
    };
    let top = match number(data, "TopRowCount")? {
        0 => usize::MAX,
        top => top,
    };

    let fields = columns.iter().chain(order.iter().map(|(field, _)| field));
    let level = fields.map(|field| field.level).fold(filter.level(), Level::max);

    let mut rows: Vec<Record<'_>> = Vec::new();
    for record in form.records(books, level) {
        if filter.passes(&record)? {
            rows.push(record);
        }
    }
    if !order.is_empty() {
        // Stable: what compares equal stays bill by bill.
        rows.sort_by(|left, right| compare(&order, left, right));
    }
    let page = rows.iter().take(top).skip(start).take(limit);
    Ok(page
        .map(|record| {
            let cells = columns.iter().map(|column| column.read(record).to_json());
            match shape {
                Shape::Arrays => cells.collect::<Value>(),
                Shape::Objects => names.iter().map(ToString::to_string).zip(cells).collect::<Map<_, _>>().into(),
            }
        })
        .collect())
}

fn columns(form: Form, keys: Option<&Value>) -> Result<(Vec<&str>, Vec<Field>), Failure> {
    let keys = keys.and_then(Value::as_str).unwrap_or_default();
    if keys.trim().is_empty() {
        return Err(Failure::new(PARAMETER, "查询字段 FieldKeys 不能为空"));
    }
    let names: Vec<&str> = keys.split(',').map(str::trim).collect();
    let fields = names.iter().map(|name| field(form, name)).collect::<Result<_, _>>()?;
    Ok((names, fields))
}

fn field(form: Form, key: &str) -> Result<Field, Failure> {
    form.field(key).ok_or_else(|| Failure::new(MISSING, format!("字段 {key} 不存在，请检查 FieldKeys 和 OrderString")))
}

fn order(form: Form, text: Option<&Value>) -> Result<Vec<(Field, bool)>, Failure> {
    let text = text.and_then(Value::as_str).unwrap_or_default();
    text.split(',')
        .filter(|key| !key.trim().is_empty())
        .map(|key| {
            let words: Vec<&str> = key.split_whitespace().collect();
            match words.as_slice() {
                [key] => Ok((field(form, key)?, false)),
                [key, way] if way.eq_ignore_ascii_case("asc") => Ok((field(form, key)?, false)),
                [key, way] if way.eq_ignore_ascii_case("desc") => Ok((field(form, key)?, true)),
                _ => Err(Failure::new(PARAMETER, format!("排序字段解析失败：{key}"))),
            }
        })
        .collect()
}

fn compare(order: &[(Field, bool)], left: &Record<'_>, right: &Record<'_>) -> Ordering {
    order
        .iter()
        .map(|(field, is_descending)| {
            let ordering = field.read(left).order(&field.read(right));
            if *is_descending { ordering.reverse() } else { ordering }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn number(data: &Map<String, Value>, name: &str) -> Result<usize, Failure> {
    let text = match data.get(name) {
        None | Some(Value::Null) => return Ok(0),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    };
    match text.as_str() {
        "" => Ok(0),
        text => text.parse().map_err(|_| Failure::new(PARAMETER, format!("{name} 的值 {text} 不是整数"))),
    }
}

//! From the scheme's request items to one query.
//!
//! An item named like a parameter of `ExecuteBillQuery` is that parameter; any other is a column: its name is the field's name in the row,
//! its value the `FieldKeys` entry (no value: the name itself). `FieldKeys` may also list the entries itself.

use qiao_plugin::json::{is_empty, text};
use qiao_plugin::{Failure, Object, Value};

/// A column of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// The field's name in the row.
    pub(crate) name: String,
    /// The `FieldKeys` entry.
    pub(crate) entry: String,
}

/// What restricts the rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// Nothing.
    None,
    /// SQL-like text.
    Text(String),
    /// The newer form, an array of comparisons with coded operators. It is passed on as it is.
    Coded(Value),
}

/// A query, but for its page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) form_id: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) filter: Filter,
    pub(crate) order: Option<String>,
    /// `TopRowCount`: how many rows the scheme wants in all; 0 for all.
    pub(crate) top: u64,
    /// `Limit`, where the scheme gives one.
    pub(crate) limit: Option<u64>,
    /// Whatever else goes with it: `SubSystemId`, and members of `otherRequest` that are no parameter.
    pub(crate) rest: Object,
}

/// The parameters, as Kingdee writes them.
const PARAMETERS: [&str; 8] =
    ["FormId", "FieldKeys", "FilterString", "Limit", "StartRow", "TopRowCount", "OrderString", "SubSystemId"];

fn parameter(name: &str) -> Option<&'static str> {
    PARAMETERS.into_iter().find(|parameter| parameter.eq_ignore_ascii_case(name))
}

impl Query {
    /// Reads the rendered `request` and `otherRequest`. What both give, `request` decides.
    pub(crate) fn read(request: &Object, other_request: &Object) -> Result<Self, Failure> {
        let mut parameters = Object::new();
        let mut items = Vec::new();
        for (name, value) in request {
            match parameter(name) {
                Some(parameter) => drop(parameters.insert(parameter.to_owned(), value.clone())),
                None => items.push(Column { entry: given(value).unwrap_or_else(|| name.clone()), name: name.clone() }),
            }
        }
        let mut rest = Object::new();
        for (name, value) in other_request {
            match parameter(name) {
                Some(parameter) if parameters.get(parameter).is_none_or(is_empty) => {
                    parameters.insert(parameter.to_owned(), value.clone());
                }
                Some(_) => {}
                None if value.is_null() => {}
                None => drop(rest.insert(name.clone(), value.clone())),
            }
        }
        if let Some(subsystem) = parameters.get("SubSystemId").filter(|id| !is_empty(id)) {
            rest.insert("SubSystemId".to_owned(), subsystem.clone());
        }
        Ok(Self {
            form_id: parameters.get("FormId").and_then(given).ok_or_else(|| {
                Failure::misconfigured("the query names no form")
                    .hint("give the source's `request` or `otherRequest` an item `FormId`")
            })?,
            columns: columns(parameters.get("FieldKeys"), items)?,
            filter: filter(parameters.get("FilterString")),
            order: parameters.get("OrderString").and_then(given),
            top: count("TopRowCount", &parameters)?.unwrap_or(0),
            limit: count("Limit", &parameters)?.filter(|limit| *limit > 0),
            rest,
        })
    }

    /// `FieldKeys` as Kingdee takes it.
    pub(crate) fn field_keys(&self) -> String {
        let entries: Vec<&str> = self.columns.iter().map(|column| column.entry.as_str()).collect();
        entries.join(",")
    }
}

/// The text of a scalar that is not empty.
fn given(value: &Value) -> Option<String> {
    let text = text(value)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The entries that `FieldKeys` lists, under the names that items give them, then the other items.
fn columns(field_keys: Option<&Value>, items: Vec<Column>) -> Result<Vec<Column>, Failure> {
    let listed: Vec<String> = match field_keys {
        Some(Value::Array(entries)) => entries.iter().filter_map(given).collect(),
        Some(list) => given(list)
            .iter()
            .flat_map(|list| list.split(','))
            .map(|entry| entry.trim().to_owned())
            .filter(|entry| !entry.is_empty())
            .collect(),
        None => Vec::new(),
    };
    let mut columns = items.clone();
    if !listed.is_empty() {
        let named = listed.into_iter().map(|entry| {
            let item = items.iter().find(|item| item.entry.eq_ignore_ascii_case(&entry));
            item.cloned().unwrap_or(Column { name: entry.clone(), entry })
        });
        columns = named.collect();
        for item in items {
            if !columns.contains(&item) {
                columns.push(item);
            }
        }
    }
    if columns.is_empty() {
        return Err(Failure::misconfigured("the query names no columns")
            .hint("add an item to the source's `request` for each column, or give `FieldKeys` a value"));
    }
    Ok(columns)
}

fn filter(value: Option<&Value>) -> Filter {
    match value {
        Some(Value::Array(comparisons)) if comparisons.is_empty() => Filter::None,
        Some(coded @ Value::Array(_)) => Filter::Coded(coded.clone()),
        Some(value) => match given(value) {
            None => Filter::None,
            // The same, written as text.
            Some(text) if text.starts_with("[{") => Filter::Coded(Value::from(text)),
            Some(text) => Filter::Text(text),
        },
        None => Filter::None,
    }
}

fn count(name: &str, parameters: &Object) -> Result<Option<u64>, Failure> {
    let Some(count) = parameters.get(name).and_then(given) else {
        return Ok(None);
    };
    count.parse().map(Some).map_err(|_| {
        Failure::misconfigured(format!("`{name}` of the query is `{count}`, which is no count"))
            .hint(format!("mend the item `{name}` of the source's `request`"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::json::json;

    use super::*;

    fn read(request: Value, other: Value) -> Result<Query, Failure> {
        let object = |value| serde_json::from_value(value).unwrap();
        Query::read(&object(request), &object(other))
    }

    /// `name=entry` of each column.
    fn columns_of(request: Value) -> Vec<String> {
        let columns = read(request, json!({"FormId": "F"})).unwrap().columns;
        columns.iter().map(|c| format!("{}={}", c.name, c.entry)).collect()
    }

    #[test]
    fn items_that_are_no_parameters_are_columns() {
        let cases = [
            (
                json!({"FBillNo": null, "FSaleOrgId_FNumber": "FSaleOrgId.FNumber", "formid": "X", "FieldKeys": null}),
                vec!["FBillNo=FBillNo", "FSaleOrgId_FNumber=FSaleOrgId.FNumber"],
            ),
            (
                json!({"FieldKeys": "FBillNo, FSaleOrgId.FNumber,"}),
                vec!["FBillNo=FBillNo", "FSaleOrgId.FNumber=FSaleOrgId.FNumber"],
            ),
            (
                json!({"FieldKeys": ["FQty", "FSALEORGID.FNUMBER"], "Org": "FSaleOrgId.FNumber", "FDate": ""}),
                vec!["FQty=FQty", "Org=FSaleOrgId.FNumber", "FDate=FDate"],
            ),
        ];
        for (request, expected) in cases {
            assert_eq!(columns_of(request), expected);
        }
    }

    #[test]
    fn parameters_are_known_in_any_case_and_from_either_side() {
        let query = read(
            json!({"FBillNo": null, "FORMID": "", "limit": "500", "StartRow": "0", "FilterString": "FQty>0"}),
            json!({"FormId": "SAL_SaleOrder", "TopRowCount": 7, "FilterString": "not used", "subsystemid": "S", "x": 1, "y": null}),
        )
        .unwrap();
        assert_eq!(query.form_id, "SAL_SaleOrder");
        assert_eq!((query.limit, query.top), (Some(500), 7));
        assert_eq!(query.filter, Filter::Text("FQty>0".into()));
        assert_eq!(Value::Object(query.rest), json!({"x": 1, "SubSystemId": "S"}));
    }

    #[test]
    fn a_filter_is_text_or_coded() {
        let cases = [
            (json!(null), Filter::None),
            (json!(" "), Filter::None),
            (json!([]), Filter::None),
            (json!("FDate>'2026-01-01'"), Filter::Text("FDate>'2026-01-01'".into())),
            (json!([{"Left": "("}]), Filter::Coded(json!([{"Left": "("}]))),
            (json!("[{}]"), Filter::Coded(json!("[{}]"))),
        ];
        for (value, expected) in cases {
            assert_eq!(filter(Some(&value)), expected);
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let cases = [
            (json!({"FBillNo": null}), "the query names no form"),
            (json!({"FormId": "F"}), "the query names no columns"),
            (
                json!({"FormId": "F", "FBillNo": null, "Limit": "many"}),
                "`Limit` of the query is `many`, which is no count",
            ),
        ];
        for (request, message) in cases {
            assert_eq!(read(request, json!({})).unwrap_err().message, message);
        }
    }
}

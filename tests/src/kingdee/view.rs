//! `View`, and what `NeedReturnFields` asks back: a bill as an object.
//!
//! The names of a viewed bill are those of its data model, the field's key without its `F`: `FRetcustId` is `RetcustId`.

use serde_json::{Map, Value, json};

use super::base_data;
use super::bills::{Bill, Fields};
use super::failure::{Failure, NO_DATA, PARAMETER};
use super::fields::Cell;
use super::flow::Name;
use super::model::{id, member};
use super::schema::{Kind, Schema, Spec};
use super::write::Desk;
use crate::dataset::Dataset;

impl Desk<'_> {
    /// The bill of `Id` or `Number`.
    pub(crate) fn view(&self, data: &Map<String, Value>) -> Result<Value, Failure> {
        let number = member(data, "Number").and_then(Value::as_str).filter(|number| !number.is_empty());
        let name = match (id(member(data, "Id")), number) {
            (Some(id), _) => Name::Id(id.to_string()),
            (None, Some(number)) => Name::Number(number.to_owned()),
            (None, None) => return Err(Failure::new(PARAMETER, "Id 和 Number 不能同时为空")),
        };
        let bill = self.find(&name).ok_or_else(|| Failure::new(NO_DATA, format!("{}不存在", self.schema.name)))?;
        let status = json!({
            "IsSuccess": true, "Errors": [], "SuccessEntitys": [], "SuccessMessages": [], "MsgCode": 0,
        });
        Ok(json!({"Result": {"ResponseStatus": status, "Result": viewed(self.schema, self.dataset, bill)}}))
    }
}

fn viewed(schema: &Schema, dataset: &Dataset, bill: &Bill) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("Id", json!(bill.id));
    put("FFormId", json!(bill.form));
    put("BillNo", json!(bill.number));
    put("DocumentStatus", json!(bill.status.letter()));
    put("CreateDate", Cell::Time(bill.created).to_json());
    put("ModifyDate", Cell::Time(bill.modified).to_json());
    put("ApproveDate", bill.approved.map_or(Value::Null, |time| Cell::Time(time).to_json()));
    show(schema.head, dataset, &bill.fields, |key| key.trim_start_matches('F').to_owned(), &mut object);
    let entries = bill.entries.iter().zip(1..).map(|(entry, seq)| {
        let mut object = Map::new();
        object.insert("Id".to_owned(), json!(entry.id));
        object.insert("Seq".to_owned(), json!(seq));
        show(schema.entry, dataset, &entry.fields, |key| key.trim_start_matches('F').to_owned(), &mut object);
        Value::Object(object)
    });
    object.insert(format!("{}ENTRY", schema.id), entries.collect());
    Value::Object(object)
}

fn show(
    specs: &[Spec],
    dataset: &Dataset,
    fields: &Fields,
    name: impl Fn(&str) -> String,
    object: &mut Map<String, Value>,
) {
    for spec in specs {
        let cell = fields.get(spec.key).unwrap_or(&Cell::Null);
        let value = match (spec.kind, cell) {
            (Kind::Base(base), Cell::Text(number)) => {
                json!({"Number": number, "Name": base_data::name(dataset, base, number)})
            }
            (Kind::Flag, Cell::Text(flag)) => json!(flag == "true"),
            (_, cell) => cell.to_json(),
        };
        object.insert(name(spec.key), value);
    }
}

/// The fields of a saved bill that were asked for, under the names that were asked for.
pub(crate) fn returned(schema: &Schema, dataset: &Dataset, bill: &Bill, names: &[String]) -> Map<String, Value> {
    let mut object = Map::new();
    for name in names {
        let value = match name.to_ascii_lowercase().as_str() {
            "fid" => json!(bill.id),
            "fbillno" => json!(bill.number),
            "fdocumentstatus" => json!(bill.status.letter()),
            _ => match schema.head_field(name) {
                None => continue,
                Some(spec) => {
                    let mut shown = Map::new();
                    show(std::slice::from_ref(spec), dataset, &bill.fields, str::to_owned, &mut shown);
                    shown.remove(spec.key).unwrap_or_default()
                }
            },
        };
        object.insert(name.clone(), value);
    }
    object
}

//! A `Model` read against its form: each field as what it is, with a complaint where it is not.
//!
//! Keys compare without regard to case. A reference is an object with a number in it. What happens to a number that no base data has
//! hangs on `IsVerifyBaseDataField`: with it the bill is refused by name; without it, the default, the field is left empty in silence,
//! and it is the rule that the field must be filled that refuses the bill, if there is one.

use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::base_data;
use super::bills::Fields;
use super::fields::Cell;
use super::schema::{Base, Kind, Schema, Spec};
use crate::dataset::Dataset;

/// What is wrong with a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) field: Option<String>,
    pub(crate) message: String,
}

impl Complaint {
    pub(crate) fn of(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), message: message.into() }
    }

    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into() }
    }
}

/// An entry as it was sent.
#[derive(Debug, Default)]
pub(crate) struct EntryModel {
    /// The entry that it changes.
    pub(crate) id: Option<u64>,
    pub(crate) fields: Fields,
}

/// A model as it was sent: only what it mentions.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// The bill that it changes; 0 and nothing make a new one.
    pub(crate) id: Option<u64>,
    pub(crate) number: Option<String>,
    pub(crate) fields: Fields,
    /// Nothing if the entity is not mentioned.
    pub(crate) entries: Option<Vec<EntryModel>>,
}

/// Reads models of one form.
pub(crate) struct Reader<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) schema: &'static Schema,
    pub(crate) verifies_base_data: bool,
    /// The only fields that are read, if there are any (`NeedUpDateFields`, of a bill that is changed).
    pub(crate) only: Vec<String>,
}

/// The member of this name, whatever its case.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// An id sent as a number or as text; 0 and nothing are none.
pub(crate) fn id(value: Option<&Value>) -> Option<u64> {
    let id = match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    id.filter(|id| *id != 0)
}

impl Reader<'_> {
    pub(crate) fn read(&self, model: &Map<String, Value>, complaints: &mut Vec<Complaint>) -> Model {
        let mut fields = Fields::new();
        self.fields(self.schema.head, model, "", &mut fields, complaints);
        for sub_head in self.schema.sub_heads {
            if let Some(Value::Object(sub_head)) = member(model, sub_head) {
                self.fields(self.schema.head, sub_head, "", &mut fields, complaints);
            }
        }
        let number = match member(model, "FBillNo") {
            Some(Value::String(number)) if !number.trim().is_empty() => Some(number.trim().to_owned()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let entries = match member(model, self.schema.entity) {
            Some(Value::Array(entries)) if self.reads(self.schema.entity) => Some(self.entries(entries, complaints)),
            None | Some(Value::Null | Value::Array(_)) => None,
            Some(_) => {
                complaints.push(Complaint::of(self.schema.entity, format!("{} 必须是数组", self.schema.entity)));
                None
            }
        };
        Model { id: id(member(model, "FID")), number, fields, entries }
    }

    fn reads(&self, key: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.eq_ignore_ascii_case(key))
    }

    fn entries(&self, entries: &[Value], complaints: &mut Vec<Complaint>) -> Vec<EntryModel> {
        let mut read = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let Value::Object(entry) = entry else {
                complaints.push(Complaint::of(self.schema.entity, format!("第{}行分录不是对象", index + 1)));
                continue;
            };
            let mut fields = Fields::new();
            let row = format!("第{}行分录，", index + 1);
            self.fields(self.schema.entry, entry, &row, &mut fields, complaints);
            read.push(EntryModel { id: id(member(entry, "FEntryID")), fields });
        }
        read
    }

    fn fields(
        &self,
        specs: &'static [Spec],
        object: &Map<String, Value>,
        row: &str,
        fields: &mut Fields,
        complaints: &mut Vec<Complaint>,
    ) {
        for spec in specs {
            let Some(value) = member(object, spec.key).filter(|_| self.reads(spec.key)) else {
                continue;
            };
            match self.cell(spec, value) {
                Ok(cell) => {
                    fields.insert(spec.key.to_owned(), cell);
                }
                Err(words) => {
                    complaints.push(Complaint::of(spec.key, format!("{row}字段“{}”{words}", spec.name)));
                }
            }
        }
    }

    fn cell(&self, spec: &Spec, value: &Value) -> Result<Cell, String> {
        let text = match value {
            Value::Null => return Ok(Cell::Null),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Object(object) => {
                return match spec.kind {
                    Kind::Base(base) => self.reference(base, object),
                    _ => Err("的值不能是对象".to_owned()),
                };
            }
            Value::Array(_) => return Err("的值不能是数组".to_owned()),
        };
        if text.is_empty() {
            return Ok(Cell::Null);
        }
        match spec.kind {
            Kind::Text => Ok(Cell::Text(text)),
            Kind::Flag if text.eq_ignore_ascii_case("true") || text == "1" => Ok(Cell::Text("true".to_owned())),
            Kind::Flag if text.eq_ignore_ascii_case("false") || text == "0" => Ok(Cell::Text("false".to_owned())),
            Kind::Flag => Err(format!("的值 {text} 不是布尔值")),
            Kind::Number => decimal(&text).map(Cell::Number).ok_or_else(|| format!("的值 {text} 不是有效的数字")),
            // A date has no time of day.
            Kind::Date => date(&text)
                .map(|date| Cell::Time(date.at(0, 0, 0, 0)))
                .ok_or_else(|| format!("的值 {text} 不是有效的日期")),
            Kind::Base(_) => Err(format!("的值 {text} 应为对象，如 {{\"FNumber\":\"{text}\"}}")),
        }
    }

    fn reference(&self, base: Base, object: &Map<String, Value>) -> Result<Cell, String> {
        let number = match member(object, "FNumber").or_else(|| member(object, "Number")) {
            Some(Value::String(number)) => number.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        if number.is_empty() {
            Ok(Cell::Null)
        } else if base_data::name(self.dataset, base, &number).is_some() {
            Ok(Cell::Text(number))
        } else if self.verifies_base_data {
            Err(format!("的编码“{number}”不存在或已禁用"))
        } else {
            Ok(Cell::Null)
        }
    }
}

fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

fn date(text: &str) -> Option<Date> {
    let time: Option<DateTime> = text.replace('/', "-").parse().ok();
    time.map(DateTime::date).or_else(|| text.replace('/', "-").parse().ok())
}

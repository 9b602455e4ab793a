//! `Save`, `BatchSave` and `Draft`: what models make of bills.
//!
//! Each bill is one transaction: a batch keeps what it could save. A model with an `FID` changes that bill as long as it is neither
//! submitted nor audited, and only in what it mentions; its entries are the ones mentioned, unless `IsDeleteEntry` is false. A number
//! that another bill has is refused. `Draft` saves what is not complete yet. (Kingdee `WebAPI` help, save interface.)

use std::io;

use jiff::civil::DateTime;
use serde_json::{Map, Value};

use super::bills::{Bill, BillEntry, BillStatus, Bills, EffectKind, Fields};
use super::conflicts::Hits;
use super::failure::{EXCEPTION, Failure, PARAMETER};
use super::fields::Cell;
use super::model::{Complaint, EntryModel, Model, Reader, id, member};
use super::reply::{Reply, Success};
use super::schema::{Kind, Schema, Spec};
use super::view;
use crate::dataset::Dataset;

/// What a call of a writing service has to work with.
pub(crate) struct Desk<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) bills: &'a mut Bills,
    pub(crate) schema: &'static Schema,
    pub(crate) now: DateTime,
    pub(crate) hits: Hits,
}

/// Whether a bill must be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    Whole,
    PutAside,
}

/// `true` or `false`, as such or as text.
fn flag(data: &Map<String, Value>, name: &str, default: bool) -> bool {
    match member(data, name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
        _ => default,
    }
}

/// A list of names, as an array or as a text with commas.
fn names(data: &Map<String, Value>, name: &str) -> Vec<String> {
    match member(data, name) {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(names)) if !names.is_empty() => {
            names.split(',').map(|name| name.trim().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

impl Desk<'_> {
    /// `Save` and `Draft`: one model.
    pub(crate) fn save(&mut self, data: &Map<String, Value>, completeness: Completeness) -> Result<Reply, Failure> {
        match member(data, "Model") {
            Some(model @ Value::Object(_)) => self.save_each(std::slice::from_ref(model), data, completeness),
            _ => Err(Failure::new(PARAMETER, "Model 必须是对象")),
        }
    }

    /// `BatchSave`: an array of models.
    pub(crate) fn batch_save(&mut self, data: &Map<String, Value>) -> Result<Reply, Failure> {
        match member(data, "Model") {
            Some(Value::Array(models)) if !models.is_empty() => self.save_each(models, data, Completeness::Whole),
            _ => Err(Failure::new(PARAMETER, "Model 必须是非空数组")),
        }
    }

    fn save_each(
        &mut self,
        models: &[Value],
        data: &Map<String, Value>,
        completeness: Completeness,
    ) -> Result<Reply, Failure> {
        let return_fields = names(data, "NeedReturnFields");
        let mut reply = Reply::default();
        for (index, model) in models.iter().enumerate() {
            let Value::Object(model) = model else {
                reply.refused(index, vec![Complaint::plain("Model 的元素必须是对象")]);
                continue;
            };
            if self.hits.hits(index) {
                let label = member(model, "FBillNo").and_then(Value::as_str).unwrap_or("新增");
                reply.conflict(index, label);
                continue;
            }
            match self.save_one(model, data, completeness) {
                Ok(saved) => {
                    let (bill, kind) = saved;
                    let returned = view::returned(self.schema, self.dataset, &bill, &return_fields);
                    let success = Success { id: bill.id, number: bill.number.clone(), index, returned };
                    self.commit(kind, bill)?;
                    reply.applied(success);
                }
                Err(complaints) => reply.refused(index, complaints),
            }
        }
        Ok(reply)
    }

    pub(super) fn commit(&mut self, kind: EffectKind, bill: Bill) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::new(EXCEPTION, error.to_string());
        self.bills.commit(kind, bill, self.now).map_err(failed)
    }

    /// The bill that a model makes, not held yet.
    fn save_one(
        &self,
        model: &Map<String, Value>,
        data: &Map<String, Value>,
        completeness: Completeness,
    ) -> Result<(Bill, EffectKind), Vec<Complaint>> {
        let reader = Reader {
            dataset: self.dataset,
            schema: self.schema,
            verifies_base_data: flag(data, "IsVerifyBaseDataField", false),
            only: if id(member(model, "FID")).is_some() { names(data, "NeedUpDateFields") } else { Vec::new() },
        };
        let mut complaints = Vec::new();
        let model = reader.read(model, &mut complaints);
        let (mut bill, kind) = self.select(&model).map_err(|complaint| vec![complaint])?;
        bill.modified = self.now;
        if let Some(number) = &model.number {
            bill.number.clone_from(number);
        }
        if self.bills.by_number(self.schema.id, &bill.number).is_some_and(|other| other.id != bill.id) {
            let message = format!("单据编号“{}”已经存在，请重新录入单据编号", bill.number);
            complaints.push(Complaint::of("FBillNo", message));
        }
        bill.fields.extend(model.fields);
        if let Some(entries) = model.entries {
            self.set_entries(&mut bill, entries, flag(data, "IsDeleteEntry", true), &mut complaints);
        }
        // What cannot be read is not also missing.
        if complaints.is_empty() && completeness == Completeness::Whole {
            self.check(&bill, flag(data, "ValidateFlag", true), &mut complaints);
        }
        bill.status = match (bill.status, completeness) {
            (BillStatus::Reopened, _) => BillStatus::Reopened,
            (_, Completeness::Whole) => BillStatus::Created,
            (_, Completeness::PutAside) => BillStatus::Draft,
        };
        if complaints.is_empty() { Ok((bill, kind)) } else { Err(complaints) }
    }

    fn select(&self, model: &Model) -> Result<(Bill, EffectKind), Complaint> {
        let Some(id) = model.id else {
            return Ok((self.new_bill(), EffectKind::Create));
        };
        let Some(bill) = self.bills.by_id(self.schema.id, id) else {
            return Err(Complaint::of("FID", format!("内码为“{id}”的{}不存在", self.schema.name)));
        };
        if !bill.status.is_open() {
            return Err(Complaint::plain(format!(
                "编号为“{}”的{}，数据状态为“{}”，不允许修改！",
                bill.number,
                self.schema.name,
                bill.status.name()
            )));
        }
        Ok((bill.clone(), EffectKind::Update))
    }

    fn new_bill(&self) -> Bill {
        let id = self.bills.next_id();
        let mut numbers = (1_u64..).map(|count| format!("{}{count:06}", self.schema.prefix));
        let number = numbers.find(|number| self.bills.by_number(self.schema.id, number).is_none());
        Bill {
            form: self.schema.id.to_owned(),
            id,
            number: number.unwrap_or_default(),
            status: BillStatus::Created,
            created: self.now,
            modified: self.now,
            approved: None,
            entries: Vec::new(),
            fields: defaults(self.schema.head),
        }
    }

    fn set_entries(
        &self,
        bill: &mut Bill,
        models: Vec<EntryModel>,
        deletes_others: bool,
        complaints: &mut Vec<Complaint>,
    ) {
        let mut before = std::mem::take(&mut bill.entries);
        let mut next_id = self.bills.next_entry_id();
        let mut entries = Vec::new();
        for (index, model) in models.into_iter().enumerate() {
            let mut entry = if let Some(id) = model.id {
                let Some(at) = before.iter().position(|entry| entry.id == id) else {
                    let words = format!("第{}行分录，内码为“{id}”的分录不存在", index + 1);
                    complaints.push(Complaint::of("FEntryID", words));
                    continue;
                };
                before.remove(at)
            } else {
                next_id += 1;
                BillEntry { id: next_id - 1, fields: defaults(self.schema.entry) }
            };
            entry.fields.extend(model.fields);
            entries.push(entry);
        }
        if !deletes_others {
            before.append(&mut entries);
            entries = before;
        }
        bill.entries = entries;
    }

    fn check(&self, bill: &Bill, checks_values: bool, complaints: &mut Vec<Complaint>) {
        let missing = |specs: &'static [Spec], fields: &Fields| {
            let fields: Vec<&Spec> = specs
                .iter()
                .filter(|spec| spec.is_required && matches!(fields.get(spec.key), None | Some(Cell::Null)))
                .collect();
            fields
        };
        for spec in missing(self.schema.head, &bill.fields) {
            complaints.push(Complaint::of(spec.key, format!("字段“{}”是必填项", spec.name)));
        }
        if bill.entries.is_empty() {
            complaints.push(Complaint::of(self.schema.entity, "分录不能为空，请至少录入一行分录"));
        }
        for (index, entry) in bill.entries.iter().enumerate() {
            let row = index + 1;
            for spec in missing(self.schema.entry, &entry.fields) {
                complaints.push(Complaint::of(spec.key, format!("第{row}行分录，字段“{}”是必填项", spec.name)));
            }
            let Some(quantity) = self.schema.entry_field(self.schema.quantity) else {
                continue;
            };
            let is_too_small = entry.number(quantity.key).is_some_and(|number| number <= rust_decimal::Decimal::ZERO);
            if checks_values && is_too_small {
                complaints.push(Complaint::of(quantity.key, format!("第{row}行分录，{}必须大于0！", quantity.name)));
            }
            let is_negative = entry.number(self.schema.price).is_some_and(|price| price.is_sign_negative());
            if checks_values && is_negative {
                complaints.push(Complaint::of(self.schema.price, format!("第{row}行分录，含税单价不能小于0！")));
            }
        }
    }
}

fn defaults(specs: &'static [Spec]) -> Fields {
    let cell = |spec: &Spec, text: &str| match spec.kind {
        Kind::Number => text.parse().map_or(Cell::Null, Cell::Number),
        _ => Cell::Text(text.to_owned()),
    };
    specs.iter().filter_map(|spec| spec.default.map(|text| (spec.key.to_owned(), cell(spec, text)))).collect()
}

//! Bills that were saved here, of whatever form, and a record of everything that was applied to them: what a bridge did once, and
//! what it did twice, can only be told by who counted.
//!
//! Each step is one line in a file before its answer is sent; a bill is one transaction, whatever batch it came in.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use jiff::civil::DateTime;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::fields::Cell;
use super::schema::Schema;
use crate::store::Store;

/// Where a bill stands (`FDocumentStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BillStatus {
    /// `Z`: put aside before it is complete.
    #[serde(rename = "Z")]
    Draft,
    /// `A`: saved.
    #[serde(rename = "A")]
    Created,
    /// `B`: submitted, waiting for approval.
    #[serde(rename = "B")]
    Submitted,
    /// `C`: audited.
    #[serde(rename = "C")]
    Audited,
    /// `D`: its audit was taken back.
    #[serde(rename = "D")]
    Reopened,
}

impl BillStatus {
    /// The letter on the wire.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Draft => "Z",
            Self::Created => "A",
            Self::Submitted => "B",
            Self::Audited => "C",
            Self::Reopened => "D",
        }
    }

    /// What messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Draft => "暂存",
            Self::Created => "创建",
            Self::Submitted => "审核中",
            Self::Audited => "已审核",
            Self::Reopened => "重新审核",
        }
    }

    /// Whether it can be changed, submitted and deleted.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Created | Self::Reopened)
    }
}

/// What fields hold, by key; a reference holds its number.
pub(crate) type Fields = BTreeMap<String, Cell>;

fn text(fields: &Fields, key: &str) -> Option<String> {
    match fields.get(key)? {
        Cell::Null => None,
        Cell::Text(text) => Some(text.clone()),
        Cell::Number(number) => Some(number.to_string()),
        Cell::Time(time) => Some(time.strftime("%Y-%m-%d %H:%M:%S").to_string()),
    }
}

/// An entry of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillEntry {
    /// `FEntryID`.
    pub id: u64,
    pub(crate) fields: Fields,
}

impl BillEntry {
    /// A field's text, by the key of the model (`FMaterialId`); a reference's is its number.
    pub fn text(&self, key: &str) -> Option<String> {
        text(&self.fields, key)
    }

    /// A number's value.
    pub fn number(&self, key: &str) -> Option<Decimal> {
        match self.fields.get(key)? {
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Quantity × price, rounded half away from zero to whole cents.
    pub(crate) fn amount(&self, schema: &Schema) -> Decimal {
        let part = |key| self.number(key).unwrap_or_default();
        let amount = part(schema.quantity) * part(schema.price);
        amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }
}

/// A bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The form's id: `SAL_RETURNSTOCK`.
    pub form: String,
    /// `FID`.
    pub id: u64,
    /// `FBillNo`.
    pub number: String,
    /// `FDocumentStatus`.
    pub status: BillStatus,
    /// `FCreateDate`, local time in China.
    pub created: DateTime,
    /// `FModifyDate`, local time in China.
    pub modified: DateTime,
    /// `FApproveDate`, while it is audited.
    pub approved: Option<DateTime>,
    /// In their order.
    pub entries: Vec<BillEntry>,
    pub(crate) fields: Fields,
}

impl Bill {
    /// A field's text, by the key of the model (`FRetcustId`, also of those in `SubHeadEntity`); a reference's is its number.
    pub fn text(&self, key: &str) -> Option<String> {
        text(&self.fields, key)
    }
}

/// What was applied to a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectKind {
    /// Saved or put aside as a new bill.
    Create,
    /// Saved or put aside again.
    Update,
    /// Submitted.
    Submit,
    /// Audited.
    Audit,
    /// The audit taken back.
    UnAudit,
    /// Deleted.
    Delete,
}

/// One thing that was applied to one bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Local time in China.
    pub at: DateTime,
    /// What.
    pub kind: EffectKind,
    /// The form's id.
    pub form: String,
    /// The bill's `FID`.
    pub id: u64,
    /// The bill's number.
    pub number: String,
}

/// One line of the file: the bill as it is after the effect.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    effect: Effect,
    bill: Bill,
}

const FIRST_ID: u64 = 300_001;
const FIRST_ENTRY_ID: u64 = 600_001;

/// All bills of a data centre.
#[derive(Debug, Default)]
pub(crate) struct Bills {
    by_id: BTreeMap<u64, Bill>,
    ids: HashMap<(String, String), u64>,
    effects: Vec<Effect>,
    last_id: u64,
    last_entry_id: u64,
    store: Store,
}

impl Bills {
    /// The bills as they were when the file was last written.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Self> {
        let mut bills = Self { last_id: FIRST_ID - 1, last_entry_id: FIRST_ENTRY_ID - 1, ..Self::default() };
        if let Some(file) = file {
            let (store, events) = Store::open::<Event>(file)?;
            for event in events {
                bills.put(event);
            }
            bills.store = store;
        }
        Ok(bills)
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    pub(crate) fn next_entry_id(&self) -> u64 {
        self.last_entry_id + 1
    }

    pub(crate) fn of_form(&self, form: &str) -> impl Iterator<Item = &Bill> {
        self.by_id.values().filter(move |bill| bill.form == form)
    }

    pub(crate) fn by_id(&self, form: &str, id: u64) -> Option<&Bill> {
        self.by_id.get(&id).filter(|bill| bill.form == form)
    }

    pub(crate) fn by_number(&self, form: &str, number: &str) -> Option<&Bill> {
        self.by_id.get(self.ids.get(&(form.to_owned(), number.to_owned()))?)
    }

    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Writes down what was applied to a bill and what it is now; then holds it.
    pub(crate) fn commit(&mut self, kind: EffectKind, bill: Bill, at: DateTime) -> io::Result<()> {
        let effect = Effect { at, kind, form: bill.form.clone(), id: bill.id, number: bill.number.clone() };
        let event = Event { effect, bill };
        self.store.append(&event)?;
        self.put(event);
        Ok(())
    }

    fn put(&mut self, Event { effect, bill }: Event) {
        self.last_id = self.last_id.max(bill.id);
        self.last_entry_id = bill.entries.iter().map(|entry| entry.id).fold(self.last_entry_id, u64::max);
        let key = |bill: &Bill| (bill.form.clone(), bill.number.clone());
        if let Some(before) = self.by_id.remove(&bill.id) {
            self.ids.remove(&key(&before));
        }
        if effect.kind != EffectKind::Delete {
            self.ids.insert(key(&bill), bill.id);
            self.by_id.insert(bill.id, bill);
        }
        self.effects.push(effect);
    }
}

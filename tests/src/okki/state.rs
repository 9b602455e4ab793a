//! What this enterprise holds: a catalogue that stands still, and the orders that were pushed, each push in a file before its answer.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dataset::{Customer, Dataset, Material, Salesman};
use crate::store::Store;

/// A line of an order as OKKI holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// OKKI's id of the line.
    pub unique_id: u64,
    /// The product.
    pub product_id: u64,
    /// The SKU.
    pub sku_id: u64,
    /// How many.
    #[serde(with = "rust_decimal::serde::str")]
    pub count: Decimal,
    /// What one costs.
    #[serde(with = "rust_decimal::serde::str")]
    pub unit_price: Decimal,
    /// What the line costs, as it was pushed; OKKI does not compute it.
    #[serde(with = "rust_decimal::serde::str")]
    pub cost_amount: Decimal,
    /// Whatever else was pushed.
    pub other: Map<String, Value>,
}

/// An order as OKKI holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredOrder {
    /// OKKI's id.
    pub order_id: u64,
    /// The number it was pushed with, or that OKKI gave.
    pub order_no: String,
    /// The company.
    pub company_id: Option<u64>,
    /// The currency's ISO code.
    pub currency: String,
    /// As it was pushed: `yyyy-MM-dd`.
    pub account_date: String,
    /// The lines that were not dropped.
    pub lines: Vec<Line>,
    /// Whatever else was pushed.
    pub other: Map<String, Value>,
    /// Local time in China.
    pub created: DateTime,
    /// Local time in China.
    pub updated: DateTime,
    /// Whether it is in the recycle bin.
    pub is_removed: bool,
}

impl StoredOrder {
    /// The sum of the lines' `cost_amount`.
    pub fn lines_amount(&self) -> Decimal {
        self.lines.iter().map(|line| line.cost_amount).sum()
    }
}

/// What a push did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushKind {
    /// A new order.
    Create,
    /// A change of an order.
    Edit,
}

/// A push that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRecord {
    /// Local time in China.
    pub at: DateTime,
    /// The order's number.
    pub order_no: String,
    /// The order's id.
    pub order_id: u64,
    /// What it did.
    pub kind: PushKind,
    /// How many lines the order has after it.
    pub lines: usize,
    /// How many lines of the push were dropped in silence.
    pub dropped: usize,
    /// The sum of the lines' `cost_amount` after it.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// One line of the file: the order as it is now, and the push that made it so (none for a removal).
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    push: Option<PushRecord>,
    order: StoredOrder,
}

/// What was there before anything was pushed.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) materials: Vec<Material>,
    pub(crate) companies: Vec<Customer>,
    pub(crate) users: Vec<Salesman>,
    pub(crate) currencies: Vec<&'static str>,
    sku_of: HashMap<u64, u64>,
}

impl Catalogue {
    pub(crate) fn of(dataset: &Dataset) -> Self {
        Self {
            materials: dataset.materials.clone(),
            companies: dataset.customers.clone(),
            users: dataset.salesmen.clone(),
            currencies: dataset.currencies.iter().map(|currency| currency.code).collect(),
            sku_of: dataset.materials.iter().map(|item| (item.product_id, item.sku_id)).collect(),
        }
    }

    pub(crate) fn has_sku(&self, product_id: u64, sku_id: u64) -> bool {
        self.sku_of.get(&product_id) == Some(&sku_id)
    }

    pub(crate) fn has_company(&self, company_id: u64) -> bool {
        self.companies.iter().any(|company| company.company_id == company_id)
    }

    pub(crate) fn has_user(&self, user_id: u64) -> bool {
        self.users.iter().any(|user| user.user_id == user_id)
    }

    pub(crate) fn product(&self, product_id: u64) -> Option<&Material> {
        self.materials.iter().find(|item| item.product_id == product_id)
    }
}

/// The orders, and every push that was applied.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    by_id: BTreeMap<u64, StoredOrder>,
    ids_of_no: HashMap<String, Vec<u64>>,
    pushes: Vec<PushRecord>,
    last_unique_id: u64,
    store: Store,
}

const FIRST_ORDER_ID: u64 = 5_223_975_001;

impl Orders {
    /// The orders as they were when the file was last written.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Self> {
        let mut orders = Self::default();
        if let Some(file) = file {
            let (store, events) = Store::open::<Event>(file)?;
            for event in events {
                orders.put(event);
            }
            orders.store = store;
        }
        Ok(orders)
    }

    /// Writes an order down, and the push that made it so; then holds it.
    pub(crate) fn commit(&mut self, order: StoredOrder, push: Option<PushRecord>) -> io::Result<()> {
        let event = Event { push, order };
        self.store.append(&event)?;
        self.put(event);
        Ok(())
    }

    fn put(&mut self, Event { push, order }: Event) {
        self.pushes.extend(push);
        let lines = order.lines.iter().map(|line| line.unique_id);
        self.last_unique_id = lines.fold(self.last_unique_id, u64::max);
        if let Some(before) = self.by_id.insert(order.order_id, order.clone())
            && before.order_no != order.order_no
            && let Some(ids) = self.ids_of_no.get_mut(&before.order_no)
        {
            ids.retain(|id| *id != order.order_id);
        }
        let ids = self.ids_of_no.entry(order.order_no).or_default();
        if !ids.contains(&order.order_id) {
            ids.push(order.order_id);
        }
    }

    pub(crate) fn next_order_id(&self) -> u64 {
        self.by_id.last_key_value().map_or(FIRST_ORDER_ID, |(id, _)| id + 1)
    }

    /// The largest id that any line ever had.
    pub(crate) fn last_unique_id(&self) -> u64 {
        self.last_unique_id
    }

    /// An order that is not removed.
    pub(crate) fn by_id(&self, order_id: u64) -> Option<&StoredOrder> {
        self.by_id.get(&order_id).filter(|order| !order.is_removed)
    }

    /// The newest order of this number that is not removed.
    pub(crate) fn by_no(&self, order_no: &str) -> Option<&StoredOrder> {
        let ids = self.ids_of_no.get(order_no)?;
        ids.iter().rev().find_map(|id| self.by_id(*id))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &StoredOrder> {
        self.by_id.values()
    }

    pub(crate) fn pushes(&self) -> &[PushRecord] {
        &self.pushes
    }
}

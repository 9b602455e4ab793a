//! The judge: what OKKI holds against what Kingdee holds, order by order and to the cent.
//!
//! It reads the vendors' books from inside, and knows nothing of what lies between them. Every approved order of Kingdee's must be at
//! OKKI once, with every line once: the same product, count and price, the amount rounded half away from zero, the company that has
//! the customer's number, the currency's ISO code, and the date. What became of refunds is judged apart: [`refunds`].

mod refunds;

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::dataset::{Dataset, Entry, SaleOrder};
use crate::okki::{Line, StoredOrder};

pub(crate) use refunds::RETURNS;
pub use refunds::RefundLedger;

/// How much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Orders.
    pub orders: usize,
    /// Lines of them.
    pub lines: usize,
    /// The sum of their amounts, whatever the currency; two decimal places.
    #[serde(serialize_with = "cents")]
    pub amount: Decimal,
}

/// The judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Orders that OKKI holds.
    pub orders: usize,
    /// Lines that OKKI holds.
    pub lines: usize,
    /// The sum of the lines' `cost_amount` at OKKI, whatever the currency; two decimal places.
    #[serde(serialize_with = "cents")]
    pub amount: Decimal,
    /// Orders at OKKI that have the number of another, and lines that have the product and SKU of another in their order.
    pub duplicates: usize,
    /// Approved orders at Kingdee that OKKI does not have, or has with other content.
    pub missing: usize,
    /// What OKKI should hold.
    pub expected: Totals,
    /// What is wrong, in words; at most twenty.
    pub wrong: Vec<String>,
    /// What became of refunds. It has no say in whether the orders balance.
    pub refunds: RefundLedger,
}

const MOST_WORDS: usize = 20;

impl Ledger {
    /// Whether OKKI holds exactly what it should.
    pub fn balances(&self) -> bool {
        let held = Totals { orders: self.orders, lines: self.lines, amount: self.amount };
        held == self.expected && self.duplicates == 0 && self.missing == 0 && self.wrong.is_empty()
    }

    pub(crate) fn judge(dataset: &Dataset, held: &[StoredOrder], refunds: RefundLedger) -> Self {
        let mut ledger = Self { refunds, ..Self::default() };
        let mut by_no: HashMap<&str, Vec<&StoredOrder>> = HashMap::new();
        for order in held {
            ledger.orders += 1;
            ledger.lines += order.lines.len();
            ledger.amount += order.lines_amount();
            ledger.duplicates += doubled_lines(order);
            by_no.entry(&order.order_no).or_default().push(order);
        }
        for order in dataset.approved() {
            ledger.expected.orders += 1;
            ledger.expected.lines += order.entries.len();
            ledger.expected.amount += order.entries.iter().map(Entry::amount).sum::<Decimal>();
            let held = by_no.remove(order.bill_no.as_str()).unwrap_or_default();
            if held.len() > 1 {
                ledger.duplicates += held.len() - 1;
                ledger.say(format!("{}: OKKI holds {} orders of this number", order.bill_no, held.len()));
            }
            let differences: Vec<Option<String>> = held.iter().map(|held| difference(dataset, order, held)).collect();
            if differences.contains(&None) {
                continue;
            }
            ledger.missing += 1;
            let words = differences.into_iter().flatten().next();
            let words = words.unwrap_or_else(|| "OKKI does not have it".to_owned());
            ledger.say(format!("{}: {words}", order.bill_no));
        }
        let mut unasked: Vec<&str> = by_no.into_keys().collect();
        unasked.sort_unstable();
        for order_no in unasked {
            ledger.say(format!("{order_no}: OKKI holds it, but Kingdee has no approved order of this number"));
        }
        ledger
    }

    fn say(&mut self, words: String) {
        if self.wrong.len() < MOST_WORDS {
            self.wrong.push(words);
        }
    }
}

fn doubled_lines(order: &StoredOrder) -> usize {
    let different: HashSet<(u64, u64)> = order.lines.iter().map(|line| (line.product_id, line.sku_id)).collect();
    order.lines.len() - different.len()
}

/// The first difference between an order and what OKKI made of it.
fn difference(dataset: &Dataset, order: &SaleOrder, held: &StoredOrder) -> Option<String> {
    let differs = |what: &str, is: &str, should: &str| {
        (is != should).then(|| format!("{what} is `{is}` and should be `{should}`"))
    };
    let company = dataset.customer(&order.customer).map(|customer| customer.company_id);
    let shown = |company: Option<u64>| company.map_or_else(|| "none".to_owned(), |id| id.to_string());
    differs("company_id", &shown(held.company_id), &shown(company))
        .or_else(|| differs("currency", &held.currency, &order.currency))
        .or_else(|| differs("account_date", &held.account_date, &order.date.to_string()))
        .or_else(|| order.entries.iter().find_map(|entry| entry_difference(dataset, entry, held)))
        .or_else(|| {
            let (is, should) = (held.lines.len(), order.entries.len());
            (is != should).then(|| format!("it has {is} lines and should have {should}"))
        })
}

fn entry_difference(dataset: &Dataset, entry: &Entry, held: &StoredOrder) -> Option<String> {
    let material = dataset.material(&entry.material)?;
    let is_this = |line: &&Line| line.product_id == material.product_id && line.sku_id == material.sku_id;
    let Some(line) = held.lines.iter().find(is_this) else {
        return Some(format!("the line of {} ({}) is not there", entry.material, material.product_no));
    };
    [
        ("count", line.count, entry.qty),
        ("unit_price", line.unit_price, entry.tax_price),
        ("cost_amount", line.cost_amount, entry.amount()),
    ]
    .into_iter()
    .find(|(_, is, should)| is != should)
    .map(|(what, is, should)| format!("{what} of {} is {is} and should be {should}", entry.material))
}

fn cents<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    let mut amount = *amount;
    // A sum of more places than cents is shown as it is: hiding it would hide the fault.
    amount.rescale(amount.normalize().scale().max(2));
    serializer.collect_str(&amount)
}

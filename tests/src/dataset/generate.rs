//! How the books are drawn from a seed.
//!
//! Orders are drawn in the order of their dates, and their lines get ascending ids as Kingdee's would; only then are lines appended to
//! a few old orders, whose ids therefore come after everybody's. The longest order stands in the middle, so that it lies across a page
//! border whatever the page size.

use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use rust_decimal::Decimal;

use super::names;
use super::{Currency, Customer, Dataset, DocumentStatus, Entry, Material, RefundSize, SaleOrder, Salesman};
use crate::random::Random;

const MATERIALS: usize = 320;
const CUSTOMERS: usize = 40;
const SALESMEN: usize = 10;

pub(super) const FIRST_ORDER_ID: u64 = 100_001;
const FIRST_ENTRY_ID: u64 = 200_001;

/// From the fifth of January 2026 to the end of October.
const DAYS: u64 = 300;

/// How large a dataset is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Orders that are expected at OKKI.
    pub approved: usize,
    /// Drafts and submitted orders, which are not.
    pub unapproved: usize,
    /// Lines of the longest order, of which there is exactly one if this is more than 6; at most 320, one per material.
    pub longest: usize,
    /// Orders that got a line long after they were made.
    pub appended_later: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// How many refunds there are.
    pub refunds: RefundSize,
}

impl Dataset {
    /// Draws a dataset.
    pub fn generate(size: Size) -> Self {
        let mut random = Random::new(size.seed);
        let mut dataset = Self {
            customers: customers(),
            salesmen: salesmen(),
            materials: materials(),
            currencies: CURRENCIES.to_vec(),
            orders: Vec::new(),
            refund_size: size.refunds,
            seed: size.seed,
            next_entry: FIRST_ENTRY_ID,
            mutations: 0,
        };
        let total = size.approved + size.unapproved;
        let unapproved = random.distinct(size.unapproved, total);
        let longest = (0..total).skip(total / 2).find(|index| !unapproved.contains(index));
        let mut next_entry = FIRST_ENTRY_ID;
        for index in 0..total {
            let lines = match longest {
                Some(longest) if longest == index && size.longest > 6 => size.longest,
                _ => line_count(&mut random, size.longest),
            };
            let status = match unapproved.iter().position(|other| *other == index) {
                None => DocumentStatus::Approved,
                Some(position) if position % 4 == 3 => DocumentStatus::Submitted,
                Some(_) => DocumentStatus::Draft,
            };
            let made = moment(&mut random, index, total);
            let id = FIRST_ORDER_ID + index as u64;
            let order = dataset.draw_order(&mut random, id, status, made, lines, &mut next_entry);
            dataset.orders.push(order);
        }
        let late: Vec<usize> = random
            .distinct(size.appended_later, total / 2)
            .into_iter()
            .filter(|index| Some(*index) != longest)
            .collect();
        for index in late {
            dataset.append_line(&mut random, index, &mut next_entry);
        }
        dataset.next_entry = next_entry;
        dataset
    }

    /// A new order made at `made`; its lines take their ids from `next_entry`.
    pub(super) fn draw_order(
        &self,
        random: &mut Random,
        id: u64,
        status: DocumentStatus,
        made: DateTime,
        lines: usize,
        next_entry: &mut u64,
    ) -> SaleOrder {
        let approved = made.saturating_add(i64::try_from(random.below(240)).unwrap_or(0).minutes());
        let mut order = SaleOrder {
            id,
            bill_no: format!("XSDD{:06}", id - FIRST_ORDER_ID + 1),
            status,
            date: made.date(),
            created: made,
            modified: approved,
            approved: (status == DocumentStatus::Approved).then_some(approved),
            customer: number_of(random.choose(&self.customers), |customer| &customer.number),
            salesman: number_of(random.choose(&self.salesmen), |salesman| &salesman.number),
            currency: random
                .choose(&["CNY", "CNY", "CNY", "USD", "USD", "EUR"])
                .map_or_else(String::new, ToString::to_string),
            note: word(random, names::ORDER_NOTES),
            entries: Vec::new(),
        };
        for index in random.distinct(lines, self.materials.len()) {
            if let Some(material) = self.materials.get(index) {
                order.push_entry(random, material, next_entry);
            }
        }
        order
    }

    fn append_line(&mut self, random: &mut Random, index: usize, next_entry: &mut u64) {
        if let Some(material) = self.unused_material(random, index)
            && let Some(order) = self.orders.get_mut(index)
        {
            order.push_entry(random, &material, next_entry);
            let later = order.modified.saturating_add(40.days()).min(LAST_MOMENT);
            order.modified = later;
            order.approved = order.approved.map(|_| later);
        }
    }

    /// A material that the order at `index` does not have yet.
    pub(super) fn unused_material(&self, random: &mut Random, index: usize) -> Option<Material> {
        let order = self.orders.get(index)?;
        let unused: Vec<&Material> = self
            .materials
            .iter()
            .filter(|material| order.entries.iter().all(|entry| entry.material != material.number))
            .collect();
        random.choose(&unused).map(|material| Material::clone(material))
    }
}

impl SaleOrder {
    pub(super) fn push_entry(&mut self, random: &mut Random, material: &Material, next_entry: &mut u64) {
        let (qty, tax_price) = quantity_and_price(random);
        self.entries.push(Entry {
            id: *next_entry,
            seq: self.entries.iter().map(|entry| entry.seq).max().unwrap_or(0) + 1,
            material: material.number.clone(),
            qty,
            tax_price,
            note: word(random, names::ENTRY_NOTES),
        });
        *next_entry += 1;
    }
}

const LAST_MOMENT: DateTime = date(2026, 10, 31).at(18, 0, 0, 0);

/// Office hours of a day that moves on evenly with the order's place among all.
fn moment(random: &mut Random, index: usize, total: usize) -> DateTime {
    let day = index as u64 * DAYS / total.max(1) as u64;
    let seconds = 9 * 3600 + random.below(5 * 3600);
    let span = jiff::Span::new().days(i64::try_from(day).unwrap_or(0)).seconds(i64::try_from(seconds).unwrap_or(0));
    date(2026, 1, 5).at(0, 0, 0, 0).saturating_add(span)
}

/// Mostly a few lines; often just one.
pub(super) fn line_count(random: &mut Random, longest: usize) -> usize {
    let count = random.choose(&[1, 1, 2, 2, 3, 3, 4, 4, 5, 6]).copied().unwrap_or(1);
    count.min(longest.max(1))
}

/// Every fifth line is one whose amount ends exactly between two cents, or that a float would round down.
pub(super) fn quantity_and_price(random: &mut Random) -> (Decimal, Decimal) {
    const TRAPS: &[(i64, i64)] = &[
        // tenths of a piece, thousandths of the currency
        (5, 8_010),   // 0.5 × 8.01 = 4.005
        (10, 1_005),  // 1.0 × 1.005, which a float holds as 1.00499…
        (25, 1_330),  // 2.5 × 1.33 = 3.325
        (10, 2_675),  // 1.0 × 2.675, held as 2.67499…
        (5, 10),      // 0.5 × 0.01 = 0.005: a whole cent
        (15, 99_990), // 1.5 × 99.99 = 149.985
        (30, 33_335), // 3.0 × 33.335 = 100.005
    ];
    let (tenths, thousandths) = if random.one_in(5) {
        random.choose(TRAPS).copied().unwrap_or((10, 1_005))
    } else {
        let tenths = random.choose(&[10, 10, 20, 30, 50, 120, 240, 1000, 75, 25]).copied().unwrap_or(10);
        (tenths, i64::try_from(random.below(99_999) + 1).unwrap_or(1) * 10)
    };
    (as_kingdee_holds_it(Decimal::new(tenths, 1)), as_kingdee_holds_it(Decimal::new(thousandths, 3)))
}

/// Without needless zeros, but with one place at least: `12.0`, `8.5`, `1.005`.
pub(super) fn as_kingdee_holds_it(value: Decimal) -> Decimal {
    let mut value = value.normalize();
    if value.scale() == 0 {
        value.rescale(1);
    }
    value
}

pub(super) fn word(random: &mut Random, words: &[&str]) -> String {
    random.choose(words).map_or_else(String::new, ToString::to_string)
}

fn number_of<T>(item: Option<&T>, number: impl Fn(&T) -> &String) -> String {
    item.map(number).cloned().unwrap_or_default()
}

/// A name built from lists, each name different as long as the lists' product allows.
pub(super) fn pick(words: &[&'static str], index: usize) -> &'static str {
    words.get(index % words.len().max(1)).copied().unwrap_or_default()
}

fn customers() -> Vec<Customer> {
    (0..CUSTOMERS)
        .map(|index| Customer {
            number: format!("CUST{:04}", index + 1),
            name: format!(
                "{}{}{}",
                pick(names::CITIES, index),
                pick(names::FIRMS, index / names::CITIES.len()),
                pick(names::TRADES, index)
            ),
            company_id: 3_448_551_001 + index as u64,
        })
        .collect()
}

fn salesmen() -> Vec<Salesman> {
    (0..SALESMEN)
        .map(|index| Salesman {
            number: format!("EMP{:02}", index + 1),
            name: pick(names::PEOPLE, index).to_owned(),
            user_id: 11_858_701 + index as u64,
        })
        .collect()
}

fn materials() -> Vec<Material> {
    (0..MATERIALS)
        .map(|index| {
            let model = pick(names::SIZES, index / names::MATERIALS.len());
            Material {
                number: format!("MAT-{:03}", index + 1),
                name: format!("{} {model}", pick(names::MATERIALS, index)),
                model: model.to_owned(),
                product_no: format!("OK-{}", 1001 + index),
                product_id: 3_495_743_001 + 2 * index as u64,
                sku_id: 3_495_743_002 + 2 * index as u64,
            }
        })
        .collect()
}

/// `PRE001` is China's currency; it is the `FCODE`, not the number, that other systems know.
const CURRENCIES: [Currency; 3] = [
    Currency { number: "PRE001", code: "CNY", name: "人民币" },
    Currency { number: "PRE003", code: "EUR", name: "欧元" },
    Currency { number: "PRE007", code: "USD", name: "美元" },
];

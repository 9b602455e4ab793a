//! What happens to the books while a bridge is running: orders change, orders are added.
//!
//! A mutation is computed first and applied after, as the whole orders that it leaves behind: so it can be written to disk between
//! the two, and replayed without drawing anything again.

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::generate::{FIRST_ORDER_ID, as_kingdee_holds_it, line_count};
use super::{Dataset, DocumentStatus, SaleOrder};
use crate::random::Random;

/// Orders that were changed or added, as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutation {
    /// `change` or `add`.
    pub kind: String,
    /// Local time in China.
    pub at: DateTime,
    /// The orders, whole.
    pub orders: Vec<SaleOrder>,
}

impl Dataset {
    /// `count` approved orders, each with another quantity, price and note. If there are orders enough, the first also loses its
    /// last line and the second gains a line.
    pub fn change(&self, count: usize, now: DateTime) -> Mutation {
        let mut random = self.mutation_random();
        let mut next_entry = self.next_entry;
        let mut approved: Vec<usize> = (0..self.orders.len())
            .filter(|index| self.orders.get(*index).is_some_and(SaleOrder::is_approved))
            .collect();
        let chosen = random.distinct(count, approved.len());
        approved = chosen.into_iter().filter_map(|at| approved.get(at).copied()).collect();
        // Only an order of several lines can lose one.
        approved.sort_by_key(|index| self.orders.get(*index).is_none_or(|order| order.entries.len() < 2));
        let orders = approved
            .into_iter()
            .enumerate()
            .filter_map(|(place, index)| {
                let mut order = self.orders.get(index)?.clone();
                order.revise(&mut random, now);
                if place == 0 && order.entries.len() > 1 {
                    order.entries.pop();
                } else if place == 1
                    && let Some(material) = self.unused_material(&mut random, index)
                {
                    order.push_entry(&mut random, &material, &mut next_entry);
                }
                Some(order)
            })
            .collect();
        Mutation { kind: "change".to_owned(), at: now, orders }
    }

    /// `count` new approved orders.
    pub fn add(&self, count: usize, now: DateTime) -> Mutation {
        let mut random = self.mutation_random();
        let mut next_entry = self.next_entry;
        let first = self.orders.iter().map(|order| order.id + 1).max().unwrap_or(FIRST_ORDER_ID);
        let orders = (first..)
            .take(count)
            .map(|id| {
                let lines = line_count(&mut random, 6);
                let mut order = self.draw_order(&mut random, id, DocumentStatus::Approved, now, lines, &mut next_entry);
                order.modified = now;
                order.approved = Some(now);
                order
            })
            .collect();
        Mutation { kind: "add".to_owned(), at: now, orders }
    }

    /// Puts a mutation into the books.
    pub fn apply(&mut self, mutation: &Mutation) {
        self.mutations += 1;
        let entries = mutation.orders.iter().flat_map(|order| &order.entries);
        self.next_entry = entries.map(|entry| entry.id + 1).fold(self.next_entry, u64::max);
        for order in &mutation.orders {
            match self.orders.binary_search_by_key(&order.id, |other| other.id) {
                Ok(at) => {
                    if let Some(held) = self.orders.get_mut(at) {
                        held.clone_from(order);
                    }
                }
                Err(at) => self.orders.insert(at, order.clone()),
            }
        }
    }

    fn mutation_random(&self) -> Random {
        Random::new(self.seed ^ (self.mutations + 1).wrapping_mul(0xA24B_AED4_963E_E407))
    }
}

impl SaleOrder {
    fn revise(&mut self, random: &mut Random, now: DateTime) {
        let at = random.index(self.entries.len());
        if let Some(entry) = self.entries.get_mut(at) {
            entry.qty = as_kingdee_holds_it(entry.qty + Decimal::ONE);
            entry.tax_price = as_kingdee_holds_it(entry.tax_price + Decimal::new(5, 3));
        }
        self.note = format!("{now} 客户改单");
        self.modified = now;
        self.approved = Some(now);
    }
}

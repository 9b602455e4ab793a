//! Refunds: goods of the same materials that the same customers, here shops, took back.
//!
//! A refund's dates lie in the two months before the moment that Wangdiantong first opened its books, because that vendor's clients
//! ask for windows of time that end now; everything else comes from the seed. So they are drawn when that moment is known. Several
//! share one second, and amounts do not divide evenly by their quantities: a unit price of seven places brings the amount back to
//! the cent, one of two does not. What is not delivered (a refund of money alone, one that is not completed) may have no lines at all.

use jiff::ToSpan;
use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::generate::{line_count, pick, word};
use super::{Dataset, names};
use crate::random::Random;

/// How many refunds there are of each sort.
#[derive(Clone, Copy, Debug)]
pub struct RefundSize {
    /// Goods came back (type 2) and it is completed (status 90): to be delivered.
    pub deliverable: usize,
    /// Completed, of the types 1, 3, 4 and 5.
    pub without_goods: usize,
    /// Of type 2, in any other status.
    pub unfinished: usize,
    /// Lines of the longest deliverable refund, of which there is exactly one if this is more than 6.
    pub longest: usize,
}

/// A line of a refund (`refund_order_list`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    /// `order_id`.
    pub id: u64,
    /// `goods_no`: the material's number at Kingdee.
    pub goods_no: String,
    /// `goods_name`.
    pub goods_name: String,
    /// `refund_num`.
    #[serde(with = "rust_decimal::serde::str")]
    pub num: Decimal,
    /// `refund_order_amount`: whole cents.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// `remark`.
    pub remark: String,
}

impl RefundLine {
    /// The unit price to seven places, half away from zero.
    pub fn unit_price(&self) -> Decimal {
        let price = self.amount.checked_div(self.num).unwrap_or_default();
        price.round_dp_with_strategy(7, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// `refund_id`.
    pub id: u64,
    /// `refund_no`: `TK2611200007`.
    pub refund_no: String,
    /// `type`: 1 money before delivery, 2 goods back, 3 exchange, 4 money without goods, 5 payment of a difference.
    pub kind: u8,
    /// `process_status`: 90 is completed.
    pub process_status: u8,
    /// `shop_no`: the customer's number at Kingdee.
    pub shop_no: String,
    /// `shop_name`.
    pub shop_name: String,
    /// `refund_reason`.
    pub reason: String,
    /// `remark`.
    pub remark: String,
    /// `created`, local time in China.
    pub created: DateTime,
    /// `modified`, local time in China.
    pub modified: DateTime,
    /// `finish_time`: when it was completed.
    pub finished: Option<DateTime>,
    /// What `modified` was before, oldest first: a bridge may have delivered any of these.
    pub modified_before: Vec<DateTime>,
    /// Its lines; a refund without may show an empty list or none.
    pub lines: Vec<RefundLine>,
}

/// Goods came back.
const GOODS_BACK: u8 = 2;
const COMPLETED: u8 = 90;
const UNFINISHED: &[u8] = &[10, 20, 30, 40, 50, 60, 63, 64, 65, 69, 70, 71, 80];

impl Refund {
    /// Whether it is expected at Kingdee: goods came back, and it is completed.
    pub fn is_deliverable(&self) -> bool {
        self.kind == GOODS_BACK && self.process_status == COMPLETED
    }

    /// Modified again, now.
    pub(crate) fn touch(&mut self, now: DateTime) {
        self.modified_before.push(self.modified);
        self.modified = now;
    }
}

/// Refunds that were changed or added, as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundMutation {
    /// `change`, `add` or `touch`.
    pub kind: String,
    /// Local time in China.
    pub at: DateTime,
    /// The refunds, whole.
    pub refunds: Vec<Refund>,
}

const FIRST_REFUND_ID: u64 = 70_001;
const FIRST_LINE_ID: u64 = 900_001;
/// More than two of the vendor's largest windows.
const SECONDS: u64 = 61 * 24 * 3600;

impl Dataset {
    /// The refunds, the newest of them modified at `newest`, by id and by `modified`.
    pub fn refunds(&self, newest: DateTime) -> Vec<Refund> {
        let size = self.refund_size;
        let mut random = Random::new(self.seed ^ 0x5DEE_CE66_D1CE_4E5B);
        let total = size.deliverable + size.without_goods + size.unfinished;
        let others = random.distinct(size.without_goods + size.unfinished, total);
        let longest = (0..total).skip(total / 2).find(|index| !others.contains(index));
        let mut modified = newest;
        let mut next_line = FIRST_LINE_ID;
        let mut refunds: Vec<Refund> = Vec::with_capacity(total);
        for index in 0..total {
            // Every ninth shares the second of the one before it.
            if index % 9 != 8 {
                let age = (total - 1 - index) as u64 * SECONDS / total.max(1) as u64;
                modified = newest.saturating_sub(i64::try_from(age).unwrap_or(0).seconds());
            }
            let (kind, status) = match others.iter().position(|other| *other == index) {
                None => (GOODS_BACK, COMPLETED),
                Some(at) if at < size.without_goods => (pick_one(&mut random, &[1, 3, 4, 5]), COMPLETED),
                Some(_) => (GOODS_BACK, pick_one(&mut random, UNFINISHED)),
            };
            let lines = match longest {
                Some(longest) if longest == index && size.longest > 6 => size.longest,
                _ => line_count(&mut random, size.longest),
            };
            refunds.push(self.draw_refund(
                &mut random,
                FIRST_REFUND_ID + index as u64,
                (kind, status),
                modified,
                lines,
                &mut next_line,
            ));
        }
        refunds
    }

    /// `count` changes, taking turns: a refund that was not completed becomes so, and one that was gets a remark. Where one sort
    /// runs out the other goes on; what Kingdee should have got of a completed refund never changes.
    pub(crate) fn change_refunds(
        &self,
        held: &[Refund],
        mutations: u64,
        count: usize,
        now: DateTime,
    ) -> RefundMutation {
        let mut random = self.refund_random(mutations);
        let mut shuffled = |keep: fn(&Refund) -> bool| -> Vec<&Refund> {
            let kept: Vec<&Refund> = held.iter().filter(|refund| keep(refund)).collect();
            let order = random.distinct(kept.len(), kept.len());
            order.into_iter().filter_map(|at| kept.get(at).copied()).collect()
        };
        let mut unfinished = shuffled(|refund| refund.process_status != COMPLETED).into_iter();
        let mut completed = shuffled(Refund::is_deliverable).into_iter();
        let mut refunds = Vec::new();
        while refunds.len() < count {
            let next = if refunds.len() % 2 == 0 {
                unfinished.next().or_else(|| completed.next())
            } else {
                completed.next().or_else(|| unfinished.next())
            };
            let Some(refund) = next else {
                break;
            };
            let mut refund = refund.clone();
            refund.touch(now);
            if refund.process_status == COMPLETED {
                refund.remark = format!("{now} 客服补充备注");
            } else {
                refund.process_status = COMPLETED;
                refund.finished = Some(now);
            }
            refunds.push(refund);
        }
        RefundMutation { kind: "change".to_owned(), at: now, refunds }
    }

    /// `count` new refunds that are to be delivered, modified at `modified`.
    pub(crate) fn add_refunds(
        &self,
        held: &[Refund],
        mutations: u64,
        count: usize,
        modified: DateTime,
    ) -> RefundMutation {
        let mut random = self.refund_random(mutations);
        let first = held.iter().map(|refund| refund.id + 1).max().unwrap_or(FIRST_REFUND_ID);
        let lines = held.iter().flat_map(|refund| &refund.lines);
        let mut next_line = lines.map(|line| line.id + 1).max().unwrap_or(FIRST_LINE_ID);
        let refunds = (first..)
            .take(count)
            .map(|id| {
                let lines = line_count(&mut random, 6);
                self.draw_refund(&mut random, id, (GOODS_BACK, COMPLETED), modified, lines, &mut next_line)
            })
            .collect();
        RefundMutation { kind: "add".to_owned(), at: modified, refunds }
    }

    fn refund_random(&self, mutations: u64) -> Random {
        Random::new(self.seed ^ (mutations + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    fn draw_refund(
        &self,
        random: &mut Random,
        id: u64,
        (kind, process_status): (u8, u8),
        modified: DateTime,
        lines: usize,
        next_line: &mut u64,
    ) -> Refund {
        let created = modified.saturating_sub(i64::try_from(random.below(200) + 1).unwrap_or(1).hours());
        let shop = random.choose(&self.customers);
        // What is not delivered often has nothing to show.
        let lines = if kind == GOODS_BACK || random.one_in(3) { lines } else { 0 };
        let lines = random.distinct(lines, self.materials.len());
        Refund {
            id,
            refund_no: format!("TK{}{:04}", created.strftime("%y%m%d"), id - FIRST_REFUND_ID + 1),
            kind,
            process_status,
            shop_no: shop.map(|shop| shop.number.clone()).unwrap_or_default(),
            shop_name: shop.map(|shop| format!("{}旗舰店", shop.name)).unwrap_or_default(),
            reason: word(random, names::REFUND_REASONS),
            remark: word(random, names::REFUND_REMARKS),
            created,
            modified,
            finished: (process_status == COMPLETED).then_some(modified),
            modified_before: Vec::new(),
            lines: lines.into_iter().filter_map(|index| self.draw_refund_line(random, index, next_line)).collect(),
        }
    }

    fn draw_refund_line(&self, random: &mut Random, material: usize, next_line: &mut u64) -> Option<RefundLine> {
        let material = self.materials.get(material)?;
        let (num, amount) = quantity_and_amount(random);
        *next_line += 1;
        Some(RefundLine {
            id: *next_line - 1,
            goods_no: material.number.clone(),
            goods_name: material.name.clone(),
            num,
            amount,
            remark: word(random, names::ENTRY_NOTES),
        })
    }
}

impl Refund {
    /// A nickname, always the same for this refund.
    pub(crate) fn buyer(&self) -> &'static str {
        pick(names::BUYERS, usize::try_from(self.id).unwrap_or(0))
    }
}

fn pick_one(random: &mut Random, from: &[u8]) -> u8 {
    random.choose(from).copied().unwrap_or_default()
}

/// Most amounts do not divide evenly.
fn quantity_and_amount(random: &mut Random) -> (Decimal, Decimal) {
    const TRAPS: &[(i64, i64)] = &[
        // tenths of a piece, cents
        (30, 10_000),   // 100.00 / 3 = 33.3333333, and three times that is 99.9999999
        (70, 1),        // a cent for seven pieces
        (60, 20_000),   // 33.3333333 rounds down six times
        (110, 99_999),  // 90.9081818
        (25, 3_333),    // half a piece, 13.332
        (1300, 77_777), // 5.9828462 × 130 = 777.770006
    ];
    let (tenths, cents) = if random.one_in(4) {
        random.choose(TRAPS).copied().unwrap_or((30, 10_000))
    } else {
        let tenths = random.choose(&[10, 10, 10, 20, 30, 30, 60, 70, 120, 130]).copied().unwrap_or(10);
        (tenths, i64::try_from(random.below(199_999) + 1).unwrap_or(1))
    };
    (Decimal::new(tenths, 1), Decimal::new(cents, 2))
}

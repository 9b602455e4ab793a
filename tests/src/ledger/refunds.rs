//! The judge of refunds: what Kingdee holds against what Wangdiantong holds.
//!
//! Every refund that is to be delivered must be one audited return at Kingdee, of the refund's number, with every line once: the goods,
//! the quantity, the unit price to seven places, and so the amount to the cent. It must have been saved once, submitted once and
//! audited once, which only Kingdee's record of what was applied can tell. A refund's date at Kingdee may be that of any of its
//! versions: a bridge that has delivered a refund does not deliver it again because somebody looked at it.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;
use serde::Serialize;

use super::{MOST_WORDS, cents};
use crate::dataset::Refund;
use crate::kingdee::{Bill, BillEntry, BillStatus, Effect, EffectKind};

/// The form of returns.
pub(crate) const RETURNS: &str = "SAL_RETURNSTOCK";

/// The judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RefundLedger {
    /// Refunds that Wangdiantong holds.
    pub total: usize,
    /// Those of them that are to be delivered.
    pub deliverable: usize,
    /// Those of these that Kingdee holds, audited and right.
    pub delivered: usize,
    /// Lines of the returns that Kingdee holds.
    pub lines: usize,
    /// Lines that it should hold.
    pub expected_lines: usize,
    /// The sum of the lines' quantity × price at Kingdee, each rounded to whole cents.
    #[serde(serialize_with = "cents")]
    pub amount: Decimal,
    /// The sum of `refund_order_amount` of all lines that should be there.
    #[serde(serialize_with = "cents")]
    pub expected_amount: Decimal,
    /// What was done again: saves, submits and audits of a number beyond the first of each.
    pub duplicates: usize,
    /// Refunds that are to be delivered and that Kingdee does not have, or has otherwise, or has not audited.
    pub missing: usize,
    /// Saves that were applied, of new bills and of old.
    pub saved: usize,
    /// Submits that were applied.
    pub submitted: usize,
    /// Audits that were applied.
    pub audited: usize,
    /// Returns at Kingdee whose number is that of a refund which is not to be delivered, or of none.
    pub not_deliverable_delivered: usize,
    /// What is wrong, in words; at most twenty.
    pub wrong: Vec<String>,
}

impl RefundLedger {
    /// Whether Kingdee holds exactly what it should, each done exactly once.
    pub fn balances(&self) -> bool {
        let all = self.deliverable;
        [self.delivered, self.saved, self.submitted, self.audited].iter().all(|count| *count == all)
            && self.lines == self.expected_lines
            && self.amount == self.expected_amount
            && self.duplicates + self.missing + self.not_deliverable_delivered == 0
            && self.wrong.is_empty()
    }

    pub(crate) fn judge(refunds: &[Refund], bills: &[Bill], effects: &[Effect]) -> Self {
        let mut ledger = Self { total: refunds.len(), ..Self::default() };
        let mut done: HashMap<(&str, Action), usize> = HashMap::new();
        for effect in effects.iter().filter(|effect| effect.form == RETURNS) {
            let Some(action) = Action::of(effect.kind) else {
                continue;
            };
            match action {
                Action::Save => ledger.saved += 1,
                Action::Submit => ledger.submitted += 1,
                Action::Audit => ledger.audited += 1,
            }
            let times = done.entry((&effect.number, action)).or_default();
            *times += 1;
            if *times == 2 {
                ledger.say(format!("{}: {}", effect.number, action.words()));
            }
            if *times > 1 {
                ledger.duplicates += 1;
            }
        }
        let mut by_number: HashMap<&str, &Bill> = HashMap::new();
        for bill in bills {
            ledger.lines += bill.entries.len();
            ledger.amount += bill.entries.iter().map(amount).sum::<Decimal>();
            by_number.insert(&bill.number, bill);
        }
        for refund in refunds.iter().filter(|refund| refund.is_deliverable()) {
            ledger.deliverable += 1;
            ledger.expected_lines += refund.lines.len();
            ledger.expected_amount += refund.lines.iter().map(|line| line.amount).sum::<Decimal>();
            let words = match by_number.get(refund.refund_no.as_str()) {
                None => Some("Kingdee does not have it".to_owned()),
                Some(bill) => difference(refund, bill),
            };
            match words {
                None => ledger.delivered += 1,
                Some(words) => {
                    ledger.missing += 1;
                    ledger.say(format!("{}: {words}", refund.refund_no));
                }
            }
        }
        let asked: HashSet<&str> =
            refunds.iter().filter(|refund| refund.is_deliverable()).map(|refund| refund.refund_no.as_str()).collect();
        for bill in bills.iter().filter(|bill| !asked.contains(bill.number.as_str())) {
            ledger.not_deliverable_delivered += 1;
            ledger.say(format!("{}: Kingdee holds it, but no refund of this number is to be delivered", bill.number));
        }
        ledger
    }

    fn say(&mut self, words: String) {
        if self.wrong.len() < MOST_WORDS {
            self.wrong.push(words);
        }
    }
}

/// What must be done once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Save,
    Submit,
    Audit,
}

impl Action {
    fn of(kind: EffectKind) -> Option<Self> {
        match kind {
            EffectKind::Create | EffectKind::Update => Some(Self::Save),
            EffectKind::Submit => Some(Self::Submit),
            EffectKind::Audit => Some(Self::Audit),
            EffectKind::UnAudit | EffectKind::Delete => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Save => "it was saved more than once",
            Self::Submit => "it was submitted more than once",
            Self::Audit => "it was audited more than once",
        }
    }
}

fn amount(entry: &BillEntry) -> Decimal {
    let part = |key| entry.number(key).unwrap_or_default();
    (part("FRealQty") * part("FTaxPrice"))
        .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

/// The first difference between a refund and the return that was made of it.
fn difference(refund: &Refund, bill: &Bill) -> Option<String> {
    let differs = |what: &str, is: Option<String>, should: &str| {
        let is = is.unwrap_or_default();
        (is != should).then(|| format!("{what} is `{is}` and should be `{should}`"))
    };
    let dates: Vec<String> = refund
        .modified_before
        .iter()
        .chain([&refund.modified])
        .map(|modified| modified.date().at(0, 0, 0, 0).strftime("%Y-%m-%d %H:%M:%S").to_string())
        .collect();
    let date = bill.text("FDate").unwrap_or_default();
    if bill.status != BillStatus::Audited {
        return Some(format!("its status is `{}` and should be `C`", bill.status.letter()));
    }
    differs("FRetcustId", bill.text("FRetcustId"), &refund.shop_no)
        .or_else(|| differs("FSaleOrgId", bill.text("FSaleOrgId"), "100"))
        .or_else(|| differs("FSettleCurrId", bill.text("FSettleCurrId"), "PRE001"))
        .or_else(|| (!dates.contains(&date)).then(|| format!("FDate is `{date}` and should be one of {dates:?}")))
        .or_else(|| lines_difference(refund, bill))
        .or_else(|| {
            let stock = |entry: &BillEntry| differs("FStockId", entry.text("FStockId"), "THC");
            bill.entries.iter().find_map(stock)
        })
}

/// Lines are compared without regard to their order.
fn lines_difference(refund: &Refund, bill: &Bill) -> Option<String> {
    let mut should: Vec<(String, Decimal, Decimal)> =
        refund.lines.iter().map(|line| (line.goods_no.clone(), line.num, line.unit_price())).collect();
    let number = |entry: &BillEntry, key| entry.number(key).unwrap_or_default();
    let mut is: Vec<(String, Decimal, Decimal)> = bill
        .entries
        .iter()
        .map(|entry| {
            (entry.text("FMaterialId").unwrap_or_default(), number(entry, "FRealQty"), number(entry, "FTaxPrice"))
        })
        .collect();
    should.sort();
    is.sort();
    if is.len() != should.len() {
        return Some(format!("it has {} lines and should have {}", is.len(), should.len()));
    }
    is.iter().zip(&should).find(|(is, should)| is != should).map(|(is, should)| {
        let shown = |(goods, quantity, price): &(String, Decimal, Decimal)| format!("{quantity} × {price} of {goods}");
        format!("a line is `{}` and should be `{}`", shown(is), shown(should))
    })
}

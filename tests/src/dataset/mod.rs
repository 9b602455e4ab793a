//! The made-up company whose books the vendors keep.
//!
//! Everything is drawn from one seed, so that a failing run can be repeated to the cent. The orders hold what tends to go wrong:
//! orders of one line and one of 300, lines appended long after their order (so that an order's entry ids lie on several pages),
//! amounts that end exactly between two cents (where a float rounds the wrong way), drafts that nobody may deliver, and Chinese
//! everywhere, quotes included. Kingdee shows the orders, OKKI the products, companies and users made from the same lists, and
//! Wangdiantong the refunds of the same goods by the same customers: [`Dataset::refunds`].

mod generate;
mod names;
mod refunds;
mod revise;
mod table;
#[cfg(test)]
mod tests;

pub use generate::Size;
pub use refunds::{Refund, RefundLine, RefundMutation, RefundSize};
pub use revise::Mutation;
pub use table::write_material_table;

use jiff::civil::{Date, DateTime};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// The state of a bill at Kingdee (`FDocumentStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentStatus {
    /// `A`: a draft.
    #[serde(rename = "A")]
    Draft,
    /// `B`: submitted, waiting for approval.
    #[serde(rename = "B")]
    Submitted,
    /// `C`: approved; the only state that is delivered.
    #[serde(rename = "C")]
    Approved,
}

impl DocumentStatus {
    /// The letter on the wire.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Draft => "A",
            Self::Submitted => "B",
            Self::Approved => "C",
        }
    }
}

/// A customer at Kingdee, a company at OKKI.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Kingdee's number and OKKI's `serial_id`: `CUST0001`.
    pub number: String,
    /// Its name.
    pub name: String,
    /// OKKI's `company_id`.
    pub company_id: u64,
}

/// A salesman at Kingdee, a user at OKKI.
#[derive(Clone, Debug)]
pub struct Salesman {
    /// Kingdee's number and OKKI's `employee_no`: `EMP01`.
    pub number: String,
    /// The name.
    pub name: String,
    /// OKKI's `user_id`.
    pub user_id: u64,
}

/// A material at Kingdee, a product at OKKI.
#[derive(Clone, Debug)]
pub struct Material {
    /// Kingdee's number: `MAT-001`.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its model.
    pub model: String,
    /// OKKI's `product_no`: `OK-1001`.
    pub product_no: String,
    /// OKKI's `product_id`.
    pub product_id: u64,
    /// The `sku_id` of its only SKU at OKKI.
    pub sku_id: u64,
}

/// A currency.
#[derive(Clone, Debug)]
pub struct Currency {
    /// Kingdee's `FNumber`: `PRE001`.
    pub number: &'static str,
    /// The ISO code, Kingdee's `FCODE`: `CNY`.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// A line of a sales order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `FSaleOrderEntry_FEntryID`.
    pub id: u64,
    /// `FSaleOrderEntry_FSeq`, from 1.
    pub seq: u32,
    /// `FMaterialId.FNumber`.
    pub material: String,
    /// `FQty`.
    #[serde(with = "rust_decimal::serde::str")]
    pub qty: Decimal,
    /// `FTaxPrice`.
    #[serde(with = "rust_decimal::serde::str")]
    pub tax_price: Decimal,
    /// `FEntryNote`.
    pub note: String,
}

impl Entry {
    /// `FAllAmount`: quantity × price, rounded half away from zero to whole cents.
    pub fn amount(&self) -> Decimal {
        (self.qty * self.tax_price).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }
}

/// A sales order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleOrder {
    /// `FID`.
    pub id: u64,
    /// `FBillNo`: `XSDD000001`.
    pub bill_no: String,
    /// `FDocumentStatus`.
    pub status: DocumentStatus,
    /// `FDate`.
    pub date: Date,
    /// `FCreateDate`.
    pub created: DateTime,
    /// `FModifyDate`.
    pub modified: DateTime,
    /// `FApproveDate`; a draft has none.
    pub approved: Option<DateTime>,
    /// `FCustId.FNumber`.
    pub customer: String,
    /// `FSalerId.FNumber`.
    pub salesman: String,
    /// `FSettleCurrId.FCODE`.
    pub currency: String,
    /// `FNote`.
    pub note: String,
    /// Its lines, by `seq`.
    pub entries: Vec<Entry>,
}

impl SaleOrder {
    /// Whether it is approved, and so expected at OKKI.
    pub fn is_approved(&self) -> bool {
        self.status == DocumentStatus::Approved
    }
}

/// The books.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// By number.
    pub customers: Vec<Customer>,
    /// By number.
    pub salesmen: Vec<Salesman>,
    /// By number.
    pub materials: Vec<Material>,
    /// In Kingdee's order.
    pub currencies: Vec<Currency>,
    /// By `FID`.
    pub orders: Vec<SaleOrder>,
    refund_size: RefundSize,
    seed: u64,
    /// Entry ids are never used again, not even that of the newest line when it is lost.
    next_entry: u64,
    mutations: u64,
}

impl Dataset {
    /// The demo: 700 approved orders of more than 2,000 lines, one of them of 300 lines, and 30 orders that are not approved; 500
    /// completed refunds, 380 of them with goods that came back, one of those of 60 lines, and 60 refunds that are not completed.
    pub fn demo() -> Self {
        let refunds = RefundSize { deliverable: 380, without_goods: 120, unfinished: 60, longest: 60 };
        Self::generate(Size {
            approved: 700,
            unapproved: 30,
            longest: 300,
            appended_later: 12,
            seed: 20_260_105,
            refunds,
        })
    }

    /// `count` approved orders of one to four lines and one draft, for tests; and `count` refunds that are to be delivered, one
    /// without goods and one unfinished.
    pub fn small(count: usize) -> Self {
        let refunds = RefundSize { deliverable: count, without_goods: 1, unfinished: 1, longest: 4 };
        Self::generate(Size {
            approved: count,
            unapproved: 1,
            longest: 4,
            appended_later: count / 10,
            seed: 7,
            refunds,
        })
    }

    /// The approved orders.
    pub fn approved(&self) -> impl Iterator<Item = &SaleOrder> {
        self.orders.iter().filter(|order| order.is_approved())
    }

    /// The order of this number.
    pub fn order(&self, bill_no: &str) -> Option<&SaleOrder> {
        self.orders.iter().find(|order| order.bill_no == bill_no)
    }

    /// The customer of this number.
    pub fn customer(&self, number: &str) -> Option<&Customer> {
        find(&self.customers, number, |customer| &customer.number)
    }

    /// The salesman of this number.
    pub fn salesman(&self, number: &str) -> Option<&Salesman> {
        find(&self.salesmen, number, |salesman| &salesman.number)
    }

    /// The material of this number.
    pub fn material(&self, number: &str) -> Option<&Material> {
        find(&self.materials, number, |material| &material.number)
    }

    /// The currency of this ISO code.
    pub fn currency(&self, code: &str) -> Option<&Currency> {
        self.currencies.iter().find(|currency| currency.code == code)
    }
}

fn find<'a, T>(sorted: &'a [T], number: &str, key: impl Fn(&T) -> &String) -> Option<&'a T> {
    let at = sorted.binary_search_by(|item| key(item).as_str().cmp(number)).ok()?;
    sorted.get(at)
}

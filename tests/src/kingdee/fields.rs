//! Which forms and fields a query may name, and what a record shows under each.
//!
//! Keys compare without regard to case, as Kingdee's do: published metadata writes `FEntryId` and `FEntryID`, `FNumber`, `FNUMBER`
//! and `Fnumber` alike. Numbers keep the digits they are held with.

use std::cmp::Ordering;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::base_data;
use super::bill_fields::{self, BillField};
use super::bills::{Bill, BillEntry, Bills};
use super::schema::Schema;
use crate::dataset::{Currency, Dataset, Entry, SaleOrder};

/// Everything that can be queried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Books<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) bills: &'a Bills,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cell {
    Null,
    Number(#[serde(with = "rust_decimal::serde::str")] Decimal),
    Text(String),
    Time(DateTime),
}

impl Cell {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => number_json(*number),
            Self::Text(text) => Value::String(text.clone()),
            Self::Time(time) => Value::String(time.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
        }
    }

    /// How it sorts; nulls come first, as in SQL Server.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Time(left), Self::Time(right)) => left.cmp(right),
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            // A field has one kind.
            _ => Ordering::Equal,
        }
    }
}

/// A decimal as a JSON number of the same digits.
pub(crate) fn number_json(number: Decimal) -> Value {
    number.to_string().parse::<Number>().map_or(Value::Null, Value::Number)
}

/// One row of a form: the head, and the entry that it is repeated for.
#[derive(Clone, Copy)]
pub(crate) enum Record<'a> {
    Sale { dataset: &'a Dataset, order: &'a SaleOrder, entry: Option<&'a Entry> },
    Currency(&'a Currency),
    Bill { dataset: &'a Dataset, bill: &'a Bill, entry: Option<(usize, &'a BillEntry)> },
}

/// A form that can be queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    SaleOrder,
    Currency,
    Bill(&'static Schema),
}

/// Where a field stands: a query that names no entry's field gives one row per bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Head,
    Entry,
}

/// A field of a form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) level: Level,
    read: Reading,
}

#[derive(Clone, Copy, Debug)]
enum Reading {
    Fixed(Read),
    Bill(BillField),
}

impl Field {
    pub(crate) fn read(&self, record: &Record<'_>) -> Cell {
        match (&self.read, record) {
            (Reading::Fixed(read), record) => read(record),
            (Reading::Bill(field), Record::Bill { dataset, bill, entry }) => field.read(dataset, bill, *entry),
            (Reading::Bill(_), _) => Cell::Null,
        }
    }
}

impl Form {
    pub(crate) fn of_id(form_id: &str) -> Option<Self> {
        match form_id.to_ascii_uppercase().as_str() {
            "SAL_SALEORDER" => Some(Self::SaleOrder),
            "BD_CURRENCY" => Some(Self::Currency),
            _ => Schema::of_id(form_id).map(Self::Bill),
        }
    }

    /// The field of this key.
    pub(crate) fn field(self, key: &str) -> Option<Field> {
        let key = key.to_ascii_lowercase();
        let (level, read) = match self {
            Self::SaleOrder => sale_field(&key)?,
            Self::Currency => (Level::Head, currency_field(&key)?),
            Self::Bill(schema) => {
                let (level, field) = bill_fields::field(schema, &key)?;
                return Some(Field { level, read: Reading::Bill(field) });
            }
        };
        Some(Field { level, read: Reading::Fixed(read) })
    }

    /// All rows, bill by bill; with one row per entry where `level` asks for it.
    pub(crate) fn records(self, books: Books<'_>, level: Level) -> Vec<Record<'_>> {
        let dataset = books.dataset;
        let sale = |order| move |entry| Record::Sale { dataset, order, entry };
        let of_bill = |bill| move |entry| Record::Bill { dataset, bill, entry };
        match (self, level) {
            (Self::Bill(schema), Level::Head) => {
                books.bills.of_form(schema.id).map(|bill| of_bill(bill)(None)).collect()
            }
            (Self::Bill(schema), Level::Entry) => {
                let bills = books.bills.of_form(schema.id);
                bills.flat_map(|bill| bill.entries.iter().enumerate().map(Some).map(of_bill(bill))).collect()
            }
            (Self::Currency, _) => dataset.currencies.iter().map(Record::Currency).collect(),
            (Self::SaleOrder, Level::Head) => dataset.orders.iter().map(|order| sale(order)(None)).collect(),
            (Self::SaleOrder, Level::Entry) => {
                dataset.orders.iter().flat_map(|order| order.entries.iter().map(Some).map(sale(order))).collect()
            }
        }
    }
}

type Read = fn(&Record<'_>) -> Cell;

fn sale_field(key: &str) -> Option<(Level, Read)> {
    let head = |read: Read| Some((Level::Head, read));
    let entry = |read: Read| Some((Level::Entry, read));
    match key {
        "fid" => head(|r| order(r, |o, _| number(o.id))),
        "fbillno" => head(|r| order(r, |o, _| text(&o.bill_no))),
        "fdocumentstatus" => head(|r| order(r, |o, _| text(o.status.letter()))),
        "fdate" => head(|r| order(r, |o, _| Cell::Time(o.date.at(0, 0, 0, 0)))),
        "fcreatedate" => head(|r| order(r, |o, _| Cell::Time(o.created))),
        "fmodifydate" => head(|r| order(r, |o, _| Cell::Time(o.modified))),
        "fapprovedate" => head(|r| order(r, |o, _| o.approved.map_or(Cell::Null, Cell::Time))),
        "fbilltypeid.fnumber" => head(|_| text("XSDD01_SYS")),
        "fsaleorgid.fnumber" => head(|_| text("100")),
        "fsaleorgid.fname" => head(|_| text(base_data::ORGANIZATION)),
        "fcustid.fnumber" => head(|r| order(r, |o, _| text(&o.customer))),
        "fcustid.fname" => head(|r| order(r, |o, d| opt_text(d.customer(&o.customer).map(|c| &c.name)))),
        "fsalerid.fnumber" => head(|r| order(r, |o, _| text(&o.salesman))),
        "fsalerid.fname" => head(|r| order(r, |o, d| opt_text(d.salesman(&o.salesman).map(|s| &s.name)))),
        "fsettlecurrid.fcode" => head(|r| order(r, |o, _| text(&o.currency))),
        "fsettlecurrid.fnumber" => head(|r| order(r, |o, d| opt_text(d.currency(&o.currency).map(|c| c.number)))),
        "fsettlecurrid.fname" => head(|r| order(r, |o, d| opt_text(d.currency(&o.currency).map(|c| c.name)))),
        "fnote" => head(|r| order(r, |o, _| text(&o.note))),
        "fbillallamount" => head(|r| order(r, |o, _| Cell::Number(o.entries.iter().map(Entry::amount).sum()))),
        "fsaleorderentry_fentryid" => entry(|r| line(r, |e, _| number(e.id))),
        "fsaleorderentry_fseq" => entry(|r| line(r, |e, _| number(u64::from(e.seq)))),
        "fmaterialid.fnumber" => entry(|r| line(r, |e, _| text(&e.material))),
        "fmaterialid.fname" => entry(|r| line(r, |e, d| opt_text(d.material(&e.material).map(|m| &m.name)))),
        "fmaterialid.fspecification" => entry(|r| line(r, |e, d| opt_text(d.material(&e.material).map(|m| &m.model)))),
        "funitid.fnumber" => entry(|_| text("Pcs")),
        "fqty" => entry(|r| line(r, |e, _| Cell::Number(e.qty))),
        "ftaxprice" => entry(|r| line(r, |e, _| Cell::Number(e.tax_price))),
        "fallamount" => entry(|r| line(r, |e, _| Cell::Number(e.amount()))),
        "fentrynote" => entry(|r| line(r, |e, _| text(&e.note))),
        _ => None,
    }
}

fn currency_field(key: &str) -> Option<Read> {
    let read: Read = match key {
        "fnumber" => |r| currency(r, |c| c.number),
        "fcode" => |r| currency(r, |c| c.code),
        "fname" => |r| currency(r, |c| c.name),
        "fdocumentstatus" => |r| currency(r, |_| "C"),
        _ => return None,
    };
    Some(read)
}

fn order(record: &Record<'_>, read: impl Fn(&SaleOrder, &Dataset) -> Cell) -> Cell {
    match record {
        Record::Sale { dataset, order, .. } => read(order, dataset),
        _ => Cell::Null,
    }
}

fn line(record: &Record<'_>, read: impl Fn(&Entry, &Dataset) -> Cell) -> Cell {
    match record {
        Record::Sale { dataset, entry: Some(entry), .. } => read(entry, dataset),
        _ => Cell::Null,
    }
}

fn currency(record: &Record<'_>, read: impl Fn(&Currency) -> &'static str) -> Cell {
    match record {
        Record::Currency(currency) => text(read(currency)),
        _ => Cell::Null,
    }
}

fn number(value: u64) -> Cell {
    Cell::Number(Decimal::from(value))
}

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

fn opt_text<T: AsRef<str>>(value: Option<T>) -> Cell {
    value.map_or(Cell::Null, |value| text(value.as_ref()))
}

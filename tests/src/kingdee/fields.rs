//! Which forms and fields a query may name, and what a record shows under each.
//!
//! Keys compare without regard to case, as Kingdee's do: published metadata writes `FEntryId` and `FEntryID`, `FNumber`, `FNUMBER`
//! and `Fnumber` alike. Numbers keep the digits they are held with.

use std::cmp::Ordering;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use crate::dataset::{Currency, Dataset, Entry, SaleOrder};

/// What a field shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Number(Decimal),
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
}

/// A form that can be queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    SaleOrder,
    Currency,
}

/// Where a field stands: a query that names no entry's field gives one row per bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Head,
    Entry,
}

/// A field of a form.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) level: Level,
    read: fn(&Record<'_>) -> Cell,
}

impl Field {
    pub(crate) fn read(&self, record: &Record<'_>) -> Cell {
        (self.read)(record)
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Field").field("level", &self.level).finish_non_exhaustive()
    }
}

impl Form {
    pub(crate) fn of_id(form_id: &str) -> Option<Self> {
        match form_id.to_ascii_uppercase().as_str() {
            "SAL_SALEORDER" => Some(Self::SaleOrder),
            "BD_CURRENCY" => Some(Self::Currency),
            _ => None,
        }
    }

    /// The field of this key.
    pub(crate) fn field(self, key: &str) -> Option<Field> {
        let key = key.to_ascii_lowercase();
        let (level, read) = match self {
            Self::SaleOrder => sale_field(&key)?,
            Self::Currency => (Level::Head, currency_field(&key)?),
        };
        Some(Field { level, read })
    }

    /// All rows, bill by bill; with one row per entry where `level` asks for it.
    pub(crate) fn records(self, dataset: &Dataset, level: Level) -> Vec<Record<'_>> {
        let sale = |order| move |entry| Record::Sale { dataset, order, entry };
        match (self, level) {
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
        "fsaleorgid.fname" => head(|_| text("深圳桥通贸易有限公司")),
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
        Record::Currency(_) => Cell::Null,
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
        Record::Sale { .. } => Cell::Null,
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

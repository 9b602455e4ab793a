//! The columns of a saved bill: what `FieldKeys`, filters and orders may name of a form that can be written.
//!
//! References are drilled into (`FRetcustId.FNumber`, `FRetcustId.FName`), everything else is named by its key; the entry's id and place
//! carry their entity's name (`FEntity_FEntryID`).

use super::base_data;
use super::bills::{Bill, BillEntry};
use super::fields::{Cell, Level};
use super::schema::{Base, Kind, Schema, Spec};
use crate::dataset::Dataset;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BillField {
    Id,
    Number,
    Status,
    Created,
    Modified,
    Approved,
    Amount(&'static Schema),
    EntryId,
    EntrySeq,
    EntryAmount(&'static Schema),
    Value(&'static Spec, Level),
    Name(&'static Spec, Base, Level),
}

/// The column of a key in lower case.
pub(crate) fn field(schema: &'static Schema, key: &str) -> Option<(Level, BillField)> {
    let fixed = match key {
        "fid" => BillField::Id,
        "fbillno" => BillField::Number,
        "fdocumentstatus" => BillField::Status,
        "fcreatedate" => BillField::Created,
        "fmodifydate" => BillField::Modified,
        "fapprovedate" => BillField::Approved,
        "fbillallamount" => BillField::Amount(schema),
        "fallamount" => return Some((Level::Entry, BillField::EntryAmount(schema))),
        _ => {
            let entity = schema.entity.to_ascii_lowercase();
            return match key.strip_prefix(&entity).and_then(|rest| rest.strip_prefix('_')) {
                Some("fentryid") => Some((Level::Entry, BillField::EntryId)),
                Some("fseq") => Some((Level::Entry, BillField::EntrySeq)),
                Some(_) => None,
                None => value(schema, key),
            };
        }
    };
    Some((Level::Head, fixed))
}

fn value(schema: &'static Schema, key: &str) -> Option<(Level, BillField)> {
    let (stem, drilled) = key.split_once('.').map_or((key, None), |(stem, drilled)| (stem, Some(drilled)));
    let head = schema.head_field(stem).map(|spec| (Level::Head, spec));
    let (level, spec) = head.or_else(|| Some((Level::Entry, schema.entry_field(stem)?)))?;
    let field = match (spec.kind, drilled) {
        (Kind::Base(base), Some("fname")) => BillField::Name(spec, base, level),
        (Kind::Base(_), Some("fnumber")) | (Kind::Text | Kind::Date | Kind::Number | Kind::Flag, None) => {
            BillField::Value(spec, level)
        }
        _ => return None,
    };
    Some((level, field))
}

impl BillField {
    pub(crate) fn read(self, dataset: &Dataset, bill: &Bill, entry: Option<(usize, &BillEntry)>) -> Cell {
        let number = |id: u64| Cell::Number(id.into());
        let held = |spec: &Spec, level: Level| match level {
            Level::Head => bill.fields.get(spec.key),
            Level::Entry => entry.and_then(|(_, entry)| entry.fields.get(spec.key)),
        };
        match self {
            Self::Id => number(bill.id),
            Self::Number => Cell::Text(bill.number.clone()),
            Self::Status => Cell::Text(bill.status.letter().to_owned()),
            Self::Created => Cell::Time(bill.created),
            Self::Modified => Cell::Time(bill.modified),
            Self::Approved => bill.approved.map_or(Cell::Null, Cell::Time),
            Self::Amount(schema) => Cell::Number(bill.entries.iter().map(|entry| entry.amount(schema)).sum()),
            Self::EntryId => entry.map_or(Cell::Null, |(_, entry)| number(entry.id)),
            Self::EntrySeq => entry.map_or(Cell::Null, |(index, _)| number(index as u64 + 1)),
            Self::EntryAmount(schema) => entry.map_or(Cell::Null, |(_, entry)| Cell::Number(entry.amount(schema))),
            Self::Value(spec, level) => held(spec, level).cloned().unwrap_or(Cell::Null),
            Self::Name(spec, base, level) => match held(spec, level) {
                Some(Cell::Text(number)) => {
                    base_data::name(dataset, base, number).map_or(Cell::Null, |name| Cell::Text(name.to_owned()))
                }
                _ => Cell::Null,
            },
        }
    }
}

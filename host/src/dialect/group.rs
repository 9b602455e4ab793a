//! `groupCalculate`: flat rows become bills with a head and computed lines.
//!
//! Rows whose `headerGroup` fields are equal make one bill. The mapping sees it as one row: the fields of the head, and an
//! array (`targetBodyName`) with one element for each combination of the `bodyGroup` fields, in the order of their first
//! arrival. What `calculate` names is gathered over the rows of each element, and over all of the bill beside the head's
//! fields. Every other field is gone, as it is from a `GROUP BY`; loading warns of templates that name one.
//!
//! Where rows hold the array `bodyName` (they were not flattened), its elements are the lines, and a name means the
//! element's field before the row's, but in the head the row's before the element's. Without `bodyGroup` each line stays as it is.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::Row;
use super::error::MappingError;
use super::item::Origin;
use super::name;
use super::value::{exact_decimal, index_text, number};

/// How rows are grouped, and what is computed of them.
#[derive(Clone, Debug)]
pub(super) struct GroupCalculate {
    pub(super) origin: Origin,
    /// `headerGroup`: what the rows of one bill have in common.
    pub(super) header: Vec<String>,
    /// `bodyGroup`: what the rows of one line have in common.
    pub(super) body: Vec<String>,
    /// `bodyName`: an array of the row, whose elements are the lines.
    pub(super) rows_name: Option<String>,
    /// `targetBodyName`: the array that the mapping sees.
    pub(super) lines_name: String,
    /// `bodyMaxLine`.
    pub(super) most_lines: Option<usize>,
    pub(super) calculate: Vec<Calculated>,
}

/// A field that is gathered from several rows.
#[derive(Clone, Debug)]
pub(super) struct Calculated {
    pub(super) origin: Origin,
    pub(super) field: String,
    pub(super) gather: Gather,
}

/// How the values of several rows become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gather {
    Sum,
    Average,
    Least,
    Greatest,
    /// All of them, in an array.
    Push,
    /// Those that differ, in an array.
    AddToSet,
    First,
    Last,
}

/// A row, and the element of its array that is the line.
#[derive(Clone, Copy)]
struct Line<'r> {
    row: &'r Row,
    element: Option<&'r Row>,
}

impl GroupCalculate {
    /// The name of a row's bill. Fields may be empty, but not all of them.
    pub(super) fn key(&self, row: &Row) -> Result<String, MappingError> {
        let line = Line { row, element: None };
        let texts: Vec<String> =
            self.header.iter().map(|field| self.value(line, field).map(index_text).unwrap_or_default()).collect();
        if texts.iter().all(String::is_empty) {
            let columns = row.keys().cloned().collect();
            return Err(MappingError::Key { place: self.origin.place(None), columns });
        }
        // Another separation of the same letters is another bill.
        let escaped = texts.iter().map(|text| text.replace('\\', "\\\\").replace('|', "\\|"));
        Ok(escaped.collect::<Vec<_>>().join("|"))
    }

    /// The rows of one bill as the one row that is mapped.
    pub(super) fn regroup(&self, rows: &[Row]) -> Result<Row, MappingError> {
        let lines: Vec<Line<'_>> = rows.iter().flat_map(|row| self.lines_of(row)).collect();
        let mut bill = Row::new();
        for field in &self.header {
            let of_row = rows.first().and_then(|row| name::field(row, field));
            if let Some(value) = of_row.or_else(|| self.value(*lines.first()?, field)) {
                bill.insert(self.bare(field).to_owned(), value.clone());
            }
        }
        self.calculate(&lines, &mut bill)?;
        let body = self.body(&lines)?;
        if let Some(most) = self.most_lines
            && body.len() > most
        {
            return Err(MappingError::TooManyLines { place: self.origin.place(None), lines: body.len(), most });
        }
        bill.insert(self.lines_name.clone(), Value::Array(body));
        Ok(bill)
    }

    fn body(&self, lines: &[Line<'_>]) -> Result<Vec<Value>, MappingError> {
        if self.body.is_empty() {
            return Ok(lines.iter().map(|line| Value::Object(line.element.unwrap_or(line.row).clone())).collect());
        }
        let mut groups: Vec<Vec<Line<'_>>> = Vec::new();
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        for line in lines {
            let key = self.body.iter().map(|field| self.value(*line, field).map(index_text).unwrap_or_default());
            let place = *places.entry(key.collect()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.push(*line),
                None => groups.push(vec![*line]),
            }
        }
        groups
            .iter()
            .map(|group| {
                let mut element = Row::new();
                for field in &self.body {
                    if let Some(value) = group.first().and_then(|first| self.value(*first, field)) {
                        element.insert(self.bare(field).to_owned(), value.clone());
                    }
                }
                self.calculate(group, &mut element)?;
                Ok(Value::Object(element))
            })
            .collect()
    }

    fn lines_of<'r>(&self, row: &'r Row) -> Vec<Line<'r>> {
        let list = self.rows_name.as_deref().and_then(|list| name::field(row, list)).and_then(Value::as_array);
        match list {
            Some(elements) => elements.iter().map(|element| Line { row, element: element.as_object() }).collect(),
            None => vec![Line { row, element: None }],
        }
    }

    fn value<'r>(&self, line: Line<'r>, field: &str) -> Option<&'r Value> {
        let of_element = line.element.and_then(|element| name::field(element, self.bare(field)));
        of_element.or_else(|| name::field(line.row, field))
    }

    fn calculate(&self, lines: &[Line<'_>], into: &mut Row) -> Result<(), MappingError> {
        for calculated in &self.calculate {
            let values: Vec<&Value> = lines.iter().filter_map(|line| self.value(*line, &calculated.field)).collect();
            let value = calculated.gather.of(&values).map_err(|found| MappingError::Conversion {
                place: calculated.origin.place(None),
                wanted: "a decimal number",
                found,
            })?;
            into.insert(self.bare(&calculated.field).to_owned(), value);
        }
        Ok(())
    }

    /// A field's name without that of the array that it is in: `goods_no` of `details.goods_no`.
    fn bare<'n>(&self, field: &'n str) -> &'n str {
        let list = self.rows_name.as_deref().unwrap_or_default();
        field.strip_prefix(list).and_then(|rest| rest.strip_prefix('.')).unwrap_or(field)
    }

    /// The row that the mapping sees, without values: for looking names up.
    pub(super) fn columns(&self) -> Row {
        let named = |fields: &[String]| -> Row {
            let calculated = self.calculate.iter().map(|calculated| &calculated.field);
            fields.iter().chain(calculated).map(|field| (self.bare(field).to_owned(), Value::Null)).collect()
        };
        let mut columns = named(&self.header);
        columns.insert(self.lines_name.clone(), Value::Array(vec![Value::Object(named(&self.body))]));
        columns
    }

    /// All fields of the source that it reads.
    pub(super) fn reads(&self) -> impl Iterator<Item = &str> {
        let calculated = self.calculate.iter().map(|calculated| &calculated.field);
        self.header.iter().chain(&self.body).chain(calculated).map(String::as_str)
    }

    /// A text that changes exactly when rows would be grouped differently.
    pub(super) fn fingerprint(&self) -> String {
        format!("group:{}", Value::from(self.header.clone()))
    }
}

impl Gather {
    pub(super) const NAMES: [&'static str; 8] =
        ["$sum", "$avg", "$min", "$max", "$push", "$addToSet", "$first", "$last"];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().trim_start_matches('$').to_ascii_lowercase().as_str() {
            "sum" => Self::Sum,
            "avg" => Self::Average,
            "min" => Self::Least,
            "max" => Self::Greatest,
            "push" => Self::Push,
            "addtoset" => Self::AddToSet,
            "first" => Self::First,
            "last" => Self::Last,
            _ => return None,
        })
    }

    /// One value of many; an empty one counts for nothing in sums, averages and extremes. `Err`: what is no number.
    fn of(self, values: &[&Value]) -> Result<Value, String> {
        let filled = || values.iter().copied().filter(|value| !index_text(value).trim().is_empty());
        Ok(match self {
            Self::First => values.first().map_or(Value::Null, |value| (*value).clone()),
            Self::Last => values.last().map_or(Value::Null, |value| (*value).clone()),
            Self::Push => values.iter().map(|value| (*value).clone()).collect(),
            Self::AddToSet => {
                let mut seen = std::collections::HashSet::new();
                values.iter().filter(|value| seen.insert(index_text(value))).map(|value| (*value).clone()).collect()
            }
            Self::Sum => decimal(sum(filled())?),
            Self::Average => match filled().count() {
                0 => Value::Null,
                count => {
                    let average = sum(filled())?.checked_div(Decimal::from(count)).ok_or("the average")?;
                    decimal(average.normalize())
                }
            },
            Self::Least => extreme(filled(), std::cmp::Ordering::Less),
            Self::Greatest => extreme(filled(), std::cmp::Ordering::Greater),
        })
    }
}

fn sum<'v>(values: impl Iterator<Item = &'v Value>) -> Result<Decimal, String> {
    values.into_iter().try_fold(Decimal::ZERO, |sum, value| {
        let text = index_text(value);
        exact_decimal(&text).and_then(|value| sum.checked_add(value)).ok_or(text)
    })
}

/// Compared as numbers where both are numbers, else as texts.
fn extreme<'v>(values: impl Iterator<Item = &'v Value>, wanted: std::cmp::Ordering) -> Value {
    let mut best: Option<(&Value, String)> = None;
    for value in values {
        let text = index_text(value);
        let better = best.as_ref().is_none_or(|(_, best)| {
            let numbers = exact_decimal(&text).zip(exact_decimal(best));
            numbers.map_or_else(|| text.as_str().cmp(best), |(value, best)| value.cmp(&best)) == wanted
        });
        if better {
            best = Some((value, text));
        }
    }
    best.map_or(Value::Null, |(value, _)| value.clone())
}

fn decimal(value: Decimal) -> Value {
    let text = value.to_string();
    number(&text).unwrap_or(Value::String(text))
}

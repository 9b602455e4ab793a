//! The checks of a rule, and what each says of a value that does not pass.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use qiao_plugin::json::{is_empty, kind, text};
use qiao_plugin::transforms::FromValue;
use qiao_plugin::{Context, Decimal, Failure, Object, Value};
use regex::Regex;

use super::settings::{Rule, mistake};
use crate::arguments::{Amount, is_blank};
use crate::dates::{Moment, plain, plain_day};
use crate::stages::fields::{equal, every, shown};
use crate::tables::Tables;

/// A check.
pub(super) enum Check {
    Required,
    /// The pattern around the whole text, and as it was written.
    Pattern(Regex, String),
    Min(Limit),
    Max(Limit),
    MinLength(usize),
    MaxLength(usize),
    OneOf(Vec<Value>),
    InTable(Table),
}

impl Check {
    /// What is wrong with the value, to follow the field's name: `is empty`.
    pub(super) fn broken_by(&self, value: &Value) -> Option<String> {
        if is_blank(value) {
            return matches!(self, Self::Required).then(|| "is empty".to_owned());
        }
        let broken = |what: String| Some(format!("is `{}`, {what}", shown(value)));
        match self {
            Self::Required => None,
            Self::Min(limit) => limit.reached_by(value, Side::Least).and_then(broken),
            Self::Max(limit) => limit.reached_by(value, Side::Most).and_then(broken),
            Self::OneOf(members) if members.iter().any(|member| equal(member, value)) => None,
            Self::OneOf(members) => {
                broken(format!("none of {}", members.iter().map(shown).collect::<Vec<_>>().join(", ")))
            }
            Self::Pattern(..) | Self::MinLength(_) | Self::MaxLength(_) | Self::InTable(_) => match text(value) {
                Some(text) => self.broken_by_text(&text).and_then(broken),
                None => Some(format!("is {}, not a text: `{}`", kind(value), shown(value))),
            },
        }
    }

    fn broken_by_text(&self, text: &str) -> Option<String> {
        let length = text.chars().count();
        match self {
            Self::Pattern(whole, pattern) if !whole.is_match(text) => Some(format!("which does not match `{pattern}`")),
            Self::MinLength(least) if length < *least => Some(format!("{length} characters long, less than {least}")),
            Self::MaxLength(most) if length > *most => Some(format!("{length} characters long, more than {most}")),
            Self::InTable(table) => table.broken_by(text),
            _ => None,
        }
    }
}

/// The end of a range.
pub(super) enum Limit {
    Number(Decimal),
    /// Times of day do not count.
    Day(Date, Context),
    Time(DateTime, Context),
}

#[derive(Clone, Copy)]
enum Side {
    Least,
    Most,
}

impl Side {
    /// What is told where the value is on the wrong side of the limit.
    fn broken<T: PartialOrd>(
        self,
        value: &T,
        limit: &T,
        words: [&str; 2],
        name: impl std::fmt::Display,
    ) -> Option<String> {
        let [less, more] = words;
        match self {
            Self::Least if value < limit => Some(format!("{less} {name}")),
            Self::Most if value > limit => Some(format!("{more} {name}")),
            _ => None,
        }
    }
}

impl Limit {
    /// A date as the end of a range, in the context's time zone.
    pub(super) fn date(moment: Moment, context: &Context) -> Result<Self, String> {
        Ok(match moment {
            Moment::Day(date) => Self::Day(date, context.clone()),
            other => Self::Time(other.local(context)?, context.clone()),
        })
    }

    fn reached_by(&self, value: &Value, side: Side) -> Option<String> {
        let local = |context: &Context| Moment::read(value).ok().flatten()?.local(context).ok();
        match self {
            Self::Number(limit) => match Amount::from_value(value) {
                Ok(Amount(Some(number))) => side.broken(&number, limit, ["less than", "more than"], limit),
                _ => Some("no number".to_owned()),
            },
            Self::Day(limit, context) => match local(context) {
                Some(local) => side.broken(&local.date(), limit, ["before", "after"], plain_day(*limit)),
                None => Some("no date".to_owned()),
            },
            Self::Time(limit, context) => match local(context) {
                Some(local) => side.broken(&local, limit, ["before", "after"], plain(*limit)),
                None => Some("no date".to_owned()),
            },
        }
    }
}

/// A table that has the value, and what it says of the page's values.
pub(super) struct Table {
    name: String,
    column: Option<String>,
    /// Where the settings name it.
    path: String,
    rows: BTreeMap<String, Object>,
}

impl Table {
    pub(super) fn new(name: String, column: Option<String>, path: String) -> Self {
        Self { name, column, path, rows: BTreeMap::new() }
    }

    fn read(&mut self, mut codes: Vec<String>, tables: Tables<'_>) -> Result<(), Failure> {
        let at = |key: &str, failure: Failure| {
            let message = mistake(&format!("{}.{key}", self.path), &format!(": {}", failure.message)).message;
            Failure { message, ..failure }
        };
        let columns = (tables.columns)(&self.name).map_err(|failure| at("in_table", failure))?;
        if let Some(column) = self.column.as_ref().filter(|column| !columns.contains(column)) {
            let what = format!("table `{}` has no column `{column}`; it has: {}", self.name, columns.join(", "));
            return Err(at("column", Failure::misconfigured(what)));
        }
        codes.sort_unstable();
        codes.dedup();
        let found = (tables.lookup)(&self.name, &codes).map_err(|failure| at("in_table", failure))?;
        self.rows = codes.into_iter().zip(found).filter_map(|(code, row)| Some((code, row?))).collect();
        Ok(())
    }

    fn broken_by(&self, code: &str) -> Option<String> {
        let Some(row) = self.rows.get(code) else {
            return Some(format!("which is not in table `{}`", self.name));
        };
        let column = self.column.as_ref()?;
        row.get(column)
            .is_none_or(is_empty)
            .then(|| format!("for which column `{column}` of table `{}` is empty", self.name))
    }
}

impl Rule {
    /// Asks the rule's table for the values of all rows.
    pub(super) fn look_up(&mut self, rows: &[Object], tables: Tables<'_>) -> Result<(), Failure> {
        for check in &mut self.checks {
            if let Check::InTable(table) = check {
                let values = rows.iter().flat_map(|row| every(row, &self.field));
                table.read(values.filter_map(|code| text(code.value).map(Into::into)).collect(), tables)?;
            }
        }
        Ok(())
    }
}

//! Why a record could not be mapped.
//!
//! The variants differ where the engine does: a missing row of a collection leaves the bill waiting, a missing row of a
//! table is tried again when the table changes, the rest is for a person. All of them name their place.

use std::fmt;
use std::sync::Arc;

use super::find::Search;
use super::finding::shortened;

/// One of a scheme's two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `source.metadata`.
    Source,
    /// `target.metadata`.
    Target,
}

/// Where in the metadata, and for which line of the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose metadata.
    pub side: Side,
    /// JSON path within the metadata.
    pub path: Arc<str>,
    /// What is written there.
    pub text: Arc<str>,
    /// The element of the surrounding array, from 1; `None` outside of arrays.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Source => "source",
            Side::Target => "target",
        };
        write!(out, "{side} `{}`", self.path)?;
        match self.line {
            Some(line) => write!(out, " (line {line})"),
            None => Ok(()),
        }
    }
}

/// Why a record could not be mapped, or a request not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// `is_required`, and empty.
    #[error("{place}: the required field `{field}` is empty")]
    Required {
        /// Where.
        place: Place,
        /// The target's field.
        field: Arc<str>,
    },
    /// A value that is not of its item's type.
    #[error("{place}: `{}` is not {wanted}", shortened(found))]
    Conversion {
        /// Where.
        place: Place,
        /// What the type asks for, with its article: `a whole number`.
        wanted: &'static str,
        /// What was there.
        found: String,
    },
    /// A value that a time filter cannot read.
    #[error("{place}: the filter `{filter}` cannot read `{}` as a time", shortened(found))]
    Filter {
        /// Where.
        place: Place,
        /// The filter's name.
        filter: &'static str,
        /// What was there.
        found: String,
    },
    /// A `_function` that gave no value.
    #[error("{place}: the expression gives no value: {reason}")]
    Expression {
        /// Where.
        place: Place,
        /// What went wrong.
        reason: String,
    },
    /// A lookup that found no row in a collection.
    #[error("{place}: no row of `{collection}` has {search}")]
    MissingRow {
        /// Where.
        place: Place,
        /// The collection, as the metadata names it.
        collection: Arc<str>,
        /// The field that was wanted of it.
        find: Arc<str>,
        /// What it was looked up by.
        search: Search,
    },
    /// A lookup that found no row in a mapping table.
    #[error("{place}: no row of table `{table}` has {search}")]
    MissingTableRow {
        /// Where.
        place: Place,
        /// The table.
        table: Arc<str>,
        /// The column that was wanted of it.
        find: Arc<str>,
        /// What it was looked up by.
        search: Search,
    },
    /// A plugin's function that gave an error.
    #[error("{place}: `{name}`: {message}")]
    Function {
        /// Where.
        place: Place,
        /// The function.
        name: Arc<str>,
        /// Its own words.
        message: String,
    },
    /// A lookup that could not be made.
    #[error("{place}: the lookup in `{collection}` failed: {message}")]
    Lookup {
        /// Where.
        place: Place,
        /// The collection or table.
        collection: Arc<str>,
        /// What went wrong.
        message: String,
    },
    /// A variable that has no value here.
    #[error("{place}: `{name}` has no value here")]
    Variable {
        /// Where.
        place: Place,
        /// The variable.
        name: String,
    },
    /// A row without the field that tells rows, or bills, apart.
    #[error("{place}: the row has no value for `{}`", place.text)]
    Key {
        /// Where.
        place: Place,
        /// The names that the row does have.
        columns: Vec<String>,
    },
    /// A regrouped bill that is longer than `bodyMaxLine` allows.
    #[error("{place}: the bill has {lines} lines, and `bodyMaxLine` allows {most}")]
    TooManyLines {
        /// Where.
        place: Place,
        /// How many it has.
        lines: usize,
        /// How many it may have.
        most: usize,
    },
    /// A bill without any row.
    #[error("{place}: the bill has no rows")]
    NoRows {
        /// Where.
        place: Place,
    },
}

impl MappingError {
    /// Where in the metadata, and for which line.
    pub fn place(&self) -> &Place {
        match self {
            Self::Required { place, .. }
            | Self::Conversion { place, .. }
            | Self::Filter { place, .. }
            | Self::Expression { place, .. }
            | Self::MissingRow { place, .. }
            | Self::MissingTableRow { place, .. }
            | Self::Function { place, .. }
            | Self::Lookup { place, .. }
            | Self::Variable { place, .. }
            | Self::Key { place, .. }
            | Self::TooManyLines { place, .. }
            | Self::NoRows { place } => place,
        }
    }

    /// The JSON path within the metadata.
    pub fn path(&self) -> &str {
        &self.place().path
    }

    /// What is written there.
    pub fn text(&self) -> &str {
        &self.place().text
    }

    /// The element of the surrounding array, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place().line
    }

    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Required { place, .. } => {
                format!("fill what `{}` reads in the source, or drop `is_required`", shortened(&place.text))
            }
            Self::Conversion { .. } => {
                "correct the value in the source, or what the metadata asks of it (`type`, `parser`, `format`); `_function` can compute another value"
                    .to_owned()
            }
            Self::Filter { .. } => {
                "a time is Unix seconds or milliseconds, or a text such as `2026-01-31 08:00:00`".to_owned()
            }
            Self::Expression { .. } => {
                "guard it (`ifnull({{x}},0)`, `case when … end`), or set `on_expression_error: keep_text` on the scheme"
                    .to_owned()
            }
            Self::MissingRow { collection, .. } => format!(
                "it is looked for again when the scheme `{collection}` has scanned again; `optional_lookups: true` makes it the empty text"
            ),
            Self::MissingTableRow { table, .. } => {
                format!("add the row to `tables/{table}.csv`; the record is then retried by itself")
            }
            Self::Function { name, .. } => {
                format!("see what `{name}` needs; if it reads a table, a changed table is picked up by itself")
            }
            Self::Lookup { .. } => "see `qiao scheme check`".to_owned(),
            Self::Variable { name, .. } if name == "LAST_SYNC_TIME" => {
                "set `start_from` on the scheme's source".to_owned()
            }
            Self::Variable { .. } => "use it in the source's request".to_owned(),
            Self::Key { columns, .. } => {
                let names: Vec<&str> = columns.iter().map(String::as_str).take(12).collect();
                if names.is_empty() {
                    "the row has no fields".to_owned()
                } else {
                    format!("the row has {}", super::finding::listed(&names))
                }
            }
            Self::TooManyLines { .. } => {
                "group by one field more in `headerGroup`, so that it becomes several bills, or raise `bodyMaxLine`"
                    .to_owned()
            }
            Self::NoRows { .. } => "fetch the source's rows again".to_owned(),
        }
    }

    /// Another try without any change on our side may succeed: rows of another scheme may still come.
    pub fn may_mend_itself(&self) -> bool {
        matches!(
            self,
            Self::MissingRow { .. } | Self::MissingTableRow { .. } | Self::Function { .. } | Self::Lookup { .. }
        )
    }
}

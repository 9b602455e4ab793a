//! Mapping tables of the project (`tables/*.csv`): the first column is the key.
//!
//! All look-ups of one call see the same state of all tables. Look a table up once per batch, not once per row.

use crate::Failure;
use crate::bindings::lent::tables as wit;
use crate::json::{Object, handed_over};

fn failure(table: &str, error: wit::Error) -> Failure {
    match error {
        wit::Error::UnknownTable(known) => {
            Failure::misconfigured(format!("there is no table `{table}`")).hint(if known.is_empty() {
                format!("add `tables/{table}.csv` to the project")
            } else {
                format!("add `tables/{table}.csv` to the project; it has: {known}")
            })
        }
        wit::Error::TooLarge(limit) => Failure::misconfigured(format!(
            "the rows asked of table `{table}` are larger than the limit of {limit} bytes"
        ))
        .hint("let the plugin look up fewer keys per call"),
    }
}

/// The names of a table's columns, the key first. An unknown table is `misconfigured`.
pub fn columns(table: &str) -> Result<Vec<String>, Failure> {
    wit::columns(table).map_err(|error| failure(table, error))
}

/// One answer per key, in order: the row from column name to text, or `None` for an unknown key. An unknown table is `misconfigured`.
pub fn lookup(table: &str, keys: &[String]) -> Result<Vec<Option<Object>>, Failure> {
    let rows = wit::lookup(table, keys).map_err(|error| failure(table, error))?;
    rows.into_iter().map(|row| row.map(|row| handed_over("table row", &row)).transpose()).collect()
}

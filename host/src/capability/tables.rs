//! Mapping tables: one snapshot for the whole call.

use super::Lent;
use super::bindings::qiao::plugin::tables::{Error, Host};
use crate::config::Table;

impl Host for Lent {
    fn columns(&mut self, table: String) -> Result<Vec<String>, Error> {
        self.record.table_read(&table);
        Ok(self.table(&table)?.columns().to_vec())
    }

    fn lookup(&mut self, table: String, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.record.table_read(&table);
        let table = self.table(&table)?;
        let limit = self.loan.limits.response_bytes;
        let mut bytes: u64 = 0;
        let mut rows = Vec::with_capacity(keys.len());
        for key in &keys {
            let row = table.row_json(key).map(String::into_bytes);
            bytes = bytes.saturating_add(row.as_ref().map_or(0, Vec::len) as u64);
            if bytes > limit {
                return Err(Error::TooLarge(limit));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

impl Lent {
    fn table(&self, name: &str) -> Result<&Table, Error> {
        self.loan.tables.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.loan.tables.names().collect();
            Error::UnknownTable(names.join(", "))
        })
    }
}

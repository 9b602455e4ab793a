//! Where tables are read: the project's, or a test's own.

use qiao_plugin::{Failure, Object, tables};

type Columns<'t> = &'t dyn Fn(&str) -> Result<Vec<String>, Failure>;
type Lookup<'t> = &'t dyn Fn(&str, &[String]) -> Result<Vec<Option<Object>>, Failure>;

/// Where tables are read.
#[derive(Clone, Copy)]
pub(crate) struct Tables<'t> {
    /// The names of a table's columns, the key first.
    pub(crate) columns: Columns<'t>,
    /// One row, or none, per key.
    pub(crate) lookup: Lookup<'t>,
}

impl Tables<'_> {
    /// The project's tables.
    pub(crate) fn of_the_host() -> Self {
        Self { columns: &tables::columns, lookup: &tables::lookup }
    }
}

//! What a plan says about itself, so that loading a scheme can check what it uses.

use super::name;
use super::scope::below;

/// What metadata uses of the world, whether or not it came to a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Lookups, in the order written.
    pub lookups: Vec<LookupUse>,
    /// Calls of plugin functions, in the order written.
    pub functions: Vec<FunctionUse>,
}

/// The fields of a row that metadata names.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) fields: Vec<String>,
    /// Rows are passed on as they are, so that every field of them is meant.
    pub(super) whole_rows: bool,
}

impl Named {
    /// Whether a column is named, under any of its spellings or as the beginning of a path.
    pub(super) fn has(&self, column: &str) -> bool {
        self.whole_rows
            || self.fields.iter().any(|field| name::same_letters(field, column) || below(field, column).is_some())
    }
}

/// A lookup of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupUse {
    /// JSON path of the value.
    pub path: String,
    /// Where it looks.
    pub source: LookupIn,
    /// The field it wants.
    pub find: String,
    /// The fields it looks at, each once, in the order written.
    pub where_fields: Vec<String>,
    /// The fields of each index of the collection that it is read by; an index over no fields leads to all rows. A table
    /// has none.
    pub indexes: Vec<Vec<String>>,
}

/// Where a lookup looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupIn {
    /// The rows of a scheme, as the metadata names it.
    Collection(String),
    /// A mapping table.
    Table(String),
}

/// A call of a plugin's function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionUse {
    /// JSON path of the value.
    pub path: String,
    /// The function.
    pub name: String,
    /// How many arguments it is given.
    pub argument_count: usize,
}

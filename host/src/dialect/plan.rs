//! What a plan says about itself, so that loading a scheme can check what it uses.

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

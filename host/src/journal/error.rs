//! Why the journal or the key-value store refused. Whatever it was, nothing has been changed.

/// Why the journal did not do something. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has the state folder open.
    #[error(
        "the state folder `{path}` is in use by another process\n  hint: a host that runs on this project holds it; stop that one first"
    )]
    InUse {
        /// The folder.
        path: String,
    },
    /// The store was written by another version of Qiao.
    #[error(
        "the state folder `{path}` has format {found}, this build reads format {expected}\n  hint: run the version of Qiao that wrote it, or move the folder away to begin with an empty one"
    )]
    Format {
        /// The folder.
        path: String,
        /// What it has.
        found: u32,
        /// What this build reads.
        expected: u32,
    },
    /// A record does not read back as it was written.
    #[error("the journal holds a damaged record under `{key}`: {reason}")]
    Damaged {
        /// Its key, printable.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system or the store failed: a full disk, a lost volume.
    #[error("the journal could not be {action}: {reason}")]
    Store {
        /// `opened`, `written`, `read`.
        action: &'static str,
        /// The store's own words.
        reason: String,
    },
    /// A collection has no index over these fields that has every row: it is to be ensured first.
    #[error("collection `{collection}` has no complete index over `{}`", fields.join("`, `"))]
    IndexMissing {
        /// The collection.
        collection: String,
        /// The fields, in the order of the index.
        fields: Vec<String>,
    },
    /// It was opened to be looked at.
    #[error("the journal is only looked at here: nothing is changed in it")]
    ReadOnly,
    /// A scan, bill or version that is not what the journal has, or not free for this now. Somebody else's doing, or a
    /// programming error.
    #[error("the journal has moved on: {0}")]
    Conflict(String),
}

/// Why the key-value store did not do something. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Larger than the limit, in bytes.
    #[error("the limit is {0} bytes")]
    TooLarge(u64),
    /// The value is no decimal integer of at most 53 bits.
    #[error("`{0}` is not an integer that can be counted up")]
    NotANumber(String),
    /// The store failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

//! Why the journal or the key-value store refused. Whatever it was, nothing has been changed.

use std::io::ErrorKind;
use std::path::Path;

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
    /// The store was opened, or tried to be, and what it holds cannot be trusted.
    #[error(
        "the journal in `{path}` is damaged: {reason}\n  hint: move that folder away, keep it, and start again: everything is scanned anew, and what is at the vendors is looked up before it is created"
    )]
    Unsound {
        /// The store's folder.
        path: String,
        /// What was found.
        reason: String,
    },
    /// The store gave up over what it found. It has to be opened again.
    #[error(
        "the journal could not be {action}, its store does not hold together: {reason}\n  hint: stop the host and start it again: it looks through the journal then, and says what is to be done"
    )]
    Broken {
        /// `opened`, `written`, `read`.
        action: &'static str,
        /// What the store found, and where in its own code.
        reason: String,
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

impl JournalError {
    /// Why the store does not open.
    pub(super) fn of_opening(error: &sled::Error) -> Self {
        match error {
            sled::Error::Io(_) => Self::Store { action: "opened", reason: store_words(error) },
            _ => Self::Unsound { path: String::new(), reason: store_words(error) },
        }
    }

    /// Names the folder of the store that does not open.
    pub(super) fn of_folder(self, folder: &Path) -> Self {
        let path = folder.display().to_string();
        match self {
            Self::Store { action, reason } => Self::Store { action, reason: format!("folder `{path}`: {reason}") },
            Self::Unsound { reason, .. } | Self::Broken { reason, .. } => Self::Unsound { path, reason },
            Self::Damaged { key, reason } => Self::Unsound { path, reason: format!("under `{key}`: {reason}") },
            other => other,
        }
    }
}

/// The store's words, with a hint where there is one.
pub(super) fn store_words(error: &sled::Error) -> String {
    match error {
        // The disk, the user's share of it, or the largest file that may be.
        sled::Error::Io(io)
            if matches!(io.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) =>
        {
            format!("{error}\n  hint: make room on the disk and start again; nothing that was recorded is lost")
        }
        _ => error.to_string(),
    }
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

//! A journal to look at, of which nothing is touched.
//!
//! sled writes when it opens a store: a snapshot of where everything lies, the repair of a cut end. So who only wants to
//! look opens a copy, which is made while nobody has the store open, and is removed with the value.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::{JournalError, SledStore};

/// A copy of a journal, open.
#[derive(Debug)]
pub struct JournalCopy {
    // In the order in which they are dropped.
    store: Arc<SledStore>,
    _folder: TempDir,
}

impl JournalCopy {
    /// Copies the journal of a state folder and opens the copy. `None`: there is no journal. `InUse` if somebody has it open.
    pub fn of(state_dir: &Path) -> Result<Option<Self>, JournalError> {
        let from = state_dir.join("journal");
        let not_copied = |error: io::Error| JournalError::Store {
            action: "copied",
            reason: format!("folder `{}`: {error}", from.display()),
        };
        let file = match File::open(from.join("db")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(not_copied(error)),
        };
        // As sled locks it (`config.rs`, `try_lock`: `flock`): nobody opens it before this returns.
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse { path: state_dir.display().to_string() });
            }
            Err(TryLockError::Error(error)) => return Err(not_copied(error)),
        }
        // Private to the user on Unix.
        let folder = tempfile::Builder::new().prefix("qiao-look-").tempdir().map_err(not_copied)?;
        copy(&from, &folder.path().join("journal")).map_err(not_copied)?;
        let store = Arc::new(SledStore::open_copy(folder.path())?);
        Ok(Some(Self { store, _folder: folder }))
    }

    /// The copy.
    pub fn store(&self) -> &Arc<SledStore> {
        &self.store
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

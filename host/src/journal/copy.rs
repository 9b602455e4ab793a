//! A journal to look at, of which nothing is touched.
//!
//! sled writes when it opens a store: a snapshot of where everything lies, the repair of a cut end. So who only wants to
//! look opens a copy, which is made while nobody has the store open, and is removed with the value.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{JournalError, SledStore};

/// A copy of a journal, open.
#[derive(Debug)]
pub struct JournalCopy {
    // In the order in which they are dropped.
    store: Arc<SledStore>,
    _folder: Folder,
}

impl JournalCopy {
    /// Copies the journal of a state folder and opens the copy. `None`: there is no journal. `InUse` if somebody has it open.
    pub fn of(state_dir: &Path) -> Result<Option<Self>, JournalError> {
        let from = state_dir.join("journal");
        let not_copied = |error: io::Error| JournalError::Store {
            action: "copied",
            reason: format!("folder `{}`: {error}", from.display()),
        };
        let Some(_nobody_opens_it) =
            locked(&from.join("db"), state_dir).map_err(|error| error.unwrap_or_else(not_copied))?
        else {
            return Ok(None);
        };
        let folder = Folder::make().map_err(not_copied)?;
        copy(&from, &folder.0.join("journal")).map_err(not_copied)?;
        let store = Arc::new(SledStore::open(&folder.0)?);
        Ok(Some(Self { store, _folder: folder }))
    }

    /// The copy.
    pub fn store(&self) -> &Arc<SledStore> {
        &self.store
    }
}

/// What was in the way of a lock: somebody who holds it, or the system.
enum NotLocked {
    InUse(JournalError),
    System(io::Error),
}

impl NotLocked {
    fn unwrap_or_else(self, of_system: impl FnOnce(io::Error) -> JournalError) -> JournalError {
        match self {
            Self::InUse(error) => error,
            Self::System(error) => of_system(error),
        }
    }
}

/// The store's file, locked as sled locks it (`config.rs`, `try_lock`: `flock`), so that nobody opens it meanwhile. `None`: it is not there.
fn locked(db: &Path, state_dir: &Path) -> Result<Option<File>, NotLocked> {
    let file = match File::open(db) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(NotLocked::System(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            Err(NotLocked::InUse(JournalError::InUse { path: state_dir.display().to_string() }))
        }
        Err(TryLockError::Error(error)) => Err(NotLocked::System(error)),
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

/// A private folder among the system's temporary ones, which goes with the value.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir().join(format!("qiao-look-{}-{number}", std::process::id()));
            match make_private(&folder) {
                Ok(()) => return Ok(Self(folder)),
                // Left by a process of this number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

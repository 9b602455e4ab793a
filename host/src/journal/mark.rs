//! The high-water mark: what tells that the store has lost something.
//!
//! sled repairs itself when it is opened: what does not read back at the end of its log is cut off, in silence. So each
//! sync has a number. It is in the store, behind everything that the sync covers; and it is in a small file beside the store,
//! written when the sync has succeeded and before anybody is answered. A store that is behind its mark has lost what was
//! answered for; what was sent to a vendor meanwhile is not known any more ([`loss`](super::loss)).
//!
//! The mark costs one write of a few bytes per sync, and no sync of its own. A process that is killed loses nothing that it
//! has written; so after that the two numbers can be compared. A machine that stops loses the last second of both, and then
//! they prove nothing: the mark names the run of the machine that it was written in, and where that is over and the host was
//! not closed, something is presumed to be lost. Where the machine's runs have no name, each mark is synced.
//!
//! Closing the store leaves a mark that says so: what is opened after that needs no check.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use sled::{Db, Tree};

use super::JournalError;
use super::error::store_words;

/// The mark's file, in the state folder.
const FILE: &str = "journal.mark";

/// The store's tree that has the number.
const TREE: &str = "mark";
const KEY: &[u8] = b"number";

/// Bytes of a mark. The file has room for two, which are written by turns: one of them is always whole.
const SLOT: usize = 128;

/// How the store was left, as far as its mark tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It is new.
    New,
    /// It was closed.
    Closed,
    /// The process ended without closing it, and the machine went on: nothing is missing.
    Killed,
    /// The machine stopped: the last second may be missing.
    Stopped,
    /// It has lost this much of what it had.
    Behind {
        /// Syncs that the mark has.
        marked: u64,
        /// Syncs that the store has.
        found: u64,
    },
    /// It has no mark: nobody knows whether it is the latest there was.
    Unmarked,
}

/// The mark of an open store.
#[derive(Debug)]
pub(super) struct Mark {
    numbers: Tree,
    file: File,
    number: u64,
    machine: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Closed,
}

impl Mark {
    /// Reads the mark of the state folder `path`; makes one for a new store. Nothing else is changed till [`begin`](Self::begin).
    pub(super) fn open(db: &Db, path: &Path) -> Result<(Self, Left), JournalError> {
        let path = path.join(FILE);
        let not_opened = |error: io::Error| JournalError::Store {
            action: "opened",
            reason: format!("file `{}`: {error}", path.display()),
        };
        let numbers = db.open_tree(TREE).map_err(|error| JournalError::of_opening(&error))?;
        let found = numbers.get(KEY).map_err(|error| JournalError::of_opening(&error))?;
        let found = found.and_then(|bytes| Some(u64::from_be_bytes(bytes.as_ref().try_into().ok()?))).unwrap_or(0);
        let machine = name_of_machine_run();
        let marked = match fs::read(&path) {
            Ok(bytes) => latest(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(not_opened(error)),
        };
        let left = match &marked {
            None if found == 0 => Left::New,
            None => Left::Unmarked,
            Some((marked, ..)) if found < *marked => Left::Behind { marked: *marked, found },
            Some((marked, Standing::Closed, _)) if found == *marked => Left::Closed,
            Some((.., written_in)) if machine.is_none() || machine == *written_in => Left::Killed,
            Some(_) => Left::Stopped,
        };
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mark = Self {
            numbers,
            file: file.map_err(not_opened)?,
            number: found.max(marked.map_or(0, |(marked, ..)| marked)),
            machine,
        };
        if left == Left::New {
            // Before the store has a number: one without a mark has lost it.
            mark.write(Standing::Open).and_then(|()| mark.file.sync_all()).map_err(not_opened)?;
            sync_folder(&path).map_err(not_opened)?;
        }
        Ok((mark, left))
    }

    /// From now on the store is open. Called when it is known how it was left, and what follows from that is in it.
    pub(super) fn begin(&mut self, db: &Db) -> Result<(), JournalError> {
        let failed = |reason| JournalError::Store { action: "opened", reason };
        self.sync(db).map_err(failed)?;
        self.file.sync_data().map_err(|error| failed(error.to_string()))
    }

    /// Syncs the store, and marks it.
    pub(super) fn sync(&mut self, db: &Db) -> Result<(), String> {
        self.sync_as(db, Standing::Open)?;
        match &self.machine {
            Some(_) => Ok(()),
            None => self.file.sync_data().map_err(in_words),
        }
    }

    /// Syncs the store for the last time.
    pub(super) fn close(&mut self, db: &Db) -> Result<(), String> {
        self.sync_as(db, Standing::Closed)?;
        self.file.sync_data().map_err(in_words)
    }

    fn sync_as(&mut self, db: &Db, standing: Standing) -> Result<(), String> {
        self.number += 1;
        self.numbers.insert(KEY, &self.number.to_be_bytes()).map_err(|error| store_words(&error))?;
        db.flush().map_err(|error| store_words(&error))?;
        self.write(standing).map_err(in_words)
    }

    fn write(&self, standing: Standing) -> io::Result<()> {
        let at = if self.number.is_multiple_of(2) { 0 } else { SLOT as u64 };
        write_at(&self.file, &written(self.number, standing, self.machine.as_deref()), at)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn in_words(error: io::Error) -> String {
    format!("`{FILE}`: {error}")
}

/// A mark as text. The number comes twice: a mark of which only a part was written does not read.
fn written(number: u64, standing: Standing, machine: Option<&str>) -> Vec<u8> {
    let standing = match standing {
        Standing::Open => "open",
        Standing::Closed => "closed",
    };
    let text = format!("{number} {standing} {}", machine.unwrap_or("-"));
    format!("{text:<98} {number:>28}\n").into_bytes()
}

/// The latest of the marks that read.
fn latest(file: &[u8]) -> Option<(u64, Standing, Option<String>)> {
    file.chunks(SLOT).filter_map(read).max_by_key(|(number, ..)| *number)
}

fn read(slot: &[u8]) -> Option<(u64, Standing, Option<String>)> {
    let mut parts = std::str::from_utf8(slot).ok()?.strip_suffix('\n')?.split_ascii_whitespace();
    let number: u64 = parts.next()?.parse().ok()?;
    let standing = match parts.next()? {
        "open" => Standing::Open,
        "closed" => Standing::Closed,
        _ => return None,
    };
    let machine = Some(parts.next()?).filter(|name| *name != "-").map(str::to_owned);
    let again: u64 = parts.next()?.parse().ok()?;
    (again == number && slot.len() == SLOT).then_some((number, standing, machine))
}

/// A name of the machine's run: another one after it was started again.
fn name_of_machine_run() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let name = name.trim();
    (!name.is_empty() && name.len() <= 40 && !name.contains(char::is_whitespace)).then(|| name.to_owned())
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    file.write_all_at(bytes, at)
}

#[cfg(not(unix))]
fn write_at(mut file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// That a file is there is known to its folder.
#[cfg(unix)]
fn sync_folder(of: &Path) -> io::Result<()> {
    of.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "takes the place of one that can fail")]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn the_latest_mark_that_is_whole_counts() {
        let one = written(41, Standing::Open, Some("a-b"));
        let other = written(42, Standing::Closed, None);
        assert_eq!((one.len(), other.len()), (SLOT, SLOT));
        let both = [other.clone(), one.clone()].concat();
        assert_eq!(latest(&both), Some((42, Standing::Closed, None)));
        for cut in 0..SLOT {
            // The newer one was being written over an older one when it ended.
            let torn = [&other[..cut], &written(40, Standing::Open, Some("a-b"))[cut..], &one].concat();
            let expected = [Some((41, Standing::Open, Some("a-b".to_owned()))), Some((42, Standing::Closed, None))];
            assert!(expected.contains(&latest(&torn)), "{cut}: {:?}", latest(&torn));
        }
        assert_eq!(latest(&[0; 2 * SLOT]), None);
        assert_eq!(latest(b""), None);
    }

    #[test]
    fn the_largest_numbers_have_room() {
        let longest = "x".repeat(40);
        let bytes = written(u64::MAX, Standing::Closed, Some(&longest));
        assert_eq!(latest(&bytes), Some((u64::MAX, Standing::Closed, Some(longest))));
    }
}

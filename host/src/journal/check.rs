//! Whether a store can be gone on with, when it is opened.
//!
//! One that was closed needs no look. After a process that was killed nothing should be missing, and what is cheap is
//! looked at: where the schemes stand, their books, and of those that were at work the places of their bills. Where
//! something may be missing, or the quick look finds something, everything is held against everything
//! ([`audit`](super::audit)).

use std::path::Path;

use sled::Tree;

use super::books::{claims_prefix, counts, dead_prefix, ready_prefix};
use super::key::{Key, Kind, Parts};
use super::mark::Left;
use super::scans::scheme_record;
use super::txn::range;
use super::{JournalError, audit, loss};

/// Makes a store fit to be gone on with, as far as that depends on how it was left: checks it, and says and notes what it
/// has lost. `folder`: where it lies.
pub(super) fn recover(tree: &Tree, left: Left, folder: &Path) -> Result<(), JournalError> {
    let folder = folder.display();
    match left {
        Left::New | Left::Closed => Ok(()),
        Left::Killed => quick(tree),
        Left::Stopped => {
            whole(tree)?;
            tracing::warn!(
                "the machine stopped while the journal was open: the last second of it may be missing\n  hint: bills that it does not know to be delivered are looked up at the target before they are created"
            );
            loss::note(tree, false)
        }
        Left::Behind { marked, found } => {
            whole(tree)?;
            tracing::error!(
                "the journal in `{folder}` has lost something: it was synced {marked} times and has {found} of them\n  hint: {WHAT_FOLLOWS}"
            );
            loss::note(tree, true)
        }
        Left::Unmarked => {
            whole(tree)?;
            tracing::error!(
                "the journal in `{folder}` has no mark, which tells whether it is the latest there was\n  hint: {WHAT_FOLLOWS}"
            );
            loss::note(tree, true)
        }
    }
}

const WHAT_FOLLOWS: &str = "every scheme is scanned again from its `start_from`, and bills that it does not know to be delivered are looked up at the target before they are created";

/// Schemes that the store knows.
pub(super) fn schemes(tree: &Tree) -> Result<Vec<String>, JournalError> {
    range(tree, Key::new(Kind::Scheme).bytes(), None).map(|item| Parts::of(&item?.0).text()).collect()
}

/// The quick look, and the whole one if it finds something.
fn quick(tree: &Tree) -> Result<(), JournalError> {
    for scheme in schemes(tree)? {
        if let Err(found) = look(tree, &scheme) {
            tracing::warn!(scheme, "the journal is looked through as a whole: {found}");
            audit::audit(tree, &scheme)?;
            return Err(found);
        }
    }
    Ok(())
}

/// The whole one.
fn whole(tree: &Tree) -> Result<(), JournalError> {
    schemes(tree)?.iter().try_for_each(|scheme| audit::audit(tree, scheme).map(drop))
}

fn look(tree: &Tree, scheme: &str) -> Result<(), JournalError> {
    let record = scheme_record(tree, scheme)?;
    let books = counts(tree, scheme)?;
    let disagree = |what: &str| JournalError::Damaged {
        key: String::from_utf8_lossy(&[Kind::Counts as u8]).into_owned() + scheme,
        reason: format!("{what} do not agree with {books:?}"),
    };
    if !books.balance() {
        return Err(disagree("the books themselves"));
    }
    let claims = count(tree, &claims_prefix(scheme))?;
    if claims != books.claimed {
        return Err(disagree("the claims"));
    }
    if record.scan.is_none() && claims == 0 {
        return Ok(());
    }
    if count(tree, &dead_prefix(scheme))? != books.dead {
        return Err(disagree("the dead bills"));
    }
    let mut due = count(tree, &ready_prefix(scheme))?;
    for item in range(tree, Key::new(Kind::Blocked).bytes(), None) {
        let (key, _) = item?;
        let mut parts = Parts::of(&key);
        parts.text()?;
        due += u64::from(parts.text()? == scheme);
    }
    // A bill whose earlier version is claimed is in no index of what is due.
    let pending = books.waiting + books.failed;
    if due > pending || pending > due + claims {
        return Err(disagree("the bills that are due"));
    }
    Ok(())
}

fn count(tree: &Tree, prefix: &Key) -> Result<u64, JournalError> {
    range(tree, prefix.bytes(), None).try_fold(0, |count, item| item.map(|_| count + 1))
}

//! What has a scheme to itself.
//!
//! Regrouping and purging take several commits, and between these a scheme is in no state to deliver from: rows of one
//! bill are partly here and partly there. So the first commit leaves a mark and the last one takes it away. While it is
//! there, nothing of the scheme is ready or can be claimed, and its scan stands still; a crash leaves the mark, and with it
//! the duty to go on.

use super::JournalError;
use super::key::{Key, Kind};
use super::record::Overhaul;
use super::txn::Read;

pub(super) fn overhaul_key(scheme: &str) -> Key {
    Key::new(Kind::Overhaul).text(scheme)
}

pub(super) fn overhaul(from: &impl Read, scheme: &str) -> Result<Option<Overhaul>, JournalError> {
    from.record(&overhaul_key(scheme))
}

/// Whether anything has the scheme to itself.
pub(super) fn is_under_way(from: &impl Read, scheme: &str) -> Result<bool, JournalError> {
    Ok(from.get(&overhaul_key(scheme))?.is_some())
}

/// `Conflict` if anything has the scheme to itself.
pub(super) fn refuse_during(from: &impl Read, scheme: &str) -> Result<(), JournalError> {
    let what = match overhaul(from, scheme)? {
        None => return Ok(()),
        Some(Overhaul::Regroup(_)) => "being regrouped",
        Some(Overhaul::Purge) => "being purged",
    };
    Err(JournalError::Conflict(format!("scheme `{scheme}` is {what}")))
}

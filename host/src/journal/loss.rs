//! What follows when the store has lost something.
//!
//! What was lost, nobody knows: rows, claims, receipts. So
//!
//! * where it is certain that something was lost, every scheme is scanned again from its `start_from`. Rows that are there
//!   are skipped by their digests. A scan that is under way does not move `last_sync` on;
//! * each scheme is *in doubt*, those too that the store does not know (any more): a bill that was never delivered, as far as
//!   the journal knows, may have been sent all the same, and is looked up at the target before it is created.
//!
//! The doubt ends when a scan that began after the loss is finished and nothing is left to deliver: by then every bill that
//! could have been sent before has been written or found. Or when a person says that there is none.

use serde::{Deserialize, Serialize};
use sled::Tree;

use super::books::counts;
use super::key::{Key, Kind, Parts};
use super::scans::{scheme_key, scheme_record};
use super::txn::{Read, Txn, range};
use super::{JournalError, ScanKind};

/// A scheme since the last loss.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    /// Since which loss.
    loss: u64,
    /// Scans that had been begun by then.
    scans: u64,
    /// It has ended.
    is_over: bool,
}

fn losses_key() -> Key {
    Key::new(Kind::Losses)
}

fn doubt_key(scheme: &str) -> Key {
    Key::new(Kind::Doubt).text(scheme)
}

fn doubt(from: &impl Read, scheme: &str) -> Result<Option<Doubt>, JournalError> {
    let Some(losses) = from.record::<u64>(&losses_key())? else {
        return Ok(None);
    };
    let known = from.record::<Doubt>(&doubt_key(scheme))?.filter(|doubt| doubt.loss == losses);
    // The store does not know the scheme, or did not when it lost something.
    let doubt = known.unwrap_or(Doubt { loss: losses, ..Doubt::default() });
    Ok(Some(doubt).filter(|doubt| !doubt.is_over))
}

/// Whether bills may have been sent of which the journal knows nothing.
pub(super) fn in_doubt(from: &impl Read, scheme: &str) -> Result<bool, JournalError> {
    Ok(doubt(from, scheme)?.is_some())
}

/// Notes that the store has lost something; `certain`: it is more than a presumption.
pub(super) fn note(tree: &Tree, certain: bool) -> Result<(), JournalError> {
    let mut txn = Txn::new(tree);
    let loss = txn.record::<u64>(&losses_key())?.unwrap_or(0) + 1;
    txn.put_record(losses_key(), &loss)?;
    let schemes = Key::new(Kind::Scheme);
    for item in range(tree, schemes.bytes(), None) {
        let scheme = Parts::of(&item?.0).text()?;
        let mut record = scheme_record(tree, &scheme)?;
        txn.put_record(doubt_key(&scheme), &Doubt { loss, scans: record.scans, is_over: false })?;
        if certain {
            record.last_sync = None;
            if let Some(under_way) = record.scan.as_mut().filter(|scan| scan.scan.kind == ScanKind::Scheduled) {
                under_way.scan.kind = ScanKind::Backfill;
            }
            txn.put_record(scheme_key(&scheme), &record)?;
        }
    }
    let batch = txn.into_batch()?.unwrap_or_default();
    tree.apply_batch(batch).and_then(|()| tree.flush()).map_err(|error| JournalError::of_opening(&error))?;
    Ok(())
}

/// Ends a scheme's doubt, if everything since is delivered or a person has `confirmed` that nothing is missing. True if it
/// ended by this.
pub(super) fn end(txn: &mut Txn<'_>, scheme: &str, confirmed: bool) -> Result<bool, JournalError> {
    let Some(doubt) = doubt(txn, scheme)? else {
        return Ok(false);
    };
    let record = scheme_record(txn, scheme)?;
    let counts = counts(txn, scheme)?;
    let is_scanned = record.scans > doubt.scans && record.scan.is_none() && record.last_sync.is_some();
    let is_delivered = counts.waiting + counts.failed + counts.dead + counts.claimed == 0;
    let ends = confirmed || (is_scanned && is_delivered);
    if ends {
        txn.put_record(doubt_key(scheme), &Doubt { is_over: true, ..doubt })?;
    }
    Ok(ends)
}

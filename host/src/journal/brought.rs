//! Rows that the delivery of another scheme brings (what it writes back), and the bills that they change.
//!
//! They are stored by the commit that settles what was delivered. Bills that gain or change a row get a new version at once,
//! also while a scan is under way that has brought rows of them: it seals them once more, which costs an update; to wait for
//! it could take for ever.

use super::books::count;
use super::collection::{Arriving, store_rows};
use super::overhaul;
use super::scans::{make_version, scheme_key, scheme_record};
use super::txn::Txn;
use super::{JournalError, RowsBrought};

/// Stores rows that a delivery brings.
pub(super) fn bring(txn: &mut Txn<'_>, brought: &RowsBrought) -> Result<(), JournalError> {
    let scheme = &brought.scheme;
    overhaul::refuse_during(txn, scheme)?;
    let mut record = scheme_record(txn, scheme)?;
    let arriving = Arriving {
        scheme,
        rows: &brought.rows,
        left_out: brought.left_out,
        on_change: brought.on_change,
        indexes: &brought.indexes,
    };
    let stored = store_rows(txn, &arriving, &mut record.sequence, None)?;
    count(txn, scheme, |counts| {
        counts.rows += stored.counts.rows;
        counts.new += stored.counts.new;
        counts.skipped += stored.counts.skipped;
    })?;
    if brought.makes_bills {
        for bill in &stored.touched {
            make_version(txn, scheme, bill, brought.at_ms, None)?;
        }
    }
    txn.put_record(scheme_key(scheme), &record)
}

//! Rows that come by another way than a page of a scan, and the bills that they change.
//!
//! A delivery of another scheme may bring rows (what it writes back), and stages take refused rows up again. Neither is part
//! of a scan, so bills that gain, lose or change a row get a new version at once. But one of which the scan under way has
//! brought rows may get more of them: it is sealed with the others of that scan.

use std::collections::BTreeSet;

use super::books::count;
use super::collection::{Arriving, store_rows};
use super::groups::{chunk_key, group_prefix};
use super::overhaul;
use super::record::SchemeRecord;
use super::refused::hold_up;
use super::scans::{make_version, note, scheme_key, scheme_record};
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
        renew(txn, scheme, &mut record, &stored.touched, brought.merges, brought.at_ms)?;
    }
    txn.put_record(scheme_key(scheme), &record)
}

/// Makes new versions of bills whose rows have changed beside a scan; says how many. `record` is left to be written.
pub(super) fn renew(
    txn: &mut Txn<'_>,
    scheme: &str,
    record: &mut SchemeRecord,
    touched: &BTreeSet<String>,
    merges: bool,
    as_old_as_ms: i64,
) -> Result<u64, JournalError> {
    let open = record.open_scan().filter(|_| merges).map(|open| (open.scan.id, open.sequence_begun));
    let mut made = 0;
    let mut coming = Vec::new();
    for bill in touched {
        if is_coming(txn, scheme, bill, open)? {
            hold_up(txn, scheme, bill)?;
            coming.push(bill);
        } else {
            made += u64::from(make_version(txn, scheme, bill, as_old_as_ms, None)?);
        }
    }
    if let Some((scan, _)) = open {
        note(txn, scheme, scan, &mut record.sequence, &coming)?;
    }
    Ok(made)
}

/// The open scan has brought rows of this bill, and may bring more.
fn is_coming(txn: &Txn<'_>, scheme: &str, bill: &str, open: Option<(u64, u64)>) -> Result<bool, JournalError> {
    let Some((_, sequence_begun)) = open else {
        return Ok(false);
    };
    let last_before = chunk_key(scheme, bill, sequence_begun);
    let chunks = txn.committed(group_prefix(scheme, bill).bytes(), Some(last_before.bytes()), 1)?;
    Ok(!chunks.is_empty())
}

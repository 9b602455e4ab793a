//! Rows that a stage refused.
//!
//! A refused row is in the collection like any other, but lookups do not find it, and no version of its bill is sent while
//! it is there: one with it would be wrong, one without it too. Two marks tell where refused rows are, one by the row and
//! one by the bill; they are written with the row ([`save_row`]).
//!
//! When the stages have changed, the engine stages refused rows again, and what comes of it takes their place as if it had
//! come instead of them: it stands where they stood, and what came later is newer.

use std::collections::BTreeSet;

use sled::Tree;

use super::bill::RowsNow;
use super::books::change;
use super::collection::{Intake, Origin, row_key, save_row};
use super::groups::{chunk_key, group_prefix, row_in};
use super::key::{Key, Kind, Parts, printable};
use super::overhaul;
use super::record::RowRecord;
use super::scans::{make_version, note, scheme_key, scheme_record};
use super::txn::{Read, Txn, range};
use super::{JournalError, Problem, RefusedRow, RestageSettings, Restaged};

fn refused_prefix(scheme: &str) -> Key {
    Key::new(Kind::Refused).text(scheme)
}

pub(super) fn refused_key(scheme: &str, row: &str) -> Key {
    refused_prefix(scheme).text(row)
}

/// The refused rows of a bill.
pub(super) fn holds_prefix(scheme: &str, bill: &str) -> Key {
    Key::new(Kind::Holds).text(scheme).text(bill)
}

pub(super) fn holds_key(scheme: &str, bill: &str, row: &str) -> Key {
    holds_prefix(scheme, bill).text(row)
}

/// What rows a bill has, this commit included.
pub(super) fn rows_now(txn: &mut Txn<'_>, scheme: &str, bill: &str) -> Result<RowsNow, JournalError> {
    let any = txn.holds_any(group_prefix(scheme, bill).bytes())?;
    Ok(RowsNow { any, refused: if any { refusal(txn, scheme, bill)? } else { None } })
}

/// Why a bill cannot be sent: the problem of the first of its refused rows.
fn refusal(txn: &Txn<'_>, scheme: &str, bill: &str) -> Result<Option<Problem>, JournalError> {
    let prefix = holds_prefix(scheme, bill);
    let Some(key) = txn.first_key(prefix.bytes())? else {
        return Ok(None);
    };
    let id = Parts::behind(prefix.bytes(), &key).text()?;
    let row: Option<RowRecord> = txn.record(&row_key(scheme, &id))?;
    match row.and_then(|row| row.refused) {
        Some(problem) => Ok(Some(problem)),
        None => Err(JournalError::Damaged { key: printable(&key), reason: format!("row `{id}` is not refused") }),
    }
}

/// Holds a pending version up if a refused row has come to its bill, whose next version is not made yet.
pub(super) fn hold_up(txn: &mut Txn<'_>, scheme: &str, bill: &str) -> Result<(), JournalError> {
    let Some(problem) = refusal(txn, scheme, bill)? else {
        return Ok(());
    };
    change(txn, scheme, bill, |bill| {
        bill.refuse(problem);
        Ok(())
    })
}

pub(super) fn refused_rows(
    tree: &Tree,
    scheme: &str,
    limit: usize,
    after: Option<&str>,
) -> Result<Vec<RefusedRow>, JournalError> {
    let prefix = refused_prefix(scheme);
    let after = after.map(|after| refused_key(scheme, after));
    range(tree, prefix.bytes(), after.as_ref().map(Key::bytes))
        .take(limit)
        .map(|item| {
            let (key, _) = item?;
            let id = Parts::behind(prefix.bytes(), &key).text()?;
            let row: Option<RowRecord> = tree.record(&row_key(scheme, &id))?;
            let Some(RowRecord { bill, digest, chunk, refused: Some(problem), .. }) = row else {
                let reason = format!("row `{id}` is not refused");
                return Err(JournalError::Damaged { key: printable(&key), reason });
            };
            let json = row_in(tree, scheme, &bill, chunk, &id)?;
            Ok(RefusedRow { id, bill, digest, json, problem })
        })
        .collect()
}

/// Puts what the stages make of refused rows now in their place.
pub(super) fn restage(
    txn: &mut Txn<'_>,
    scheme: &str,
    rows: &[Restaged],
    how: &RestageSettings,
) -> Result<u64, JournalError> {
    overhaul::refuse_during(txn, scheme)?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut record = scheme_record(txn, scheme)?;
    let mut intake = Intake::begin(txn, scheme, &how.indexes, record.sequence)?;
    let mut still_refused = BTreeSet::new();
    for restaged in rows {
        let known: Option<RowRecord> = txn.record(&row_key(scheme, &restaged.id))?;
        let is_it = |known: &RowRecord| known.refused.is_some() && known.digest == restaged.digest;
        let Some(known) = known.filter(is_it) else {
            continue;
        };
        if let [row] = restaged.becomes.as_slice()
            && row.refused.is_some()
            && (&row.id, &row.digest, &row.bill) == (&restaged.id, &known.digest, &known.bill)
        {
            let after = RowRecord { refused: row.refused.clone(), ..known.clone() };
            save_row(txn, scheme, &row.id, Some(&known), Some(&after))?;
            still_refused.insert(known.bill);
            continue;
        }
        let arrived = intake.remove(txn, &restaged.id, &known)?;
        let origin = Origin { arrived, stored: known.stored };
        for row in &restaged.becomes {
            let other: Option<RowRecord> = txn.record(&row_key(scheme, &row.id))?;
            if other.as_ref().is_none_or(|other| other.stored < origin.stored) {
                intake.put_instead(txn, row, other.as_ref(), &origin)?;
            }
        }
    }
    let touched;
    (record.sequence, touched) = intake.end(txn)?;
    let mut made = 0;
    if how.makes_bills {
        for bill in &still_refused {
            hold_up(txn, scheme, bill)?;
        }
        let open = record.open_scan().filter(|_| how.merges).map(|open| (open.scan.id, open.sequence_begun));
        let mut coming = Vec::new();
        for bill in &touched {
            if is_coming(txn, scheme, bill, open)? {
                hold_up(txn, scheme, bill)?;
                coming.push(bill);
            } else {
                made += u64::from(make_version(txn, scheme, bill, record.scan_begun_ms(), None)?);
            }
        }
        if let Some((scan, _)) = open {
            note(txn, scheme, scan, &mut record.sequence, &coming)?;
        }
    }
    txn.put_record(scheme_key(scheme), &record)?;
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

//! Rows that are given their bills anew.
//!
//! When a scheme's merge key changes, the rows that it has collected lie in the bills of the old key. Until they are moved,
//! the next change of a row would make a bill of part of an order. So all rows are moved before anything else goes on, in
//! four steps of as many commits as it takes:
//!
//! 1. Rows of bills that the scan under way has noted are marked: the notes name bills by the old key.
//! 2. Bill by bill, rows move and are marked. Where a bill that they leave has a pending version, that is superseded, and
//!    whichever bill its rows come to is owed one. A bill that rows come to is owed one, too, if it has a pending version:
//!    somebody may be mapping it without them. A chunk that was made by this step is passed over when its turn comes, so that a
//!    row moves once, even where the new key of one bill is the old key of another.
//! 3. The marks are worked off: the bills that marked rows are in now get versions, or are noted by the scan under way.
//! 4. With the last mark the grouping is recorded.
//!
//! The marks are by row, because a row is what stays the same. After a crash the rows that have moved have moved, and
//! their marks are there; with another grouping than before all rows are moved once more, marks and all.
//!
//! A row that moves counts as stored by the scan under way, which hence does not find it [vanished](super::vanished).

use std::collections::BTreeMap;

use sled::{IVec, Tree};

use super::JournalError;
use super::books::{change, claims_prefix, load};
use super::collection::{row_key, save_row};
use super::groups::{Groups, group_prefix, groups_prefix};
use super::key::{Key, Kind, Parts};
use super::lookups::relocate;
use super::overhaul::{overhaul, overhaul_key};
use super::packed;
use super::record::{Chunk, Overhaul, Owed, Regrouping, RowRecord, decode};
use super::scans::{forming_prefix, make_version, note, scheme_key, scheme_record};
use super::txn::{Read, Txn, range};

/// Rows that one commit moves (a bill's worth more), or whose marks it works off.
const ROWS_PER_COMMIT: usize = 500;

/// Says which bill a row belongs to, from its id and JSON text; `None`: the one that it is in.
pub(super) type BillOf<'f> = &'f (dyn for<'a> Fn(&'a str, &'a [u8]) -> Option<String> + Send + Sync);

fn owed_prefix(scheme: &str) -> Key {
    Key::new(Kind::Owed).text(scheme)
}

fn owed_key(scheme: &str, row: &str) -> Key {
    owed_prefix(scheme).text(row)
}

/// Begins, or goes on after a crash; `None`: there is nothing to do.
pub(super) fn begin(txn: &mut Txn<'_>, scheme: &str, grouping: &str) -> Result<Option<Regrouping>, JournalError> {
    let mut record = scheme_record(txn, scheme)?;
    let conflict = |what: &str| Err(JournalError::Conflict(format!("scheme `{scheme}` {what}")));
    let marked = match overhaul(txn, scheme)? {
        Some(Overhaul::Purge) => return conflict("is being purged"),
        Some(Overhaul::Regroup(under_way)) if under_way.grouping == grouping => return Ok(Some(under_way)),
        Some(Overhaul::Regroup(other)) => other.marked,
        None if record.grouping.as_deref() == Some(grouping) => return Ok(None),
        None => false,
    };
    if txn.holds_any(claims_prefix(scheme).bytes())? {
        return conflict("cannot be regrouped: it has claimed bills");
    }
    if txn.holds_any(groups_prefix(scheme).bytes())? {
        let regrouping = Regrouping { grouping: grouping.to_owned(), sequence_before: record.sequence, marked };
        txn.put_record(overhaul_key(scheme), &Overhaul::Regroup(regrouping.clone()))?;
        return Ok(Some(regrouping));
    }
    record.grouping = Some(grouping.to_owned());
    txn.put_record(scheme_key(scheme), &record)?;
    Ok(None)
}

/// Marks the rows of one more page's notes; says behind which note to go on, `None`: that was the last.
pub(super) fn mark_some(
    txn: &mut Txn<'_>,
    scheme: &str,
    regrouping: &Regrouping,
    after: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, JournalError> {
    let scan = scheme_record(txn, scheme)?.scan.map(|under_way| under_way.scan.id);
    let noted = match scan {
        Some(scan) => txn.committed(forming_prefix(scheme, scan).bytes(), after, 1)?.pop(),
        None => None,
    };
    let Some((key, bills)) = noted else {
        let marked = Regrouping { marked: true, ..regrouping.clone() };
        txn.put_record(overhaul_key(scheme), &Overhaul::Regroup(marked))?;
        return Ok(None);
    };
    for bill in decode::<Vec<String>>(&key, &bills)? {
        for (key, chunk) in txn.committed(group_prefix(scheme, &bill).bytes(), None, usize::MAX)? {
            for row in &decode::<Chunk<'_>>(&key, &chunk)?.rows {
                txn.put_record(owed_key(scheme, &row.id), &Owed { unsealed: true, ..Owed::default() })?;
            }
        }
    }
    Ok(Some(key.to_vec()))
}

/// A bill and its rows that are not yet given their bills anew: their ids and JSON texts.
pub(super) struct Bill {
    pub(super) name: String,
    pub(super) rows: Vec<(String, Vec<u8>)>,
}

/// Bills behind `after`, and where to go on; `None` at the end.
pub(super) fn bills_behind(
    tree: &Tree,
    scheme: &str,
    regrouping: &Regrouping,
    after: Option<&[u8]>,
) -> Result<(Vec<Bill>, Option<Vec<u8>>), JournalError> {
    let prefix = groups_prefix(scheme);
    let mut bills: Vec<Bill> = Vec::new();
    let mut last: Option<IVec> = None;
    // The block that is being read, and its first bill: chunks of a bill are in one block, and others may lie between them.
    let (mut block, mut first) = (Vec::new(), 0);
    let mut rows = 0;
    for item in range(tree, prefix.bytes(), after) {
        let (key, bytes) = item?;
        let begins = packed::place(&key).map(|place| place.block().to_vec()).unwrap_or_default();
        if begins != block {
            if rows >= ROWS_PER_COMMIT {
                break;
            }
            (block, first) = (begins, bills.len());
        }
        let mut parts = Parts::behind(prefix.bytes(), &key);
        let name = parts.text()?;
        let known = bills.iter().skip(first).position(|bill| bill.name == name);
        if known.is_none() {
            bills.push(Bill { name, rows: Vec::new() });
        }
        let bill = known.map_or(bills.len() - 1, |place| first + place);
        if parts.number()? <= regrouping.sequence_before
            && let Some(bill) = bills.get_mut(bill)
        {
            let chunk: Chunk<'_> = decode(&key, &bytes)?;
            rows += chunk.rows.len();
            bill.rows.extend(chunk.rows.into_iter().map(|row| (row.id.into_owned(), row.json.into_owned())));
        }
        last = Some(key);
    }
    Ok((bills, last.map(|key| key.to_vec())))
}

/// A bill that rows leave: all its rows, and which bill each of them belongs to.
pub(super) struct Left {
    pub(super) bill: String,
    pub(super) rows: Vec<(String, String)>,
}

impl Left {
    /// `None`: no row leaves it.
    pub(super) fn of(bill: Bill, bill_of: BillOf<'_>) -> Option<Self> {
        let rows: Vec<(String, String)> = bill
            .rows
            .into_iter()
            .map(|(id, json)| {
                let to = bill_of(&id, &json).unwrap_or_else(|| bill.name.clone());
                (id, to)
            })
            .collect();
        rows.iter().any(|(_, to)| *to != bill.name).then_some(Self { bill: bill.name, rows })
    }
}

/// Moves rows to their bills.
pub(super) fn move_some(txn: &mut Txn<'_>, scheme: &str, left: &[Left]) -> Result<(), JournalError> {
    let mut record = scheme_record(txn, scheme)?;
    let mut groups = Groups::of(scheme);
    for Left { bill, rows } in left {
        let was_unsent = change(txn, scheme, bill, |bill| {
            let pending = bill.pending.is_some();
            bill.withdraw();
            Ok(pending)
        })?;
        for (id, to) in rows {
            let Some(known) = txn.record::<RowRecord>(&row_key(scheme, id))? else {
                continue;
            };
            let owed: Owed = txn.record(&owed_key(scheme, id))?.unwrap_or_default();
            let moved = to != bill;
            let now = Owed { unsent: owed.unsent || was_unsent, moved: owed.moved || moved, ..owed };
            if now != owed {
                txn.put_record(owed_key(scheme, id), &now)?;
            }
            if moved {
                record.sequence += 1;
                let grouped = groups.take(txn, &known, id)?;
                let chunk = groups.add(to, grouped, record.sequence);
                let after = RowRecord { bill: to.clone(), chunk, ..known.clone() };
                save_row(txn, scheme, id, Some(&known), Some(&after))?;
                relocate(txn, scheme, &after, id)?;
            }
        }
    }
    groups.write(txn)?;
    txn.put_record(scheme_key(scheme), &record)
}

/// Works some of the marks off; says how many versions of bills that made, and whether the rows are regrouped now.
pub(super) fn make_some(
    txn: &mut Txn<'_>,
    scheme: &str,
    regrouping: &Regrouping,
    merges: bool,
) -> Result<(u64, bool), JournalError> {
    let prefix = owed_prefix(scheme);
    let marks = txn.committed(prefix.bytes(), None, ROWS_PER_COMMIT)?;
    let mut bills: BTreeMap<String, Owed> = BTreeMap::new();
    for (key, _) in &marks {
        let id = Parts::behind(prefix.bytes(), key).text()?;
        match txn.record::<RowRecord>(&row_key(scheme, &id))? {
            Some(row) if !bills.contains_key(&row.bill) => {
                let owed = work_off(txn, scheme, &row.bill)?;
                bills.insert(row.bill, owed);
            }
            Some(_) => {}
            None => txn.remove_bytes(key.clone()),
        }
    }
    let mut record = scheme_record(txn, scheme)?;
    let open = record.open_scan().filter(|_| merges).map(|open| open.scan.id);
    let (mut made, mut unsealed) = (0, Vec::new());
    for (bill, owed) in &bills {
        let was_ready = load(txn, scheme, bill)?.bill.pending.is_some();
        if owed.unsent || (owed.moved && was_ready) || (owed.unsealed && open.is_none()) {
            made += u64::from(make_version(txn, scheme, bill, record.scan_begun_ms(), None)?);
        }
        if owed.unsealed {
            unsealed.push(bill);
        }
    }
    if let Some(scan) = open {
        note(txn, scheme, scan, &mut record.sequence, &unsealed)?;
    }
    let done = marks.len() < ROWS_PER_COMMIT;
    if done {
        record.grouping = Some(regrouping.grouping.clone());
        txn.remove(overhaul_key(scheme));
    }
    txn.put_record(scheme_key(scheme), &record)?;
    Ok((made, done))
}

/// Takes the marks of all rows of a bill away; says what the bill is owed for them.
fn work_off(txn: &mut Txn<'_>, scheme: &str, bill: &str) -> Result<Owed, JournalError> {
    let mut all = Owed::default();
    for (key, chunk) in txn.committed(group_prefix(scheme, bill).bytes(), None, usize::MAX)? {
        for row in &decode::<Chunk<'_>>(&key, &chunk)?.rows {
            if let Some(owed) = txn.record::<Owed>(&owed_key(scheme, &row.id))? {
                all.unsent |= owed.unsent;
                all.moved |= owed.moved;
                // Where it stays, its bill is noted already.
                all.unsealed |= owed.unsealed && owed.moved;
                txn.remove(owed_key(scheme, &row.id));
            }
        }
    }
    Ok(all)
}

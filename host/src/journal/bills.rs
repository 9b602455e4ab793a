//! What the engine asks about bills, and what it does to them.

use sled::Tree;

use super::bill::{Bill, RowsNow};
use super::books::{bill_key, change, claim_key, claims_prefix, dead_prefix, load, look_up_prefix, ready_prefix};
use super::key::{Key, Kind, Parts, printable};
use super::loss;
use super::overhaul;
use super::record::{BillRecord, Standing, decode};
use super::refused::rows_now;
use super::scans::scheme_record;
use super::txn::{Read, Txn, range};
use super::{
    BillLine, BillVersion, ClaimToMake, ClaimedBill, JournalError, Problem, ReadyBill, SetAside, Settled, Status,
};

/// Dead bills that one step of reviving reads.
const DEAD_PER_COMMIT: usize = 500;

pub(super) fn ready(
    tree: &Tree,
    scheme: &str,
    now_ms: i64,
    limit: usize,
    skip: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
) -> Result<Vec<ReadyBill>, JournalError> {
    let prefix = ready_prefix(scheme);
    if overhaul::is_under_way(tree, scheme)? {
        return Ok(Vec::new());
    }
    let mut ready: Vec<(i64, ReadyBill)> = Vec::new();
    let in_doubt = loss::in_doubt(tree, scheme)?;
    for item in range(tree, prefix.bytes(), None) {
        if ready.len() >= limit {
            break;
        }
        let (key, _) = item?;
        let mut parts = Parts::behind(prefix.bytes(), &key);
        let due_ms = parts.time()?;
        if due_ms > now_ms {
            break;
        }
        let bill = parts.text()?;
        if skip(&bill) {
            continue;
        }
        // Its claim, if it ever had one, is settled, or it would not be in this index.
        let record: BillRecord = tree.record(&bill_key(scheme, &bill))?.unwrap_or_default();
        let Some(pending) = record.pending else {
            return Err(JournalError::Damaged { key: printable(&key), reason: "the bill is not pending".into() });
        };
        let bill = ReadyBill {
            version: BillVersion { scheme: scheme.into(), bill, version: record.version },
            attempts: pending.attempts,
            first_attempt_ms: pending.first_attempt_ms,
            scan_begun_ms: pending.scan_begun_ms,
            delivered: record.delivered.map(|delivered| delivered.receipt),
            resume: pending.resume,
            in_doubt,
        };
        ready.push((due_ms, bill));
    }
    // Those of one time come in the order of their packs.
    ready.sort_by(|(due, bill), (other_due, other)| (due, &bill.version.bill).cmp(&(other_due, &other.version.bill)));
    Ok(ready.into_iter().map(|(_, bill)| bill).collect())
}

pub(super) fn next_due(tree: &Tree, scheme: &str) -> Result<Option<i64>, JournalError> {
    let mut next: Option<i64> = None;
    if overhaul::is_under_way(tree, scheme)? {
        return Ok(next);
    }
    for prefix in [ready_prefix(scheme), look_up_prefix(scheme)] {
        if let Some(first) = range(tree, prefix.bytes(), None).next() {
            let due_ms = Parts::behind(prefix.bytes(), &first?.0).time()?;
            next = Some(next.map_or(due_ms, |next| next.min(due_ms)));
        }
    }
    Ok(next)
}

pub(super) fn claim(
    txn: &mut Txn<'_>,
    claims: Vec<ClaimToMake>,
    now_ms: i64,
) -> Result<Vec<ClaimedBill>, JournalError> {
    let mut claimed = Vec::with_capacity(claims.len());
    for claim in claims {
        let (scheme, bill) = (claim.version.scheme.clone(), claim.version.bill.clone());
        if overhaul::is_under_way(txn, &scheme)? {
            continue;
        }
        claimed.extend(change(txn, &scheme, &bill, |bill| Ok(bill.claim(claim, now_ms)))?);
    }
    Ok(claimed)
}

pub(super) fn settle(txn: &mut Txn<'_>, outcomes: Vec<(BillVersion, Settled)>) -> Result<(), JournalError> {
    for (version, settled) in outcomes {
        let rows = match settled {
            Settled::Failed { .. } | Settled::Dead { .. } => rows_now(txn, &version.scheme, &version.bill)?,
            Settled::Done(_) | Settled::Uncertain { .. } => RowsNow::default(),
        };
        change(txn, &version.scheme, &version.bill, |bill| bill.settle(&version, settled, rows))?;
    }
    Ok(())
}

pub(super) fn set_aside(txn: &mut Txn<'_>, bills: Vec<(BillVersion, SetAside)>) -> Result<(), JournalError> {
    for (version, aside) in bills {
        let completed_ms = match &aside {
            SetAside::Blocked { collection, .. } => scheme_record(txn, collection)?.last_finished_scan_begun_ms,
            _ => None,
        };
        change(txn, &version.scheme, &version.bill, |bill| {
            bill.set_aside(version.version, aside, completed_ms);
            Ok(())
        })?;
    }
    Ok(())
}

pub(super) fn claimed(tree: &Tree, scheme: &str) -> Result<Vec<ClaimedBill>, JournalError> {
    let prefix = claims_prefix(scheme);
    let mut claimed = range(tree, prefix.bytes(), None)
        .map(|item| {
            let (key, bytes) = item?;
            with_receipt(tree, decode(&key, &bytes)?)
        })
        .collect::<Result<Vec<_>, JournalError>>()?;
    claimed.sort_by(|claim, other| claim.version.bill.cmp(&other.version.bill));
    Ok(claimed)
}

pub(super) fn uncertain(tree: &Tree, scheme: &str, until_ms: i64) -> Result<Vec<ClaimedBill>, JournalError> {
    let prefix = look_up_prefix(scheme);
    let mut uncertain = Vec::new();
    for item in range(tree, prefix.bytes(), None) {
        let (key, _) = item?;
        let mut parts = Parts::behind(prefix.bytes(), &key);
        if parts.time()? > until_ms {
            break;
        }
        let claim = tree
            .record(&claim_key(scheme, &parts.text()?))?
            .ok_or_else(|| JournalError::Damaged { key: printable(&key), reason: "the bill is not claimed".into() })?;
        uncertain.push(with_receipt(tree, claim)?);
    }
    Ok(uncertain)
}

/// A claim with the receipt of what was delivered before it, which the bill has.
fn with_receipt(tree: &Tree, claim: ClaimedBill) -> Result<ClaimedBill, JournalError> {
    let bill = load(tree, &claim.version.scheme, &claim.version.bill)?.bill;
    Ok(ClaimedBill { delivered: bill.delivered.map(|delivered| delivered.receipt), ..claim })
}

pub(super) fn bills(
    tree: &Tree,
    scheme: &str,
    status: Status,
    limit: usize,
    after: Option<&str>,
) -> Result<Vec<BillLine>, JournalError> {
    let prefix = match status {
        Status::Claimed => claims_prefix(scheme),
        Status::Dead => dead_prefix(scheme),
        Status::Waiting | Status::Done | Status::Failed => Key::new(Kind::Bill).text(scheme),
    };
    let after = after.map(|after| prefix.clone().text(after).into_bytes());
    let mut lines = Vec::new();
    for item in range(tree, prefix.bytes(), after.as_deref()) {
        if lines.len() >= limit {
            break;
        }
        let name = Parts::behind(prefix.bytes(), &item?.0).text()?;
        let bill = load(tree, scheme, &name)?.bill;
        lines.extend(line(scheme, name, bill, status));
    }
    Ok(lines)
}

/// The bill's version of this status, if it has one.
fn line(scheme: &str, name: String, bill: Bill, status: Status) -> Option<BillLine> {
    let delivered_version = bill.delivered.as_ref().map(|delivered| delivered.version);
    let delivered = bill.delivered.map(|delivered| delivered.receipt);
    let version = |version| BillVersion { scheme: scheme.into(), bill: name, version };
    match status {
        Status::Claimed => bill.claim.map(|claim| BillLine {
            version: claim.version,
            status,
            attempts: claim.attempts,
            due_ms: claim.look_up_due_ms,
            problem: claim.problem,
            delivered,
        }),
        Status::Done if bill.pending.is_some() || bill.claim.is_some() => None,
        Status::Done => delivered_version.map(|done| BillLine {
            version: version(done),
            status,
            attempts: 0,
            due_ms: None,
            problem: None,
            delivered,
        }),
        Status::Waiting | Status::Failed | Status::Dead => {
            let pending = bill.pending.filter(|pending| pending.standing.status() == status)?;
            Some(BillLine {
                version: version(bill.version),
                status,
                attempts: pending.attempts,
                due_ms: pending.standing.due_ms(),
                problem: pending.problem,
                delivered,
            })
        }
    }
}

/// A dead bill, and what it died of.
pub(super) type Dead = (String, Problem);

/// Dead bills of a scheme that depend on something, behind `after`, and where to go on; `None` at the end.
pub(super) fn dead_behind(
    tree: &Tree,
    scheme: &str,
    after: Option<&[u8]>,
) -> Result<(Vec<Dead>, Option<Vec<u8>>), JournalError> {
    let prefix = dead_prefix(scheme);
    let mut dead = Vec::new();
    let mut last = None;
    for item in range(tree, prefix.bytes(), after).take(DEAD_PER_COMMIT) {
        let (key, _) = item?;
        let bill = Parts::behind(prefix.bytes(), &key).text()?;
        let pending = load(tree, scheme, &bill)?.bill.pending;
        let problem = pending.filter(|pending| pending.standing == Standing::Dead).and_then(|pending| pending.problem);
        dead.extend(problem.filter(|problem| !problem.depends_on.is_empty()).map(|problem| (bill, problem)));
        last = Some(key.to_vec());
    }
    Ok((dead, last))
}

/// Makes bills due that are still dead of the same; says how many.
pub(super) fn revive(txn: &mut Txn<'_>, scheme: &str, dead: &[Dead], now_ms: i64) -> Result<u64, JournalError> {
    let mut revived = 0;
    for (bill, problem) in dead {
        revived += u64::from(change(txn, scheme, bill, |bill| Ok(bill.revive(problem, now_ms)))?);
    }
    Ok(revived)
}

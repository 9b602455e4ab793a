//! Scans: pages in, bills out.
//!
//! A page is one commit. Where rows are merged, the page also leaves a note of the bills it touched; when every page is
//! there (and what has [vanished](super::vanished) is gone), the notes are worked off a few at a time, so that sealing a
//! scan of a million rows needs no more memory than one of a thousand. The commit that works off the last of them moves the
//! scheme's window. Only then, again a few at a time, are the bills released that waited for this collection: released
//! earlier, they would look, find nothing, and wait again.
//!
//! A refused row has to work at once: the version of its bill that is pending would else be sent before the scan is
//! finished, without the row or with it.
//!
//! Each of these commits leaves the scan in a state from which the next call goes on.

use super::books::{blocked_prefix, change, count};
use super::collection::{Arriving, store_rows};
use super::key::{Key, Kind, Parts};
use super::overhaul;
use super::record::{ScanRecord, SchemeRecord, decode};
use super::refused::{hold_up, rows_now};
use super::txn::{Read, Txn};
use super::vanished::{PageSeen, forget_some};
use super::{Backfill, JournalError, NewBackfill, NewScan, PageRef, PageStored, PageToStore, Scan, ScanKind, Trail};

/// Bills that one commit seals or releases (a page's worth more, if the last note is long).
const BILLS_PER_COMMIT: usize = 500;

pub(super) fn scheme_key(scheme: &str) -> Key {
    Key::new(Kind::Scheme).text(scheme)
}

pub(super) fn forming_prefix(scheme: &str, scan: u64) -> Key {
    Key::new(Kind::Forming).text(scheme).number(scan)
}

pub(super) fn scheme_record(from: &impl Read, scheme: &str) -> Result<SchemeRecord, JournalError> {
    Ok(from.record(&scheme_key(scheme))?.unwrap_or_default())
}

/// The scheme with the scan that is under way, if that is `scan` and may go on.
fn under_way(from: &impl Read, scheme: &str, scan: u64) -> Result<(SchemeRecord, ScanRecord), JournalError> {
    overhaul::refuse_during(from, scheme)?;
    let mut record = scheme_record(from, scheme)?;
    match record.scan.take_if(|record| record.scan.id == scan) {
        Some(under_way) => Ok((record, under_way)),
        None => Err(JournalError::Conflict(format!("scan {scan} of scheme `{scheme}` is not under way"))),
    }
}

/// The same, when every page is stored.
pub(super) fn to_finish(from: &impl Read, scheme: &str, scan: u64) -> Result<(SchemeRecord, ScanRecord), JournalError> {
    let (record, under_way) = under_way(from, scheme, scan)?;
    match under_way.scan.open_pages.len() {
        0 => Ok((record, under_way)),
        open => Err(JournalError::Conflict(format!("scan {scan} of scheme `{scheme}` has {open} pages to store"))),
    }
}

pub(super) fn begin(txn: &mut Txn<'_>, scheme: &str, new: NewScan) -> Result<Scan, JournalError> {
    overhaul::refuse_during(txn, scheme)?;
    let mut record = scheme_record(txn, scheme)?;
    if let Some(other) = &record.scan {
        return Err(JournalError::Conflict(format!("scan {} of scheme `{scheme}` is under way", other.scan.id)));
    }
    record.scans += 1;
    let scan = Scan {
        id: record.scans,
        kind: new.kind,
        window_start: new.window_start,
        window_end: new.window_end,
        begun_ms: new.begun_ms,
        source_digest: new.source_digest,
        known_pages: [new.first_page.index].into_iter().collect(),
        open_pages: vec![new.first_page],
        pages_stored: 0,
        rows: 0,
        trail: Trail::default(),
        given_up: None,
    };
    record.scan = Some(ScanRecord {
        scan: scan.clone(),
        complete: true,
        run: 0,
        sequence_before: record.sequence,
        sequence_begun: record.sequence,
        finished: false,
        bills: 0,
    });
    txn.put_record(scheme_key(scheme), &record)?;
    Ok(scan)
}

pub(super) fn plan_backfill(txn: &mut Txn<'_>, scheme: &str, new: NewBackfill) -> Result<(), JournalError> {
    overhaul::refuse_during(txn, scheme)?;
    let mut record = scheme_record(txn, scheme)?;
    if let Some(open) = record.backfill.as_ref().filter(|backfill| backfill.is_open()) {
        return if (open.start, open.end) == (new.start, new.end) {
            Ok(())
        } else {
            Err(JournalError::Conflict(format!("another backfill of scheme `{scheme}` is not over yet")))
        };
    }
    record.backfill = Some(Backfill::begin(new));
    txn.put_record(scheme_key(scheme), &record)
}

pub(super) fn restart(
    txn: &mut Txn<'_>,
    scheme: &str,
    scan: u64,
    first_page: PageRef,
    source_digest: String,
) -> Result<Scan, JournalError> {
    let (mut record, mut under_way) = under_way(txn, scheme, scan)?;
    if !under_way.scan.open_pages.is_empty() {
        under_way.scan = Scan {
            source_digest,
            known_pages: [first_page.index].into_iter().collect(),
            open_pages: vec![first_page],
            pages_stored: 0,
            rows: 0,
            trail: Trail::default(),
            ..under_way.scan
        };
        under_way.complete = true;
        under_way.run += 1;
        under_way.sequence_before = record.sequence;
    }
    let scan = under_way.scan.clone();
    record.scan = Some(under_way);
    txn.put_record(scheme_key(scheme), &record)?;
    Ok(scan)
}

pub(super) fn give_up_pages(txn: &mut Txn<'_>, scheme: &str, scan: u64, reason: String) -> Result<(), JournalError> {
    let (mut record, mut under_way) = under_way(txn, scheme, scan)?;
    give_up(&mut under_way, reason);
    record.scan = Some(under_way);
    txn.put_record(scheme_key(scheme), &record)
}

/// Forgets the pages that are still to be stored; what a scan does not have proves nothing then.
fn give_up(under_way: &mut ScanRecord, reason: String) {
    under_way.scan.open_pages.clear();
    under_way.scan.given_up = Some(reason);
    under_way.complete = false;
}

pub(super) fn store_page(txn: &mut Txn<'_>, page: &PageToStore) -> Result<PageStored, JournalError> {
    let (mut record, mut under_way) = under_way(txn, &page.scheme, page.scan)?;
    let scan = &mut under_way.scan;
    if !scan.known_pages.contains(page.page.index) {
        return Err(JournalError::Conflict(format!(
            "scan {} of scheme `{}` knows no page {}",
            page.scan, page.scheme, page.page.index
        )));
    }
    let Some(open) = scan.open_pages.iter().position(|open| open.index == page.page.index) else {
        return Ok(PageStored::default());
    };
    scan.open_pages.remove(open);
    for next in &page.next {
        if scan.known_pages.insert(next.index) {
            scan.open_pages.push(next.clone());
        }
    }
    scan.trail = page.trail.clone();
    if let Some(reason) = &page.give_up {
        give_up(&mut under_way, reason.clone());
    }

    under_way.complete &= page.complete_bills && page.makes_bills && page.merges;
    let mut seen = under_way.complete.then(|| PageSeen::new(under_way.sequence_before));
    let stored = store_rows(txn, &Arriving::from(page), &mut record.sequence, seen.as_mut())?;
    if let Some(seen) = seen {
        seen.write(txn, page, under_way.run)?;
    }
    under_way.scan.pages_stored += 1;
    under_way.scan.rows += stored.counts.rows;
    if let Some(backfill) = record.backfill.as_mut().filter(|_| under_way.scan.kind == ScanKind::Backfill) {
        backfill.rows += stored.counts.rows;
        backfill.new += stored.counts.new;
        backfill.skipped += stored.counts.skipped;
    }
    count(txn, &page.scheme, |counts| {
        counts.rows += stored.counts.rows;
        counts.new += stored.counts.new;
        counts.skipped += stored.counts.skipped;
    })?;

    if page.makes_bills && page.merges {
        let touched: Vec<&String> = stored.touched.iter().collect();
        note(txn, &page.scheme, page.scan, &mut record.sequence, &touched)?;
        for bill in touched {
            hold_up(txn, &page.scheme, bill)?;
        }
    } else if page.makes_bills {
        for bill in &stored.touched {
            under_way.bills += u64::from(make_version(txn, &page.scheme, bill, under_way.scan.begun_ms, None)?);
        }
    }
    record.scan = Some(under_way);
    txn.put_record(scheme_key(&page.scheme), &record)?;
    Ok(stored.counts)
}

/// Notes bills that are to be sealed when the scan is finished.
pub(super) fn note(
    txn: &mut Txn<'_>,
    scheme: &str,
    scan: u64,
    sequence: &mut u64,
    bills: &[&String],
) -> Result<(), JournalError> {
    if bills.is_empty() {
        return Ok(());
    }
    *sequence += 1;
    txn.put_record(forming_prefix(scheme, scan).number(*sequence), &bills)
}

/// Makes a new version of a bill whose rows have changed; false if it has none left. With `seal`, only once per scan.
pub(super) fn make_version(
    txn: &mut Txn<'_>,
    scheme: &str,
    bill: &str,
    scan_begun_ms: i64,
    seal: Option<u64>,
) -> Result<bool, JournalError> {
    let rows = rows_now(txn, scheme, bill)?;
    change(txn, scheme, bill, |bill| {
        if seal == Some(bill.sealed_in) {
            return Ok(false);
        }
        if !rows.any {
            bill.withdraw();
            return Ok(false);
        }
        bill.renew(scan_begun_ms);
        bill.sealed_in = seal.unwrap_or(bill.sealed_in);
        if let Some(problem) = rows.refused {
            bill.refuse(problem);
        }
        Ok(true)
    })
}

/// What one commit of finishing a scan came to.
pub(super) enum Finishing {
    /// There are more bills to seal.
    Sealing,
    /// The window has moved on; there are bills to release, behind this key.
    Releasing(Option<Vec<u8>>),
    /// The scan is over; it made so many versions.
    Over(u64),
}

/// Makes the next commit of finishing a scan, when all that has vanished is gone. `after`: where the commit before it stopped releasing.
pub(super) fn finish_some(
    txn: &mut Txn<'_>,
    scheme: &str,
    scan: u64,
    after: Option<&[u8]>,
) -> Result<Finishing, JournalError> {
    let (mut record, mut under_way) = to_finish(txn, scheme, scan)?;
    under_way.complete = false;
    let finishing = if under_way.finished {
        match release_some(txn, scheme, after)? {
            Some(last) => return Ok(Finishing::Releasing(Some(last))),
            None => Finishing::Over(under_way.bills),
        }
    } else if forget_some(txn, scheme, scan)? && seal_some(txn, scheme, &mut under_way)? {
        under_way.finished = true;
        let is_whole = under_way.scan.given_up.is_none();
        if is_whole && under_way.scan.kind == ScanKind::Scheduled {
            record.last_finished_scan_begun_ms = Some(under_way.scan.begun_ms);
            record.last_sync = Some(under_way.scan.window_end);
        }
        if let Some(backfill) = record.backfill.as_mut().filter(|_| under_way.scan.kind == ScanKind::Backfill) {
            backfill.bills += under_way.bills;
            if is_whole {
                backfill.scanned(under_way.scan.window_start, under_way.scan.window_end);
            }
            backfill.given_up.clone_from(&under_way.scan.given_up);
        }
        if txn.holds_any(blocked_prefix(scheme).bytes())? {
            Finishing::Releasing(None)
        } else {
            Finishing::Over(under_way.bills)
        }
    } else {
        Finishing::Sealing
    };
    if !matches!(finishing, Finishing::Over(_)) {
        record.scan = Some(under_way);
    }
    txn.put_record(scheme_key(scheme), &record)?;
    Ok(finishing)
}

/// Works off some of the notes; true if they were the last.
fn seal_some(txn: &mut Txn<'_>, scheme: &str, under_way: &mut ScanRecord) -> Result<bool, JournalError> {
    let scan = under_way.scan.id;
    let prefix = forming_prefix(scheme, scan);
    let mut bills = 0;
    let mut after: Option<Vec<u8>> = None;
    while bills < BILLS_PER_COMMIT {
        let Some((key, note)) = txn.committed(prefix.bytes(), after.as_deref(), 1)?.pop() else {
            return Ok(true);
        };
        let names: Vec<String> = decode(&key, &note)?;
        for name in &names {
            under_way.bills += u64::from(make_version(txn, scheme, name, under_way.scan.begun_ms, Some(scan))?);
        }
        bills += names.len();
        after = Some(key.to_vec());
        txn.remove_bytes(key);
    }
    Ok(false)
}

/// Releases some of the bills that wait for a collection; `None` if there are no more.
pub(super) fn release_some(
    txn: &mut Txn<'_>,
    collection: &str,
    after: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, JournalError> {
    let prefix = blocked_prefix(collection);
    let waiting = txn.committed(prefix.bytes(), after, BILLS_PER_COMMIT)?;
    for (key, _) in &waiting {
        let mut parts = Parts::behind(prefix.bytes(), key);
        let (scheme, bill) = (parts.text()?, parts.text()?);
        change(txn, &scheme, &bill, |bill| {
            bill.release();
            Ok(())
        })?;
    }
    Ok(waiting.last().map(|(key, _)| key.to_vec()))
}

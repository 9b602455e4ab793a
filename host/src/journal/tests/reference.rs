//! The journal's rules over again, as plainly as they can be said: every version of a bill is kept with what became of it,
//! and everything else is counted and searched for.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting { due_ms: i64 },
    Blocked { collection: String },
    Failed { due_ms: i64 },
    Dead,
    Claimed { look_up_due_ms: Option<i64>, uncertain_since_ms: Option<i64> },
    Done { number: Option<String> },
    Superseded,
}

#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) fate: Fate,
    pub(super) attempts: u32,
    pub(super) first_attempt_ms: Option<i64>,
    pub(super) scan_begun_ms: i64,
}

#[derive(Clone, Debug)]
struct Row {
    content: u8,
    bill: String,
    arrived: usize,
    stored: usize,
}

#[derive(Clone, Debug)]
struct OpenScan {
    id: u64,
    begun_ms: i64,
    window_end: i64,
    open: BTreeSet<u32>,
    known: BTreeSet<u32>,
    touched: BTreeSet<String>,
    bills: u64,
    complete: bool,
    returned_bills: BTreeSet<String>,
    returned_rows: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Scheme {
    pub(super) last_sync: Option<i64>,
    pub(super) last_finished_scan_begun_ms: Option<i64>,
    scan: Option<OpenScan>,
    scans: u64,
    rows_read: u64,
    rows_new: u64,
    rows: BTreeMap<String, Row>,
    clock: usize,
    pub(super) bills: BTreeMap<String, Vec<Version>>,
    pub(super) index_is_complete: bool,
}

impl Version {
    fn is_pending(&self) -> bool {
        matches!(self.fate, Fate::Waiting { .. } | Fate::Blocked { .. } | Fate::Failed { .. } | Fate::Dead)
    }

    fn is_claimed(&self) -> bool {
        matches!(self.fate, Fate::Claimed { .. })
    }

    fn due_ms(&self) -> Option<i64> {
        match self.fate {
            Fate::Waiting { due_ms } | Fate::Failed { due_ms } => Some(due_ms),
            _ => None,
        }
    }
}

impl Scheme {
    pub(super) fn open_pages(&self) -> Option<(u64, Vec<u32>)> {
        self.scan.as_ref().map(|scan| (scan.id, scan.open.iter().copied().collect()))
    }

    pub(super) fn begin(&mut self, begun_ms: i64, window_end: i64) -> bool {
        if self.scan.is_some() {
            return false;
        }
        self.scans += 1;
        let first = BTreeSet::from([0]);
        self.scan = Some(OpenScan {
            id: self.scans,
            begun_ms,
            window_end,
            open: first.clone(),
            known: first,
            touched: BTreeSet::new(),
            bills: 0,
            complete: true,
            returned_bills: BTreeSet::new(),
            returned_rows: BTreeSet::new(),
        });
        true
    }

    /// `rows`: id, bill, content.
    pub(super) fn page(&mut self, page: &PageToStore, rows: &[(String, String, u8)]) -> Option<PageStored> {
        let scan = self.scan.as_mut()?;
        if scan.id != page.scan || !scan.known.contains(&page.page.index) {
            return None;
        }
        let mut stored = PageStored::default();
        if !scan.open.remove(&page.page.index) {
            return Some(stored);
        }
        for next in &page.next {
            if scan.known.insert(next.index) {
                scan.open.insert(next.index);
            }
        }
        scan.complete &= page.complete_bills && page.makes_bills && page.merges;
        let mut touched = BTreeSet::new();
        for (id, bill, content) in rows {
            stored.rows += 1;
            scan.returned_bills.insert(bill.clone());
            scan.returned_rows.insert(id.clone());
            let known = self.rows.get(id).cloned();
            let changed = known.as_ref().is_none_or(|known| known.content != *content);
            if !changed || (known.is_some() && page.on_change == OnChange::Skip) {
                stored.skipped += 1;
                continue;
            }
            stored.new += 1;
            self.clock += 1;
            touched.extend(known.as_ref().map(|known| known.bill.clone()));
            touched.insert(bill.clone());
            let arrived = known.map_or(self.clock, |known| known.arrived);
            let row = Row { content: *content, bill: bill.clone(), arrived, stored: self.clock };
            self.rows.insert(id.clone(), row);
        }
        self.rows_read += stored.rows;
        self.rows_new += stored.new;
        if stored.new > 0 && page.indexes.is_empty() {
            self.index_is_complete = false;
        }
        let begun_ms = scan.begun_ms;
        if page.makes_bills && page.merges {
            scan.touched.extend(touched);
        } else if page.makes_bills {
            let made = touched.iter().filter(|bill| self.make(bill, begun_ms)).count() as u64;
            self.scan.as_mut()?.bills += made;
        }
        Some(stored)
    }

    fn make(&mut self, bill: &str, scan_begun_ms: i64) -> bool {
        let has_rows = self.rows.values().any(|row| row.bill == bill);
        let versions = self.bills.entry(bill.to_owned()).or_default();
        for version in versions.iter_mut().filter(|version| version.is_pending()) {
            version.fate = Fate::Superseded;
        }
        if has_rows {
            let fate = Fate::Waiting { due_ms: scan_begun_ms };
            versions.push(Version { fate, attempts: 0, first_attempt_ms: None, scan_begun_ms });
        }
        has_rows
    }

    pub(super) fn finish(&mut self) -> Option<u64> {
        let mut scan = self.scan.take_if(|scan| scan.open.is_empty())?;
        if scan.complete {
            let gone = |id: &String, row: &mut Row| {
                scan.returned_bills.contains(&row.bill) && !scan.returned_rows.contains(id)
            };
            let gone: Vec<_> = self.rows.extract_if(.., gone).collect();
            scan.touched.extend(gone.into_iter().map(|(_, row)| row.bill));
        }
        let made = scan.touched.iter().filter(|bill| self.make(bill, scan.begun_ms)).count() as u64;
        self.last_sync = Some(scan.window_end);
        self.last_finished_scan_begun_ms = Some(scan.begun_ms);
        Some(scan.bills + made)
    }

    /// What waited for `collection` is due.
    pub(super) fn release(&mut self, collection: &str) {
        for version in self.bills.values_mut().flatten() {
            if matches!(&version.fate, Fate::Blocked { collection: other } if other == collection) {
                version.fate = Fate::Waiting { due_ms: version.scan_begun_ms };
            }
        }
    }

    fn nth(&mut self, bill: &str, number: u32) -> Option<&mut Version> {
        self.bills.get_mut(bill)?.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn has_claim(&self, bill: &str) -> bool {
        self.bills.get(bill).is_some_and(|versions| versions.iter().any(Version::is_claimed))
    }

    pub(super) fn claimed_version(&self, bill: &str) -> Option<u32> {
        self.claimed().into_iter().find(|(other, ..)| other == bill).map(|(_, number, ..)| number)
    }

    pub(super) fn claim(&mut self, bill: &str, number: u32, now_ms: i64) -> bool {
        let has_claim = self.has_claim(bill);
        let Some(version) = self.nth(bill, number) else {
            return false;
        };
        if has_claim || version.due_ms().is_none() {
            return false;
        }
        version.fate = Fate::Claimed { look_up_due_ms: None, uncertain_since_ms: None };
        version.attempts += 1;
        version.first_attempt_ms.get_or_insert(now_ms);
        true
    }

    pub(super) fn settle(&mut self, bill: &str, number: u32, settled: &Settled) -> bool {
        let is_latest = self.bills.get(bill).is_some_and(|versions| versions.len() == number as usize);
        let again = is_latest && self.rows.values().any(|row| row.bill == bill);
        let Some(version) = self.nth(bill, number).filter(|version| version.is_claimed()) else {
            return false;
        };
        version.fate = match (settled, &version.fate) {
            (Settled::Done(receipt), _) => Fate::Done { number: receipt.number.clone() },
            (Settled::Uncertain { problem, look_up_due_ms }, Fate::Claimed { uncertain_since_ms, .. }) => {
                Fate::Claimed {
                    look_up_due_ms: Some(*look_up_due_ms),
                    uncertain_since_ms: uncertain_since_ms.or(Some(problem.at_ms)),
                }
            }
            (Settled::Failed { due_ms, .. }, _) if again => Fate::Failed { due_ms: *due_ms },
            (Settled::Dead { .. }, _) if again => Fate::Dead,
            _ => Fate::Superseded,
        };
        true
    }

    /// `completed_ms`: when the last finished scan of the collection to wait for began.
    pub(super) fn set_aside(&mut self, bill: &str, number: u32, aside: &SetAside, completed_ms: Option<i64>) {
        let has_claim = self.has_claim(bill);
        let Some(version) = self.nth(bill, number).filter(|version| version.is_pending()) else {
            return;
        };
        match aside {
            SetAside::Done(_) if has_claim => {}
            SetAside::Done(receipt) => version.fate = Fate::Done { number: receipt.number.clone() },
            SetAside::Dead(_) => version.fate = Fate::Dead,
            SetAside::Failed { problem, due_ms } => {
                let anew = version.fate == Fate::Dead;
                version.attempts = if anew { 0 } else { version.attempts + 1 };
                version.first_attempt_ms = if anew { None } else { version.first_attempt_ms.or(Some(problem.at_ms)) };
                version.fate = Fate::Failed { due_ms: *due_ms };
            }
            SetAside::Blocked { .. } if completed_ms > Some(version.scan_begun_ms) => {
                version.fate = Fate::Waiting { due_ms: version.scan_begun_ms };
            }
            SetAside::Blocked { collection, .. } => version.fate = Fate::Blocked { collection: collection.clone() },
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts {
            rows: self.rows_read,
            new: self.rows_new,
            skipped: self.rows_read - self.rows_new,
            ..Counts::default()
        };
        for version in self.bills.values().flatten() {
            counts.bills += 1;
            *match version.fate {
                Fate::Waiting { .. } | Fate::Blocked { .. } => &mut counts.waiting,
                Fate::Failed { .. } => &mut counts.failed,
                Fate::Dead => &mut counts.dead,
                Fate::Claimed { .. } => &mut counts.claimed,
                Fate::Done { .. } => &mut counts.done,
                Fate::Superseded => &mut counts.superseded,
            } += 1;
        }
        counts
    }

    /// Bill, number of the version, the version; those that may be claimed some time, in the order in which they may.
    fn sendable(&self) -> Vec<(i64, &str, u32, &Version)> {
        let mut all = Vec::new();
        for (bill, versions) in &self.bills {
            if versions.iter().any(Version::is_claimed) {
                continue;
            }
            for (number, version) in (1..).zip(versions) {
                all.extend(version.due_ms().map(|due_ms| (due_ms, bill.as_str(), number, version)));
            }
        }
        all.sort_by_key(|(due_ms, bill, ..)| (*due_ms, *bill));
        all
    }

    pub(super) fn ready(&self, now_ms: i64) -> Vec<(String, u32, u32, Option<String>)> {
        let due = self.sendable().into_iter().filter(|(due_ms, ..)| *due_ms <= now_ms);
        due.map(|(_, bill, number, version)| (bill.to_owned(), number, version.attempts, self.delivered(bill)))
            .collect()
    }

    fn delivered(&self, bill: &str) -> Option<String> {
        self.bills.get(bill)?.iter().rev().find_map(|version| match &version.fate {
            Fate::Done { number } => number.clone(),
            _ => None,
        })
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        let looked_up = self.bills.values().flatten().filter_map(|version| match version.fate {
            Fate::Claimed { look_up_due_ms, .. } => look_up_due_ms,
            _ => None,
        });
        looked_up.chain(self.sendable().first().map(|(due_ms, ..)| *due_ms)).min()
    }

    /// Bill, number, attempts, since when it is uncertain.
    pub(super) fn claimed(&self) -> Vec<(String, u32, u32, Option<i64>)> {
        let mut claimed = Vec::new();
        for (bill, versions) in &self.bills {
            for (number, version) in (1..).zip(versions) {
                if let Fate::Claimed { uncertain_since_ms, .. } = version.fate {
                    claimed.push((bill.clone(), number, version.attempts, uncertain_since_ms));
                }
            }
        }
        claimed
    }

    /// Ids and contents of a bill's rows in the order of their arrival.
    pub(super) fn rows_of(&self, bill: &str) -> Vec<(String, u8)> {
        let mut rows: Vec<_> = self.rows.iter().filter(|(_, row)| row.bill == bill).collect();
        rows.sort_by_key(|(_, row)| row.arrived);
        rows.into_iter().map(|(id, row)| (id.clone(), row.content)).collect()
    }

    /// The id of the latest row with this content.
    pub(super) fn look_up(&self, content: u8) -> Option<String> {
        let rows = self.rows.iter().filter(|(_, row)| row.content == content);
        rows.max_by_key(|(_, row)| row.stored).map(|(id, _)| id.clone())
    }
}

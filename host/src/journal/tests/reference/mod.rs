//! The journal's rules over again, as plainly as they can be said: every version of a bill is kept with what became of it,
//! and everything else is counted and searched for. What becomes of rows is in [`rows`].

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting {
        due_ms: i64,
    },
    Blocked {
        collection: String,
    },
    Failed {
        due_ms: i64,
    },
    Dead {
        problem: Problem,
    },
    /// Dead for a refused row.
    Refused,
    Claimed {
        look_up_due_ms: Option<i64>,
        uncertain_since_ms: Option<i64>,
    },
    Done {
        number: Option<String>,
    },
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
    /// When it came into its bill.
    placed: usize,
    refused: Option<Problem>,
}

#[derive(Clone, Debug)]
struct OpenScan {
    id: u64,
    begun_ms: i64,
    window_end: i64,
    /// The clock when it began.
    clock: usize,
    /// The same when its run began: what was put in place since is not of the rows that it has to find.
    clock_of_run: usize,
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
    pub(super) grouping: Option<String>,
}

impl Version {
    fn is_pending(&self) -> bool {
        let dead = matches!(self.fate, Fate::Dead { .. } | Fate::Refused);
        dead || matches!(self.fate, Fate::Waiting { .. } | Fate::Blocked { .. } | Fate::Failed { .. })
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
            clock: self.clock,
            clock_of_run: self.clock,
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

    /// Begins the scan again.
    pub(super) fn restart(&mut self) -> bool {
        let Some(scan) = &mut self.scan else {
            return false;
        };
        if !scan.open.is_empty() {
            scan.open = BTreeSet::from([0]);
            scan.known = scan.open.clone();
            scan.complete = true;
            scan.clock_of_run = self.clock;
            scan.returned_bills.clear();
            scan.returned_rows.clear();
        }
        true
    }

    /// When the latest scan began.
    fn scan_begun_ms(&self) -> i64 {
        self.scan.as_ref().map(|scan| scan.begun_ms).or(self.last_finished_scan_begun_ms).unwrap_or_default()
    }

    fn has_refused(&self, bill: &str) -> bool {
        self.rows.values().any(|row| row.bill == bill && row.refused.is_some())
    }

    /// A refused row has come to this bill.
    fn hold_up(&mut self, bill: &str) {
        let has_refused = self.has_refused(bill);
        let latest = self.bills.get_mut(bill).and_then(|versions| versions.last_mut());
        if let Some(pending) = latest.filter(|version| has_refused && version.is_pending()) {
            pending.fate = Fate::Refused;
        }
    }

    /// True if there was a pending version.
    fn supersede(&mut self, bill: &str) -> bool {
        let latest = self.bills.get_mut(bill).and_then(|versions| versions.last_mut());
        match latest.filter(|version| version.is_pending()) {
            Some(pending) => {
                pending.fate = Fate::Superseded;
                true
            }
            None => false,
        }
    }

    fn make(&mut self, bill: &str, scan_begun_ms: i64) -> bool {
        let has_rows = self.rows.values().any(|row| row.bill == bill);
        let has_refused = self.has_refused(bill);
        self.supersede(bill);
        let versions = self.bills.entry(bill.to_owned()).or_default();
        if has_rows {
            let fate = if has_refused { Fate::Refused } else { Fate::Waiting { due_ms: scan_begun_ms } };
            versions.push(Version { fate, attempts: 0, first_attempt_ms: None, scan_begun_ms });
        }
        has_rows
    }

    pub(super) fn finish(&mut self) -> Option<u64> {
        let mut scan = self.scan.take_if(|scan| scan.open.is_empty())?;
        if scan.complete {
            let gone = |id: &String, row: &mut Row| {
                let is_old = row.placed <= scan.clock_of_run;
                is_old && scan.returned_bills.contains(&row.bill) && !scan.returned_rows.contains(id)
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
        let has_refused = self.has_refused(bill);
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
            (Settled::Failed { .. } | Settled::Dead { .. }, _) if again && has_refused => Fate::Refused,
            (Settled::Failed { due_ms, .. }, _) if again => Fate::Failed { due_ms: *due_ms },
            (Settled::Dead { problem, .. }, _) if again => Fate::Dead { problem: problem.clone() },
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
            _ if version.fate == Fate::Refused => {}
            SetAside::Done(_) if has_claim => {}
            SetAside::Done(receipt) => version.fate = Fate::Done { number: receipt.number.clone() },
            SetAside::Dead(problem) => version.fate = Fate::Dead { problem: problem.clone() },
            SetAside::Failed { problem, due_ms } => {
                let anew = matches!(version.fate, Fate::Dead { .. });
                version.attempts = if anew { 0 } else { version.attempts + 1 };
                version.first_attempt_ms = if anew { None } else { version.first_attempt_ms.or(Some(problem.at_ms)) };
                version.fate = Fate::Failed { due_ms: *due_ms };
            }
            SetAside::Blocked { looked_in_ms, .. } if completed_ms > *looked_in_ms => {
                version.fate = Fate::Waiting { due_ms: version.scan_begun_ms };
            }
            SetAside::Blocked { collection, .. } => version.fate = Fate::Blocked { collection: collection.clone() },
        }
    }

    /// `now`: the digest of everything that a problem may depend on.
    pub(super) fn revive(&mut self, now: Option<&str>, now_ms: i64) -> u64 {
        let mut revived = 0;
        for version in self.bills.values_mut().flatten() {
            let Fate::Dead { problem } = &version.fate else {
                continue;
            };
            if problem.depends_on.iter().any(|seen| now != Some(&seen.digest)) {
                let fate = Fate::Waiting { due_ms: now_ms };
                *version = Version { fate, attempts: 0, first_attempt_ms: None, ..version.clone() };
                revived += 1;
            }
        }
        revived
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
                Fate::Dead { .. } | Fate::Refused => &mut counts.dead,
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
}

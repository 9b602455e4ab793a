//! The life of one bill, without any store.
//!
//! A bill is changed by the few steps below and by nothing else. How it is kept, found and counted follows from what it
//! is: [`Bill::counts`] gives its part of the scheme's books, so the books balance because each bill does, and
//! [`books`](super::books) derives its places in the indexes.

use super::record::{Delivered, Pending, Standing};
use super::{BillVersion, ClaimToMake, ClaimedBill, Counts, JournalError, Problem, Receipt, SetAside, Settled, Status};

/// A bill: its latest version if that is pending, and an earlier or the same version if that is claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bill {
    /// Versions made: the number of the latest.
    pub(super) version: u32,
    /// Versions delivered.
    pub(super) done: u32,
    /// Versions that were replaced before they were delivered.
    pub(super) superseded: u32,
    /// The scan that sealed it last, so that it is not sealed twice in one.
    pub(super) sealed_in: u64,
    /// The latest version, not yet claimed.
    pub(super) pending: Option<Pending>,
    /// A version that may have reached the vendor.
    pub(super) claim: Option<ClaimedBill>,
    /// The version delivered last.
    pub(super) delivered: Option<Delivered>,
}

/// What rows a bill has.
#[derive(Debug, Default)]
pub(super) struct RowsNow {
    /// It has any.
    pub(super) any: bool,
    /// A stage refused one, and why.
    pub(super) refused: Option<Problem>,
}

impl Bill {
    /// Makes a new version of all the rows there are now.
    pub(super) fn renew(&mut self, scan_begun_ms: i64) {
        self.withdraw();
        self.version += 1;
        self.pending = Some(Pending {
            standing: Standing::Waiting { due_ms: scan_begun_ms },
            attempts: 0,
            first_attempt_ms: None,
            scan_begun_ms,
            problem: None,
            resume: None,
        });
    }

    /// Gives the pending version up: a newer one follows, or no row is left.
    pub(super) fn withdraw(&mut self) {
        if self.pending.take().is_some() {
            self.superseded += 1;
        }
    }

    /// A stage refused one of its rows: without that row it would be sent wrong, and with it as well.
    pub(super) fn refuse(&mut self, problem: Problem) {
        if let Some(pending) = &mut self.pending {
            pending.standing = Standing::Refused;
            pending.problem = Some(problem);
        }
    }

    /// Claims the pending version, if that is `claim.version`, it is neither dead nor blocked, and no other is claimed.
    pub(super) fn claim(&mut self, claim: ClaimToMake, now_ms: i64) -> Option<ClaimedBill> {
        let sendable = |pending: &Pending| {
            matches!(pending.standing, Standing::Waiting { .. } | Standing::Failed { .. })
                && claim.version.version == self.version
                && self.claim.is_none()
        };
        let pending = self.pending.take_if(|pending| sendable(pending))?;
        let claimed = self.claim.insert(ClaimedBill {
            version: claim.version,
            intent: claim.intent,
            number: claim.number,
            payload: claim.payload,
            plugin_digest: claim.plugin_digest,
            claimed_ms: now_ms,
            attempts: pending.attempts.saturating_add(1),
            first_attempt_ms: pending.first_attempt_ms.unwrap_or(now_ms),
            scan_begun_ms: pending.scan_begun_ms,
            uncertain_since_ms: None,
            look_up_due_ms: None,
            problem: None,
            delivered: None,
        });
        Some(ClaimedBill { delivered: self.delivered.as_ref().map(|d| d.receipt.clone()), ..claimed.clone() })
    }

    /// Settles the claimed version. `rows`: what the bill has by now; what was not delivered is not tried again without
    /// any, nor with a refused one.
    pub(super) fn settle(
        &mut self,
        version: &BillVersion,
        settled: Settled,
        rows: RowsNow,
    ) -> Result<(), JournalError> {
        let Some(claim) = self.claim.take_if(|claim| claim.version == *version) else {
            return Err(JournalError::Conflict(format!(
                "version {} of bill `{}` of scheme `{}` is not claimed",
                version.version, version.bill, version.scheme
            )));
        };
        match settled {
            Settled::Done(receipt) => self.deliver(version.version, receipt),
            Settled::Failed { problem, due_ms, resume, there } => {
                self.note_there(there);
                self.give_back(&claim, Standing::Failed { due_ms }, problem, resume, rows);
            }
            Settled::Dead { problem, resume, there } => {
                self.note_there(there);
                self.give_back(&claim, Standing::Dead, problem, resume, rows);
            }
            Settled::Uncertain { problem, look_up_due_ms } => {
                self.claim = Some(ClaimedBill {
                    uncertain_since_ms: claim.uncertain_since_ms.or(Some(problem.at_ms)),
                    look_up_due_ms: Some(look_up_due_ms),
                    problem: Some(problem),
                    ..claim
                });
            }
        }
        Ok(())
    }

    /// A claimed version that was not delivered is pending again, unless something newer has taken its place.
    fn give_back(
        &mut self,
        claim: &ClaimedBill,
        standing: Standing,
        problem: Problem,
        resume: Option<String>,
        rows: RowsNow,
    ) {
        if claim.version.version < self.version || !rows.any {
            self.superseded += 1;
            return;
        }
        self.pending = Some(Pending {
            standing,
            attempts: claim.attempts,
            first_attempt_ms: Some(claim.first_attempt_ms),
            scan_begun_ms: claim.scan_begun_ms,
            problem: Some(problem),
            resume,
        });
        if let Some(problem) = rows.refused {
            self.refuse(problem);
        }
    }

    /// Sets the pending version aside, if that is `version`. `completed_ms`: when the last finished scan of the collection
    /// that it is to wait for began.
    pub(super) fn set_aside(&mut self, version: u32, aside: SetAside, completed_ms: Option<i64>) {
        let is_refused = |pending: &Pending| pending.standing == Standing::Refused;
        if version != self.version || self.pending.as_ref().is_some_and(is_refused) {
            return;
        }
        if let SetAside::Done(receipt) = aside {
            // Not before an earlier version is settled: its receipt would take the place of this one.
            if self.claim.is_none() && self.pending.take().is_some() {
                self.deliver(version, receipt);
            }
            return;
        }
        let Some(pending) = &mut self.pending else {
            return;
        };
        match aside {
            SetAside::Done(_) => {}
            SetAside::Dead(problem) => {
                pending.standing = Standing::Dead;
                pending.problem = Some(problem);
            }
            SetAside::Failed { problem, due_ms } => {
                if pending.standing == Standing::Dead {
                    // Somebody mended what it died of: it begins anew.
                    pending.attempts = 0;
                    pending.first_attempt_ms = None;
                } else {
                    pending.attempts = pending.attempts.saturating_add(1);
                    pending.first_attempt_ms.get_or_insert(problem.at_ms);
                }
                pending.standing = Standing::Failed { due_ms };
                pending.problem = Some(problem);
            }
            SetAside::Blocked { collection, looked_in_ms, problem } => {
                pending.standing = Standing::Blocked { collection };
                pending.problem = Some(problem);
                // A scan that was completed while it was being mapped may have brought the row.
                if completed_ms > looked_in_ms {
                    self.release();
                }
            }
        }
    }

    /// What it waited for is there.
    pub(super) fn release(&mut self) {
        if let Some(pending) = &mut self.pending
            && matches!(pending.standing, Standing::Blocked { .. })
        {
            pending.standing = Standing::Waiting { due_ms: pending.scan_begun_ms };
        }
    }

    /// What it died of may be mended: it begins anew. False if it is not dead of this.
    pub(super) fn revive(&mut self, of: &Problem, now_ms: i64) -> bool {
        let is_it = |pending: &&mut Pending| pending.standing == Standing::Dead && pending.problem.as_ref() == Some(of);
        let Some(pending) = self.pending.as_mut().filter(is_it) else {
            return false;
        };
        pending.standing = Standing::Waiting { due_ms: now_ms };
        pending.attempts = 0;
        pending.first_attempt_ms = None;
        true
    }

    /// The vendor has the bill, whichever version of it: the next attempt updates it.
    fn note_there(&mut self, there: Option<Receipt>) {
        if let Some(receipt) = there {
            let version = self.delivered.as_ref().map_or(0, |delivered| delivered.version);
            self.delivered = Some(Delivered { version, receipt });
        }
    }

    fn deliver(&mut self, version: u32, receipt: Receipt) {
        self.done += 1;
        self.delivered = Some(Delivered { version, receipt });
    }

    /// Its part of the books.
    pub(super) fn counts(&self) -> Counts {
        let pending = |status| u64::from(self.pending.as_ref().is_some_and(|p| p.standing.status() == status));
        Counts {
            bills: self.version.into(),
            done: self.done.into(),
            superseded: self.superseded.into(),
            claimed: self.claim.is_some().into(),
            waiting: pending(Status::Waiting),
            failed: pending(Status::Failed),
            dead: pending(Status::Dead),
            ..Counts::default()
        }
    }
}

impl Standing {
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Waiting { .. } | Self::Blocked { .. } => Status::Waiting,
            Self::Failed { .. } => Status::Failed,
            Self::Dead | Self::Refused => Status::Dead,
        }
    }

    /// When it may be claimed.
    pub(super) fn due_ms(&self) -> Option<i64> {
        match self {
            Self::Waiting { due_ms } | Self::Failed { due_ms } => Some(*due_ms),
            Self::Blocked { .. } | Self::Dead | Self::Refused => None,
        }
    }
}

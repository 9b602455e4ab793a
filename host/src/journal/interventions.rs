//! What a person decides of bills.
//!
//! A decision is one commit. It never touches a bill that is being sent at this moment: what the vendor answers settles
//! that one.

use super::bill::{Bill, RowsNow};
use super::books::{change, load};
use super::record::{Pending, Standing};
use super::refused::rows_now;
use super::txn::{Read, Txn};
use super::{
    BillState, BillVersion, ClaimedBill, Intervened, Intervention, JournalError, PendingBill, Problem, Receipt,
};

/// All that is known of a bill; `None`: there is none of this name.
pub(super) fn state(from: &impl Read, scheme: &str, name: &str) -> Result<Option<BillState>, JournalError> {
    let bill = load(from, scheme, name)?.bill;
    if bill.version == 0 {
        return Ok(None);
    }
    Ok(Some(BillState {
        version: BillVersion { scheme: scheme.into(), bill: name.into(), version: bill.version },
        done: bill.done,
        superseded: bill.superseded,
        pending: bill.pending.map(pending),
        claim: bill.claim,
        delivered: bill.delivered.map(|delivered| (delivered.version, delivered.receipt)),
    }))
}

fn pending(pending: Pending) -> PendingBill {
    PendingBill {
        status: pending.standing.status(),
        attempts: pending.attempts,
        due_ms: pending.standing.due_ms(),
        waits_for: match &pending.standing {
            Standing::Blocked { collection } => Some(collection.clone()),
            _ => None,
        },
        has_refused_row: pending.standing == Standing::Refused,
        problem: pending.problem,
    }
}

/// Carries a decision out on one bill.
pub(super) fn intervene(
    txn: &mut Txn<'_>,
    scheme: &str,
    name: &str,
    decided: &Intervention,
    now_ms: i64,
) -> Result<Intervened, JournalError> {
    let rows = rows_now(txn, scheme, name)?;
    change(txn, scheme, name, |bill| bill.intervene(decided, rows, now_ms))
}

impl Bill {
    fn intervene(&mut self, decided: &Intervention, rows: RowsNow, now_ms: i64) -> Result<Intervened, JournalError> {
        if self.version == 0 {
            return Ok(Intervened::Unknown);
        }
        if let Some(claim) = self.claim.take_if(|claim| claim.look_up_due_ms.is_some()) {
            return self.decide_uncertain(claim, decided, rows, now_ms);
        }
        Ok(match (decided, &mut self.pending) {
            (Intervention::RetryAbsent | Intervention::Delivered { .. }, _) => Intervened::NotUncertain,
            (_, None) if self.claim.is_some() => Intervened::UnderWay,
            (_, None) => Intervened::Settled,
            (Intervention::Drop, Some(_)) => {
                self.withdraw();
                Intervened::Done
            }
            (Intervention::Retry, Some(pending)) if pending.standing == Standing::Refused => Intervened::RefusedRow,
            (Intervention::Retry, Some(pending)) => {
                pending.standing = Standing::Waiting { due_ms: now_ms };
                pending.attempts = 0;
                pending.first_attempt_ms = None;
                Intervened::Done
            }
        })
    }

    /// Nobody knows whether the vendor has the claimed version.
    fn decide_uncertain(
        &mut self,
        claim: ClaimedBill,
        decided: &Intervention,
        rows: RowsNow,
        now_ms: i64,
    ) -> Result<Intervened, JournalError> {
        let version = claim.version.clone();
        let number = claim.number.clone();
        match decided {
            Intervention::Drop => self.superseded += 1,
            Intervention::Retry => self.claim = Some(ClaimedBill { look_up_due_ms: Some(now_ms), ..claim }),
            Intervention::RetryAbsent => {
                let problem = claim.problem.clone().unwrap_or_else(|| said_absent(now_ms));
                self.claim = Some(claim);
                let failed = super::Settled::Failed { problem, due_ms: now_ms, resume: None, there: None };
                self.settle(&version, failed, rows)?;
            }
            Intervention::Delivered { id } => {
                self.claim = Some(claim);
                let receipt = Receipt { id: Some(id.clone()), number, reply: "null".to_owned() };
                self.settle(&version, super::Settled::Done(receipt), rows)?;
            }
        }
        Ok(Intervened::Done)
    }
}

fn said_absent(at_ms: i64) -> Problem {
    Problem {
        kind: "uncertain".to_owned(),
        code: None,
        message: "a person said that the vendor does not have it".to_owned(),
        hint: None,
        at_ms,
        depends_on: Vec::new(),
    }
}

//! How each bill is written: created, updated, or gone on with.
//!
//! What was delivered before is updated by the receipt it left. Of the rest the target is asked (`idCheck`), *before* the
//! claim, so that the claim carries the answer and a crash cannot lose it. After the journal has lost something, the target
//! is asked of every bill that was never delivered; where it cannot be asked, nothing is created before a person says so.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::OnExisting;
use crate::engine::attempts::{self, Called};
use crate::engine::mapping::MappedBill;
use crate::engine::settle::Stop;
use crate::engine::snapshot::TargetSide;
use crate::engine::{EngineError, may_pass, problem, retry};
use crate::journal::{Attempt, AttemptStep, ClaimToMake, Intent, Problem, ReadyBill, SetAside};
use crate::observe::clock;
use crate::plugin::connector::{BillToFind, Connector, Found, HalfDone};
use crate::plugin::{Failure, FailureKind};

use super::Delivery;

/// What was decided of a batch.
#[derive(Default)]
pub(super) struct Decided {
    /// Bills to claim and send.
    pub(super) claims: Vec<ClaimToMake>,
    /// Bills that are not sent now.
    pub(super) aside: Vec<(ReadyBill, SetAside)>,
    /// How it was found out what the target has.
    pub(super) attempts: Vec<Attempt>,
    /// The target is set up wrong.
    pub(super) stop: Option<Stop>,
    /// The target is not to be asked now: nothing is claimed, and bills of which nothing was found out stay as they are.
    pub(super) broken_off: Option<EngineError>,
}

impl Delivery {
    /// Sets those bills aside whose number another bill under way has, or that have none although they need one; the rest
    /// hold their numbers until [`release_numbers`](Self::release_numbers).
    pub(super) fn hold_numbers(
        &self,
        bills: Vec<MappedBill>,
        uncertain: &HashSet<String>,
    ) -> (Vec<MappedBill>, Vec<(ReadyBill, SetAside)>) {
        let Ok(mut held) = self.numbers.lock() else {
            return (Vec::new(), Vec::new());
        };
        let mut aside = Vec::new();
        let mut holding = Vec::with_capacity(bills.len());
        for bill in bills {
            match &bill.number {
                Some(number) if uncertain.contains(number) || !held.insert(number.clone()) => {
                    let due_ms = clock::now_ms() + retry::ms(self.scheme.retry.first.max(Duration::from_secs(1)));
                    aside.push((bill.bill, SetAside::Failed { problem: same_number(number), due_ms }));
                }
                _ => holding.push(bill),
            }
        }
        (holding, aside)
    }

    /// Numbers of bills of which nobody knows whether the vendor has them.
    pub(super) async fn uncertain_numbers(&self) -> Result<HashSet<String>, EngineError> {
        let uncertain = self.engine.journal.uncertain(&self.scheme.stem, i64::MAX).await?;
        Ok(uncertain.into_iter().filter_map(|claimed| claimed.number).collect())
    }

    pub(super) fn release_numbers(&self, numbers: &[String]) {
        if let Ok(mut held) = self.numbers.lock() {
            for number in numbers {
                held.remove(number);
            }
        }
    }

    /// Decides how each bill is written.
    pub(super) async fn decide_intents(
        &self,
        target: &TargetSide,
        connector: &Connector,
        other_request: &serde_json::Value,
        bills: Vec<MappedBill>,
    ) -> Decided {
        let mut decided = Decided { claims: Vec::with_capacity(bills.len()), ..Decided::default() };
        let mut to_find = Vec::new();
        for bill in bills {
            match (&bill.bill.resume, &bill.bill.delivered, &bill.number) {
                (Some(resume), _, _) => {
                    let intent = Intent::Resume(resume.clone());
                    decided.claims.push(claim(target, bill, intent));
                }
                (None, Some(receipt), _) => {
                    let intent = Intent::Update(receipt.clone());
                    decided.claims.push(claim(target, bill, intent));
                }
                (None, None, _) if !(bill.bill.in_doubt || (target.plan.id_check() && target.can_find)) => {
                    decided.claims.push(claim(target, bill, Intent::Create));
                }
                (None, None, Some(number)) if target.can_find => {
                    to_find.push((target.to_find(number, &bill.payload), bill));
                }
                (None, None, None) if target.plan.id_check() && target.can_find => {
                    let dead = SetAside::Dead(self.dead(without_number(target)));
                    decided.aside.push((bill.bill, dead));
                }
                (None, None, _) => decided.stop = Some(Stop(in_doubt(&self.scheme.stem))),
            }
        }
        while !to_find.is_empty() {
            let unavailable = || target.connection.unavailable().map(EngineError::Unavailable);
            decided.broken_off = self.engine.is_stopping().then_some(EngineError::Stopping).or_else(unavailable);
            if decided.broken_off.is_some() {
                break;
            }
            let rest = to_find.split_off(to_find.len().min(target.largest_find));
            let (wanted, bills): (Vec<BillToFind>, Vec<MappedBill>) =
                std::mem::replace(&mut to_find, rest).into_iter().unzip();
            self.find(target, connector, other_request, wanted, bills, &mut decided).await;
        }
        decided
    }

    /// Asks the target which of these bills it has.
    async fn find(
        &self,
        target: &TargetSide,
        connector: &Connector,
        other_request: &serde_json::Value,
        wanted: Vec<BillToFind>,
        bills: Vec<MappedBill>,
        decided: &mut Decided,
    ) {
        let begun = Instant::now();
        let mut exchanges = Vec::new();
        let found = connector.find(target.plan.api(), other_request, &wanted, &mut exchanges).await;
        let called = Called { step: AttemptStep::LookUp, exchanges, took: begun.elapsed() };
        let results = bills.iter().zip(&found);
        let results = results.map(|(bill, found)| (&bill.bill.version, attempts::of_look_up(found)));
        // That a bill is there, or not, is told by how it is written.
        if found.iter().any(Result::is_err) {
            decided.attempts.extend(called.attempts(&self.engine, results));
        }
        for (bill, found) in bills.into_iter().zip(found) {
            // In doubt, without `idCheck`: what is there is ours.
            let on_existing = if target.plan.id_check() { target.on_existing } else { OnExisting::Update };
            match (found, on_existing) {
                (Ok(Found::Absent), _) => decided.claims.push(claim(target, bill, Intent::Create)),
                // In doubt, it was probably this host that did not get to its end.
                (Ok(Found::Partial(half_done)), OnExisting::Skip) if bill.bill.in_doubt => {
                    decided.claims.push(claim(target, bill, Intent::Resume(half_done.resume)));
                }
                (Ok(Found::Complete(receipt) | Found::Partial(HalfDone { receipt, .. })), OnExisting::Skip) => {
                    decided.aside.push((bill.bill, SetAside::Done(receipt)));
                }
                (Ok(Found::Complete(receipt)), OnExisting::Update) => {
                    decided.claims.push(claim(target, bill, Intent::Update(receipt)));
                }
                // Whose content it has, nobody knows: it is written anew, and the missing step with it.
                (Ok(Found::Partial(half_done)), OnExisting::Update) => {
                    decided.claims.push(claim(target, bill, Intent::Update(half_done.receipt)));
                }
                (Err(failure), _) => {
                    let (scheme, bill_name) = (&self.scheme.stem, &bill.bill.version.bill);
                    // A vendor that is down is said once, not of each bill.
                    if target.connection.awaits_probe() {
                        tracing::debug!(scheme, bill = bill_name, "look-up before writing failed: {failure}");
                    } else {
                        tracing::warn!(scheme, bill = bill_name, "look-up before writing failed: {failure}");
                    }
                    let aside = self.not_found_out(&bill.bill, &failure);
                    decided.aside.push((bill.bill, aside));
                    if failure.kind == FailureKind::Misconfigured {
                        decided.stop = Some(Stop(failure));
                    }
                }
            }
        }
    }

    /// A problem that makes a bill dead, with what may mend it.
    fn dead(&self, problem: Problem) -> Problem {
        Problem { depends_on: self.engine.snapshot.dependencies(&self.scheme), ..problem }
    }

    /// A look-up failed: the bill is tried again later; one that the look-up itself refuses needs a person.
    fn not_found_out(&self, bill: &ReadyBill, failure: &Failure) -> SetAside {
        let retry = &self.scheme.retry;
        let pause = match failure.kind {
            // The scheme stops, as long as it takes, which is no bill's fault. When that is mended, it is due.
            FailureKind::Misconfigured => Duration::ZERO,
            kind if may_pass(kind) && !retry::is_too_old(retry, bill.first_attempt_ms) => {
                retry::pause(retry, bill.attempts + 1, failure.retry_after)
            }
            _ => return SetAside::Dead(self.dead(problem(failure))),
        };
        SetAside::Failed { problem: problem(failure), due_ms: clock::now_ms() + retry::ms(pause) }
    }
}

fn claim(target: &TargetSide, bill: MappedBill, intent: Intent) -> ClaimToMake {
    ClaimToMake {
        version: bill.bill.version,
        intent,
        number: bill.number,
        payload: bill.payload,
        plugin_digest: target.plugin.digest.clone(),
    }
}

fn same_number(number: &str) -> Problem {
    problem(
        &Failure::of_host(
            FailureKind::Transient,
            "bill-number-under-way",
            format!("another bill with the number `{number}` is being written"),
        )
        .with_hint("two merge keys give one number: see the target's mapping of it"),
    )
}

fn in_doubt(scheme: &str) -> Failure {
    Failure::of_host(
        FailureKind::Misconfigured,
        "bills-in-doubt",
        "the journal has lost something: bills may have been sent of which it knows nothing, and they cannot be looked up at the target by a number",
    )
    .with_hint(format!(
        "see at the vendor what is there, and say `qiao scheme confirm {scheme}`: what was not delivered as far as the journal knows is created then"
    ))
}

fn without_number(target: &TargetSide) -> Problem {
    let failure = Failure::of_host(
        FailureKind::Rejected,
        "bill-without-number",
        "the mapped bill has no number by which `idCheck` could find it",
    );
    problem(&failure.with_hint(match &target.number_field {
        Some(field) => format!("map the field `{field}`, or name another in the target's `number`"),
        None => "name the field in the target's `number`".to_owned(),
    }))
}

//! Bills as a person sees them, and what a person decides of them.
//!
//! What is shown is the journal's own record: where a bill stands, what went wrong, and what was sent and answered as long
//! as that is kept. Nothing is asked of a vendor here; a bill that is tried again is sent by its scheme's next delivery.

use serde::{Deserialize, Serialize};

use crate::journal::{
    Attempt, BillLine, BillState, BillVersion, Intent, Intervened, Intervention, Journal, JournalError, Problem,
    Receipt, Status,
};
use crate::observe::clock;

/// Which bills are listed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// Of this scheme; `None`: of all.
    pub scheme: Option<String>,
    /// With one of these; none: those that need a person, will be retried, or are uncertain.
    pub statuses: Vec<Status>,
    /// At most so many.
    pub limit: usize,
}

/// Bills of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Listed {
    /// The bills.
    pub records: Vec<Line>,
    /// There are more than were wanted.
    pub more: bool,
}

/// One bill of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Its scheme.
    pub scheme: String,
    /// The merge key, or the row's id.
    pub bill: String,
    /// The version that is meant.
    pub version: u32,
    /// What it is.
    pub status: Status,
    /// What the vendor knows it by, if it was ever delivered.
    pub number: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// When it is due, RFC 3339.
    pub due: Option<String>,
    /// The last thing that went wrong with it.
    pub problem: Option<ProblemShown>,
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProblemShown {
    /// The failure's kind.
    pub kind: String,
    /// The vendor's own code.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// When, RFC 3339.
    pub at: String,
}

/// All that there is to see of a bill.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// Its scheme.
    pub scheme: String,
    /// The merge key, or the row's id.
    pub bill: String,
    /// Its latest version.
    pub version: u32,
    /// What its latest version is.
    pub status: Status,
    /// Versions delivered.
    pub done: u32,
    /// Versions that were replaced or given up before they were delivered.
    pub superseded: u32,
    /// The latest version, if it is not sent.
    pub pending: Option<Pending>,
    /// A version that may have reached the vendor.
    pub claim: Option<Claim>,
    /// The version delivered last.
    pub delivered: Option<Delivered>,
    /// Its rows, as they are collected.
    pub rows: Vec<serde_json::Value>,
    /// What was sent and answered, the oldest first, as long as it is kept.
    pub attempts: Vec<Attempt>,
}

/// A version that is not sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// Attempts made.
    pub attempts: u32,
    /// When it may be sent, RFC 3339.
    pub due: Option<String>,
    /// The scheme whose rows it waits for.
    pub waits_for: Option<String>,
    /// What went wrong last.
    pub problem: Option<ProblemShown>,
}

/// A version that may have reached the vendor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// Which version.
    pub version: u32,
    /// `create`, `update` or `resume`.
    pub intent: String,
    /// The number to find it by.
    pub number: Option<String>,
    /// The mapped bill.
    pub payload: serde_json::Value,
    /// When it was claimed, RFC 3339.
    pub claimed: String,
    /// Attempts made, this one included.
    pub attempts: u32,
    /// Since when nobody knows whether the vendor has it, RFC 3339; `None`: it is under way.
    pub uncertain_since: Option<String>,
    /// When it is looked up, RFC 3339; `None` of an uncertain one: it waits for a person.
    pub look_up_due: Option<String>,
    /// What is known of its failure.
    pub problem: Option<ProblemShown>,
}

/// A delivered version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivered {
    /// Which version.
    pub version: u32,
    /// The vendor's receipt.
    pub receipt: Receipt,
}

/// What is to become of some bills.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub decided: Intervention,
    /// These bills.
    pub bills: Vec<String>,
    /// And all bills with one of these.
    pub all: Vec<Status>,
    /// Of this scheme; `None`: of all.
    pub scheme: Option<String>,
}

/// What came of a decision about one bill.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// Its scheme; `None`: no scheme has such a bill.
    pub scheme: Option<String>,
    /// The bill.
    pub bill: String,
    /// What came of it.
    pub result: Intervened,
}

/// Lists bills.
pub async fn list(journal: &dyn Journal, wanted: &Wanted) -> Result<Listed, JournalError> {
    let of_interest = [Status::Dead, Status::Claimed, Status::Failed];
    let statuses = if wanted.statuses.is_empty() { &of_interest[..] } else { &wanted.statuses };
    let mut listed = Listed::default();
    for scheme in schemes(journal, wanted.scheme.as_deref()).await? {
        for status in statuses {
            let room = wanted.limit.saturating_sub(listed.records.len());
            let mut lines = journal.bills(&scheme, *status, room + 1, None).await?;
            listed.more |= lines.len() > room;
            lines.truncate(room);
            listed.records.extend(lines.into_iter().map(Line::from));
        }
    }
    Ok(listed)
}

/// Shows the bills of this name: more than one, if several schemes have one.
pub async fn show(journal: &dyn Journal, scheme: Option<&str>, bill: &str) -> Result<Vec<Shown>, JournalError> {
    let mut shown = Vec::new();
    for scheme in schemes(journal, scheme).await? {
        let Some(state) = journal.bill(&scheme, bill).await? else { continue };
        let rows = journal.rows_of(&scheme, bill).await?;
        let rows = rows.iter().map(|row| serde_json::from_slice(row).unwrap_or(serde_json::Value::Null)).collect();
        let attempts = journal.attempts(&scheme, bill).await?;
        shown.push(Shown::of(state, rows, attempts));
    }
    Ok(shown)
}

/// Carries a decision out. Deliveries are to be woken afterwards.
pub async fn decide(journal: &dyn Journal, decision: &Decision) -> Result<Vec<Decided>, JournalError> {
    let now_ms = clock::now_ms();
    let schemes = schemes(journal, decision.scheme.as_deref()).await?;
    let mut results = Vec::new();
    for bill in &decision.bills {
        let mut result = Decided { scheme: None, bill: bill.clone(), result: Intervened::Unknown };
        for scheme in &schemes {
            let intervened = journal.intervene(scheme, vec![bill.clone()], decision.decided.clone(), now_ms).await?;
            if let Some(intervened) = intervened.first().filter(|came| **came != Intervened::Unknown) {
                result = Decided { scheme: Some(scheme.clone()), bill: bill.clone(), result: *intervened };
                results.push(result.clone());
            }
        }
        if result.scheme.is_none() {
            results.push(result);
        }
    }
    for scheme in &schemes {
        for status in &decision.all {
            decide_all(journal, scheme, *status, &decision.decided, now_ms, &mut results).await?;
        }
    }
    Ok(results)
}

/// The same for all bills of a scheme that have a status, a few at a time.
async fn decide_all(
    journal: &dyn Journal,
    scheme: &str,
    status: Status,
    decided: &Intervention,
    now_ms: i64,
    results: &mut Vec<Decided>,
) -> Result<(), JournalError> {
    const AT_A_TIME: usize = 500;
    let mut after: Option<String> = None;
    loop {
        let lines = journal.bills(scheme, status, AT_A_TIME, after.as_deref()).await?;
        let bills: Vec<String> = lines.into_iter().map(|line| line.version.bill).collect();
        let Some(last) = bills.last() else { return Ok(()) };
        // Some may have the same status afterwards.
        after = Some(last.clone());
        let intervened = journal.intervene(scheme, bills.clone(), decided.clone(), now_ms).await?;
        let each = bills.into_iter().zip(intervened);
        results.extend(each.map(|(bill, result)| Decided { scheme: Some(scheme.to_owned()), bill, result }));
    }
}

async fn schemes(journal: &dyn Journal, wanted: Option<&str>) -> Result<Vec<String>, JournalError> {
    let mut schemes = journal.schemes().await?;
    schemes.retain(|scheme| wanted.is_none_or(|wanted| wanted == scheme));
    Ok(schemes)
}

/// Unix milliseconds as RFC 3339; what never comes has no time.
fn time(unix_ms: i64) -> Option<String> {
    (unix_ms < i64::MAX).then(|| clock::timestamp_ms(unix_ms).to_string())
}

fn sure_time(unix_ms: i64) -> String {
    clock::timestamp_ms(unix_ms).to_string()
}

impl From<Problem> for ProblemShown {
    fn from(problem: Problem) -> Self {
        let Problem { kind, code, message, hint, at_ms, .. } = problem;
        Self { kind, code, message, hint, at: sure_time(at_ms) }
    }
}

impl From<BillLine> for Line {
    fn from(line: BillLine) -> Self {
        let BillVersion { scheme, bill, version } = line.version;
        Self {
            scheme,
            bill,
            version,
            status: line.status,
            number: line.delivered.and_then(|delivered| delivered.number),
            attempts: line.attempts,
            due: line.due_ms.and_then(time),
            problem: line.problem.map(Into::into),
        }
    }
}

impl Shown {
    fn of(state: BillState, rows: Vec<serde_json::Value>, attempts: Vec<Attempt>) -> Self {
        let status = state.status();
        let BillVersion { scheme, bill, version } = state.version;
        Self {
            scheme,
            bill,
            version,
            status,
            done: state.done,
            superseded: state.superseded,
            pending: state.pending.map(|pending| Pending {
                attempts: pending.attempts,
                due: pending.due_ms.and_then(time),
                waits_for: pending.waits_for,
                problem: pending.problem.map(Into::into),
            }),
            claim: state.claim.map(|claim| Claim {
                version: claim.version.version,
                intent: match claim.intent {
                    Intent::Create => "create",
                    Intent::Update(_) => "update",
                    Intent::Resume(_) => "resume",
                }
                .to_owned(),
                number: claim.number,
                payload: serde_json::from_str(&claim.payload).unwrap_or(serde_json::Value::String(claim.payload)),
                claimed: sure_time(claim.claimed_ms),
                attempts: claim.attempts,
                uncertain_since: claim.uncertain_since_ms.and_then(time),
                look_up_due: claim.look_up_due_ms.and_then(time),
                problem: claim.problem.map(Into::into),
            }),
            delivered: state.delivered.map(|(version, receipt)| Delivered { version, receipt }),
            rows,
            attempts,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::journal::{NewScan, OnChange, PageRef, PageToStore, RowToStore, ScanKind, SledStore, Trail};

    /// A journal with so many bills that wait.
    async fn with_bills(folder: &std::path::Path, bills: usize) -> SledStore {
        let journal = SledStore::open(folder).unwrap();
        let page = PageRef { index: 0, start_row: 0, cursor: None };
        let scan = NewScan {
            kind: ScanKind::Scheduled,
            window_start: None,
            window_end: 1,
            begun_ms: 1_000,
            source_digest: String::new(),
            first_page: page.clone(),
        };
        let scan = journal.begin_scan("订单", scan).await.unwrap().id;
        let row = |number: usize| RowToStore {
            id: format!("SO-{number}"),
            digest: [0; 16],
            bill: format!("SO-{number}"),
            json: b"{}".to_vec(),
            index_values: Vec::new(),
            refused: None,
        };
        let stored = PageToStore {
            scheme: "订单".to_owned(),
            scan,
            page,
            next: Vec::new(),
            trail: Trail::default(),
            give_up: None,
            rows: (0..bills).map(row).collect(),
            left_out: 0,
            on_change: OnChange::Redeliver,
            makes_bills: true,
            merges: false,
            complete_bills: false,
            indexes: Vec::new(),
        };
        journal.store_page(stored).await.unwrap();
        journal.finish_scan("订单", scan).await.unwrap();
        journal
    }

    #[tokio::test]
    async fn all_bills_of_a_status_are_decided_once_also_if_they_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = with_bills(folder.path(), 1_234).await;
        let decision = |decided| Decision { decided, bills: Vec::new(), all: vec![Status::Waiting], scheme: None };
        for decided in [Intervention::Retry, Intervention::Drop] {
            let results = decide(&journal, &decision(decided)).await.unwrap();
            assert_eq!(results.iter().filter(|one| one.result == Intervened::Done).count(), 1_234);
            assert_eq!(results.len(), 1_234);
        }
        let listed = list(&journal, &Wanted { statuses: vec![Status::Waiting], limit: 5, scheme: None }).await.unwrap();
        assert!(listed.records.is_empty() && !listed.more);
    }
}

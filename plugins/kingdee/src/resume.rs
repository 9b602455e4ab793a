//! Bills that an earlier call left half done.
//!
//! What the host kept of such a bill is its id, and the digest of the content that was saved; how far it has come since, Kingdee is asked.
//! It is there, whatever is wrong now: only where Kingdee shows that it is gone does it count as not written.
//!
//! Submitted and audited is only what the bill is now. Where its content has changed since, as when a mapping or a table was mended, it is
//! saved again under its id. Kingdee lets no bill be changed that is under review or approved: that needs a person. What an earlier build
//! kept has no digest, and goes on as it is.

use std::collections::HashMap;

use qiao_plugin::{Bill, Failure, FailureKind, Outcome};

use crate::digest;
use crate::document::{self, Document, DocumentStatus};
use crate::options::Options;
use crate::vendor::Vendor;

/// What is to be done with a half-done bill.
pub(crate) enum TakenUp {
    /// It goes on from where it is.
    AsItIs(Document),
    /// Its content has changed: it is saved again first.
    Changed(Document),
    /// It goes no further.
    Over(Outcome),
}

/// Bills with a `resume`, at the statuses that they have now.
pub(crate) fn take_up(vendor: &Vendor<'_>, options: &Options, bills: &[&Bill], limit: u32) -> Vec<TakenUp> {
    let kept: Vec<Option<Document>> =
        bills.iter().map(|bill| bill.resume.as_ref().and_then(Document::resumed)).collect();
    let ids: Vec<&str> = kept.iter().flatten().map(|kept| kept.id.as_str()).collect();
    let statuses =
        if ids.is_empty() { Ok(HashMap::new()) } else { document::statuses(vendor, &options.form_id, ids, limit) };
    bills
        .iter()
        .zip(kept)
        .map(|(bill, kept)| match (kept, &statuses) {
            (None, _) => TakenUp::Over(without_id().into()),
            (Some(kept), Err(failure)) => TakenUp::Over(Outcome::Partial(kept.half_done(), failure.clone())),
            (Some(kept), Ok(statuses)) => match statuses.get(&kept.id) {
                Some(status) => compared(bill, Document { status: status.clone(), ..kept }),
                None => TakenUp::Over(gone(&kept).into()),
            },
        })
        .collect()
}

/// By what was saved of a bill and what it is now.
fn compared(bill: &Bill, there: Document) -> TakenUp {
    if there.digest.as_ref().is_none_or(|saved| *saved == digest::of(&bill.body)) {
        return TakenUp::AsItIs(there);
    }
    let reached = match there.status {
        DocumentStatus::UnderReview => "submitted",
        DocumentStatus::Approved => "audited",
        DocumentStatus::Draft | DocumentStatus::Saved | DocumentStatus::ToReviewAgain | DocumentStatus::Unknown(_) => {
            return TakenUp::Changed(there);
        }
    };
    let failure = too_late(&there, reached);
    TakenUp::Over(Outcome::Partial(there.half_done(), failure))
}

/// What became of a changed bill that was not saved again: it is there with its earlier content, or nobody knows with which.
pub(crate) fn not_saved_again(there: Document, failure: Failure) -> Outcome {
    let digest = if failure.kind == FailureKind::Uncertain { Some(digest::UNKNOWN.to_owned()) } else { there.digest };
    Outcome::Partial(Document { digest, ..there }.half_done(), failure)
}

/// Without its id it would be made again.
fn without_id() -> Failure {
    Failure::rejected("the bill is half done at Kingdee, but what was kept of it has no `id`")
        .hint("look for it at Kingdee by its number, and submit and audit it there by hand")
}

fn gone(bill: &Document) -> Failure {
    let number = bill.number.as_deref().unwrap_or_default();
    Failure::rejected(format!(
        "the bill `{number}` was saved with the id {}, and is no longer at Kingdee: somebody has deleted it",
        bill.id
    ))
    .hint("if it should be there, enter it at Kingdee by hand: it is not made a second time")
}

fn too_late(bill: &Document, reached: &str) -> Failure {
    let number = bill.number.as_deref().unwrap_or_default();
    Failure::rejected(format!(
        "the content of the bill `{number}` (id {}) has changed since it was saved, and it is {reached} at Kingdee already",
        bill.id
    ))
    .hint(
        "withdraw or un-audit it in Kingdee, then edit the scheme or a table that it reads (a comment is enough): the bill is tried again by itself, and saved as it is now",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::Value;
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::{Answer, half_done, lost, new, pushed, pushed_with, rows, written};

    /// Kept after a save of what the bill is now, of something else, and by an earlier build.
    fn kept(content: &str, step: &str) -> Bill {
        let mut bill = half_done("A", "1", step);
        let digest = match content {
            "equal" => digest::of(&bill.body),
            "different" => digest::of(&new("B").body),
            "absent" => return bill,
            other => other.to_owned(),
        };
        bill.resume.as_mut().unwrap()["digest"] = json!(digest);
        bill
    }

    fn shown(letter: &str) -> Answer {
        rows(if letter.is_empty() { json!([]) } else { json!([[1, letter]]) })
    }

    #[test]
    fn a_half_done_bill_goes_on_from_where_it_is() {
        let cases: [(&str, &str, &[&str]); 7] = [
            ("Z", "done 1", &["ExecuteBillQuery", "Submit", "Audit"]),
            ("A", "done 1", &["ExecuteBillQuery", "Submit", "Audit"]),
            ("D", "done 1", &["ExecuteBillQuery", "Submit", "Audit"]),
            ("B", "done 1", &["ExecuteBillQuery", "Audit"]),
            ("C", "done 1", &["ExecuteBillQuery"]),
            (
                "E",
                "partial 1 saved Misconfigured: the bill's `FDocumentStatus` is `E`, from which neither `Submit` nor `Audit` leads on",
                &["ExecuteBillQuery"],
            ),
            (
                "",
                "failed Rejected: the bill `A` was saved with the id 1, and is no longer at Kingdee: somebody has deleted it",
                &["ExecuteBillQuery"],
            ),
        ];
        for (letter, outcome, services) in cases {
            for content in ["equal", "absent"] {
                for step in ["saved", "submitted"] {
                    going_on(letter, kept(content, step), outcome, services);
                }
            }
        }
    }

    #[test]
    fn a_half_done_bill_whose_content_has_changed_is_saved_again_while_kingdee_lets_it() {
        let saved_again: (&str, &[&str]) = ("done 1", &["ExecuteBillQuery", "BatchSave", "Submit", "Audit"]);
        let cases: [(&str, (&str, &[&str])); 7] = [
            ("Z", saved_again),
            ("A", saved_again),
            ("D", saved_again),
            ("E", saved_again),
            (
                "B",
                (
                    "partial 1 submitted Rejected: the content of the bill `A` (id 1) has changed since it was saved, and it is submitted at Kingdee already",
                    &["ExecuteBillQuery"],
                ),
            ),
            (
                "C",
                (
                    "partial 1 submitted Rejected: the content of the bill `A` (id 1) has changed since it was saved, and it is audited at Kingdee already",
                    &["ExecuteBillQuery"],
                ),
            ),
            (
                "",
                (
                    "failed Rejected: the bill `A` was saved with the id 1, and is no longer at Kingdee: somebody has deleted it",
                    &["ExecuteBillQuery"],
                ),
            ),
        ];
        for (letter, (outcome, services)) in cases {
            for content in ["different", digest::UNKNOWN] {
                for step in ["saved", "submitted"] {
                    going_on(letter, kept(content, step), outcome, services);
                }
            }
        }
    }

    fn going_on(letter: &str, bill: Bill, outcome: &str, services: &[&str]) {
        let told = format!("{letter} {:?}", bill.resume);
        let steps = (1..services.len()).map(|_| written(0, &[(1, "A", 0)], &[]));
        let (outcomes, asked) = pushed(vec![bill], std::iter::once(shown(letter)).chain(steps));
        assert_eq!(outcomes, [outcome], "{told}");
        assert_eq!(asked, services, "{told}");
    }

    #[test]
    fn what_is_kept_says_which_content_kingdee_has() {
        let (now, earlier) = (digest::of(&new("A").body), digest::of(&new("B").body));
        let saved = || written(0, &[(1, "A", 0)], &[]);
        let refused = || written(11, &[], &[("更新库存不成功！", Some(0))]);
        let cases: [(Bill, Vec<Answer>, Value); 8] = [
            (new("A"), vec![saved(), lost()], json!(now)),
            (kept("different", "saved"), vec![shown("A"), saved(), lost()], json!(now)),
            (kept("equal", "saved"), vec![shown("A"), lost()], json!(now)),
            (kept("absent", "saved"), vec![shown("A"), lost()], json!(null)),
            // Not saved again.
            (kept("different", "saved"), vec![lost()], json!(earlier)),
            (kept("different", "submitted"), vec![shown("B")], json!(earlier)),
            (kept("different", "saved"), vec![shown("A"), refused()], json!(earlier)),
            // Perhaps saved again: it equals the digest of neither content.
            (kept("different", "saved"), vec![shown("A"), lost()], json!(digest::UNKNOWN)),
        ];
        for (bill, answers, expected) in cases {
            let told = format!("{:?} {answers:?}", bill.resume);
            let other_request = json!({"FormId": "F", "IsAutoSubmitAndAudit": true});
            let (outcomes, _) = pushed_with("batchSave", other_request, vec![bill], answers);
            let Outcome::Partial(half_done, failure) = outcomes.unwrap().remove(0) else { panic!("{told}") };
            assert_eq!(half_done.resume["digest"], expected, "{told}: {failure}");
            assert_eq!(half_done.receipt.id.as_deref(), Some("1"), "{told}");
        }
    }

    #[test]
    fn a_half_done_bill_whose_status_is_not_told_stays_half_done() {
        let (outcomes, _) = pushed(vec![half_done("A", "1", "submitted")], [lost()]);
        assert!(outcomes[0].starts_with("partial 1 submitted Transient"), "{outcomes:?}");
        // Without its id it is not asked for, and never made again.
        let (outcomes, asked) = pushed(vec![Bill { resume: Some(json!({})), ..new("A") }], []);
        assert!(outcomes[0].starts_with("failed Rejected"), "{outcomes:?}");
        assert!(asked.is_empty());
    }
}

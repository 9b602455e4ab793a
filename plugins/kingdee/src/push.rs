//! Writing bills: saved, and where the scheme asks for it submitted and audited.
//!
//! A call may hold bills that are new, bills to change, and bills that an earlier call left half done. They are handled in as few
//! requests as there are steps: the half done are asked for their status, the others are saved, and with them those of the half done whose
//! content has changed since; then all of them go on together. Each bill has its own outcome; once saved, a bill is never again "failed",
//! for then it would be made again.

use std::borrow::Cow;

use qiao_plugin::{Bill, Failure, Outcome, Push, Receipt};

use crate::config::Config;
use crate::document::Document;
use crate::options::Options;
use crate::resume::TakenUp;
use crate::service::Service;
use crate::vendor::Vendor;
use crate::{Send, resume, save, workflow};

/// A bill that is to be saved.
struct ToSave<'b> {
    /// In the call.
    place: usize,
    bill: Cow<'b, Bill>,
    /// What Kingdee has of it: it was saved before, with other content.
    there: Option<Document>,
}

pub(crate) fn push(call: &Push, send: Send<'_>) -> Result<Vec<Outcome>, Failure> {
    let service = service(&call.api)?;
    let options = Options::read(&call.other_request)?;
    let config = Config::of(&call.connection)?;
    let vendor = Vendor::of(&call.connection, &config, send)?;
    let limit = config.max_limit();

    let mut outcomes = Vec::with_capacity(call.bills.len());
    let mut saved: Vec<(usize, Document)> = Vec::with_capacity(call.bills.len());

    let (half_done, others): (Places<'_>, Places<'_>) =
        call.bills.iter().enumerate().partition(|(_, bill)| bill.resume.is_some());
    let unsaved = |(place, bill)| ToSave { place, bill: Cow::Borrowed(bill), there: None };
    let mut to_save: Vec<ToSave<'_>> = others.into_iter().map(unsaved).collect();
    let half_done_bills: Vec<&Bill> = half_done.iter().map(|(_, bill)| *bill).collect();
    let taken_up = resume::take_up(&vendor, &options, &half_done_bills, limit);
    for ((place, bill), taken_up) in half_done.into_iter().zip(taken_up) {
        match taken_up {
            TakenUp::AsItIs(there) => saved.push((place, there)),
            TakenUp::Changed(there) => {
                to_save.push(ToSave { place, bill: Cow::Owned(update(bill, &there)), there: Some(there) });
            }
            TakenUp::Over(outcome) => outcomes.push((place, outcome)),
        }
    }
    to_save.sort_by_key(|to_save| to_save.place);

    let at_once = if service == Service::BatchSave { save::LARGEST_BATCH as usize } else { 1 };
    for together in to_save.chunks(at_once) {
        let bills: Vec<&Bill> = together.iter().map(|to_save| to_save.bill.as_ref()).collect();
        for (ToSave { place, there, .. }, became) in together.iter().zip(save::save(&vendor, service, &options, &bills))
        {
            match (became, there) {
                (Ok(bill), _) => saved.push((*place, bill)),
                (Err(failure), None) => outcomes.push((*place, failure.into())),
                (Err(failure), Some(there)) => outcomes.push((*place, resume::not_saved_again(there.clone(), failure))),
            }
        }
    }

    let (places, saved): (Vec<usize>, Vec<Document>) = saved.into_iter().unzip();
    outcomes.extend(places.into_iter().zip(workflow::go_on(&vendor, &options, saved, limit)));
    outcomes.sort_by_key(|(place, _)| *place);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Bills and their places in the call.
type Places<'b> = Vec<(usize, &'b Bill)>;

/// A half-done bill as a bill to change.
fn update(bill: &Bill, there: &Document) -> Bill {
    let existing = Receipt { id: Some(there.id.clone()), number: there.number.clone(), ..Receipt::default() };
    Bill { existing: Some(existing), resume: None, ..bill.clone() }
}

/// The service that metadata calls `api`.
pub(crate) fn service(api: &str) -> Result<Service, Failure> {
    Service::called(api, &Service::TARGETS).ok_or_else(|| {
        let [one, other] = Service::TARGETS.map(Service::api);
        Failure::misconfigured(format!("kingdee has no target `{api}`"))
            .hint(format!("set the metadata's `api` to `{other}` or `{one}`"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind;
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::{both, half_done, lost, new, pushed, pushed_with, rows, written};

    #[test]
    fn bills_are_saved_submitted_and_audited_one_request_each() {
        let other_request = json!({
            "FormId": "SAL_RETURNSTOCK", "Operation": "BatchSave", "IsAutoSubmitAndAudit": true,
            "IsVerifyBaseDataField": true
        });
        let done = || both((100_001, "A"), (100_002, "B"));
        let (outcomes, asked) =
            pushed_with("batchSave", other_request, vec![new("A"), new("B")], [done(), done(), done()]);
        let receipt = Receipt {
            id: Some("100002".into()),
            number: Some("B".into()),
            reply: json!({"Id": 100_002, "Number": "B", "DIndex": 1}),
        };
        assert_eq!(outcomes.unwrap()[1], Outcome::Done(receipt));
        assert_eq!(
            asked,
            [
                r#"BatchSave {"formid":"SAL_RETURNSTOCK","data":{"IsVerifyBaseDataField":true,"BatchCount":5,"Model":[{"FBillNo":"A"},{"FBillNo":"B"}]}}"#,
                r#"Submit {"formid":"SAL_RETURNSTOCK","data":{"Ids":"100001,100002"}}"#,
                r#"Audit {"formid":"SAL_RETURNSTOCK","data":{"Ids":"100001,100002"}}"#,
            ]
        );
    }

    #[test]
    fn a_bill_that_need_not_be_audited_is_done_when_it_is_saved() {
        let (outcomes, asked) =
            pushed_with("Save", json!({"FormId": "F"}), vec![new("A")], [written(0, &[(1, "A", 0)], &[])]);
        assert!(matches!(&outcomes.unwrap()[..], [Outcome::Done(_)]));
        assert_eq!(asked, [r#"Save {"formid":"F","data":{"Model":{"FBillNo":"A"}}}"#]);

        let resumed = vec![half_done("A", "1", "saved")];
        let (outcomes, _) = pushed_with("save", json!({"FormId": "F"}), resumed, [rows(json!([[1, "A"]]))]);
        assert!(matches!(&outcomes.unwrap()[..], [Outcome::Done(_)]));
    }

    #[test]
    fn what_is_not_saved_is_not_submitted() {
        let (outcomes, asked) = pushed(
            vec![new("A"), new("B"), new("C")],
            [
                written(11, &[(2, "B", 1)], &[("客户是必填项", Some(0))]),
                written(0, &[(2, "B", 0)], &[]),
                written(0, &[(2, "B", 0)], &[]),
            ],
        );
        assert_eq!(outcomes[..2], ["failed Rejected: 客户是必填项", "done 2"]);
        assert!(outcomes[2].starts_with("failed Uncertain"));
        assert_eq!(asked, ["BatchSave", "Submit", "Audit"]);

        let (outcomes, asked) = pushed(vec![new("A"), new("B")], [lost()]);
        assert!(outcomes.iter().all(|outcome| outcome.starts_with("failed Uncertain")), "{outcomes:?}");
        assert_eq!(asked, ["BatchSave"]);
    }

    #[test]
    fn a_mixed_call_takes_each_step_once() {
        let bills =
            vec![half_done("A", "1", "saved"), new("B"), half_done("C", "3", "saved"), half_done("D", "4", "saved")];
        let answers = [
            rows(json!([[1, "A"], [3, "B"]])),
            written(0, &[(2, "B", 0)], &[]),
            both((1, "A"), (2, "B")),
            written(0, &[(1, "A", 0), (2, "B", 1), (3, "C", 2)], &[]),
        ];
        let other_request = json!({"FormId": "F", "IsAutoSubmitAndAudit": true});
        let (outcomes, asked) = pushed_with("batchSave", other_request, bills, answers);
        let outcomes = outcomes.unwrap();
        assert!(matches!(&outcomes[..], [Outcome::Done(_), Outcome::Done(_), Outcome::Done(_), Outcome::Failed(_)]));
        assert!(
            asked[0].contains(r#""FieldKeys":"FID,FDocumentStatus","FilterString":"FID in ('1','3','4')""#),
            "{asked:?}"
        );
        assert_eq!(asked[1], r#"BatchSave {"formid":"F","data":{"BatchCount":5,"Model":[{"FBillNo":"B"}]}}"#);
        assert_eq!(asked[2], r#"Submit {"formid":"F","data":{"Ids":"1,2"}}"#);
        assert_eq!(asked[3], r#"Audit {"formid":"F","data":{"Ids":"1,3,2"}}"#);
    }

    #[test]
    fn a_changed_bill_is_saved_again_together_with_the_others() {
        let changed = |number, id| {
            let mut bill = half_done(number, id, "saved");
            bill.resume.as_mut().unwrap()["digest"] = json!("of other content");
            bill
        };
        let bills = || vec![changed("A", "1"), new("B"), half_done("C", "3", "saved"), changed("D", "4")];
        let shown = || rows(json!([[1, "A"], [3, "A"], [4, "D"]]));
        let all = || written(0, &[(1, "A", 0), (2, "B", 1), (3, "C", 2), (4, "D", 3)], &[]);
        let saved = written(0, &[(1, "A", 0), (2, "B", 1), (4, "D", 2)], &[]);
        let other_request = json!({"FormId": "F", "IsAutoSubmitAndAudit": true});
        let (outcomes, asked) =
            pushed_with("batchSave", other_request.clone(), bills(), [shown(), saved, all(), all()]);
        assert!(outcomes.unwrap().iter().all(|outcome| matches!(outcome, Outcome::Done(_))));
        assert_eq!(
            asked[1..],
            [
                r#"BatchSave {"formid":"F","data":{"BatchCount":5,"Model":[{"FID":1,"FBillNo":"A"},{"FBillNo":"B"},{"FID":4,"FBillNo":"D"}]}}"#,
                r#"Submit {"formid":"F","data":{"Ids":"3,1,2,4"}}"#,
                r#"Audit {"formid":"F","data":{"Ids":"3,1,2,4"}}"#,
            ]
        );

        // `save` takes one at a time. One that was saved before is never "failed".
        let refused = |message| written(11, &[], &[(message, Some(0))]);
        let answers = [
            shown(),
            refused("客户是必填项"),
            refused("仓库是必填项"),
            lost(),
            written(0, &[(3, "C", 0)], &[]),
            written(0, &[(3, "C", 0)], &[]),
        ];
        let (outcomes, asked) = pushed_with("save", other_request, bills(), answers);
        let outcomes = outcomes.unwrap();
        assert!(
            matches!(
                &outcomes[..],
                [Outcome::Partial(_, _), Outcome::Failed(_), Outcome::Done(_), Outcome::Partial(_, in_doubt)]
                    if in_doubt.kind == FailureKind::Uncertain
            ),
            "{outcomes:?}"
        );
        assert_eq!(asked[4], r#"Submit {"formid":"F","data":{"Ids":"3"}}"#);
    }

    #[test]
    fn a_changed_bill_that_need_not_be_audited_is_saved_again_too() {
        let changed = || {
            let resume = json!({"id": "1", "number": "A", "step": "saved", "digest": "of other content"});
            vec![Bill { resume: Some(resume), ..new("A") }]
        };
        let answers = [rows(json!([[1, "A"]])), written(0, &[(1, "A", 0)], &[])];
        let (outcomes, asked) = pushed_with("save", json!({"FormId": "F"}), changed(), answers);
        assert!(matches!(&outcomes.unwrap()[..], [Outcome::Done(_)]));
        assert_eq!(asked[1], r#"Save {"formid":"F","data":{"Model":{"FID":1,"FBillNo":"A"}}}"#);
        let (outcomes, _) = pushed_with("save", json!({"FormId": "F"}), changed(), [rows(json!([[1, "C"]]))]);
        assert!(matches!(&outcomes.unwrap()[..], [Outcome::Partial(_, _)]));
    }

    #[test]
    fn what_is_set_up_wrong_is_said_before_anything_is_sent() {
        let cases = [
            ("Submit", json!({"FormId": "F"}), "kingdee has no target `Submit`"),
            ("batchSave", json!({}), "the target names no form"),
        ];
        for (api, other_request, message) in cases {
            let (outcomes, asked) = pushed_with(api, other_request, vec![new("A")], []);
            let failure = outcomes.unwrap_err();
            assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Misconfigured, message));
            assert!(failure.hint.is_some() && asked.is_empty());
        }
    }
}

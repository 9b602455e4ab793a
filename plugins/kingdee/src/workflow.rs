//! From a saved bill to an approved one: `Submit`, then `Audit`, one request each for all bills that are due.
//!
//! What takes a bill further is decided by its status at Kingdee, never by what was tried before: so going on is safe however often it is
//! done, and a bill that a reply leaves in doubt is merely half done. Where Kingdee refuses a step, the status is asked for once: forms
//! can be set up to audit what is submitted, or a person may have been faster, and then the step is refused because it is done.

use std::collections::HashMap;

use qiao_plugin::http::Access;
use qiao_plugin::{Failure, FailureKind, Outcome};

use crate::document::{self, Document, DocumentStatus, Step};
use crate::options::Options;
use crate::reply;
use crate::service::Service;
use crate::tally::{Places, Said, Sent, tally};
use crate::vendor::Vendor;

/// A bill on its way.
struct UnderWay {
    bill: Document,
    /// Why it goes no further.
    stopped: Option<Failure>,
}

/// Takes bills as far as the scheme wants them: what became of each, in order.
pub(crate) fn go_on(vendor: &Vendor<'_>, options: &Options, bills: Vec<Document>, limit: u32) -> Vec<Outcome> {
    let mut bills: Vec<UnderWay> = bills.into_iter().map(|bill| UnderWay { bill, stopped: None }).collect();
    if options.submit_and_audit {
        for step in [Step::Submit, Step::Audit] {
            let mut due: Vec<&mut UnderWay> = bills.iter_mut().filter(|under_way| under_way.is_due(step)).collect();
            if !due.is_empty() && take(vendor, options, step, &mut due) {
                see_what_is_done(vendor, options, &mut due, limit);
            }
        }
    }
    bills.into_iter().map(|under_way| under_way.outcome(options)).collect()
}

impl UnderWay {
    fn is_due(&self, step: Step) -> bool {
        self.stopped.is_none() && self.bill.status.next() == Some(step)
    }

    fn outcome(self, options: &Options) -> Outcome {
        match (self.stopped, &self.bill.status) {
            (Some(failure), _) => Outcome::Partial(self.bill.half_done(), failure),
            (None, DocumentStatus::Approved) => Outcome::Done(self.bill.receipt()),
            (None, _) if !options.submit_and_audit => Outcome::Done(self.bill.receipt()),
            (None, status) => {
                let failure = stuck(status, &options.form_id);
                Outcome::Partial(self.bill.half_done(), failure)
            }
        }
    }
}

/// Takes a step with bills that are due for it. True if it is worth asking what became of those that were stopped.
fn take(vendor: &Vendor<'_>, options: &Options, step: Step, due: &mut [&mut UnderWay]) -> bool {
    let (service, reached) = match step {
        Step::Submit => (Service::Submit, DocumentStatus::UnderReview),
        Step::Audit => (Service::Audit, DocumentStatus::Approved),
    };
    let ids: Vec<&str> = due.iter().map(|under_way| under_way.bill.id.as_str()).collect();
    let status = vendor
        .operate(service, &options.form_id, &options.of_step(&ids))
        .map_err(|error| error.failure(Access::Write))
        .and_then(|response| reply::written(&response));
    let status = match status {
        Ok(status) => status,
        Err(failure) => {
            for under_way in due {
                under_way.stopped = Some(failure.clone());
            }
            return false;
        }
    };
    let sent: Vec<Sent> = due
        .iter()
        .map(|under_way| Sent { id: Some(under_way.bill.id.clone()), number: under_way.bill.number.clone() })
        .collect();
    let mut in_doubt = false;
    for (under_way, said) in due.iter_mut().zip(tally(&status, &sent, Places::Unknown)) {
        let failure = match said {
            Said::Done(_) => {
                under_way.bill.status = reached.clone();
                continue;
            }
            Said::Refused(refusal) => refusal.failure(Access::Write),
            Said::Nothing => Failure::uncertain(format!(
                "Kingdee's reply to `{}` mentions the bill neither in `SuccessEntitys` nor in `Errors`",
                service.word()
            )),
        };
        in_doubt |= matches!(failure.kind, FailureKind::Rejected | FailureKind::Uncertain | FailureKind::Transient);
        under_way.stopped = Some(failure);
    }
    in_doubt
}

/// Asks for the statuses of bills that were stopped. Those that have come further all the same go on.
fn see_what_is_done(vendor: &Vendor<'_>, options: &Options, due: &mut [&mut UnderWay], limit: u32) {
    let stopped = due.iter().filter(|under_way| under_way.stopped.is_some());
    let ids: Vec<&str> = stopped.map(|under_way| under_way.bill.id.as_str()).collect();
    // What Kingdee said of the step stays said if it does not tell the statuses.
    let statuses: HashMap<String, DocumentStatus> =
        document::statuses(vendor, &options.form_id, ids, limit).unwrap_or_default();
    for under_way in due.iter_mut().filter(|under_way| under_way.stopped.is_some()) {
        if let Some(now) = statuses.get(&under_way.bill.id)
            && *now > under_way.bill.status
            && now.next() != under_way.bill.status.next()
        {
            under_way.bill.status = now.clone();
            under_way.stopped = None;
        }
    }
}

/// No step leads on from here.
fn stuck(status: &DocumentStatus, form_id: &str) -> Failure {
    match status {
        DocumentStatus::Unknown(letter) => Failure::misconfigured(format!(
            "the bill's `FDocumentStatus` is `{letter}`, from which neither `Submit` nor `Audit` leads on"
        ))
        .hint(format!(
            "`{form_id}` may have no workflow: then take `IsAutoSubmitAndAudit` out of the target's `otherRequest`"
        )),
        _ => Failure::transient("the bill's status was changed at Kingdee while it was being submitted and audited"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind;
    use qiao_plugin::http::{Error, Response};
    use qiao_plugin::json::json;

    use crate::testing::{Answer, answer, both, lost, new, pushed, rows, written};

    const SHORT: &str = "更新库存出现异常情况，更新库存不成功！";

    #[test]
    fn a_bill_that_is_not_audited_is_half_done() {
        let (outcomes, asked) = pushed(
            vec![new("A"), new("B")],
            [
                both((1, "A"), (2, "B")),
                both((1, "A"), (2, "B")),
                written(11, &[(1, "A", 0)], &[(SHORT, Some(0))]),
                rows(json!([[2, "B"]])),
            ],
        );
        assert_eq!(outcomes, ["done 1".to_owned(), format!("partial 2 submitted Rejected: {SHORT}")]);
        assert_eq!(asked, ["BatchSave", "Submit", "Audit", "ExecuteBillQuery"]);
    }

    #[test]
    fn a_bill_whose_submit_is_refused_is_not_audited() {
        let (outcomes, asked) = pushed(
            vec![new("A"), new("B")],
            [
                both((1, "A"), (2, "B")),
                written(13, &[(2, "B", 0)], &[("单据“A”正在被其他用户操作", Some(0))]),
                rows(json!([[1, "A"]])),
                written(0, &[(2, "B", 0)], &[]),
            ],
        );
        assert_eq!(outcomes, ["partial 1 saved Transient: 单据“A”正在被其他用户操作", "done 2"]);
        assert_eq!(asked, ["BatchSave", "Submit", "ExecuteBillQuery", "Audit"]);
    }

    #[test]
    fn a_step_without_an_answer_leaves_its_bills_half_done() {
        let cases = [
            (lost(), FailureKind::Uncertain),
            (answer("<html>"), FailureKind::Uncertain),
            (Err(Error::NotSent("refused".into())), FailureKind::Transient),
            (Ok(Response { status: 429, ..answer("slow").unwrap() }), FailureKind::Throttled),
            (written(1, &[], &[("会话信息已丢失", Some(0))]), FailureKind::Unauthorized),
            (written(2, &[], &[("没有提交权限", Some(0))]), FailureKind::Misconfigured),
        ];
        for (reply, kind) in cases {
            let (outcomes, asked) = pushed(vec![new("A"), new("B")], [both((1, "A"), (2, "B")), reply]);
            assert!(outcomes[0].starts_with(&format!("partial 1 saved {kind:?}")), "{outcomes:?}");
            assert!(outcomes[1].starts_with(&format!("partial 2 saved {kind:?}")), "{outcomes:?}");
            assert_eq!(asked, ["BatchSave", "Submit"]);
        }
    }

    #[test]
    fn a_step_that_is_refused_because_it_is_done_is_done() {
        let save = || written(0, &[(1, "A", 0)], &[]);
        let submitted = || written(11, &[], &[("单据编号为“A”的销售退货单，已提交！", Some(0))]);
        let audited = || written(11, &[], &[("单据编号为“A”的销售退货单，单据已经审核！", Some(0))]);
        let cases: [(Vec<Answer>, &str, &[&str]); 5] = [
            // The form submits what is saved.
            (
                vec![save(), submitted(), rows(json!([[1, "B"]])), save()],
                "done 1",
                &["BatchSave", "Submit", "ExecuteBillQuery", "Audit"],
            ),
            // The form audits what is saved, or what is submitted.
            (vec![save(), audited(), rows(json!([[1, "C"]]))], "done 1", &["BatchSave", "Submit", "ExecuteBillQuery"]),
            (
                vec![save(), save(), audited(), rows(json!([[1, "C"]]))],
                "done 1",
                &["BatchSave", "Submit", "Audit", "ExecuteBillQuery"],
            ),
            // The bill was audited once, and is as far from it as any other.
            (
                vec![save(), written(11, &[], &[(SHORT, Some(0))]), rows(json!([[1, "D"]]))],
                "partial 1 saved Rejected: 更新库存出现异常情况，更新库存不成功！",
                &["BatchSave", "Submit", "ExecuteBillQuery"],
            ),
            // Kingdee does not tell the status.
            (
                vec![save(), save(), audited(), lost()],
                "partial 1 submitted Rejected: 单据编号为“A”的销售退货单，单据已经审核！",
                &["BatchSave", "Submit", "Audit", "ExecuteBillQuery"],
            ),
        ];
        for (answers, outcome, services) in cases {
            let (outcomes, asked) = pushed(vec![new("A")], answers);
            assert_eq!(outcomes, [outcome]);
            assert_eq!(asked, services);
        }
    }
}

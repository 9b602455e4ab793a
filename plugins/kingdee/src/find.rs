//! Looking bills up by their number.
//!
//! `absent` lets the engine make a bill, so it is said only where Kingdee has shown its rows and none has the number. Kingdee's databases
//! compare without regard to case and to blanks at the end, and so does its own check for numbers that are taken. A bill whose number
//! differs in that alone is neither the one that was asked for, so that an update would overwrite another's, nor absent, so that
//! Kingdee would take a new one: that needs a person.
//!
//! Of several bills with one number, in several organisations say, the one that has come furthest is taken for it.
//!
//! The engine looks up what it may have sent, with the body that it sent: so what is found half done was saved with that.

use std::collections::BTreeMap;

use qiao_plugin::{Failure, Find, Found, Wanted, log};

use crate::Send;
use crate::config::Config;
use crate::digest;
use crate::document::{self, Document, DocumentStatus, NUMBER_FIELD};
use crate::options::Options;
use crate::push;
use crate::vendor::Vendor;

/// The most bills of one look-up: their numbers all stand in one `FilterString`.
pub(crate) const LARGEST_FIND: u32 = 100;

pub(crate) fn find(call: &Find, send: Send<'_>) -> Result<Vec<Found>, Failure> {
    push::service(&call.api)?;
    let options = Options::read(&call.other_request)?;
    let config = Config::of(&call.connection)?;
    let vendor = Vendor::of(&call.connection, &config, send)?;

    if call.bills.iter().any(|wanted| wanted.number.trim().is_empty()) {
        return Err(Failure::rejected("a bill without a number cannot be looked up")
            .hint("map the field that holds the number: see the target's `number`"));
    }
    // A scheme's bills have their number in the same field, so that this is one request.
    let mut by_field: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for wanted in &call.bills {
        by_field.entry(number_field(wanted)).or_default().push(&wanted.number);
    }
    let mut bills: BTreeMap<&str, Vec<Document>> = BTreeMap::new();
    for (field, numbers) in by_field {
        let shown = document::with_numbers(&vendor, &options.form_id, field, numbers, config.max_limit())?;
        bills.insert(field, shown);
    }
    call.bills
        .iter()
        .map(|wanted| {
            let shown = bills.get(number_field(wanted)).map_or(&[][..], Vec::as_slice);
            Ok(match of_number(&wanted.number, shown)? {
                None => Found::Absent,
                Some(bill) if options.submit_and_audit && bill.status != DocumentStatus::Approved => {
                    Found::Partial(Document { digest: Some(digest::of(&wanted.body)), ..bill.clone() }.half_done())
                }
                Some(bill) => Found::Complete(bill.clone().receipt()),
            })
        })
        .collect()
}

fn number_field(wanted: &Wanted) -> &str {
    wanted.number_field.as_deref().unwrap_or(NUMBER_FIELD)
}

/// The bill of this number; of several the one that has come furthest.
fn of_number<'d>(number: &str, shown: &'d [Document]) -> Result<Option<&'d Document>, Failure> {
    let of_it = || shown.iter().filter(|bill| bill.number.as_deref() == Some(number));
    // Of equals the first, which is the oldest.
    let Some(bill) = of_it().rev().max_by_key(|bill| &bill.status) else {
        let same = |other: &str| other.trim_end().to_lowercase() == number.trim_end().to_lowercase();
        let alike = shown.iter().filter_map(|bill| bill.number.as_deref()).find(|other| same(other));
        return alike.map_or(Ok(None), |other| {
            Err(Failure::rejected(format!(
                "Kingdee has the number `{other}`, which differs from `{number}` in case or blanks alone: Kingdee takes both for the same"
            ))
            .hint("write the number as Kingdee has it, or give the bill another"))
        });
    };
    if of_it().count() > 1 {
        log::warn("several bills at Kingdee have one number", &[("number", &number), ("taken", &bill.id)]);
    }
    Ok(Some(bill))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind::{Misconfigured, Rejected, Transient, Unauthorized};
    use qiao_plugin::http::{Error, Response};
    use qiao_plugin::json::json;
    use qiao_plugin::{HalfDone, Receipt, Value};

    use super::*;
    use crate::testing::{Kingdee, lost, object, rows, signed_in, written};

    fn wanted(number: &str) -> Wanted {
        Wanted { number: number.into(), ..Wanted::default() }
    }

    fn find_them(
        bills: Vec<Wanted>,
        audited: bool,
        answers: impl IntoIterator<Item = Result<Response, Error>>,
    ) -> (Result<Vec<Found>, Failure>, Vec<String>) {
        let kingdee = Kingdee::new(answers);
        let other_request = object(json!({"FormId": "SAL_RETURNSTOCK", "IsAutoSubmitAndAudit": audited}));
        let call = Find { connection: signed_in(), api: "batchSave".into(), bills, other_request };
        let found = find(&call, &|request| kingdee.send(request));
        (found, kingdee.asked())
    }

    /// `absent`, `complete ID`, or `partial ID STEP`, for each number.
    fn told(numbers: &[&str], audited: bool, shown: Value) -> Vec<String> {
        let (found, asked) = find_them(numbers.iter().map(|number| wanted(number)).collect(), audited, [rows(shown)]);
        assert_eq!(asked.len(), 1);
        let id = |receipt: Receipt| receipt.id.unwrap();
        found
            .unwrap()
            .into_iter()
            .map(|found| match found {
                Found::Absent => "absent".to_owned(),
                Found::Complete(receipt) => format!("complete {}", id(receipt)),
                Found::Partial(HalfDone { receipt, resume }) => {
                    format!("partial {} {}", id(receipt), resume["step"].as_str().unwrap())
                }
            })
            .collect()
    }

    #[test]
    fn all_numbers_are_asked_for_at_once() {
        let (found, asked) = find_them(vec![wanted("TK1"), wanted("O'C")], false, [rows(json!([]))]);
        assert_eq!(found.unwrap(), [Found::Absent, Found::Absent]);
        assert_eq!(
            asked,
            [
                r#"ExecuteBillQuery {"data":{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FID,FBillNo,FDocumentStatus","FilterString":"FBillNo in ('TK1','O''C')","OrderString":"FID ASC","TopRowCount":0,"StartRow":0,"Limit":2000}}"#
            ]
        );
        let by_number = Wanted { number_field: Some("FNumber".into()), ..wanted("M1") };
        let (_, asked) = find_them(vec![by_number], false, [rows(json!([]))]);
        assert!(asked[0].contains(r#""FieldKeys":"FID,FNumber,FDocumentStatus","FilterString":"FNumber in ('M1')""#));
    }

    #[test]
    fn a_bill_is_whole_when_it_has_come_as_far_as_the_scheme_wants_it() {
        let shown = json!([[1, "A", "Z"], [2, "B", "A"], [3, "C", "B"], [4, "D", "C"], [5, "E", "D"], [6, "F", null]]);
        let numbers = ["A", "B", "C", "D", "E", "F", "G"];
        assert_eq!(
            told(&numbers, true, shown.clone()),
            [
                "partial 1 saved",
                "partial 2 saved",
                "partial 3 submitted",
                "complete 4",
                "partial 5 saved",
                "partial 6 saved",
                "absent"
            ]
        );
        assert_eq!(
            told(&numbers, false, shown),
            ["complete 1", "complete 2", "complete 3", "complete 4", "complete 5", "complete 6", "absent"]
        );
    }

    #[test]
    fn what_is_found_half_done_was_saved_with_the_body_that_is_asked_with() {
        let body = object(json!({"FBillNo": "A", "FNote": "退货"}));
        let asked_with = Wanted { body: body.clone(), ..wanted("A") };
        let (found, _) = find_them(vec![asked_with, wanted("B")], true, [rows(json!([[1, "A", "A"], [2, "B", "B"]]))]);
        let digests: Vec<Value> = found
            .unwrap()
            .into_iter()
            .map(|found| match found {
                Found::Partial(half_done) => half_done.resume["digest"].clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(digests, [json!(digest::of(&body)), json!(digest::of(&object(json!({}))))]);
    }

    #[test]
    fn of_several_bills_the_one_that_has_come_furthest_is_taken() {
        let cases = [
            (json!([[1, "A", "A"], [2, "A", "C"], [3, "A", "B"]]), "complete 2"),
            (json!([[1, "A", "A"], [2, "A", "D"]]), "partial 2 saved"),
            (json!([[1, "A", "C"], [2, "A", "C"]]), "complete 1"),
            // The other's number only looks the same to Kingdee.
            (json!([[1, "a", "C"], [2, "A", "A"]]), "partial 2 saved"),
        ];
        for (shown, expected) in cases {
            assert_eq!(told(&["A"], true, shown.clone()), [expected], "{shown}");
        }
    }

    #[test]
    fn a_number_that_kingdee_takes_for_the_same_needs_a_person() {
        for (number, other) in [("tk1", "TK1"), ("TK1", "TK1 "), ("é", "É")] {
            let (found, _) = find_them(vec![wanted(number)], false, [rows(json!([[1, other, "C"]]))]);
            let failure = found.unwrap_err();
            assert_eq!(failure.kind, Rejected);
            assert!(failure.message.contains(&format!("`{other}`")), "{failure}");
        }
    }

    #[test]
    fn absent_is_said_only_where_kingdee_says_so() {
        let (found, _) = find_them(vec![wanted("A")], true, [written(10, &[], &[("没有数据", None)])]);
        assert_eq!(found.unwrap(), [Found::Absent]);
        let cases = [
            (lost(), Transient),
            (written(0, &[], &[]), Transient),
            (written(1, &[], &[("会话信息已丢失", Some(0))]), Unauthorized),
            (written(2, &[], &[("没有权限", Some(0))]), Misconfigured),
            (written(4, &[], &[("异常", Some(0))]), Transient),
        ];
        for (reply, kind) in cases {
            let told = format!("{reply:?}");
            let (found, _) = find_them(vec![wanted("A")], true, [reply]);
            assert_eq!(found.unwrap_err().kind, kind, "{told}");
        }
        assert_eq!(find_them(vec![wanted(" ")], true, []).0.unwrap_err().kind, Rejected);
    }
}

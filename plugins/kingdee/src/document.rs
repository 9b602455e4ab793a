//! Bills as Kingdee has them: their ids, and how far each has come.
//!
//! `FDocumentStatus` is one letter (Kingdee `WebAPI` help): `Z` a draft, `A` saved, `B` under review, `C` approved, `D` to be reviewed
//! again. It is asked for with `ExecuteBillQuery`; `FID` is the field of a bill's id.

use std::collections::HashMap;

use qiao_plugin::http::Access;
use qiao_plugin::json::{json, text};
use qiao_plugin::{Failure, HalfDone, Object, Receipt, Value};

use crate::filter;
use crate::reply::{self, Reply, Shape};
use crate::service::Service;
use crate::vendor::Vendor;

/// The field of a bill's number.
pub(crate) const NUMBER_FIELD: &str = "FBillNo";

/// The field of a bill's id.
pub(crate) const ID_FIELD: &str = "FID";

const STATUS_FIELD: &str = "FDocumentStatus";

/// `FDocumentStatus`. In the order of how far a bill has come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DocumentStatus {
    /// None of the five.
    Unknown(String),
    /// `Z`
    Draft,
    /// `A`
    Saved,
    /// `D`
    ToReviewAgain,
    /// `B`
    UnderReview,
    /// `C`
    Approved,
}

/// What takes a bill further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Submit,
    Audit,
}

impl DocumentStatus {
    pub(crate) fn of(letter: &str) -> Self {
        match letter {
            "Z" => Self::Draft,
            "A" => Self::Saved,
            "B" => Self::UnderReview,
            "C" => Self::Approved,
            "D" => Self::ToReviewAgain,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// What takes such a bill further.
    pub(crate) fn next(&self) -> Option<Step> {
        match self {
            Self::Draft | Self::Saved | Self::ToReviewAgain => Some(Step::Submit),
            Self::UnderReview => Some(Step::Audit),
            Self::Approved | Self::Unknown(_) => None,
        }
    }
}

/// A bill as Kingdee has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) number: Option<String>,
    pub(crate) status: DocumentStatus,
    /// Of the content that was saved ([`digest`](crate::digest)); `None` where none was kept.
    pub(crate) digest: Option<String>,
    /// What Kingdee last said of it.
    pub(crate) reply: Value,
}

impl Document {
    /// What the host keeps of it.
    pub(crate) fn receipt(self) -> Receipt {
        Receipt { id: Some(self.id), number: self.number, reply: self.reply }
    }

    /// What the host keeps of it while a step is missing.
    pub(crate) fn half_done(self) -> HalfDone {
        let step = if self.status >= DocumentStatus::UnderReview { "submitted" } else { "saved" };
        let resume = json!({ "id": self.id, "number": self.number, "step": step, "digest": self.digest });
        HalfDone { receipt: self.receipt(), resume }
    }

    /// A bill of which the host kept this. The step is for people: the true status is asked for.
    pub(crate) fn resumed(resume: &Value) -> Option<Self> {
        let member = |name| resume.get(name).and_then(text).filter(|text| !text.is_empty()).map(String::from);
        let status = if member("step").as_deref() == Some("submitted") {
            DocumentStatus::UnderReview
        } else {
            DocumentStatus::Saved
        };
        let (id, number) = (member("id")?, member("number"));
        Some(Self { reply: json!({ "Id": id, "Number": number }), id, number, status, digest: member("digest") })
    }
}

/// The statuses of bills by their ids. One that Kingdee does not have is missing.
pub(crate) fn statuses<'i>(
    vendor: &Vendor<'_>,
    form_id: &str,
    ids: impl IntoIterator<Item = &'i str>,
    limit: u32,
) -> Result<HashMap<String, DocumentStatus>, Failure> {
    let rows = look_up(vendor, form_id, &[ID_FIELD, STATUS_FIELD], &filter::one_of(ID_FIELD, ids), limit)?;
    let cells = |row: Vec<Option<String>>| {
        let [id, status] = <[_; 2]>::try_from(row).ok()?;
        Some((id?, DocumentStatus::of(&status.unwrap_or_default())))
    };
    Ok(rows.into_iter().filter_map(cells).collect())
}

/// The bills with these numbers, by the field that holds them. Of what content they are, nobody asks Kingdee.
pub(crate) fn with_numbers<'n>(
    vendor: &Vendor<'_>,
    form_id: &str,
    number_field: &str,
    numbers: impl IntoIterator<Item = &'n str>,
    limit: u32,
) -> Result<Vec<Document>, Failure> {
    let fields = [ID_FIELD, number_field, STATUS_FIELD];
    let rows = look_up(vendor, form_id, &fields, &filter::one_of(number_field, numbers), limit)?;
    rows.into_iter()
        .map(|row| {
            let reply = fields.iter().map(|field| (*field).to_owned()).zip(row.iter().map(|cell| json!(cell)));
            let reply = Value::Object(reply.collect());
            match <[_; 3]>::try_from(row) {
                Ok([Some(id), number, status]) => {
                    let status = DocumentStatus::of(&status.unwrap_or_default());
                    Ok(Document { id, number, status, digest: None, reply })
                }
                _ => Err(Failure::transient(format!("Kingdee shows a bill without its id: {reply}"))),
            }
        })
        .collect()
}

/// Rows of as many cells as fields. They are all there are, or it is a failure.
fn look_up(
    vendor: &Vendor<'_>,
    form_id: &str,
    fields: &[&str],
    filter: &str,
    limit: u32,
) -> Result<Vec<Vec<Option<String>>>, Failure> {
    let data = Object::from_iter([
        ("FormId".to_owned(), json!(form_id)),
        ("FieldKeys".to_owned(), json!(fields.join(","))),
        ("FilterString".to_owned(), json!(filter)),
        ("OrderString".to_owned(), json!(format!("{ID_FIELD} ASC"))),
        ("TopRowCount".to_owned(), json!(0)),
        ("StartRow".to_owned(), json!(0)),
        ("Limit".to_owned(), json!(limit)),
    ]);
    let response = vendor.query(Service::ExecuteBillQuery, &data).map_err(|error| error.failure(Access::Read))?;
    let rows = match reply::rows(&response, Shape::Arrays)? {
        Reply::Rows(_, rows) => rows,
        Reply::Refused(refusal) if refusal.no_data() => Vec::new(),
        Reply::Refused(refusal) => return Err(refusal.failure(Access::Read)),
        Reply::Nothing => return Err(Failure::transient("Kingdee reports success for a look-up, but shows no rows")),
    };
    if rows.len() >= limit as usize {
        return Err(Failure::misconfigured(format!("a look-up by {filter} finds more than {limit} rows")).hint(
            "its field may be none of the bill's head, or be the same in many bills: see the target's `number`",
        ));
    }
    rows.iter()
        .map(|row| {
            let cells: Vec<Value> = serde_json::from_str(row.get())
                .map_err(|error| Failure::transient(format!("a row of Kingdee's is broken: {error}")))?;
            if cells.len() != fields.len() {
                return Err(Failure::transient(format!(
                    "Kingdee was asked for {} fields and shows {} cells",
                    fields.len(),
                    cells.len()
                )));
            }
            Ok(cells.iter().map(|cell| text(cell).map(String::from)).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind::{self, Misconfigured, Transient, Unauthorized};
    use qiao_plugin::http::{Error, Response};

    use super::*;
    use crate::testing::{Kingdee, answer, config_of, lost, rows, signed_in, written};

    fn found(reply: Result<Response, Error>) -> Result<Vec<Document>, Failure> {
        let (connection, kingdee) = (signed_in(), Kingdee::new([reply]));
        let send = |request| kingdee.send(request);
        let vendor = Vendor::of(&connection, &config_of(&connection), &send).unwrap();
        with_numbers(&vendor, "SAL_RETURNSTOCK", NUMBER_FIELD, ["A'B", "C"], 4)
    }

    #[test]
    fn what_a_letter_means() {
        let cases = [
            ("Z", Some(Step::Submit)),
            ("A", Some(Step::Submit)),
            ("D", Some(Step::Submit)),
            ("B", Some(Step::Audit)),
            ("C", None),
            ("", None),
            ("E", None),
        ];
        for (letter, next) in cases {
            assert_eq!(DocumentStatus::of(letter).next(), next, "{letter}");
        }
    }

    #[test]
    fn a_bill_is_shown_with_id_number_and_status() {
        let bills = found(rows(json!([[100_001, "C", "B"], ["100002", "A'B", "C"]]))).unwrap();
        assert_eq!(
            bills[0],
            Document {
                id: "100001".into(),
                number: Some("C".into()),
                status: DocumentStatus::UnderReview,
                digest: None,
                reply: json!({"FID": "100001", "FBillNo": "C", "FDocumentStatus": "B"}),
            }
        );
        assert_eq!(bills[1].id, "100002");
        assert_eq!(found(rows(json!([]))).unwrap(), []);
        assert_eq!(found(written(10, &[], &[("没有数据", None)])).unwrap(), []);
    }

    #[test]
    fn what_is_not_all_of_it_is_a_failure() {
        let cases: [(Result<Response, Error>, FailureKind); 8] = [
            (lost(), Transient),
            (answer("[[1,"), Transient),
            (rows(json!([[1, "C"]])), Transient),
            (rows(json!([[null, "C", "A"]])), Transient),
            (written(0, &[], &[]), Transient),
            (written(1, &[], &[("会话信息已丢失", Some(0))]), Unauthorized),
            (written(11, &[], &[("字段 FBillNo 不存在", None)]), Misconfigured),
            (rows(json!([[1, "A", "A"], [2, "B", "A"], [3, "C", "A"], [4, "D", "A"]])), Misconfigured),
        ];
        for (reply, kind) in cases {
            let told = format!("{reply:?}");
            assert_eq!(found(reply).unwrap_err().kind, kind, "{told}");
        }
    }

    #[test]
    fn what_is_kept_of_a_half_done_bill_leads_back_to_it() {
        for (letter, step) in [("Z", "saved"), ("A", "saved"), ("D", "saved"), ("B", "submitted"), ("C", "submitted")] {
            let bill = Document {
                id: "7".into(),
                number: Some("X1".into()),
                status: DocumentStatus::of(letter),
                digest: Some("d1".into()),
                reply: json!({"Id": 7}),
            };
            let half_done = bill.half_done();
            assert_eq!(half_done.resume, json!({"id": "7", "number": "X1", "step": step, "digest": "d1"}));
            let again = Document::resumed(&half_done.resume).unwrap();
            assert_eq!((again.id.as_str(), again.number.as_deref()), ("7", Some("X1")));
            assert_eq!(again.half_done().resume, half_done.resume);
        }
        assert_eq!(Document::resumed(&json!({"id": "7", "step": "saved"})).unwrap().digest, None);
        assert_eq!(Document::resumed(&json!({"number": "X1"})), None);
        assert_eq!(Document::resumed(&json!(null)), None);
    }
}

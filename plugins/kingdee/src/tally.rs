//! Which bills of a request a reply speaks of.
//!
//! Each bill is told by its own entry, never by `IsSuccess`. Kingdee names a bill in up to three ways, which are not equally good:
//!
//! * **`Id` and `Number`** are the bill's own.
//! * **`DIndex`** of a save is the bill's place in `Model`. Of other operations it is no place in the request: a captured reply to
//!   `UnAudit` of `["SCGSL004744","SCGSL004743"]` counts them in the order of their ids.
//! * **Words**: `单据编号为“TK202504030001”的销售出库单，单据已经审核！` is an error of an `Audit`, whose entries have no `Id`.
//!
//! A reply that stops the whole request (a lost session, a missing right) gives a `DIndex` of 0, and means all.

use qiao_plugin::log;

use crate::refusal::Refusal;
use crate::status::{Complaint, Entity, Status};

/// What is known of a bill that was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    pub(crate) id: Option<String>,
    pub(crate) number: Option<String>,
}

/// What a reply says of a bill.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// It was done.
    Done(Entity),
    /// It was refused.
    Refused(Refusal),
    /// Nothing.
    Nothing,
}

/// What `DIndex` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// The bills as they were sent.
    AsSent,
    /// The bills in an order of Kingdee's own.
    Unknown,
}

/// What a reply says of each bill, in the order of the bills.
pub(crate) fn tally(status: &Status, sent: &[Sent], places: Places) -> Vec<Said> {
    let mut said = vec![Said::Nothing; sent.len()];
    for entity in &status.entities {
        match place_of(entity, sent, places).and_then(|place| said.get_mut(place)) {
            Some(free @ Said::Nothing) => *free = Said::Done(entity.clone()),
            _ => log::warn("Kingdee reports success for a bill that was not sent", &[("entry", &entity.whole)]),
        }
    }
    let open: Vec<usize> =
        said.iter().enumerate().filter(|(_, said)| **said == Said::Nothing).map(|(place, _)| place).collect();
    let whole = Refusal::saying(status.code.clone(), &status.errors);
    if status.entities.is_empty() && whole.is_about_the_call() {
        return vec![Said::Refused(whole); sent.len()];
    }
    let meant: Vec<Vec<usize>> =
        status.errors.iter().map(|complaint| meant_by(complaint, sent, &open, places)).collect();
    for (place, said) in said.iter_mut().enumerate() {
        let of_it = status.errors.iter().zip(&meant).filter(|(_, meant)| meant.contains(&place));
        let of_it: Vec<&Complaint> = of_it.map(|(complaint, _)| complaint).collect();
        match said {
            Said::Done(entity) => {
                for complaint in of_it {
                    let fields: log::Fields<'_> = &[("entry", &entity.whole), ("message", &complaint.message)];
                    log::warn("Kingdee reports success for a bill, and an error besides", fields);
                }
            }
            Said::Nothing if !of_it.is_empty() => {
                *said = Said::Refused(Refusal::saying(status.code.clone(), of_it));
            }
            Said::Nothing | Said::Refused(_) => {}
        }
    }
    said
}

fn place_of(entity: &Entity, sent: &[Sent], places: Places) -> Option<usize> {
    let only = |fits: &dyn Fn(&Sent) -> bool| {
        let mut fitting = sent.iter().enumerate().filter(|(_, sent)| fits(sent)).map(|(place, _)| place);
        fitting.next().filter(|_| fitting.next().is_none())
    };
    let by_id = || only(&|sent| sent.id.is_some() && sent.id == entity.id);
    let by_number = || only(&|sent| sent.number.is_some() && sent.number == entity.number);
    // A number of Kingdee's own making: by its place.
    let by_place = || match places {
        Places::AsSent if sent.len() == 1 => Some(0),
        Places::AsSent => entity.place,
        Places::Unknown => None,
    };
    by_id().or_else(by_number).or_else(by_place)
}

/// The places of the bills that a complaint is about. `open` are those that are not reported as done.
fn meant_by(complaint: &Complaint, sent: &[Sent], open: &[usize], places: Places) -> Vec<usize> {
    let by_place = complaint.place.filter(|place| *place < sent.len());
    if places == Places::AsSent {
        return by_place.map_or_else(|| open.to_vec(), |place| vec![place]);
    }
    let is_named = |place: &&usize| {
        let number = sent.get(**place).and_then(|sent| sent.number.as_deref());
        number.is_some_and(|number| names(&complaint.message, number))
    };
    let named: Vec<usize> = open.iter().filter(is_named).copied().collect();
    match by_place {
        _ if !named.is_empty() => named,
        Some(place) if open.len() > 1 && open.contains(&place) => vec![place],
        _ => open.to_vec(),
    }
}

/// Whether a message names this number, and not one that only begins or ends so.
fn names(message: &str, number: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !number.is_empty()
        && message.match_indices(number).any(|(start, _)| {
            let before = message.get(..start).and_then(|before| before.chars().next_back());
            let after = message.get(start + number.len()..).and_then(|after| after.chars().next());
            !before.is_some_and(goes_on) && !after.is_some_and(goes_on)
        })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        reason = "tests"
    )]
    use proptest::prelude::*;
    use qiao_plugin::Value;
    use qiao_plugin::json::json;

    use super::*;

    const CUSTOMER: &str = "客户是必填项";

    /// `1` for the id of what was done, `!message` for what was refused, `?` for what is not mentioned.
    fn told(sent: &[(&str, &str)], places: Places, status: &Value) -> Vec<String> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let sent: Vec<Sent> = sent.iter().map(|(id, number)| Sent { id: some(id), number: some(number) }).collect();
        tally(&Status::read(status), &sent, places)
            .into_iter()
            .map(|said| match said {
                Said::Done(entity) => entity.id.unwrap_or_default(),
                Said::Refused(refusal) => format!("!{}", refusal.message),
                Said::Nothing => "?".to_owned(),
            })
            .collect()
    }

    fn status(code: u32, entities: Value, errors: Value) -> Value {
        json!({"IsSuccess": false, "MsgCode": code, "SuccessEntitys": entities, "Errors": errors})
    }

    #[test]
    fn a_save_is_told_by_number_or_place() {
        let entity = |id: u32, number: &str, place: u32| json!({"Id": id, "Number": number, "DIndex": place});
        let error = |message: &str, place: u32| json!({"FieldName": "", "Message": message, "DIndex": place});
        let sent = [("", "A"), ("", "B"), ("", "C")];
        let cases = [
            // All, in whatever order.
            (0, json!([entity(3, "C", 2), entity(1, "A", 0), entity(2, "B", 1)]), json!([]), ["1", "2", "3"]),
            // Some, with several complaints about one.
            (
                11,
                json!([entity(2, "B", 1)]),
                json!([error(CUSTOMER, 0), error("【仓库】字段必录", 0), error("x", 2)]),
                ["!客户是必填项；【仓库】字段必录", "2", "!x"],
            ),
            // One is not mentioned.
            (11, json!([entity(2, "B", 1)]), json!([error(CUSTOMER, 0)]), ["!客户是必填项", "2", "?"]),
            (0, json!([]), json!([]), ["?", "?", "?"]),
            // A number of Kingdee's own making.
            (0, json!([entity(1, "XSTHD1", 0), entity(2, "XSTHD2", 1)]), json!([]), ["1", "2", "?"]),
            // The number is the bill's own, the place is a count.
            (0, json!([entity(3, "C", 0)]), json!([]), ["?", "?", "3"]),
            // An error without a place is about all that are not saved.
            (11, json!([entity(2, "B", 1)]), json!([{"Message": "x"}]), ["!x", "2", "!x"]),
            (11, json!([entity(2, "B", 1)]), json!([error("x", 9)]), ["!x", "2", "!x"]),
            // Saved is saved, whatever is said besides.
            (0, json!([entity(1, "A", 0)]), json!([error("预警", 0)]), ["1", "?", "?"]),
            // The session is lost: about the call.
            (
                1,
                json!([]),
                json!([error("会话信息已丢失", 0)]),
                ["!会话信息已丢失", "!会话信息已丢失", "!会话信息已丢失"],
            ),
            (14, json!([]), json!([error("超限", 0)]), ["!超限", "!超限", "!超限"]),
            // It was not, where something was saved.
            (14, json!([entity(2, "B", 1)]), json!([error("超限", 0)]), ["!超限", "2", "?"]),
            // An exception at one bill says nothing of the others.
            (4, json!([]), json!([error("异常", 0)]), ["!异常", "?", "?"]),
        ];
        for (code, entities, errors, expected) in cases {
            let status = status(code, entities, errors);
            assert_eq!(told(&sent, Places::AsSent, &status), expected, "{status}");
        }
    }

    #[test]
    fn one_bill_needs_no_place() {
        let saved = status(0, json!([{"Id": 7, "Number": "XSTHD1"}]), json!([]));
        assert_eq!(told(&[("", "A")], Places::AsSent, &saved), ["7"]);
        let refused = status(11, json!([]), json!([{"Message": CUSTOMER}]));
        assert_eq!(told(&[("", "A")], Places::AsSent, &refused), ["!客户是必填项"]);
    }

    #[test]
    fn another_step_is_told_by_id_and_words() {
        let entity = |id: u32, number: &str, place: u32| json!({"Id": id, "Number": number, "DIndex": place});
        let error = |message: &str, place: u32| json!({"FieldName": "", "Message": message, "DIndex": place});
        let sent = [("4744", "TK4744"), ("4743", "TK4743"), ("47", "TK474")];
        let audited = "单据编号为“TK474”的销售退货单，单据已经审核！";
        let expected_audited = format!("!{audited}");
        let cases = [
            // Kingdee counts in its own order.
            (json!([entity(4743, "TK4743", 0), entity(4744, "TK4744", 1)]), json!([]), ["4744", "4743", "?"]),
            (json!([{"Id": "47"}]), json!([]), ["?", "?", "47"]),
            (json!([{"Number": "TK474", "DIndex": 0}]), json!([]), ["?", "?", ""]),
            (json!([{"DIndex": 0}]), json!([]), ["?", "?", "?"]),
            (json!([]), json!([error(audited, 0)]), ["?", "?", expected_audited.as_str()]),
            // The only one that is left.
            (
                json!([entity(4743, "TK4743", 0), entity(47, "TK474", 1)]),
                json!([error("库存不足", 2)]),
                ["!库存不足", "4743", "47"],
            ),
            (json!([entity(4743, "TK4743", 0)]), json!([error("库存不足", 2)]), ["?", "4743", "!库存不足"]),
            (json!([entity(4743, "TK4743", 0)]), json!([error("库存不足", 1)]), ["!库存不足", "4743", "!库存不足"]),
        ];
        for (entities, errors, expected) in cases {
            let status = status(11, entities, errors);
            assert_eq!(told(&sent, Places::Unknown, &status), expected, "{status}");
        }
    }

    #[test]
    fn a_number_is_named_whole() {
        let cases = [
            ("单据编号为“TK1”的销售退货单", "TK1", true),
            ("单据编号TK1已存在", "TK1", true),
            ("TK1", "TK1", true),
            ("单据编号为“TK12”的销售退货单", "TK1", false),
            ("单据编号为“TK1-2”的销售退货单", "TK1", false),
            ("“ATK1”和“TK1”", "TK1", true),
            ("单据", "", false),
        ];
        for (message, number, expected) in cases {
            assert_eq!(names(message, number), expected, "{message}");
        }
    }

    proptest! {
        #[test]
        fn every_bill_is_told_of_once(
            sent in 0_usize..5,
            entities in prop::collection::vec((0_u32..6, 0_u32..6, 0_usize..6), 0..6),
            errors in prop::collection::vec(prop::option::of(0_usize..6), 0..6),
            code in 0_u32..16,
        ) {
            let bills: Vec<Sent> = (0..sent)
                .map(|n| Sent { id: (n % 2 == 0).then(|| n.to_string()), number: Some(format!("N{n}")) })
                .collect();
            let entities: Vec<Value> = entities
                .into_iter()
                .map(|(id, number, place)| json!({"Id": id, "Number": format!("N{number}"), "DIndex": place}))
                .collect();
            let errors: Vec<Value> = errors.into_iter().map(|place| json!({"Message": "x", "DIndex": place})).collect();
            let status = Status::read(&status(code, json!(entities), json!(errors)));
            for places in [Places::AsSent, Places::Unknown] {
                let said = tally(&status, &bills, places);
                prop_assert_eq!(said.len(), sent);
                let done = said.iter().filter(|said| matches!(said, Said::Done(_))).count();
                prop_assert!(done <= status.entities.len());
            }
        }
    }
}

//! `ResponseStatus`: what Kingdee says of a request, whole and for each bill.
//!
//! ```json
//! {"IsSuccess":false,"ErrorCode":500,"MsgCode":11,"SuccessMessages":[],
//!  "Errors":[{"FieldName":"FQTY","Message":"第1行分录，数量大于入库上限！","DIndex":0}],
//!  "SuccessEntitys":[{"Id":100001,"Number":"XSTHD000001","DIndex":1}]}
//! ```
//!
//! Numbers and booleans are also written as text, and a member that is empty may be missing.

use qiao_plugin::Value;
use qiao_plugin::json::{is_empty, text};

/// A `ResponseStatus`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Status {
    /// `IsSuccess`, where it is given. Of several bills it says little: with some saved and some refused it has been seen either way.
    pub(crate) success: Option<bool>,
    /// `MsgCode`, as it is written.
    pub(crate) code: Option<String>,
    /// `Errors`.
    pub(crate) errors: Vec<Complaint>,
    /// `SuccessEntitys`.
    pub(crate) entities: Vec<Entity>,
}

/// An entry of `Errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The field that it is about.
    pub(crate) field: Option<String>,
    /// The vendor's words.
    pub(crate) message: String,
    /// `DIndex`.
    pub(crate) place: Option<usize>,
}

/// An entry of `SuccessEntitys`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entity {
    /// The vendor's id.
    pub(crate) id: Option<String>,
    /// The bill's number.
    pub(crate) number: Option<String>,
    /// `DIndex`.
    pub(crate) place: Option<usize>,
    /// The entry as it is.
    pub(crate) whole: Value,
}

impl Status {
    pub(crate) fn read(status: &Value) -> Self {
        let list = |name| status.get(name).and_then(Value::as_array).into_iter().flatten();
        Self {
            success: member(status, "IsSuccess").map(|success| success.eq_ignore_ascii_case("true")),
            code: member(status, "MsgCode"),
            errors: list("Errors").filter_map(Complaint::read).collect(),
            entities: list("SuccessEntitys").map(Entity::read).collect(),
        }
    }
}

impl Complaint {
    fn read(error: &Value) -> Option<Self> {
        let message = text(error).map(Into::into).or_else(|| member(error, "Message"))?;
        Some(Self { field: member(error, "FieldName"), message, place: place(error) })
    }
}

impl Entity {
    pub(crate) fn read(entity: &Value) -> Self {
        Self {
            // 0 is the id of what is not there.
            id: member(entity, "Id").filter(|id| id != "0"),
            number: member(entity, "Number"),
            place: place(entity),
            whole: entity.clone(),
        }
    }
}

fn member(object: &Value, name: &str) -> Option<String> {
    let member = object.get(name).filter(|value| !is_empty(value))?;
    text(member).map(Into::into)
}

fn place(object: &Value) -> Option<usize> {
    member(object, "DIndex")?.parse().ok()
}

/// Messages joined, with the field that each is about: the first few, since a bill of 500 lines can break a rule 500 times.
pub(crate) fn joined<'c>(complaints: impl IntoIterator<Item = &'c Complaint>) -> String {
    const MOST: usize = 3;

    let mut told: Vec<String> = Vec::new();
    let mut more = 0;
    for complaint in complaints {
        let line = match &complaint.field {
            Some(field) => format!("`{field}`: {}", complaint.message.trim()),
            None => complaint.message.trim().to_owned(),
        };
        if told.contains(&line) {
            continue;
        }
        if told.len() < MOST {
            told.push(line);
        } else {
            more += 1;
        }
    }
    let told = told.join("；");
    if more > 0 { format!("{told}；… and {more} more") } else { told }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::json::json;

    use super::*;

    #[test]
    fn numbers_and_booleans_may_be_text() {
        let typed = Status::read(&json!({
            "IsSuccess": true, "MsgCode": 0,
            "Errors": [{"FieldName": "FQTY", "Message": "数量大于入库上限！", "DIndex": 1}],
            "SuccessEntitys": [{"Id": 100_001, "Number": "X1", "DIndex": 0}]
        }));
        let texts = Status::read(&json!({
            "IsSuccess": "True", "MsgCode": "0",
            "Errors": [{"FieldName": "FQTY", "Message": "数量大于入库上限！", "DIndex": "1"}],
            "SuccessEntitys": [{"Id": "100001", "Number": "X1", "DIndex": "0"}]
        }));
        assert_eq!((typed.success, &typed.code), (Some(true), &Some("0".into())));
        assert_eq!(typed.errors, texts.errors);
        assert_eq!(typed.entities[0].id, texts.entities[0].id);
        assert_eq!(typed.entities[0].place, texts.entities[0].place);
    }

    #[test]
    fn what_is_missing_or_empty_is_nothing() {
        assert_eq!(Status::read(&json!({})), Status::default());
        let status = Status::read(&json!({
            "IsSuccess": "false", "MsgCode": "", "Errors": [{"FieldName": "", "Message": "x"}, {}, "y"],
            "SuccessEntitys": [{"Id": 0, "Number": "", "DIndex": -1}]
        }));
        assert_eq!((status.success, status.code), (Some(false), None));
        let complaint = |message: &str| Complaint { field: None, message: message.into(), place: None };
        assert_eq!(status.errors, [complaint("x"), complaint("y")]);
        let entity = &status.entities[0];
        assert_eq!((&entity.id, &entity.number, entity.place), (&None, &None, None));
    }

    #[test]
    fn the_first_few_messages_are_told_once_each() {
        let complaint = |field: &str, message: &str| Complaint {
            field: (!field.is_empty()).then(|| field.to_owned()),
            message: message.to_owned(),
            place: None,
        };
        let lines = [
            complaint("FStockID", "【仓库】字段必录"),
            complaint("", " 客户是必填项 "),
            complaint("FStockID", "【仓库】字段必录"),
            complaint("", "3"),
            complaint("", "4"),
            complaint("", "5"),
        ];
        assert_eq!(joined(&lines), "`FStockID`: 【仓库】字段必录；客户是必填项；3；… and 2 more");
        assert_eq!(joined(&lines[..1]), "`FStockID`: 【仓库】字段必录");
    }
}

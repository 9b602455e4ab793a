//! How a service that writes answers: what was applied and what was not, each by its place in the request (`DIndex`).
//!
//! A mixed answer has `IsSuccess` false and both lists filled: what was applied is not taken back. `Save` adds `Id` and `Number` beside
//! the status, the batch does not.

use serde_json::{Map, Value, json};

use super::failure::{CONFLICT, VALIDATION};
use super::model::Complaint;

/// A bill that the service was applied to.
#[derive(Debug)]
pub(crate) struct Success {
    pub(crate) id: u64,
    pub(crate) number: String,
    pub(crate) index: usize,
    /// What `NeedReturnFields` asked for.
    pub(crate) returned: Map<String, Value>,
}

#[derive(Debug)]
struct Refused {
    index: usize,
    complaint: Complaint,
}

/// The answer of one call.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    successes: Vec<Success>,
    refused: Vec<Refused>,
    conflicts: usize,
}

impl Reply {
    pub(crate) fn applied(&mut self, success: Success) {
        self.successes.push(success);
    }

    pub(crate) fn refused(&mut self, index: usize, complaints: Vec<Complaint>) {
        self.refused.extend(complaints.into_iter().map(|complaint| Refused { index, complaint }));
    }

    /// Refused although nothing is wrong with it: somebody else has it open.
    pub(crate) fn conflict(&mut self, index: usize, label: &str) {
        self.conflicts += 1;
        let message = format!("单据“{label}”正在被其他用户编辑，发生网络控制冲突，请稍后再试！");
        self.refused(index, vec![Complaint::plain(message)]);
    }

    /// `{"Result":{"ResponseStatus":{…}}}`.
    pub(crate) fn plain(&self) -> Value {
        json!({"Result": {"ResponseStatus": self.status()}})
    }

    /// The same with what was to be returned of each bill.
    pub(crate) fn batch(&self) -> Value {
        json!({"Result": {"ResponseStatus": self.status(), "NeedReturnData": self.returned()}})
    }

    /// The same with the id and number of the only bill.
    pub(crate) fn single(&self) -> Value {
        let (id, number) = match self.successes.first() {
            Some(success) => (json!(success.id), json!(success.number)),
            None => (json!(""), json!("")),
        };
        json!({"Result": {
            "ResponseStatus": self.status(), "Id": id, "Number": number, "NeedReturnData": self.returned(),
        }})
    }

    fn returned(&self) -> Value {
        match self.successes.as_slice() {
            [] => json!([{}]),
            successes => successes.iter().map(|success| Value::Object(success.returned.clone())).collect(),
        }
    }

    fn status(&self) -> Value {
        let entities: Vec<Value> = self
            .successes
            .iter()
            .map(|success| json!({"Id": success.id, "Number": success.number, "DIndex": success.index}))
            .collect();
        if self.refused.is_empty() {
            return json!({
                "IsSuccess": true, "Errors": [], "SuccessEntitys": entities, "SuccessMessages": [], "MsgCode": 0,
            });
        }
        let errors: Vec<Value> = self
            .refused
            .iter()
            .map(|refused| {
                let Complaint { field, message } = &refused.complaint;
                json!({"FieldName": field, "Message": message, "DIndex": refused.index})
            })
            .collect();
        let msg_code = if self.conflicts == self.refused.len() { CONFLICT } else { VALIDATION };
        json!({
            "ErrorCode": 500, "IsSuccess": false, "Errors": errors, "SuccessEntitys": entities, "SuccessMessages": [],
            "MsgCode": msg_code,
        })
    }
}

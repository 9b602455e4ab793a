//! What a scheme says beside the bills, in its rendered `otherRequest`.
//!
//! `FormId` names the form. `IsAutoSubmitAndAudit` is an option of Kingdee's own `Save`, but is not passed on: a server that saves and
//! then fails to submit leaves it open which of the two happened, so the steps are taken one by one (`workflow`). `Operation` is what
//! published metadata adds for its readers. The `api` decides whether bills are saved together or alone, since the host has made up its
//! calls by it; an `Operation` that is no saving at all is refused, for its author means something else. Everything else is an option of
//! the save and goes with it as it is: Kingdee takes booleans as such and as text.

use qiao_plugin::json::{is_empty, json, text};
use qiao_plugin::{Failure, Object, Value};

use crate::service::Service;

/// The rendered `otherRequest`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) form_id: String,
    /// A bill is whole only when it is audited.
    pub(crate) submit_and_audit: bool,
    rest: Object,
}

/// Threads that the server saves a batch with. Kingdee's own advice is 5 to 10: <https://vip.kingdee.com/article/11179>.
const BATCH_COUNT: u32 = 5;

/// Options that submitting and auditing know as well: a bill that may leave a negative stock has to be allowed to at each step.
const OF_EVERY_STEP: [&str; 3] = ["InterationFlags", "IgnoreInterationFlag", "NetworkCtrl"];

/// Options that Kingdee takes as arrays only.
const LISTS: [&str; 2] = ["NeedUpDateFields", "NeedReturnFields"];

impl Options {
    pub(crate) fn read(other_request: &Object) -> Result<Self, Failure> {
        let mut form_id = None;
        let mut submit_and_audit = false;
        let mut rest = Object::new();
        for (name, value) in other_request {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if is("FormId") {
                form_id = text(value).map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
            } else if is("Operation") {
                check_operation(value)?;
            } else if is("IsAutoSubmitAndAudit") {
                submit_and_audit = flag(name, value)?;
            } else if is("Model") {
                return Err(Failure::misconfigured("the target's `otherRequest` has a `Model`")
                    .hint("the `Model` is the mapped bill: move its fields into the target's `request`"));
            } else if !is_empty(value) {
                rest.insert(name.clone(), if LISTS.into_iter().any(is) { list(value) } else { value.clone() });
            }
        }
        let form_id = form_id.ok_or_else(|| {
            Failure::misconfigured("the target names no form")
                .hint("give the target's `otherRequest` an item `FormId`, such as `SAL_RETURNSTOCK` for sales returns")
        })?;
        Ok(Self { form_id, submit_and_audit, rest })
    }

    /// `data` of a save.
    pub(crate) fn of_save(&self, service: Service, mut models: Vec<Value>) -> Object {
        let mut data = self.rest.clone();
        let batch_count = data.keys().find(|name| name.eq_ignore_ascii_case("BatchCount")).cloned();
        if service == Service::BatchSave {
            if batch_count.is_none() {
                data.insert("BatchCount".to_owned(), json!(BATCH_COUNT));
            }
            data.insert("Model".to_owned(), models.into());
        } else {
            if let Some(name) = batch_count {
                data.remove(&name);
            }
            data.insert("Model".to_owned(), models.pop().unwrap_or_default());
        }
        data
    }

    /// `data` of a submit or an audit. Ids are never ambiguous; a number may be, between organisations.
    pub(crate) fn of_step(&self, ids: &[&str]) -> Object {
        let mut data = Object::from_iter([("Ids".to_owned(), json!(ids.join(",")))]);
        for (name, value) in &self.rest {
            if OF_EVERY_STEP.into_iter().any(|option| name.eq_ignore_ascii_case(option)) {
                data.insert(name.clone(), value.clone());
            }
        }
        data
    }
}

fn check_operation(value: &Value) -> Result<(), Failure> {
    let Some(operation) = text(value).filter(|operation| !operation.trim().is_empty()) else {
        return Ok(());
    };
    if Service::called(operation.trim(), &Service::TARGETS).is_some() {
        return Ok(());
    }
    Err(Failure::misconfigured(format!(
        "`Operation` of the target's `otherRequest` is `{operation}`, but bills are saved"
    ))
    .hint("take `Operation` out; bills are submitted and audited with `IsAutoSubmitAndAudit`"))
}

fn flag(name: &str, value: &Value) -> Result<bool, Failure> {
    let text = text(value).unwrap_or_default();
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" if !value.is_array() && !value.is_object() => Ok(false),
        _ => Err(Failure::misconfigured(format!(
            "`{name}` of the target's `otherRequest` is {value}, neither true nor false"
        ))
        .hint(format!("mend the item `{name}`"))),
    }
}

/// `"FQty,FNote"` as the array that it means.
fn list(value: &Value) -> Value {
    match value {
        Value::String(names) => names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind;

    use super::*;
    use crate::testing::object;

    fn read(other_request: Value) -> Result<Options, Failure> {
        Options::read(&object(other_request))
    }

    #[test]
    fn the_published_metadata_is_understood() {
        let options = read(json!({
            "FormId": "SAL_RETURNSTOCK", "Operation": "BatchSave", "IsAutoSubmitAndAudit": true,
            "IsVerifyBaseDataField": true, "SubSystemId": "", "NeedReturnFields": null
        }))
        .unwrap();
        assert_eq!(options.form_id, "SAL_RETURNSTOCK");
        assert!(options.submit_and_audit);
        assert_eq!(
            Value::Object(options.of_save(Service::BatchSave, vec![json!({"FBillNo": "A"}), json!({})])),
            json!({"IsVerifyBaseDataField": true, "BatchCount": 5, "Model": [{"FBillNo": "A"}, {}]})
        );
    }

    #[test]
    fn options_go_with_the_save_as_they_are_and_where_they_belong_with_the_other_steps() {
        let options = read(json!({
            "formid": " F ", "operation": "kingdee.bos.webapi.servicesstub.dynamicformservice.save",
            "IsDeleteEntry": "false", "InterationFlags": "STK_InvCheckResult", "BatchCount": "2",
            "NeedUpDateFields": "FQty, FNote", "NeedReturnFields": ["FID"]
        }))
        .unwrap();
        let save = json!({
            "IsDeleteEntry": "false", "InterationFlags": "STK_InvCheckResult",
            "NeedUpDateFields": ["FQty", "FNote"], "NeedReturnFields": ["FID"], "Model": {"FBillNo": "A"}
        });
        assert_eq!(Value::Object(options.of_save(Service::Save, vec![json!({"FBillNo": "A"})])), save);
        assert_eq!(options.of_save(Service::BatchSave, vec![json!({})])["BatchCount"], json!("2"));
        let step = json!({"Ids": "1,2", "InterationFlags": "STK_InvCheckResult"});
        assert_eq!(Value::Object(options.of_step(&["1", "2"])), step);
    }

    #[test]
    fn a_flag_is_a_boolean_or_its_text() {
        let cases = [
            (json!(true), Some(true)),
            (json!("True"), Some(true)),
            (json!(1), Some(true)),
            (json!(false), Some(false)),
            (json!("false"), Some(false)),
            (json!(""), Some(false)),
            (json!(null), Some(false)),
            (json!("90"), None),
            (json!([]), None),
        ];
        for (value, expected) in cases {
            let options = read(json!({"FormId": "F", "IsAutoSubmitAndAudit": value}));
            assert_eq!(options.ok().map(|options| options.submit_and_audit), expected, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let cases = [
            (json!({"FormId": " "}), "the target names no form"),
            (json!({}), "the target names no form"),
            (
                json!({"FormId": "F", "Operation": "Audit"}),
                "`Operation` of the target's `otherRequest` is `Audit`, but bills are saved",
            ),
            (json!({"FormId": "F", "Model": {}}), "the target's `otherRequest` has a `Model`"),
        ];
        for (other_request, message) in cases {
            let failure = read(other_request).unwrap_err();
            assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Misconfigured, message));
            assert!(failure.hint.is_some());
        }
    }
}

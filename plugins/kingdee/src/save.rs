//! Saving bills: `Save` takes one as its `Model`, `BatchSave` several, each in a transaction of its own.
//!
//! A bill that the vendor has already goes with its `FID`, and is then changed instead of made; doing so twice does no harm. A reply that
//! does not come, or does not mention a bill, leaves that bill uncertain: it is looked up before it is sent again. A request that is
//! refused as a whole for what it contains, as Kingdee's firewall does, says nothing of the single bills, and none was saved: they are
//! sent once more, each alone, so that one bill does not condemn nineteen others. So are bills that are refused in one reply, which has
//! one code for all of them: what one of them contains, and that somebody has another open, would else be told as the same.

use qiao_plugin::http::Access;
use qiao_plugin::json::text;
use qiao_plugin::{Bill, Failure, FailureKind, Object, Value, log};

use crate::digest;
use crate::document::{Document, DocumentStatus, ID_FIELD, NUMBER_FIELD};
use crate::options::Options;
use crate::refusal::Refusal;
use crate::reply;
use crate::service::Service;
use crate::status::Entity;
use crate::tally::{Places, Said, Sent, tally};
use crate::vendor::Vendor;

/// The most bills of one `BatchSave`. Kingdee's own advice: <https://vip.kingdee.com/article/11179>.
pub(crate) const LARGEST_BATCH: u32 = 20;

/// Saves bills in one request: what became of each, in order.
pub(crate) fn save(
    vendor: &Vendor<'_>,
    service: Service,
    options: &Options,
    bills: &[&Bill],
) -> Vec<Result<Document, Failure>> {
    let models = bills.iter().map(|bill| Value::Object(model(bill))).collect();
    let data = options.of_save(service, models);
    let status = vendor
        .operate(service, &options.form_id, &data)
        .map_err(|error| error.failure(Access::Write))
        .and_then(|response| reply::written(&response));
    match status {
        Ok(status) => {
            let sent: Vec<Sent> = bills.iter().map(|bill| known(bill)).collect();
            let said = tally(&status, &sent, Places::AsSent);
            let share_a_code = said.iter().filter(|said| matches!(said, Said::Refused(_))).count() > 1;
            let each = bills.iter().zip(said).zip(sent);
            each.map(|((bill, said), sent)| match became(bill, said, sent) {
                Err(failure) if failure.kind == FailureKind::Rejected && share_a_code => {
                    alone(vendor, service, options, bill)
                }
                became => became,
            })
            .collect()
        }
        Err(failure) if failure.kind == FailureKind::Rejected && bills.len() > 1 => {
            bills.iter().map(|bill| alone(vendor, service, options, bill)).collect()
        }
        Err(failure) => vec![Err(failure); bills.len()],
    }
}

/// Saves one bill by itself.
fn alone(vendor: &Vendor<'_>, service: Service, options: &Options, bill: &Bill) -> Result<Document, Failure> {
    let saved = save(vendor, service, options, &[bill]).pop();
    saved.unwrap_or_else(|| Err(Failure::uncertain("the bill was sent, and nothing became of it")))
}

/// The mapped bill as Kingdee takes it.
fn model(bill: &Bill) -> Object {
    let Some(id) = bill.existing.as_ref().and_then(|existing| existing.id.as_deref()) else {
        return bill.body.clone();
    };
    // Ids are numbers, but for forms whose ids are texts.
    let id = id.parse::<u64>().map_or(Value::from(id), Value::from);
    // Kingdee reads a model's fields in their order; its own examples begin with the id.
    let mut model = Object::from_iter([(ID_FIELD.to_owned(), id)]);
    let body = bill.body.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(ID_FIELD));
    model.extend(body.map(|(name, value)| (name.clone(), value.clone())));
    model
}

/// By what Kingdee's reply may name a bill.
fn known(bill: &Bill) -> Sent {
    let own = bill.body.get(NUMBER_FIELD).and_then(text).filter(|number| !number.is_empty());
    Sent {
        id: bill.existing.as_ref().and_then(|existing| existing.id.clone()),
        number: own.map(Into::into).or_else(|| bill.number.clone()),
    }
}

fn became(bill: &Bill, said: Said, sent: Sent) -> Result<Document, Failure> {
    match said {
        Said::Done(entity) => saved(bill, entity, sent),
        Said::Refused(refusal) => Err(refused(bill, &refusal)),
        Said::Nothing => {
            Err(Failure::uncertain("Kingdee's reply mentions the bill neither in `SuccessEntitys` nor in `Errors`"))
        }
    }
}

fn saved(bill: &Bill, entity: Entity, sent: Sent) -> Result<Document, Failure> {
    if let (Some(given), Some(number)) = (&entity.number, &sent.number)
        && given != number
    {
        log::warn(
            "Kingdee gives the bill a number of its own: it will not be found by the mapped one",
            &[("number", number), ("given", given)],
        );
    }
    let id = entity.id.or(sent.id).ok_or_else(|| Failure::uncertain("Kingdee reports success without an `Id`"))?;
    let number = entity.number.or(sent.number);
    // A bill that is saved, or saved again, has yet to be submitted.
    let (status, digest) = (DocumentStatus::Saved, Some(digest::of(&bill.body)));
    Ok(Document { id, number, status, digest, reply: entity.whole })
}

fn refused(bill: &Bill, refusal: &Refusal) -> Failure {
    let failure = refusal.failure(Access::Write);
    if failure.kind != FailureKind::Rejected || failure.hint.is_some() {
        return failure;
    }
    let says = |words: &[&str]| words.iter().any(|word| failure.message.contains(word));
    if bill.existing.is_some() && says(&["审核", "提交", "审批"]) {
        return failure.hint(
            "Kingdee lets no submitted or audited bill be changed: set `on_existing: skip` on the scheme's target, or un-audit it in Kingdee",
        );
    }
    if bill.existing.is_none() && says(&["唯一性", "已经被使用", "已存在", "重复"]) {
        return failure
            .hint("if the bill is there already: `\"idCheck\": true` in the target's metadata looks it up first");
    }
    failure
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::FailureKind::{Misconfigured, Rejected, Throttled, Transient, Unauthorized, Uncertain};
    use qiao_plugin::Receipt;
    use qiao_plugin::http::{Error, Response};
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::{Answer, Kingdee, answer, config_of, lost, object, signed_in, written};

    fn bill(number: &str) -> Bill {
        Bill { number: Some(number.into()), body: object(json!({"FBillNo": number})), ..Bill::default() }
    }

    fn existing(number: &str, id: &str) -> Bill {
        Bill { existing: Some(Receipt { id: Some(id.into()), ..Receipt::default() }), ..bill(number) }
    }

    fn save_them(
        service: Service,
        bills: &[Bill],
        answers: impl IntoIterator<Item = Answer>,
    ) -> (Vec<Result<Document, Failure>>, Vec<String>) {
        let (connection, kingdee) = (signed_in(), Kingdee::new(answers));
        let send = |request| kingdee.send(request);
        let vendor = Vendor::of(&connection, &config_of(&connection), &send).unwrap();
        let options = Options::read(&object(json!({"FormId": "SAL_RETURNSTOCK"}))).unwrap();
        let became = save(&vendor, service, &options, &bills.iter().collect::<Vec<_>>());
        (became, kingdee.asked())
    }

    #[test]
    fn bills_go_in_the_officials_sdk_envelope() {
        let (became, asked) = save_them(
            Service::BatchSave,
            &[bill("A"), existing("B", "100002")],
            [written(0, &[(100_001, "A", 0), (100_002, "B", 1)], &[])],
        );
        assert_eq!(
            asked,
            [
                r#"BatchSave {"formid":"SAL_RETURNSTOCK","data":{"BatchCount":5,"Model":[{"FBillNo":"A"},{"FID":100002,"FBillNo":"B"}]}}"#
            ]
        );
        let saved = became[0].as_ref().unwrap();
        assert_eq!((saved.id.as_str(), saved.number.as_deref()), ("100001", Some("A")));
        assert_eq!(saved.reply, json!({"Id": 100_001, "Number": "A", "DIndex": 0}));
        assert!(became[1].is_ok());

        let (_, asked) = save_them(Service::Save, &[bill("A")], [written(0, &[(7, "A", 0)], &[])]);
        assert_eq!(asked, [r#"Save {"formid":"SAL_RETURNSTOCK","data":{"Model":{"FBillNo":"A"}}}"#]);
    }

    #[test]
    fn an_id_goes_first_and_is_a_number_if_it_is_one() {
        let body = json!({"fid": 0, "FBillNo": "A"});
        for (id, expected) in [("7", r#"{"FID":7,"FBillNo":"A"}"#), ("6f-1", r#"{"FID":"6f-1","FBillNo":"A"}"#)] {
            let bill = Bill { body: object(body.clone()), ..existing("A", id) };
            assert_eq!(Value::Object(model(&bill)).to_string(), expected);
        }
        let new = Bill { body: object(body.clone()), ..bill("A") };
        assert_eq!(Value::Object(model(&new)), body);
    }

    #[test]
    fn a_single_save_may_name_the_bill_beside_its_status() {
        let status = json!({"IsSuccess": true, "Errors": [], "SuccessEntitys": [], "MsgCode": 0});
        let reply = json!({"Result": {"ResponseStatus": status, "Id": 100_001, "Number": "XSTHD000001"}});
        let (became, _) = save_them(Service::Save, &[bill("A")], [answer(&reply.to_string())]);
        let saved = became[0].as_ref().unwrap();
        assert_eq!((saved.id.as_str(), saved.number.as_deref()), ("100001", Some("XSTHD000001")));
    }

    #[test]
    fn each_bill_has_its_own_outcome() {
        let (became, _) = save_them(
            Service::BatchSave,
            &[bill("A"), bill("B"), bill("C")],
            [written(11, &[(2, "B", 1)], &[("第1行分录，数量大于入库上限！", Some(0))])],
        );
        let failure = became[0].as_ref().unwrap_err();
        assert_eq!(failure.to_string(), "第1行分录，数量大于入库上限！ (MsgCode 11)");
        assert_eq!(failure.kind, Rejected);
        assert_eq!(became[1].as_ref().unwrap().id, "2");
        assert_eq!(became[2].as_ref().unwrap_err().kind, Uncertain);
    }

    #[test]
    fn refused_bills_that_share_a_code_are_sent_alone_and_each_learns_its_own() {
        let (became, asked) = save_them(
            Service::BatchSave,
            &[bill("A"), bill("B"), bill("C")],
            [
                written(11, &[(2, "B", 1)], &[("仓库不存在", Some(0)), ("单据正在被他人编辑", Some(2))]),
                written(11, &[], &[("仓库不存在", Some(0))]),
                written(13, &[], &[("单据正在被他人编辑", Some(0))]),
            ],
        );
        assert_eq!(asked.len(), 3);
        assert_eq!(became[0].as_ref().unwrap_err().kind, Rejected);
        assert_eq!(became[1].as_ref().unwrap().id, "2");
        assert_eq!(became[2].as_ref().unwrap_err().kind, Transient);
    }

    #[test]
    fn what_concerns_the_call_concerns_all_its_bills() {
        let cases: [(Answer, FailureKind); 12] = [
            (lost(), Uncertain),
            (Err(Error::TooLarge(9)), Uncertain),
            (Err(Error::NotSent("refused".into())), Transient),
            (Err(Error::Denied("host".into())), Misconfigured),
            (Ok(Response { status: 500, ..answer("x").unwrap() }), Uncertain),
            (Ok(Response { status: 429, ..answer("x").unwrap() }), Throttled),
            (answer("<html>"), Uncertain),
            (answer(r#"{"Result":{"ResponseStatus":{"IsSuccess":true"#), Uncertain),
            (answer("response_error: NullReference"), Uncertain),
            (answer("response_error:会话超时，请重新登录"), Unauthorized),
            (written(1, &[], &[("会话信息已丢失，请重新登录", Some(0))]), Unauthorized),
            (written(2, &[], &[("没有权限", Some(0))]), Misconfigured),
        ];
        for (reply, kind) in cases {
            let told = format!("{reply:?}");
            let (became, _) = save_them(Service::BatchSave, &[bill("A"), bill("B")], [reply]);
            let kinds: Vec<FailureKind> = became.into_iter().map(|became| became.unwrap_err().kind).collect();
            assert_eq!(kinds, [kind, kind], "{told}");
        }
    }

    #[test]
    fn a_code_decides_what_a_refusal_means() {
        for (code, kind) in [(4, Uncertain), (6, Uncertain), (11, Rejected), (13, Transient), (14, Throttled)] {
            let (became, _) = save_them(Service::Save, &[bill("A")], [written(code, &[], &[("x", Some(0))])]);
            assert_eq!(became[0].as_ref().unwrap_err().kind, kind, "MsgCode {code}");
        }
    }

    #[test]
    fn bills_that_are_refused_together_for_their_content_are_sent_alone() {
        let firewall = || answer(r#"[{"actionname":"showConfirm","params":[{"msg":"请求参数存在可疑数据"}]}]"#);
        let (became, asked) = save_them(
            Service::BatchSave,
            &[bill("A"), bill("B")],
            [firewall(), written(0, &[(1, "A", 0)], &[]), firewall()],
        );
        assert_eq!(asked.len(), 3);
        assert_eq!(became[0].as_ref().unwrap().id, "1");
        let failure = became[1].as_ref().unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Rejected, "请求参数存在可疑数据"));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = |bill, message| {
            let (mut became, _) = save_them(Service::Save, &[bill], [written(11, &[], &[(message, Some(0))])]);
            became.remove(0).unwrap_err().hint.unwrap_or_default()
        };
        let audited = "单据编号为“A”的销售退货单，单据已经审核！";
        assert!(refused(existing("A", "7"), audited).contains("on_existing: skip"));
        assert_eq!(refused(bill("A"), audited), "");
        let used = "违反字段唯一性要求：编码[A]在当前系统中已经被使用。";
        assert!(refused(bill("A"), used).contains("idCheck"));
        assert_eq!(refused(existing("A", "7"), used), "");
    }
}

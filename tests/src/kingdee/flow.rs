//! `Submit`, `Audit`, `UnAudit` and `Delete`: bills by id or number, each with its own outcome.

use serde_json::{Map, Value};

use super::bills::{Bill, BillStatus, EffectKind};
use super::failure::{Failure, PARAMETER};
use super::model::{Complaint, member};
use super::reply::{Reply, Success};
use super::write::Desk;

/// A step of a bill's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Submit,
    Audit,
    UnAudit,
    Delete,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Submit => "提交",
            Self::Audit => "审核",
            Self::UnAudit => "反审核",
            Self::Delete => "删除",
        }
    }

    fn is_allowed_from(self, status: BillStatus) -> bool {
        match self {
            Self::Submit | Self::Delete => status.is_open(),
            Self::Audit => status == BillStatus::Submitted,
            Self::UnAudit => status == BillStatus::Audited,
        }
    }

    fn effect(self) -> EffectKind {
        match self {
            Self::Submit => EffectKind::Submit,
            Self::Audit => EffectKind::Audit,
            Self::UnAudit => EffectKind::UnAudit,
            Self::Delete => EffectKind::Delete,
        }
    }

    /// Where it leaves a bill.
    fn apply(self, bill: &mut Bill, now: jiff::civil::DateTime) {
        match self {
            Self::Submit => bill.status = BillStatus::Submitted,
            Self::Audit => {
                bill.status = BillStatus::Audited;
                bill.approved = Some(now);
            }
            Self::UnAudit => {
                bill.status = BillStatus::Reopened;
                bill.approved = None;
            }
            Self::Delete => return,
        }
        bill.modified = now;
    }
}

/// Which bill is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    Id(String),
    Number(String),
}

impl Name {
    fn label(&self) -> &str {
        match self {
            Self::Id(text) | Self::Number(text) => text,
        }
    }
}

/// The bills that `Ids` (`"1,2"`) name; if there are none, those of `Numbers` (an array).
pub(super) fn named(data: &Map<String, Value>) -> Vec<Name> {
    let texts = |name: &str| -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let joined = match member(data, name) {
            Some(Value::Array(values)) => values.iter().map(text).collect::<Vec<_>>(),
            Some(value) => text(value).split(',').map(str::to_owned).collect(),
            None => Vec::new(),
        };
        joined.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty() && text != "0").collect()
    };
    let ids = texts("Ids");
    if ids.is_empty() {
        texts("Numbers").into_iter().map(Name::Number).collect()
    } else {
        ids.into_iter().map(Name::Id).collect()
    }
}

impl Desk<'_> {
    /// Applies a step to the bills that the request names.
    pub(crate) fn step(&mut self, step: Step, data: &Map<String, Value>) -> Result<Reply, Failure> {
        let names = named(data);
        if names.is_empty() {
            return Err(Failure::new(PARAMETER, "Ids 和 Numbers 不能同时为空"));
        }
        let mut reply = Reply::default();
        for (index, name) in names.iter().enumerate() {
            if self.hits.hits(index) {
                reply.conflict(index, name.label());
                continue;
            }
            match self.stepped(step, name) {
                Ok(bill) => {
                    let success = Success { id: bill.id, number: bill.number.clone(), index, returned: Map::new() };
                    self.commit(step.effect(), bill)?;
                    reply.applied(success);
                }
                Err(complaint) => reply.refused(index, vec![complaint]),
            }
        }
        Ok(reply)
    }

    pub(super) fn find(&self, name: &Name) -> Option<&Bill> {
        match name {
            Name::Id(id) => self.bills.by_id(self.schema.id, id.parse().ok()?),
            Name::Number(number) => self.bills.by_number(self.schema.id, number),
        }
    }

    fn stepped(&self, step: Step, name: &Name) -> Result<Bill, Complaint> {
        let form = self.schema.name;
        let Some(bill) = self.find(name) else {
            return Err(Complaint::plain(format!("{form}“{}”不存在或已被删除，{}失败！", name.label(), step.name())));
        };
        if !step.is_allowed_from(bill.status) {
            return Err(Complaint::plain(format!(
                "编号为“{}”的{form}，数据状态为“{}”，不允许{}！",
                bill.number,
                bill.status.name(),
                step.name()
            )));
        }
        let mut bill = bill.clone();
        step.apply(&mut bill, self.now);
        Ok(bill)
    }
}

//! Writing to a vendor.
//!
//! The engine believes what is said per bill, so [`Target::push`] answers per bill wherever it can; its own `Err` is for what happens
//! before anything is sent.

use crate::bindings::target as wit;
use crate::json::{Object, Value, handed_over, to_bytes};
use crate::{Connection, Connector, Failure};

/// A connector that writes.
pub trait Target: Connector {
    /// Writes bills: one outcome per bill, in order.
    fn push(call: Push) -> Result<Vec<Outcome>, Failure>;

    /// Looks bills up by number, changing nothing: one answer per number, in order.
    fn find(call: Find) -> Result<Vec<Found>, Failure>;
}

/// What became of one bill: the vendor has it, whole; or it has not, or nobody knows: [`Failure::kind`] says which.
pub type Outcome = Result<Receipt, Failure>;

/// What the vendor knows a bill by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Receipt {
    /// The vendor's internal id.
    pub id: Option<String>,
    /// The number that people see.
    pub number: Option<String>,
    /// The vendor's reply, or what it has of the bill.
    pub reply: Value,
}

/// One bill to write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bill {
    /// The number that [`Target::find`] knows it by.
    pub number: Option<String>,
    /// The mapped bill.
    pub body: Object,
    /// The vendor has it already: update that one, by the vendor's id. Doing so twice does no harm.
    pub existing: Option<Receipt>,
    /// What `find` returned as [`Found::Partial`]: go on from there.
    pub resume: Option<Value>,
}

/// Bills to write. At most as many as the operation's `largest_batch`.
#[derive(Debug, Clone)]
pub struct Push {
    /// Where to.
    pub connection: Connection,
    /// The metadata's `api`.
    pub api: String,
    /// The metadata's `method`, upper case.
    pub method: String,
    /// The bills.
    pub bills: Vec<Bill>,
    /// The rendered `otherRequest`; empty where there is none.
    pub other_request: Object,
}

/// Numbers to look up.
#[derive(Debug, Clone)]
pub struct Find {
    /// Where.
    pub connection: Connection,
    /// The metadata's `api`: that of the push.
    pub api: String,
    /// The bills' numbers.
    pub numbers: Vec<String>,
    /// The rendered `otherRequest`; empty where there is none.
    pub other_request: Object,
}

/// What the vendor has under a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// The bill, but a later step (submit, audit) is missing; handed back to `push` as [`Bill::resume`].
    Partial(Value),
    /// The bill, whole.
    Complete(Receipt),
}

impl TryFrom<wit::PushCall> for Push {
    type Error = Failure;

    fn try_from(call: wit::PushCall) -> Result<Self, Failure> {
        let bills = call.bills.into_iter().map(Bill::try_from);
        Ok(Self {
            bills: bills.collect::<Result<_, _>>()?,
            connection: call.connection.try_into()?,
            api: call.api,
            method: call.method,
            other_request: handed_over("otherRequest", &call.other_request)?,
        })
    }
}

impl TryFrom<wit::Bill> for Bill {
    type Error = Failure;

    fn try_from(bill: wit::Bill) -> Result<Self, Failure> {
        let resume = bill.resume.map(|resume| handed_over("resume", &resume));
        Ok(Self {
            number: bill.number,
            body: handed_over("bill", &bill.body)?,
            existing: bill.existing.map(Receipt::try_from).transpose()?,
            resume: resume.transpose()?,
        })
    }
}

impl TryFrom<wit::Receipt> for Receipt {
    type Error = Failure;

    fn try_from(receipt: wit::Receipt) -> Result<Self, Failure> {
        Ok(Self { id: receipt.id, number: receipt.number, reply: handed_over("existing", &receipt.reply)? })
    }
}

impl TryFrom<wit::FindCall> for Find {
    type Error = Failure;

    fn try_from(call: wit::FindCall) -> Result<Self, Failure> {
        Ok(Self {
            connection: call.connection.try_into()?,
            api: call.api,
            numbers: call.numbers,
            other_request: handed_over("otherRequest", &call.other_request)?,
        })
    }
}

impl From<Receipt> for wit::Receipt {
    fn from(receipt: Receipt) -> Self {
        Self { id: receipt.id, number: receipt.number, reply: to_bytes(&receipt.reply) }
    }
}

impl From<Found> for wit::Found {
    fn from(found: Found) -> Self {
        match found {
            Found::Absent => Self::Absent,
            Found::Partial(resume) => Self::Partial(to_bytes(&resume)),
            Found::Complete(receipt) => Self::Complete(receipt.into()),
        }
    }
}

/// An outcome as the contract has it.
pub(crate) fn outcome(outcome: Outcome) -> wit::Outcome {
    match outcome {
        Ok(receipt) => wit::Outcome::Done(receipt.into()),
        Err(failure) => wit::Outcome::Failed(failure.into()),
    }
}

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

    /// Looks bills up by number, changing nothing: one answer per bill, in order.
    fn find(call: Find) -> Result<Vec<Found>, Failure>;
}

/// What became of one bill. A `Result<Receipt, Failure>` turns into one, so a connector without half-done bills needs no other words:
///
/// ```
/// use qiao_plugin::{Bill, Failure, Outcome, Receipt};
///
/// fn write(bill: &Bill) -> Result<Receipt, Failure> {
///     // …
///     # Ok(Receipt { number: bill.number.clone(), ..Receipt::default() })
/// }
///
/// fn push(bills: &[Bill]) -> Vec<Outcome> {
///     bills.iter().map(|bill| write(bill).into()).collect()
/// }
/// # assert!(matches!(push(&[Bill::default()])[..], [Outcome::Done(_)]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The vendor has it, whole.
    Done(Receipt),
    /// It has not, or nobody knows: [`Failure::kind`] says which.
    Failed(Failure),
    /// It has the bill, and a later step failed: [`Failure::kind`] says what of that step. The host keeps the receipt, never creates the
    /// bill again, and hands back [`HalfDone::resume`].
    Partial(HalfDone, Failure),
}

impl From<Receipt> for Outcome {
    fn from(receipt: Receipt) -> Self {
        Self::Done(receipt)
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Result<Receipt, Failure>> for Outcome {
    fn from(result: Result<Receipt, Failure>) -> Self {
        result.map_or_else(Self::Failed, Self::Done)
    }
}

/// A bill that the vendor has, while a later step (submit, audit) is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HalfDone {
    /// What the vendor knows it by.
    pub receipt: Receipt,
    /// How far it got; handed back to [`Target::push`] as [`Bill::resume`]. It is all that comes back, so it holds the vendor's id too.
    pub resume: Value,
}

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
    /// The host's name of this version of the bill: the same whenever it is tried again, and never given twice. For vendors that take an
    /// idempotency key.
    pub id: String,
    /// The number that [`Target::find`] knows it by.
    pub number: Option<String>,
    /// The mapped bill.
    pub body: Object,
    /// The vendor has it already: update that one, by the vendor's id. Doing so twice does no harm.
    pub existing: Option<Receipt>,
    /// What `find` or `push` returned as [`HalfDone::resume`]: go on from there, and create nothing.
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

/// A bill to look up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// Its number.
    pub number: String,
    /// The field of `body` that holds the number: the scheme's `number`, or what [`Operation::found_by`](crate::Operation::found_by) says.
    pub number_field: Option<String>,
    /// The mapped bill. For vendors where a number alone does not tell bills apart.
    pub body: Object,
}

/// Bills to look up. At most as many as the operation's `largest_find`.
#[derive(Debug, Clone)]
pub struct Find {
    /// Where.
    pub connection: Connection,
    /// The metadata's `api`: that of the push.
    pub api: String,
    /// The bills.
    pub bills: Vec<Wanted>,
    /// The rendered `otherRequest`; empty where there is none.
    pub other_request: Object,
}

/// What the vendor has under a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Nothing: only where the vendor said so. The host may then create the bill.
    Absent,
    /// The bill, but a later step (submit, audit) is missing.
    Partial(HalfDone),
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
            id: bill.id,
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

impl TryFrom<wit::Wanted> for Wanted {
    type Error = Failure;

    fn try_from(wanted: wit::Wanted) -> Result<Self, Failure> {
        Ok(Self { number: wanted.number, number_field: wanted.number_field, body: handed_over("bill", &wanted.body)? })
    }
}

impl TryFrom<wit::FindCall> for Find {
    type Error = Failure;

    fn try_from(call: wit::FindCall) -> Result<Self, Failure> {
        let bills = call.bills.into_iter().map(Wanted::try_from);
        Ok(Self {
            bills: bills.collect::<Result<_, _>>()?,
            connection: call.connection.try_into()?,
            api: call.api,
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
            Found::Partial(half_done) => Self::Partial(half_done.into()),
            Found::Complete(receipt) => Self::Complete(receipt.into()),
        }
    }
}

impl From<HalfDone> for wit::HalfDone {
    fn from(half_done: HalfDone) -> Self {
        Self { receipt: half_done.receipt.into(), resume: to_bytes(&half_done.resume) }
    }
}

impl From<Outcome> for wit::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done(receipt) => Self::Done(receipt.into()),
            Outcome::Failed(failure) => Self::Failed(failure.into()),
            Outcome::Partial(half_done, failure) => Self::Partial((half_done.into(), failure.into())),
        }
    }
}

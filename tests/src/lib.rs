//! The vendors, simulated, and the judge who compares what they hold.
//!
//! A bridge between two systems can only be tested against something that behaves like the two systems, also when that is
//! unpleasant: a vendor that drops lines in silence, answers a refusal with HTTP 200, closes the connection after it applied a
//! write, or hands the same id once as a number and once as text. So these are servers on real sockets, written from the
//! vendors' own documentation and never from this project's connectors, and signatures are really verified.
//!
//! * [`Dataset`] is the made-up company whose books the vendors keep: the same every time.
//! * [`Kingdee`] holds its sales orders and takes returns; [`Okki`] holds products, companies and users, and takes pushed orders;
//!   [`Wdt`] holds refunds.
//! * [`Faults`] make any of them misbehave, on the wire where it must be; [`RequestLog`] tells what was asked, how fast and how many at once.
//! * [`Ledger`] is the judge: what OKKI holds against what Kingdee holds, and what Kingdee holds against what Wangdiantong holds, to
//!   the cent.
//! * [`Vendors`] starts all of it inside a test; the binary `qiao-simulators` does so for the demo.
//!
//! ```no_run
//! # async fn test() -> Result<(), qiao_tests::VendorsError> {
//! use qiao_tests::{Dataset, Fault, Route, Vendors, VendorsOptions};
//!
//! let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await?;
//! vendors.kingdee.faults().next(Route::Query, 3, Fault::Html);
//! // … run the host against `vendors.kingdee.base_url()` and `vendors.okki.base_url()` …
//! assert_eq!(vendors.ledger().missing, 0);
//! # Ok(())
//! # }
//! ```

mod clock;
mod dataset;
mod door;
mod kingdee;
mod ledger;
mod okki;
mod random;
mod store;
mod vendors;
mod wdt;

pub use clock::Clock;
pub use dataset::{
    Currency, Customer, Dataset, DocumentStatus, Entry, Material, Mutation, Refund, RefundLine, RefundMutation,
    RefundSize, SaleOrder, Salesman, Size, write_material_table,
};
pub use door::{Fault, Faults, RequestLog, Route, Seen, WaitTimedOut};
pub use kingdee::{Bill, BillEntry, BillStatus, Effect, EffectKind, Kingdee, signature as kingdee_signature};
pub use ledger::{Ledger, RefundLedger, Totals};
pub use okki::{Line as OkkiLine, Okki, OrderNoReading, PushKind, PushRecord, StoredOrder};
pub use vendors::{Credentials, Vendors, VendorsError, VendorsOptions};
pub use wdt::{Wdt, sign as wdt_signature};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic elsewhere: a simulator whose one request panicked must still answer the next.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Write plugins for Qiao, the host for business data integration, in Rust.
//!
//! A plugin is a WebAssembly component. It reaches nothing but what the host lends it: HTTP to its connection's own host ([`http`]),
//! computing with secrets that it never sees ([`credentials`]), durable state ([`kv`]), mapping tables ([`tables`]) and the log
//! ([`log`]). The crate type is `cdylib`, the target `wasm32-wasip2`; the file that `cargo build` leaves is the plugin.
//!
//! # Functions for mappings
//!
//! Plain Rust functions, a list that names them, and one line:
//!
//! ```
//! use qiao_plugin::{Decimal, Description, Library, Transforms};
//!
//! /// 100.00 and 6 → 106.00
//! fn gross_price(net: Decimal, percent: Option<Decimal>) -> Decimal {
//!     net + net * percent.unwrap_or(Decimal::from(13)) / Decimal::from(100)
//! }
//!
//! struct Prices;
//!
//! impl Transforms for Prices {
//!     fn describe() -> Description {
//!         Description::new("prices", env!("CARGO_PKG_VERSION"), "Prices with and without VAT.")
//!     }
//!
//!     fn list(library: &mut Library<'_>) {
//!         library.function(
//!             "grossPrice",
//!             "The price with VAT.",
//!             [("net", "The price without VAT."), ("percent", "The rate; 13 if left out.")],
//!             gross_price,
//!         );
//!     }
//! }
//!
//! qiao_plugin::export!(transforms: Prices);
//! ```
//!
//! A function that depends on the scheme's time zone takes `&`[`Context`] before its other parameters.
//!
//! # A connector
//!
//! Two or three traits: [`Connector`] to sign in, [`Source`] to read, [`Target`] to write.
//!
//! ```
//! use qiao_plugin::http::{Access, Request, secret};
//! use qiao_plugin::json::json;
//! use qiao_plugin::{Connection, Connector, Description, Failure, Fetch, Operation, Page, SignedIn, Source, Value};
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     user: String,
//! }
//!
//! struct Shop;
//!
//! impl Connector for Shop {
//!     fn describe() -> Description {
//!         Description::new("shop", env!("CARGO_PKG_VERSION"), "Reads the orders of a shop.")
//!             .config_schema(json!({
//!                 "type": "object",
//!                 "properties": { "user": { "type": "string" } },
//!                 "required": ["user"]
//!             }))
//!             .secret("password", "The password of `user`.")
//!             .operation(Operation::source("orders", "The shop's orders.").largest_batch(100))
//!     }
//!
//!     fn sign_in(connection: &Connection) -> Result<SignedIn, Failure> {
//!         let config: Config = connection.config()?;
//!         let answer = Request::post("token")
//!             .form([("user", config.user.into()), ("password", secret("password"))])
//!             .send()
//!             .map_err(|error| error.failure(Access::Read))?;
//!         if answer.status != 200 {
//!             return Err(answer.failure(Access::Read));
//!         }
//!         let token: Value = answer.json().map_err(|error| Failure::transient(error.to_string()))?;
//!         Ok(SignedIn::new(token))
//!     }
//! }
//!
//! impl Source for Shop {
//!     fn fetch(call: Fetch) -> Result<Page, Failure> {
//!         let token: String = call.connection.session()?;
//!         let answer = Request::get(&call.api)
//!             .header("authorization", format!("Bearer {token}"))
//!             .query("after", call.page.cursor.clone().unwrap_or_default())
//!             .send()
//!             .map_err(|error| error.failure(Access::Read))?;
//!         if answer.status != 200 {
//!             return Err(answer.failure(Access::Read));
//!         }
//!         let next = answer.header("x-next").map(|after| call.page.after(0).cursor(after));
//!         Ok(Page::raw_objects(answer.body.clone()).next(next))
//!     }
//! }
//!
//! qiao_plugin::export!(source: Shop);
//! ```
//!
//! # Three things to know
//!
//! * **Every call gets a fresh instance.** Nothing in memory survives; [`SignedIn`], [`PageRef`] and [`kv`] do.
//! * **The kind of a [`Failure`] decides.** After a write whose answer is missing say `uncertain`, never `transient`: the host then looks
//!   the bill up with [`Target::find`] before it writes again. What the vendor has, but not whole, is [`Outcome::Partial`].
//! * **Money is decimal.** [`json::decimal`] and [`json::number`] keep every digit; `as_f64` does not.

mod bindings;
mod connection;
mod connector;
mod context;
pub mod credentials;
mod describe;
mod export;
mod failure;
pub mod http;
pub mod json;
pub mod kv;
pub mod log;
pub mod paging;
mod source;
pub mod tables;
mod target;
pub mod transforms;

pub use rust_decimal::Decimal;

pub use connection::Connection;
pub use connector::{Connector, SignedIn};
pub use context::Context;
pub use describe::{Description, Direction, Operation, Secret};
pub use failure::{Failure, FailureKind};
pub use json::{Object, Value};
pub use source::{Fetch, Page, PageRef, Source, Window};
pub use target::{Bill, Find, Found, HalfDone, Outcome, Push, Receipt, Target, Wanted};
pub use transforms::{Library, Processed, Refusal, Transforms};

/// What [`export!`] expands to.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{functions, plugin, session, source, stages, target};
    pub use crate::export::{Changes, Connects};
}

//! Plugins: from a file in a folder to calls with limits.
//!
//! [`runtime`] owns the WebAssembly engine, [`load`] turns a file into a [`Plugin`] (or says why it is none), [`cache`]
//! keeps compiled code, [`registry`] knows the folder, [`call`] makes one call in a fresh instance within its limits, and
//! [`connector`] and [`transforms`] are what the engine sees: plain Rust, no wasm.
//!
//! Invariants:
//! * Every call gets a fresh instance; nothing that a call leaves in memory is seen by the next.
//! * A plugin that does not load says why, and stops nobody else.
//! * A failure of a whole call is taken at its word only if the host saw that it can be true ([`connector`]).

mod bindings;
mod cache;
pub mod call;
pub mod connector;
mod describe;
mod error;
mod load;
pub mod registry;
mod runtime;
pub mod transforms;

pub use cache::Compiled;
pub(crate) use cache::{digest, private_folder};
pub use describe::{Description, Direction, FunctionSignature, Operation, SecretSpec, StageSignature};
pub use error::{CallError, Failure, FailureKind, LoadError};
pub use load::{Exports, Plugin};
pub use registry::{RefusedFile, Registry};
pub use runtime::Runtime;

//! The dialect, compiled without the rest of the host: no I/O, no wasm, no tokio. If this crate stops building, the
//! dialect has reached for something that it must not know.

#[path = "../../../host/src/dialect/mod.rs"]
pub mod dialect;

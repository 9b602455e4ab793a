//! The journal, compiled without the rest of the host: no dialect, no wasm. So that it can be measured without building
//! either.

#[path = "../../../host/src/journal/mod.rs"]
pub mod journal;

//! What `wit/` says a plugin may import, as Rust traits. Generated; the other modules of this room implement them.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "generated from wit/, where everything is documented"
)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "capabilities",
    imports: {
        "qiao:plugin/http.send": async,
        "qiao:plugin/http.send-all": async,
        "qiao:plugin/kv.get": async,
        "qiao:plugin/kv.set": async,
        "qiao:plugin/kv.compare-and-set": async,
        "qiao:plugin/kv.increment": async,
        "qiao:plugin/kv.delete": async,
        "qiao:plugin/kv.keys": async,
    },
});

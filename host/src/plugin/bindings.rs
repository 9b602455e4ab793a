//! What `wit/` says a plugin may export, one world per interface, so that a component exports what it has and no more.
//! Generated; the types that exports share with imports are those of the `capability` room.

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

macro_rules! exported {
    ($module:ident, $world:literal) => {
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "../wit",
                world: $world,
                exports: { default: async },
                with: { "qiao:plugin/types": crate::capability::bindings::qiao::plugin::types },
            });
        }
    };
}

exported!(plugin, "exports-plugin");
exported!(session, "exports-session");
exported!(source, "exports-source");
exported!(target, "exports-target");
exported!(functions, "exports-functions");
exported!(stages, "exports-stages");

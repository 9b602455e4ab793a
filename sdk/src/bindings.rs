//! What `wit-bindgen` makes of `wit/`: the only place where the ABI is touched, and nothing that an author sees.
//!
//! What the host lends is generated once, from the world `capabilities`. What a plugin gives is generated interface by
//! interface, from the worlds that hold one export each, so that every interface has one `Guest` trait however many author
//! worlds name it; `export!` puts together those that make up `source-connector`, `target-connector`, `connector` or
//! `transforms`, and the linker joins their descriptions into that world.

#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    reason = "generated code: the component ABI is raw memory"
)]

/// What the host lends.
pub mod lent {
    wit_bindgen::generate!({
        path: "../wit",
        world: "capabilities",
        generate_unused_types: true,
        pub_export_macro: true,
    });
    pub use qiao::plugin::*;
}

/// One module for each interface that a plugin may export.
macro_rules! given {
    ($($interface:ident: $world:literal;)+) => {$(
        pub mod $interface {
            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                generate_unused_types: true,
                pub_export_macro: true,
                with: { "qiao:plugin/types@0.1.0": crate::bindings::lent::types },
            });
            pub use exports::qiao::plugin::$interface::*;
        }
    )+};
}

given! {
    plugin: "exports-plugin";
    session: "exports-session";
    source: "exports-source";
    target: "exports-target";
    functions: "exports-functions";
    stages: "exports-stages";
}

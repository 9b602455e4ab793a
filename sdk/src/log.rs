//! Lines in the host's log, marked with plugin, connection and scheme.
//!
//! The volume is limited per call; what is over the limit is counted, not kept. In native tests there is no host, and the lines go
//! nowhere.
//!
//! ```no_run
//! use qiao_plugin::log;
//!
//! log::info("page fetched", &[("rows", &500), ("form", &"SAL_SaleOrder")]);
//! ```

use std::fmt::Display;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Only when somebody looks for a fault in the plugin.
    Trace,
    /// Only when somebody looks for a fault.
    Debug,
    /// Worth a line in normal operation.
    Info,
    /// Something that a person should look at some time.
    Warn,
    /// Something that a person should look at now.
    Error,
}

/// Names and values beside a message.
pub type Fields<'a> = &'a [(&'a str, &'a dyn Display)];

/// Writes one line.
#[cfg(target_family = "wasm")]
pub fn log(level: Level, message: &str, fields: Fields<'_>) {
    use crate::bindings::lent::logging as wit;

    let level = match level {
        Level::Trace => wit::Level::Trace,
        Level::Debug => wit::Level::Debug,
        Level::Info => wit::Level::Info,
        Level::Warn => wit::Level::Warn,
        Level::Error => wit::Level::Error,
    };
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    wit::log(level, message, &fields);
}

/// Writes one line.
#[cfg(not(target_family = "wasm"))]
pub fn log(_: Level, _: &str, _: Fields<'_>) {}

/// Only when somebody looks for a fault in the plugin.
pub fn trace(message: &str, fields: Fields<'_>) {
    log(Level::Trace, message, fields);
}

/// Only when somebody looks for a fault.
pub fn debug(message: &str, fields: Fields<'_>) {
    log(Level::Debug, message, fields);
}

/// Worth a line in normal operation.
pub fn info(message: &str, fields: Fields<'_>) {
    log(Level::Info, message, fields);
}

/// Something that a person should look at some time.
pub fn warn(message: &str, fields: Fields<'_>) {
    log(Level::Warn, message, fields);
}

/// Something that a person should look at now.
pub fn error(message: &str, fields: Fields<'_>) {
    log(Level::Error, message, fields);
}

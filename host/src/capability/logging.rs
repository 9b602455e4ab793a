//! A plugin's log lines: marked with where they come from, redacted, limited in volume.

use super::Lent;
use super::bindings::qiao::plugin::logging::{Host, Level};

impl Host for Lent {
    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) {
        let bytes = message.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let limits = &self.loan.limits;
        if !self.record.admit_log_line(bytes, limits.log_lines, limits.log_bytes) || !enabled(level) {
            return;
        }
        let mut line = message;
        for (name, value) in fields {
            line.extend([" ", &name, "=", &value]);
        }
        let connection = self.loan.connection.as_ref();
        if let Some(connection) = connection {
            line = connection.redact(&line);
        }
        let plugin = &*self.loan.plugin;
        let connection = connection.map(|connection| connection.name());
        let scheme = self.loan.scheme.as_deref();
        match level {
            Level::Trace => tracing::trace!(target: "plugin", plugin, connection, scheme, "{line}"),
            Level::Debug => tracing::debug!(target: "plugin", plugin, connection, scheme, "{line}"),
            Level::Info => tracing::info!(target: "plugin", plugin, connection, scheme, "{line}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, connection, scheme, "{line}"),
            Level::Error => tracing::error!(target: "plugin", plugin, connection, scheme, "{line}"),
        }
    }
}

/// Whether anybody reads lines of this level.
fn enabled(level: Level) -> bool {
    match level {
        Level::Trace => tracing::enabled!(target: "plugin", tracing::Level::TRACE),
        Level::Debug => tracing::enabled!(target: "plugin", tracing::Level::DEBUG),
        Level::Info => tracing::enabled!(target: "plugin", tracing::Level::INFO),
        Level::Warn => tracing::enabled!(target: "plugin", tracing::Level::WARN),
        Level::Error => tracing::enabled!(target: "plugin", tracing::Level::ERROR),
    }
}

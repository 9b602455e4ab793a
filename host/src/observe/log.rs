//! The log: one line per event on standard error, so that standard output belongs to a command's result.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts the log. `RUST_LOG` overrides `level`; `json` writes one JSON object per line.
pub fn start(level: &str, json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(format!("{level},wasmtime=warn,cranelift=warn,sled=warn,hyper=warn,reqwest=warn"))
    });
    let colours = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false);
    let started = if json { subscriber.json().try_init() } else { subscriber.compact().try_init() };
    if let Err(error) = started {
        tracing::debug!("the log is started already: {error}");
    }
}

//! Calling cargo and rustup.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// The Rust target of the plugins.
pub(crate) const PLUGIN_TARGET: &str = "wasm32-wasip2";

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A cargo command in the repository's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// The folder of build output.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    let output = cargo(&["metadata", "--format-version=1", "--no-deps"]).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "cargo metadata failed");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(target.context("cargo metadata names no target folder")?.into())
}

/// Installs the Rust target of the plugins, if it is missing.
pub(crate) fn install_target() -> anyhow::Result<()> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).current_dir(root()).output();
    let Ok(installed) = installed else {
        // Without rustup the toolchain is somebody else's matter; a missing target will show when plugins are built.
        return Ok(());
    };
    if String::from_utf8_lossy(&installed.stdout).lines().any(|line| line.trim() == PLUGIN_TARGET) {
        return Ok(());
    }
    eprintln!("installing the Rust target {PLUGIN_TARGET}");
    run(Command::new("rustup").args(["target", "add", PLUGIN_TARGET]).current_dir(root()))
}

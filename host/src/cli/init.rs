//! `qiao init`: a commented project that says what goes where.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{CommandError, CommandResult, Common, output};

const QIAO_TOML: &str = include_str!("init/qiao.toml");
const SCHEME: &str = include_str!("init/scheme.yaml.example");
const TABLE: &str = include_str!("init/material_code.csv");

/// Arguments of `qiao init`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder to make the project in.
    dir: PathBuf,
}

pub(super) fn init(common: &Common, arguments: &Arguments) -> CommandResult {
    let dir = &arguments.dir;
    if dir.join("qiao.toml").exists() {
        return Err(CommandError(format!(
            "`{}` is a project already\n  hint: `qiao scheme check --root {}` says what it lacks",
            dir.display(),
            dir.display()
        )));
    }
    for folder in ["plugins", "schemes", "tables"] {
        make_folder(&dir.join(folder))?;
    }
    write(&dir.join("qiao.toml"), QIAO_TOML)?;
    write(&dir.join(".gitignore"), "/state/\n")?;
    write(&dir.join("schemes/orders.yaml.example"), SCHEME)?;
    write(&dir.join("tables/material_code.csv"), TABLE)?;
    let plugins = copy_plugins(&dir.join("plugins"))?;
    if common.json {
        output::line(&json!({ "root": dir.display().to_string(), "plugins": plugins }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("made a project in `{}`", dir.display()));
    if plugins.is_empty() {
        output::line("next: put `.wasm` files into `plugins/`, fill in `qiao.toml`, and describe a scheme");
    } else {
        output::line(&format!("plugins: {}", plugins.join(", ")));
        output::line("next: fill in `qiao.toml`, and make a scheme of `schemes/orders.yaml.example`");
    }
    output::line(&format!("then `qiao scheme check --root {}`", dir.display()));
    Ok(ExitCode::SUCCESS)
}

/// Copies the plugins that came with this binary, if any did.
fn copy_plugins(to: &Path) -> Result<Vec<String>, CommandError> {
    let Some(from) = std::env::current_exe()?.parent().map(|folder| folder.join("plugins")) else {
        return Ok(Vec::new());
    };
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(Vec::new());
    };
    let mut copied = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let (Some(name), Some("wasm")) =
            (path.file_name(), path.extension().and_then(|extension| extension.to_str()))
        {
            fs::copy(&path, to.join(name))?;
            copied.push(name.to_string_lossy().into_owned());
        }
    }
    copied.sort();
    Ok(copied)
}

fn make_folder(path: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(path).map_err(|error| CommandError(format!("`{}` cannot be made: {error}", path.display())))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    fs::write(path, text).map_err(|error| CommandError(format!("`{}` cannot be written: {error}", path.display())))
}

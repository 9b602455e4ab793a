//! `qiao init`: a commented project, with plugins, that says what goes where.
//!
//! The schemes are those of `examples/`, as they are, under names that the host does not read: nothing of them runs before a person
//! has renamed one. What is in the folder already is never written over, so that a project can be made where a repository is.

mod plugins;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{CommandError, CommandResult, Common, output};

/// What is written, by its place in the project.
const FILES: [(&str, &str); 8] = [
    ("qiao.toml", include_str!("init/qiao.toml")),
    (
        "schemes/kingdee-order-to-okki.yaml.example",
        include_str!("../../../examples/schemes/kingdee-order-to-okki.yaml"),
    ),
    ("schemes/okki-companies.yaml.example", include_str!("../../../examples/schemes/okki-companies.yaml")),
    ("schemes/okki-products.yaml.example", include_str!("../../../examples/schemes/okki-products.yaml")),
    ("schemes/okki-users.yaml.example", include_str!("../../../examples/schemes/okki-users.yaml")),
    (
        "schemes/wdt-refund-to-kingdee.yaml.example",
        include_str!("../../../examples/schemes/wdt-refund-to-kingdee.yaml"),
    ),
    ("tables/material_code.csv", include_str!("init/material_code.csv")),
    (".gitignore", IGNORED),
];

/// What nobody else may have.
const IGNORED: &str = "/state/\n/secrets/\n";

/// Arguments of `qiao init`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder to make the project in.
    dir: PathBuf,
    /// Copy the plugins of this folder, instead of those that came with `qiao`.
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
}

pub(super) fn init(common: &Common, arguments: &Arguments) -> CommandResult {
    let dir = &arguments.dir;
    let shown = dir.display();
    // Everything that can refuse comes before anything is written.
    let plugins = plugins::find(arguments.plugins.as_deref())?;
    refuse_to_overwrite(dir, &plugins.names)?;
    for folder in ["plugins", "schemes", "tables"] {
        let folder = dir.join(folder);
        fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
    }
    for (name, text) in FILES {
        // A repository has its own.
        if name != ".gitignore" || !dir.join(name).exists() {
            write(&dir.join(name), text.as_bytes())?;
        }
    }
    plugins.copy(&dir.join("plugins"))?;
    if common.json {
        output::line(&json!({ "root": dir.display().to_string(), "plugins": plugins.names }).to_string());
    } else {
        output::line(&format!("made a project in `{shown}`"));
        if let Some(folder) = &plugins.folder {
            output::line(&format!("plugins: {}, from `{}`", plugins.names.join(", "), folder.display()));
        }
        output::line(&format!("next: fill in `{}`, and rename a scheme of", dir.join("qiao.toml").display()));
        output::line(&format!("      `{}` from `*.yaml.example` to `*.yaml`", dir.join("schemes").display()));
        output::line(&format!("then `qiao scheme check --root {shown}` and `qiao run --root {shown}`"));
    }
    if plugins.folder.is_none() {
        output::note(&plugins.none_found(&dir.join("plugins")));
    }
    let ignored = fs::read_to_string(dir.join(".gitignore")).unwrap_or_default();
    if !IGNORED.lines().all(|line| ignored.lines().any(|other| other.trim() == line)) {
        output::note("note: `.gitignore` was there already\n  hint: add `/state/` and `/secrets/` to it");
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse_to_overwrite(dir: &Path, plugins: &[String]) -> Result<(), CommandError> {
    let shown = dir.display();
    if dir.join("qiao.toml").exists() {
        return Err(CommandError(format!(
            "`{shown}` is a project already\n  hint: `qiao scheme check --root {shown}` says what it lacks"
        )));
    }
    let files = FILES.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name != ".gitignore");
    let plugins = plugins.iter().map(|name| format!("plugins/{name}"));
    let there: Vec<String> =
        files.chain(plugins).filter(|name| dir.join(name).exists()).map(|name| format!("`{name}`")).collect();
    if there.is_empty() {
        return Ok(());
    }
    Err(CommandError(format!(
        "`{shown}` has {} already, which would be written over\n  hint: make the project in an empty folder, and copy \
         them into it",
        there.join(", ")
    )))
}

/// Writes a new file.
fn write(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    File::create_new(path).and_then(|mut file| file.write_all(content)).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> CommandError {
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => "\n  hint: it belongs to somebody else; make the project in a folder of yours",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "\n  hint: name a folder, not a file",
        _ => "",
    };
    CommandError(format!("`{}` cannot be written: {error}{hint}", path.display()))
}

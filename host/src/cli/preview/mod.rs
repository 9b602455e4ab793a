//! `qiao scheme preview`: what would become of a few rows.
//!
//! A running host is asked, because the journal is open there only; otherwise the project is looked at here. Both make the
//! same [`Report`], which [`show`] lays out for a person.

mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::paint::Canvas;
use super::project::state_dir;
use super::{CommandError, CommandResult, Common, FAILED, metadata, output, project};
use crate::config::{Pasted, nearest};
use crate::dialect::Row;
use crate::engine::preview::{self, Report, Request};
use crate::journal::{Journal, JournalCopy, State};
use crate::web::{PREVIEW, client};

/// Arguments of `qiao scheme preview`.
#[derive(Args)]
pub(super) struct Arguments {
    /// A scheme's file, in the project or not yet (`*.yaml.example` too), or the stem of one in the project.
    #[arg(value_name = "FILE")]
    scheme: PathBuf,
    /// Bills to show; rows, where the scheme has no target.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Take rows from this file in place of fetching some: a JSON array of objects; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Look the bills up at the target, and show in what they differ.
    #[arg(long)]
    diff: bool,
}

pub(super) async fn preview(common: &Common, arguments: &Arguments) -> CommandResult {
    let (file, text) = scheme_file(common, &arguments.scheme)?;
    let rows = arguments.rows.as_deref().map(rows).transpose()?;
    let request = Request { file, text, rows, limit: arguments.limit.into(), diff: arguments.diff };
    let body = serde_json::to_string(&request)?;
    let report: Report = match client::request(&state_dir(common), PREVIEW, body).await? {
        Some(told) => serde_json::from_value(told)?,
        None => here(common, request).await?,
    };
    if common.json {
        output::line(&serde_json::to_string(&report)?);
    } else {
        show::report(&report, Canvas::of_stdout(), arguments.diff);
    }
    Ok(if report.succeeded() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Without a host: the project as it lies there, and a copy of its journal.
async fn here(common: &Common, request: Request) -> Result<Report, CommandError> {
    let standing = project::look(common).await?;
    let copy = JournalCopy::of(&standing.project.state_dir())?;
    let journal = copy.as_ref().map(|copy| Arc::clone(copy.store()) as Arc<dyn Journal>);
    let state = copy.as_ref().map(|copy| Arc::clone(copy.store()) as Arc<dyn State>);
    Ok(preview::preview(&standing, journal, state, request).await)
}

/// A scheme's file, as it is called in the project if it lies there, and what is in it.
pub(super) fn scheme_file(common: &Common, name: &Path) -> Result<(PathBuf, String), CommandError> {
    let file = find(common, name)?;
    let text = metadata::read(&file)?;
    let whole = file.canonicalize()?;
    let root = common.root.canonicalize()?;
    let file = whole.strip_prefix(&root).map(Path::to_owned).unwrap_or(whole);
    Ok((file, text))
}

fn find(common: &Common, name: &Path) -> Result<PathBuf, CommandError> {
    let schemes = common.root.join("schemes");
    let shown = name.display();
    let stems = ["", ".yaml", ".yml", ".yaml.example"].map(|ending| schemes.join(format!("{shown}{ending}")));
    let places = [name.to_owned(), common.root.join(name)].into_iter().chain(stems);
    if let Some(found) = places.into_iter().find(|place| place.is_file()) {
        return Ok(found);
    }
    let entries = std::fs::read_dir(&schemes).into_iter().flatten().filter_map(Result::ok);
    let names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".yaml") || name.contains(".yml"))
        .collect();
    let stems: Vec<&str> = names.iter().filter_map(|name| name.split_once(".y").map(|(stem, _)| stem)).collect();
    let hint = match nearest(&shown.to_string(), stems.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if stems.is_empty() => format!("`{}` has no schemes; `--root DIR` names a project", schemes.display()),
        None => format!("`{}` has: {}", schemes.display(), stems.join(", ")),
    };
    Err(CommandError(format!("there is no scheme or file `{shown}`\n  hint: {hint}")))
}

/// Rows of a file, or those in the report of an earlier preview.
fn rows(file: &Path) -> Result<Vec<Row>, CommandError> {
    let pasted = Pasted::read(file, metadata::read(file)?);
    let Some(value) = pasted.value() else {
        output::problems(pasted.problems());
        return Err(CommandError(format!("`{}` is not JSON", file.display())));
    };
    let list = match value {
        Value::Array(list) => Some(list),
        Value::Object(members) => members.get("rows").and_then(Value::as_array),
        _ => None,
    };
    let rows = list.and_then(|list| list.iter().map(|row| row.as_object().cloned()).collect::<Option<Vec<Row>>>());
    rows.ok_or_else(|| {
        CommandError(format!(
            "`{}` has no rows\n  hint: write an array of objects, as the source returns them: `[{{\"FBillNo\": \"SO1\"}}]`",
            file.display()
        ))
    })
}

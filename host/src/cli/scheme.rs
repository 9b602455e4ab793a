//! `qiao scheme`: list, check, preview, status, pause, resume, backfill, confirm, purge.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::project::state_dir;
use super::{CommandError, CommandResult, Common, FAILED, backfill, metadata, output, preview, project, status};
use crate::config::{ConfigProblem, nearest};
use crate::engine::check::draft;
use crate::engine::check::indexes::{self, UnbuiltIndex};
use crate::engine::reload::Standing;
use crate::journal::{Journal as _, SledStore};
use crate::web::{IndexesAsked, SCHEMES, UNBUILT_INDEXES, client, view};

/// What can be done with schemes.
#[derive(Subcommand)]
pub(super) enum Command {
    /// List the schemes: where rows come from, where bills go, whether they can run. Of a running host: what runs there.
    List,
    /// Check everything that the project has, or one scheme, or a piece of metadata by itself.
    Check(CheckArguments),
    /// Show what would become of a few rows: row and bill side by side. Nothing is written anywhere.
    Preview(preview::Arguments),
    /// Say where schemes stand: their books, the scan under way, what is due next, what needs somebody.
    Status {
        /// The stem of a scheme's file; without it, all are told of.
        scheme: Option<String>,
    },
    /// Fetch and send nothing of a scheme until it is resumed; what is under way is finished first.
    Pause {
        /// The stem of its file.
        scheme: String,
    },
    /// Let a paused scheme go on.
    Resume {
        /// The stem of its file.
        scheme: String,
    },
    /// Scan a chosen window again, or for the first time, in slices. `last_sync` stays where it is.
    Backfill(backfill::Arguments),
    /// Say that the vendor has no bill of a scheme that the journal has lost: what it does not know to be delivered is created.
    Confirm {
        /// The stem of its file.
        stem: String,
    },
    /// Forget what the journal holds of a scheme whose file was removed: its collection, its bills, where it stood.
    Purge {
        /// The stem of its file.
        stem: String,
    },
}

/// What is checked.
#[derive(Args)]
pub(super) struct CheckArguments {
    /// A scheme's file, or the stem of one in the project; without it everything is checked.
    #[arg(value_name = "SCHEME", conflicts_with = "metadata")]
    scheme: Option<PathBuf>,
    /// A file with one side's metadata, which need not belong to a project; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// Which side's metadata it is; without it, what is written in it tells.
    #[arg(long, requires = "metadata")]
    side: Option<metadata::SideName>,
}

pub(super) async fn scheme(common: &Common, command: &Command) -> CommandResult {
    match command {
        Command::List => list(common).await,
        Command::Check(CheckArguments { metadata: Some(file), side, .. }) => metadata::check(common, file, *side).await,
        Command::Check(CheckArguments { scheme: Some(name), .. }) => check_one(common, name).await,
        Command::Check(_) => {
            let mut standing = project::open(common, project::no_state).await?.standing;
            let warnings = unbuilt_indexes(common, &standing).await;
            standing.problems.extend(warnings);
            Ok(check(common, &standing))
        }
        Command::Preview(arguments) => preview::preview(common, arguments).await,
        Command::Status { scheme } => status::status(common, scheme.as_deref()).await,
        Command::Pause { scheme } => status::pause(common, scheme, true).await,
        Command::Resume { scheme } => status::pause(common, scheme, false).await,
        Command::Backfill(arguments) => backfill::backfill(common, arguments).await,
        Command::Confirm { stem } => status::confirm(common, stem).await,
        Command::Purge { stem } => purge(common, stem).await,
    }
}

async fn list(common: &Common) -> CommandResult {
    let listed = match client::ask(&state_dir(common), SCHEMES).await? {
        Some(told) => told,
        None => view::schemes(&project::open(common, project::no_state).await?.standing, false),
    };
    if common.json {
        output::line(&listed.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let schemes = listed.get("schemes").and_then(Value::as_array).cloned().unwrap_or_default();
    let rows = schemes.iter().map(|scheme| {
        let text = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
        ["stem", "name", "source", "target", "schedule", "state"].map(text).to_vec()
    });
    output::table(&["scheme", "name", "from", "to", "schedule", "state"], rows);
    for text in view::refused(&listed) {
        output::problem(&text);
    }
    Ok(ExitCode::SUCCESS)
}

/// A scheme that has a file would only begin anew, and deliver everything again.
async fn purge(common: &Common, stem: &str) -> CommandResult {
    let (project, _) = project::load(common)?;
    let files = ["yaml", "yml"].map(|extension| project.schemes_dir().join(format!("{stem}.{extension}")));
    if let Some(file) = files.iter().find(|file| file.exists()) {
        return Err(CommandError(format!(
            "`{}` is still there\n  hint: a purged scheme begins anew and delivers again what it delivered; remove its file first",
            file.display()
        )));
    }
    let journal = SledStore::open(&project.state_dir())?;
    let known = journal.schemes().await?;
    if !known.iter().any(|known| known == stem) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = match nearest(stem, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the journal holds nothing yet".to_owned(),
            None => format!("the journal knows: {}", known.join(", ")),
        };
        return Err(CommandError(format!("the journal knows no scheme `{stem}`\n  hint: {hint}")));
    }
    let bills = journal.scheme(stem).await?.counts.bills;
    let rows = journal.purge(stem).await?;
    if common.json {
        output::line(&json!({ "scheme": stem, "rows": rows, "bills": bills }).to_string());
    } else {
        output::line(&format!("purged `{stem}`: {rows} collected rows, and the record of {bills} bills"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Warnings about indexes that a host would have to build first: a running host tells, else the journal, if there is one.
async fn unbuilt_indexes(common: &Common, standing: &Standing) -> Vec<ConfigProblem> {
    let needed = indexes::needed(&standing.snapshot);
    let told = async {
        if needed.is_empty() {
            return Ok(Vec::new());
        }
        let state_dir = state_dir(common);
        let asked = IndexesAsked { needed: serde_json::to_string(&needed)? };
        if let Some(told) = client::ask_with(&state_dir, UNBUILT_INDEXES, &asked).await? {
            return Ok(serde_json::from_value(told)?);
        }
        if !SledStore::exists(&state_dir) {
            return Ok(Vec::new());
        }
        let journal = SledStore::open(&state_dir)?;
        Ok::<Vec<UnbuiltIndex>, CommandError>(indexes::unbuilt(&journal, &needed).await?)
    };
    match told.await {
        Ok(unbuilt) => indexes::warnings(&unbuilt, &standing.snapshot, &standing.project),
        Err(CommandError(error)) => {
            output::note(&format!("whether the indexes that lookups need are built is not known: {error}"));
            Vec::new()
        }
    }
}

fn check(common: &Common, opened: &Standing) -> ExitCode {
    let schemes = opened.snapshot.schemes.len();
    say(common, &opened.problems, &format!("{schemes} scheme(s) ready"))
}

/// One scheme, as if it were in the project.
async fn check_one(common: &Common, name: &Path) -> CommandResult {
    let standing = project::look(common).await?;
    let (file, text) = preview::scheme_file(common, name)?;
    let draft = draft(&standing, None, &file, &text);
    let ready = if draft.fits() { "ready" } else { "not ready" };
    Ok(say(common, &draft.problems, &format!("`{}` is {ready}", file.display())))
}

/// Says problems, and that they are all.
fn say(common: &Common, problems: &[ConfigProblem], what: &str) -> ExitCode {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    if common.json {
        output::line(&output::problems_json(problems).to_string());
    } else {
        output::problems(problems);
        output::line(&format!("{what}, {errors} error(s), {warnings} warning(s)"));
    }
    if errors > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

//! `qiao scheme check --metadata`: a piece of metadata by itself.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;

use super::{CommandError, CommandResult, Common, FAILED, output, project};
use crate::config::{ConfigProblem, Pasted, decoded};
use crate::dialect::Side;
use crate::engine::check::metadata::{self, NeededFields, Needs, Piece};

/// One side of a scheme.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SideName {
    /// Where rows come from.
    Source,
    /// Where bills go.
    Target,
}

pub(super) async fn check(common: &Common, file: &Path, side: Option<SideName>) -> CommandResult {
    let pasted = Pasted::read(file, read(file)?);
    let side = side.map(|side| match side {
        SideName::Source => Side::Source,
        SideName::Target => Side::Target,
    });
    // Functions, tables and schemes are a project's, where there is one.
    let has_project = common.root.join("qiao.toml").exists();
    let standing = if has_project { Some(project::look(common).await?) } else { None };
    let against = standing.as_ref().map(|standing| (&standing.project, &*standing.snapshot.registry));
    let piece = metadata::check(&pasted, side, against);
    let problems = piece.as_ref().map_or_else(|| pasted.problems(), |piece| &piece.problems);
    if common.json {
        let mut said = output::problems_json(problems);
        if let (Some(members), Some(piece)) = (said.as_object_mut(), &piece) {
            members.insert("side".to_owned(), name(piece.side).into());
            members.insert("because".to_owned(), json!(piece.because));
            members.insert("needs".to_owned(), json!(piece.needs));
            members.insert("checked_against_project".to_owned(), standing.is_some().into());
        }
        output::line(&said.to_string());
    } else {
        show(problems, piece.as_ref(), standing.is_some());
    }
    let failed = problems.iter().any(ConfigProblem::is_error);
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// The text of a file, or of standard input.
pub(super) fn read(file: &Path) -> Result<String, CommandError> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|error| CommandError(format!("`{}` cannot be read: {error}", file.display())))?;
    Ok(decoded(file, bytes)?)
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Source => "source",
        Side::Target => "target",
    }
}

fn show(problems: &[ConfigProblem], piece: Option<&Piece>, has_project: bool) {
    output::problems(problems);
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    let Some(Piece { side, because, needs, .. }) = piece else {
        output::line(&format!("{errors} error(s)"));
        return;
    };
    let other = if *side == Side::Source { "target" } else { "source" };
    let side = name(*side);
    match because {
        Some(because) => {
            output::line(&format!("taken for a {side}'s metadata, since {because} (`--side {other}` says otherwise)"));
        }
        None => output::line(&format!("checked as a {side}'s metadata")),
    }
    say_needs(needs, has_project);
    output::line(&format!("{errors} error(s), {warnings} warning(s)"));
}

fn say_needs(needs: &Needs, has_project: bool) {
    if *needs == Needs::default() {
        return;
    }
    let checked = if has_project { "checked against the project" } else { "not checked: there is no project here" };
    output::line(&format!("it needs ({checked}):"));
    for function in &needs.functions {
        output::line(&format!(
            "  a plugin with the function `{}`, of {} argument(s)",
            function.name, function.arguments
        ));
    }
    let fields = |of: &NeededFields| of.fields.join("`, `");
    for scheme in &needs.schemes {
        output::line(&format!("  a scheme `{}`, whose rows have `{}`", scheme.name, fields(scheme)));
    }
    for table in &needs.tables {
        output::line(&format!("  a table `{}`, with the columns `{}`", table.name, fields(table)));
    }
}

//! `qiao scheme`: list, check.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{CommandResult, Common, FAILED, output, project};
use crate::config::ConfigProblem;

/// What can be done with schemes.
#[derive(Subcommand)]
pub(super) enum Command {
    /// List the schemes: where rows come from, where bills go, whether they can run.
    List,
    /// Check everything that the project has: files, plugins, connections, schemes.
    Check,
}

pub(super) async fn scheme(common: &Common, command: &Command) -> CommandResult {
    let opened = project::open(common, project::no_state).await?;
    match command {
        Command::List => {
            list(common, &opened);
            Ok(ExitCode::SUCCESS)
        }
        Command::Check => Ok(check(common, &opened)),
    }
}

fn list(common: &Common, opened: &project::Opened) {
    let mut listed = Vec::new();
    for file in &opened.project.schemes {
        let state = if !file.enabled {
            "disabled"
        } else if opened.snapshot.scheme(&file.stem).is_some() {
            "ready"
        } else {
            "broken"
        };
        let target = file.target.as_ref();
        let schedule = file.source.schedule.as_ref().map(|schedule| schedule.as_str().to_owned());
        listed.push((file, state, target.map(|target| target.connection.clone()), schedule));
    }
    if common.json {
        let schemes: Vec<_> = listed
            .into_iter()
            .map(|(file, state, target, schedule)| {
                json!({
                    "stem": file.stem,
                    "name": file.name,
                    "file": file.path.display().to_string(),
                    "source": file.source.connection,
                    "target": target,
                    "schedule": schedule,
                    "state": state,
                })
            })
            .collect();
        output::line(&json!({ "schemes": schemes }).to_string());
        return;
    }
    output::problems(&opened.problems);
    let rows = listed.into_iter().map(|(file, state, target, schedule)| {
        vec![
            file.stem.clone(),
            file.name.clone(),
            file.source.connection.clone(),
            target.unwrap_or_else(|| "-".to_owned()),
            schedule.unwrap_or_else(|| "-".to_owned()),
            state.to_owned(),
        ]
    });
    output::table(&["scheme", "name", "from", "to", "schedule", "state"], rows);
}

fn check(common: &Common, opened: &project::Opened) -> ExitCode {
    let errors = opened.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = opened.problems.len() - errors;
    if common.json {
        output::line(&output::problems_json(&opened.problems).to_string());
    } else {
        output::problems(&opened.problems);
        let schemes = opened.snapshot.schemes.len();
        output::line(&format!("{schemes} scheme(s) ready, {errors} error(s), {warnings} warning(s)"));
    }
    if opened.problems.iter().any(ConfigProblem::is_error) { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

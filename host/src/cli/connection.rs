//! `qiao connection`: try one.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;
use tokio::time::Instant;

use super::{CommandError, CommandResult, Common, FAILED, output, project};
use crate::config::{ConfigProblem, nearest};
use crate::plugin::connector::Connector;

/// What can be done with connections.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Sign in at the vendor and say whether it works.
    Test {
        /// The connection's name in `qiao.toml`.
        name: String,
    },
}

pub(super) async fn connection(common: &Common, command: &Command) -> CommandResult {
    let Command::Test { name } = command;
    let opened = project::open(common, project::no_state).await?.standing;
    let Some(settings) = opened.project.connections.get(name) else {
        let names: Vec<&str> = opened.project.connections.keys().map(String::as_str).collect();
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "qiao.toml has none yet".to_owned(),
            None => format!("qiao.toml has: {}", names.join(", ")),
        };
        return Err(CommandError(format!("there is no connection `{name}`\n  hint: {hint}")));
    };
    let snapshot = &opened.snapshot;
    let (Some(connection), Some(plugin)) = (snapshot.connections.get(name), snapshot.registry.get(&settings.plugin))
    else {
        let path = format!("connections.{name}");
        let of_connection = |problem: &&ConfigProblem| problem.path.as_deref().is_some_and(|at| at.starts_with(&path));
        let problems: Vec<ConfigProblem> = opened.problems.iter().filter(of_connection).cloned().collect();
        output::problems(if problems.is_empty() { &opened.problems } else { &problems });
        return Err(CommandError(format!("the connection `{name}` cannot be used")));
    };
    let connector = Connector {
        plugin: Arc::clone(plugin),
        connection: Arc::clone(connection),
        sessions: Arc::clone(&snapshot.sessions),
        state: None,
        tables: Arc::clone(&snapshot.tables),
        scheme: None,
        time_zone: opened.project.host.time_zone_name.as_str().into(),
        limits: snapshot.limits.clone(),
    };
    let started = Instant::now();
    let result = connector.sign_in().await;
    let milliseconds = started.elapsed().as_millis();
    let base_url = settings.base_url.to_string();
    match (&result, common.json) {
        (Ok(()), true) => {
            output::line(&json!({ "connection": name, "ok": true, "milliseconds": milliseconds }).to_string());
        }
        (Ok(()), false) => output::line(&format!("`{name}` works: signed in at {base_url} in {milliseconds} ms")),
        (Err(failure), true) => output::line(
            &json!({
                "connection": name,
                "ok": false,
                "kind": failure.kind.name(),
                "code": failure.code,
                "message": failure.message,
                "hint": failure.hint,
            })
            .to_string(),
        ),
        (Err(failure), false) => {
            output::problem(&format!("`{name}` does not work ({}) at {base_url}: {failure}", failure.kind.name()));
        }
    }
    Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

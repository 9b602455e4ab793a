//! Which connections can be used: those whose plugin is there, whose secrets can be read and whose address is allowed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::references::unknown_plugin;
use crate::capability::{Connection, ConnectionError};
use crate::config::{ConfigProblem, Project};
use crate::engine::snapshot::Snapshot;
use crate::plugin::Registry;

/// The connections that can be used. One that is `in_use` and still the same stays, with its budget and its sessions.
pub(super) fn usable(
    project: &Project,
    registry: &Registry,
    in_use: Option<&Snapshot>,
    problems: &mut Vec<ConfigProblem>,
) -> BTreeMap<String, Arc<Connection>> {
    let mut usable = BTreeMap::new();
    for (name, settings) in &project.connections {
        let path = format!("connections.{name}");
        let problem = |message: String| ConfigProblem::error("qiao.toml", message).at(path.clone());
        let Some(plugin) = registry.get(&settings.plugin) else {
            problems.push(unknown_plugin(registry, &settings.plugin, problem));
            continue;
        };
        let lacking: Vec<&str> = plugin
            .description
            .secrets
            .iter()
            .filter(|secret| secret.required && !settings.secrets.contains_key(&secret.name))
            .map(|secret| secret.name.as_str())
            .collect();
        if !lacking.is_empty() {
            problems.push(
                problem(format!("the plugin `{}` needs the secret `{}`", settings.plugin, lacking.join("`, `"))).hint(
                    format!(
                        "add `secrets = {{ {} = {{ env = \"…\" }} }}` to the connection",
                        lacking.first().unwrap_or(&"name")
                    ),
                ),
            );
            continue;
        }
        let sensitive = plugin.description.sensitive_settings();
        let same_limits = in_use.filter(|in_use| in_use.limits == project.limits);
        if let Some(connection) = same_limits.and_then(|in_use| in_use.connections.get(name))
            && connection.is_still(settings, &sensitive, &project.root)
        {
            usable.insert(name.clone(), Arc::clone(connection));
            continue;
        }
        match Connection::new(settings.clone(), &sensitive, &project.root, &project.limits) {
            Ok(connection) => {
                usable.insert(name.clone(), Arc::new(connection));
            }
            Err(error) => {
                problems.push(match error {
                    ConnectionError::Secret(missing) => *missing,
                    error => problem(error.to_string()),
                });
                // A secret that cannot be read any more: the one that was read serves on.
                let in_use = in_use.and_then(|in_use| in_use.connections.get(name));
                let same = in_use.filter(|connection| connection.settings() == settings);
                usable.extend(same.map(|connection| (name.clone(), Arc::clone(connection))));
            }
        }
    }
    usable
}

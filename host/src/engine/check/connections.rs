//! Which connections can be used: those whose plugin is there, whose secrets can be read and whose address is allowed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::references::unknown_plugin;
use crate::capability::{Connection, ConnectionError};
use crate::config::{ConfigProblem, Project};
use crate::plugin::Registry;

/// The connections that can be used.
pub(super) fn usable(
    project: &Project,
    registry: &Registry,
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
        match Connection::new(settings.clone(), &sensitive, &project.root, &project.limits) {
            Ok(connection) => {
                usable.insert(name.clone(), Arc::new(connection));
            }
            Err(ConnectionError::Secret(missing)) => problems.push(*missing),
            Err(error) => problems.push(problem(error.to_string())),
        }
    }
    usable
}

//! What a scheme names and does not hold itself: plugins, operations, functions, collections and tables. Each is resolved
//! by its name, and where nothing bears that name, the problem says what there is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{ConfigProblem, Origin, Project, nearest};
use crate::dialect::{FunctionUse, LookupIn, LookupUse, WriteBack};
use crate::plugin::{Direction, Operation, Plugin, Registry};

/// Says that there is no such plugin, with those that there are.
pub(super) fn unknown_plugin(
    registry: &Registry,
    name: &str,
    problem: impl Fn(String) -> ConfigProblem,
) -> ConfigProblem {
    let names: Vec<&str> = registry.plugins().map(|plugin| plugin.name()).collect();
    let problem = problem(format!("there is no plugin `{name}`"));
    match nearest(name, names.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => problem.hint("the `plugins` folder has none that loads: see `qiao plugin list`"),
        None => {
            problem.hint(format!("there are: {}; `qiao plugin list` says why others do not load", names.join(", ")))
        }
    }
}

/// What the plugin says of the metadata's `api`.
pub(super) fn operation<'p>(
    plugin: &'p Plugin,
    direction: Direction,
    api: &str,
    origin: &Origin,
    problems: &mut Vec<ConfigProblem>,
) -> Option<&'p Operation> {
    let operation = plugin.description.operation(direction, api);
    if operation.is_none() {
        let apis = plugin.description.apis(direction);
        let verb = if direction == Direction::Source { "read" } else { "write" };
        problems.push(
            origin.error(format!("the plugin `{}` cannot {verb} `{api}`", plugin.name())).inside("$.api").hint(
                if apis.is_empty() {
                    format!("it has nothing to {verb}")
                } else {
                    format!("it can {verb}: {}", apis.join(", "))
                },
            ),
        );
    }
    operation
}

/// The plugins of the functions that an expression calls, each with as many arguments as it takes.
pub(super) fn functions<'u>(
    registry: &Registry,
    uses: impl IntoIterator<Item = &'u FunctionUse>,
    origin: &Origin,
    functions: &mut HashMap<String, Arc<Plugin>>,
    problems: &mut Vec<ConfigProblem>,
) {
    for used in uses {
        let at = |message: String| origin.error(message).inside(&used.path);
        match registry.function(&used.name) {
            (Some(plugin), 1) => {
                let signature = plugin.functions.iter().find(|function| function.name == used.name);
                if let Some(signature) = signature
                    && !(signature.required..=signature.parameters.len()).contains(&used.argument_count)
                {
                    let parameters = signature.parameters.join(", ");
                    problems.push(at(format!(
                        "`{}({parameters})` is given {} argument(s)",
                        used.name, used.argument_count
                    )));
                }
                functions.insert(used.name.clone(), Arc::clone(plugin));
            }
            (Some(_), several) => problems.push(
                at(format!("{several} plugins export the function `{}`", used.name))
                    .hint("remove one of them from the plugins folder"),
            ),
            (None, _) => problems.push(
                at(format!("no plugin exports the function `{}`", used.name))
                    .hint(did_you_mean(&used.name, &registry.function_names())),
            ),
        }
    }
}

/// What a lookup reads from: a scheme's collection, noted by the stem of its file, or a table with the columns it names.
pub(super) fn lookup(
    project: &Project,
    lookup: &LookupUse,
    origin: &Origin,
    collections: &mut HashMap<String, String>,
    problems: &mut Vec<ConfigProblem>,
) {
    let at = |message: String| origin.error(message).inside(&lookup.path);
    match &lookup.source {
        LookupIn::Collection(name) => {
            if let Some(file) = project.scheme(name) {
                collections.insert(name.clone(), file.stem.clone());
                return;
            }
            let stems: Vec<&str> = project.schemes.iter().map(|file| file.stem.as_str()).collect();
            problems.push(
                at(format!("the lookup reads from the scheme `{name}`, which is not there"))
                    .hint(did_you_mean(name, &stems)),
            );
        }
        LookupIn::Table(name) => {
            let Some(table) = project.tables.get(name) else {
                let names: Vec<&str> = project.tables.names().collect();
                problems.push(at(format!("there is no table `{name}`")).hint(did_you_mean(name, &names)));
                return;
            };
            let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
            for column in lookup.where_fields.iter().chain([&lookup.find]) {
                if !columns.contains(&column.as_str()) {
                    problems.push(
                        at(format!("the table `{name}` has no column `{column}`")).hint(did_you_mean(column, &columns)),
                    );
                }
            }
            let key = columns.first().copied().unwrap_or_default();
            if !lookup.where_fields.iter().any(|field| field == key) {
                problems.push(
                    at(format!("the look-up in the table `{name}` is not by its key"))
                        .hint(format!("its key is the first column, `{key}`")),
                );
            }
        }
    }
}

/// The scheme that gets what is written back, noted by the stem of its file.
pub(super) fn receiver(
    project: &Project,
    write_back: &WriteBack,
    origin: &Origin,
    receivers: &mut HashMap<String, String>,
    problems: &mut Vec<ConfigProblem>,
) {
    let name = write_back.scheme();
    let at = |message: String| origin.error(message).inside(write_back.path()).text(name);
    match project.scheme(name) {
        Some(file) if file.source.complete_bills => problems.push(
            at(format!("the scheme `{name}` has `complete_bills`: rows that its scans do not return would be removed"))
                .hint("remove `complete_bills` there"),
        ),
        Some(file) => {
            receivers.insert(name.to_owned(), file.stem.clone());
        }
        None => {
            let stems: Vec<&str> = project.schemes.iter().map(|file| file.stem.as_str()).collect();
            problems.push(
                at(format!("the scheme `{name}`, which is to get what is written back, is not there"))
                    .hint(did_you_mean(name, &stems)),
            );
        }
    }
}

/// The hint where a name is not known.
pub(super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    }
}

//! What a person, or a program, is shown of what serves: JSON, the same whether a running host says it or a command finds
//! it out by itself.

use serde_json::{Value, json};

use crate::config::{LimitsConfig, Schedule, SchemeFile};
use crate::engine::reload::{Refused, Standing};
use crate::observe::clock;
use crate::plugin::{Direction, Plugin};

/// The plugins that serve, and the files that do not. `is_running`: a host serves them, and does not only load them.
pub fn plugins(standing: &Standing, is_running: bool) -> Value {
    let limits = &standing.project.limits;
    let plugins: Vec<Value> = standing.snapshot.registry.plugins().map(|serving| plugin(serving, limits)).collect();
    json!({ "running": is_running, "plugins": plugins, "refused": refusals(standing, "plugins") })
}

/// The schemes, and what is wrong with those that cannot run as they stand.
pub fn schemes(standing: &Standing, is_running: bool) -> Value {
    let refused = |file: &SchemeFile| standing.refused.iter().find(|refused| file.is_read_from(&refused.file));
    let mut schemes: Vec<Value> = standing
        .project
        .schemes
        .iter()
        .map(|file| {
            let serves = standing.snapshot.scheme(&file.stem).is_some();
            let state = match (file.enabled, serves, refused(file)) {
                (false, ..) => "disabled",
                (true, true, Some(_)) => "earlier version",
                (true, true, None) => "ready",
                (true, false, _) => "broken",
            };
            json!({
                "stem": file.stem,
                "name": file.name,
                "file": file.path.display().to_string(),
                "source": file.source.connection,
                "target": file.target.as_ref().map(|target| &target.connection),
                "schedule": file.source.schedule.as_ref().map(Schedule::as_str),
                "state": state,
            })
        })
        .collect();
    // Files that do not even load.
    let unloaded = standing.refused.iter().filter(|refused| {
        let is_metadata = refused.file.extension().is_some_and(|extension| extension == "json");
        refused.file.starts_with("schemes")
            && !is_metadata
            && !standing.project.schemes.iter().any(|scheme| scheme.path == refused.file)
    });
    schemes.extend(unloaded.map(|refused| {
        let stem = refused.file.file_stem().unwrap_or_default().to_string_lossy();
        json!({ "stem": stem, "name": stem, "file": refused.file.display().to_string(), "state": "broken" })
    }));
    json!({ "running": is_running, "schemes": schemes, "refused": refusals(standing, "") })
}

/// The refusals in one of these answers, as texts.
pub fn refused(answer: &Value) -> Vec<String> {
    let listed = answer.get("refused").and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|refused| refused.get("text")?.as_str()).map(str::to_owned).collect()
}

fn refusals(standing: &Standing, folder: &str) -> Vec<Value> {
    let of_folder = standing.refused.iter().filter(|refused| refused.file.starts_with(folder));
    of_folder.map(refusal).collect()
}

fn refusal(refused: &Refused) -> Value {
    json!({
        "file": refused.file.display().to_string(),
        "reasons": refused.reasons,
        "instead": refused.instead,
        "text": refused.to_string(),
    })
}

/// What a plugin is.
pub fn plugin(plugin: &Plugin, limits: &LimitsConfig) -> Value {
    let description = &plugin.description;
    let secrets: Vec<Value> = description
        .secrets
        .iter()
        .map(|secret| json!({ "name": secret.name, "summary": secret.summary, "required": secret.required }))
        .collect();
    let operations: Vec<Value> = description
        .operations
        .iter()
        .map(|operation| {
            json!({
                "direction": if operation.direction == Direction::Source { "source" } else { "target" },
                "api": operation.api,
                "summary": operation.summary,
                "number_field": operation.number_field,
                "can_find": operation.can_find,
                "largest_batch": operation.largest_batch,
                "largest_find": operation.largest_find,
            })
        })
        .collect();
    let functions: Vec<Value> = plugin
        .functions
        .iter()
        .map(
            |function| json!({ "name": function.name, "parameters": function.parameters, "summary": function.summary }),
        )
        .collect();
    let stages: Vec<Value> = plugin
        .stages
        .iter()
        .map(|stage| json!({ "name": stage.name, "summary": stage.summary, "config_schema": stage.config_schema }))
        .collect();
    json!({
        "name": plugin.name(),
        "version": description.version,
        "summary": description.summary,
        "file": plugin.file.display().to_string(),
        "size": plugin.size,
        "digest": plugin.digest,
        "loaded_at": clock::timestamp_ms(plugin.loaded_ms).to_string(),
        "contract": plugin.contract,
        "exports": plugin.exports().names(),
        "asks_for": plugin.asks_for,
        "drags_in": plugin.drags_in,
        "secrets": secrets,
        "config_schema": description.config_schema,
        "operations": operations,
        "functions": functions,
        "stages": stages,
        "limits": {
            "memory_bytes": limits.memory_bytes,
            "cpu_time_ms": limits.cpu_time.as_millis(),
            "call_time_ms": limits.call_time.as_millis(),
            "response_bytes": limits.response_bytes,
            "log_lines": limits.log_lines,
            "log_bytes": limits.log_bytes,
        },
    })
}

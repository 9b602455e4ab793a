//! `qiao plugin`: list, inspect, call.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use super::project::state_dir;
use super::{CommandError, CommandResult, Common, FAILED, output, project};
use crate::config::{LimitsConfig, TableSet, nearest};
use crate::plugin::transforms::{self, Scalar, TransformContext};
use crate::plugin::{Direction, Plugin, Registry, Runtime};
use crate::web::{PLUGINS, client, view};

/// What can be done with plugins.
#[derive(Subcommand)]
pub(super) enum Command {
    /// List the plugins of the project: what serves, and why the others do not. Of a running host: what serves there.
    List,
    /// Say what a plugin is: what it exports, what it asks for, what it needs.
    Inspect {
        /// A `.wasm` file.
        file: PathBuf,
    },
    /// Call a function of a plugin.
    Call {
        /// A `.wasm` file.
        file: PathBuf,
        /// The function's name.
        function: String,
        /// The arguments: a JSON array, `'["MAT-001"]'`; an array of arrays calls once per row.
        #[arg(default_value = "[]")]
        arguments: String,
        /// The folder of mapping tables that the function may read.
        #[arg(long, value_name = "DIR")]
        tables: Option<PathBuf>,
    },
}

pub(super) async fn plugin(common: &Common, command: &Command) -> CommandResult {
    match command {
        Command::List => list(common).await,
        Command::Inspect { file } => inspect(common, file).await,
        Command::Call { file, function, arguments, tables } => {
            call(common, file, function, arguments, tables.as_deref()).await
        }
    }
}

async fn list(common: &Common) -> CommandResult {
    let listed = match client::ask(&state_dir(common), PLUGINS).await? {
        Some(told) => told,
        None => view::plugins(&project::open(common, project::no_state).await?.standing, false),
    };
    let refused = view::refused(&listed);
    if common.json {
        output::line(&listed.to_string());
    } else {
        let plugins = listed.get("plugins").and_then(Value::as_array).cloned().unwrap_or_default();
        let rows = plugins.iter().map(|plugin| {
            let text = |key: &str| plugin.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let digest = text("digest").get(..12).unwrap_or_default().to_owned();
            vec![text("name"), text("version"), digest, text("loaded_at"), text("file"), text("summary")]
        });
        output::table(&["plugin", "version", "sha256", "loaded", "file", "summary"], rows);
        for text in &refused {
            output::problem(text);
        }
    }
    Ok(if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn load(file: &Path, limits: &LimitsConfig) -> Result<Arc<Plugin>, CommandError> {
    let runtime = Runtime::new(limits.memory_bytes)?;
    Ok(Registry::load_file(&runtime, limits, file).await?)
}

async fn inspect(common: &Common, file: &Path) -> CommandResult {
    let limits = LimitsConfig::default();
    let plugin = load(file, &limits).await?;
    if common.json {
        output::line(&view::plugin(&plugin, &limits).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let description = &plugin.description;
    let mut lines = vec![
        format!("{} {}", plugin.name(), description.version),
        format!("  {}", description.summary),
        format!("file          {} ({} bytes, sha256 {})", file.display(), plugin.size, plugin.digest),
        format!("contract      qiao:plugin@{}", plugin.contract),
        format!("exports       {}", plugin.exports().names().join(", ")),
        format!("asks for      {}", or_nothing(&plugin.asks_for)),
        format!("drags in      {}", dragged_in(&plugin.drags_in)),
    ];
    lines.extend(settings(&description.config_schema));
    for secret in &description.secrets {
        let required = if secret.required { "required" } else { "optional" };
        lines.push(format!("secret        {} ({required}): {}", secret.name, secret.summary));
    }
    for operation in &description.operations {
        let direction = if operation.direction == Direction::Source { "reads" } else { "writes" };
        lines.push(format!("{direction:<13} {}: {}", operation.api, operation.summary));
    }
    for function in &plugin.functions {
        lines.push(format!(
            "function      {}({}): {}",
            function.name,
            function.parameters.join(", "),
            function.summary
        ));
    }
    for stage in &plugin.stages {
        lines.push(format!("stage         {}: {}", stage.name, stage.summary));
    }
    lines.push(format!(
        "limits        {} of memory, {:?} of CPU and {:?} in all per call, {} per response, {} log lines",
        mebibytes(limits.memory_bytes),
        limits.cpu_time,
        limits.call_time,
        mebibytes(limits.response_bytes),
        limits.log_lines
    ));
    output::line(&lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}

/// The interfaces that a language's runtime asks for, by package: they are long and all lead nowhere.
fn dragged_in(interfaces: &[String]) -> String {
    let mut packages: Vec<&str> = interfaces.iter().filter_map(|name| name.split('/').next()).collect();
    packages.dedup();
    match packages.as_slice() {
        [] => "nothing".to_owned(),
        packages => format!(
            "{} interfaces of its language's runtime, which lead nowhere: {}",
            interfaces.len(),
            packages.join(", ")
        ),
    }
}

/// What a connection's `config` takes, one line for each key.
fn settings(schema: &Value) -> Vec<String> {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(key, property)| {
            let text = |name: &str| property.get(name).and_then(Value::as_str).unwrap_or_default();
            let need = if required.contains(&key.as_str()) { "required" } else { "optional" };
            let kind = property.get("type").and_then(Value::as_str).map(|kind| format!(" {kind}")).unwrap_or_default();
            format!("config        {key} ({need}{kind}): {}", text("description"))
        })
        .collect()
}

fn or_nothing(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

async fn call(common: &Common, file: &Path, function: &str, arguments: &str, tables: Option<&Path>) -> CommandResult {
    let limits = LimitsConfig::default();
    let (rows, one_row) = rows_of_arguments(arguments)?;
    let tables = match tables {
        Some(folder) => {
            let (tables, problems) = TableSet::load(folder);
            output::problems(&problems);
            tables
        }
        None => TableSet::empty(),
    };
    let plugin = load(file, &limits).await?;
    if !plugin.functions.iter().any(|known| known.name == function) {
        let names: Vec<&str> = plugin.functions.iter().map(|known| known.name.as_str()).collect();
        let hint = match nearest(function, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "it exports no functions".to_owned(),
            None => format!("it has: {}", names.join(", ")),
        };
        return Err(CommandError(format!("`{}` has no function `{function}`\n  hint: {hint}", file.display())));
    }
    let context = TransformContext {
        tables: Arc::new(tables),
        state: None,
        scheme: None,
        time_zone: "Asia/Shanghai".into(),
        limits,
    };
    let called = transforms::call_function(&plugin, &context, function, rows).await;
    let values: Vec<Result<Value, String>> = match called {
        Ok(called) => called.values.into_iter().map(|value| value.and_then(Scalar::into_value)).collect(),
        Err(error) => {
            output::problem(&error.to_string());
            return Ok(ExitCode::from(FAILED));
        }
    };
    let failed = values.iter().any(Result::is_err);
    if common.json {
        let listed: Vec<Value> = values
            .into_iter()
            .map(|value| match value {
                Ok(value) => json!({ "value": value }),
                Err(message) => json!({ "error": message }),
            })
            .collect();
        let result = if one_row { listed.into_iter().next().unwrap_or(Value::Null) } else { Value::Array(listed) };
        output::line(&result.to_string());
    } else {
        for value in values {
            match value {
                Ok(Value::String(text)) => output::line(&text),
                Ok(value) => output::line(&value.to_string()),
                Err(message) => output::problem(&message),
            }
        }
    }
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// The arguments of one call or, as an array of arrays, of several.
fn rows_of_arguments(text: &str) -> Result<(Vec<Vec<Scalar>>, bool), CommandError> {
    let wrong = |reason: String| {
        CommandError(format!(
            "the arguments `{text}` are not a JSON array: {reason}\n  hint: write them as '[\"MAT-001\"]'"
        ))
    };
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let several: Option<Vec<&Vec<Value>>> =
        if values.is_empty() { None } else { values.iter().map(Value::as_array).collect() };
    Ok(match several {
        Some(rows) => (rows.into_iter().map(|row| row.iter().map(Scalar::from).collect()).collect(), false),
        None => (vec![values.iter().map(Scalar::from).collect()], true),
    })
}

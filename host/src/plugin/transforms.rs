//! Functions and stages of plugins, in the host's own types.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::bindings::functions::exports::qiao::plugin::functions::Value as WitValue;
use super::call;
use super::error::{CallError, Failure};
use super::load::Plugin;
use crate::capability::bindings::qiao::plugin::types;
use crate::capability::{CallRecord, Loan};
use crate::config::{LimitsConfig, TableSet};
use crate::journal::State;

/// A scalar, or JSON: what functions take and return.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number, as decimal text.
    Number(String),
    /// Text.
    Text(String),
    /// JSON text of an array or an object.
    Json(String),
}

impl Scalar {
    /// As JSON.
    pub fn into_value(self) -> Result<Value, String> {
        match self {
            Self::Null => Ok(Value::Null),
            Self::Boolean(value) => Ok(Value::Bool(value)),
            Self::Number(text) => match serde_json::from_str::<Value>(&text) {
                Ok(number @ Value::Number(_)) => Ok(number),
                _ => Err(format!("`{text}` is no number")),
            },
            Self::Text(text) => Ok(Value::String(text)),
            Self::Json(text) => {
                serde_json::from_str(&text).map_err(|error| format!("it returned malformed JSON: {error}"))
            }
        }
    }
}

impl From<&Value> for Scalar {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Boolean(*value),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Self::Json(value.to_string()),
        }
    }
}

impl From<Scalar> for WitValue {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Boolean(value) => Self::Boolean(value),
            Scalar::Number(text) => Self::Number(text),
            Scalar::Text(text) => Self::Text(text),
            Scalar::Json(text) => Self::Json(text.into_bytes()),
        }
    }
}

impl From<WitValue> for Scalar {
    fn from(value: WitValue) -> Self {
        match value {
            WitValue::Null => Self::Null,
            WitValue::Boolean(value) => Self::Boolean(value),
            WitValue::Number(text) => Self::Number(text),
            WitValue::Text(text) => Self::Text(text),
            WitValue::Json(text) => Self::Json(String::from_utf8_lossy(&text).into_owned()),
        }
    }
}

/// What transforms are called with.
#[derive(Clone)]
pub struct TransformContext {
    /// The tables: one snapshot.
    pub tables: Arc<TableSet>,
    /// Where plugins keep their state.
    pub state: Option<Arc<dyn State>>,
    /// The scheme on whose behalf.
    pub scheme: Option<Arc<str>>,
    /// The scheme's time zone (IANA name).
    pub time_zone: Arc<str>,
    /// The limits of a call.
    pub limits: LimitsConfig,
}

impl TransformContext {
    fn as_plugin_sees_it(&self) -> types::Context {
        types::Context { scheme: self.scheme.as_deref().map(str::to_owned), time_zone: self.time_zone.to_string() }
    }

    fn loan(&self, plugin: &Plugin) -> Loan {
        Loan {
            plugin: Arc::clone(&plugin.name),
            declared_secrets: Arc::clone(&plugin.declared_secrets),
            connection: None,
            signing_in: false,
            state: self.state.clone(),
            tables: Arc::clone(&self.tables),
            scheme: self.scheme.clone(),
            limits: self.limits.clone(),
        }
    }
}

/// What a batch of calls of one function gave.
pub struct Called {
    /// One value, or why there is none, per row of arguments.
    pub values: Vec<Result<Scalar, String>>,
    /// The tables it read.
    pub tables_read: Vec<String>,
}

/// Why no value came back at all.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    /// The call broke off.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The plugin refused it.
    #[error("{0}")]
    Failure(Failure),
}

impl TransformError {
    /// As a failure.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Call(error) => error.into_failure(),
        }
    }

    /// The guest crashed: the same call would crash again, though a part of it may not.
    pub fn is_crash(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_crash())
    }
}

/// Calls a function once per row of arguments, in one call of the plugin.
pub async fn call_function(
    plugin: &Plugin,
    context: &TransformContext,
    name: &str,
    rows: Vec<Vec<Scalar>>,
) -> Result<Called, TransformError> {
    let Some(pre) = &plugin.exports.functions else {
        return Err(missing(plugin, "exports no functions"));
    };
    let expected = rows.len();
    let plugin_context = context.as_plugin_sees_it();
    let rows: Vec<Vec<WitValue>> = rows.into_iter().map(|row| row.into_iter().map(WitValue::from).collect()).collect();
    let record = Arc::new(CallRecord::default());
    let values =
        call::in_fresh_instance(pre.instance_pre(), context.loan(plugin), &record, "functions.call", async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.qiao_plugin_functions().call_call(store, name, &plugin_context, &rows).await
        })
        .await?
        .map_err(|failure| TransformError::Failure(failure.into()))?;
    if values.len() != expected {
        return Err(malformed(plugin, &format!("returned {} values for {expected} rows from `{name}`", values.len())));
    }
    let values = values.into_iter().map(|value| value.map(Scalar::from)).collect();
    Ok(Called { values, tables_read: record.tables_read() })
}

/// A row that a stage set aside.
#[derive(Clone, Debug)]
pub struct RefusedRow {
    /// Its place among the rows given.
    pub row: u32,
    /// The rule it breaks.
    pub rule: String,
    /// What is wrong with it.
    pub message: String,
}

/// What a stage made of a page of rows.
pub struct Processed {
    /// The rows that go on.
    pub rows: Vec<Map<String, Value>>,
    /// The rows set aside.
    pub refused: Vec<RefusedRow>,
    /// The tables it read.
    pub tables_read: Vec<String>,
}

/// Runs a stage over a page of rows.
pub async fn run_stage(
    plugin: &Plugin,
    context: &TransformContext,
    name: &str,
    config: &Value,
    rows: &[Map<String, Value>],
) -> Result<Processed, TransformError> {
    let Some(pre) = &plugin.exports.stages else {
        return Err(missing(plugin, "exports no stages"));
    };
    let malformed =
        |error: serde_json::Error| malformed(plugin, &format!("returned malformed rows from `{name}`: {error}"));
    let plugin_context = context.as_plugin_sees_it();
    let config = config.to_string().into_bytes();
    let rows = serde_json::to_vec(rows).map_err(malformed)?;
    let record = Arc::new(CallRecord::default());
    let processed =
        call::in_fresh_instance(pre.instance_pre(), context.loan(plugin), &record, "stages.process", async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.qiao_plugin_stages().call_process(store, name, &plugin_context, &config, &rows).await
        })
        .await?
        .map_err(|failure| TransformError::Failure(failure.into()))?;
    Ok(Processed {
        rows: serde_json::from_slice(&processed.rows).map_err(malformed)?,
        refused: processed
            .refused
            .into_iter()
            .map(|refusal| RefusedRow { row: refusal.row, rule: refusal.rule, message: refusal.message })
            .collect(),
        tables_read: record.tables_read(),
    })
}

fn missing(plugin: &Plugin, reason: &str) -> TransformError {
    CallError::Missing { plugin: plugin.name().to_owned(), reason: reason.to_owned() }.into()
}

fn malformed(plugin: &Plugin, reason: &str) -> TransformError {
    CallError::Malformed { plugin: plugin.name().to_owned(), reason: reason.to_owned() }.into()
}

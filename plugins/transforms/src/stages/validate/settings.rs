//! The settings of `validate`, read and compiled; what is wrong with them is told with its JSON path.

use qiao_plugin::json::{decimal, json};
use qiao_plugin::{Context, Failure, Value};
use regex::Regex;
use serde::Deserialize;

use super::NAME;
use super::check::{Check, Limit, Table};
use crate::dates::Moment;
use crate::patterns::reason;
use crate::stages::fields::shown;

/// The stage's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    rules: Vec<RuleConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleConfig {
    name: Option<String>,
    field: String,
    #[serde(default)]
    required: bool,
    pattern: Option<String>,
    min: Option<Value>,
    max: Option<Value>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    one_of: Option<Vec<Value>>,
    in_table: Option<String>,
    column: Option<String>,
}

/// A rule, ready for rows.
pub(super) struct Rule {
    /// As the settings name it, or else the field.
    pub(super) name: String,
    pub(super) field: String,
    pub(super) checks: Vec<Check>,
}

pub(super) fn config_schema() -> Value {
    let limit = |what: &str| json!({ "type": ["number", "string"], "description": what });
    json!({
        "type": "object",
        "properties": {
            "rules": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "name": { "type": "string", "description": "What a broken rule is called. Default: the field." },
                        "field": { "type": "string", "minLength": 1, "description": "The field; a dotted path walks objects, and every element of arrays." },
                        "required": { "type": "boolean", "description": "The field must not be empty. All other checks pass an empty field." },
                        "pattern": { "type": "string", "description": "A regular expression that the whole text must match." },
                        "min": limit("The least number, or the first date."),
                        "max": limit("The largest number, or the last date."),
                        "min_length": { "type": "integer", "minimum": 0, "description": "The least number of characters." },
                        "max_length": { "type": "integer", "minimum": 0, "description": "The largest number of characters." },
                        "one_of": { "type": "array", "minItems": 1, "description": "The values allowed." },
                        "in_table": { "type": "string", "description": "A table whose first column must have the value." },
                        "column": { "type": "string", "description": "A column of that table that must not be empty for the value." }
                    },
                    "required": ["field"],
                    "additionalProperties": false
                }
            }
        },
        "required": ["rules"],
        "additionalProperties": false
    })
}

/// A mistake in the settings.
pub(super) fn mistake(path: &str, what: &str) -> Failure {
    Failure::misconfigured(format!("stage `{NAME}`: `config.{path}`{what}"))
}

impl Config {
    pub(super) fn rules(self, context: &Context) -> Result<Vec<Rule>, Failure> {
        if self.rules.is_empty() {
            return Err(mistake("rules", " is empty"));
        }
        self.rules
            .into_iter()
            .enumerate()
            .map(|(place, rule)| rule.compile(&format!("rules[{place}]"), context))
            .collect()
    }
}

impl RuleConfig {
    fn compile(self, path: &str, context: &Context) -> Result<Rule, Failure> {
        if self.field.is_empty() {
            return Err(mistake(&format!("{path}.field"), " is empty"));
        }
        let mut checks = Vec::new();
        if self.required {
            checks.push(Check::Required);
        }
        if let Some(pattern) = self.pattern {
            let whole = Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|_| pattern_mistake(path, &pattern))?;
            checks.push(Check::Pattern(whole, pattern));
        }
        if let Some(min) = self.min {
            checks.push(Check::Min(limit(&min, &format!("{path}.min"), context)?));
        }
        if let Some(max) = self.max {
            checks.push(Check::Max(limit(&max, &format!("{path}.max"), context)?));
        }
        checks.extend(self.min_length.map(Check::MinLength));
        checks.extend(self.max_length.map(Check::MaxLength));
        match self.one_of {
            Some(members) if members.is_empty() => return Err(mistake(&format!("{path}.one_of"), " is empty")),
            members => checks.extend(members.map(Check::OneOf)),
        }
        match (self.in_table, self.column) {
            (Some(table), column) => checks.push(Check::InTable(Table::new(table, column, path.to_owned()))),
            (None, Some(_)) => return Err(mistake(&format!("{path}.column"), " needs `in_table`")),
            (None, None) => {}
        }
        if checks.is_empty() {
            return Err(mistake(path, " checks nothing").hint(
                "a rule has at least one of `required`, `pattern`, `min`, `max`, `min_length`, `max_length`, `one_of`, `in_table`",
            ));
        }
        Ok(Rule { name: self.name.unwrap_or_else(|| self.field.clone()), field: self.field, checks })
    }
}

/// The message is about the pattern as it was written, without what is put around it.
fn pattern_mistake(path: &str, pattern: &str) -> Failure {
    let reason = match Regex::new(pattern) {
        Err(error) => reason(&error),
        Ok(_) => "it is too large".to_owned(),
    };
    mistake(&format!("{path}.pattern"), &format!(": `{pattern}` is no regular expression: {reason}"))
}

fn limit(value: &Value, path: &str, context: &Context) -> Result<Limit, Failure> {
    if let Ok(number) = decimal(value) {
        return Ok(Limit::Number(number));
    }
    let moment = match value {
        Value::String(_) => Moment::read(value).ok().flatten(),
        _ => None,
    };
    match moment {
        Some(moment) => Limit::date(moment, context).map_err(|error| mistake(path, &format!(": {error}"))),
        None => Err(mistake(path, &format!(": `{}` is neither a number nor a date", shown(value)))),
    }
}

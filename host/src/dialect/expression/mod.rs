//! `_function`: expressions in `MySQL`'s language.
//!
//! The published platform fills a value's placeholders in and has the text evaluated. The same is done here, but the text
//! is parsed when the scheme loads wherever that cannot change its meaning: a placeholder that stands as an operand
//! (`{{a}}*{{b}}`) or within quotes (`'{{a}}'`) becomes a parameter, and a record costs an evaluation only. A placeholder
//! that touches other text (`{{a}}000`) makes it fill in first and parse for every record, and loading says so.
//!
//! The parser is `sqlparser`'s; the meaning is ours, on exact decimals. It is `MySQL`'s, with two deviations, both towards an
//! error in place of a wrong amount: an operand whose field is empty, and a text in arithmetic that is no number. `ifnull`,
//! `coalesce` and `is null` take an empty operand as `NULL`. Division by zero, `NULL` in `MySQL`, is an error as well.

mod compile;
mod eval;
mod functions;
mod number;
mod parameters;
mod parse;
mod tree;

use std::borrow::Cow;

use serde_json::Value;

use self::eval::{Operands, Scalar};
use super::template::{Segment, Template};
use super::value::{index_text, number};

/// A `_function`, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    template: Template,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// Parsed when the scheme was loaded; placeholders are parameters.
    Compiled(tree::Expr),
    /// Filled in and parsed for every record.
    Substituted,
}

/// Why an expression gives no value, or does not load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpressionError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("the result has more digits than a decimal holds")]
    Overflow,
    #[error("`{0}` is empty")]
    EmptyOperand(String),
    #[error("`{placeholder}` is the text `{text}` and stands without quotes")]
    TextOperand { placeholder: String, text: String },
    #[error("the text `{0}` is no number")]
    NotANumber(String),
    #[error("it does not parse: {0}")]
    Syntax(String),
    #[error("{0}")]
    Unsupported(String),
    #[error("function `{0}` is unknown")]
    UnknownFunction(String),
    #[error("`{name}` takes {takes} arguments, not {given}")]
    ArgumentCount { name: &'static str, takes: String, given: usize },
    #[error("it is nested too deeply")]
    TooDeep,
}

impl ExpressionError {
    /// What to do about it, while loading.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownFunction(name) => Some(functions::hint(name)),
            Self::Unsupported(_) => Some(
                "supported: arithmetic, comparisons, `and or not in like between is null`, `case`, and functions"
                    .to_owned(),
            ),
            Self::Syntax(_) => Some("it must be one MySQL expression; texts are in quotes: `'{{x}}'`".to_owned()),
            Self::TooDeep => Some("write long chains as `in (…)` or as branches of one `case`".to_owned()),
            _ => None,
        }
    }
}

/// An expression, and why it could not be parsed once, if so.
pub(super) struct Loaded {
    pub(super) expression: Expression,
    pub(super) parsed_per_record: Option<String>,
}

impl Expression {
    pub(super) fn load(template: Template) -> Result<Loaded, ExpressionError> {
        let per_record = |template, reason| {
            Ok(Loaded { expression: Self { template, form: Form::Substituted }, parsed_per_record: Some(reason) })
        };
        if template.has_odd_brace() {
            return per_record(template, "a brace is left over".to_owned());
        }
        match parameters::parameterised(&template) {
            Ok(sql) => {
                let form = Form::Compiled(compile::compile(&sql)?);
                Ok(Loaded { expression: Self { template, form }, parsed_per_record: None })
            }
            Err(reason) => per_record(template, reason),
        }
    }

    /// A brace is left over beside its placeholders.
    pub(super) fn has_odd_brace(&self) -> bool {
        self.template.has_odd_brace()
    }

    /// Placeholders and lookups.
    pub(super) fn fillings(&self) -> impl Iterator<Item = &Segment> {
        self.template.fillings()
    }

    /// The value, given those of the placeholders and lookups in their order.
    pub(super) fn evaluate(&self, values: &[Cow<'_, Value>]) -> Result<Value, ExpressionError> {
        let operands = Operands { template: &self.template, values };
        let result = match &self.form {
            Form::Compiled(expr) => eval::evaluate(expr, &operands)?,
            Form::Substituted => eval::evaluate(&compile::compile(&self.filled_in(values, true))?, &operands)?,
        };
        Ok(match result {
            Scalar::Null => Value::Null,
            Scalar::Text(text) => Value::String(text),
            Scalar::Number(exact) => {
                let text = exact.to_string();
                number(&text).unwrap_or(Value::String(text))
            }
        })
    }

    /// The text with its placeholders filled in, as the published platform would have it.
    pub(super) fn text(&self, values: &[Cow<'_, Value>]) -> String {
        self.filled_in(values, false)
    }

    fn filled_in(&self, values: &[Cow<'_, Value>], escaped: bool) -> String {
        let mut values = values.iter();
        let mut quotes = parameters::Quotes::default();
        let mut text = String::new();
        for segment in self.template.segments() {
            match segment {
                Segment::Text(part) => {
                    quotes.read(part);
                    text.push_str(part);
                }
                Segment::Placeholder(_) | Segment::Find(_) => {
                    let value = values.next().map(|value| index_text(value)).unwrap_or_default();
                    if escaped && quotes.are_open() {
                        text.push_str(&value.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\""));
                    } else {
                        text.push_str(&value);
                    }
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;

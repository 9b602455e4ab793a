//! `_function`: expressions in `MySQL`'s language.
//!
//! The published platform fills a value's placeholders in and has the text evaluated. The same is done here, but the text
//! is parsed when the scheme loads wherever that cannot change its meaning: a placeholder that stands as an operand
//! (`{{a}}*{{b}}`) or within quotes (`'{{a}}'`) becomes a parameter, and a record costs an evaluation only. A placeholder
//! that touches other text (`{{a}}000`) makes it fill in first and parse for every record, and loading says so. The same is
//! done for a record in which an operand holds a text that is no number (`1+2`).
//!
//! Within an aggregate (`sum({{details.FQty}}*{{details.FPrice}})`) a placeholder stands for every element of its list, and a
//! field may be named without braces. Such a bare name is a placeholder after those of the text.
//!
//! The parser is `sqlparser`'s; the meaning is ours, on exact decimals. It is `MySQL`'s, with two deviations, both towards an
//! error in place of a wrong amount: an operand whose field is empty, and a text in arithmetic that is no number. `ifnull`,
//! `coalesce`, `nullif`, `<=>` and `is null` take an empty operand as `NULL`. Division by zero, `NULL` in `MySQL`, is an error as
//! well. `docs/expressions.md` lists what differs, and a test compares the rest with a `MariaDB` (`tests/tests/mariadb`).

mod compile;
mod eval;
mod functions;
mod number;
mod operands;
mod parameters;
mod parse;
mod scalar;
mod syntax;
mod time;
mod tree;

use serde_json::Value;

use self::compile::{Bare, Compiled};
pub(super) use self::operands::Operand;
use self::operands::Operands;
use self::scalar::Scalar;
use super::options::Moment;
use super::template::{Placeholder, Segment, Template};
use super::value::{index_text, number};

/// A `_function`, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    template: Template,
    form: Form,
    /// Fields that aggregates name without braces.
    bare: Vec<Segment>,
    /// Which placeholders and lookups stand within an aggregate.
    aggregated: Vec<usize>,
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
    /// To be filled in before parsing; with a reason, that gave no value either.
    #[error("`{placeholder}` stands without quotes and is the text `{text}`{}", Reason(reason.as_deref()))]
    TextOperand { placeholder: String, text: String, reason: Option<Box<ExpressionError>> },
    #[error("`{0}` and `{1}` are of lists of different lengths")]
    TwoLists(String, String),
    #[error("the result has more letters than a text may have")]
    TooLong,
    #[error("the text `{0}` is no number")]
    NotANumber(String),
    #[error("it does not parse: {0}")]
    Syntax(String),
    #[error("the full-width `{0}` stands outside of quotes")]
    FullWidth(char, char),
    #[error("{0}")]
    Unsupported(String),
    #[error("function `{0}` is unknown")]
    UnknownFunction(String),
    #[error("`{name}` takes {takes} arguments, not {given}")]
    ArgumentCount { name: &'static str, takes: String, given: usize },
    #[error("it is nested too deeply")]
    TooDeep,
}

struct Reason<'a>(Option<&'a ExpressionError>);

impl std::fmt::Display for Reason<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |reason| write!(out, ", with which {reason}"))
    }
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
            Self::FullWidth(_, sign) => Some(format!("write `{sign}`")),
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
            let expression = Self { template, form: Form::Substituted, bare: Vec::new(), aggregated: Vec::new() };
            Ok(Loaded { expression, parsed_per_record: Some(reason) })
        };
        if let Some((full, sign)) = parameters::full_width(&template) {
            return Err(ExpressionError::FullWidth(full, sign));
        }
        if template.has_odd_brace() {
            return per_record(template, "a brace is left over".to_owned());
        }
        match parameters::parameterised(&template, &|_| None) {
            Ok(sql) => {
                let Compiled { expr, bare, aggregated } =
                    compile::compile(&sql, Bare::New(template.fillings().count()))?;
                let bare = bare.into_iter().map(|name| Segment::Placeholder(Placeholder::bare(name))).collect();
                let expression = Self { template, form: Form::Compiled(expr), bare, aggregated };
                Ok(Loaded { expression, parsed_per_record: None })
            }
            Err(reason) => per_record(template, reason),
        }
    }

    /// A brace is left over beside its placeholders.
    pub(super) fn has_odd_brace(&self) -> bool {
        self.template.has_odd_brace()
    }

    /// Placeholders and lookups in their order, and whether they stand for every element of a list.
    pub(super) fn fillings(&self) -> impl Iterator<Item = (&Segment, bool)> {
        let all = self.template.fillings().chain(&self.bare);
        all.enumerate().map(|(number, filling)| (filling, self.aggregated.contains(&number)))
    }

    /// The value, given those of the placeholders and lookups in their order.
    pub(super) fn evaluate(&self, values: &[Operand<'_>], moment: Moment<'_>) -> Result<Value, ExpressionError> {
        let operands = Operands::new(self, values, moment);
        let result = match &self.form {
            Form::Compiled(expr) => match eval::evaluate(expr, &operands) {
                Err(ExpressionError::TextOperand { placeholder, text, .. }) => {
                    self.evaluate_filled_in(&operands).map_err(|reason| match reason {
                        ExpressionError::EmptyOperand(_) => reason,
                        reason => ExpressionError::TextOperand { placeholder, text, reason: Some(Box::new(reason)) },
                    })
                }
                result => result,
            },
            Form::Substituted => {
                let compiled = compile::compile(&self.filled_in(values, true), Bare::None)?;
                eval::evaluate(&compiled.expr, &operands)
            }
        }?;
        Ok(match result {
            Scalar::Null => Value::Null,
            Scalar::Text(text) => Value::String(text),
            Scalar::Time(time) => Value::String(time.to_string()),
            Scalar::Number(exact) => {
                let text = exact.to_string();
                number(&text).unwrap_or(Value::String(text))
            }
        })
    }

    /// The value with the operands filled in that are texts, as the published platform would have it. The others stay parameters: what
    /// is empty can still be told from what is wrong.
    fn evaluate_filled_in(&self, operands: &Operands<'_>) -> Result<Scalar, ExpressionError> {
        let sql = parameters::parameterised(&self.template, &|number| operands.filling(number))
            .map_err(ExpressionError::Syntax)?;
        let compiled = compile::compile(&sql, Bare::Known(self.template.fillings().count(), &self.bare))?;
        eval::evaluate(&compiled.expr, operands)
    }

    /// The text with its placeholders filled in, as the published platform would have it.
    pub(super) fn text(&self, values: &[Operand<'_>]) -> String {
        self.filled_in(values, false)
    }

    fn filled_in(&self, values: &[Operand<'_>], escaped: bool) -> String {
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
                    let value = values.next().map(|value| index_text(value.one())).unwrap_or_default();
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

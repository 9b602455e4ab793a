//! The values of an expression's placeholders.
//!
//! A placeholder without quotes is a number: a text that is none is meant to be filled in before parsing, which
//! [`ExpressionError::TextOperand`] asks for. Within an aggregate nothing can be filled in, and a text is a text.

use std::borrow::Cow;

use serde_json::Value;

use super::super::options::Moment;
use super::super::value::{exact_decimal, index_text};
use super::number::Exact;
use super::scalar::{Scalar, truth};
use super::{Expression, ExpressionError};

/// What a placeholder stands for.
#[derive(Clone, Debug)]
pub(in super::super) enum Operand<'a> {
    One(Cow<'a, Value>),
    /// Within an aggregate: a value for each element of a list.
    Each(Vec<Cow<'a, Value>>),
}

impl Operand<'_> {
    /// Outside of aggregates there is one value: of a list, the first.
    pub(super) fn one(&self) -> &Value {
        match self {
            Self::One(value) => value,
            Self::Each(values) => values.first().map_or(&Value::Null, Cow::as_ref),
        }
    }
}

/// What an expression is evaluated with.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    expression: &'a Expression,
    values: &'a [Operand<'a>],
    pub(super) moment: Moment<'a>,
    element: Option<usize>,
}

/// How a value stands where a number is wanted.
enum Written<'v> {
    Nothing,
    Flag(bool),
    Text(Cow<'v, str>),
}

fn written(value: &Value) -> Written<'_> {
    match value {
        Value::Null => Written::Nothing,
        Value::String(text) if text.trim().is_empty() => Written::Nothing,
        Value::Bool(flag) => Written::Flag(*flag),
        Value::Number(number) => Written::Text(Cow::Borrowed(number.as_str())),
        Value::String(text) => Written::Text(Cow::Borrowed(text)),
        other => Written::Text(Cow::Owned(other.to_string())),
    }
}

impl<'a> Operands<'a> {
    pub(super) fn new(expression: &'a Expression, values: &'a [Operand<'a>], moment: Moment<'a>) -> Self {
        Self { expression, values, moment, element: None }
    }

    pub(super) fn of_element(self, element: usize) -> Self {
        Self { element: Some(element), ..self }
    }

    /// The elements that an aggregate is over.
    pub(super) fn element_count(&self, parameters: &[usize]) -> Result<usize, ExpressionError> {
        let operands = || parameters.iter().filter_map(|number| Some((*number, self.values.get(*number)?)));
        let mut lists = operands().filter_map(|(number, operand)| match operand {
            Operand::Each(values) => Some((number, values.len())),
            Operand::One(_) => None,
        });
        let Some((first, count)) = lists.next() else {
            // No list: the row alone, and nothing if it has no such field.
            let missing = operands().any(|(_, operand)| matches!(written(operand.one()), Written::Nothing));
            return Ok(usize::from(!missing));
        };
        match lists.find(|(_, other)| *other != count) {
            None => Ok(count),
            Some((other, _)) => Err(ExpressionError::TwoLists(self.name(first), self.name(other))),
        }
    }

    fn name(&self, number: usize) -> String {
        self.expression.fillings().nth(number).map(|(filling, _)| filling.to_string()).unwrap_or_default()
    }

    fn value(&self, number: usize) -> &'a Value {
        match (self.values.get(number), self.element) {
            (Some(Operand::Each(values)), Some(element)) => values.get(element).map_or(&Value::Null, Cow::as_ref),
            (Some(operand), _) => operand.one(),
            (None, _) => &Value::Null,
        }
    }

    /// A placeholder within quotes.
    pub(super) fn text(&self, number: usize) -> String {
        index_text(self.value(number))
    }

    /// A placeholder without quotes.
    pub(super) fn operand(&self, number: usize) -> Result<Scalar, ExpressionError> {
        let text = match written(self.value(number)) {
            Written::Nothing if self.is_of_a_list(number) => return Ok(Scalar::Null),
            Written::Nothing => return Err(ExpressionError::EmptyOperand(self.name(number))),
            Written::Flag(flag) => return Ok(truth(flag)),
            Written::Text(text) => text,
        };
        match exact_decimal(&text) {
            Some(value) => Ok(Scalar::Number(Exact::from(value))),
            None if self.element.is_some() => Ok(Scalar::Text(text.into_owned())),
            None => Err(ExpressionError::TextOperand {
                placeholder: self.name(number),
                text: super::super::finding::shortened(&text),
                reason: None,
            }),
        }
    }

    fn is_of_a_list(&self, number: usize) -> bool {
        self.element.is_some() && matches!(self.values.get(number), Some(Operand::Each(_)))
    }

    /// The text of a placeholder that is to be filled in, because as an operand it is no number.
    pub(super) fn filling(&self, number: usize) -> Option<String> {
        match (self.values.get(number)?, written(self.value(number))) {
            (Operand::One(_), Written::Text(text)) if exact_decimal(&text).is_none() => Some(text.into_owned()),
            _ => None,
        }
    }
}

//! Evaluating an expression tree: exact decimals, texts, and `MySQL`'s three-valued logic.
//!
//! Texts compare without regard to case, as `MySQL`'s usual collations do; a text compared with a number counts as the number
//! that it begins with, as in `MySQL`. In arithmetic that would turn a wrong text into a wrong amount, so there a text must
//! be a number as a whole (blank: 0).

use std::borrow::Cow;
use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Value;

use super::super::template::{Segment, Template};
use super::super::value::{exact_decimal, index_text};
use super::ExpressionError;
use super::functions::{self, Function};
use super::number::Exact;
use super::tree::{Comparison, Expr, Logic, Piece};

/// A value of an expression. Truth is a number: 1 and 0.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    Null,
    Number(Exact),
    Text(String),
}

/// The values of the placeholders.
pub(super) struct Operands<'a> {
    pub(super) template: &'a Template,
    pub(super) values: &'a [Cow<'a, Value>],
}

impl Operands<'_> {
    fn placeholder(&self, number: usize) -> Option<&Segment> {
        self.template.fillings().nth(number)
    }

    fn text(&self, number: usize) -> String {
        self.values.get(number).map(|value| index_text(value)).unwrap_or_default()
    }

    /// A placeholder without quotes: a number.
    fn operand(&self, number: usize) -> Result<Scalar, ExpressionError> {
        let written = || self.placeholder(number).map(ToString::to_string).unwrap_or_default();
        let value = self.values.get(number).map(Cow::as_ref);
        let text = match value {
            None | Some(Value::Null) => return Err(ExpressionError::EmptyOperand(written())),
            Some(Value::String(text)) if text.trim().is_empty() => {
                return Err(ExpressionError::EmptyOperand(written()));
            }
            Some(Value::Bool(flag)) => return Ok(truth(*flag)),
            Some(Value::Number(number)) => Cow::Borrowed(number.as_str()),
            Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
            Some(other) => Cow::Owned(other.to_string()),
        };
        exact_decimal(&text).map(|value| Scalar::Number(Exact::from(value))).ok_or_else(|| {
            ExpressionError::TextOperand { placeholder: written(), text: super::super::finding::shortened(&text) }
        })
    }
}

impl Scalar {
    /// As `MySQL` shows it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Number(exact) => exact.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    /// For arithmetic.
    pub(super) fn number(&self) -> Result<Exact, ExpressionError> {
        match self {
            Self::Number(exact) => Ok(*exact),
            Self::Null => Ok(Exact::from(Decimal::ZERO)),
            Self::Text(text) if text.trim().is_empty() => Ok(Exact::from(Decimal::ZERO)),
            Self::Text(text) => exact_decimal(text)
                .map(Exact::from)
                .ok_or_else(|| ExpressionError::NotANumber(super::super::finding::shortened(text))),
        }
    }

    /// For comparisons: the number that a text begins with.
    fn leading_number(&self) -> Decimal {
        match self {
            Self::Number(exact) => exact.value,
            Self::Null => Decimal::ZERO,
            Self::Text(text) => leading_number(text.trim_start()),
        }
    }

    fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => None,
            other => Some(!other.leading_number().is_zero()),
        }
    }
}

fn leading_number(text: &str) -> Decimal {
    let mut end = 0;
    for (index, letter) in text.char_indices() {
        let part_of_number = letter.is_ascii_digit() || letter == '.' || (index == 0 && matches!(letter, '-' | '+'));
        if !part_of_number || (letter == '.' && text.get(..index).is_some_and(|before| before.contains('.'))) {
            break;
        }
        end = index + letter.len_utf8();
    }
    exact_decimal(text.trim()).or_else(|| exact_decimal(text.get(..end)?)).unwrap_or(Decimal::ZERO)
}

fn truth(flag: bool) -> Scalar {
    Scalar::Number(Exact::from(Decimal::from(u8::from(flag))))
}

fn maybe(flag: Option<bool>) -> Scalar {
    flag.map_or(Scalar::Null, truth)
}

/// How two values compare; `None` where one is `NULL`.
pub(super) fn compare(left: &Scalar, right: &Scalar) -> Option<Ordering> {
    match (left, right) {
        (Scalar::Null, _) | (_, Scalar::Null) => None,
        (Scalar::Text(left), Scalar::Text(right)) => Some(left.to_lowercase().cmp(&right.to_lowercase())),
        (left, right) => Some(left.leading_number().cmp(&right.leading_number())),
    }
}

pub(super) fn evaluate(expr: &Expr, operands: &Operands<'_>) -> Result<Scalar, ExpressionError> {
    let value = |expr: &Expr| evaluate(expr, operands);
    Ok(match expr {
        Expr::Literal(scalar) => scalar.clone(),
        Expr::Parameter(number) => operands.operand(*number)?,
        Expr::Text(pieces) => Scalar::Text(
            pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.clone(),
                    Piece::Parameter(number) => operands.text(*number),
                })
                .collect(),
        ),
        Expr::Negate(operand) => match value(operand)? {
            Scalar::Null => Scalar::Null,
            other => Scalar::Number(other.number()?.negated()),
        },
        Expr::Not(operand) => maybe(value(operand)?.truth().map(|flag| !flag)),
        Expr::Arithmetic(operator, left, right) => match (value(left)?, value(right)?) {
            (Scalar::Null, _) | (_, Scalar::Null) => Scalar::Null,
            (left, right) => Scalar::Number(left.number()?.compute(*operator, right.number()?)?),
        },
        Expr::Compare(Comparison::NullSafeEqual, left, right) => {
            let (left, right) = (nullable(left, operands)?, nullable(right, operands)?);
            truth(match (&left, &right) {
                (Scalar::Null, Scalar::Null) => true,
                _ => compare(&left, &right) == Some(Ordering::Equal),
            })
        }
        Expr::Compare(comparison, left, right) => {
            maybe(compare(&value(left)?, &value(right)?).map(|order| holds(*comparison, order)))
        }
        Expr::Logic(logic, left, right) => logical(*logic, left, right, operands)?,
        Expr::IsNull { operand, negated } => truth(matches!(nullable(operand, operands)?, Scalar::Null) != *negated),
        Expr::IsTrue { operand, wanted, negated } => truth((value(operand)?.truth() == Some(*wanted)) != *negated),
        Expr::In { operand, list, negated } => {
            maybe(is_in(&value(operand)?, list, operands)?.map(|found| found != *negated))
        }
        Expr::Between { operand, low, high, negated } => {
            let operand = value(operand)?;
            let above = compare(&operand, &value(low)?).map(Ordering::is_ge);
            let below = compare(&operand, &value(high)?).map(Ordering::is_le);
            maybe(and(above, below).map(|within| within != *negated))
        }
        Expr::Like { operand, pattern, escape, negated } => match (value(operand)?, value(pattern)?) {
            (Scalar::Null, _) | (_, Scalar::Null) => Scalar::Null,
            (text, pattern) => truth(like(&text.text(), &pattern.text(), *escape) != *negated),
        },
        Expr::Case { operand, branches, otherwise } => {
            let operand = operand.as_deref().map(value).transpose()?;
            for (condition, result) in branches {
                let condition = value(condition)?;
                let taken = match &operand {
                    Some(operand) => compare(operand, &condition) == Some(Ordering::Equal),
                    None => condition.truth() == Some(true),
                };
                if taken {
                    return value(result);
                }
            }
            otherwise.as_deref().map_or(Ok(Scalar::Null), value)?
        }
        Expr::Trim { operand, what, start, end } => {
            let what = what.as_deref().map_or(Ok(Scalar::Text(" ".to_owned())), value)?;
            match (value(operand)?, what) {
                (Scalar::Null, _) | (_, Scalar::Null) => Scalar::Null,
                (text, what) => Scalar::Text(functions::trim(&text.text(), &what.text(), *start, *end)),
            }
        }
        Expr::Call(function, arguments) => call(*function, arguments, operands)?,
    })
}

/// An operand where `NULL` is expected: a field that is empty counts as `NULL`.
fn nullable(expr: &Expr, operands: &Operands<'_>) -> Result<Scalar, ExpressionError> {
    match evaluate(expr, operands) {
        Err(ExpressionError::EmptyOperand(_)) => Ok(Scalar::Null),
        other => other,
    }
}

fn call(function: Function, arguments: &[Expr], operands: &Operands<'_>) -> Result<Scalar, ExpressionError> {
    let value = |expr: &Expr| evaluate(expr, operands);
    match (function, arguments) {
        (Function::If, [condition, yes, no]) => value(if value(condition)?.truth() == Some(true) { yes } else { no }),
        (Function::IfNull | Function::Coalesce, arguments) => {
            for argument in arguments {
                let argument = nullable(argument, operands)?;
                if !matches!(argument, Scalar::Null) {
                    return Ok(argument);
                }
            }
            Ok(Scalar::Null)
        }
        (Function::NullIf, [left, right]) => {
            let left = nullable(left, operands)?;
            let equal = compare(&left, &value(right)?) == Some(Ordering::Equal);
            Ok(if equal { Scalar::Null } else { left })
        }
        (function, arguments) => {
            let arguments = arguments.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            functions::apply(function, &arguments)
        }
    }
}

fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal | Comparison::NullSafeEqual => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

fn logical(logic: Logic, left: &Expr, right: &Expr, operands: &Operands<'_>) -> Result<Scalar, ExpressionError> {
    let left = evaluate(left, operands)?.truth();
    // The right side is not looked at where the left decides.
    match (logic, left) {
        (Logic::And, Some(false)) => return Ok(truth(false)),
        (Logic::Or, Some(true)) => return Ok(truth(true)),
        _ => {}
    }
    let right = evaluate(right, operands)?.truth();
    Ok(maybe(match logic {
        Logic::And => and(left, right),
        Logic::Or => match (left, right) {
            (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Logic::Xor => left.zip(right).map(|(left, right)| left != right),
    }))
}

fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn is_in(operand: &Scalar, list: &[Expr], operands: &Operands<'_>) -> Result<Option<bool>, ExpressionError> {
    let mut found = Some(false);
    for candidate in list {
        match compare(operand, &evaluate(candidate, operands)?) {
            Some(Ordering::Equal) => return Ok(Some(true)),
            Some(_) => {}
            None => found = None,
        }
    }
    Ok(found)
}

/// `%` any letters, `_` one letter, without regard to case.
fn like(text: &str, pattern: &str, escape: Option<char>) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut tokens = Vec::new();
    let lower = pattern.to_lowercase();
    let mut letters = lower.chars();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            letter if Some(letter) == escape => Wild::Letter(letters.next().unwrap_or(letter)),
            '%' => Wild::Any,
            '_' => Wild::One,
            letter => Wild::Letter(letter),
        });
    }
    // Greedy with one step back: on a mismatch the last `%` takes one letter more.
    let (mut at, mut token) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(at) {
        match tokens.get(token) {
            Some(Wild::Any) => {
                back = Some((token + 1, at));
                token += 1;
            }
            Some(Wild::One) => (at, token) = (at + 1, token + 1),
            Some(Wild::Letter(wanted)) if wanted == letter => (at, token) = (at + 1, token + 1),
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    (at, token) = (from + 1, after);
                }
                None => return false,
            },
        }
    }
    tokens.iter().skip(token).all(|token| matches!(token, Wild::Any))
}

enum Wild {
    Any,
    One,
    Letter(char),
}

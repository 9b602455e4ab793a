//! Evaluating an expression tree, with `MySQL`'s three-valued logic.

use std::cmp::Ordering;

use super::ExpressionError;
use super::functions::aggregate::Aggregate;
use super::functions::{self, Arguments, Body, Function, text};
use super::operands::Operands;
use super::scalar::{Scalar, compare, folded, maybe, truth};
use super::tree::{Comparison, Expr, Logic, Piece};

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
                _ => compare(&left.shown(), &right.shown()) == Some(Ordering::Equal),
            })
        }
        Expr::Compare(comparison, left, right) => {
            let (left, right) = (value(left)?.shown(), value(right)?.shown());
            maybe(compare(&left, &right).map(|order| holds(*comparison, order)))
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
                (text, what) => Scalar::Text(text::trimmed(&text.text(), &what.text(), *start, *end)),
            }
        }
        Expr::Cast(operand, target) => functions::cast::cast(&value(operand)?, *target)?,
        Expr::Shift { time, count, unit, back } => match (value(time)?, value(count)?) {
            (Scalar::Null, _) | (_, Scalar::Null) => Scalar::Null,
            (time, count) => {
                let count = functions::count(&count)?;
                functions::date::shift(&time, if *back { count.saturating_neg() } else { count }, *unit)
            }
        },
        Expr::Call(function, arguments) => call(function, arguments, operands)?,
        Expr::Aggregate { aggregate, distinct, argument, parameters } => {
            aggregated(*aggregate, *distinct, argument, parameters, operands)?
        }
    })
}

/// An operand where `NULL` is expected: a field that is empty counts as `NULL`.
fn nullable(expr: &Expr, operands: &Operands<'_>) -> Result<Scalar, ExpressionError> {
    match evaluate(expr, operands) {
        Err(ExpressionError::EmptyOperand(_)) => Ok(Scalar::Null),
        other => other,
    }
}

fn call(function: &Function, arguments: &[Expr], operands: &Operands<'_>) -> Result<Scalar, ExpressionError> {
    let value = |expr: &Expr| evaluate(expr, operands);
    let values = || arguments.iter().map(value).collect::<Result<Vec<_>, _>>();
    match (function.body, arguments) {
        (Body::If, [condition, yes, no]) => value(if value(condition)?.truth() == Some(true) { yes } else { no }),
        (Body::Coalesce, arguments) => {
            for argument in arguments {
                let argument = nullable(argument, operands)?;
                if !argument.is_null() {
                    return Ok(argument);
                }
            }
            Ok(Scalar::Null)
        }
        (Body::NullIf, [left, right]) => {
            let left = nullable(left, operands)?;
            let equal = compare(&left.clone().shown(), &value(right)?.shown()) == Some(Ordering::Equal);
            Ok(if equal { Scalar::Null } else { left })
        }
        (Body::Of(body), _) => {
            let values = values()?;
            if values.iter().any(Scalar::is_null) {
                return Ok(Scalar::Null);
            }
            body(&Arguments { values: &values, moment: operands.moment })
        }
        (Body::OfNulls(body), _) => body(&Arguments { values: &values()?, moment: operands.moment }),
        // The number of arguments was checked while compiling.
        (Body::If | Body::NullIf, _) => Ok(Scalar::Null),
    }
}

fn aggregated(
    aggregate: Aggregate,
    distinct: bool,
    argument: &Expr,
    parameters: &[usize],
    operands: &Operands<'_>,
) -> Result<Scalar, ExpressionError> {
    let count = operands.element_count(parameters)?;
    let values =
        (0..count).map(|element| evaluate(argument, &operands.of_element(element))).collect::<Result<_, _>>()?;
    aggregate.of(values, distinct)
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
    let text: Vec<char> = text.chars().map(folded).collect();
    let mut tokens = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            letter if Some(letter) == escape => Wild::Letter(folded(letters.next().unwrap_or(letter))),
            '%' => Wild::Any,
            '_' => Wild::One,
            letter => Wild::Letter(folded(letter)),
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

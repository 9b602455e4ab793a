//! From a syntax tree to an expression.
//!
//! Of `sqlparser`'s wide syntax tree the part is kept that expressions of metadata need. What is not kept is named in an
//! error.

use rust_decimal::Decimal;
use sqlparser::ast::{
    self, BinaryOperator, CeilFloorKind, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator,
};

use super::super::value::exact_decimal;
use super::ExpressionError;
use super::eval::Scalar;
use super::functions;
use super::number::{Arithmetic, Exact};
use super::parameters::{CLOSE, OPEN, PARAMETER};
use super::parse::parse;
use super::tree::{Comparison, Expr, Logic, Piece};

const DEEPEST: usize = 400;

/// An expression whose placeholders are parameters, or filled in.
pub(super) fn compile(sql: &str) -> Result<Expr, ExpressionError> {
    tree(parse(sql)?, 0)
}

fn boxed(expr: ast::Expr, depth: usize) -> Result<Box<Expr>, ExpressionError> {
    tree(expr, depth).map(Box::new)
}

fn trees(list: Vec<ast::Expr>, depth: usize) -> Result<Vec<Expr>, ExpressionError> {
    list.into_iter().map(|expr| tree(expr, depth)).collect()
}

fn tree(expr: ast::Expr, depth: usize) -> Result<Expr, ExpressionError> {
    if depth > DEEPEST {
        return Err(ExpressionError::TooDeep);
    }
    let next = depth + 1;
    Ok(match expr {
        ast::Expr::Nested(inner) => return tree(*inner, next),
        ast::Expr::Value(value) => return literal(value.value),
        ast::Expr::Identifier(name) => return parameter(&name),
        ast::Expr::UnaryOp { op, expr } => return unary(op, boxed(*expr, next)?),
        ast::Expr::BinaryOp { left, op, right } => {
            return binary(boxed(*left, next)?, &op, boxed(*right, next)?);
        }
        ast::Expr::IsNull(operand) => Expr::IsNull { operand: boxed(*operand, next)?, negated: false },
        ast::Expr::IsNotNull(operand) => Expr::IsNull { operand: boxed(*operand, next)?, negated: true },
        ast::Expr::IsTrue(operand) => is_true(boxed(*operand, next)?, true, false),
        ast::Expr::IsNotTrue(operand) => is_true(boxed(*operand, next)?, true, true),
        ast::Expr::IsFalse(operand) => is_true(boxed(*operand, next)?, false, false),
        ast::Expr::IsNotFalse(operand) => is_true(boxed(*operand, next)?, false, true),
        ast::Expr::InList { expr, list, negated } => {
            Expr::In { operand: boxed(*expr, next)?, list: trees(list, next)?, negated }
        }
        ast::Expr::Between { expr, negated, low, high } => {
            Expr::Between { operand: boxed(*expr, next)?, low: boxed(*low, next)?, high: boxed(*high, next)?, negated }
        }
        ast::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
            let escape = match escape_char {
                None => Some('\\'),
                Some(escape) => escape_letter(&tree(*escape, next)?)?,
            };
            Expr::Like { operand: boxed(*expr, next)?, pattern: boxed(*pattern, next)?, escape, negated }
        }
        ast::Expr::Case { operand, conditions, else_result, .. } => Expr::Case {
            operand: operand.map(|operand| boxed(*operand, next)).transpose()?,
            branches: conditions
                .into_iter()
                .map(|branch| Ok((tree(branch.condition, next)?, tree(branch.result, next)?)))
                .collect::<Result<_, ExpressionError>>()?,
            otherwise: else_result.map(|otherwise| boxed(*otherwise, next)).transpose()?,
        },
        other => return text_or_call(other, next),
    })
}

/// The nodes that are functions, some with a syntax of their own.
fn text_or_call(expr: ast::Expr, next: usize) -> Result<Expr, ExpressionError> {
    Ok(match expr {
        ast::Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
            return functions::call("CEIL", trees(vec![*expr], next)?);
        }
        ast::Expr::Floor { expr, field: CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
            return functions::call("FLOOR", trees(vec![*expr], next)?);
        }
        ast::Expr::Substring { expr, substring_from, substring_for, .. } => {
            let arguments =
                [Some(expr), substring_from, substring_for].into_iter().flatten().map(|argument| *argument).collect();
            return functions::call("SUBSTRING", trees(arguments, next)?);
        }
        ast::Expr::Trim { trim_where, trim_what, expr, trim_characters: None } => {
            let (start, end) = match trim_where {
                None | Some(ast::TrimWhereField::Both) => (true, true),
                Some(ast::TrimWhereField::Leading) => (true, false),
                Some(ast::TrimWhereField::Trailing) => (false, true),
            };
            let what = trim_what.map(|what| boxed(*what, next)).transpose()?;
            Expr::Trim { operand: boxed(*expr, next)?, what, start, end }
        }
        ast::Expr::Function(function) => return call(function, next),
        other => {
            return Err(ExpressionError::Unsupported(format!("`{other}` is not supported in an expression")));
        }
    })
}

fn is_true(operand: Box<Expr>, wanted: bool, negated: bool) -> Expr {
    Expr::IsTrue { operand, wanted, negated }
}

fn escape_letter(escape: &Expr) -> Result<Option<char>, ExpressionError> {
    match escape {
        Expr::Literal(Scalar::Text(text)) if text.chars().count() <= 1 => Ok(text.chars().next()),
        _ => Err(ExpressionError::Unsupported("`escape` takes one letter in quotes".to_owned())),
    }
}

fn literal(value: ast::Value) -> Result<Expr, ExpressionError> {
    Ok(match value {
        ast::Value::Null => Expr::Literal(Scalar::Null),
        ast::Value::Boolean(flag) => Expr::Literal(Scalar::Number(Exact::from(Decimal::from(u8::from(flag))))),
        ast::Value::Number(text, _) => match exact_decimal(&text) {
            Some(value) => Expr::Literal(Scalar::Number(Exact::from(value))),
            None => {
                return Err(ExpressionError::Unsupported(format!(
                    "the number `{text}` has more digits than a decimal holds"
                )));
            }
        },
        ast::Value::SingleQuotedString(text) | ast::Value::DoubleQuotedString(text) => quoted(&text),
        other => {
            return Err(ExpressionError::Unsupported(format!("`{other}` is not supported in an expression")));
        }
    })
}

/// A quoted text, in which parameters are marked.
fn quoted(text: &str) -> Expr {
    if !text.contains(OPEN) {
        return Expr::Literal(Scalar::Text(text.to_owned()));
    }
    let mut pieces = Vec::new();
    for (index, part) in text.split(OPEN).enumerate() {
        let rest = match part.split_once(CLOSE) {
            Some((number, rest)) if index > 0 => {
                pieces.extend(number.parse().ok().map(Piece::Parameter));
                rest
            }
            _ => part,
        };
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
    }
    Expr::Text(pieces)
}

fn parameter(name: &ast::Ident) -> Result<Expr, ExpressionError> {
    if let Some(number) = name.value.strip_prefix(PARAMETER).and_then(|number| number.parse().ok()) {
        return Ok(Expr::Parameter(number));
    }
    Err(ExpressionError::Unsupported(format!("`{name}` is a name without braces; a text needs quotes, a field braces")))
}

fn unary(operator: UnaryOperator, operand: Box<Expr>) -> Result<Expr, ExpressionError> {
    match operator {
        UnaryOperator::Plus => Ok(*operand),
        UnaryOperator::Minus => Ok(Expr::Negate(operand)),
        UnaryOperator::Not => Ok(Expr::Not(operand)),
        other => Err(ExpressionError::Unsupported(format!("the operator `{other}` is not supported"))),
    }
}

fn binary(left: Box<Expr>, operator: &BinaryOperator, right: Box<Expr>) -> Result<Expr, ExpressionError> {
    let compare = |comparison, left, right| Expr::Compare(comparison, left, right);
    Ok(match operator {
        BinaryOperator::Plus => Expr::Arithmetic(Arithmetic::Add, left, right),
        BinaryOperator::Minus => Expr::Arithmetic(Arithmetic::Subtract, left, right),
        BinaryOperator::Multiply => Expr::Arithmetic(Arithmetic::Multiply, left, right),
        BinaryOperator::Divide => Expr::Arithmetic(Arithmetic::Divide, left, right),
        BinaryOperator::MyIntegerDivide => Expr::Arithmetic(Arithmetic::IntegerDivide, left, right),
        BinaryOperator::Modulo => Expr::Arithmetic(Arithmetic::Modulo, left, right),
        BinaryOperator::Eq => compare(Comparison::Equal, left, right),
        BinaryOperator::NotEq => compare(Comparison::NotEqual, left, right),
        BinaryOperator::Lt => compare(Comparison::Less, left, right),
        BinaryOperator::LtEq => compare(Comparison::LessOrEqual, left, right),
        BinaryOperator::Gt => compare(Comparison::Greater, left, right),
        BinaryOperator::GtEq => compare(Comparison::GreaterOrEqual, left, right),
        BinaryOperator::Spaceship => compare(Comparison::NullSafeEqual, left, right),
        BinaryOperator::And => Expr::Logic(Logic::And, left, right),
        BinaryOperator::Or => Expr::Logic(Logic::Or, left, right),
        BinaryOperator::Xor => Expr::Logic(Logic::Xor, left, right),
        BinaryOperator::StringConcat => {
            return Err(ExpressionError::Unsupported(
                "`||` means `or` in MySQL; write `or`, or `concat(…)`".to_owned(),
            ));
        }
        other => {
            return Err(ExpressionError::Unsupported(format!("the operator `{other}` is not supported")));
        }
    })
}

fn call(function: ast::Function, depth: usize) -> Result<Expr, ExpressionError> {
    let name = function.name.to_string();
    let plain = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
    let arguments = match function.args {
        FunctionArguments::List(list) if plain && list.clauses.is_empty() && list.duplicate_treatment.is_none() => {
            list.args
        }
        _ => {
            return Err(ExpressionError::Unsupported(format!("`{name}` is not a plain call")));
        }
    };
    let arguments = arguments
        .into_iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => tree(argument, depth),
            other => Err(ExpressionError::Unsupported(format!("`{other}` is no argument of `{name}`"))),
        })
        .collect::<Result<_, _>>()?;
    functions::call(&name, arguments)
}

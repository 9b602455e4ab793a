//! `FilterString`: the SQL-like text, or the newer array of conditions, compiled against a form's fields.
//!
//! The text is read by a real SQL parser, so that quoting, precedence and nonsense are what they are at the vendor's database, and a
//! condition on a null is neither true nor false. A text that is no date compared with a date is an error when a row is met, not
//! before, as in SQL Server. The array form is turned into the same text; of its numeric operators only the two that occur in public
//! clients are known (67 and 105, equality of texts and of list values).

use std::cmp::Ordering;

use serde_json::Value;
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::failure::{Failure, PARAMETER};
use super::fields::{Cell, Form, Level, Record};
use super::operand::{Operand, operand, ordering, text_of};

/// A compiled filter.
#[derive(Debug)]
pub(crate) enum Filter {
    All,
    Compare(Operand, Comparison, Operand),
    Like(Operand, String),
    In(Operand, Vec<Operand>),
    IsNull(Operand),
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
}

impl Filter {
    /// Compiles what a query sent as `FilterString`.
    pub(crate) fn compile(form: Form, filter: &Value) -> Result<Self, Failure> {
        let text = match filter {
            Value::Null => return Ok(Self::All),
            Value::String(text) => text.clone(),
            Value::Array(conditions) => text_of_conditions(conditions)?,
            _ => return Err(Failure::new(PARAMETER, "FilterString 必须是字符串或数组")),
        };
        if text.trim().is_empty() {
            return Ok(Self::All);
        }
        let malformed = |reason: String| Failure::new(PARAMETER, format!("过滤条件解析失败：{reason}；{text}"));
        let tokens =
            Tokenizer::new(&MsSqlDialect {}, &text).tokenize().map_err(|error| malformed(error.to_string()))?;
        if tokens.contains(&Token::DoubleEq) {
            // The parser takes it for `=`; the vendor's database does not.
            return Err(malformed("“=”附近有语法错误".to_owned()));
        }
        let mut parser = Parser::new(&MsSqlDialect {}).with_tokens(tokens);
        let expression = parser.parse_expr().map_err(|error| malformed(error.to_string()))?;
        match parser.peek_token().token {
            Token::EOF => Self::of_expression(form, &expression),
            rest => Err(malformed(format!("“{rest}”附近有语法错误"))),
        }
    }

    fn of_expression(form: Form, expression: &Expr) -> Result<Self, Failure> {
        let both = |left, right| -> Result<_, Failure> {
            Ok((Box::new(Self::of_expression(form, left)?), Box::new(Self::of_expression(form, right)?)))
        };
        let negated_if = |negated: bool, filter: Self| {
            if negated { Self::Not(Box::new(filter)) } else { filter }
        };
        Ok(match expression {
            Expr::Nested(inner) => Self::of_expression(form, inner)?,
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Self::Not(Box::new(Self::of_expression(form, expr)?)),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                let (left, right) = both(left, right)?;
                Self::And(left, right)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                let (left, right) = both(left, right)?;
                Self::Or(left, right)
            }
            Expr::BinaryOp { left, op, right } => {
                let comparison =
                    Comparison::of(op).ok_or_else(|| Failure::new(PARAMETER, format!("过滤条件不支持运算符 {op}")))?;
                Self::Compare(operand(form, left)?, comparison, operand(form, right)?)
            }
            Expr::InList { expr, list, negated } => {
                let list = list.iter().map(|item| operand(form, item)).collect::<Result<_, _>>()?;
                negated_if(*negated, Self::In(operand(form, expr)?, list))
            }
            Expr::Between { expr, negated, low, high } => {
                let low = Self::Compare(operand(form, expr)?, Comparison::GreaterEq, operand(form, low)?);
                let high = Self::Compare(operand(form, expr)?, Comparison::LessEq, operand(form, high)?);
                negated_if(*negated, Self::And(Box::new(low), Box::new(high)))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => match operand(form, pattern)? {
                Operand::Literal(pattern) => negated_if(*negated, Self::Like(operand(form, expr)?, pattern.text)),
                Operand::Field(_) => return Err(Failure::new(PARAMETER, "like 之后必须是字符串")),
            },
            Expr::IsNull(expr) => Self::IsNull(operand(form, expr)?),
            Expr::IsNotNull(expr) => Self::Not(Box::new(Self::IsNull(operand(form, expr)?))),
            other => return Err(Failure::new(PARAMETER, format!("过滤条件不支持 {other}"))),
        })
    }

    /// Whether it names an entry's field.
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::All => Level::Head,
            Self::Compare(left, _, right) => left.level().max(right.level()),
            Self::Like(operand, _) | Self::IsNull(operand) => operand.level(),
            Self::In(operand, list) => list.iter().map(Operand::level).fold(operand.level(), Level::max),
            Self::Not(inner) => inner.level(),
            Self::And(left, right) | Self::Or(left, right) => left.level().max(right.level()),
        }
    }

    /// Whether a record passes.
    pub(crate) fn passes(&self, record: &Record<'_>) -> Result<bool, Failure> {
        Ok(self.truth(record)? == Some(true))
    }

    /// True, false, or unknown because of a null.
    fn truth(&self, record: &Record<'_>) -> Result<Option<bool>, Failure> {
        Ok(match self {
            Self::All => Some(true),
            Self::Compare(left, comparison, right) => {
                ordering(left, right, record)?.map(|ordering| comparison.holds(ordering))
            }
            Self::Like(operand, pattern) => match operand.cell(record) {
                Cell::Null => None,
                cell => {
                    let pattern: Vec<char> = pattern.chars().collect();
                    let text: Vec<char> = text_of(&cell).chars().collect();
                    Some(is_like(&text, &pattern))
                }
            },
            Self::In(operand, list) => {
                let mut truth = Some(false);
                for item in list {
                    match ordering(operand, item, record)? {
                        Some(Ordering::Equal) => return Ok(Some(true)),
                        None => truth = None,
                        Some(_) => {}
                    }
                }
                truth
            }
            Self::IsNull(operand) => Some(operand.cell(record) == Cell::Null),
            Self::Not(inner) => inner.truth(record)?.map(|truth| !truth),
            Self::And(left, right) => match (left.truth(record)?, right.truth(record)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.truth(record)?, right.truth(record)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        })
    }
}

impl Comparison {
    fn of(operator: &BinaryOperator) -> Option<Self> {
        Some(match operator {
            BinaryOperator::Eq => Self::Eq,
            BinaryOperator::NotEq => Self::NotEq,
            BinaryOperator::Lt => Self::Less,
            BinaryOperator::LtEq => Self::LessEq,
            BinaryOperator::Gt => Self::Greater,
            BinaryOperator::GtEq => Self::GreaterEq,
            _ => return None,
        })
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::NotEq => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessEq => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEq => ordering.is_ge(),
        }
    }
}

/// `%` any text, `_` any one character.
fn is_like(text: &[char], pattern: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['%', rest @ ..], _) => (0..=text.len()).any(|skip| text.get(skip..).is_some_and(|text| is_like(text, rest))),
        (['_', rest @ ..], [_, text @ ..]) => is_like(text, rest),
        ([wanted, rest @ ..], [first, text @ ..]) => wanted == first && is_like(text, rest),
        (_, []) => false,
    }
}

/// The SQL text that an array of conditions means.
fn text_of_conditions(conditions: &[Value]) -> Result<String, Failure> {
    let mut text = String::new();
    let mut logic = "";
    for condition in conditions {
        let part = |name: &str| match condition.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let operator = match part("Compare").to_ascii_lowercase().as_str() {
            "67" | "105" | "=" => "=",
            "<>" => "<>",
            ">" => ">",
            ">=" => ">=",
            "<" => "<",
            "<=" => "<=",
            "like" => "like",
            other => {
                return Err(Failure::new(PARAMETER, format!("FilterString 的比较符 {other} 无效")));
            }
        };
        text.push_str(logic);
        for piece in [
            part("Left"),
            part("FieldName"),
            operator.to_owned(),
            format!("'{}'", part("Value").replace('\'', "''")),
            part("Right"),
        ] {
            text.push_str(&piece);
            text.push(' ');
        }
        logic = match part("Logic").as_str() {
            "1" => "or ",
            _ => "and ",
        };
    }
    Ok(text)
}

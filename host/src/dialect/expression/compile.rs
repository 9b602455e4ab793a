//! From a syntax tree to an expression.
//!
//! Of `sqlparser`'s wide syntax tree the part is kept that expressions of metadata need. What is not kept is named in an
//! error.

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::super::template::Segment;
use super::super::value::exact_decimal;
use super::ExpressionError;
use super::functions::aggregate::Aggregate;
use super::number::{Arithmetic, Exact};
use super::parameters::{CLOSE, OPEN, PARAMETER};
use super::parse::parse;
use super::scalar::{Scalar, truth};
use super::tree::{Comparison, Expr, Logic, Piece};

const DEEPEST: usize = 400;

/// The fields that aggregates may name without braces.
pub(super) enum Bare<'a> {
    /// None: the text was filled in, and nobody would give them values.
    None,
    /// Any; they are numbered after so many placeholders.
    New(usize),
    /// Those that were found before, after so many placeholders.
    Known(usize, &'a [Segment]),
}

/// What became of a text.
pub(super) struct Compiled {
    pub(super) expr: Expr,
    /// The new names without braces.
    pub(super) bare: Vec<String>,
    /// The parameters that stand within aggregates.
    pub(super) aggregated: Vec<usize>,
}

/// An expression whose placeholders are parameters, or filled in.
pub(super) fn compile(sql: &str, bare: Bare<'_>) -> Result<Compiled, ExpressionError> {
    let mut compiler = Compiler { bare, names: Vec::new(), aggregated: Vec::new(), aggregate: None };
    let expr = compiler.tree(parse(sql)?, 0)?;
    Ok(Compiled { expr, bare: compiler.names, aggregated: compiler.aggregated })
}

/// What is known while a text is compiled.
pub(super) struct Compiler<'a> {
    bare: Bare<'a>,
    names: Vec<String>,
    aggregated: Vec<usize>,
    /// The parameters of the surrounding aggregate so far.
    aggregate: Option<Vec<usize>>,
}

impl Compiler<'_> {
    pub(super) fn boxed(&mut self, expr: ast::Expr, depth: usize) -> Result<Box<Expr>, ExpressionError> {
        self.tree(expr, depth).map(Box::new)
    }

    pub(super) fn trees(&mut self, list: Vec<ast::Expr>, depth: usize) -> Result<Vec<Expr>, ExpressionError> {
        list.into_iter().map(|expr| self.tree(expr, depth)).collect()
    }

    pub(super) fn tree(&mut self, expr: ast::Expr, depth: usize) -> Result<Expr, ExpressionError> {
        if depth > DEEPEST {
            return Err(ExpressionError::TooDeep);
        }
        if bare_xor(&expr) {
            return Err(ExpressionError::Unsupported(
                "the sides of `xor` need parentheses: `(a > 1) xor (b > 1)`".to_owned(),
            ));
        }
        let next = depth + 1;
        Ok(match expr {
            ast::Expr::Nested(inner) => return self.tree(*inner, next),
            ast::Expr::Value(value) => return self.literal(value.value),
            ast::Expr::Identifier(name) => return self.name(std::slice::from_ref(&name)),
            ast::Expr::CompoundIdentifier(names) => return self.name(&names),
            ast::Expr::UnaryOp { op, expr } => return unary(op, self.boxed(*expr, next)?),
            ast::Expr::BinaryOp { left, op, right } => {
                return self.shift_or_binary(*left, &op, *right, next);
            }
            ast::Expr::IsNull(operand) => Expr::IsNull { operand: self.boxed(*operand, next)?, negated: false },
            ast::Expr::IsNotNull(operand) => Expr::IsNull { operand: self.boxed(*operand, next)?, negated: true },
            ast::Expr::IsTrue(operand) => is_true(self.boxed(*operand, next)?, true, false),
            ast::Expr::IsNotTrue(operand) => is_true(self.boxed(*operand, next)?, true, true),
            ast::Expr::IsFalse(operand) => is_true(self.boxed(*operand, next)?, false, false),
            ast::Expr::IsNotFalse(operand) => is_true(self.boxed(*operand, next)?, false, true),
            ast::Expr::InList { expr, list, negated } => {
                Expr::In { operand: self.boxed(*expr, next)?, list: self.trees(list, next)?, negated }
            }
            ast::Expr::Between { expr, negated, low, high } => Expr::Between {
                operand: self.boxed(*expr, next)?,
                low: self.boxed(*low, next)?,
                high: self.boxed(*high, next)?,
                negated,
            },
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                let escape = match escape_char {
                    None => Some('\\'),
                    Some(escape) => escape_letter(&self.tree(*escape, next)?)?,
                };
                Expr::Like { operand: self.boxed(*expr, next)?, pattern: self.boxed(*pattern, next)?, escape, negated }
            }
            ast::Expr::Case { operand, conditions, else_result, .. } => Expr::Case {
                operand: operand.map(|operand| self.boxed(*operand, next)).transpose()?,
                branches: conditions
                    .into_iter()
                    .map(|branch| Ok((self.tree(branch.condition, next)?, self.tree(branch.result, next)?)))
                    .collect::<Result<_, ExpressionError>>()?,
                otherwise: else_result.map(|otherwise| self.boxed(*otherwise, next)).transpose()?,
            },
            other => return self.text_or_call(other, next),
        })
    }

    fn literal(&mut self, value: ast::Value) -> Result<Expr, ExpressionError> {
        Ok(match value {
            ast::Value::Null => Expr::Literal(Scalar::Null),
            ast::Value::Boolean(flag) => Expr::Literal(truth(flag)),
            ast::Value::Number(text, _) => match exact_decimal(&text) {
                Some(value) => Expr::Literal(Scalar::Number(Exact::from(value))),
                None => {
                    return Err(ExpressionError::Unsupported(format!(
                        "the number `{text}` has more digits than a decimal holds"
                    )));
                }
            },
            ast::Value::SingleQuotedString(text) | ast::Value::DoubleQuotedString(text) => self.quoted(&text),
            other => {
                return Err(ExpressionError::Unsupported(format!("`{other}` is not supported in an expression")));
            }
        })
    }

    /// A quoted text, in which parameters are marked.
    pub(super) fn quoted(&mut self, text: &str) -> Expr {
        if !text.contains(OPEN) {
            return Expr::Literal(Scalar::Text(text.to_owned()));
        }
        let mut pieces = Vec::new();
        for (index, part) in text.split(OPEN).enumerate() {
            let rest = match part.split_once(CLOSE) {
                Some((number, rest)) if index > 0 => {
                    if let Ok(number) = number.parse() {
                        self.note(number);
                        pieces.push(Piece::Parameter(number));
                    }
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

    /// A parameter; within an aggregate, a field.
    fn name(&mut self, parts: &[ast::Ident]) -> Result<Expr, ExpressionError> {
        let name = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let is_field = self.aggregate.is_some();
        let number = match name.strip_prefix(PARAMETER).and_then(|number| number.parse().ok()) {
            Some(number) => number,
            None if is_field => self.bare_field(&name)?,
            None => {
                return Err(ExpressionError::Unsupported(format!(
                    "`{name}` is a name without braces; a text needs quotes, a field braces"
                )));
            }
        };
        self.note(number);
        Ok(Expr::Parameter(number))
    }

    fn bare_field(&mut self, name: &str) -> Result<usize, ExpressionError> {
        let (known, number) = match self.bare {
            Bare::New(first) => {
                self.names.push(name.to_owned());
                (true, first + self.names.len() - 1)
            }
            Bare::Known(first, names) => {
                let place = names.iter().position(|known| known.to_string() == name);
                (place.is_some(), first + place.unwrap_or_default())
            }
            Bare::None => (false, 0),
        };
        if known {
            return Ok(number);
        }
        Err(ExpressionError::Unsupported(format!(
            "the field `{name}` needs braces, because the text is filled in first"
        )))
    }

    fn note(&mut self, number: usize) {
        if let Some(parameters) = &mut self.aggregate {
            parameters.push(number);
            self.aggregated.push(number);
        }
    }

    /// A function over the elements of a list.
    pub(super) fn aggregated(
        &mut self,
        aggregate: Aggregate,
        distinct: bool,
        argument: ast::Expr,
        depth: usize,
    ) -> Result<Expr, ExpressionError> {
        if self.aggregate.is_some() {
            let message = "an aggregate within an aggregate has no meaning".to_owned();
            return Err(ExpressionError::Unsupported(message));
        }
        self.aggregate = Some(Vec::new());
        let argument = self.boxed(argument, depth);
        let parameters = self.aggregate.take().unwrap_or_default();
        Ok(Expr::Aggregate { aggregate, distinct, argument: argument?, parameters })
    }
}

/// Whether `xor` is an operand without parentheses. The parser binds it tighter than comparisons and `and`, `MySQL` looser.
fn bare_xor(expr: &ast::Expr) -> bool {
    let is_xor = |operand: &ast::Expr| matches!(operand, ast::Expr::BinaryOp { op: BinaryOperator::Xor, .. });
    match expr {
        ast::Expr::BinaryOp { op: BinaryOperator::Or | BinaryOperator::Xor, .. } => false,
        ast::Expr::BinaryOp { left, right, .. } => is_xor(left) || is_xor(right),
        ast::Expr::UnaryOp { expr, .. }
        | ast::Expr::IsNull(expr)
        | ast::Expr::IsNotNull(expr)
        | ast::Expr::IsTrue(expr)
        | ast::Expr::IsNotTrue(expr)
        | ast::Expr::IsFalse(expr)
        | ast::Expr::IsNotFalse(expr)
        | ast::Expr::InList { expr, .. } => is_xor(expr),
        ast::Expr::Between { expr, low, high, .. } => [expr, low, high].into_iter().any(|operand| is_xor(operand)),
        ast::Expr::Like { expr, pattern, .. } => is_xor(expr) || is_xor(pattern),
        _ => false,
    }
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

fn unary(operator: UnaryOperator, operand: Box<Expr>) -> Result<Expr, ExpressionError> {
    match operator {
        UnaryOperator::Plus => Ok(*operand),
        UnaryOperator::Minus => Ok(Expr::Negate(operand)),
        UnaryOperator::Not => Ok(Expr::Not(operand)),
        other => Err(ExpressionError::Unsupported(format!("the operator `{other}` is not supported"))),
    }
}

pub(super) fn binary(left: Box<Expr>, operator: &BinaryOperator, right: Box<Expr>) -> Result<Expr, ExpressionError> {
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

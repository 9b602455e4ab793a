//! What an expression is, parsed.

use super::functions::Function;
use super::functions::aggregate::Aggregate;
use super::functions::cast::Target;
use super::number::Arithmetic;
use super::scalar::Scalar;
use super::time::Unit;

/// An expression tree.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Literal(Scalar),
    /// The placeholder of this number, as an operand.
    Parameter(usize),
    /// A quoted text with placeholders.
    Text(Vec<Piece>),
    Negate(Box<Expr>),
    Not(Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Logic(Logic, Box<Expr>, Box<Expr>),
    IsNull {
        operand: Box<Expr>,
        negated: bool,
    },
    IsTrue {
        operand: Box<Expr>,
        wanted: bool,
        negated: bool,
    },
    In {
        operand: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    Between {
        operand: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    Like {
        operand: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<char>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Trim {
        operand: Box<Expr>,
        what: Option<Box<Expr>>,
        start: bool,
        end: bool,
    },
    Cast(Box<Expr>, Target),
    /// `date_add`, `date_sub`, and `+` and `-` with an interval.
    Shift {
        time: Box<Expr>,
        count: Box<Expr>,
        unit: Unit,
        back: bool,
    },
    Call(&'static Function, Vec<Expr>),
    /// A function over the elements of a list.
    Aggregate {
        aggregate: Aggregate,
        distinct: bool,
        argument: Box<Expr>,
        /// The placeholders of the argument.
        parameters: Vec<usize>,
    },
}

/// A piece of a quoted text.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Parameter(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `<=>`: `NULL` equals `NULL`.
    NullSafeEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
    Xor,
}

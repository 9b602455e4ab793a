//! What a filter compares: fields and literals.
//!
//! A literal has no kind of its own. Compared with a date it is read as a date, compared with a number as a number; where that is not
//! possible the database says so when it meets a row, and so does this.

use std::cmp::Ordering;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use sqlparser::ast::{Expr, Ident, UnaryOperator, Value as SqlValue};

use super::failure::{DATABASE, Failure, MISSING, PARAMETER};
use super::fields::{Cell, Field, Form, Level, Record};

/// One side of a comparison.
#[derive(Debug)]
pub(crate) enum Operand {
    Field(Field),
    Literal(Literal),
}

/// A literal, read every way it can be: which one counts depends on what it is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) text: String,
    number: Option<Decimal>,
    time: Option<DateTime>,
}

impl Operand {
    /// A field's place; a literal stands nowhere.
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::Field(field) => field.level,
            Self::Literal(_) => Level::Head,
        }
    }

    pub(crate) fn cell(&self, record: &Record<'_>) -> Cell {
        match self {
            Self::Field(field) => field.read(record),
            Self::Literal(literal) => Cell::Text(literal.text.clone()),
        }
    }
}

impl Literal {
    fn new(text: String) -> Self {
        let number = text.trim().parse().ok();
        let time = text.trim().parse().ok().or_else(|| {
            let date: jiff::civil::Date = text.trim().parse().ok()?;
            Some(date.at(0, 0, 0, 0))
        });
        Self { text, number, time }
    }

    /// Read as the kind of `cell`.
    fn like(&self, cell: &Cell) -> Result<Cell, Failure> {
        match cell {
            Cell::Null => Ok(Cell::Null),
            Cell::Text(_) => Ok(Cell::Text(self.text.clone())),
            Cell::Number(_) => self.number.map(Cell::Number).ok_or_else(|| {
                Failure::new(DATABASE, format!("将 nvarchar 值 '{}' 转换成数据类型 decimal 时失败。", self.text))
            }),
            Cell::Time(_) => self.time.map(Cell::Time).ok_or_else(|| {
                Failure::new(DATABASE, format!("从字符串 '{}' 转换日期和/或时间时，转换失败。", self.text))
            }),
        }
    }
}

/// How two operands compare over a record; not at all if one is null.
pub(crate) fn ordering(left: &Operand, right: &Operand, record: &Record<'_>) -> Result<Option<Ordering>, Failure> {
    let (left, right) = match (left, right) {
        (Operand::Field(left), Operand::Field(right)) => (left.read(record), right.read(record)),
        (Operand::Field(field), Operand::Literal(literal)) => {
            let cell = field.read(record);
            let literal = literal.like(&cell)?;
            (cell, literal)
        }
        (Operand::Literal(literal), Operand::Field(field)) => {
            let cell = field.read(record);
            (literal.like(&cell)?, cell)
        }
        // `1=1`, which some clients put first.
        (Operand::Literal(left), Operand::Literal(right)) => match (left.number, right.number) {
            (Some(left), Some(right)) => (Cell::Number(left), Cell::Number(right)),
            _ => (Cell::Text(left.text.clone()), Cell::Text(right.text.clone())),
        },
    };
    Ok(match (&left, &right) {
        (Cell::Null, _) | (_, Cell::Null) => None,
        _ => Some(left.order(&right)),
    })
}

/// A field of the form, or a literal.
pub(crate) fn operand(form: Form, expression: &Expr) -> Result<Operand, Failure> {
    let field = |key: String| {
        form.field(&key)
            .map(Operand::Field)
            .ok_or_else(|| Failure::new(MISSING, format!("过滤条件中的字段 {key} 不存在")))
    };
    let literal = |text: String| Ok(Operand::Literal(Literal::new(text)));
    let unsupported = || Failure::new(PARAMETER, format!("过滤条件不支持 {expression}"));
    match expression {
        Expr::Nested(inner) => operand(form, inner),
        Expr::Identifier(name) => field(name.value.clone()),
        Expr::CompoundIdentifier(names) => {
            field(names.iter().map(|name: &Ident| name.value.as_str()).collect::<Vec<_>>().join("."))
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match operand(form, expr)? {
            Operand::Literal(number) if number.number.is_some() => literal(format!("-{}", number.text)),
            _ => Err(unsupported()),
        },
        Expr::Value(value) => match &value.value {
            SqlValue::Number(number, _) => literal(number.clone()),
            SqlValue::SingleQuotedString(text) | SqlValue::NationalStringLiteral(text) => literal(text.clone()),
            _ => Err(unsupported()),
        },
        _ => Err(unsupported()),
    }
}

/// What `like` sees of a cell.
pub(crate) fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Time(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

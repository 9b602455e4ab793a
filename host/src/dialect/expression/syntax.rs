//! Functions, above all those that have a syntax of their own: `cast(x as signed)`, `x + interval 1 day`, `trim(both 'x' from y)`.

use sqlparser::ast::{
    self, BinaryOperator, CeilFloorKind, CharacterLength, DataType, DateTimeField, DuplicateTreatment, ExactNumberInfo,
    FunctionArg, FunctionArgExpr, FunctionArguments,
};

use super::ExpressionError;
use super::compile::{Compiler, binary};
use super::functions;
use super::functions::aggregate::Aggregate;
use super::functions::cast::Target;
use super::time::Unit;
use super::tree::Expr;

impl Compiler<'_> {
    /// The nodes that are functions.
    pub(super) fn text_or_call(&mut self, expr: ast::Expr, depth: usize) -> Result<Expr, ExpressionError> {
        match expr {
            ast::Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.call_of("CEIL", [Some(expr)], depth)
            }
            ast::Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.call_of("FLOOR", [Some(expr)], depth)
            }
            ast::Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.call_of("SUBSTRING", [Some(expr), substring_from, substring_for], depth)
            }
            ast::Expr::Position { expr, r#in } => self.call_of("LOCATE", [Some(expr), Some(r#in)], depth),
            ast::Expr::Extract { field, expr, .. } => {
                let name = match unit(&field)? {
                    Unit::Second => "SECOND",
                    Unit::Minute => "MINUTE",
                    Unit::Hour => "HOUR",
                    Unit::Day => "DAY",
                    Unit::Month => "MONTH",
                    Unit::Quarter => "QUARTER",
                    Unit::Year => "YEAR",
                    Unit::Week => return Err(unsupported("`extract(week …)` is not supported")),
                };
                self.call_of(name, [Some(expr)], depth)
            }
            ast::Expr::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                let (start, end) = match trim_where {
                    None | Some(ast::TrimWhereField::Both) => (true, true),
                    Some(ast::TrimWhereField::Leading) => (true, false),
                    Some(ast::TrimWhereField::Trailing) => (false, true),
                };
                let what = trim_what.map(|what| self.boxed(*what, depth)).transpose()?;
                Ok(Expr::Trim { operand: self.boxed(*expr, depth)?, what, start, end })
            }
            ast::Expr::Cast { expr, data_type, format: None, .. }
            | ast::Expr::Convert { expr, data_type: Some(data_type), .. } => {
                Ok(Expr::Cast(self.boxed(*expr, depth)?, target(&data_type)?))
            }
            // `convert(x using utf8mb4)`: all texts are Unicode.
            ast::Expr::Convert { expr, data_type: None, .. } => {
                Ok(Expr::Cast(self.boxed(*expr, depth)?, Target::Char(None)))
            }
            // `date '2026-01-31'`
            ast::Expr::TypedString(typed) => {
                let text = typed.value.value.into_string().unwrap_or_default();
                Ok(Expr::Cast(Box::new(self.quoted(&text)), target(&typed.data_type)?))
            }
            ast::Expr::Interval(_) => Err(unsupported("an interval is added to a time: `x + interval 1 day`")),
            ast::Expr::Function(function) => self.call(function, depth),
            other => Err(unsupported(&format!("`{other}` is not supported in an expression"))),
        }
    }

    fn call_of(
        &mut self,
        name: &str,
        arguments: impl IntoIterator<Item = Option<Box<ast::Expr>>>,
        depth: usize,
    ) -> Result<Expr, ExpressionError> {
        let arguments = arguments.into_iter().flatten().map(|argument| *argument).collect();
        functions::call(name, self.trees(arguments, depth)?)
    }

    /// `x + interval 1 day`, `interval 1 day + x` and `x - interval 1 day`; else two operands.
    pub(super) fn shift_or_binary(
        &mut self,
        left: ast::Expr,
        operator: &BinaryOperator,
        right: ast::Expr,
        depth: usize,
    ) -> Result<Expr, ExpressionError> {
        match (left, operator, right) {
            (time, BinaryOperator::Plus, ast::Expr::Interval(interval))
            | (ast::Expr::Interval(interval), BinaryOperator::Plus, time) => self.shift(time, interval, false, depth),
            (time, BinaryOperator::Minus, ast::Expr::Interval(interval)) => self.shift(time, interval, true, depth),
            (left, operator, right) => binary(self.boxed(left, depth)?, operator, self.boxed(right, depth)?),
        }
    }

    fn shift(
        &mut self,
        time: ast::Expr,
        interval: ast::Interval,
        back: bool,
        depth: usize,
    ) -> Result<Expr, ExpressionError> {
        let (Some(field), None) = (interval.leading_field, interval.last_field) else {
            return Err(unsupported("an interval has one unit: `interval 1 day`"));
        };
        let time = self.boxed(time, depth)?;
        Ok(Expr::Shift { time, count: self.boxed(*interval.value, depth)?, unit: unit(&field)?, back })
    }

    fn call(&mut self, function: ast::Function, depth: usize) -> Result<Expr, ExpressionError> {
        let name = function.name.to_string();
        let is_plain = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
        let not_plain = || unsupported(&format!("`{name}` is not a plain call"));
        let (arguments, distinct) = match function.args {
            // `current_date`
            FunctionArguments::None if is_plain => (Vec::new(), false),
            FunctionArguments::List(list) if is_plain && list.clauses.is_empty() => {
                (list.args, list.duplicate_treatment == Some(DuplicateTreatment::Distinct))
            }
            _ => return Err(not_plain()),
        };
        let mut arguments = arguments
            .into_iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => Ok(argument),
                other => Err(unsupported(&format!("`{other}` is no argument of `{name}`"))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(aggregate) = Aggregate::parse(&name) {
            return match (arguments.pop(), arguments.is_empty()) {
                (Some(argument), true) => self.aggregated(aggregate, distinct, argument, depth),
                (last, _) => Err(ExpressionError::ArgumentCount {
                    name: aggregate.name(),
                    takes: "1".to_owned(),
                    given: arguments.len() + usize::from(last.is_some()),
                }),
            };
        }
        if distinct {
            return Err(not_plain());
        }
        let back = ["DATE_SUB", "SUBDATE"].iter().any(|known| known.eq_ignore_ascii_case(&name));
        let shifts = back || ["DATE_ADD", "ADDDATE"].iter().any(|known| known.eq_ignore_ascii_case(&name));
        match (arguments.pop(), arguments.pop(), arguments.is_empty()) {
            (Some(ast::Expr::Interval(interval)), Some(time), true) if shifts => {
                self.shift(time, interval, back, depth)
            }
            (last, before, _) => {
                arguments.extend(before);
                arguments.extend(last);
                functions::call(&name, self.trees(arguments, depth)?)
            }
        }
    }
}

fn unsupported(message: &str) -> ExpressionError {
    ExpressionError::Unsupported(message.to_owned())
}

fn unit(field: &DateTimeField) -> Result<Unit, ExpressionError> {
    Ok(match field {
        DateTimeField::Second => Unit::Second,
        DateTimeField::Minute => Unit::Minute,
        DateTimeField::Hour => Unit::Hour,
        DateTimeField::Day => Unit::Day,
        DateTimeField::Week(None) => Unit::Week,
        DateTimeField::Month => Unit::Month,
        DateTimeField::Quarter => Unit::Quarter,
        DateTimeField::Year => Unit::Year,
        other => {
            return Err(unsupported(&format!(
                "the unit `{other}` is not supported; units are second, minute, hour, day, week, month, quarter and year"
            )));
        }
    })
}

fn target(data_type: &DataType) -> Result<Target, ExpressionError> {
    let of_length = |length: &Option<CharacterLength>| match length {
        None => Some(Target::Char(None)),
        Some(CharacterLength::IntegerLength { length, unit: None }) => {
            usize::try_from(*length).ok().map(|length| Target::Char(Some(length)))
        }
        Some(_) => None,
    };
    let of_digits = |precision: u64, scale: i64| {
        let (precision, scale) = (u32::try_from(precision).ok()?, u32::try_from(scale).ok()?);
        (scale <= precision && precision <= 65 && scale <= rust_decimal::Decimal::MAX_SCALE)
            .then_some(Target::Decimal { precision, scale })
    };
    let target = match data_type {
        DataType::Char(length) | DataType::Character(length) | DataType::Varchar(length) => of_length(length),
        DataType::Signed | DataType::SignedInteger | DataType::Integer(None) | DataType::Int(None) => {
            Some(Target::Signed)
        }
        DataType::Unsigned | DataType::UnsignedInteger => Some(Target::Unsigned),
        DataType::Decimal(digits) | DataType::Dec(digits) | DataType::Numeric(digits) => match digits {
            ExactNumberInfo::None => of_digits(10, 0),
            ExactNumberInfo::Precision(precision) => of_digits(*precision, 0),
            ExactNumberInfo::PrecisionAndScale(precision, scale) => of_digits(*precision, *scale),
        },
        DataType::Date => Some(Target::Date),
        DataType::Datetime(None | Some(0)) | DataType::Timestamp(None | Some(0), _) => Some(Target::DateTime),
        DataType::Time(None | Some(0), _) => Some(Target::Time),
        _ => None,
    };
    target.ok_or_else(|| {
        unsupported(&format!(
            "`{data_type}` is no type to cast to; types are char, signed, unsigned, decimal(p,s), date, datetime and time"
        ))
    })
}

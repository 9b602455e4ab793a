//! The functions of expressions, with `MySQL`'s meaning.
//!
//! Each is found by name when the scheme loads, with the number of its arguments checked; evaluating is one call. A function
//! of `NULL` is `NULL`, except where the table says that it looks at its arguments itself. What has a syntax of its own
//! (`cast(… as …)`, `interval`) is in `syntax`.

pub(super) mod aggregate;
pub(super) mod cast;
#[expect(clippy::unnecessary_wraps, reason = "all functions stand in one table, and have one type")]
pub(super) mod date;
mod number;
#[expect(clippy::unnecessary_wraps, reason = "all functions stand in one table, and have one type")]
pub(super) mod text;

use super::super::finding::{listed, nearest};
use super::super::options::Moment;
use super::ExpressionError;
use super::number::Exact;
use super::scalar::Scalar;
use super::time::Temporal;
use super::tree::Expr;

pub(super) type Outcome = Result<Scalar, ExpressionError>;

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    least: usize,
    greatest: usize,
    pub(super) body: Body,
}

#[derive(Clone, Copy)]
pub(super) enum Body {
    /// All arguments are evaluated, and none is `NULL`.
    Of(fn(&Arguments<'_>) -> Outcome),
    /// All arguments are evaluated.
    OfNulls(fn(&Arguments<'_>) -> Outcome),
    If,
    /// The first argument that is not `NULL`.
    Coalesce,
    NullIf,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Body")
    }
}

/// The evaluated arguments of a call.
pub(super) struct Arguments<'a> {
    pub(super) values: &'a [Scalar],
    pub(super) moment: Moment<'a>,
}

impl Arguments<'_> {
    fn len(&self) -> usize {
        self.values.len()
    }

    fn get(&self, index: usize) -> &Scalar {
        self.values.get(index).unwrap_or(&Scalar::Null)
    }

    fn text(&self, index: usize) -> String {
        self.get(index).text()
    }

    fn exact(&self, index: usize) -> Result<Exact, ExpressionError> {
        self.get(index).number()
    }

    /// A count of places, letters or units. `MySQL` rounds a number, and cuts a text.
    fn count(&self, index: usize) -> Result<i64, ExpressionError> {
        count(self.get(index))
    }

    /// `None`: it is no time.
    fn time(&self, index: usize) -> Option<Temporal> {
        time(self.get(index))
    }
}

pub(super) fn count(value: &Scalar) -> Result<i64, ExpressionError> {
    let exact = value.number()?;
    Ok(if matches!(value, Scalar::Text(_)) { exact.truncate(0)? } else { exact }.to_count())
}

pub(super) fn time(value: &Scalar) -> Option<Temporal> {
    match value {
        Scalar::Null => None,
        Scalar::Time(time) => Some(*time),
        Scalar::Text(text) => Temporal::read(text),
        Scalar::Number(exact) => super::time::read_number(exact.value),
    }
}

const MANY: usize = 1000;

const fn of(name: &'static str, least: usize, greatest: usize, body: fn(&Arguments<'_>) -> Outcome) -> Function {
    Function { name, least, greatest, body: Body::Of(body) }
}

/// Name, least and greatest number of arguments, and what it does.
static FUNCTIONS: [Function; 71] = [
    of("ABS", 1, 1, number::abs),
    of("ADDDATE", 2, 2, date::add_days),
    of("CEIL", 1, 1, number::ceil),
    of("CEILING", 1, 1, number::ceil),
    of("CHARACTER_LENGTH", 1, 1, text::char_length),
    of("CHAR_LENGTH", 1, 1, text::char_length),
    Function { name: "COALESCE", least: 1, greatest: MANY, body: Body::Coalesce },
    of("CONCAT", 1, MANY, text::concat),
    Function { name: "CONCAT_WS", least: 2, greatest: MANY, body: Body::OfNulls(text::concat_ws) },
    of("CURDATE", 0, 0, date::curdate),
    of("CURRENT_DATE", 0, 0, date::curdate),
    of("CURRENT_TIME", 0, 0, date::curtime),
    of("CURRENT_TIMESTAMP", 0, 0, date::now),
    of("CURTIME", 0, 0, date::curtime),
    of("DATE", 1, 1, date::date),
    of("DATEDIFF", 2, 2, date::datediff),
    of("DATE_FORMAT", 2, 2, date::date_format),
    of("DAY", 1, 1, date::day),
    of("DAYOFMONTH", 1, 1, date::day),
    of("DAYOFWEEK", 1, 1, date::dayofweek),
    of("DAYOFYEAR", 1, 1, date::dayofyear),
    of("FLOOR", 1, 1, number::floor),
    of("FROM_UNIXTIME", 1, 2, date::from_unixtime),
    of("GREATEST", 2, MANY, number::greatest),
    of("HOUR", 1, 1, date::hour),
    Function { name: "IF", least: 3, greatest: 3, body: Body::If },
    Function { name: "IFNULL", least: 2, greatest: 2, body: Body::Coalesce },
    of("INSTR", 2, 2, text::instr),
    of("LAST_DAY", 1, 1, date::last_day),
    of("LCASE", 1, 1, text::lower),
    of("LEAST", 2, MANY, number::least),
    of("LEFT", 2, 2, text::left),
    of("LENGTH", 1, 1, text::length),
    of("LOCALTIME", 0, 0, date::now),
    of("LOCALTIMESTAMP", 0, 0, date::now),
    of("LOCATE", 2, 3, text::locate),
    of("LOWER", 1, 1, text::lower),
    of("LPAD", 2, 3, text::lpad),
    of("LTRIM", 1, 1, text::ltrim),
    of("MID", 3, 3, text::substring),
    of("MINUTE", 1, 1, date::minute),
    of("MOD", 2, 2, number::modulo),
    of("MONTH", 1, 1, date::month),
    of("NOW", 0, 0, date::now),
    Function { name: "NULLIF", least: 2, greatest: 2, body: Body::NullIf },
    of("QUARTER", 1, 1, date::quarter),
    of("REPEAT", 2, 2, text::repeat),
    of("REPLACE", 3, 3, text::replace),
    of("REVERSE", 1, 1, text::reverse),
    of("RIGHT", 2, 2, text::right),
    of("ROUND", 1, 2, number::round),
    of("RPAD", 2, 3, text::rpad),
    of("RTRIM", 1, 1, text::rtrim),
    of("SECOND", 1, 1, date::second),
    of("SIGN", 1, 1, number::sign),
    of("STR_TO_DATE", 2, 2, date::str_to_date),
    of("SUBDATE", 2, 2, date::subtract_days),
    of("SUBSTR", 2, 3, text::substring),
    of("SUBSTRING", 2, 3, text::substring),
    of("SUBSTRING_INDEX", 3, 3, text::substring_index),
    of("SYSDATE", 0, 0, date::now),
    of("TIME", 1, 1, date::time_of_day),
    of("TRIM", 1, 1, text::trim),
    of("TRUNCATE", 2, 2, number::truncate),
    of("UCASE", 1, 1, text::upper),
    of("UNIX_TIMESTAMP", 0, 1, date::unix_timestamp),
    of("UPPER", 1, 1, text::upper),
    of("UTC_DATE", 0, 0, date::utc_date),
    of("UTC_TIMESTAMP", 0, 0, date::utc_timestamp),
    of("WEEKDAY", 1, 1, date::weekday),
    of("YEAR", 1, 1, date::year),
];

/// Functions whose arguments have a syntax of their own.
const OF_THEIR_OWN_SYNTAX: [&str; 6] = ["CAST", "CONVERT", "DATE_ADD", "DATE_SUB", "EXTRACT", "POSITION"];

/// The names of all functions.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    names.extend(OF_THEIR_OWN_SYNTAX);
    names.extend(aggregate::Aggregate::NAMES);
    names.sort_unstable();
    names
}

/// A call, checked.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Result<Expr, ExpressionError> {
    let Some(function) = FUNCTIONS.iter().find(|known| known.name.eq_ignore_ascii_case(name)) else {
        return Err(match OF_THEIR_OWN_SYNTAX.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            Some(known) => ExpressionError::Unsupported(format!("`{known}` is written otherwise: {}", form_of(known))),
            None => ExpressionError::UnknownFunction(name.to_owned()),
        });
    };
    let Function { name, least, greatest, .. } = *function;
    if !(least..=greatest).contains(&arguments.len()) {
        let takes = match greatest {
            MANY => format!("at least {least}"),
            _ if least == greatest => least.to_string(),
            _ => format!("{least} to {greatest}"),
        };
        return Err(ExpressionError::ArgumentCount { name, takes, given: arguments.len() });
    }
    Ok(Expr::Call(function, arguments))
}

fn form_of(name: &str) -> &'static str {
    match name {
        "CAST" => "`cast(x as signed)`",
        "CONVERT" => "`convert(x, signed)`",
        "EXTRACT" => "`extract(year from x)`",
        "POSITION" => "`position('a' in x)`",
        "DATE_SUB" => "`date_sub(x, interval 1 day)`",
        _ => "`date_add(x, interval 1 day)`",
    }
}

/// What the author of an unknown function may have meant.
pub(super) fn hint(name: &str) -> String {
    let names = names();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("functions: {}; a plugin's function is called by `_plugin name(…)`", listed(&names)),
    }
}

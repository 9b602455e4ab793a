//! The functions of expressions, with `MySQL`'s meaning.
//!
//! Each is found by name when the scheme loads, with the number of its arguments checked; evaluating is a `match`. Except
//! where it says otherwise, a function of `NULL` is `NULL`.

use super::super::finding::{listed, nearest};
use super::ExpressionError;
use super::eval::{Scalar, compare};
use super::number::Exact;
use super::tree::Expr;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Ceil,
    CharLength,
    Coalesce,
    Concat,
    Floor,
    Greatest,
    If,
    IfNull,
    Least,
    Left,
    Length,
    Lower,
    Mod,
    NullIf,
    Replace,
    Right,
    Round,
    Substring,
    Trim,
    Truncate,
    Upper,
}

const MANY: usize = 1000;

/// Name, least and greatest number of arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 28] = [
    ("ABS", Function::Abs, 1, 1),
    ("CEIL", Function::Ceil, 1, 1),
    ("CEILING", Function::Ceil, 1, 1),
    ("CHARACTER_LENGTH", Function::CharLength, 1, 1),
    ("CHAR_LENGTH", Function::CharLength, 1, 1),
    ("COALESCE", Function::Coalesce, 1, MANY),
    ("CONCAT", Function::Concat, 1, MANY),
    ("FLOOR", Function::Floor, 1, 1),
    ("GREATEST", Function::Greatest, 2, MANY),
    ("IF", Function::If, 3, 3),
    ("IFNULL", Function::IfNull, 2, 2),
    ("LCASE", Function::Lower, 1, 1),
    ("LEAST", Function::Least, 2, MANY),
    ("LEFT", Function::Left, 2, 2),
    ("LENGTH", Function::Length, 1, 1),
    ("LOWER", Function::Lower, 1, 1),
    ("MID", Function::Substring, 3, 3),
    ("MOD", Function::Mod, 2, 2),
    ("NULLIF", Function::NullIf, 2, 2),
    ("REPLACE", Function::Replace, 3, 3),
    ("RIGHT", Function::Right, 2, 2),
    ("ROUND", Function::Round, 1, 2),
    ("SUBSTR", Function::Substring, 2, 3),
    ("SUBSTRING", Function::Substring, 2, 3),
    ("TRIM", Function::Trim, 1, 1),
    ("TRUNCATE", Function::Truncate, 2, 2),
    ("UCASE", Function::Upper, 1, 1),
    ("UPPER", Function::Upper, 1, 1),
];

/// A call, checked.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Result<Expr, ExpressionError> {
    let Some(&(name, function, least, greatest)) =
        FUNCTIONS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))
    else {
        return Err(ExpressionError::UnknownFunction(name.to_owned()));
    };
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

/// What the author of an unknown function may have meant.
pub(super) fn hint(name: &str) -> String {
    let names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? Functions: {}", listed(&names)),
        None => format!("functions: {}; a plugin's function is called by `_plugin name(…)`", listed(&names)),
    }
}

/// Applies a function whose arguments are all evaluated beforehand.
pub(super) fn apply(function: Function, arguments: &[Scalar]) -> Result<Scalar, ExpressionError> {
    if arguments.iter().any(|argument| matches!(argument, Scalar::Null)) {
        return Ok(Scalar::Null);
    }
    let text = |index: usize| arguments.get(index).map(Scalar::text).unwrap_or_default();
    let exact =
        |index: usize| arguments.get(index).map_or(Ok(Exact::from(rust_decimal::Decimal::ZERO)), Scalar::number);
    let count = |index: usize| exact(index).map(Exact::to_count);
    Ok(match function {
        Function::Abs => Scalar::Number(exact(0)?.abs()),
        Function::Ceil => Scalar::Number(exact(0)?.ceil()),
        Function::Floor => Scalar::Number(exact(0)?.floor()),
        Function::Round => Scalar::Number(exact(0)?.round(count(1)?)?),
        Function::Truncate => Scalar::Number(exact(0)?.truncate(count(1)?)?),
        Function::Mod => Scalar::Number(exact(0)?.compute(super::number::Arithmetic::Modulo, exact(1)?)?),
        Function::CharLength => whole(text(0).chars().count()),
        Function::Length => whole(text(0).len()),
        Function::Lower => Scalar::Text(text(0).to_lowercase()),
        Function::Upper => Scalar::Text(text(0).to_uppercase()),
        Function::Trim => Scalar::Text(text(0).trim_matches(' ').to_owned()),
        Function::Concat => Scalar::Text(arguments.iter().map(Scalar::text).collect()),
        Function::Replace => {
            let (from, what) = (text(0), text(1));
            Scalar::Text(if what.is_empty() { from } else { from.replace(&what, &text(2)) })
        }
        Function::Left => Scalar::Text(text(0).chars().take(length(count(1)?)).collect()),
        Function::Right => {
            let text = text(0);
            let skipped = text.chars().count().saturating_sub(length(count(1)?));
            Scalar::Text(text.chars().skip(skipped).collect())
        }
        Function::Substring => {
            let taken = if arguments.len() > 2 { length(count(2)?) } else { usize::MAX };
            Scalar::Text(substring(&text(0), count(1)?, taken))
        }
        Function::Greatest => extreme(arguments, std::cmp::Ordering::Greater),
        Function::Least => extreme(arguments, std::cmp::Ordering::Less),
        // These look at `NULL` and are evaluated by `eval`.
        Function::Coalesce | Function::If | Function::IfNull | Function::NullIf => Scalar::Null,
    })
}

/// `trim(both 'x' from y)`.
pub(super) fn trim(text: &str, what: &str, start: bool, end: bool) -> String {
    let mut rest = text;
    while start && !what.is_empty() {
        let Some(cut) = rest.strip_prefix(what) else {
            break;
        };
        rest = cut;
    }
    while end && !what.is_empty() {
        let Some(cut) = rest.strip_suffix(what) else {
            break;
        };
        rest = cut;
    }
    rest.to_owned()
}

fn whole(count: usize) -> Scalar {
    Scalar::Number(Exact::from(rust_decimal::Decimal::from(count)))
}

fn length(count: i64) -> usize {
    usize::try_from(count).unwrap_or(if count < 0 { 0 } else { usize::MAX })
}

/// From 1; from the end where negative; nothing at 0.
fn substring(text: &str, from: i64, taken: usize) -> String {
    let letters = text.chars().count();
    let skipped = if from > 0 {
        length(from - 1)
    } else {
        let back = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX);
        if back == 0 || back > letters {
            return String::new();
        }
        letters - back
    };
    text.chars().skip(skipped).take(taken).collect()
}

/// Numbers are compared as numbers; as soon as one is a text, all are compared as texts.
fn extreme(arguments: &[Scalar], wanted: std::cmp::Ordering) -> Scalar {
    let all_numbers = arguments.iter().all(|argument| matches!(argument, Scalar::Number(_)));
    let mut chosen = Scalar::Null;
    for argument in arguments {
        let candidate = if all_numbers { argument.clone() } else { Scalar::Text(argument.text()) };
        chosen = match (chosen, candidate) {
            (Scalar::Number(best), Scalar::Number(candidate)) => {
                let better = candidate.value.cmp(&best.value) == wanted;
                Scalar::Number(if better { candidate.widened(best) } else { best.widened(candidate) })
            }
            (Scalar::Null, candidate) => candidate,
            (best, candidate) if compare(&candidate, &best) == Some(wanted) => candidate,
            (best, _) => best,
        };
    }
    chosen
}

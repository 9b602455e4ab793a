//! Functions of texts. Lengths and places count letters; only `LENGTH` counts bytes.

use super::super::scalar::{self, Scalar, folded, whole};
use super::{Arguments, ExpressionError, Outcome};

/// No text is made longer than this, in letters.
const LONGEST: usize = 1024 * 1024;

pub(super) fn char_length(arguments: &Arguments<'_>) -> Outcome {
    Ok(whole(arguments.text(0).chars().count()))
}

pub(super) fn length(arguments: &Arguments<'_>) -> Outcome {
    Ok(whole(arguments.text(0).len()))
}

pub(super) fn lower(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Text(arguments.text(0).chars().map(scalar::lower).collect()))
}

pub(super) fn upper(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Text(arguments.text(0).chars().map(scalar::upper).collect()))
}

pub(super) fn trim(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Text(arguments.text(0).trim_matches(' ').to_owned()))
}

pub(super) fn ltrim(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Text(arguments.text(0).trim_start_matches(' ').to_owned()))
}

pub(super) fn rtrim(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Text(arguments.text(0).trim_end_matches(' ').to_owned()))
}

pub(super) fn concat(arguments: &Arguments<'_>) -> Outcome {
    bounded(arguments.values.iter().map(Scalar::text).collect())
}

/// `NULL` for a separator that is; values that are `NULL` are left out.
pub(super) fn concat_ws(arguments: &Arguments<'_>) -> Outcome {
    match arguments.values {
        [Scalar::Null, ..] | [] => Ok(Scalar::Null),
        [separator, values @ ..] => {
            let texts: Vec<String> = values.iter().filter(|value| !value.is_null()).map(Scalar::text).collect();
            bounded(texts.join(&separator.text()))
        }
    }
}

/// With regard to case, unlike comparisons.
pub(super) fn replace(arguments: &Arguments<'_>) -> Outcome {
    let (text, what, with) = (arguments.text(0), arguments.text(1), arguments.text(2));
    if what.is_empty() {
        return Ok(Scalar::Text(text));
    }
    let longer = text.matches(&what).count().saturating_mul(with.len());
    if longer > LONGEST {
        return Err(ExpressionError::TooLong);
    }
    Ok(Scalar::Text(text.replace(&what, &with)))
}

pub(super) fn left(arguments: &Arguments<'_>) -> Outcome {
    let taken = letters(arguments.count(1)?);
    Ok(Scalar::Text(arguments.text(0).chars().take(taken).collect()))
}

pub(super) fn right(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0);
    let skipped = text.chars().count().saturating_sub(letters(arguments.count(1)?));
    Ok(Scalar::Text(text.chars().skip(skipped).collect()))
}

/// From 1; from the end where negative; nothing at 0.
pub(super) fn substring(arguments: &Arguments<'_>) -> Outcome {
    let (text, from) = (arguments.text(0), arguments.count(1)?);
    let taken = if arguments.len() > 2 { letters(arguments.count(2)?) } else { usize::MAX };
    let skipped = if from > 0 {
        letters(from - 1)
    } else {
        let back = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX);
        match text.chars().count().checked_sub(back) {
            Some(skipped) if back > 0 => skipped,
            _ => return Ok(Scalar::Text(String::new())),
        }
    };
    Ok(Scalar::Text(text.chars().skip(skipped).take(taken).collect()))
}

/// What is before the delimiter of this number, or after it where counted from the end.
pub(super) fn substring_index(arguments: &Arguments<'_>) -> Outcome {
    let (text, delimiter, count) = (arguments.text(0), arguments.text(1), arguments.count(2)?);
    let nth = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if delimiter.is_empty() || nth == 0 {
        return Ok(Scalar::Text(String::new()));
    }
    let part = if count > 0 {
        text.match_indices(&delimiter).nth(nth - 1).and_then(|(at, _)| text.get(..at))
    } else {
        text.rmatch_indices(&delimiter).nth(nth - 1).and_then(|(at, _)| text.get(at + delimiter.len()..))
    };
    Ok(Scalar::Text(part.unwrap_or(&text).to_owned()))
}

/// `locate(what, in)`, `locate(what, in, from)`.
pub(super) fn locate(arguments: &Arguments<'_>) -> Outcome {
    let from = if arguments.len() > 2 { arguments.count(2)? } else { 1 };
    Ok(whole(place(&arguments.text(0), &arguments.text(1), from)))
}

pub(super) fn instr(arguments: &Arguments<'_>) -> Outcome {
    Ok(whole(place(&arguments.text(1), &arguments.text(0), 1)))
}

/// Where a text is in another, from 1 and without regard to case; 0 if nowhere.
fn place(what: &str, text: &str, from: i64) -> usize {
    let (what, text): (Vec<char>, Vec<char>) = (what.chars().map(folded).collect(), text.chars().map(folded).collect());
    let Some(skipped) = usize::try_from(from).ok().and_then(|from| from.checked_sub(1)) else {
        return 0;
    };
    let Some(rest) = text.get(skipped..).filter(|rest| skipped == 0 || !rest.is_empty()) else {
        return 0;
    };
    if what.is_empty() {
        return skipped + 1;
    }
    rest.windows(what.len()).position(|part| part == what).map_or(0, |at| skipped + at + 1)
}

pub(super) fn lpad(arguments: &Arguments<'_>) -> Outcome {
    pad(arguments, |text, padding| padding + &text)
}

pub(super) fn rpad(arguments: &Arguments<'_>) -> Outcome {
    pad(arguments, |text, padding| text + &padding)
}

fn pad(arguments: &Arguments<'_>, join: fn(String, String) -> String) -> Outcome {
    let (text, padding) = (arguments.text(0), if arguments.len() > 2 { arguments.text(2) } else { " ".to_owned() });
    let Ok(wanted) = usize::try_from(arguments.count(1)?) else {
        return Ok(Scalar::Null);
    };
    let missing = wanted.saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(Scalar::Text(text.chars().take(wanted).collect()));
    }
    if padding.is_empty() {
        return Ok(Scalar::Null);
    }
    if missing > LONGEST {
        return Err(ExpressionError::TooLong);
    }
    Ok(Scalar::Text(join(text, padding.chars().cycle().take(missing).collect())))
}

pub(super) fn repeat(arguments: &Arguments<'_>) -> Outcome {
    let (text, times) = (arguments.text(0), letters(arguments.count(1)?));
    if text.len().saturating_mul(times) > LONGEST {
        return Err(ExpressionError::TooLong);
    }
    Ok(Scalar::Text(text.repeat(times)))
}

pub(super) fn reverse(arguments: &Arguments<'_>) -> Outcome {
    Ok(Scalar::Text(arguments.text(0).chars().rev().collect()))
}

/// `trim(both 'x' from y)`.
pub(in super::super) fn trimmed(text: &str, what: &str, start: bool, end: bool) -> String {
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

fn bounded(text: String) -> Outcome {
    if text.len() > LONGEST { Err(ExpressionError::TooLong) } else { Ok(Scalar::Text(text)) }
}

fn letters(count: i64) -> usize {
    usize::try_from(count).unwrap_or(if count < 0 { 0 } else { usize::MAX })
}

//! Values that are not texts but orders: `_function`, `_findCollection`, `_mongoQuery`, `_plugin`.
//!
//! A directive is recognised by the word that the whole value begins with. Only lookups may also stand within a value
//! ([`template`](super::template)). A word that is nearly one of them, and another directive in the middle of a value, are
//! errors: as a text they would reach the vendor.

use super::find::{Kind, extents};
use super::finding::nearest;
use super::template::UnknownFilter;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive<'a> {
    /// A text with placeholders.
    Text,
    /// `_function`: a `MySQL` expression.
    Function(&'a str),
    /// `_findCollection` and `_mongoQuery`: a lookup that is the whole value.
    Find(Kind, &'a str),
    /// `_plugin`: a plugin's function.
    Plugin(&'a str),
}

/// What is wrong with a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DirectiveError {
    pub(super) message: String,
    pub(super) hint: String,
}

impl DirectiveError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl From<UnknownFilter> for DirectiveError {
    fn from(error: UnknownFilter) -> Self {
        Self { message: error.to_string(), hint: error.hint() }
    }
}

const DIRECTIVES: [&str; 4] = ["_function", "_findCollection", "_mongoQuery", "_plugin"];
/// Those that stand within no value.
const WHOLE: [&str; 2] = ["_function", "_plugin"];

impl<'a> Directive<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, DirectiveError> {
        let trimmed = text.trim();
        let end = trimmed.find(|letter: char| letter.is_whitespace()).unwrap_or(trimmed.len());
        let (word, rest) = trimmed.split_at(end);
        let inner = if word.starts_with('_') { rest } else { text };
        if let Some(nested) = WHOLE.iter().find(|known| contains_word(inner, known)) {
            return Err(DirectiveError::new(
                format!("`{nested}` inside of a value is not supported"),
                "it must be the whole value; only lookups (`_findCollection … _endFind`) may stand within one",
            ));
        }
        if let [lookup] = extents(trimmed).0.as_slice()
            && lookup.whole == (0..trimmed.len())
        {
            return Ok(Self::Find(lookup.kind, trimmed.get(lookup.body.clone()).unwrap_or_default()));
        }
        match word {
            "_function" => Ok(Self::Function(rest.trim())),
            "_plugin" => Ok(Self::Plugin(rest.trim())),
            _ if !word.starts_with('_') || DIRECTIVES.contains(&word) => Ok(Self::Text),
            _ => match nearest(word, DIRECTIVES) {
                Some(near) => {
                    Err(DirectiveError::new(format!("`{word}` is no directive"), format!("did you mean `{near}`?")))
                }
                None => Ok(Self::Text),
            },
        }
    }
}

fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        !is_part(before) && !is_part(after)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn directives_are_whole_values() {
        assert_eq!(Directive::of("text"), Ok(Directive::Text));
        assert_eq!(Directive::of("_id"), Ok(Directive::Text));
        assert_eq!(Directive::of(" _function  1+1 "), Ok(Directive::Function("1+1")));
        assert_eq!(Directive::of("_plugin f()"), Ok(Directive::Plugin("f()")));
        for (text, kind, body) in [
            ("_findCollection find a from b where c=d", Kind::Collection, " find a from b where c=d"),
            ("\n_findCollection\tfind a from b where c=d _endFind\n", Kind::Collection, "\tfind a from b where c=d "),
            ("_mongoQuery x findField=content.y", Kind::Mongo, " x findField=content.y"),
            (
                "_findCollection find a from b where c=_findCollection find d from e where f=g _endfind",
                Kind::Collection,
                " find a from b where c=_findCollection find d from e where f=g _endfind",
            ),
        ] {
            assert_eq!(Directive::of(text), Ok(Directive::Find(kind, body)), "{text}");
        }
        for text in [
            "no _findCollection find a from b where c=d _endFind",
            "_findCollection find a from b where c=d _endFind-1",
            "_findCollection find a from b where c=d _endFind _mongoQuery x _endFind",
        ] {
            assert_eq!(Directive::of(text), Ok(Directive::Text), "{text}");
        }
        for (text, message) in [
            ("_mongoquery x findField=content.y", "`_mongoquery` is no directive"),
            ("_funtion 1+1", "`_funtion` is no directive"),
            ("_Function 1+1", "`_Function` is no directive"),
            ("no _plugin f()", "`_plugin` inside of a value is not supported"),
            ("_plugin f(_function 1)", "`_function` inside of a value is not supported"),
        ] {
            assert_eq!(Directive::of(text).unwrap_err().message, message, "{text}");
        }
        assert_eq!(Directive::of("_funtion 1+1").unwrap_err().hint, "did you mean `_function`?");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[_a-c ]{0,20}|.*|(_function |_findCollection |_plugin|_mongoQuery| _endFind|a| |中){0,6}") {
            let _ = Directive::of(&text);
        }
    }
}

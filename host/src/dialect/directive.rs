//! Values that are not texts but orders: `_function`, `_findCollection`, `_plugin`.
//!
//! A directive is recognised by the word that the whole value begins with. A word that is nearly one of them, a directive in
//! the middle of a value and those that are not supported yet are errors: as a text they would reach the vendor.

use super::finding::nearest;
use super::template::UnknownFilter;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive<'a> {
    /// A text with placeholders.
    Text,
    /// `_function`: a `MySQL` expression.
    Function(&'a str),
    /// `_findCollection`: a lookup.
    Find(&'a str),
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

const DIRECTIVES: [&str; 3] = ["_function", "_findCollection", "_plugin"];
const UNSUPPORTED: [&str; 2] = ["_mongoQuery", "_endFind"];

impl<'a> Directive<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, DirectiveError> {
        let trimmed = text.trim_start();
        let end = trimmed.find(|letter: char| letter.is_whitespace()).unwrap_or(trimmed.len());
        let (word, rest) = trimmed.split_at(end);
        let inner = if word.starts_with('_') { rest } else { text };
        if let Some(nested) = DIRECTIVES.iter().chain(&UNSUPPORTED).find(|known| contains_word(inner, known)) {
            return Err(DirectiveError::new(
                format!("`{nested}` inside of a value is not supported"),
                "a directive must be the whole value; put the lookup into an item of its own where you can",
            ));
        }
        match word {
            _ if !word.starts_with('_') => Ok(Self::Text),
            "_function" => Ok(Self::Function(rest.trim())),
            "_findCollection" => Ok(Self::Find(rest.trim())),
            "_plugin" => Ok(Self::Plugin(rest.trim())),
            _ if UNSUPPORTED.contains(&word) => Err(DirectiveError::new(
                format!("`{word}` is not supported"),
                "write the lookup as `_findCollection find <field> from <scheme> where <field>={<field>}`",
            )),
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
        assert_eq!(
            Directive::of("_findCollection find a from b where c=d"),
            Ok(Directive::Find("find a from b where c=d"))
        );
        assert_eq!(Directive::of("_plugin f()"), Ok(Directive::Plugin("f()")));
        for (text, message) in [
            ("_mongoQuery x findField=content.y", "`_mongoQuery` is not supported"),
            ("_funtion 1+1", "`_funtion` is no directive"),
            ("_Function 1+1", "`_Function` is no directive"),
            (
                "_function case _findCollection find F from S where A={{x}} _endFind when true then 1 end",
                "`_findCollection` inside of a value is not supported",
            ),
            ("no _plugin f()", "`_plugin` inside of a value is not supported"),
            ("_findCollection find a from b where c=d _endFind", "`_endFind` inside of a value is not supported"),
        ] {
            assert_eq!(Directive::of(text).unwrap_err().message, message, "{text}");
        }
        assert_eq!(Directive::of("_funtion 1+1").unwrap_err().hint, "did you mean `_function`?");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[_a-c ]{0,20}|.*|(_function |_findCollection |_plugin|_mongoQuery|a| |中){0,6}") {
            let _ = Directive::of(&text);
        }
    }
}

//! The filter of a `_mongoQuery`, as it is written: JSON with templates in it.
//!
//! Published filters are not always JSON: a placeholder or a lookup stands without quotes, keys have none either, quotes
//! are single ones, a comma is left over. All of that is read; what a text means is what it would with quotes.

use super::super::directive::DirectiveError;
use super::super::template::{self, Template};
use super::{Extent, extents};

/// Arrays and objects within each other.
const DEEPEST: usize = 32;

/// A value of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Null,
    /// A text, a number or a truth value.
    Scalar(Template),
}

/// Reads the value at the head of a text; returns it with the text after it. `depth` lookups surround what stands in it.
pub(super) fn read(text: &str, depth: usize) -> Result<(Json, &str), DirectiveError> {
    let mut reader = Reader { text, at: 0, lookups: extents(text).0, depth };
    let value = reader.value(0)?;
    Ok((value, text.get(reader.at..).unwrap_or_default()))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    lookups: Vec<Extent>,
    depth: usize,
}

fn malformed(what: impl Into<String>) -> DirectiveError {
    DirectiveError::new(what, "write the filter as JSON: `where={\"content.FName\":{\"$eq\":\"{{shop_name}}\"}}`")
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_white(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, letter: char) -> bool {
        self.skip_white();
        let is_there = self.rest().starts_with(letter);
        if is_there {
            self.at += letter.len_utf8();
        }
        is_there
    }

    /// Where the lookup ends that begins here.
    fn lookup_here(&self) -> Option<usize> {
        self.lookups.iter().find(|lookup| lookup.whole.start == self.at).map(|lookup| lookup.whole.end)
    }

    /// Where the placeholder ends that begins here.
    fn placeholder_here(&self) -> Result<Option<usize>, DirectiveError> {
        if !self.rest().starts_with('{') {
            return Ok(None);
        }
        Ok(template::placeholder(self.rest())?.map(|(_, after)| self.text.len() - after.len()))
    }

    fn value(&mut self, nested: usize) -> Result<Json, DirectiveError> {
        if nested > DEEPEST {
            return Err(malformed("the filter is nested too deeply"));
        }
        self.skip_white();
        match self.rest().chars().next() {
            None => Err(malformed("the filter ends too early")),
            Some('{') if self.placeholder_here()?.is_none() => self.object(nested),
            Some('[') => self.array(nested),
            Some('"' | '\'') => {
                let text = self.quoted()?;
                self.scalar(&text)
            }
            Some(_) => match self.bare(&[',', '}', ']'])? {
                "" => Err(malformed(format!("a value of the filter is missing before `{}`", self.near()))),
                "null" => Ok(Json::Null),
                text => self.scalar(text),
            },
        }
    }

    fn scalar(&self, text: &str) -> Result<Json, DirectiveError> {
        Ok(Json::Scalar(Template::nested(text, self.depth)?))
    }

    fn object(&mut self, nested: usize) -> Result<Json, DirectiveError> {
        self.at += 1;
        let mut members = Vec::new();
        while !self.take('}') {
            let key = match self.rest().chars().next() {
                Some('"' | '\'') => self.quoted()?,
                Some(_) => self.bare(&[':', ',', '{', '}'])?.to_owned(),
                None => return Err(malformed("the filter has no `}` at its end")),
            };
            if !self.take(':') {
                return Err(malformed(format!("the key `{key}` of the filter has no `:` behind it")));
            }
            members.push((key, self.value(nested + 1)?));
            self.separated('}')?;
        }
        Ok(Json::Object(members))
    }

    fn array(&mut self, nested: usize) -> Result<Json, DirectiveError> {
        self.at += 1;
        let mut elements = Vec::new();
        while !self.take(']') {
            elements.push(self.value(nested + 1)?);
            self.separated(']')?;
        }
        Ok(Json::Array(elements))
    }

    /// A comma, or the end that is taken next.
    fn separated(&mut self, end: char) -> Result<(), DirectiveError> {
        if self.take(',') || self.rest().starts_with(end) {
            return Ok(());
        }
        Err(match self.rest() {
            "" => malformed(format!("the filter has no `{end}` at its end")),
            _ => malformed(format!("the filter has neither `,` nor `{end}` before `{}`", self.near())),
        })
    }

    /// A text in quotes; quotes of a lookup in it are its own.
    fn quoted(&mut self) -> Result<String, DirectiveError> {
        let quote = self.rest().chars().next().unwrap_or('"');
        self.at += quote.len_utf8();
        let begin = self.at;
        let mut is_escaped = false;
        while let Some(letter) = self.rest().chars().next() {
            if let Some(end) = self.lookup_here() {
                self.at = end;
                continue;
            }
            if letter == quote && !is_escaped {
                let raw = self.text.get(begin..self.at).unwrap_or_default();
                self.at += quote.len_utf8();
                return Ok(unescaped(raw));
            }
            is_escaped = letter == '\\' && !is_escaped;
            self.at += letter.len_utf8();
        }
        Err(malformed("a quote of the filter is not closed"))
    }

    /// A text without quotes, up to one of these letters that is part of neither a placeholder nor a lookup.
    fn bare(&mut self, ends: &[char]) -> Result<&'t str, DirectiveError> {
        let begin = self.at;
        while let Some(letter) = self.rest().chars().next() {
            let jump = match self.lookup_here() {
                Some(end) => Some(end),
                None => self.placeholder_here()?,
            };
            match jump {
                Some(end) => self.at = end,
                None if ends.contains(&letter) => break,
                None => self.at += letter.len_utf8(),
            }
        }
        Ok(self.text.get(begin..self.at).unwrap_or_default().trim())
    }

    fn near(&self) -> String {
        self.rest().chars().take(20).collect()
    }
}

fn unescaped(raw: &str) -> String {
    if !raw.contains('\\') {
        return raw.to_owned();
    }
    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.replace("\\'", "'").replace("\\\"", "\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn shown(value: &Json) -> String {
        match value {
            Json::Object(members) => {
                let members: Vec<_> = members.iter().map(|(key, value)| format!("{key}: {}", shown(value))).collect();
                format!("{{{}}}", members.join(", "))
            }
            Json::Array(elements) => format!("[{}]", elements.iter().map(shown).collect::<Vec<_>>().join(", ")),
            Json::Null => "null".to_owned(),
            Json::Scalar(template) => format!("<{template}>"),
        }
    }

    #[test]
    fn filters_as_they_are_written() {
        for (text, expected) in [
            (r#"{"content.a":{"$eq":"{{x}}"}}"#, "{content.a: {$eq: <{{x}}>}}"),
            (r#"{"a":{"$eq":{{x}}}}"#, "{a: {$eq: <{{x}}>}}"),
            (r#"{"a":{x}}"#, "{a: <{x}>}"),
            (r#"{ "a" : {{x}}-{{y}} , "b" : 1.50 }"#, "{a: <{{x}}-{{y}}>, b: <1.50>}"),
            (r"{'a': 'it is', b: true,}", "{a: <it is>, b: <true>}"),
            (r#"{"a":{"$in":["1",{{x}}, null, 'y',]}}"#, "{a: {$in: [<1>, <{{x}}>, null, <y>]}}"),
            (r#"{"$or":[{"a":"1"},{"b":"2"}]}"#, "{$or: [{a: <1>}, {b: <2>}]}"),
            (r#"{"a":"quote \" and 中\u4e2d"}"#, "{a: <quote \" and 中中>}"),
            ("{}", "{}"),
            (
                r#"{"a":"x _findCollection find b from t where c="{{y}}" _endFind","d":_mongoQuery s findField=e where={"f":1} _endFind}"#,
                r#"{a: <x _findCollection find b from t where c="{{y}}" _endFind>, d: <_mongoQuery s findField=e where={"f":1} _endFind>}"#,
            ),
        ] {
            let (value, after) = read(text, 1).unwrap();
            assert_eq!((shown(&value).as_str(), after), (expected, ""), "{text}");
        }
        assert_eq!(read(r#"{"a":1} rest"#, 1).unwrap().1, " rest");
    }

    #[test]
    fn what_is_no_filter_says_where() {
        for (text, message) in [
            ("", "the filter ends too early"),
            (r#"{"a":1"#, "the filter has no `}` at its end"),
            (r#"{"a" 1}"#, "the key `a` of the filter has no `:` behind it"),
            (r#"{"a":}"#, "a value of the filter is missing before `}`"),
            (r#"{"a":"1" "b":2}"#, "the filter has neither `,` nor `}` before `\"b\":2}`"),
            (r#"{"a":"1}"#, "a quote of the filter is not closed"),
            (r#"{"a":[1}"#, "the filter has neither `,` nor `]` before `}`"),
            (r#"{"a":{{x|dat}}}"#, "filter `dat` is unknown"),
        ] {
            assert_eq!(read(text, 1).unwrap_err().message, message, "{text}");
        }
        assert_eq!(read(&"[".repeat(100_000), 1).unwrap_err().message, "the filter is nested too deeply");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*|(\\{|\\}|\\[|\\]|\"|'|,|:|a|\\\\|\\{\\{x\\}\\}|中| |_findCollection |_endFind){0,20}") {
            let _ = read(&text, 1);
        }
    }
}

//! Texts with placeholders and lookups: `{{x}}`, `{x}`, `{{x|datetime}}`, `_findCollection … _endFind`.
//!
//! Values hold JSON texts, SQL filters and regular expressions as well as placeholders, so a brace is a placeholder's only
//! if what it encloses can be a field's name; every other brace is text, and nothing is escaped. Parsing never loses a
//! letter: a template prints as its source. A template is parsed once, when its scheme loads.

use std::fmt;

use super::directive::DirectiveError;
use super::filter::Filter;
use super::find::{Find, extents};
use super::finding::{listed, nearest};
use super::variable::Variable;

/// A text with placeholders and lookups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    segments: Vec<Segment>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Stands for itself.
    Text(String),
    /// Stands for a field or a variable.
    Placeholder(Placeholder),
    /// Stands for what a lookup finds.
    Find(Embedded),
}

/// A lookup, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    /// As the metadata has it, `_endFind` and all.
    source: String,
    pub(super) find: Box<Find>,
}

/// A field or a variable, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placeholder {
    /// As the metadata has it, braces and all.
    source: String,
    /// The name within.
    pub(super) name: String,
    /// What the name stands for, if not for a field.
    pub(super) variable: Option<Variable>,
    /// The format of a time.
    pub(super) filter: Option<Filter>,
}

/// A filter that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("filter `{0}` is unknown")]
pub(super) struct UnknownFilter(pub(super) String);

impl UnknownFilter {
    pub(super) fn hint(&self) -> String {
        match nearest(&self.0, Filter::NAMES.iter().copied()) {
            Some(near) => format!("did you mean `|{near}`?"),
            None => format!("filters: {}", listed(&Filter::NAMES)),
        }
    }
}

impl Template {
    pub(super) fn parse(source: &str) -> Result<Self, DirectiveError> {
        Self::nested(source, 0)
    }

    /// The same within `depth` lookups.
    pub(super) fn nested(source: &str, depth: usize) -> Result<Self, DirectiveError> {
        let (lookups, has_stray_end) = extents(source);
        if has_stray_end {
            return Err(DirectiveError::new(
                "`_endFind` ends no lookup",
                "take it away, or write the lookup before it: `_findCollection find <field> from <scheme> where <field>={{…}} _endFind`",
            ));
        }
        let mut segments = Vec::new();
        let mut at = 0;
        for lookup in lookups {
            if !lookup.is_closed {
                return Err(DirectiveError::new(
                    "a lookup within the value has no `_endFind`",
                    format!("end it: `{} … _endFind`", lookup.kind.word()),
                ));
            }
            read(source.get(at..lookup.whole.start).unwrap_or_default(), &mut segments)?;
            at = lookup.whole.end;
            let find = Find::nested(lookup.kind, source.get(lookup.body).unwrap_or_default(), depth)?;
            let source = source.get(lookup.whole).unwrap_or_default().to_owned();
            segments.push(Segment::Find(Embedded { source, find: Box::new(find) }));
        }
        read(source.get(at..).unwrap_or_default(), &mut segments)?;
        Ok(Self { segments })
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Placeholder(placeholder) => Some(placeholder),
            Segment::Text(_) | Segment::Find(_) => None,
        })
    }

    /// The lookups that stand in it, those within others left out.
    pub(super) fn finds(&self) -> impl Iterator<Item = &Find> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Find(embedded) => Some(&*embedded.find),
            Segment::Text(_) | Segment::Placeholder(_) => None,
        })
    }

    /// What stands for something else: placeholders and lookups, in their order.
    pub(super) fn fillings(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| !matches!(segment, Segment::Text(_)))
    }

    /// The placeholder or lookup that is the whole template.
    pub(super) fn alone(&self) -> Option<&Segment> {
        match self.segments.as_slice() {
            [filling @ (Segment::Placeholder(_) | Segment::Find(_))] => Some(filling),
            _ => None,
        }
    }

    /// The text of a template in which nothing stands for something else.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [] => Some(""),
            [Segment::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Braces are left over beside placeholders: most likely one too many, or too few.
    pub(super) fn has_odd_brace(&self) -> bool {
        let mut open = 0_i64;
        let mut odd = false;
        for segment in &self.segments {
            let Segment::Text(text) = segment else {
                continue;
            };
            for letter in text.chars() {
                match letter {
                    '{' => open += 1,
                    '}' => open -= 1,
                    _ => {}
                }
                odd |= open < 0;
            }
        }
        (odd || open != 0) && self.fillings().next().is_some()
    }
}

impl Placeholder {
    /// A name that stands without braces.
    pub(super) fn bare(name: String) -> Self {
        Self { source: name.clone(), name, variable: None, filter: None }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|segment| segment.fmt(out))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Text(text) => text,
            Self::Placeholder(placeholder) => &placeholder.source,
            Self::Find(embedded) => &embedded.source,
        })
    }
}

/// Reads a text without lookups.
fn read(source: &str, segments: &mut Vec<Segment>) -> Result<(), UnknownFilter> {
    let mut text = String::new();
    let mut rest = source;
    while let Some(brace) = rest.find('{') {
        let (before, from) = rest.split_at(brace);
        text.push_str(before);
        if let Some((placeholder, after)) = placeholder(from)? {
            if !text.is_empty() {
                segments.push(Segment::Text(std::mem::take(&mut text)));
            }
            segments.push(Segment::Placeholder(placeholder));
            rest = after;
        } else {
            text.push('{');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        segments.push(Segment::Text(text));
    }
    Ok(())
}

/// The placeholder at the head of a text that begins with a brace, and the text after it.
pub(super) fn placeholder(from: &str) -> Result<Option<(Placeholder, &str)>, UnknownFilter> {
    for (open, close) in [("{{", "}}"), ("{", "}")] {
        let Some(inner) = from.strip_prefix(open) else {
            continue;
        };
        let Some(end) = inner.find(['{', '}']) else {
            continue;
        };
        let (inner, after) = inner.split_at(end);
        let Some(after) = after.strip_prefix(close) else {
            continue;
        };
        let Some((name, filter)) = name_and_filter(inner) else {
            // `{{x|date('Y-m-d')}}` is meant for a placeholder, whatever a single brace may be.
            if let (Some((name, filter)), "{{") = (inner.split_once('|'), open)
                && is_name(name.trim())
                && !filter.trim().is_empty()
            {
                return Err(UnknownFilter(filter.trim().to_owned()));
            }
            continue;
        };
        let filter =
            filter.map(|filter| Filter::parse(filter).ok_or_else(|| UnknownFilter(filter.to_owned()))).transpose()?;
        let source = format!("{open}{inner}{close}");
        let variable = Variable::parse(name);
        return Ok(Some((Placeholder { source, name: name.to_owned(), variable, filter }, after)));
    }
    Ok(None)
}

fn name_and_filter(inner: &str) -> Option<(&str, Option<&str>)> {
    let (name, filter) = inner.split_once('|').map_or((inner, None), |(name, filter)| (name, Some(filter.trim())));
    let name = name.trim();
    let is_filter = |filter: &str| {
        !filter.is_empty() && filter.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    (is_name(name) && filter.is_none_or(is_filter)).then_some((name, filter))
}

/// Whether a text can be a field's name. Numbers alone are none (`\d{3}`), nor is what JSON or code would have in braces.
fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '_' | '$'));
    begins
        && text.chars().any(|letter| letter.is_alphabetic() || letter == '_')
        && text.chars().all(|letter| {
            letter.is_alphanumeric()
                || matches!(letter, '_' | '.' | '-' | '$' | '#' | '(' | ')' | '\u{ff08}' | '\u{ff09}' | '·')
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    /// Placeholders in `<>`, for tables.
    fn shape(source: &str) -> String {
        let template = Template::parse(source).unwrap();
        template
            .segments()
            .iter()
            .map(|segment| match segment {
                Segment::Text(text) => text.clone(),
                Segment::Placeholder(Placeholder { name, filter: None, .. }) => format!("<{name}>"),
                Segment::Placeholder(Placeholder { name, filter: Some(filter), .. }) => {
                    format!("<{name}|{}>", filter.name())
                }
                Segment::Find(Embedded { find, .. }) => format!("<{} of {}>", find.field, find.collection),
            })
            .collect()
    }

    #[test]
    fn what_is_a_placeholder() {
        for (source, expected) in [
            ("", ""),
            ("text", "text"),
            ("{x}", "<x>"),
            ("{{x}}", "<x>"),
            ("{{ x }}", "<x>"),
            ("{{details.FQty}}", "<details.FQty>"),
            ("{单价(元)}", "<单价(元)>"),
            ("{ return x }", "{ return x }"),
            ("a{x}b{{y}}c", "a<x>b<y>c"),
            ("{{LAST_SYNC_TIME|dateTime}}", "<LAST_SYNC_TIME|datetime>"),
            ("{{x | DATE}}", "<x|date>"),
            ("{{CURRENT_TIME}}000", "<CURRENT_TIME>000"),
            ("{1688_no}", "<1688_no>"),
            // Braces that enclose no name stay.
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"FNumber":"{FNumber}"}"#, r#"{"FNumber":"<FNumber>"}"#),
            (r"\d{3}", r"\d{3}"),
            (r"\d{2,3}", r"\d{2,3}"),
            ("{}", "{}"),
            ("{{}}", "{{}}"),
            ("{ts'2026-01-01'}", "{ts'2026-01-01'}"),
            ("{", "{"),
            ("}}{{", "}}{{"),
            ("{a", "{a"),
            ("{{a|}}", "{{a|}}"),
            // One brace too many, or too few: the inner placeholder counts.
            ("round({{{a}}/{{b}},7)", "round({<a>/<b>,7)"),
            ("{{a}", "{<a>"),
            ("{a}}", "<a>}"),
        ] {
            assert_eq!(shape(source), expected, "{source}");
        }
    }

    #[test]
    fn odd_braces_are_noticed_only_beside_placeholders() {
        for (source, odd) in [
            ("round({{{a}}/{{b}},7)", true),
            ("{a}}", true),
            (r#"{"a":{{x}}}"#, false),
            ("}{", false),
            ("{", false),
            ("{{a}}", false),
        ] {
            assert_eq!(Template::parse(source).unwrap().has_odd_brace(), odd, "{source}");
        }
    }

    #[test]
    fn an_unknown_filter_is_an_error() {
        let error = Template::parse("{{x|datetim}}").unwrap_err();
        assert_eq!(error.message, "filter `datetim` is unknown");
        assert_eq!(error.hint, "did you mean `|datetime`?");
        assert!(Template::parse("{x|ucfirst}").unwrap_err().hint.starts_with("filters: `datetime`"));
    }

    #[test]
    fn lookups_stand_beside_text_and_within_each_other() {
        for (source, expected) in [
            ("_findCollection find a from b where c={{x}} _endFind", "<a of b>"),
            ("no {x}: _findCollection find a from b where c={{x}} _endFind!", "no <x>: <a of b>!"),
            ("'_findCollection find a from b where c='{{x}}'_ENDFIND'元", "'<a of b>'元"),
            ("_findCollection\n find a\n from b c\n where d={{x}}\n_endFind {y}", "<a of b c> <y>"),
            (
                "{_mongoQuery s findField=content.i where={\"n\":{{x}}} _endFind}{_findCollection find a from b where c=d _endFind}",
                "{<i of s>}{<a of b>}",
            ),
            (
                "_findCollection find a from b where c=_findCollection find d from e where f={{x}} _endFind _endFind-1",
                "<a of b>-1",
            ),
        ] {
            assert_eq!(shape(source), expected, "{source}");
        }
        for (source, message) in [
            ("a _findCollection find b from c where d={{x}}", "a lookup within the value has no `_endFind`"),
            ("a _endFind", "`_endFind` ends no lookup"),
            ("a _findCollection find b _endFind", "the lookup has no `from`"),
        ] {
            assert_eq!(Template::parse(source).unwrap_err().message, message, "{source}");
        }
        let deep =
            (0..9).fold("1".to_owned(), |value, _| format!("_findCollection find a from b where c={value} _endFind"));
        let error = Template::parse(&deep).unwrap_err();
        assert_eq!(error.message, "lookups stand within each other more than 8 deep");
    }

    proptest! {
        #[test]
        fn printing_gives_the_source_back(
            source in "[{}|a-c\\. \"'é中0-9]{0,40}|.*|(a|中|'|\\{\\{x\\}\\}|\\{|_findCollection find a from b where c=|d=1 |_mongoQuery s findField=a where=\\{\"b\":1\\} |_endFind| _ENDFIND){0,12}",
        ) {
            if let Ok(template) = Template::parse(&source) {
                prop_assert_eq!(template.to_string(), source);
            }
        }

        #[test]
        fn a_template_without_placeholders_is_its_text(source in "[{}:\",0-9 ]{0,40}") {
            let template = Template::parse(&source).unwrap();
            prop_assert_eq!(template.literal(), Some(source.as_str()));
        }
    }
}

//! Arrays: what they have an element for.

use serde_json::Value;

use super::super::directive::Directive;
use super::super::finding::member;
use super::super::item::{Content, Over};
use super::super::parser::Parser;
use super::super::template::{Placeholder, Segment, Template};
use super::super::value::Type;
use super::{Loader, Names, says_nothing};

impl Loader<'_> {
    /// An array with children.
    pub(super) fn array(&mut self, path: &str, value: Option<&Value>, children: &Value) -> Content {
        let children_path = member(path, "children");
        let at = member(path, "value");
        let Some(value) = value.filter(|value| !says_nothing(value)) else {
            let named_before = std::mem::take(&mut self.line_named);
            let children = self.items(&children_path, children);
            let over = if self.line_named { Over::Lines } else { Over::Itself };
            self.line_named |= named_before;
            return Content::Array { over, children };
        };
        if self.names != Names::Row {
            self.findings.error(
                &at,
                value,
                "an array of a request has no rows to repeat for",
                "leave `value` out: one element is made of the children".to_owned(),
            );
            return Content::Nothing;
        }
        let Some(over) = self.over(&at, value) else {
            self.findings.error(
                &at,
                value,
                "an array with `children` takes the bare name of an array of the row",
                "for example `\"value\": \"details_list\"`".to_owned(),
            );
            return Content::Nothing;
        };
        let is_list = matches!(over, Over::List(_));
        self.lists += usize::from(is_list);
        let children = self.items(&children_path, children);
        self.lists -= usize::from(is_list);
        self.line_named |= !is_list;
        Content::Array { over, children }
    }

    /// An array without children: an array of the row as it is, or a value that is one.
    pub(super) fn list(&mut self, at: &str, value: Option<&Value>, parsers: &[Parser]) -> Content {
        let Some(value) = value else {
            return Content::Nothing;
        };
        let is_name = value.as_str().is_some_and(|text| {
            !text.trim_start().starts_with(['[', '_']) && !text.contains(['{', '}']) && !text.trim().is_empty()
        });
        match is_name.then(|| self.over(at, value)).flatten() {
            Some(over) => {
                self.mentioned.whole_rows |= matches!(over, Over::Lines);
                Content::Array { over, children: Vec::new() }
            }
            None if !parsers.is_empty() => self.unparsed(at, value),
            None => self.written(at, value, Type::Array),
        }
    }

    /// The array that a bare name, or a placeholder alone, means.
    pub(super) fn over(&mut self, at: &str, value: &Value) -> Option<Over> {
        let text = value.as_str()?;
        if !matches!(Directive::of(text), Ok(Directive::Text)) {
            return None;
        }
        let template = Template::parse(text).ok()?;
        let name = match template.alone() {
            Some(Segment::Placeholder(Placeholder { name, filter: None, .. })) => name.trim(),
            _ => template.literal()?.trim(),
        };
        if name.is_empty() {
            return None;
        }
        if self.lines.as_deref().is_some_and(|lines| name.eq_ignore_ascii_case(lines)) {
            return Some(Over::Lines);
        }
        self.mentioned.fields.push(name.to_owned());
        let columns = self.columns.as_ref().filter(|_| self.lists == 0);
        if columns.is_some_and(|columns| !columns.get(name).is_some_and(Value::is_array)) {
            self.findings.warning(
                at,
                value,
                format!("`{name}` is no array of this source's rows: there will be no elements"),
                self.lines.as_ref().map(|lines| format!("the lines of a merged bill are `{lines}`")),
            );
        }
        Some(Over::List(name.to_owned()))
    }
}

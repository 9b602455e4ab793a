//! What tells rows, and bills, apart: `id`, `number` and the field of a merge.
//!
//! Written as a field's path or as a template (`"{{FBillNo}}-{{FEntryID}}"`). Every field of it must be there: two rows of
//! which half the key is missing would otherwise be taken for one.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Row;
use super::error::MappingError;
use super::item::Origin;
use super::name;
use super::template::{Placeholder, Segment, Template};
use super::value::index_text;

/// A key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) origin: Origin,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Field(Arc<str>),
    Template(Template),
}

impl Key {
    pub(super) fn new(origin: Origin, template: Template) -> Self {
        let form = match template.literal() {
            Some(field) => Form::Field(field.trim().into()),
            None => Form::Template(template),
        };
        Self { origin, form }
    }

    pub(super) fn written(&self) -> &str {
        &self.origin.text
    }

    pub(super) fn field(&self) -> Option<&str> {
        match &self.form {
            Form::Field(field) => Some(field),
            Form::Template(_) => None,
        }
    }

    /// The names of the fields that it is made of.
    pub(super) fn names(&self) -> Vec<&str> {
        match &self.form {
            Form::Field(field) => vec![field],
            Form::Template(template) => template.placeholders().map(|placeholder| placeholder.name.as_str()).collect(),
        }
    }

    /// A text that is the same for keys that are written differently and mean the same.
    pub(super) fn fingerprint(&self, zone: &TimeZone) -> String {
        let template = match &self.form {
            Form::Field(field) => return field.to_string(),
            Form::Template(template) => template,
        };
        if let Some(Segment::Placeholder(Placeholder { name, filter: None, .. })) = template.alone() {
            return name.clone();
        }
        let written = template.segments().iter().map(|segment| match segment {
            Segment::Text(text) => text.clone(),
            Segment::Placeholder(Placeholder { name, filter: None, .. }) => format!("{{{{{name}}}}}"),
            Segment::Placeholder(Placeholder { name, filter: Some(filter), .. }) => {
                format!("{{{{{name}|{}}}}}", filter.name())
            }
            Segment::Find(_) => segment.to_string(),
        });
        let written: String = written.collect();
        if template.placeholders().all(|placeholder| placeholder.filter.is_none()) {
            return written;
        }
        // The same moment is another day elsewhere.
        format!("{written}@{}", zone.iana_name().map_or_else(|| format!("{zone:?}"), str::to_owned))
    }

    /// The key's text; `None` where a field of it is missing or empty.
    pub(super) fn text(&self, row: &Row, zone: &TimeZone) -> Option<String> {
        let part = |name: &str| name::field(row, name).map(index_text).filter(|text| !text.is_empty());
        let template = match &self.form {
            Form::Field(field) => return part(field),
            Form::Template(template) => template,
        };
        let mut text = String::new();
        for segment in template.segments() {
            match segment {
                Segment::Text(written) => text.push_str(written),
                Segment::Placeholder(placeholder) => {
                    let value = part(&placeholder.name)?;
                    match placeholder.filter {
                        None => text.push_str(&value),
                        Some(filter) => text.push_str(&index_text(&filter.apply(&value.into(), zone)?)),
                    }
                }
                // Loading has refused it.
                Segment::Find(_) => return None,
            }
        }
        Some(text)
    }

    pub(super) fn of(&self, row: &Row, zone: &TimeZone) -> Result<String, MappingError> {
        self.text(row, zone)
            .ok_or_else(|| MappingError::Key { place: self.origin.place(None), columns: row.keys().cloned().collect() })
    }
}

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
use super::template::{Segment, Template};
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
            }
        }
        Some(text)
    }

    pub(super) fn of(&self, row: &Row, zone: &TimeZone) -> Result<String, MappingError> {
        self.text(row, zone)
            .ok_or_else(|| MappingError::Key { place: self.origin.place(None), columns: row.keys().cloned().collect() })
    }
}

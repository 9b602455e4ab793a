//! What a placeholder within an aggregate stands for: its value in every element of its list.

use std::borrow::Cow;

use serde_json::Value;

use super::super::expression::Operand;
use super::super::item::Origin;
use super::super::name;
use super::super::scope::{Found, Scope, below};
use super::super::template::Placeholder;
use super::{Rendering, Stop};

impl<'a> Rendering<'a> {
    /// The values of `list.field`, for the bill's lines and for an array of the row; what is of no list is one value.
    pub(super) fn each<'s>(
        &mut self,
        placeholder: &Placeholder,
        origin: &Origin,
        scope: &Scope<'s>,
    ) -> Result<Operand<'s>, Stop>
    where
        'a: 's,
    {
        let written = placeholder.name.as_str();
        let values = if let Some(field) =
            Some(self.lines_name).filter(|name| !name.is_empty()).and_then(|name| below(written, name))
        {
            self.of_lines(field)?
        } else if let Some((list, field)) = scope.list_and_field(written) {
            list.iter().map(|element| of_element(element, field)).collect()
        } else {
            return self.placeholder(placeholder, origin, scope).map(Operand::One);
        };
        let filtered = values.into_iter().map(|value| self.filtered(placeholder, value, origin, scope));
        filtered.collect::<Result<_, _>>().map(Operand::Each)
    }

    /// A field of every line; the empty name is the line.
    fn of_lines(&mut self, field: &str) -> Result<Vec<Cow<'a, Value>>, Stop> {
        let (lines, computed) = (self.lines, self.computed);
        let mut values = Vec::with_capacity(lines.len());
        for (index, line) in lines.iter().enumerate() {
            let scope = Scope { computed, ..Scope::of_row(line) };
            values.push(match scope.resolve(field) {
                _ if field.is_empty() => Cow::Owned(Value::Object(line.clone())),
                Found::Value(value) => Cow::Borrowed(value),
                Found::Computed(computed, row) => Cow::Owned(self.computed(computed, row, Some(index + 1))?),
                Found::Missing => Cow::Owned(Value::Null),
            });
        }
        Ok(values)
    }
}

fn of_element<'v>(element: &'v Value, field: &str) -> Cow<'v, Value> {
    if field.is_empty() {
        return Cow::Borrowed(element);
    }
    element.as_object().and_then(|row| name::field(row, field)).map_or(Cow::Owned(Value::Null), Cow::Borrowed)
}

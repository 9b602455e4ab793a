//! What names mean at a place: the element of the surrounding array, then the row.
//!
//! A name whose case is as written beats one that differs in case, wherever it stands; on equal terms the element beats the
//! row, and a computed field the column of the same name. So `{FMaterialId_Fnumber}` is the computed field of that name and
//! `{FMaterialId_FNumber}` the column beside it.

use serde_json::Value;

use super::Row;
use super::item::Computed;
use super::name;

/// An element or a row, and what surrounds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// The element or row, where it is an object.
    pub(super) row: Option<&'a Row>,
    /// The element, whatever it is.
    pub(super) element: Option<&'a Value>,
    /// Fields computed from `row`.
    pub(super) computed: &'a [Computed],
    /// The name under which templates mean this element: `details` in `{{details.FQty}}`.
    pub(super) list: Option<&'a str>,
    /// Which element, from 1.
    pub(super) line: Option<usize>,
    /// Where names are looked for next.
    pub(super) outer: Option<&'a Scope<'a>>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    Value(&'a Value),
    Computed(&'a Computed, &'a Row),
    Missing,
}

impl<'a> Scope<'a> {
    /// No row at all.
    pub(super) const NONE: Scope<'static> =
        Scope { row: None, element: None, computed: &[], list: None, line: None, outer: None };

    /// A row by itself.
    pub(super) fn of_row(row: &'a Row) -> Self {
        Self { row: Some(row), ..Scope::NONE }
    }

    pub(super) fn resolve(&self, written: &str) -> Found<'a> {
        for scope in self.chain() {
            if let Some(rest) = scope.list.and_then(|list| below(written, list)) {
                return scope.of_list(rest).or_else(|| self.literal(written)).unwrap_or(Found::Missing);
            }
        }
        self.chain()
            .find_map(|scope| scope.exact(written))
            .or_else(|| self.chain().find_map(|scope| scope.any_case(written)))
            .unwrap_or(Found::Missing)
    }

    /// The whole array that a name begins with, and what follows it: `details` and `FQty` of `details.FQty`. A column of the whole
    /// name is no list.
    pub(super) fn list_and_field<'n>(&self, written: &'n str) -> Option<(&'a [Value], &'n str)> {
        let array =
            |name: &str| match self.chain().find_map(|scope| scope.exact(name).or_else(|| scope.any_case(name)))? {
                Found::Value(Value::Array(list)) => Some(list.as_slice()),
                _ => None,
            };
        if let Some(Found::Value(value)) = self.literal(written) {
            return value.as_array().map(|list| (list.as_slice(), ""));
        }
        array(written).map(|list| (list, "")).or_else(|| {
            written.match_indices('.').find_map(|(dot, _)| Some((array(written.get(..dot)?)?, written.get(dot + 1..)?)))
        })
    }

    /// From the innermost outwards.
    fn chain(&self) -> impl Iterator<Item = &Scope<'a>> {
        std::iter::successors(Some(self), |scope| scope.outer)
    }

    /// A column that bears the whole name, dots and all.
    fn literal(&self, written: &str) -> Option<Found<'a>> {
        self.chain().find_map(|scope| scope.row?.get(written)).map(Found::Value)
    }

    /// A field of this element, named with its list; the empty name is the element.
    fn of_list(&self, rest: &str) -> Option<Found<'a>> {
        if rest.is_empty() {
            return self.element.map(Found::Value);
        }
        self.exact(rest).or_else(|| self.any_case(rest))
    }

    fn exact(&self, written: &str) -> Option<Found<'a>> {
        let row = self.row?;
        let computed = |same: &dyn Fn(&str) -> bool| {
            self.computed.iter().find(|computed| same(&computed.name)).map(|computed| Found::Computed(computed, row))
        };
        computed(&|name| name == written)
            .or_else(|| name::literal(row, written).map(Found::Value))
            .or_else(|| computed(&|name| name::same_separators(name, written)))
            .or_else(|| name::by_separators(row, written).map(Found::Value))
    }

    fn any_case(&self, written: &str) -> Option<Found<'a>> {
        let row = self.row?;
        name::any_case(row, written).map(Found::Value).or_else(|| {
            let computed = self.computed.iter().find(|computed| name::same_letters(&computed.name, written))?;
            Some(Found::Computed(computed, row))
        })
    }
}

/// What follows a list's name and its dot; empty for the list's name alone.
pub(super) fn below<'n>(written: &'n str, list: &str) -> Option<&'n str> {
    let (head, rest) = (written.get(..list.len())?, written.get(list.len()..)?);
    if !head.eq_ignore_ascii_case(list) {
        return None;
    }
    if rest.is_empty() { Some("") } else { rest.strip_prefix('.').filter(|rest| !rest.is_empty()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn the_element_comes_first_and_exact_names_beat_loose_ones() {
        let head = json!({"no": "H1", "Qty": "head", "note": "head note", "details": [{"qty": 1}, {"qty": 2}]});
        let element = json!({"qty": 2, "Note": "line note"});
        let outer = Scope { list: None, ..Scope::of_row(head.as_object().unwrap()) };
        let inner = Scope {
            row: element.as_object(),
            element: Some(&element),
            list: Some("details"),
            line: Some(2),
            outer: Some(&outer),
            ..Scope::NONE
        };
        let resolved = |scope: &Scope<'_>, name: &str| match scope.resolve(name) {
            Found::Value(value) => value.clone(),
            Found::Computed(computed, _) => json!(format!("computed {}", computed.name)),
            Found::Missing => Value::Null,
        };
        for (name, expected) in [
            ("qty", json!(2)),
            ("details.qty", json!(2)),
            ("Details.QTY", json!(2)),
            ("details", element.clone()),
            ("Qty", json!("head")),
            ("note", json!("head note")),
            ("Note", json!("line note")),
            ("NOTE", json!("line note")),
            ("no", json!("H1")),
            // Never another element's.
            ("details.no", Value::Null),
            ("details.0.qty", Value::Null),
            ("detailsx", Value::Null),
        ] {
            assert_eq!(resolved(&inner, name), expected, "{name}");
        }
        assert_eq!(resolved(&outer, "details.qty"), json!(1), "outside of an array: the first");
    }
}

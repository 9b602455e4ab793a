//! `beatFlat`: one row per element of an array.
//!
//! An element's fields join the head's under names of their own (`details_list_goods`), the array itself goes, and the field
//! that tells rows apart gets the element's place as a suffix, `-1`, `-2` … (the platform's help, 拍扁多维数据). The place is
//! that in the row as fetched, also where a condition takes elements away: so a line keeps its id when its neighbour begins,
//! or ceases, to match. A row without elements stays as it is rather than vanish.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::Row;
use super::condition::{Condition, Kept, Stage};
use super::name;
use super::value::index_text;

/// The array that is flattened.
#[derive(Clone, Debug)]
pub(super) struct Flatten {
    pub(super) list: String,
    /// The field that gets the suffix; `None`: a field of the elements tells rows apart.
    pub(super) id: Option<String>,
}

impl Flatten {
    /// The rows that a row becomes, and that a condition keeps.
    pub(super) fn rows(&self, condition: &Condition, mut row: Row, zone: &TimeZone) -> Vec<Row> {
        let before: Vec<(usize, Kept)> = condition
            .groups
            .iter()
            .enumerate()
            .filter_map(|(index, group)| Some((index, group.kept(&row, Stage::Nested, zone)?)))
            .collect();
        // What the groups keep of a row that is flat now, each given what it kept before.
        let kept = |flat: &Row, of_group: &dyn Fn(&Kept) -> Option<Kept>| {
            before
                .iter()
                .filter_map(|(index, kept)| {
                    let now = condition.groups.get(*index)?.kept(flat, Stage::Flat, zone)?;
                    of_group(kept)?.and(now)
                })
                .reduce(Kept::or)
        };
        let Some((key, elements)) = self.take(&mut row) else {
            let Some(kept) = kept(&row, &|kept| Some(kept.clone())) else {
                return Vec::new();
            };
            kept.cut(&mut row);
            return vec![row];
        };
        let prefix = format!("{key}_");
        let flat = elements.into_iter().enumerate().filter_map(|(index, element)| {
            let mut flat = self.row(&row, &key, index, element);
            kept(&flat, &|kept| kept.of_flattened(&key, index, &prefix))?.cut(&mut flat);
            Some(flat)
        });
        flat.collect()
    }

    /// Takes the array out of a row; `None`: there is none, or none with elements.
    fn take(&self, row: &mut Row) -> Option<(String, Vec<Value>)> {
        let found = name::with_case(row, &self.list).or_else(|| name::without_case(row, &self.list));
        let key = found.filter(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty()))?.0.clone();
        match row.shift_remove(&key) {
            Some(Value::Array(elements)) => Some((key, elements)),
            _ => None,
        }
    }

    fn row(&self, head: &Row, key: &str, index: usize, element: Value) -> Row {
        let mut row = head.clone();
        match element {
            Value::Object(fields) => {
                row.extend(fields.into_iter().map(|(name, value)| (format!("{key}_{name}"), value)));
            }
            other => {
                row.insert(key.to_owned(), other);
            }
        }
        if let Some(written) = &self.id
            && let Some(value) = name::field(head, written).map(index_text).filter(|text| !text.is_empty())
        {
            // A name that leads into an object is from now on a field's own name, which counts first.
            let found = name::with_case(head, written).or_else(|| name::without_case(head, written));
            let id = found.map_or(written, |(key, _)| key);
            row.insert(id.clone(), Value::from(format!("{value}-{}", index + 1)));
        }
        row
    }
}

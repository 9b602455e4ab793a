//! Reading `formatResponse` and `beatFlat`.

use serde_json::Value;

use super::super::finding::{element, listed, member, nearest};
use super::super::flatten::Flatten;
use super::super::format::{Format, Formatted};
use super::super::key::Key;
use super::super::scope::below;
use super::super::value::index_text;
use super::{Loader, says_nothing};

impl Loader<'_> {
    /// The fields that `formatResponse` adds; from here on they are columns.
    pub(in super::super) fn formats(&mut self, value: Option<&Value>) -> Vec<Formatted> {
        const HINT: &str = "write `[{\"old\": \"FDate\", \"new\": \"day\", \"format\": \"date\"}]`";
        const KEYS: [&str; 3] = ["old", "new", "format"];
        let Some(value) = value.filter(|value| !says_nothing(value)) else {
            return Vec::new();
        };
        let Value::Array(list) = value else {
            self.findings.error("$.formatResponse", value, "`formatResponse` is no array", HINT.to_owned());
            return Vec::new();
        };
        let mut formats = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            let path = element("$.formatResponse", index);
            let Value::Object(keys) = value else {
                self.findings.error(&path, value, "a format is no object", HINT.to_owned());
                continue;
            };
            for (key, value) in keys {
                if !KEYS.contains(&key.as_str()) {
                    self.findings.unknown_key(&path, key, value, &KEYS);
                }
            }
            let text = |key: &str| keys.get(key).map(index_text).unwrap_or_default().trim().to_owned();
            let [old, new, format] = KEYS.map(text);
            if let Some(missing) = [(KEYS[0], &old), (KEYS[1], &new), (KEYS[2], &format)]
                .into_iter()
                .find_map(|(key, text)| text.is_empty().then_some(key))
            {
                self.findings.error(&path, value, format!("a format has no `{missing}`"), HINT.to_owned());
                continue;
            }
            let at = member(&path, "format");
            match Format::parse(&format) {
                Ok(format) => {
                    self.named_column(&member(&path, "old"), &old, "the new field stays empty");
                    if let Some(columns) = &mut self.columns {
                        columns.insert(new.clone(), Value::Null);
                    }
                    let origin = self.origin(&at, &Value::from(old.as_str()));
                    formats.push(Formatted { origin, old, new, format });
                }
                Err(message) => {
                    let name = format.split('(').next().unwrap_or_default();
                    let names = Format::NAMES.map(|known| known.split('(').next().unwrap_or(known));
                    let hint = nearest(name, names).filter(|near| !near.eq_ignore_ascii_case(name)).map_or_else(
                        || format!("formats: {}", listed(&Format::NAMES)),
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.findings.error(&at, &Value::from(format.as_str()), message, hint);
                }
            }
        }
        formats
    }

    /// The array that `beatFlat` names, given what tells rows apart.
    pub(in super::super) fn flatten(&mut self, value: Option<&Value>, id: Option<&Key>) -> Option<Flatten> {
        const PATH: &str = "$.beatFlat";
        let value = value.filter(|value| !says_nothing(value))?;
        let lists: Vec<&Value> = match value {
            Value::Array(lists) => lists.iter().filter(|list| !says_nothing(list)).collect(),
            single => vec![single],
        };
        let list = match lists.as_slice() {
            [Value::String(list)] if !list.contains(['.', '{', '}']) => list.trim().to_owned(),
            [_, _, ..] => {
                let hint =
                    "flatten one, and repeat over the others with `\"type\": \"array\"` in the target".to_owned();
                self.findings.error(
                    PATH,
                    value,
                    "flattening several arrays is not supported: it would repeat the one for each element of the other",
                    hint,
                );
                return None;
            }
            _ => {
                let hint = "write `[\"details\"]`".to_owned();
                self.findings.error(PATH, value, "`beatFlat` does not name an array of the row", hint);
                return None;
            }
        };
        if self.columns.is_some() {
            let message = format!("`{list}` is no array of this source's rows: they stay as they are");
            self.findings.warning(PATH, value, message, None);
        }
        self.mentioned.fields.push(list.clone());
        self.flattened = Some(list.clone());
        let of_element = |name: &str| below(name, &list).is_some_and(|rest| !rest.is_empty());
        let names = id.map(Key::names).unwrap_or_default();
        let by_element = names.iter().any(|name| of_element(name) || self.is_flattened(name));
        let head = match id.and_then(Key::field) {
            Some(field) if !by_element => Some(field.to_owned()),
            Some(_) => None,
            None => {
                if id.is_some() && !by_element {
                    let hint = format!("name a field of the elements in it, as in `{{{{no}}}}-{{{{{list}_id}}}}`");
                    let text = Value::from(id.map(Key::written).unwrap_or_default());
                    self.findings.error(PATH, &text, "all rows of an array would have the same `id`", hint);
                }
                None
            }
        };
        Some(Flatten { list, id: head })
    }
}

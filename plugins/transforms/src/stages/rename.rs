//! The stage `rename`: fields get other names, where they are or up in the row.
//!
//! `"items.qty": "items.count"` renames within what `items` holds, an object or every element of an array; `"customer.name":
//! "customer_name"` brings a field of an object up to the row. All renaming happens at once, so that two fields can swap their names. A
//! name that is taken already is not overwritten in silence: such a row is refused.

use std::collections::BTreeMap;

use qiao_plugin::json::json;
use qiao_plugin::{Failure, Library, Object, Processed, Refusal, Value};
use serde::Deserialize;

use super::fields::{every, steps, take};

const NAME: &str = "rename";

pub(super) fn register(library: &mut Library<'_>) {
    library.stage(NAME, "Gives fields other names.", config_schema, rename);
}

/// The stage's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    fields: BTreeMap<String, String>,
    #[serde(default)]
    keep_only: bool,
}

fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "fields": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": { "type": "string", "minLength": 1 },
                "description": "New names by old ones. A dotted old name walks objects: the field comes up to the row, unless the new name begins with the same path."
            },
            "keep_only": { "type": "boolean", "description": "Only the renamed fields go on. Default false." }
        },
        "required": ["fields"],
        "additionalProperties": false
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of every stage")]
fn rename(config: Config, rows: Vec<Object>) -> Result<Processed, Failure> {
    if config.fields.is_empty() {
        return Err(Failure::misconfigured(format!("stage `{NAME}`: `config.fields` is empty")));
    }
    if let Some((old, _)) = config.fields.iter().find(|(old, new)| old.is_empty() || new.is_empty()) {
        return Err(Failure::misconfigured(format!("stage `{NAME}`: `config.fields.{old}`: a name is empty")));
    }
    let names = Names::new(&config);
    let mut processed = Processed::default();
    for (row, place) in rows.into_iter().zip(0..) {
        match names.rename(row) {
            Ok(row) => processed.rows.push(row),
            Err(message) => processed.refused.push(Refusal { row: place, rule: NAME.to_owned(), message }),
        }
    }
    Ok(processed)
}

/// New names by old ones.
type NewNames<'c> = BTreeMap<&'c str, &'c str>;

/// The settings, by what is to be done.
struct Names<'c> {
    /// Fields of the row, and those that come up to it.
    to_the_row: NewNames<'c>,
    /// Fields that stay where they are, by the path to the objects that they are in.
    in_place: BTreeMap<&'c str, NewNames<'c>>,
    keep_only: bool,
}

impl<'c> Names<'c> {
    fn new(config: &'c Config) -> Self {
        let mut names = Self { to_the_row: NewNames::new(), in_place: BTreeMap::new(), keep_only: config.keep_only };
        for (old, new) in &config.fields {
            let in_place = old.rsplit_once('.').and_then(|(path, old)| {
                let new = new.strip_prefix(path)?.strip_prefix('.')?;
                Some((path, old, new))
            });
            match in_place {
                Some((path, old, new)) => names.in_place.entry(path).or_default().insert(old, new),
                None => names.to_the_row.insert(old, new),
            };
        }
        names
    }

    fn rename(&self, mut row: Object) -> Result<Object, String> {
        for (path, names) in &self.in_place {
            rename_within(&mut row, path, names)?;
        }
        let mut come_up = Vec::new();
        for (old, new) in &self.to_the_row {
            // A field of the row itself is found further down, at its own place.
            if row.contains_key(*old) {
                continue;
            }
            match take(&mut row, old) {
                Some(value) => come_up.push((*new, value)),
                None if is_in_an_array(&row, old) => {
                    return Err(format!(
                        "field `{old}` is in an array and cannot be named `{new}`: there would be several"
                    ));
                }
                None => {}
            }
        }
        if self.keep_only {
            row.retain(|name, _| self.mentions(name));
        }
        let mut row = with_names(row, &self.to_the_row)?;
        for (new, value) in come_up {
            put(&mut row, new, value)?;
        }
        Ok(row)
    }

    /// The field gets another name, or holds fields that do.
    fn mentions(&self, name: &str) -> bool {
        let holds = |path: &&str| *path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.to_the_row.contains_key(name) || self.in_place.keys().any(holds)
    }
}

fn is_in_an_array(row: &Object, path: &str) -> bool {
    every(row, path).iter().any(|occurrence| !occurrence.lines.is_empty() && !occurrence.value.is_null())
}

fn rename_within(object: &mut Object, path: &str, names: &NewNames<'_>) -> Result<(), String> {
    if let Some(value) = object.get_mut(path) {
        return rename_in_value(value, "", names);
    }
    for (step, rest) in steps(path) {
        if let Some(value) = object.get_mut(step) {
            return rename_in_value(value, rest, names);
        }
    }
    Ok(())
}

fn rename_in_value(value: &mut Value, rest: &str, names: &NewNames<'_>) -> Result<(), String> {
    match value {
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| rename_in_value(element, rest, names)),
        Value::Object(object) if rest.is_empty() => {
            *object = with_names(std::mem::take(object), names)?;
            Ok(())
        }
        Value::Object(object) => rename_within(object, rest, names),
        _ => Ok(()),
    }
}

fn with_names(object: Object, names: &NewNames<'_>) -> Result<Object, String> {
    let mut renamed = Object::new();
    for (name, value) in object {
        let name = names.get(name.as_str()).map_or(name, |new| (*new).to_owned());
        put(&mut renamed, &name, value)?;
    }
    Ok(renamed)
}

fn put(object: &mut Object, name: &str, value: Value) -> Result<(), String> {
    match object.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(format!("no field can be named `{name}`: there is one of that name already")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        reason = "tests"
    )]
    use crate::testing::process;

    use super::*;

    fn renamed(config: Value, row: Value) -> String {
        let processed = process(NAME, &config, &json!([row])).unwrap();
        match processed.refused.first() {
            Some(refusal) => format!("! {}", refusal.message),
            None => Value::Object(processed.rows[0].clone()).to_string(),
        }
    }

    #[test]
    fn fields_get_other_names_at_their_places() {
        let cases = [
            (json!({"b": "x"}), json!({"a": 1, "b": 2, "c": 3}), r#"{"a":1,"x":2,"c":3}"#),
            (json!({"a": "b", "b": "a"}), json!({"a": 1, "b": 2}), r#"{"b":1,"a":2}"#),
            (json!({"客户编码": "code"}), json!({"客户编码": "C1"}), r#"{"code":"C1"}"#),
            (json!({"missing": "x"}), json!({"a": 1}), r#"{"a":1}"#),
            (json!({"FCustId.FNumber": "customer"}), json!({"FCustId.FNumber": "C1"}), r#"{"customer":"C1"}"#),
            (
                json!({"customer.name": "customer_name"}),
                json!({"customer": {"id": 7, "name": "桥"}, "no": 1}),
                r#"{"customer":{"id":7},"no":1,"customer_name":"桥"}"#,
            ),
            (json!({"a.b": "a.c"}), json!({"a": {"b": 1, "d": 2}}), r#"{"a":{"c":1,"d":2}}"#),
            (
                json!({"items.qty": "items.count", "items.no": "items.line"}),
                json!({"items": [{"no": 1, "qty": 2}, {"qty": 3}, 4]}),
                r#"{"items":[{"line":1,"count":2},{"count":3},4]}"#,
            ),
            (
                json!({"items.lots.no": "items.lots.lot"}),
                json!({"items": [{"lots": [{"no": 1}]}]}),
                r#"{"items":[{"lots":[{"lot":1}]}]}"#,
            ),
            (json!({"a": "x", "b": "x"}), json!({"b": 2}), r#"{"x":2}"#),
            (
                json!({"a": "b"}),
                json!({"a": 1, "b": 2}),
                "! no field can be named `b`: there is one of that name already",
            ),
            (
                json!({"a.b": "b"}),
                json!({"a": {"b": 1}, "b": 2}),
                "! no field can be named `b`: there is one of that name already",
            ),
            (
                json!({"items.qty": "qty"}),
                json!({"items": [{"qty": 2}]}),
                "! field `items.qty` is in an array and cannot be named `qty`: there would be several",
            ),
        ];
        for (fields, row, expected) in cases {
            assert_eq!(renamed(json!({"fields": fields}), row.clone()), expected, "{fields} {row}");
        }
    }

    #[test]
    fn only_the_renamed_fields_are_kept() {
        let config = json!({
            "fields": {"b": "x", "c.d": "d", "items.qty": "items.count", "same": "same"},
            "keep_only": true
        });
        let row =
            json!({"a": 1, "same": 0, "b": 2, "c": {"d": 3, "e": 4}, "items": [{"qty": 5, "no": 1}], "itemsX": 6});
        assert_eq!(renamed(config, row), r#"{"same":0,"x":2,"items":[{"count":5,"no":1}],"d":3}"#);
    }

    #[test]
    fn a_row_that_cannot_be_renamed_is_refused_alone() {
        let processed =
            process(NAME, &json!({"fields": {"a": "b"}}), &json!([{"a": 1}, {"a": 1, "b": 2}, {"c": 3}])).unwrap();
        assert_eq!(processed.rows.len(), 2);
        assert_eq!((processed.refused[0].row, processed.refused[0].rule.as_str()), (1, NAME));
    }

    #[test]
    fn mistakes_in_the_settings() {
        for (config, message) in [
            (json!({"fields": {}}), "stage `rename`: `config.fields` is empty"),
            (json!({"fields": {"a": ""}}), "stage `rename`: `config.fields.a`: a name is empty"),
            (json!({"fields": {"a": 1}}), "stage `rename`: `config.fields.a`: invalid type: number, expected a string"),
        ] {
            assert_eq!(process(NAME, &config, &json!([])).unwrap_err().message, message);
        }
    }
}

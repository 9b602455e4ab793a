//! The stage `split`: one row per element of an array, or per part of a text, each with the header's fields.
//!
//! Rows must stay apart: the source's `id` names a field that differs between them, one of the element's own (`details_rec_id`) or the
//! one that `index_field` numbers (`"id": "{{order_no}}-{{line_no}}"`). A field is never overwritten: with `"prefix": ""` an
//! element's `id` and the header's would be one, and such a row is refused.

use qiao_plugin::json::{is_empty, json, kind};
use qiao_plugin::{Failure, Library, Object, Processed, Refusal, Value};
use serde::Deserialize;

use super::fields::take;

const NAME: &str = "split";

pub(super) fn register(library: &mut Library<'_>) {
    library.stage(NAME, "Makes one row per element of an array, or per part of a text.", config_schema, split);
}

/// The stage's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    field: String,
    separator: Option<String>,
    prefix: Option<String>,
    index_field: Option<String>,
    #[serde(default)]
    empty: Empty,
}

/// What becomes of a row without elements.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Empty {
    #[default]
    Keep,
    Drop,
}

fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "field": { "type": "string", "minLength": 1, "description": "The array, or with `separator` the text; a dotted path walks objects." },
            "separator": { "type": "string", "minLength": 1, "description": "What stands between the parts of a text. White space around a part is cut off, an empty part left out." },
            "prefix": { "type": "string", "description": "What comes before the names of an element's fields. Default: the field's name and `_`." },
            "index_field": { "type": "string", "minLength": 1, "description": "A field for the element's place, from 1." },
            "empty": { "enum": ["keep", "drop"], "description": "A row without elements goes on alone (the default), or is dropped." }
        },
        "required": ["field"],
        "additionalProperties": false
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of every stage")]
fn split(config: Config, rows: Vec<Object>) -> Result<Processed, Failure> {
    for (key, text) in [
        ("field", Some(&config.field)),
        ("separator", config.separator.as_ref()),
        ("index_field", config.index_field.as_ref()),
    ] {
        if text.is_some_and(String::is_empty) {
            return Err(Failure::misconfigured(format!("stage `{NAME}`: `config.{key}` is empty")));
        }
    }
    let mut processed = Processed::default();
    for (row, place) in rows.into_iter().zip(0..) {
        match config.split(row) {
            Ok(rows) => processed.rows.extend(rows),
            Err(message) => processed.refused.push(Refusal { row: place, rule: NAME.to_owned(), message }),
        }
    }
    Ok(processed)
}

impl Config {
    fn split(&self, mut header: Object) -> Result<Vec<Object>, String> {
        let elements = self.elements(take(&mut header, &self.field).unwrap_or_default())?;
        if elements.is_empty() {
            return Ok(match self.empty {
                Empty::Keep => vec![header],
                Empty::Drop => Vec::new(),
            });
        }
        elements.into_iter().zip(1_u64..).map(|(element, index)| self.row(header.clone(), element, index)).collect()
    }

    fn elements(&self, value: Value) -> Result<Vec<Value>, String> {
        match (value, &self.separator) {
            (empty, _) if is_empty(&empty) => Ok(Vec::new()),
            (Value::Array(elements), _) => Ok(elements),
            // What was XML once has an object where there is one element only.
            (single @ Value::Object(_), _) | (single @ Value::Number(_), Some(_)) => Ok(vec![single]),
            (Value::String(text), Some(separator)) => {
                let parts = text.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.map(Value::from).collect())
            }
            (other, None) => Err(format!("field `{}` is {}, not an array", self.field, kind(&other))),
            (other, Some(_)) => Err(format!("field `{}` is {}, neither an array nor a text", self.field, kind(&other))),
        }
    }

    fn row(&self, mut row: Object, element: Value, index: u64) -> Result<Object, String> {
        let mut put = |name: String, value: Value| match row.get(&name) {
            None => {
                row.insert(name, value);
                Ok(())
            }
            Some(_) => Err(format!("element {index} of `{}` has a `{name}`, and so has its row", self.field)),
        };
        match element {
            Value::Object(members) => {
                let usual = format!("{}_", self.field);
                let prefix = self.prefix.as_ref().unwrap_or(&usual);
                members.into_iter().try_for_each(|(name, value)| put(format!("{prefix}{name}"), value))?;
            }
            scalar => put(self.field.clone(), scalar)?,
        }
        if let Some(index_field) = &self.index_field {
            put(index_field.clone(), index.into())?;
        }
        Ok(row)
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

    fn split(config: Value, row: Value) -> String {
        let processed = process(NAME, &config, &json!([row])).unwrap();
        match processed.refused.first() {
            Some(refusal) => format!("! {}", refusal.message),
            None => Value::Array(processed.rows.into_iter().map(Value::Object).collect()).to_string(),
        }
    }

    #[test]
    fn one_row_per_element() {
        let order = json!({"no": "D1", "details": [{"id": 1, "qty": "2.00"}, {"id": 2}], "id": 9});
        let cases = [
            (
                json!({"field": "details"}),
                order.clone(),
                r#"[{"no":"D1","id":9,"details_id":1,"details_qty":"2.00"},{"no":"D1","id":9,"details_id":2}]"#,
            ),
            (
                json!({"field": "details", "prefix": "line.", "index_field": "line_no"}),
                order.clone(),
                r#"[{"no":"D1","id":9,"line.id":1,"line.qty":"2.00","line_no":1},{"no":"D1","id":9,"line.id":2,"line_no":2}]"#,
            ),
            (
                json!({"field": "details", "prefix": ""}),
                order.clone(),
                "! element 1 of `details` has a `id`, and so has its row",
            ),
            (
                json!({"field": "details", "index_field": "no"}),
                order,
                "! element 1 of `details` has a `no`, and so has its row",
            ),
            (
                json!({"field": "data.list"}),
                json!({"data": {"list": [{"a": 1}], "n": 1}}),
                r#"[{"data":{"n":1},"data.list_a":1}]"#,
            ),
            (
                json!({"field": "tags"}),
                json!({"no": 1, "tags": ["红", "XL"]}),
                r#"[{"no":1,"tags":"红"},{"no":1,"tags":"XL"}]"#,
            ),
            (json!({"field": "d"}), json!({"no": 1, "d": {"a": 1}}), r#"[{"no":1,"d_a":1}]"#),
            (
                json!({"field": "sns", "separator": ",", "index_field": "n"}),
                json!({"sns": "A1, A2,,A3"}),
                r#"[{"sns":"A1","n":1},{"sns":"A2","n":2},{"sns":"A3","n":3}]"#,
            ),
            (json!({"field": "sns", "separator": "，"}), json!({"sns": "甲，乙"}), r#"[{"sns":"甲"},{"sns":"乙"}]"#),
            (json!({"field": "sns", "separator": ","}), json!({"sns": 12}), r#"[{"sns":12}]"#),
            (json!({"field": "details"}), json!({"no": 1, "details": []}), r#"[{"no":1}]"#),
            (json!({"field": "details"}), json!({"no": 1, "details": ""}), r#"[{"no":1}]"#),
            (json!({"field": "details"}), json!({"no": 1}), r#"[{"no":1}]"#),
            (json!({"field": "details", "empty": "drop"}), json!({"no": 1, "details": null}), "[]"),
            (json!({"field": "details"}), json!({"details": "x"}), "! field `details` is a text, not an array"),
            (
                json!({"field": "a", "separator": ","}),
                json!({"a": true}),
                "! field `a` is a boolean, neither an array nor a text",
            ),
        ];
        for (config, row, expected) in cases {
            assert_eq!(split(config.clone(), row.clone()), expected, "{config} {row}");
        }
    }

    #[test]
    fn mistakes_in_the_settings() {
        for (config, message) in [
            (json!({}), "stage `split`: `config`: missing field `field`"),
            (json!({"field": ""}), "stage `split`: `config.field` is empty"),
            (json!({"field": "a", "separator": ""}), "stage `split`: `config.separator` is empty"),
            (
                json!({"field": "a", "empty": "x"}),
                "stage `split`: `config.empty`: unknown variant `x`, expected `keep` or `drop`",
            ),
        ] {
            assert_eq!(process(NAME, &config, &json!([])).unwrap_err().message, message);
        }
    }
}

//! The stage `drop-rows`: rows that meet every condition are not stored.

use std::cmp::Ordering;

use qiao_plugin::json::{is_empty, json};
use qiao_plugin::{Failure, Library, Object, Processed, Value};
use serde::Deserialize;

use super::fields::{equal, find, order};

pub(super) fn register(library: &mut Library<'_>) {
    library.stage("drop-rows", "Drops the rows that meet every condition under `when`.", config_schema, drop_rows);
}

/// The stage's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    when: Vec<Condition>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    field: String,
    logic: Logic,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Logic {
    Eq,
    Neq,
    Gt,
    Egt,
    Lt,
    Elt,
    In,
    #[serde(alias = "isnull")]
    Null,
    NotNull,
}

fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "when": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "field": { "type": "string", "description": "The field's name; a dotted path walks objects." },
                        "logic": { "enum": ["eq", "neq", "gt", "egt", "lt", "elt", "in", "null", "notnull"] },
                        "value": { "description": "What to compare with; for `in` an array, or text with commas." }
                    },
                    "required": ["field", "logic"],
                    "additionalProperties": false
                }
            }
        },
        "required": ["when"],
        "additionalProperties": false
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of every stage")]
fn drop_rows(config: Config, mut rows: Vec<Object>) -> Result<Processed, Failure> {
    if config.when.is_empty() {
        return Err(Failure::misconfigured("stage `drop-rows`: `config.when` is empty, and would drop every row"));
    }
    rows.retain(|row| !config.when.iter().all(|condition| condition.holds(row)));
    Ok(Processed { rows, refused: Vec::new() })
}

impl Condition {
    fn holds(&self, row: &Object) -> bool {
        let field = find(row, &self.field).unwrap_or(&Value::Null);
        match self.logic {
            Logic::Null => is_empty(field),
            Logic::NotNull => !is_empty(field),
            Logic::Eq => equal(field, &self.value),
            Logic::Neq => !equal(field, &self.value),
            Logic::In => self.members().iter().any(|member| equal(field, member)),
            Logic::Gt => self.orders(field, &[Ordering::Greater]),
            Logic::Egt => self.orders(field, &[Ordering::Greater, Ordering::Equal]),
            Logic::Lt => self.orders(field, &[Ordering::Less]),
            Logic::Elt => self.orders(field, &[Ordering::Less, Ordering::Equal]),
        }
    }

    fn orders(&self, field: &Value, wanted: &[Ordering]) -> bool {
        order(field, &self.value).is_some_and(|order| wanted.contains(&order))
    }

    fn members(&self) -> Vec<Value> {
        match &self.value {
            Value::Array(members) => members.clone(),
            Value::String(list) => list.split(',').map(|member| member.trim().into()).collect(),
            other => vec![other.clone()],
        }
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
    use super::*;

    fn dropped(condition: Value, row: Value) -> bool {
        let config = serde_json::from_value(json!({"when": [condition]})).unwrap();
        let rows = vec![serde_json::from_value(row).unwrap()];
        drop_rows(config, rows).unwrap().rows.is_empty()
    }

    #[test]
    fn a_condition_holds_or_not() {
        let cases = [
            ("eq", json!(0), json!("0.0000"), true),
            ("eq", json!("100"), json!("0100"), false),
            ("eq", json!("C"), json!("C"), true),
            ("eq", json!(""), json!(null), true),
            ("eq", json!(0), json!(null), false),
            ("eq", json!(true), json!(true), true),
            ("neq", json!(0), json!("1.0000"), true),
            ("neq", json!(0), json!(null), true),
            ("gt", json!("9"), json!("10.5"), true),
            ("gt", json!(9), json!(null), false),
            ("egt", json!(10.5), json!("10.50"), true),
            ("lt", json!("2026-01-02"), json!("2026-01-01 23:59:59"), true),
            ("elt", json!(0), json!(-0.01), true),
            ("in", json!(["A", "B"]), json!("B"), true),
            ("in", json!("10, 20"), json!(20), true),
            ("in", json!("10,20"), json!("2"), false),
            ("null", json!(null), json!(""), true),
            ("null", json!(null), json!(0), false),
            ("notnull", json!(null), json!("x"), true),
        ];
        for (logic, value, field, expected) in cases {
            let condition = json!({"field": "f", "logic": logic, "value": value});
            let row = json!({"f": field});
            assert_eq!(dropped(condition, row), expected, "{field} {logic} {value}");
        }
    }

    #[test]
    fn a_path_is_tried_literally_first() {
        let condition = |field: &str| json!({"field": field, "logic": "eq", "value": 1});
        assert!(dropped(condition("a.b"), json!({"a.b": 1})));
        assert!(dropped(condition("a.b.c"), json!({"a.b": {"c": 1}})));
        assert!(dropped(condition("a.b.c"), json!({"a": {"b": {"c": 1}}})));
        assert!(!dropped(condition("a.b"), json!({"a": 1})));
    }

    #[test]
    fn all_conditions_must_hold_and_no_condition_is_a_mistake() {
        let config = json!({"when": [
            {"field": "qty", "logic": "eq", "value": 0},
            {"field": "note", "logic": "null"}
        ]});
        let rows: Vec<Object> = serde_json::from_value(json!([
            {"id": 1, "qty": "0.00"}, {"id": 2, "qty": 0, "note": "赠品"}, {"id": 3, "qty": 5}
        ]))
        .unwrap();
        let kept = drop_rows(serde_json::from_value(config).unwrap(), rows).unwrap();
        let ids: Vec<String> = kept.rows.iter().map(|row| row["id"].to_string()).collect();
        assert_eq!(ids, ["2", "3"]);

        let nothing = serde_json::from_value(json!({"when": []})).unwrap();
        assert!(drop_rows(nothing, vec![]).is_err());
    }
}

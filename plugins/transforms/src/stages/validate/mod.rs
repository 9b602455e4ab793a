//! The stage `validate`: rows that break a rule are set aside, with the rule's name and a message for a person.
//!
//! The settings are read in full before the first row is looked at, and each table is asked once for all rows of the page. Of the rules
//! that a row breaks the first is told: the order of the rules is the order in which a person would mend them. An empty value breaks
//! nothing but `required`, so that optional fields stay optional.

mod check;
mod settings;

use qiao_plugin::{Context, Failure, Library, Object, Processed, Refusal};

use self::settings::{Config, Rule};
use super::fields::every;
use crate::tables::Tables;

const NAME: &str = "validate";

pub(super) fn register(library: &mut Library<'_>) {
    library.stage(
        NAME,
        "Sets rows aside that break a rule: required, pattern, range, length, list, table.",
        settings::config_schema,
        |context: &Context, config: Config, rows: Vec<Object>| validate(context, config, rows, Tables::of_the_host()),
    );
}

fn validate(context: &Context, config: Config, rows: Vec<Object>, tables: Tables<'_>) -> Result<Processed, Failure> {
    let mut rules = config.rules(context)?;
    for rule in &mut rules {
        rule.look_up(&rows, tables)?;
    }
    let mut processed = Processed::default();
    for (row, place) in rows.into_iter().zip(0..) {
        match rules.iter().find_map(|rule| Some((rule, rule.broken_by(&row)?))) {
            None => processed.rows.push(row),
            Some((rule, message)) => {
                processed.refused.push(Refusal { row: place, rule: rule.name.clone(), message });
            }
        }
    }
    Ok(processed)
}

impl Rule {
    /// What is wrong with the row.
    fn broken_by(&self, row: &Object) -> Option<String> {
        every(row, &self.field).into_iter().find_map(|occurrence| {
            let wrong = self.checks.iter().find_map(|check| check.broken_by(occurrence.value))?;
            let lines: Vec<String> = occurrence.lines.iter().map(ToString::to_string).collect();
            let line = if lines.is_empty() { String::new() } else { format!(" (line {})", lines.join(".")) };
            Some(format!("field `{}`{line} {wrong}", self.field))
        })
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
    use std::cell::RefCell;

    use qiao_plugin::Value;
    use qiao_plugin::json::{self, json};

    use super::*;

    fn columns(table: &str) -> Result<Vec<String>, Failure> {
        match table {
            "material_code" => Ok(vec!["erp".into(), "crm".into()]),
            other => Err(Failure::misconfigured(format!("there is no table `{other}`")).hint("it has: material_code")),
        }
    }

    fn run(rules: &Value, rows: &Value) -> Result<(Processed, Vec<String>), Failure> {
        let asked = RefCell::new(Vec::new());
        let lookup = |table: &str, keys: &[String]| {
            asked.borrow_mut().push(format!("{table}: {}", keys.join(" ")));
            let row = |key: &String| match key.as_str() {
                "MAT-1" => json!({"erp": "MAT-1", "crm": "P-1"}).as_object().cloned(),
                "42" => json!({"erp": "42", "crm": ""}).as_object().cloned(),
                _ => None,
            };
            Ok(keys.iter().map(row).collect())
        };
        let config: Config = json::read("config", &json!({"rules": rules}))
            .map_err(|misfit| Failure::misconfigured(format!("stage `validate`: {misfit}")))?;
        let rows = serde_json::from_value(rows.clone()).unwrap();
        let tables = Tables { columns: &columns, lookup: &lookup };
        let processed = validate(&Context::default(), config, rows, tables)?;
        Ok((processed, asked.into_inner()))
    }

    /// What one rule says of one value of the field `f`.
    fn said(rule: &Value, value: &Value) -> String {
        let mut rule = rule.clone();
        rule["field"] = json!("f");
        let (processed, _) = run(&json!([rule]), &json!([{"f": value}])).unwrap();
        match processed.refused.as_slice() {
            [] => "fine".to_owned(),
            [refusal] => refusal.message.strip_prefix("field `f` ").unwrap_or(&refusal.message).to_owned(),
            more => panic!("{more:?}"),
        }
    }

    #[test]
    fn rules() {
        let cases = [
            (json!({"required": true}), json!("x"), "fine"),
            (json!({"required": true}), json!(0), "fine"),
            (json!({"required": true}), json!(""), "is empty"),
            (json!({"required": true}), json!(" \u{3000}"), "is empty"),
            (json!({"required": true}), json!(null), "is empty"),
            (json!({"required": true}), json!([]), "is empty"),
            (json!({"pattern": r"[A-Z]{3}-\d+"}), json!("MAT-001"), "fine"),
            (
                json!({"pattern": r"[A-Z]{3}-\d+"}),
                json!("XMAT-001"),
                r"is `XMAT-001`, which does not match `[A-Z]{3}-\d+`",
            ),
            (json!({"pattern": "a|b"}), json!("ab"), "is `ab`, which does not match `a|b`"),
            (json!({"pattern": r"1\d{10}"}), json!(13_800_138_000_i64), "fine"),
            (json!({"pattern": r"\p{Han}+"}), json!("桥"), "fine"),
            (json!({"pattern": "x"}), json!(null), "fine"),
            (json!({"pattern": "x"}), json!({"a": 1}), r#"is an object, not a text: `{"a":1}`"#),
            (json!({"min": 0.01}), json!("0.01"), "fine"),
            (json!({"min": 0.01}), json!("0.00"), "is `0.00`, less than 0.01"),
            (json!({"min": "0"}), json!(-1), "is `-1`, less than 0"),
            (json!({"max": 100}), json!("100.0000"), "fine"),
            (json!({"max": 100}), json!("1,000.50"), "is `1,000.50`, more than 100"),
            (json!({"max": 100}), json!("abc"), "is `abc`, no number"),
            (json!({"max": 100}), json!(""), "fine"),
            (json!({"min": "2026-01-01"}), json!("2026-01-01T00:00:00"), "fine"),
            (json!({"min": "2026-01-01"}), json!("2025/12/31"), "is `2025/12/31`, before 2026-01-01"),
            (json!({"max": "2026-12-31"}), json!("2026-12-31 23:59:59"), "fine"),
            (
                json!({"max": "2026-12-31 12:00:00"}),
                json!("2026-12-31 23:59:59"),
                "is `2026-12-31 23:59:59`, after 2026-12-31 12:00:00",
            ),
            (json!({"max": "2026-11-01"}), json!(1_793_548_800), "is `1793548800`, after 2026-11-01"),
            (json!({"max": "2026-11-01"}), json!("soon"), "is `soon`, no date"),
            (json!({"max_length": 3}), json!("金蝶云"), "fine"),
            (json!({"max_length": 3}), json!("金蝶云星空"), "is `金蝶云星空`, 5 characters long, more than 3"),
            (json!({"min_length": 6}), json!(123), "is `123`, 3 characters long, less than 6"),
            (json!({"one_of": ["A", "B", 90]}), json!("90.0"), "fine"),
            (json!({"one_of": ["A", "B", 90]}), json!("C"), "is `C`, none of A, B, 90"),
            (json!({"in_table": "material_code"}), json!("MAT-1"), "fine"),
            (json!({"in_table": "material_code"}), json!(42), "fine"),
            (json!({"in_table": "material_code"}), json!(null), "fine"),
            (json!({"in_table": "material_code"}), json!("MAT-9"), "is `MAT-9`, which is not in table `material_code`"),
            (json!({"in_table": "material_code", "column": "crm"}), json!("MAT-1"), "fine"),
            (
                json!({"in_table": "material_code", "column": "crm"}),
                json!(42),
                "is `42`, for which column `crm` of table `material_code` is empty",
            ),
            (json!({"required": true, "max_length": 1}), json!("ab"), "is `ab`, 2 characters long, more than 1"),
        ];
        for (rule, value, expected) in cases {
            assert_eq!(said(&rule, &value), expected, "{rule} {value}");
        }
    }

    #[test]
    fn the_first_broken_rule_is_told_with_its_name() {
        let rules = json!([
            {"name": "数量为正", "field": "items.qty", "min": 1},
            {"field": "no", "required": true},
            {"field": "items.sku", "required": true, "in_table": "material_code"}
        ]);
        let rows = json!([
            {"no": "D1", "items": [{"qty": "1.0", "sku": "MAT-1"}, {"qty": 2, "sku": "42"}]},
            {"no": "", "items": [{"qty": 3, "sku": "MAT-1"}, {"qty": 0, "sku": "MAT-9"}]},
            {"items": []},
            {"no": "D4", "items": [{"qty": 1, "sku": "MAT-1"}, {"qty": 1}]},
            {"no": "D5", "items": [{"qty": 1, "sku": "MAT-9"}]}
        ]);
        let (processed, asked) = run(&rules, &rows).unwrap();
        let refused: Vec<String> = processed
            .refused
            .iter()
            .map(|refusal| format!("{} {}: {}", refusal.row, refusal.rule, refusal.message))
            .collect();
        assert_eq!(
            refused,
            [
                "1 数量为正: field `items.qty` (line 2) is `0`, less than 1",
                "2 no: field `no` is empty",
                "3 items.sku: field `items.sku` (line 2) is empty",
                "4 items.sku: field `items.sku` (line 1) is `MAT-9`, which is not in table `material_code`",
            ]
        );
        assert_eq!(processed.rows.len(), 1);
        assert_eq!(asked, ["material_code: 42 MAT-1 MAT-9"]);
    }

    #[test]
    fn mistakes_in_the_settings() {
        let cases = [
            (json!([]), "stage `validate`: `config.rules` is empty"),
            (json!([{"field": "a"}]), "stage `validate`: `config.rules[0]` checks nothing"),
            (json!([{"field": "", "required": true}]), "stage `validate`: `config.rules[0].field` is empty"),
            (
                json!([{"field": "a", "required": true}, {"field": "b", "pattern": "(x"}]),
                "stage `validate`: `config.rules[1].pattern`: `(x` is no regular expression: unclosed group",
            ),
            (
                json!([{"field": "a", "min": "many"}]),
                "stage `validate`: `config.rules[0].min`: `many` is neither a number nor a date",
            ),
            (
                json!([{"field": "a", "max": true}]),
                "stage `validate`: `config.rules[0].max`: `true` is neither a number nor a date",
            ),
            (json!([{"field": "a", "one_of": []}]), "stage `validate`: `config.rules[0].one_of` is empty"),
            (
                json!([{"field": "a", "column": "x", "required": true}]),
                "stage `validate`: `config.rules[0].column` needs `in_table`",
            ),
            (
                json!([{"field": "a", "in_table": "none"}]),
                "stage `validate`: `config.rules[0].in_table`: there is no table `none`",
            ),
            (
                json!([{"field": "a", "in_table": "material_code", "column": "x"}]),
                "stage `validate`: `config.rules[0].column`: table `material_code` has no column `x`; it has: erp, crm",
            ),
            (
                json!([{"field": "a", "max_length": -1}]),
                "stage `validate`: `config.rules[0].max_length`: invalid number",
            ),
            (
                json!([{"field": "a", "lenght": 1}]),
                "stage `validate`: `config.rules[0].lenght`: unknown field `lenght`, expected one of",
            ),
        ];
        for (rules, message) in cases {
            // No rows: what is wrong with the settings shows on the first page, whatever it holds.
            let failure = run(&rules, &json!([])).unwrap_err();
            assert!(failure.message.starts_with(message), "{}", failure.message);
        }
    }
}

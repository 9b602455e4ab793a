//! The stage `deduplicate`: of rows that agree in some fields, one goes on.
//!
//! Within one page: a stage does not see the others. Rows that agree over pages are told apart, or not, by the source's `id`.

use std::collections::HashSet;

use qiao_plugin::json::{is_empty, json, text};
use qiao_plugin::{Failure, Library, Object, Processed, Value};
use serde::Deserialize;

use super::fields::find;

const NAME: &str = "deduplicate";

pub(super) fn register(library: &mut Library<'_>) {
    library.stage(
        NAME,
        "Keeps one of the rows of a page that agree in the fields under `by`.",
        config_schema,
        deduplicate,
    );
}

/// The stage's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    by: Vec<String>,
    #[serde(default)]
    keep: Keep,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Keep {
    #[default]
    First,
    Last,
}

fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "by": {
                "type": "array",
                "minItems": 1,
                "items": { "type": "string", "minLength": 1 },
                "description": "The fields; a dotted path walks objects. A row in which all are empty is like no other."
            },
            "keep": { "enum": ["first", "last"], "description": "Which of them goes on. Default first." }
        },
        "required": ["by"],
        "additionalProperties": false
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of every stage")]
fn deduplicate(config: Config, mut rows: Vec<Object>) -> Result<Processed, Failure> {
    if config.by.is_empty() {
        return Err(Failure::misconfigured(format!("stage `{NAME}`: `config.by` is empty")));
    }
    let mut seen = HashSet::new();
    let mut is_first = |row: &Object| key(row, &config.by).is_none_or(|key| seen.insert(key));
    if config.keep == Keep::Last {
        rows.reverse();
    }
    rows.retain(&mut is_first);
    if config.keep == Keep::Last {
        rows.reverse();
    }
    Ok(Processed { rows, refused: Vec::new() })
}

/// The fields' texts: a number and the text that spells it letter by letter are the same.
fn key(row: &Object, by: &[String]) -> Option<Vec<String>> {
    let values = by.iter().map(|field| find(row, field).filter(|value| !is_empty(value)));
    let texts = values.map(|value| value.map(|value| text(value).map_or_else(|| value.to_string(), Into::into)));
    let texts: Vec<Option<String>> = texts.collect();
    if texts.iter().all(Option::is_none) {
        return None;
    }
    Some(texts.into_iter().map(Option::unwrap_or_default).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use crate::testing::process;

    use super::*;

    /// The numbers `n` of the rows that go on.
    fn kept(config: &Value) -> Vec<String> {
        let rows = json!([
            {"n": 1, "no": "D1", "line": 1, "客户": {"编码": "C1"}},
            {"n": 2, "no": "D1", "line": "1", "客户": {"编码": "C2"}},
            {"n": 3, "no": "D1", "line": 2, "客户": {"编码": "C1"}},
            {"n": 4, "no": "", "line": null},
            {"n": 5, "line": null},
            {"n": 6, "no": "D1", "line": 1},
            {"n": 7, "no": "D11", "line": ""},
            {"n": 8, "no": "D1", "line": "1.0"}
        ]);
        let processed = process(NAME, config, &rows).unwrap();
        processed.rows.iter().map(|row| row["n"].to_string()).collect()
    }

    #[test]
    fn one_row_of_each_key_goes_on() {
        assert_eq!(kept(&json!({"by": ["no", "line"]})), ["1", "3", "4", "5", "7", "8"]);
        assert_eq!(kept(&json!({"by": ["no", "line"], "keep": "last"})), ["3", "4", "5", "6", "7", "8"]);
        assert_eq!(kept(&json!({"by": ["no"]})), ["1", "4", "5", "7"]);
        assert_eq!(kept(&json!({"by": ["客户.编码"]})), ["1", "2", "4", "5", "6", "7", "8"]);
        assert_eq!(kept(&json!({"by": ["typo"]})).len(), 8);
    }

    #[test]
    fn mistakes_in_the_settings() {
        for (config, message) in [
            (json!({"by": []}), "stage `deduplicate`: `config.by` is empty"),
            (json!({"by": ["a", 1]}), "stage `deduplicate`: `config.by[1]`: invalid type: number, expected a string"),
            (
                json!({"by": ["a"], "keep": "all"}),
                "stage `deduplicate`: `config.keep`: unknown variant `all`, expected `first` or `last`",
            ),
        ] {
            assert_eq!(process(NAME, &config, &json!([])).unwrap_err().message, message);
        }
    }
}

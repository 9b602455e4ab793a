//! Which side's metadata it is, where nobody says: a piece that was copied from somewhere.

use serde_json::{Map, Value};

use super::error::Side;
use super::load::says_nothing;
use super::template::Template;
use super::value::index_text;
use super::variable::Variable;

/// Keys that one side alone has.
const OF_ONE_SIDE: [(&str, Side); 7] = [
    ("condition", Side::Source),
    ("beatFlat", Side::Source),
    ("formatResponse", Side::Source),
    ("pagination", Side::Source),
    ("omissionRemedy", Side::Source),
    ("operation", Side::Target),
    ("callBackStrategy", Side::Target),
];

/// What the operations of either side are called, in part.
const WORDS: [(&str, Side); 13] = [
    ("query", Side::Source),
    ("search", Side::Source),
    ("list", Side::Source),
    ("get", Side::Source),
    ("push", Side::Target),
    ("save", Side::Target),
    ("create", Side::Target),
    ("update", Side::Target),
    ("insert", Side::Target),
    ("submit", Side::Target),
    ("audit", Side::Target),
    ("upload", Side::Target),
    ("add", Side::Target),
];

/// The side that metadata is for, and what tells so.
pub fn guess_side(metadata: &Value) -> (Side, String) {
    let nothing = Map::new();
    let keys = metadata.as_object().unwrap_or(&nothing);
    by_effect(keys)
        .or_else(|| by_keys(keys))
        .or_else(|| by_names(keys))
        .or_else(|| by_api(keys))
        .unwrap_or_else(|| (Side::Source, "nothing tells which it is".to_owned()))
}

fn by_effect(keys: &Map<String, Value>) -> Option<(Side, String)> {
    ["effect", "type"].into_iter().find_map(|key| {
        let written = index_text(keys.get(key)?).trim().to_ascii_uppercase();
        let side = match written.as_str() {
            "QUERY" => Side::Source,
            "EXECUTE" | "WRITE" | "CREATE" | "UPDATE" => Side::Target,
            _ => return None,
        };
        Some((side, format!("`{key}` is `{written}`")))
    })
}

fn by_keys(keys: &Map<String, Value>) -> Option<(Side, String)> {
    let key_of = |wanted: Side| {
        let written = |key: &str| keys.get(key).is_some_and(|value| !says_nothing(value));
        OF_ONE_SIDE.iter().find(|(key, side)| *side == wanted && written(key)).map(|(key, _)| *key)
    };
    match (key_of(Side::Source), key_of(Side::Target)) {
        (Some(key), None) => Some((Side::Source, format!("it has `{key}`, which is a source's"))),
        (None, Some(key)) => Some((Side::Target, format!("it has `{key}`, which is a target's"))),
        (None, None) => None,
        // One of them is at the wrong place: what the values name decides.
        (Some(of_source), Some(of_target)) => {
            let (side, because) = by_names(keys).unwrap_or((Side::Target, "it maps nothing".to_owned()));
            let both = format!("it has `{of_source}`, which is a source's, and `{of_target}`, which is a target's");
            Some((side, format!("{both}; {because}")))
        }
    }
}

/// A mapping names fields of rows; a request has variables and nothing else.
fn by_names(keys: &Map<String, Value>) -> Option<(Side, String)> {
    let mut names = Vec::new();
    values(keys.get("request")?, &mut names);
    if let Some(field) = names.iter().find(|name| Variable::parse(name).is_none()) {
        return Some((Side::Target, format!("its request names the field `{field}` of a row")));
    }
    let variable = names.first()?;
    Some((Side::Source, format!("its request names `{variable}`, and no field of a row")))
}

/// The names in the values of items.
fn values(items: &Value, names: &mut Vec<String>) {
    match items {
        Value::Array(items) => items.iter().for_each(|item| values(item, names)),
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "value" => {
                        let template = Template::parse(text).ok();
                        let placeholders = template.iter().flat_map(Template::placeholders);
                        names.extend(placeholders.map(|placeholder| placeholder.name.clone()));
                    }
                    nested => values(nested, names),
                }
            }
        }
        _ => {}
    }
}

fn by_api(keys: &Map<String, Value>) -> Option<(Side, String)> {
    let api = keys.get("api")?.as_str()?;
    let lower = api.to_lowercase();
    let (_, side) = WORDS.iter().find(|(word, _)| lower.contains(word))?;
    let does = if *side == Side::Source { "reads" } else { "writes" };
    Some((*side, format!("`{api}` sounds as if it {does}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn the_side_is_told_by_what_is_written() {
        for (metadata, side, because) in [
            (json!({"effect": "QUERY", "operation": {"method": "merge"}}), Side::Source, "`effect` is `QUERY`"),
            (json!({"type": "execute", "api": "x.query"}), Side::Target, "`type` is `EXECUTE`"),
            (json!({"type": "?", "beatFlat": ["a"]}), Side::Source, "it has `beatFlat`, which is a source's"),
            (
                json!({"condition": [[]], "operation": {"method": "none"}}),
                Side::Target,
                "it has `operation`, which is a target's",
            ),
            (
                json!({"condition": [[{"field": "a"}]], "operation": {"method": "none", "rows": 5},
                    "request": [{"field": "a", "value": "{{单号}}"}]}),
                Side::Target,
                "it has `condition`, which is a source's, and `operation`, which is a target's; its request names the field `单号` of a row",
            ),
            (
                json!({"request": [{"field": "a", "label": "{x}", "value": "{{单号}}"}]}),
                Side::Target,
                "its request names the field `单号` of a row",
            ),
            (
                json!({"request": {"a": {"value": "{{LAST_SYNC_TIME|date}}"}}}),
                Side::Source,
                "its request names `LAST_SYNC_TIME`, and no field of a row",
            ),
            (json!({"api": "/v1/order/push"}), Side::Target, "`/v1/order/push` sounds as if it writes"),
            (json!({"api": "wdt.refund.query"}), Side::Source, "`wdt.refund.query` sounds as if it reads"),
            (json!({"api": "x"}), Side::Source, "nothing tells which it is"),
            (json!([1]), Side::Source, "nothing tells which it is"),
        ] {
            assert_eq!(guess_side(&metadata), (side, because.to_owned()), "{metadata}");
        }
    }
}

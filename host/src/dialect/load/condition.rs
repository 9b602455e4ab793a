//! Reading `condition`.

use serde_json::{Map, Value};

use super::super::condition::{Check, Condition, Group, Operand, Order, Test};
use super::super::finding::{element, listed, member, nearest};
use super::super::name;
use super::super::template::Template;
use super::super::value::index_text;
use super::{Loader, says_nothing};

const KEYS: [&str; 4] = ["field", "logic", "value", "strictMode"];

const LOGICS: [&str; 16] = [
    "eq", "eqv2", "neq", "neqv2", "gt", "egt", "lt", "elt", "like", "notlike", "in", "notin", "between", "isnull",
    "notnull", "null",
];

/// What other systems call a logic.
const ELSEWHERE: [(&str, &str); 12] = [
    ("equal", "eq"),
    ("equals", "eq"),
    ("ne", "neq"),
    ("gte", "egt"),
    ("ge", "egt"),
    ("lte", "elt"),
    ("le", "elt"),
    ("nin", "notin"),
    ("not_in", "notin"),
    ("contains", "like"),
    ("isnotnull", "notnull"),
    ("not_null", "notnull"),
];

impl Loader<'_> {
    /// The condition of a source; without one every row is kept.
    pub(in super::super) fn condition(&mut self, value: Option<&Value>) -> Condition {
        const HINT: &str = "write `[[{\"field\": …, \"logic\": \"eq\", \"value\": …}]]`: the outer array is an or, the inner one an and";
        let Some(value) = value.filter(|value| !says_nothing(value)) else {
            return Condition::default();
        };
        let Value::Array(groups) = value else {
            self.findings.error("$.condition", value, "`condition` is no array", HINT.to_owned());
            return Condition::default();
        };
        let mut read = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            let path = element("$.condition", index);
            let Value::Array(tests) = group else {
                self.findings.error(&path, group, "a group of conditions is no array", HINT.to_owned());
                continue;
            };
            if tests.is_empty() {
                self.findings.warning(&path, group, "a group without conditions is passed over", None);
                continue;
            }
            let mut group = Group::default();
            for (index, test) in tests.iter().enumerate() {
                group.tests.extend(self.test(&element(&path, index), test));
            }
            read.push(group);
        }
        Condition { groups: read }
    }

    fn test(&mut self, path: &str, value: &Value) -> Option<Test> {
        let Value::Object(keys) = value else {
            let hint = "write `{\"field\": …, \"logic\": …, \"value\": …}`".to_owned();
            self.findings.error(path, value, "a condition is no object", hint);
            return None;
        };
        for (key, value) in keys {
            if !KEYS.contains(&key.as_str()) {
                self.findings.unknown_key(path, key, value, &KEYS);
            }
        }
        let strict = self.flag(path, keys, "strictMode").unwrap_or(false);
        let check = self.check(path, keys, value);
        let Some(field) = keys.get("field").and_then(Value::as_str).map(str::trim).filter(|field| !field.is_empty())
        else {
            let hint = "name the field of the fetched row that decides".to_owned();
            self.findings.error(path, value, "a condition has no `field`", hint);
            return None;
        };
        self.tested_field(&member(path, "field"), field);
        Some(Test { field: field.to_owned(), check: check?, strict, after_flattening: self.is_flattened(field) })
    }

    fn check(&mut self, path: &str, keys: &Map<String, Value>, whole: &Value) -> Option<Check> {
        let at = member(path, "logic");
        let Some(written) = keys.get("logic").filter(|logic| !says_nothing(logic)) else {
            self.findings.error(path, whole, "a condition has no `logic`", format!("logics: {}", listed(&LOGICS)));
            return None;
        };
        let name = index_text(written).trim().to_ascii_lowercase();
        let (logic, loose) = name.strip_suffix("v2").map_or((name.as_str(), false), |logic| (logic, true));
        let order = |order| Shape::Ordered(order);
        let shape = match logic {
            "eq" => Shape::Equal { negated: false },
            "neq" => Shape::Equal { negated: true },
            "in" => Shape::OneOf { negated: false },
            "notin" => Shape::OneOf { negated: true },
            "gt" => order(Order::More),
            "egt" => order(Order::MoreOrEqual),
            "lt" => order(Order::Less),
            "elt" => order(Order::LessOrEqual),
            "like" => Shape::Contains { negated: false },
            "notlike" => Shape::Contains { negated: true },
            "between" => Shape::Between,
            "null" | "isnull" => return Some(Check::Empty { negated: false }),
            "notnull" => return Some(Check::Empty { negated: true }),
            _ => {
                let near = ELSEWHERE.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours);
                let hint = near
                    .or_else(|| nearest(&name, LOGICS))
                    .map_or_else(|| format!("logics: {}", listed(&LOGICS)), |near| format!("did you mean `{near}`?"));
                self.findings.error(&at, written, format!("logic `{name}` is unknown"), hint);
                return None;
            }
        };
        let value = keys.get("value").unwrap_or(&Value::Null);
        self.compared(&member(path, "value"), value, shape, loose)
    }

    fn compared(&mut self, path: &str, value: &Value, shape: Shape, loose: bool) -> Option<Check> {
        let texts = self.texts(path, value, matches!(shape, Shape::OneOf { .. } | Shape::Between))?;
        if let Shape::Contains { negated } = shape {
            let part = texts.into_iter().next().unwrap_or_default();
            if part.contains('%') {
                let hint = "write the text that the value contains, and nothing else".to_owned();
                self.findings.warning(path, value, "`%` is no wildcard here: it is looked for as it stands", hint);
            }
            if part.is_empty() {
                self.findings.error(path, value, "every text contains the empty text", None);
                return None;
            }
            return Some(Check::Contains { part, negated });
        }
        let mut operands = Vec::with_capacity(texts.len());
        for text in &texts {
            let Some(operand) = Operand::read(text, &self.options.time_zone) else {
                let hint = "`timestamp:` takes Unix seconds or milliseconds: `timestamp:1704067200`".to_owned();
                self.findings.error(path, value, format!("`{text}` is no time"), hint);
                return None;
            };
            operands.push(operand);
        }
        match (shape, operands.as_slice()) {
            (Shape::Equal { negated } | Shape::OneOf { negated }, _) => {
                Some(Check::OneOf { wanted: operands, loose, negated })
            }
            (Shape::Ordered(order), [than]) if !texts.iter().all(|text| text.trim().is_empty()) => {
                Some(Check::Ordered { order, than: than.clone() })
            }
            (Shape::Between, [low, high]) => Some(Check::Between { low: low.clone(), high: high.clone() }),
            (Shape::Between, _) => {
                let hint = "write both ends, which belong to it: `\"1000,50000\"`".to_owned();
                self.findings.error(path, value, "`between` takes two values", hint);
                None
            }
            _ => {
                let hint = "give the number, the text or the time to compare with".to_owned();
                self.findings.error(path, value, "there is no value to compare with", hint);
                None
            }
        }
    }

    /// What a condition compares with, as texts; of a list each.
    fn texts(&mut self, path: &str, value: &Value, is_list: bool) -> Option<Vec<String>> {
        let texts = match value {
            Value::Array(list) if is_list => list.iter().map(index_text).collect(),
            Value::Array(_) | Value::Object(_) => {
                let hint =
                    "compare with a text, a number or a time; `in`, `notin` and `between` take several".to_owned();
                self.findings.error(path, value, "a condition cannot compare with this", hint);
                return None;
            }
            single if is_list => index_text(single).split(',').map(|text| text.trim().to_owned()).collect(),
            single => vec![index_text(single)],
        };
        let has_placeholder =
            |text: &String| Template::parse(text).map_or(true, |template| template.fillings().next().is_some());
        if texts.iter().any(has_placeholder) {
            let hint = "a window of time belongs into the source's `request`".to_owned();
            self.findings.error(path, value, "a condition compares with a constant, not with a placeholder", hint);
            return None;
        }
        Some(texts)
    }

    /// A name that nothing feeds, or that has its value too late.
    fn tested_field(&mut self, path: &str, field: &str) {
        let written = Value::from(field);
        let is_column = |columns: &Map<String, Value>| name::exact(columns, field).is_some();
        if self.computed.iter().any(|computed| computed.name.as_ref() == field)
            && !self.columns.as_ref().is_some_and(is_column)
        {
            let hint = "test the columns that it is computed from".to_owned();
            let message =
                format!("`{field}` is computed when a bill is mapped; a condition sees rows as they are fetched");
            self.findings.error(path, &written, message, hint);
            return;
        }
        self.named_column(path, field, "the condition sees it empty");
    }

    /// A column that the request does not have is most likely misspelt.
    pub(super) fn named_column(&mut self, path: &str, field: &str, so: &str) {
        self.mentioned.fields.push(field.to_owned());
        let Some(columns) = self.columns.as_ref().filter(|columns| name::field(columns, field).is_none()) else {
            return;
        };
        let hint = nearest(field, columns.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        let message = format!("the request has no column `{field}`: {so}");
        self.findings.warning(path, &Value::from(field), message, hint);
    }
}

/// What a logic does with its value.
#[derive(Clone, Copy)]
enum Shape {
    Equal { negated: bool },
    OneOf { negated: bool },
    Ordered(Order),
    Contains { negated: bool },
    Between,
}

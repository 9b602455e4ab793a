//! Reading `groupCalculate`.

use serde_json::{Map, Value};

use super::super::finding::{element, listed, member, nearest};
use super::super::group::{Calculated, Gather, GroupCalculate};
use super::super::value::index_text;
use super::{Loader, says_nothing};

const PATH: &str = "$.groupCalculate";

const KEYS: [&str; 6] = ["headerGroup", "bodyGroup", "bodyName", "targetBodyName", "bodyMaxLine", "calculate"];

/// The array of lines, where the metadata does not name it.
const LINES: &str = "details";

impl Loader<'_> {
    /// How rows are regrouped; `None` where they are not, or what is wrong has been said.
    pub(in super::super) fn group_calculate(&mut self, value: Option<&Value>) -> Option<GroupCalculate> {
        let value = value.filter(|value| !says_nothing(value))?;
        let Value::Object(keys) = value else {
            let hint =
                "write `{\"headerGroup\": […], \"bodyGroup\": […], \"calculate\": {\"qty\": \"$sum\"}}`".to_owned();
            self.findings.error(PATH, value, "`groupCalculate` is no object", hint);
            return None;
        };
        for (key, value) in keys {
            if !KEYS.contains(&key.as_str()) {
                self.findings.unknown_key(PATH, key, value, &KEYS);
            }
        }
        let header = self.fields(keys, "headerGroup")?;
        if header.is_empty() {
            let hint = "name the fields that the rows of one bill have in common".to_owned();
            self.findings.error(&member(PATH, "headerGroup"), value, "`groupCalculate` has no `headerGroup`", hint);
            return None;
        }
        let body = self.fields(keys, "bodyGroup")?;
        let text = |key: &str| {
            let text = keys.get(key).map(index_text).unwrap_or_default().trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let rows_name = text("bodyName");
        let group = GroupCalculate {
            origin: self.origin(&member(PATH, "headerGroup"), &Value::from(header.join(", "))),
            header,
            body,
            lines_name: text("targetBodyName").or_else(|| rows_name.clone()).unwrap_or_else(|| LINES.to_owned()),
            rows_name,
            most_lines: self.most_lines(keys),
            calculate: self.calculated(keys)?,
        };
        self.mentioned.fields.extend(group.reads().map(str::to_owned));
        for field in group.reads() {
            // Fields of an array's elements are not known here.
            if group.rows_name.is_none() {
                self.named_column(PATH, field, "it is grouped, or computed, as empty");
            }
        }
        Some(group)
    }

    fn fields(&mut self, keys: &Map<String, Value>, key: &str) -> Option<Vec<String>> {
        let path = member(PATH, key);
        let names = match keys.get(key).filter(|value| !says_nothing(value)) {
            None => return Some(Vec::new()),
            Some(Value::Array(names)) => names.clone(),
            Some(Value::String(names)) => names.split(',').map(Value::from).collect(),
            Some(other) => vec![other.clone()],
        };
        let mut fields = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            // `{{field}}` is what people write everywhere else.
            let bare = name.as_str().map(|name| name.trim().trim_start_matches('{').trim_end_matches('}').trim());
            match bare {
                Some(field) if !field.is_empty() && !field.contains(['{', '}']) => fields.push(field.to_owned()),
                _ => {
                    let hint = "write the names of fields: `[\"shop_no\", \"consign_time\"]`".to_owned();
                    self.findings.error(&element(&path, index), name, format!("`{key}` names no field here"), hint);
                    return None;
                }
            }
        }
        Some(fields)
    }

    fn most_lines(&mut self, keys: &Map<String, Value>) -> Option<usize> {
        let value = keys.get("bodyMaxLine").filter(|value| !says_nothing(value))?;
        let Ok(most) = index_text(value).trim().parse::<usize>() else {
            let path = member(PATH, "bodyMaxLine");
            self.findings.error(&path, value, "`bodyMaxLine` is no whole number", "for example 100".to_owned());
            return None;
        };
        // 0 says that there is no limit.
        (most > 0).then_some(most)
    }

    fn calculated(&mut self, keys: &Map<String, Value>) -> Option<Vec<Calculated>> {
        let path = member(PATH, "calculate");
        let Some(value) = keys.get("calculate").filter(|value| !says_nothing(value)) else {
            return Some(Vec::new());
        };
        let Value::Object(fields) = value else {
            self.findings.error(&path, value, "`calculate` is no object", "write `{\"qty\": \"$sum\"}`".to_owned());
            return None;
        };
        let mut calculated = Vec::with_capacity(fields.len());
        for (field, how) in fields {
            let path = member(&path, field);
            let name = index_text(how);
            let Some(gather) = Gather::parse(&name) else {
                let hint = nearest(&name, Gather::NAMES).map_or_else(
                    || format!("known: {}", listed(&Gather::NAMES)),
                    |near| format!("did you mean `{near}`?"),
                );
                self.findings.error(&path, how, format!("`{name}` is no way to gather values"), hint);
                return None;
            };
            calculated.push(Calculated { origin: self.origin(&path, how), field: field.trim().to_owned(), gather });
        }
        Some(calculated)
    }
}

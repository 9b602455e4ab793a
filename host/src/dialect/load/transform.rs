//! `transform`: a plugin's function as an item's value.

use serde_json::Value;

use super::super::call::Call;
use super::super::error::Side;
use super::super::finding::member;
use super::super::item::{Computed, Content, Formula, Item};
use super::super::parser::Parser;
use super::super::value::Type;
use super::{Loader, Names, says_nothing};

impl Loader<'_> {
    /// `transform`: on a target an item's value, on a source a field computed from each row.
    pub(super) fn transformed(
        &mut self,
        path: &str,
        field: &str,
        kind: Type,
        required: bool,
        (transform, value): (&Value, Option<&Value>),
        parsers: Vec<Parser>,
    ) -> Option<Item> {
        let at = member(path, "transform");
        if let Some(value) = value.filter(|value| !says_nothing(value)) {
            self.findings.error(
                &member(path, "value"),
                value,
                "an item has either `value` or `transform`",
                "fetch the column with an item of its own, and name it in `params`".to_owned(),
            );
        }
        let in_place = match self.side {
            Side::Source => !path.contains(".children"),
            Side::Target => self.names == Names::Row,
        };
        let of_request = ["$.otherRequest", "$.omissionRemedy"];
        if of_request.iter().any(|elsewhere| path.starts_with(elsewhere)) || !in_place {
            let hint = "move it to the top level of `request`".to_owned();
            self.findings.error(&at, transform, "there is no row here to compute a field from", hint);
            return None;
        }
        // Also on a source it is computed while mapping, when there is a row.
        let names = std::mem::replace(&mut self.names, Names::Row);
        let call = self.transform(&at, transform);
        self.names = names;
        let call = call?;
        let origin = self.origin(&at, transform);
        if self.side == Side::Source {
            if !parsers.is_empty() {
                let hint = "parse the field where the target maps it".to_owned();
                self.findings.error(&at, transform, "a field that is computed from a row takes no `parser`", hint);
            }
            self.computed.push(Computed { name: field.into(), origin, kind, call });
            return None;
        }
        let content = Content::Formula(Formula::Call(call));
        Some(Item { field: field.into(), origin, kind, required, content, parsers, may_ask: true })
    }

    pub(super) fn transform(&mut self, path: &str, transform: &Value) -> Option<Call> {
        const HINT: &str = "write `{\"function\": \"name\", \"params\": [\"Field\", \"'text'\", 12]}`";
        let Value::Object(keys) = transform else {
            self.findings.error(path, transform, "`transform` is no object", HINT.to_owned());
            return None;
        };
        for (key, value) in keys {
            if !matches!(key.as_str(), "function" | "params") {
                self.findings.unknown_key(path, key, value, &["function", "params"]);
            }
        }
        let params = match keys.get("params") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(params)) => params,
            Some(other) => {
                self.findings.error(&member(path, "params"), other, "`params` is no array", HINT.to_owned());
                return None;
            }
        };
        let Some(Value::String(name)) = keys.get("function") else {
            self.findings.error(path, transform, "`transform` names no `function`", HINT.to_owned());
            return None;
        };
        match Call::of_transform(name, params) {
            Ok(call) => {
                self.called(path, transform, &call, 0);
                Some(call)
            }
            Err(error) => {
                self.findings.error(path, transform, error.message, error.hint);
                None
            }
        }
    }
}

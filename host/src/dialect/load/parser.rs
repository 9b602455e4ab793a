//! Reading `parser`: `{"name", "params"}`, or a text, with its parameters beside it.

use serde_json::{Map, Value};

use super::super::call::Call;
use super::super::finding::{listed, member, nearest};
use super::super::item::{Content, Formula};
use super::super::parser::{BuiltIn, Parser};
use super::super::value::{index_text, is_empty};
use super::{Loader, Names, says_nothing};

/// The names of parameters, within `parser` or beside it.
pub(super) const PARAMETERS: [&str; 3] = ["params", "params1", "params2"];

/// The parameters of a chain of parsers.
struct Params {
    /// One text is for every parser of the chain; several are taken one after the other.
    shared: bool,
    values: Vec<Value>,
}

impl Loader<'_> {
    /// The parsers of an item, from left to right.
    pub(super) fn parsers(&mut self, item_path: &str, keys: &Map<String, Value>) -> Vec<Parser> {
        let Some(value) = keys.get("parser").filter(|value| !says_nothing(value)) else {
            return Vec::new();
        };
        let path = &member(item_path, "parser");
        let (names, mut params) = match value {
            Value::String(names) => (names.as_str(), params(keys)),
            Value::Object(parser) => {
                for (key, value) in parser {
                    if key != "name" && !PARAMETERS.contains(&key.as_str()) {
                        self.findings.unknown_key(path, key, value, &["name", "params", "params1", "params2"]);
                    }
                }
                (parser.get("name").and_then(Value::as_str).unwrap_or_default(), params(parser))
            }
            _ => ("", Params { shared: false, values: Vec::new() }),
        };
        if names.trim().is_empty() {
            let hint = "write `{\"name\": \"ConvertObjectParser\", \"params\": \"FNumber\"}`".to_owned();
            self.findings.error(path, value, "`parser` has no `name`", hint);
            return Vec::new();
        }
        let mut parsers = Vec::new();
        for name in names.split(',').map(str::trim) {
            match params.built_in(name) {
                Some(Ok(built_in)) => parsers.push(Parser::BuiltIn(built_in)),
                Some(Err((message, hint))) => self.findings.error(path, value, message, hint.to_owned()),
                None => parsers.extend(self.parser_function(path, value, name, &mut params)),
            }
        }
        if !params.shared && !params.values.is_empty() {
            let left: Vec<String> = params.values.iter().map(index_text).collect();
            let left = listed(&left.iter().map(String::as_str).collect::<Vec<_>>());
            self.findings.warning(path, value, format!("`{names}` takes fewer parameters: {left} does nothing"), None);
        }
        parsers
    }

    fn parser_function(&mut self, path: &str, value: &Value, name: &str, params: &mut Params) -> Option<Parser> {
        if self.names != Names::Row {
            let message = format!("`{name}` is no built-in parser, and plugin functions are for mappings");
            self.findings.error(path, value, message, format!("built in: {}", listed(&BuiltIn::NAMES)));
            return None;
        }
        if let Some(near) = nearest(name, BuiltIn::NAMES) {
            let message = format!("`{name}` is no built-in parser; it is taken for a plugin's function");
            self.findings.warning(path, value, message, format!("did you mean `{near}`?"));
        }
        let values = if params.shared { params.values.clone() } else { std::mem::take(&mut params.values) };
        match Call::of_parser(name, &values) {
            Ok(call) => {
                self.called(path, value, &call, 1);
                Some(Parser::Function(call))
            }
            Err(error) => {
                self.findings.error(path, value, error.message, error.hint);
                None
            }
        }
    }

    /// A value that parsers read: no type is asked of it.
    pub(super) fn unparsed(&mut self, path: &str, value: &Value) -> Content {
        let formula = match value {
            Value::Null => return Content::Nothing,
            // A `FieldKeys` that is left blank has a parser all the same.
            Value::String(text) if self.names == Names::Page && text.trim().is_empty() => return Content::Nothing,
            Value::String(text) => self.formula(path, value, text),
            Value::Array(_) | Value::Object(_) => self.json(path, value),
            fixed => Some(Formula::Fixed(fixed.clone())),
        };
        formula.map_or(Content::Nothing, Content::Formula)
    }

    /// Parsers of a constant are applied here and now; an empty one is left for the record, which may not have it.
    pub(super) fn parsed(&mut self, path: &str, content: Content, parsers: &mut Vec<Parser>) -> Content {
        let Content::Formula(Formula::Fixed(constant)) = &content else {
            return content;
        };
        if is_empty(constant) || parsers.iter().any(|parser| matches!(parser, Parser::Function(_))) {
            return content;
        }
        let mut value = constant.clone();
        for parser in std::mem::take(parsers) {
            let Parser::BuiltIn(parser) = parser else { continue };
            let before = index_text(&value);
            match parser.apply(value) {
                Ok(parsed) => value = parsed,
                Err(wanted) => {
                    let hint = "correct the value, or the parser".to_owned();
                    self.findings.error(
                        path,
                        constant,
                        format!("`{before}` is not {wanted}, which its parser needs"),
                        hint,
                    );
                    return Content::Nothing;
                }
            }
        }
        Content::Literal(value)
    }
}

fn params(keys: &Map<String, Value>) -> Params {
    let given = |key: &str| keys.get(key).filter(|value| !is_empty(value));
    let mut values = match given("params") {
        Some(Value::Array(list)) => return Params { shared: false, values: list.clone() },
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    };
    let numbered = ["params1", "params2"].into_iter().filter_map(given).cloned();
    let shared = values.len() == 1;
    values.extend(numbered);
    Params { shared: shared && values.len() == 1, values }
}

impl Params {
    fn next(&mut self) -> Option<String> {
        if self.shared {
            return self.values.first().map(index_text);
        }
        (!self.values.is_empty()).then(|| index_text(&self.values.remove(0)))
    }

    /// The built-in parser of a name; `None`: there is none. An error comes with a hint.
    fn built_in(&mut self, name: &str) -> Option<Result<BuiltIn, (String, &'static str)>> {
        let known = BuiltIn::NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
        let separator = |given: Option<String>| given.unwrap_or_else(|| ",".to_owned());
        Some(Ok(match known {
            "ConvertObjectParser" => match self.next() {
                Some(member) => BuiltIn::Object(member.trim().into()),
                None => {
                    return Some(Err((
                        format!("`{known}` has no `params`"),
                        "name the member that it makes: `\"params\": \"FNumber\"`",
                    )));
                }
            },
            "ConvertTwoStageObjectParser" => match self.two() {
                Some((outer, inner)) => BuiltIn::TwoStageObject(outer.trim().into(), inner.trim().into()),
                None => {
                    return Some(Err((
                        format!("`{known}` takes two parameters"),
                        "name the members that it makes: `\"params1\": …, \"params2\": …`",
                    )));
                }
            },
            "ArrayToString" => BuiltIn::ArrayToString(separator(self.next())),
            "StringToArray" => BuiltIn::StringToArray(separator(self.next())),
            "ArrayUnique" => BuiltIn::ArrayUnique,
            _ => BuiltIn::ConvertJson,
        }))
    }

    /// Two parameters, which may be one text with a comma.
    fn two(&mut self) -> Option<(String, String)> {
        let first = self.next()?;
        if self.shared {
            return first.split_once(',').map(|(outer, inner)| (outer.to_owned(), inner.to_owned()));
        }
        Some((first, self.next()?))
    }
}

//! Calls of a plugin's function: `_plugin name(…)` and `transform`.

use std::sync::Arc;

use serde_json::Value;

use super::directive::DirectiveError;
use super::find::letters_outside;
use super::template::Template;
use super::value::number;

/// A plugin's function and its arguments.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: Arc<str>,
    pub(super) arguments: Vec<Parameter>,
}

/// An argument.
#[derive(Clone, Debug)]
pub(super) enum Parameter {
    /// Stands for itself.
    Literal(Value),
    /// The value of a field, with its JSON type.
    Field(String),
    /// A template; one placeholder alone keeps its JSON type.
    Template(Template),
    /// A quoted template: always a text.
    Text(Template),
}

impl Call {
    /// `name(argument, …)`.
    pub(super) fn parse(text: &str) -> Result<Self, DirectiveError> {
        const FORM: &str = "write `_plugin name({{field}}, 'text', 12)`";
        let malformed = |what: String| DirectiveError::new(what, FORM);
        let (name, rest) = text.split_once('(').ok_or_else(|| malformed("the call has no parentheses".to_owned()))?;
        let inner =
            rest.trim_end().strip_suffix(')').ok_or_else(|| malformed("the call has no `)` at its end".to_owned()))?;
        let name = function_name(name).ok_or_else(|| malformed(format!("`{}` is no function's name", name.trim())))?;
        let arguments = split_arguments(inner)
            .ok_or_else(|| malformed("a quote in the arguments is not closed".to_owned()))?
            .into_iter()
            .map(|argument| {
                written_argument(argument).map_err(|error| {
                    error.unwrap_or_else(|| {
                        malformed(format!("the argument `{argument}` has neither quotes nor braces"))
                    })
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { name: name.into(), arguments })
    }

    /// `{"function": …, "params": […]}`.
    pub(super) fn of_transform(name: &str, params: &[Value]) -> Result<Self, DirectiveError> {
        let name = function_name(name).ok_or_else(|| {
            DirectiveError::new(format!("`{name}` is no function's name"), "name a function that a plugin exports")
        })?;
        let arguments = params.iter().map(transform_param).collect::<Result<_, _>>()?;
        Ok(Self { name: name.into(), arguments })
    }

    /// A parser that is not built in; its parameters are constants or templates.
    pub(super) fn of_parser(name: &str, params: &[Value]) -> Result<Self, DirectiveError> {
        let name = function_name(name).ok_or_else(|| {
            DirectiveError::new(
                format!("`{name}` is no parser's name"),
                "name a parser, or a function that a plugin exports",
            )
        })?;
        let arguments = params.iter().map(|param| {
            let Value::String(text) = param else {
                return Ok(Parameter::Literal(param.clone()));
            };
            let template = Template::parse(text)?;
            Ok(if template.literal().is_some() {
                Parameter::Literal(param.clone())
            } else {
                Parameter::Template(template)
            })
        });
        Ok(Self { name: name.into(), arguments: arguments.collect::<Result<_, DirectiveError>>()? })
    }
}

fn function_name(text: &str) -> Option<&str> {
    let name = text.trim();
    let legal = name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'));
    legal.then_some(name)
}

fn transform_param(param: &Value) -> Result<Parameter, DirectiveError> {
    match param {
        Value::String(text) => {
            if let Some(literal) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
                return Ok(Parameter::Text(Template::parse(literal)?));
            }
            let template = Template::parse(text)?;
            Ok(match template.literal() {
                Some(field) if field.trim().is_empty() => {
                    return Err(DirectiveError::new(
                        "a parameter names no field",
                        "the empty text is written `\"''\"`",
                    ));
                }
                Some(field) => Parameter::Field(field.trim().to_owned()),
                None => Parameter::Template(template),
            })
        }
        Value::Array(_) | Value::Object(_) => Err(DirectiveError::new(
            "a parameter is an array or an object",
            "a parameter is a field path, a text in single quotes (`\"'text'\"`), a number or a boolean",
        )),
        literal => Ok(Parameter::Literal(literal.clone())),
    }
}

/// `None` as error: the argument is a bare word.
fn written_argument(text: &str) -> Result<Parameter, Option<DirectiveError>> {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote)) {
            return Ok(Parameter::Text(Template::parse(inner).map_err(Some)?));
        }
    }
    match text {
        "true" => return Ok(Parameter::Literal(Value::Bool(true))),
        "false" => return Ok(Parameter::Literal(Value::Bool(false))),
        "null" => return Ok(Parameter::Literal(Value::Null)),
        _ => {}
    }
    if let Some(literal) = number(text) {
        return Ok(Parameter::Literal(literal));
    }
    let template = Template::parse(text).map_err(Some)?;
    if template.literal().is_some() { Err(None) } else { Ok(Parameter::Template(template)) }
}

/// Splits at commas that are neither quoted, nor in braces, nor in a lookup; `None` if a quote is left open.
fn split_arguments(text: &str) -> Option<Vec<&str>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut arguments = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0_usize, None);
    for (index, letter) in letters_outside(text) {
        match letter {
            _ if quote == Some(letter) => quote = None,
            _ if quote.is_some() => {}
            '\'' | '"' => quote = Some(letter),
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                arguments.push(text.get(start..index)?.trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    arguments.push(text.get(start..)?.trim());
    quote.is_none().then_some(arguments)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn call(text: &str) -> Result<String, String> {
        let Call { name, arguments } = Call::parse(text).map_err(|error| error.message)?;
        Ok(format!("{name} {}", shown(&arguments)))
    }

    fn shown(arguments: &[Parameter]) -> String {
        let shown = arguments.iter().map(|argument| match argument {
            Parameter::Literal(value) => format!("literal {value}"),
            Parameter::Field(name) => format!("field {name}"),
            Parameter::Template(template) => format!("template {template}"),
            Parameter::Text(template) => format!("text {template}"),
        });
        shown.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn calls() {
        for (text, expected) in [
            ("mapMaterialCode({{FMaterialId_FNumber}})", "mapMaterialCode template {{FMaterialId_FNumber}}"),
            (
                "f( {x} , 'a,b)' , -1.50, true,null, \"{y}\" )",
                "f template {x}; text a,b); literal -1.50; literal true; literal null; text {y}",
            ),
            ("f()", "f "),
            ("f({{a}}-{{b}})", "f template {{a}}-{{b}}"),
            (
                "f(_findCollection find a from b where c='x, y' _endFind, '_mongoQuery s findField=a where={\"b\":'1'} _endFind!')",
                "f template _findCollection find a from b where c='x, y' _endFind; text _mongoQuery s findField=a where={\"b\":'1'} _endFind!",
            ),
        ] {
            assert_eq!(call(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, message) in [
            ("f", "the call has no parentheses"),
            ("f({{x}}", "the call has no `)` at its end"),
            ("1f()", "`1f` is no function's name"),
            ("f(code)", "the argument `code` has neither quotes nor braces"),
            ("f('a)", "a quote in the arguments is not closed"),
            ("f(1,)", "the argument `` has neither quotes nor braces"),
        ] {
            assert_eq!(call(text).unwrap_err(), message, "{text}");
        }
    }

    #[test]
    fn transforms() {
        let params = [json!("FMaterialId.Fnumber"), json!("'keep'"), json!(1.5), json!(true), json!("{{a}}-{{b}}")];
        let call = Call::of_transform("mapMaterialCode", &params).unwrap();
        assert_eq!(
            shown(&call.arguments),
            "field FMaterialId.Fnumber; text keep; literal 1.5; literal true; template {{a}}-{{b}}"
        );
        assert!(Call::of_transform("", &[]).is_err());
        assert!(Call::of_transform("f", &[json!([])]).is_err());
        assert!(Call::of_transform("f", &[json!("")]).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-c(){}'\\\"=, ]{0,30}|.*|(f\\(|,|'|\\{\\{x\\}\\}|\\)| |中){0,10}") {
            let _ = Call::parse(&text);
        }
    }
}

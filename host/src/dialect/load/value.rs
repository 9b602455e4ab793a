//! Values: directives, templates and constants.

use serde_json::Value;

use super::super::call::Call;
use super::super::directive::{Directive, DirectiveError};
use super::super::error::Side;
use super::super::expression::Expression;
use super::super::find::Find;
use super::super::finding::{element, member};
use super::super::item::{Content, Formula};
use super::super::template::Template;
use super::super::value::Type;
use super::names::only_for_mappings;
use super::{Loader, Names};

impl Loader<'_> {
    /// A value as the metadata has it.
    pub(super) fn written(&mut self, path: &str, value: &Value, kind: Type) -> Content {
        let formula = match value {
            Value::Null => return Content::Nothing,
            Value::String(text) => self.formula(path, value, text),
            Value::Array(_) | Value::Object(_) => self.json(path, value),
            fixed => Some(Formula::Fixed(fixed.clone())),
        };
        match formula {
            None => Content::Nothing,
            Some(Formula::Fixed(literal)) => self.literal(path, literal, kind),
            Some(formula) => Content::Formula(formula),
        }
    }

    /// A value without placeholders is converted here and now.
    pub(super) fn literal(&mut self, path: &str, literal: Value, kind: Type) -> Content {
        let mismatch = match kind.convert(literal.clone(), &self.options.time_zone) {
            Ok(Some(converted)) => return Content::Literal(converted),
            Ok(None) => return Content::Nothing,
            Err(mismatch) => mismatch,
        };
        // On a source the text of a literal that is not of its type is the name of a column.
        let is_number = Type::Float.convert(literal.clone(), &self.options.time_zone).is_ok();
        if kind == Type::Bool && (self.side == Side::Target || is_number) {
            self.findings.warning(
                path,
                &literal,
                format!("`{}` is not {}; it is passed on as it is", mismatch.found, mismatch.wanted),
                "set `type` to what the vendor expects".to_owned(),
            );
        } else if self.side == Side::Target {
            self.findings.error(
                path,
                &literal,
                format!("`{}` is not {}", mismatch.found, mismatch.wanted),
                "correct the value or the item's `type`; a field is written in braces: `{{field}}`".to_owned(),
            );
        }
        Content::Literal(literal)
    }

    /// A JSON array or object whose texts are templates.
    pub(super) fn json(&mut self, path: &str, value: &Value) -> Option<Formula> {
        let formula = match value {
            Value::String(text) => self.formula(path, value, text)?,
            Value::Array(list) => {
                let list: Option<Vec<_>> =
                    list.iter().enumerate().map(|(index, value)| self.json(&element(path, index), value)).collect();
                Formula::Elements(list?)
            }
            Value::Object(members) => {
                let members: Option<Vec<_>> = members
                    .iter()
                    .map(|(name, value)| Some((name.clone(), self.json(&member(path, name), value)?)))
                    .collect();
                Formula::Members(members?)
            }
            fixed => Formula::Fixed(fixed.clone()),
        };
        let is_fixed = |formula: &Formula| matches!(formula, Formula::Fixed(_));
        let all_fixed = match &formula {
            Formula::Elements(list) => list.iter().all(is_fixed),
            Formula::Members(members) => members.iter().all(|(_, member)| is_fixed(member)),
            _ => false,
        };
        Some(if all_fixed { Formula::Fixed(value.clone()) } else { formula })
    }

    pub(super) fn formula(&mut self, path: &str, value: &Value, text: &str) -> Option<Formula> {
        match self.directed(path, value, text) {
            Ok(formula) => Some(formula),
            Err(error) => {
                self.findings.error(path, value, error.message, Some(error.hint).filter(|hint| !hint.is_empty()));
                None
            }
        }
    }

    pub(super) fn directed(&mut self, path: &str, value: &Value, text: &str) -> Result<Formula, DirectiveError> {
        let directive = Directive::of(text)?;
        if self.names != Names::Row && matches!(directive, Directive::Find(..) | Directive::Plugin(_)) {
            return Err(only_for_mappings(self.names));
        }
        Ok(match directive {
            Directive::Text => {
                let template = Template::parse(text)?;
                self.named(path, value, &template);
                if template.literal().is_some() { Formula::Fixed(value.clone()) } else { Formula::Template(template) }
            }
            Directive::Function(body) => {
                let template = Template::parse(body)?;
                self.braces(path, value, &template);
                let loaded = Expression::load(template).map_err(|error| DirectiveError {
                    message: error.to_string(),
                    hint: error.hint().unwrap_or_default(),
                })?;
                for (filling, of_list) in loaded.expression.fillings() {
                    // What an aggregate is over does not make an array have an element per line.
                    let line_named = self.line_named;
                    self.filling(path, value, filling);
                    self.line_named = if of_list { line_named } else { self.line_named };
                }
                if let Some(reason) = loaded.parsed_per_record {
                    let hint = if loaded.expression.has_odd_brace() {
                        "take the brace away: outside of quotes it leaves the expression without a value"
                    } else {
                        "set operators around each placeholder, or quotes"
                    };
                    let message = format!("the expression is parsed anew for every record: {reason}");
                    self.findings.warning(path, value, message, hint.to_owned());
                }
                Formula::Expression(Box::new(loaded.expression))
            }
            Directive::Find(kind, body) => {
                let find = Find::parse(kind, body)?;
                self.looked_up(path, value, &find);
                Formula::Find(find)
            }
            Directive::Plugin(body) => {
                let call = Call::parse(body)?;
                self.called(path, value, &call, 0);
                Formula::Call(call)
            }
        })
    }
}

//! What a rendering asks of the world: lookups and functions.

use std::sync::Arc;

use serde_json::Value;

use super::super::call::{Call, Parameter};
use super::super::error::MappingError;
use super::super::find::{Find, Search};
use super::super::item::Origin;
use super::super::question::{Answer, Argument, Question};
use super::super::scope::{Found, Scope};
use super::super::value::index_text;
use super::{Rendering, Stop, together};

impl<'a> Rendering<'a> {
    pub(super) fn find(&mut self, find: &Find, origin: &Origin, scope: &Scope<'_>) -> Result<Value, Stop> {
        let whole = self.filled_in(find, origin, scope)?;
        // What a message shows is all of it.
        let (search, whole) = match whole.without_blank_reads() {
            None => (whole, None),
            Some(search) => (search, Some(whole)),
        };
        let Some(first) = search.reads().first() else {
            return self.missing(find, whole.unwrap_or(search), origin, scope);
        };
        let (name, wanted) = (Arc::clone(&find.collection), Arc::clone(&find.field));
        let (question, whole) = if find.is_table {
            let conditions = first.conditions().map(|(field, text)| (field.into(), text.to_owned())).collect();
            (Question::Table { table: name, find: wanted, conditions }, whole.or(Some(search)))
        } else {
            (Question::Lookup { collection: name, find: wanted, search }, whole)
        };
        match self.answer(question)? {
            (_, Answer::Value(value)) => Ok(value.clone()),
            (question, Answer::Absent) => {
                let asked = match question {
                    Question::Lookup { search, .. } => search,
                    Question::Table { .. } | Question::Function { .. } => Search::default(),
                };
                self.missing(find, whole.unwrap_or(asked), origin, scope)
            }
            (_, Answer::Failed(message)) => Err(Stop::Failed(MappingError::Lookup {
                place: origin.place(scope.line),
                collection: Arc::clone(&find.collection),
                message: message.clone(),
            })),
        }
    }

    /// A lookup with its values.
    fn filled_in(&mut self, find: &Find, origin: &Origin, scope: &Scope<'_>) -> Result<Search, Stop> {
        // Nearly all: fields that equal one value each.
        if let Some(equal) = find.plain() {
            let values = together(
                equal
                    .iter()
                    .flat_map(|(_, operands)| operands)
                    .map(|operand| self.text(&operand.template, origin, scope)),
            )?;
            return Ok(Search::plain(equal.iter().map(|(field, _)| Arc::clone(field)).collect(), values));
        }
        let values = together(find.operands().into_iter().map(|operand| self.template(operand, origin, scope)))?;
        // `operands` gives them in the order in which they are filled in.
        let mut values = values.into_iter();
        Search::fill(&find.branches, &mut |operand| {
            Ok(match values.next() {
                Some(Value::Array(elements)) if operand.is_list => elements.iter().map(index_text).collect(),
                value => vec![index_text(&value.unwrap_or_default())],
            })
        })
    }

    fn missing(&self, find: &Find, search: Search, origin: &Origin, scope: &Scope<'_>) -> Result<Value, Stop> {
        if self.options.optional_lookups {
            return Ok(Value::from(""));
        }
        let (place, name, find_field) =
            (origin.place(scope.line), Arc::clone(&find.collection), Arc::clone(&find.field));
        Err(Stop::Failed(if find.is_table {
            MappingError::MissingTableRow { place, table: name, find: find_field, search }
        } else {
            MappingError::MissingRow { place, collection: name, find: find_field, search }
        }))
    }

    /// A call's value; a parser's comes with what it parses, before the arguments that are written.
    pub(super) fn call(
        &mut self,
        call: &Call,
        parsed: Option<&Value>,
        origin: &Origin,
        scope: &Scope<'_>,
    ) -> Result<Value, Stop> {
        let mut arguments = Vec::with_capacity(call.arguments.len() + 1);
        arguments.extend(parsed.map(Argument::from));
        arguments.extend(together(call.arguments.iter().map(|parameter| {
            Ok(match parameter {
                Parameter::Literal(value) => Argument::from(value),
                Parameter::Text(template) => Argument::Text(self.text(template, origin, scope)?),
                Parameter::Template(template) => Argument::from(&self.template(template, origin, scope)?),
                Parameter::Field(name) => match scope.resolve(name) {
                    Found::Value(value) => Argument::from(value),
                    Found::Computed(computed, row) => Argument::from(&self.computed(computed, row, scope.line)?),
                    Found::Missing => Argument::Null,
                },
            })
        }))?);
        match self.answer(Question::Function { name: Arc::clone(&call.name), arguments })? {
            (_, Answer::Value(value)) => Ok(value.clone()),
            (_, Answer::Absent) => Ok(Value::Null),
            (_, Answer::Failed(message)) => Err(Stop::Failed(MappingError::Function {
                place: origin.place(scope.line),
                name: Arc::clone(&call.name),
                message: message.clone(),
            })),
        }
    }

    fn answer(&mut self, question: Question) -> Result<(Question, &'a Answer), Stop> {
        if let Some(answer) = self.answers.get(&question) {
            return Ok((question, answer));
        }
        if self.asked.insert(question.clone()) {
            self.open.push(question);
        }
        Err(Stop::Pending)
    }
}

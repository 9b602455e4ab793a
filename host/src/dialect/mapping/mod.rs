//! Rendering items for a record.
//!
//! A rendering never stops at the first thing that it misses: an item whose question is still open, or that failed, is left
//! out, and the rest goes on, so that one pass finds all open questions of a bill. As long as any question is open the
//! outcome is that list; what failed counts once everything is known.

mod ask;
mod each;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::Row;
use super::error::MappingError;
use super::expression::{Expression, Operand};
use super::item::{Computed, Content, Formula, Item, Origin, Over};
use super::options::{Moment, OnExpressionError, Options, Variables};
use super::parser::Parser;
use super::question::{Answers, Question, Questions};
use super::scope::{Found, Scope};
use super::template::{Placeholder, Segment, Template};
use super::value::{Type, index_text, is_empty};

/// What a mapping came to.
#[derive(Clone, Debug)]
pub enum Mapping {
    /// The mapped bill.
    Bill(Row),
    /// Answer these, then map again.
    Pending(Vec<Question>),
    /// The bill cannot be mapped. Of several reasons, one that only a person can mend comes first.
    Failed(MappingError),
}

/// A bill as far as it can be mapped.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// What has a value.
    pub bill: Row,
    /// Everything that failed, in the order of the metadata. Of what is still asked for, nothing is known.
    pub failures: Vec<MappingError>,
    /// Answer these, then draft again.
    pub open: Vec<Question>,
}

/// Why an item has no value yet.
enum Stop {
    Pending,
    Failed(MappingError),
}

/// All of these, looked at to the end, so that each asks what it has to ask. An open question counts before a failure.
fn together<T>(parts: impl Iterator<Item = Result<T, Stop>>) -> Result<Vec<T>, Stop> {
    let mut values = Vec::with_capacity(parts.size_hint().0);
    let mut stopped = None;
    for part in parts {
        match (part, &stopped) {
            (Ok(value), _) => values.push(value),
            (Err(Stop::Pending), _) => stopped = Some(Stop::Pending),
            (Err(failed), None) => stopped = Some(failed),
            (Err(_), Some(_)) => {}
        }
    }
    stopped.map_or(Ok(values), Err)
}

/// The first failure that only a person can mend, or else the first.
fn gravest(mut failures: Vec<MappingError>) -> Option<MappingError> {
    let grave = failures.iter().position(|failure| !failure.may_mend_itself()).unwrap_or(0);
    (grave < failures.len()).then(|| failures.swap_remove(grave))
}

/// What an expression came to.
enum Evaluated {
    Value(Value),
    /// It gives none, and its text stands for it.
    KeptText(Value),
}

/// One rendering.
pub(super) struct Rendering<'a> {
    pub(super) options: &'a Options,
    pub(super) variables: &'a Variables,
    pub(super) answers: &'a Answers,
    /// The bill's rows.
    pub(super) lines: &'a [Row],
    /// The name of the rows in templates.
    pub(super) lines_name: &'a str,
    /// Fields computed from each row.
    pub(super) computed: &'a [Computed],
    /// A source's: an item without a value is `null`. A target's: it is left out.
    pub(super) keeps_empty: bool,
    open: Vec<Question>,
    asked: Questions,
    failures: Vec<MappingError>,
    stops: usize,
    /// Nobody looks at a bill of which something is still asked.
    gives_up: bool,
}

impl<'a> Rendering<'a> {
    pub(super) fn new(options: &'a Options, variables: &'a Variables, answers: &'a Answers) -> Self {
        Self {
            options,
            variables,
            answers,
            lines: &[],
            lines_name: "",
            computed: &[],
            keeps_empty: false,
            open: Vec::new(),
            asked: Questions::default(),
            failures: Vec::new(),
            stops: 0,
            gives_up: false,
        }
    }

    pub(super) fn render(mut self, items: &[Item], scope: &Scope<'a>) -> Mapping {
        self.gives_up = true;
        let Draft { bill, failures, open } = self.draft(items, scope);
        if !open.is_empty() {
            return Mapping::Pending(open);
        }
        match gravest(failures) {
            Some(failure) => Mapping::Failed(failure),
            None => Mapping::Bill(bill),
        }
    }

    pub(super) fn draft(mut self, items: &[Item], scope: &Scope<'a>) -> Draft {
        let bill = self.members(items, scope);
        Draft { bill, failures: self.failures, open: self.open }
    }

    /// What is rendered counts no more, but what it asks.
    fn asks_only(&self) -> bool {
        self.gives_up && !self.open.is_empty()
    }

    fn members(&mut self, items: &[Item], scope: &Scope<'_>) -> Row {
        let mut members = if self.asks_only() { Row::new() } else { Row::with_capacity(items.len()) };
        for item in items {
            if self.asks_only() && !item.may_ask {
                continue;
            }
            let stops = self.stops;
            let value = self.item(item, scope).unwrap_or_else(|stop| {
                self.stop(stop);
                None
            });
            if item.required && self.stops == stops && value.as_ref().is_none_or(is_empty) {
                self.stop(Stop::Failed(MappingError::Required {
                    place: item.origin.place(scope.line),
                    field: Arc::clone(&item.field),
                }));
            }
            match value {
                Some(value) => {
                    members.insert(String::from(&*item.field), value);
                }
                None if self.keeps_empty => {
                    members.insert(String::from(&*item.field), Value::Null);
                }
                None => {}
            }
        }
        members
    }

    fn stop(&mut self, stop: Stop) {
        self.stops += 1;
        if let Stop::Failed(error) = stop {
            self.failures.push(error);
        }
    }

    fn item(&mut self, item: &Item, scope: &Scope<'_>) -> Result<Option<Value>, Stop> {
        if !item.parsers.is_empty() {
            return self.parsed(item, scope);
        }
        match &item.content {
            Content::Nothing => Ok(None),
            Content::Literal(value) => Ok(Some(value.clone())),
            Content::Formula(formula) => self.formula(formula, item.kind, &item.origin, scope),
            Content::Object(children) => Ok(Some(Value::Object(self.members(children, scope)))),
            Content::Array { over, children } => Ok(Some(Value::Array(self.elements(over, children, scope)))),
        }
    }

    /// What an item's parsers make of its value. What is required must be there before they wrap it.
    fn parsed(&mut self, item: &Item, scope: &Scope<'_>) -> Result<Option<Value>, Stop> {
        let stops = self.stops;
        // A function is asked with the whole value.
        let gives_up = std::mem::take(&mut self.gives_up);
        let value = self.unparsed(item, scope);
        self.gives_up = gives_up;
        let Some(mut value) = value? else {
            return Ok(None);
        };
        if self.stops > stops {
            return Ok(None);
        }
        if item.required && is_empty(&value) {
            return Err(Stop::Failed(MappingError::Required {
                place: item.origin.place(scope.line),
                field: Arc::clone(&item.field),
            }));
        }
        for parser in &item.parsers {
            value = match parser {
                Parser::Function(call) => self.call(call, Some(&value), &item.origin, scope)?,
                Parser::BuiltIn(parser) => {
                    let found = index_text(&value);
                    parser.apply(value).map_err(|wanted| {
                        Stop::Failed(MappingError::Conversion { place: item.origin.place(scope.line), wanted, found })
                    })?
                }
            };
        }
        Ok(Some(value).filter(|value| !value.is_null()))
    }

    fn unparsed(&mut self, item: &Item, scope: &Scope<'_>) -> Result<Option<Value>, Stop> {
        Ok(Some(match &item.content {
            Content::Nothing => return Ok(None),
            Content::Literal(value) => value.clone(),
            Content::Formula(formula) => self.value(formula, &item.origin, scope)?,
            Content::Object(children) => Value::Object(self.members(children, scope)),
            Content::Array { over, children } => Value::Array(self.elements(over, children, scope)),
        }))
    }

    fn elements(&mut self, over: &Over, children: &[Item], scope: &Scope<'_>) -> Vec<Value> {
        match over {
            Over::Itself => vec![Value::Object(self.members(children, scope))],
            Over::Lines if children.is_empty() => self.lines.iter().cloned().map(Value::Object).collect(),
            Over::Lines => {
                let (lines, list, computed) = (self.lines, self.lines_name, self.computed);
                let mut elements = Vec::with_capacity(lines.len());
                for (index, line) in lines.iter().enumerate() {
                    let inner = Scope {
                        row: Some(line),
                        element: None,
                        computed,
                        list: Some(list),
                        line: Some(index + 1),
                        outer: Some(scope),
                    };
                    elements.push(Value::Object(self.members(children, &inner)));
                }
                elements
            }
            Over::List(name) => {
                let Found::Value(Value::Array(list)) = scope.resolve(name) else {
                    return Vec::new();
                };
                if children.is_empty() {
                    return list.clone();
                }
                let mut elements = Vec::with_capacity(list.len());
                for (index, element) in list.iter().enumerate() {
                    let inner = Scope {
                        row: element.as_object(),
                        element: Some(element),
                        computed: &[],
                        list: Some(name),
                        line: Some(index + 1),
                        outer: Some(scope),
                    };
                    elements.push(Value::Object(self.members(children, &inner)));
                }
                elements
            }
        }
    }

    /// A formula's value, as its item's type.
    fn formula(
        &mut self,
        formula: &Formula,
        kind: Type,
        origin: &Origin,
        scope: &Scope<'_>,
    ) -> Result<Option<Value>, Stop> {
        let value = match formula {
            Formula::Expression(expression) => match self.expression(expression, origin, scope)? {
                Evaluated::Value(value) => value,
                Evaluated::KeptText(text) => return Ok(Some(text)),
            },
            other => self.value(other, origin, scope)?,
        };
        self.converted(value, kind, origin, scope)
    }

    fn expression(&mut self, expression: &Expression, origin: &Origin, scope: &Scope<'_>) -> Result<Evaluated, Stop> {
        let values = together(expression.fillings().map(|(filling, of_list)| match filling {
            Segment::Placeholder(placeholder) if of_list => self.each(placeholder, origin, scope),
            filling => self.filling(filling, origin, scope).map(Operand::One),
        }))?;
        let moment = Moment { seconds: self.variables.current_seconds, zone: &self.options.time_zone };
        match expression.evaluate(&values, moment) {
            Ok(value) => Ok(Evaluated::Value(value)),
            Err(_) if self.options.on_expression_error == OnExpressionError::KeepText => {
                Ok(Evaluated::KeptText(Value::String(format!("_function {}", expression.text(&values)))))
            }
            Err(error) => {
                let place = origin.place(scope.line);
                Err(Stop::Failed(MappingError::Expression { place, reason: error.to_string() }))
            }
        }
    }

    fn converted(&self, value: Value, kind: Type, origin: &Origin, scope: &Scope<'_>) -> Result<Option<Value>, Stop> {
        kind.convert(value, &self.options.time_zone).map_err(|mismatch| {
            let place = origin.place(scope.line);
            Stop::Failed(MappingError::Conversion { place, wanted: mismatch.wanted, found: mismatch.found })
        })
    }

    fn value(&mut self, formula: &Formula, origin: &Origin, scope: &Scope<'_>) -> Result<Value, Stop> {
        match formula {
            Formula::Template(template) => self.template(template, origin, scope),
            Formula::Find(find) => self.find(find, origin, scope),
            Formula::Call(call) => self.call(call, None, origin, scope),
            Formula::Fixed(value) => Ok(value.clone()),
            Formula::Elements(elements) => elements
                .iter()
                .map(|element| self.value(element, origin, scope))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Formula::Members(members) => members
                .iter()
                .map(|(name, member)| Ok((name.clone(), self.value(member, origin, scope)?)))
                .collect::<Result<_, _>>()
                .map(Value::Object),
            Formula::Expression(expression) => Ok(match self.expression(expression, origin, scope)? {
                Evaluated::Value(value) | Evaluated::KeptText(value) => value,
            }),
        }
    }

    /// One placeholder or lookup alone keeps its JSON type.
    fn template(&mut self, template: &Template, origin: &Origin, scope: &Scope<'_>) -> Result<Value, Stop> {
        match template.alone() {
            Some(filling) => self.filling(filling, origin, scope).map(Cow::into_owned),
            None => self.text(template, origin, scope).map(Value::String),
        }
    }

    fn text(&mut self, template: &Template, origin: &Origin, scope: &Scope<'_>) -> Result<String, Stop> {
        if let Some(filling) = template.alone() {
            return Ok(match self.filling(filling, origin, scope)? {
                Cow::Owned(Value::String(text)) => text,
                value => index_text(&value),
            });
        }
        let parts = together(template.segments().iter().map(|segment| {
            Ok(match segment {
                Segment::Text(part) => Cow::Borrowed(part.as_str()),
                filling => match self.filling(filling, origin, scope)? {
                    Cow::Borrowed(Value::String(part)) => Cow::Borrowed(part.as_str()),
                    Cow::Owned(Value::String(part)) => Cow::Owned(part),
                    other => Cow::Owned(index_text(&other)),
                },
            })
        }))?;
        Ok(parts.concat())
    }

    /// What a part of a template stands for.
    fn filling<'s>(&mut self, filling: &Segment, origin: &Origin, scope: &Scope<'s>) -> Result<Cow<'s, Value>, Stop> {
        match filling {
            Segment::Text(text) => Ok(Cow::Owned(Value::from(text.as_str()))),
            Segment::Placeholder(placeholder) => self.placeholder(placeholder, origin, scope),
            Segment::Find(embedded) => self.find(&embedded.find, origin, scope).map(Cow::Owned),
        }
    }

    fn placeholder<'s>(
        &mut self,
        placeholder: &Placeholder,
        origin: &Origin,
        scope: &Scope<'s>,
    ) -> Result<Cow<'s, Value>, Stop> {
        let value = match placeholder.variable {
            Some(variable) => Cow::Owned(variable.value(self.variables).ok_or_else(|| {
                Stop::Failed(MappingError::Variable { place: origin.place(scope.line), name: placeholder.name.clone() })
            })?),
            None => match scope.resolve(&placeholder.name) {
                Found::Value(value) => Cow::Borrowed(value),
                Found::Computed(computed, row) => Cow::Owned(self.computed(computed, row, scope.line)?),
                Found::Missing => Cow::Owned(Value::Null),
            },
        };
        self.filtered(placeholder, value, origin, scope)
    }

    fn filtered<'s>(
        &self,
        placeholder: &Placeholder,
        value: Cow<'s, Value>,
        origin: &Origin,
        scope: &Scope<'_>,
    ) -> Result<Cow<'s, Value>, Stop> {
        match placeholder.filter {
            None => Ok(value),
            Some(filter) => filter.apply(&value, &self.options.time_zone).map(Cow::Owned).ok_or_else(|| {
                let place = origin.place(scope.line);
                Stop::Failed(MappingError::Filter { place, filter: filter.name(), found: index_text(&value) })
            }),
        }
    }

    /// A computed field sees the row as it was fetched: never itself.
    fn computed(&mut self, computed: &Computed, row: &Row, line: Option<usize>) -> Result<Value, Stop> {
        let scope = Scope { line, ..Scope::of_row(row) };
        let value = self.call(&computed.call, None, &computed.origin, &scope)?;
        Ok(self.converted(value, computed.kind, &computed.origin, &scope)?.unwrap_or_default())
    }
}

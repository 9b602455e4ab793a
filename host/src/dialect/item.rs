//! What metadata becomes: items, ready to be rendered for every record.

use std::sync::Arc;

use serde_json::Value;

use super::call::Call;
use super::error::{Place, Side};
use super::expression::Expression;
use super::find::Find;
use super::name;
use super::parser::Parser;
use super::template::{Segment, Template};
use super::value::Type;

/// An item of a request.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The member that it fills.
    pub(super) field: Arc<str>,
    pub(super) origin: Origin,
    pub(super) kind: Type,
    pub(super) required: bool,
    pub(super) content: Content,
    /// What the value goes through, in place of a conversion to its type.
    pub(super) parsers: Vec<Parser>,
    /// Its value may need a lookup or a function.
    pub(super) may_ask: bool,
}

impl Item {
    /// Whether it may need a lookup or a function, where a source computes these fields of its rows.
    pub(super) fn finds_or_calls(&self, computed: &[Computed]) -> bool {
        self.parsers.iter().any(|parser| matches!(parser, Parser::Function(_)))
            || match &self.content {
                Content::Nothing | Content::Literal(_) => false,
                Content::Formula(formula) => formula.finds_or_calls(computed),
                Content::Object(children) | Content::Array { children, .. } => {
                    children.iter().any(|child| child.may_ask)
                }
            }
    }
}

/// Where something stands in the metadata.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) side: Side,
    pub(super) path: Arc<str>,
    pub(super) text: Arc<str>,
}

impl Origin {
    pub(super) fn place(&self, line: Option<usize>) -> Place {
        Place { side: self.side, path: Arc::clone(&self.path), text: Arc::clone(&self.text), line }
    }
}

/// What fills an item.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Nothing: on a source the connector decides, on a target the field is left out.
    Nothing,
    /// A value of the item's type already.
    Literal(Value),
    /// A value that each record has anew.
    Formula(Formula),
    /// An object of its children.
    Object(Vec<Item>),
    /// An array.
    Array {
        over: Over,
        /// The elements' members; none: the elements as they are.
        children: Vec<Item>,
    },
}

/// What an array has an element for.
#[derive(Clone, Debug)]
pub(super) enum Over {
    /// The row itself: one element.
    Itself,
    /// Each row of the bill.
    Lines,
    /// Each element of this array of the row.
    List(String),
}

/// A value that each record has anew.
#[derive(Clone, Debug)]
pub(super) enum Formula {
    Template(Template),
    Expression(Box<Expression>),
    Find(Find),
    Call(Call),
    /// A JSON array or object whose texts are templates.
    Elements(Vec<Formula>),
    Members(Vec<(String, Formula)>),
    Fixed(Value),
}

impl Formula {
    fn finds_or_calls(&self, computed: &[Computed]) -> bool {
        let asks = |filling: &Segment| match filling {
            Segment::Text(_) => false,
            Segment::Placeholder(placeholder) => computed.iter().any(|field| field.may_be(&placeholder.name)),
            Segment::Find(_) => true,
        };
        match self {
            Self::Fixed(_) => false,
            Self::Find(_) | Self::Call(_) => true,
            Self::Template(template) => template.fillings().any(asks),
            Self::Expression(expression) => expression.fillings().any(|(filling, _)| asks(filling)),
            Self::Elements(elements) => elements.iter().any(|element| element.finds_or_calls(computed)),
            Self::Members(members) => members.iter().any(|(_, member)| member.finds_or_calls(computed)),
        }
    }
}

/// A field that a source's `transform` adds to its rows. It is computed while mapping, so that a changed table shows.
#[derive(Clone, Debug)]
pub(super) struct Computed {
    pub(super) name: Arc<str>,
    pub(super) origin: Origin,
    pub(super) kind: Type,
    pub(super) call: Call,
}

impl Computed {
    /// Whether a name could mean it: in any spelling, and behind the name of a list.
    fn may_be(&self, written: &str) -> bool {
        let behind_a_list = written.match_indices('.').filter_map(|(dot, _)| written.get(dot + 1..));
        std::iter::once(written).chain(behind_a_list).any(|name| name::same_letters(&self.name, name))
    }
}

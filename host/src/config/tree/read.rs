//! Readers of single values: what is expected, and what was found instead.

use std::num::NonZeroU32;
use std::time::Duration;

use super::super::problem::Complaint;
use super::super::units;
use super::{Data, Node};

fn expected(what: &str, node: &Node) -> Complaint {
    Complaint::new(format!("expected {what}, found {}", node.describe()))
}

/// A text with something in it.
pub(in super::super) fn text(node: &Node) -> Result<String, Complaint> {
    match &node.data {
        Data::Text(text) if text.trim().is_empty() => Err(Complaint::new("must not be empty")),
        Data::Text(text) => Ok(text.clone()),
        Data::Bool(_) | Data::Number(_) => Err(expected("a text", node).hint("put it in quotes")),
        _ => Err(expected("a text", node)),
    }
}

/// `true` or `false`.
pub(in super::super) fn flag(node: &Node) -> Result<bool, Complaint> {
    match &node.data {
        Data::Bool(value) => Ok(*value),
        _ => Err(expected("`true` or `false`", node)),
    }
}

/// A whole number from 1.
pub(in super::super) fn count(node: &Node) -> Result<NonZeroU32, Complaint> {
    let number = if let Data::Number(text) = &node.data { text.parse().ok() } else { None };
    number.ok_or_else(|| expected("a whole number from 1", node))
}

/// A length of time, such as `10m`.
pub(in super::super) fn duration(node: &Node) -> Result<Duration, Complaint> {
    let (Data::Text(text) | Data::Number(text)) = &node.data else {
        return Err(expected("a length of time such as `10m`", node));
    };
    units::parse_duration(text)
}

/// A length of time that is not nothing.
pub(in super::super) fn some_duration(node: &Node) -> Result<Duration, Complaint> {
    match duration(node)? {
        Duration::ZERO => Err(Complaint::new("must be longer than nothing")),
        duration => Ok(duration),
    }
}

/// A size, such as `64MiB`.
pub(in super::super) fn bytes(node: &Node) -> Result<u64, Complaint> {
    let (Data::Text(text) | Data::Number(text)) = &node.data else {
        return Err(expected("a size such as `64MiB`", node));
    };
    units::parse_bytes(text)
}

/// One of a few words.
pub(in super::super) fn choice<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Node) -> Result<T, Complaint> {
    move |node| {
        let found = words.iter().find(|(word, _)| matches!(&node.data, Data::Text(text) if text == word));
        let known = || super::fields::list(words.iter().map(|(word, _)| *word));
        let one_of = if words.len() == 1 { "" } else { "one of " };
        found.map(|(_, value)| *value).ok_or_else(|| expected(&format!("{one_of}{}", known()), node))
    }
}

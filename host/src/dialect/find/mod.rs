//! Lookups: which row of a scheme's collection, or of a mapping table, and which of its fields.
//!
//! Two ways of writing one thing: `_findCollection` ([`collection`]) asks for fields that equal values, `_mongoQuery`
//! ([`mongo`]) for a Mongo filter. Either is a whole value, or stands within one and then ends in `_endFind` ([`extent`]).
//!
//! A lookup must not read a collection from end to end, so it is taken apart when it is loaded: into [`Branch`]es, of which
//! one must hold, each with the fields that equal something (an index leads to those rows) and the tests that the rows
//! found so must pass. A branch without any equality reads all rows, the latest first, and loading says so.

mod collection;
mod extent;
mod json;
mod mongo;
mod search;

use std::sync::Arc;

pub(super) use self::extent::{Extent, extents, letters_outside};
pub use self::search::{Matcher, Read, Search};
use super::condition::Order;
use super::directive::DirectiveError;
use super::template::Template;

/// Lookups within lookups: each level takes a round of questions and answers.
const DEEPEST: usize = 8;

/// Branches of one lookup; an `$or` that would make more is a test of the rows found without it.
const BRANCHES: usize = 32;

/// Values of an `$in` that are read one by one; a longer one is a test of the rows found without it.
const READ_ONE_BY_ONE: usize = 100;

/// A way of writing a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Collection,
    Mongo,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Collection, Self::Mongo];

    /// The word that a lookup begins with.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Collection => "_findCollection",
            Self::Mongo => "_mongoQuery",
        }
    }
}

/// A lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Find {
    pub(super) is_table: bool,
    /// The scheme or table.
    pub(super) collection: Arc<str>,
    pub(super) field: Arc<str>,
    /// One of these must hold.
    pub(super) branches: Vec<Branch>,
}

/// What must hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Branch {
    /// Fields that are one of these: an index over them leads to the rows. At most one has more than one value.
    pub(super) equal: Vec<(Arc<str>, Vec<Operand>)>,
    /// What the rows found must pass.
    pub(super) tests: Vec<Test<Operand>>,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operand {
    pub(super) template: Template,
    /// An array is as many values as it has elements.
    pub(super) is_list: bool,
}

/// What is asked of a row. `V`: what fields are compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Test<V> {
    Field(Arc<str>, Check<V>),
    All(Vec<Test<V>>),
    Any(Vec<Test<V>>),
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Check<V> {
    /// It is one of these, letter by letter.
    Among(Vec<V>),
    /// It is none of these; a field that is not there is none.
    NotAmong(Vec<V>),
    Ordered(Order, V),
    /// It is there.
    Exists(bool),
    /// It is `null`, or not there.
    Null(bool),
}

impl Find {
    /// The text of a lookup, without its first word and without `_endFind`.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, DirectiveError> {
        Self::nested(kind, text, 0)
    }

    /// The same within `depth` other lookups.
    pub(super) fn nested(kind: Kind, text: &str, depth: usize) -> Result<Self, DirectiveError> {
        if depth >= DEEPEST {
            return Err(DirectiveError::new(
                format!("lookups stand within each other more than {DEEPEST} deep"),
                "let the other scheme collect what is looked up in between",
            ));
        }
        match kind {
            Kind::Collection => collection::parse(text, depth + 1),
            Kind::Mongo => mongo::parse(text, depth + 1),
        }
    }

    /// The fields of a lookup that asks for nothing but one text in each of them.
    pub(super) fn plain(&self) -> Option<&[(Arc<str>, Vec<Operand>)]> {
        let [Branch { equal, tests }] = self.branches.as_slice() else { return None };
        let is_plain = |(_, operands): &(Arc<str>, Vec<Operand>)| matches!(operands.as_slice(), [one] if !one.is_list);
        (tests.is_empty() && equal.iter().all(is_plain)).then_some(equal)
    }

    /// What fields are compared with.
    pub(super) fn operands(&self) -> Vec<&Template> {
        fn of_test<'t>(test: &'t Test<Operand>, found: &mut Vec<&'t Template>) {
            match test {
                Test::Field(_, Check::Among(values) | Check::NotAmong(values)) => {
                    found.extend(values.iter().map(|value| &value.template));
                }
                Test::Field(_, Check::Ordered(_, value)) => found.push(&value.template),
                Test::Field(_, Check::Exists(_) | Check::Null(_)) => {}
                Test::All(tests) | Test::Any(tests) => tests.iter().for_each(|test| of_test(test, found)),
            }
        }
        let mut found = Vec::new();
        for branch in &self.branches {
            found.extend(branch.equal.iter().flat_map(|(_, values)| values).map(|value| &value.template));
            branch.tests.iter().for_each(|test| of_test(test, &mut found));
        }
        found
    }

    /// The fields that it looks at, each once, in the order written.
    pub(super) fn fields(&self) -> Vec<String> {
        fn of_test(test: &Test<Operand>, note: &mut dyn FnMut(&str)) {
            match test {
                Test::Field(field, _) => note(field),
                Test::All(tests) | Test::Any(tests) => tests.iter().for_each(|test| of_test(test, note)),
            }
        }
        let mut fields: Vec<String> = Vec::new();
        let mut note = |field: &str| {
            if !fields.iter().any(|known| known == field) {
                fields.push(field.to_owned());
            }
        };
        for branch in &self.branches {
            branch.equal.iter().for_each(|(field, _)| note(field));
            branch.tests.iter().for_each(|test| of_test(test, &mut note));
        }
        fields
    }

    /// The fields of each index that it is read by, each index once.
    pub(super) fn indexes(&self) -> Vec<Vec<String>> {
        let mut indexes: Vec<Vec<String>> = Vec::new();
        for branch in &self.branches {
            let index: Vec<String> = branch.equal.iter().map(|(field, _)| field.to_string()).collect();
            if !indexes.contains(&index) {
                indexes.push(index);
            }
        }
        indexes
    }
}

impl Operand {
    fn read(text: &str, depth: usize) -> Result<Self, DirectiveError> {
        Ok(Self { template: Template::nested(text, depth)?, is_list: false })
    }
}

/// Takes a test apart into branches.
fn branches(test: Test<Operand>) -> Vec<Branch> {
    alternatives(test).into_iter().map(branch).collect()
}

/// Lists of tests: all of one list must hold.
fn alternatives(test: Test<Operand>) -> Vec<Vec<Test<Operand>>> {
    match test {
        Test::Field(..) => vec![vec![test]],
        Test::All(tests) => tests.into_iter().fold(vec![Vec::new()], |all, test| {
            let more = alternatives(test.clone());
            if all.len() * more.len() > BRANCHES {
                return all.into_iter().map(|list| [list, vec![test.clone()]].concat()).collect();
            }
            all.iter().flat_map(|list| more.iter().map(move |more| [list.as_slice(), more].concat())).collect()
        }),
        Test::Any(tests) => {
            let all: Vec<_> = tests.iter().cloned().flat_map(alternatives).collect();
            if all.len() > BRANCHES { vec![vec![Test::Any(tests)]] } else { all }
        }
    }
}

fn branch(tests: Vec<Test<Operand>>) -> Branch {
    let mut branch = Branch::default();
    let mut has_list = false;
    for test in tests {
        match test {
            Test::Field(field, Check::Among(values)) => {
                let is_list = values.len() > 1 || values.iter().any(|value| value.is_list);
                if is_list && (has_list || values.len() > READ_ONE_BY_ONE) {
                    branch.tests.push(Test::Field(field, Check::Among(values)));
                } else {
                    has_list |= is_list;
                    branch.equal.push((field, values));
                }
            }
            test => branch.tests.push(test),
        }
    }
    branch
}

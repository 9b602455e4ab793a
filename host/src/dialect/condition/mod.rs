//! `condition`: which of the fetched rows are kept, and which elements of their lists.
//!
//! The outer array is an *or*, the inner one an *and*. A test on a field of the row decides about the row. A test on a field
//! of a list's elements (`items.name`) decides about each element: those that do not match leave the row, the others and
//! the head stay; under `strictMode` one element that does not match takes the whole row away
//! (the platform's help, 高级查询条件引擎). Two things it does not say are settled here:
//!
//! * A row of which a group keeps no element is not kept by that group: nobody wants a bill without its lines. A list that
//!   is empty as fetched counts as one field without a value.
//! * Where several groups keep a row, it keeps the elements that any of them keeps.
//!
//! Tests of one group on the same list must hold for the same element. Lists within lists work alike.

mod check;
mod kept;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::Row;
use super::name;
pub(super) use check::{Check, Operand, Order};
pub(super) use kept::Kept;

/// A condition: its groups, of which one must hold.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) groups: Vec<Group>,
}

/// Tests that must hold together.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) tests: Vec<Test>,
}

/// A test of a field.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) field: String,
    pub(super) check: Check,
    /// Every element of a list must match, or the row goes.
    pub(super) strict: bool,
    /// It names a field that flattening makes.
    pub(super) after_flattening: bool,
}

/// What a row is when it is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// As fetched, its lists in it.
    Nested,
    /// Flattened, one row per element.
    Flat,
}

impl Default for Condition {
    /// Keeps every row.
    fn default() -> Self {
        Self { groups: vec![Group::default()] }
    }
}

impl Condition {
    /// The row with what is kept of it; `None`: it is left out.
    pub(super) fn keep(&self, mut row: Row, zone: &TimeZone) -> Option<Row> {
        let kept = self.groups.iter().filter_map(|group| group.kept(&row, Stage::Nested, zone)).reduce(Kept::or)?;
        kept.cut(&mut row);
        Some(row)
    }
}

impl Group {
    /// What of a row the group keeps; `None`: nothing.
    pub(super) fn kept(&self, row: &Row, stage: Stage, zone: &TimeZone) -> Option<Kept> {
        let tests: Vec<Named<'_>> = self
            .tests
            .iter()
            .filter(|test| test.after_flattening == (stage == Stage::Flat))
            .map(|test| Named { test, name: &test.field })
            .collect();
        kept(&tests, row, zone)
    }
}

/// A test, and its field's name as seen from an element.
#[derive(Clone, Copy)]
struct Named<'a> {
    test: &'a Test,
    name: &'a str,
}

/// The tests on one list.
struct OfList<'a> {
    path: Vec<String>,
    elements: &'a [Value],
    tests: Vec<Named<'a>>,
}

fn kept(tests: &[Named<'_>], row: &Row, zone: &TimeZone) -> Option<Kept> {
    let mut lists: Vec<OfList<'_>> = Vec::new();
    for &Named { test, name } in tests {
        let (path, elements, rest) = match locate(row, name) {
            Located::Value(value) => {
                if !test.check.holds(value, zone) {
                    return None;
                }
                continue;
            }
            Located::List { path, elements, rest } => (path, elements, rest),
        };
        let below = Named { test, name: rest };
        if test.strict {
            if !elements.iter().all(|element| holds_throughout(below, element, zone)) {
                return None;
            }
            continue;
        }
        match lists.iter_mut().find(|list| list.path == path) {
            Some(list) => list.tests.push(below),
            None => lists.push(OfList { path, elements, tests: vec![below] }),
        }
    }
    let mut all = Kept::default();
    for OfList { path, elements, tests } in lists {
        if elements.is_empty() {
            if !tests.iter().all(|named| named.test.check.holds(None, zone)) {
                return None;
            }
            continue;
        }
        let of_list: Vec<(usize, Kept)> = elements
            .iter()
            .enumerate()
            .filter_map(|(index, element)| Some((index, with_row(element, |row| kept(&tests, row, zone))?)))
            .collect();
        if of_list.is_empty() {
            return None;
        }
        all.insert(path, of_list);
    }
    Some(all)
}

/// Whether a strict test holds for an element and for all elements of lists within it.
fn holds_throughout(named: Named<'_>, element: &Value, zone: &TimeZone) -> bool {
    with_row(element, |row| match locate(row, named.name) {
        Located::Value(value) => named.test.check.holds(value, zone),
        Located::List { elements, rest, .. } => {
            let below = Named { name: rest, ..named };
            elements.iter().all(|element| holds_throughout(below, element, zone))
        }
    })
}

/// An element that is no object has no fields.
fn with_row<T>(element: &Value, look: impl FnOnce(&Row) -> T) -> T {
    match element {
        Value::Object(row) => look(row),
        _ => look(&Row::new()),
    }
}

/// Where a field's name leads.
enum Located<'r, 'n> {
    Value(Option<&'r Value>),
    /// To a field of the elements of a list.
    List {
        path: Vec<String>,
        elements: &'r [Value],
        rest: &'n str,
    },
}

/// A name that has dots may be a field's own name, a path through objects, or lead into a list.
fn locate<'r, 'n>(row: &'r Row, name: &'n str) -> Located<'r, 'n> {
    if let Some(value) = row.get(name) {
        return Located::Value(Some(value));
    }
    for get in [name::with_case as Getter, name::without_case] {
        if let Some(list) = list_of(row, name, get) {
            return list;
        }
    }
    Located::Value(name::field(row, name))
}

type Getter = for<'r> fn(&'r Row, &str) -> Option<(&'r String, &'r Value)>;

fn list_of<'r, 'n>(row: &'r Row, name: &'n str, get: Getter) -> Option<Located<'r, 'n>> {
    name.match_indices('.').find_map(|(dot, _)| {
        let (step, rest) = (name.get(..dot)?, name.get(dot + 1..)?);
        let (key, value) = get(row, step)?;
        match value {
            // `items.0.name` means one element, not all.
            Value::Array(elements) if !rest.starts_with(|first: char| first.is_ascii_digit()) => {
                Some(Located::List { path: vec![key.clone()], elements, rest })
            }
            Value::Object(inner) => match list_of(inner, rest, get)? {
                Located::List { mut path, elements, rest } => {
                    path.insert(0, key.clone());
                    Some(Located::List { path, elements, rest })
                }
                other @ Located::Value(_) => Some(other),
            },
            _ => None,
        }
    })
}

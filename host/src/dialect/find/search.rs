//! A lookup whose values are filled in: the reads that answer it.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::super::Row;
use super::super::condition::{self, Order};
use super::super::finding::shortened;
use super::super::name;
use super::super::value::index_text;
use super::{Branch, Check, Operand, READ_ONE_BY_ONE, Test};

/// Reads that a message shows.
const SHOWN: usize = 3;

/// Which row a lookup wants: of those that its reads find, the one stored last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Search {
    reads: Vec<Read>,
}

/// One read of a collection: the latest row whose `fields` have these `values` and that the [`Matcher`] accepts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    fields: Vec<Arc<str>>,
    values: Vec<String>,
    tests: Vec<Test<String>>,
}

impl Search {
    /// For the row whose fields have these texts ([`super::super::index_text`]).
    pub fn by(conditions: impl IntoIterator<Item = (impl Into<Arc<str>>, impl Into<String>)>) -> Self {
        let (fields, values) =
            conditions.into_iter().map(|(field, value)| (field.into(), value.into())).unzip::<_, _, Vec<_>, Vec<_>>();
        Self::plain(fields, values)
    }

    /// One read, by fields that equal texts.
    pub(in super::super) fn plain(fields: Vec<Arc<str>>, values: Vec<String>) -> Self {
        Self { reads: vec![Read { fields, values, tests: Vec::new() }] }
    }

    /// Fills branches in; `fill_in` gives an operand's values, and is asked in the order of [`Find::operands`](super::Find).
    pub(in super::super) fn fill<E>(
        branches: &[Branch],
        fill_in: &mut dyn FnMut(&Operand) -> Result<Vec<String>, E>,
    ) -> Result<Self, E> {
        let mut reads: Vec<Read> = Vec::new();
        for Branch { equal, tests } in branches {
            let fields: Vec<Arc<str>> = equal.iter().map(|(field, _)| Arc::clone(field)).collect();
            let mut rows_of_values: Vec<Vec<String>> = vec![Vec::with_capacity(equal.len())];
            for (_, operands) in equal {
                let mut values = all(operands, fill_in)?;
                if let ([before], [value]) = (rows_of_values.as_mut_slice(), values.as_mut_slice()) {
                    before.push(std::mem::take(value));
                    continue;
                }
                rows_of_values = rows_of_values
                    .iter()
                    .flat_map(|before| {
                        values.iter().map(|value| [before.as_slice(), std::slice::from_ref(value)].concat())
                    })
                    .collect();
            }
            let tests: Vec<_> = tests.iter().map(|test| filled(test, fill_in)).collect::<Result<_, E>>()?;
            for values in rows_of_values {
                let read = Read { fields: fields.clone(), values, tests: tests.clone() };
                // Of very many, one that comes twice costs less than to look for it.
                if reads.len() >= READ_ONE_BY_ONE || !reads.contains(&read) {
                    reads.push(read);
                }
            }
        }
        Ok(Self { reads })
    }

    /// What is looked up by nothing is not there: an empty key must not find some row whose field is empty, too.
    /// `None`: no read is by nothing.
    pub(in super::super) fn without_blank_reads(&self) -> Option<Self> {
        let is_blank = |read: &Read| !read.values.is_empty() && read.values.iter().all(String::is_empty);
        let any = self.reads.iter().any(is_blank);
        any.then(|| Self { reads: self.reads.iter().filter(|read| !is_blank(read)).cloned().collect() })
    }

    /// The reads; none: there is no such row.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }
}

fn all<E>(operands: &[Operand], fill_in: &mut dyn FnMut(&Operand) -> Result<Vec<String>, E>) -> Result<Vec<String>, E> {
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        values.extend(fill_in(operand)?);
    }
    Ok(values)
}

fn filled<E>(
    test: &Test<Operand>,
    fill_in: &mut dyn FnMut(&Operand) -> Result<Vec<String>, E>,
) -> Result<Test<String>, E> {
    let mut each = |tests: &[Test<Operand>]| tests.iter().map(|test| filled(test, fill_in)).collect::<Result<_, E>>();
    Ok(match test {
        Test::All(tests) => Test::All(each(tests)?),
        Test::Any(tests) => Test::Any(each(tests)?),
        Test::Field(field, check) => Test::Field(
            Arc::clone(field),
            match check {
                Check::Among(operands) => Check::Among(all(operands, fill_in)?),
                Check::NotAmong(operands) => Check::NotAmong(all(operands, fill_in)?),
                Check::Ordered(order, operand) => Check::Ordered(*order, fill_in(operand)?.concat()),
                Check::Exists(is_there) => Check::Exists(*is_there),
                Check::Null(is_null) => Check::Null(*is_null),
            },
        ),
    })
}

impl Read {
    /// The fields of the index that leads to the rows; none: all rows.
    pub fn fields(&self) -> Vec<String> {
        self.fields.iter().map(ToString::to_string).collect()
    }

    /// Their texts.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Field and text, in pairs.
    pub fn conditions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(AsRef::as_ref).zip(self.values.iter().map(String::as_str))
    }

    /// What the rows with these values must pass, if anything. Texts without an offset are times of `zone`.
    pub fn matcher(&self, zone: &TimeZone) -> Option<Matcher> {
        let tests: Vec<Ready> = self.tests.iter().map(|test| Ready::of(test, zone)).collect();
        (!tests.is_empty()).then(|| Matcher { test: Ready::All(tests), zone: zone.clone() })
    }
}

/// Tests of rows, ready to be made many times.
#[derive(Clone, Debug)]
pub struct Matcher {
    test: Ready,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Ready {
    All(Vec<Ready>),
    Any(Vec<Ready>),
    Among(Arc<str>, Vec<String>, bool),
    Ordered(Arc<str>, condition::Check),
    Exists(Arc<str>, bool),
    Null(Arc<str>, bool),
    Never,
}

impl Matcher {
    /// Whether a row passes.
    pub fn accepts(&self, row: &Row) -> bool {
        self.test.holds(row, &self.zone)
    }
}

impl Ready {
    fn of(test: &Test<String>, zone: &TimeZone) -> Self {
        let each = |tests: &[Test<String>]| tests.iter().map(|test| Self::of(test, zone)).collect();
        match test {
            Test::All(tests) => Self::All(each(tests)),
            Test::Any(tests) => Self::Any(each(tests)),
            Test::Field(field, check) => {
                let field = Arc::clone(field);
                match check {
                    Check::Among(texts) => Self::Among(field, texts.clone(), true),
                    Check::NotAmong(texts) => Self::Among(field, texts.clone(), false),
                    Check::Ordered(_, than) if than.trim().is_empty() => Self::Never,
                    Check::Ordered(order, than) => match condition::Operand::read(than, zone) {
                        Some(than) => Self::Ordered(field, condition::Check::Ordered { order: *order, than }),
                        None => Self::Never,
                    },
                    Check::Exists(is_there) => Self::Exists(field, *is_there),
                    Check::Null(is_null) => Self::Null(field, *is_null),
                }
            }
        }
    }

    fn holds(&self, row: &Row, zone: &TimeZone) -> bool {
        let value = |field: &str| name::field(row, field);
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(row, zone)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(row, zone)),
            Self::Among(field, texts, is_among) => {
                value(field).is_some_and(|value| texts.contains(&index_text(value))) == *is_among
            }
            Self::Ordered(field, check) => check.holds(value(field), zone),
            Self::Exists(field, is_there) => value(field).is_some() == *is_there,
            Self::Null(field, is_null) => value(field).is_none_or(serde_json::Value::is_null) == *is_null,
            Self::Never => false,
        }
    }
}

impl fmt::Display for Search {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, read) in self.reads.iter().take(SHOWN).enumerate() {
            write!(out, "{}{read}", if index == 0 { "" } else { ", or " })?;
        }
        match self.reads.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(out, ", or {more} more"),
        }
    }
}

impl fmt::Display for Read {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut joint = "";
        for (field, value) in self.conditions() {
            write!(out, "{joint}`{field}` = `{}`", shortened(value))?;
            joint = " and ";
        }
        for test in &self.tests {
            write!(out, "{joint}{test}")?;
            joint = " and ";
        }
        Ok(())
    }
}

impl fmt::Display for Test<String> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |tests: &[Self], joint: &str| tests.iter().map(Self::to_string).collect::<Vec<_>>().join(joint);
        let listed = |texts: &[String]| {
            let quoted: Vec<String> = texts.iter().map(|text| format!("`{}`", shortened(text))).collect();
            quoted.join(", ")
        };
        match self {
            Self::All(tests) => out.write_str(&joined(tests, " and ")),
            Self::Any(tests) => write!(out, "({})", joined(tests, " or ")),
            Self::Field(field, Check::Among(texts)) => write!(out, "`{field}` in ({})", listed(texts)),
            Self::Field(field, Check::NotAmong(texts)) => write!(out, "`{field}` not in ({})", listed(texts)),
            Self::Field(field, Check::Ordered(order, text)) => {
                let sign = match order {
                    Order::More => ">",
                    Order::MoreOrEqual => ">=",
                    Order::Less => "<",
                    Order::LessOrEqual => "<=",
                };
                write!(out, "`{field}` {sign} `{}`", shortened(text))
            }
            Self::Field(field, Check::Exists(true)) => write!(out, "a field `{field}`"),
            Self::Field(field, Check::Exists(false)) => write!(out, "no field `{field}`"),
            Self::Field(field, Check::Null(true)) => write!(out, "`{field}` empty"),
            Self::Field(field, Check::Null(false)) => write!(out, "`{field}` not empty"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::{Value, json};

    use super::super::{Find, Kind};
    use super::*;

    fn search(filter: &str) -> Search {
        let find = Find::parse(Kind::Mongo, &format!("s findField=id where={filter}")).unwrap();
        let texts = &mut |operand: &Operand| {
            let text = operand.template.to_string().replace("{{blank}}", "");
            Ok::<_, ()>(if operand.is_list { vec!["1".to_owned(), "2".to_owned()] } else { vec![text] })
        };
        Search::fill(&find.branches, texts).unwrap()
    }

    /// What a read would find, without an index.
    fn holds(filter: &str, row: &Value) -> bool {
        let row = row.as_object().unwrap();
        let search = search(filter);
        search.without_blank_reads().unwrap_or(search).reads().iter().any(|read| {
            let equal = read
                .conditions()
                .all(|(field, text)| name::field(row, field).is_some_and(|value| index_text(value) == text));
            equal && read.matcher(&TimeZone::UTC).is_none_or(|matcher| matcher.accepts(row))
        })
    }

    #[test]
    fn what_operators_mean() {
        let row = json!({"n": 10, "t": "10", "d": "10.0", "s": "苹果", "e": "", "z": null, "at": "2026-01-05 10:00:00", "o": {"p": 1}});
        for (filter, expected) in [
            (r#"{"n":10}"#, true),
            (r#"{"content.n":"10"}"#, true),
            (r#"{"t":10}"#, true),
            // Equality is of texts: an index finds them.
            (r#"{"d":10}"#, false),
            (r#"{"d":{"$gte":10,"$lte":10}}"#, true),
            (r#"{"n":{"$gt":9}}"#, true),
            (r#"{"n":{"$gt":"9"}}"#, true),
            (r#"{"t":{"$gt":9}}"#, true),
            (r#"{"n":{"$gt":10}}"#, false),
            (r#"{"n":{"$lt":10.5}}"#, true),
            (r#"{"n":{"$lt":""}}"#, false),
            (r#"{"n":{"$gt":"{{blank}}"}}"#, false),
            (r#"{"at":{"$gte":"2026-01-05","$lt":"2026-01-06"}}"#, true),
            (r#"{"s":{"$in":["梨","苹果"]}}"#, true),
            (r#"{"s":{"$nin":["梨","苹果"]}}"#, false),
            (r#"{"nowhere":{"$nin":["梨"]}}"#, true),
            (r#"{"nowhere":{"$ne":"x"}}"#, true),
            (r#"{"s":{"$ne":"苹果"}}"#, false),
            (r#"{"n":{"$in":"{{list}}"}}"#, false),
            (r#"{"z":null}"#, true),
            (r#"{"nowhere":null}"#, true),
            (r#"{"e":null}"#, false),
            (r#"{"z":{"$ne":null}}"#, false),
            (r#"{"z":{"$exists":true}}"#, true),
            (r#"{"nowhere":{"$exists":false}}"#, true),
            (r#"{"s":{"$in":["x",null]}}"#, false),
            (r#"{"z":{"$in":["x",null]}}"#, true),
            (r#"{"o.p":1}"#, true),
            (r#"{"$or":[{"n":1},{"s":"苹果"}]}"#, true),
            (r#"{"$or":[{"n":1},{"s":"梨"}]}"#, false),
            (r#"{"$and":[{"n":10},{"s":"梨"}]}"#, false),
            (r#"{"n":{"$gt":5,"$lt":8}}"#, false),
            ("{}", true),
            // Nothing is found by empty texts alone; beside another equality they count.
            (r#"{"e":"{{blank}}"}"#, false),
            (r#"{"e":"{{blank}}","n":10}"#, true),
            (r#"{"$or":[{"e":"{{blank}}"},{"n":11}]}"#, false),
            (r#"{"s":{"$ne":""}}"#, true),
        ] {
            assert_eq!(holds(filter, &row), expected, "{filter}");
        }
    }

    #[test]
    fn reads_are_few_and_each_is_made_once() {
        let reads = |filter: &str| {
            let search = search(filter);
            search.reads().iter().map(|read| read.values().join("/")).collect::<Vec<_>>()
        };
        assert_eq!(reads(r#"{"a":{"$in":["x","y","x"]},"b":7}"#), ["x/7", "y/7"]);
        assert_eq!(reads(r#"{"a":{"$in":"{{list}}"}}"#), ["1", "2"]);
        assert_eq!(reads(r#"{"$or":[{"a":1},{"a":2},{"a":1}]}"#), ["1", "2"]);
        assert_eq!(reads(r#"{"a":{"$in":[]}}"#), Vec::<String>::new());
    }

    #[test]
    fn a_search_reads_well_in_messages() {
        for (filter, expected) in [
            (r#"{"a":1,"b":{"$gt":2,"$ne":"x"}}"#, "`a` = `1` and `b` > `2` and `b` not in (`x`)"),
            (r#"{"$or":[{"a":1},{"b":{"$exists":false}}]}"#, "`a` = `1`, or no field `b`"),
            (r#"{"a":{"$in":[1,2,3,4,5]}}"#, "`a` = `1`, or `a` = `2`, or `a` = `3`, or 2 more"),
        ] {
            assert_eq!(search(filter).to_string(), expected);
        }
    }
}

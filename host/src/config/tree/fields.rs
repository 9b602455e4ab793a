//! Reads a mapping key by key, and then says which keys nobody asked for.
//!
//! The names that are asked for are at once the list of the known ones, so the two cannot drift apart. A key whose value is
//! empty (`target:` and nothing behind it) counts as absent.

use std::cell::RefCell;

use super::super::problem::{Complaint, Origin, Place, Report};
use super::{Data, Key, Node};

/// One mapping that is being read.
pub(in super::super) struct Fields<'a> {
    report: &'a Report,
    path: String,
    place: Place,
    entries: &'a [(Key, Node)],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// Opens a mapping; anything else is a problem.
    pub(in super::super) fn open(node: &'a Node, path: &str, report: &'a Report) -> Option<Self> {
        let Data::Map(entries) = &node.data else {
            let complaint = Complaint::new(format!("expected a mapping, found {}", node.describe()));
            report.complain(node.place, path, complaint);
            return None;
        };
        Some(Self { report, path: path.to_owned(), place: node.place, entries, known: RefCell::default() })
    }

    pub(in super::super) fn report(&self) -> &'a Report {
        self.report
    }

    /// The key's full name.
    pub(in super::super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key, unless it is absent or empty.
    pub(in super::super) fn get(&self, key: &'static str) -> Option<&'a Node> {
        self.known.borrow_mut().push(key);
        self.entries.iter().find(|(known, _)| known.name == key).map(|(_, node)| node).filter(|node| !node.is_null())
    }

    /// The value of a key through `reader`. Absent, or reported: `None`.
    pub(in super::super) fn read<T>(
        &self,
        key: &'static str,
        reader: impl FnOnce(&Node) -> Result<T, Complaint>,
    ) -> Option<T> {
        let node = self.get(key)?;
        reader(node).map_err(|complaint| self.report.complain(node.place, &self.path(key), complaint)).ok()
    }

    /// The same, for a key that must be there.
    pub(in super::super) fn require<T>(
        &self,
        key: &'static str,
        reader: impl FnOnce(&Node) -> Result<T, Complaint>,
    ) -> Option<T> {
        if self.get(key).is_none() {
            self.missing(key);
        }
        self.read(key, reader)
    }

    /// Reports that a key is absent.
    pub(in super::super) fn missing(&self, key: &str) {
        self.complain(Complaint::new(format!("the key `{key}` is missing")));
    }

    /// A complaint about the mapping as a whole.
    pub(in super::super) fn complain(&self, complaint: Complaint) {
        self.report.complain(self.place, &self.path, complaint);
    }

    /// The mapping under a key.
    pub(in super::super) fn nested(&self, key: &'static str) -> Option<Fields<'a>> {
        Fields::open(self.get(key)?, &self.path(key), self.report)
    }

    /// Where the value of a key stands.
    pub(in super::super) fn origin(&self, key: &'static str) -> Origin {
        let place = self.get(key).map_or(self.place, |node| node.place);
        self.origin_at(place, self.path(key))
    }

    /// Where the mapping stands.
    pub(in super::super) fn own_origin(&self) -> Origin {
        self.origin_at(self.place, self.path.clone())
    }

    fn origin_at(&self, place: Place, path: String) -> Origin {
        Origin { file: self.report.file().to_owned(), line: Some(place.line), column: Some(place.column), path }
    }

    /// What was not asked for.
    pub(in super::super) fn rest(&self) -> impl Iterator<Item = (&'a Key, &'a Node)> {
        let known = self.known.borrow().clone();
        let unknown = self.entries.iter().filter(move |(key, _)| !known.contains(&key.name.as_str()));
        unknown.map(|(key, node)| (key, node))
    }

    /// Ends the reading: what was not asked for is unknown.
    pub(in super::super) fn close(self) {
        for (key, _) in self.rest() {
            let known = self.known.borrow();
            let hint = match nearest(&key.name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys here are {}", list(known.iter().copied())),
            };
            let complaint = Complaint::new(format!("unknown key `{}`", key.name)).hint(hint);
            self.report.complain(key.place, &self.path, complaint);
        }
    }
}

impl Node {
    fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }
}

/// Names for a message: `` `a`, `b` ``, each once.
pub(in super::super) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut quoted: Vec<String> = Vec::new();
    for name in names {
        let name = format!("`{name}`");
        if !quoted.contains(&name) {
            quoted.push(name);
        }
    }
    quoted.join(", ")
}

/// The known name that a misspelt word probably means: at most a third of its letters differ, or only their order.
pub fn nearest<'n>(word: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let most = (word.chars().count() / 3).max(1);
    let near = known.into_iter().map(|name| (distance(word, name), name)).min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, name)| *distance <= most || letters(word) == letters(name)).map(|(_, name)| name)
}

fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.to_lowercase().chars().collect();
    letters.sort_unstable();
    letters
}

/// How many letters must be put in, left out or changed to make one word of the other (Levenshtein), case aside.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.to_lowercase().chars().enumerate() {
        let mut left = line + 1;
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), left);
        for (above, there) in row.iter_mut().skip(1).zip(&other) {
            left = (diagonal + usize::from(letter != *there)).min(left + 1).min(*above + 1);
            diagonal = std::mem::replace(above, left);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words() {
        for (one, other, expected) in [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("Rate", "rate", 0)] {
            assert_eq!(distance(one, other), expected);
            assert_eq!(distance(other, one), expected);
        }
        let known = ["connection", "schedule", "lag"];
        for (word, expected) in [
            ("conection", Some("connection")),
            ("shedule", Some("schedule")),
            ("lags", Some("lag")),
            ("lga", Some("lag")),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}

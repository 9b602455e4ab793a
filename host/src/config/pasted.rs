//! A JSON text by itself, as people paste it: metadata that is looked at without a project, or rows.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::json::{self, Json};
use super::metadata::COMMA;
use super::problem::{ConfigProblem, Origin};
use super::text::Lines;

/// A JSON text, and what it says.
#[derive(Debug)]
pub struct Pasted {
    file: PathBuf,
    text: String,
    value: Option<Value>,
    problems: Vec<ConfigProblem>,
}

impl Pasted {
    /// Reads it; commas before a closing bracket are passed over and said.
    pub fn read(file: &Path, text: String) -> Self {
        let (value, problems) = match json::parse(&text) {
            Ok(Json { value, commas }) => {
                let commas = commas.into_iter().map(|comma| ConfigProblem::warning(file, COMMA).place(comma));
                (Some(value), commas.collect())
            }
            Err(complaint) => (None, vec![ConfigProblem::complaint(file, complaint)]),
        };
        Self { file: file.to_owned(), text, value, problems }
    }

    /// What it says; `None`: it is not JSON.
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    /// What is wrong with its JSON.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// The text as a whole, for problems to be said of it.
    pub fn origin(&self) -> Origin {
        Origin { file: self.file.clone(), line: None, column: None, path: "$".to_owned() }
    }

    /// The same problem with line and column, which its JSON path tells.
    #[must_use]
    pub fn located(&self, problem: ConfigProblem) -> ConfigProblem {
        match problem.path.as_deref() {
            Some(path) if problem.line.is_none() && self.value.is_some() => {
                let place = Lines::new(&self.text).place(offset_of(&self.text, path));
                problem.place(place)
            }
            _ => problem,
        }
    }
}

/// Where the value at a JSON path begins, in bytes; of a path that leads further than the text, where it stops.
fn offset_of(text: &str, path: &str) -> usize {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    cursor.blanks();
    let mut found = cursor.at;
    for step in steps(path) {
        let entered = match step {
            Step::Key(key) => cursor.member(text, &key),
            Step::Index(index) => cursor.element(index),
        };
        if entered.is_none() {
            break;
        }
        found = cursor.at;
    }
    found
}

enum Step {
    Key(String),
    Index(usize),
}

/// The steps of `$.request[3]["b c"]`.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, further) = after.split_at(end);
            steps.push(Step::Key(key.to_owned()));
            rest = further;
        } else if let Some(after) = rest.strip_prefix('[') {
            let mut inner = serde_json::Deserializer::from_str(after).into_iter::<Value>();
            let step = match inner.next() {
                Some(Ok(Value::String(key))) => Step::Key(key),
                Some(Ok(Value::Number(index))) => {
                    Step::Index(index.as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(usize::MAX))
                }
                _ => break,
            };
            steps.push(step);
            rest = after.get(inner.byte_offset()..).and_then(|rest| rest.strip_prefix(']')).unwrap_or_default();
        } else {
            break;
        }
    }
    steps
}

/// Walks over a JSON text that is known to be one, but for commas too many.
struct Cursor<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Past this byte, and the blanks behind it.
    fn past(&mut self, byte: u8) -> Option<()> {
        if self.peek()? != byte {
            return None;
        }
        self.at += 1;
        self.blanks();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    /// Past a value, and the blanks and the comma behind it.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => return Some(()),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' if depth == 0 => return self.past(b','),
                _ => self.at += 1,
            }
        }
    }

    /// To the value of a member of the object that begins here.
    fn member(&mut self, text: &str, wanted: &str) -> Option<()> {
        let begin = self.at;
        let found = self.find_member(text, wanted);
        if found.is_none() {
            self.at = begin;
        }
        found
    }

    fn find_member(&mut self, text: &str, wanted: &str) -> Option<()> {
        self.past(b'{')?;
        while self.peek()? == b'"' {
            let from = self.at;
            self.string()?;
            let key: Option<String> = text.get(from..self.at).and_then(|key| serde_json::from_str(key).ok());
            self.blanks();
            self.past(b':')?;
            if key.as_deref() == Some(wanted) {
                return Some(());
            }
            self.value()?;
        }
        None
    }

    /// To an element of the array that begins here.
    fn element(&mut self, index: usize) -> Option<()> {
        let begin = self.at;
        let found = self.find_element(index);
        if found.is_none() {
            self.at = begin;
        }
        found
    }

    fn find_element(&mut self, index: usize) -> Option<()> {
        self.past(b'[')?;
        let mut passed = 0;
        while self.peek()? != b']' {
            if passed == index {
                return Some(());
            }
            let begin = self.at;
            self.value()?;
            if self.at == begin {
                // A bracket of another kind: this is no JSON.
                return None;
            }
            passed += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn a_json_path_tells_line_and_column() {
        let text = "{\n  \"名\": \"{[,\\\"]}\", \"request\": [\n    {\"field\": \"a\"},\n    {\"field\": \"b\", \"a b\": {\"c\":\t1},},\n  ],\n}";
        let pasted = Pasted::read(Path::new("x.json"), text.to_owned());
        assert_eq!(pasted.problems().len(), 3);
        for (path, line, column) in [
            ("$", 1, 1),
            ("$.名", 2, 8),
            ("$.request", 2, 30),
            ("$.request[0]", 3, 5),
            ("$.request[1].field", 4, 15),
            ("$.request[1][\"a b\"].c", 4, 33),
            // What is not there is said where it would be.
            ("$.id", 1, 1),
            ("$.request[2]", 2, 30),
            ("$.request[1].value", 4, 5),
            ("$.request[99999999999999999999].value", 2, 30),
        ] {
            let located = pasted.located(pasted.origin().error("x").inside(path));
            assert_eq!((located.line, located.column), (Some(line), Some(column)), "{path}");
        }
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        let pasted = Pasted::read(Path::new("-"), "{\"a\": 1\n \"b\": 2}".to_owned());
        assert!(pasted.value().is_none());
        assert_eq!(pasted.problems()[0].to_string(), "-:2:2: this is not JSON: expected `,` or `}`");
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_path_makes_it_panic(text in "[{}\\[\\],:\"\\\\ \t\n0-9a名]{0,40}", path in "[$.\\[\\]\"0-9a名]{0,20}") {
            let _ = offset_of(&text, &path);
        }
    }
}

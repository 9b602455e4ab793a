//! What is wrong with a project's files, and where.
//!
//! A project is edited by hand, so one mistake must not hide the next: reading goes on after a problem, and everything found
//! is handed back at once, each with file, line and column where they are known, the key's path, and what to do.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The file, table or connection is not used.
    Error,
    /// It is used; a person should look at it.
    Warning,
}

/// Something wrong in a file of the project. Boxed texts keep it small enough to be returned as an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// The file, relative to the project's folder.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The key, such as `connections.kingdee-main.rate`.
    pub path: Option<Box<str>>,
    /// The text that is wrong, where it is not the whole value.
    pub text: Option<Box<str>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<Box<str>>,
}

impl ConfigProblem {
    /// A problem that keeps the file from being used.
    pub fn error(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.into(),
            line: None,
            column: None,
            path: None,
            text: None,
            message: message.into(),
            hint: None,
        }
    }

    /// A problem that a person should look at.
    pub fn warning(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, message) }
    }

    /// The same, at this key.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into().into()), ..self }
    }

    /// The same, at a JSON path (`$.request[3].value`) inside of the value at its key.
    #[must_use]
    pub fn inside(self, json_path: &str) -> Self {
        let inside = json_path.strip_prefix('$').unwrap_or(json_path);
        let path = format!("{}{inside}", self.path.as_deref().unwrap_or("$"));
        Self { path: Some(path.into()), ..self }
    }

    /// The same, about this part of the value.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: Some(text.into().into()), ..self }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into().into()), ..self }
    }

    /// True unless it is only a warning.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub(super) fn place(self, place: Place) -> Self {
        Self { line: Some(place.line), column: Some(place.column), ..self }
    }

    pub(super) fn complaint(file: &Path, complaint: Complaint) -> Self {
        let place = complaint.place.unwrap_or(Place { line: 1, column: 1 });
        Self { hint: complaint.hint.map(Into::into), ..Self::error(file, complaint.message).place(place) }
    }

    pub(super) fn line(self, line: u32) -> Self {
        Self { line: Some(line), ..self }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(text) = self.text.as_deref().filter(|text| !text.is_empty() && *text != "null") {
            write!(f, "\n  text: {text}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblem {}

/// Where a part of the configuration was written, so that what is found out later can be said at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, relative to the project's folder.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The key, such as `source.metadata`.
    pub path: String,
}

impl Origin {
    /// An error here.
    pub fn error(&self, message: impl Into<String>) -> ConfigProblem {
        ConfigProblem {
            line: self.line,
            column: self.column,
            ..ConfigProblem::error(&self.file, message).at(&self.path)
        }
    }

    /// A warning here.
    pub fn warning(&self, message: impl Into<String>) -> ConfigProblem {
        ConfigProblem { severity: Severity::Warning, ..self.error(message) }
    }
}

/// A line and a column in characters, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// What a reader of one value has against it; its key and file are known to who asked.
#[derive(Debug)]
pub(super) struct Complaint {
    /// Absent: at the value.
    pub(super) place: Option<Place>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { place: None, message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn place(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }
}

/// Collects the problems of one file while it is read.
#[derive(Debug)]
pub(super) struct Report {
    file: PathBuf,
    problems: RefCell<Vec<ConfigProblem>>,
}

impl Report {
    pub(super) fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), problems: RefCell::default() }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn add(&self, problem: ConfigProblem) {
        self.problems.borrow_mut().push(problem);
    }

    /// A complaint about the value at `path`, which begins at `place`.
    pub(super) fn complain(&self, place: Place, path: &str, complaint: Complaint) {
        let mut problem = ConfigProblem::error(&self.file, complaint.message).place(complaint.place.unwrap_or(place));
        if !path.is_empty() {
            problem = problem.at(path);
        }
        self.add(ConfigProblem { hint: complaint.hint.map(Into::into), ..problem });
    }

    pub(super) fn has_errors(&self) -> bool {
        self.problems.borrow().iter().any(ConfigProblem::is_error)
    }

    pub(super) fn into_problems(self) -> Vec<ConfigProblem> {
        self.problems.into_inner()
    }
}

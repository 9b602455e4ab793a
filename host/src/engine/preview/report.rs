//! What a preview shows: the same whether a command makes it or a running host.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gather::Gathered;
use crate::config::ConfigProblem;
use crate::dialect::{MappingError, Row, Side};
use crate::engine::EngineError;
use crate::engine::snapshot::Scheme;

/// A preview.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The scheme's stem; empty where its file does not load.
    pub scheme: String,
    /// Its name, for people.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The connection that rows come from.
    pub source: String,
    /// The connection that bills would go to; absent: none do.
    pub target: Option<String>,
    /// The target's operation.
    pub target_api: Option<String>,
    /// Why there is nothing, or not everything, to see.
    pub errors: Vec<Remark>,
    /// What to look at in the scheme.
    pub warnings: Vec<Remark>,
    /// What a reader of this should know.
    pub notes: Vec<String>,
    /// How rows were read.
    pub read: RowsRead,
    /// Rows as they came.
    pub rows: Vec<Row>,
    /// Rows as they would be stored.
    pub shaped: Vec<Row>,
    /// Rows that would be left out on purpose.
    pub left_out: Vec<LeftOut>,
    /// Rows that would be refused: their bills would not be delivered.
    pub refused: Vec<RefusedRow>,
    /// The bills.
    pub bills: Vec<BillShown>,
}

/// An error or a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The key, or JSON path.
    pub path: Option<String>,
    /// What is written there.
    pub text: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How rows were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsRead {
    /// The window that was asked for; absent: the rows were given.
    pub window: Option<Window>,
    /// Rows asked for per page.
    pub page_size: Option<u32>,
    /// Pages fetched.
    pub pages: u32,
    /// There are more pages.
    pub more: bool,
    /// The first pages of a first scan's window had no rows that stay, so that the window is that of the last day.
    pub fell_back: bool,
}

/// A window of time, in the scheme's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning; absent: the beginning of time.
    pub start: Option<String>,
    /// Its end.
    pub end: String,
}

/// Rows that would be left out on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The row's id, where it is known which row it is.
    pub id: Option<String>,
    /// How many rows.
    pub count: u64,
    /// Why.
    pub reason: String,
}

/// A row that would be refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Its id, or a name made of its content.
    pub id: String,
    /// Its bill.
    pub bill: String,
    /// The row as the step that refuses it was given it.
    pub row: Row,
    /// The rule that it breaks.
    pub rule: Option<String>,
    /// Why.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BillShown {
    /// The merge key, or the row's id.
    pub key: String,
    /// The number that the target could find it by.
    pub number: Option<String>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// There are more pages, which may have rows of it.
    pub may_lack_rows: bool,
    /// As it would be sent; of one with failures, what could be mapped.
    pub bill: Row,
    /// Everything that failed: with any, it would not be sent.
    pub failures: Vec<Failed>,
    /// What the target has of it; absent: it was not asked.
    pub there: Option<There>,
}

/// A value that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// `source` or `target`: whose metadata.
    pub side: String,
    /// The JSON path within it.
    pub path: String,
    /// The line of the bill, from 1.
    pub line: Option<usize>,
    /// What is written there.
    pub text: String,
    /// What went wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// What the target has of a bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct There {
    /// Whether it is there, and what would be done.
    pub state: ThereState,
    /// The vendor's id.
    pub id: Option<String>,
    /// What would happen, or why nobody knows.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The fields in which the two differ.
    pub differences: Vec<Difference>,
    /// How many mapped values the target shows, so that they could be compared.
    pub compared: usize,
    /// The mapped fields of which the target shows nothing.
    pub not_shown: Vec<String>,
}

/// Whether a bill is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThereState {
    /// It would be created.
    Absent,
    /// It is there.
    Exists,
    /// It is there, and a later step is missing.
    HalfDone,
    /// Nobody knows.
    Unknown,
}

/// A field in which the two differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Its JSON path in the bill.
    pub path: String,
    /// What would be sent.
    pub bill: Value,
    /// What is there.
    pub there: Value,
}

impl Report {
    /// Whether everything could be shown, and would be delivered.
    pub fn succeeded(&self) -> bool {
        let unknown = |bill: &BillShown| bill.there.as_ref().is_some_and(|there| there.state == ThereState::Unknown);
        self.errors.is_empty()
            && self.refused.is_empty()
            && self.bills.iter().all(|bill| bill.failures.is_empty() && !unknown(bill))
    }

    pub(super) fn say(&mut self, problems: &[ConfigProblem]) {
        for problem in problems {
            let remarks = if problem.is_error() { &mut self.errors } else { &mut self.warnings };
            remarks.push(Remark::from(problem));
        }
    }

    pub(super) fn describe(&mut self, scheme: &Scheme) {
        self.scheme.clone_from(&scheme.stem);
        self.name.clone_from(&scheme.name);
        scheme.source.connection.name().clone_into(&mut self.source);
        self.target = scheme.target.as_ref().map(|target| target.connection.name().to_owned());
        self.target_api = scheme.target.as_ref().map(|target| target.plan.api().to_owned());
    }

    pub(super) fn gathered(&mut self, gathered: Gathered) {
        self.shaped = gathered.shaped();
        let Gathered { rows, left_out, refused, read, .. } = gathered;
        (self.rows, self.left_out, self.refused, self.read) = (rows, left_out, refused, read);
    }

    pub(super) fn failed(&mut self, error: &EngineError) {
        let (message, hint) = match error {
            EngineError::Failure(failure) => {
                let code = failure.code.as_ref().map(|code| format!("[{code}] ")).unwrap_or_default();
                (format!("{code}{}", failure.message), failure.hint.clone())
            }
            error => {
                let text = error.to_string();
                match text.split_once("\n  hint: ") {
                    Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
                    None => (text, None),
                }
            }
        };
        let file = self.file.clone();
        self.errors.push(Remark { file, line: None, column: None, path: None, text: None, message, hint });
    }
}

impl From<&ConfigProblem> for Remark {
    fn from(problem: &ConfigProblem) -> Self {
        Self {
            file: problem.file.display().to_string(),
            line: problem.line,
            column: problem.column,
            path: problem.path.as_deref().map(str::to_owned),
            text: problem.text.as_deref().map(str::to_owned),
            message: problem.message.clone(),
            hint: problem.hint.as_deref().map(str::to_owned),
        }
    }
}

impl Failed {
    pub(super) fn of(failure: &MappingError, hint: String) -> Self {
        let place = failure.place();
        let whole = failure.to_string();
        let message = whole.strip_prefix(&format!("{place}: ")).unwrap_or(&whole).to_owned();
        Self {
            side: if place.side == Side::Source { "source" } else { "target" }.to_owned(),
            path: place.path.to_string(),
            line: place.line,
            text: place.text.to_string(),
            message,
            hint,
        }
    }
}

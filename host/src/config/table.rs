//! Mapping tables: `tables/NAME.csv`, the first line the columns' names, the first column the key.
//!
//! A table decides what is written into somebody's books, so it is taken as a whole or not at all: a line with a cell too
//! many, a key that comes twice, a file in another encoding refuse the table with the line, and never map half of it.
//!
//! Blanks around a cell are dropped, and so are lines whose cells are all empty (Excel leaves them at the end). Everything
//! else is kept as it was written: `007` stays `007`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::problem::ConfigProblem;
use super::text::{self, Lines, to_u32};
use super::{folder, hex};

/// All tables of a project at one moment.
#[derive(Debug, Default)]
pub struct TableSet {
    tables: BTreeMap<String, Arc<Table>>,
}

impl TableSet {
    /// No tables.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A table by its name: its file's name without `.csv`.
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).map(Arc::as_ref)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }

    /// The same, with this one in the place of one of its name.
    #[must_use]
    pub fn with(&self, table: Arc<Table>) -> Self {
        let mut tables = self.tables.clone();
        tables.insert(table.name.clone(), table);
        Self { tables }
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Reads a folder of tables. One with a problem is left out.
    pub fn load(folder: &Path) -> (Self, Vec<ConfigProblem>) {
        let mut problems = Vec::new();
        let tables = Self::read(folder, "", &mut problems);
        (tables, problems)
    }

    /// Reads the tables of a folder under `root`.
    pub(super) fn read(root: &Path, name: &str, problems: &mut Vec<ConfigProblem>) -> Self {
        let mut tables = BTreeMap::new();
        for file in folder::files(root, name, &["csv"], problems) {
            match Table::read(root, &file) {
                Ok(table) => {
                    // `a.csv` and `a.CSV`
                    if let Some(table) = tables.insert(table.name.clone(), Arc::new(table)) {
                        let message = format!("there is another table `{}`", table.name);
                        problems.push(ConfigProblem::error(&file, message));
                    }
                }
                Err(problem) => problems.push(problem),
            }
        }
        Self { tables }
    }
}

/// One mapping table.
#[derive(Debug)]
pub struct Table {
    name: String,
    file: PathBuf,
    columns: Vec<String>,
    rows: HashMap<String, Vec<String>>,
    digest: String,
}

impl Table {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file, relative to the project's folder.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The columns' names, the key first.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// SHA-256 of its file's text, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The cells of a row, in the order of the columns; the key must be equal to the letter.
    pub fn lookup(&self, key: &str) -> Option<&[String]> {
        self.rows.get(key).map(Vec::as_slice)
    }

    /// A row as a JSON object from column to text.
    pub fn row_json(&self, key: &str) -> Option<String> {
        let cells = self.lookup(key)?.iter().cloned().map(Value::String);
        let row: Map<String, Value> = self.columns.iter().cloned().zip(cells).collect();
        Some(Value::Object(row).to_string())
    }

    fn read(root: &Path, file: &Path) -> Result<Self, ConfigProblem> {
        let text = text::read(root, file)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(name, &text, file)
    }

    fn parse(name: String, text: &str, file: &Path) -> Result<Self, ConfigProblem> {
        let problem = |line: u32, message: String| ConfigProblem::error(file, message).line(line);
        let lines = Lines::new(text);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut columns: Option<Vec<String>> = None;
        let mut rows = HashMap::new();
        let mut seen: HashMap<String, u32> = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(|error| ConfigProblem::error(file, format!("is not CSV: {error}")))?;
            let line = lines.place(first_byte(text, record.position())).line;
            let cells: Vec<String> = record.iter().map(str::to_owned).collect();
            let Some(columns) = &columns else {
                check_columns(&cells).map_err(|(message, hint)| problem(line, message).hint(hint))?;
                columns = Some(cells);
                continue;
            };
            if cells.iter().all(String::is_empty) {
                continue;
            }
            if cells.len() != columns.len() {
                let message = format!("has {}, the first line has {}", count(cells.len()), count(columns.len()));
                let open = cells.iter().any(|cell| cell.contains('\n'));
                let hint = if open {
                    "is a `\"` not closed?"
                } else {
                    "a text that contains a comma is written in double quotes"
                };
                return Err(problem(line, message).hint(hint));
            }
            let key = cells.first().cloned().unwrap_or_default();
            if key.is_empty() {
                return Err(problem(
                    line,
                    format!("the key (`{}`) is empty", columns.first().map_or("", String::as_str)),
                ));
            }
            if let Some(first) = seen.insert(key.clone(), line) {
                return Err(problem(line, format!("the key `{key}` is already there, in line {first}"))
                    .hint("keep one of the two lines"));
            }
            rows.insert(key, cells);
        }
        let Some(columns) = columns else {
            return Err(ConfigProblem::error(file, "is empty").hint("the first line names the columns, the key first"));
        };
        Ok(Self { name, file: file.to_owned(), columns, rows, digest: hex(&Sha256::digest(text)) })
    }
}

/// Where a record begins. The reader counts the blank lines before a record as a part of it.
fn first_byte(text: &str, position: Option<&csv::Position>) -> usize {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
    let blank = text.bytes().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    start + blank
}

fn check_columns(names: &[String]) -> Result<(), (String, &'static str)> {
    if let [only] = names
        && let Some(separator) = only.chars().find(|letter| matches!(letter, ';' | '\t' | '，' | '|'))
    {
        let shown = if separator == '\t' { "tabs".to_owned() } else { format!("`{separator}`") };
        return Err((format!("its columns are separated by {shown}"), "separate them by `,`"));
    }
    for (index, name) in names.iter().enumerate() {
        let hint = "the first line names the columns, each by a name of its own";
        if name.is_empty() {
            return Err((format!("the column {} has no name", index + 1), hint));
        }
        if names.iter().take(index).any(|earlier| earlier == name) {
            return Err((format!("two columns are called `{name}`"), hint));
        }
    }
    Ok(())
}

fn count(cells: usize) -> String {
    if cells == 1 { "1 cell".to_owned() } else { format!("{} cells", to_u32(cells)) }
}

//! What a mapping must ask of the world, and the answers.
//!
//! The dialect reads nothing itself. A mapping that needs a row of another scheme, a row of a table or a plugin's function
//! returns its questions, all at once; the engine answers those of a whole batch of bills together (one plugin call per
//! function) and maps again. Questions compare by value, so that the same question of many lines is asked once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json::{Number, Value};

use super::find::Search;

/// Something that only the engine can answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The field of the latest stored row of a scheme that is searched for.
    Lookup {
        /// The scheme, as the metadata names it.
        collection: Arc<str>,
        /// The field wanted.
        find: Arc<str>,
        /// Which row.
        search: Search,
    },
    /// The column of the first row of a mapping table whose columns equal these texts.
    Table {
        /// The table.
        table: Arc<str>,
        /// The column wanted.
        find: Arc<str>,
        /// Column and text.
        conditions: Vec<(Arc<str>, String)>,
    },
    /// The value of a plugin's function.
    Function {
        /// Its name.
        name: Arc<str>,
        /// Its arguments, in order.
        arguments: Vec<Argument>,
    },
}

/// An argument of a function, in the cases that plugins know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Argument {
    /// JSON `null`, or a field that is not there.
    Null,
    /// `true` and `false`.
    Boolean(bool),
    /// A number as decimal text.
    Number(String),
    /// Text.
    Text(String),
    /// JSON text of an array or an object.
    Json(String),
}

impl From<&Value> for Argument {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Boolean(*flag),
            Value::Number(number) => Self::Number(number.as_str().to_owned()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Self::Json(value.to_string()),
        }
    }
}

impl Argument {
    /// The same as JSON. A number text that is no JSON number, and a JSON text that is no JSON, stay texts.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(flag) => Value::Bool(*flag),
            Self::Number(text) => text.parse::<Number>().map_or_else(|_| Value::from(text.as_str()), Value::Number),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        }
    }
}

/// What the engine found.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A value.
    Value(Value),
    /// The lookup found no row.
    Absent,
    /// The question could not be answered; the text says why.
    Failed(String),
}

/// Questions, each once. Each line of a batch asks, and a question is hashed more than once on its way to its answer, so that
/// the standard library's hasher would be felt.
pub type Questions = HashSet<Question, RandomState>;

/// The answers known so far.
#[derive(Clone, Debug, Default)]
pub struct Answers(HashMap<Question, Answer, RandomState>);

impl Answers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer; a later one to the same question replaces it.
    pub fn insert(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    /// The answer to a question.
    pub fn get(&self, question: &Question) -> Option<&Answer> {
        self.0.get(question)
    }

    /// Whether a question is answered.
    pub fn contains(&self, question: &Question) -> bool {
        self.0.contains_key(question)
    }

    /// How many answers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<(Question, Answer)> for Answers {
    fn extend<I: IntoIterator<Item = (Question, Answer)>>(&mut self, answers: I) {
        self.0.extend(answers);
    }
}

//! From a bill's rows to the bill as the target wants it: the dialect asks, the engine answers.
//!
//! The dialect is pure: it maps with the answers it has and says what else it needs to know. Here the questions of a whole
//! batch of bills are collected and answered together (one call of a plugin per function, the few reads of each lookup), and
//! the bills are mapped again, until no question is open. Lookups whose values come from functions, and the other way
//! round, take another round; nothing nests deeper than its metadata.
//!
//! A bill that looks rows up by an index which does not have every row yet is left where it is: it is neither mapped nor
//! set aside, and its turn comes again when the index is built ([`indexing`](super::indexing)).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::snapshot::{Scheme, TargetSide};
use super::{Engine, EngineError, may_pass, retry};
use crate::dialect::{
    Answer, Answers, Argument, Draft, LookupIn, Mapping, MappingError, Question, Questions, Row, Search, Variables,
};
use crate::journal::{FoundRow, JournalError, Problem, ReadyBill, SetAside};
use crate::observe::clock;
use crate::plugin::transforms::{self, Called, Scalar, TransformError};

/// Rounds of questions and answers before a mapping is given up: metadata nests two or three deep.
const ROUNDS: usize = 16;

/// A bill with its rows.
pub(super) struct BillRows {
    pub(super) bill: ReadyBill,
    pub(super) rows: Vec<Row>,
}

/// A mapped bill.
pub(super) struct MappedBill {
    pub(super) bill: ReadyBill,
    pub(super) number: Option<String>,
    pub(super) payload: String,
}

/// What became of a batch.
pub(super) struct MappedBatch {
    pub(super) mapped: Vec<MappedBill>,
    pub(super) set_aside: Vec<(ReadyBill, SetAside)>,
    /// Why bills were left where they are: an index that is not built.
    pub(super) waits_for: Option<JournalError>,
}

/// Maps a batch of bills.
pub(super) async fn map(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    bills: Vec<BillRows>,
) -> Result<MappedBatch, EngineError> {
    let mut knowledge = Knowledge::default();
    let mut batch = MappedBatch { mapped: Vec::new(), set_aside: Vec::new(), waits_for: None };
    let mut open = bills;
    for _ in 0..ROUNDS {
        let mut questions = Questions::default();
        let mut still_open = Vec::new();
        for BillRows { bill, rows } in open {
            // The same whenever this version is tried again: a connector may compare what it sent before.
            let variables = Variables::at(clock::time_of_day(as_of_ms(&bill)).as_second());
            match target.plan.map(&rows, &variables, &knowledge.answers) {
                Mapping::Bill(mapped) => {
                    let number = target.plan.bill_number(&mapped, rows.first(), target.number_field.as_deref());
                    let payload = serde_json::Value::Object(mapped).to_string();
                    batch.mapped.push(MappedBill { bill, number, payload });
                }
                Mapping::Pending(more) if more.iter().any(|question| knowledge.unindexed.contains(question)) => {}
                Mapping::Pending(more) => {
                    questions.extend(more);
                    still_open.push(BillRows { bill, rows });
                }
                Mapping::Failed(error) => {
                    let aside = knowledge.set_aside(engine, scheme, &bill, &error);
                    batch.set_aside.push((bill, aside));
                }
            }
        }
        if questions.is_empty() {
            batch.waits_for = knowledge.waits_for;
            return Ok(batch);
        }
        knowledge.note_scans(engine, scheme).await?;
        knowledge.answer(engine, scheme, questions).await?;
        open = still_open;
    }
    for BillRows { bill, .. } in open {
        let message = format!("the mapping still asks after {ROUNDS} rounds of lookups and functions");
        let mut problem = mapping_problem(message, None);
        problem.depends_on.push(engine.snapshot.dependency("scheme", &scheme.stem));
        batch.set_aside.push((bill, SetAside::Dead(problem)));
    }
    batch.waits_for = knowledge.waits_for;
    Ok(batch)
}

/// Maps bills as far as can be, for a person to look at: nothing is decided of them.
pub(super) async fn draft(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    bills: &[Vec<Row>],
    variables: &Variables,
) -> Result<Vec<Draft>, EngineError> {
    let mut knowledge = Knowledge::default();
    let mut drafts = Vec::new();
    for _ in 0..ROUNDS {
        drafts = bills.iter().map(|rows| target.plan.draft(rows, variables, &knowledge.answers)).collect();
        let questions: Questions = drafts.iter_mut().flat_map(|draft| draft.open.drain(..)).collect();
        if questions.is_empty() {
            break;
        }
        knowledge.answer(engine, scheme, questions).await?;
    }
    Ok(drafts)
}

/// What is known while a batch is mapped.
#[derive(Default)]
struct Knowledge {
    answers: Answers,
    /// Tables that functions read, by function: a change of one may mend what failed.
    tables_read: HashMap<String, BTreeSet<String>>,
    /// Functions that failed as a whole, for a reason that may pass.
    may_pass: HashSet<String>,
    /// When the last complete scan of each collection began, as things stood before anything was looked for in it.
    looked_in_ms: HashMap<String, Option<i64>>,
    /// Lookups that cannot be made yet, for want of an index.
    unindexed: HashSet<Question>,
    /// The index of one of them.
    waits_for: Option<JournalError>,
}

impl Knowledge {
    /// Before the first look-up: what a scan brings after that may have been missed.
    async fn note_scans(&mut self, engine: &Engine, scheme: &Scheme) -> Result<(), EngineError> {
        if self.looked_in_ms.is_empty() {
            for stem in scheme.collections.values() {
                let begun_ms = engine.journal.scheme(stem).await?.last_finished_scan_begun_ms;
                self.looked_in_ms.insert(stem.clone(), begun_ms);
            }
        }
        Ok(())
    }

    async fn answer(&mut self, engine: &Engine, scheme: &Scheme, questions: Questions) -> Result<(), EngineError> {
        let mut calls: HashMap<String, Vec<(Question, Vec<Scalar>)>> = HashMap::new();
        for question in questions {
            match &question {
                Question::Lookup { collection, find, search } => {
                    match look_up(engine, scheme, collection, find, search).await {
                        Ok(answer) => self.answers.insert(question, answer),
                        Err(missing @ JournalError::IndexMissing { .. }) => {
                            self.unindexed.insert(question);
                            self.waits_for = Some(missing);
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Question::Table { table, find, conditions } => {
                    let answer = look_up_table(engine, table, find, conditions);
                    self.answers.insert(question, answer);
                }
                Question::Function { name, arguments } => {
                    let arguments = arguments.iter().map(scalar).collect();
                    calls.entry(name.to_string()).or_default().push((question, arguments));
                }
            }
        }
        for (name, calls) in calls {
            self.call(engine, scheme, &name, calls).await;
        }
        Ok(())
    }

    /// One call of a plugin for all that the batch asks of one function. If it crashes, each bill's part is asked for on its
    /// own, so that only the part that crashes it suffers.
    async fn call(&mut self, engine: &Engine, scheme: &Scheme, name: &str, calls: Vec<(Question, Vec<Scalar>)>) {
        let (questions, rows): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let Some(plugin) = scheme.functions.get(name) else {
            let failed = Answer::Failed(format!("no plugin exports the function `{name}`"));
            self.answers.extend(questions.into_iter().map(|question| (question, failed.clone())));
            return;
        };
        let context = engine.snapshot.transform_context(scheme);
        match transforms::call_function(plugin, &context, name, rows.clone()).await {
            Err(error) if error.is_crash() && rows.len() > 1 => {
                for (question, row) in questions.into_iter().zip(rows) {
                    let called = transforms::call_function(plugin, &context, name, vec![row]).await;
                    self.note(scheme, name, vec![question], called);
                }
            }
            called => self.note(scheme, name, questions, called),
        }
    }

    fn note(&mut self, scheme: &Scheme, name: &str, questions: Vec<Question>, called: Result<Called, TransformError>) {
        match called {
            Ok(called) => {
                scheme.note_tables_read(called.tables_read.iter().cloned());
                self.tables_read.entry(name.to_owned()).or_default().extend(called.tables_read);
                let answers = called.values.into_iter().map(|value| match value.and_then(Scalar::into_value) {
                    Ok(value) => Answer::Value(value),
                    Err(message) => Answer::Failed(message),
                });
                self.answers.extend(questions.into_iter().zip(answers));
            }
            Err(error) => {
                let failure = error.into_failure();
                if may_pass(failure.kind) {
                    self.may_pass.insert(name.to_owned());
                }
                let failed = Answer::Failed(failure.to_string());
                self.answers.extend(questions.into_iter().map(|question| (question, failed.clone())));
            }
        }
    }

    /// What becomes of a bill that cannot be mapped.
    fn set_aside(&self, engine: &Engine, scheme: &Scheme, bill: &ReadyBill, error: &MappingError) -> SetAside {
        let snapshot = &engine.snapshot;
        let mut problem = mapping_problem(error.to_string(), Some(error.hint()));
        problem.depends_on.push(snapshot.dependency("scheme", &scheme.stem));
        match error {
            MappingError::MissingRow { collection, .. } => {
                let stem = scheme.collections.get(&**collection).map_or(&**collection, String::as_str);
                let looked_in_ms = self.looked_in_ms.get(stem).copied().flatten();
                // What deliveries of other schemes bring may come at any time.
                let is_fed = snapshot.scheme(stem).is_some_and(|scheme| scheme.is_fed);
                if !is_fed && looked_in_ms.is_some_and(|begun_ms| begun_ms > as_of_ms(bill)) {
                    SetAside::Dead(problem)
                } else {
                    SetAside::Blocked { collection: stem.to_owned(), looked_in_ms, problem }
                }
            }
            MappingError::MissingTableRow { table, .. } => {
                problem.depends_on.push(snapshot.dependency("table", table));
                SetAside::Dead(problem)
            }
            MappingError::Function { name, .. }
                if self.may_pass.contains(&**name) && !retry::is_too_old(&scheme.retry, bill.first_attempt_ms) =>
            {
                let pause = retry::pause(&scheme.retry, bill.attempts + 1, None);
                SetAside::Failed { problem, due_ms: clock::now_ms() + retry::ms(pause) }
            }
            MappingError::Function { name, .. } => {
                let tables = self.tables_read.get(&**name).into_iter().flatten();
                problem.depends_on.extend(tables.map(|table| snapshot.dependency("table", table)));
                let plugin = scheme.functions.get(&**name);
                problem.depends_on.extend(plugin.map(|plugin| snapshot.dependency("plugin", plugin.name())));
                SetAside::Dead(problem)
            }
            _ => SetAside::Dead(problem),
        }
    }
}

/// When the scan that made a bill began, Unix milliseconds. Of a scheme that never scanned, bills that were made anew of what
/// others brought are as old as now.
fn as_of_ms(bill: &ReadyBill) -> i64 {
    if bill.scan_begun_ms > 0 { bill.scan_begun_ms } else { clock::now_ms() }
}

fn mapping_problem(message: String, hint: Option<String>) -> Problem {
    Problem { kind: "mapping".to_owned(), code: None, message, hint, at_ms: clock::now_ms(), depends_on: Vec::new() }
}

fn scalar(argument: &Argument) -> Scalar {
    match argument {
        Argument::Null => Scalar::Null,
        Argument::Boolean(value) => Scalar::Boolean(*value),
        Argument::Number(text) => Scalar::Number(text.clone()),
        Argument::Text(text) => Scalar::Text(text.clone()),
        Argument::Json(text) => Scalar::Json(text.clone()),
    }
}

/// The latest row of all that the reads of a lookup find.
async fn look_up(
    engine: &Engine,
    scheme: &Scheme,
    collection: &str,
    find: &str,
    search: &Search,
) -> Result<Answer, JournalError> {
    let Some(stem) = scheme.collections.get(collection) else {
        return Ok(Answer::Failed(format!("there is no scheme `{collection}`")));
    };
    let mut latest: Option<FoundRow> = None;
    for read in search.reads() {
        let matcher = read.matcher(&scheme.source.time_zone);
        let accept = |json: &[u8]| {
            let Some(matcher) = &matcher else { return true };
            // A damaged row is taken, so that it is told of.
            serde_json::from_slice(json).map_or(true, |row| matcher.accepts(&row))
        };
        let found = engine.journal.look_up(stem, &read.fields(), read.values(), &accept).await?;
        latest = match (latest, found) {
            (Some(latest), Some(found)) if latest.stored > found.stored => Some(latest),
            (latest, found) => found.or(latest),
        };
    }
    let Some(FoundRow { json, .. }) = latest else {
        return Ok(Answer::Absent);
    };
    let row: Row = match serde_json::from_slice(&json) {
        Ok(row) => row,
        Err(error) => return Ok(Answer::Failed(format!("a row of `{collection}` is damaged: {error}"))),
    };
    Ok(match crate::dialect::field(&row, find) {
        Some(value) => Answer::Value(value.clone()),
        None => Answer::Value(serde_json::Value::Null),
    })
}

fn look_up_table(engine: &Engine, table: &str, find: &str, conditions: &[(std::sync::Arc<str>, String)]) -> Answer {
    let Some(table) = engine.snapshot.tables.get(table) else {
        return Answer::Failed(format!("there is no table `{table}`"));
    };
    let column = |name: &str| table.columns().iter().position(|column| column == name);
    let Some(found_in) = column(find) else {
        return Answer::Failed(format!("table `{}` has no column `{find}`", table.name()));
    };
    // The first column is the key: `scheme check` has made sure that the look-up is by it.
    let by_key = conditions.iter().find(|(name, _)| column(name) == Some(0));
    let Some(row) = by_key.and_then(|(_, value)| table.lookup(value)) else {
        return Answer::Absent;
    };
    let holds = conditions.iter().all(|(name, value)| column(name).and_then(|at| row.get(at)) == Some(value));
    match row.get(found_in) {
        Some(cell) if holds => Answer::Value(serde_json::Value::String(cell.clone())),
        _ => Answer::Absent,
    }
}

/// What a lookup reads, for `check`.
pub(super) fn collection_name(lookup: &LookupIn) -> Option<&str> {
    match lookup {
        LookupIn::Collection(name) => Some(name),
        LookupIn::Table(_) => None,
    }
}

/// The table that a lookup reads.
pub(super) fn table_name(lookup: &LookupIn) -> Option<&str> {
    match lookup {
        LookupIn::Table(name) => Some(name),
        LookupIn::Collection(_) => None,
    }
}

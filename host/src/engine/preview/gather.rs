//! Rows for a preview: given, or fetched from the source as a first scan would, and shaped.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::report::{LeftOut, RefusedRow, RowsRead, Window};
use crate::dialect::Row;
use crate::engine::scan::{self, FIRST_PAGE};
use crate::engine::shape::{self, Shaped};
use crate::engine::snapshot::Scheme;
use crate::engine::{Engine, EngineError};
use crate::journal::{PageRef, RowToStore, ScanKind};
use crate::observe::clock;

/// Pages of one window, those without rows included.
const PAGES: usize = 8;

/// How long a vendor is waited for that is busy, or does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

const DAY: i64 = 24 * 60 * 60;

/// Rows, and what became of them.
#[derive(Default)]
pub(super) struct Gathered {
    /// As they came.
    pub(super) rows: Vec<Row>,
    /// As they would be stored; none of them is refused.
    shaped: Vec<RowToStore>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) refused: Vec<RefusedRow>,
    pub(super) read: RowsRead,
}

/// The rows of one bill.
pub(super) struct Bill {
    pub(super) key: String,
    pub(super) rows: Vec<Row>,
    /// There are more pages, which may have rows of it.
    pub(super) may_lack_rows: bool,
}

impl Gathered {
    /// Takes rows that were given.
    pub(super) async fn take(&mut self, engine: &Engine, scheme: &Scheme, rows: Vec<Row>) -> Result<(), EngineError> {
        self.add(engine, scheme, rows).await
    }

    /// Fetches rows until there are more bills than `limit`, so that the last one shown is whole.
    pub(super) async fn fetch(&mut self, engine: &Engine, scheme: &Scheme, limit: usize) -> Result<(), EngineError> {
        let end = clock::now().as_second() - i64::try_from(scheme.source.lag.as_secs()).unwrap_or(0);
        let start = scheme.source.start_from.map(Timestamp::as_second);
        let last_day = end - DAY;
        self.window(engine, scheme, start, end, limit).await?;
        // A window that begins long ago may begin with a long time in which there was nothing.
        let has_more = self.shaped.is_empty() && self.read.more;
        if has_more && scheme.source.plan.needs_last_sync() && start.is_none_or(|start| start < last_day) {
            self.read.fell_back = true;
            self.window(engine, scheme, Some(last_day), end, limit).await?;
        }
        Ok(())
    }

    async fn window(
        &mut self,
        engine: &Engine,
        scheme: &Scheme,
        start: Option<i64>,
        end: i64,
        limit: usize,
    ) -> Result<(), EngineError> {
        let window = scan::Window { kind: ScanKind::Scheduled, start, end };
        self.read.window = Some(Window { start: start.map(|start| in_zone(scheme, start)), end: in_zone(scheme, end) });
        self.read.page_size = Some(scheme.source.page_size);
        let mut open = VecDeque::from([FIRST_PAGE]);
        let mut known = BTreeSet::from([FIRST_PAGE.index]);
        for _ in 0..PAGES {
            let Some(page) = open.pop_front() else { break };
            let fetched = scan::fetch(engine, scheme, window, &page, Some(Instant::now() + PATIENCE)).await?;
            let next: Vec<PageRef> = fetched.next.into_iter().filter(|next| known.insert(next.index)).collect();
            open.extend(next);
            self.read.pages += 1;
            self.read.more = !open.is_empty();
            self.add(engine, scheme, fetched.rows).await?;
            if self.groups().len() > limit {
                break;
            }
        }
        Ok(())
    }

    /// Shapes rows as a scan does with a page.
    async fn add(&mut self, engine: &Engine, scheme: &Scheme, rows: Vec<Row>) -> Result<(), EngineError> {
        for row in &rows {
            if scheme.source.plan.shape(row.clone()).is_ok_and(|made| made.is_empty()) {
                let id = scheme.source.plan.row_id(row).ok();
                self.left_out.push(LeftOut { id, count: 1, reason: "`condition` leaves it out".to_owned() });
            }
        }
        self.rows.extend(rows.iter().cloned());
        let Shaped { rows, left_out_by_stage, .. } = shape::rows(engine, scheme, rows).await?;
        for (place, count) in left_out_by_stage {
            let Some(stage) = scheme.stages.get(place) else { continue };
            let reason = format!("the stage `{}` of `{}` leaves it out", stage.name, stage.plugin.name());
            self.left_out.push(LeftOut { id: None, count, reason });
        }
        for row in rows {
            if let Some(problem) = &row.refused {
                self.refused.push(RefusedRow {
                    id: row.id.clone(),
                    bill: row.bill.clone(),
                    row: shape::bare(&row.json).unwrap_or_default(),
                    rule: problem.code.clone(),
                    message: problem.message.clone(),
                    hint: problem.hint.clone(),
                });
            } else {
                // The collection has the latest of each id.
                self.shaped.retain(|earlier| earlier.id != row.id);
                self.shaped.push(row);
            }
        }
        Ok(())
    }

    /// The bills' keys, in the order of their first rows, with their rows.
    fn groups(&self) -> Vec<(&str, Vec<&RowToStore>)> {
        let mut groups: Vec<(&str, Vec<&RowToStore>)> = Vec::new();
        for row in &self.shaped {
            match groups.iter_mut().find(|(key, _)| *key == row.bill) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((&row.bill, vec![row])),
            }
        }
        groups
    }

    /// The shaped rows of the first `limit` bills. A bill that has a refused row is not delivered, but is shown.
    pub(super) fn bills(&self, scheme: &Scheme, limit: usize) -> Vec<Bill> {
        let last = self.shaped.last().map(|row| row.bill.as_str());
        let parsed = |rows: Vec<&RowToStore>| rows.into_iter().filter_map(|row| shape::bare(&row.json)).collect();
        self.groups()
            .into_iter()
            .take(limit)
            .map(|(key, rows)| Bill {
                key: key.to_owned(),
                rows: parsed(rows),
                may_lack_rows: self.read.more && scheme.merges() && last == Some(key),
            })
            .collect()
    }

    /// The rows as they would be stored.
    pub(super) fn shaped(&self) -> Vec<Row> {
        self.shaped.iter().filter_map(|row| shape::bare(&row.json)).collect()
    }
}

fn in_zone(scheme: &Scheme, seconds: i64) -> String {
    let timestamp = Timestamp::from_second(seconds).unwrap_or_default();
    timestamp.to_zoned(scheme.source.time_zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

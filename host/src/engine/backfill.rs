//! A person's wish to scan a chosen window: checked, and noted in the journal.
//!
//! The journal's note is all there is to it: whoever scans the scheme makes its slices, one scan each, in the scheme's turn, and what is
//! left of it after a crash is made at the next start. What is due by schedule goes before the next slice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scan::{self, Pass};
use super::snapshot::Scheme;
use super::{Engine, EngineError};
use crate::config::{read_duration, read_moment};
use crate::journal::{Backfill, JournalError, NewBackfill};
use crate::observe::clock;

/// What is asked for, as a person writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The scheme's stem.
    pub scheme: String,
    /// Where the window begins, in the scheme's zone.
    pub from: String,
    /// Where it ends; `None`: now.
    pub to: Option<String>,
    /// How much is scanned at a time.
    pub slice: String,
}

/// How far a backfill is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The scheme's stem.
    pub scheme: String,
    /// Where its window begins, in the scheme's zone.
    pub from: String,
    /// Where its window ends.
    pub to: String,
    /// Up to there it is scanned.
    pub done_to: String,
    /// Nothing of it is left to scan.
    pub over: bool,
    /// Rows read.
    pub rows: u64,
    /// Rows new or changed.
    pub new: u64,
    /// Rows skipped.
    pub skipped: u64,
    /// Bills made.
    pub bills: u64,
    /// Why it ended early.
    pub error: Option<String>,
    /// What a person should know of it.
    pub warning: Option<String>,
}

/// Notes a backfill. The error says what is wrong with it, or what is in its way.
pub async fn plan(engine: &Engine, request: &Request) -> Result<Report, String> {
    let engine = engine.refreshed();
    let scheme = engine.snapshot.scheme(&request.scheme).ok_or_else(|| unknown(&request.scheme))?;
    let zone = &scheme.source.time_zone;
    let moment = |option: &str, text: &str| {
        read_moment(text, zone).map(Timestamp::as_second).map_err(|wrong| format!("`--{option}`: {wrong}"))
    };
    let now = clock::now().as_second();
    let start = moment("from", &request.from)?;
    let end = request.to.as_deref().map_or(Ok(now), |to| moment("to", to))?;
    if end > now {
        return Err(
            "`--to` lies ahead\n  hint: leave it out to scan up to now; what is to come is scanned by schedule".into(),
        );
    }
    if start >= end {
        return Err("`--from` must be earlier than `--to`, and than now\n  hint: a date is its first moment".into());
    }
    let slice = read_duration(&request.slice).map_err(|wrong| format!("`--slice`: {wrong}"))?;
    // A slice of no length is the whole window; and without an end, each would read everything behind it once more.
    let names_end = scheme.source.metadata_text.contains("CURRENT_TIME");
    let slice = i64::try_from(slice.as_secs()).ok().filter(|seconds| names_end && *seconds > 0).unwrap_or(end - start);
    let new = NewBackfill { start, end, slice };
    match engine.journal.plan_backfill(&scheme.stem, new).await {
        Ok(()) => engine.asked.notify_waiters(),
        Err(JournalError::Conflict(reason)) => {
            return Err(format!("{reason}\n  hint: wait until it is; without a host it goes on when one runs"));
        }
        Err(error) => return Err(error.to_string()),
    }
    let mut report = report(&engine, &request.scheme).await?;
    let missing = match (scheme.source.plan.needs_last_sync(), names_end) {
        (false, _) => Some("LAST_SYNC_TIME"),
        (true, false) => Some("CURRENT_TIME"),
        (true, true) => None,
    };
    report.warning = missing.map(|name| {
        format!(
            "the request of `{}` does not name `{name}`: more than the window is read, unless the connector sees to it by itself",
            scheme.stem
        )
    });
    Ok(report)
}

/// How far the scheme's last backfill is.
pub async fn report(engine: &Engine, stem: &str) -> Result<Report, String> {
    let engine = engine.refreshed();
    let scheme = engine.snapshot.scheme(stem).ok_or_else(|| unknown(stem))?;
    let backfill = engine.journal.scheme(stem).await.map_err(|error| error.to_string())?.backfill;
    backfill.map(|backfill| of(scheme, backfill)).ok_or_else(|| format!("no backfill of `{stem}` was asked for"))
}

fn of(scheme: &Scheme, backfill: Backfill) -> Report {
    let shown = |seconds: i64| {
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        moment.to_zoned(scheme.source.time_zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    Report {
        scheme: scheme.stem.clone(),
        from: shown(backfill.start),
        to: shown(backfill.end),
        done_to: shown(backfill.done_to),
        over: !backfill.is_open(),
        rows: backfill.rows,
        new: backfill.new,
        skipped: backfill.skipped,
        bills: backfill.bills,
        error: backfill.given_up,
        warning: None,
    }
}

fn unknown(stem: &str) -> String {
    format!(
        "no scheme `{stem}` serves\n  hint: `qiao scheme list` says which do; `qiao scheme check` says why others do not"
    )
}

/// Whether a scheme has a backfill that is not over.
pub(super) async fn is_open(engine: &Engine, stem: &str) -> bool {
    let state = engine.journal.scheme(stem).await;
    state.is_ok_and(|state| state.backfill.is_some_and(|backfill| backfill.is_open()))
}

/// Makes what is left of a scheme's backfill, here and now.
pub async fn make(engine: &Engine, stem: &str) -> Result<(), EngineError> {
    while is_open(engine, stem).await {
        scan::scan(engine, stem, Pass::Backfill, None).await?;
    }
    Ok(())
}

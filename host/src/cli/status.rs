//! `qiao scheme status`, `pause`, `resume` and `confirm`: of a running host, or of what the journal holds.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;

use super::project::{self, state_dir};
use super::{CommandError, CommandResult, Common, output};
use crate::engine::reload::Serving;
use crate::engine::status::{self, ConnectionStatus, SchemeStatus, Standings, State};
use crate::engine::{Engine, Progress};
use crate::journal::{Journal, SledStore};
use crate::web::bills::{CONFIRM, OfScheme, PAUSE, RESUME, STATUS};
use crate::web::client;

/// A scheme's stem, from what people write: its stem, or its file.
pub(super) fn stem_of(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = [".yaml", ".yml"].iter().find_map(|ending| file.strip_suffix(ending));
    stem.unwrap_or(name).to_owned()
}

/// The journal of a project where no host runs; `None`: nothing has run there so far.
pub(super) fn journal(common: &Common) -> Result<Option<Arc<SledStore>>, CommandError> {
    project::load(common)?;
    let state_dir = state_dir(common);
    Ok(if SledStore::exists(&state_dir) { Some(Arc::new(SledStore::open(&state_dir)?)) } else { None })
}

/// An engine to look with: nothing runs on it.
async fn engine(common: &Common, journal: Arc<SledStore>) -> Result<Engine, CommandError> {
    let serving = Serving::new(project::look(common).await?);
    let (_stop, stopped) = watch::channel(false);
    Ok(Engine::new(serving.snapshots(), journal as Arc<dyn Journal>, Arc::new(Progress::default()), stopped))
}

/// What is said where the journal is not there yet.
pub(super) const NOTHING_RAN: &str =
    "nothing has run here so far\n  hint: `qiao run --once` scans and delivers every scheme once";

pub(super) async fn status(common: &Common, scheme: Option<&str>) -> CommandResult {
    let wanted = scheme.map(stem_of);
    let asked = OfScheme { scheme: wanted.clone() };
    let (standings, is_running): (Standings, bool) = match client::ask_with(&state_dir(common), STATUS, &asked).await? {
        Some(told) => (serde_json::from_value(told)?, true),
        None => match journal(common)? {
            Some(journal) => {
                let engine = engine(common, journal).await?;
                (status::status(&engine, wanted.as_deref(), false).await?, false)
            }
            None => return Err(CommandError(NOTHING_RAN.to_owned())),
        },
    };
    let Standings { schemes, connections } = standings;
    if let (true, Some(wanted)) = (schemes.is_empty(), &wanted) {
        return Err(CommandError(format!("there is no scheme `{wanted}`\n  hint: `qiao scheme list` lists them")));
    }
    if common.json {
        output::line(&json!({ "running": is_running, "schemes": schemes, "connections": connections }).to_string());
    } else {
        show(&schemes, is_running);
        connections.iter().filter_map(remark).for_each(|line| output::line(&line));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(schemes: &[SchemeStatus], is_running: bool) {
    if !is_running {
        output::line("no host runs; this is what the journal holds");
    }
    let header =
        ["scheme", "state", "synced to", "rows", "bills", "done", "waiting", "failed", "dead", "claimed", "next scan"];
    let rows = schemes.iter().map(|scheme| {
        let books = &scheme.books;
        let state = match scheme.state {
            State::Runs => "runs",
            State::Paused => "paused",
            State::Idle => "-",
        };
        let time = |at: &Option<String>| at.as_deref().map_or_else(|| "-".to_owned(), to_the_second);
        let numbers = [books.rows, books.bills, books.done, books.waiting, books.failed, books.dead, books.claimed];
        let mut row = vec![scheme.scheme.clone(), state.to_owned(), time(&scheme.last_sync)];
        row.extend(numbers.map(|number| number.to_string()));
        row.push(time(&scheme.next_scan));
        row
    });
    output::table(&header, rows);
    for scheme in schemes {
        for line in remarks(scheme) {
            output::line(&format!("{}: {line}", scheme.scheme));
        }
    }
}

/// What a person should know of a connection.
fn remark(connection: &ConnectionStatus) -> Option<String> {
    let ConnectionStatus { connection: name, slowed_to, paused_for_seconds, down, probe_in_seconds, .. } = connection;
    let what = match (down, paused_for_seconds, slowed_to) {
        (Some(reason), ..) => {
            format!("its vendor is down ({reason}); it is asked again in {} s", probe_in_seconds.unwrap_or(0))
        }
        (None, Some(seconds), _) => format!("silent for {seconds} s more, because its vendor asked for it"),
        (None, None, Some(rate)) => {
            format!("slowed down to {rate:.1} requests per second, because its vendor refused some")
        }
        (None, None, None) => return None,
    };
    Some(format!("connection `{name}`: {what}"))
}

/// What a table does not say.
fn remarks(scheme: &SchemeStatus) -> Vec<String> {
    let mut remarks = Vec::new();
    let stem = &scheme.scheme;
    if let Some(since) = &scheme.paused_since {
        let since = to_the_second(since);
        remarks.push(format!("paused since {since}; `qiao scheme resume {stem}` lets it go on"));
    }
    if let Some(scan) = &scheme.scan {
        let from = scan.from.as_deref().map_or_else(|| "the beginning".to_owned(), to_the_second);
        let (to, begun) = (to_the_second(&scan.to), to_the_second(&scan.begun));
        let (kind, pages, rows) = (&scan.kind, scan.pages, scan.rows);
        remarks.push(format!(
            "a {kind} scan from {from} to {to} is open since {begun}: {pages} pages, {rows} rows so far"
        ));
    }
    for standstill in &scheme.standstills {
        let what = if standstill.work == "scan" { "is not scanned" } else { "is not delivered" };
        let again = standstill.again.as_deref().map(|at| format!("; tried again {}", to_the_second(at)));
        let (since, again) = (to_the_second(&standstill.since), again.unwrap_or_default());
        remarks.push(format!("it {what} since {since}: {}{again}", standstill.reason));
    }
    if scheme.books.dead > 0 {
        let dead = scheme.books.dead;
        remarks.push(format!("{dead} bill(s) need somebody: `qiao records list --scheme {stem}`"));
    }
    if scheme.uncertain_for_a_person > 0 {
        remarks.push(format!(
            "of {} bill(s) nobody but a person can say whether the vendor has them: `qiao records list --scheme {stem} --status claimed`",
            scheme.uncertain_for_a_person
        ));
    }
    if scheme.in_doubt {
        remarks.push(
            "the journal has lost something: what it does not know to be delivered is looked up before it is created"
                .to_owned(),
        );
    }
    if !scheme.balanced {
        remarks.push(format!("the books do not balance: {:?}", scheme.books));
    }
    remarks
}

/// A time without what is less than a second.
pub(super) fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

/// Pauses a scheme, or lets it go on.
pub(super) async fn pause(common: &Common, scheme: &str, pauses: bool) -> CommandResult {
    let stem = stem_of(scheme);
    let path = if pauses { PAUSE } else { RESUME };
    let told = client::request(&state_dir(common), path, serde_json::to_string(&stem)?).await?;
    if told.is_none() {
        let journal = Arc::new(SledStore::open(&project::load(common)?.0.state_dir())?);
        let engine = engine(common, journal).await?;
        if pauses { engine.pause(&stem).await? } else { engine.resume(&stem).await? }
    }
    if common.json {
        output::line(&json!({ "scheme": stem, "paused": pauses }).to_string());
    } else if pauses {
        output::line(&format!(
            "`{stem}` is paused: nothing of it is fetched or sent until `qiao scheme resume {stem}`"
        ));
    } else {
        output::line(&format!("`{stem}` goes on"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that the vendor has no bill of a scheme that the journal has lost.
pub(super) async fn confirm(common: &Common, scheme: &str) -> CommandResult {
    let stem = stem_of(scheme);
    let ended = match client::request(&state_dir(common), CONFIRM, serde_json::to_string(&stem)?).await? {
        Some(told) => serde_json::from_value(told)?,
        None => match journal(common)? {
            Some(journal) => engine(common, journal).await?.confirm(&stem).await?,
            None => return Err(CommandError(NOTHING_RAN.to_owned())),
        },
    };
    if common.json {
        output::line(&json!({ "scheme": stem, "confirmed": ended }).to_string());
    } else if ended {
        output::line(&format!("`{stem}`: what the journal does not know to be delivered is created"));
    } else {
        output::line(&format!("`{stem}`: there is nothing to confirm: the journal has lost nothing of it"));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_named_by_its_stem_or_its_file() {
        for name in ["订单", "订单.yaml", "schemes/订单.yml", "a\\b\\订单.yaml"] {
            assert_eq!(stem_of(name), "订单");
        }
        assert_eq!(stem_of("订单.v2"), "订单.v2");
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(to_the_second("2026-11-22T03:19:53.885Z"), "2026-11-22T03:19:53Z");
        assert_eq!(to_the_second("2026-11-22T03:19:53Z"), "2026-11-22T03:19:53Z");
    }
}

//! Where schemes stand: for a person who asks, and for whatever watches the host.

use serde::{Deserialize, Serialize};

use super::snapshot::Scheme;
use super::standstill::{Standstill, Work};
use super::{Engine, EngineError};
use crate::capability::{Connection, Traffic};
use crate::journal::{Counts, ScanKind};
use crate::observe::clock;

/// Where everything stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Standings {
    /// The schemes: those that serve, and those of which only the journal knows.
    pub schemes: Vec<SchemeStatus>,
    /// The connections of a running host.
    pub connections: Vec<ConnectionStatus>,
}

/// Where one connection stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// Its name in `qiao.toml`.
    pub connection: String,
    /// The configured rate.
    pub rate: Option<String>,
    /// The requests per second that it has slowed down to, because the vendor refused some; `None`: it has not.
    pub slowed_to: Option<f64>,
    /// The configured concurrency.
    pub concurrency: usize,
    /// Requests under way.
    pub under_way: usize,
    /// How much longer it is silent because the vendor asked for it, in seconds.
    pub paused_for_seconds: Option<u64>,
    /// Why its vendor is taken to be down; `None`: it is not.
    pub down: Option<String>,
    /// In how many seconds a vendor that is down is asked next.
    pub probe_in_seconds: Option<u64>,
}

/// Where one scheme stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SchemeStatus {
    /// Its identity: its file's stem.
    pub scheme: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: State,
    /// Since when it is paused, RFC 3339.
    pub paused_since: Option<String>,
    /// The end of the last finished scheduled scan's window, RFC 3339.
    pub last_sync: Option<String>,
    /// When the last finished scan began, RFC 3339.
    pub last_scan: Option<String>,
    /// When the next scan is due by the source's schedule, RFC 3339.
    pub next_scan: Option<String>,
    /// What stands in its way.
    pub standstills: Vec<StandstillStatus>,
    /// The scan under way.
    pub scan: Option<ScanStatus>,
    /// When the next bill or look-up is due, RFC 3339.
    pub next_due: Option<String>,
    /// Claimed bills of which nobody knows whether the vendor has them.
    pub uncertain: u64,
    /// Of those, the ones that wait for a person.
    pub uncertain_for_a_person: u64,
    /// The journal has lost something: bills may be at the vendor of which it knows nothing, and are looked up first.
    pub in_doubt: bool,
    /// The books since the beginning.
    pub books: Counts,
    /// They balance.
    pub balanced: bool,
}

/// What a scheme does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It scans and delivers by schedule.
    Runs,
    /// A person has paused it.
    Paused,
    /// It has no file that can be used, or no host runs: what the journal holds of it.
    Idle,
}

/// What stands in the way of a scheme.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StandstillStatus {
    /// What stands still: `scan` or `deliver`.
    pub work: String,
    /// What it is.
    pub reason: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// When it is tried again, RFC 3339; `None`: as soon as that is over, or by schedule.
    pub again: Option<String>,
}

/// A scan under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScanStatus {
    /// Why it was begun: `scheduled`, `backfill` or `remedy`.
    pub kind: String,
    /// When it began, RFC 3339.
    pub begun: String,
    /// The window's beginning, RFC 3339.
    pub from: Option<String>,
    /// The window's end, RFC 3339.
    pub to: String,
    /// Pages stored.
    pub pages: u32,
    /// Rows stored.
    pub rows: u64,
}

/// Where everything stands, or one scheme. `is_running`: a host works on it.
pub async fn status(engine: &Engine, wanted: Option<&str>, is_running: bool) -> Result<Standings, EngineError> {
    let mut stems: Vec<String> = engine.snapshot.schemes.iter().map(|scheme| scheme.stem.clone()).collect();
    let serving = stems.len();
    let known = engine.journal.schemes().await?;
    stems.extend(known.into_iter().filter(|known| engine.snapshot.scheme(known).is_none()));
    let mut schemes = Vec::with_capacity(stems.len());
    for (place, stem) in stems.iter().enumerate() {
        if wanted.is_none_or(|wanted| wanted == stem) {
            schemes.push(of_scheme(engine, stem, is_running && place < serving).await?);
        }
    }
    let connections = engine.snapshot.connections.values().filter(|_| is_running);
    Ok(Standings { schemes, connections: connections.map(|connection| of_connection(connection)).collect() })
}

fn of_connection(connection: &Connection) -> ConnectionStatus {
    let Traffic { rate, slowed_to, concurrency, under_way, paused_for, down } = connection.traffic();
    ConnectionStatus {
        connection: connection.name().to_owned(),
        rate: rate.map(|rate| rate.to_string()),
        slowed_to,
        concurrency,
        under_way,
        paused_for_seconds: paused_for.map(|pause| pause.as_secs()),
        probe_in_seconds: down.as_ref().map(|down| down.probe_in.as_secs()),
        down: down.map(|down| down.reason),
    }
}

async fn of_scheme(engine: &Engine, stem: &str, runs: bool) -> Result<SchemeStatus, EngineError> {
    let state = engine.journal.scheme(stem).await?;
    let scheme = engine.snapshot.scheme(stem);
    let uncertain = engine.journal.uncertain(stem, i64::MAX).await?;
    let for_a_person = uncertain.iter().filter(|bill| bill.look_up_due_ms == Some(i64::MAX));
    Ok(SchemeStatus {
        scheme: stem.to_owned(),
        name: scheme.map_or(stem, |scheme| &scheme.name).to_owned(),
        state: match state.paused_ms {
            Some(_) => State::Paused,
            None if runs => State::Runs,
            None => State::Idle,
        },
        paused_since: state.paused_ms.map(at_ms),
        last_sync: state.last_sync.map(at_second),
        last_scan: state.last_finished_scan_begun_ms.map(at_ms),
        next_scan: scheme.filter(|_| runs && state.paused_ms.is_none()).and_then(|scheme| next_scan(scheme)),
        standstills: engine.standstills.of(stem).into_iter().map(standstill).collect(),
        scan: state.scan.map(|scan| ScanStatus {
            kind: match scan.kind {
                ScanKind::Scheduled => "scheduled",
                ScanKind::Backfill => "backfill",
                ScanKind::Remedy => "remedy",
            }
            .to_owned(),
            begun: at_ms(scan.begun_ms),
            from: scan.window_start.map(at_second),
            to: at_second(scan.window_end),
            pages: scan.pages_stored,
            rows: scan.rows,
        }),
        next_due: engine.journal.next_due(stem).await?.filter(|due_ms| *due_ms < i64::MAX).map(at_ms),
        uncertain_for_a_person: for_a_person.count() as u64,
        uncertain: uncertain.len() as u64,
        in_doubt: state.in_doubt,
        balanced: state.counts.balance(),
        books: state.counts,
    })
}

fn standstill((work, standstill): (Work, Standstill)) -> StandstillStatus {
    StandstillStatus {
        work: match work {
            Work::Scan => "scan",
            Work::Deliver => "deliver",
        }
        .to_owned(),
        reason: standstill.reason,
        since: standstill.since.to_string(),
        again: standstill.again.map(|again| again.to_string()),
    }
}

fn next_scan(scheme: &Scheme) -> Option<String> {
    let schedule = scheme.source.schedule.as_ref()?;
    schedule.next_after(clock::now(), &scheme.source.time_zone).map(|at| at.to_string())
}

fn at_ms(unix_ms: i64) -> String {
    clock::timestamp_ms(unix_ms).to_string()
}

fn at_second(unix_seconds: i64) -> String {
    at_ms(unix_seconds.saturating_mul(1_000))
}

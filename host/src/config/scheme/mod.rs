//! Schemes: one file under `schemes/`, one integration.
//!
//! A scheme is what a person wrote, checked for what can be known without plugins and without the dialect: keys, types,
//! units, schedules, names. What its metadata means is the dialect's business; [`Origin`] lets it say its findings at their
//! place. A scheme with an error is left out, the others go on.

mod names;
mod read;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::problem::Origin;
use super::schedule::Schedule;

pub(super) use read::Schemes;

/// One scheme.
#[derive(Debug, Clone)]
pub struct SchemeFile {
    /// Its file's name without the extension: its identity.
    pub stem: String,
    /// Its file, relative to the project's folder.
    pub path: PathBuf,
    /// Its name; default the stem.
    pub name: String,
    /// The id under which other schemes name it, such as a published scheme's uuid.
    pub id: Option<String>,
    /// False: it is checked, and never runs.
    pub enabled: bool,
    /// Its time zone, if it is not the host's.
    pub time_zone: Option<TimeZone>,
    /// Where rows come from.
    pub source: SourceConfig,
    /// What they pass through, in order.
    pub stages: Vec<StageUse>,
    /// Where bills go; absent: only the collection is filled.
    pub target: Option<TargetConfig>,
    /// True: a lookup that finds nothing is the empty text.
    pub optional_lookups: bool,
    /// What an expression that cannot be evaluated gives.
    pub on_expression_error: OnExpressionError,
    /// How often and how long failed bills are sent again.
    pub retry: RetryConfig,
    /// SHA-256 of everything it was read from, in hex: it changes if and only if a text changed.
    pub digest: String,
}

impl SchemeFile {
    /// Whether a part of it was read from this file, relative to the project's folder.
    pub fn is_read_from(&self, file: &Path) -> bool {
        let target = self.target.as_ref().map(|target| &*target.metadata_origin.file);
        self.path == file || self.source.metadata_origin.file == file || target == Some(file)
    }
}

/// Where rows come from.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// A connection of `qiao.toml`.
    pub connection: String,
    /// When it is scanned; absent: only on demand.
    pub schedule: Option<Schedule>,
    /// Where the window of the first scan begins.
    pub start_from: Option<Timestamp>,
    /// How far a window reaches back into the one before; default 10 minutes.
    pub overlap: Duration,
    /// How far a window stays behind now; default none.
    pub lag: Duration,
    /// Rows per page; absent: the metadata or the connector decides.
    pub page_size: Option<u32>,
    /// True: a scan that returns any row of a bill returns all of its rows, so collected rows of that bill that it did not
    /// return are gone at the source, and the bill is delivered again without them. True of a filter on the bill's head,
    /// such as Kingdee's `FModifyDate>=…`; not of one on its lines. A bill that changes between two pages of a scan may
    /// come in part: then the next scan, whose window overlaps this one, makes it whole again. Default false: a collected
    /// row stays.
    pub complete_bills: bool,
    /// Where that is said.
    pub complete_bills_origin: Origin,
    /// A JSON object in the dialect.
    pub metadata: Value,
    /// Where the metadata stands.
    pub metadata_origin: Origin,
}

/// One stage of a scheme.
#[derive(Debug, Clone)]
pub struct StageUse {
    /// The plugin.
    pub plugin: String,
    /// The stage's name in the plugin.
    pub stage: String,
    /// All other keys, as a JSON object.
    pub config: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// Where bills go.
#[derive(Debug, Clone)]
pub struct TargetConfig {
    /// A connection of `qiao.toml`.
    pub connection: String,
    /// When bills are delivered; absent: as soon as there are any.
    pub schedule: Option<Schedule>,
    /// What happens to a bill whose number the target already has.
    pub on_existing: OnExisting,
    /// A JSON object in the dialect.
    pub metadata: Value,
    /// Where the metadata stands.
    pub metadata_origin: Origin,
}

/// What happens to a bill whose number the target already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExisting {
    /// It is updated, under the vendor's id.
    Update,
    /// It counts as done, and nothing is written.
    Skip,
}

/// What an expression that cannot be evaluated gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExpressionError {
    /// An error of its record.
    Error,
    /// Its own text, as on the published platform.
    KeepText,
}

/// How often and how long failed bills are sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryConfig {
    /// Older bills are dead; default one day.
    pub max_age: Duration,
    /// The pause before the first retry; default one second. It doubles from then on.
    pub first: Duration,
    /// The longest pause; default 5 minutes.
    pub most: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { max_age: Duration::from_hours(24), first: Duration::from_secs(1), most: Duration::from_mins(5) }
    }
}

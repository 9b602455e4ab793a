//! Everything that serves at one moment: plugins, tables, connections, and schemes as plans.
//!
//! A snapshot never changes. A change of the project makes a new one; whoever works holds the old one to the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::capability::Connection;
use crate::config::{LimitsConfig, OnExisting, RetryConfig, Schedule, TableSet};
use crate::dialect::{MappingError, Row, SourcePlan, TargetPlan};
use crate::journal::{Dependency, IndexFields, State};
use crate::plugin::connector::{BillToFind, Connector, Sessions};
use crate::plugin::transforms::TransformContext;
use crate::plugin::{Plugin, Registry, digest};

/// Everything that serves.
pub struct Snapshot {
    /// Plugins.
    pub registry: Arc<Registry>,
    /// Mapping tables.
    pub tables: Arc<TableSet>,
    /// Connections that can be used.
    pub connections: BTreeMap<String, Arc<Connection>>,
    /// Schemes that can run, in the order of their lookups.
    pub schemes: Vec<Arc<Scheme>>,
    /// Sessions at the vendors.
    pub sessions: Arc<Sessions>,
    /// Where plugins keep their state; `None` where nothing is to be changed.
    pub state: Option<Arc<dyn State>>,
    /// The limits of a call.
    pub limits: LimitsConfig,
    /// By how much schemes run later than their schedules say, at most.
    pub jitter: Duration,
    /// How long attempts are kept.
    pub keep_attempts: Duration,
}

/// A scheme, ready to run.
pub struct Scheme {
    /// Its identity: its file's stem.
    pub stem: String,
    /// Its name, for people.
    pub name: String,
    /// Its file, relative to the project's folder.
    pub file: PathBuf,
    /// Where rows come from.
    pub source: SourceSide,
    /// What is done to pages of rows before they are stored.
    pub stages: Vec<StageSide>,
    /// Where bills go; `None`: the scheme only fills its collection.
    pub target: Option<TargetSide>,
    /// The plugin of each function that the mapping uses.
    pub functions: HashMap<String, Arc<Plugin>>,
    /// The schemes whose collections the mapping looks into: what the metadata calls them, and their stems.
    pub collections: HashMap<String, String>,
    /// The schemes that get what is written back: what the metadata calls them, and their stems.
    pub receivers: HashMap<String, String>,
    /// Deliveries of other schemes bring rows into this one.
    pub is_fed: bool,
    /// The indexes of this scheme's own collection, by which others look into it.
    pub indexes: Vec<IndexFields>,
    /// How failures are retried.
    pub retry: RetryConfig,
    /// The digest of what it was read from.
    pub digest: String,
    /// The tables that its mapping has read: those that it names, and those that its functions were seen to read.
    pub(super) tables_read: Mutex<BTreeSet<String>>,
}

/// Where rows come from.
pub struct SourceSide {
    /// The connector.
    pub plugin: Arc<Plugin>,
    /// Its connection.
    pub connection: Arc<Connection>,
    /// The metadata, compiled.
    pub plan: SourcePlan,
    /// What it was compiled from.
    pub metadata_text: String,
    /// When it is scanned; `None`: only when asked to.
    pub schedule: Option<Schedule>,
    /// When what was committed late is fetched again; `None`: never.
    pub remedy: Option<Schedule>,
    /// Where the first scan begins.
    pub start_from: Option<Timestamp>,
    /// How far a window reaches back over the one before.
    pub overlap: Duration,
    /// How far a window's end stays behind now.
    pub lag: Duration,
    /// Rows of a page.
    pub page_size: u32,
    /// A scan that returns a row of a bill returns the bill whole.
    pub complete_bills: bool,
    /// The time zone in which texts without an offset are meant.
    pub time_zone: TimeZone,
}

/// A stage, and its settings.
pub struct StageSide {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// The stage's name.
    pub name: String,
    /// Its settings.
    pub config: Value,
}

/// Where bills go.
pub struct TargetSide {
    /// The connector.
    pub plugin: Arc<Plugin>,
    /// Its connection.
    pub connection: Arc<Connection>,
    /// The metadata, compiled.
    pub plan: TargetPlan,
    /// When bills are delivered; `None`: as soon as there are some.
    pub schedule: Option<Schedule>,
    /// What to do with a bill that is there already.
    pub on_existing: OnExisting,
    /// The field of a mapped bill that holds the number to find it by, as the connector says.
    pub number_field: Option<String>,
    /// The connector can look a bill up by its number.
    pub can_find: bool,
    /// Bills of one push.
    pub largest_batch: usize,
    /// Bills of one look-up.
    pub largest_find: usize,
}

impl TargetSide {
    /// A mapped bill as it is looked up.
    pub(super) fn to_find(&self, number: &str, payload: &str) -> BillToFind {
        let number_field = self.plan.number_field().map(str::to_owned).or_else(|| self.number_field.clone());
        BillToFind { number: number.to_owned(), number_field, payload: payload.to_owned() }
    }
}

impl Scheme {
    /// Notes tables that the mapping was seen to read.
    pub(super) fn note_tables_read(&self, tables: impl IntoIterator<Item = String>) {
        if let Ok(mut read) = self.tables_read.lock() {
            read.extend(tables);
        }
    }

    /// How its rows are grouped into bills: what `Journal::regroup` is told.
    pub(super) fn grouping(&self) -> String {
        self.target.as_ref().map_or_else(|| "none".to_owned(), |target| target.plan.grouping())
    }

    /// The bill that a row belongs to, as the target groups them; none if the row cannot say.
    pub(super) fn bill_of(&self, row_id: &str, row: &Row) -> Result<String, MappingError> {
        let key = match &self.target {
            Some(target) => target.plan.merge_key(row)?,
            None => None,
        };
        Ok(key.unwrap_or_else(|| row_id.to_owned()))
    }

    /// What a scan's cursors depend on: another source, or another build of its connector, cannot go on with them.
    pub(super) fn source_digest(&self) -> String {
        let source = &self.source;
        let parts = [
            source.plugin.digest.as_str(),
            source.connection.name(),
            source.connection.settings().base_url.as_str(),
            source.plan.api(),
            &source.metadata_text,
            &source.page_size.to_string(),
        ];
        digest(parts.join("\0").as_bytes())
    }

    /// Rows of one merge key make one bill.
    pub(super) fn merges(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.plan.is_merge())
    }

    fn time_zone_name(&self) -> Arc<str> {
        self.source.time_zone.iana_name().unwrap_or("UTC").into()
    }
}

impl Snapshot {
    /// The scheme of this stem.
    pub fn scheme(&self, stem: &str) -> Option<&Arc<Scheme>> {
        self.schemes.iter().find(|scheme| scheme.stem == stem)
    }

    /// What something is now that a problem may depend on: [`Dependency`] has the names. The empty text: it is not there.
    pub(super) fn digest_of(&self, name: &str) -> Option<String> {
        let (kind, name) = name.split_once(':')?;
        let digest = match kind {
            "table" => self.tables.get(name).map(|table| table.digest().to_owned()),
            "plugin" => self.registry.get(name).map(|plugin| plugin.digest.clone()),
            "scheme" => self.scheme(name).map(|scheme| scheme.digest.clone()),
            _ => None,
        };
        Some(digest.unwrap_or_default())
    }

    /// What a problem may depend on, as it is now: a change of it may mend what failed.
    pub(super) fn dependency(&self, kind: &str, name: &str) -> Dependency {
        let name = format!("{kind}:{name}");
        Dependency { digest: self.digest_of(&name).unwrap_or_default(), name }
    }

    /// What a refusal of this scheme's bills may depend on: the scheme itself, and the tables that its mapping reads.
    pub(super) fn dependencies(&self, scheme: &Scheme) -> Vec<Dependency> {
        let mut dependencies = vec![self.dependency("scheme", &scheme.stem)];
        if let Ok(tables) = scheme.tables_read.lock() {
            dependencies.extend(tables.iter().map(|table| self.dependency("table", table)));
        }
        dependencies
    }

    /// What functions and stages are called with, for a scheme.
    pub fn transform_context(&self, scheme: &Scheme) -> TransformContext {
        TransformContext {
            tables: Arc::clone(&self.tables),
            state: self.state.clone(),
            scheme: Some(scheme.stem.as_str().into()),
            time_zone: scheme.time_zone_name(),
            limits: self.limits.clone(),
        }
    }

    /// The connector that a scheme reads from.
    pub fn source_connector(&self, scheme: &Scheme) -> Connector {
        self.connector(&scheme.source.plugin, &scheme.source.connection, scheme)
    }

    /// The connector that a scheme writes to.
    pub fn target_connector(&self, scheme: &Scheme, target: &TargetSide) -> Connector {
        self.connector(&target.plugin, &target.connection, scheme)
    }

    fn connector(&self, plugin: &Arc<Plugin>, connection: &Arc<Connection>, scheme: &Scheme) -> Connector {
        Connector {
            plugin: Arc::clone(plugin),
            connection: Arc::clone(connection),
            sessions: Arc::clone(&self.sessions),
            state: self.state.clone(),
            tables: Arc::clone(&self.tables),
            scheme: Some(scheme.stem.as_str().into()),
            time_zone: scheme.time_zone_name(),
            limits: self.limits.clone(),
        }
    }
}

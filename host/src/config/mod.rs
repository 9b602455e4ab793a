//! The project folder: `qiao.toml`, `schemes/*.yaml`, `tables/*.csv`.
//!
//! [`Project::load`] reads the folder into one immutable snapshot. It touches nothing else: no network, no plugins, no
//! environment (a secret is read when its connection is built), and it does not wait. [`Watch`] waits for the folder to
//! change; [`Project::reload`] then loads it again, and keeps of each file that does not load the version in use.
//!
//! A mistake in one file stops that file and nothing else, and every mistake is reported at once with its place. Only
//! without a sound `qiao.toml` is there no project.
//!
//! | file | job |
//! |---|---|
//! | [`tree`] | TOML and YAML as one tree of values with places; reading it key by key |
//! | [`host`], [`connection`], [`secret`] | the sections of `qiao.toml` |
//! | [`scheme`], [`metadata`], [`json`] | scheme files, and the metadata pasted into them |
//! | [`table`] | mapping tables |
//! | [`units`], [`moment`], [`schedule`] | lengths of time, sizes, rates; time zones and times; cron |
//! | [`watch`] | waiting until the folder has changed and lies still |
//! | [`pasted`] | a JSON text that is no part of a project |
//! | [`problem`], [`text`], [`folder`] | problems and places; files and their encodings |

mod connection;
mod folder;
mod host;
mod json;
mod metadata;
mod moment;
mod pasted;
mod problem;
mod schedule;
mod scheme;
mod secret;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod units;
mod watch;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

pub use connection::ConnectionConfig;
pub use host::{HostConfig, LimitsConfig, StoreKind};
pub use moment::{default_zone, read_duration, read_moment};
pub use pasted::Pasted;
pub use problem::{ConfigProblem, Origin, Severity};
pub use schedule::Schedule;
pub use scheme::{OnExisting, OnExpressionError, RetryConfig, SchemeFile, SourceConfig, StageUse, TargetConfig};
pub use secret::{Secret, SecretSource};
pub use table::{Table, TableSet};
pub use text::decoded;
pub use tree::fields::nearest;
pub use units::Rate;
pub use watch::Watch;

use host::Settings;
use problem::Report;
use scheme::Schemes;

const QIAO_TOML: &str = "qiao.toml";
const SCHEMES: &str = "schemes";
const TABLES: &str = "tables";

/// A project at one moment.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its folder.
    pub root: PathBuf,
    /// What the host is set to.
    pub host: HostConfig,
    /// What one call of a plugin may use.
    pub limits: LimitsConfig,
    /// The connections by name.
    pub connections: BTreeMap<String, ConnectionConfig>,
    /// The sound schemes, in the order of their files.
    pub schemes: Vec<SchemeFile>,
    /// The sound tables.
    pub tables: Arc<TableSet>,
}

/// What came of loading a project.
#[derive(Debug)]
pub struct Loaded {
    /// The project; absent if `qiao.toml` is not there or has an error.
    pub project: Option<Project>,
    /// Everything found, in the order of files and lines.
    pub problems: Vec<ConfigProblem>,
    /// Files that do not load, and of which an earlier version stays in use ([`Project::reload`]).
    pub kept: Vec<PathBuf>,
}

impl Loaded {
    /// True if any file is not used as it stands.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(ConfigProblem::is_error)
    }
}

impl Project {
    /// Loads the project in a folder.
    pub fn load(root: &Path) -> Loaded {
        Self::read(root, None)
    }

    /// Loads the folder again. Of a file that is there and does not load, the version in use stays in use.
    pub fn reload(&self) -> Loaded {
        Self::read(&self.root, Some(self))
    }

    fn read(root: &Path, in_use: Option<&Self>) -> Loaded {
        let mut problems = Vec::new();
        let mut kept = Vec::new();
        let settings = settings(root, &mut problems).or_else(|| {
            let in_use = in_use?;
            kept.push(PathBuf::from(QIAO_TOML));
            Some(in_use.settings())
        });
        let mut tables = TableSet::read(root, TABLES, &mut problems);
        let default_zone = moment::default_zone();
        let zone = settings.as_ref().map_or(&default_zone, |settings| &settings.host.time_zone);
        let connections = settings.as_ref().map(|settings| &settings.connections);
        let mut schemes = Schemes { root, zone, connections }.read(&mut problems);
        if let Some(in_use) = in_use {
            for table in in_use.tables.iter() {
                if tables.get(table.name()).is_none() && may_exist(&root.join(table.file())) {
                    kept.push(table.file().to_owned());
                    tables = tables.with(Arc::clone(table));
                }
            }
            for scheme in &in_use.schemes {
                if !schemes.iter().any(|sound| sound.stem == scheme.stem) && may_exist(&root.join(&scheme.path)) {
                    kept.push(scheme.path.clone());
                    schemes.push(scheme.clone());
                }
            }
            schemes.sort_by(|one, other| one.path.cmp(&other.path));
        }
        problems.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
        let project = settings.map(|Settings { host, limits, connections }| Self {
            root: root.to_owned(),
            host,
            limits,
            connections,
            schemes,
            tables: Arc::new(tables),
        });
        Loaded { project, problems, kept }
    }

    /// The same project with this scheme in it, in the place of the one of its stem: `text` as if it were saved as that file
    /// under `schemes/`, and enabled. It need not be there, nor be called `*.yaml` (`orders.yaml.example`). Beside it the
    /// scheme's stem, if it loads, and what is wrong with it.
    pub fn with_scheme(&self, file: &Path, text: &str) -> (Self, Option<String>, Vec<ConfigProblem>) {
        let mut problems = Vec::new();
        let mut project = self.clone();
        let stem = Schemes::stem(file);
        project.schemes.retain(|scheme| scheme.stem != stem);
        let schemes = Schemes { root: &self.root, zone: &self.host.time_zone, connections: Some(&self.connections) };
        let Some(draft) = schemes.draft(file, text, &[], &mut problems) else {
            return (project, None, problems);
        };
        // A draft that was made of a scheme has its name, and takes its place.
        let names = [Some(&draft.stem), Some(&draft.name), draft.id.as_ref()];
        project.schemes.retain(|scheme| {
            let of_scheme = [Some(&scheme.stem), Some(&scheme.name), scheme.id.as_ref()];
            !of_scheme.into_iter().flatten().any(|name| names.contains(&Some(name)))
        });
        project.schemes.push(SchemeFile { enabled: true, ..draft });
        project.schemes.sort_by(|one, other| one.path.cmp(&other.path));
        (project, Some(stem), problems)
    }

    /// What `qiao.toml` said when it was last sound.
    fn settings(&self) -> Settings {
        Settings { host: self.host.clone(), limits: self.limits.clone(), connections: self.connections.clone() }
    }

    /// Where plugins are dropped.
    pub fn plugins_dir(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// Where schemes are.
    pub fn schemes_dir(&self) -> PathBuf {
        self.root.join(SCHEMES)
    }

    /// Where tables are.
    pub fn tables_dir(&self) -> PathBuf {
        self.root.join(TABLES)
    }

    /// Where the host keeps what it must remember.
    pub fn state_dir(&self) -> PathBuf {
        Self::state_dir_of(&self.root)
    }

    /// Where the host of the project in this folder keeps what it must remember.
    pub fn state_dir_of(root: &Path) -> PathBuf {
        root.join("state")
    }

    /// A scheme by stem, name or id.
    pub fn scheme(&self, name: &str) -> Option<&SchemeFile> {
        let called =
            |scheme: &&SchemeFile| scheme.stem == name || scheme.name == name || scheme.id.as_deref() == Some(name);
        self.schemes.iter().find(called)
    }

    /// A scheme's time zone: its own, or the host's.
    pub fn time_zone<'a>(&'a self, scheme: &'a SchemeFile) -> &'a TimeZone {
        scheme.time_zone.as_ref().unwrap_or(&self.host.time_zone)
    }

    /// The secrets that cannot be read now, of all connections.
    pub fn missing_secrets(&self) -> Vec<ConfigProblem> {
        let names = self.connections.values().flat_map(|connection| {
            connection.secrets.keys().map(move |secret| connection.read_secret(secret, &self.root))
        });
        names.filter_map(Result::err).collect()
    }
}

/// Whether a file is there, or nobody can tell: a share that hiccups removes nothing.
fn may_exist(file: &Path) -> bool {
    file.try_exists().unwrap_or(true)
}

fn settings(root: &Path, problems: &mut Vec<ConfigProblem>) -> Option<Settings> {
    if !root.join(QIAO_TOML).exists() {
        let message = format!("there is no `{QIAO_TOML}` in `{}`", root.display());
        problems.push(
            ConfigProblem::error(QIAO_TOML, message)
                .hint("`qiao init DIR` makes a project; `--root DIR` says where one is"),
        );
        return None;
    }
    let text = text::read(root, Path::new(QIAO_TOML)).map_err(|problem| problems.push(problem)).ok()?;
    let report = Report::new(QIAO_TOML);
    let settings = Settings::read(&text, &report);
    let usable = !report.has_errors();
    problems.extend(report.into_problems());
    usable.then_some(settings)
}

/// Bytes as lower-case hexadecimal text.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

//! `[connections.NAME]`: one account at one vendor.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::QIAO_TOML;
use super::problem::{Complaint, ConfigProblem, Report};
use super::secret::{Secret, SecretSource};
use super::tree::fields::Fields;
use super::tree::{Data, Node, read, shorten};
use super::units::Rate;

const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// One account at one vendor.
#[derive(Clone, PartialEq)]
pub struct ConnectionConfig {
    /// Its name in `qiao.toml`.
    pub name: String,
    /// The plugin that speaks to the vendor.
    pub plugin: String,
    /// `http` or `https`, with a path that ends in `/`; no query, no fragment, no user.
    pub base_url: Url,
    /// The same as it was written, with or without that `/`: where a request without a path goes (a router such as
    /// `…/router/qm` answers at no other address).
    pub endpoint: Url,
    /// The most requests it may send; absent: as many as its concurrency lets through.
    pub rate: Option<Rate>,
    /// The most requests under way at once; default 4.
    pub concurrency: NonZeroUsize,
    /// The longest time of one request; default 30 s.
    pub timeout: Duration,
    /// How long after an uncertain write "it is not there" is not believed; default twice the time-out.
    pub settle_after: Duration,
    /// True if loopback and private addresses may be reached.
    pub allow_private: bool,
    /// The plugin's own settings: a JSON object; numbers as they were written, dates as text.
    pub config: Value,
    /// Where its secrets are, by name.
    pub secrets: BTreeMap<String, SecretSource>,
}

impl fmt::Debug for ConnectionConfig {
    /// Without the values of `config`: some of them open doors (Kingdee's `app_id` signs requests).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionConfig")
            .field("name", &self.name)
            .field("plugin", &self.plugin)
            .field("base_url", &self.base_url.as_str())
            .field("config", &self.config.as_object().map(|config| config.keys().collect::<Vec<_>>()))
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

impl ConnectionConfig {
    /// Reads one of its secrets; `root` is the project's folder.
    pub fn read_secret(&self, name: &str, root: &Path) -> Result<Secret, ConfigProblem> {
        let path = format!("connections.{}.secrets.{name}", self.name);
        let source = self.secrets.get(name).ok_or_else(|| {
            let variable = variable_name(&self.name, name);
            ConfigProblem::error(QIAO_TOML, format!("the connection `{}` has no secret `{name}`", self.name))
                .at(&path)
                .hint(format!("add `secrets = {{ {name} = {{ env = \"{variable}\" }} }}` to it"))
        })?;
        source.read(root).map_err(|problem| problem.at(path))
    }

    fn read(name: &str, fields: Fields<'_>) -> Option<Self> {
        let plugin = fields.require("plugin", read::text);
        let endpoint = fields.require("base_url", endpoint);
        let rate = fields.read("rate", |node| Rate::parse(&read::text(node)?));
        let concurrency =
            fields.read("concurrency", |node| Ok(read::count(node)?.try_into().unwrap_or(NonZeroUsize::MAX)));
        let timeout = fields.read("timeout", read::some_duration).unwrap_or(DEFAULT_TIMEOUT);
        let settle_after = fields.read("settle_after", read::duration).unwrap_or(timeout * 2);
        let allow_private = fields.read("allow_private", read::flag).unwrap_or(false);
        let config = fields.read("config", |node| match node.data {
            Data::Map(_) => node.to_json(),
            _ => Err(Complaint::new(format!("expected a mapping, found {}", node.describe()))),
        });
        let mut secrets = BTreeMap::new();
        if let Some(table) = fields.nested("secrets") {
            for (key, value) in table.rest() {
                match SecretSource::parse(value, name, &key.name) {
                    Ok(source) => drop(secrets.insert(key.name.clone(), source)),
                    Err(complaint) => fields.report().complain(value.place, &table.path(&key.name), complaint),
                }
            }
        }
        fields.close();
        let endpoint = endpoint?;
        Some(Self {
            name: name.to_owned(),
            plugin: plugin?,
            base_url: as_folder(endpoint.clone()),
            endpoint,
            rate,
            concurrency: concurrency.unwrap_or(DEFAULT_CONCURRENCY),
            timeout,
            settle_after,
            allow_private,
            config: config.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            secrets,
        })
    }
}

/// Reads `[connections]`. A connection with a problem is left out.
pub(super) fn read_all(section: &Fields<'_>) -> BTreeMap<String, ConnectionConfig> {
    let report: &Report = section.report();
    let mut connections = BTreeMap::new();
    for (key, node) in section.rest() {
        let path = section.path(&key.name);
        if !is_name(&key.name) {
            let complaint =
                Complaint::new("a connection's name is not empty, and without `/`, `\\` and control characters");
            report.complain(key.place, &path, complaint);
        }
        let connection = Fields::open(node, &path, report).and_then(|fields| ConnectionConfig::read(&key.name, fields));
        connections.extend(connection.map(|connection| (key.name.clone(), connection)));
    }
    connections
}

/// The environment variable that a hint proposes for a secret: `KINGDEE_MAIN_APP_SECRET`.
pub(super) fn variable_name(connection: &str, secret: &str) -> String {
    let name = format!("{connection}_{secret}").to_ascii_uppercase();
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\'))
}

/// A connector's paths are relative to it, so its own path is a folder.
fn as_folder(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

/// An `http` or `https` address and nothing else.
fn endpoint(node: &Node) -> Result<Url, Complaint> {
    let text = read::text(node)?;
    let example = "write it as in `https://erp.example.com/k3cloud/`";
    let url = Url::parse(&text)
        .map_err(|error| Complaint::new(format!("`{}` is not a URL: {error}", shorten(&text))).hint(example))?;
    if !matches!(url.scheme(), "http" | "https") {
        let complaint = Complaint::new(format!("`{}` is neither `https` nor `http`", url.scheme()));
        return Err(complaint.hint(example));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Complaint::new("a base URL holds no user and no password").hint("secrets stand under `secrets`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Complaint::new("a base URL ends before `?` and `#`").hint("the connector adds the parameters"));
    }
    Ok(url)
}

//! `qiao.toml` as a whole, and its sections about the host itself: `[host]`, `[store]`, `[limits]`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::connection::{self, ConnectionConfig};
use super::moment;
use super::problem::{Complaint, Report};
use super::tree::fields::Fields;
use super::tree::{Node, read, toml};

/// What the host is set to.
#[derive(Debug, Clone, PartialEq)]
pub struct HostConfig {
    /// Where the HTTP API and the console listen; default `127.0.0.1:8620`.
    pub listen: SocketAddr,
    /// The time zone of schemes that name none; default `Asia/Shanghai`.
    pub time_zone: TimeZone,
    /// Its name as it was written.
    pub time_zone_name: String,
    /// By how much a scheme runs later than its schedule says, at most; default 10 s.
    pub jitter: Duration,
    /// How long work under way is given to end when the host is told to stop; default 30 s.
    pub grace: Duration,
    /// Where the journal is kept.
    pub store: StoreKind,
    /// How long what was sent and answered is kept with bills; default 7 days, 0: it is not kept.
    pub keep_attempts: Duration,
}

/// Where the journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// Embedded, under `state/`.
    Sled,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8620)),
            time_zone: moment::default_zone(),
            time_zone_name: moment::DEFAULT_ZONE.to_owned(),
            jitter: Duration::from_secs(10),
            grace: Duration::from_secs(30),
            store: StoreKind::Sled,
            keep_attempts: Duration::from_hours(7 * 24),
        }
    }
}

/// What one call of a plugin may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Linear memory, in bytes; default 64 MiB (`memory`).
    pub memory_bytes: u64,
    /// CPU time of the guest; default 5 s.
    pub cpu_time: Duration,
    /// Time from begin to end, waiting for answers included; default 2 minutes.
    pub call_time: Duration,
    /// One HTTP response, in bytes after decompression; default 32 MiB (`response`).
    pub response_bytes: u64,
    /// Lines written to the log; default 200.
    pub log_lines: u32,
    /// Volume written to the log, in bytes; default 64 KiB (`log`).
    pub log_bytes: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            cpu_time: Duration::from_secs(5),
            call_time: Duration::from_mins(2),
            response_bytes: 32 << 20,
            log_lines: 200,
            log_bytes: 64 << 10,
        }
    }
}

/// All of `qiao.toml`.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) host: HostConfig,
    pub(super) limits: LimitsConfig,
    pub(super) connections: BTreeMap<String, ConnectionConfig>,
}

impl Settings {
    /// Reads the text of `qiao.toml`. What is wrong goes to the report; with an error there the result is not to be used.
    pub(super) fn read(text: &str, report: &Report) -> Self {
        let mut settings = Self::default();
        let root = match toml::parse(text) {
            Ok(root) => root,
            Err(complaint) => {
                report.complain(super::problem::Place { line: 1, column: 1 }, "", complaint);
                return settings;
            }
        };
        let Some(fields) = Fields::open(&root, "", report) else { return settings };
        if let Some(section) = fields.nested("host") {
            settings.host.read(section);
        }
        if let Some(section) = fields.nested("store") {
            let kind = section.read("kind", read::choice(&[("sled", StoreKind::Sled)]));
            settings.host.store = kind.unwrap_or(settings.host.store);
            set(&mut settings.host.keep_attempts, section.read("keep_attempts", read::duration));
            section.close();
        }
        if let Some(section) = fields.nested("limits") {
            settings.limits.read(section);
        }
        if let Some(section) = fields.nested("connections") {
            settings.connections = connection::read_all(&section);
        }
        fields.close();
        settings
    }
}

impl HostConfig {
    fn read(&mut self, fields: Fields<'_>) {
        set(&mut self.listen, fields.read("listen", address));
        if let Some((name, zone)) = fields.read("time_zone", |node| {
            let name = read::text(node)?;
            moment::parse_zone(&name).map(|zone| (name, zone))
        }) {
            self.time_zone_name = name;
            self.time_zone = zone;
        }
        set(&mut self.jitter, fields.read("jitter", read::duration));
        set(&mut self.grace, fields.read("grace", read::duration));
        fields.close();
    }
}

impl LimitsConfig {
    fn read(&mut self, fields: Fields<'_>) {
        set(&mut self.memory_bytes, fields.read("memory", read::bytes));
        set(&mut self.cpu_time, fields.read("cpu_time", read::some_duration));
        set(&mut self.call_time, fields.read("call_time", read::some_duration));
        set(&mut self.response_bytes, fields.read("response", read::bytes));
        set(&mut self.log_lines, fields.read("log_lines", |node| read::count(node).map(u32::from)));
        set(&mut self.log_bytes, fields.read("log", read::bytes));
        fields.close();
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn address(node: &Node) -> Result<SocketAddr, Complaint> {
    let text = read::text(node)?;
    text.parse().map_err(|_| {
        Complaint::new(format!("`{}` is not an address and a port", super::tree::shorten(&text)))
            .hint("write `127.0.0.1:8620`, or `0.0.0.0:8620` to be reached from other machines")
    })
}

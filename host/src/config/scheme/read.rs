//! One scheme file into a [`SchemeFile`].

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::super::connection::ConnectionConfig;
use super::super::metadata::{self, Metadata};
use super::super::moment;
use super::super::problem::{Complaint, ConfigProblem, Report};
use super::super::schedule::Schedule;
use super::super::text;
use super::super::tree::fields::Fields;
use super::super::tree::{Data, Node, read, to_object};
use super::super::{SCHEMES, folder, hex};
use super::names::{self, Names};
use super::{OnExisting, OnExpressionError, RetryConfig, SchemeFile, SourceConfig, StageUse, TargetConfig};

const DEFAULT_OVERLAP: Duration = Duration::from_mins(10);

/// Reads the schemes of one project.
pub(in super::super) struct Schemes<'a> {
    /// The project's folder.
    pub(in super::super) root: &'a Path,
    /// The time zone of schemes that name none.
    pub(in super::super) zone: &'a TimeZone,
    /// The connections there are; absent if nobody knows.
    pub(in super::super) connections: Option<&'a BTreeMap<String, ConnectionConfig>>,
}

impl Schemes<'_> {
    /// Reads every scheme; one with an error is left out.
    pub(in super::super) fn read(&self, problems: &mut Vec<ConfigProblem>) -> Vec<SchemeFile> {
        let mut files = folder::files(self.root, SCHEMES, &["yaml", "yml"], problems);
        let mut names = Names::of_stems(&mut files, problems);
        files.iter().filter_map(|file| self.file(file, &mut names, problems)).collect()
    }

    /// Reads a text as the scheme in this file, beside others.
    pub(in super::super) fn draft(
        &self,
        file: &Path,
        text: &str,
        others: &[SchemeFile],
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<SchemeFile> {
        let mut names = Names::of(others);
        self.text(file, text, &mut names, problems)
    }

    /// A scheme's identity: its file's name without its ending. A draft may have another ending behind it:
    /// `orders.yaml.example`.
    pub(in super::super) fn stem(file: &Path) -> String {
        let stem = file.file_stem().unwrap_or_default();
        let is_scheme = |name: &Path| {
            name.extension()
                .is_some_and(|ending| ["yaml", "yml"].iter().any(|known| ending.eq_ignore_ascii_case(known)))
        };
        let inner = Path::new(stem);
        let stem = if !is_scheme(file) && is_scheme(inner) { inner.file_stem().unwrap_or_default() } else { stem };
        stem.to_string_lossy().into_owned()
    }

    fn file(&self, file: &Path, names: &mut Names, problems: &mut Vec<ConfigProblem>) -> Option<SchemeFile> {
        let text = text::read(self.root, file).map_err(|problem| problems.push(problem)).ok()?;
        self.text(file, &text, names, problems)
    }

    fn text(
        &self,
        file: &Path,
        text: &str,
        names: &mut Names,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<SchemeFile> {
        let report = Report::new(file);
        let root = metadata::parse_yaml(text, &report);
        let scheme = root.and_then(|root| self.scheme(&root, text, names, &report));
        let usable = !report.has_errors();
        problems.extend(report.into_problems());
        scheme.filter(|_| usable)
    }

    /// Every key is read before anything is given up, so that one pass finds all problems.
    fn scheme(&self, root: &Node, text: &str, names: &mut Names, report: &Report) -> Option<SchemeFile> {
        if matches!(root.data, Data::Null) {
            let complaint = Complaint::new("is empty").hint("a scheme has at least a `source`");
            report.complain(root.place, "", complaint);
            return None;
        }
        let fields = Fields::open(root, "", report)?;
        let stem = Self::stem(report.file());
        let mut digest = Sha256::new_with_prefix(text);

        let name = fields.read("name", |node| names.claim(read::text(node)?, report.file()));
        let id = fields.read("id", |node| names.claim(read::text(node)?, report.file()));
        let enabled = fields.read("enabled", read::flag).unwrap_or(true);
        let time_zone = fields.read("time_zone", |node| moment::parse_zone(&read::text(node)?));
        let optional_lookups = fields.read("optional_lookups", read::flag).unwrap_or(false);
        let words = &[("error", OnExpressionError::Error), ("keep_text", OnExpressionError::KeepText)];
        let on_expression_error = fields.read("on_expression_error", read::choice(words));
        let stages = stages(&fields);
        let retry = fields.nested("retry").map(retry).unwrap_or_default();
        if fields.get("source").is_none() {
            fields.missing("source");
        }
        let zone = time_zone.as_ref().unwrap_or(self.zone);
        let source = fields.nested("source").and_then(|side| self.source(side, zone, &mut digest));
        let target = fields.nested("target").and_then(|side| self.target(side, &mut digest));
        fields.close();
        Some(SchemeFile {
            name: name.unwrap_or_else(|| stem.clone()),
            stem,
            path: report.file().to_owned(),
            id,
            enabled,
            time_zone,
            source: source?,
            stages,
            target,
            optional_lookups,
            on_expression_error: on_expression_error.unwrap_or(OnExpressionError::Error),
            retry,
            digest: hex(&digest.finalize()),
        })
    }

    fn source(&self, fields: Fields<'_>, zone: &TimeZone, digest: &mut Sha256) -> Option<SourceConfig> {
        let connection = fields.require("connection", |node| self.connection(node));
        let schedule = fields.read("schedule", schedule);
        let start_from = fields.read("start_from", |node| moment::parse_timestamp(&read::text(node)?, zone));
        let overlap = fields.read("overlap", read::duration).unwrap_or(DEFAULT_OVERLAP);
        let lag = fields.read("lag", read::duration).unwrap_or_default();
        let page_size = fields.read("page_size", read::count).map(u32::from);
        let complete_bills = fields.read("complete_bills", read::flag).unwrap_or(false);
        let complete_bills_origin = fields.origin("complete_bills");
        let metadata = self.metadata(&fields, digest);
        fields.close();
        let Metadata { value, origin, .. } = metadata?;
        Some(SourceConfig {
            connection: connection?,
            schedule,
            start_from,
            overlap,
            lag,
            page_size,
            complete_bills,
            complete_bills_origin,
            metadata: value,
            metadata_origin: origin,
        })
    }

    fn target(&self, fields: Fields<'_>, digest: &mut Sha256) -> Option<TargetConfig> {
        let connection = fields.require("connection", |node| self.connection(node));
        let schedule = fields.read("schedule", schedule);
        let words = &[("update", OnExisting::Update), ("skip", OnExisting::Skip)];
        let on_existing = fields.read("on_existing", read::choice(words)).unwrap_or(OnExisting::Update);
        let metadata = self.metadata(&fields, digest);
        fields.close();
        let Metadata { value, origin, .. } = metadata?;
        Some(TargetConfig { connection: connection?, schedule, on_existing, metadata: value, metadata_origin: origin })
    }

    fn connection(&self, node: &Node) -> Result<String, Complaint> {
        let name = read::text(node)?;
        match self.connections {
            Some(known) => names::connection(name, known),
            None => Ok(name),
        }
    }

    fn metadata(&self, fields: &Fields<'_>, digest: &mut Sha256) -> Option<Metadata> {
        let metadata = metadata::read(fields, self.root)?;
        if let Some(text) = &metadata.file_text {
            digest.update([0]);
            digest.update(text);
        }
        Some(metadata)
    }
}

fn stages(fields: &Fields<'_>) -> Vec<StageUse> {
    let items = fields.read("stages", |node| match &node.data {
        Data::List(items) => Ok(items.clone()),
        _ => Err(Complaint::new(format!("expected a list of stages, found {}", node.describe()))
            .hint("write `- { plugin: transforms, stage: drop-rows }`, one line for each stage")),
    });
    let read_one = |(index, node)| stage(&Fields::open(node, &format!("stages[{index}]"), fields.report())?);
    items.unwrap_or_default().iter().enumerate().filter_map(read_one).collect()
}

/// All keys but its two belong to the stage.
fn stage(fields: &Fields<'_>) -> Option<StageUse> {
    let plugin = fields.require("plugin", read::text);
    let stage = fields.require("stage", read::text);
    let config = to_object(fields.rest()).map_err(|complaint| fields.complain(complaint)).ok();
    Some(StageUse {
        plugin: plugin?,
        stage: stage?,
        config: serde_json::Value::Object(config?),
        origin: fields.own_origin(),
    })
}

fn retry(fields: Fields<'_>) -> RetryConfig {
    let usual = RetryConfig::default();
    let max_age = fields.read("max_age", read::duration).unwrap_or(usual.max_age);
    let first = fields.read("first", read::some_duration).unwrap_or(usual.first);
    let most = fields.read("most", read::some_duration).unwrap_or_else(|| usual.most.max(first));
    if first > most {
        fields.complain(Complaint::new("`first` is longer than `most`"));
    }
    fields.close();
    RetryConfig { max_age, first, most }
}

fn schedule(node: &Node) -> Result<Schedule, Complaint> {
    Schedule::parse(&read::text(node)?)
}

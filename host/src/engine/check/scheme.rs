//! One scheme by itself: its source, its stages and its target as plans, and whether they go together. It fits if it has
//! no errors, and its parts are all looked at before that is decided, so that a person is told as much as can be at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use super::references::{self, did_you_mean, operation, unknown_plugin};
use crate::capability::Connection;
use crate::config::{
    ConfigProblem, OnExpressionError, Origin, Project, Schedule, SchemeFile, SourceConfig, StageUse, TargetConfig,
};
use crate::dialect::{self, Finding, Options, SourcePlan, TargetPlan};
use crate::engine::mapping::table_name;
use crate::engine::snapshot::{Scheme, SourceSide, StageSide, TargetSide};
use crate::plugin::{Direction, Plugin, Registry};

/// Rows of a page where nobody says.
const PAGE_SIZE: u32 = 500;

/// Bills of one look-up, where the connector leaves it to the host.
const FIND: usize = 32;

/// What schemes are checked against.
pub(super) struct Checker<'a> {
    pub(super) project: &'a Project,
    pub(super) registry: &'a Registry,
    pub(super) connections: &'a BTreeMap<String, Arc<Connection>>,
}

impl Checker<'_> {
    /// One scheme, if it fits.
    pub(super) fn scheme(&self, file: &SchemeFile, problems: &mut Vec<ConfigProblem>) -> Option<Scheme> {
        let options = Options {
            time_zone: self.project.time_zone(file).clone(),
            on_expression_error: match file.on_expression_error {
                OnExpressionError::Error => dialect::OnExpressionError::Fail,
                OnExpressionError::KeepText => dialect::OnExpressionError::KeepText,
            },
            optional_lookups: file.optional_lookups,
        };
        let errors_before = problems.iter().filter(|problem| problem.is_error()).count();
        let source = self.source(&file.source, &options, problems);
        let source_plan = source.as_ref().map(|source| &source.plan);
        let target = file.target.as_ref().map(|target| self.target(target, source_plan, &options, problems));
        // Of a target that does not fit, enough is said.
        let may_merge =
            target.as_ref().is_some_and(|target| target.as_ref().is_none_or(|target| target.plan.is_merge()));
        complete_bills(&file.source, source_plan, may_merge, problems);
        let stages: Vec<StageSide> =
            file.stages.iter().filter_map(|config| stage(self.registry, config, problems)).collect();
        let mut functions = HashMap::new();
        let mut collections = HashMap::new();
        let mut receivers = HashMap::new();
        if let (Some(config), Some(Some(target))) = (&file.target, &target) {
            references::functions(
                self.registry,
                target.plan.functions(),
                &config.metadata_origin,
                &mut functions,
                problems,
            );
            let computed = source.iter().flat_map(|source| source.plan.functions());
            references::functions(self.registry, computed, &file.source.metadata_origin, &mut functions, problems);
            for lookup in target.plan.lookups() {
                references::lookup(self.project, lookup, &config.metadata_origin, &mut collections, problems);
            }
            for write_back in target.plan.write_backs() {
                references::receiver(self.project, write_back, &config.metadata_origin, &mut receivers, problems);
            }
        } else if let (Some(source), None) = (&source, &file.target) {
            if source.plan.regroups() {
                let message =
                    "`groupCalculate` does nothing: the scheme has no target, and rows are collected as they come";
                problems.push(file.source.metadata_origin.warning(message).inside("$.groupCalculate"));
            }
            for used in source.plan.functions() {
                problems.push(
                    file.source
                        .metadata_origin
                        .warning(format!(
                            "the computed field at `{}` is used by nobody: the scheme has no target",
                            used.path
                        ))
                        .hint("computed fields are made when a bill is mapped; collections keep the rows as they came"),
                );
            }
        }
        let lookups = target.iter().flatten().flat_map(|target| target.plan.lookups());
        let tables_read = lookups.filter_map(|lookup| table_name(&lookup.source)).map(str::to_owned).collect();
        let errors = problems.iter().filter(|problem| problem.is_error()).count() - errors_before;
        if errors > 0 {
            return None;
        }
        Some(Scheme {
            stem: file.stem.clone(),
            name: file.name.clone(),
            file: file.path.clone(),
            source: source?,
            stages,
            target: match target {
                Some(target) => Some(target?),
                None => None,
            },
            functions,
            collections,
            receivers,
            is_fed: false,
            indexes: Vec::new(),
            retry: file.retry.clone(),
            digest: file.digest.clone(),
            tables_read: Mutex::new(tables_read),
        })
    }

    /// A connection that can be used, with its plugin. What is wrong with one that cannot is said with the connections.
    fn connection(
        &self,
        name: &str,
        origin: &Origin,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<(Arc<Plugin>, Arc<Connection>)> {
        let Some(settings) = self.project.connections.get(name) else {
            // `config` has said so.
            return None;
        };
        let plugin = self.registry.get(&settings.plugin);
        if let (Some(plugin), Some(connection)) = (plugin, self.connections.get(name)) {
            return Some((Arc::clone(plugin), Arc::clone(connection)));
        }
        problems.push(
            origin
                .error(format!("the connection `{name}` cannot be used"))
                .hint("what is wrong with it is said beside `qiao.toml`"),
        );
        None
    }

    fn source(
        &self,
        config: &SourceConfig,
        options: &Options,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<SourceSide> {
        let origin = &config.metadata_origin;
        let parsed = dialect::parse_source(&config.metadata, options);
        findings(origin, &parsed.errors, &parsed.warnings, problems);
        let (plugin, connection) = self.connection(&config.connection, origin, problems)?;
        let plan = parsed.plan?;
        let operation = operation(&plugin, Direction::Source, plan.api(), origin, problems)?;
        if plan.needs_last_sync() && config.start_from.is_none() {
            problems.push(
                origin
                    .error("the request names LAST_SYNC_TIME, and nothing says where the first scan begins")
                    .hint("add `start_from: \"2026-01-01 00:00:00\"` to the scheme's source"),
            );
            return None;
        }
        let remedy = remedy(&plan, origin, problems);
        let asked_for = config.page_size.or(plan.page_size()).unwrap_or(PAGE_SIZE).max(1);
        let page_size = match operation.largest_batch {
            0 => asked_for,
            most => asked_for.min(most),
        };
        Some(SourceSide {
            plugin,
            connection,
            plan,
            metadata_text: config.metadata.to_string(),
            schedule: config.schedule.clone(),
            remedy,
            start_from: config.start_from,
            overlap: config.overlap,
            lag: config.lag,
            page_size,
            complete_bills: config.complete_bills,
            time_zone: options.time_zone.clone(),
        })
    }

    fn target(
        &self,
        config: &TargetConfig,
        source: Option<&SourcePlan>,
        options: &Options,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<TargetSide> {
        let origin = &config.metadata_origin;
        let parsed = dialect::parse_target(&config.metadata, source, options);
        findings(origin, &parsed.errors, &parsed.warnings, problems);
        let (plugin, connection) = self.connection(&config.connection, origin, problems)?;
        let plan = parsed.plan?;
        let operation = operation(&plugin, Direction::Target, plan.api(), origin, problems)?;
        let number_field = operation.number_field.clone();
        if !operation.can_find || (number_field.is_none() && plan.number_field().is_none()) {
            problems.push(
                origin
                    .warning("bills of this target cannot be looked up by a number")
                    .hint("a write whose answer is lost will have to be settled by a person"),
            );
        }
        let (can_find, largest_find) = (operation.can_find, operation.largest_find);
        let largest_batch = largest_batch(&plan, operation.largest_batch, origin, problems);
        Some(TargetSide {
            plugin,
            connection,
            plan,
            schedule: config.schedule.clone(),
            on_existing: config.on_existing,
            number_field,
            can_find,
            largest_batch,
            largest_find: match largest_find {
                0 => FIND,
                most => usize::try_from(most).unwrap_or(FIND).min(FIND),
            },
        })
    }
}

/// The schedule of `omissionRemedy`.
pub(super) fn remedy(plan: &SourcePlan, origin: &Origin, problems: &mut Vec<ConfigProblem>) -> Option<Schedule> {
    let crontab = plan.remedy_crontab()?;
    match Schedule::from_text(crontab) {
        Ok(schedule) => Some(schedule),
        Err((message, hint)) => {
            let problem = origin.error(message).inside("$.omissionRemedy.crontab").text(crontab);
            problems.push(match hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            });
            None
        }
    }
}

/// Bills of one write: what the metadata says (`operation.rows`), within what the connector can.
fn largest_batch(plan: &TargetPlan, most: u32, origin: &Origin, problems: &mut Vec<ConfigProblem>) -> usize {
    let most = most.max(1);
    let rows = plan.rows_per_write().unwrap_or(most);
    if rows > most {
        let message =
            format!("`rows` is {rows}, and the connector writes at most {most} bill(s) at a time: {most} it is");
        problems
            .push(origin.warning(message).inside("$.operation.rows").hint(format!("write {most}, or leave it out")));
    }
    usize::try_from(rows.min(most)).unwrap_or(1)
}

fn stage(registry: &Registry, stage: &StageUse, problems: &mut Vec<ConfigProblem>) -> Option<StageSide> {
    let Some(plugin) = registry.get(&stage.plugin) else {
        problems.push(unknown_plugin(registry, &stage.plugin, |message| stage.origin.error(message)));
        return None;
    };
    if !plugin.stages.iter().any(|known| known.name == stage.stage) {
        let names: Vec<&str> = plugin.stages.iter().map(|known| known.name.as_str()).collect();
        problems.push(
            stage
                .origin
                .error(format!("the plugin `{}` has no stage `{}`", stage.plugin, stage.stage))
                .hint(did_you_mean(&stage.stage, &names)),
        );
        return None;
    }
    Some(StageSide { plugin: Arc::clone(plugin), name: stage.stage.clone(), config: stage.config.clone() })
}

/// Whether `complete_bills` says something: rows vanish from bills only where rows are merged into bills.
fn complete_bills(
    config: &SourceConfig,
    source: Option<&SourcePlan>,
    may_merge: bool,
    problems: &mut Vec<ConfigProblem>,
) {
    if !config.complete_bills {
        return;
    }
    let origin = &config.complete_bills_origin;
    if !may_merge {
        problems.push(
            origin
                .error("`complete_bills` is set, and the scheme does not merge rows into bills")
                .hint("remove it, or give the target's metadata an `operation` with `\"method\": \"merge\"`"),
        );
    } else if source.is_some_and(SourcePlan::id_check) {
        problems.push(
            origin
                .warning("rows that vanish from a bill are removed, but rows that change are skipped")
                .hint("add `\"idCheck\": false` to the source's metadata, and changed rows are delivered again"),
        );
    }
}

/// The dialect's findings, with the file they are in.
pub(super) fn findings(origin: &Origin, errors: &[Finding], warnings: &[Finding], problems: &mut Vec<ConfigProblem>) {
    let located = |problem: ConfigProblem, finding: &Finding| {
        let problem = problem.inside(&finding.path).text(&finding.text);
        match &finding.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    };
    problems.extend(errors.iter().map(|finding| located(origin.error(&finding.message), finding)));
    problems.extend(warnings.iter().map(|finding| located(origin.warning(&finding.message), finding)));
}

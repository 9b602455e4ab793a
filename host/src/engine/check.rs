//! From a loaded project to a [`Snapshot`]: every reference resolved, every metadata compiled, and everything that does
//! not fit said, before the first request is sent.
//!
//! A scheme that does not fit is left out and stops nobody else; so is a connection whose secret is missing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::mapping::collection_name;
use super::order;
use super::snapshot::{Scheme, Snapshot, SourceSide, StageSide, TargetSide};
use crate::capability::{Connection, ConnectionError};
use crate::config::{
    ConfigProblem, OnExpressionError, Origin, Project, SchemeFile, SourceConfig, StageUse, TargetConfig, nearest,
};
use crate::dialect::{self, Finding, FunctionUse, LookupIn, LookupUse, Options, SourcePlan};
use crate::journal::{IndexFields, State};
use crate::plugin::connector::Sessions;
use crate::plugin::{Direction, Operation, Plugin, Registry};

/// Rows of a page where nobody says.
const PAGE_SIZE: u32 = 500;

/// Bills of one look-up, where the connector leaves it to the host.
const FIND: usize = 32;

/// A snapshot, and what does not fit.
pub struct Checked {
    /// What serves.
    pub snapshot: Snapshot,
    /// What does not, and what to look at.
    pub problems: Vec<ConfigProblem>,
}

/// Prepares everything that a project has.
pub fn check(project: &Project, registry: &Arc<Registry>, state: Option<Arc<dyn State>>) -> Checked {
    let mut problems = Vec::new();
    let connections = connections(project, registry, &mut problems);
    let checker = Checker { project, registry, connections: &connections };
    let mut schemes = Vec::new();
    for file in project.schemes.iter().filter(|file| file.enabled) {
        schemes.extend(checker.scheme(file, &mut problems));
    }
    leave_out_blind(&mut schemes, project, &mut problems);
    let schemes = index_and_order(schemes);
    let snapshot = Snapshot {
        registry: Arc::clone(registry),
        tables: Arc::clone(&project.tables),
        connections,
        schemes,
        sessions: Arc::new(Sessions::default()),
        state,
        limits: project.limits.clone(),
    };
    Checked { snapshot, problems }
}

/// The connections that can be used.
fn connections(
    project: &Project,
    registry: &Registry,
    problems: &mut Vec<ConfigProblem>,
) -> BTreeMap<String, Arc<Connection>> {
    let mut usable = BTreeMap::new();
    for (name, settings) in &project.connections {
        let path = format!("connections.{name}");
        let problem = |message: String| ConfigProblem::error("qiao.toml", message).at(path.clone());
        let Some(plugin) = registry.get(&settings.plugin) else {
            problems.push(unknown_plugin(registry, &settings.plugin, problem));
            continue;
        };
        let lacking: Vec<&str> = plugin
            .description
            .secrets
            .iter()
            .filter(|secret| secret.required && !settings.secrets.contains_key(&secret.name))
            .map(|secret| secret.name.as_str())
            .collect();
        if !lacking.is_empty() {
            problems.push(
                problem(format!("the plugin `{}` needs the secret `{}`", settings.plugin, lacking.join("`, `"))).hint(
                    format!(
                        "add `secrets = {{ {} = {{ env = \"…\" }} }}` to the connection",
                        lacking.first().unwrap_or(&"name")
                    ),
                ),
            );
            continue;
        }
        let sensitive = plugin.description.sensitive_settings();
        match Connection::new(settings.clone(), &sensitive, &project.root, &project.limits) {
            Ok(connection) => {
                usable.insert(name.clone(), Arc::new(connection));
            }
            Err(ConnectionError::Secret(missing)) => problems.push(*missing),
            Err(error @ ConnectionError::PrivateAddress { .. }) => {
                problems.push(problem(error.to_string()));
            }
            Err(error) => problems.push(problem(error.to_string())),
        }
    }
    usable
}

fn unknown_plugin(registry: &Registry, name: &str, problem: impl Fn(String) -> ConfigProblem) -> ConfigProblem {
    let names: Vec<&str> = registry.plugins().map(|plugin| plugin.name()).collect();
    let problem = problem(format!("there is no plugin `{name}`"));
    match nearest(name, names.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => problem.hint("the `plugins` folder has none that loads: see `qiao plugin list`"),
        None => {
            problem.hint(format!("there are: {}; `qiao plugin list` says why others do not load", names.join(", ")))
        }
    }
}

struct Checker<'a> {
    project: &'a Project,
    registry: &'a Registry,
    connections: &'a BTreeMap<String, Arc<Connection>>,
}

impl Checker<'_> {
    fn scheme(&self, file: &SchemeFile, problems: &mut Vec<ConfigProblem>) -> Option<Scheme> {
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
        let stages: Vec<StageSide> = file.stages.iter().filter_map(|stage| self.stage(stage, problems)).collect();
        let mut functions = HashMap::new();
        let mut collections = HashMap::new();
        if let (Some(config), Some(Some(target))) = (&file.target, &target) {
            self.functions(target.plan.functions(), &config.metadata_origin, &mut functions, problems);
            let computed = source.iter().flat_map(|source| source.plan.functions());
            self.functions(computed, &file.source.metadata_origin, &mut functions, problems);
            for lookup in target.plan.lookups() {
                self.lookup(lookup, &config.metadata_origin, &mut collections, problems);
            }
        } else if let (Some(source), None) = (&source, &file.target) {
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
            indexes: Vec::new(),
            retry: file.retry.clone(),
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
        let asked_for = config.page_size.or(plan.page_size()).unwrap_or(PAGE_SIZE).max(1);
        let page_size = match operation.largest_batch {
            0 => asked_for,
            most => asked_for.min(most),
        };
        Some(SourceSide {
            plugin,
            connection,
            plan,
            schedule: config.schedule.clone(),
            start_from: config.start_from,
            overlap: config.overlap,
            lag: config.lag,
            page_size,
            complete_bills: config.complete_bills,
            time_zone: zone(options),
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
        let (can_find, largest_batch, largest_find) =
            (operation.can_find, operation.largest_batch, operation.largest_find);
        Some(TargetSide {
            plugin,
            connection,
            plan,
            schedule: config.schedule.clone(),
            on_existing: config.on_existing,
            number_field,
            can_find,
            largest_batch: usize::try_from(largest_batch).unwrap_or(1).max(1),
            largest_find: match largest_find {
                0 => FIND,
                most => usize::try_from(most).unwrap_or(FIND).min(FIND),
            },
        })
    }

    fn stage(&self, stage: &StageUse, problems: &mut Vec<ConfigProblem>) -> Option<StageSide> {
        let Some(plugin) = self.registry.get(&stage.plugin) else {
            problems.push(unknown_plugin(self.registry, &stage.plugin, |message| stage.origin.error(message)));
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

    fn functions<'u>(
        &self,
        uses: impl IntoIterator<Item = &'u FunctionUse>,
        origin: &Origin,
        functions: &mut HashMap<String, Arc<Plugin>>,
        problems: &mut Vec<ConfigProblem>,
    ) {
        for used in uses {
            let at = |message: String| origin.error(message).inside(&used.path);
            match self.registry.function(&used.name) {
                (Some(plugin), 1) => {
                    let signature = plugin.functions.iter().find(|function| function.name == used.name);
                    if let Some(signature) = signature
                        && !(signature.required..=signature.parameters.len()).contains(&used.argument_count)
                    {
                        let parameters = signature.parameters.join(", ");
                        problems.push(at(format!(
                            "`{}({parameters})` is given {} argument(s)",
                            used.name, used.argument_count
                        )));
                    }
                    functions.insert(used.name.clone(), Arc::clone(plugin));
                }
                (Some(_), several) => problems.push(
                    at(format!("{several} plugins export the function `{}`", used.name))
                        .hint("remove one of them from the plugins folder"),
                ),
                (None, _) => problems.push(
                    at(format!("no plugin exports the function `{}`", used.name))
                        .hint(did_you_mean(&used.name, &self.registry.function_names())),
                ),
            }
        }
    }

    fn lookup(
        &self,
        lookup: &LookupUse,
        origin: &Origin,
        collections: &mut HashMap<String, String>,
        problems: &mut Vec<ConfigProblem>,
    ) {
        let at = |message: String| origin.error(message).inside(&lookup.path);
        match &lookup.source {
            LookupIn::Collection(name) => {
                if let Some(file) = self.project.scheme(name) {
                    collections.insert(name.clone(), file.stem.clone());
                    return;
                }
                let stems: Vec<&str> = self.project.schemes.iter().map(|file| file.stem.as_str()).collect();
                problems.push(
                    at(format!("the lookup reads from the scheme `{name}`, which is not there"))
                        .hint(did_you_mean(name, &stems)),
                );
            }
            LookupIn::Table(name) => {
                let Some(table) = self.project.tables.get(name) else {
                    let names: Vec<&str> = self.project.tables.names().collect();
                    problems.push(at(format!("there is no table `{name}`")).hint(did_you_mean(name, &names)));
                    return;
                };
                let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
                for column in lookup.where_fields.iter().chain([&lookup.find]) {
                    if !columns.contains(&column.as_str()) {
                        problems.push(
                            at(format!("the table `{name}` has no column `{column}`"))
                                .hint(did_you_mean(column, &columns)),
                        );
                    }
                }
                let key = columns.first().copied().unwrap_or_default();
                if !lookup.where_fields.iter().any(|field| field == key) {
                    problems.push(
                        at(format!("the look-up in the table `{name}` is not by its key"))
                            .hint(format!("its key is the first column, `{key}`")),
                    );
                }
            }
        }
    }
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

/// What the plugin says of the metadata's `api`.
fn operation<'p>(
    plugin: &'p Plugin,
    direction: Direction,
    api: &str,
    origin: &Origin,
    problems: &mut Vec<ConfigProblem>,
) -> Option<&'p Operation> {
    let operation = plugin.description.operation(direction, api);
    if operation.is_none() {
        let apis = plugin.description.apis(direction);
        let verb = if direction == Direction::Source { "read" } else { "write" };
        problems.push(
            origin.error(format!("the plugin `{}` cannot {verb} `{api}`", plugin.name())).inside("$.api").hint(
                if apis.is_empty() {
                    format!("it has nothing to {verb}")
                } else {
                    format!("it can {verb}: {}", apis.join(", "))
                },
            ),
        );
    }
    operation
}

fn zone(options: &Options) -> TimeZone {
    options.time_zone.clone()
}

fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    }
}

/// The dialect's findings, with the file they are in.
fn findings(origin: &Origin, errors: &[Finding], warnings: &[Finding], problems: &mut Vec<ConfigProblem>) {
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

/// Leaves out schemes that look into one that cannot run: its rows would be missed for ever.
fn leave_out_blind(schemes: &mut Vec<Scheme>, project: &Project, problems: &mut Vec<ConfigProblem>) {
    loop {
        let running: Vec<String> = schemes.iter().map(|scheme| scheme.stem.clone()).collect();
        let blind = schemes.iter().enumerate().find_map(|(place, scheme)| {
            let missing = scheme.collections.values().find(|stem| !running.contains(stem))?;
            Some((place, missing.clone()))
        });
        let Some((place, missing)) = blind else { return };
        let scheme = schemes.remove(place);
        let disabled = project.scheme(&missing).is_some_and(|file| !file.enabled);
        let hint =
            if disabled { "it is disabled: `enabled: false`" } else { "what is wrong with it is said beside its file" };
        problems.push(
            ConfigProblem::error(&scheme.file, format!("it looks into the scheme `{missing}`, which cannot run"))
                .hint(hint),
        );
    }
}

/// Gives each scheme the indexes by which others look into it, and puts them in the order of their lookups.
fn index_and_order(mut schemes: Vec<Scheme>) -> Vec<Arc<Scheme>> {
    let mut indexes: HashMap<String, Vec<IndexFields>> = HashMap::new();
    for scheme in &schemes {
        for lookup in scheme.target.iter().flat_map(|target| target.plan.lookups()) {
            if let Some(stem) = collection_name(&lookup.source).and_then(|name| scheme.collections.get(name)) {
                let of_collection = indexes.entry(stem.clone()).or_default();
                if !of_collection.contains(&lookup.where_fields) {
                    of_collection.push(lookup.where_fields.clone());
                }
            }
        }
    }
    for scheme in &mut schemes {
        scheme.indexes = indexes.remove(&scheme.stem).unwrap_or_default();
        scheme.indexes.sort();
    }
    let places: HashMap<&str, usize> =
        schemes.iter().enumerate().map(|(place, scheme)| (scheme.stem.as_str(), place)).collect();
    let lookups: Vec<Vec<usize>> = schemes
        .iter()
        .map(|scheme| {
            let mut into: Vec<usize> =
                scheme.collections.values().filter_map(|stem| places.get(stem.as_str()).copied()).collect();
            into.sort_unstable();
            into
        })
        .collect();
    let order = order::by_lookups(&lookups);
    let mut schemes: Vec<Option<Scheme>> = schemes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|place| schemes.get_mut(place).and_then(Option::take)).map(Arc::new).collect()
}

/// Builds the indexes that lookups need and that their collections do not have yet.
pub async fn build_indexes(engine: &super::Engine) -> Result<(), super::EngineError> {
    let values = |json: &[u8], fields: &IndexFields| {
        serde_json::from_slice(json).ok().and_then(|row| super::shape::index_values(&row, fields))
    };
    for scheme in &engine.snapshot.schemes {
        engine.journal.ensure_indexes(&scheme.stem, &scheme.indexes, &values).await?;
    }
    Ok(())
}

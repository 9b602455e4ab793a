//! From the project's folder to what serves, at start and whenever the folder changes.
//!
//! A change is taken over as a whole or not at all: everything is loaded, compiled and checked beside what serves, and only
//! then does another [`Snapshot`] take the place of the old one, in one step. Who works holds the old one to the end.
//!
//! What does not fit stops nobody who serves. A file that does not load leaves the version in use serving; a change that
//! would break a scheme that serves is not taken over ([`fall_back`]). Either way a [`Refused`] says which file is not in
//! use as it stands, why, and what serves instead.

mod difference;
mod fall_back;

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use tokio::sync::watch;

use super::check::Checked;
use super::snapshot::Snapshot;
use crate::config::{ConfigProblem, Loaded, Project, Watch};
use crate::journal::State;
use crate::plugin::{Compiled, Registry, Runtime};

/// The folder under `state/` where compiled plugins are kept.
const COMPILED: &str = "compiled";

/// What serves, and what of the project does not.
pub struct Standing {
    /// The project's files, as far as they are in use.
    pub project: Project,
    /// What serves.
    pub snapshot: Arc<Snapshot>,
    /// Everything found in the project, warnings included.
    pub problems: Vec<ConfigProblem>,
    /// The files that are not in use as they stand.
    pub refused: Vec<Refused>,
}

/// A file that is not in use as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, relative to the project's folder.
    pub file: PathBuf,
    /// Why, each reason for a person to read.
    pub reasons: Vec<String>,
    /// What serves instead; `None`: nothing.
    pub instead: Option<String>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reasons.join("\n"))?;
        match &self.instead {
            Some(instead) => write!(f, "\n  {instead} serves on"),
            None => Ok(()),
        }
    }
}

/// Loads projects.
pub struct Loader {
    runtime: Runtime,
    memory_bytes: u64,
    state: Option<Arc<dyn State>>,
    keeps_compiled: bool,
}

impl Loader {
    /// One for a project. `state`: where plugins keep their state; `None` where nothing is to be changed.
    pub fn new(project: &Project, state: Option<Arc<dyn State>>) -> anyhow::Result<Self> {
        let memory_bytes = project.limits.memory_bytes;
        Ok(Self { runtime: Runtime::new(memory_bytes)?, memory_bytes, state, keeps_compiled: true })
    }

    /// One that writes nothing at all: compiled code is taken from where it is kept, and not kept there.
    pub fn to_look(project: &Project) -> anyhow::Result<Self> {
        Ok(Self { keeps_compiled: false, ..Self::new(project, None)? })
    }

    /// Makes everything of a project that was read ready to serve. `problems` and `kept`: what came of reading it.
    pub async fn load(
        &mut self,
        project: Project,
        mut problems: Vec<ConfigProblem>,
        kept: &[PathBuf],
        in_use: Option<&Standing>,
    ) -> Standing {
        if project.limits.memory_bytes != self.memory_bytes {
            // How much memory an instance has is a setting of the engine: everything is compiled for another one.
            match Runtime::new(project.limits.memory_bytes) {
                Ok(runtime) => (self.runtime, self.memory_bytes) = (runtime, project.limits.memory_bytes),
                Err(error) => problems
                    .push(ConfigProblem::error("qiao.toml", format!("{error:#}")).at("limits.memory".to_owned())),
            }
        }
        let known = in_use
            .filter(|in_use| in_use.project.limits.memory_bytes == self.memory_bytes)
            .map(|in_use| &*in_use.snapshot.registry);
        let compiled = project.state_dir().join(COMPILED);
        let compiled = if self.keeps_compiled { Compiled::Kept(&compiled) } else { Compiled::Taken(&compiled) };
        let (limits, folder) = (&project.limits, project.plugins_dir());
        let registry = Registry::load(&self.runtime, limits, &folder, compiled, known).await;

        let mut refused = Vec::new();
        for refusal in registry.refused() {
            let file = relative(refusal.error.file(), &project.root);
            let instead = refusal.instead.as_ref().map(|plugin| fall_back::build(plugin));
            let reason = refusal.error.to_string();
            problems.push(ConfigProblem::error("plugins", reason.clone()));
            refused.push(Refused { file, reasons: vec![reason], instead });
        }
        let candidate = fall_back::Candidate { project, registry: Arc::new(registry) };
        let fallen_back = fall_back::fit(candidate, in_use, self.state.as_ref());
        let Checked { snapshot, problems: found } = fallen_back.checked;
        problems.extend(found);
        for file in files_with_errors(&problems) {
            if file == Path::new("plugins") {
                continue;
            }
            let of_file = problems.iter().filter(|problem| problem.is_error() && problem.file == file);
            let reasons = of_file.map(ToString::to_string).collect();
            let schemes = in_use.iter().flat_map(|in_use| &in_use.project.schemes);
            let mut kept_schemes = schemes.filter(|scheme| kept.contains(&scheme.path));
            let is_kept = kept.contains(&file) || kept_schemes.any(|scheme| scheme.is_read_from(&file));
            let instead = is_kept.then(|| fall_back::VERSION.to_owned());
            refused.push(Refused { file, reasons, instead });
        }
        refused.extend(fallen_back.refused);
        Standing { project: fallen_back.project, snapshot: Arc::new(snapshot), problems, refused }
    }
}

fn files_with_errors(problems: &[ConfigProblem]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        problems.iter().filter(|problem| problem.is_error()).map(|problem| problem.file.clone()).collect();
    files.sort();
    files.dedup();
    files
}

fn relative(file: &Path, root: &Path) -> PathBuf {
    file.strip_prefix(root).unwrap_or(file).to_owned()
}

/// What serves now, for whoever wants to know: the engine the snapshot, people the rest.
#[derive(Clone)]
pub struct Serving {
    standing: Arc<RwLock<Arc<Standing>>>,
    snapshot: Arc<watch::Sender<Arc<Snapshot>>>,
}

impl Serving {
    /// This serves first.
    pub fn new(standing: Standing) -> Self {
        let (snapshot, _) = watch::channel(Arc::clone(&standing.snapshot));
        Self { standing: Arc::new(RwLock::new(Arc::new(standing))), snapshot: Arc::new(snapshot) }
    }

    /// What serves now.
    pub fn standing(&self) -> Arc<Standing> {
        match self.standing.read() {
            Ok(standing) => Arc::clone(&standing),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    /// What serves, as it changes.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    fn replace(&self, standing: Standing) {
        let standing = Arc::new(standing);
        let snapshot = Arc::clone(&standing.snapshot);
        match self.standing.write() {
            Ok(mut place) => *place = standing,
            Err(poisoned) => *poisoned.into_inner() = standing,
        }
        self.snapshot.send_replace(snapshot);
    }
}

/// Watches the project's folder, and takes over what changes. Runs until it is dropped.
pub async fn keep_up(mut watch: Watch, mut loader: Loader, serving: Serving) {
    loop {
        watch.follow(&serving.standing().project);
        watch.changed().await;
        let in_use = serving.standing();
        let Loaded { project, problems, kept } = in_use.project.reload();
        let Some(project) = project else { continue };
        let standing = loader.load(project, problems, &kept, Some(&in_use)).await;
        for refused in standing.refused.iter().filter(|refused| !in_use.refused.contains(refused)) {
            tracing::error!("{refused}");
        }
        for mended in in_use.refused.iter().filter(|mended| standing.refused.iter().all(|now| now.file != mended.file))
        {
            tracing::info!("`{}` is in use as it stands again", mended.file.display());
        }
        for warning in standing.problems.iter().filter(|found| !found.is_error() && !in_use.problems.contains(found)) {
            tracing::warn!("{warning}");
        }
        if standing.project.host.listen != in_use.project.host.listen
            || standing.project.host.store != in_use.project.host.store
        {
            tracing::warn!("`listen`, and the `kind` of `[store]`, in qiao.toml take effect at the next start");
        }
        let differences = difference::between(&in_use, &standing);
        let connections: Vec<u64> = standing.snapshot.connections.values().map(|connection| connection.id()).collect();
        if !differences.is_empty() {
            tracing::info!("now serves: {}", differences.join("; "));
        }
        let sessions = Arc::clone(&standing.snapshot.sessions);
        serving.replace(standing);
        sessions.keep_only(&connections).await;
    }
}

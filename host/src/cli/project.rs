//! What most commands begin with: the project, its plugins, and what they make together.

use std::path::Path;
use std::sync::Arc;

use super::{CommandError, Common, output};
use crate::config::{ConfigProblem, Project};
use crate::engine::Snapshot;
use crate::engine::check::{self, Checked};
use crate::journal::State;
use crate::plugin::{Registry, Runtime, private_folder};

/// A project that was opened.
pub(super) struct Opened {
    pub(super) project: Project,
    pub(super) snapshot: Arc<Snapshot>,
    /// Everything that does not fit, of files, plugins and schemes.
    pub(super) problems: Vec<ConfigProblem>,
}

/// Loads a project's files. What is wrong with them is returned beside them; without a usable `qiao.toml` there is none.
pub(super) fn load(common: &Common) -> Result<(Project, Vec<ConfigProblem>), CommandError> {
    let loaded = Project::load(&common.root);
    let Some(project) = loaded.project else {
        output::problems(&loaded.problems);
        return Err(CommandError(format!(
            "`{}` is not a project that can be used\n  hint: `qiao init DIR` makes one; `--root DIR` names one",
            common.root.display()
        )));
    };
    Ok((project, loaded.problems))
}

/// Loads the plugins of a project; what does not load is among the problems.
pub(super) async fn registry(
    project: &Project,
    problems: &mut Vec<ConfigProblem>,
) -> Result<Arc<Registry>, CommandError> {
    // Before anything is read from it: compiled code is run as it is.
    private_folder(&project.state_dir()).map_err(|error| {
        CommandError(format!("`{}` cannot be made private: {error}", project.state_dir().display()))
    })?;
    let runtime = Runtime::new(project.limits.memory_bytes)?;
    let compiled = project.state_dir().join("compiled");
    let registry = Registry::load(&runtime, &project.limits, &project.plugins_dir(), Some(&compiled)).await;
    for refused in registry.refused() {
        problems.push(ConfigProblem::error("plugins", refused.to_string()));
    }
    Ok(Arc::new(registry))
}

/// Opens a project: everything loaded, resolved and compiled.
pub(super) async fn open(
    common: &Common,
    state: impl FnOnce(&Path) -> Result<Option<Arc<dyn State>>, CommandError>,
) -> Result<Opened, CommandError> {
    let (project, mut problems) = load(common)?;
    let state_dir = project.state_dir();
    let state = state(&state_dir)?;
    let registry = registry(&project, &mut problems).await?;
    let Checked { snapshot, problems: found } = check::check(&project, &registry, state);
    problems.extend(found);
    Ok(Opened { project, snapshot: Arc::new(snapshot), problems })
}

/// For commands that change nothing: no state.
#[expect(clippy::unnecessary_wraps, reason = "takes the place of a function that opens the journal, which can fail")]
pub(super) fn no_state(_: &Path) -> Result<Option<Arc<dyn State>>, CommandError> {
    Ok(None)
}

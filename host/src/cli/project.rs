//! What most commands begin with: the project, its plugins, and what they make together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{CommandError, Common, output};
use crate::config::{ConfigProblem, Project};
use crate::engine::reload::{Loader, Standing};
use crate::journal::{SledStore, State};
use crate::plugin::private_folder;

/// A project that was opened.
pub(super) struct Opened {
    /// What of it can serve, and what cannot.
    pub(super) standing: Standing,
    /// Loads it again.
    pub(super) loader: Loader,
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

/// Where the host of this project keeps what it must remember.
pub(super) fn state_dir(common: &Common) -> PathBuf {
    Project::state_dir_of(&common.root)
}

/// Opens a project: everything loaded, resolved and compiled.
pub(super) async fn open(
    common: &Common,
    state: impl FnOnce(&Path) -> Result<Option<Arc<dyn State>>, CommandError>,
) -> Result<Opened, CommandError> {
    let (project, problems) = load(common)?;
    let state_dir = project.state_dir();
    let state = state(&state_dir)?;
    // Before anything is read from it: compiled code is run as it is.
    private_folder(&state_dir)
        .map_err(|error| CommandError(format!("`{}` cannot be made private: {error}", state_dir.display())))?;
    let mut loader = Loader::new(&project, state)?;
    let standing = loader.load(project, problems, &[], None).await;
    Ok(Opened { standing, loader })
}

/// Opens a project with its journal, to work on it.
pub(super) async fn open_to_work(common: &Common) -> Result<(Opened, Arc<SledStore>), CommandError> {
    let mut journal: Option<Arc<SledStore>> = None;
    let opened = open(common, |state_dir| {
        let store = Arc::new(SledStore::open(state_dir)?);
        journal = Some(Arc::clone(&store));
        Ok(Some(store as Arc<dyn State>))
    })
    .await?;
    match journal {
        Some(journal) => Ok((opened, journal)),
        None => Err("the journal was not opened".into()),
    }
}

/// Opens a project to look at it: nothing is written, so that a project without a `state` folder stays without.
pub(super) async fn look(common: &Common) -> Result<Standing, CommandError> {
    let (project, problems) = load(common)?;
    let mut loader = Loader::to_look(&project)?;
    Ok(loader.load(project, problems, &[], None).await)
}

/// For commands that change nothing: no state.
#[expect(clippy::unnecessary_wraps, reason = "takes the place of a function that opens the journal, which can fail")]
pub(super) fn no_state(_: &Path) -> Result<Option<Arc<dyn State>>, CommandError> {
    Ok(None)
}

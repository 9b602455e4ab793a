//! One scheme, as if it had been saved: a draft, an example, or one that is there.

use std::path::Path;
use std::sync::Arc;

use super::{Checked, check};
use crate::config::{ConfigProblem, Project};
use crate::engine::reload::Standing;
use crate::engine::snapshot::Snapshot;
use crate::journal::State;

/// A scheme that was checked so.
pub struct Draft {
    /// Its stem; absent where its file does not load.
    pub stem: Option<String>,
    /// What would serve if it were there; absent where its file does not load.
    pub snapshot: Option<Snapshot>,
    /// What there is to say of it.
    pub problems: Vec<ConfigProblem>,
}

impl Draft {
    /// Whether it could run.
    pub fn fits(&self) -> bool {
        self.stem.as_ref().zip(self.snapshot.as_ref()).is_some_and(|(stem, snapshot)| snapshot.scheme(stem).is_some())
    }
}

/// Checks a scheme with everything else of a project. `state`: what its plugins would be lent. `file`: relative to the
/// project's folder, or absolute.
pub fn draft(standing: &Standing, state: Option<Arc<dyn State>>, file: &Path, text: &str) -> Draft {
    let (project, stem, mut problems) = standing.project.with_scheme(file, text);
    let Some(stem) = stem else {
        return Draft { stem: None, snapshot: None, problems };
    };
    let Checked { snapshot, problems: found } =
        check(&project, &standing.snapshot.registry, state, Some(&standing.snapshot));
    problems.extend(found);
    // Plugins that do not load were said when the project was opened.
    problems.extend(standing.problems.iter().filter(|problem| problem.file == Path::new("plugins")).cloned());
    let problems = about(&project, &stem, problems, snapshot.scheme(&stem).is_some());
    Draft { stem: Some(stem), snapshot: Some(snapshot), problems }
}

/// What there is to say of one scheme: what is wrong with its files and with the connections that it uses. Of one that
/// does not fit in spite of that, everything.
fn about(project: &Project, stem: &str, problems: Vec<ConfigProblem>, fits: bool) -> Vec<ConfigProblem> {
    let Some(file) = project.schemes.iter().find(|scheme| scheme.stem == stem) else { return problems };
    let sides = [Some(&file.source.connection), file.target.as_ref().map(|target| &target.connection)];
    let connections: Vec<String> = sides.into_iter().flatten().map(|name| format!("connections.{name}")).collect();
    let is_about_it = |problem: &ConfigProblem| {
        let path = problem.path.as_deref().unwrap_or_default();
        file.is_read_from(&problem.file) || connections.iter().any(|connection| path.starts_with(connection.as_str()))
    };
    let (about_it, others): (Vec<_>, Vec<_>) = problems.into_iter().partition(is_about_it);
    let is_enough = fits || about_it.iter().any(ConfigProblem::is_error);
    if is_enough { about_it } else { about_it.into_iter().chain(others).collect() }
}

//! What of a change is not taken over, because a scheme that serves would not run with it.
//!
//! The change is checked as a whole. While a scheme that serves, and is still wanted, does not come out of it, something
//! that this scheme uses is put back to what is in use, and all is checked again: first its own file, for that is what a
//! person most likely just edited; then its plugins, its connections, its tables, and the schemes that it looks into. So a
//! plugin that lacks a function which a scheme uses is refused for everybody, and the old build serves on.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Refused, Standing, relative};
use crate::config::{ConfigProblem, Project, SchemeFile};
use crate::engine::check::{self, Checked};
use crate::engine::snapshot::Scheme;
use crate::journal::State;
use crate::plugin::{Plugin, Registry};

/// What may come to serve.
pub(super) struct Candidate {
    pub(super) project: Project,
    pub(super) registry: Arc<Registry>,
}

/// What does.
pub(super) struct FallenBack {
    pub(super) project: Project,
    pub(super) checked: Checked,
    pub(super) refused: Vec<Refused>,
}

/// Checks a candidate, and puts back what would break a scheme in use.
pub(super) fn fit(mut candidate: Candidate, in_use: Option<&Standing>, state: Option<&Arc<dyn State>>) -> FallenBack {
    let mut refused: Vec<Refused> = Vec::new();
    loop {
        let snapshot = in_use.map(|in_use| &*in_use.snapshot);
        let checked = check::check(&candidate.project, &candidate.registry, state.cloned(), snapshot);
        let mut put_back = Vec::new();
        if let Some(in_use) = in_use {
            for scheme in broken(&candidate.project, &checked, in_use) {
                let reasons = reasons(&checked.problems, scheme);
                put_back.extend(candidate.put_back(scheme, in_use, &reasons));
            }
        }
        if put_back.is_empty() {
            return FallenBack { project: candidate.project, checked, refused };
        }
        for refusal in put_back {
            if !refused.contains(&refusal) {
                refused.push(refusal);
            }
        }
    }
}

/// Schemes that serve and are still wanted, and that do not come out of the check.
fn broken<'a>(project: &Project, checked: &Checked, in_use: &'a Standing) -> Vec<&'a Arc<Scheme>> {
    let wanted = |stem: &str| project.schemes.iter().any(|file| file.stem == stem && file.enabled);
    let schemes = in_use.snapshot.schemes.iter();
    schemes.filter(|scheme| wanted(&scheme.stem) && checked.snapshot.scheme(&scheme.stem).is_none()).collect()
}

/// Why a scheme does not come out of a check: what is said of its file, or else everything.
fn reasons(problems: &[ConfigProblem], scheme: &Scheme) -> Vec<String> {
    let errors = || problems.iter().filter(|problem| problem.is_error());
    let of_scheme: Vec<String> =
        errors().filter(|problem| problem.file == scheme.file).map(ToString::to_string).collect();
    if of_scheme.is_empty() { errors().map(ToString::to_string).collect() } else { of_scheme }
}

/// A build, as a person is told of it.
pub(super) fn build(plugin: &Plugin) -> String {
    let digest = plugin.digest.get(..12).unwrap_or(&plugin.digest);
    format!("the build loaded before ({}, sha256 {digest}…)", plugin.description.version)
}

/// An earlier version of a file, as a person is told of it.
pub(super) const VERSION: &str = "the version loaded before";

impl Candidate {
    /// Puts the first thing back that this scheme uses and that is not what is in use. Empty: there is nothing.
    fn put_back(&mut self, scheme: &Scheme, in_use: &Standing, reasons: &[String]) -> Vec<Refused> {
        let refused =
            |file: PathBuf, instead: String| Refused { file, reasons: reasons.to_vec(), instead: Some(instead) };
        if let Some(file) = in_use.project.schemes.iter().find(|file| file.stem == scheme.stem)
            && self.put_back_scheme(file)
        {
            return vec![refused(file.path.clone(), VERSION.to_owned())];
        }
        let mut put_back = Vec::new();
        for plugin in plugins(scheme) {
            if self.put_back_plugin(plugin) {
                put_back.push(refused(relative(&plugin.file, &self.project.root), build(plugin)));
            }
        }
        if !put_back.is_empty() {
            return put_back;
        }
        let target = scheme.target.as_ref().map(|target| &target.connection);
        for connection in std::iter::once(&scheme.source.connection).chain(target) {
            let settings = connection.settings();
            if self.project.connections.get(&settings.name) != Some(settings) {
                self.project.connections.insert(settings.name.clone(), settings.clone());
                let instead = format!("the connection `{}` as it was loaded before", settings.name);
                put_back.push(refused(PathBuf::from("qiao.toml"), instead));
            }
        }
        let tables = scheme.tables_read.lock().map(|tables| tables.clone()).unwrap_or_default();
        for table in in_use.snapshot.tables.iter().filter(|table| tables.contains(table.name())) {
            if self.project.tables.get(table.name()).is_none_or(|other| other.digest() != table.digest()) {
                self.project.tables = Arc::new(self.project.tables.with(Arc::clone(table)));
                put_back.push(refused(table.file().to_owned(), VERSION.to_owned()));
            }
        }
        let others: Vec<&String> = scheme.collections.values().chain(scheme.receivers.values()).collect();
        for file in in_use.project.schemes.iter().filter(|file| others.contains(&&file.stem)) {
            if self.put_back_scheme(file) {
                put_back.push(refused(file.path.clone(), VERSION.to_owned()));
            }
        }
        put_back
    }

    fn put_back_scheme(&mut self, file: &SchemeFile) -> bool {
        let place = self.project.schemes.iter().position(|other| other.stem == file.stem);
        match place.and_then(|place| self.project.schemes.get_mut(place)) {
            Some(other) if other.digest == file.digest => return false,
            Some(other) => *other = file.clone(),
            None => {
                self.project.schemes.push(file.clone());
                self.project.schemes.sort_by(|one, other| one.path.cmp(&other.path));
            }
        }
        true
    }

    fn put_back_plugin(&mut self, plugin: &Arc<Plugin>) -> bool {
        if self.registry.get(plugin.name()).is_some_and(|other| other.digest == plugin.digest) {
            return false;
        }
        self.registry = Arc::new(self.registry.with(Arc::clone(plugin)));
        true
    }
}

/// The plugins that a scheme works with.
fn plugins(scheme: &Scheme) -> impl Iterator<Item = &Arc<Plugin>> {
    let target = scheme.target.iter().map(|target| &target.plugin);
    let stages = scheme.stages.iter().map(|stage| &stage.plugin);
    std::iter::once(&scheme.source.plugin).chain(target).chain(stages).chain(scheme.functions.values())
}

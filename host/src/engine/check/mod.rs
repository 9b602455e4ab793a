//! From a loaded project to a [`Snapshot`]: every reference resolved, every metadata compiled, and everything that does
//! not fit said, before the first request is sent.
//!
//! A scheme that does not fit is left out and stops nobody else; so is a connection whose secret is missing.
//!
//! [`connections`] come first, for schemes use them; [`scheme`] checks each scheme by itself, and what it names by way of
//! [`references`]; [`columns`] and [`order`] then look at the schemes together, for they look into each other. [`draft()`]
//! checks one scheme as if it had been saved, [`metadata`] a piece of metadata that belongs to no project. What the journal
//! has yet to do for a snapshot is told by [`indexes`].

mod columns;
mod connections;
mod draft;
pub mod indexes;
pub mod metadata;
mod order;
mod references;
mod scheme;

use std::sync::Arc;

use super::snapshot::Snapshot;
use crate::config::{ConfigProblem, Project};
use crate::journal::State;
use crate::plugin::Registry;
use crate::plugin::connector::Sessions;
use scheme::Checker;

pub use draft::{Draft, draft};

/// A snapshot, and what does not fit.
pub struct Checked {
    /// What serves.
    pub snapshot: Snapshot,
    /// What does not, and what to look at.
    pub problems: Vec<ConfigProblem>,
}

/// Prepares everything that a project has. What of `in_use` stays the same is taken over: connections, sessions.
pub fn check(
    project: &Project,
    registry: &Arc<Registry>,
    state: Option<Arc<dyn State>>,
    in_use: Option<&Snapshot>,
) -> Checked {
    let mut problems = Vec::new();
    let connections = connections::usable(project, registry, in_use, &mut problems);
    let checker = Checker { project, registry, connections: &connections };
    let mut schemes = Vec::new();
    for file in project.schemes.iter().filter(|file| file.enabled) {
        schemes.extend(checker.scheme(file, &mut problems));
    }
    columns::check(&schemes, project, &mut problems);
    order::leave_out_blind(&mut schemes, project, &mut problems);
    let schemes = order::index_and_order(schemes);
    let snapshot = Snapshot {
        registry: Arc::clone(registry),
        tables: Arc::clone(&project.tables),
        connections,
        schemes,
        sessions: in_use.map_or_else(|| Arc::new(Sessions::default()), |in_use| Arc::clone(&in_use.sessions)),
        state,
        limits: project.limits.clone(),
        jitter: project.host.jitter,
        keep_attempts: project.host.keep_attempts,
    };
    Checked { snapshot, problems }
}

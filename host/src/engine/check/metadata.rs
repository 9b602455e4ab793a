//! A piece of metadata by itself: pasted from somewhere, for a connector that may not be there.
//!
//! What the dialect has to say of it is said. What it needs of a project (functions, tables, schemes to look into) is listed,
//! and checked where there is one.

use std::collections::HashMap;

use serde::Serialize;

use super::references;
use super::scheme::{findings, remedy};
use crate::config::{ConfigProblem, Pasted, Project, default_zone};
use crate::dialect::{self, LookupIn, OnExpressionError, Options, Side, TargetPlan, Uses, WriteBack};
use crate::plugin::Registry;

/// What there is to say of a piece of metadata.
pub struct Piece {
    /// The side that it was taken for.
    pub side: Side,
    /// Why, where nobody said which it is.
    pub because: Option<String>,
    /// Errors and warnings.
    pub problems: Vec<ConfigProblem>,
    /// What it needs of a project.
    pub needs: Needs,
}

/// What metadata needs of a project, each once.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Functions of plugins, with how many arguments they are given.
    pub functions: Vec<NeededFunction>,
    /// Schemes that it looks into, as it calls them.
    pub schemes: Vec<NeededFields>,
    /// Mapping tables.
    pub tables: Vec<NeededFields>,
}

/// A plugin's function.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NeededFunction {
    /// Its name.
    pub name: String,
    /// How many arguments it is given.
    pub arguments: usize,
}

/// A scheme or a table, and its fields.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NeededFields {
    /// Its name.
    pub name: String,
    /// The fields or columns that are named of it.
    pub fields: Vec<String>,
}

/// Checks a piece of metadata; `None` if it is not even JSON. `side`: `None` where it is to be guessed. `against`: the
/// project and the plugins that it would be used with.
pub fn check(pasted: &Pasted, side: Option<Side>, against: Option<(&Project, &Registry)>) -> Option<Piece> {
    let metadata = pasted.value()?;
    let (guessed, because) = dialect::guess_side(metadata);
    let because = Some(because).filter(|_| side.is_none());
    let side = side.unwrap_or(guessed);
    let options = Options {
        time_zone: against.map_or_else(default_zone, |(project, _)| project.host.time_zone.clone()),
        on_expression_error: OnExpressionError::Fail,
        optional_lookups: false,
    };
    let mut problems = pasted.problems().to_vec();
    let origin = pasted.origin();
    let mut receivers: Vec<WriteBack> = Vec::new();
    let uses = match side {
        Side::Source => {
            let parsed = dialect::parse_source(metadata, &options);
            findings(&origin, &parsed.errors, &parsed.warnings, &mut problems);
            parsed.plan.and_then(|plan| remedy(&plan, &origin, &mut problems));
            parsed.uses
        }
        Side::Target => {
            let parsed = dialect::parse_target(metadata, None, &options);
            findings(&origin, &parsed.errors, &parsed.warnings, &mut problems);
            receivers.extend(parsed.plan.iter().flat_map(TargetPlan::write_backs).cloned());
            parsed.uses
        }
    };
    if let Some((project, registry)) = against {
        references::functions(registry, &uses.functions, &origin, &mut HashMap::new(), &mut problems);
        for lookup in &uses.lookups {
            references::lookup(project, lookup, &origin, &mut HashMap::new(), &mut problems);
        }
        for receiver in &receivers {
            references::receiver(project, receiver, &origin, &mut HashMap::new(), &mut problems);
        }
    }
    let mut needs = needs(&uses);
    for receiver in receivers.iter().map(WriteBack::scheme) {
        if !needs.schemes.iter().any(|known| known.name == receiver) {
            needs.schemes.push(NeededFields { name: receiver.to_owned(), fields: Vec::new() });
        }
    }
    let problems = problems.into_iter().map(|problem| pasted.located(problem)).collect();
    Some(Piece { side, because, problems, needs })
}

fn needs(uses: &Uses) -> Needs {
    let mut needs = Needs::default();
    for used in &uses.functions {
        let function = NeededFunction { name: used.name.clone(), arguments: used.argument_count };
        if !needs.functions.contains(&function) {
            needs.functions.push(function);
        }
    }
    for lookup in &uses.lookups {
        let (of, name) = match &lookup.source {
            LookupIn::Collection(name) => (&mut needs.schemes, name),
            LookupIn::Table(name) => (&mut needs.tables, name),
        };
        let place = of.iter().position(|known| known.name == *name).unwrap_or_else(|| {
            of.push(NeededFields { name: name.clone(), fields: Vec::new() });
            of.len() - 1
        });
        let Some(known) = of.get_mut(place) else { continue };
        for field in lookup.where_fields.iter().chain([&lookup.find]) {
            if !known.fields.contains(field) {
                known.fields.push(field.clone());
            }
        }
    }
    needs
}

//! The columns of schemes: those that nothing uses, and those that lookups of others ask for and nothing feeds.

use crate::config::{ConfigProblem, Project};
use crate::dialect::LookupUse;
use crate::engine::mapping::collection_name;
use crate::engine::snapshot::Scheme;

/// Checks the schemes that fit.
pub(super) fn check(schemes: &[Scheme], project: &Project, problems: &mut Vec<ConfigProblem>) {
    for scheme in schemes {
        unused(scheme, schemes, project, problems);
        unfed(scheme, schemes, project, problems);
    }
}

/// One warning for all columns of a scheme. What a stage reads nobody knows, and a scheme without a target is there for
/// whatever others may look up.
fn unused(scheme: &Scheme, schemes: &[Scheme], project: &Project, problems: &mut Vec<ConfigProblem>) {
    let (Some(target), true) = (&scheme.target, scheme.stages.is_empty()) else { return };
    let lookups = schemes.iter().flat_map(|other| lookups(other).filter(|lookup| looks_into(other, lookup, scheme)));
    let looked_up: Vec<&str> =
        lookups.flat_map(|lookup| lookup.where_fields.iter().chain([&lookup.find])).map(String::as_str).collect();
    let unused = scheme.source.plan.unused_columns(&target.plan, &looked_up);
    let Some(file) = project.scheme(&scheme.stem).filter(|_| !unused.is_empty()) else { return };
    let (count, names) = (unused.len(), unused.join("`, `"));
    let message = format!("{count} column(s) of the request are used by nothing: `{names}`");
    let hint = "take them out, or map them: a change of such a column alone delivers its bill again";
    problems.push(file.source.metadata_origin.warning(message).inside("$.request").hint(hint));
}

/// Fields that lookups name and that the collection they look into does not have.
fn unfed(scheme: &Scheme, schemes: &[Scheme], project: &Project, problems: &mut Vec<ConfigProblem>) {
    let Some(config) = project.scheme(&scheme.stem).and_then(|file| file.target.as_ref()) else { return };
    for lookup in lookups(scheme) {
        let Some(looked_into) = schemes.iter().find(|other| looks_into(scheme, lookup, other)) else { continue };
        let is_fed = schemes.iter().any(|other| other.receivers.values().any(|stem| *stem == looked_into.stem));
        if is_fed || !looked_into.stages.is_empty() {
            continue;
        }
        for (field, so) in lookup
            .where_fields
            .iter()
            .map(|field| (field, "it never finds anything"))
            .chain([(&lookup.find, "it finds nothing but empty values")])
        {
            let Err(near) = looked_into.source.plan.misses_column(field) else { continue };
            let stem = &looked_into.stem;
            let problem = config
                .metadata_origin
                .warning(format!("the lookup names `{field}`, which is no column of the scheme `{stem}`: {so}"))
                .inside(&lookup.path);
            problems.push(match near {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("fetch the column in `{}`", looked_into.file.display())),
            });
        }
    }
}

fn lookups(scheme: &Scheme) -> impl Iterator<Item = &LookupUse> {
    scheme.target.iter().flat_map(|target| target.plan.lookups())
}

fn looks_into(scheme: &Scheme, lookup: &LookupUse, other: &Scheme) -> bool {
    let stem = collection_name(&lookup.source).and_then(|name| scheme.collections.get(name));
    stem == Some(&other.stem)
}

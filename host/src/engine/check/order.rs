//! The schemes together, for one may look into the rows that another has collected: the one looked into must be able to
//! run, has the indexes that the others need, and goes before them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{ConfigProblem, Project};
use crate::engine::mapping::collection_name;
use crate::engine::snapshot::Scheme;
use crate::journal::IndexFields;

/// Leaves out schemes that look into one that cannot run, or write back into it: its rows would be missed, or wait, for ever.
pub(super) fn leave_out_blind(schemes: &mut Vec<Scheme>, project: &Project, problems: &mut Vec<ConfigProblem>) {
    loop {
        let running: Vec<String> = schemes.iter().map(|scheme| scheme.stem.clone()).collect();
        let blind = schemes.iter().enumerate().find_map(|(place, scheme)| {
            let looks_into = scheme.collections.values().map(|stem| (stem, "looks"));
            let mut others = looks_into.chain(scheme.receivers.values().map(|stem| (stem, "writes back")));
            let (missing, verb) = others.find(|(stem, _)| !running.contains(stem))?;
            Some((place, missing.clone(), verb))
        });
        let Some((place, missing, verb)) = blind else { return };
        let scheme = schemes.remove(place);
        let disabled = project.scheme(&missing).is_some_and(|file| !file.enabled);
        let hint =
            if disabled { "it is disabled: `enabled: false`" } else { "what is wrong with it is said beside its file" };
        problems.push(
            ConfigProblem::error(&scheme.file, format!("it {verb} into the scheme `{missing}`, which cannot run"))
                .hint(hint),
        );
    }
}

/// Gives each scheme the indexes by which others look into it, and puts them in the order of their lookups.
pub(super) fn index_and_order(mut schemes: Vec<Scheme>) -> Vec<Arc<Scheme>> {
    let mut indexes: HashMap<String, Vec<IndexFields>> = HashMap::new();
    for scheme in &schemes {
        for lookup in scheme.target.iter().flat_map(|target| target.plan.lookups()) {
            if let Some(stem) = collection_name(&lookup.source).and_then(|name| scheme.collections.get(name)) {
                let of_collection = indexes.entry(stem.clone()).or_default();
                of_collection.extend(lookup.indexes.iter().cloned());
            }
        }
    }
    let fed: Vec<String> = schemes.iter().flat_map(|scheme| scheme.receivers.values().cloned()).collect();
    for scheme in &mut schemes {
        scheme.is_fed = fed.contains(&scheme.stem);
        scheme.indexes = indexes.remove(&scheme.stem).unwrap_or_default();
        scheme.indexes.sort();
        scheme.indexes.dedup();
    }
    let places: HashMap<&str, usize> =
        schemes.iter().enumerate().map(|(place, scheme)| (scheme.stem.as_str(), place)).collect();
    let lookups: Vec<Vec<usize>> = schemes
        .iter()
        .map(|scheme| {
            let mut into: Vec<usize> =
                scheme.collections.values().filter_map(|stem| places.get(stem.as_str()).copied()).collect();
            // What it is given is there when those that give it have been delivered.
            let gives = |other: &Scheme| other.receivers.values().any(|stem| *stem == scheme.stem);
            into.extend(schemes.iter().enumerate().filter(|(_, other)| gives(other)).map(|(place, _)| place));
            into.sort_unstable();
            into
        })
        .collect();
    let order = by_lookups(&lookups);
    let mut schemes: Vec<Option<Scheme>> = schemes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|place| schemes.get_mut(place).and_then(Option::take)).map(Arc::new).collect()
}

/// The indexes `0..lookups.len()` so that each scheme comes after those it looks into; where they look into each other in
/// a circle, in the order given. `lookups[i]` are the schemes that scheme `i` looks into.
fn by_lookups(lookups: &[Vec<usize>]) -> Vec<usize> {
    fn visit(scheme: usize, lookups: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
        match seen.get_mut(scheme) {
            Some(seen) if !*seen => *seen = true,
            _ => return,
        }
        for looked_into in lookups.get(scheme).into_iter().flatten() {
            visit(*looked_into, lookups, seen, order);
        }
        order.push(scheme);
    }
    let mut seen = vec![false; lookups.len()];
    let mut order = Vec::with_capacity(lookups.len());
    for scheme in 0..lookups.len() {
        visit(scheme, lookups, &mut seen, &mut order);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::by_lookups;

    #[test]
    fn what_is_looked_into_goes_first() {
        let cases: [(&[&[usize]], &[usize]); 4] = [
            (&[&[], &[]], &[0, 1]),
            (&[&[1, 2], &[], &[1]], &[1, 2, 0]),
            (&[&[1], &[0], &[]], &[1, 0, 2]),
            (&[&[0], &[7]], &[0, 1]),
        ];
        for (lookups, expected) in cases {
            let lookups: Vec<Vec<usize>> = lookups.iter().map(|uses| uses.to_vec()).collect();
            assert_eq!(by_lookups(&lookups), expected, "{lookups:?}");
        }
    }
}

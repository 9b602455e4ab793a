//! What changed from one standing to the next, in words for the log.

use std::collections::BTreeMap;

use super::Standing;

/// The differences, one for each thing that changed; empty: nothing that serves did.
pub(super) fn between(before: &Standing, after: &Standing) -> Vec<String> {
    let mut differences = Vec::new();
    for ((kind, before), (_, after)) in digests(before).iter().zip(&digests(after)) {
        differences.extend(compare(kind, before, after));
    }
    if before.project.limits != after.project.limits {
        differences.push("other `[limits]`".to_owned());
    }
    differences
}

/// What tells one state of each thing that serves from another, by kind and name.
fn digests(standing: &Standing) -> [(&'static str, BTreeMap<String, String>); 4] {
    let snapshot = &standing.snapshot;
    let plugins = snapshot.registry.plugins().map(|plugin| (plugin.name().to_owned(), plugin.digest.clone()));
    let connections = snapshot.connections.iter();
    let connections = connections.map(|(name, connection)| (name.clone(), connection.id().to_string()));
    let tables = snapshot.tables.iter().map(|table| (table.name().to_owned(), table.digest().to_owned()));
    let schemes = snapshot.schemes.iter().map(|scheme| (scheme.stem.clone(), scheme.digest.clone()));
    [
        ("plugin", plugins.collect()),
        ("connection", connections.collect()),
        ("table", tables.collect()),
        ("scheme", schemes.collect()),
    ]
}

fn compare(kind: &str, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, digest) in after {
        match before.get(name) {
            None => differences.push(format!("{kind} `{name}` is new")),
            Some(other) if other != digest => differences.push(format!("{kind} `{name}` is another")),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    differences.extend(gone.map(|name| format!("{kind} `{name}` is gone")));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_another_or_gone_is_said() {
        let set = |names: &[(&str, &str)]| -> BTreeMap<String, String> {
            names.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect()
        };
        let before = set(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = set(&[("a", "1"), ("b", "2"), ("d", "1")]);
        assert_eq!(
            compare("table", &before, &after),
            ["table `b` is another", "table `d` is new", "table `c` is gone"]
        );
        assert!(compare("table", &before, &before).is_empty());
    }
}

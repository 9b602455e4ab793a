//! Which indexes a snapshot's lookups need that the journal does not have: said before a host builds them, because on a big
//! collection that takes a while, and bills wait for it.
//!
//! A journal is open in one process. So what is asked of it and what is said about it are apart: the command that checks
//! knows the schemes, and a host that runs knows the journal.

use serde::{Deserialize, Serialize};

use crate::config::{ConfigProblem, Project};
use crate::engine::mapping::collection_name;
use crate::engine::snapshot::Snapshot;
use crate::journal::{IndexFields, Journal, JournalError};

/// An index of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeededIndex {
    /// The scheme that fills the collection (its file's stem).
    pub collection: String,
    /// The fields.
    pub fields: IndexFields,
}

/// An index that is needed and not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnbuiltIndex {
    /// Which.
    pub index: NeededIndex,
    /// How many rows it will be built from.
    pub rows: u64,
}

/// The indexes that a snapshot's lookups need.
pub fn needed(snapshot: &Snapshot) -> Vec<NeededIndex> {
    let of_scheme = |(collection, fields): (&String, &IndexFields)| NeededIndex {
        collection: collection.clone(),
        fields: fields.clone(),
    };
    let schemes = snapshot.schemes.iter();
    schemes.flat_map(|scheme| scheme.indexes.iter().map(|fields| (&scheme.stem, fields))).map(of_scheme).collect()
}

/// Those of these indexes that are not there, over collections that have rows: any other is built in no time.
pub async fn unbuilt(journal: &dyn Journal, needed: &[NeededIndex]) -> Result<Vec<UnbuiltIndex>, JournalError> {
    let mut unbuilt: Vec<UnbuiltIndex> = Vec::new();
    for index in needed {
        if journal.missing_indexes(&index.collection, std::slice::from_ref(&index.fields)).await?.is_empty() {
            continue;
        }
        // Counted once for each collection.
        let counted = unbuilt.iter().find(|other| other.index.collection == index.collection);
        let rows = match counted {
            Some(counted) => counted.rows,
            None => journal.count_rows(&index.collection).await?,
        };
        if rows > 0 {
            unbuilt.push(UnbuiltIndex { index: index.clone(), rows });
        }
    }
    Ok(unbuilt)
}

/// A warning at each lookup that needs one of these.
pub fn warnings(unbuilt: &[UnbuiltIndex], snapshot: &Snapshot, project: &Project) -> Vec<ConfigProblem> {
    let mut warnings = Vec::new();
    for scheme in &snapshot.schemes {
        let Some(plan) = scheme.target.as_ref().map(|target| &target.plan) else { continue };
        let file = project.scheme(&scheme.stem).and_then(|file| file.target.as_ref());
        let Some(origin) = file.map(|target| &target.metadata_origin) else { continue };
        for lookup in plan.lookups() {
            let Some(stem) = collection_name(&lookup.source).and_then(|name| scheme.collections.get(name)) else {
                continue;
            };
            let needs = |unbuilt: &&UnbuiltIndex| {
                unbuilt.index.collection == *stem && lookup.indexes.contains(&unbuilt.index.fields)
            };
            for UnbuiltIndex { index, rows } in unbuilt.iter().filter(needs) {
                let message = format!(
                    "the collection `{stem}` has no index over {} yet ({} rows): it is built in the background when a host takes the scheme over",
                    named(&index.fields),
                    grouped(*rows)
                );
                warnings.push(
                    origin
                        .warning(message)
                        .inside(&lookup.path)
                        .hint("bills that look rows up by it wait till then; everything else goes on"),
                );
            }
        }
    }
    warnings
}

/// The fields of an index, for people.
pub(in crate::engine) fn named(fields: &IndexFields) -> String {
    match fields.as_slice() {
        [] => "all rows".to_owned(),
        fields => fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", "),
    }
}

/// `1000000` as `1,000,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{grouped, named};

    #[test]
    fn numbers_and_fields_read_well() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(named(&vec![]), "all rows");
        assert_eq!(named(&vec!["a".to_owned(), "编号".to_owned()]), "`a`, `编号`");
    }
}

//! What is kept of a row's lists.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::Row;

/// The elements that are kept, list by list; a list that is not named is kept whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Kept {
    lists: BTreeMap<Vec<String>, BTreeMap<usize, Kept>>,
}

impl Kept {
    pub(super) fn insert(&mut self, path: Vec<String>, elements: Vec<(usize, Kept)>) {
        self.lists.insert(path, elements.into_iter().collect());
    }

    /// What either keeps: a list that one of them keeps whole is kept whole.
    pub(in super::super) fn or(self, mut other: Self) -> Self {
        let both = self.lists.into_iter().filter_map(|(path, elements)| {
            let mut united = other.lists.remove(&path)?;
            for (index, kept) in elements {
                let kept = match united.remove(&index) {
                    Some(known) => known.or(kept),
                    None => kept,
                };
                united.insert(index, kept);
            }
            Some((path, united))
        });
        Self { lists: both.collect() }
    }

    /// What both keep; `None`: of some list nothing.
    pub(in super::super) fn and(mut self, other: Self) -> Option<Self> {
        for (path, elements) in other.lists {
            let common = match self.lists.remove(&path) {
                None => elements,
                Some(mut known) => elements
                    .into_iter()
                    .filter_map(|(index, kept)| Some((index, known.remove(&index)?.and(kept)?)))
                    .collect(),
            };
            if common.is_empty() {
                return None;
            }
            self.lists.insert(path, common);
        }
        Some(self)
    }

    /// Takes out of a row what is not kept.
    pub(in super::super) fn cut(&self, row: &mut Row) {
        for (path, elements) in &self.lists {
            let Some(list) = list_at(row, path) else {
                continue;
            };
            *list = std::mem::take(list)
                .into_iter()
                .enumerate()
                .filter_map(|(index, mut element)| {
                    let kept = elements.get(&index)?;
                    if let Value::Object(row) = &mut element {
                        kept.cut(row);
                    }
                    Some(element)
                })
                .collect();
        }
    }

    /// What is kept of the row that this element of a list becomes when its fields are put beside the head's, each with
    /// a prefix to its name. `None`: the element is not kept.
    pub(in super::super) fn of_flattened(&self, list: &str, index: usize, prefix: &str) -> Option<Self> {
        let mut lists = self.lists.clone();
        if let Some(mut elements) = lists.remove(std::slice::from_ref(&list.to_owned())) {
            for (mut path, elements) in elements.remove(&index)?.lists {
                if let Some(first) = path.first_mut() {
                    first.insert_str(0, prefix);
                }
                lists.insert(path, elements);
            }
        }
        Some(Self { lists })
    }
}

fn list_at<'r>(row: &'r mut Row, path: &[String]) -> Option<&'r mut Vec<Value>> {
    let (first, rest) = path.split_first()?;
    let mut value = row.get_mut(first)?;
    for step in rest {
        value = value.get_mut(step)?;
    }
    value.as_array_mut()
}

//! Which pages of a scan are known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A set of page indexes, kept as ranges: most sources name their pages one after the other, and then ten thousand of them
/// are one range. The record of a scan is written with every page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPages {
    /// The first of each range → its last. Ranges neither meet nor touch.
    ranges: BTreeMap<u32, u32>,
}

impl KnownPages {
    /// Whether a page is known.
    pub fn contains(&self, index: u32) -> bool {
        self.range_before(index).is_some_and(|(_, last)| last >= index)
    }

    /// Adds a page; false if it is known already.
    pub fn insert(&mut self, index: u32) -> bool {
        let before = self.range_before(index);
        if before.is_some_and(|(_, last)| last >= index) {
            return false;
        }
        let first = before.filter(|(_, last)| last.checked_add(1) == Some(index)).map_or(index, |(first, _)| first);
        let last = index.checked_add(1).and_then(|next| self.ranges.remove(&next)).unwrap_or(index);
        self.ranges.insert(first, last);
        true
    }

    /// The last range that begins at or before a page.
    fn range_before(&self, index: u32) -> Option<(u32, u32)> {
        self.ranges.range(..=index).next_back().map(|(first, last)| (*first, *last))
    }
}

impl FromIterator<u32> for KnownPages {
    fn from_iter<I: IntoIterator<Item = u32>>(indexes: I) -> Self {
        let mut pages = Self::default();
        for index in indexes {
            pages.insert(index);
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn it_is_a_set(indexes in prop::collection::vec(prop_oneof![0..40_u32, u32::MAX - 3..=u32::MAX], 0..60)) {
            let mut set = BTreeSet::new();
            let mut pages = KnownPages::default();
            for index in indexes {
                prop_assert_eq!(pages.insert(index), set.insert(index));
            }
            for index in (0..42).chain(u32::MAX - 5..=u32::MAX) {
                prop_assert_eq!(pages.contains(index), set.contains(&index));
            }
            let gaps = set.iter().filter(|index| index.checked_sub(1).is_none_or(|before| !set.contains(&before)));
            prop_assert_eq!(pages.ranges.len(), gaps.count());
        }
    }
}

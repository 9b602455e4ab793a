//! Where lookups stand in a text: from `_findCollection` or `_mongoQuery` to its `_endFind`.
//!
//! Lookups stand within each other like parentheses. `_endFind` is known in any case and may touch what is before it, as
//! published metadata has both.

use std::ops::Range;

use super::Kind;

const END: &str = "_endFind";

/// A lookup in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Extent {
    pub(in super::super) kind: Kind,
    pub(in super::super) whole: Range<usize>,
    /// Without its first word and without `_endFind`.
    pub(in super::super) body: Range<usize>,
    /// It has its `_endFind`; without one it reaches to the end of the text.
    pub(in super::super) is_closed: bool,
}

/// The lookups of a text, those within others left out; and whether an `_endFind` belongs to none.
pub(in super::super) fn extents(text: &str) -> (Vec<Extent>, bool) {
    let mut found = Vec::new();
    let mut has_stray = false;
    let mut outermost: Option<(Kind, usize)> = None;
    let mut depth = 0_usize;
    for (at, _) in text.match_indices('_') {
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| begins_word(text, at, kind.word())) {
            if depth == 0 {
                outermost = Some((kind, at));
            }
            depth += 1;
        } else if is_word(text, at, END) {
            depth = match (depth, outermost) {
                (1, Some((kind, start))) => {
                    found.push(Extent {
                        kind,
                        whole: start..at + END.len(),
                        body: start + kind.word().len()..at,
                        is_closed: true,
                    });
                    0
                }
                (0, _) | (_, None) => {
                    has_stray = true;
                    0
                }
                (depth, _) => depth - 1,
            };
        }
    }
    if let (1.., Some((kind, start))) = (depth, outermost) {
        let body = start + kind.word().len()..text.len();
        found.push(Extent { kind, whole: start..text.len(), body, is_closed: false });
    }
    (found, has_stray)
}

/// The letters of a text that stand in no lookup, and where.
pub(in super::super) fn letters_outside(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (lookups, _) = extents(text);
    text.char_indices().filter(move |(at, _)| !lookups.iter().any(|lookup| lookup.whole.contains(at)))
}

fn begins_word(text: &str, at: usize, word: &str) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    !before.is_some_and(is_part) && text.get(at..at + word.len()) == Some(word) && ends_word(text, at + word.len())
}

fn is_word(text: &str, at: usize, word: &str) -> bool {
    text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
        && ends_word(text, at + word.len())
}

fn ends_word(text: &str, at: usize) -> bool {
    !text.get(at..).and_then(|after| after.chars().next()).is_some_and(is_part)
}

/// Chinese text may touch a word: `_endFind元`.
fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lookups_nest_like_parentheses() {
        for (text, bodies, has_stray) in [
            ("text", &[][..], false),
            ("a _findCollection x _endFind b", &[" x "], false),
            ("_findCollection x", &[" x"], false),
            ("(_mongoQuery x{{y}}_ENDFIND)元", &[" x{{y}}"], false),
            ("编号_findCollection x _endFind元", &[" x "], false),
            ("_findCollection a=_findCollection b _endFind c _endfind", &[" a=_findCollection b _endFind c "], false),
            ("_findCollection a=_findCollection b _endFind", &[" a=_findCollection b _endFind"], false),
            ("_findCollection a _endFind_mongoQuery b _endFind", &[" a _endFind_mongoQuery b "], false),
            ("_findCollection a _endFind,_mongoQuery b _endFind", &[" a ", " b "], false),
            ("x _endFind", &[], true),
            ("_findCollection a _endFind _endFind", &[" a "], true),
            ("_findCollections x_findCollection", &[], false),
        ] {
            let (found, stray) = extents(text);
            let found: Vec<&str> = found.into_iter().map(|extent| &text[extent.body]).collect();
            assert_eq!((found.as_slice(), stray), (bodies, has_stray), "{text}");
        }
    }

    #[test]
    fn letters_of_lookups_are_left_out() {
        let outside: String =
            letters_outside("a, _findCollection b, c _endFind, 中").map(|(_, letter)| letter).collect();
        assert_eq!(outside, "a, , 中");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*|(_findCollection|_mongoQuery|_endFind|_ENDFIND| |_|a|中){0,10}") {
            let (found, _) = extents(&text);
            for extent in found {
                prop_assert!(text.get(extent.body).is_some() && text.get(extent.whole).is_some());
            }
        }
    }
}

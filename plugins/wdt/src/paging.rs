//! Which page of which part of a window is read.
//!
//! WDT knows pages by number only, from 0, and counts the rows on page 0 alone (`total_count`): each part is read
//! [backwards](qiao_plugin::paging).

use jiff::Timestamp;
use qiao_plugin::json::json;
use qiao_plugin::paging::Numbered;
use qiao_plugin::{PageRef, log};
use serde::{Deserialize, Serialize};

use crate::window::Window;

/// A page. Travels in [`PageRef::cursor`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Where the part begins, in Unix seconds; `None`: the query has no window.
    from: Option<i64>,
    /// `page_no`, and what is known of the part.
    #[serde(flatten)]
    pub(crate) numbered: Numbered,
}

impl Place {
    /// Page 0 of the part that begins there.
    pub(crate) fn first(from: Option<Timestamp>, size: u32) -> Self {
        Self { from: from.map(Timestamp::as_second), numbered: Numbered::first(size) }
    }

    /// Where to go on. What was begun with another page size is begun again, since its numbers mean other rows; a cursor that does not
    /// fit the query, because the scheme or the plugin was changed meanwhile, begins the whole window again.
    pub(crate) fn of(page: &PageRef, window: Option<Window>, size: u32) -> Self {
        let anew = Self::first(window.map(|window| window.start), size);
        let Some(cursor) = &page.cursor else {
            return anew;
        };
        match serde_json::from_str::<Self>(cursor) {
            Ok(place) if place.from.is_some() == window.is_some() => {
                if place.numbered.is_of(size) {
                    place
                } else {
                    Self { from: place.from, ..anew }
                }
            }
            _ => {
                log::warn("the cursor does not fit the query, which begins again", &[("cursor", cursor)]);
                anew
            }
        }
    }

    /// Where the part begins.
    pub(crate) fn from(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.from?).ok()
    }

    /// Another page of the part.
    pub(crate) fn at(&self, numbered: Numbered) -> Self {
        Self { from: self.from, numbered }
    }

    pub(crate) fn cursor(&self) -> String {
        json!(self).to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::paging::Held;

    use super::*;

    #[test]
    fn a_cursor_that_no_longer_fits_begins_again() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let window = Some(Window { start: at(0), end: at(9) });
        let first = Place::first(Some(at(5)), 20);
        let place = first.at(first.numbered.after(Held::new(b"", 20, Some(99))).next.unwrap());
        let page = PageRef::default().cursor(place.cursor());
        assert!(place.cursor().len() < 100);
        assert_eq!(Place::of(&page, window, 20), place);
        // Another page size: the same part from its beginning.
        assert_eq!(Place::of(&page, window, 10), Place::first(Some(at(5)), 10));
        assert_eq!(Place::of(&page, None, 20), Place::first(None, 20));
        for broken in ["", "{}", "7", r#"{"from":5,"page":1,"size":20,"repeats":0}"#] {
            assert_eq!(Place::of(&PageRef::default().cursor(broken), window, 20), Place::first(Some(at(0)), 20));
        }
    }
}

//! Pages by number, backwards.
//!
//! WDT knows pages by number only, from 0, and counts the rows on page 0 alone (`total_count`). While a scan runs, a row that changes
//! leaves the window (its time moves out of it), and every row behind it moves up: who reads forwards skips the one that crosses from an
//! unread page to a read one. So page 0 is looked at for the total, then the last page is read, and so on down to page 0, which is read
//! again. Rows then only ever move to where has not been read yet.
//!
//! A row may also come late, its time inside of the window: rows behind it move down, past the reader. Page 0, read again, shows that by a
//! total that has grown, and everything is read once more, since nothing tells where the row came in. Rows that come twice are known by
//! their ids. A window that never stops growing is given up on after some times, and said so: it ends too near to now. A row that comes
//! while another leaves is shown by nothing; for that one the scheme's `overlap` reads a little of the last window again.
//!
//! A window whose rows fit on page 0 takes one request. Where WDT gives no total, pages are read forwards until one is not full, or
//! repeats the one before it.

use jiff::Timestamp;
use qiao_plugin::json::json;
use qiao_plugin::{PageRef, log};
use serde::{Deserialize, Serialize};

use crate::window::Window;

/// How often a window that has grown is read again.
const REPEATS: u8 = 3;

const VERSION: u8 = 1;

/// Which page of which part of the window is read, and why. Travels in [`PageRef::cursor`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    v: u8,
    /// Where the part begins, in Unix seconds; `None`: the query has no window.
    from: Option<i64>,
    /// `page_no`.
    pub(crate) page: u64,
    /// `page_size`, which a page's number counts in.
    size: u32,
    /// The rows that page 0 counted when this pass began.
    total: Option<u64>,
    /// How often the part was begun again.
    repeats: u8,
    /// Forwards: the digest of the page before.
    before: Option<u64>,
}

/// What a page turned out to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) rows: u64,
    /// `total_count`, which only page 0 has for certain.
    pub(crate) total: Option<u64>,
    pub(crate) digest: u64,
}

/// What follows from that.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The rows are to be kept. Those of a page 0 that is only looked at for its total come again.
    pub(crate) keep: bool,
    /// The next page of this part; `None`: the part is read.
    pub(crate) next: Option<Place>,
}

impl Place {
    /// Page 0 of the part that begins there.
    pub(crate) fn first(from: Option<Timestamp>, size: u32) -> Self {
        let from = from.map(Timestamp::as_second);
        Self { v: VERSION, from, page: 0, size, total: None, repeats: 0, before: None }
    }

    /// Where to go on. What was begun with another page size is begun again, since its numbers mean other rows; a cursor that does not
    /// fit the query, because the scheme or the plugin was changed meanwhile, begins the whole window again.
    pub(crate) fn of(page: &PageRef, window: Option<Window>, size: u32) -> Self {
        let anew = Self::first(window.map(|window| window.start), size);
        let Some(cursor) = &page.cursor else {
            return anew;
        };
        match serde_json::from_str::<Self>(cursor) {
            Ok(place) if place.v == VERSION && place.from.is_some() == window.is_some() => {
                if place.size == size {
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

    /// Nothing of the part is known yet.
    pub(crate) fn is_first(&self) -> bool {
        self.page == 0 && self.total.is_none()
    }

    pub(crate) fn cursor(&self) -> String {
        json!(self).to_string()
    }

    pub(crate) fn after(&self, held: Held) -> Step {
        let kept = |next| Step { keep: true, next };
        match (self.total, held.total) {
            (None, Some(total)) if self.page == 0 => match self.last(total) {
                0 => kept(None),
                last => Step { keep: false, next: Some(Self { page: last, total: Some(total), ..self.clone() }) },
            },
            (None, _) => {
                let full = held.rows >= u64::from(self.size) && self.before != Some(held.digest);
                kept(full.then(|| Self { page: self.page + 1, before: Some(held.digest), ..self.clone() }))
            }
            (Some(_), _) if self.page > 0 => kept(Some(Self { page: self.page - 1, ..self.clone() })),
            (Some(known), Some(total)) if total > known => kept(self.again(known, total)),
            (Some(_), _) => kept(None),
        }
    }

    /// The window has grown while it was read.
    fn again(&self, known: u64, total: u64) -> Option<Self> {
        if self.repeats >= REPEATS {
            log::warn(
                "the window still grows, and rows may be missing from it: raise the source's `lag` (3m does) and `overlap`",
                &[("known", &known), ("total", &total)],
            );
            return None;
        }
        Some(Self { page: self.last(total), total: Some(total), repeats: self.repeats + 1, ..self.clone() })
    }

    /// The number of the last page of so many rows.
    fn last(&self, total: u64) -> u64 {
        total.saturating_sub(1) / u64::from(self.size.max(1))
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        reason = "tests"
    )]
    use std::collections::BTreeSet;
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use proptest::prelude::*;

    use super::*;

    /// What happens to the vendor's rows before the request of this number.
    type Change<'c> = &'c dyn Fn(usize, &mut Vec<u32>);

    struct Scan {
        /// `page_no` of each request; `!` where the rows were not kept.
        asked: Vec<String>,
        seen: BTreeSet<u32>,
        left: BTreeSet<u32>,
    }

    fn scan(rows: u32, size: u32, counted: bool, change: Change<'_>) -> Scan {
        let mut vendor: Vec<u32> = (0..rows).collect();
        let mut scan = Scan { asked: Vec::new(), seen: BTreeSet::new(), left: BTreeSet::new() };
        let mut page = PageRef::default();
        loop {
            change(scan.asked.len(), &mut vendor);
            let place = Place::of(&page, None, size);
            let start = (usize::try_from(place.page).unwrap() * size as usize).min(vendor.len());
            let rows = &vendor[start..(start + size as usize).min(vendor.len())];
            let mut hasher = DefaultHasher::new();
            rows.hash(&mut hasher);
            let total = (counted && place.page == 0).then_some(vendor.len() as u64);
            let step = place.after(Held { rows: rows.len() as u64, total, digest: hasher.finish() });
            scan.asked.push(format!("{}{}", place.page, if step.keep { "" } else { "!" }));
            if step.keep {
                scan.seen.extend(rows);
            }
            match step.next {
                Some(next) => page = page.after(rows.len()).cursor(next.cursor()),
                None => break,
            }
            assert!(scan.asked.len() < 1_000, "no end");
        }
        scan.left = vendor.into_iter().collect();
        scan
    }

    #[test]
    fn pages_are_read_backwards_and_page_0_twice() {
        let cases: [(u32, u32, &[&str]); 8] = [
            (0, 40, &["0"]),
            (1, 40, &["0"]),
            (40, 40, &["0"]),
            (41, 40, &["0!", "1", "0"]),
            (80, 40, &["0!", "1", "0"]),
            (81, 40, &["0!", "2", "1", "0"]),
            (3, 1, &["0!", "2", "1", "0"]),
            (500, 100, &["0!", "4", "3", "2", "1", "0"]),
        ];
        for (rows, size, asked) in cases {
            let scan = scan(rows, size, true, &|_, _| {});
            assert_eq!(scan.asked, asked, "{rows} rows in pages of {size}");
            assert_eq!(scan.seen, scan.left);
        }
    }

    #[test]
    fn without_a_total_pages_are_read_forwards() {
        let cases: [(u32, &[&str]); 4] = [(0, &["0"]), (1, &["0"]), (2, &["0", "1"]), (5, &["0", "1", "2"])];
        for (rows, asked) in cases {
            let scan = scan(rows, 2, false, &|_, _| {});
            assert_eq!(scan.asked, asked, "{rows} rows");
            assert_eq!(scan.seen, scan.left);
        }
    }

    #[test]
    fn a_query_that_ignores_pages_ends() {
        let held = Held { rows: 2, total: None, digest: 7 };
        let first = Place::first(None, 2);
        let second = first.after(held).next.unwrap();
        assert_eq!(second.page, 1);
        assert_eq!(second.after(held).next, None);
    }

    #[test]
    fn a_window_that_has_grown_is_read_again_but_not_for_ever() {
        let grown_once = scan(5, 2, true, &|request, rows| {
            if request == 2 {
                rows.insert(0, 99);
            }
        });
        assert_eq!(grown_once.asked, ["0!", "2", "1", "0", "2", "1", "0"]);
        assert_eq!(grown_once.seen, grown_once.left);

        let growing = scan(3, 2, true, &|request, rows| rows.push(100 + u32::try_from(request).unwrap()));
        assert_eq!(growing.asked.iter().filter(|page| *page == "0").count(), 1 + usize::from(REPEATS));
    }

    #[test]
    fn a_window_that_has_shrunk_ends_at_page_0() {
        let shrunk = scan(6, 2, true, &|request, rows| {
            if request == 1 {
                rows.truncate(1);
            }
        });
        assert_eq!(shrunk.asked, ["0!", "2", "1", "0"]);
        assert_eq!(shrunk.left, BTreeSet::from([0]));
        assert!(shrunk.seen.is_superset(&shrunk.left));
    }

    #[test]
    fn a_cursor_that_no_longer_fits_begins_again() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let window = Some(Window { start: at(0), end: at(9) });
        let place = Place { page: 3, total: Some(99), ..Place::first(Some(at(5)), 20) };
        let page = PageRef::default().cursor(place.cursor());
        assert!(place.cursor().len() < 100);
        assert_eq!(Place::of(&page, window, 20), place);
        // Another page size: the same part from its beginning.
        assert_eq!(Place::of(&page, window, 10), Place::first(Some(at(5)), 10));
        assert_eq!(Place::of(&page, None, 20), Place::first(None, 20));
        for broken in ["", "{}", "7", r#"{"v":2,"from":5,"page":1,"size":20,"repeats":0}"#] {
            assert_eq!(Place::of(&PageRef::default().cursor(broken), window, 20), Place::first(Some(at(0)), 20));
        }
    }

    proptest! {
        /// Rows that leave while the scan runs make it skip none that stays.
        #[test]
        fn no_row_is_skipped_when_others_leave(
            rows in 0_u32..60,
            size in 1_u32..9,
            leaving in prop::collection::vec((0_usize..40, any::<prop::sample::Index>()), 0..20),
        ) {
            let scan = scan(rows, size, true, &|request, rows| {
                for (when, which) in &leaving {
                    if *when == request && !rows.is_empty() {
                        rows.remove(which.index(rows.len()));
                    }
                }
            });
            prop_assert!(scan.seen.is_superset(&scan.left));
        }

        /// Nor when some come late, anywhere.
        #[test]
        fn no_row_is_skipped_when_others_come_late(
            rows in 0_u32..60,
            size in 1_u32..9,
            coming in prop::collection::vec((1_usize..40, any::<prop::sample::Index>()), 0..4),
        ) {
            let scan = scan(rows, size, true, &|request, rows| {
                for (number, (when, which)) in (100..).zip(&coming) {
                    if *when == request {
                        rows.insert(which.index(rows.len() + 1), number);
                    }
                }
            });
            let repeats = scan.asked.iter().filter(|page| *page == "0").count();
            prop_assume!(repeats <= usize::from(REPEATS));
            prop_assert!(scan.seen.is_superset(&scan.left), "{:?} {:?}", scan.seen, scan.left);
        }
    }
}

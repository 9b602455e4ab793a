//! Pages by number, backwards: for vendors that know pages by number only.
//!
//! While a scan runs, a row that changes or goes leaves the list, and every row behind it moves up: who reads forwards skips the one
//! that crosses from an unread page to a read one. So the first page is looked at for the total, then the last page is read, and so on
//! down to the first, which is read again. Rows that move up then only ever move to where has not been read yet.
//!
//! A row may also come, anywhere, or move to the front because it was changed: rows behind it move down, past the reader. The first page,
//! read again, shows that by a total that has grown, or by other rows of as large a total, and everything is read once more, since nothing
//! tells which rows moved. Rows that come twice are known by their ids. A list that never rests is given up on after some times, and said
//! so. A row that comes while as many leave, or more, may be shown by nothing; for that one the scheme's `overlap` reads a little of the
//! last window again.
//!
//! A list whose rows fit on its first page takes one request. Where the vendor gives no total, pages are read forwards until one is not
//! full, or repeats the one before it. So they are where it gives fewer rows than it was asked for, until its total has come or a page is
//! empty: how many rows its pages have is not certain then.
//!
//! ```
//! use qiao_plugin::json::json;
//! use qiao_plugin::paging::{Held, Numbered};
//! use qiao_plugin::{Failure, Fetch, Page};
//!
//! # fn ask(page_no: u64, size: u32) -> Result<(String, u64, Option<u64>), Failure> { Ok(("[]".to_owned(), 0, Some(0))) }
//! fn fetch(call: &Fetch) -> Result<Page, Failure> {
//!     let place = Numbered::of(&call.page, call.page_size);
//!     let (text, rows, total) = ask(place.page(), call.page_size)?;
//!     let step = place.after(Held::new(text.as_bytes(), rows, total));
//!     let page = Page::raw_objects(if step.keep { text.as_str() } else { "[]" });
//!     Ok(page.next(step.next.map(|next| call.page.after(0).cursor(json!(next).to_string()))))
//! }
//! ```

use std::hash::{DefaultHasher, Hasher as _};

use serde::{Deserialize, Serialize};

use crate::{PageRef, log};

/// How often a list that has moved is read again.
const REPEATS: u8 = 3;

const VERSION: u8 = 1;

/// Which page is read, and why. Travels in [`PageRef::cursor`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    v: u8,
    page: u64,
    /// Rows that were asked for.
    size: u32,
    /// Backwards: the rows that the first page counted when this pass began.
    total: Option<u64>,
    /// How often the list was begun again.
    repeats: u8,
    /// Forwards: the digest of the page before. Backwards: that of the first page when this pass began.
    before: Option<u64>,
    /// Forwards: rows that are still to come, where the vendor gives fewer at a time than it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_come: Option<u64>,
}

/// What a page turned out to hold.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    rows: u64,
    total: Option<u64>,
    digest: u64,
}

/// What follows from that.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// The rows are to be kept. Those of a first page that is only looked at for its total come again.
    pub keep: bool,
    /// The next page; `None`: the list is read.
    pub next: Option<Numbered>,
}

impl Held {
    /// A page of so many rows; `text` tells it from others. `total`: the rows of the whole list, where the vendor counts them; only
    /// that of the first page is heeded.
    pub fn new(text: &[u8], rows: u64, total: Option<u64>) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(text);
        Self { rows, total, digest: hasher.finish() }
    }
}

impl Numbered {
    /// The first page, of so many rows.
    pub fn first(size: u32) -> Self {
        Self { v: VERSION, page: 0, size, total: None, repeats: 0, before: None, to_come: None }
    }

    /// Where to go on. What was begun with another page size, or by another version of the plugin, is begun again: its numbers mean other
    /// rows.
    pub fn of(page: &PageRef, size: u32) -> Self {
        let anew = Self::first(size);
        let Some(cursor) = &page.cursor else {
            return anew;
        };
        match serde_json::from_str::<Self>(cursor) {
            Ok(place) if place.is_of(size) => place,
            _ => {
                log::warn("the cursor does not fit the query, which begins again", &[("cursor", cursor)]);
                anew
            }
        }
    }

    /// Whether it counts in pages of so many rows, as this version of it does.
    pub fn is_of(&self, size: u32) -> bool {
        self.v == VERSION && self.size == size
    }

    /// Rows to ask for.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The page's number, from 0.
    pub fn page(&self) -> u64 {
        self.page
    }

    /// Nothing of the list is known yet.
    pub fn is_first(&self) -> bool {
        self.page == 0 && self.total.is_none()
    }

    /// What follows this page.
    pub fn after(&self, held: Held) -> Step {
        let kept = |next| Step { keep: true, next };
        match (self.total, held.total) {
            (None, Some(total)) if self.page == 0 && self.is_short(held, total) => {
                log::info(
                    "the vendor gives fewer rows at a time than it is asked for, so that pages are read forwards: set the source's `page_size` to what it gives",
                    &[("asked", &self.size), ("given", &held.rows), ("total", &total)],
                );
                kept(Some(self.forwards(held, Some(total - held.rows))))
            }
            (None, Some(total)) if self.page == 0 => match self.last(total) {
                0 => kept(None),
                last => {
                    let begun = Self { page: last, total: Some(total), before: Some(held.digest), ..self.clone() };
                    Step { keep: false, next: Some(begun) }
                }
            },
            (None, _) => {
                let to_come = self.to_come.map(|rows| rows.saturating_sub(held.rows));
                let more = held.rows >= u64::from(self.size) || (held.rows > 0 && to_come.is_some_and(|rows| rows > 0));
                let goes_on = more && self.before != Some(held.digest);
                kept(goes_on.then(|| self.forwards(held, to_come)))
            }
            (Some(_), _) if self.page > 0 => kept(Some(Self { page: self.page - 1, ..self.clone() })),
            (Some(known), Some(total)) if total > known || (total == known && self.before != Some(held.digest)) => {
                kept(self.again(held, total))
            }
            (Some(_), _) => kept(None),
        }
    }

    /// Whether a first page has fewer rows than fit, though there are more.
    fn is_short(&self, held: Held, total: u64) -> bool {
        (1..u64::from(self.size)).contains(&held.rows) && total > held.rows
    }

    fn forwards(&self, held: Held, to_come: Option<u64>) -> Self {
        Self { page: self.page + 1, before: Some(held.digest), to_come, ..self.clone() }
    }

    /// The list has moved while it was read.
    fn again(&self, held: Held, total: u64) -> Option<Self> {
        if self.repeats >= REPEATS {
            log::warn(
                "the list still moves, and rows may be missing from it: raise the source's `lag` (3m does) and `overlap`",
                &[("total", &total)],
            );
            return None;
        }
        let repeats = self.repeats + 1;
        Some(Self { page: self.last(total), total: Some(total), repeats, before: Some(held.digest), ..self.clone() })
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

    use proptest::prelude::*;
    use serde_json::json;

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
        scan_of(rows, size, size, counted, change)
    }

    /// A vendor that has so many `rows`, and `gives` less than the `size` that it is asked for.
    fn scan_of(rows: u32, size: u32, gives: u32, counted: bool, change: Change<'_>) -> Scan {
        let mut vendor: Vec<u32> = (0..rows).collect();
        let mut scan = Scan { asked: Vec::new(), seen: BTreeSet::new(), left: BTreeSet::new() };
        let mut page = PageRef::default();
        loop {
            change(scan.asked.len(), &mut vendor);
            let place = Numbered::of(&page, size);
            let start = (usize::try_from(place.page).unwrap() * gives as usize).min(vendor.len());
            let rows = &vendor[start..(start + gives as usize).min(vendor.len())];
            let total = (counted && place.page == 0).then_some(vendor.len() as u64);
            let step = place.after(Held::new(format!("{rows:?}").as_bytes(), rows.len() as u64, total));
            scan.asked.push(format!("{}{}", place.page, if step.keep { "" } else { "!" }));
            if step.keep {
                scan.seen.extend(rows);
            }
            match step.next {
                Some(next) => page = page.after(rows.len()).cursor(json!(next).to_string()),
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
        let held = Held::new(b"7", 2, None);
        let first = Numbered::first(2);
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
    fn a_server_that_gives_fewer_than_asked_is_followed_to_its_total() {
        let five = scan_of(5, 3, 2, true, &|_, _| {});
        assert_eq!(five.asked, ["0", "1", "2"]);
        assert_eq!(five.seen, five.left);
        // What it counts but does not show ends with the first empty page.
        let short = Numbered::first(100).after(Held::new(b"1", 1, Some(100_000))).next.unwrap();
        assert_eq!(short.after(Held::new(b"", 0, Some(100_000))).next, None);
    }

    #[test]
    fn a_row_that_moves_to_the_front_makes_no_other_one_missing() {
        let edited = scan(5, 2, true, &|request, rows| {
            if request == 2 {
                rows.rotate_right(1);
            }
        });
        assert_eq!(edited.asked, ["0!", "2", "1", "0", "2", "1", "0"]);
        assert_eq!(edited.seen, edited.left);
        // For ever: it ends all the same.
        let restless = scan(5, 2, true, &|_, rows| rows.rotate_right(1));
        assert_eq!(restless.asked.iter().filter(|page| *page == "0").count(), 1 + usize::from(REPEATS));
    }

    #[test]
    fn a_cursor_that_no_longer_fits_begins_again() {
        let place = Numbered { page: 3, total: Some(99), ..Numbered::first(20) };
        let page = PageRef::default().cursor(json!(place).to_string());
        assert!(json!(place).to_string().len() < 80);
        assert_eq!(Numbered::of(&page, 20), place);
        assert_eq!(Numbered::of(&page, 10), Numbered::first(10));
        for broken in ["", "{}", "7", r#"{"v":2,"page":1,"size":20,"repeats":0}"#] {
            assert_eq!(Numbered::of(&PageRef::default().cursor(broken), 20), Numbered::first(20));
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

        /// Nor when others change, and move to either end of the list. (What has changed itself may come with the next window.)
        #[test]
        fn no_row_is_skipped_when_others_move(
            rows in 1_u32..60,
            size in 1_u32..9,
            moving in prop::collection::vec((1_usize..40, any::<prop::sample::Index>(), any::<bool>()), 0..3),
        ) {
            let moved = std::cell::RefCell::new(BTreeSet::new());
            let scan = scan(rows, size, true, &|request, rows| {
                for (when, which, to_front) in &moving {
                    if *when == request {
                        let row = rows.remove(which.index(rows.len()));
                        moved.borrow_mut().insert(row);
                        rows.insert(if *to_front { 0 } else { rows.len() }, row);
                    }
                }
            });
            let repeats = scan.asked.iter().filter(|page| *page == "0").count();
            prop_assume!(repeats <= usize::from(REPEATS));
            let missing: Vec<_> = scan.left.difference(&scan.seen).filter(|row| !moved.borrow().contains(row)).collect();
            prop_assert!(missing.is_empty(), "{missing:?}");
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

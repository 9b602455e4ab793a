//! A source that never comes to an end.
//!
//! A connector that reads the wrong field, or a vendor that ignores the page it is asked for, returns the same rows for ever. Nothing else
//! would stop such a scan: every page is honest by itself. What is looked for must not be met by a source that is slow, large or sparse:
//!
//! * **The same rows again and again.** Pages may come twice: rows move, or a window that has grown is read again, three times
//!   at most by our own connectors. So one page is kept in mind, and counted how often its rows come again. It is replaced by the first, second, fourth, eighth …
//!   page with rows (Brent's way to find a cycle), so that a circle of any length is found, whatever came before it.
//! * **Page after page without rows.** A connector that walks through time may meet a long silence, but its cursor moves.
//! * **More rows than there are**, where the source says how many it has. Much is allowed for: rows come while it is read,
//!   and some are read again.
//! * **A page that follows itself**, or too many pages named at once for anybody to remember.
//!
//! What is kept in mind ([`Trail`]) is as large for a million pages as for one, and is stored with each page: a crash
//! forgets nothing.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::engine::snapshot::Scheme;
use crate::journal::{PageRef, Scan, Trail};
use crate::plugin::connector::FetchedPage;

/// How often the same rows may come again.
const MOST_REPEATS: u32 = 8;

/// Pages in a row that have no rows and are asked for alike, but for their number.
const MOST_STANDING_STILL: u32 = 1_000;

/// Pages in a row that have no rows, though the cursor moves: eleven years, hour by hour.
const MOST_EMPTY: u32 = 100_000;

/// How many times its own total a source may return; and so many pages beyond that.
const MOST_TIMES_THE_TOTAL: u64 = 8;
const PAGES_BEYOND: u64 = 100;

/// Pages that may be waiting to be fetched: each is a line of the journal's record of the scan.
const MOST_NAMED: usize = 4_096;

/// What a page looked like as it came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    rows: u64,
    /// Tells its rows from others.
    content: u64,
    /// Tells what it was asked for with from other pages, but for its number.
    place: u64,
    total: Option<u64>,
}

impl Seen {
    pub(super) fn of(page: &PageRef, fetched: &FetchedPage) -> Self {
        let mut place = DefaultHasher::new();
        (page.start_row, &page.cursor).hash(&mut place);
        Self {
            rows: u64::try_from(fetched.rows.len()).unwrap_or(u64::MAX),
            content: fetched.content,
            place: place.finish(),
            total: fetched.total,
        }
    }
}

/// What a scan has seen with this page, and why it is to be given up, if it is.
pub(super) fn look(
    scheme: &Scheme,
    scan: &Scan,
    page: &PageRef,
    names: &[PageRef],
    seen: &Seen,
) -> (Trail, Option<String>) {
    let trail = follow(&scan.trail, page.index, seen);
    let ends = names.is_empty() && scan.open_pages.len() <= 1;
    let found = if ends {
        None
    } else {
        wrong_names(scan, page, names).or_else(|| is_endless(&trail, scheme.source.page_size))
    };
    let given_up = found.map(|found| {
        let cursor = page.cursor.as_ref().map(|cursor| format!(", cursor `{}`", shortened(cursor))).unwrap_or_default();
        format!(
            "the source does not come to an end: the connector `{}` of connection `{}` {found} (page {}{cursor})\n  hint: what was read stays, and the next scan begins with the same window; see whether the request pages at all, else ask the author of the connector: each page that it names must come nearer to the end",
            scheme.source.plugin.name(),
            scheme.source.connection.name(),
            page.index,
        )
    });
    (trail, given_up)
}

fn shortened(cursor: &str) -> String {
    const SHOWN: usize = 200;
    if cursor.chars().count() <= SHOWN {
        return cursor.to_owned();
    }
    cursor.chars().take(SHOWN).chain(std::iter::once('…')).collect()
}

/// What a connector must not say of the pages that follow.
fn wrong_names(scan: &Scan, page: &PageRef, names: &[PageRef]) -> Option<String> {
    if names.iter().any(|next| next.index == page.index) {
        return Some("names a page as the one that follows it".to_owned());
    }
    let of_number = |index: u32| names.iter().chain(&scan.open_pages).filter(move |known| known.index == index);
    if let Some(next) = names.iter().find(|next| of_number(next.index).any(|known| known != *next)) {
        return Some(format!("names two pages that have the same number, {}", next.index));
    }
    let unknown = names.iter().filter(|next| !scan.known_pages.contains(next.index));
    (unknown.count() + scan.open_pages.len() > MOST_NAMED)
        .then(|| format!("names more than {MOST_NAMED} pages at once: further ones are to be named by later pages"))
}

/// The trail with one more page.
fn follow(trail: &Trail, page: u32, seen: &Seen) -> Trail {
    let mut trail = trail.clone();
    trail.rows = trail.rows.saturating_add(seen.rows);
    trail.total = trail.total.max(seen.total);
    if seen.rows == 0 {
        let stands_still = trail.empty_in_a_row > 0 && trail.place == seen.place;
        trail.standing_still = if stands_still { trail.standing_still.saturating_add(1) } else { 1 };
        trail.empty_in_a_row = trail.empty_in_a_row.saturating_add(1);
        trail.place = seen.place;
        return trail;
    }
    (trail.empty_in_a_row, trail.standing_still) = (0, 0);
    trail.pages_with_rows = trail.pages_with_rows.saturating_add(1);
    if trail.pages_with_rows.is_power_of_two() {
        (trail.landmark, trail.landmark_page, trail.seen_again) = (seen.content, page, 0);
    } else if trail.landmark == seen.content {
        trail.seen_again = trail.seen_again.saturating_add(1);
    }
    trail
}

fn is_endless(trail: &Trail, page_size: u32) -> Option<String> {
    if trail.seen_again >= MOST_REPEATS {
        return Some(format!("has returned the rows of page {} {} times more", trail.landmark_page, trail.seen_again));
    }
    if trail.standing_still >= MOST_STANDING_STILL {
        return Some(format!(
            "has returned {} pages without rows that differ in nothing but their number",
            trail.standing_still
        ));
    }
    if trail.empty_in_a_row >= MOST_EMPTY {
        return Some(format!("has returned {} pages without rows, one after the other", trail.empty_in_a_row));
    }
    let total = trail.total.filter(|total| *total > 0)?;
    let most = total.saturating_mul(MOST_TIMES_THE_TOTAL).saturating_add(PAGES_BEYOND * u64::from(page_size));
    (trail.rows > most).then(|| format!("has returned {} rows of {total} that it says it has", trail.rows))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn page(index: u32, cursor: Option<&str>) -> PageRef {
        PageRef { index, start_row: 0, cursor: cursor.map(str::to_owned) }
    }

    /// How many pages of these, each its content and its cursor, are read before the scan is given up; and why.
    fn given_up(pages: impl IntoIterator<Item = (u64, String)>, total: Option<u64>) -> Option<(u32, String)> {
        let mut trail = Trail::default();
        for (index, (content, cursor)) in (0..).zip(pages) {
            let fetched = FetchedPage {
                rows: if content == 0 { Vec::new() } else { vec![serde_json::Map::new()] },
                next: Vec::new(),
                total,
                content,
            };
            trail = follow(&trail, index, &Seen::of(&page(index, Some(&cursor)), &fetched));
            if let Some(found) = is_endless(&trail, 1) {
                return Some((index + 1, found));
            }
        }
        None
    }

    #[test]
    fn rows_that_come_again_and_again_are_noticed_however_long_the_circle_is() {
        for (before, circle) in [(0, 1), (0, 2), (5, 1), (3, 7), (100, 64), (1_000, 333)] {
            let pages = (1..=before).chain((0..).map(|n| 1_000_000 + n % circle));
            let (read, why) = given_up(pages.map(|content| (content, content.to_string())), None).unwrap();
            assert!(why.contains("times more"), "{why}");
            let pages = u32::try_from(before.max(circle)).unwrap();
            assert!(read <= 32 * pages.max(1), "{before}, {circle}: {read}");
        }
    }

    #[test]
    fn an_honest_source_is_never_given_up() {
        let cursors =
            |contents: Vec<u64>| contents.into_iter().enumerate().map(|(n, content)| (content, n.to_string()));
        // A million pages.
        assert_eq!(given_up(cursors((1..1_000_000).collect()), None), None);
        // A window that has grown, read four times in all.
        let window: Vec<u64> = (1..500).collect();
        assert_eq!(given_up(cursors(window.repeat(4)), Some(499)), None);
        // A shop that sold nothing for ten years, hour by hour, then something.
        let silence = [vec![0; 24 * 365 * 10], vec![1, 0, 2]].concat();
        assert_eq!(given_up(cursors(silence), None), None);
        // A total that is only the page's.
        assert_eq!(given_up(cursors((1..100).collect()), Some(1)), None);
    }

    #[test]
    fn pages_without_rows_end_sometime() {
        let still = std::iter::repeat_n((0, String::new()), 10_000);
        assert_eq!(given_up(still, None).unwrap().0, MOST_STANDING_STILL);
        let moving = (0..1_000_000).map(|n| (0, n.to_string()));
        assert_eq!(given_up(moving, None).unwrap().0, MOST_EMPTY);
    }

    #[test]
    fn more_rows_than_there_are_are_noticed() {
        let ever_other = (1..10_000).map(|content| (content, content.to_string()));
        let (read, why) = given_up(ever_other, Some(50)).unwrap();
        assert_eq!((read, why.as_str()), (501, "has returned 501 rows of 50 that it says it has"));
    }
}

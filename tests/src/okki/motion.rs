//! Lists whose rows move while somebody reads page after page, and rows that are not there yet.
//!
//! In which order OKKI lists companies and products is not documented. A row that is edited moves to one end of a list that is ordered
//! by its edits, and all others move by one place: towards pages that were read, or away from them. Both happen here.

use std::sync::Mutex;

use crate::lock;

#[derive(Clone, Copy, Debug)]
struct Shift {
    /// Pages till then.
    pages: usize,
    count: usize,
    ahead: bool,
}

#[derive(Debug, Default)]
struct Motions {
    waiting: Vec<Shift>,
    /// By how many places each row stands before its first, all in all.
    ahead: isize,
    hidden_companies: usize,
}

/// What moves, and what is hidden.
#[derive(Debug, Default)]
pub(crate) struct Motion(Mutex<Motions>);

impl Motion {
    pub(super) fn shift_after(&self, pages: usize, count: usize, ahead: bool) {
        self.with(|motions| motions.waiting.push(Shift { pages, count, ahead }));
    }

    pub(super) fn hide_companies(&self, count: usize) {
        self.with(|motions| motions.hidden_companies = count);
    }

    pub(super) fn hidden_companies(&self) -> usize {
        self.with(|motions| motions.hidden_companies)
    }

    /// The rows of a list in their order of now.
    pub(super) fn arranged<T>(&self, mut rows: Vec<T>) -> Vec<T> {
        let ahead = self.with(|motions| motions.ahead);
        if let Ok(length) = isize::try_from(rows.len())
            && length > 0
        {
            rows.rotate_left(ahead.rem_euclid(length).unsigned_abs());
        }
        rows
    }

    /// A page of a list was answered.
    pub(super) fn page_answered(&self) {
        self.with(|motions| {
            for shift in &mut motions.waiting {
                shift.pages = shift.pages.saturating_sub(1);
                if shift.pages == 0 {
                    let places = isize::try_from(shift.count).unwrap_or_default();
                    motions.ahead += if shift.ahead { places } else { -places };
                }
            }
            motions.waiting.retain(|shift| shift.pages > 0);
        });
    }

    fn with<R>(&self, act: impl FnOnce(&mut Motions) -> R) -> R {
        act(&mut lock(&self.0))
    }
}

//! A backfill: a chosen window that a person has asked to be scanned, slice by slice.

use serde::{Deserialize, Serialize};

/// A backfill to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewBackfill {
    /// Where its window begins, Unix seconds.
    pub start: i64,
    /// Where its window ends, Unix seconds; later than `start`.
    pub end: i64,
    /// How much of it is scanned at a time, seconds.
    pub slice: i64,
}

/// A backfill and how far it is. The last one of a scheme is kept until there is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Where its window begins, Unix seconds.
    pub start: i64,
    /// Where its window ends, Unix seconds.
    pub end: i64,
    /// How much of it is scanned at a time, seconds.
    pub slice: i64,
    /// Up to there its slices are scanned whole, Unix seconds.
    pub done_to: i64,
    /// Rows read.
    pub rows: u64,
    /// Rows that were new or changed.
    pub new: u64,
    /// Rows that were skipped.
    pub skipped: u64,
    /// Versions of bills that its finished slices made.
    pub bills: u64,
    /// Why it ended before its window did.
    pub given_up: Option<String>,
}

impl Backfill {
    /// Nothing of it is scanned yet.
    pub fn begin(new: NewBackfill) -> Self {
        let NewBackfill { start, end, slice } = new;
        Self { start, end, slice, done_to: start, rows: 0, new: 0, skipped: 0, bills: 0, given_up: None }
    }

    /// There is something left to scan.
    pub fn is_open(&self) -> bool {
        self.given_up.is_none() && self.done_to < self.end
    }

    /// A scan of this window was finished. One that has another reason moves it on, too, if it joins on to what is scanned.
    pub(in crate::journal) fn scanned(&mut self, start: Option<i64>, end: i64) {
        if start.is_none_or(|start| start <= self.done_to) && end <= self.end {
            self.done_to = self.done_to.max(end);
        }
    }

    /// The window of its next slice. It reaches back over the one before by `overlap`, and by a second at least: a request may leave out
    /// the second at which its window begins or ends.
    pub fn next_slice(&self, overlap: i64) -> Option<(i64, i64)> {
        if !self.is_open() {
            return None;
        }
        let start = self.done_to.saturating_sub(overlap.max(1)).max(self.start);
        Some((start, self.done_to.saturating_add(self.slice.max(1)).min(self.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_meet_with_an_overlap_and_stay_within_the_window() {
        let mut backfill = Backfill::begin(NewBackfill { start: 100, end: 350, slice: 100 });
        let mut slices = Vec::new();
        while let Some((start, end)) = backfill.next_slice(0) {
            slices.push((start, end));
            backfill.scanned(Some(start), end);
        }
        assert_eq!(slices, [(100, 200), (199, 300), (299, 350)]);
        let mut backfill = Backfill { done_to: 200, ..backfill };
        for (start, end) in [(250, 300), (100, 400), (0, 150)] {
            backfill.scanned(Some(start), end);
            assert_eq!(backfill.done_to, 200, "{start} to {end} is not what comes next");
        }
        assert_eq!(backfill.next_slice(150), Some((100, 300)));
        backfill.given_up = Some("because".to_owned());
        assert_eq!(backfill.next_slice(0), None);
    }
}

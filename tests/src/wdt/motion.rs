//! Rows that change while somebody reads page after page.
//!
//! Whoever counts pages upwards loses rows when an earlier row leaves its place, and whoever counts downwards meets rows twice when
//! a late one appears. Both happen at a known page here, so that a test can say which.

use std::io;

use jiff::civil::DateTime;

use super::state::State;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Touch,
    Appear,
}

#[derive(Clone, Copy, Debug)]
struct Motion {
    kind: Kind,
    pages: usize,
    count: usize,
}

/// What will happen, and after how many pages.
#[derive(Debug, Default)]
pub(super) struct Motions(Vec<Motion>);

impl Motions {
    pub(super) fn touch_after(&mut self, pages: usize, count: usize) {
        self.0.push(Motion { kind: Kind::Touch, pages, count });
    }

    pub(super) fn appear_after(&mut self, pages: usize, count: usize) {
        self.0.push(Motion { kind: Kind::Appear, pages, count });
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.len()
    }

    /// A page was answered of a window that ends at `end` and holds the refunds `ids`, in order. An empty window does not count.
    pub(super) fn page_answered(
        &mut self,
        state: &mut State,
        ids: &[u64],
        end: DateTime,
        now: DateTime,
    ) -> io::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        for motion in &mut self.0 {
            motion.pages = motion.pages.saturating_sub(1);
            if motion.pages > 0 {
                continue;
            }
            match motion.kind {
                Kind::Touch => state.touch(ids.get(..motion.count.min(ids.len())).unwrap_or(ids), now)?,
                Kind::Appear => state.add(motion.count, end.min(now))?,
            };
        }
        self.0.retain(|motion| motion.pages > 0);
        Ok(())
    }
}

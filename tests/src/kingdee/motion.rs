//! Orders that change while somebody reads page after page.

/// What will happen, and after how many queries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    queries: usize,
    count: usize,
}

impl Motion {
    pub(super) fn new(queries: usize, count: usize) -> Self {
        Self { queries, count }
    }

    /// How many orders change now that a query was answered; once.
    pub(super) fn query_answered(&mut self) -> Option<usize> {
        let is_due = self.queries == 1;
        self.queries = self.queries.saturating_sub(1);
        is_due.then_some(self.count)
    }
}

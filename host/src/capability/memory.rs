//! How much memory an instance may grow to.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use super::record::CallRecord;

/// Elements that a table of an instance may have: far more than a compiled program needs.
const TABLE_ELEMENTS: usize = 200_000;

/// Refuses growth beyond the limit, and notes that it did: the trap that follows says nothing of memory.
pub struct MemoryLimiter {
    limit: usize,
    used: usize,
    record: Arc<CallRecord>,
}

impl MemoryLimiter {
    pub(super) fn new(limit: u64, record: Arc<CallRecord>) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), used: 0, record }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // A component may have several memories: the limit is for all of them together.
        let total = self.used.saturating_add(desired.saturating_sub(current));
        if total > self.limit {
            self.record.exceed_memory();
            return Ok(false);
        }
        self.used = total;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}

//! A journal that cannot be changed: for work that must leave no trace, whatever it calls.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Attempt, BillLine, BillState, BillVersion, ClaimToMake, ClaimedBill, FoundRow, IndexFields, Intervened,
    Intervention, Journal, JournalError, NewBackfill, NewScan, PageRef, PageStored, PageToStore, ReadyBill, RefusedRow,
    RestageSettings, Restaged, RowsBrought, Scan, SchemeState, SetAside, Settled, Status,
};

/// What a row has in the fields of an index.
type ValuesOf = dyn for<'a> Fn(&'a [u8], &'a IndexFields) -> Option<Vec<String>> + Send + Sync;

/// A journal to look at; without one, an empty one. Whatever would change it is refused (`ReadOnly`). A lookup without an
/// index looks at every row, since it may not make one.
pub struct ReadOnly {
    journal: Option<Arc<dyn Journal>>,
    values_of: Box<ValuesOf>,
}

impl ReadOnly {
    /// This journal. `values_of` gives a row's values for an index.
    pub fn new(journal: Option<Arc<dyn Journal>>, values_of: Box<ValuesOf>) -> Self {
        Self { journal, values_of }
    }
}

#[async_trait]
impl Journal for ReadOnly {
    async fn scheme(&self, scheme: &str) -> Result<SchemeState, JournalError> {
        match &self.journal {
            Some(journal) => journal.scheme(scheme).await,
            None => Ok(SchemeState::default()),
        }
    }

    async fn schemes(&self) -> Result<Vec<String>, JournalError> {
        match &self.journal {
            Some(journal) => journal.schemes().await,
            None => Ok(Vec::new()),
        }
    }

    async fn ready(
        &self,
        _scheme: &str,
        _now_ms: i64,
        _limit: usize,
        _skip: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Vec<ReadyBill>, JournalError> {
        // What is ready is there to be delivered.
        Ok(Vec::new())
    }

    async fn next_due(&self, _scheme: &str) -> Result<Option<i64>, JournalError> {
        Ok(None)
    }

    async fn rows_of_bills(&self, scheme: &str, bills: &[&str]) -> Result<HashMap<String, Vec<Vec<u8>>>, JournalError> {
        match &self.journal {
            Some(journal) => journal.rows_of_bills(scheme, bills).await,
            None => Ok(HashMap::new()),
        }
    }

    async fn refused_rows(
        &self,
        scheme: &str,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Vec<RefusedRow>, JournalError> {
        match &self.journal {
            Some(journal) => journal.refused_rows(scheme, limit, after).await,
            None => Ok(Vec::new()),
        }
    }

    async fn claimed(&self, scheme: &str) -> Result<Vec<ClaimedBill>, JournalError> {
        match &self.journal {
            Some(journal) => journal.claimed(scheme).await,
            None => Ok(Vec::new()),
        }
    }

    async fn uncertain(&self, scheme: &str, until_ms: i64) -> Result<Vec<ClaimedBill>, JournalError> {
        match &self.journal {
            Some(journal) => journal.uncertain(scheme, until_ms).await,
            None => Ok(Vec::new()),
        }
    }

    async fn look_up(
        &self,
        collection: &str,
        fields: &IndexFields,
        values: &[String],
        accept: &(dyn for<'a> Fn(&'a [u8]) -> bool + Send + Sync),
    ) -> Result<Option<FoundRow>, JournalError> {
        let Some(journal) = &self.journal else { return Ok(None) };
        match journal.look_up(collection, fields, values, accept).await {
            Err(JournalError::IndexMissing { .. }) => {
                let has_values = |row: &[u8]| (self.values_of)(row, fields).as_deref() == Some(values);
                let is_wanted = |row: &[u8]| has_values(row) && accept(row);
                journal.search(collection, &is_wanted).await
            }
            found => found,
        }
    }

    async fn search(
        &self,
        collection: &str,
        is_wanted: &(dyn for<'a> Fn(&'a [u8]) -> bool + Send + Sync),
    ) -> Result<Option<FoundRow>, JournalError> {
        match &self.journal {
            Some(journal) => journal.search(collection, is_wanted).await,
            None => Ok(None),
        }
    }

    async fn bills(
        &self,
        scheme: &str,
        status: Status,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Vec<BillLine>, JournalError> {
        match &self.journal {
            Some(journal) => journal.bills(scheme, status, limit, after).await,
            None => Ok(Vec::new()),
        }
    }

    async fn bill(&self, scheme: &str, bill: &str) -> Result<Option<BillState>, JournalError> {
        match &self.journal {
            Some(journal) => journal.bill(scheme, bill).await,
            None => Ok(None),
        }
    }

    async fn attempts(&self, scheme: &str, bill: &str) -> Result<Vec<Attempt>, JournalError> {
        match &self.journal {
            Some(journal) => journal.attempts(scheme, bill).await,
            None => Ok(Vec::new()),
        }
    }

    async fn intervene(
        &self,
        _: &str,
        _: Vec<String>,
        _: Intervention,
        _: i64,
    ) -> Result<Vec<Intervened>, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn pause(&self, _: &str, _: Option<i64>) -> Result<(), JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn note_attempts(&self, _: Vec<Attempt>) -> Result<(), JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn drop_attempts(&self, _: &str, _: i64) -> Result<u64, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn begin_scan(&self, _: &str, _: NewScan) -> Result<Scan, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn restart_scan(&self, _: &str, _: u64, _: PageRef, _: String) -> Result<Scan, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn store_page(&self, _: PageToStore) -> Result<PageStored, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn plan_backfill(&self, _: &str, _: NewBackfill) -> Result<(), JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn give_up_pages(&self, _: &str, _: u64, _: String) -> Result<(), JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn release(&self, _: &str) -> Result<(), JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn finish_scan(&self, _: &str, _: u64) -> Result<u64, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn restage(&self, _: &str, _: Vec<Restaged>, _: RestageSettings) -> Result<u64, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn regroup(
        &self,
        _: &str,
        _: &str,
        _: bool,
        _: &(dyn for<'a> Fn(&'a str, &'a [u8]) -> Option<String> + Send + Sync),
    ) -> Result<u64, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn purge(&self, _: &str) -> Result<u64, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn claim(&self, _: Vec<ClaimToMake>, _: i64) -> Result<Vec<ClaimedBill>, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn end_doubt(&self, _: &str, _: bool) -> Result<bool, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn settle_bringing(
        &self,
        _: Vec<(BillVersion, Settled)>,
        _: Vec<RowsBrought>,
        _: Vec<Attempt>,
    ) -> Result<(), JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn set_aside(&self, _: Vec<(BillVersion, SetAside)>) -> Result<(), JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn revive(
        &self,
        _: &str,
        _: &(dyn for<'a> Fn(&'a str) -> Option<String> + Send + Sync),
        _: i64,
    ) -> Result<u64, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn ensure_indexes(
        &self,
        _: &str,
        _: &[IndexFields],
        _: &(dyn for<'a> Fn(&'a [u8], &'a IndexFields) -> Option<Vec<String>> + Send + Sync),
    ) -> Result<u64, JournalError> {
        Err(JournalError::ReadOnly)
    }

    async fn missing_indexes(
        &self,
        collection: &str,
        indexes: &[IndexFields],
    ) -> Result<Vec<IndexFields>, JournalError> {
        match &self.journal {
            Some(journal) => journal.missing_indexes(collection, indexes).await,
            None => Ok(Vec::new()),
        }
    }

    async fn count_rows(&self, collection: &str) -> Result<u64, JournalError> {
        match &self.journal {
            Some(journal) => journal.count_rows(collection).await,
            None => Ok(0),
        }
    }
}

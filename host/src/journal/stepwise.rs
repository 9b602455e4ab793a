//! Operations of several commits.
//!
//! None of them needs more memory than one of its steps, nor keeps the writer from others for longer. Each step reads, asks
//! whoever called what to make of it, and commits; each commit leaves the store in a state from which the operation goes
//! on when it is called again.

use super::sled_store::{SledStore, blocking};
use super::{FoundRow, IndexFields, JournalError, Problem};
use super::{attempts, bills, lookups, purge, regroup, scans, vanished};

/// Says an index's values of a row.
type Values<'f> = &'f (dyn for<'a> Fn(&'a [u8], &'a IndexFields) -> Option<Vec<String>> + Send + Sync);

impl SledStore {
    pub(super) async fn finish(&self, scheme: &str, scan: u64) -> Result<u64, JournalError> {
        self.remove_vanished(scheme, scan).await?;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let (scheme, behind) = (scheme.to_owned(), after.take());
            let some = self.commit(move |txn| scans::finish_some(txn, &scheme, scan, behind.as_deref())).await?;
            match some {
                scans::Finishing::Sealing => {}
                scans::Finishing::Releasing(last) => after = last,
                scans::Finishing::Over(bills) => return Ok(bills),
            }
        }
    }

    pub(super) async fn release_all(&self, collection: &str) -> Result<(), JournalError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let (collection, behind) = (collection.to_owned(), after.take());
            after = self.commit(move |txn| scans::release_some(txn, &collection, behind.as_deref())).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    pub(super) async fn drop_old_attempts(&self, scheme: &str, before_ms: i64) -> Result<u64, JournalError> {
        let mut dropped = 0;
        loop {
            let name = scheme.to_owned();
            match self.commit(move |txn| attempts::drop_some(txn, &name, before_ms)).await? {
                None => return Ok(dropped),
                Some(some) => dropped += some,
            }
        }
    }

    /// Takes out of the collection what a scan shows to be gone, before its bills are sealed.
    async fn remove_vanished(&self, scheme: &str, scan: u64) -> Result<(), JournalError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let (tree, name) = (self.journal().clone(), scheme.to_owned());
            let mut found = blocking(move || vanished::search(&tree, &name, scan, after.as_deref())).await?;
            while !found.gone.is_empty() {
                let (name, gone) = (scheme.to_owned(), found.next_to_remove());
                self.commit(move |txn| vanished::remove(txn, &name, scan, &gone)).await?;
            }
            after = found.after;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Walks an index from the latest row back.
    pub(super) async fn walk(
        &self,
        collection: &str,
        fields: &IndexFields,
        values: &[String],
        accept: lookups::Accept<'_>,
    ) -> Result<Option<FoundRow>, JournalError> {
        let mut walk = lookups::Walk::default();
        loop {
            match self.read(|tree| walk.step(tree, collection, fields, values, accept))? {
                lookups::Walked::Found(row) => return Ok(Some(row)),
                lookups::Walked::Nothing => return Ok(None),
                lookups::Walked::On => tokio::task::yield_now().await,
            }
        }
    }

    pub(super) async fn build_and_drop_indexes(
        &self,
        collection: &str,
        indexes: &[IndexFields],
        values: Values<'_>,
    ) -> Result<u64, JournalError> {
        let (name, wanted) = (collection.to_owned(), indexes.to_vec());
        let mut rows = 0;
        for work in self.commit(move |txn| lookups::want(txn, &name, &wanted)).await? {
            match work {
                lookups::Work::Build(index, fields) => {
                    rows += self.build_index(collection, index, &fields, values).await?;
                }
                lookups::Work::Remove(index) => loop {
                    let name = collection.to_owned();
                    if self.commit(move |txn| lookups::remove_some(txn, &name, index)).await? {
                        break;
                    }
                },
            }
        }
        Ok(rows)
    }

    /// Builds an index from the rows there are; pages may be stored meanwhile. Returns how many rows it added.
    async fn build_index(
        &self,
        collection: &str,
        index: u64,
        fields: &IndexFields,
        values: Values<'_>,
    ) -> Result<u64, JournalError> {
        let mut added = 0;
        loop {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let (rows, last) =
                    self.read(|tree| lookups::rows_without(tree, collection, index, after.as_deref()))?;
                let Some(last) = last else { break };
                after = Some(last);
                let rows: Vec<_> =
                    rows.into_iter().filter_map(|row| Some((row.id, row.stored, values(&row.json, fields)?))).collect();
                let collection = collection.to_owned();
                added += self.commit(move |txn| lookups::add_some(txn, &collection, index, rows)).await?;
            }
            let collection = collection.to_owned();
            if self.commit(move |txn| lookups::complete(txn, &collection, index)).await? {
                return Ok(added);
            }
        }
    }

    /// `is_mended`: whether what a bill died of may be mended.
    pub(super) async fn revive_mended(
        &self,
        scheme: &str,
        is_mended: &(dyn for<'a> Fn(&'a Problem) -> bool + Send + Sync),
        now_ms: i64,
    ) -> Result<u64, JournalError> {
        let (mut revived, mut after): (u64, Option<Vec<u8>>) = (0, None);
        loop {
            let (mut dead, last) = self.read(|tree| bills::dead_behind(tree, scheme, after.as_deref()))?;
            let Some(last) = last else { return Ok(revived) };
            after = Some(last);
            dead.retain(|(_, problem)| is_mended(problem));
            if !dead.is_empty() {
                let scheme = scheme.to_owned();
                revived += self.commit(move |txn| bills::revive(txn, &scheme, &dead, now_ms)).await?;
            }
        }
    }

    pub(super) async fn regroup_all(
        &self,
        scheme: &str,
        grouping: &str,
        merges: bool,
        bill_of: regroup::BillOf<'_>,
    ) -> Result<u64, JournalError> {
        let (name, wanted) = (scheme.to_owned(), grouping.to_owned());
        let Some(regrouping) = self.commit(move |txn| regroup::begin(txn, &name, &wanted)).await? else {
            return Ok(0);
        };
        let mut is_marked = regrouping.marked;
        let mut after: Option<Vec<u8>> = None;
        while !is_marked {
            let (name, regrouping, behind) = (scheme.to_owned(), regrouping.clone(), after.take());
            after = self.commit(move |txn| regroup::mark_some(txn, &name, &regrouping, behind.as_deref())).await?;
            is_marked = after.is_none();
        }
        loop {
            let (bills, last) = self.read(|tree| regroup::bills_behind(tree, scheme, &regrouping, after.as_deref()))?;
            let Some(last) = last else { break };
            after = Some(last);
            let left: Vec<_> = bills.into_iter().filter_map(|bill| regroup::Left::of(bill, bill_of)).collect();
            if !left.is_empty() {
                let name = scheme.to_owned();
                self.commit(move |txn| regroup::move_some(txn, &name, &left)).await?;
            }
        }
        let mut made = 0;
        loop {
            let (name, regrouping) = (scheme.to_owned(), regrouping.clone());
            let (some, done) = self.commit(move |txn| regroup::make_some(txn, &name, &regrouping, merges)).await?;
            made += some;
            if done {
                return Ok(made);
            }
        }
    }

    pub(super) async fn forget(&self, scheme: &str) -> Result<u64, JournalError> {
        let name = scheme.to_owned();
        if !self.commit(move |txn| purge::begin(txn, &name)).await? {
            return Ok(0);
        }
        let mut rows = 0;
        loop {
            let name = scheme.to_owned();
            let (some, done) = self.commit(move |txn| purge::forget_some(txn, &name)).await?;
            rows += some;
            if done {
                return Ok(rows);
            }
        }
    }
}

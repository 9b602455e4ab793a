//! The embedded store: [sled](https://docs.rs/sled), an ordered map in one folder.
//!
//! It has two trees, the journal and the key-value store. The reason for each choice is in the module that makes it:
//! [`key`](super::key) and [`record`](super::record) for what lies in them, [`writer`](super::writer) and
//! [`txn`](super::txn) for how it changes, [`scans`](super::scans), [`collection`](super::collection),
//! [`groups`](super::groups), [`refused`](super::refused), [`vanished`](super::vanished), [`lookups`](super::lookups),
//! [`bill`](super::bill), [`books`](super::books), [`bills`](super::bills) and [`kv`](super::kv) for what it means,
//! [`regroup`](super::regroup) and [`purge`](super::purge) for what [turns a scheme over](super::overhaul),
//! [`stepwise`](super::stepwise) for what takes several commits, [`audit`](super::audit) for whether it holds.
//!
//! Reads go straight to the tree on the task that asks: they take microseconds. What walks a whole scheme runs on a
//! blocking thread. A read of several records holds the gate, so that it sees all of a commit or nothing of it.
//!
//! "Synced" is what sled gives: `sync_file_range` on Linux, `fsync` elsewhere. That outlives the process, however it ends;
//! a machine that loses its power may lose what its disk had not yet written. That the store has lost something is noticed
//! by its [`mark`](super::mark) when it is opened, [`check`](super::check) says whether it can be gone on with, and
//! [`loss`](super::loss) what follows. Where sled panics there is an error ([`caught`](super::caught)).

use std::collections::HashMap;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use sled::{Db, Tree};

use super::caught::caught;
use super::key::{Key, Kind};
use super::mark::{Left, Mark};
use super::record::{FORMAT, SchemeRecord};
use super::txn::{Read, Txn, unreadable};
use super::writer::{Gate, Writer};
use super::{
    Attempt, BillLine, BillState, BillVersion, ClaimToMake, ClaimedBill, Counts, FoundRow, IndexFields, Intervened,
    Intervention, Journal, JournalError, NewBackfill, NewScan, PageRef, PageStored, PageToStore, Problem, ReadyBill,
    RefusedRow, RestageSettings, Restaged, RowsBrought, Scan, SchemeState, SetAside, Settled, Status,
};
use super::{attempts, audit, bills, books, brought, check, groups, interventions, lookups, loss, refused, scans};

/// The store's subfolder of the state folder.
const FOLDER: &str = "journal";

/// Bytes of pages that sled keeps in memory: what a delivery works on at a time. The rest is in the file cache of the system.
const CACHE: u64 = 4 * 1024 * 1024;

/// The journal and the key-value store of one state folder.
///
/// Dropping it waits until everything queued is written; then the folder may be opened again.
#[derive(Debug)]
pub struct SledStore {
    // In the order in which they are dropped: the writer ends before the trees close.
    writer: Writer,
    journal: Tree,
    state: Tree,
    gate: Gate,
    _db: Db,
}

impl SledStore {
    /// Whether the state folder `path` has a store.
    pub fn exists(path: &Path) -> bool {
        path.join(FOLDER).exists()
    }

    /// Opens the state folder `path`, making it (mode 0700) if it is not there. The store lies in its subfolder `journal`.
    /// What the store has lost since it was open last is noted, and said in the log ([`SchemeState::in_doubt`]).
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_checked(path, check::recover)
    }

    /// Opens a copy of a store, whose mark was left behind.
    pub(super) fn open_copy(path: &Path) -> Result<Self, JournalError> {
        Self::open_checked(path, |_, _, _| Ok(()))
    }

    fn open_checked(
        path: &Path,
        recover: impl FnOnce(&Tree, Left, &Path) -> Result<(), JournalError>,
    ) -> Result<Self, JournalError> {
        let not_opened = |reason: String| JournalError::Store { action: "opened", reason };
        make_private(path).map_err(|e| not_opened(format!("folder `{}`: {e}", path.display())))?;
        let folder = path.join(FOLDER);
        let opened = caught("opened", || {
            let db = open_db(path)?;
            let open_tree = |name: &str| db.open_tree(name).map_err(|error| JournalError::of_opening(&error));
            let (journal, state) = (open_tree("journal")?, open_tree("state")?);
            check_format(&journal, path)?;
            let (mut mark, left) = Mark::open(&db, path)?;
            recover(&journal, left, &folder)?;
            mark.begin(&db)?;
            Ok((db, journal, state, mark))
        });
        let (db, journal, state, mark) = opened.map_err(|error| error.of_folder(&folder))?;
        let gate = Gate::default();
        let writer = Writer::start(db.clone(), gate.clone(), mark)?;
        Ok(Self { writer, journal, state, gate, _db: db })
    }

    /// Waits until the store fails: nothing is written any more then. Why it did.
    pub async fn failed(&self) -> JournalError {
        self.writer.failed().await
    }

    /// Recomputes a scheme's books from its bills, and checks that every record is found where it should be. Rows are
    /// counted when they are read and leave no trace of having been skipped: `rows`, `new` and `skipped` are given as the
    /// books have them. `Damaged` tells what does not agree. Commits wait meanwhile.
    pub async fn audit(&self, scheme: &str) -> Result<Counts, JournalError> {
        let (tree, gate, scheme) = (self.journal.clone(), self.gate.clone(), scheme.to_owned());
        blocking(move || {
            let _no_commit = gate.read().unwrap_or_else(PoisonError::into_inner);
            audit::audit(&tree, &scheme)
        })
        .await
    }

    /// Reads the journal between two commits.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Tree) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let _no_commit = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        caught("read", || read(&self.journal))
    }

    pub(super) async fn commit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.writer.commit(&self.journal, change).await
    }

    pub(super) fn journal(&self) -> &Tree {
        &self.journal
    }

    /// The tree of the key-value store.
    pub(super) fn state(&self) -> &Tree {
        &self.state
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }
}

#[async_trait]
impl Journal for SledStore {
    async fn scheme(&self, scheme: &str) -> Result<SchemeState, JournalError> {
        self.read(|tree| {
            let record = scans::scheme_record(tree, scheme)?;
            Ok(SchemeState {
                grouping: record.grouping,
                paused_ms: record.paused_ms,
                last_sync: record.last_sync,
                last_finished_scan_begun_ms: record.last_finished_scan_begun_ms,
                scan: record.scan.map(|record| record.scan),
                backfill: record.backfill,
                in_doubt: loss::in_doubt(tree, scheme)?,
                counts: books::counts(tree, scheme)?,
            })
        })
    }

    async fn schemes(&self) -> Result<Vec<String>, JournalError> {
        self.read(check::schemes)
    }

    async fn begin_scan(&self, scheme: &str, scan: NewScan) -> Result<Scan, JournalError> {
        let scheme = scheme.to_owned();
        self.commit(move |txn| scans::begin(txn, &scheme, scan)).await
    }

    async fn store_page(&self, page: PageToStore) -> Result<PageStored, JournalError> {
        self.commit(move |txn| scans::store_page(txn, &page)).await
    }

    async fn plan_backfill(&self, scheme: &str, backfill: NewBackfill) -> Result<(), JournalError> {
        let scheme = scheme.to_owned();
        self.commit(move |txn| scans::plan_backfill(txn, &scheme, backfill)).await
    }

    async fn give_up_pages(&self, scheme: &str, scan: u64, reason: String) -> Result<(), JournalError> {
        let scheme = scheme.to_owned();
        self.commit(move |txn| scans::give_up_pages(txn, &scheme, scan, reason)).await
    }

    async fn release(&self, collection: &str) -> Result<(), JournalError> {
        self.release_all(collection).await
    }

    async fn finish_scan(&self, scheme: &str, scan: u64) -> Result<u64, JournalError> {
        self.finish(scheme, scan).await
    }

    async fn ready(
        &self,
        scheme: &str,
        now_ms: i64,
        limit: usize,
        skip: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Vec<ReadyBill>, JournalError> {
        self.read(|tree| bills::ready(tree, scheme, now_ms, limit, skip))
    }

    async fn next_due(&self, scheme: &str) -> Result<Option<i64>, JournalError> {
        self.read(|tree| bills::next_due(tree, scheme))
    }

    async fn rows_of_bills(&self, scheme: &str, bills: &[&str]) -> Result<HashMap<String, Vec<Vec<u8>>>, JournalError> {
        self.read(|tree| groups::rows_of(tree, scheme, bills))
    }

    async fn claim(&self, claims: Vec<ClaimToMake>, now_ms: i64) -> Result<Vec<ClaimedBill>, JournalError> {
        self.commit(move |txn| bills::claim(txn, claims, now_ms)).await
    }

    async fn settle_bringing(
        &self,
        outcomes: Vec<(BillVersion, Settled)>,
        brought: Vec<RowsBrought>,
        made: Vec<Attempt>,
    ) -> Result<(), JournalError> {
        self.commit(move |txn| {
            attempts::note(txn, &made)?;
            bills::settle(txn, outcomes)?;
            brought.iter().try_for_each(|brought| brought::bring(txn, brought))
        })
        .await
    }

    async fn note_attempts(&self, made: Vec<Attempt>) -> Result<(), JournalError> {
        self.commit(move |txn| attempts::note(txn, &made)).await
    }

    async fn attempts(&self, scheme: &str, bill: &str) -> Result<Vec<Attempt>, JournalError> {
        self.read(|tree| attempts::of_bill(tree, scheme, bill))
    }

    async fn drop_attempts(&self, scheme: &str, before_ms: i64) -> Result<u64, JournalError> {
        self.drop_old_attempts(scheme, before_ms).await
    }

    async fn bill(&self, scheme: &str, bill: &str) -> Result<Option<BillState>, JournalError> {
        self.read(|tree| interventions::state(tree, scheme, bill))
    }

    async fn intervene(
        &self,
        scheme: &str,
        bills: Vec<String>,
        decided: Intervention,
        now_ms: i64,
    ) -> Result<Vec<Intervened>, JournalError> {
        let scheme = scheme.to_owned();
        self.commit(move |txn| {
            bills.iter().map(|bill| interventions::intervene(txn, &scheme, bill, &decided, now_ms)).collect()
        })
        .await
    }

    async fn pause(&self, scheme: &str, since_ms: Option<i64>) -> Result<(), JournalError> {
        let scheme = scheme.to_owned();
        self.commit(move |txn| {
            let record = scans::scheme_record(txn, &scheme)?;
            let paused_ms = since_ms.map(|since_ms| record.paused_ms.unwrap_or(since_ms));
            txn.put_record(scans::scheme_key(&scheme), &SchemeRecord { paused_ms, ..record })
        })
        .await
    }

    async fn end_doubt(&self, scheme: &str, confirmed: bool) -> Result<bool, JournalError> {
        if !self.read(|tree| loss::in_doubt(tree, scheme))? {
            return Ok(false);
        }
        let scheme = scheme.to_owned();
        self.commit(move |txn| loss::end(txn, &scheme, confirmed)).await
    }

    async fn set_aside(&self, bills: Vec<(BillVersion, SetAside)>) -> Result<(), JournalError> {
        self.commit(move |txn| bills::set_aside(txn, bills)).await
    }

    async fn restart_scan(
        &self,
        scheme: &str,
        scan: u64,
        first_page: PageRef,
        source_digest: String,
    ) -> Result<Scan, JournalError> {
        let scheme = scheme.to_owned();
        self.commit(move |txn| scans::restart(txn, &scheme, scan, first_page, source_digest)).await
    }

    async fn refused_rows(
        &self,
        scheme: &str,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Vec<RefusedRow>, JournalError> {
        self.read(|tree| refused::refused_rows(tree, scheme, limit, after))
    }

    async fn restage(&self, scheme: &str, rows: Vec<Restaged>, how: RestageSettings) -> Result<u64, JournalError> {
        let scheme = scheme.to_owned();
        self.commit(move |txn| refused::restage(txn, &scheme, &rows, &how)).await
    }

    async fn regroup(
        &self,
        scheme: &str,
        grouping: &str,
        merges: bool,
        bill_of: &(dyn for<'a> Fn(&'a str, &'a [u8]) -> Option<String> + Send + Sync),
    ) -> Result<u64, JournalError> {
        self.regroup_all(scheme, grouping, merges, bill_of).await
    }

    async fn purge(&self, scheme: &str) -> Result<u64, JournalError> {
        self.forget(scheme).await
    }

    async fn revive(
        &self,
        scheme: &str,
        now: &(dyn for<'a> Fn(&'a str) -> Option<String> + Send + Sync),
        now_ms: i64,
    ) -> Result<u64, JournalError> {
        let is_mended = |problem: &Problem| {
            problem.depends_on.iter().any(|seen| now(&seen.name).as_deref() != Some(seen.digest.as_str()))
        };
        self.revive_mended(scheme, &is_mended, now_ms).await
    }

    async fn claimed(&self, scheme: &str) -> Result<Vec<ClaimedBill>, JournalError> {
        self.read(|tree| bills::claimed(tree, scheme))
    }

    async fn uncertain(&self, scheme: &str, until_ms: i64) -> Result<Vec<ClaimedBill>, JournalError> {
        self.read(|tree| bills::uncertain(tree, scheme, until_ms))
    }

    async fn look_up(
        &self,
        collection: &str,
        fields: &IndexFields,
        values: &[String],
        accept: &(dyn for<'a> Fn(&'a [u8]) -> bool + Send + Sync),
    ) -> Result<Option<FoundRow>, JournalError> {
        self.walk(collection, fields, values, accept).await
    }

    async fn search(
        &self,
        collection: &str,
        is_wanted: &(dyn for<'a> Fn(&'a [u8]) -> bool + Send + Sync),
    ) -> Result<Option<FoundRow>, JournalError> {
        let mut latest: Option<FoundRow> = None;
        let mut after: Option<Vec<u8>> = None;
        loop {
            // A step at a time, so that commits do not wait for the whole.
            let (rows, last) =
                self.read(|tree| lookups::rows_without(tree, collection, lookups::NO_INDEX, after.as_deref()))?;
            for row in rows.into_iter().filter(|row| is_wanted(&row.json)) {
                let found = FoundRow { json: row.json, stored: (row.stored, row.id) };
                if latest.as_ref().is_none_or(|latest| latest.stored < found.stored) {
                    latest = Some(found);
                }
            }
            match last {
                Some(_) => after = last,
                None => return Ok(latest),
            }
            tokio::task::yield_now().await;
        }
    }

    async fn ensure_indexes(
        &self,
        collection: &str,
        indexes: &[IndexFields],
        values: &(dyn for<'a> Fn(&'a [u8], &'a IndexFields) -> Option<Vec<String>> + Send + Sync),
    ) -> Result<u64, JournalError> {
        self.build_and_drop_indexes(collection, indexes, values).await
    }

    async fn missing_indexes(
        &self,
        collection: &str,
        indexes: &[IndexFields],
    ) -> Result<Vec<IndexFields>, JournalError> {
        self.read(|tree| lookups::missing_indexes(tree, collection, indexes))
    }

    async fn count_rows(&self, collection: &str) -> Result<u64, JournalError> {
        let (tree, collection) = (self.journal.clone(), collection.to_owned());
        blocking(move || lookups::count_rows(&tree, &collection)).await
    }

    async fn bills(
        &self,
        scheme: &str,
        status: Status,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Vec<BillLine>, JournalError> {
        let (tree, scheme, after) = (self.journal.clone(), scheme.to_owned(), after.map(str::to_owned));
        blocking(move || bills::bills(&tree, &scheme, status, limit, after.as_deref())).await
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    match tokio::task::spawn_blocking(|| caught("read", work)).await {
        Ok(done) => done,
        Err(e) => Err(JournalError::Store { action: "read", reason: e.to_string() }),
    }
}

#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

pub(super) fn open_db(path: &Path) -> Result<Db, JournalError> {
    // A store that was dropped in this process keeps its lock for the instant until its last background task is gone.
    let mut patience = 20;
    loop {
        match sled::Config::new().path(path.join(FOLDER)).cache_capacity(CACHE).open() {
            Ok(db) => return Ok(db),
            // sled gives no other sign of it (`config.rs`, `try_lock`).
            Err(sled::Error::Io(e)) if e.to_string().starts_with("could not acquire lock") => {
                if patience == 0 {
                    return Err(JournalError::InUse { path: path.display().to_string() });
                }
                patience -= 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(JournalError::of_opening(&error)),
        }
    }
}

/// A new store gets its format's number; another format is refused.
fn check_format(journal: &Tree, path: &Path) -> Result<(), JournalError> {
    let not_written = |error: sled::Error| JournalError::of_opening(&error);
    let key = Key::new(Kind::Format);
    let found = match Read::get(journal, &key)? {
        Some(bytes) => <[u8; 4]>::try_from(bytes.as_ref()).map_or(0, u32::from_be_bytes),
        None if journal.first().map_err(unreadable)?.is_none() => {
            journal.insert(key.bytes(), &FORMAT.to_be_bytes()).map_err(not_written)?;
            journal.flush().map_err(not_written)?;
            FORMAT
        }
        None => 0,
    };
    if found == FORMAT {
        return Ok(());
    }
    Err(JournalError::Format { path: path.display().to_string(), found, expected: FORMAT })
}

//! What the journal promises, rule by rule, and against a model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod attempts;
mod bills;
mod brought;
mod damage;
mod interventions;
mod kv;
mod looking;
mod lookups;
mod model;
mod purge;
mod reference;
mod refused;
mod regroup;
mod restage;
mod restart;
mod revive;
mod rows;
mod store;
mod timing;
mod vanished;

use std::path::Path;
use std::task::Poll;

use tempfile::TempDir;

use super::*;

/// When scan `n` of the tests begins, Unix milliseconds.
fn begun_ms(scan: u64) -> i64 {
    i64::try_from(scan).unwrap() * 1_000
}

/// Later than anything that the tests make due.
const LATE: i64 = 1_000_000_000;

fn page(index: u32) -> PageRef {
    PageRef { index, start_row: 0, cursor: Some(format!("游标-{index}")) }
}

/// A row of bill `bill` whose content is told by one number; it can be found by that number.
fn row(id: &str, bill: &str, content: u8) -> RowToStore {
    RowToStore {
        id: id.into(),
        digest: [content; 16],
        bill: bill.into(),
        json: json(id, content),
        // By content, and the index over no fields, for pages that have it.
        index_values: vec![Some(vec![content.to_string()]), Some(vec![])],
        refused: None,
    }
}

/// The same, refused by a stage.
fn refused(id: &str, bill: &str, content: u8) -> RowToStore {
    RowToStore { refused: Some(problem(&format!("必填 {content}"))), ..row(id, bill, content) }
}

fn json(id: &str, content: u8) -> Vec<u8> {
    serde_json::json!({ "编号": id, "内容": content }).to_string().into_bytes()
}

/// What `look_up` is given: takes every row.
fn any_row(_: &[u8]) -> bool {
    true
}

fn by_content() -> IndexFields {
    vec!["内容".to_owned()]
}

/// What `ensure_indexes` is given: the values of a row in an index, numbers as text.
fn values_of(json: &[u8], fields: &IndexFields) -> Option<Vec<String>> {
    let row: serde_json::Value = serde_json::from_slice(json).unwrap();
    fields
        .iter()
        .map(|field| match row.get(field)? {
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
        .collect()
}

fn page_of(scheme: &str, scan: u64, index: u32, rows: Vec<RowToStore>) -> PageToStore {
    PageToStore {
        scheme: scheme.into(),
        scan,
        page: page(index),
        next: vec![],
        trail: Trail::default(),
        give_up: None,
        rows,
        left_out: 0,
        on_change: OnChange::Redeliver,
        makes_bills: true,
        merges: true,
        complete_bills: false,
        indexes: vec![by_content()],
    }
}

fn problem(message: &str) -> Problem {
    Problem {
        kind: "rejected".into(),
        code: Some("500".into()),
        message: message.into(),
        hint: None,
        at_ms: 7,
        depends_on: vec![depends_on("table:物料", "旧")],
    }
}

fn depends_on(name: &str, digest: &str) -> Dependency {
    Dependency { name: name.into(), digest: digest.into() }
}

fn receipt(number: &str) -> Receipt {
    Receipt {
        id: Some("9007199254740993".into()),
        number: Some(number.into()),
        reply: format!("{{\"单号\":\"{number}\"}}"),
    }
}

fn version(scheme: &str, bill: &str, version: u32) -> BillVersion {
    BillVersion { scheme: scheme.into(), bill: bill.into(), version }
}

fn to_claim(version: BillVersion) -> ClaimToMake {
    ClaimToMake {
        version,
        intent: Intent::Create,
        number: Some("SO-1".into()),
        payload: "{\"金额\":12.50}".into(),
        plugin_digest: "abc".into(),
    }
}

/// Gives a future up when it has waited so many times, as a crash would; what it found if it ended before.
async fn cut_off<T>(future: impl Future<Output = T>, after: u32) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut waited = 0;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if waited == after => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

/// A store in a folder of its own, and short words for what tests do with it.
struct Bench {
    store: SledStore,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SledStore::open(&folder.path().join("state")).unwrap();
        Self { store, folder }
    }

    /// As after a restart.
    fn reopen(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        let store = SledStore::open(&folder.path().join("state")).unwrap();
        Self { store, folder }
    }

    /// As a host that was killed left it; of the store that is open nothing more is written.
    fn killed(self) -> Self {
        let folder = self.as_on_disk();
        Self { store: SledStore::open(&folder.path().join("state")).unwrap(), folder }
    }

    /// The state folder as it is on the disk now, in another place. What was answered is in it.
    fn as_on_disk(&self) -> TempDir {
        let state = self.folder.path().join("state");
        loop {
            let folder = TempDir::new().unwrap();
            copy(&state, &folder.path().join("state"));
            // The store tidies up by itself: a copy is of one instant if nothing was written meanwhile.
            if is_copy(&state, &folder.path().join("state")) {
                return folder;
            }
        }
    }

    /// Changes what is stored behind the journal's back.
    fn tamper(self, change: impl FnOnce(&sled::Tree)) -> Self {
        let Self { store, folder } = self;
        drop(store);
        let path = folder.path().join("state");
        let db = sled_store::open_db(&path).unwrap();
        change(&db.open_tree("journal").unwrap());
        drop(db);
        Self { store: SledStore::open(&path).unwrap(), folder }
    }

    async fn begin(&self, scheme: &str) -> u64 {
        let scans = self.store.scheme(scheme).await.unwrap().last_finished_scan_begun_ms;
        let next = scans.map_or(1, |ms| u64::try_from(ms / 1_000).unwrap() + 1);
        let new = NewScan {
            kind: ScanKind::Scheduled,
            window_start: None,
            window_end: begun_ms(next) / 1_000,
            begun_ms: begun_ms(next),
            source_digest: "源".into(),
            first_page: page(0),
        };
        self.store.begin_scan(scheme, new).await.unwrap().id
    }

    /// A whole scan of one page, as `shape` makes it; says how many bills it made.
    async fn scan_as(
        &self,
        scheme: &str,
        rows: Vec<RowToStore>,
        shape: impl FnOnce(&mut PageToStore),
    ) -> (PageStored, u64) {
        let scan = self.begin(scheme).await;
        let mut page = page_of(scheme, scan, 0, rows);
        shape(&mut page);
        let stored = self.store.store_page(page).await.unwrap();
        let bills = self.store.finish_scan(scheme, scan).await.unwrap();
        self.check(scheme).await;
        (stored, bills)
    }

    async fn scan(&self, scheme: &str, rows: Vec<RowToStore>) -> (PageStored, u64) {
        self.scan_as(scheme, rows, |_| {}).await
    }

    /// The books balance and agree with the bills.
    async fn check(&self, scheme: &str) -> Counts {
        let counts = self.store.scheme(scheme).await.unwrap().counts;
        assert!(counts.balance(), "{counts:?}");
        assert_eq!(self.store.audit(scheme).await.unwrap(), counts);
        counts
    }

    /// `bill vN` of what is ready.
    async fn ready(&self, scheme: &str, now_ms: i64) -> Vec<String> {
        let ready = self.store.ready(scheme, now_ms, 1_000, &|_| false).await.unwrap();
        ready.iter().map(|bill| format!("{} v{}", bill.version.bill, bill.version.version)).collect()
    }

    async fn claim(&self, version: BillVersion, now_ms: i64) -> Option<ClaimedBill> {
        let claimed = self.store.claim(vec![to_claim(version.clone())], now_ms).await.unwrap();
        self.check(&version.scheme).await;
        claimed.into_iter().next()
    }

    async fn settle(&self, version: BillVersion, settled: Settled) -> Result<(), JournalError> {
        let scheme = version.scheme.clone();
        let result = self.store.settle(vec![(version, settled)]).await;
        self.check(&scheme).await;
        result
    }

    async fn set_aside(&self, version: BillVersion, aside: SetAside) {
        let scheme = version.scheme.clone();
        self.store.set_aside(vec![(version, aside)]).await.unwrap();
        self.check(&scheme).await;
    }

    async fn rows_of(&self, scheme: &str, bill: &str) -> Vec<String> {
        let rows = self.store.rows_of(scheme, bill).await.unwrap();
        rows.into_iter().map(|json| String::from_utf8(json).unwrap()).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(path, to).unwrap();
        }
    }
}

fn is_copy(one: &Path, other: &Path) -> bool {
    std::fs::read_dir(one).unwrap().all(|entry| {
        let (path, other) = (entry.as_ref().unwrap().path(), other.join(entry.unwrap().file_name()));
        if path.is_dir() {
            return is_copy(&path, &other);
        }
        let (one, other) = (std::fs::read(path), std::fs::read(other));
        one.is_ok_and(|one| other.is_ok_and(|other| one == other))
    })
}

/// Rows as `rows_of` gives them.
fn texts(rows: &[(&str, u8)]) -> Vec<String> {
    rows.iter().map(|(id, content)| String::from_utf8(json(id, *content)).unwrap()).collect()
}

//! What the store does when its files are not what they were: it says so. Nothing is ever missing in silence.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::*;

const S: &str = "订单=>小满";
const PRODUCTS: &str = "products";

fn open(folder: TempDir) -> Bench {
    Bench { store: SledStore::open(&folder.path().join("state")).unwrap(), folder }
}

/// Puts the store of an earlier state folder in the place of the later one; the mark stays.
fn roll_back(to: &TempDir, bench: Bench) -> Bench {
    let Bench { store, folder } = bench;
    drop(store);
    let journal = folder.path().join("state/journal");
    std::fs::remove_dir_all(&journal).unwrap();
    copy(&to.path().join("state/journal"), &journal);
    open(folder)
}

async fn doubt(bench: &Bench, scheme: &str) -> bool {
    let state = bench.store.scheme(scheme).await.unwrap();
    for ready in bench.store.ready(scheme, LATE, 100, &|_| false).await.unwrap() {
        assert_eq!(ready.in_doubt, state.in_doubt);
    }
    state.in_doubt
}

async fn deliver(bench: &Bench, bill: &str, number: u32) {
    let version = version(S, bill, number);
    assert!(bench.claim(version.clone(), 5_000).await.is_some());
    bench.settle(version, Settled::Done(receipt(bill))).await.unwrap();
}

#[tokio::test]
async fn a_store_that_was_closed_or_killed_has_lost_nothing() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "A", 1)]).await;
    assert!(bench.claim(version(S, "A", 1), 5_000).await.is_some());
    let killed = open(bench.as_on_disk());
    killed.check(S).await;
    for bench in [killed, bench.reopen()] {
        assert!(!doubt(&bench, S).await);
        assert_eq!(bench.store.claimed(S).await.unwrap().len(), 1);
        assert_eq!(bench.store.scheme(S).await.unwrap().last_sync, Some(1));
        assert!(!bench.store.end_doubt(S, true).await.unwrap());
    }
}

#[tokio::test]
async fn a_store_behind_its_mark_is_in_doubt_until_everything_is_scanned_again_and_delivered() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "A", 1)]).await;
    bench.scan(PRODUCTS, vec![row("1", "P", 1)]).await;
    let under_way = bench.begin(S).await;
    let before = bench.as_on_disk();
    deliver(&bench, "A", 1).await;

    let bench = roll_back(&before, bench);
    for scheme in [S, PRODUCTS, "of which it knows nothing"] {
        assert!(doubt(&bench, scheme).await, "{scheme}");
        assert_eq!(bench.store.scheme(scheme).await.unwrap().last_sync, None);
    }
    // The scan that was under way is finished, and does not move on what is to be scanned again.
    bench.store.store_page(page_of(S, under_way, 0, vec![row("1", "A", 1), row("2", "B", 2)])).await.unwrap();
    bench.store.finish_scan(S, under_way).await.unwrap();
    assert_eq!(bench.store.scheme(S).await.unwrap().last_sync, None);
    deliver(&bench, "A", 1).await;
    deliver(&bench, "B", 1).await;
    assert!(!bench.store.end_doubt(S, false).await.unwrap(), "nothing was scanned since");

    bench.scan(S, vec![row("1", "A", 1), row("2", "B", 2), row("3", "C", 3)]).await;
    assert!(!bench.store.end_doubt(S, false).await.unwrap(), "a bill is left to deliver");
    deliver(&bench, "C", 1).await;
    let bench = bench.reopen();
    assert!(bench.store.end_doubt(S, false).await.unwrap());
    assert!(!doubt(&bench, S).await);
    assert!(doubt(&bench, PRODUCTS).await);
    assert!(bench.store.end_doubt(PRODUCTS, true).await.unwrap(), "a person says so");
    assert!(!doubt(&bench, PRODUCTS).await);

    // Another loss is another doubt.
    let before = bench.as_on_disk();
    bench.scan(S, vec![row("4", "D", 4)]).await;
    let bench = roll_back(&before, bench);
    assert!(doubt(&bench, S).await && doubt(&bench, PRODUCTS).await);
}

#[tokio::test]
async fn a_store_that_was_moved_away_is_missed() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "A", 1)]).await;
    let Bench { store, folder } = bench;
    drop(store);
    std::fs::remove_dir_all(folder.path().join("state/journal")).unwrap();
    let bench = open(folder);
    assert!(doubt(&bench, S).await);
    assert_eq!(bench.store.schemes().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_store_without_its_mark_may_be_an_old_one() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "A", 1)]).await;
    let Bench { store, folder } = bench;
    drop(store);
    std::fs::remove_file(folder.path().join("state/journal.mark")).unwrap();
    let bench = open(folder);
    assert!(doubt(&bench, S).await);
    assert_eq!(bench.store.scheme(S).await.unwrap().last_sync, None);
    assert_eq!(bench.ready(S, LATE).await, ["A v1"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn after_the_machine_has_stopped_the_last_second_may_be_missing() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "A", 1)]).await;
    let folder = bench.as_on_disk();
    let mark = folder.path().join("state/journal.mark");
    let text = String::from_utf8(std::fs::read(&mark).unwrap()).unwrap();
    let machine = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(text.contains(machine.trim()), "{text}");
    std::fs::write(&mark, text.replace(machine.trim(), "00000000-1111-2222-3333-444444444444")).unwrap();
    let stopped = open(folder);
    assert!(doubt(&stopped, S).await);
    assert_eq!(stopped.store.scheme(S).await.unwrap().last_sync, Some(1), "a scan that was finished is there whole");
}

/// All that can be asked about the schemes.
async fn told(store: &SledStore) -> Result<String, JournalError> {
    use std::fmt::Write as _;
    let mut told = String::new();
    for scheme in [S, PRODUCTS] {
        let counts = store.audit(scheme).await?;
        let state = SchemeState { in_doubt: false, ..store.scheme(scheme).await? };
        writeln!(told, "{counts:?} {state:?} {:?}", store.claimed(scheme).await?).unwrap();
        writeln!(told, "{:?}", store.ready(scheme, LATE, 1_000, &|_| false).await?).unwrap();
        for bill in 0..30 {
            let rows = store.rows_of(scheme, &format!("SO-{bill}")).await?;
            writeln!(told, "{bill} {rows:?} {:?}", store.bill(scheme, &format!("SO-{bill}")).await?).unwrap();
        }
    }
    Ok(told)
}

/// A store with a little of everything, and what it tells.
async fn filled() -> (Bench, String) {
    let bench = Bench::new();
    for round in 0..6_u8 {
        for scheme in [S, PRODUCTS] {
            // Some of what counts was written long ago, some of it over and over.
            if scheme == PRODUCTS && round % 3 > 0 {
                continue;
            }
            let rows = (0..30).map(|n| {
                let mut row = row(&format!("{n}-{round}"), &format!("SO-{n}"), round);
                // Large enough for several segments of the store's log.
                row.json =
                    serde_json::json!({ "内容": round, "文": "长".repeat(400 + n * 7) }).to_string().into_bytes();
                row
            });
            bench.scan(scheme, rows.collect()).await;
        }
        for bill in 0..20 {
            let latest = bench.store.bill(S, &format!("SO-{bill}")).await.unwrap().unwrap().version;
            if bench.store.claim(vec![to_claim(latest.clone())], 5_000).await.unwrap().is_empty() {
                continue;
            }
            if bill % 5 > 0 {
                bench.store.settle(vec![(latest, Settled::Done(receipt("A")))]).await.unwrap();
            }
        }
    }
    let told = told(&bench.store).await.unwrap();
    (bench, told)
}

/// What came of opening a store and asking it everything.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// It tells what it told before.
    Whole,
    /// It is known to have lost something, and holds together.
    InDoubt,
    /// It does not open, or does not tell, and says why.
    Refused(String),
    /// It tells something else than before, and does not say that it has lost anything.
    Silent(String),
}

/// In a thread of its own, so that a store that hangs fails the test.
fn ask(folder: &TempDir, before: &str) -> Came {
    let (path, before) = (folder.path().join("state"), before.to_owned());
    let (came, coming) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        came.send(runtime.block_on(async {
            let store = match SledStore::open(&path) {
                Ok(store) => store,
                Err(error) => return Came::Refused(error.to_string()),
            };
            let in_doubt = store.scheme(S).await.map(|state| state.in_doubt);
            match (told(&store).await, in_doubt) {
                (Err(error), _) | (_, Err(error)) => Came::Refused(error.to_string()),
                (Ok(_), Ok(true)) => Came::InDoubt,
                (Ok(now), _) if now == before => Came::Whole,
                (Ok(now), _) => Came::Silent(now),
            }
        }))
    });
    coming.recv_timeout(Duration::from_mins(1)).expect("the store does not hang, and its thread does not panic")
}

/// Damages copies of a store that was closed, and of one that was killed, and says what came of each.
async fn damaged(damage: impl Fn(&Path, u64) -> bool) -> Vec<Came> {
    let (bench, told) = filled().await;
    let killed = bench.as_on_disk();
    let Bench { store, folder } = bench;
    drop(store);
    let mut came = Vec::new();
    for whole in [&folder, &killed] {
        assert_eq!(ask(&clone_of(whole), &told), Came::Whole);
        for nth in 0.. {
            let folder = clone_of(whole);
            if !damage(&folder.path().join("state/journal"), nth) {
                break;
            }
            came.push(ask(&folder, &told));
        }
    }
    for (nth, came) in came.iter().enumerate() {
        assert!(!matches!(came, Came::Silent(_)), "{nth}: {came:?}");
        if let Came::Refused(said) = came {
            assert!(said.contains("the journal") && said.contains("\n  hint: "), "{nth}: {said}");
        }
    }
    came
}

fn clone_of(folder: &TempDir) -> TempDir {
    let to = TempDir::new().unwrap();
    copy(&folder.path().join("state"), &to.path().join("state"));
    to
}

#[tokio::test]
async fn a_cut_file_is_said() {
    let came = damaged(|journal, nth| {
        let db = std::fs::File::options().write(true).open(journal.join("db")).unwrap();
        let len = db.metadata().unwrap().len();
        // By a few bytes, and then by more and more.
        let cut = [1, 100, 4_096, 40_000].get(usize::try_from(nth).unwrap()).copied();
        let cut = cut.unwrap_or_else(|| (nth - 3) * len.div_ceil(12));
        db.set_len(len.saturating_sub(cut)).unwrap();
        cut < len + len / 12
    })
    .await;
    assert!(came.iter().any(|came| matches!(came, Came::InDoubt)), "{came:?}");
}

#[tokio::test]
async fn a_page_of_zeros_is_said() {
    let came = damaged(|journal, nth| zero(journal, nth * 5, 1)).await;
    assert!(came.iter().any(|came| *came != Came::Whole), "{came:?}");
    // All from there on.
    let came = damaged(|journal, nth| zero(journal, nth * 61, u64::MAX)).await;
    assert!(came.iter().any(|came| *came != Came::Whole), "{came:?}");
}

/// Zeros some of the file's pages of 4 KiB. False: there is no such page.
fn zero(journal: &Path, page: u64, count: u64) -> bool {
    use std::io::{Seek, SeekFrom, Write};
    const PAGE: u64 = 4_096;
    let mut db = std::fs::File::options().write(true).open(journal.join("db")).unwrap();
    let len = db.metadata().unwrap().len();
    let (from, to) = (page * PAGE, page.saturating_add(count).saturating_mul(PAGE).min(len));
    if from >= len {
        return false;
    }
    db.seek(SeekFrom::Start(from)).unwrap();
    db.write_all(&vec![0; usize::try_from(to - from).unwrap()]).unwrap();
    true
}

#[tokio::test]
async fn a_file_that_is_missing_is_said() {
    for file in ["db", "conf", "snap"] {
        damaged(|journal, nth| {
            for entry in std::fs::read_dir(journal).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() && path.file_name().unwrap().to_str().unwrap().starts_with(file) {
                    std::fs::remove_file(path).unwrap();
                }
            }
            nth == 0
        })
        .await;
    }
}

//! Opening, closing and writing the store.

use std::sync::Arc;

use super::*;

#[test]
fn a_folder_is_opened_once() {
    let bench = Bench::new();
    let path = bench.folder.path().join("state");
    let error = SledStore::open(&path).unwrap_err();
    let expected = format!(
        "the state folder `{}` is in use by another process\n  hint: a host that runs on this project holds it; stop that one first",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
    drop(bench.store);
    SledStore::open(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let mode = std::fs::metadata(bench.folder.path().join("state")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SledStore::open(&file.join("state")).unwrap_err().to_string();
    assert!(error.starts_with("the journal could not be opened: folder `"), "{error}");
}

#[test]
fn another_format_is_refused() {
    // A number of a later build, of an earlier one, and a store that is none of ours.
    for (key, value, found) in [("0", 99_u32, 99), ("0", 1, 1), ("x", 1, 0)] {
        let folder = TempDir::new().unwrap();
        let db = sled::open(folder.path().join("journal")).unwrap();
        db.open_tree("journal").unwrap().insert(key, &value.to_be_bytes()).unwrap();
        drop(db);
        let error = SledStore::open(folder.path()).unwrap_err();
        assert!(matches!(error, JournalError::Format { .. }));
        let expected = format!(
            "the state folder `{}` has format {found}, this build reads format {}\n  hint: run the version of Qiao that wrote it, or move the folder away to begin with an empty one",
            folder.path().display(),
            record::FORMAT
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_many_tasks_are_all_made() {
    let bench = Bench::new();
    let Bench { store, folder } = bench;
    let store = Arc::new(store);
    let tasks = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                store.increment("okki", "n", 1, 0).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let store = Arc::into_inner(store).unwrap();
    let bench = Bench { store, folder }.reopen();
    assert_eq!(bench.store.increment("okki", "n", 0, 0).await.unwrap(), 320);
}

#[tokio::test]
async fn a_caller_that_does_not_wait_does_no_harm() {
    use std::task::{Context, Poll, Waker};

    let bench = Bench::new();
    for number in 0..50 {
        let mut set = bench.store.set("okki", "k", vec![number], 0, None);
        // Queued, and then given up.
        let _: Poll<_> = set.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    bench.store.set("okki", "last", vec![], 0, None).await.unwrap();
    assert_eq!(bench.store.get("okki", "k", 0).await.unwrap(), Some(vec![49]));

    let mut set = bench.store.set("okki", "k", vec![99], 0, None);
    let _: Poll<_> = set.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(set);
    let bench = bench.reopen();
    assert_eq!(bench.store.get("okki", "k", 0).await.unwrap(), Some(vec![99]), "dropping the store waits");
}

#[tokio::test]
async fn audit_finds_what_does_not_agree() {
    // A key that is removed behind the journal's back → what the audit says.
    let table = [
        (b'c', "the bills come to "),
        (b'r', "row `1` has no record"),
        (b'g', "row `1` is not in it"),
        (b'd', "bill `SO-1` should be found here"),
        (b'b', "there are 1 places of bills, and records of 0"),
        (b'i', "row `1` should be found here"),
    ];
    for (kind, expected) in table {
        let bench = Bench::new();
        bench.scan("订单", vec![row("1", "SO-1", 1)]).await;
        let bench = bench.tamper(|tree| {
            for item in &tree.scan_prefix([kind]).collect::<Vec<_>>() {
                tree.remove(&item.as_ref().unwrap().0).unwrap();
            }
        });
        let error = bench.store.audit("订单").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{}: {error}", char::from(kind));
    }
}

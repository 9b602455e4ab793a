//! Looking without leaving a trace: a copy of the journal, one that cannot be changed, and a scratch store.

use std::sync::Arc;

use super::*;

const C: &str = "products";

fn looking(journal: Option<Arc<dyn Journal>>) -> ReadOnly {
    ReadOnly::new(journal, Box::new(values_of))
}

#[tokio::test]
async fn a_read_only_journal_finds_rows_without_an_index_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(SledStore::open(folder.path()).unwrap());
    let first_page = page(0);
    let scan = NewScan {
        kind: ScanKind::Scheduled,
        window_start: None,
        window_end: 1,
        begun_ms: 1,
        first_page,
        source_digest: "d".into(),
    };
    store.begin_scan(C, scan.clone()).await.unwrap();
    let rows = vec![row("a", "a", 1), row("b", "b", 1), refused("c", "c", 1), row("d", "d", 2)];
    store.store_page(PageToStore { indexes: vec![], ..page_of(C, 1, 0, rows) }).await.unwrap();
    assert!(matches!(
        store.look_up(C, &by_content(), &["1".into()], &any_row).await,
        Err(JournalError::IndexMissing { .. })
    ));

    let journal = looking(Some(Arc::clone(&store) as Arc<dyn Journal>));
    let before = store.scheme(C).await.unwrap();
    let found = |value: &str| {
        let values = vec![value.to_owned()];
        let journal = &journal;
        async move { journal.look_up(C, &by_content(), &values, &any_row).await.unwrap().map(|found| found.json) }
    };
    assert_eq!(found("1").await, Some(json("b", 1)), "the latest that no stage refused");
    assert_eq!(found("2").await, Some(json("d", 2)));
    assert_eq!(found("3").await, None);
    assert!(matches!(journal.begin_scan(C, scan).await, Err(JournalError::ReadOnly)));
    assert!(matches!(journal.finish_scan(C, 1).await, Err(JournalError::ReadOnly)));
    assert!(matches!(journal.purge(C).await, Err(JournalError::ReadOnly)));
    assert!(matches!(journal.ensure_indexes(C, &[], &values_of).await, Err(JournalError::ReadOnly)));
    assert_eq!(store.scheme(C).await.unwrap(), before);
    // Without a journal there is nothing, which is no error.
    let nothing = looking(None);
    assert_eq!(nothing.look_up(C, &by_content(), &["1".into()], &any_row).await.unwrap(), None);
    assert_eq!(nothing.scheme(C).await.unwrap(), SchemeState::default());
}

#[tokio::test]
async fn a_copy_has_what_the_journal_has_and_leaves_it_alone() {
    let folder = TempDir::new().unwrap();
    assert!(JournalCopy::of(folder.path()).unwrap().is_none(), "there is no journal");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let store = SledStore::open(folder.path()).unwrap();
    store.set("p", "k", b"v".to_vec(), 0, None).await.unwrap();
    assert!(matches!(JournalCopy::of(folder.path()), Err(JournalError::InUse { .. })));
    drop(store);
    // A store that was dropped keeps its lock for an instant.
    drop(SledStore::open(folder.path()).unwrap());
    let copy = loop {
        match JournalCopy::of(folder.path()) {
            Ok(copy) => break copy.unwrap(),
            Err(JournalError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(copy.store().get("p", "k", 0).await.unwrap(), Some(b"v".to_vec()));
    copy.store().set("p", "k", b"w".to_vec(), 0, None).await.unwrap();
    let store = SledStore::open(folder.path()).unwrap();
    assert_eq!(store.get("p", "k", 0).await.unwrap(), Some(b"v".to_vec()));
}

#[tokio::test]
async fn a_scratch_store_shows_its_changes_to_nobody_else() {
    let folder = TempDir::new().unwrap();
    let beneath: Arc<dyn State> = Arc::new(SledStore::open(folder.path()).unwrap());
    for (key, value) in [("a", "1"), ("b", "2"), ("x", "9")] {
        beneath.set("p", key, value.into(), 0, None).await.unwrap();
    }
    let scratch = Scratch::over(Some(Arc::clone(&beneath)));
    assert_eq!(scratch.increment("p", "a", 4, 0).await.unwrap(), 5);
    scratch.delete("p", "b").await.unwrap();
    scratch.set("p", "c", b"3".to_vec(), 0, Some(10)).await.unwrap();
    assert!(!scratch.compare_and_set("p", "b", Some(b"2".to_vec()), None, 0, None).await.unwrap());
    assert!(scratch.compare_and_set("p", "x", Some(b"9".to_vec()), Some(b"8".to_vec()), 0, None).await.unwrap());
    let keys = |now_ms| scratch.keys("p", "", None, now_ms);
    assert_eq!(keys(0).await.unwrap(), ["a", "c", "x"]);
    assert_eq!(keys(10).await.unwrap(), ["a", "x"], "what has expired is gone");
    assert_eq!(scratch.keys("other", "", None, 0).await.unwrap(), Vec::<String>::new());
    assert_eq!(scratch.get("p", "x", 0).await.unwrap(), Some(b"8".to_vec()));
    assert_eq!(beneath.keys("p", "", None, 0).await.unwrap(), ["a", "b", "x"]);
    assert_eq!(beneath.get("p", "a", 0).await.unwrap(), Some(b"1".to_vec()));
}

#[tokio::test]
async fn a_scratch_store_has_the_rules_of_the_store_that_is_kept() {
    let folder = TempDir::new().unwrap();
    let kept: Arc<dyn State> = Arc::new(SledStore::open(folder.path()).unwrap());
    let scratch: Arc<dyn State> = Arc::new(Scratch::over(None));
    let long = "k".repeat(state_limits::KEY + 1);
    for store in [kept, scratch] {
        let is_long = |error| matches!(error, StateError::TooLarge(limit) if limit == state_limits::KEY as u64);
        assert!(is_long(store.get("p", &long, 0).await.unwrap_err()));
        assert!(is_long(store.set("p", &long, Vec::new(), 0, None).await.unwrap_err()));
        assert!(is_long(store.compare_and_set("p", &long, None, None, 0, None).await.unwrap_err()));
        assert!(is_long(store.increment("p", &long, 1, 0).await.unwrap_err()));
        assert!(is_long(store.delete("p", &long).await.unwrap_err()));
        let value = vec![0; state_limits::VALUE + 1];
        let error = store.set("p", "v", value, 0, None).await.unwrap_err();
        assert!(matches!(error, StateError::TooLarge(limit) if limit == state_limits::VALUE as u64));
        store.set("p", "t", "甲".into(), 0, None).await.unwrap();
        assert!(
            matches!(store.increment("p", "t", 1, 0).await.unwrap_err(), StateError::NotANumber(text) if text == "甲")
        );
        let largest = (1 << 53) - 1;
        assert_eq!(store.increment("p", "n", largest, 0).await.unwrap(), largest);
        assert!(matches!(store.increment("p", "n", 1, 0).await.unwrap_err(), StateError::NotANumber(_)));
        // A counter keeps its time to live, and one that has expired begins anew without it.
        store.set("p", "e", b"5".to_vec(), 0, Some(10)).await.unwrap();
        assert_eq!(store.increment("p", "e", 1, 9).await.unwrap(), 6);
        assert_eq!(store.increment("p", "e", 1, 10).await.unwrap(), 1);
        assert_eq!(store.get("p", "e", 11).await.unwrap(), Some(b"1".to_vec()));
    }
}

//! Looking rows up by the values of fields.

use super::super::lookups::{Walk, Walked};
use super::*;

const C: &str = "products";

async fn found(bench: &Bench, fields: &IndexFields, values: &[&str]) -> Option<String> {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    let found = bench.store.look_up(C, fields, &values, &any_row).await.unwrap();
    found.map(|found| String::from_utf8(found.json).unwrap())
}

async fn ensure(bench: &Bench, indexes: &[IndexFields]) {
    bench.store.ensure_indexes(C, indexes, &values_of).await.unwrap();
    bench.check(C).await;
}

fn text(id: &str, content: u8) -> Option<String> {
    texts(&[(id, content)]).pop()
}

#[tokio::test]
async fn the_latest_row_is_found() {
    let bench = Bench::new();
    ensure(&bench, &[by_content()]).await;
    bench.scan(C, vec![row("b", "b", 1), row("a", "a", 1), row("c", "c", 2)]).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, text("a", 1));
    assert_eq!(found(&bench, &by_content(), &["3"]).await, None);
    // Stored again with the same value: now it is the latest.
    bench.scan(C, vec![row("b", "b", 2)]).await;
    bench.scan(C, vec![row("b", "b", 1)]).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, text("b", 1));
    // Its old value finds it no more.
    bench.scan(C, vec![row("b", "b", 3)]).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, text("a", 1));
    assert_eq!(found(&bench, &by_content(), &["3"]).await, text("b", 3));
    // A row that is skipped changes nothing.
    bench.scan_as(C, vec![row("c", "c", 1)], |page| page.on_change = OnChange::Skip).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, text("a", 1));
    assert_eq!(found(&bench, &by_content(), &["2"]).await, text("c", 2));
}

#[tokio::test]
async fn indexes_are_built_from_the_rows_there_are_and_dropped() {
    let bench = Bench::new();
    let by_both: IndexFields = vec!["编号".into(), "内容".into()];
    let rows =
        (0..1_300_u16).map(|number| row(&number.to_string(), &number.to_string(), (number % 7).to_le_bytes()[0]));
    bench.scan_as(C, rows.collect(), |page| page.indexes.clear()).await;
    let no_index = bench.store.look_up(C, &by_both, &["3".into(), "3".into()], &any_row).await.unwrap_err();
    assert!(matches!(&no_index, JournalError::IndexMissing { collection, .. } if collection == C));
    assert_eq!(no_index.to_string(), "collection `products` has no complete index over `编号`, `内容`");

    ensure(&bench, &[by_both.clone(), by_content(), vec!["nowhere".into()]]).await;
    assert_eq!(found(&bench, &by_both, &["1000", "6"]).await, text("1000", 6));
    assert_eq!(found(&bench, &by_both, &["1000", "5"]).await, None);
    assert_eq!(found(&bench, &by_content(), &["0"]).await, text("1295", 0));
    assert_eq!(found(&bench, &vec!["nowhere".into()], &["0"]).await, None);

    let bench = bench.reopen();
    ensure(&bench, &[by_content()]).await;
    assert!(bench.store.look_up(C, &by_both, &["3".into(), "3".into()], &any_row).await.is_err());
    assert_eq!(found(&bench, &by_content(), &["0"]).await, text("1295", 0));

    // A row that still remembers a dropped index can be stored again, and the index can come back.
    bench.scan(C, vec![row("1000", "1000", 0)]).await;
    ensure(&bench, std::slice::from_ref(&by_both)).await;
    assert_eq!(found(&bench, &by_both, &["1000", "0"]).await, text("1000", 0));
    assert_eq!(found(&bench, &by_both, &["1000", "6"]).await, None);
}

#[tokio::test]
async fn a_page_that_does_not_know_an_index_sends_it_back_to_be_built() {
    let bench = Bench::new();
    ensure(&bench, &[by_content()]).await;
    bench.scan_as(C, vec![], |page| page.indexes.clear()).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, None);
    bench.scan_as(C, vec![row("a", "a", 1)], |page| page.indexes.clear()).await;
    assert!(bench.store.look_up(C, &by_content(), &["1".into()], &any_row).await.is_err());
    ensure(&bench, &[by_content()]).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, text("a", 1));
}

#[tokio::test]
async fn a_row_without_the_fields_is_not_found() {
    let bench = Bench::new();
    ensure(&bench, &[by_content()]).await;
    let without = RowToStore { index_values: vec![None], ..row("a", "a", 1) };
    bench.scan(C, vec![without]).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, None);
    let wrong = bench.store.look_up(C, &by_content(), &[], &any_row).await.unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the journal has moved on: 0 values for the 1 fields of an index of collection `products`"
    );
}

#[tokio::test]
async fn pages_may_be_stored_while_an_index_is_built() {
    let bench = Bench::new();
    let rows = |content| (0..1_200).map(|n| row(&n.to_string(), &n.to_string(), content)).collect::<Vec<_>>();
    bench.scan_as(C, rows(1), |page| page.indexes.clear()).await;
    let wanted = [by_content()];
    let build = bench.store.ensure_indexes(C, &wanted, &values_of);
    let store = async {
        let scan = bench.begin(C).await;
        for (index, part) in rows(2).chunks(100).enumerate() {
            let index = u32::try_from(index).unwrap();
            let mut to_store = page_of(C, scan, index, part.to_vec());
            to_store.next = vec![page(index + 1)];
            bench.store.store_page(to_store).await.unwrap();
        }
    };
    let (done, ()) = tokio::join!(build, store);
    done.unwrap();
    bench.check(C).await;
    assert_eq!(found(&bench, &by_content(), &["1"]).await, None);
    assert_eq!(found(&bench, &by_content(), &["2"]).await, text("1199", 2));
}

#[tokio::test]
async fn the_latest_row_that_is_accepted_is_found() {
    let bench = Bench::new();
    ensure(&bench, &[by_content(), vec![]]).await;
    let rows =
        (0..200_u16).map(|number| row(&number.to_string(), &number.to_string(), 1)).chain([row("last", "last", 2)]);
    bench.scan_as(C, rows.collect(), |page| page.indexes.push(vec![])).await;
    let found = async |fields: &IndexFields, values: &[&str], end: &str| {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        let ends_so = |json: &[u8]| {
            let row: serde_json::Value = serde_json::from_slice(json).unwrap();
            row["编号"].as_str().unwrap().ends_with(end)
        };
        let found = bench.store.look_up(C, fields, &values, &ends_so).await.unwrap();
        found.map(|found| found.stored.1)
    };
    for (fields, values, end, expected) in [
        (by_content(), &["1"][..], "", Some("199")),
        (by_content(), &["1"], "00", Some("100")),
        // Behind several steps.
        (by_content(), &["1"], "13", Some("113")),
        (by_content(), &["1"], "last", None),
        (by_content(), &["2"], "7", None),
        (vec![], &[], "", Some("last")),
        (vec![], &[], "05", Some("105")),
        (vec![], &[], "x", None),
    ] {
        let expected = expected.map(str::to_owned);
        assert_eq!(found(&fields, values, end).await, expected, "{fields:?} {values:?} {end}");
    }
    // Which of two is later.
    let stored = async |content: &str| {
        let found = bench.store.look_up(C, &by_content(), &[content.to_owned()], &any_row).await.unwrap();
        found.unwrap().stored
    };
    assert!(stored("2").await > stored("1").await);
    bench.scan_as(C, vec![row("7", "7", 1), row("8", "8", 3)], |page| page.indexes.push(vec![])).await;
    assert!(stored("2").await < stored("3").await);
}

/// The oldest row, which a walk comes to at its end, is stored again after the walk's first step: it is where the walk has
/// been by then.
#[tokio::test]
async fn a_row_that_is_stored_again_during_a_walk_is_not_missed() {
    let bench = Bench::new();
    ensure(&bench, &[by_content()]).await;
    bench.scan(C, (0..100_u16).map(|n| row(&n.to_string(), &n.to_string(), 1)).collect()).await;
    let wanted = |sought: &[u8]| sought == json("0", 1);
    let values = ["1".to_owned()];
    let mut walk = Walk::default();
    let mut step = || bench.store.read(|tree| walk.step(tree, C, &by_content(), &values, &wanted)).unwrap();
    assert_eq!(step(), Walked::On);
    for content in [2, 1] {
        bench.scan(C, vec![row("0", "0", content)]).await;
    }
    assert_eq!(step(), Walked::On, "it is at the end, and has not seen the row");
    let Walked::Found(found) = step() else { panic!("missed") };
    assert_eq!(found.json, json("0", 1));
}

#[tokio::test]
async fn a_walk_that_finds_nothing_ends_while_rows_come() {
    let bench = Bench::new();
    ensure(&bench, &[by_content()]).await;
    bench.scan(C, (0..100_u16).map(|n| row(&n.to_string(), &n.to_string(), 1)).collect()).await;
    let values = ["1".to_owned()];
    let mut walk = Walk::default();
    let mut seen = std::sync::Mutex::new(Vec::new());
    let none = |json: &[u8]| {
        seen.lock().unwrap().push(json.to_vec());
        false
    };
    let mut step = || bench.store.read(|tree| walk.step(tree, C, &by_content(), &values, &none)).unwrap();
    assert_eq!(step(), Walked::On);
    bench.scan(C, vec![row("new", "new", 1)]).await;
    assert_eq!((step(), step()), (Walked::On, Walked::Nothing));
    assert_eq!(seen.get_mut().unwrap().len(), 101, "each row is looked at once");
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let bench = Bench::new();
    let both = [by_content(), vec![]];
    bench.scan_as(C, vec![row("a", "a", 1), refused("b", "b", 2)], |page| page.indexes.clear()).await;
    assert_eq!(bench.store.missing_indexes(C, &both).await.unwrap(), both);
    assert_eq!(bench.store.count_rows(C).await.unwrap(), 2);
    assert_eq!(bench.store.count_rows("nothing").await.unwrap(), 0);
    assert_eq!(bench.store.ensure_indexes(C, &[by_content()], &values_of).await.unwrap(), 1);
    assert_eq!(bench.store.ensure_indexes(C, &[by_content()], &values_of).await.unwrap(), 0);
    assert_eq!(bench.store.missing_indexes(C, &both).await.unwrap(), [Vec::<String>::new()]);
}

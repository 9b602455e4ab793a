//! The key-value store that plugins are lent.

use super::*;

const O: &str = "okki@okki-main";

async fn get(bench: &Bench, key: &str, now_ms: i64) -> Option<String> {
    let value = bench.store.get(O, key, now_ms).await.unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

async fn set(bench: &Bench, key: &str, value: &str, now_ms: i64, expires_ms: Option<i64>) {
    bench.store.set(O, key, value.into(), now_ms, expires_ms).await.unwrap();
}

#[tokio::test]
async fn what_is_set_is_there_until_it_is_deleted_also_after_a_restart() {
    let bench = Bench::new();
    assert_eq!(get(&bench, "键", 0).await, None);
    set(&bench, "键", "值", 0, None).await;
    set(&bench, "", "empty key", 0, None).await;
    let bench = bench.reopen();
    assert_eq!(get(&bench, "键", 0).await.as_deref(), Some("值"));
    assert_eq!(get(&bench, "", 0).await.as_deref(), Some("empty key"));
    assert_eq!(bench.store.get("okki@other", "键", 0).await.unwrap(), None);
    bench.store.delete(O, "键").await.unwrap();
    bench.store.delete(O, "键").await.unwrap();
    assert_eq!(get(&bench, "键", 0).await, None);
}

#[tokio::test]
async fn a_time_to_live_ends() {
    let bench = Bench::new();
    set(&bench, "a", "1", 0, Some(100)).await;
    set(&bench, "b", "1", 0, Some(100)).await;
    set(&bench, "c", "1", 0, None).await;
    assert_eq!(get(&bench, "a", 99).await.as_deref(), Some("1"));
    assert_eq!(get(&bench, "a", 100).await, None);
    assert_eq!(bench.store.keys(O, "", None, 99).await.unwrap(), ["a", "b", "c"]);
    // A counter keeps its time to live; a value that is set anew has its own.
    assert_eq!(bench.store.increment(O, "a", 2, 50).await.unwrap(), 3);
    set(&bench, "b", "2", 50, None).await;
    assert_eq!(bench.store.keys(O, "", None, 100).await.unwrap(), ["b", "c"]);
    assert_eq!(get(&bench, "a", 0).await, None, "swept");
    assert_eq!(bench.store.increment(O, "a", 2, 100).await.unwrap(), 2);
}

#[tokio::test]
async fn compare_and_set() {
    let bench = Bench::new();
    let value = |text: &str| Some(text.as_bytes().to_vec());
    // expected, new → did it, value afterwards
    let table = [
        (value("x"), value("1"), false, None),
        (None, value("1"), true, Some("1")),
        (None, value("2"), false, Some("1")),
        (value("1"), value("2"), true, Some("2")),
        (value("1"), None, false, Some("2")),
        (value("2"), None, true, None),
        (None, None, true, None),
    ];
    for (expected, new, did, after) in table {
        let case = format!("{expected:?} {new:?}");
        assert_eq!(bench.store.compare_and_set(O, "k", expected, new, 0, None).await.unwrap(), did, "{case}");
        assert_eq!(get(&bench, "k", 0).await.as_deref(), after, "{case}");
    }
    set(&bench, "k", "old", 0, Some(10)).await;
    assert!(bench.store.compare_and_set(O, "k", None, value("new"), 10, None).await.unwrap(), "expired is absent");
    assert_eq!(get(&bench, "k", LATE).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn counters() {
    let largest = (1_i64 << 53) - 1;
    let (full, lowest) = (largest.to_string(), (-largest).to_string());
    // value, by → sum
    let table = [
        (None, 5, Some(5)),
        (Some("-7"), 5, Some(-2)),
        (Some(full.as_str()), 0, Some(largest)),
        (Some(full.as_str()), 1, None),
        (Some(lowest.as_str()), -1, None),
        (Some("9007199254740992"), 0, None),
        (Some("1.5"), 1, None),
        (Some("一"), 1, None),
        (Some(""), 1, None),
        (Some("1"), i64::MAX, None),
    ];
    for (value, by, sum) in table {
        let bench = Bench::new();
        if let Some(value) = value {
            set(&bench, "n", value, 0, None).await;
        }
        match (bench.store.increment(O, "n", by, 0).await, sum) {
            (Ok(found), Some(sum)) => {
                assert_eq!(found, sum);
                assert_eq!(get(&bench, "n", 0).await, Some(sum.to_string()));
            }
            (Err(StateError::NotANumber(text)), None) => assert_eq!(Some(text.as_str()), value),
            (result, _) => panic!("{value:?} + {by}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn keys_are_in_byte_order_by_prefix_and_limited() {
    let bench = Bench::new();
    for key in ["b", "a:2", "a:10", "a", "a:\0", "单:1", "单:2"] {
        set(&bench, key, "", 0, None).await;
    }
    assert_eq!(bench.store.keys(O, "a:", None, 0).await.unwrap(), ["a:\0", "a:10", "a:2"]);
    assert_eq!(bench.store.keys(O, "单", None, 0).await.unwrap(), ["单:1", "单:2"]);
    assert_eq!(bench.store.keys(O, "单", Some("单:1"), 0).await.unwrap(), ["单:2"]);
    assert_eq!(bench.store.keys(O, "", None, 0).await.unwrap().len(), 7);
    for number in 0..1_005 {
        set(&bench, &format!("m{number:04}"), "", 0, None).await;
    }
    let keys = bench.store.keys(O, "m", None, 0).await.unwrap();
    assert_eq!((keys.len(), keys[999].as_str()), (state_limits::LISTING, "m0999"));
}

#[tokio::test]
async fn limits() {
    use state_limits::{KEY, OWNER, VALUE};
    let bench = Bench::new();
    let limit = |result: Result<(), StateError>| match result {
        Err(StateError::TooLarge(limit)) => Some(limit),
        Ok(()) => None,
        Err(other) => panic!("{other}"),
    };
    let fits = "k".repeat(KEY);
    let too_long = "k".repeat(KEY + 1);
    assert_eq!(limit(bench.store.set(O, &fits, vec![0; VALUE], 0, None).await), None);
    assert_eq!(limit(bench.store.set(O, &too_long, vec![], 0, None).await), Some(KEY as u64));
    assert_eq!(limit(bench.store.set(O, "k", vec![0; VALUE + 1], 0, None).await), Some(VALUE as u64));
    assert_eq!(limit(bench.store.get(O, &too_long, 0).await.map(|_| ())), Some(KEY as u64));
    bench.store.delete(O, &fits).await.unwrap();

    // The owner is full to the byte: three letters of key, the rest value; half of it expires.
    let whole = VALUE - 3;
    let values = OWNER / VALUE as u64;
    for number in 0..values {
        let expires_ms = (number % 2 == 0).then_some(100);
        bench.store.set(O, &format!("{number:03}"), vec![0; whole], 0, expires_ms).await.unwrap();
    }
    assert_eq!(limit(bench.store.set(O, "x", vec![], 99, None).await), Some(OWNER));
    assert_eq!(limit(bench.store.increment(O, "x", 1, 99).await.map(|_| ())), Some(OWNER));
    assert_eq!(limit(bench.store.set(O, "001", vec![1; whole], 99, None).await), None, "in place of another");
    assert_eq!(limit(bench.store.set("okki@other", "x", vec![], 99, None).await), None);
    let bench = bench.reopen();
    assert_eq!(limit(bench.store.set(O, "x", vec![0; VALUE], 100, None).await), None, "what expired made room");
    assert_eq!(bench.store.keys(O, "", None, 100).await.unwrap().len() as u64, values / 2 + 1);
}

//! Rows that a stage refused.

use super::*;

const S: &str = "订单";

/// Ids of refused rows, and their contents.
async fn refused_rows(bench: &Bench) -> Vec<(String, u8)> {
    let rows = bench.store.refused_rows(S, 100, None).await.unwrap();
    rows.into_iter().map(|row| (row.id, row.digest[0])).collect()
}

/// `bill vN` of what is dead, and why.
async fn dead(bench: &Bench) -> Vec<(String, String)> {
    let lines = bench.store.bills(S, Status::Dead, 100, None).await.unwrap().into_iter();
    lines
        .map(|line| (format!("{} v{}", line.version.bill, line.version.version), line.problem.unwrap().message))
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Good(u8),
    Refused(u8),
}

impl Is {
    fn row(self) -> RowToStore {
        match self {
            Self::Good(content) => row("1", "SO-1", content),
            Self::Refused(content) => refused("1", "SO-1", content),
        }
    }
}

#[tokio::test]
async fn what_becomes_of_it() {
    use Is::{Good, Refused};
    use OnChange::{Redeliver, Skip};
    let table = [
        // known, read, what a change means, whether it is new → what is kept
        (None, Refused(1), Skip, true, Refused(1)),
        (None, Refused(1), Redeliver, true, Refused(1)),
        (Some(Refused(1)), Refused(1), Skip, false, Refused(1)),
        (Some(Refused(1)), Refused(1), Redeliver, false, Refused(1)),
        (Some(Refused(1)), Refused(2), Skip, true, Refused(2)),
        (Some(Refused(1)), Refused(2), Redeliver, true, Refused(2)),
        (Some(Refused(1)), Good(1), Skip, true, Good(1)),
        (Some(Refused(1)), Good(1), Redeliver, true, Good(1)),
        (Some(Refused(1)), Good(2), Skip, true, Good(2)),
        (Some(Good(1)), Refused(1), Skip, false, Good(1)),
        (Some(Good(1)), Refused(1), Redeliver, false, Good(1)),
        (Some(Good(1)), Refused(2), Skip, false, Good(1)),
        (Some(Good(1)), Refused(2), Redeliver, true, Refused(2)),
    ];
    for (known, read, on_change, is_new, kept) in table {
        for merges in [true, false] {
            let case = format!("{known:?} {read:?} {on_change:?} {merges}");
            let bench = Bench::new();
            if let Some(known) = known {
                bench.scan_as(S, vec![known.row()], |page| page.merges = merges).await;
            }
            let (stored, bills) =
                bench.scan_as(S, vec![read.row()], |page| (page.on_change, page.merges) = (on_change, merges)).await;
            let expected = u64::from(is_new);
            assert_eq!(
                (stored.rows, stored.new, stored.skipped, bills),
                (1, expected, 1 - expected, expected),
                "{case}"
            );
            let latest = u32::from(known.is_some()) + u32::from(is_new);
            match kept {
                Good(content) => {
                    assert_eq!(bench.rows_of(S, "SO-1").await, texts(&[("1", content)]), "{case}");
                    assert_eq!(refused_rows(&bench).await, [], "{case}");
                    assert_eq!(bench.ready(S, LATE).await, [format!("SO-1 v{latest}")], "{case}");
                }
                Refused(content) => {
                    assert_eq!(bench.rows_of(S, "SO-1").await, [""; 0], "{case}");
                    assert_eq!(refused_rows(&bench).await, [("1".to_owned(), content)], "{case}");
                    assert_eq!(bench.ready(S, LATE).await, [""; 0], "{case}");
                    let why = (format!("SO-1 v{latest}"), format!("必填 {content}"));
                    assert_eq!(dead(&bench).await, [why], "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_bill_with_a_refused_row_is_dead_until_none_is_left() {
    let bench = Bench::new();
    let rows = vec![row("1", "SO-1", 1), refused("3", "SO-1", 3), refused("2", "SO-1", 2), row("4", "SO-2", 1)];
    assert_eq!(bench.scan(S, rows).await.1, 2);
    assert_eq!(bench.ready(S, LATE).await, ["SO-2 v1"]);
    assert_eq!(dead(&bench).await, [("SO-1 v1".into(), "必填 2".into())]);
    assert_eq!(bench.rows_of(S, "SO-1").await, texts(&[("1", 1)]));
    assert!(bench.claim(version(S, "SO-1", 1), 0).await.is_none());
    let bench = bench.reopen();
    bench.scan(S, vec![row("2", "SO-1", 2)]).await;
    assert_eq!(dead(&bench).await, [("SO-1 v2".into(), "必填 3".into())]);
    // It comes in another bill: that one is complete without it.
    bench.scan(S, vec![row("3", "SO-3", 3)]).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-2 v1", "SO-1 v3", "SO-3 v1"]);
    assert_eq!(bench.rows_of(S, "SO-1").await, texts(&[("1", 1), ("2", 2)]));
}

#[tokio::test]
async fn a_refused_row_that_moves_leaves_one_bill_and_kills_another() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1), refused("2", "SO-1", 2), row("3", "SO-2", 1)]).await;
    bench.scan(S, vec![refused("2", "SO-2", 3)]).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"]);
    assert_eq!(dead(&bench).await, [("SO-2 v2".into(), "必填 3".into())]);
}

#[tokio::test]
async fn a_version_that_is_pending_is_held_up_before_its_scan_is_finished() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1), row("2", "SO-2", 1)]).await;
    let scan = bench.begin(S).await;
    let mut first = page_of(S, scan, 0, vec![refused("3", "SO-1", 1)]);
    first.next = vec![page(1)];
    bench.store.store_page(first).await.unwrap();
    bench.check(S).await;
    assert_eq!(bench.ready(S, LATE).await, ["SO-2 v1"]);
    assert_eq!(dead(&bench).await, [("SO-1 v1".into(), "必填 1".into())]);
    bench.store.store_page(page_of(S, scan, 1, vec![row("3", "SO-1", 1)])).await.unwrap();
    bench.store.finish_scan(S, scan).await.unwrap();
    assert_eq!(bench.ready(S, LATE).await, ["SO-2 v1", "SO-1 v2"]);
}

#[tokio::test]
async fn only_its_rows_mend_it() {
    let bench = Bench::new();
    let v1 = || version(S, "SO-1", 1);
    bench.scan(S, vec![refused("1", "SO-1", 1)]).await;
    let asides = [
        SetAside::Failed { problem: problem("再试"), due_ms: 0 },
        SetAside::Dead(problem("缺客户")),
        SetAside::Blocked { collection: "products".into(), looked_in_ms: None, problem: problem("缺物料") },
        SetAside::Done(receipt("1")),
    ];
    for aside in asides {
        bench.set_aside(v1(), aside).await;
        assert_eq!(dead(&bench).await, [("SO-1 v1".into(), "必填 1".into())]);
    }
    assert_eq!(bench.store.revive(S, &|_| None, 0).await.unwrap(), 0);
    assert_eq!(bench.ready(S, LATE).await, [""; 0]);
}

#[tokio::test]
async fn what_was_claimed_is_not_sent_again_when_a_row_is_refused_meanwhile() {
    let failed = Settled::Failed { problem: problem("库存不足"), due_ms: 0, resume: None, there: None };
    // outcome, whether the scan is finished by then → [waiting, claimed, done, failed, dead, superseded]
    let table = [
        (Settled::Done(receipt("1")), false, [0, 0, 1, 0, 0, 0]),
        (Settled::Done(receipt("1")), true, [0, 0, 1, 0, 1, 0]),
        (failed.clone(), false, [0, 0, 0, 0, 1, 0]),
        (failed, true, [0, 0, 0, 0, 1, 1]),
        (Settled::Dead { problem: problem("缺客户"), resume: None, there: None }, false, [0, 0, 0, 0, 1, 0]),
    ];
    for (settled, finished, expected) in table {
        let bench = Bench::new();
        bench.scan(S, vec![row("1", "SO-1", 1)]).await;
        bench.claim(version(S, "SO-1", 1), 0).await.unwrap();
        let scan = bench.begin(S).await;
        bench.store.store_page(page_of(S, scan, 0, vec![refused("2", "SO-1", 2)])).await.unwrap();
        if finished {
            bench.store.finish_scan(S, scan).await.unwrap();
        }
        bench.settle(version(S, "SO-1", 1), settled.clone()).await.unwrap();
        let c = bench.check(S).await;
        assert_eq!([c.waiting, c.claimed, c.done, c.failed, c.dead, c.superseded], expected, "{settled:?} {finished}");
        assert_eq!(bench.ready(S, LATE).await, [""; 0]);
    }
}

#[tokio::test]
async fn lookups_do_not_find_it() {
    let bench = Bench::new();
    let found = async |content: &str| bench.store.look_up(S, &by_content(), &[content.into()], &any_row).await.unwrap();
    bench.scan_as(S, vec![refused("1", "SO-1", 1), row("2", "SO-2", 2)], |page| page.indexes.clear()).await;
    bench.store.ensure_indexes(S, &[by_content()], &values_of).await.unwrap();
    bench.check(S).await;
    assert_eq!(found("1").await, None);
    assert!(found("2").await.is_some());
    // A good row that is refused now is found by neither content.
    bench.scan(S, vec![refused("2", "SO-2", 3)]).await;
    assert_eq!((found("2").await, found("3").await), (None, None));
    bench.scan(S, vec![row("2", "SO-2", 3)]).await;
    assert!(found("3").await.is_some());
    // An index lacks nothing when a page that does not name it brings a refused row.
    bench.scan_as(S, vec![refused("4", "SO-4", 4)], |page| page.indexes.clear()).await;
    assert_eq!(found("4").await, None);
}

#[tokio::test]
async fn a_collection_without_a_target_keeps_them_and_makes_no_bills() {
    let bench = Bench::new();
    bench.scan_as(S, vec![refused("1", "1", 1)], |page| page.makes_bills = false).await;
    assert_eq!(refused_rows(&bench).await, [("1".to_owned(), 1)]);
    assert_eq!(bench.check(S).await.bills, 0);
}

#[tokio::test]
async fn they_are_listed_by_id_in_parts() {
    let bench = Bench::new();
    let rows = ["c", "a", "b", "d"].map(|id| refused(id, "SO-1", 1));
    bench.scan(S, rows.into_iter().chain([row("e", "SO-1", 1)]).collect()).await;
    bench.scan("ab", vec![refused("z", "SO-1", 1)]).await;
    let ids = async |limit, after| {
        let rows = bench.store.refused_rows(S, limit, after).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(3, None).await, ["a", "b", "c"]);
    assert_eq!(ids(3, Some("c")).await, ["d"]);
    assert_eq!(ids(3, Some("bb")).await, ["c", "d"], "behind one that is gone");
    let expected = RefusedRow {
        id: "a".into(),
        bill: "SO-1".into(),
        digest: [1; 16],
        json: json("a", 1),
        problem: problem("必填 1"),
    };
    assert_eq!(bench.store.refused_rows(S, 1, None).await.unwrap(), [expected]);
}

#[tokio::test]
async fn one_that_vanishes_lets_its_bill_live() {
    let bench = Bench::new();
    bench.scan(S, vec![row("1", "SO-1", 1), refused("2", "SO-1", 2)]).await;
    bench.scan_as(S, vec![row("1", "SO-1", 1)], |page| page.complete_bills = true).await;
    assert_eq!(refused_rows(&bench).await, []);
    assert_eq!(bench.ready(S, LATE).await, ["SO-1 v2"]);
}

#[tokio::test]
async fn rows_left_out_are_read_and_skipped() {
    let bench = Bench::new();
    let (stored, _) = bench.scan_as(S, vec![row("1", "SO-1", 1)], |page| page.left_out = 3).await;
    assert_eq!(stored, PageStored { rows: 4, new: 1, skipped: 3 });
    let counts = bench.check(S).await;
    assert_eq!((counts.rows, counts.new, counts.skipped), (4, 1, 3));
}

#[tokio::test]
async fn audit_knows_the_marks() {
    for kind in [b'q', b'h', b'z'] {
        let bench = Bench::new();
        bench.scan(S, vec![refused("1", "SO-1", 1)]).await;
        let bench = bench.tamper(|tree| {
            let key = tree.scan_prefix([kind]).next().unwrap().unwrap().0;
            tree.remove(key).unwrap();
        });
        assert!(bench.store.audit(S).await.is_err(), "{}", char::from(kind));
    }
}

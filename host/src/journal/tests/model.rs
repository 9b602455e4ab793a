//! The store against the [reference](super::reference), under any course of events, restarts included.

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestCaseResult};

use super::reference::Scheme;
use super::*;

/// Two schemes, each of which may wait for the other.
const SCHEMES: [&str; 2] = ["订单=>小满", "products"];
const BILLS: u8 = 3;
const ROWS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    Begin,
    Page {
        which: usize,
        next: Vec<u32>,
        rows: Vec<(u8, u8, u8)>,
        skip: bool,
        merges: bool,
        makes_bills: bool,
        complete_bills: bool,
        indexed: bool,
    },
    /// `cut`: a restart comes after so many of its steps.
    Finish {
        cut: Option<u32>,
    },
    /// All of a scan.
    Scan {
        pages: Vec<Vec<(u8, u8, u8)>>,
        merges: bool,
        complete_bills: bool,
    },
    Claim {
        bill: u8,
        back: u32,
        now_ms: i64,
    },
    Settle {
        bill: u8,
        back: u32,
        settled: Settled,
    },
    SetAside {
        bill: u8,
        back: u32,
        aside: SetAside,
    },
    EnsureIndexes,
    Reopen,
}

fn at(at_ms: i64) -> Problem {
    Problem { at_ms, ..problem("库存不足") }
}

fn settled() -> impl Strategy<Value = Settled> {
    let time = 0..5_000_i64;
    prop_oneof![
        3 => "[A-C]".prop_map(|number| Settled::Done(receipt(&number))),
        1 => (time.clone(), time.clone()).prop_map(|(at_ms, due_ms)| Settled::Failed { problem: at(at_ms), due_ms, resume: None, there: None }),
        1 => time.clone().prop_map(|at_ms| Settled::Dead { problem: at(at_ms), there: None }),
        1 => (time.clone(), time).prop_map(|(at_ms, due)| Settled::Uncertain { problem: at(at_ms), look_up_due_ms: due }),
    ]
}

fn aside() -> impl Strategy<Value = SetAside> {
    let time = 0..5_000_i64;
    prop_oneof![
        1 => time.clone().prop_map(|at_ms| SetAside::Dead(at(at_ms))),
        2 => (time.clone(), time).prop_map(|(at_ms, due_ms)| SetAside::Failed { problem: at(at_ms), due_ms }),
        2 => (0..2_usize).prop_map(|to| SetAside::Blocked { collection: SCHEMES[to].into(), problem: at(0) }),
        1 => "[A-C]".prop_map(|number| SetAside::Done(receipt(&number))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let row = (0..ROWS, 0..BILLS, 0..4_u8);
    let rows = prop::collection::vec(row, 0..5);
    let next = prop::collection::vec(1..5_u32, 0..3);
    let often = prop::bool::weighted(0.8);
    let page = (0..3_usize, next, rows.clone(), any::<bool>(), often, often, often, often);
    let pages = prop::collection::vec(rows, 1..4);
    let back = prop_oneof![3 => Just(0_u32), 1 => Just(1_u32)];
    prop_oneof![
        2 => Just(Step::Begin),
        5 => page.prop_map(|(which, next, rows, skip, merges, makes_bills, complete_bills, indexed)| {
            Step::Page { which, next, rows, skip, merges, makes_bills, complete_bills, indexed }
        }),
        3 => prop::option::of(0..4_u32).prop_map(|cut| Step::Finish { cut }),
        6 => (pages, often, often).prop_map(|(pages, merges, complete_bills)| {
            Step::Scan { pages, merges, complete_bills }
        }),
        5 => (0..BILLS, back.clone(), 0..5_000_i64).prop_map(|(bill, back, now_ms)| Step::Claim { bill, back, now_ms }),
        4 => (0..BILLS, back.clone(), settled()).prop_map(|(bill, back, settled)| Step::Settle { bill, back, settled }),
        3 => (0..BILLS, back, aside()).prop_map(|(bill, back, aside)| Step::SetAside { bill, back, aside }),
        1 => Just(Step::EnsureIndexes),
        1 => Just(Step::Reopen),
    ]
}

fn row_id(number: u8) -> String {
    format!("行\0{number}")
}

fn bill_id(number: u8) -> String {
    // One is a prefix of another.
    "SO-1".to_owned() + &"0".repeat(number.into())
}

struct Run {
    bench: Option<Bench>,
    schemes: [Scheme; 2],
    begun: u64,
}

impl Run {
    fn store(&self) -> &SledStore {
        &self.bench.as_ref().unwrap().store
    }

    /// The version that a step means: the latest, or the one before.
    fn version(&self, which: usize, bill: u8, back: u32) -> BillVersion {
        let versions = self.schemes[which].bills.get(&bill_id(bill)).map_or(0, Vec::len);
        version(SCHEMES[which], &bill_id(bill), u32::try_from(versions).unwrap().saturating_sub(back))
    }

    async fn make(&mut self, which: usize, step: Step) -> TestCaseResult {
        let name = SCHEMES[which];
        match step {
            Step::Begin => {
                self.begun += 1;
                let new = NewScan {
                    kind: ScanKind::Scheduled,
                    window_start: None,
                    window_end: begun_ms(self.begun) / 1_000,
                    begun_ms: begun_ms(self.begun),
                    first_page: page(0),
                };
                let expected = self.schemes[which].begin(new.begun_ms, new.window_end);
                prop_assert_eq!(self.store().begin_scan(name, new).await.is_ok(), expected);
            }
            Step::Page { which: choice, next, rows, skip, merges, makes_bills, complete_bills, indexed } => {
                let (scan, open) = self.schemes[which].open_pages().unwrap_or((7, vec![]));
                let index = open.get(choice).copied().unwrap_or_default();
                let rows: Vec<_> =
                    rows.into_iter().map(|(id, bill, content)| (row_id(id), bill_id(bill), content)).collect();
                let mut to_store = page_of(
                    name,
                    scan,
                    index,
                    rows.iter().map(|(id, bill, content)| row(id, bill, *content)).collect(),
                );
                to_store.next = next.into_iter().map(page).collect();
                to_store.on_change = if skip { OnChange::Skip } else { OnChange::Redeliver };
                to_store.merges = merges;
                to_store.makes_bills = makes_bills;
                to_store.complete_bills = complete_bills;
                if !indexed {
                    to_store.indexes.clear();
                }
                let expected = self.schemes[which].page(&to_store, &rows);
                prop_assert_eq!(self.store().store_page(to_store).await.ok(), expected);
            }
            Step::Finish { cut } => self.finish(which, cut).await?,
            Step::Scan { pages, merges, complete_bills } => {
                let last = pages.len();
                let pages = (1_u32..).zip(pages).map(|(number, rows)| Step::Page {
                    which: 0,
                    next: if number as usize == last { vec![] } else { vec![number] },
                    rows,
                    skip: false,
                    merges,
                    makes_bills: true,
                    complete_bills,
                    indexed: true,
                });
                let steps: Vec<_> =
                    std::iter::once(Step::Begin).chain(pages).chain([Step::Finish { cut: None }]).collect();
                for step in steps {
                    Box::pin(self.make(which, step)).await?;
                }
            }
            Step::Claim { bill, back, now_ms } => {
                let version = self.version(which, bill, back);
                let expected = self.schemes[which].claim(&version.bill, version.version, now_ms);
                let claimed = self.store().claim(vec![to_claim(version)], now_ms).await.unwrap();
                prop_assert_eq!(claimed.len() == 1, expected);
            }
            Step::Settle { bill, back, settled } => {
                let mut version = self.version(which, bill, back);
                if let (0, Some(claimed)) = (back, self.schemes[which].claimed_version(&version.bill)) {
                    version.version = claimed;
                }
                let expected = self.schemes[which].settle(&version.bill, version.version, &settled);
                prop_assert_eq!(self.store().settle(vec![(version, settled)]).await.is_ok(), expected);
            }
            Step::SetAside { bill, back, aside } => {
                let version = self.version(which, bill, back);
                let completed_ms = match &aside {
                    SetAside::Blocked { collection, .. } => {
                        let to = SCHEMES.iter().position(|scheme| scheme == collection).unwrap();
                        self.schemes[to].last_finished_scan_begun_ms
                    }
                    _ => None,
                };
                self.schemes[which].set_aside(&version.bill, version.version, &aside, completed_ms);
                self.store().set_aside(vec![(version, aside)]).await.unwrap();
            }
            Step::EnsureIndexes => {
                self.schemes[which].index_is_complete = true;
                self.store().ensure_indexes(name, &[by_content()], &values_of).await.unwrap();
            }
            Step::Reopen => self.bench = self.bench.take().map(Bench::reopen),
        }
        Ok(())
    }

    /// `cut`: after so many steps it is given up, and begun again after a restart.
    async fn finish(&mut self, which: usize, cut: Option<u32>) -> TestCaseResult {
        let name = SCHEMES[which];
        let scan = self.schemes[which].open_pages().map_or(7, |(scan, _)| scan);
        let expected = self.schemes[which].finish();
        let mut is_over = false;
        if let Some(cut) = cut {
            cut_off(self.store().finish_scan(name, scan), cut).await;
            self.bench = self.bench.take().map(Bench::reopen);
            is_over = self.store().scheme(name).await.unwrap().scan.is_none();
        }
        if !(is_over && expected.is_some()) {
            prop_assert_eq!(self.store().finish_scan(name, scan).await.ok(), expected);
        }
        if expected.is_some() {
            self.schemes.iter_mut().for_each(|scheme| scheme.release(name));
        }
        Ok(())
    }

    async fn compare(&self) -> TestCaseResult {
        let store = self.store();
        for (name, expected) in SCHEMES.into_iter().zip(&self.schemes) {
            let state = store.scheme(name).await.unwrap();
            prop_assert!(state.counts.balance());
            prop_assert_eq!(state.counts, expected.counts());
            prop_assert_eq!(store.audit(name).await.unwrap(), state.counts);
            prop_assert_eq!(state.last_sync, expected.last_sync);
            prop_assert_eq!(store.next_due(name).await.unwrap(), expected.next_due());
            for now_ms in [0, 2_000, LATE] {
                let ready = store.ready(name, now_ms, 100, &|_| false).await.unwrap().into_iter();
                let ready: Vec<_> = ready
                    .map(|b| (b.version.bill, b.version.version, b.attempts, b.delivered.and_then(|d| d.number)))
                    .collect();
                prop_assert_eq!(ready, expected.ready(now_ms));
            }
            let claimed = store.claimed(name).await.unwrap().into_iter();
            let claimed: Vec<_> =
                claimed.map(|c| (c.version.bill, c.version.version, c.attempts, c.uncertain_since_ms)).collect();
            prop_assert_eq!(claimed, expected.claimed());
            for bill in (0..BILLS).map(bill_id) {
                let rows: Vec<_> = expected.rows_of(&bill).iter().map(|(id, content)| json(id, *content)).collect();
                prop_assert_eq!(store.rows_of(name, &bill).await.unwrap(), rows);
            }
            for content in 0..4 {
                let found = store.look_up(name, &by_content(), &[content.to_string()]).await;
                if expected.index_is_complete {
                    let row = expected.look_up(content).map(|id| json(&id, content));
                    prop_assert_eq!(found.unwrap(), row);
                } else {
                    prop_assert!(matches!(found, Err(JournalError::Conflict(_))));
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_store_does_what_the_rules_say(steps in prop::collection::vec((0..2_usize, step()), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run { bench: Some(Bench::new()), schemes: Default::default(), begun: 0 };
            for (which, step) in steps {
                run.make(which, step).await?;
                run.compare().await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

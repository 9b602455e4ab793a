//! The store against the [reference](super::reference), under any course of events, restarts included.

mod steps;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestCaseResult};

use self::steps::{RowRead, Step, step};
use super::reference::Scheme;
use super::*;

/// Two schemes, each of which may wait for the other.
const SCHEMES: [&str; 2] = ["订单=>小满", "products"];
const BILLS: u8 = 3;
const ROWS: u8 = 4;

fn row_id(number: u8) -> String {
    format!("行\0{number}")
}

fn bill_id(number: u8) -> String {
    // They lie in one pack, and one is a prefix of the others.
    ["SO-1", "SO-10", "SO-11"][usize::from(number)].to_owned()
}

fn to_store(read: RowRead) -> RowToStore {
    let (id, bill, content) = (row_id(read.id), bill_id(read.bill), read.content);
    if read.refused { refused(&id, &bill, content) } else { row(&id, &bill, content) }
}

/// A row's bill in a grouping; some rows have none of their own.
fn bill_in(grouping: u8, id: &str, content: u8) -> Option<String> {
    let number = id.bytes().last().unwrap() - b'0';
    let bill = match grouping {
        0 => number,
        1 => content + 1,
        _ => number + content,
    };
    (number != content).then(|| bill_id(bill % BILLS))
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
                    source_digest: String::new(),
                    first_page: page(0),
                };
                let expected = self.schemes[which].begin(new.begun_ms, new.window_end);
                prop_assert_eq!(self.store().begin_scan(name, new).await.is_ok(), expected);
            }
            page @ Step::Page { .. } => self.page(which, page).await?,
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
            Step::Restart => {
                let scan = self.schemes[which].open_pages().map_or(7, |(scan, _)| scan);
                let expected = self.schemes[which].restart();
                let restarted = self.store().restart_scan(name, scan, page(0), "新源".into()).await;
                prop_assert_eq!(restarted.is_ok(), expected);
            }
            restage @ Step::Restage { .. } => self.restage(which, restage).await?,
            bring @ Step::Bring { .. } => self.bring(which, bring).await,
            Step::Regroup { grouping, merges, cut } => self.regroup(which, grouping, merges, cut).await?,
            Step::Revive { digest, now_ms } => {
                let expected = self.schemes[which].revive(digest, now_ms);
                let now = |name: &str| digest.filter(|_| name == "table:物料").map(str::to_owned);
                prop_assert_eq!(self.store().revive(name, &now, now_ms).await.unwrap(), expected);
            }
            Step::Purge { cut } => {
                if let Some(cut) = cut {
                    cut_off(self.store().purge(name), cut).await;
                    self.bench = self.bench.take().map(Bench::reopen);
                    self.bench.as_ref().unwrap().check(name).await;
                }
                self.store().purge(name).await.unwrap();
                self.schemes[which] = Scheme::default();
                prop_assert!(!self.store().schemes().await.unwrap().contains(&name.to_owned()));
            }
            Step::EnsureIndexes => {
                self.schemes[which].index_is_complete = true;
                self.store().ensure_indexes(name, &indexes(), &values_of).await.unwrap();
            }
            Step::Reopen => self.bench = self.bench.take().map(Bench::reopen),
            Step::Kill => {
                self.bench = self.bench.take().map(Bench::killed);
                prop_assert!(!self.store().scheme(name).await.unwrap().in_doubt, "nothing is lost");
            }
        }
        Ok(())
    }

    async fn page(&mut self, which: usize, step: Step) -> TestCaseResult {
        let Step::Page { which: choice, next, rows, skip, merges, makes_bills, complete_bills, indexed } = step else {
            return Ok(());
        };
        let name = SCHEMES[which];
        let (scan, open) = self.schemes[which].open_pages().unwrap_or((7, vec![]));
        let index = open.get(choice).copied().unwrap_or_default();
        let mut to_store = page_of(name, scan, index, rows.into_iter().map(to_store).collect());
        to_store.left_out = u64::try_from(choice).unwrap();
        to_store.next = next.into_iter().map(page).collect();
        to_store.on_change = if skip { OnChange::Skip } else { OnChange::Redeliver };
        to_store.merges = merges;
        to_store.makes_bills = makes_bills;
        to_store.complete_bills = complete_bills;
        to_store.indexes = if indexed { indexes() } else { vec![] };
        let expected = self.schemes[which].page(&to_store);
        prop_assert_eq!(self.store().store_page(to_store).await.ok(), expected);
        Ok(())
    }

    async fn bring(&mut self, which: usize, step: Step) {
        let Step::Bring { rows, skip, makes_bills, indexed, at_ms } = step else { return };
        let brought = RowsBrought {
            scheme: SCHEMES[which].into(),
            rows: rows.into_iter().map(to_store).collect(),
            left_out: 1,
            on_change: if skip { OnChange::Skip } else { OnChange::Redeliver },
            makes_bills,
            indexes: if indexed { indexes() } else { vec![] },
            at_ms,
        };
        self.schemes[which].bring(&brought);
        self.store().settle_bringing(vec![], vec![brought], vec![]).await.unwrap();
    }

    async fn restage(&mut self, which: usize, step: Step) -> TestCaseResult {
        let Step::Restage { rows, stale, merges, makes_bills, indexed } = step else {
            return Ok(());
        };
        let name = SCHEMES[which];
        let refused = self.store().refused_rows(name, 10, None).await.unwrap();
        let restaged: Vec<_> = refused
            .into_iter()
            .zip(rows)
            .map(|(refused, becomes)| Restaged {
                digest: if stale { [99; 16] } else { refused.digest },
                becomes: becomes.into_iter().map(|read| read.of(&refused)).collect(),
                id: refused.id,
            })
            .collect();
        let how = RestageSettings { makes_bills, merges, indexes: if indexed { indexes() } else { vec![] } };
        let expected = self.schemes[which].restage(&restaged, &how);
        prop_assert_eq!(self.store().restage(name, restaged, how).await.unwrap(), expected);
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

    /// `cut`: as in `finish`.
    async fn regroup(&mut self, which: usize, grouping: u8, merges: bool, cut: Option<u32>) -> TestCaseResult {
        let name = SCHEMES[which];
        let of = |id: &str, content| bill_in(grouping, id, content);
        let of_json = |id: &str, json: &[u8]| {
            let row: serde_json::Value = serde_json::from_slice(json).unwrap();
            of(id, row["内容"].to_string().parse().unwrap())
        };
        let grouping = format!("按{grouping}");
        let expected = self.schemes[which].regroup(&grouping, merges, of);
        if let Some(cut) = cut {
            let ended = cut_off(self.store().regroup(name, &grouping, merges, &of_json), cut).await.is_some();
            self.bench = self.bench.take().map(Bench::reopen);
            self.bench.as_ref().unwrap().check(name).await;
            if !ended
                && expected.is_some()
                && self.store().scheme(name).await.unwrap().grouping.as_ref() != Some(&grouping)
            {
                self.nothing_is_ready(name).await?;
            }
            let again = self.store().regroup(name, &grouping, merges, &of_json).await;
            prop_assert_eq!(again.is_ok(), expected.is_some());
        } else {
            prop_assert_eq!(self.store().regroup(name, &grouping, merges, &of_json).await.ok(), expected);
        }
        Ok(())
    }

    /// Rows are being moved: nothing is delivered.
    async fn nothing_is_ready(&self, name: &str) -> TestCaseResult {
        prop_assert_eq!(self.store().ready(name, LATE, 10, &|_| false).await.unwrap(), []);
        prop_assert_eq!(self.store().next_due(name).await.unwrap(), None);
        let versions = (1..9).flat_map(|number| (0..BILLS).map(move |bill| version(name, &bill_id(bill), number)));
        let claims = versions.map(to_claim).collect();
        prop_assert_eq!(self.store().claim(claims, 0).await.unwrap(), []);
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
            let bills: Vec<String> = (0..BILLS).map(bill_id).collect();
            let names: Vec<&str> = bills.iter().map(String::as_str).collect();
            let mut together = store.rows_of_bills(name, &names).await.unwrap();
            for bill in &bills {
                let rows: Vec<_> = expected.rows_of(bill).iter().map(|(id, content)| json(id, *content)).collect();
                prop_assert_eq!(&together.remove(bill).unwrap_or_default(), &rows);
                prop_assert_eq!(store.rows_of(name, bill).await.unwrap(), rows);
            }
            prop_assert_eq!(&state.grouping, &expected.grouping);
            let refused = store.refused_rows(name, 100, None).await.unwrap();
            let found: Vec<_> =
                refused.iter().map(|r| (r.id.clone(), r.bill.clone(), r.digest[0], r.problem.clone())).collect();
            prop_assert_eq!(found, expected.refused_rows());
            prop_assert!(refused.iter().all(|row| row.json == json(&row.id, row.digest[0])));
            let accepts: [fn(&[u8]) -> bool; 2] =
                [any_row, |json| json.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 2 == 0];
            for accept in accepts {
                for content in [None, Some(0), Some(1), Some(2), Some(3)] {
                    let (fields, values) =
                        content.map_or((vec![], vec![]), |c: u8| (by_content(), vec![c.to_string()]));
                    let found = store.look_up(name, &fields, &values, &accept).await;
                    if expected.index_is_complete {
                        let row = expected.look_up(content, |id, content| accept(&json(id, content)));
                        prop_assert_eq!(
                            found.unwrap().map(|found| found.json),
                            row.map(|(id, content)| json(&id, content))
                        );
                    } else {
                        let is_missing = matches!(found, Err(JournalError::IndexMissing { .. }));
                        prop_assert!(is_missing);
                    }
                }
            }
            let missing = store.missing_indexes(name, &indexes()).await.unwrap();
            prop_assert_eq!(missing, if expected.index_is_complete { vec![] } else { indexes() });
        }
        Ok(())
    }
}

fn indexes() -> Vec<IndexFields> {
    vec![by_content(), vec![]]
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

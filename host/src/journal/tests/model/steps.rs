//! What may happen, at random.

use super::*;

/// A row as a page has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowRead {
    pub(super) id: u8,
    pub(super) bill: u8,
    pub(super) content: u8,
    pub(super) refused: bool,
}

/// What a refused row becomes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Becomes {
    /// Itself, still refused, for another reason.
    Itself,
    Row(RowRead),
}

impl Becomes {
    pub(super) fn of(self, row: &RefusedRow) -> RowToStore {
        match self {
            Self::Itself => {
                RowToStore { refused: Some(problem("别的")), ..refused(&row.id, &row.bill, row.digest[0]) }
            }
            Self::Row(read) => to_store(read),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Begin,
    Page {
        which: usize,
        next: Vec<u32>,
        rows: Vec<RowRead>,
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
        pages: Vec<Vec<RowRead>>,
        merges: bool,
        complete_bills: bool,
    },
    Restart,
    /// What the refused rows become, in their order.
    Restage {
        rows: Vec<Vec<Becomes>>,
        stale: bool,
        merges: bool,
        makes_bills: bool,
        indexed: bool,
    },
    /// What a delivery of another scheme brings.
    Bring {
        rows: Vec<RowRead>,
        skip: bool,
        makes_bills: bool,
        indexed: bool,
        at_ms: i64,
    },
    Regroup {
        grouping: u8,
        merges: bool,
        cut: Option<u32>,
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
    /// `digest`: of everything that a problem may depend on.
    Revive {
        digest: Option<&'static str>,
        now_ms: i64,
    },
    Purge {
        cut: Option<u32>,
    },
    EnsureIndexes,
    /// The store is closed, and opened again.
    Reopen,
    /// The host is killed, and another one opens what it left.
    Kill,
}

/// Some problems depend on something.
fn at(at_ms: i64) -> Problem {
    let mut problem = Problem { at_ms, ..problem("库存不足") };
    if at_ms % 3 == 0 {
        problem.depends_on.clear();
    }
    problem
}

fn settled() -> impl Strategy<Value = Settled> {
    let time = 0..5_000_i64;
    prop_oneof![
        3 => "[A-C]".prop_map(|number| Settled::Done(receipt(&number))),
        1 => (time.clone(), time.clone()).prop_map(|(at_ms, due_ms)| Settled::Failed { problem: at(at_ms), due_ms, resume: None, there: None }),
        1 => time.clone().prop_map(|at_ms| Settled::Dead { problem: at(at_ms), resume: None, there: None }),
        1 => (time.clone(), time).prop_map(|(at_ms, due)| Settled::Uncertain { problem: at(at_ms), look_up_due_ms: due }),
    ]
}

fn aside() -> impl Strategy<Value = SetAside> {
    let time = 0..5_000_i64;
    prop_oneof![
        2 => time.clone().prop_map(|at_ms| SetAside::Dead(at(at_ms))),
        2 => (time.clone(), time.clone()).prop_map(|(at_ms, due_ms)| SetAside::Failed { problem: at(at_ms), due_ms }),
        2 => (0..2_usize, prop::option::of(time)).prop_map(|(to, looked_in_ms)| {
            SetAside::Blocked { collection: SCHEMES[to].into(), looked_in_ms, problem: at(0) }
        }),
        1 => "[A-C]".prop_map(|number| SetAside::Done(receipt(&number))),
    ]
}

fn row_read() -> impl Strategy<Value = RowRead> + Clone {
    (0..ROWS, 0..BILLS, 0..4_u8, prop::bool::weighted(0.2)).prop_map(|(id, bill, content, refused)| RowRead {
        id,
        bill,
        content,
        refused,
    })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec(row_read(), 0..5);
    let next = prop::collection::vec(1..5_u32, 0..3);
    let often = prop::bool::weighted(0.8);
    let page = (0..3_usize, next, rows.clone(), any::<bool>(), often, often, often, often);
    let pages = prop::collection::vec(rows.clone(), 1..4);
    let bring = (rows.clone(), any::<bool>(), often, often, 0..5_000_i64);
    let back = prop_oneof![3 => Just(0_u32), 1 => Just(1_u32)];
    let cut = prop::option::of(0..6_u32);
    let becomes = prop_oneof![1 => Just(Becomes::Itself), 4 => row_read().prop_map(Becomes::Row)];
    let restaged = prop::collection::vec(prop::collection::vec(becomes, 0..3), 1..4);
    let restage = (restaged, prop::bool::weighted(0.1), often, often, often);
    let digest = prop_oneof![Just(None), Just(Some("旧")), Just(Some("新"))];
    prop_oneof![
        2 => Just(Step::Begin),
        5 => page.prop_map(|(which, next, rows, skip, merges, makes_bills, complete_bills, indexed)| {
            Step::Page { which, next, rows, skip, merges, makes_bills, complete_bills, indexed }
        }),
        3 => prop::option::of(0..4_u32).prop_map(|cut| Step::Finish { cut }),
        6 => (pages, often, often).prop_map(|(pages, merges, complete_bills)| {
            Step::Scan { pages, merges, complete_bills }
        }),
        1 => Just(Step::Restart),
        3 => restage.prop_map(|(rows, stale, merges, makes_bills, indexed)| {
            Step::Restage { rows, stale, merges, makes_bills, indexed }
        }),
        2 => bring.prop_map(|(rows, skip, makes_bills, indexed, at_ms)| Step::Bring { rows, skip, makes_bills, indexed, at_ms }),
        3 => (0..3_u8, often, cut.clone()).prop_map(|(grouping, merges, cut)| Step::Regroup { grouping, merges, cut }),
        5 => (0..BILLS, back.clone(), 0..5_000_i64).prop_map(|(bill, back, now_ms)| Step::Claim { bill, back, now_ms }),
        6 => (0..BILLS, back.clone(), settled()).prop_map(|(bill, back, settled)| Step::Settle { bill, back, settled }),
        3 => (0..BILLS, back, aside()).prop_map(|(bill, back, aside)| Step::SetAside { bill, back, aside }),
        1 => (digest, 0..5_000_i64).prop_map(|(digest, now_ms)| Step::Revive { digest, now_ms }),
        1 => cut.prop_map(|cut| Step::Purge { cut }),
        1 => Just(Step::EnsureIndexes),
        1 => Just(Step::Reopen),
        2 => Just(Step::Kill),
    ]
}

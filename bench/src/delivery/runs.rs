//! What is run, and what of it is told.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};

use super::fixture::{Seen, Task};
use super::process::{self, Ended};
use super::project::Project;
use super::{CONCURRENCY, Delivery, LINES, PAGE};

/// Everything that was measured.
pub(crate) struct Measured {
    /// The host with nothing to do.
    pub(super) idle: Idle,
    pub(super) cases: Vec<Case>,
}

/// A run of the host in which there is nothing to deliver.
#[derive(Clone, Copy)]
pub(super) struct Idle {
    pub(super) seconds: f64,
    pub(super) peak_bytes: u64,
}

/// One amount of work, done in both ways.
pub(super) struct Case {
    pub(super) task: Task,
    /// By the program written by hand; none where only the host's memory is asked for.
    pub(super) reference: Option<Side>,
    pub(super) qiao: Side,
}

/// How the work was done: the medians of the rounds, each by itself.
#[derive(Clone, Copy)]
pub(super) struct Side {
    pub(super) orders_per_second: f64,
    pub(super) cpu_seconds: f64,
    pub(super) fixture_cpu_seconds: f64,
    pub(super) peak_bytes: u64,
}

impl Case {
    pub(super) fn orders(&self) -> u64 {
        orders(self.task.rows)
    }
}

fn orders(rows: u64) -> u64 {
    rows.div_ceil(LINES)
}

/// Rows whose orders are pushed with a latency, and the latency.
const SLOW: Task = Task { rows: 20_000, latency_ms: 20 };

pub(crate) fn measure(delivery: &Delivery) -> anyhow::Result<Measured> {
    let mut bench = Bench::new(delivery)?;
    let idle = bench.idle(delivery.rounds)?;
    let mut cases = Vec::new();
    let quick = |rows| Task { rows, latency_ms: 0 };
    if let Some(rows) = delivery.rows {
        cases.push(bench.case(quick(rows), delivery.rounds)?);
        return Ok(Measured { idle, cases });
    }
    cases.push(bench.case(quick(20_000), delivery.rounds)?);
    cases.push(bench.case(quick(200_000), delivery.rounds.min(3))?);
    // Nearly all of it is waiting, which is the same in every round.
    cases.push(bench.case(SLOW, 1)?);
    if delivery.two_million {
        let task = quick(2_000_000);
        let qiao = Side::median(&[bench.qiao(task)?]);
        cases.push(Case { task, reference: None, qiao });
    }
    Ok(Measured { idle, cases })
}

struct Bench<'d> {
    delivery: &'d Delivery,
    fixture: Fixture,
    project: Project,
}

impl<'d> Bench<'d> {
    fn new(delivery: &'d Delivery) -> anyhow::Result<Self> {
        let fixture = Fixture::start()?;
        let project = Project::new(&delivery.plugins, fixture.port)?;
        let mut bench = Self { delivery, fixture, project };
        // Compiles the plugins.
        bench.qiao(Task::default())?;
        Ok(bench)
    }

    fn idle(&mut self, rounds: usize) -> anyhow::Result<Idle> {
        let rounds = (0..rounds).map(|_| self.run_qiao()).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Idle {
            seconds: median(rounds.iter().map(|ended| seconds(ended.begin_us, ended.end_us))),
            peak_bytes: median(rounds.iter().map(|ended| ended.peak_bytes)),
        })
    }

    fn case(&mut self, task: Task, rounds: usize) -> anyhow::Result<Case> {
        let (mut reference, mut qiao) = (Vec::new(), Vec::new());
        for _ in 0..rounds.max(1) {
            reference.push(self.reference(task)?);
            qiao.push(self.qiao(task)?);
        }
        Ok(Case { task, reference: Some(Side::median(&reference)), qiao: Side::median(&qiao) })
    }

    fn reference(&mut self, task: Task) -> anyhow::Result<Side> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["reference", "--port", &self.fixture.port.to_string()]);
        command.args(["--page-size", &PAGE.to_string(), "--concurrency", &CONCURRENCY.to_string()]);
        self.fixture.give(task)?;
        let cpu_before = self.fixture.cpu_seconds()?;
        let ended = process::run(&mut command)?;
        self.side(task, ended, cpu_before)
    }

    fn qiao(&mut self, task: Task) -> anyhow::Result<Side> {
        if self.project.path().join("state").exists() {
            self.project.forget()?;
        }
        self.fixture.give(task)?;
        let cpu_before = self.fixture.cpu_seconds()?;
        let ended = self.run_qiao()?;
        self.side(task, ended, cpu_before)
    }

    fn run_qiao(&mut self) -> anyhow::Result<Ended> {
        let log = self.project.log();
        let mut command = Command::new(&self.delivery.qiao);
        command.args(["run", "--once", "--json", "--root"]).arg(self.project.path());
        command
            .env("BENCH_SECRET", "secret")
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        process::run(&mut command)
            .with_context(|| format!("it said:\n{}", std::fs::read_to_string(&log).unwrap_or_default()))
    }

    fn side(&mut self, task: Task, ended: Ended, cpu_before: f64) -> anyhow::Result<Side> {
        let fixture_cpu_seconds = self.fixture.cpu_seconds()? - cpu_before;
        let seen = self.fixture.give(Task::default())?;
        let orders = orders(task.rows);
        ensure!(
            seen.pushes == orders && seen.numbers == orders,
            "{} pushes of {} orders, and there are {orders}",
            seen.pushes,
            seen.numbers
        );
        #[expect(clippy::cast_precision_loss, reason = "a figure for a person")]
        let orders_per_second = orders as f64 / seconds(seen.first_page_us, ended.end_us);
        let Ended { cpu_seconds, peak_bytes, .. } = ended;
        Ok(Side { orders_per_second, cpu_seconds, fixture_cpu_seconds, peak_bytes })
    }
}

impl Side {
    fn median(rounds: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| median(rounds.iter().map(part));
        Self {
            orders_per_second: of(|side| side.orders_per_second),
            cpu_seconds: of(|side| side.cpu_seconds),
            fixture_cpu_seconds: of(|side| side.fixture_cpu_seconds),
            peak_bytes: median(rounds.iter().map(|side| side.peak_bytes)),
        }
    }
}

/// The fixture, in a process of its own.
struct Fixture {
    process: Child,
    tasks: ChildStdin,
    seen: BufReader<ChildStdout>,
    port: u16,
}

impl Fixture {
    fn start() -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("fixture")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the fixture")?;
        let (tasks, seen) = (process.stdin.take(), process.stdout.take());
        let (tasks, mut seen) = (tasks.context("no way in")?, BufReader::new(seen.context("no way out")?));
        let mut port = String::new();
        seen.read_line(&mut port)?;
        Ok(Self { process, tasks, seen, port: port.trim().parse().context("the fixture names no port")? })
    }

    /// The next task; returns what was seen of the one before.
    fn give(&mut self, task: Task) -> anyhow::Result<Seen> {
        writeln!(self.tasks, "{}", serde_json::to_string(&task)?)?;
        let mut seen = String::new();
        self.seen.read_line(&mut seen)?;
        Ok(serde_json::from_str(&seen)?)
    }

    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        process::cpu_seconds(self.process.id())
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Either fails only if it is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn seconds(from_us: u64, to_us: u64) -> f64 {
    std::time::Duration::from_micros(to_us.saturating_sub(from_us)).as_secs_f64()
}

fn median<T: PartialOrd + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied().unwrap_or_default()
}

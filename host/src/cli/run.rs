//! `qiao run`: by schedule, or once.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::project::{self, Opened};
use super::stop::{Ended, Signals, Stopping};
use super::{CommandResult, Common, FAILED, output};
use crate::config::{ConfigProblem, Watch};
use crate::engine::once::SchemeReport;
use crate::engine::reload::{self, Serving};
use crate::engine::{Engine, Progress, once, serve};
use crate::journal::Journal;
use crate::web;

/// Arguments of `qiao run`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Scan and deliver every scheme once, in the order of their lookups, then end with a summary.
    #[arg(long)]
    pub(super) once: bool,
    /// With `--once`: go on through back-offs for so long: `30s`, `2m`.
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = parse_wait)]
    wait: Duration,
}

/// A time as in `qiao.toml`, or a bare number of seconds.
fn parse_wait(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(24 * 365);
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds).min(LONGEST));
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| "write a time: `30s`, `2m`".to_owned())?;
    Duration::try_from(span).map(|wait| wait.min(LONGEST)).map_err(|_| "a time cannot be negative".to_owned())
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> CommandResult {
    // From before the first look: what changes meanwhile is taken over as soon as this is done.
    let watch = (!arguments.once).then(|| Watch::new(&common.root));
    let (Opened { standing, loader }, journal) = project::open_to_work(common).await?;
    output::problems(&standing.problems);
    let broken = standing.problems.iter().any(ConfigProblem::is_error);
    let serving = Serving::new(standing);
    let (stop, stopped) = watch::channel(false);
    let progress = Arc::new(Progress::default());
    let engine = Engine::new(serving.snapshots(), Arc::clone(&journal) as Arc<dyn Journal>, progress, stopped);

    let reporter = tokio::spawn(report_progress(Arc::clone(&engine.progress)));
    let stopping = Stopping { signals: Signals::new()?, stop, serving: serving.clone() };
    let result = match watch {
        None => run_once(common, arguments, &engine, broken, stopping).await,
        Some(watch) => {
            let answering = answer(&serving, engine.clone());
            let keeping_up = tokio::spawn(reload::keep_up(watch, loader, serving));
            let result = tokio::select! {
                result = run_by_schedule(engine, keeping_up, stopping) => result,
                // Nothing can be recorded any more, so nothing may be done.
                failed = journal.failed() => Err(failed.into()),
            };
            answering.iter().for_each(JoinHandle::abort);
            result
        }
    };
    reporter.abort();
    result
}

/// Answers other commands. A host that cannot do that works all the same.
fn answer(serving: &Serving, engine: Engine) -> Option<JoinHandle<()>> {
    let state_dir = serving.standing().project.state_dir();
    let listening = web::listen(&state_dir)
        .inspect_err(|error| {
            tracing::warn!("other commands cannot ask this host: its socket cannot be opened: {error}");
        })
        .ok()?;
    let serving = serving.clone();
    Some(tokio::spawn(async move {
        if let Err(error) = web::serve(listening, serving, engine).await {
            tracing::warn!("other commands cannot ask this host any more: {error}");
        }
    }))
}

/// What is said where there is nothing to do.
const NO_SCHEME: &str = "no scheme can run\n  hint: `qiao scheme check` says why; describe one in `schemes/*.yaml`";

async fn run_once(
    common: &Common,
    arguments: &Arguments,
    engine: &Engine,
    broken: bool,
    stopping: Stopping,
) -> CommandResult {
    if engine.snapshot.schemes.is_empty() {
        return Err(NO_SCHEME.into());
    }
    let started = Instant::now();
    let reports = match stopping.run(once::run(engine, arguments.wait), std::future::pending()).await {
        Ended::Done(reports) => reports?,
        Ended::BrokenOff => {
            say_what_is_left(engine).await;
            return Ok(ExitCode::from(FAILED));
        }
        Ended::AtOnce => return Ok(ExitCode::from(FAILED)),
    };
    let seconds = started.elapsed().as_secs_f64();
    for report in &reports {
        if report.is_paused {
            output::note(&format!("`{}` is paused: `qiao scheme resume {}` lets it go on", report.stem, report.stem));
        }
        if let Some(error) = &report.error {
            output::problem(&format!("{}: {error}", report.stem));
        }
    }
    if common.json {
        output::line(&summary(&reports, seconds).to_string());
    } else {
        print_summary(&reports, seconds);
    }
    let succeeded = !broken && reports.iter().all(SchemeReport::succeeded);
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn run_by_schedule(engine: Engine, keeping_up: JoinHandle<()>, stopping: Stopping) -> CommandResult {
    match engine.snapshot.schemes.len() {
        0 => output::note("no scheme can run yet: waits for one in `schemes/`, which is taken over without a restart"),
        count => {
            output::note(&format!("{count} scheme(s) run; changes of the project are taken over without a restart"));
        }
    }
    let abort = keeping_up.abort_handle();
    // It runs as long as the host; a host that does not see changes any more is no host, and is to be started anew.
    let mut has_failed = false;
    let broken = async {
        let ended = keeping_up.await;
        let why = ended.map_or_else(|error| error.to_string(), |()| "it ended".to_owned());
        has_failed = true;
        output::problem(&format!("changes of the project are not taken over any more, so the host stops: {why}"));
    };
    let ended = stopping.run(serve::run(engine.clone()), broken).await;
    abort.abort();
    match ended {
        Ended::Done(()) => {}
        Ended::BrokenOff => say_what_is_left(&engine).await,
        Ended::AtOnce => has_failed = true,
    }
    Ok(if has_failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// Says which bills were broken off while they were being sent.
async fn say_what_is_left(engine: &Engine) {
    let mut left = 0;
    for scheme in &engine.snapshot.schemes {
        // A bill that was uncertain before has a time at which it is looked up.
        let claimed = engine.journal.claimed(&scheme.stem).await.unwrap_or_default();
        left += claimed.iter().filter(|claimed| claimed.look_up_due_ms.is_none()).count();
    }
    output::note(&format!(
        "what was under way is broken off: {left} bill(s) that were being sent are looked up at the vendor at the next start"
    ));
}

/// A line a second while something moves.
pub(super) async fn report_progress(progress: Arc<Progress>) {
    let mut before = progress.now();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.tick().await;
    loop {
        tick.tick().await;
        let now = progress.now();
        if now != before {
            output::note(&format!(
                "{} rows read ({} rows/s), {} bills done ({} bills/s), {} failed attempts, {} dead",
                now.rows,
                now.rows - before.rows,
                now.done,
                now.done - before.done,
                now.failures,
                now.dead
            ));
        }
        before = now;
    }
}

fn summary(reports: &[SchemeReport], seconds: f64) -> Value {
    let schemes: Vec<Value> = reports
        .iter()
        .map(|report| {
            let counts = &report.counts;
            let mut scheme = json!({
                "name": report.name,
                "file": report.file,
                "rows": counts.rows,
                "new": counts.new,
                "skipped": counts.skipped,
                "bills": counts.bills,
                "done": counts.done,
                "failed": counts.failed,
                "dead": counts.dead,
                "waiting": counts.waiting,
                "claimed": counts.claimed,
                "superseded": counts.superseded,
            });
            if let (Some(error), Some(scheme)) = (&report.error, scheme.as_object_mut()) {
                scheme.insert("error".to_owned(), Value::String(error.clone()));
            }
            scheme
        })
        .collect();
    json!({ "schemes": schemes, "seconds": (seconds * 1000.0).round() / 1000.0 })
}

fn print_summary(reports: &[SchemeReport], seconds: f64) {
    let header =
        ["scheme", "rows", "new", "skipped", "bills", "done", "failed", "dead", "waiting", "claimed", "superseded"];
    let rows = reports.iter().map(|report| {
        let counts = &report.counts;
        let numbers = [
            counts.rows,
            counts.new,
            counts.skipped,
            counts.bills,
            counts.done,
            counts.failed,
            counts.dead,
            counts.waiting,
            counts.claimed,
            counts.superseded,
        ];
        std::iter::once(report.name.clone()).chain(numbers.map(|number| number.to_string())).collect()
    });
    output::table(&header, rows);
    output::line(&format!("{seconds:.1} s"));
}

//! `qiao scheme backfill`: scan a chosen window.
//!
//! A running host makes it, in the scheme's turn, and is asked how far it is. Without one it is made and delivered here.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use tokio::time::sleep;

use super::project::{self, state_dir};
use super::{CommandError, CommandResult, Common, FAILED, output, preview, run};
use crate::engine::backfill::{self, Report, Request};
use crate::engine::reload::Serving;
use crate::engine::{Engine, Progress, once};
use crate::journal::Journal;
use crate::web::{BACKFILL, BackfillAsked, client};

/// How often a host is asked how far it is.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a delivery without a host goes on through back-offs.
const WAIT: Duration = Duration::from_secs(30);

/// Arguments of `qiao scheme backfill`.
#[derive(Args)]
pub(super) struct Arguments {
    /// A scheme's file in the project, or its stem.
    #[arg(value_name = "FILE")]
    scheme: PathBuf,
    /// Where the window begins, in the scheme's time zone: `2026-01-01`, `2026-01-01 08:00`, or with an offset.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Where it ends; without it, now.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How much of it is scanned at a time; `0`: all of it.
    #[arg(long, value_name = "TIME", default_value = "1d")]
    slice: String,
    /// With a running host: do not wait for the end.
    #[arg(long)]
    no_wait: bool,
    /// Without a running host: leave what it finds to be delivered by the next run.
    #[arg(long)]
    no_deliver: bool,
}

pub(super) async fn backfill(common: &Common, arguments: &Arguments) -> CommandResult {
    let scheme = stem(common, &arguments.scheme)?;
    let Arguments { from, to, slice, .. } = arguments;
    let request = Request { scheme, from: from.clone(), to: to.clone(), slice: slice.clone() };
    let state_dir = state_dir(common);
    let report = match client::request(&state_dir, BACKFILL, serde_json::to_string(&request)?).await? {
        Some(told) => {
            let report: Report = serde_json::from_value(told)?;
            warn(&report);
            if arguments.no_wait { report } else { wait(&state_dir, report).await? }
        }
        None => here(common, arguments, &request).await?,
    };
    if common.json {
        output::line(&serde_json::to_string(&report)?);
    } else {
        output::line(&said(&report));
    }
    if let Some(error) = &report.error {
        output::problem(error);
        output::note(&format!("`--from \"{}\"` goes on where it ended", report.done_to));
    }
    Ok(if report.error.is_some() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// The stem of a file that is one of the project's schemes.
fn stem(common: &Common, name: &Path) -> Result<String, CommandError> {
    let (file, _) = preview::scheme_file(common, name)?;
    let stem = file.file_stem().filter(|_| file.starts_with("schemes")).map(|stem| stem.to_string_lossy().into_owned());
    stem.ok_or_else(|| {
        CommandError(format!(
            "`{}` is not in the project\n  hint: a scheme is scanned by its connections: put it into `schemes/`",
            file.display()
        ))
    })
}

fn said(report: &Report) -> String {
    let Report { scheme, from, to, done_to, rows, new, skipped, bills, .. } = report;
    format!(
        "`{scheme}` from {from} to {to}: scanned up to {done_to}; {rows} rows, {new} new, {skipped} skipped, {bills} bills"
    )
}

fn warn(report: &Report) {
    if let Some(warning) = &report.warning {
        output::note(&format!("warning: {warning}"));
    }
}

/// Asks the host until it is over.
async fn wait(state_dir: &Path, mut report: Report) -> Result<Report, CommandError> {
    while !report.over {
        sleep(PAUSE).await;
        let asked = BackfillAsked { scheme: report.scheme.clone() };
        let told = client::ask_with(state_dir, BACKFILL, &asked).await?.ok_or_else(|| {
            CommandError("the host has ended\n  hint: the backfill goes on when it is started again".to_owned())
        })?;
        let now: Report = serde_json::from_value(told)?;
        if now != report {
            output::note(&said(&now));
        }
        report = now;
    }
    Ok(report)
}

/// Without a host.
async fn here(common: &Common, arguments: &Arguments, request: &Request) -> Result<Report, CommandError> {
    let (opened, journal) = project::open_to_work(common).await?;
    output::problems(&opened.standing.problems);
    let serving = Serving::new(opened.standing);
    let (_stop, stopped) = watch::channel(false);
    let progress = Arc::new(Progress::default());
    let engine = Engine::new(serving.snapshots(), journal as Arc<dyn Journal>, progress, stopped);
    warn(&backfill::plan(&engine, request).await.map_err(CommandError)?);
    let reporter = tokio::spawn(run::report_progress(Arc::clone(&engine.progress)));
    let made = backfill::make(&engine, &request.scheme).await;
    let delivered = if arguments.no_deliver { Ok(()) } else { once::deliver(&engine, &request.scheme, WAIT).await };
    reporter.abort();
    let report = backfill::report(&engine, &request.scheme).await.map_err(CommandError)?;
    // What ended it early is in its report.
    if report.error.is_none() {
        made?;
    }
    delivered?;
    Ok(report)
}

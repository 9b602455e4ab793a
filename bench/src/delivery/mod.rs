//! What delivery costs: Kingdee's sales orders become OKKI's, one push for each, through the real binary with the real plugins
//! and a synced journal, beside the same work done by a program written by hand for it.
//!
//! Both work against a fixture that only counts, in a process of its own. They take turns, and what is told is the median
//! round. Time runs from the first request for a page to the end of the process, processor time and memory are the process's own.
//! The host has its plugins compiled already, as it has whenever it is not started for the first time.

mod fixture;
mod process;
mod project;
mod reference;
mod report;
mod runs;

pub(crate) use fixture::serve;
pub(crate) use reference::{Reference, run as run_reference};
pub(crate) use report::{json, table};
pub(crate) use runs::measure;

use std::path::PathBuf;

use clap::Args;

/// Lines of an order.
pub(crate) const LINES: u64 = 3;

/// Rows of a page.
const PAGE: u64 = 500;

/// Pushes side by side.
const CONCURRENCY: usize = 8;

/// What is measured, and with what.
#[derive(Args)]
pub(crate) struct Delivery {
    /// The host's binary.
    #[arg(long, value_name = "FILE")]
    qiao: PathBuf,
    /// The folder of the plugins `kingdee` and `okki`.
    #[arg(long, value_name = "FOLDER")]
    plugins: PathBuf,
    /// Turns of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only these many rows, and nothing else.
    #[arg(long)]
    rows: Option<u64>,
    /// The memory of two million rows, too, which takes some minutes and gigabytes.
    #[arg(long)]
    two_million: bool,
}

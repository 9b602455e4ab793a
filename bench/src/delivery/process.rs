//! One process from its beginning to its end: how long it took, what it computed, and how much memory it had.
//!
//! The kernel's own books, `/proc`: the peak of memory is read while the process runs, its processor time when it has ended
//! and nobody has asked for its exit status yet.

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::fixture::now_us;

/// Ticks of the kernel's clock in a second, as it tells them to users on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// How often a process is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// A process that has ended well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// When it began and when it ended, Unix microseconds.
    pub(super) begin_us: u64,
    pub(super) end_us: u64,
    /// Processor seconds.
    pub(super) cpu_seconds: f64,
    /// The most memory it had, in bytes.
    pub(super) peak_bytes: u64,
}

/// Runs a process to its end.
pub(super) fn run(command: &mut Command) -> anyhow::Result<Ended> {
    let begin_us = now_us();
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let watched = watch(&child);
    let end_us = now_us();
    let status = child.wait()?;
    let (cpu_seconds, peak_bytes) = watched?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(Ended { begin_us, end_us, cpu_seconds, peak_bytes })
}

fn watch(child: &Child) -> anyhow::Result<(f64, u64)> {
    let mut peak_bytes = 0;
    loop {
        if let Some(bytes) = peak(child.id()) {
            peak_bytes = bytes;
        }
        let (state, cpu_seconds) = stat(child.id())?;
        if state == "Z" {
            return Ok((cpu_seconds, peak_bytes));
        }
        std::thread::sleep(GLANCE);
    }
}

/// The processor seconds of a process so far.
pub(super) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    Ok(stat(pid)?.1)
}

/// Its state, and its processor seconds.
fn stat(pid: u32) -> anyhow::Result<(String, f64)> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path)?;
    // The name, in brackets, may hold anything.
    let (_, rest) = text.rsplit_once(')').with_context(|| format!("`{path}` is of another shape"))?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok());
    let (Some(state), Some(user), Some(system)) = (fields.first(), ticks(11), ticks(12)) else {
        anyhow::bail!("`{path}` is of another shape");
    };
    Ok(((*state).to_owned(), (user + system) / TICKS_PER_SECOND))
}

/// The most memory that it had so far; none once it has ended.
fn peak(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

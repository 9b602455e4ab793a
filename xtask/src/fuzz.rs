//! Fuzzing the metadata dialect, with libFuzzer and the stable compiler.
//!
//! What cargo-fuzz does with a nightly compiler is for its sanitizers; coverage alone, which is what makes libFuzzer learn, the
//! stable one gives too. So nothing has to be installed but a C++ compiler for libFuzzer itself. The instrumented
//! build has a folder of its own, `target/fuzz`.
//!
//! The corpus in the work tree is read. What a run learns goes to a temporary folder, and from there into the corpus only with
//! `--keep`, and only what reaches code that nothing kept reaches.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context as _, bail, ensure};

use crate::cargo::{cargo, root, run, target_dir};

/// What is fuzzed: the programs of `fuzz/`.
const TARGETS: [&str; 4] = ["template", "expression", "condition", "metadata"];

/// Coverage as libFuzzer reads it, as cargo-fuzz asks for it.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Clink-dead-code",
];

/// The stack that the host's threads have, in KiB: what is too deep for them is a finding.
const STACK_KIB: u32 = 2048;
const LONGEST_INPUT_BYTES: u32 = 16384;
const MOST_MEMORY_MIB: u32 = 1024;
const LONGEST_SECONDS_PER_INPUT: u32 = 10;

/// The input that is under way; left behind, it overflowed the stack.
const CURRENT: &str = "overflow";

/// What is fuzzed, and for how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `template`, `expression`, `condition` or `metadata`; all of them where none is named.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    target: Option<String>,
    /// How long each of them runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Add to the corpus what is new to it.
    #[arg(long)]
    keep: bool,
}

pub(crate) fn fuzz(arguments: &Arguments) -> anyhow::Result<()> {
    let fuzzers = build()?;
    match &arguments.target {
        Some(target) => hunt(&fuzzers, &[target], arguments.seconds, Output::Shown, arguments.keep),
        None => hunt(&fuzzers, &TARGETS, arguments.seconds, Output::Kept, arguments.keep),
    }
}

/// A part of every test run: all targets, each for so long. Where it cannot be done that is said, and a failure only with `CI` set.
pub(crate) fn fuzz_all(seconds: u32) -> anyhow::Result<()> {
    if !has_cpp() && env::var_os("CI").is_none() {
        eprintln!(
            "there is no C++ compiler: nothing is fuzzed, kept inputs are run all the same\n  hint: install one, such as Debian's `g++`"
        );
        return Ok(());
    }
    hunt(&build()?, &TARGETS, seconds, Output::Kept, false)
}

/// Two at a time.
fn hunt(fuzzers: &Path, targets: &[&str], seconds: u32, output: Output, keep: bool) -> anyhow::Result<()> {
    for pair in targets.chunks(2) {
        let hunts: Vec<_> = pair.iter().map(|target| Hunt::begin(fuzzers, target, seconds, output)).collect();
        for hunt in hunts {
            let mut hunt = hunt?;
            hunt.end()?;
            if keep {
                hunt.keep()?;
            }
        }
    }
    Ok(())
}

/// The programs, instrumented.
fn build() -> anyhow::Result<PathBuf> {
    let host = host()?;
    let folder = target_dir()?.join("fuzz");
    // With `--target`, build scripts and macros are compiled without the flags.
    run(cargo(&["build", "--quiet", "--package", "qiao-fuzz", "--bins", "--profile", "fuzz", "--target", &host])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")))
    .context("cannot build the fuzz targets (hint: libFuzzer needs a C++ compiler, such as Debian's `g++`)")?;
    Ok(folder.join(host).join("fuzz"))
}

/// Whether libFuzzer can be compiled.
fn has_cpp() -> bool {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    Command::new(compiler).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The compiler's own platform.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").current_dir(root()).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

/// Where libFuzzer's report goes.
#[derive(Clone, Copy)]
enum Output {
    Shown,
    /// To a file, which is shown if there is a finding.
    Kept,
}

/// One target, running.
struct Hunt<'a> {
    target: &'a str,
    program: PathBuf,
    process: std::process::Child,
    began: Instant,
    /// Everything that the run writes.
    folder: tempfile::TempDir,
}

impl<'a> Hunt<'a> {
    fn begin(fuzzers: &Path, target: &'a str, seconds: u32, output: Output) -> anyhow::Result<Self> {
        let program = fuzzers.join(target);
        let folder = tempfile::Builder::new().prefix("qiao-fuzz-").tempdir()?;
        let learned = folder.path().join("learned");
        fs::create_dir(&learned)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -s {STACK_KIB} && exec \"$0\" \"$@\"")])
            .arg(&program)
            .args([
                format!("-max_total_time={seconds}"),
                format!("-max_len={LONGEST_INPUT_BYTES}"),
                format!("-timeout={LONGEST_SECONDS_PER_INPUT}"),
                format!("-rss_limit_mb={MOST_MEMORY_MIB}"),
                format!("-dict={}", root().join("fuzz/dialect.dict").display()),
                format!("-artifact_prefix={}/", folder.path().display()),
                "-print_final_stats=1".to_owned(),
            ])
            .arg(&learned)
            .arg(corpus(target))
            // A stack that overflows kills the program before it can say what it was given.
            .env("QIAO_FUZZ_CURRENT", folder.path().join(CURRENT))
            .current_dir(root());
        if let Output::Kept = output {
            command.stderr(fs::File::create(folder.path().join("report"))?);
        }
        let process = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { target, program, process, began: Instant::now(), folder })
    }

    /// Waits for its end; a finding is an error that says how to see it again.
    fn end(&mut self) -> anyhow::Result<()> {
        let status = self.process.wait()?;
        let report = fs::read_to_string(self.folder.path().join("report")).unwrap_or_default();
        if status.success() {
            let learned = fs::read_dir(self.folder.path().join("learned"))?.count();
            let runs = report.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
            let runs = runs.map_or_else(String::new, |runs| format!("{} inputs, ", runs.trim()));
            let seconds = self.began.elapsed().as_secs();
            eprintln!("{}: {runs}{learned} new to the corpus, no finding, {seconds} s", self.target);
            return Ok(());
        }
        eprint!("{report}");
        let Some(input) = self.finding()? else {
            bail!("the fuzz target `{}` failed without an input ({status})", self.target);
        };
        let kept = target_dir()?.join("fuzz").join("findings").join(self.target);
        fs::create_dir_all(&kept)?;
        let kept = kept.join(input.file_name().unwrap_or_default());
        fs::copy(&input, &kept)?;
        let content = fs::read(&kept)?;
        bail!(
            "the fuzz target `{target}` has a finding ({status}), the input\n{}\nhint: `cargo run --package qiao-fuzz --bin {target} -- {}` shows it again; mend the dialect, and keep the input in `fuzz/corpus/{target}`",
            String::from_utf8_lossy(&content),
            kept.display(),
            target = self.target,
        );
    }

    /// What libFuzzer has written down, or else the input that was under way.
    fn finding(&self) -> anyhow::Result<Option<PathBuf>> {
        let is_finding = |path: &PathBuf| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            ["crash-", "timeout-", "oom-", "leak-"].iter().any(|kind| name.starts_with(kind))
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.folder.path())? {
            entries.push(entry?.path());
        }
        let current = self.folder.path().join(CURRENT);
        Ok(entries.into_iter().find(is_finding).or_else(|| current.is_file().then_some(current)))
    }

    /// Adds to the corpus the smallest of the new inputs that reach code which none of the kept ones does.
    fn keep(&self) -> anyhow::Result<()> {
        let kept = corpus(self.target);
        let before = fs::read_dir(&kept)?.count();
        let status = Command::new(&self.program)
            .args(["-merge=1", "-use_counters=0", "-verbosity=0"])
            .arg(format!("-max_len={LONGEST_INPUT_BYTES}"))
            .args([&kept, &self.folder.path().join("learned")])
            .current_dir(root())
            .status()?;
        ensure!(status.success(), "merging the corpus of `{}` failed ({status})", self.target);
        eprintln!("{}: {} inputs added to the corpus", self.target, fs::read_dir(&kept)?.count() - before);
        Ok(())
    }
}

impl Drop for Hunt<'_> {
    /// Of two at a time, the other one is not left running.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

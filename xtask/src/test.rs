//! Everything that guards `main`; and what takes longer than that may.

use clap::{Args, Subcommand};

use crate::bench;
use crate::cargo::{cargo, install_target, run};
use crate::faketime::install_faketime;
use crate::fuzz::fuzz_all;
use crate::mariadb::install_mariadb;
use crate::parts::{self, Profile};
use crate::python::install_venv;

/// Of four targets: a minute in all.
const FUZZ_SECONDS_PER_TARGET: u32 = 15;

/// What is tested.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Everything that guards `main`, without one.
    #[command(subcommand)]
    test: Option<Test>,
}

#[derive(Subcommand)]
enum Test {
    /// Kill the host a hundred times while thousands of bills come and change, and see that nothing is lost or doubled.
    Crash(Crash),
}

/// How much the host is to bear.
#[derive(Args)]
struct Crash {
    /// What is random is made from it; without it, from another one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// How often the host is killed, under each reading of OKKI's `order_no`.
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Orders and refunds that are there in the end.
    #[arg(long, default_value_t = 5_000)]
    bills: u32,
    /// Courses of events that the journal is held against its model with.
    #[arg(long, default_value_t = 1_000)]
    cases: u32,
}

pub(crate) fn test(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.test {
        None => all(),
        Some(Test::Crash(how)) => crash(how),
    }
}

fn all() -> anyhow::Result<()> {
    install_target()?;
    install_venv();
    install_mariadb();
    install_faketime();
    step("format");
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    step("lints");
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    step("host and plugins");
    let parts = parts::build(Profile::Dev)?;
    let test_plugins = parts::build_test_plugins()?;
    step("fuzzing");
    fuzz_all(FUZZ_SECONDS_PER_TARGET)?;
    step("tests");
    run(cargo(&["test", "--workspace"])
        .env("QIAO_BIN", &parts.qiao)
        .env("QIAO_PLUGINS", &parts.plugins)
        .env("QIAO_TEST_PLUGINS", &test_plugins))?;
    if !cfg!(target_os = "linux") {
        eprintln!("the benchmark is skipped: it reads the kernel's books of Linux");
        return Ok(());
    }
    step("benchmark, in small");
    bench::try_delivery(&parts)
}

fn crash(how: &Crash) -> anyhow::Result<()> {
    install_target()?;
    step("host and plugins");
    let parts = parts::build(Profile::Dev)?;
    step("journal against its model");
    run(cargo(&["test", "--workspace", "--lib", "--", "journal::tests::model"])
        .env("PROPTEST_CASES", how.cases.to_string()))?;
    step("kills");
    let mut kills = cargo(&["test", "--workspace", "--test", "scenarios", "--"]);
    kills.args(["a_hundred_kills", "--ignored", "--nocapture"]);
    kills.env("QIAO_BIN", &parts.qiao).env("QIAO_PLUGINS", &parts.plugins);
    kills.env("QIAO_CRASH_KILLS", how.kills.to_string()).env("QIAO_CRASH_BILLS", how.bills.to_string());
    if let Some(seed) = how.seed {
        kills.env("QIAO_CRASH_SEED", seed.to_string());
    }
    run(&mut kills)
}

fn step(name: &str) {
    eprintln!("== {name}");
}

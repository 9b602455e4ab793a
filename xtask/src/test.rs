//! Everything that guards `main`.

use crate::cargo::{cargo, install_target, run};
use crate::fuzz::fuzz_all;
use crate::mariadb::install_mariadb;
use crate::parts::{self, Profile};
use crate::python::install_venv;

/// Of four targets: a minute in all.
const FUZZ_SECONDS_PER_TARGET: u32 = 15;

pub(crate) fn test() -> anyhow::Result<()> {
    install_target()?;
    install_venv();
    install_mariadb();
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
        .env("QIAO_TEST_PLUGINS", &test_plugins))
}

fn step(name: &str) {
    eprintln!("== {name}");
}

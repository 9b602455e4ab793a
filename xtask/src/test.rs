//! Everything that guards `main`.

use crate::cargo::{cargo, install_target, run};
use crate::mariadb::install_mariadb;
use crate::parts::{self, Profile};
use crate::python::install_venv;

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
    step("tests");
    run(cargo(&["test", "--workspace"])
        .env("QIAO_BIN", &parts.qiao)
        .env("QIAO_PLUGINS", &parts.plugins)
        .env("QIAO_TEST_PLUGINS", &test_plugins))
}

fn step(name: &str) {
    eprintln!("== {name}");
}

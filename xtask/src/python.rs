//! What the tests with the vendors' real clients need: a Python that can make virtual environments.
//!
//! A bare Debian has Python without `ensurepip`; its package `python3-venv` has it. Only where that can be installed without asking
//! anybody is it installed. What is missing otherwise is said and no failure: the tests themselves decide whether they can do without.

use std::process::{Command, Stdio};

use crate::apt;

/// Installs what is missing to make virtual environments, or says what to do.
pub(crate) fn install_venv() {
    if can_make_venvs() || (apt::install(&["python3-venv"]) && can_make_venvs()) {
        return;
    }
    eprintln!(
        "`python3 -m venv` does not work: the tests with the vendors' real clients cannot run\n  \
         hint: install Python 3.10 or later with venv, on Debian and Ubuntu by `apt-get install python3-venv`"
    );
}

/// Whether `python3 -m venv` works: it needs these two modules.
fn can_make_venvs() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import ensurepip, venv"]).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

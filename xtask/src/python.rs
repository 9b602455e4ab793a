//! What the tests with the vendors' real clients need: a Python that can make virtual environments.
//!
//! A bare Debian has Python without `ensurepip`; its package `python3-venv` has it. Only where that can be installed without asking
//! anybody is it installed. What is missing otherwise is said and no failure: the tests themselves decide whether they can do without.

use std::env;
use std::process::{Command, Stdio};

use crate::cargo::run;

/// Installs what is missing to make virtual environments, or says what to do.
pub(crate) fn install_venv() {
    if can_make_venvs() {
        return;
    }
    if is_root() && has_apt() {
        eprintln!("installing python3-venv");
        let installed =
            run(&mut apt(&["update", "-q"])).and_then(|()| run(&mut apt(&["install", "-y", "-q", "python3-venv"])));
        match installed {
            Ok(()) if can_make_venvs() => return,
            Ok(()) => {}
            Err(error) => eprintln!("{error:#}"),
        }
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

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn has_apt() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join("apt-get").is_file())
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

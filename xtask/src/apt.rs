//! Debian's packages that tests need, installed where that can be done without asking anybody.
//!
//! What cannot be installed is said and no failure: the tests themselves decide whether they can do without.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::cargo::run;

/// Installs packages, as root and where there is apt; says what went wrong. Services that come with them are not started.
/// Returns whether it was tried.
pub(crate) fn install(packages: &[&str]) -> bool {
    if !is_root() || !has_apt() {
        return false;
    }
    eprintln!("installing {}", packages.join(", "));
    if let Err(error) = install_without_services(packages) {
        eprintln!("{error:#}");
    }
    true
}

fn install_without_services(packages: &[&str]) -> anyhow::Result<()> {
    let policy = NoServices::begin()?;
    run(&mut apt(&["update", "-q"]))?;
    run(apt(&["install", "-y", "-q", "--no-install-recommends"]).args(packages))?;
    drop(policy);
    Ok(())
}

/// While it lives, packages do not start their services: Debian asks this program before it does. A policy that the
/// machine's owner has set stays.
struct NoServices {
    is_ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn begin() -> anyhow::Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { is_ours: false });
        }
        // 101: forbidden.
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("cannot write {POLICY}"))?;
        let policy = Self { is_ours: true };
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        Ok(policy)
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(error) = fs::remove_file(POLICY)
        {
            eprintln!("cannot remove {POLICY}: {error}; until it is removed, packages do not start their services");
        }
    }
}

/// Whether a program is in the path, or where only root's path leads.
pub(crate) fn has_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(Into::into))
        .any(|folder| folder.join(name).is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn has_apt() -> bool {
    has_program("apt-get")
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

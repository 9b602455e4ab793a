//! The clients' virtual environment: made once per target folder, used by all tests and by later runs.
//!
//! It is put together under another name and renamed when it is whole, so that an install that was interrupted is not taken for a
//! finished one; and it keeps the list that it was made from, so that a changed list makes it anew. A lock lets one process at a time
//! look and install.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The Python that has the clients.
pub(crate) struct Clients {
    python: PathBuf,
}

impl Clients {
    /// Installs them if they are not there yet. Absent: they cannot be, and the test is to be skipped.
    pub(crate) async fn ready() -> Option<&'static Self> {
        static CLIENTS: OnceCell<anyhow::Result<Clients>> = OnceCell::const_new();
        match CLIENTS.get_or_init(install).await {
            Ok(clients) => Some(clients),
            Err(reason) if std::env::var_os("CI").is_some() => {
                panic!("the real clients cannot be installed: {reason:#}")
            }
            Err(reason) => {
                // Not by `eprintln!`, whose text the test harness keeps to itself when a test passes.
                let _ = writeln!(io::stderr(), "skipped: the real clients cannot be installed: {reason:#}");
                None
            }
        }
    }

    /// Runs one of the scripts beside this file and returns what it printed; its failure fails the test.
    pub(crate) async fn run(&self, script: &str, arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_clients").join(script);
        let mut command = Command::new(&self.python);
        // `-I`: nothing of the user's own Python settings or packages. No proxy stands between here and the simulators.
        command.args(["-I", "-X", "utf8"]).arg(script).args(arguments).env("no_proxy", "*");
        finish(&mut command, Duration::from_mins(1)).await.unwrap()
    }
}

async fn install() -> anyhow::Result<Clients> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let venv = folder.join("real-clients-venv");
    let clients = Clients { python: venv.join("bin/python") };
    let _lock = lock(folder.join("real-clients-venv.lock")).await?;
    if fs::read_to_string(venv.join("requirements.txt")).is_ok_and(|made_from| made_from == REQUIREMENTS) {
        // A Python that was upgraded under it has lost them.
        let mut import = Command::new(&clients.python);
        if finish(import.args(["-I", "-c", "import k3cloud_webapi_sdk, top"]), Duration::from_mins(1)).await.is_ok() {
            return Ok(clients);
        }
    }
    // A name that nobody had: what an install that was killed has left running writes elsewhere.
    let unfinished = tempfile::Builder::new().prefix("real-clients-venv-").tempdir_in(folder)?;
    finish(Command::new("python3").args(["-m", "venv"]).arg(unfinished.path()), Duration::from_mins(2)).await?;
    let list = unfinished.path().join("requirements.txt");
    fs::write(&list, REQUIREMENTS)?;
    let mut pip = Command::new(unfinished.path().join("bin/python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-q"]);
    finish(pip.args(["--only-binary", ":all:", "--requirement"]).arg(&list), Duration::from_mins(5)).await?;
    if venv.exists() {
        fs::remove_dir_all(&venv)?;
    }
    fs::rename(unfinished.keep(), &venv)?;
    Ok(clients)
}

/// Waits for a lock that lasts until the file is dropped, or the process ends.
async fn lock(path: PathBuf) -> anyhow::Result<File> {
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(path)?;
        file.lock()?;
        io::Result::Ok(file)
    });
    Ok(locked.await??)
}

/// Runs a command to its end and returns its output. It is killed when it takes too long, or when the test is dropped.
async fn finish(command: &mut Command, at_most: Duration) -> anyhow::Result<String> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let shown = format!("`{:?}`", command.as_std());
    let ended = timeout(at_most, command.output()).await;
    let ended = ended.with_context(|| format!("{shown} took more than {} seconds", at_most.as_secs()))?;
    let Output { status, stdout, stderr } = ended.with_context(|| format!("{shown} does not start"))?;
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ensure!(status.success(), "{shown} failed ({status})\n{stdout}{stderr}");
    Ok(stdout)
}

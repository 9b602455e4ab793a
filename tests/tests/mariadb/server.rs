//! A `MariaDB` of this test's own: an empty folder, a socket in it, no network, gone when the last test lets go of it.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

/// The moment of every evaluation: 2026-01-05 10:11:12 in Shanghai.
pub(crate) const NOW: i64 = 1_767_579_072;

/// How the session is set: as a host in China would have it, and with `utf8mb4_general_ci`, the collation that both `MySQL` 5.7 and
/// `MariaDB` have by default. A zero date is none, and a division by zero is told.
const SESSION: &str = "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci; SET time_zone = '+08:00'; \
     SET sql_mode = 'NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO';";

/// What `MariaDB` made of an expression.
#[derive(Clone, Debug)]
pub(crate) struct Theirs {
    /// Its text, nothing for `NULL`, or what is wrong with it.
    pub(crate) value: Result<Option<String>, String>,
    pub(crate) warnings: Vec<String>,
}

pub(crate) struct Server {
    process: Child,
    client: PathBuf,
    /// Last, so that it is removed when the process is gone.
    folder: TempDir,
}

impl Server {
    /// The server, started for the first who asks. Absent: there is no `MariaDB` here, and the test is to be skipped.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let programs = ["mariadb-install-db", "mariadbd", "mariadb"].map(|name| program(name).ok_or(name));
        let missing: Vec<&str> = programs.iter().filter_map(|program| program.as_ref().err().copied()).collect();
        if !missing.is_empty() {
            let reason = format!(
                "there is no MariaDB here ({} not found); `cargo xtask setup` installs it on Debian and Ubuntu, elsewhere install MariaDB 10.11 or later",
                missing.join(", ")
            );
            assert!(std::env::var_os("CI").is_none(), "{reason}");
            // Not by `eprintln!`, whose text the test harness keeps to itself when a test passes.
            let _ = writeln!(io::stderr(), "SKIPPED: expressions are not compared with MariaDB: {reason}");
            return None;
        }
        let [install, daemon, client] = programs.map(Result::unwrap);
        let server = Arc::new(Self::start(&install, &daemon, client).unwrap());
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    fn start(install: &Path, daemon: &Path, client: PathBuf) -> anyhow::Result<Self> {
        // A socket's path has at most about 100 letters.
        let folder = tempfile::Builder::new().prefix("qiao-").tempdir_in("/tmp")?;
        let data = folder.path().join("data");
        let mut command = Command::new(install);
        command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
        command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        let output =
            command.args(as_root()?).stdin(Stdio::null()).output().context("cannot start mariadb-install-db")?;
        ensure!(
            output.status.success(),
            "mariadb-install-db failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let mut command = Command::new(daemon);
        command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
        command.arg(format!("--socket={}", folder.path().join("socket").display()));
        command.arg(format!("--tmpdir={}", folder.path().display())).args(["--skip-networking", "--skip-grant-tables"]);
        command.args(["--innodb-buffer-pool-size=16M", "--skip-log-bin"]).args(as_root()?);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = process.stderr.take().context("no log")?;
        let server = Self { process, client, folder };
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || {
            let mut told = Vec::new();
            // Read to the end, or the server stands still when the pipe is full.
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if line.contains("ready for connections") {
                    let _ = ready.send(Ok(()));
                }
                told.push(line);
            }
            let _ = ready.send(Err(told.join("\n")));
        });
        match is_ready.recv_timeout(Duration::from_mins(2)) {
            Ok(Ok(())) => Ok(server),
            Ok(Err(log)) => bail!("mariadbd ended:\n{log}"),
            Err(_) => bail!("mariadbd does not get ready"),
        }
    }

    /// Evaluates expressions, each by itself.
    pub(crate) fn evaluate(&self, expressions: &[String]) -> Vec<Theirs> {
        let mut script = format!("{SESSION} SET timestamp = {NOW};\n");
        for (number, expression) in expressions.iter().enumerate() {
            assert!(!expression.contains('\n'), "one line each: {expression}");
            // In hexadecimal, `NULL` is not 'NULL', and no letter is lost.
            writeln!(script, "SELECT 'result', {number}, HEX(CAST(({expression}) AS CHAR));").unwrap();
        }
        let mut command = Command::new(&self.client);
        command.arg("--no-defaults").arg(format!("--socket={}", self.folder.path().join("socket").display()));
        command.args(["--default-character-set=utf8mb4", "--batch", "--raw", "--skip-column-names"]);
        command.args(["--force", "--show-warnings"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = command.spawn().unwrap();
        let mut input = client.stdin.take().unwrap();
        let writing = thread::spawn(move || input.write_all(script.as_bytes()));
        let mut errors = client.stderr.take().unwrap();
        let reading = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).map(|_| text)
        });
        let mut shown = String::new();
        client.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        // A client that fails at once closes its input; its errors say more than that.
        let written = writing.join().unwrap();
        let errors = reading.join().unwrap().unwrap();
        client.wait().unwrap();
        written.unwrap_or_else(|error| panic!("{error}: {errors}"));

        let no_result = || Theirs { value: Err("no result".to_owned()), warnings: Vec::new() };
        let mut results: Vec<Theirs> = expressions.iter().map(|_| no_result()).collect();
        let mut last = None;
        for line in shown.lines() {
            if let Some((number, value)) = line.strip_prefix("result\t").and_then(|rest| rest.split_once('\t')) {
                let number: usize = number.parse().unwrap();
                results[number].value = Ok((value != "NULL").then(|| from_hex(value)));
                last = Some(number);
            } else if let Some(number) = last {
                results[number].warnings.push(line.to_owned());
            }
        }
        for error in errors.lines() {
            if let Some(line) =
                error.split_once(" at line ").and_then(|(_, rest)| rest.split(':').next()?.parse::<usize>().ok())
                && let Some(result) = line.checked_sub(2).and_then(|number| results.get_mut(number))
            {
                result.value = Err(error.to_owned());
            }
        }
        results
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is kept, so it need not end in order.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program, also where only root's path leads.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Root must say that it means to be the server's user.
fn as_root() -> anyhow::Result<&'static [&'static str]> {
    let id = Command::new("id").arg("-u").output().context("cannot start `id`")?;
    Ok(if id.stdout.trim_ascii() == b"0" { &["--user=root"] } else { &[] })
}

fn from_hex(text: &str) -> String {
    let bytes: Vec<u8> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
    String::from_utf8(bytes).unwrap()
}

//! A project in a folder of its own, and the real binary run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use qiao_tests::Vendors;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;

/// A folder that `cargo xtask test` names in the environment, or where `cargo xtask build` leaves it.
fn built(variable: &str, in_target: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(
        || {
            // target/debug/deps/scenarios-… → target/debug
            let test = std::env::current_exe().unwrap();
            test.parent().and_then(Path::parent).unwrap().join(in_target)
        },
        PathBuf::from,
    );
    assert!(path.exists(), "`{}` is not there: run `cargo xtask test`, or `cargo xtask build` first", path.display());
    path
}

/// A plugin of the product.
pub(crate) fn plugin(name: &str) -> PathBuf {
    built("QIAO_PLUGINS", "plugins").join(format!("{name}.wasm"))
}

/// A plugin that only tests use.
pub(crate) fn test_plugin(name: &str) -> PathBuf {
    built("QIAO_TEST_PLUGINS", "test-plugins").join(format!("{name}.wasm"))
}

/// The repository's root.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The product's plugins.
const PLUGINS: [&str; 4] = ["kingdee", "okki", "wdt", "transforms"];

/// A project folder.
pub(crate) struct Project {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Project {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// The example project, its connections pointed at these vendors.
    pub(crate) fn example(vendors: &Vendors) -> Self {
        let mut project = Self::empty();
        for folder in ["schemes", "tables"] {
            for entry in fs::read_dir(repository().join("examples").join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                project.write(&format!("{folder}/{name}"), fs::read_to_string(&path).unwrap());
            }
        }
        for name in PLUGINS {
            project.add_plugin(&plugin(name));
        }
        project.compile_once();
        project.connect(vendors);
        project
    }

    /// Takes over what another project has compiled: it is the same for all of them, and takes seconds.
    fn compile_once(&self) {
        static COMPILED: OnceLock<PathBuf> = OnceLock::new();
        let compiled = COMPILED.get_or_init(|| {
            let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-once");
            fs::create_dir_all(root.join("plugins")).unwrap();
            fs::write(root.join("qiao.toml"), "").unwrap();
            for name in PLUGINS {
                fs::copy(plugin(name), root.join("plugins").join(format!("{name}.wasm"))).unwrap();
            }
            let mut listing = std::process::Command::new(built("QIAO_BIN", "qiao"));
            let listed = listing.args(["plugin", "list", "--root"]).arg(&root).output().unwrap();
            assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
            root.join("state/compiled")
        });
        let to = self.root().join("state/compiled");
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(compiled).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }

    /// Writes a `qiao.toml` that points at these vendors.
    pub(crate) fn connect(&mut self, vendors: &Vendors) {
        let keys = &vendors.credentials;
        self.write(
            "qiao.toml",
            format!(
                r#"
[connections.kingdee-main]
plugin = "kingdee"
base_url = "{}"
allow_private = true
timeout = "5s"
settle_after = "1s"
config = {{ acct_id = "{}", user = "{}", app_id = "{}", lcid = 2052, org_num = "100" }}
secrets = {{ app_secret = {{ env = "KINGDEE_APP_SECRET" }} }}

[connections.okki-main]
plugin = "okki"
base_url = "{}"
concurrency = 8
allow_private = true
timeout = "5s"
settle_after = "1s"
config = {{ client_id = "{}" }}
secrets = {{ client_secret = {{ env = "OKKI_CLIENT_SECRET" }} }}

[connections.wdt-main]
plugin = "wdt"
base_url = "{}"
allow_private = true
timeout = "5s"
config = {{ mode = "qimen", sid = "{}", app_key = "{}", target_app_key = "{}", sign_method = "hmac-sha256" }}
secrets = {{ app_secret = {{ env = "WDT_APP_SECRET" }} }}
"#,
                vendors.kingdee.base_url(),
                keys.acct_id,
                keys.user,
                keys.app_id,
                vendors.okki.base_url(),
                keys.client_id,
                vendors.wdt.base_url_qimen(),
                keys.sid,
                keys.wdt_app_key,
                keys.target_app_key
            ),
        );
        self.environment = vec![
            ("KINGDEE_APP_SECRET".to_owned(), keys.app_secret.clone()),
            ("OKKI_CLIENT_SECRET".to_owned(), keys.client_secret.clone()),
            ("WDT_APP_SECRET".to_owned(), keys.wdt_app_secret.clone()),
        ];
    }

    /// Its folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a text in a file; the text must be there.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root().join(path)).unwrap();
        assert!(text.contains(from), "`{path}` has no `{from}`");
        self.write(path, text.replace(from, to));
    }

    /// Puts a file in the place of another, as a careful copy does: written beside it, then renamed.
    pub(crate) fn replace(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        let unfinished = path.with_extension("part");
        fs::write(&unfinished, bytes).unwrap();
        fs::rename(unfinished, path).unwrap();
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.root().join(path)).unwrap();
    }

    /// Copies a plugin in.
    pub(crate) fn add_plugin(&self, file: &Path) {
        let to = self.root().join("plugins").join(file.file_name().unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }

    /// Gives a variable of the environment another value.
    pub(crate) fn set(&mut self, variable: &str, value: &str) {
        self.forget(variable);
        self.environment.push((variable.to_owned(), value.to_owned()));
    }

    /// Leaves a variable out of the environment.
    pub(crate) fn forget(&mut self, variable: &str) {
        self.environment.retain(|(name, _)| name != variable);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built("QIAO_BIN", "qiao"));
        command.args(arguments).arg("--root").arg(self.root()).env_remove("RUST_LOG").stdin(Stdio::null());
        for name in ["KINGDEE_APP_SECRET", "OKKI_CLIENT_SECRET", "WDT_APP_SECRET"] {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
        command
    }

    /// Runs the binary to its end.
    pub(crate) async fn qiao(&self, arguments: &[&str]) -> Ran {
        Ran::new(self.command(arguments).output().await.unwrap())
    }

    /// Runs every scheme once.
    pub(crate) async fn run_once(&self) -> Ran {
        self.qiao(&["run", "--once", "--json"]).await
    }

    /// Starts a host that scans and delivers by schedule, and waits until it can be asked.
    pub(crate) async fn serve(&self) -> Host {
        let mut child = self.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Said::of(child.stderr.take().unwrap());
        let host = Host { child, said };
        host.said("taken over without a restart").await;
        host
    }

    /// What `qiao plugin list` or `qiao scheme list` says.
    pub(crate) async fn list(&self, what: &str) -> Value {
        self.qiao(&[what, "list", "--json"]).await.json()
    }

    /// Runs the binary to its end where no file may become larger than this: as on a disk that is full.
    pub(crate) async fn qiao_with_room_for(&self, kilobytes: u64, arguments: &[&str]) -> Ran {
        // Blocks of 512 bytes. Without the trap the process would be ended by a signal.
        self.qiao_limited(&format!("trap '' XFSZ; ulimit -f {}", kilobytes * 2), arguments).await
    }

    /// The same where the process has so much address space.
    #[cfg(target_os = "linux")]
    pub(crate) async fn qiao_with_address_space(&self, gibibytes: u64, arguments: &[&str]) -> Ran {
        self.qiao_limited(&format!("ulimit -v {}", gibibytes << 20), arguments).await
    }

    /// Runs the binary to its end after the shell has set `limit`. What would hang is ended.
    async fn qiao_limited(&self, limit: &str, arguments: &[&str]) -> Ran {
        let qiao = self.command(arguments);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]);
        command.arg(qiao.as_std().get_program()).args(qiao.as_std().get_args());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let ran = tokio::time::timeout(PATIENCE, command.output()).await;
        Ran::new(ran.expect("it ends by itself").unwrap())
    }

    /// Starts the binary and returns at once.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The same; what it says on standard error is added to a file.
    pub(crate) fn start_saying(&self, arguments: &[&str], log: &Path) -> Child {
        let log = fs::File::options().append(true).open(log).unwrap();
        self.command(arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }
}

/// How long a host may take for what a test waits for. It is only waited for so long when the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// A host that runs until it is dropped.
pub(crate) struct Host {
    child: Child,
    said: Said,
}

impl Host {
    /// Waits until the host has said this on standard error.
    #[track_caller]
    pub(crate) fn said(&self, text: &str) -> impl Future<Output = ()> {
        self.said.waited_for(text.to_owned())
    }

    /// Everything that it has said.
    pub(crate) fn log(&self) -> String {
        self.said.text.borrow().clone()
    }

    /// Ends it as a service manager does, and waits until it has ended.
    pub(crate) async fn stop(self) {
        self.stop_saying().await;
    }

    /// The same; everything that it has said.
    pub(crate) async fn stop_saying(mut self) -> String {
        terminate(&self.child).await;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        assert!(ended.is_ok_and(|ended| ended.unwrap().success()), "{}", self.log());
        // Its last words may still be on their way.
        drop(tokio::time::timeout(PATIENCE, self.said.text.wait_for(|_| false)).await);
        self.log()
    }

    /// Ends it without a warning.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Asks a process to end, as a service manager does.
pub(crate) async fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
}

/// What a process says, as it says it.
struct Said {
    text: watch::Receiver<String>,
}

impl Said {
    fn of(stderr: ChildStderr) -> Self {
        let (sender, text) = watch::channel(String::new());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|text| {
                    text.push_str(&line);
                    text.push('\n');
                });
            }
        });
        Self { text }
    }

    async fn waited_for(&self, said: String) {
        let mut text = self.text.clone();
        let found = tokio::time::timeout(PATIENCE, text.wait_for(|text| text.contains(&said))).await;
        let found = found.is_ok_and(|found| found.is_ok());
        assert!(found, "`{said}` was not said: {}", *self.text.borrow());
    }
}

/// Waits until a condition holds that has to be asked for.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let asking = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, asking).await.is_ok(), "never: {what}");
}

/// A command that has ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The last line of standard output, as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// A scheme's line of the summary.
    pub(crate) fn scheme(&self, file: &str) -> Value {
        let summary = self.json();
        let schemes = summary["schemes"].as_array().unwrap();
        schemes.iter().find(|scheme| scheme["file"] == file).unwrap_or_else(|| panic!("no {file}: {self:?}")).clone()
    }

    /// The line of the scheme that delivers orders.
    pub(crate) fn orders(&self) -> Value {
        self.scheme("schemes/kingdee-order-to-okki.yaml")
    }

    /// The line of the scheme that delivers refunds.
    pub(crate) fn refunds(&self) -> Value {
        self.scheme("schemes/wdt-refund-to-kingdee.yaml")
    }

    /// Asserts that it ended well.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Asserts that it failed, and that it said all of this on standard error.
    #[track_caller]
    pub(crate) fn failed_saying(self, said: &[&str]) -> Self {
        assert_ne!(self.code, Some(0), "{self:?}");
        for text in said {
            assert!(self.stderr.contains(text), "`{text}` is not said: {self:?}");
        }
        self
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

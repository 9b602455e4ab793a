//! The project that the host is measured with: one scheme without look-ups, so that both sides send the same requests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::{CONCURRENCY, PAGE};

/// A project in a temporary folder.
pub(super) struct Project {
    folder: TempDir,
}

impl Project {
    /// With both vendors at this port.
    pub(super) fn new(plugins: &Path, port: u16) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("qiao-bench-").tempdir()?;
        for sub in ["plugins", "schemes"] {
            fs::create_dir(folder.path().join(sub))?;
        }
        for plugin in ["kingdee.wasm", "okki.wasm"] {
            let from = plugins.join(plugin);
            fs::copy(&from, folder.path().join("plugins").join(plugin))
                .with_context(|| format!("cannot copy `{}`", from.display()))?;
        }
        let connection = format!("allow_private = true\nconcurrency = {CONCURRENCY}\n");
        let toml = format!(
            r#"[host]
time_zone = "Asia/Shanghai"

[store]
kind = "sled"

[connections.kingdee]
plugin = "kingdee"
base_url = "http://127.0.0.1:{port}/k3cloud/"
{connection}config = {{ acct_id = "bench", user = "bench", app_id = "123456_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4" }}
secrets = {{ app_secret = {{ env = "BENCH_SECRET" }} }}

[connections.okki]
plugin = "okki"
base_url = "http://127.0.0.1:{port}/okki/"
{connection}config = {{ client_id = "bench" }}
secrets = {{ client_secret = {{ env = "BENCH_SECRET" }} }}
"#
        );
        fs::write(folder.path().join("qiao.toml"), toml)?;
        let scheme = format!(
            "name: orders\nsource:\n  connection: kingdee\n  page_size: {PAGE}\n  metadata: {}\ntarget:\n  connection: okki\n  metadata: {}\n",
            one_line(include_str!("source.json"))?,
            one_line(include_str!("target.json"))?
        );
        fs::write(folder.path().join("schemes").join("orders.yaml"), scheme)?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where what a run says is written.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.path().join("run.log")
    }

    /// Forgets what was delivered; what is compiled stays.
    pub(super) fn forget(&self) -> anyhow::Result<()> {
        let state = self.folder.path().join("state");
        fs::remove_dir_all(state.join("journal"))?;
        // The mark of a journal that is gone says that something was lost.
        Ok(fs::remove_file(state.join("journal.mark"))?)
    }
}

fn one_line(json: &str) -> anyhow::Result<String> {
    Ok(serde_json::from_str::<serde_json::Value>(json)?.to_string())
}

//! The example project against simulators of the vendors, in `target/demo/`.
//!
//! What is in that folder stays from run to run, the vendors' data as well as the host's journal: a second run delivers
//! nothing new, and a run that was killed is gone on with by the same command. `--fresh` begins anew.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::Value;
use toml_edit::{DocumentMut, value};

use crate::cargo::{root, target_dir};
use crate::parts::{self, Profile};

/// Arguments of `cargo xtask demo`.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// Scan and deliver once, then end with a summary.
    #[arg(long)]
    once: bool,
    /// With `--once`: print the summary, and the simulators' ledger in it, as one line of JSON.
    #[arg(long, requires = "once")]
    json: bool,
    /// Forget what earlier runs left.
    #[arg(long)]
    fresh: bool,
    /// Change this many orders at Kingdee first.
    #[arg(long, default_value_t = 0, value_name = "N")]
    change: u32,
    /// Add this many orders at Kingdee first.
    #[arg(long, default_value_t = 0, value_name = "N")]
    add: u32,
    /// Change this many refunds at WDT first.
    #[arg(long, default_value_t = 0, value_name = "N")]
    change_refunds: u32,
    /// Add this many refunds at WDT first.
    #[arg(long, default_value_t = 0, value_name = "N")]
    add_refunds: u32,
    /// Every Nth `BatchSave` call of Kingdee fails for some of its bills.
    #[arg(long, value_name = "N")]
    partial_failures: Option<u32>,
    /// With optimisations: slower to build, faster to run.
    #[arg(long)]
    release: bool,
    /// Where project and vendors' data are kept, instead of `target/demo`.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn demo(arguments: &Arguments) -> anyhow::Result<()> {
    let profile = Profile::of(arguments.release);
    let parts = parts::build(profile)?;
    let simulators = parts::build_simulators(profile)?;
    let folder = match &arguments.dir {
        Some(folder) => folder.clone(),
        None => target_dir()?.join("demo"),
    };
    if arguments.fresh && folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // An interrupt ends the children; this process stays to say how it ended.
    let interrupted: &'static AtomicBool = Box::leak(Box::default());
    ctrlc::set_handler(|| interrupted.store(true, Ordering::SeqCst))?;

    let mut vendors = Vendors::start(&simulators, &folder.join("vendors"), arguments)?;
    let project = folder.join("project");
    lay_out(&project, &parts.plugins, &vendors.hello)?;
    eprintln!("project in {}", project.display());

    let mut host = Command::new(&parts.qiao);
    host.args(["run", "--root"]).arg(&project);
    host.env("KINGDEE_APP_SECRET", text(&vendors.hello, "/kingdee/app_secret")?);
    host.env("OKKI_CLIENT_SECRET", text(&vendors.hello, "/okki/client_secret")?);
    host.env("WDT_APP_SECRET", text(&vendors.hello, "/wdt/app_secret")?);
    if arguments.once {
        host.arg("--once");
    } else {
        eprintln!("press ctrl-c to stop");
    }
    let (status, summary) = if arguments.json { run_for_json(&mut host)? } else { (host.status()?, None) };
    let ledger = vendors.finish()?;
    report(arguments, status, summary, ledger, interrupted.load(Ordering::SeqCst))
}

fn report(
    arguments: &Arguments,
    status: ExitStatus,
    summary: Option<Value>,
    ledger: Value,
    interrupted: bool,
) -> anyhow::Result<()> {
    let orders = Side { ledger: &ledger };
    let refunds = Side { ledger: ledger.get("refunds").context("the simulators judge no refunds")? };
    let exact = orders.is_exact() && refunds.is_exact();
    if arguments.json {
        let Some(Value::Object(mut summary)) = summary else {
            bail!(
                "the host ended without a summary ({status})\n  hint: run the same command again: it goes on where it was"
            );
        };
        summary.insert("ledger".to_owned(), ledger);
        println!("{}", Value::Object(summary));
    } else {
        println!(
            "OKKI now has {} orders with {} lines, amounting to {}; {} doubled, {} missing",
            orders.word("orders"),
            orders.word("lines"),
            orders.word("amount"),
            orders.word("duplicates"),
            orders.word("missing")
        );
        println!(
            "Kingdee now has {} returns with {} lines, amounting to {}; {} submitted, {} audited, {} doubled, {} missing",
            refunds.word("delivered"),
            refunds.word("lines"),
            refunds.word("amount"),
            refunds.word("submitted"),
            refunds.word("audited"),
            refunds.word("duplicates"),
            refunds.word("missing")
        );
    }
    ensure!(status.success() || interrupted, "the host failed ({status})");
    ensure!(exact || !arguments.once, "the ledger is not exact");
    Ok(())
}

/// One of the two schemes, as the simulators judge it.
struct Side<'a> {
    ledger: &'a Value,
}

impl Side<'_> {
    fn count(&self, name: &str) -> u64 {
        self.ledger.get(name).and_then(Value::as_u64).unwrap_or(u64::MAX)
    }

    fn is_exact(&self) -> bool {
        self.count("duplicates") == 0 && self.count("missing") == 0
    }

    fn word(&self, name: &str) -> String {
        self.ledger.get(name).map(|value| value.to_string().replace('"', "")).unwrap_or_default()
    }
}

fn run_for_json(host: &mut Command) -> anyhow::Result<(ExitStatus, Option<Value>)> {
    let output = host.arg("--json").stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let summary = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok((output.status, summary))
}

/// The simulators' process. It serves until its standard input is closed, so that it never outlives this one.
struct Vendors {
    process: Child,
    output: BufReader<ChildStdout>,
    /// Base URLs and credentials.
    hello: Value,
}

impl Vendors {
    fn start(simulators: &Path, data: &Path, arguments: &Arguments) -> anyhow::Result<Self> {
        fs::create_dir_all(data)?;
        let mut command = Command::new(simulators);
        command.arg("serve").arg("--data").arg(data).stdin(Stdio::piped()).stdout(Stdio::piped());
        for (flag, count) in [
            ("--change", arguments.change),
            ("--add", arguments.add),
            ("--change-refunds", arguments.change_refunds),
            ("--add-refunds", arguments.add_refunds),
        ] {
            command.args([flag, &count.to_string()]);
        }
        if let Some(every) = arguments.partial_failures {
            command.args(["--partial-failures", &every.to_string()]);
        }
        if !arguments.once {
            command.args(["--live-every", "3"]);
        }
        let mut process = command.spawn().context("the simulators do not start")?;
        let stdout = process.stdout.take().context("the simulators have no output")?;
        let mut output = BufReader::new(stdout);
        let hello = read_line(&mut output).context("the simulators do not say where they are")?;
        Ok(Self { process, output, hello })
    }

    /// Ends them and returns their ledger.
    fn finish(&mut self) -> anyhow::Result<Value> {
        drop(self.process.stdin.take());
        let ledger = read_line(&mut self.output).context("the simulators ended without a ledger")?;
        self.process.wait()?;
        Ok(ledger)
    }
}

fn read_line(output: &mut BufReader<ChildStdout>) -> anyhow::Result<Value> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn text<'a>(json: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    json.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the simulators do not say {pointer}"))
}

/// Copies the example project and the plugins, and points its connections at the simulators.
#[expect(clippy::indexing_slicing, reason = "toml_edit's way to set a key; it adds what is not there")]
fn lay_out(project: &Path, plugins: &Path, hello: &Value) -> anyhow::Result<()> {
    let examples = root().join("examples");
    for folder in ["schemes", "tables"] {
        copy_files(&examples.join(folder), &project.join(folder))?;
    }
    copy_files(plugins, &project.join("plugins"))?;
    // Nobody watches a demo for ten minutes.
    for (scheme, schedule) in [
        ("kingdee-order-to-okki.yaml", r#"schedule: "*/10 * * * *""#),
        ("wdt-refund-to-kingdee.yaml", r#"schedule: "*/5 * * * *""#),
    ] {
        let file = project.join("schemes").join(scheme);
        let text = fs::read_to_string(&file)?;
        ensure!(text.contains(schedule), "`{scheme}` has no `{schedule}`");
        // Simulators are complete at once, so that what was changed just now is delivered just now.
        fs::write(&file, text.replace(schedule, r#"schedule: "*/5 * * * * *""#).replace("lag: 3m", "lag: 0s"))?;
    }
    let mut config: DocumentMut = fs::read_to_string(examples.join("qiao.toml"))?.parse()?;
    let connections = config.get_mut("connections").context("examples/qiao.toml has no connections")?;
    for (connection, base_url) in
        [("kingdee-main", "/kingdee/base_url"), ("okki-main", "/okki/base_url"), ("wdt-main", "/wdt/qimen_url")]
    {
        connections[connection]["base_url"] = value(text(hello, base_url)?);
        connections[connection]["allow_private"] = value(true);
        // Loopback answers at once: what is not found after two seconds was not applied.
        connections[connection]["settle_after"] = value("2s");
        connections[connection].as_table_like_mut().map(|table| table.remove("rate"));
    }
    for key in ["acct_id", "user", "app_id"] {
        connections["kingdee-main"]["config"][key] = value(text(hello, &format!("/kingdee/{key}"))?);
    }
    connections["okki-main"]["config"]["client_id"] = value(text(hello, "/okki/client_id")?);
    for key in ["sid", "app_key", "target_app_key"] {
        connections["wdt-main"]["config"][key] = value(text(hello, &format!("/wdt/{key}"))?);
    }
    fs::write(project.join("qiao.toml"), config.to_string())?;
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

//! Serves the vendors for the demo, and judges at the end.
//!
//! It says two things on its standard output, each one line of JSON: first where the vendors are and what lets a caller in; and, when
//! its standard input closes or it is asked to stop, the ledger. So a parent needs no signal and no port to know of, and a parent that
//! is killed takes the simulators with it.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use qiao_tests::{Dataset, Route, Vendors, VendorsOptions};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Parser)]
#[command(about = "Simulators of Kingdee Cloud Galaxy, OKKI and Wangdiantong on the loopback address")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until standard input closes, then print the ledger.
    Serve(Serve),
    /// Print the mapping table of the example project, `material_code.csv`.
    Table,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Keep what happens in this folder, and go on from what is in it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The port of Kingdee; by default the one of last time, or a free one.
    #[arg(long, value_name = "PORT")]
    kingdee_port: Option<u16>,
    /// The port of OKKI; by default the one of last time, or a free one.
    #[arg(long, value_name = "PORT")]
    okki_port: Option<u16>,
    /// The port of Wangdiantong; by default the one of last time, or a free one.
    #[arg(long, value_name = "PORT")]
    wdt_port: Option<u16>,
    /// Change this many approved orders before serving.
    #[arg(long, value_name = "ORDERS", default_value_t = 0)]
    change: usize,
    /// Add this many approved orders before serving.
    #[arg(long, value_name = "ORDERS", default_value_t = 0)]
    add: usize,
    /// Change this many refunds before serving: half of them become completed.
    #[arg(long, value_name = "REFUNDS", default_value_t = 0)]
    change_refunds: usize,
    /// Add this many refunds that are to be delivered before serving.
    #[arg(long, value_name = "REFUNDS", default_value_t = 0)]
    add_refunds: usize,
    /// Add an order and a refund every so many seconds while serving.
    #[arg(long, value_name = "SECONDS")]
    live_every: Option<u64>,
    /// Let every N-th call of `BatchSave` refuse half of its bills, with which nothing is wrong; 0 lets none.
    #[arg(long, value_name = "N", default_value_t = 0)]
    partial_failures: usize,
    /// How long each request waits before it is handled.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run().await,
        Command::Table => qiao_tests::write_material_table(&Dataset::demo(), std::io::stdout().lock())
            .context("the table cannot be written"),
    }
}

impl Serve {
    async fn run(self) -> anyhow::Result<()> {
        let mut options = VendorsOptions::new(Dataset::demo());
        options.data_dir = self.data;
        options.kingdee_port = self.kingdee_port;
        options.okki_port = self.okki_port;
        options.wdt_port = self.wdt_port;
        let vendors = Vendors::start(options).await?;
        if self.change > 0 {
            vendors.change(self.change)?;
        }
        if self.add > 0 {
            vendors.add(self.add)?;
        }
        if self.change_refunds > 0 {
            vendors.change_refunds(self.change_refunds)?;
        }
        if self.add_refunds > 0 {
            vendors.add_refunds(self.add_refunds)?;
        }
        vendors.kingdee.fail_in_part(Route::BatchSave, self.partial_failures);
        let latency = Duration::from_millis(self.latency);
        vendors.kingdee.set_latency(latency);
        vendors.okki.set_latency(latency);
        vendors.wdt.set_latency(latency);

        say(&addresses(&vendors))?;
        tokio::select! {
            ended = until_told_to_stop() => ended?,
            added = add_forever(&vendors, self.live_every) => added?,
        }
        say(&serde_json::to_value(vendors.ledger())?)
    }
}

fn addresses(vendors: &Vendors) -> Value {
    let credentials = &vendors.credentials;
    json!({
        "kingdee": {
            "base_url": vendors.kingdee.base_url(),
            "acct_id": credentials.acct_id,
            "user": credentials.user,
            "password": credentials.password,
            "app_id": credentials.app_id,
            "app_secret": credentials.app_secret,
        },
        "okki": {
            "base_url": vendors.okki.base_url(),
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        },
        "wdt": {
            "qimen_url": vendors.wdt.base_url_qimen(),
            "direct_url": vendors.wdt.base_url_direct(),
            "sid": credentials.sid,
            "app_key": credentials.wdt_app_key,
            "app_secret": credentials.wdt_app_secret,
            "target_app_key": credentials.target_app_key,
        },
    })
}

fn say(line: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("standard output is closed")
}

async fn until_told_to_stop() -> anyhow::Result<()> {
    let (closed, input_closed) = tokio::sync::oneshot::channel();
    // A thread of its own: a read of standard input cannot be cancelled, and the process must be able to end without it.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink());
        let _ = closed.send(());
    });
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = input_closed => Ok(()),
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

/// Never ends by itself.
async fn add_forever(vendors: &Vendors, every: Option<u64>) -> anyhow::Result<()> {
    let Some(seconds) = every else {
        return std::future::pending().await;
    };
    let period = Duration::from_secs(seconds.max(1));
    loop {
        tokio::time::sleep(period).await;
        vendors.add(1)?;
        vendors.add_refunds(1)?;
    }
}

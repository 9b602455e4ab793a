//! Commands and their output. Standard output belongs to a command's result (one JSON value with `--json`), standard error
//! to the log, to progress and to problems.
//!
//! Exit codes: 0 all went well; 1 something failed, and it was said what; 2 the command or the project cannot be used.

mod backfill;
mod connection;
mod init;
mod metadata;
mod output;
mod paint;
mod plugin;
mod preview;
mod project;
mod records;
mod run;
mod scheme;
mod status;
mod stop;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Qiao (桥): business data integration with WebAssembly plugins.
#[derive(Parser)]
#[command(name = "qiao", version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// The project's folder.
    #[arg(long, global = true, default_value = ".", value_name = "DIR")]
    root: PathBuf,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Write the log as one JSON object per line.
    #[arg(long, global = true)]
    log_json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Make a project folder: a commented `qiao.toml`, plugins, example schemes.
    Init(init::Arguments),
    /// Scan and deliver by schedule, until interrupted; changes of the project are taken over meanwhile.
    Run(run::Arguments),
    /// Schemes: list them, check them, preview one, see where they stand, pause one, purge one that was removed.
    #[command(subcommand)]
    Scheme(scheme::Command),
    /// Bills, one by one: list those that need somebody, look into one, try it again, give it up.
    #[command(subcommand)]
    Records(records::Command),
    /// Connections: try them.
    #[command(subcommand)]
    Connection(connection::Command),
    /// Plugins: list them, look into one, call a function.
    #[command(subcommand)]
    Plugin(plugin::Command),
}

/// Why a command cannot be carried out at all.
#[derive(Debug)]
struct CommandError(String);

impl<E: std::fmt::Display> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

type CommandResult = Result<ExitCode, CommandError>;

/// Something failed, and it was said what.
const FAILED: u8 = 1;

/// The command or the project cannot be used.
const UNUSABLE: u8 = 2;

/// Reads the command line and carries it out.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = if matches!(&cli.command, Command::Run(arguments) if !arguments.once) { "info" } else { "warn" };
    crate::observe::log::start(level, cli.common.log_json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::problem(&format!("no threads to run on: {error}"));
            return ExitCode::from(UNUSABLE);
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Init(arguments) => init::init(&cli.common, &arguments),
            Command::Run(arguments) => run::run(&cli.common, &arguments).await,
            Command::Scheme(command) => scheme::scheme(&cli.common, &command).await,
            Command::Records(command) => records::records(&cli.common, &command).await,
            Command::Connection(command) => connection::connection(&cli.common, &command).await,
            Command::Plugin(command) => plugin::plugin(&cli.common, &command).await,
        }
    });
    match result {
        Ok(code) => code,
        Err(CommandError(message)) => {
            output::problem(&message);
            ExitCode::from(UNUSABLE)
        }
    }
}

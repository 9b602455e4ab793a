//! What Qiao costs, as ratios: everything is measured beside the same work done without it, in the same run, since machines
//! differ and are noisy. `cargo xtask bench` builds this with optimisations and runs it.

#![expect(clippy::print_stdout, reason = "a command's result belongs on standard output")]

mod boundary;
mod measure;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "What Qiao costs, beside the same work without it")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Rows through a function and a stage of a plugin, beside the same code called natively.
    Boundary {
        /// The plugin `transforms`, as it ships.
        #[arg(long, value_name = "FILE")]
        plugin: PathBuf,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Boundary { plugin } => {
            let measured = boundary::measure(&plugin).await?;
            if arguments.json {
                println!("{}", boundary::json(&measured));
            } else {
                println!("{}", boundary::table(&measured));
            }
        }
    }
    Ok(())
}

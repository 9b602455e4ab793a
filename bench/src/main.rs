//! What Qiao costs, as ratios: everything is measured beside the same work done without it, in the same run, since machines
//! differ and are noisy. `cargo xtask bench` builds this with optimisations and runs it.

#![expect(clippy::print_stdout, reason = "a command's result belongs on standard output")]

#[cfg(feature = "host")]
mod boundary;
mod lookups;
mod mapping;
mod measure;

use clap::{Parser, Subcommand};
use serde_json::json;

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
    #[cfg(feature = "host")]
    Boundary {
        /// The plugin `transforms`, as it ships.
        #[arg(long, value_name = "FILE")]
        plugin: std::path::PathBuf,
    },
    /// Orders mapped by metadata, beside the same mapping written by hand; lookups in small and large collections.
    Mapping {
        /// Measure the mapping only: collecting a million rows takes a while.
        #[arg(long)]
        no_lookups: bool,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        #[cfg(feature = "host")]
        Command::Boundary { plugin } => {
            let measured = boundary::measure(&plugin).await?;
            if arguments.json {
                println!("{}", boundary::json(&measured));
            } else {
                println!("{}", boundary::table(&measured));
            }
        }
        Command::Mapping { no_lookups } => {
            let mapping = mapping::measure()?;
            let lookups = if no_lookups { None } else { Some(lookups::measure().await?) };
            if arguments.json {
                let lookups = lookups.as_deref().map(lookups::json);
                println!("{}", json!({ "mapping": mapping::json(&mapping), "lookups": lookups }));
            } else {
                println!("{}", mapping::table(&mapping));
                if let Some(lookups) = lookups {
                    println!("\n{}", lookups::table(&lookups));
                }
            }
        }
    }
    Ok(())
}

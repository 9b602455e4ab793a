//! What Qiao costs, as ratios: everything is measured beside the same work done without it, in the same run, since machines
//! differ and are noisy. `cargo xtask bench` builds this with optimisations and runs it.

#![expect(clippy::print_stdout, reason = "a command's result belongs on standard output")]

#[cfg(feature = "host")]
mod boundary;
mod delivery;
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
    /// Orders from an ERP to a CRM through the real host, beside a program written by hand.
    Delivery(delivery::Delivery),
    /// The vendors that delivery is measured with.
    #[command(hide = true)]
    Fixture,
    /// The program written by hand that delivery is measured beside.
    #[command(hide = true)]
    Reference(delivery::Reference),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut runtime = match arguments.command {
        // It is to take as little as possible from what is measured.
        Command::Fixture => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    runtime.enable_all().build()?.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
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
        Command::Delivery(delivery) => {
            let measured = delivery::measure(&delivery)?;
            if arguments.json {
                println!("{}", delivery::json(&measured));
            } else {
                println!("{}", delivery::table(&measured));
            }
        }
        Command::Fixture => delivery::serve().await?,
        Command::Reference(reference) => delivery::run_reference(&reference).await?,
    }
    Ok(())
}

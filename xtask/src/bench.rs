//! What Qiao costs, measured with optimisations. No figure is a part of the tests, since machines are noisy; that it can be
//! measured is.

use std::process::Command;

use clap::Subcommand;

use crate::cargo::{cargo, run};
use crate::parts::{self, Parts, Profile};

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Rows through a function and a stage of a plugin, beside the same code called natively.
    Boundary {
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Orders mapped by metadata, beside the same mapping written by hand; lookups in small and large collections.
    Mapping {
        /// Measure the mapping only: collecting a million rows takes a while.
        #[arg(long)]
        no_lookups: bool,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Orders from an ERP to a CRM through the real host, beside a program written by hand that does the same. Both are built
    /// as they are handed out, which takes some minutes the first time.
    Delivery {
        /// Turns of each side; the median is told.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Only these many rows, and nothing else.
        #[arg(long)]
        rows: Option<u64>,
        /// The memory of two million rows, too, which takes some minutes and gigabytes.
        #[arg(long)]
        two_million: bool,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn bench(bench: &Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Boundary { json } => {
            let plugins = parts::build_product_plugins(Profile::Release)?;
            let mut command =
                cargo(&["run", "--release", "--quiet", "--package", "qiao-bench", "--", "boundary", "--plugin"]);
            command.arg(plugins.join("transforms.wasm"));
            if *json {
                command.arg("--json");
            }
            run(&mut command)
        }
        Bench::Mapping { no_lookups, json } => {
            // Without the default features nothing of wasmtime has to be built.
            let mut command = cargo(&["run", "--release", "--quiet", "--package", "qiao-bench"]);
            command.args(["--no-default-features", "--", "mapping"]);
            if *no_lookups {
                command.arg("--no-lookups");
            }
            if *json {
                command.arg("--json");
            }
            run(&mut command)
        }
        Bench::Delivery { rounds, rows, two_million, json } => {
            // As it is handed out; the program written by hand is built alike.
            let parts = parts::build(Profile::Dist)?;
            let mut command = delivery(&parts, Profile::Dist)?;
            command.args(["--rounds", &rounds.to_string()]);
            if let Some(rows) = rows {
                command.args(["--rows", &rows.to_string()]);
            }
            if *two_million {
                command.arg("--two-million");
            }
            if *json {
                command.arg("--json");
            }
            run(&mut command)
        }
    }
}

/// The benchmark of deliveries goes through, whatever it measures without optimisations.
pub(crate) fn try_delivery(parts: &Parts) -> anyhow::Result<()> {
    run(delivery(parts, Profile::Dev)?.args(["--rounds", "1", "--rows", "30"]))
}

fn delivery(parts: &Parts, profile: Profile) -> anyhow::Result<Command> {
    let mut command = Command::new(parts::build_bench(profile)?);
    command.arg("delivery").arg("--qiao").arg(&parts.qiao).arg("--plugins").arg(&parts.plugins);
    Ok(command)
}

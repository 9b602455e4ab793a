//! What Qiao costs, measured with optimisations. Never a part of the tests: machines are noisy.

use clap::Subcommand;

use crate::cargo::{cargo, run};
use crate::parts::{self, Profile};

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
    }
}

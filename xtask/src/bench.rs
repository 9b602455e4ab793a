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
    }
}

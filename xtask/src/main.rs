//! The project's own commands. `cargo xtask --help` lists them.
//!
//! Everything a command needs beyond rustup, it installs by itself.

#![expect(clippy::print_stdout, reason = "a command's result belongs on standard output")]

mod apt;
mod archive;
mod bench;
mod cargo;
mod demo;
mod dist;
mod faketime;
mod fuzz;
mod mariadb;
mod parts;
mod python;
mod test;

use clap::{Parser, Subcommand};

/// Builds, shows and tests Qiao.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is needed: the Rust target of the plugins, and for the tests Python's virtual environments, `MariaDB` and `libfaketime`.
    Setup,
    /// Build `qiao` and the plugins, and say where they are.
    Build {
        /// With optimisations, as it is meant to be used.
        #[arg(long)]
        release: bool,
    },
    /// Build everything, start simulators of the vendors and the host on the example project, and show what happens.
    Demo(demo::Arguments),
    /// Pack `qiao`, the plugins, the examples and the docs into one archive.
    Dist(dist::Arguments),
    /// Measure what Qiao costs, beside the same work done without it.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Feed the metadata dialect inputs that nobody would write, for as long as it takes.
    Fuzz(fuzz::Arguments),
    /// Format check, lints, plugins, unit tests, scenarios, a minute of fuzzing: everything that guards `main`.
    Test(test::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Setup => {
            python::install_venv();
            mariadb::install_mariadb();
            faketime::install_faketime();
            cargo::install_target()
        }
        Command::Build { release } => parts::build(parts::Profile::of(release)).map(|parts| parts.say_where()),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Dist(arguments) => dist::dist(&arguments),
        Command::Bench(bench) => bench::bench(&bench),
        Command::Fuzz(arguments) => fuzz::fuzz(&arguments),
        Command::Test(arguments) => test::test(&arguments),
    }
}

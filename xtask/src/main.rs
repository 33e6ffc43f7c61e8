//! The repository's chores, and every command of `cyborg` under the name that the README shows:
//! `cargo xtask run experiments/quickstart.yaml`.

mod check;
mod schema;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// See Cargo.toml for why.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Trains image classifiers that look where people look, and reports how they hold up on data they never saw.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    User(cyborg_cli::Command),
    /// Write the JSON schemas that editors complete experiment files and manifests from.
    Schema(schema::SchemaArguments),
    /// What CI runs: format, lints, documentation, tests, stale generated files.
    Check(check::CheckArguments),
}

fn main() -> ExitCode {
    cyborg_cli::with_tuned_environment(|| cyborg_cli::main("cargo xtask", run))
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.command {
        Command::User(command) => cyborg_cli::run(command),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Check(arguments) => check::run(arguments),
    }
}

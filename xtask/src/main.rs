//! The command line: `cargo xtask run experiments/quickstart.yaml` and the chores around it.
//!
//! Thin by intent: arguments in, one call down, text out. What a command does lives in the crates.

mod bench;
mod cam;
mod check;
mod compare;
mod data;
mod evaluate;
mod experiment;
mod predict;
mod progress;
mod report;
mod saliency;
mod schema;
mod weights;

use std::process::ExitCode;

/// See Cargo.toml for why.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::{Parser, Subcommand};

/// Trains image classifiers that look where people look, and reports how they hold up on data they never saw.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an experiment file: train what is not trained yet, score, report.
    Run(experiment::RunArguments),
    Report(report::ReportArguments),
    Compare(compare::CompareArguments),
    Evaluate(evaluate::EvaluateArguments),
    /// Score images with trained weights: a row an image, as CSV or parquet.
    Predict(predict::PredictArguments),
    /// Draw where trained weights look: class activation maps over images, and as numbers.
    Cam(cam::CamArguments),
    /// Look into weights files, and convert them to safetensors.
    #[command(subcommand)]
    Weights(weights::WeightsCommand),
    /// Look at, check and draw data sets.
    #[command(subcommand)]
    Data(data::DataCommand),
    #[command(subcommand)]
    Saliency(saliency::SaliencyCommand),
    /// Time training steps and convolutions, beside PyTorch.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Write the JSON schemas that editors complete experiment files and manifests from.
    Schema(schema::SchemaArguments),
    /// What CI runs: format, lints, documentation, tests, stale generated files.
    Check(check::CheckArguments),
}

#[expect(clippy::print_stderr, reason = "the command line speaks to people")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Run(arguments) => experiment::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Cam(arguments) => cam::run(&arguments),
        Command::Weights(command) => weights::run(&command),
        Command::Data(command) => data::run(&command),
        Command::Saliency(command) => saliency::run(&command),
        Command::Bench(command) => bench::run(&command),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", cyborg_experiment::error_chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Prints a result to stdout. A reader that has gone away (`| head`) is no error of ours; a result that is lost (a full disk) is
/// one, and ends the program.
#[expect(clippy::print_stderr, reason = "the place of errors")]
fn print(text: &str) {
    use std::io::{ErrorKind, Write};
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write the result to standard output: {error}");
            std::process::exit(1);
        }
        _ => {}
    }
}

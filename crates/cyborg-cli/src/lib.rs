#![doc = include_str!("../README.md")]

mod bench;
mod cam;
mod compare;
mod data;
mod evaluate;
mod experiment;
mod places;
mod predict;
mod program;
mod progress;
mod report;
mod saliency;
mod startup;
mod weights;

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgMatches, FromArgMatches, Subcommand};

pub use crate::program::{command_of, main, print};
pub use crate::startup::with_tuned_environment;

/// The user's commands, to be flattened into the commands of a program.
pub struct Command(Box<Inner>);

#[derive(Subcommand)]
enum Inner {
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
}

// By hand, because a public enum would make the arguments of every command public.
impl FromArgMatches for Command {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Inner::from_arg_matches(matches).map(|command| Self(Box::new(command)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Subcommand for Command {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        Inner::augment_subcommands(command)
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Inner::augment_subcommands_for_update(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Inner::has_subcommand(name)
    }
}

/// Carries a command out. Results go to stdout, progress and warnings to stderr.
///
/// # Errors
/// What the command could not do, with its causes.
pub fn run(command: &Command) -> Result<ExitCode> {
    match command.0.as_ref() {
        Inner::Run(arguments) => experiment::run(arguments),
        Inner::Report(arguments) => report::run(arguments),
        Inner::Compare(arguments) => compare::run(arguments),
        Inner::Evaluate(arguments) => evaluate::run(arguments),
        Inner::Predict(arguments) => predict::run(arguments),
        Inner::Cam(arguments) => cam::run(arguments),
        Inner::Weights(command) => weights::run(command),
        Inner::Data(command) => data::run(command),
        Inner::Saliency(command) => saliency::run(command),
        Inner::Bench(command) => bench::run(command),
    }
}

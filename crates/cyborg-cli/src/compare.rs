//! `cargo xtask compare`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use cyborg_experiment::CompareOptions;

use crate::print;

/// Compare two groups of finished runs: the difference with its interval and test, for each source.
///
/// Runs of the same data, backbone and seed are pairs. Several pairs: paired t-test over seeds, corrected after Holm. One
/// pair: DeLong's test on the same images.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask compare ce cyborg                                  two methods of the only experiment that has both
  cargo xtask compare ce cyborg --experiment quickstart --images
  cargo xtask compare 'runs/resnet18_*' 'runs/resnet50_*'        two backbones, where each pattern fits one method
  cargo xtask compare runs/A_s0_0123 runs/B_s0_4567              two single runs: DeLong")]
pub(crate) struct CompareArguments {
    /// The baseline: a run folder, a pattern with `*` and `?`, or the name of a method in an experiment.
    a: String,
    /// The candidate, named likewise. Differences are candidate minus baseline.
    b: String,
    /// The experiment whose methods are named.
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// Only runs of this backbone.
    #[arg(long, value_name = "NAME")]
    backbone: Option<String>,
    /// Only this data set of the experiment.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Metrics to show, separated by commas; `--output` writes all.
    #[arg(long, value_name = "NAMES", default_value = "auc", value_delimiter = ',')]
    metric: Vec<String>,
    /// Also compare each pair of runs on the same images (DeLong).
    #[arg(long)]
    images: bool,
    /// Write the tables into this folder, as CSV, parquet and text.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Folder of the runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
}

pub(crate) fn run(arguments: &CompareArguments) -> Result<ExitCode> {
    let options = CompareOptions {
        runs_dir: arguments.runs.clone(),
        experiment: arguments.experiment.clone(),
        backbone: arguments.backbone.clone(),
        data: arguments.data.clone(),
        metrics: arguments.metric.clone(),
        on_images: arguments.images,
        output: arguments.output.clone(),
    };
    let outcome = cyborg_experiment::compare_runs(&arguments.a, &arguments.b, &options)?;
    print(&outcome.terminal);
    if let Some(dir) = &arguments.output {
        print(&format!("\ntables: {}", dir.display()));
    }
    Ok(ExitCode::SUCCESS)
}

//! `cargo xtask report`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use cyborg_experiment::{Experiment, Followed, Options, ReportOptions};

use crate::print;

/// Build the report of finished runs, of an experiment so far, or of one that is running.
///
/// Nothing is trained or scored. Images may be gone: the gallery then has gaps.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask report experiments/quickstart.yaml        what is finished of an experiment
  cargo xtask report --watch                            the running experiment, again after each run
  cargo xtask report 'runs/resnet50_*' --output reports/resnet50
  cargo xtask report runs/A_s0_0123 runs/B_s0_4567      any runs, also of several experiments")]
pub(crate) struct ReportArguments {
    /// Run folders, folders of run folders, patterns with `*` and `?`; or one experiment file.
    #[arg(value_name = "RUNS")]
    runs: Vec<String>,
    /// The report's folder. Default: the experiment's name below `--reports`.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Follow a running experiment: build again whenever a run finishes, end when it ends (or on Ctrl-C).
    #[arg(long)]
    watch: bool,
    /// The experiment whose names of methods and data are used, where runs belong to several.
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// The experiment file's phantom stand-in.
    #[arg(long)]
    phantom: bool,
    /// Folder that holds the data sets, each in a folder of its id, if they are no longer where the runs found them.
    #[arg(long, value_name = "DIR", env = "CYBORG_DATA")]
    data_root: Option<PathBuf>,
    /// Folder of the manifests that experiments name by id. Default: the nearest `data-manifests` above the experiment file,
    /// else above the working directory.
    #[arg(long, value_name = "DIR", env = "CYBORG_MANIFESTS")]
    manifests: Option<PathBuf>,
    /// Folder of the runs of an experiment file.
    #[arg(long = "runs", value_name = "DIR", default_value = "runs")]
    runs_dir: PathBuf,
    /// Folder of the reports.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
}

#[expect(clippy::print_stderr, reason = "progress goes to stderr, the table to stdout")]
pub(crate) fn run(arguments: &ReportArguments) -> Result<ExitCode> {
    let options = ReportOptions {
        output: arguments.output.clone(),
        reports_dir: arguments.reports.clone(),
        runs_dir: arguments.runs_dir.clone(),
        experiment: arguments.experiment.clone(),
        data_root: arguments.data_root.clone(),
    };
    let experiment = experiment_file(arguments)?;
    let outcome = if arguments.watch {
        if experiment.is_none() && !arguments.runs.is_empty() {
            bail!("`--watch` follows an experiment: name its file, or nothing for the one that is running");
        }
        let say = |followed: &Followed| {
            let Followed { n_done, n_asked, outcome } = followed;
            eprintln!("{n_done} of {n_asked} runs: {}", outcome.html.display());
        };
        match cyborg_experiment::follow(experiment.as_ref(), &options, &say)? {
            Some(followed) => followed.outcome,
            None => bail!("the experiment has ended and no run of it is finished"),
        }
    } else if let Some(experiment) = &experiment {
        cyborg_experiment::report_experiment(experiment, &options)?
    } else if arguments.runs.is_empty() {
        bail!(
            "name what to report: run folders such as `runs/*`, an experiment file, or `--watch` for the one that is \
             running"
        );
    } else {
        cyborg_experiment::report_runs(&arguments.runs, &options)?
    };
    print(&outcome.terminal);
    print(&format!("\nreport: {}", outcome.html.display()));
    Ok(ExitCode::SUCCESS)
}

/// The only argument, if it is an experiment file.
fn experiment_file(arguments: &ReportArguments) -> Result<Option<Experiment>> {
    let is_file = |name: &String| {
        let path = std::path::Path::new(name);
        path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"))
    };
    if !arguments.runs.iter().any(is_file) {
        return Ok(None);
    }
    let [file] = arguments.runs.as_slice() else {
        bail!("name one experiment file, or run folders: not both, nor several files");
    };
    let file = crate::places::file(file)?;
    let manifests = crate::places::manifests_for(&file, arguments.manifests.as_ref());
    let read = Options { phantom: arguments.phantom, manifests: Some(manifests) };
    Ok(Some(cyborg_experiment::read_experiment(&file, &read)?))
}

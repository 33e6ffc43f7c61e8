//! Scores that another program wrote, evaluated and reported as if they were ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use cyborg_eval::SourceGroup;
use cyborg_eval::outside::read_score_table;
pub use cyborg_eval::outside::{Field, ScoreColumns, ScoreScale};
use cyborg_eval::{Bootstrap, EvalPlan, MetricOptions, Resample, Threshold};
use cyborg_report::{ReportOutcome, ScoresInput};

use crate::ExperimentError;
use crate::store::file_digest;

/// Which files, what their columns are, and what is asked of them.
#[derive(Clone, Debug)]
pub struct EvaluateOptions {
    /// CSV or parquet files of scores.
    pub files: Vec<PathBuf>,
    /// Which columns are what.
    pub columns: ScoreColumns,
    /// No column names the method: each of several files is a method of its own, named after the file.
    pub method_by_file: bool,
    /// Source -> the sources whose negatives it is tested against; all others are tested against all negatives.
    pub pairs: BTreeMap<String, Vec<String>>,
    /// Sources that training or validation saw.
    pub seen: BTreeSet<String>,
    /// Groups of sources that get rows of their own.
    pub groups: Vec<SourceGroup>,
    /// (baseline, candidate) methods.
    pub comparisons: Vec<(String, String)>,
    /// What scores at least this is called positive.
    pub threshold: Option<f64>,
    /// A threshold that was chosen on validation images.
    pub validation_threshold: Option<f64>,
    /// Replicates of the bootstrap; 0 for none.
    pub bootstrap: usize,
    /// Heading of the report.
    pub title: String,
    /// The command as it was given.
    pub command: String,
    /// The report's folder.
    pub output: PathBuf,
}

/// Evaluates the scores and writes their report.
///
/// # Errors
/// [`ExperimentError::Scores`] for a file that cannot be read as told; [`ExperimentError::Report`] for names that no
/// score has, and when the report cannot be written.
pub fn evaluate_scores(options: &EvaluateOptions) -> Result<ReportOutcome, ExperimentError> {
    let mut runs = Vec::new();
    let mut environment = vec![("cyborg".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    for path in &options.files {
        let mut columns = options.columns.clone();
        if options.method_by_file && options.files.len() > 1 {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            columns.method = Field::Constant(stem.into_owned());
        }
        let read = read_score_table(path, &columns)
            .map_err(|e| ExperimentError::Scores { path: path.clone(), source: Box::new(e) })?;
        runs.extend(read);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Standard input is gone once it is read.
        if path.as_os_str() != "-" {
            environment.push((format!("{name} blake3"), file_digest(path)?));
        }
    }
    let bootstrap = (options.bootstrap > 0).then(|| Bootstrap {
        replicates: options.bootstrap,
        // Images of one person depend on each other: where people are known, they are drawn.
        resample: if options.columns.subject.is_some() { Resample::Subjects } else { Resample::Images },
        ..Bootstrap::default()
    });
    let input = ScoresInput {
        title: options.title.clone(),
        command: options.command.clone(),
        runs,
        classes: options.columns.classes.clone(),
        plan: EvalPlan {
            positive: options.columns.positive,
            pairs: options.pairs.clone(),
            seen: options.seen.clone(),
        },
        comparisons: options.comparisons.clone(),
        metrics: MetricOptions {
            threshold: options.threshold,
            validation_threshold: options.validation_threshold.map(Threshold::Score),
            groups: options.groups.clone(),
            ..MetricOptions::default()
        },
        bootstrap,
        environment,
    };
    cyborg_report::build_from_scores(&input, &options.output)
        .map_err(|e| ExperimentError::Report { dir: options.output.clone(), source: Box::new(e) })
}

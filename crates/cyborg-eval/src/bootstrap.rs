//! Bootstrap intervals of every metric of one run.

use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::interval::{bca_interval, percentile_interval};
use crate::metric::{METRICS, N_METRICS};
use crate::metrics::measure;
use crate::options::{MetricOptions, check_options};
use crate::pairing::{EvalPlan, Sources};
use crate::resample::{Resampler, draw, subjects, without};
use crate::rows::SourceRow;
use crate::values::{Values, reason_of};
use cyborg_seed::Seed;
use polars::prelude::DataFrame;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Above this number of units (images or subjects) the jackknife of the BCa interval is not run: it measures the run
/// once for each unit.
pub const MAX_BCA_UNITS: usize = 2_000;

/// What is drawn again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resample {
    /// Images, each source and class by itself.
    #[default]
    Images,
    /// Subjects with all of their images (column `subject` of the scores, str, null where an image has none and stands for
    /// itself). Subjects that have images in the same sources and classes are drawn among each other.
    Subjects,
}

/// Settings of [`run_intervals`].
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// What is drawn.
    pub resample: Resample,
    /// How often. Default 1000.
    pub replicates: usize,
    /// Coverage of the interval. Default 0.95.
    pub level: f64,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resample: Resample::Images, replicates: 1000, level: 0.95, seed: 0 }
    }
}

/// Intervals of every row and metric of [`crate::run_metrics_with`]. The crate's README lists the columns.
///
/// Every replicate draws the test set anew and measures it with the code that measures the real one, aggregates
/// included. The same seed gives the same intervals whatever the number of threads.
///
/// # Errors
/// If `scores` lacks a column (`subject`, where subjects are drawn) or holds nulls, or a setting makes no sense.
pub fn run_intervals(
    scores: &DataFrame,
    plan: &EvalPlan,
    options: &MetricOptions,
    bootstrap: &Bootstrap,
) -> Result<DataFrame, EvalError> {
    check_options(options)?;
    check(bootstrap)?;
    let base = Sources::new(scores, plan)?;
    let (units, n_units) = match bootstrap.resample {
        Resample::Images => ((0..scores.height() as u32).collect(), scores.height()),
        Resample::Subjects => subjects(scores)?,
    };
    let resampler = Resampler::new(scores, plan.positive, &base, &units, n_units)?;
    let strata = resampler.strata(1);
    let rows = measure(&base, plan, options);
    let seed = Seed::new(bootstrap.seed).child("bootstrap");
    let values_of = |weights: Vec<u32>| -> Vec<Values> {
        measure(&resampler.weighted(&weights), plan, options).into_iter().map(|row| row.values).collect()
    };
    let replicates: Vec<Vec<Values>> = (0..bootstrap.replicates)
        .into_par_iter()
        .map(|i| values_of(draw(&strata, n_units, i, &seed)))
        .collect();
    let n_drawn: usize = strata.iter().map(Vec::len).sum();
    let n_alone = strata.iter().filter(|stratum| stratum.len() == 1).count();
    let jackknife: Option<Vec<Vec<Vec<Values>>>> = (n_drawn <= MAX_BCA_UNITS).then(|| {
        let of_stratum = |stratum: &Vec<u32>| -> Vec<Vec<Values>> {
            stratum.clone().into_par_iter().map(|unit| values_of(without(unit, n_units))).collect()
        };
        strata.iter().map(of_stratum).collect()
    });

    let mut intervals = Vec::with_capacity(rows.len() * N_METRICS);
    for (at, row) in rows.iter().enumerate() {
        for metric in 0..N_METRICS {
            intervals.push(Interval::of(
                row,
                at,
                metric,
                &replicates,
                jackknife.as_deref(),
                bootstrap,
                n_alone,
            ));
        }
    }
    let rows = &intervals;
    frame(
        "bootstrap intervals",
        vec![
            column("kind", rows, |i| i.row.kind.as_str()),
            column("source", rows, |i| i.row.source.as_str()),
            column("seen", rows, |i| i.row.seen),
            column("metric", rows, |i| METRICS[i.metric]),
            column("value", rows, |i| i.row.values[i.metric]),
            column("ci_low", rows, |i| i.percentile.map(|ci| ci.0)),
            column("ci_high", rows, |i| i.percentile.map(|ci| ci.1)),
            column("bca_low", rows, |i| i.bca.map(|ci| ci.0)),
            column("bca_high", rows, |i| i.bca.map(|ci| ci.1)),
            column("n_replicates", rows, |i| i.n_replicates as u32),
            column("reason", rows, |i| i.reason.as_deref()),
        ],
    )
}

pub(crate) fn check(bootstrap: &Bootstrap) -> Result<(), EvalError> {
    let wrong = |setting, found: String, expected| Err(EvalError::Setting { setting, found, expected });
    if !(bootstrap.level > 0.0 && bootstrap.level < 1.0) {
        return wrong(
            "level of the bootstrap interval",
            bootstrap.level.to_string(),
            "a number between 0 and 1",
        );
    }
    if !(20..=1_000_000).contains(&bootstrap.replicates) {
        return wrong("number of bootstrap replicates", bootstrap.replicates.to_string(), "20 to 1,000,000");
    }
    Ok(())
}

struct Interval<'a> {
    row: &'a SourceRow,
    metric: usize,
    percentile: Option<(f64, f64)>,
    bca: Option<(f64, f64)>,
    n_replicates: usize,
    reason: Option<String>,
}

impl<'a> Interval<'a> {
    fn of(
        row: &'a SourceRow,
        at: usize,
        metric: usize,
        replicates: &[Vec<Values>],
        jackknife: Option<&[Vec<Vec<Values>>]>,
        bootstrap: &Bootstrap,
        n_alone: usize,
    ) -> Self {
        let mut interval = Self { row, metric, percentile: None, bca: None, n_replicates: 0, reason: None };
        let Some(value) = row.values[metric] else {
            let of_metric = || reason_of(row.metric_reasons.as_deref()?, METRICS[metric]);
            interval.reason = Some(row.reason.as_deref().or_else(of_metric).unwrap_or("no value").to_owned());
            return interval;
        };
        let drawn: Vec<f64> = replicates.iter().filter_map(|values| values.get(at)?[metric]).collect();
        interval.n_replicates = drawn.len();
        // What is undefined in some draws is not missing at random.
        let n_undefined = replicates.len() - drawn.len();
        if 20 * n_undefined > replicates.len() {
            interval.reason = Some(format!("{n_undefined} of {} replicates have no value", replicates.len()));
            return interval;
        }
        if drawn.iter().all(|replicate| *replicate == drawn[0]) {
            interval.reason =
                Some(format!("all replicates are {}: nothing is known of its spread", drawn[0]));
            return interval;
        }
        interval.percentile = percentile_interval(&drawn, bootstrap.level);
        let mut notes = Vec::new();
        if n_undefined > 0 {
            notes.push(format!("{n_undefined} replicates have no value and are left out"));
        }
        if n_alone > 0 {
            notes.push(format!("units alone in their source and class, which never vary: {n_alone}"));
        }
        match jackknife {
            None => notes
                .push(format!("BCa: more than {MAX_BCA_UNITS} units, where it would be all but the same")),
            Some(strata) => {
                let of_stratum = |stratum: &Vec<Vec<Values>>| -> Option<Vec<f64>> {
                    stratum.iter().map(|values| values.get(at)?[metric]).collect()
                };
                let without: Option<Vec<Vec<f64>>> = strata.iter().map(of_stratum).collect();
                interval.bca =
                    without.and_then(|without| bca_interval(value, &drawn, &without, bootstrap.level));
                if interval.bca.is_none() {
                    notes.push("BCa: its correction is undefined here".to_owned());
                }
            }
        }
        interval.reason = (!notes.is_empty()).then(|| notes.join("; "));
        interval
    }
}

//! Differences between two methods on other subjects: tests and intervals that respect who the images are of.

use crate::bootstrap::{Bootstrap, check};
use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::holm::holm;
use crate::metric::{METRICS, N_METRICS};
use crate::metrics::measure;
use crate::options::{MetricOptions, check_options};
use crate::pairing::{EvalPlan, Sources};
use crate::resample::{Resampler, Units, draw, without};
use crate::rows::SourceRow;
use crate::values::Values;
use cyborg_seed::Seed;
use polars::prelude::DataFrame;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use statrs::distribution::{ContinuousCDF as _, StudentsT};
use std::collections::BTreeMap;

/// With more subjects the small-sample correction is below 1 % and need not be measured.
const MAX_JACKKNIFE_UNITS: usize = 300;
/// Strata of fewer subjects are drawn together.
const LEAST_STRATUM: usize = 5;

/// Two runs on the same images, with the settings of each (their thresholds may differ).
#[derive(Clone, Copy, Debug)]
pub struct PairedRuns<'a> {
    /// Scores of the run that is compared against.
    pub baseline: &'a DataFrame,
    /// Scores of the run that is compared with it.
    pub candidate: &'a DataFrame,
    /// How the baseline is measured.
    pub baseline_options: &'a MetricOptions,
    /// How the candidate is measured.
    pub candidate_options: &'a MetricOptions,
}

/// The difference (candidate minus baseline, mean over the pairs of runs) in every row and metric of
/// [`crate::run_metrics_with`], with its cluster-bootstrap standard error: subjects are drawn with all their images, the
/// same draw for every run. An image without a subject stands for itself.
///
/// `p` and the interval are those of Student's t: difference / standard error, the standard error corrected for the number
/// of subjects, the degrees of freedom after Welch and Satterthwaite from the jackknife variance of each stratum. The crate's
/// README lists the columns and says how the test behaves without a difference.
///
/// # Errors
/// If a frame lacks a column or holds nulls, a setting makes no sense, or the runs are not of the same images.
pub fn run_differences(
    pairs: &[PairedRuns<'_>],
    plan: &EvalPlan,
    bootstrap: &Bootstrap,
) -> Result<DataFrame, EvalError> {
    check(bootstrap)?;
    let mut units = Units::default();
    let mut sides = Vec::new();
    for pair in pairs {
        for (scores, options, sign) in
            [(pair.baseline, pair.baseline_options, -1.0), (pair.candidate, pair.candidate_options, 1.0)]
        {
            check_options(options)?;
            sides.push((scores, options, sign, units.subjects(scores)?));
        }
    }
    let n_units = units.len();
    let mut runs = Vec::new();
    for (scores, options, sign, units) in &sides {
        let like = Sources::new(scores, plan)?;
        let rows = measure(&like, plan, options);
        let resampler = Resampler::new(scores, plan.positive, &like, units, n_units)?;
        runs.push(Run { resampler, options, sign: *sign, rows });
    }
    let Some(first) = runs.first() else { return table(&[]) };
    let strata = first.resampler.strata(LEAST_STRATUM);
    let seed = Seed::new(bootstrap.seed).child("differences");
    let drawn = |weights: &[u32]| differences(&runs, plan, weights);
    let replicates: Vec<Vec<Values>> = (0..bootstrap.replicates)
        .into_par_iter()
        .map(|replicate| drawn(&draw(&strata, n_units, replicate, &seed)))
        .collect();
    let n_drawn: usize = strata.iter().map(Vec::len).sum();
    let jackknife: Option<Vec<Vec<Vec<Values>>>> = (n_drawn <= MAX_JACKKNIFE_UNITS).then(|| {
        let of_stratum = |stratum: &Vec<u32>| -> Vec<Vec<Values>> {
            stratum.clone().into_par_iter().map(|unit| drawn(&without(unit, n_units))).collect()
        };
        strata.iter().map(of_stratum).collect()
    });
    let sizes: Vec<usize> = strata.iter().map(Vec::len).collect();
    let mut found = Vec::new();
    for (at, row) in first.rows.iter().enumerate() {
        for metric in 0..N_METRICS {
            let mut difference = Difference::of(&runs, metric, row);
            difference.n_subjects = n_drawn;
            if difference.value.is_some() {
                let of_replicate = |values: &Vec<Values>| values.get(at)?[metric];
                let values: Vec<f64> = replicates.iter().filter_map(of_replicate).collect();
                let of_stratum = |stratum: &Vec<Vec<Values>>| stratum.iter().map(of_replicate).collect();
                let without = jackknife
                    .as_ref()
                    .and_then(|strata| strata.iter().map(of_stratum).collect::<Option<Vec<Vec<f64>>>>());
                difference.test(&values, replicates.len(), without.as_deref(), &sizes, bootstrap.level);
            }
            found.push(difference);
        }
    }
    table(&found)
}

struct Run<'a> {
    resampler: Resampler,
    options: &'a MetricOptions,
    /// 1 for a candidate, -1 for a baseline.
    sign: f64,
    rows: Vec<SourceRow>,
}

/// Candidates minus baselines, in the mean over pairs, of one drawn test set.
fn differences(runs: &[Run<'_>], plan: &EvalPlan, weights: &[u32]) -> Vec<Values> {
    let n_pairs = runs.len() as f64 / 2.0;
    let mut sums: Vec<Values> = Vec::new();
    for run in runs {
        let rows = measure(&run.resampler.weighted(weights), plan, run.options);
        sums.resize(runs[0].rows.len(), [Some(0.0); N_METRICS]);
        for (sum, wanted) in sums.iter_mut().zip(&runs[0].rows) {
            // A source of which nothing was drawn has no row.
            let values = row_of(&rows, wanted).map_or([None; N_METRICS], |row| row.values);
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum = sum.zip(value).map(|(sum, value)| sum + run.sign * value / n_pairs);
            }
        }
    }
    sums
}

/// The row of the same source or aggregate: runs may list sources in another order.
fn row_of<'a>(rows: &'a [SourceRow], wanted: &SourceRow) -> Option<&'a SourceRow> {
    rows.iter().find(|row| row.kind == wanted.kind && row.source == wanted.source)
}

struct Difference<'a> {
    row: &'a SourceRow,
    metric: usize,
    baseline: Option<f64>,
    candidate: Option<f64>,
    value: Option<f64>,
    n_subjects: usize,
    n_replicates: usize,
    se: Option<f64>,
    df: Option<f64>,
    ci: Option<(f64, f64)>,
    p: Option<f64>,
    reason: Option<String>,
}

impl<'a> Difference<'a> {
    fn of(runs: &[Run<'_>], metric: usize, row: &'a SourceRow) -> Self {
        let mean = |sign: f64| -> Option<f64> {
            let of_side = runs.iter().filter(|run| run.sign == sign);
            let values: Option<Vec<f64>> =
                of_side.map(|run| row_of(&run.rows, row)?.values[metric]).collect();
            values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
        };
        let (baseline, candidate) = (mean(-1.0), mean(1.0));
        let value = baseline.zip(candidate).map(|(baseline, candidate)| candidate - baseline);
        Self {
            row,
            metric,
            baseline,
            candidate,
            value,
            n_subjects: 0,
            n_replicates: 0,
            se: None,
            df: None,
            ci: None,
            p: None,
            reason: value.is_none().then(|| "a run has no value".to_owned()),
        }
    }

    /// From drawn differences, and those without each unit of each stratum.
    fn test(
        &mut self,
        drawn: &[f64],
        n_replicates: usize,
        without: Option<&[Vec<f64>]>,
        sizes: &[usize],
        level: f64,
    ) {
        self.n_replicates = drawn.len();
        let value = self.value.unwrap_or_default();
        let n_undefined = n_replicates - drawn.len();
        if 20 * n_undefined > n_replicates {
            self.reason = Some(format!("{n_undefined} of {n_replicates} drawn test sets have no value"));
            return;
        }
        let Some(sd) = crate::band::spread(drawn).and_then(|spread| spread.sd) else { return };
        // Each stratum's share of the variance; a bootstrap of n units sees (n - 1) / n of it.
        let least = sizes.iter().copied().filter(|n| *n > 1).min();
        let (correction, df) = match (without, least) {
            (_, None) => {
                self.reason = Some("there are not two subjects to draw among".to_owned());
                return;
            }
            (Some(without), Some(_)) => welch(without),
            (None, Some(least)) => {
                (least as f64 / (least - 1) as f64, sizes.iter().map(|n| n - 1).sum::<usize>() as f64)
            }
        };
        let se = sd * correction.sqrt();
        // Replicates that differ by rounding alone are equal.
        if se <= 1e-12 {
            self.reason = Some(
                "all drawn test sets give the same difference: nothing is known of its spread".to_owned(),
            );
            return;
        }
        self.se = Some(se);
        self.df = Some(df);
        if let Ok(student) = StudentsT::new(0.0, 1.0, df) {
            self.p = Some((2.0 * student.sf((value / se).abs())).min(1.0));
            let half_width = student.inverse_cdf(f64::midpoint(1.0, level)) * se;
            self.ci = Some((value - half_width, value + half_width));
        }
        if n_undefined > 0 {
            self.reason = Some(format!("{n_undefined} drawn test sets have no value and are left out"));
        }
    }
}

/// How much larger the variance is than a bootstrap sees it, and the degrees of freedom of Welch and Satterthwaite, from the
/// statistic without each unit of each stratum.
fn welch(without: &[Vec<f64>]) -> (f64, f64) {
    let (mut seen, mut true_sum, mut denominator) = (0.0, 0.0, 0.0);
    for stratum in without.iter().filter(|stratum| stratum.len() > 1) {
        let n = stratum.len() as f64;
        let mean = stratum.iter().sum::<f64>() / n;
        let variance = (n - 1.0) / n * stratum.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        seen += variance * (n - 1.0) / n;
        true_sum += variance;
        denominator += variance * variance / (n - 1.0);
    }
    let least = without.iter().map(Vec::len).filter(|n| *n > 1).min().unwrap_or(2) as f64;
    if seen > 0.0 && denominator > 0.0 {
        (true_sum / seen, (true_sum * true_sum / denominator).max(1.0))
    } else {
        (least / (least - 1.0), least - 1.0)
    }
}

fn table(rows: &[Difference<'_>]) -> Result<DataFrame, EvalError> {
    // As in the comparison over seeds: the sources of a metric are one family, an aggregate is one by itself.
    let mut families: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let aggregate = if row.row.kind == "source" { "" } else { row.row.source.as_str() };
        families.entry((row.metric, aggregate)).or_default().push(at);
    }
    let mut corrected = vec![(None, 0_usize); rows.len()];
    for members in families.into_values() {
        let p: Vec<Option<f64>> = members.iter().map(|&at| rows[at].p).collect();
        let n = p.iter().flatten().count();
        for (&at, p_holm) in members.iter().zip(holm(&p)) {
            corrected[at] = (p_holm, n);
        }
    }
    let with_family: Vec<(&Difference<'_>, (Option<f64>, usize))> = rows.iter().zip(corrected).collect();
    frame(
        "differences over subjects",
        vec![
            column("kind", rows, |d| d.row.kind.as_str()),
            column("source", rows, |d| d.row.source.as_str()),
            column("seen", rows, |d| d.row.seen),
            column("metric", rows, |d| METRICS[d.metric]),
            column("n_subjects", rows, |d| d.n_subjects as u32),
            column("mean_baseline", rows, |d| d.baseline),
            column("mean_candidate", rows, |d| d.candidate),
            column("difference", rows, |d| d.value),
            column("se", rows, |d| d.se),
            column("df", rows, |d| d.df),
            column("ci_low", rows, |d| d.ci.map(|ci| ci.0)),
            column("ci_high", rows, |d| d.ci.map(|ci| ci.1)),
            column("p", rows, |d| d.p),
            column("p_holm", &with_family, |(_, family)| family.0),
            column("n_family", &with_family, |(_, family)| family.1 as u32),
            column("n_replicates", rows, |d| d.n_replicates as u32),
            column("reason", rows, |d| d.reason.as_deref()),
        ],
    )
}

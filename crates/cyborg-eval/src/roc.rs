//! Receiver operating characteristics, of one run and averaged over seeds.

use crate::band::{BandPoint, band};
use crate::error::EvalError;
use crate::pairing::{EvalPlan, Sources};
use crate::ranking::{Ranked, Ranking, Undefined};
use polars::prelude::DataFrame;

/// A receiver operating characteristic: point `i` calls positive what scores at least `thresholds[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Roc {
    /// False positive rate, rising from 0 to 1. (BPCER, when positive means attack.)
    pub fpr: Vec<f64>,
    /// True positive rate, rising from 0 to 1. (1 - APCER, when positive means attack.)
    pub tpr: Vec<f64>,
    /// Falling from infinity (nothing is positive) to the lowest score.
    pub thresholds: Vec<f64>,
}

/// The ROC with the points of scikit-learn's `roc_curve`: those on a straight line between their neighbours, a step
/// of equal size before and behind, are left out (`drop_intermediate`), which changes no line drawn through them.
///
/// # Errors
/// [`Undefined`] where there is no ROC: one class only, all scores equal, a score that is not finite, lists of different
/// lengths.
///
/// # Examples
/// ```
/// let roc = cyborg_eval::roc_points(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
/// assert_eq!(roc.fpr, [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(roc.tpr, [0.0, 0.5, 0.5, 1.0, 1.0]);
/// assert_eq!(roc.thresholds, [f64::INFINITY, 0.8, 0.4, 0.35, 0.1]);
/// # Ok::<(), cyborg_eval::Undefined>(())
/// ```
pub fn roc_points(labels: &[bool], scores: &[f64]) -> Result<Roc, Undefined> {
    Ok(roc_of(Ranking::new(labels, scores)?.ranked()))
}

fn roc_of(ranked: Ranked<'_>) -> Roc {
    let (n_positives, n_negatives) = (ranked.n_positives() as f64, ranked.n_negatives() as f64);
    let mut roc = Roc { fpr: vec![0.0], tpr: vec![0.0], thresholds: vec![f64::INFINITY] };
    let (mut true_positives, mut false_positives) = (0, 0);
    let mut steps = ranked.steps().peekable();
    let mut is_first = true;
    while let Some(step) = steps.next() {
        true_positives += step.n_positives;
        false_positives += step.n_negatives;
        let same_as_next = steps
            .peek()
            .is_some_and(|next| next.n_positives == step.n_positives && next.n_negatives == step.n_negatives);
        if is_first || !same_as_next {
            roc.fpr.push(false_positives as f64 / n_negatives);
            roc.tpr.push(true_positives as f64 / n_positives);
            roc.thresholds.push(step.score);
        }
        is_first = false;
    }
    roc
}

/// The ROC of one positive source against its negatives.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRoc {
    /// The positive source.
    pub source: String,
    /// Did training or validation see it?
    pub seen: bool,
    /// The curve, or why there is none.
    pub roc: Result<Roc, Undefined>,
}

/// The ROC of every positive source, with the same sources, order and negatives as [`crate::run_metrics`].
///
/// # Errors
/// Only if `scores` lacks a column or holds nulls.
pub fn run_rocs(scores: &DataFrame, plan: &EvalPlan) -> Result<Vec<SourceRoc>, EvalError> {
    let mut rocs = Vec::new();
    Sources::new(scores, plan)?.for_each_pair(plan, |pair| {
        rocs.push(SourceRoc {
            source: pair.source.to_owned(),
            seen: pair.seen,
            roc: pair.ranked().map(roc_of),
        });
    });
    Ok(rocs)
}

/// `n` false positive rates from 0 to 1 at equal distances; at least the two ends.
pub fn fpr_grid(n: usize) -> Vec<f64> {
    let last = n.max(2) - 1;
    (0..=last).map(|i| i as f64 / last as f64).collect()
}

/// The true positive rates at given false positive rates: straight lines between the points of the ROC and, where it
/// rises vertically, its upper end. (`numpy.interp(grid, fpr, tpr)`.) So at rate 0 it gives the share of positives
/// that score above every negative, not 0.
pub fn roc_on_grid(roc: &Roc, grid: &[f64]) -> Vec<f64> {
    let at = |x: f64| {
        let behind = roc.fpr.partition_point(|fpr| *fpr <= x);
        match (behind.checked_sub(1), roc.fpr.get(behind)) {
            (None, _) => roc.tpr.first().copied().unwrap_or(0.0),
            (Some(before), None) => roc.tpr[before],
            (Some(before), Some(&next_fpr)) => {
                let (fpr, tpr) = (roc.fpr[before], roc.tpr[before]);
                tpr + (roc.tpr[behind] - tpr) / (next_fpr - fpr) * (x - fpr)
            }
        }
    };
    grid.iter().map(|&x| at(x)).collect()
}

/// Averages ROCs over runs at fixed false positive rates (vertical averaging, Fawcett 2006, section 7).
pub fn average_roc(rocs: &[Roc], grid: &[f64]) -> Vec<BandPoint> {
    let on_grid = |roc| grid.iter().copied().zip(roc_on_grid(roc, grid)).collect();
    band(&rocs.iter().map(on_grid).collect::<Vec<Vec<(f64, f64)>>>())
}

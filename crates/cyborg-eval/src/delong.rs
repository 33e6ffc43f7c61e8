//! DeLong's variance of the AUC, by midranks.
//!
//! DeLong, DeLong and Clarke-Pearson 1988; Sun and Xu 2014 for computing it in n log n: the share of the other class
//! below an image (its placement) follows from ranks, and the variance of the AUC from the variances of the placements.

use crate::band::spread;
use crate::normal;
use crate::ranking::{Ranked, Ranking, Undefined};
use crate::rows::AucError;

/// An AUC with DeLong's standard error and interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delong {
    /// Area under the ROC.
    pub auc: f64,
    /// Standard error.
    pub se: f64,
    /// Interval, cut off at 0 and 1; `None` where the standard error is 0 (every pair in order, or every one the wrong
    /// way): that is no certainty.
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
/// [`Undefined`] unless both classes are there, at least two images of each, scores differ and all are finite.
///
/// # Examples
/// ```
/// let labels = [true, true, true, false, false, false];
/// let found = cyborg_eval::delong(&labels, &[0.9, 0.8, 0.3, 0.5, 0.2, 0.1], 0.95)?;
/// assert_eq!(found.auc, 8.0 / 9.0);
/// // Placements 1, 1, 2/3 and 2/3, 1, 1: variance 1/27 each, 2 * (1/27) / 3 together.
/// assert!((found.se - (2.0_f64 / 81.0).sqrt()).abs() < 1e-15);
/// # Ok::<(), cyborg_eval::Undefined>(())
/// ```
pub fn delong(labels: &[bool], scores: &[f64], level: f64) -> Result<Delong, Undefined> {
    let ranking = Ranking::new(labels, scores)?;
    let ranked = ranking.ranked();
    let auc = ranked.auc();
    let se = ranked.auc_variance(auc)?.sqrt();
    Ok(Delong { auc, se, ci: interval(auc, se, level).map(|(low, high)| (low.max(0.0), high.min(1.0))) })
}

/// Two lists of scores of the same images.
///
/// # Errors
/// As [`delong`], for either list.
pub fn delong_paired(
    labels: &[bool],
    baseline: &[f64],
    candidate: &[f64],
    level: f64,
) -> Result<DelongPair, Undefined> {
    let of = |scores: &[f64]| -> Result<(f64, Placements), Undefined> {
        Ok((Ranking::new(labels, scores)?.auc(), Placements::new(labels, scores)))
    };
    let ((auc_baseline, b), (auc_candidate, c)) = (of(baseline)?, of(candidate)?);
    let difference = auc_candidate - auc_baseline;
    let variance = |b: &[f64], c: &[f64], class| {
        let differences: Vec<f64> = c.iter().zip(b).map(|(c, b)| c - b).collect();
        let sd = spread(&differences).and_then(|s| s.sd).ok_or(Undefined::OneImage { class })?;
        Ok(sd * sd / differences.len() as f64)
    };
    let variance =
        variance(&b.positives, &c.positives, "positive")? + variance(&b.negatives, &c.negatives, "negative")?;
    // Placements differ by whole pairs or not at all; what is left below is rounding.
    let se = if variance <= 1e-28 { 0.0 } else { variance.sqrt() };
    let z = (se > 0.0).then(|| difference / se);
    Ok(DelongPair {
        auc_baseline,
        auc_candidate,
        difference,
        se,
        ci: interval(difference, se, level),
        z,
        p: z.map(normal::two_sided),
    })
}

/// Normal interval; `None` where there is no standard error, or the level is not in (0, 1).
fn interval(value: f64, se: f64, level: f64) -> Option<(f64, f64)> {
    if se > 0.0 && level > 0.0 && level < 1.0 {
        let half_width = normal::quantile(f64::midpoint(1.0, level)) * se;
        Some((value - half_width, value + half_width))
    } else {
        None
    }
}

/// For each image, in the order given, the share of the other class on its right side: for a positive the share of
/// negatives below, for a negative the share of positives above; ties count one half.
struct Placements {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Placements {
    fn new(labels: &[bool], scores: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let n_positives = labels.iter().filter(|label| **label).count() as f64;
        let n_negatives = labels.len() as f64 - n_positives;
        let mut placements = vec![0.0; scores.len()];
        let (mut positives_below, mut negatives_below) = (0.0, 0.0);
        for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
            let positives = tied.iter().filter(|&&i| labels[i]).count() as f64;
            let negatives = tied.len() as f64 - positives;
            for &i in tied {
                placements[i] = if labels[i] {
                    (negatives_below + 0.5 * negatives) / n_negatives
                } else {
                    (n_positives - positives_below - 0.5 * positives) / n_positives
                };
            }
            positives_below += positives;
            negatives_below += negatives;
        }
        let of = |class: bool| {
            labels.iter().zip(&placements).filter(|(label, _)| **label == class).map(|(_, p)| *p).collect()
        };
        Self { positives: of(true), negatives: of(false) }
    }
}

impl Ranked<'_> {
    /// DeLong's variance of this AUC.
    fn auc_variance(&self, auc: f64) -> Result<f64, Undefined> {
        let (p, n) = (self.n_positives(), self.n_negatives());
        for (count, class) in [(p, "positive"), (n, "negative")] {
            if count < 2 {
                return Err(Undefined::OneImage { class });
            }
        }
        let (p, n) = (p as f64, n as f64);
        let (mut of_positives, mut of_negatives) = (0.0, 0.0);
        let (mut positives_above, mut negatives_above) = (0.0, 0.0);
        for step in self.steps() {
            let (positives, negatives) = (step.n_positives as f64, step.n_negatives as f64);
            let below = (n - negatives_above - 0.5 * negatives) / n;
            let above = (positives_above + 0.5 * positives) / p;
            of_positives += positives * (below - auc).powi(2);
            of_negatives += negatives * (above - auc).powi(2);
            positives_above += positives;
            negatives_above += negatives;
        }
        Ok(of_positives / (p - 1.0) / p + of_negatives / (n - 1.0) / n)
    }
}

/// Why DeLong's method is not used.
pub(crate) const DEPENDENT: &str = "several images are of one subject, and DeLong's method takes images for independent; draw subjects instead";

/// DeLong's standard error and 95 % interval of the AUC, or why there is none.
pub(crate) fn auc_error(ranked: Ranked<'_>, auc: f64, subjects_repeat: bool) -> (AucError, Option<String>) {
    if subjects_repeat {
        return (AucError::default(), Some(DEPENDENT.to_owned()));
    }
    let variance = match ranked.auc_variance(auc) {
        Ok(variance) => variance,
        Err(reason) => return (AucError::default(), Some(reason.to_string())),
    };
    let se = variance.sqrt();
    let ci = interval(auc, se, 0.95).map(|(low, high)| (low.max(0.0), high.min(1.0)));
    let reason =
        ci.is_none().then(|| "every pair is in the same order, DeLong's standard error is 0".to_owned());
    (AucError { se: Some(se), ci }, reason)
}

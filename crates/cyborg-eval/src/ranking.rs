//! AUC, average precision and equal error rate of one list of positive and one of negative scores.

use crate::delong::DEPENDENT;
use crate::sort::sort_falling;

/// Why a metric has no value. Never a number in its stead: an AUC of 0.5 for "there was nothing to rank" would be
/// taken for a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// There is nothing at all.
    #[error("there is no image")]
    NoImages,
    /// Only negatives.
    #[error("there is no positive image")]
    NoPositives,
    /// Only positives.
    #[error("there is no negative image")]
    NoNegatives,
    /// NaN or infinite scores: the network said nothing of these images.
    #[error("{n} of {of} scores {} not a finite number", if *n == 1 { "is" } else { "are" })]
    NotFinite {
        /// How many.
        n: usize,
        /// Of how many.
        of: usize,
    },
    /// All images have the same score: the network said the same of each. An AUC of 0.5 would look like a result.
    #[error("all {n} scores are {score}")]
    AllEqual {
        /// How many.
        n: usize,
        /// The score, as text.
        score: String,
    },
    /// A variance needs two images of each class.
    #[error("there is one {class} image, and a variance needs two of each class")]
    OneImage {
        /// `positive` or `negative`.
        class: &'static str,
    },
    /// DeLong's method takes images for independent.
    #[error("{DEPENDENT}")]
    SharedSubjects,
    /// As many labels as scores are needed.
    #[error("there are {labels} labels and {scores} scores")]
    LengthMismatch {
        /// Labels given.
        labels: usize,
        /// Scores given.
        scores: usize,
    },
    /// The negatives that a source is to be tested against are not there.
    #[error("the negative source `{negative}` that it is paired with has no negative image among the scores")]
    NoPairedNegatives {
        /// The negative source.
        negative: String,
    },
}

/// Positive and negative scores in falling order: all that AUC, average precision, equal error rate and the ROC
/// depend on. Both lists hold at least one score, finite ones only, and not all are equal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranked<'a> {
    positives: &'a [f64],
    negatives: &'a [f64],
}

/// Images that share a score, so that no threshold can part them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) score: f64,
    pub(crate) n_positives: u64,
    pub(crate) n_negatives: u64,
}

impl<'a> Ranked<'a> {
    /// Both lists must be in falling order and finite.
    pub(crate) fn new(positives: &'a [f64], negatives: &'a [f64]) -> Result<Self, Undefined> {
        match (positives.is_empty(), negatives.is_empty()) {
            (true, true) => Err(Undefined::NoImages),
            (true, false) => Err(Undefined::NoPositives),
            (false, true) => Err(Undefined::NoNegatives),
            (false, false) => {
                let (first, last) = (positives[0].max(negatives[0]), positives[positives.len() - 1]);
                if first == last.min(negatives[negatives.len() - 1]) {
                    let n = positives.len() + negatives.len();
                    return Err(Undefined::AllEqual { n, score: first.to_string() });
                }
                Ok(Self { positives, negatives })
            }
        }
    }

    pub(crate) fn n_positives(&self) -> u64 {
        self.positives.len() as u64
    }

    pub(crate) fn n_negatives(&self) -> u64 {
        self.negatives.len() as u64
    }

    /// The distinct scores from high to low.
    pub(crate) fn steps(&self) -> Steps<'a> {
        Steps { positives: self.positives, negatives: self.negatives }
    }

    pub(crate) fn auc(&self) -> f64 {
        // Twice the number of pairs in the right order, a tie counting one: whole numbers, so exact.
        let (mut twice, mut negatives_left) = (0_u128, self.n_negatives());
        for step in self.steps() {
            negatives_left -= step.n_negatives;
            twice += u128::from(step.n_positives) * u128::from(2 * negatives_left + step.n_negatives);
        }
        twice as f64 / (2 * u128::from(self.n_positives()) * u128::from(self.n_negatives())) as f64
    }

    pub(crate) fn average_precision(&self) -> f64 {
        let (mut true_positives, mut above, mut sum) = (0_u64, 0_u64, 0.0);
        for step in self.steps() {
            true_positives += step.n_positives;
            above += step.n_positives + step.n_negatives;
            sum += step.n_positives as f64 * (true_positives as f64 / above as f64);
        }
        sum / self.n_positives() as f64
    }

    pub(crate) fn eer(&self) -> f64 {
        // Along the ROC, d = FPR - FNR rises from -1 to 1, strictly at every step. In units of 1 / (P N) it is
        // FP * P - (P - TP) * N: a whole number. It is 0 between the last point with d < 0 and the next.
        let (p, n) = (i128::from(self.n_positives()), i128::from(self.n_negatives()));
        let (mut tp, mut fp, mut d) = (0_i128, 0_i128, -p * n);
        for step in self.steps() {
            let (step_fp, before) = (i128::from(step.n_negatives), d);
            tp += i128::from(step.n_positives);
            d = (fp + step_fp) * p - (p - tp) * n;
            if d >= 0 {
                let rise = d - before;
                return (fp * rise - before * step_fp) as f64 / (n * rise) as f64;
            }
            fp += step_fp;
        }
        1.0 // not reached: the last step ends in d = P N > 0
    }
}

pub(crate) struct Steps<'a> {
    positives: &'a [f64],
    negatives: &'a [f64],
}

impl Iterator for Steps<'_> {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        let score = match (self.positives.first(), self.negatives.first()) {
            (Some(&p), Some(&n)) => p.max(n),
            (Some(&p), None) => p,
            (None, Some(&n)) => n,
            (None, None) => return None,
        };
        let mut step = Step { score, n_positives: 0, n_negatives: 0 };
        while let [first, rest @ ..] = self.positives
            && *first == score
        {
            step.n_positives += 1;
            self.positives = rest;
        }
        while let [first, rest @ ..] = self.negatives
            && *first == score
        {
            step.n_negatives += 1;
            self.negatives = rest;
        }
        Some(step)
    }
}

/// Scores of positive and negative images, sorted once, for any number of metrics.
///
/// # Examples
/// ```
/// let labels = [false, true, false, true];
/// let ranking = cyborg_eval::Ranking::new(&labels, &[0.1, 0.4, 0.4, 0.9])?;
/// assert_eq!(ranking.auc(), 0.875); // 3 of 4 pairs in order, one tied
/// # Ok::<(), cyborg_eval::Undefined>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Ranking {
    /// Sorts the scores; `labels` says which images are positive. The order of the images does not matter.
    ///
    /// # Errors
    /// [`Undefined`] unless there is at least one image of each class, a score for each, all are finite, and at least two
    /// differ.
    pub fn new(labels: &[bool], scores: &[f64]) -> Result<Self, Undefined> {
        if labels.len() != scores.len() {
            return Err(Undefined::LengthMismatch { labels: labels.len(), scores: scores.len() });
        }
        let n = scores.iter().filter(|score| !score.is_finite()).count();
        if n > 0 {
            return Err(Undefined::NotFinite { n, of: scores.len() });
        }
        let pick = |class: bool| {
            let of_class = labels.iter().zip(scores).filter(|(label, _)| **label == class);
            let mut picked: Vec<f64> = of_class.map(|(_, score)| *score).collect();
            sort_falling(&mut picked);
            picked
        };
        let ranking = Self { positives: pick(true), negatives: pick(false) };
        Ranked::new(&ranking.positives, &ranking.negatives)?;
        Ok(ranking)
    }

    pub(crate) fn ranked(&self) -> Ranked<'_> {
        Ranked { positives: &self.positives, negatives: &self.negatives }
    }

    /// Area under the ROC: share of (positive, negative) pairs in which the positive scores higher, a tie counting
    /// one half. Counted in whole numbers and divided once.
    pub fn auc(&self) -> f64 {
        self.ranked().auc()
    }

    /// Sum over thresholds, from high to low, of (step in recall) x precision; equal scores are one threshold. Not
    /// interpolated: scikit-learn's `average_precision_score`.
    pub fn average_precision(&self) -> f64 {
        self.ranked().average_precision()
    }

    /// Equal error rate: where false positive rate = false negative rate on the ROC, whose neighbouring points are
    /// joined by straight lines. There is exactly one such point; it is computed in whole numbers and divided once.
    pub fn eer(&self) -> f64 {
        self.ranked().eer()
    }
}

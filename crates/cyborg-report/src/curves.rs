//! What is drawn of the scores of one run and source: rates over thresholds, and histograms.
use crate::svg::probit;
use cyborg_eval::{EvalPlan, Roc, roc_on_grid};

/// Points of a drawn ROC with linear axes.
const LINEAR_POINTS: usize = 101;
/// Points of a drawn ROC with a logarithmic axis: ten a power of ten.
const LOG_POINTS: i32 = 40;
/// Points of a drawn DET.
const DET_POINTS: usize = 51;
/// Rates between which a DET is drawn: alike at both ends, so that chance is the diagonal.
pub(crate) const DET_LIMITS: (f64, f64) = (0.001, 0.999);
/// Least false positive rate of the logarithmic axis.
pub(crate) const LOG_FROM: f64 = 1e-4;
/// Fewer negatives carry no curve on a logarithmic axis: it would not reach a false positive rate of 1 %.
const FEWEST_NEGATIVES: u32 = 100;
/// Columns of a histogram.
const BINS: usize = 25;

/// Points (x, y) of one run.
pub(crate) type Curve = Vec<(f64, f64)>;

/// One run's rates on one source, at false positive rates that all runs share.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    /// False positive rate, true positive rate.
    pub(crate) linear: Curve,
    /// The same at false positive rates down to [`LOG_FROM`].
    pub(crate) log: Curve,
    /// BPCER, APCER.
    pub(crate) det: Curve,
}

impl Rates {
    /// `n_negatives` images carry the false positive rates: below one of them nothing is drawn on a logarithmic axis.
    pub(crate) fn new(roc: &Roc, n_negatives: u32) -> Self {
        let at = |rates: Vec<f64>| -> Curve {
            let found = roc_on_grid(roc, &rates);
            rates.into_iter().zip(found).collect()
        };
        let least = 1.0 / f64::from(n_negatives.max(1));
        let log = (0..=LOG_POINTS)
            .map(|i| LOG_FROM.powf(1.0 - f64::from(i) / f64::from(LOG_POINTS)))
            .filter(|rate| n_negatives >= FEWEST_NEGATIVES && *rate >= least)
            .collect();
        Self {
            linear: at(cyborg_eval::fpr_grid(LINEAR_POINTS)),
            log: at(log),
            det: at(det_grid()).into_iter().map(|(x, y)| (x, 1.0 - y)).collect(),
        }
    }
}

/// Rates that lie evenly on a probit axis.
fn det_grid() -> Vec<f64> {
    let (low, high) = (probit(DET_LIMITS.0), probit(DET_LIMITS.1));
    let last = DET_POINTS - 1;
    (0..=last)
        .map(|i| match i {
            0 => DET_LIMITS.0,
            i if i == last => DET_LIMITS.1,
            i => normal_share(low + (high - low) * i as f64 / last as f64),
        })
        .collect()
}

/// The share of a standard normal distribution below `z`: the inverse of [`probit`], by halving.
fn normal_share(z: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if probit(middle) < z {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Shares of images by score: of one source's positives, and of the negatives that it is tested against.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram {
    pub(crate) source: String,
    low: f64,
    high: f64,
    positive: [u64; BINS],
    negative: [u64; BINS],
}

impl Histogram {
    /// Histograms between the limits `range`, one for each of `sources`, which are positive ones.
    pub(crate) fn of_run(
        sources: &[String],
        plan: &EvalPlan,
        range: (f64, f64),
        rows: impl Iterator<Item = (usize, u32, f64)> + Clone,
        names: &[String],
    ) -> Vec<Self> {
        let histogram = |source: &String| {
            let against = plan.pairs.get(source);
            let mut histogram = Self {
                source: source.clone(),
                low: range.0,
                high: range.1,
                positive: [0; BINS],
                negative: [0; BINS],
            };
            // Which of the names are this source's own, and which stand against it.
            let own: Vec<bool> = names.iter().map(|name| name == source).collect();
            let other: Vec<bool> =
                names.iter().map(|name| against.is_none_or(|list| list.contains(name))).collect();
            for (name, label, score) in rows.clone() {
                let Some(bin) = histogram.bin(score) else { continue };
                if label == plan.positive {
                    histogram.positive[bin] += u64::from(own[name]);
                } else {
                    histogram.negative[bin] += u64::from(other[name]);
                }
            }
            histogram
        };
        sources.iter().map(histogram).collect()
    }

    fn bin(&self, score: f64) -> Option<usize> {
        if !score.is_finite() || self.high <= self.low {
            return None;
        }
        let at = (score - self.low) / (self.high - self.low) * BINS as f64;
        Some((at.max(0.0) as usize).min(BINS - 1))
    }

    /// Adds another seed.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.positive.iter_mut().zip(&other.positive) {
            *mine += theirs;
        }
        for (mine, theirs) in self.negative.iter_mut().zip(&other.negative) {
            *mine += theirs;
        }
    }

    /// The outline of (negatives, positives) as shares of each, in steps.
    pub(crate) fn outlines(&self) -> (Curve, Curve) {
        let outline = |counts: &[u64; BINS]| -> Curve {
            let total = counts.iter().sum::<u64>().max(1) as f64;
            let edge = |bin: usize| self.low + (self.high - self.low) * bin as f64 / BINS as f64;
            let steps = counts.iter().enumerate().flat_map(|(bin, &count)| {
                let share = count as f64 / total;
                [(edge(bin), share), (edge(bin + 1), share)]
            });
            steps.collect()
        };
        (outline(&self.negative), outline(&self.positive))
    }

    /// Least and largest score drawn.
    pub(crate) fn limits(&self) -> (f64, f64) {
        (self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn rates_are_taken_where_their_axis_is_even() {
        let roc =
            Roc { fpr: vec![0.0, 0.0, 0.5, 1.0], tpr: vec![0.0, 0.5, 1.0, 1.0], thresholds: vec![0.0; 4] };
        let rates = Rates::new(&roc, 10_000);
        assert!(Rates::new(&roc, 99).log.is_empty(), "99 negatives say nothing of 1 %");
        // One of 200 negatives is 0.005, and 10^-2.3 = 0.00501 the first of ten rates a power of ten above it.
        assert!(Rates::new(&roc, 200).log.first().is_some_and(|(x, _)| (x - 0.00501).abs() < 1e-4));
        // Half of the positives score above every negative; then a straight line up to (0.5, 1).
        assert_eq!(rates.linear[0], (0.0, 0.5));
        assert_eq!(rates.linear[25], (0.25, 0.75));
        assert!((rates.log[0].0 - LOG_FROM).abs() < 1e-12 && (rates.log[40].0 - 1.0).abs() < 1e-12);
        let middle = rates.det.iter().find(|(x, _)| (x - 0.25).abs() < 0.03).expect("a point near 0.25");
        assert!((middle.1 - (0.5 - middle.0)).abs() < 1e-9, "APCER = 1 - TPR: {middle:?}");
        assert!(rates.det.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_histogram_counts_its_own_positives_and_the_negatives_it_is_tested_against() {
        let names = ["ProGAN", "FFHQ", "CelebA-HQ", "StyleGAN"].map(str::to_owned);
        let plan = EvalPlan {
            positive: 1,
            pairs: BTreeMap::from([("ProGAN".to_owned(), vec!["CelebA-HQ".to_owned()])]),
            seen: BTreeSet::new(),
        };
        let rows = [(0, 1, 0.99), (0, 1, 1.0), (1, 0, 0.5), (2, 0, 0.01), (3, 1, 0.3), (2, 0, f64::NAN)];
        let sources = ["ProGAN".to_owned(), "StyleGAN".to_owned()];
        let histograms = Histogram::of_run(&sources, &plan, (0.0, 1.0), rows.iter().copied(), &names);
        assert_eq!((histograms[0].positive[24], histograms[0].negative[0]), (2, 1));
        assert_eq!(histograms[0].negative.iter().sum::<u64>(), 1, "FFHQ is not its negative");
        // StyleGAN has no pair: every negative stands against it. 0.3 * 25 = 7.5.
        assert_eq!((histograms[1].positive[7], histograms[1].negative[12]), (1, 1));
        let (negatives, positives) = histograms[0].outlines();
        assert_eq!((negatives[0], positives[49]), ((0.0, 1.0), (1.0, 1.0)));
    }
}

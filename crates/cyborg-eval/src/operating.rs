//! Error rates at thresholds, and what the ROC says below a largest false positive rate.

use crate::ranking::Ranked;

/// Called wrongly at a threshold: what scores at least that much is called positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errors {
    pub(crate) n_positives: u64,
    pub(crate) n_negatives: u64,
    /// Positives below the threshold.
    pub(crate) missed: u64,
    /// Negatives at or above it.
    pub(crate) false_alarms: u64,
}

impl Errors {
    /// Share of attacks called bona fide.
    pub(crate) fn apcer(self) -> f64 {
        self.missed as f64 / self.n_positives as f64
    }

    /// Share of bona fide images called attacks.
    pub(crate) fn bpcer(self) -> f64 {
        self.false_alarms as f64 / self.n_negatives as f64
    }

    /// Half the sum of both.
    pub(crate) fn acer(self) -> f64 {
        f64::midpoint(self.apcer(), self.bpcer())
    }

    /// Share of images called what they are.
    pub(crate) fn accuracy(self) -> f64 {
        let n = self.n_positives + self.n_negatives;
        (n - self.missed - self.false_alarms) as f64 / n as f64
    }

    /// Mean of the shares called rightly of either class.
    pub(crate) fn balanced_accuracy(self) -> f64 {
        let detected = (self.n_positives - self.missed) as f64 / self.n_positives as f64;
        let passed = (self.n_negatives - self.false_alarms) as f64 / self.n_negatives as f64;
        f64::midpoint(detected, passed)
    }
}

impl Ranked<'_> {
    /// The largest true positive rates of thresholds whose false positive rates are at most these shares, in
    /// thousandths, which must rise. `None` where there are so few negatives that one alone is more than that share:
    /// nothing can be said there.
    pub(crate) fn detection_at<const N: usize>(&self, per_mille: [u64; N]) -> [Option<f64>; N] {
        let mut found = per_mille.map(|share| (share * self.n_negatives() >= 1000).then_some(0.0));
        let (mut tp, mut fp) = (0_u64, 0_u64);
        for step in self.steps() {
            tp += step.n_positives;
            fp += step.n_negatives;
            let allows =
                |share: u64| u128::from(fp) * 1000 <= u128::from(share) * u128::from(self.n_negatives());
            if !per_mille.last().is_some_and(|last| allows(*last)) {
                break;
            }
            for (rate, share) in found.iter_mut().zip(per_mille) {
                if allows(share) && rate.is_some() {
                    *rate = Some(tp as f64 / self.n_positives() as f64);
                }
            }
        }
        found
    }

    /// Area under the ROC from false positive rate 0 to `max_fpr`, straight lines between its points, brought to 0.5
    /// for chance and 1 for perfect (McClish 1989, as scikit-learn does for `max_fpr`).
    pub(crate) fn partial_auc(&self, max_fpr: f64) -> f64 {
        if max_fpr >= 1.0 {
            return self.auc();
        }
        let (p, n) = (self.n_positives() as f64, self.n_negatives() as f64);
        let end = max_fpr * n;
        // In units of one negative wide and one positive high.
        let (mut tp, mut fp, mut area) = (0.0, 0.0, 0.0);
        for step in self.steps() {
            let (next_tp, next_fp) = (tp + step.n_positives as f64, fp + step.n_negatives as f64);
            if next_fp > end {
                let share = (end - fp) / (next_fp - fp);
                area += (end - fp) * (tp + 0.5 * share * step.n_positives as f64);
                break;
            }
            area += step.n_negatives as f64 * f64::midpoint(tp, next_tp);
            (tp, fp) = (next_tp, next_fp);
        }
        let area = area / (p * n);
        let (least, most) = (0.5 * max_fpr * max_fpr, max_fpr);
        0.5 * (1.0 + (area - least) / (most - least))
    }
}

/// d': distance of the mean scores in units of the root mean square of the standard deviations (n - 1). Positive
/// where positives score higher.
pub(crate) fn d_prime(positives: &[f64], negatives: &[f64]) -> Result<f64, String> {
    if positives.len() < 2 || negatives.len() < 2 {
        return Err("a standard deviation needs two images of each class".to_owned());
    }
    let of = |scores: &[f64]| {
        let n = scores.len() as f64;
        // Against the first score, so that equal scores have a variance of exactly 0.
        let mean = scores[0] + scores.iter().map(|score| score - scores[0]).sum::<f64>() / n;
        (mean, scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (n - 1.0))
    };
    let ((mean_p, var_p), (mean_n, var_n)) = (of(positives), of(negatives));
    let spread = f64::midpoint(var_p, var_n).sqrt();
    if spread > 0.0 {
        Ok((mean_p - mean_n) / spread)
    } else {
        Err("the scores of either class are all equal".to_owned())
    }
}

//! The metrics of one list of positives against one of negatives.

use crate::calibration::{NOT_PROBABILITIES, bins, brier, expected_error};
use crate::operating::{Errors, d_prime};
use crate::options::MetricOptions;
use crate::pot::{LabelCount, Pot};
use crate::ranking::{Ranked, Undefined};
use crate::values::Gathered;
use std::collections::BTreeMap;

/// What the metrics of a set depend on beside the images of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale<'a> {
    pub(crate) options: &'a MetricOptions,
    pub(crate) many_classes: bool,
    pub(crate) probabilities: bool,
}

/// Names of the detection rates with their false positive rates in thousandths.
const DETECTION: [(&str, u64); 4] = [
    ("tdr_at_fdr_0_1_percent", 1),
    ("tdr_at_fdr_0_2_percent", 2),
    ("tdr_at_fdr_1_percent", 10),
    ("tdr_at_fdr_5_percent", 50),
];
const AT_THRESHOLD: [&str; 5] = ["apcer", "bpcer", "acer", "apcer_worst", "acer_worst"];
const AT_VALIDATION: [&str; 3] = ["apcer_at_validation", "bpcer_at_validation", "acer_at_validation"];

impl Scale<'_> {
    /// The fixed threshold, or why there is none.
    pub(crate) fn threshold(&self) -> Result<f64, &'static str> {
        match self.options.threshold {
            Some(threshold) => Ok(threshold),
            None if self.probabilities => Ok(0.5),
            None => Err("the scores are not all between 0 and 1, and no threshold was given"),
        }
    }

    /// Every metric of one row.
    pub(crate) fn values(&self, ranked: Ranked<'_>, positives: &Pot, negatives: &Pot) -> Gathered {
        let mut found = Gathered::default();
        found.set("auc", ranked.auc());
        found.set("average_precision", ranked.average_precision());
        found.set("eer", ranked.eer());
        found.set_or("d_prime", d_prime(&positives.scores, &negatives.scores));

        let max_fpr = self.options.max_fpr;
        if max_fpr > 0.0 && max_fpr <= 1.0 {
            found.set("partial_auc", ranked.partial_auc(max_fpr));
        } else {
            found
                .lacks("partial_auc", format!("a largest false positive rate of {max_fpr} is not in (0, 1]"));
        }

        let rates = ranked.detection_at(DETECTION.map(|(_, per_mille)| per_mille));
        for ((metric, per_mille), rate) in DETECTION.into_iter().zip(rates) {
            let too_few = || {
                let percent = per_mille as f64 / 10.0;
                format!("one of {} negative images is more than {percent} %", ranked.n_negatives())
            };
            found.set_or(metric, rate.ok_or_else(too_few));
            if metric == "tdr_at_fdr_1_percent" {
                found.set_or("apcer_at_bpcer_1_percent", rate.map(|rate| 1.0 - rate).ok_or_else(too_few));
            }
        }

        let errors = |threshold: f64| Errors {
            n_positives: ranked.n_positives(),
            n_negatives: ranked.n_negatives(),
            missed: ranked.n_positives() - positives.n_at_least(threshold),
            false_alarms: negatives.n_at_least(threshold),
        };
        match self.threshold() {
            Ok(threshold) => {
                let errors = errors(threshold);
                found.set("apcer", errors.apcer());
                found.set("bpcer", errors.bpcer());
                found.set("acer", errors.acer());
                found.set("apcer_worst", errors.apcer());
                found.set("acer_worst", errors.acer());
                if !self.many_classes {
                    found.set("accuracy", errors.accuracy());
                    found.set("balanced_accuracy", errors.balanced_accuracy());
                }
            }
            Err(reason) => {
                let two_classes = ["accuracy", "balanced_accuracy"];
                let also = two_classes.into_iter().filter(|_| !self.many_classes);
                also.chain(AT_THRESHOLD).for_each(|metric| found.lacks(metric, reason));
            }
        }
        if self.many_classes {
            let (accuracy, balanced) = of_labels(positives, negatives);
            found.set("accuracy", accuracy);
            found.set("balanced_accuracy", balanced);
        }
        match self.options.validation_threshold {
            Some(threshold) => {
                let errors = errors(threshold);
                for (metric, value) in
                    AT_VALIDATION.into_iter().zip([errors.apcer(), errors.bpcer(), errors.acer()])
                {
                    found.set(metric, value);
                }
                if self.many_classes {
                    found.lacks(
                        "accuracy_at_validation",
                        "more than two classes are not told apart by one threshold",
                    );
                } else {
                    found.set("accuracy_at_validation", errors.accuracy());
                }
            }
            None => ["accuracy_at_validation"]
                .into_iter()
                .chain(AT_VALIDATION)
                .for_each(|metric| found.lacks(metric, "no threshold was chosen on validation images")),
        }
        if self.probabilities {
            found.set("ece", expected_error(&bins(positives, negatives, self.options.calibration_bins)));
            found.set("brier", brier(positives, negatives));
        } else {
            for metric in ["ece", "brier"] {
                found.lacks(metric, NOT_PROBABILITIES);
            }
        }
        found
    }
}

/// Accuracy by the largest logit, and its mean over the classes.
fn of_labels(positives: &Pot, negatives: &Pot) -> (f64, f64) {
    let mut counts: BTreeMap<u32, LabelCount> = positives.by_label.clone();
    for (&label, count) in &negatives.by_label {
        let sum = counts.entry(label).or_default();
        sum.n += count.n;
        sum.n_correct += count.n_correct;
    }
    let n: u64 = counts.values().map(|count| count.n).sum();
    let n_correct: u64 = counts.values().map(|count| count.n_correct).sum();
    let recalls: f64 = counts.values().map(|count| count.n_correct as f64 / count.n as f64).sum();
    (n_correct as f64 / n as f64, recalls / counts.len() as f64)
}

/// The scores of two pots, or why they cannot be ranked.
pub(crate) fn ranked<'a>(positives: &'a Pot, negatives: &'a Pot) -> Result<Ranked<'a>, Undefined> {
    let n = positives.n_not_finite + negatives.n_not_finite;
    if n > 0 {
        return Err(Undefined::NotFinite { n, of: positives.len() + negatives.len() });
    }
    Ranked::new(&positives.scores, &negatives.scores)
}

//! The metrics of one list of positives against one of negatives.

use crate::calibration::{NOT_PROBABILITIES, bins, brier, expected_error};
use crate::metric::MetricName::{
    self, Accuracy, AccuracyAtValidation, Acer, AcerAtValidation, AcerWorst, Apcer, ApcerAtBpcer1Percent,
    ApcerAtBpcer5Percent, ApcerAtBpcer10Percent, ApcerAtValidation, ApcerWorst, Auc, AveragePrecision,
    BalancedAccuracy, BalancedAccuracyAtValidation, Bpcer, BpcerAtValidation, Brier, DPrime, Ece, Eer,
    PartialAuc, TdrAtFdr01Percent, TdrAtFdr1Percent, TdrAtFdr02Percent, TdrAtFdr5Percent,
};
use crate::operating::{Errors, d_prime};
use crate::options::{MetricOptions, Threshold};
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

/// Detection rates, and the APCER at the same BPCER, with their false positive rates in thousandths.
const DETECTION: [(Option<MetricName>, Option<MetricName>, u64); 5] = [
    (Some(TdrAtFdr01Percent), None, 1),
    (Some(TdrAtFdr02Percent), None, 2),
    (Some(TdrAtFdr1Percent), Some(ApcerAtBpcer1Percent), 10),
    (Some(TdrAtFdr5Percent), Some(ApcerAtBpcer5Percent), 50),
    (None, Some(ApcerAtBpcer10Percent), 100),
];
const AT_THRESHOLD: [MetricName; 5] = [Apcer, Bpcer, Acer, ApcerWorst, AcerWorst];
const AT_VALIDATION: [MetricName; 3] = [ApcerAtValidation, BpcerAtValidation, AcerAtValidation];
const OF_TWO_CLASSES_AT_VALIDATION: [MetricName; 2] = [AccuracyAtValidation, BalancedAccuracyAtValidation];

impl Scale<'_> {
    /// The fixed threshold, or why there is none.
    pub(crate) fn threshold(&self) -> Result<Threshold, &'static str> {
        match self.options.threshold {
            Some(threshold) => Ok(Threshold::Score(threshold)),
            None if self.probabilities => Ok(Threshold::Score(0.5)),
            None => Err("the scores are not all between 0 and 1, and no threshold was given"),
        }
    }

    /// Every metric of one row.
    pub(crate) fn values(&self, ranked: Ranked<'_>, positives: &Pot, negatives: &Pot) -> Gathered {
        let mut found = Gathered::default();
        found.set(Auc, ranked.auc());
        found.set(AveragePrecision, ranked.average_precision());
        found.set(Eer, ranked.eer());
        found.set_or(DPrime, d_prime(positives.stated(), negatives.stated()));

        let max_fpr = self.options.max_fpr;
        if max_fpr > 0.0 && max_fpr <= 1.0 {
            found.set(PartialAuc, ranked.partial_auc(max_fpr));
        } else {
            found.lacks(PartialAuc, format!("a largest false positive rate of {max_fpr} is not in (0, 1]"));
        }

        let rates = ranked.detection_at(DETECTION.map(|(_, _, per_mille)| per_mille));
        for ((detected, missed, per_mille), rate) in DETECTION.into_iter().zip(rates) {
            let too_few = || {
                let percent = per_mille as f64 / 10.0;
                format!("one of {} negative images is more than {percent} %", ranked.n_negatives())
            };
            if let Some(metric) = detected {
                found.set_or(metric, rate.ok_or_else(too_few));
            }
            if let Some(metric) = missed {
                found.set_or(metric, rate.map(|rate| 1.0 - rate).ok_or_else(too_few));
            }
        }

        let errors = |threshold: Threshold| Errors {
            n_positives: ranked.n_positives(),
            n_negatives: ranked.n_negatives(),
            missed: ranked.n_positives() - positives.n_at_least(threshold),
            false_alarms: negatives.n_at_least(threshold),
        };
        match self.threshold() {
            Ok(threshold) => {
                let errors = errors(threshold);
                found.set(Apcer, errors.apcer());
                found.set(Bpcer, errors.bpcer());
                found.set(Acer, errors.acer());
                found.set(ApcerWorst, errors.apcer());
                found.set(AcerWorst, errors.acer());
                if !self.many_classes {
                    found.set(Accuracy, errors.accuracy());
                    found.set(BalancedAccuracy, errors.balanced_accuracy());
                }
            }
            Err(reason) => {
                let two_classes = [Accuracy, BalancedAccuracy];
                let also = two_classes.into_iter().filter(|_| !self.many_classes);
                also.chain(AT_THRESHOLD).for_each(|metric| found.lacks(metric, reason));
            }
        }
        if self.many_classes {
            let (accuracy, balanced) = of_labels(positives, negatives);
            found.set(Accuracy, accuracy);
            found.set(BalancedAccuracy, balanced);
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
                    for metric in OF_TWO_CLASSES_AT_VALIDATION {
                        found.lacks(metric, "more than two classes are not told apart by one threshold");
                    }
                } else {
                    found.set(AccuracyAtValidation, errors.accuracy());
                    found.set(BalancedAccuracyAtValidation, errors.balanced_accuracy());
                }
            }
            None => OF_TWO_CLASSES_AT_VALIDATION
                .into_iter()
                .chain(AT_VALIDATION)
                .for_each(|metric| found.lacks(metric, "no threshold was chosen on validation images")),
        }
        if self.probabilities {
            found.set(Ece, expected_error(&bins(positives, negatives, self.options.calibration_bins)));
            found.set(Brier, brier(positives, negatives));
        } else {
            for metric in [Ece, Brier] {
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

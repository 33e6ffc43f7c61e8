//! The metrics of a table: names, titles, definitions, and which way is better.

/// A metric of [`crate::run_metrics`]: the name of its column and what people need to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Which one it is.
    pub id: MetricName,
    /// Column of the frames, and value of the column `metric` of [`crate::compare`].
    pub name: &'static str,
    /// Heading for people.
    pub title: &'static str,
    /// One sentence: what it is.
    pub definition: &'static str,
    /// Error rates and losses: a candidate wins where it is lower.
    pub lower_is_better: bool,
    /// How means over sources are taken.
    pub(crate) over_sources: OverSources,
}

/// Which metric: its place in [`METRICS`] and [`METRIC_INFO`], where each is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the definitions stand in METRIC_INFO")]
pub enum MetricName {
    Auc,
    AveragePrecision,
    Accuracy,
    Eer,
    PartialAuc,
    BalancedAccuracy,
    DPrime,
    TdrAtFdr01Percent,
    TdrAtFdr02Percent,
    TdrAtFdr1Percent,
    TdrAtFdr5Percent,
    Apcer,
    Bpcer,
    Acer,
    ApcerWorst,
    AcerWorst,
    ApcerAtBpcer1Percent,
    ApcerAtBpcer5Percent,
    ApcerAtBpcer10Percent,
    BalancedAccuracyAtValidation,
    AccuracyAtValidation,
    ApcerAtValidation,
    BpcerAtValidation,
    AcerAtValidation,
    Ece,
    Brier,
}

impl MetricName {
    /// Its place in [`METRICS`].
    pub const fn position(self) -> usize {
        self as usize
    }

    /// Its name, heading, definition and direction.
    pub const fn info(self) -> &'static Metric {
        &METRIC_INFO[self as usize]
    }
}

/// How the value of `unseen mean` and its like follows from those of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverSources {
    Mean,
    Largest,
    /// Half the sum of the row's own `apcer_worst` and `bpcer`.
    WorstAcer,
}

const fn higher(id: MetricName, name: &'static str, title: &'static str, definition: &'static str) -> Metric {
    Metric { id, name, title, definition, lower_is_better: false, over_sources: OverSources::Mean }
}

const fn lower(id: MetricName, name: &'static str, title: &'static str, definition: &'static str) -> Metric {
    Metric { id, name, title, definition, lower_is_better: true, over_sources: OverSources::Mean }
}

/// Number of metrics.
pub(crate) const N_METRICS: usize = 26;

/// Every metric, in the order of [`METRICS`]. Attack means the positive class, bona fide every other.
pub const METRIC_INFO: [Metric; N_METRICS] = [
    higher(
        MetricName::Auc,
        "auc",
        "AUC",
        "area under the ROC: share of (positive, negative) pairs in which the positive scores higher, a tie counting one half",
    ),
    higher(
        MetricName::AveragePrecision,
        "average_precision",
        "AP",
        "sum over thresholds of (step in recall) x precision",
    ),
    higher(
        MetricName::Accuracy,
        "accuracy",
        "accuracy",
        "share of images classified rightly at the fixed threshold (more than two classes: by the largest logit)",
    ),
    lower(MetricName::Eer, "eer", "EER", "error rate at which APCER = BPCER on the ROC"),
    higher(
        MetricName::PartialAuc,
        "partial_auc",
        "partial AUC",
        "area under the ROC up to a largest false positive rate, standardised after McClish: 0.5 is chance, 1 is perfect",
    ),
    higher(
        MetricName::BalancedAccuracy,
        "balanced_accuracy",
        "balanced accuracy",
        "mean over classes of the share classified rightly at the fixed threshold",
    ),
    higher(
        MetricName::DPrime,
        "d_prime",
        "d'",
        "(mean of positive scores - mean of negative scores) / root mean square of their standard deviations",
    ),
    higher(
        MetricName::TdrAtFdr01Percent,
        "tdr_at_fdr_0_1_percent",
        "TDR at FDR 0.1 %",
        "largest share of positives detected by a threshold that calls at most 0.1 % of negatives positive",
    ),
    higher(
        MetricName::TdrAtFdr02Percent,
        "tdr_at_fdr_0_2_percent",
        "TDR at FDR 0.2 %",
        "largest share of positives detected by a threshold that calls at most 0.2 % of negatives positive",
    ),
    higher(
        MetricName::TdrAtFdr1Percent,
        "tdr_at_fdr_1_percent",
        "TDR at FDR 1 %",
        "largest share of positives detected by a threshold that calls at most 1 % of negatives positive",
    ),
    higher(
        MetricName::TdrAtFdr5Percent,
        "tdr_at_fdr_5_percent",
        "TDR at FDR 5 %",
        "largest share of positives detected by a threshold that calls at most 5 % of negatives positive",
    ),
    lower(
        MetricName::Apcer,
        "apcer",
        "APCER",
        "share of attack images (positive) called bona fide at the fixed threshold",
    ),
    lower(
        MetricName::Bpcer,
        "bpcer",
        "BPCER",
        "share of bona fide images (negative) called attacks at the fixed threshold",
    ),
    lower(MetricName::Acer, "acer", "ACER", "mean of APCER and BPCER at the fixed threshold"),
    Metric {
        over_sources: OverSources::Largest,
        ..lower(
            MetricName::ApcerWorst,
            "apcer_worst",
            "worst APCER",
            "largest APCER of any attack type (source) behind the row, at the fixed threshold",
        )
    },
    Metric {
        over_sources: OverSources::WorstAcer,
        ..lower(
            MetricName::AcerWorst,
            "acer_worst",
            "worst ACER",
            "mean of the worst APCER and BPCER at the fixed threshold",
        )
    },
    lower(
        MetricName::ApcerAtBpcer1Percent,
        "apcer_at_bpcer_1_percent",
        "APCER at BPCER 1 %",
        "least share of attack images called bona fide by a threshold that calls at most 1 % of bona fide images attacks",
    ),
    lower(
        MetricName::ApcerAtBpcer5Percent,
        "apcer_at_bpcer_5_percent",
        "APCER at BPCER 5 %",
        "least share of attack images called bona fide by a threshold that calls at most 5 % of bona fide images attacks",
    ),
    lower(
        MetricName::ApcerAtBpcer10Percent,
        "apcer_at_bpcer_10_percent",
        "APCER at BPCER 10 %",
        "least share of attack images called bona fide by a threshold that calls at most 10 % of bona fide images attacks",
    ),
    higher(
        MetricName::BalancedAccuracyAtValidation,
        "balanced_accuracy_at_validation",
        "balanced accuracy (validation threshold)",
        "mean over both classes of the share classified rightly at the threshold chosen on validation images: 0.5 is chance",
    ),
    higher(
        MetricName::AccuracyAtValidation,
        "accuracy_at_validation",
        "accuracy (validation threshold)",
        "share of images classified rightly at the threshold chosen on validation images",
    ),
    lower(
        MetricName::ApcerAtValidation,
        "apcer_at_validation",
        "APCER (validation threshold)",
        "share of attack images called bona fide at the threshold chosen on validation images",
    ),
    lower(
        MetricName::BpcerAtValidation,
        "bpcer_at_validation",
        "BPCER (validation threshold)",
        "share of bona fide images called attacks at the threshold chosen on validation images",
    ),
    lower(
        MetricName::AcerAtValidation,
        "acer_at_validation",
        "ACER (validation threshold)",
        "mean of APCER and BPCER at the threshold chosen on validation images",
    ),
    lower(
        MetricName::Ece,
        "ece",
        "ECE",
        "expected calibration error: mean over bins of the distance between mean score and share of positives, weighted by images",
    ),
    lower(
        MetricName::Brier,
        "brier",
        "Brier",
        "mean squared distance between score and class (1 positive, 0 negative)",
    ),
];

/// The metrics of a table, in the order of its columns.
pub const METRICS: [&str; N_METRICS] = {
    let mut names = [""; N_METRICS];
    let mut i = 0;
    while i < N_METRICS {
        names[i] = METRIC_INFO[i].name;
        i += 1;
    }
    names
};

/// What is known of the metric of that name.
///
/// # Examples
/// ```
/// assert!(cyborg_eval::metric("bpcer").is_some_and(|metric| metric.lower_is_better));
/// assert_eq!(cyborg_eval::metric("beauty"), None);
/// ```
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRIC_INFO.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_stands_in_its_place() {
        for (at, metric) in METRIC_INFO.iter().enumerate() {
            assert_eq!(metric.id.position(), at, "{}", metric.name);
            let spelt: String = format!("{:?}", metric.id).to_lowercase();
            assert_eq!(spelt, metric.name.replace('_', ""));
        }
    }
}

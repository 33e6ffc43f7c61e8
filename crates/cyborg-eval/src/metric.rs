//! The metrics of a table: names, titles, definitions, and which way is better.

/// A metric of [`crate::run_metrics`]: the name of its column and what people need to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
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

/// How the value of `unseen mean` and its like follows from those of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverSources {
    Mean,
    Largest,
    /// Half the sum of the row's own `apcer_worst` and `bpcer`.
    WorstAcer,
}

const fn higher(name: &'static str, title: &'static str, definition: &'static str) -> Metric {
    Metric { name, title, definition, lower_is_better: false, over_sources: OverSources::Mean }
}

const fn lower(name: &'static str, title: &'static str, definition: &'static str) -> Metric {
    Metric { name, title, definition, lower_is_better: true, over_sources: OverSources::Mean }
}

/// Number of metrics.
pub(crate) const N_METRICS: usize = 23;

/// Every metric, in the order of [`METRICS`]. Attack means the positive class, bona fide every other.
pub const METRIC_INFO: [Metric; N_METRICS] = [
    higher(
        "auc",
        "AUC",
        "area under the ROC: share of (positive, negative) pairs in which the positive scores higher, a tie counting one half",
    ),
    higher("average_precision", "AP", "sum over thresholds of (step in recall) x precision"),
    higher(
        "accuracy",
        "accuracy",
        "share of images classified rightly at the fixed threshold (more than two classes: by the largest logit)",
    ),
    lower("eer", "EER", "error rate at which APCER = BPCER on the ROC"),
    higher(
        "partial_auc",
        "partial AUC",
        "area under the ROC up to a largest false positive rate, standardised after McClish: 0.5 is chance, 1 is perfect",
    ),
    higher(
        "balanced_accuracy",
        "balanced accuracy",
        "mean over classes of the share classified rightly at the fixed threshold",
    ),
    higher(
        "d_prime",
        "d'",
        "(mean of positive scores - mean of negative scores) / root mean square of their standard deviations",
    ),
    higher(
        "tdr_at_fdr_0_1_percent",
        "TDR at FDR 0.1 %",
        "largest share of positives detected by a threshold that calls at most 0.1 % of negatives positive",
    ),
    higher(
        "tdr_at_fdr_0_2_percent",
        "TDR at FDR 0.2 %",
        "largest share of positives detected by a threshold that calls at most 0.2 % of negatives positive",
    ),
    higher(
        "tdr_at_fdr_1_percent",
        "TDR at FDR 1 %",
        "largest share of positives detected by a threshold that calls at most 1 % of negatives positive",
    ),
    higher(
        "tdr_at_fdr_5_percent",
        "TDR at FDR 5 %",
        "largest share of positives detected by a threshold that calls at most 5 % of negatives positive",
    ),
    lower("apcer", "APCER", "share of attack images (positive) called bona fide at the fixed threshold"),
    lower("bpcer", "BPCER", "share of bona fide images (negative) called attacks at the fixed threshold"),
    lower("acer", "ACER", "mean of APCER and BPCER at the fixed threshold"),
    Metric {
        over_sources: OverSources::Largest,
        ..lower(
            "apcer_worst",
            "worst APCER",
            "largest APCER of any attack type (source) behind the row, at the fixed threshold",
        )
    },
    Metric {
        over_sources: OverSources::WorstAcer,
        ..lower("acer_worst", "worst ACER", "mean of the worst APCER and BPCER at the fixed threshold")
    },
    lower(
        "apcer_at_bpcer_1_percent",
        "APCER at BPCER 1 %",
        "least share of attack images called bona fide by a threshold that calls at most 1 % of bona fide images attacks",
    ),
    higher(
        "accuracy_at_validation",
        "accuracy (validation threshold)",
        "share of images classified rightly at the threshold chosen on validation images",
    ),
    lower(
        "apcer_at_validation",
        "APCER (validation threshold)",
        "share of attack images called bona fide at the threshold chosen on validation images",
    ),
    lower(
        "bpcer_at_validation",
        "BPCER (validation threshold)",
        "share of bona fide images called attacks at the threshold chosen on validation images",
    ),
    lower(
        "acer_at_validation",
        "ACER (validation threshold)",
        "mean of APCER and BPCER at the threshold chosen on validation images",
    ),
    lower(
        "ece",
        "ECE",
        "expected calibration error: mean over bins of the distance between mean score and share of positives, weighted by images",
    ),
    lower("brier", "Brier", "mean squared distance between score and class (1 positive, 0 negative)"),
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

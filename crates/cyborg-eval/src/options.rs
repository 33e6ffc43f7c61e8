//! What a table of metrics may be asked to do differently.

use crate::error::EvalError;
use std::collections::BTreeSet;

/// Sources that are to have rows of their own as a group: `NAME mean` and `NAME pooled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceGroup {
    /// `GANs`, say.
    pub name: String,
    /// Positive sources. One that has no positive image is left out, and the row's reason says so.
    pub sources: Vec<String>,
}

/// A number from which on images are called positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// On the scale of the column `score`: a probability, mostly.
    Score(f64),
    /// On the scale of log-odds, which still tells apart what is 0 or 1 as a probability.
    LogOdds(f64),
}

impl Threshold {
    /// The number, on its own scale.
    pub fn value(self) -> f64 {
        match self {
            Self::Score(value) | Self::LogOdds(value) => value,
        }
    }
}

/// Settings of [`crate::run_metrics_with`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetricOptions {
    /// The fixed threshold: what scores at least this is called positive. `None` means 0.5 where all scores are
    /// probabilities, and no value where they are not.
    pub threshold: Option<f64>,
    /// The threshold that was chosen on validation images (see [`crate::choose_threshold`]), if one was.
    pub validation_threshold: Option<Threshold>,
    /// Largest false positive rate of the partial AUC, in (0, 1]. Default 0.1.
    pub max_fpr: f64,
    /// Number of bins of equal width between 0 and 1 of the calibration error. Default 15.
    pub calibration_bins: usize,
    /// Further aggregate rows.
    pub groups: Vec<SourceGroup>,
}

impl Default for MetricOptions {
    fn default() -> Self {
        Self {
            threshold: None,
            validation_threshold: None,
            max_fpr: 0.1,
            calibration_bins: 15,
            groups: Vec::new(),
        }
    }
}

/// No setting from which a number without meaning would come.
pub(crate) fn check_options(options: &MetricOptions) -> Result<(), EvalError> {
    let thresholds = [
        ("threshold", options.threshold),
        ("validation threshold", options.validation_threshold.map(Threshold::value)),
    ];
    for (setting, threshold) in thresholds {
        if let Some(threshold) = threshold.filter(|threshold| !threshold.is_finite()) {
            return Err(EvalError::Setting {
                setting,
                found: threshold.to_string(),
                expected: "a finite number",
            });
        }
    }
    check_bins(options.calibration_bins)?;
    check_groups(&options.groups)
}

pub(crate) fn check_bins(bins: usize) -> Result<(), EvalError> {
    if (1..=10_000).contains(&bins) {
        return Ok(());
    }
    let setting = "number of calibration bins";
    Err(EvalError::Setting { setting, found: bins.to_string(), expected: "1 to 10,000" })
}

/// Names of groups must differ, also from `unseen`, `seen` and `all`.
fn check_groups(groups: &[SourceGroup]) -> Result<(), EvalError> {
    let mut known = BTreeSet::from(["unseen", "seen", "all"]);
    match groups.iter().find(|group| !known.insert(&group.name)) {
        Some(group) => Err(EvalError::GroupName { name: group.name.clone() }),
        None => Ok(()),
    }
}

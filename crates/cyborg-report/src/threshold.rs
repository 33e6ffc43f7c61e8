//! The threshold of a run, chosen on its validation images.

use cyborg_eval::{EvalError, EvalPlan, MetricOptions, ThresholdRule, read_scores, validation_threshold};
use std::path::Path;

/// `options` with the threshold at which the validation images beside the test scores have the least mean of APCER and
/// BPCER (both classes count the same, whatever their shares there). None is chosen where one is stated already, where a
/// run is from before validation scores were kept, and where they hold one class only; the metrics are null then.
pub(crate) fn with_validation_threshold(
    options: &MetricOptions,
    dir: &Path,
    plan: &EvalPlan,
) -> Result<MetricOptions, EvalError> {
    let path = dir.join("validation.parquet");
    let mut options = options.clone();
    if options.validation_threshold.is_none() && path.exists() {
        let chosen = validation_threshold(&read_scores(&path)?, plan, ThresholdRule::Acer)?;
        options.validation_threshold = chosen.ok();
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyborg_eval::{ScoreRow, write_scores};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn the_threshold_lies_where_both_errors_are_least() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let plan = EvalPlan { positive: 1, pairs: BTreeMap::new(), seen: BTreeSet::new() };
        let threshold = || {
            let options = with_validation_threshold(&MetricOptions::default(), folder.path(), &plan);
            options.expect("readable").validation_threshold
        };
        assert_eq!(threshold(), None);
        let row = |label, score: f64| ScoreRow {
            image: score.to_string(),
            source: "set".to_owned(),
            label,
            predicted: u32::from(score >= 0.5),
            score,
            logits: vec![0.0, 0.0],
        };
        let path = folder.path().join("validation.parquet");
        // Between 0.25 and 0.75 nothing is wrong.
        write_scores(&path, &[row(0, 0.125), row(0, 0.25), row(1, 0.75), row(1, 1.0)]).expect("written");
        assert_eq!(threshold(), Some(cyborg_eval::Threshold::Score(0.5)));
        write_scores(&path, &[row(0, 0.125), row(0, 0.25)]).expect("written");
        assert_eq!(threshold(), None);
    }
}

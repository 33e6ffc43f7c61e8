//! Log-odds rank where probabilities are 0 or 1 to the last bit; ties are ties.

use cyborg_eval::outside::{ScoreColumns, ScoreScale, read_score_table};
use cyborg_eval::{
    EvalPlan, MetricOptions, ThresholdRule, paired_test, run_metrics, run_metrics_with, validation_threshold,
};
use polars::prelude::DataFrame;
use std::collections::{BTreeMap, BTreeSet};

fn plan(positive: u32) -> EvalPlan {
    EvalPlan { positive, pairs: BTreeMap::new(), seen: BTreeSet::new() }
}

fn read(text: &str, columns: &ScoreColumns) -> DataFrame {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.csv");
    fs_err::write(&path, text).unwrap();
    read_score_table(&path, columns).unwrap().remove(0).1
}

fn value(frame: &DataFrame, metric: &str) -> Option<f64> {
    frame.column(metric).unwrap().f64().unwrap().get(0)
}

fn of_logits(names: &[&str]) -> ScoreColumns {
    ScoreColumns {
        score: None,
        logits: names.iter().map(|name| (*name).to_owned()).collect(),
        ..ScoreColumns::default()
    }
}

/// Every positive has a larger logit than every negative, so each AUC is 1, though softmax and logistic function are 1 to
/// the last bit from 37 on.
#[test]
fn saturated_probabilities_still_rank() {
    let log_odds = "image,source,label,score\na,N,0,38\nb,N,0,39\nc,N,0,1\nd,G,1,40\ne,G,1,41\n";
    let scale = ScoreColumns { scale: ScoreScale::LogOdds, ..ScoreColumns::default() };
    let two = "image,source,label,z0,z1\na,N,0,-20,18\nb,N,0,-20,19\nc,G,1,-20,20\nd,G,1,-20,25\n";
    let one = "image,source,label,z\na,N,0,98.0950\nb,N,0,98.0951\nc,G,1,98.4612\nd,G,1,99.0\n";
    let three = "image,source,label,z0,z1,z2\na,N,0,0,38,0\nb,N,2,0,39,1\nc,G,1,0,40,0\nd,G,1,0,41,1\n";
    for (text, columns) in [
        (log_odds, scale),
        (two, of_logits(&["z0", "z1"])),
        (one, of_logits(&["z"])),
        (three, of_logits(&["z0", "z1", "z2"])),
    ] {
        let metrics = run_metrics(&read(text, &columns), &plan(1)).unwrap();
        assert_eq!((value(&metrics, "auc"), value(&metrics, "eer")), (Some(1.0), Some(0.0)), "{text}");
    }
}

/// Of class 0 the order is the other way round: the difference of logits changes its sign.
#[test]
fn the_first_class_may_be_positive() {
    let two = "image,source,label,z0,z1\na,N,1,-20,25\nb,N,1,-20,20\nc,G,0,-20,19\nd,G,0,-20,18\n";
    let columns = ScoreColumns { positive: 0, ..of_logits(&["z0", "z1"]) };
    let metrics = run_metrics(&read(two, &columns), &plan(0)).unwrap();
    assert_eq!(value(&metrics, "auc"), Some(1.0));
}

/// A detector that scores how genuine an image is: with attacks positive its AUC is 1 minus that of genuine ones, also
/// where 1 - score would round to 1.
#[test]
fn low_scores_may_mean_positive() {
    let text = "image,source,label,score\na,N,0,1e-17\nb,N,0,0.9\nc,G,1,1e-19\nd,G,1,1e-18\n";
    let columns = ScoreColumns { low_is_positive: true, ..ScoreColumns::default() };
    let metrics = run_metrics(&read(text, &columns), &plan(1)).unwrap();
    assert_eq!(value(&metrics, "auc"), Some(1.0));
    // At 0.5 on 1 - score: image b alone is called negative.
    assert_eq!((value(&metrics, "apcer"), value(&metrics, "bpcer")), (Some(0.0), Some(0.5)));
}

/// The threshold lies between 39 and 40, which are one and the same probability.
#[test]
fn a_threshold_is_chosen_on_log_odds() {
    let text = "image,source,label,z0,z1\na,N,0,0,38\nb,N,0,0,39\nc,G,1,0,40\nd,G,1,0,41\n";
    let scores = read(text, &of_logits(&["z0", "z1"]));
    let threshold = validation_threshold(&scores, &plan(1), ThresholdRule::Acer).unwrap().unwrap();
    assert_eq!(threshold.value(), 39.5);
    let options = MetricOptions { validation_threshold: Some(threshold), ..MetricOptions::default() };
    let metrics = run_metrics_with(&scores, &plan(1), &options).unwrap();
    assert_eq!(value(&metrics, "balanced_accuracy_at_validation"), Some(1.0));
    // As probabilities all four are 1, at least 0.5.
    assert_eq!(value(&metrics, "balanced_accuracy"), Some(0.5));
}

/// Accuracies of 100 images in seven seeds: differences -1, 1, 0, 0, 1, -1, 1 per cent. Their sum is 1; of the 2^5 signs
/// of five equal sizes every one has a sum of at least 1 in size, so p is 1. There are 3 wins, 2 losses, 2 ties.
#[test]
fn differences_equal_but_for_rounding_are_equal() {
    let shares = |counts: [u32; 7]| counts.map(|n| f64::from(n) / 100.0);
    let baseline = shares([82, 86, 89, 88, 91, 94, 82]);
    let candidate = shares([81, 87, 89, 88, 92, 93, 83]);
    let test = paired_test(&baseline, &candidate, false);
    assert_eq!(test.p_sign_flip, Some(1.0));
    assert_eq!((test.wins, test.losses, test.ties), (3, 2, 2));
    // Ranks 3 each: W+ = 9, W- = 6; of 32 signs those with W+ of at most 6 are 1 + 5 + 10, so p = 1.
    assert_eq!(test.wilcoxon.map(|w| (w.n, w.w_plus, w.w_minus, w.p)), Some((5, 9.0, 6.0, 1.0)));
    // Sums that are equal in decimals and not in binary.
    let noisy = paired_test(&[0.1 + 0.2, 0.5], &[0.3, 0.5], false);
    assert_eq!((noisy.ties, noisy.p_sign_flip), (2, Some(1.0)));
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let device = std::path::Path::new("/dev/zero");
    if device.exists() {
        let error = read_score_table(device, &ScoreColumns::default()).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = read_score_table(folder.path(), &ScoreColumns::default()).unwrap_err().to_string();
    assert!(error.contains("it is a folder"), "{error}");
}

#[test]
fn an_image_twice_in_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.csv");
    fs_err::write(&path, "image,source,label,score\na,N,0,0.1\nb,G,1,0.2\na,N,0,0.1\n").unwrap();
    let error = read_score_table(&path, &ScoreColumns::default()).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains("scores.csv") && cause.contains("image `a` of source `N`"), "{cause}");
}

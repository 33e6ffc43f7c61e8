//! Thresholds chosen on validation images, and metrics at them.

use crate::data::{f64_at, frame, plan, row};
use cyborg_eval::{
    MetricOptions, ThresholdRule, Undefined, choose_threshold, run_metrics_with, validation_threshold,
};

const LABELS: [bool; 8] = [false, false, false, false, true, false, true, true];
const SCORES: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9];

#[test]
fn each_rule_finds_its_threshold() {
    let choose = |rule| choose_threshold(&LABELS, &SCORES, rule).unwrap();
    // Wrong, going down: 3 with none called positive, 2 at 0.9, 1 at 0.7, 2 at 0.6, 1 at 0.5: the higher of the two.
    assert!((choose(ThresholdRule::Accuracy) - 0.65).abs() < 1e-15);
    // ACER: (1/3 + 0) / 2 at 0.7, (0 + 1/5) / 2 at 0.5.
    assert!((choose(ThresholdRule::Acer) - 0.45).abs() < 1e-15);
    // APCER 1/3 against BPCER 1/5 (at 0.6) is nearest.
    assert!((choose(ThresholdRule::EqualError) - 0.55).abs() < 1e-15);
    assert!((choose(ThresholdRule::Bpcer(0.0)) - 0.65).abs() < 1e-15);
    assert!((choose(ThresholdRule::Bpcer(0.25)) - 0.45).abs() < 1e-15);
}

/// Against trying every threshold.
#[test]
fn no_threshold_is_better() {
    let scores: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 61 % 23) / 23.0).collect();
    let labels: Vec<bool> = (0..60).map(|i| i * 7 % 5 < 2 || scores[i] > 0.8).collect();
    let right =
        |t: f64| labels.iter().zip(&scores).filter(|(label, score)| (**score >= t) == **label).count();
    let found = choose_threshold(&labels, &scores, ThresholdRule::Accuracy).unwrap();
    let best = (0..=1000).map(|i| right(f64::from(i) / 999.0)).max().unwrap();
    assert_eq!(right(found), best);
}

#[test]
fn nothing_or_everything_may_be_positive() {
    // The one positive scores lowest: best call nothing positive.
    let none = choose_threshold(&[true, false, false], &[0.1, 0.5, 0.9], ThresholdRule::Accuracy).unwrap();
    assert!(none > 0.9 && none < 0.9 + 1e-15);
    let all = choose_threshold(&[true, true, false], &[0.1, 0.5, 0.9], ThresholdRule::Accuracy).unwrap();
    assert_eq!(all, 0.1);
    // Neighbours among the floats: the threshold parts them.
    let (low, high) = (0.5_f64, 0.5_f64.next_up());
    assert_eq!(choose_threshold(&[false, true], &[low, high], ThresholdRule::Accuracy).unwrap(), high);
    let one_class = choose_threshold(&[true, true], &[0.1, 0.5], ThresholdRule::Accuracy);
    assert_eq!(one_class, Err(Undefined::NoNegatives));
}

#[test]
fn metrics_at_the_validation_threshold() {
    let rows: Vec<_> = LABELS
        .iter()
        .zip(SCORES)
        .map(|(&label, score)| row(if label { "GAN" } else { "FFHQ" }, u32::from(label), score))
        .collect();
    let scores = frame(&rows);
    let threshold = validation_threshold(&scores, &plan(&[], &[]), ThresholdRule::Acer).unwrap().unwrap();
    let options = MetricOptions { validation_threshold: Some(threshold), ..MetricOptions::default() };
    let metrics = run_metrics_with(&scores, &plan(&[], &[]), &options).unwrap();
    let of = |metric: &str| f64_at(&metrics, 0, metric).unwrap();
    assert_eq!((of("apcer_at_validation"), of("bpcer_at_validation")), (0.0, 0.2));
    assert_eq!((of("acer_at_validation"), of("accuracy_at_validation")), (0.1, 7.0 / 8.0));
    let alone = validation_threshold(&frame(&rows[..4]), &plan(&[], &[]), ThresholdRule::Acer).unwrap();
    assert_eq!(alone, Err(Undefined::NoPositives));
}

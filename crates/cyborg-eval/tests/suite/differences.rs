//! Differences over subjects.

use cyborg_eval::{
    Bootstrap, EvalPlan, MetricOptions, PairedRuns, Resample, compare_images, has_repeated_subjects,
    run_differences, run_metrics,
};
use cyborg_seed::Seed;
use polars::prelude::{Column, DataFrame};
use std::collections::{BTreeMap, BTreeSet};

const PER_SUBJECT: usize = 5;

fn plan() -> EvalPlan {
    EvalPlan { positive: 1, pairs: BTreeMap::new(), seen: BTreeSet::new() }
}

/// 15 subjects of each class with five images each; `score` is given class, subject and image.
fn scores(mut score: impl FnMut(u32, usize, usize) -> f64) -> DataFrame {
    let (mut image, mut source, mut label, mut subject, mut values) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for class in 0..2_u32 {
        for of_class in 0..15 {
            for at in 0..PER_SUBJECT {
                image.push(format!("{class}-{of_class}-{at}"));
                source.push(if class == 1 { "G" } else { "N" });
                label.push(class);
                subject.push(format!("p{class}-{of_class}"));
                values.push(1.0 / (1.0 + (-score(class, of_class, at)).exp()));
            }
        }
    }
    DataFrame::new_infer_height(vec![
        Column::new("image".into(), image),
        Column::new("source".into(), source),
        Column::new("label".into(), label),
        Column::new("score".into(), values),
        Column::new("subject".into(), subject),
    ])
    .unwrap()
}

fn auc_p(baseline: &DataFrame, candidate: &DataFrame) -> Option<f64> {
    let options = MetricOptions::default();
    let pair = PairedRuns { baseline, candidate, baseline_options: &options, candidate_options: &options };
    let bootstrap = Bootstrap { resample: Resample::Subjects, replicates: 100, ..Bootstrap::default() };
    let frame = run_differences(&[pair], &plan(), &bootstrap).unwrap();
    assert_eq!(frame.column("metric").unwrap().str().unwrap().get(0), Some("auc"));
    frame.column("p").unwrap().f64().unwrap().get(0)
}

/// Two methods of equal worth, each with errors of its own that all images of a subject share. Of 200 drawn sets 5 % are to
/// be rejected at 0.05: 10, with a standard deviation of 3.1; 22 and more would occur once in a thousand times. DeLong's
/// test rejects most of them, because it takes the images for independent.
#[test]
fn the_test_over_subjects_rejects_as_often_as_it_says() {
    let mut n_rejected = 0;
    for trial in 0..200 {
        let mut stream = Seed::new(7).stream(&format!("trial/{trial}"));
        let mut effects = || -> Vec<f64> { (0..30).map(|_| stream.normal()).collect() };
        let (of_baseline, of_candidate) = (effects(), effects());
        let mut noise = Seed::new(8).stream(&format!("noise/{trial}"));
        let mut run = |effects: &[f64]| {
            scores(|class, subject, _| {
                f64::from(class) + effects[15 * class as usize + subject] + 0.3 * noise.normal()
            })
        };
        let (baseline, candidate) = (run(&of_baseline), run(&of_candidate));
        n_rejected += usize::from(auc_p(&baseline, &candidate).unwrap() < 0.05);
    }
    assert!((1..22).contains(&n_rejected), "{n_rejected} of 200");
}

/// A candidate that is better on every subject is found.
#[test]
fn a_true_difference_is_found() {
    let mut stream = Seed::new(1).stream("power");
    let baseline = scores(|class, _, _| 0.3 * f64::from(class) + stream.normal());
    let candidate = scores(|class, _, _| 3.0 * f64::from(class) + stream.normal());
    assert!(auc_p(&baseline, &candidate).is_some_and(|p| p < 0.001));
}

#[test]
fn delong_is_not_used_where_images_share_subjects() {
    let mut stream = Seed::new(2).stream("delong");
    let frame = scores(|class, _, _| f64::from(class) + stream.normal());
    assert!(has_repeated_subjects(&frame).unwrap());
    let compared = compare_images(&frame, &frame, &plan()).unwrap();
    let reason = compared.column("reason").unwrap().str().unwrap().get(0).unwrap();
    assert!(reason.contains("of one subject"), "{reason}");
    let metrics = run_metrics(&frame, &plan()).unwrap();
    assert_eq!(metrics.column("auc_se").unwrap().f64().unwrap().get(0), None);
    assert!(metrics.column("auc").unwrap().f64().unwrap().get(0).is_some());
}

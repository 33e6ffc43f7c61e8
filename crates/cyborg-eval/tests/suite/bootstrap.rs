//! Bootstrap intervals: against what can be worked out, and what must hold.

use crate::data::{f64_at, frame, plan, row, str_at, u32_at};
use cyborg_eval::{Bootstrap, EvalError, METRICS, MetricOptions, Resample, ScoreRow, run_intervals};
use polars::prelude::{Column, DataFrame};

fn run() -> Vec<ScoreRow> {
    (0..60_u32)
        .map(|i| {
            let (source, label) = [("FFHQ", 0), ("ProGAN", 1), ("StyleGAN", 1)][i as usize % 3];
            row(source, label, 0.2 * f64::from(label) + 0.8 * f64::from(i * 17 % 61) / 61.0)
        })
        .collect()
}

fn intervals(scores: &DataFrame, bootstrap: &Bootstrap) -> DataFrame {
    run_intervals(scores, &plan(&[], &["ProGAN"]), &MetricOptions::default(), bootstrap).unwrap()
}

/// Row of a source and metric.
fn at(table: &DataFrame, source: &str, metric: &str) -> usize {
    let sources = table.column("source").unwrap().str().unwrap();
    let metrics = table.column("metric").unwrap().str().unwrap();
    let is_it = |i: &usize| sources.get(*i) == Some(source) && metrics.get(*i) == Some(metric);
    (0..table.height()).find(is_it).unwrap()
}

#[test]
fn every_row_and_metric_has_an_interval_around_it() {
    let scores = frame(&run());
    let table = intervals(&scores, &Bootstrap { replicates: 200, ..Bootstrap::default() });
    assert_eq!(table.height(), 6 * METRICS.len());
    for source in ["ProGAN", "StyleGAN", "unseen mean", "all mean", "all pooled"] {
        for metric in ["auc", "average_precision", "accuracy", "eer", "apcer", "d_prime", "brier", "ece"] {
            let i = at(&table, source, metric);
            let of = |column: &str| f64_at(&table, i, column).unwrap();
            assert!(of("ci_low") < of("ci_high"), "{metric} of {source}");
            assert!(of("bca_low") < of("bca_high"), "{metric} of {source}");
            if metric != "ece" {
                // (The calibration error of a drawn set is biased upwards: its interval may lie above it.)
                assert!(of("ci_low") <= of("value") && of("value") <= of("ci_high"), "{metric} of {source}");
            }
            assert_eq!(u32_at(&table, i, "n_replicates"), Some(200));
        }
    }
    let none = at(&table, "ProGAN", "accuracy_at_validation");
    assert_eq!(f64_at(&table, none, "ci_low"), None);
    assert_eq!(
        str_at(&table, none, "reason").as_deref(),
        Some("no threshold was chosen on validation images")
    );
}

/// Accuracy of a set is a share in each stratum; the variance of its bootstrap is known: with n images of a class,
/// of which a share s is right, n s (1 - s). The interval's half width is 1.96 standard deviations, but for the steps of
/// a count and the chance of 4,000 draws (under 3 % of the width).
#[test]
fn the_width_is_that_of_the_binomial() {
    let scores = frame(
        &(0..400)
            .map(|i| {
                row(
                    ["r", "f"][i % 2],
                    (i % 2) as u32,
                    if i % 5 == 0 { 0.4 + 0.2 * f64::from(i % 2 == 0) } else { 0.2 + 0.6 * (i % 2) as f64 },
                )
            })
            .collect::<Vec<_>>(),
    );
    let table = intervals(&scores, &Bootstrap { replicates: 4_000, ..Bootstrap::default() });
    let i = at(&table, "f", "accuracy");
    let (low, high) = (f64_at(&table, i, "ci_low").unwrap(), f64_at(&table, i, "ci_high").unwrap());
    assert_eq!(f64_at(&table, i, "value"), Some(0.8));
    let half_width = 1.96 * (2.0 * 200.0 * 0.8 * 0.2_f64).sqrt() / 400.0;
    assert!(((high - low) / 2.0 - half_width).abs() < 0.05 * half_width, "{low} {high} {half_width}");
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let scores = frame(&run());
    let settings = Bootstrap { replicates: 64, seed: 7, ..Bootstrap::default() };
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| intervals(&scores, &settings))
    };
    let one = with_threads(1);
    assert!(one.equals_missing(&with_threads(3)));
    assert!(!one.equals_missing(&intervals(&scores, &Bootstrap { seed: 8, ..settings.clone() })));
}

fn with_subjects(rows: &[ScoreRow], subjects: Vec<Option<String>>) -> DataFrame {
    let mut frame = frame(rows);
    frame.with_column(Column::new("subject".into(), subjects)).unwrap();
    frame
}

/// Each subject has four copies of one image: drawing subjects is drawing a quarter as many images, so the interval is
/// twice as wide as that of images taken for independent (to within the noise of 2,000 draws).
#[test]
fn subjects_are_drawn_whole() {
    let base = run();
    let rows: Vec<ScoreRow> = base.iter().flat_map(|r| std::iter::repeat_n(r.clone(), 4)).collect();
    let subjects = (0..rows.len()).map(|i| Some(format!("s{}", i / 4))).collect();
    let scores = with_subjects(&rows, subjects);
    let width = |resample| {
        let settings = Bootstrap { resample, replicates: 2_000, ..Bootstrap::default() };
        let table = intervals(&scores, &settings);
        let i = at(&table, "ProGAN", "auc");
        f64_at(&table, i, "ci_high").unwrap() - f64_at(&table, i, "ci_low").unwrap()
    };
    let ratio = width(Resample::Subjects) / width(Resample::Images);
    assert!((ratio - 2.0).abs() < 0.15, "{ratio}");
    // And the same as drawing images of the set without copies.
    let table = intervals(&frame(&base), &Bootstrap { replicates: 2_000, ..Bootstrap::default() });
    let i = at(&table, "ProGAN", "auc");
    let alone = f64_at(&table, i, "ci_high").unwrap() - f64_at(&table, i, "ci_low").unwrap();
    assert!((width(Resample::Subjects) / alone - 1.0).abs() < 0.08);
}

#[test]
fn a_subject_by_itself_is_named_and_one_without_a_name_is_an_image() {
    let rows = run();
    let lonely = (0..rows.len()).map(|i| if i % 3 == 0 { Some("one".to_owned()) } else { None }).collect();
    let settings = Bootstrap { resample: Resample::Subjects, replicates: 50, ..Bootstrap::default() };
    let table = intervals(&with_subjects(&rows, lonely), &settings);
    let reason = str_at(&table, at(&table, "ProGAN", "auc"), "reason").unwrap();
    assert!(reason.starts_with("units alone in their source and class, which never vary: 1"), "{reason}");
    let nobody = intervals(&with_subjects(&rows, vec![None; rows.len()]), &settings);
    let images = intervals(&frame(&rows), &Bootstrap { resample: Resample::Images, ..settings.clone() });
    assert!(nobody.equals_missing(&images));
    let error =
        run_intervals(&frame(&rows), &plan(&[], &[]), &MetricOptions::default(), &settings).unwrap_err();
    assert!(matches!(error, EvalError::MissingColumn { .. }), "{error}");
}

#[test]
fn what_does_not_vary_has_no_interval() {
    let perfect: Vec<ScoreRow> = (0..20)
        .map(|i| row(["r", "f"][i % 2], (i % 2) as u32, 0.1 * (i % 2) as f64 + 0.01 * i as f64))
        .collect();
    let scores: Vec<ScoreRow> =
        perfect.into_iter().map(|r| ScoreRow { score: r.score + 0.4 * f64::from(r.label), ..r }).collect();
    let table = intervals(&frame(&scores), &Bootstrap { replicates: 50, ..Bootstrap::default() });
    let i = at(&table, "f", "auc");
    assert_eq!((f64_at(&table, i, "value"), f64_at(&table, i, "ci_low")), (Some(1.0), None));
    assert_eq!(
        str_at(&table, i, "reason").as_deref(),
        Some("all replicates are 1: nothing is known of its spread")
    );
    let broken = [row("r", 0, 0.1), row("r", 0, f64::NAN), row("f", 1, 0.9)];
    let table = intervals(&frame(&broken), &Bootstrap { replicates: 20, ..Bootstrap::default() });
    let i = at(&table, "f", "auc");
    assert_eq!(str_at(&table, i, "reason").as_deref(), Some("1 of 3 scores is not a finite number"));
}

#[test]
fn settings_that_make_no_sense_are_errors() {
    let error = |bootstrap: Bootstrap| {
        run_intervals(&frame(&run()), &plan(&[], &[]), &MetricOptions::default(), &bootstrap)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(Bootstrap { level: 95.0, ..Bootstrap::default() }),
        "the level of the bootstrap interval is 95, expected a number between 0 and 1"
    );
    assert_eq!(
        error(Bootstrap { replicates: 3, ..Bootstrap::default() }),
        "the number of bootstrap replicates is 3, expected 20 to 1,000,000"
    );
}

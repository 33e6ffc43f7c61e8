//! What must hold for any scores.

use crate::data::{frame, plan, row};
use cyborg_eval::{Ranking, roc_on_grid, roc_points, run_metrics};
use polars::prelude::DataFrame;
use proptest::prelude::*;

/// Labels with both classes, and scores k / 64: many ties, and 1 - s is exact.
fn ranked() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    let images = prop::collection::vec((any::<bool>(), 0_u32..=64), 2..80);
    images
        .prop_map(|images| images.into_iter().map(|(label, k)| (label, f64::from(k) / 64.0)).unzip())
        .prop_filter("both classes, and scores that differ", |(labels, scores): &(Vec<bool>, Vec<f64>)| {
            labels.contains(&true)
                && labels.contains(&false)
                && scores.iter().any(|score| *score != scores[0])
        })
}

fn metrics_of(rows: &[(bool, usize, u32)]) -> DataFrame {
    const SOURCES: [&str; 4] = ["a", "b", "c", "d"];
    let rows: Vec<_> = rows
        .iter()
        .map(|(label, source, k)| row(SOURCES[*source], u32::from(*label), f64::from(*k) / 32.0))
        .collect();
    run_metrics(&frame(&rows), &plan(&[("a", &["b", "c"]), ("b", &["b"])], &["c"])).unwrap()
}

/// The frame's values as text, rows by name: the order of sources follows the scores. Without the reasons, which name
/// the first source of several that have no value.
fn by_source(metrics: &DataFrame) -> Vec<String> {
    let metrics = metrics.drop_many(["reason", "metric_reasons"]);
    let mut lines: Vec<String> =
        (0..metrics.height()).map(|i| format!("{:?}", metrics.get_row(i).unwrap())).collect();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn row_order_changes_no_ranking((labels, scores) in ranked(), by in 0_usize..80) {
        let ranking = Ranking::new(&labels, &scores).unwrap();
        let (mut labels, mut scores) = (labels, scores);
        let n = labels.len();
        labels.rotate_left(by % n);
        scores.rotate_left(by % n);
        labels.reverse();
        scores.reverse();
        let again = Ranking::new(&labels, &scores).unwrap();
        prop_assert_eq!(ranking.auc().to_bits(), again.auc().to_bits());
        prop_assert_eq!(ranking.average_precision().to_bits(), again.average_precision().to_bits());
        prop_assert_eq!(ranking.eer().to_bits(), again.eer().to_bits());
    }

    #[test]
    fn row_order_changes_no_table(
        rows in prop::collection::vec((any::<bool>(), 0_usize..4, 0_u32..=32), 1..60).prop_shuffle(),
        shuffle in any::<prop::sample::Index>(),
    ) {
        let mut other = rows.clone();
        other.rotate_left(shuffle.index(rows.len()));
        prop_assert_eq!(by_source(&metrics_of(&rows)), by_source(&metrics_of(&other)));
    }

    #[test]
    fn rising_transforms_change_no_ranking((labels, scores) in ranked(), scale in 0.5_f64..20.0) {
        let ranking = Ranking::new(&labels, &scores).unwrap();
        let transformed: Vec<f64> = scores.iter().map(|s| (scale * (s - 0.5)).exp() - 7.0).collect();
        let after = Ranking::new(&labels, &transformed).unwrap();
        prop_assert_eq!(ranking.auc(), after.auc());
        prop_assert_eq!(ranking.average_precision(), after.average_precision());
        prop_assert_eq!(ranking.eer(), after.eer());
    }

    #[test]
    fn turning_classes_and_scores_round_changes_neither_auc_nor_eer((labels, scores) in ranked()) {
        let ranking = Ranking::new(&labels, &scores).unwrap();
        let flipped: Vec<bool> = labels.iter().map(|label| !label).collect();
        let from_one: Vec<f64> = scores.iter().map(|s| 1.0 - s).collect();
        let after = Ranking::new(&flipped, &from_one).unwrap();
        prop_assert_eq!(ranking.auc(), after.auc());
        prop_assert!((ranking.eer() - after.eer()).abs() < 1e-15);
        let wrong_way = Ranking::new(&labels, &from_one).unwrap();
        prop_assert!((ranking.auc() + wrong_way.auc() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_run_turned_upside_down_swaps_apcer_and_bpcer(rows in prop::collection::vec((any::<bool>(), 0_u32..=32), 2..60)) {
        let table = |turned: bool| {
            let rows: Vec<_> = rows
                .iter()
                .map(|&(label, k)| {
                    // No score on the threshold, where >= would tell the two apart.
                    let score = (f64::from(k) + 0.25) / 33.0;
                    row(if label { "f" } else { "r" }, u32::from(label), if turned { 1.0 - score } else { score })
                })
                .collect();
            let plan = cyborg_eval::EvalPlan { positive: u32::from(!turned), ..plan(&[], &[]) };
            run_metrics(&frame(&rows), &plan).unwrap()
        };
        let of = |table: &DataFrame, metric: &str| crate::data::f64_at(table, table.height() - 1, metric);
        let (a, b) = (table(false), table(true));
        prop_assert_eq!(of(&a, "apcer"), of(&b, "bpcer"));
        prop_assert_eq!(of(&a, "acer"), of(&b, "acer"));
        if let (Some(balanced), Some(acer)) = (of(&a, "balanced_accuracy"), of(&a, "acer")) {
            prop_assert!((balanced - (1.0 - acer)).abs() < 1e-15);
        }
        if let (Some(d), Some(e)) = (of(&a, "d_prime"), of(&b, "d_prime")) {
            prop_assert!((d - e).abs() < 1e-9 * d.abs().max(1.0), "{} {}", d, e);
        }
    }

    #[test]
    fn a_partial_auc_up_to_one_is_the_auc((labels, scores) in ranked()) {
        let rows: Vec<_> = labels.iter().zip(&scores).map(|(l, s)| row(if *l { "f" } else { "r" }, u32::from(*l), *s)).collect();
        let options = |max_fpr| cyborg_eval::MetricOptions { max_fpr, ..cyborg_eval::MetricOptions::default() };
        let of = |max_fpr| {
            let table = cyborg_eval::run_metrics_with(&frame(&rows), &plan(&[], &[]), &options(max_fpr)).unwrap();
            [crate::data::f64_at(&table, 0, "auc"), crate::data::f64_at(&table, 0, "partial_auc")]
        };
        prop_assert_eq!(of(1.0)[0], of(1.0)[1]);
        // Standardised: (area - 1/2) / (1/2) at 1, and continuous towards it.
        prop_assert!((of(1.0)[0].unwrap() - of(1.0 - 1e-9)[1].unwrap()).abs() < 1e-6);
        prop_assert_eq!(of(0.0)[1], None);
    }

    #[test]
    fn auc_is_the_area_under_the_roc((labels, scores) in ranked()) {
        let roc = roc_points(&labels, &scores).unwrap();
        let widths = roc.fpr.windows(2).map(|w| w[1] - w[0]);
        let heights = roc.tpr.windows(2).map(|w| f64::midpoint(w[0], w[1]));
        let area: f64 = widths.zip(heights).map(|(w, h)| w * h).sum();
        let auc = Ranking::new(&labels, &scores).unwrap().auc();
        prop_assert!((area - auc).abs() < 1e-12, "{} {}", area, auc);
    }

    #[test]
    fn eer_lies_on_the_roc((labels, scores) in ranked()) {
        let roc = roc_points(&labels, &scores).unwrap();
        let eer = Ranking::new(&labels, &scores).unwrap().eer();
        // The upper end of the curve at that false positive rate misses no more than the EER; just before, no less.
        let at = roc_on_grid(&roc, &[eer + 1e-12, eer - 1e-12]);
        prop_assert!(1.0 - at[0] <= eer + 1e-9);
        prop_assert!(eer < 1e-12 || 1.0 - at[1] >= eer - 1e-9);
    }
}

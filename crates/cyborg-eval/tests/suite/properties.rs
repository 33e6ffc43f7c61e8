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

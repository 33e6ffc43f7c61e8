//! Rates, partial AUC, calibration and tests against scikit-learn, SciPy and plain NumPy; `golden/make_golden_rates.py`
//! says how and with which versions.

use crate::data::{f64_at, find, frame, plan, row, str_at};
use crate::golden::{assert_close, labels, numbers, records};
use cyborg_eval::{
    METRIC_INFO, METRICS, MetricOptions, SourceGroup, bca_interval, delong, delong_paired, holm, metric,
    percentile_interval, reliability, run_metrics, run_metrics_with, wilcoxon_signed_rank,
};
use polars::prelude::DataFrame;

fn scores(labels: &[bool], scores: &[f64]) -> DataFrame {
    let rows: Vec<_> = labels
        .iter()
        .zip(scores)
        .map(|(&label, &score)| row(if label { "GAN" } else { "FFHQ" }, u32::from(label), score))
        .collect();
    frame(&rows)
}

/// Off by 2.6e-15 (d') and 6.2e-16 (all others) at most: sums in another order than NumPy's. 2e-14 leaves room for other
/// platforms' NumPy.
#[test]
fn rates_equal_scikit_learn() {
    let records = records("rates.csv");
    assert_eq!(records.len(), 6);
    for r in &records {
        let scores = scores(&labels(&r[1]), &numbers(&r[2]));
        let metrics = run_metrics(&scores, &plan(&[], &[])).unwrap();
        let wide = MetricOptions { max_fpr: 0.37, ..MetricOptions::default() };
        let wide = run_metrics_with(&scores, &plan(&[], &[]), &wide).unwrap();
        let check = |table: &DataFrame, metric: &str, field: usize| {
            let found = f64_at(table, 0, metric);
            if r[field].is_empty() {
                assert_eq!(found, None, "{metric}, {}", &r[0]);
                let reasons = str_at(table, 0, "metric_reasons").unwrap();
                assert!(reasons.contains(metric), "{reasons}");
            } else {
                let expected: f64 = r[field].parse().unwrap();
                assert_close(&format!("{metric}, {}", &r[0]), found.unwrap(), expected, 2e-14);
            }
        };
        check(&metrics, "partial_auc", 3);
        check(&wide, "partial_auc", 4);
        check(&metrics, "balanced_accuracy", 5);
        check(&metrics, "d_prime", 6);
        check(&metrics, "tdr_at_fdr_0_1_percent", 7);
        check(&metrics, "tdr_at_fdr_0_2_percent", 8);
        check(&metrics, "tdr_at_fdr_1_percent", 9);
        check(&metrics, "tdr_at_fdr_5_percent", 10);
        check(&metrics, "apcer", 11);
        check(&metrics, "bpcer", 12);
        check(&metrics, "apcer_at_bpcer_1_percent", 13);
        check(&metrics, "ece", 14);
        check(&metrics, "brier", 15);
        let of = |metric: &str| f64_at(&metrics, 0, metric).unwrap();
        let error = delong(&labels(&r[1]), &numbers(&r[2]), 0.95).unwrap();
        assert_eq!((of("auc_se"), Some((of("auc_ci_low"), of("auc_ci_high")))), (error.se, error.ci));
        assert_close("ACER", of("acer"), 1.0 - of("balanced_accuracy"), 1e-15);
        assert_eq!((of("apcer_worst"), of("acer_worst")), (of("apcer"), of("acer")), "one source");
    }
}

/// The bins that the calibration error is made of give it again.
#[test]
fn reliability_bins_add_up_to_the_calibration_error() {
    for r in records("rates.csv") {
        let scores = scores(&labels(&r[1]), &numbers(&r[2]));
        let bins = reliability(&scores, &plan(&[], &[]), 15).unwrap();
        assert_eq!(bins.height(), 30, "one source, then all pooled");
        let n: Vec<u64> = bins.column("n").unwrap().u64().unwrap().into_no_null_iter().collect();
        let total: u64 = n[..15].iter().sum();
        assert_eq!(total as usize, scores.height());
        let gap = |i: usize| {
            let (mean, share) = (f64_at(&bins, i, "mean_score")?, f64_at(&bins, i, "share_positive")?);
            assert!(
                f64_at(&bins, i, "low").unwrap() <= mean + 1e-12
                    && mean <= f64_at(&bins, i, "high").unwrap() + 1e-12
            );
            Some((mean - share).abs() * n[i] as f64 / total as f64)
        };
        let ece: f64 = (0..15).filter_map(gap).sum();
        assert_close(&r[0], ece, r[14].parse().unwrap(), 2e-14);
    }
}

/// The fast form against the definition over all pairs: off by 1.1e-15 (z) and 3.1e-16 (all others) at most.
#[test]
fn delong_equals_the_definition() {
    let records = records("delong.csv");
    assert_eq!(records.len(), 5);
    for r in records {
        let (labels, baseline, candidate) = (labels(&r[0]), numbers(&r[1]), numbers(&r[2]));
        let expected = |i: usize| r[i].parse::<f64>().unwrap();
        let one = delong(&labels, &baseline, 0.95).unwrap();
        assert_close("AUC", one.auc, expected(3), 1e-15);
        assert_close("se", one.se, expected(4), 1e-14);
        assert_close("low", one.ci.unwrap().0, expected(5), 1e-14);
        assert_close("high", one.ci.unwrap().1, expected(6), 1e-14);
        let two = delong_paired(&labels, &baseline, &candidate, 0.95).unwrap();
        assert_eq!(two.auc_baseline, one.auc);
        assert_close("AUC of the candidate", two.auc_candidate, expected(7), 1e-15);
        assert_close("se of the difference", two.se, expected(8), 1e-14);
        assert_close("z", two.z.unwrap(), expected(9), 1e-14);
        assert_close("p", two.p.unwrap(), expected(10), 1e-14);
    }
}

/// Sums of ranks to the bit, and p where it is counted out; off by 1.2e-16 where it is normal.
#[test]
fn wilcoxon_equals_scipy() {
    let records = records("wilcoxon.csv");
    assert_eq!(records.len(), 14);
    for (i, r) in records.iter().enumerate() {
        let differences = numbers(&r[0]);
        let test = wilcoxon_signed_rank(&differences).unwrap();
        assert_eq!(test.exact, i < 12);
        let total = (test.n * (test.n + 1)) as f64 / 2.0;
        assert_eq!(test.w_plus + test.w_minus, total);
        let statistic: f64 = r[1].parse().unwrap();
        // SciPy's statistic is the lesser sum; by permutation it is that of the positive ones.
        assert!([test.w_plus, test.w_minus].contains(&statistic), "{i}: {test:?} {statistic}");
        assert_close(&format!("case {i}"), test.p, r[2].parse().unwrap(), 1e-15);
    }
    assert_eq!(wilcoxon_signed_rank(&[0.0, 0.0]), None);
    assert_eq!(wilcoxon_signed_rank(&[]), None);
    assert_eq!(wilcoxon_signed_rank(&[1.0, f64::NAN]), None);
}

#[test]
fn holm_equals_r() {
    for r in records("holm.csv") {
        let p: Vec<Option<f64>> = numbers(&r[0]).into_iter().map(Some).collect();
        for (found, expected) in holm(&p).into_iter().zip(numbers(&r[1])) {
            assert_close("Holm", found.unwrap(), expected, 1e-15);
        }
    }
}

/// Off by 1.2e-16 at most.
#[test]
fn intervals_equal_numpy_and_scipy() {
    let records = records("intervals.csv");
    assert_eq!(records.len(), 2);
    for r in records {
        let (value, replicates) = (r[0].parse().unwrap(), numbers(&r[1]));
        let jackknife = [numbers(&r[2]), numbers(&r[3])];
        let expected = |i: usize| r[i].parse::<f64>().unwrap();
        let (low, high) = percentile_interval(&replicates, 0.95).unwrap();
        assert_close("low", low, expected(4), 1e-14);
        assert_close("high", high, expected(5), 1e-14);
        let (low, high) = bca_interval(value, &replicates, &jackknife, 0.95).unwrap();
        assert_close("BCa low", low, expected(6), 1e-14);
        assert_close("BCa high", high, expected(7), 1e-14);
    }
    assert_eq!(percentile_interval(&[], 0.95), None);
    assert_eq!(percentile_interval(&[0.0, f64::NAN], 0.95), None);
    assert_eq!(percentile_interval(&[0.0, 1.0], 1.0), None);
    assert_eq!(bca_interval(2.0, &[0.0, 1.0], &[vec![0.0, 1.0]], 0.95), None, "all below the value");
    assert_eq!(
        bca_interval(0.5, &[0.0, 1.0], &[vec![0.5, 0.5]], 0.95),
        None,
        "nothing changes without a unit"
    );
}

#[test]
fn every_metric_is_described() {
    for (name, info) in METRICS.iter().zip(METRIC_INFO) {
        assert_eq!(*name, info.name);
        assert_eq!(metric(name), Some(&info));
        assert!(!info.title.is_empty() && !info.definition.is_empty());
    }
    let lower: Vec<&str> = METRIC_INFO.iter().filter(|m| m.lower_is_better).map(|m| m.name).collect();
    assert_eq!(lower.len(), 14, "{lower:?}");
}

/// Two attack types, one detected and one not: the worst is not hidden by the mean or the pool.
#[test]
fn the_worst_attack_type_has_its_own_column() {
    let mut rows = vec![row("live", 0, 0.1), row("live", 0, 0.6), row("live", 0, 0.2), row("live", 0, 0.3)];
    rows.extend((0..3).map(|i| row("print", 1, 0.7 + 0.1 * f64::from(i))));
    rows.push(row("mask", 1, 0.4));
    let metrics = run_metrics(&frame(&rows), &plan(&[], &[])).unwrap();
    let of = |source: &str, metric: &str| f64_at(&metrics, find(&metrics, "source", source), metric);
    assert_eq!((of("print", "apcer"), of("mask", "apcer")), (Some(0.0), Some(1.0)));
    assert_eq!((of("all mean", "apcer"), of("all mean", "apcer_worst")), (Some(0.5), Some(1.0)));
    assert_eq!((of("all pooled", "apcer"), of("all pooled", "apcer_worst")), (Some(0.25), Some(1.0)));
    for row in ["all mean", "all pooled", "unseen mean"] {
        assert_eq!((of(row, "bpcer"), of(row, "acer_worst")), (Some(0.25), Some(0.625)), "{row}");
    }
}

#[test]
fn what_cannot_be_had_is_null_and_says_why() {
    let some = scores(&[true, true, false, false], &[0.9, 0.6, 0.7, 0.2]);
    let metrics = run_metrics(&some, &plan(&[], &[])).unwrap();
    let reasons = str_at(&metrics, 0, "metric_reasons").unwrap();
    assert_eq!(
        reasons,
        "tdr_at_fdr_0_1_percent: one of 2 negative images is more than 0.1 %; tdr_at_fdr_0_2_percent: one of 2 negative \
         images is more than 0.2 %; tdr_at_fdr_1_percent, apcer_at_bpcer_1_percent: one of 2 negative images is more \
         than 1 %; tdr_at_fdr_5_percent, apcer_at_bpcer_5_percent: one of 2 negative images is more than 5 %; \
         apcer_at_bpcer_10_percent: one of 2 negative images is more than 10 %; accuracy_at_validation, \
         balanced_accuracy_at_validation, apcer_at_validation, bpcer_at_validation, acer_at_validation: \
         no threshold was chosen on validation images"
    );
    assert_eq!(str_at(&metrics, 0, "reason"), None);
    let mean = find(&metrics, "source", "all mean");
    let of_mean = str_at(&metrics, mean, "metric_reasons").unwrap();
    assert!(
        of_mean.contains(
            "tdr_at_fdr_5_percent, apcer_at_bpcer_5_percent: `GAN` has no value, one of 2 negative images is more"
        ),
        "{of_mean}"
    );

    // One image of a class: no spread. All scores of each class equal: no d', and DeLong has no variance.
    let one = run_metrics(&scores(&[true, false, false], &[0.9, 0.1, 0.2]), &plan(&[], &[])).unwrap();
    assert_eq!((f64_at(&one, 0, "d_prime"), f64_at(&one, 0, "auc_se")), (None, None));
    let reasons = str_at(&one, 0, "metric_reasons").unwrap();
    assert!(reasons.contains("d_prime: a standard deviation needs two images of each class"), "{reasons}");
    assert!(reasons.contains("auc_ci: there is one positive image, and a variance needs two"), "{reasons}");
    let flat =
        run_metrics(&scores(&[true, true, false, false], &[0.9, 0.9, 0.1, 0.1]), &plan(&[], &[])).unwrap();
    assert_eq!((f64_at(&flat, 0, "auc"), f64_at(&flat, 0, "d_prime")), (Some(1.0), None));
    assert_eq!((f64_at(&flat, 0, "auc_se"), f64_at(&flat, 0, "auc_ci_low")), (Some(0.0), None));
    assert!(str_at(&flat, 0, "metric_reasons").unwrap().contains("the scores of either class are all equal"));

    // Nothing but ties: no metric at all.
    let tied = run_metrics(&scores(&[true, true, false], &[0.5; 3]), &plan(&[], &[])).unwrap();
    for metric in METRICS {
        assert_eq!(f64_at(&tied, 0, metric), None, "{metric}");
    }
    assert_eq!(str_at(&tied, 0, "reason").as_deref(), Some("all 3 scores are 0"));
}

#[test]
fn scores_on_a_scale_of_their_own_have_no_calibration() {
    let scores = scores(&[true, true, false, false], &[7.0, 2.0, 3.0, -4.0]);
    let metrics = run_metrics(&scores, &plan(&[], &[])).unwrap();
    assert_eq!(f64_at(&metrics, 0, "auc"), Some(0.75));
    for metric in ["accuracy", "apcer", "acer_worst", "balanced_accuracy", "ece", "brier"] {
        assert_eq!(f64_at(&metrics, 0, metric), None, "{metric}");
    }
    let reasons = str_at(&metrics, 0, "metric_reasons").unwrap();
    assert!(reasons.contains("accuracy, balanced_accuracy, apcer"), "{reasons}");
    assert!(reasons.contains("no threshold was given"), "{reasons}");
    let options = MetricOptions { threshold: Some(1.0), ..MetricOptions::default() };
    let metrics = run_metrics_with(&scores, &plan(&[], &[]), &options).unwrap();
    assert_eq!((f64_at(&metrics, 0, "accuracy"), f64_at(&metrics, 0, "bpcer")), (Some(0.75), Some(0.5)));
    assert_eq!(f64_at(&metrics, 0, "brier"), None);
}

#[test]
fn groups_have_rows_of_their_own() {
    let rows = [
        row("FFHQ", 0, 0.2),
        row("CelebA", 0, 0.5),
        row("ProGAN", 1, 0.4),
        row("StyleGAN", 1, 0.6),
        row("Diffusion", 1, 0.1),
    ];
    let group = |name: &str, sources: &[&str]| SourceGroup {
        name: name.to_owned(),
        sources: sources.iter().map(ToString::to_string).collect(),
    };
    let pairs: &[(&str, &[&str])] = &[("ProGAN", &["CelebA"]), ("StyleGAN", &["FFHQ"])];
    let options = MetricOptions {
        groups: vec![group("GANs", &["ProGAN", "StyleGAN", "BigGAN"]), group("other", &["BigGAN"])],
        ..MetricOptions::default()
    };
    let metrics = run_metrics_with(&frame(&rows), &plan(pairs, &[]), &options).unwrap();
    let at = |source: &str| find(&metrics, "source", source);
    // ProGAN below CelebA: 0. StyleGAN above FFHQ: 1. Together, against both: 0.4 > 0.2, 0.6 > both: 3 of 4.
    assert_eq!(f64_at(&metrics, at("GANs mean"), "auc"), Some(0.5));
    assert_eq!(f64_at(&metrics, at("GANs pooled"), "auc"), Some(0.75));
    for row in ["GANs mean", "GANs pooled"] {
        assert_eq!(
            str_at(&metrics, at(row), "reason").as_deref(),
            Some("without `BigGAN`, which the test set does not have")
        );
    }
    assert_eq!(f64_at(&metrics, at("other mean"), "auc"), None);
    assert_eq!(
        str_at(&metrics, at("other mean"), "reason").as_deref(),
        Some("none of the group's sources is in the test set: `BigGAN`")
    );
    assert_eq!(f64_at(&metrics, at("other pooled"), "auc"), None);
    let wrong = |options: MetricOptions| {
        run_metrics_with(&frame(&rows), &plan(pairs, &[]), &options).unwrap_err().to_string()
    };
    assert_eq!(
        wrong(MetricOptions { threshold: Some(f64::NAN), ..MetricOptions::default() }),
        "the threshold is NaN, expected a finite number"
    );
    assert_eq!(
        wrong(MetricOptions { calibration_bins: 0, ..MetricOptions::default() }),
        "the number of calibration bins is 0, expected 1 to 10,000"
    );
    let taken = MetricOptions { groups: vec![group("all", &[])], ..MetricOptions::default() };
    let error = run_metrics_with(&frame(&rows), &plan(pairs, &[]), &taken).unwrap_err();
    assert!(error.to_string().starts_with("group of sources `all`: the name is taken"), "{error}");
}

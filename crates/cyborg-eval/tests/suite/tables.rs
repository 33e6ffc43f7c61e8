//! Metrics of a run, of all runs, over seeds, and of two methods.

use crate::data::{ALL, bool_at, f64_at, find, frame, key, plan, row, str_at, strings, u32_at};
use cyborg_eval::{
    BandPoint, EvalError, METRICS, Ranking, Roc, ScoreRow, Undefined, average_roc, band, collect_metrics,
    compare, compare_all, read_parquet, roc_points, run_metrics, run_rocs, spread, summarise, write_parquet,
};
use polars::prelude::{Column, DataFrame};

/// Two generators, two authentic sources. ProGAN is tested against CelebA alone.
fn faces() -> Vec<ScoreRow> {
    vec![
        row("CelebA", 0, 0.1),
        row("CelebA", 0, 0.6),
        row("FFHQ", 0, 0.9),
        row("ProGAN", 1, 0.7),
        row("ProGAN", 1, 0.6),
        row("StyleGAN", 1, 0.8),
    ]
}

fn values(table: &DataFrame, row: usize) -> [Option<f64>; METRICS.len()] {
    METRICS.map(|metric| f64_at(table, row, metric))
}

#[test]
fn a_source_meets_its_own_negatives() {
    let metrics = run_metrics(&frame(&faces()), &plan(&[("ProGAN", &["CelebA"])], &["StyleGAN"])).unwrap();
    assert_eq!(strings(&metrics, "source"), [&["ProGAN", "StyleGAN"][..], &ALL].concat());
    assert_eq!(strings(&metrics, "kind"), [&["source"; 2][..], &["aggregate"; 4]].concat());

    // ProGAN 0.7, 0.6 against CelebA 0.1, 0.6: of 4 pairs 3 in order, 1 tied. Accuracy: 0.6 >= 0.5 is wrong.
    // AP: recall 1/2 at precision 1, recall 1 at precision 2/3. ROC (0, 1/2), (1/2, 1): FPR = FNR at 1/4.
    let expected = [3.5 / 4.0, 0.5 + 0.5 * (2.0 / 3.0), 0.75, 0.25];
    assert_eq!(values(&metrics, 0)[..4], expected.map(Some));
    assert_eq!((u32_at(&metrics, 0, "n_positive"), u32_at(&metrics, 0, "n_negative")), (Some(2), Some(2)));
    // StyleGAN 0.8 against all: 2 of 3 in order; at threshold 0.8 precision 1/2, accuracy 2 of 4.
    assert_eq!(values(&metrics, 1)[..3], [2.0 / 3.0, 0.5, 0.5].map(Some));
    assert_eq!(u32_at(&metrics, 1, "n_negative"), Some(3));

    let [unseen, seen, all, pooled] = ALL.map(|name| find(&metrics, "source", name));
    assert_eq!(values(&metrics, unseen), values(&metrics, 0));
    assert_eq!(values(&metrics, seen), values(&metrics, 1));
    assert_eq!(f64_at(&metrics, all, "auc"), Some(f64::midpoint(3.5 / 4.0, 2.0 / 3.0)));
    assert_eq!(
        [0, 1, unseen, seen, all, pooled].map(|i| bool_at(&metrics, i, "seen")),
        [Some(false), Some(true), Some(false), Some(true), None, None]
    );
    assert_eq!(
        [0, unseen, all, pooled].map(|i| u32_at(&metrics, i, "n_sources")),
        [Some(1), Some(1), Some(2), Some(2)]
    );
    assert_eq!([unseen, seen, all].map(|i| u32_at(&metrics, i, "n_negative")), [Some(2), Some(3), Some(3)]);
    // Pot: 0.8, 0.7, 0.6 against 0.9, 0.6, 0.1: 2 + 2 + 1.5 of 9 in order; right are 0.1 and the three positives.
    assert_eq!(f64_at(&metrics, pooled, "auc"), Some(5.5 / 9.0));
    assert_eq!(f64_at(&metrics, pooled, "accuracy"), Some(4.0 / 6.0));
    assert_eq!(metrics.column("reason").unwrap().null_count(), metrics.height());
}

/// What `run_metrics` says of scores for which something is missing.
fn check_reason(rows: &[ScoreRow], pairs: &[(&str, &[&str])], seen: &[&str], source: &str, expected: &str) {
    let metrics = run_metrics(&frame(rows), &plan(pairs, seen)).unwrap();
    let at = find(&metrics, "source", source);
    assert_eq!(str_at(&metrics, at, "reason").as_deref(), Some(expected));
    assert_eq!(values(&metrics, at), [None; METRICS.len()], "{source}");
}

#[test]
fn what_cannot_be_had_is_null_with_a_reason() {
    let authentic = &faces()[..3];
    let synthetic = &faces()[3..];
    check_reason(&[], &[], &[], "all pooled", "there is no image");
    check_reason(&[], &[], &[], "all mean", "there is no positive source");
    check_reason(authentic, &[], &[], "all pooled", "there is no positive image");
    check_reason(authentic, &[], &[], "unseen mean", "no positive source is unseen");
    check_reason(authentic, &[], &[], "seen mean", "no positive source was seen in training or validation");
    check_reason(synthetic, &[], &[], "ProGAN", "there is no negative image");
    check_reason(synthetic, &[], &[], "all pooled", "there is no negative image");
    check_reason(
        synthetic,
        &[],
        &[],
        "unseen mean",
        "`ProGAN` has no value: there is no negative image (1 more have none)",
    );

    let mut rows = faces();
    rows[3].score = f64::NAN;
    check_reason(&rows, &[], &[], "ProGAN", "1 of 5 scores is not a finite number");
    check_reason(&rows, &[], &[], "all pooled", "1 of 6 scores is not a finite number");
    check_reason(&rows, &[], &[], "all mean", "`ProGAN` has no value: 1 of 5 scores is not a finite number");
    let metrics = run_metrics(&frame(&rows), &plan(&[], &[])).unwrap();
    assert!(f64_at(&metrics, 1, "auc").is_some(), "StyleGAN does not suffer");

    let missing = "the negative source `FRGC` that it is paired with has no negative image among the scores";
    check_reason(&faces(), &[("ProGAN", &["CelebA", "FRGC"])], &[], "ProGAN", missing);
    check_reason(
        &faces(),
        &[("ProGAN", &["CelebA", "FRGC"])],
        &[],
        "all mean",
        &format!("`ProGAN` has no value: {missing}"),
    );
    // A generator is not a negative source.
    let missing = missing.replace("FRGC", "StyleGAN");
    check_reason(&faces(), &[("ProGAN", &["StyleGAN"])], &[], "ProGAN", &missing);
}

#[test]
fn a_source_that_is_not_in_the_test_set_is_left_out_of_means() {
    let metrics = run_metrics(&frame(&faces()), &plan(&[("StarGAN", &["CelebA"])], &[])).unwrap();
    assert_eq!(strings(&metrics, "source")[..3], ["ProGAN", "StyleGAN", "StarGAN"]);
    assert_eq!(str_at(&metrics, 2, "reason").as_deref(), Some("there is no positive image"));
    assert_eq!(values(&metrics, 2), [None; METRICS.len()]);
    let mean = find(&metrics, "source", "unseen mean");
    assert_eq!(u32_at(&metrics, mean, "n_sources"), Some(2));
    assert!(f64_at(&metrics, mean, "auc").is_some());
    assert_eq!(
        str_at(&metrics, mean, "reason").as_deref(),
        Some("without `StarGAN`, of which the test set has no positive image")
    );
}

#[test]
fn a_source_may_hold_both_classes() {
    let rows = [row("Ward A", 0, 0.4), row("Ward A", 1, 0.6), row("Ward B", 0, 0.7), row("Ward B", 1, 0.9)];
    let within = plan(&[("Ward A", &["Ward A"])], &[]);
    let metrics = run_metrics(&frame(&rows), &within).unwrap();
    assert_eq!(f64_at(&metrics, 0, "auc"), Some(1.0));
    let across = run_metrics(&frame(&rows), &plan(&[], &[])).unwrap();
    assert_eq!(f64_at(&across, 0, "auc"), Some(0.5));
}

#[test]
fn one_source_per_class_and_one_class_against_the_rest() {
    let of = |source: &str, label, predicted, score| ScoreRow {
        predicted,
        logits: vec![0.0; 3],
        ..row(source, label, score)
    };
    // Positive is class 1. The lynx called a dog is right for "cat or not", wrong for the accuracy of three classes.
    let rows = [of("dog", 0, 0, 0.2), of("cat", 1, 1, 0.45), of("cat", 1, 0, 0.3), of("lynx", 2, 0, 0.3)];
    let metrics = run_metrics(&frame(&rows), &plan(&[], &[])).unwrap();
    assert_eq!(strings(&metrics, "source"), [&["cat"][..], &ALL].concat());
    assert_eq!(f64_at(&metrics, 0, "auc"), Some(3.5 / 4.0));
    assert_eq!(f64_at(&metrics, 0, "accuracy"), Some(0.5));
    // Without logits the classes tell: a 2 among them means more than two.
    let bare: Vec<ScoreRow> = rows.iter().map(|r| ScoreRow { logits: vec![], ..r.clone() }).collect();
    assert_eq!(f64_at(&run_metrics(&frame(&bare), &plan(&[], &[])).unwrap(), 0, "accuracy"), Some(0.5));
}

#[test]
fn accuracy_of_two_classes_is_by_score_and_a_half_is_positive() {
    let rows = [row("r", 0, 0.5), row("f", 1, 0.5), row("r", 0, 0.49)];
    let metrics = run_metrics(&frame(&rows), &plan(&[], &[])).unwrap();
    assert_eq!(f64_at(&metrics, 0, "accuracy"), Some(2.0 / 3.0));
    // Positive may be class 0; the score is then that of class 0.
    let mut other = plan(&[], &[]);
    other.positive = 0;
    let metrics = run_metrics(&frame(&[row("r", 0, 0.9), row("f", 1, 0.4)]), &other).unwrap();
    assert_eq!((f64_at(&metrics, 0, "accuracy"), f64_at(&metrics, 0, "auc")), (Some(1.0), Some(1.0)));
}

#[test]
fn rocs_are_those_of_the_table() {
    let plan = plan(&[("ProGAN", &["CelebA"])], &["StyleGAN"]);
    let rocs = run_rocs(&frame(&faces()), &plan).unwrap();
    assert_eq!(
        rocs.iter().map(|r| (r.source.as_str(), r.seen)).collect::<Vec<_>>(),
        [("ProGAN", false), ("StyleGAN", true)]
    );
    assert_eq!(rocs[0].roc, roc_points(&[false, false, true, true], &[0.1, 0.6, 0.7, 0.6]));
    let rocs = run_rocs(&frame(&faces()[..4]), &crate::data::plan(&[("ProGAN", &["FRGC"])], &[])).unwrap();
    assert_eq!(rocs[0].roc, Err(Undefined::NoPairedNegatives { negative: "FRGC".to_owned() }));
}

#[test]
fn rankings_refuse_what_has_no_rank() {
    let refused = |labels: &[bool], scores: &[f64]| Ranking::new(labels, scores).unwrap_err();
    assert_eq!(refused(&[], &[]), Undefined::NoImages);
    assert_eq!(refused(&[false], &[0.1]), Undefined::NoPositives);
    assert_eq!(refused(&[true], &[0.1]), Undefined::NoNegatives);
    assert_eq!(refused(&[true, false], &[f64::NAN, f64::INFINITY]), Undefined::NotFinite { n: 2, of: 2 });
    let mismatch = refused(&[true, false], &[0.1]);
    assert_eq!(mismatch.to_string(), "there are 2 labels and 1 scores");
    assert_eq!(roc_points(&[true], &[0.1]), Err(Undefined::NoNegatives));
}

/// A run in which `unseen mean` and ProGAN have this AUC.
fn run_with_auc(auc: Option<f64>) -> DataFrame {
    // 1 positive against 4 negatives: an AUC of k / 4.
    let n_below = auc.map_or(0, |auc| (auc * 4.0).round() as usize);
    let negatives = (0..4).map(|i| row("FFHQ", 0, if i < n_below { 0.2 } else { 0.8 }));
    let positive = row("ProGAN", 1, if auc.is_some() { 0.6 } else { f64::NAN });
    let rows: Vec<ScoreRow> = negatives.chain([positive]).collect();
    run_metrics(&frame(&rows), &plan(&[], &[])).unwrap()
}

fn all_runs(runs: &[(&str, u64, Option<f64>)]) -> DataFrame {
    let runs: Vec<_> =
        runs.iter().map(|(method, seed, auc)| (key(method, *seed), run_with_auc(*auc))).collect();
    collect_metrics(&runs).unwrap()
}

#[test]
fn collected_runs_stay_in_order() {
    let metrics = all_runs(&[("cyborg", 1, Some(0.5)), ("ce", 0, Some(0.25))]);
    assert_eq!(metrics.height(), 10);
    assert_eq!(strings(&metrics, "method"), [["cyborg"; 5], ["ce"; 5]].concat());
    assert_eq!(metrics.column("seed").unwrap().u64().unwrap().get(0), Some(1));
    let names: Vec<&str> = metrics.columns().iter().map(|c| c.name().as_str()).collect();
    assert_eq!(names[..5], ["data", "method", "backbone", "seed", "kind"]);
    assert_eq!(collect_metrics(&[]).unwrap().shape(), (0, names.len()));
}

#[test]
fn a_run_given_twice_is_an_error() {
    let runs = [(key("ce", 3), run_with_auc(Some(0.5))), (key("ce", 3), run_with_auc(Some(0.5)))];
    let error = collect_metrics(&runs).unwrap_err();
    assert!(matches!(error, EvalError::Duplicate { .. }));
    assert_eq!(
        error.to_string(),
        "two rows for `ProGAN` in data `faces`, method `ce`, backbone `resnet18`, seed 3: give each run once"
    );
    let once = collect_metrics(&runs[..1]).unwrap();
    let twice = once.vstack(&once).unwrap();
    assert!(matches!(summarise(&twice), Err(EvalError::Duplicate { .. })));
    assert!(matches!(compare(&twice, "ce", "cyborg"), Err(EvalError::Duplicate { .. })));
}

#[test]
fn frames_of_something_else_are_errors() {
    let other = DataFrame::new_infer_height(vec![Column::new("kind".into(), vec!["source"])]).unwrap();
    let error = collect_metrics(&[(key("ce", 0), other.clone())]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the metrics of data `faces`, method `ce`, backbone `resnet18`, seed 0 has no column `source`, only `kind`"
    );
    assert!(matches!(summarise(&other), Err(EvalError::MissingColumn { .. })));
    assert!(matches!(run_metrics(&other, &plan(&[], &[])), Err(EvalError::MissingColumn { .. })));
    assert!(matches!(run_rocs(&DataFrame::empty(), &plan(&[], &[])), Err(EvalError::MissingColumn { .. })));
}

#[test]
fn summaries_take_means_over_seeds() {
    let metrics = all_runs(&[
        ("ce", 0, Some(0.5)),
        ("cyborg", 0, Some(1.0)),
        ("ce", 1, Some(0.75)),
        ("ce", 2, Some(1.0)),
    ]);
    let summary = summarise(&metrics).unwrap();
    // Methods by first appearance, each with all its sources, though the runs are mixed.
    assert_eq!(strings(&summary, "method"), [["ce"; 5], ["cyborg"; 5]].concat());
    assert_eq!(strings(&summary, "source")[..5], [&["ProGAN"][..], &ALL].concat());
    assert_eq!(u32_at(&summary, 0, "n_seeds"), Some(3));
    let of = |row, name: &str| f64_at(&summary, row, name);
    assert_eq!(
        ["auc_mean", "auc_sd", "auc_min", "auc_max"].map(|c| of(0, c)),
        [0.75, 0.25, 0.5, 1.0].map(Some)
    );
    assert_eq!(["auc_mean", "auc_sd"].map(|c| of(5, c)), [Some(1.0), None], "one seed has no spread");
    assert_eq!(bool_at(&summary, 0, "seen"), Some(false));
    assert_eq!(str_at(&summary, 0, "reason"), None);
    let empty = summarise(&collect_metrics(&[]).unwrap()).unwrap();
    assert_eq!(empty.shape(), (0, summary.width()));
}

#[test]
fn a_seed_without_a_value_leaves_no_mean() {
    let metrics = all_runs(&[
        ("ce", 0, Some(0.5)),
        ("ce", 7, None),
        ("cyborg", 0, Some(1.0)),
        ("cyborg", 7, Some(1.0)),
    ]);
    let summary = summarise(&metrics).unwrap();
    assert_eq!((f64_at(&summary, 0, "auc_mean"), f64_at(&summary, 0, "auc_max")), (None, None));
    assert_eq!(
        str_at(&summary, 0, "reason").as_deref(),
        Some("seed 7: 1 of 5 scores is not a finite number")
    );
    let tests = compare(&metrics, "ce", "cyborg").unwrap();
    assert_eq!((u32_at(&tests, 0, "n_pairs"), f64_at(&tests, 0, "mean_difference")), (Some(2), None));
    assert_eq!(
        str_at(&tests, 0, "reason").as_deref(),
        Some("`ce`, seed 7: 1 of 5 scores is not a finite number")
    );
}

#[test]
fn comparisons_pair_by_seed() {
    let metrics = all_runs(&[
        ("ce", 0, Some(0.25)),
        ("ce", 1, Some(0.5)),
        ("ce", 2, Some(0.5)),
        ("ce", 9, Some(0.0)), // no partner
        ("cyborg", 2, Some(0.5)),
        ("cyborg", 1, Some(0.75)),
        ("cyborg", 0, Some(1.0)),
        ("gala", 0, Some(1.0)), // not asked for
    ]);
    let tests = compare(&metrics, "ce", "cyborg").unwrap();
    assert_eq!(tests.height(), 5 * METRICS.len());
    assert_eq!(strings(&tests, "metric")[..METRICS.len()], METRICS);
    assert_eq!(["n_pairs", "n_unpaired", "df"].map(|c| u32_at(&tests, 0, c)), [Some(3), Some(1), Some(2)]);
    // Differences 0.75, 0.25, 0: mean 1/3, variance (0.75^2 + 0.25^2 - 3 / 9) / 2 = 7/48.
    let of = |name: &str| f64_at(&tests, 0, name).unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} {b}");
    close(of("mean_baseline"), 1.25 / 3.0);
    close(of("mean_candidate"), 2.25 / 3.0);
    close(of("mean_difference"), 1.0 / 3.0);
    close(of("sd_difference"), (7.0_f64 / 48.0).sqrt());
    close(of("cohens_dz"), (1.0 / 3.0) / (7.0_f64 / 48.0).sqrt());
    close(of("t"), of("cohens_dz") * 3.0_f64.sqrt());
    assert_eq!(["wins", "losses", "ties"].map(|c| u32_at(&tests, 0, c)), [Some(2), Some(0), Some(1)]);
    // Flips of 0.75, 0.25 with a sum as far out as 1: both signs alike, 4 of 8 (the 0 counts twice).
    assert_eq!((of("p_sign_flip"), of("p_sign_flip_min")), (0.5, 0.25));
    assert_eq!(str_at(&tests, 3, "metric").as_deref(), Some("eer"));
    assert_eq!(
        ["wins", "losses", "ties"].map(|c| u32_at(&tests, 3, c)),
        [Some(2), Some(0), Some(1)],
        "lower is better"
    );
    assert!(f64_at(&tests, 3, "mean_difference").unwrap() < 0.0);
}

/// Two pairs of methods: the sources of both are one family, the aggregates one each.
#[test]
fn comparisons_are_corrected_as_one_family() {
    let metrics = all_runs(&[
        ("ce", 0, Some(0.25)),
        ("ce", 1, Some(0.5)),
        ("ce", 2, Some(0.25)),
        ("cyborg", 0, Some(0.75)),
        ("cyborg", 1, Some(0.75)),
        ("cyborg", 2, Some(1.0)),
        ("gala", 0, Some(0.5)),
        ("gala", 1, Some(0.5)),
        ("gala", 2, Some(0.25)),
    ]);
    let pair = |candidate: &str| ("ce".to_owned(), candidate.to_owned());
    let tests = compare_all(&metrics, &[pair("cyborg"), pair("gala")]).unwrap();
    assert_eq!(tests.height(), 2 * 5 * METRICS.len());
    let gala = 5 * METRICS.len();
    let (p, q) = (f64_at(&tests, 0, "p").unwrap(), f64_at(&tests, gala, "p").unwrap());
    assert!(
        p < q
            && f64_at(&tests, 0, "p_holm") == Some(2.0 * p)
            && f64_at(&tests, gala, "p_holm") == Some(q.max(2.0 * p))
    );
    assert_eq!((u32_at(&tests, 0, "n_family"), u32_at(&tests, gala, "n_family")), (Some(2), Some(2)));
    assert_eq!(
        str_at(&tests, 0, "family").as_deref(),
        Some("auc of all sources, over data sets, backbones and pairs of methods")
    );
    // Alone there is nothing to correct; a null p (here of the EER at the same value) takes no part.
    let alone = compare(&metrics, "ce", "cyborg").unwrap();
    assert_eq!((f64_at(&alone, 0, "p_holm"), u32_at(&alone, 0, "n_family")), (Some(p), Some(1)));
    let unseen = (0..tests.height()).filter(|&i| strings(&tests, "source")[i] == "unseen mean");
    assert_eq!(unseen.filter(|&i| strings(&tests, "metric")[i] == "auc").count(), 2);
    // Wilcoxon: 0.5, 0.25, 0.75 all up; 0.25, 0, 0: one difference left.
    assert_eq!(
        ["w_plus", "w_minus", "p_wilcoxon", "rank_biserial"].map(|c| f64_at(&tests, 0, c)),
        [6.0, 0.0, 0.25, 1.0].map(Some)
    );
    assert_eq!(["w_plus", "p_wilcoxon"].map(|c| f64_at(&tests, gala, c)), [1.0, 1.0].map(Some));
    let none = compare_all(&metrics, &[]).unwrap();
    assert_eq!((none.height(), none.width()), (0, tests.width()));
}

#[test]
fn a_metric_that_is_missing_in_one_seed_says_so_in_the_comparison() {
    let metrics = all_runs(&[
        ("ce", 0, Some(0.25)),
        ("cyborg", 0, Some(0.75)),
        ("ce", 1, Some(0.5)),
        ("cyborg", 1, Some(1.0)),
    ]);
    let tests = compare(&metrics, "ce", "cyborg").unwrap();
    let at = METRICS.iter().position(|metric| *metric == "tdr_at_fdr_1_percent").unwrap();
    assert_eq!(f64_at(&tests, at, "mean_difference"), None);
    assert_eq!(
        str_at(&tests, at, "reason").as_deref(),
        Some("`ce`, seed 0: one of 4 negative images is more than 1 %")
    );
}

#[test]
fn comparisons_without_partner_have_a_reason() {
    let metrics = all_runs(&[("ce", 0, Some(0.25)), ("cyborg", 1, Some(0.5))]);
    let reason = |baseline: &str, candidate: &str| {
        let tests = compare(&metrics, baseline, candidate).unwrap();
        assert_eq!((u32_at(&tests, 0, "n_pairs"), f64_at(&tests, 0, "p")), (Some(0), None));
        str_at(&tests, 0, "reason").unwrap()
    };
    assert_eq!(reason("ce", "cyborg"), "no seed in both methods");
    assert_eq!(reason("ce", "gala"), "`gala` has no run");
    assert_eq!(reason("gala", "ce"), "`gala` has no run");
    assert_eq!(compare(&metrics, "gala", "mentor").unwrap().height(), 0);
}

#[test]
fn tables_of_one_content_have_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, frame: &DataFrame| {
        let path = folder.path().join(name);
        write_parquet(&path, frame).unwrap();
        assert!(read_parquet(&path).unwrap().equals_missing(frame));
        fs_err::read(path).unwrap()
    };
    let whole = all_runs(&[("ce", 0, Some(0.5)), ("cyborg", 0, None)]);
    let mut pieces = whole.head(Some(3));
    pieces.vstack_mut(&whole.slice(3, 7)).unwrap();
    assert_eq!(bytes("whole", &whole), bytes("pieces", &pieces));
}

#[test]
fn curves_are_averaged_at_each_x() {
    let points = band(&[vec![(2.0, 1.0), (1.0, 3.0)], vec![(1.0, 5.0), (2.0, f64::NAN)]]);
    assert_eq!(points.iter().map(|p| p.x).collect::<Vec<_>>(), [1.0, 2.0]);
    let y = points[0].y.unwrap();
    assert_eq!((y.n, y.mean, y.sd, y.min, y.max), (2, 4.0, Some(2.0_f64.sqrt()), 3.0, 5.0));
    assert_eq!(points[1], BandPoint { x: 2.0, y: None });
    assert_eq!(band(&[]), []);
    assert_eq!(spread(&[]), None);

    let roc = |tpr: f64| Roc {
        fpr: vec![0.0, 0.0, 1.0],
        tpr: vec![0.0, tpr, 1.0],
        thresholds: vec![f64::INFINITY, 1.0, 0.0],
    };
    let average = average_roc(&[roc(0.5), roc(1.0)], &[0.0, 0.5, 1.0]);
    let means: Vec<f64> = average.iter().map(|p| p.y.unwrap().mean).collect();
    assert_eq!(means, [0.75, 0.875, 1.0]);
}

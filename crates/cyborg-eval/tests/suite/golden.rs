//! Against scikit-learn and SciPy; `golden/make_golden.py` says how and with which versions.

use cyborg_eval::{Ranking, Undefined, fpr_grid, paired_test, roc_on_grid, roc_points};

pub(crate) fn records(name: &str) -> Vec<csv::StringRecord> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(path).unwrap();
    reader.records().collect::<Result<_, _>>().unwrap()
}

pub(crate) fn numbers(field: &str) -> Vec<f64> {
    field.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

pub(crate) fn labels(field: &str) -> Vec<bool> {
    field.chars().map(|c| c == '1').collect()
}

/// `relative` to the expected value, with 1 as the least unit.
pub(crate) fn assert_close(what: &str, found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error <= tolerance || found == expected, "{what}: {found} against {expected}, off by {error:e}");
}

/// Off by 1.2e-16 at most (ours is exact but for one division); 1e-15 leaves room for other platforms' NumPy.
#[test]
fn rankings_equal_scikit_learn() {
    let records = records("rankings.csv");
    assert_eq!(records.len(), 14);
    for r in records {
        let scores = numbers(&r[2]);
        if scores.iter().all(|score| *score == scores[0]) {
            // DIFFERENCE: scikit-learn gives 0.5. Nothing was ranked.
            let refused = Ranking::new(&labels(&r[1]), &scores).unwrap_err();
            assert_eq!(refused.to_string(), format!("all {} scores are {}", scores.len(), scores[0]));
            continue;
        }
        let ranking = Ranking::new(&labels(&r[1]), &scores).unwrap();
        let expected = |i: usize| r[i].parse::<f64>().unwrap();
        assert_close(&format!("AUC, {}", &r[0]), ranking.auc(), expected(3), 1e-15);
        assert_close(&format!("AP, {}", &r[0]), ranking.average_precision(), expected(4), 1e-15);
        assert_close(&format!("EER, {}", &r[0]), ranking.eer(), expected(5), 1e-15);
    }
}

/// Points are kept and dropped alike; rates and thresholds have the same bits. On the grid NumPy's interpolation
/// differs by rounding only, 1.2e-16.
#[test]
fn rocs_equal_scikit_learn() {
    let rankings = records("rankings.csv");
    let rocs = records("rocs.csv");
    assert_eq!(rankings.len(), rocs.len());
    for (input, expected) in rankings.iter().zip(&rocs) {
        let scores = numbers(&input[2]);
        if scores.iter().all(|score| *score == scores[0]) {
            assert!(matches!(roc_points(&labels(&input[1]), &scores), Err(Undefined::AllEqual { .. })));
            continue;
        }
        let roc = roc_points(&labels(&input[1]), &scores).unwrap();
        assert_eq!(roc.fpr, numbers(&expected[1]), "{}", &input[0]);
        assert_eq!(roc.tpr, numbers(&expected[2]), "{}", &input[0]);
        assert_eq!(roc.thresholds, numbers(&expected[3]), "{}", &input[0]);
        for (found, expected) in roc_on_grid(&roc, &fpr_grid(11)).into_iter().zip(numbers(&expected[4])) {
            assert_close(&input[0], found, expected, 1e-15);
        }
    }
}

/// Off by 9e-14 of the value at most, where a mean of differences comes out near 0; p by 1.2e-12 (29 degrees of
/// freedom, where SciPy and statrs compute the incomplete beta function each in its own way).
#[test]
fn paired_tests_equal_scipy() {
    let records = records("paired.csv");
    assert_eq!(records.len(), 30);
    for (i, r) in records.iter().enumerate() {
        let test = paired_test(&numbers(&r[0]), &numbers(&r[1]), false);
        let check = |what: &str, found: Option<f64>, field: usize, tolerance: f64| {
            let expected: f64 = r[field].parse().unwrap();
            let error = (found.unwrap() - expected).abs() / expected.abs();
            assert!(error <= tolerance, "pair {i}, {what}: {found:?} against {expected}, off by {error:e}");
        };
        check("mean", test.mean_difference, 2, 1e-12);
        check("sd", test.sd_difference, 3, 1e-12);
        check("t", test.t, 4, 1e-12);
        check("p", test.p, 5, 5e-12);
        check("low", test.ci.map(|ci| ci.0), 6, 1e-12);
        check("high", test.ci.map(|ci| ci.1), 7, 1e-12);
        check("d_z", test.cohens_dz, 8, 1e-12);
        if !r[9].is_empty() {
            check("sign flip", test.p_sign_flip, 9, 0.0);
        }
    }
}

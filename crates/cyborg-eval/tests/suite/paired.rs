//! Paired tests: what golden values do not show.

use cyborg_eval::{MAX_SIGN_FLIP_PAIRS, PairedTest, paired_test};

fn against_zero(differences: &[f64]) -> PairedTest {
    paired_test(&vec![0.0; differences.len()], differences, false)
}

#[test]
fn no_pair_has_a_reason_and_no_number() {
    let test = against_zero(&[]);
    assert_eq!(test.reason.as_deref(), Some("no seed in both methods"));
    assert_eq!((test.mean_difference, test.p, test.p_sign_flip, test.df), (None, None, None, None));
}

#[test]
fn one_pair_has_a_difference_but_no_test() {
    let test = paired_test(&[0.5], &[0.75], false);
    assert_eq!(test.mean_difference, Some(0.25));
    assert_eq!((test.sd_difference, test.t, test.p, test.ci, test.df), (None, None, None, None, None));
    assert_eq!((test.p_sign_flip, test.p_sign_flip_min), (Some(1.0), Some(1.0)));
    assert_eq!(test.reason.as_deref(), Some("one seed in both methods; a t-test needs two"));
}

#[test]
fn equal_differences_have_no_t() {
    // Equal in decimals, not in binary: 0.7 - 0.6 and 0.8 - 0.7 differ by 1e-16, and t would be 1e15.
    let nearly = paired_test(&[0.6, 0.7, 0.3], &[0.7, 0.8, 0.4], false);
    let equal = paired_test(&[0.5, 0.6], &[0.5, 0.6], false);
    for test in [nearly, equal] {
        assert_eq!((test.sd_difference, test.t, test.p, test.cohens_dz), (Some(0.0), None, None, None));
        assert_eq!(
            test.reason.as_deref(),
            Some("all differences are equal; the t-test has no variance to work with")
        );
    }
}

/// 0.7 - 0.6, 0.8 - 0.7 and 0.4 - 0.3 are one step, though their bits differ; so is 0.3 - 0.4, downwards.
#[test]
fn equal_steps_share_a_rank() {
    let test = paired_test(&[0.6, 0.7, 0.3, 0.4, 0.1 + 0.2], &[0.7, 0.8, 0.4, 0.3, 0.3], false);
    let wilcoxon = test.wilcoxon.unwrap();
    assert_eq!((wilcoxon.n, wilcoxon.w_plus, wilcoxon.w_minus), (4, 7.5, 2.5), "the last pair is equal");
}

/// Hollander and Wolfe 1973, p. 29: depression scores of nine patients before and after a therapy; R's documentation of
/// `wilcox.test` has V = 40, and half of this p for one side.
#[test]
#[expect(clippy::approx_constant, reason = "a patient's score")]
fn a_published_signed_rank_test() {
    let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
    let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    let wilcoxon = paired_test(&after, &before, false).wilcoxon.unwrap();
    assert_eq!((wilcoxon.w_plus, wilcoxon.p), (40.0, 20.0 / 512.0));
}

#[test]
fn a_value_that_is_not_finite_leaves_no_test() {
    let test = paired_test(&[0.5, 0.6], &[0.7, f64::NAN], false);
    assert_eq!((test.mean_difference, test.p, test.p_sign_flip), (None, None, None));
    assert_eq!(test.reason.as_deref(), Some("a value is not a finite number"));
}

#[test]
fn lower_is_better_turns_wins_round_and_nothing_else() {
    let (baseline, candidate) = ([0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.4, 0.4]);
    let higher = paired_test(&baseline, &candidate, false);
    let lower = paired_test(&baseline, &candidate, true);
    assert_eq!((higher.wins, higher.losses, higher.ties), (2, 1, 1));
    assert_eq!((lower.wins, lower.losses, lower.ties), (1, 2, 1));
    assert_eq!((higher.mean_difference, higher.p), (lower.mean_difference, lower.p));
}

/// All of one sign: only that choice of signs and its mirror image are as far out.
#[test]
fn sign_flips_reach_their_least_value() {
    for n in 1..=MAX_SIGN_FLIP_PAIRS {
        let differences: Vec<f64> = (0..n).map(|i| 0.01 + 0.001 * (i * i % 7) as f64).collect();
        let test = against_zero(&differences);
        assert_eq!(test.p_sign_flip, Some(2.0 / 2.0_f64.powi(n as i32)), "{n}");
        assert_eq!(test.p_sign_flip_min, test.p_sign_flip, "{n}");
    }
    let above = against_zero(&[0.01; MAX_SIGN_FLIP_PAIRS + 1]);
    assert_eq!((above.p_sign_flip, above.p_sign_flip_min), (None, None));
}

/// Against counting all 2^n sums one by one, in whole numbers.
#[test]
fn sign_flips_equal_counting() {
    for (n, seed) in [(4, 1_i64), (7, 5), (10, 11), (14, 3)] {
        let whole: Vec<i64> = (0..n).map(|i| (i + 1) * 37 % 23 * seed % 19 - 8).collect();
        let observed = whole.iter().sum::<i64>().abs();
        let is_as_far = |signs: &u64| {
            let sum: i64 =
                whole.iter().enumerate().map(|(i, d)| if signs >> i & 1 == 1 { -d } else { *d }).sum();
            sum.abs() >= observed
        };
        let expected = (0..1_u64 << n).filter(is_as_far).count() as f64 / (1_u64 << n) as f64;
        // Thousandths are not exact in binary: equal sums must still count as equal.
        let differences: Vec<f64> = whole.iter().map(|d| *d as f64 / 1000.0).collect();
        assert_eq!(against_zero(&differences).p_sign_flip, Some(expected), "{whole:?}");
    }
}

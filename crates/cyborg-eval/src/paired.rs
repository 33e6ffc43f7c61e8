//! Paired tests of two methods over seeds.

use crate::band::spread;
use crate::wilcoxon::{Wilcoxon, signed_rank};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Above this number of pairs the 2^n sign flips are not enumerated.
pub const MAX_SIGN_FLIP_PAIRS: usize = 20;

/// Two methods over the same seeds. Differences are candidate minus baseline. What is `None` has its cause in `reason`
/// (the sign-flip test above [`MAX_SIGN_FLIP_PAIRS`] pairs excepted).
#[derive(Clone, Debug, PartialEq)]
pub struct PairedTest {
    /// Number of pairs.
    pub n_pairs: usize,
    /// Mean of the baseline.
    pub mean_baseline: Option<f64>,
    /// Mean of the candidate.
    pub mean_candidate: Option<f64>,
    /// Mean difference.
    pub mean_difference: Option<f64>,
    /// Standard deviation of the differences, divided by n - 1.
    pub sd_difference: Option<f64>,
    /// 95 % t-interval of the mean difference.
    pub ci: Option<(f64, f64)>,
    /// Paired t statistic.
    pub t: Option<f64>,
    /// Degrees of freedom, n - 1.
    pub df: Option<usize>,
    /// Two-sided p of the paired t-test.
    pub p: Option<f64>,
    /// Cohen's d_z: mean difference / standard deviation of the differences.
    pub cohens_dz: Option<f64>,
    /// Pairs in which the candidate is better.
    pub wins: usize,
    /// Pairs in which the candidate is worse.
    pub losses: usize,
    /// Pairs with equal values.
    pub ties: usize,
    /// Two-sided p of the exact sign-flip test.
    pub p_sign_flip: Option<f64>,
    /// The smallest value that it can take with so many pairs: 2 / 2^n.
    pub p_sign_flip_min: Option<f64>,
    /// Pearson's correlation of baseline and candidate over the pairs: what pairing by seed gains. `None` with fewer than
    /// three pairs, or where one side does not vary.
    pub correlation: Option<f64>,
    /// Wilcoxon's signed-rank test; `None` if all differences are 0.
    pub wilcoxon: Option<Wilcoxon>,
    /// Why something is `None`.
    pub reason: Option<String>,
}

/// Compares paired values; what stands at the same place belongs to the same seed. `lower_is_better` turns wins and
/// losses round, nothing else. Values beyond the shorter list are ignored.
///
/// # Examples
/// ```
/// let test = cyborg_eval::paired_test(&[0.50, 0.60, 0.55], &[0.53, 0.62, 0.59], false);
/// assert_eq!((test.wins, test.losses, test.df), (3, 0, Some(2)));
/// assert!(test.p.is_some_and(|p| p < 0.05));
/// assert_eq!(test.p_sign_flip, Some(0.25)); // 2 / 2^3: as low as three pairs can go
/// ```
pub fn paired_test(baseline: &[f64], candidate: &[f64], lower_is_better: bool) -> PairedTest {
    let n = baseline.len().min(candidate.len());
    let (baseline, candidate) = (&baseline[..n], &candidate[..n]);
    let rounding = rounding_of(baseline, candidate);
    // What differs by rounding alone is equal, in every count and test below.
    let difference = |(c, b): (&f64, &f64)| if (c - b).abs() <= rounding { 0.0 } else { c - b };
    let differences: Vec<f64> = candidate.iter().zip(baseline).map(difference).collect();
    let n_rising = differences.iter().filter(|d| **d > 0.0).count();
    let n_falling = differences.iter().filter(|d| **d < 0.0).count();
    let (wins, losses) = if lower_is_better { (n_falling, n_rising) } else { (n_rising, n_falling) };
    let mut test = PairedTest {
        n_pairs: n,
        mean_baseline: spread(baseline).map(|s| s.mean),
        mean_candidate: spread(candidate).map(|s| s.mean),
        mean_difference: None,
        sd_difference: None,
        ci: None,
        t: None,
        df: None,
        p: None,
        cohens_dz: None,
        wins,
        losses,
        ties: n - wins - losses,
        p_sign_flip: None,
        p_sign_flip_min: None,
        correlation: correlation(baseline, candidate, rounding),
        wilcoxon: signed_rank(&differences, rounding),
        reason: None,
    };
    let Some(of_differences) = spread(&differences) else {
        test.reason =
            Some(if n == 0 { "no seed in both methods" } else { "a value is not a finite number" }.into());
        return test;
    };
    test.mean_difference = Some(of_differences.mean);
    test.p_sign_flip = sign_flip_p(&differences, rounding);
    test.p_sign_flip_min = test.p_sign_flip.map(|_| 2.0_f64.powi(1 - n as i32));
    let Some(sd) = of_differences.sd else {
        test.reason = Some("one seed in both methods; a t-test needs two".into());
        return test;
    };
    test.df = Some(n - 1);
    // Differences that are equal but for rounding: a t of 1e15 would be rounding error, not evidence.
    if sd <= rounding {
        test.sd_difference = Some(0.0);
        test.reason = Some("all differences are equal; the t-test has no variance to work with".into());
        return test;
    }
    test.sd_difference = Some(sd);
    test.cohens_dz = Some(of_differences.mean / sd);
    let standard_error = sd / (n as f64).sqrt();
    let t = of_differences.mean / standard_error;
    test.t = Some(t);
    if let Ok(student) = StudentsT::new(0.0, 1.0, (n - 1) as f64) {
        test.p = Some(2.0 * student.sf(t.abs()));
        let half_width = student.inverse_cdf(0.975) * standard_error;
        test.ci = Some((of_differences.mean - half_width, of_differences.mean + half_width));
    }
    test
}

fn correlation(baseline: &[f64], candidate: &[f64], rounding: f64) -> Option<f64> {
    let (b, c) = (spread(baseline)?, spread(candidate)?);
    let (sd_b, sd_c) = (b.sd?, c.sd?);
    if baseline.len() < 3 || sd_b <= rounding || sd_c <= rounding {
        return None;
    }
    let products = baseline.iter().zip(candidate).map(|(x, y)| (x - b.mean) * (y - c.mean));
    let covariance = products.sum::<f64>() / (baseline.len() - 1) as f64;
    Some((covariance / sd_b / sd_c).clamp(-1.0, 1.0))
}

/// Up to how much two values that are equal may differ, and two differences.
///
/// A metric is a quotient of counts, off by half a unit in its last place, or a mean of such over sources, off by half a
/// unit for each source added: 32 units cover 60 sources, and a difference of two such values. The smallest true step
/// of a metric is far larger: 1 / (2 P N) of an AUC, 5e-11 with 100,000 images of each class, against 7e-15 here.
fn rounding_of(baseline: &[f64], candidate: &[f64]) -> f64 {
    32.0 * f64::EPSILON * baseline.iter().chain(candidate).fold(0.0_f64, |most, value| most.max(value.abs()))
}

/// Share of the 2^n ways to give the differences signs whose sum is as far from 0 as theirs, or farther. Exact:
/// the sums of each half of the differences are listed, and the halves put together by binary search.
fn sign_flip_p(differences: &[f64], rounding: f64) -> Option<f64> {
    let n = differences.len();
    if n > MAX_SIGN_FLIP_PAIRS {
        return None;
    }
    // Each difference is off by at most `rounding`, so sums that are equal may differ by twice n of it.
    let bound = differences.iter().sum::<f64>().abs() - 2.0 * n as f64 * rounding;
    let (left, right) = differences.split_at(n / 2);
    let left = signed_sums(left);
    let mut right = signed_sums(right);
    right.sort_unstable_by(f64::total_cmp);
    let n_as_far: usize = left
        .iter()
        .map(|sum| {
            if bound <= 0.0 {
                return right.len();
            }
            let above = right.len() - right.partition_point(|other| sum + other < bound);
            let below = right.partition_point(|other| sum + other <= -bound);
            above + below
        })
        .sum();
    Some(n_as_far as f64 / 2.0_f64.powi(n as i32))
}

fn signed_sums(differences: &[f64]) -> Vec<f64> {
    differences.iter().fold(vec![0.0], |sums, d| sums.iter().flat_map(|sum| [sum + d, sum - d]).collect())
}

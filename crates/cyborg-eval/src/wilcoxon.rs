//! Wilcoxon's signed-rank test.

use crate::normal;

/// Up to so many differences the distribution is counted out; above, it is as good as normal.
const MAX_EXACT: usize = 200;

/// Wilcoxon's signed-rank test of differences against 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wilcoxon {
    /// Differences that are not 0.
    pub n: usize,
    /// Sum of the ranks of the positive differences.
    pub w_plus: f64,
    /// Sum of the ranks of the negative differences.
    pub w_minus: f64,
    /// Two-sided p.
    pub p: f64,
    /// Whether `p` is from the exact distribution.
    pub exact: bool,
    /// (W+ - W-) / (W+ + W-): matched-pairs rank-biserial correlation, an effect size in [-1, 1].
    pub rank_biserial: f64,
}

/// The test: zeros are left out, equal sizes share the mean of their ranks. Two-sided.
///
/// Up to 200 differences p is exact, also with ties: the distribution of the rank sum over all 2^n signs is counted
/// out. (SciPy does so up to 50 differences without ties and 13 with; DIFFERENCE: it takes the normal approximation
/// beyond.) Above, it is the normal approximation with the correction for ties and without one for continuity.
///
/// `None` if no difference is left or one is not finite.
///
/// # Examples
/// ```
/// let test = cyborg_eval::wilcoxon_signed_rank(&[0.1, 0.3, 0.2, 0.4, 0.6, 0.5]).expect("six differences");
/// assert_eq!((test.w_plus, test.w_minus, test.p), (21.0, 0.0, 2.0 / 64.0)); // as low as six can go
/// ```
pub fn wilcoxon_signed_rank(differences: &[f64]) -> Option<Wilcoxon> {
    signed_rank(differences, 0.0)
}

/// The test for differences that carry rounding errors: what is no larger than `rounding` is 0, and what is next to
/// each other by no more is equal.
pub(crate) fn signed_rank(differences: &[f64], rounding: f64) -> Option<Wilcoxon> {
    if differences.iter().any(|d| !d.is_finite()) {
        return None;
    }
    let mut sorted: Vec<f64> = differences.iter().copied().filter(|d| d.abs() > rounding).collect();
    sorted.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = sorted.len();
    if n == 0 {
        return None;
    }
    // Twice the ranks, so that the mean of two ranks is whole.
    let mut twice_ranks: Vec<usize> = Vec::with_capacity(n);
    let mut twice_plus = 0;
    let mut tie_term = 0.0;
    for tied in sorted.chunk_by(|a, b| b.abs() - a.abs() <= rounding) {
        let first = twice_ranks.len() + 1;
        let twice_rank = 2 * first + tied.len() - 1;
        twice_ranks.extend(std::iter::repeat_n(twice_rank, tied.len()));
        twice_plus += twice_rank * tied.iter().filter(|d| **d > 0.0).count();
        let t = tied.len() as f64;
        tie_term += t * t * t - t;
    }
    let twice_total = n * (n + 1);
    let twice_minus = twice_total - twice_plus;
    let exact = n <= MAX_EXACT;
    let p = if exact {
        (2.0 * share_at_most(&twice_ranks, twice_plus.min(twice_minus))).min(1.0)
    } else {
        let n = n as f64;
        let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - tie_term / 48.0;
        let z = (twice_plus as f64 - twice_total as f64 / 2.0) / 2.0 / variance.sqrt();
        normal::two_sided(z)
    };
    Some(Wilcoxon {
        n,
        w_plus: twice_plus as f64 / 2.0,
        w_minus: twice_minus as f64 / 2.0,
        p,
        exact,
        rank_biserial: (twice_plus as f64 - twice_minus as f64) / twice_total as f64,
    })
}

/// Share of the 2^n choices of signs whose (twice) sum of positive ranks is at most `most`.
fn share_at_most(twice_ranks: &[usize], most: usize) -> f64 {
    // shares[s]: share of the choices so far with sum s.
    let mut shares = vec![0.0; most + 1];
    shares[0] = 1.0;
    for &rank in twice_ranks {
        for sum in (0..=most).rev() {
            let with = if sum >= rank { shares[sum - rank] } else { 0.0 };
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    shares.iter().sum()
}

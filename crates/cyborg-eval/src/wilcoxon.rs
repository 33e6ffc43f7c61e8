//! Wilcoxon's signed-rank test.

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

/// The test, zeros left out, ties with the mean of their ranks. `None` if no difference is left or one is not finite.
pub fn wilcoxon_signed_rank(differences: &[f64]) -> Option<Wilcoxon> {
    let _ = differences;
    None
}

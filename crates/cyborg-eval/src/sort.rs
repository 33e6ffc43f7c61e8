//! Sorting of scores.

/// Puts scores in falling order, as rankings need them.
pub(crate) fn sort_falling(scores: &mut [f64]) {
    scores.sort_unstable_by(|a, b| b.total_cmp(a));
}

//! Holm's correction for making several comparisons.

/// Holm's step-down adjusted p values: at level a, those that are at most a are significant, and the probability of even
/// one false finding in the family is at most a, whatever depends on what. `None` takes no part.
///
/// # Examples
/// ```
/// let p = [Some(0.01), None, Some(0.04), Some(0.03)];
/// assert_eq!(cyborg_eval::holm(&p), [Some(0.03), None, Some(0.06), Some(0.06)]);
/// ```
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(i, p)| p.map(|p| (i, p))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let n = order.len();
    let mut adjusted = vec![None; p.len()];
    let mut largest = 0.0_f64;
    for (rank, (i, p)) in order.into_iter().enumerate() {
        largest = largest.max(((n - rank) as f64 * p).min(1.0));
        adjusted[i] = Some(largest);
    }
    adjusted
}

//! Cell by cell: squared distance and correlations.

use super::{CAM, HUMAN, NoMeasure, check, min_max};

/// Mean squared distance of the two maps, each brought to [0, 1] by its own least and largest value first (as CYBORG's
/// loss does).
///
/// # Errors
/// [`NoMeasure`] if a map is flat or not finite, or they differ in size.
///
/// # Examples
/// ```
/// let mse = cyborg_eval::saliency::map_mse(&[0.0, 1.0, 2.0, 4.0], &[10.0, 10.0, 20.0, 20.0])?;
/// assert_eq!(mse, (0.25 * 0.25 + 0.5 * 0.5) / 4.0);
/// # Ok::<(), cyborg_eval::saliency::NoMeasure>(())
/// ```
pub fn map_mse(cam: &[f32], human: &[f32]) -> Result<f64, NoMeasure> {
    check(cam, human)?;
    let (cam, human) = (min_max(cam, CAM)?, min_max(human, HUMAN)?);
    Ok(cam.iter().zip(&human).map(|(c, h)| (c - h).powi(2)).sum::<f64>() / cam.len() as f64)
}

/// Pearson's correlation of the cells (CC).
///
/// # Errors
/// [`NoMeasure`] if a map is flat or not finite, or they differ in size.
pub fn pearson(cam: &[f32], human: &[f32]) -> Result<f64, NoMeasure> {
    check(cam, human)?;
    // Correlation does not depend on scale; brought to [0, 1] nothing overflows.
    Ok(correlation(&min_max(cam, CAM)?, &min_max(human, HUMAN)?))
}

/// Spearman's rank correlation: Pearson's of the ranks, equal cells sharing the mean of theirs.
///
/// # Errors
/// [`NoMeasure`] if a map is flat or not finite, or they differ in size.
pub fn spearman(cam: &[f32], human: &[f32]) -> Result<f64, NoMeasure> {
    check(cam, human)?;
    Ok(correlation(&ranks(&min_max(cam, CAM)?), &ranks(&min_max(human, HUMAN)?)))
}

/// Of maps that are not flat.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0)
}

/// Ranks from 1, equal values sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tied.len() + 1) as f64 / 2.0;
        for &i in tied {
            ranks[i] = rank;
        }
        before += tied.len();
    }
    ranks
}

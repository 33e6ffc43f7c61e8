//! Maps as distributions of attention: what is left after the least value is taken away, divided by its sum.

use super::{CAM, HUMAN, NoMeasure, check, min_max};

/// Kullback-Leibler divergence of the CAM from the human map, in nats: sum of P ln(e + P / (Q + e)) with P the human
/// map, Q the CAM and e = 2^-52, each map first shifted to a least value of 0 and divided by its sum. 0 is perfect.
/// The form, with its e against empty cells, is that of the MIT saliency benchmark.
///
/// # Errors
/// [`NoMeasure`] if a map is flat or not finite, or they differ in size.
pub fn kl_divergence(cam: &[f32], human: &[f32]) -> Result<f64, NoMeasure> {
    check(cam, human)?;
    let (q, p) = (shares(cam, CAM)?, shares(human, HUMAN)?);
    let e = f64::EPSILON;
    Ok(p.iter().zip(&q).map(|(p, q)| p * (e + p / (q + e)).ln()).sum())
}

/// Similarity (histogram intersection): sum of the smaller of the two shares, cell by cell. 1 is perfect, 0 no overlap.
///
/// # Errors
/// [`NoMeasure`] if a map is flat or not finite, or they differ in size.
pub fn similarity(cam: &[f32], human: &[f32]) -> Result<f64, NoMeasure> {
    check(cam, human)?;
    let (q, p) = (shares(cam, CAM)?, shares(human, HUMAN)?);
    Ok(p.iter().zip(&q).map(|(p, q)| p.min(*q)).sum())
}

/// Shannon entropy of a CAM as a distribution, in nats: 0 where all attention is on one cell, ln(cells) at most. Divide
/// by ln(cells) to compare grids.
///
/// # Errors
/// [`NoMeasure`] if the map is flat, empty or not finite.
///
/// # Examples
/// ```
/// // Two cells share what is above the least value.
/// let entropy = cyborg_eval::saliency::entropy(&[5.0, 1.0, 1.0, 5.0])?;
/// assert!((entropy - 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), cyborg_eval::saliency::NoMeasure>(())
/// ```
pub fn entropy(cam: &[f32]) -> Result<f64, NoMeasure> {
    check(cam, cam)?;
    let term = |share: f64| if share > 0.0 { -share * share.ln() } else { 0.0 };
    Ok(shares(cam, CAM)?.into_iter().map(term).sum())
}

fn shares(map: &[f32], name: &'static str) -> Result<Vec<f64>, NoMeasure> {
    let mut map = min_max(map, name)?;
    let sum: f64 = map.iter().sum();
    for value in &mut map {
        *value /= sum;
    }
    Ok(map)
}

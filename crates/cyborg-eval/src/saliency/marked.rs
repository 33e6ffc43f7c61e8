//! A CAM against marked cells: fixations, or the top of the human map.

use super::{CAM, NoMeasure, check_finite, min_max};

/// The top tenth of a map: cells that are at least as large as the k-th largest, where k is a tenth of the cells, rounded,
/// and at least 1. Equal cells are all in or all out, so the set does not depend on their order and may be larger than k;
/// cells at the map's least value are never in.
///
/// # Errors
/// [`NoMeasure`] if the map is flat, empty or not finite.
///
/// # Examples
/// ```
/// // One of five cells, rounded up from half a cell; the two largest are equal.
/// assert_eq!(cyborg_eval::saliency::top_cells(&[0.1, 0.9, 0.2, 0.9, 0.0])?, [false, true, false, true, false]);
/// # Ok::<(), cyborg_eval::saliency::NoMeasure>(())
/// ```
pub fn top_cells(map: &[f32]) -> Result<Vec<bool>, NoMeasure> {
    top_of(map, "map")
}

pub(super) fn top_of(map: &[f32], name: &'static str) -> Result<Vec<bool>, NoMeasure> {
    if map.is_empty() {
        return Err(NoMeasure::Cells { first: 0, second: 0 });
    }
    min_max(map, name)?;
    let k = ((map.len() + 5) / 10).max(1);
    let mut falling = map.to_vec();
    falling.sort_unstable_by(|a, b| b.total_cmp(a));
    let (cut, least) = (falling[k - 1], falling[falling.len() - 1]);
    Ok(map.iter().map(|&value| value >= cut && value > least).collect())
}

/// Intersection over union of two sets of cells.
///
/// # Errors
/// [`NoMeasure`] if both are empty or they differ in size.
pub fn iou(a: &[bool], b: &[bool]) -> Result<f64, NoMeasure> {
    let (both, n_a, n_b) = overlap(a, b)?;
    Ok(both / (n_a + n_b - both))
}

/// Dice coefficient of two sets of cells: twice the intersection over the sum of their sizes.
///
/// # Errors
/// [`NoMeasure`] if both are empty or they differ in size.
pub fn dice(a: &[bool], b: &[bool]) -> Result<f64, NoMeasure> {
    let (both, n_a, n_b) = overlap(a, b)?;
    Ok(2.0 * both / (n_a + n_b))
}

fn overlap(a: &[bool], b: &[bool]) -> Result<(f64, f64, f64), NoMeasure> {
    if a.len() != b.len() || a.is_empty() {
        return Err(NoMeasure::Cells { first: a.len(), second: b.len() });
    }
    let count = |cells: &[bool]| cells.iter().filter(|cell| **cell).count() as f64;
    let both = a.iter().zip(b).filter(|(a, b)| **a && **b).count() as f64;
    let (n_a, n_b) = (count(a), count(b));
    if n_a + n_b > 0.0 { Ok((both, n_a, n_b)) } else { Err(NoMeasure::Marked { n: 0, of: a.len() }) }
}

/// Normalised scanpath saliency: mean over the marked cells of the CAM in units of its standard deviation (divided by n)
/// from its mean. 0 is chance.
///
/// # Errors
/// [`NoMeasure`] if the CAM is flat or not finite, no cell or every cell is marked, or sizes differ.
pub fn nss(cam: &[f32], marked: &[bool]) -> Result<f64, NoMeasure> {
    let n_marked = check_marked(cam, marked)? as f64;
    let cam = min_max(cam, CAM)?;
    let n = cam.len() as f64;
    let mean = cam.iter().sum::<f64>() / n;
    let sd = (cam.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let sum: f64 =
        cam.iter().zip(marked).filter(|(_, marked)| **marked).map(|(value, _)| (value - mean) / sd).sum();
    Ok(sum / n_marked)
}

/// AUC after Judd et al. 2009: the CAM tells marked cells from the others. Thresholds are the CAM's values at marked cells;
/// the true positive rate is the share of marked cells at or above, the false positive rate the share of the others;
/// straight lines between, from (0, 0) to (1, 1). No random jitter against ties.
///
/// # Errors
/// [`NoMeasure`] if the CAM is flat or not finite, no cell or every cell is marked, or sizes differ.
pub fn auc_judd(cam: &[f32], marked: &[bool]) -> Result<f64, NoMeasure> {
    let n_marked = check_marked(cam, marked)?;
    min_max(cam, CAM)?;
    let of = |class: bool| {
        let cells = cam.iter().zip(marked).filter(|(_, marked)| **marked == class);
        let mut values: Vec<f32> = cells.map(|(value, _)| *value).collect();
        values.sort_unstable_by(|a, b| b.total_cmp(a));
        values
    };
    let (hits, others) = (of(true), of(false));
    let (mut area, mut before) = (0.0, (0.0, 0.0));
    let mut n_hits = 0;
    for tied in hits.chunk_by(|a, b| a == b) {
        n_hits += tied.len();
        let n_others = others.partition_point(|value| *value >= tied[0]);
        let (fpr, tpr) = (n_others as f64 / others.len() as f64, n_hits as f64 / n_marked as f64);
        area += (fpr - before.0) * f64::midpoint(tpr, before.1);
        before = (fpr, tpr);
    }
    Ok(area + (1.0 - before.0) * f64::midpoint(1.0, before.1))
}

fn check_marked(cam: &[f32], marked: &[bool]) -> Result<usize, NoMeasure> {
    if cam.len() != marked.len() || cam.is_empty() {
        return Err(NoMeasure::Cells { first: cam.len(), second: marked.len() });
    }
    check_finite(cam)?;
    let n = marked.iter().filter(|cell| **cell).count();
    if n == 0 || n == marked.len() { Err(NoMeasure::Marked { n, of: marked.len() }) } else { Ok(n) }
}

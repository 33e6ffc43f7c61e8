//! Structural similarity.

use super::{CAM, HUMAN, NoMeasure, check, min_max};

/// Constants of Wang et al. 2004, for maps in [0, 1].
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// Structural similarity of two maps, each brought to [0, 1] by its own least and largest value first.
///
/// Means, variances and the covariance (divided by n - 1) in a square window that slides over the grid, never over its
/// edge; mean over all positions. The same as scikit-image's `structural_similarity(a, b, win_size=ssim_window(..),
/// data_range=1.0)`, that is without Gaussian weights, K1 = 0.01, K2 = 0.03.
///
/// # Errors
/// [`NoMeasure`] if a map is flat or not finite, sizes do not fit, or the grid is smaller than 3x3.
pub fn ssim(cam: &[f32], human: &[f32], height: usize, width: usize) -> Result<f64, NoMeasure> {
    check(cam, human)?;
    if height.checked_mul(width) != Some(cam.len()) {
        return Err(NoMeasure::Cells { first: height.saturating_mul(width), second: cam.len() });
    }
    let window = ssim_window(height, width).ok_or(NoMeasure::SmallGrid { height, width })?;
    let (a, b) = (min_max(cam, CAM)?, min_max(human, HUMAN)?);
    let (rows, columns) = (height - window + 1, width - window + 1);
    let mut sum = 0.0;
    for top in 0..rows {
        for left in 0..columns {
            sum += of_window(&a, &b, width, (top, left), window);
        }
    }
    Ok(sum / (rows * columns) as f64)
}

fn of_window(a: &[f64], b: &[f64], width: usize, (top, left): (usize, usize), window: usize) -> f64 {
    let cells = || (top..top + window).flat_map(move |y| y * width + left..y * width + left + window);
    let n = (window * window) as f64;
    let mean = |map: &[f64]| cells().map(|i| map[i]).sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for i in cells() {
        let (a, b) = (a[i] - mean_a, b[i] - mean_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    let (aa, bb, ab) = (aa / (n - 1.0), bb / (n - 1.0), ab / (n - 1.0));
    (2.0 * mean_a * mean_b + C1) * (2.0 * ab + C2)
        / ((mean_a * mean_a + mean_b * mean_b + C1) * (aa + bb + C2))
}

/// Side of the window for a grid: 7 (scikit-image's default) from 14 cells a side on, else the largest odd number not above
/// half the shorter side, and at least 3: so 3 on a 7x7 grid, where a window of 7 would be the whole map. `None` where
/// a side has fewer than 3 cells.
pub fn ssim_window(height: usize, width: usize) -> Option<usize> {
    let side = height.min(width);
    (side >= 3).then(|| {
        let half = (side / 2).clamp(3, 7);
        if half.is_multiple_of(2) { half - 1 } else { half }
    })
}

//! Gaussian blur, as SciPy's `gaussian_filter`.

use crate::{AnnotationError, SaliencyMap};

/// What lies beyond the border, named as SciPy names it (`d c b a | a b c d | d c b a` and so on).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Edge {
    /// `d c b a | a b c d | d c b a`: SciPy's default; keeps the sum.
    #[default]
    Reflect,
    /// Zeros: what spreads beyond the border is lost.
    Constant,
    /// `a a a a | a b c d | d d d d`.
    Nearest,
    /// `d c b | a b c d | c b a`.
    Mirror,
    /// `a b c d | a b c d | a b c d`.
    Wrap,
}

/// A Gaussian of two standard deviations, cut off after `truncate` of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    /// Standard deviation along x, in pixels of the map; 0 leaves the rows as they are.
    pub sigma_x_px: f64,
    /// Standard deviation along y.
    pub sigma_y_px: f64,
    /// The kernel reaches `floor(truncate * sigma + 0.5)` pixels to each side. SciPy's default is 4.
    pub truncate: f64,
}

impl Gaussian {
    /// The same width in both directions, cut off after 4 sigma.
    pub fn new(sigma_px: f64) -> Self {
        Self { sigma_x_px: sigma_px, sigma_y_px: sigma_px, truncate: 4.0 }
    }

    /// # Errors
    /// [`AnnotationError::Setting`] unless the sigmas are in `[0, 10^5]` and the kernel's reach is too.
    pub(crate) fn check(&self) -> Result<(), AnnotationError> {
        for sigma in [self.sigma_x_px, self.sigma_y_px] {
            if !(0.0..=1e5).contains(&sigma) {
                let found = format!("{sigma} px");
                return Err(AnnotationError::Setting {
                    what: "sigma",
                    found,
                    expected: "from 0 to 100000 px",
                });
            }
        }
        if !(0.0..=100.0).contains(&self.truncate) {
            let found = self.truncate.to_string();
            return Err(AnnotationError::Setting {
                what: "truncate",
                found,
                expected: "from 0 to 100 sigma",
            });
        }
        Ok(())
    }

    /// The half kernel, middle first, in 64-bit floats: `exp(-i^2 / (2 sigma^2))` over its sum on both sides.
    pub(crate) fn half_kernel(&self, sigma: f64) -> Vec<f64> {
        let reach = (self.truncate * sigma + 0.5).floor() as usize;
        if sigma == 0.0 || reach == 0 {
            return vec![1.0];
        }
        let mut half: Vec<f64> = (0..=reach).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
        let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
        for weight in &mut half {
            *weight /= sum;
        }
        half
    }
}

/// The map blurred. Equal to `scipy.ndimage.gaussian_filter(map, (sigma_y, sigma_x), mode=edge, truncate=truncate)` in
/// 64-bit floats, up to the rounding of the sums and of the result to 32 bits.
///
/// # Errors
/// [`AnnotationError::Setting`] unless the sigmas are finite and not negative.
///
/// # Examples
/// ```
/// use cyborg_saliency::{Edge, Gaussian, SaliencyMap, gaussian_blur};
/// let mut map = SaliencyMap::filled(9, 5, 0.0);
/// map.values[2 * 9 + 4] = 1.0;
/// let blurred = gaussian_blur(&map, &Gaussian::new(1.0), Edge::Reflect)?;
/// assert!((blurred.values.iter().sum::<f32>() - 1.0).abs() < 1e-6);
/// # Ok::<(), cyborg_saliency::AnnotationError>(())
/// ```
pub fn gaussian_blur(
    map: &SaliencyMap,
    gaussian: &Gaussian,
    edge: Edge,
) -> Result<SaliencyMap, AnnotationError> {
    gaussian.check()?;
    let (width, height) = (map.width_px, map.height_px);
    let mut values: Vec<f64> = map.values.iter().map(|&value| f64::from(value)).collect();
    blur(&mut values, width, height, gaussian, edge);
    Ok(SaliencyMap { width_px: width, height_px: height, values: values.iter().map(|&v| v as f32).collect() })
}

/// Rows first: those of an image of impulses are mostly empty, and so is the work. (SciPy begins with the columns; the
/// order shows in the last of 64 bits only.)
pub(crate) fn blur(values: &mut [f64], width: usize, height: usize, gaussian: &Gaussian, edge: Edge) {
    blur_rows(values, width, &gaussian.half_kernel(gaussian.sigma_x_px), edge);
    blur_columns(values, width, height, &gaussian.half_kernel(gaussian.sigma_y_px), edge);
}

fn blur_rows(values: &mut [f64], width: usize, half: &[f64], edge: Edge) {
    if half.len() == 1 || width == 0 {
        return;
    }
    let reach = half.len() - 1;
    let sources: Vec<Option<usize>> =
        (0..width + 2 * reach).map(|at| edge.index(at as isize - reach as isize, width)).collect();
    let mut padded = vec![0.0; width + 2 * reach];
    for row in values.chunks_exact_mut(width) {
        if row.iter().all(|&value| value == 0.0) {
            continue;
        }
        for (value, source) in padded.iter_mut().zip(&sources) {
            *value = source.map_or(0.0, |at| row[at]);
        }
        for (value, middle) in row.iter_mut().zip(&padded[reach..]) {
            *value = half[0] * middle;
        }
        for (i, weight) in half.iter().enumerate().skip(1) {
            let sides = padded[reach - i..].iter().zip(&padded[reach + i..]);
            for (value, (left, right)) in row.iter_mut().zip(sides) {
                *value += weight * (left + right);
            }
        }
    }
}

fn blur_columns(values: &mut [f64], width: usize, height: usize, half: &[f64], edge: Edge) {
    if half.len() == 1 || width == 0 || height == 0 {
        return;
    }
    let reach = half.len() as isize - 1;
    let full_row: Vec<bool> = values.chunks_exact(width).map(|row| row.iter().any(|&v| v != 0.0)).collect();
    let mut blurred = vec![0.0; values.len()];
    for (y, out) in blurred.chunks_exact_mut(width).enumerate() {
        for offset in -reach..=reach {
            let Some(source) = edge.index(y as isize + offset, height).filter(|&source| full_row[source])
            else {
                continue;
            };
            let weight = half[offset.unsigned_abs()];
            for (sum, value) in out.iter_mut().zip(&values[source * width..(source + 1) * width]) {
                *sum += weight * value;
            }
        }
    }
    values.copy_from_slice(&blurred);
}

impl Edge {
    /// Which of `len` values stands at `at`, which may lie beyond the border; none where there are zeros.
    fn index(self, at: isize, len: usize) -> Option<usize> {
        let len = len as isize;
        if (0..len).contains(&at) {
            return Some(at as usize);
        }
        let inside = match self {
            Self::Constant => return None,
            Self::Nearest => at.clamp(0, len - 1),
            Self::Wrap => at.rem_euclid(len),
            Self::Reflect => {
                let at = at.rem_euclid(2 * len);
                if at < len { at } else { 2 * len - 1 - at }
            }
            Self::Mirror if len == 1 => 0,
            Self::Mirror => {
                let at = at.rem_euclid(2 * len - 2);
                if at < len { at } else { 2 * len - 2 - at }
            }
        };
        Some(inside as usize)
    }
}

//! Saliency as blur: images that are sharp only where people looked.
//!
//! The idea of "Human-aided saliency maps improve generalization of deep learning" (Boyd, Bowyer and Czajka, WACV 2022),
//! where what people did not mark was blurred in the training images. The released face scripts prepare blur levels 2, 4,
//! ... 16 and do not say in what unit; here a level is a sigma in pixels.

use cyborg_image::Raster;

use crate::SaliencyMap;

/// The image where the map is at its greatest, its blurred copy where the map is 0, and their blend by the map between:
/// `m * image + (1 - m) * blurred` with `m = map / max(map)`, rounded to the nearest level.
///
/// The Gaussian has `sigma_px` in pixels of the image, is cut off at 4 sigma, and sees the image mirrored at its edges
/// (`scipy.ndimage.gaussian_filter`'s defaults). A map without any mark blurs everything; sigma 0 leaves the image as it
/// is.
///
/// # Panics
/// If image and map have different sizes, or `sigma_px` is negative or not finite.
///
/// # Examples
/// ```
/// use cyborg_image::Raster;
/// use cyborg_saliency::{SaliencyMap, blur_outside};
/// let image = Raster { width_px: 4, height_px: 1, channels: 1, pixels: vec![0, 200, 0, 200] };
/// let map = SaliencyMap { width_px: 4, height_px: 1, values: vec![1.0, 1.0, 0.0, 0.0] };
/// let seen = blur_outside(&image, &map, 2.0);
/// assert_eq!(seen.pixels[..2], [0, 200]);
/// assert!(seen.pixels[2] > 0 && seen.pixels[3] < 200);
/// ```
pub fn blur_outside(image: &Raster, map: &SaliencyMap, sigma_px: f64) -> Raster {
    let (width, height) = (image.width_px as usize, image.height_px as usize);
    assert_eq!((map.width_px, map.height_px), (width, height), "the map must have the image's size");
    assert!(sigma_px.is_finite() && sigma_px >= 0.0, "a sigma of {sigma_px}");
    let max = map.values.iter().copied().fold(0.0, f32::max);
    let scale = if max > 0.0 { 1.0 / max } else { 0.0 };
    let kernel = half_kernel(sigma_px);
    let mut blended = image.clone();
    let mut channel = vec![0f32; width * height];
    for c in 0..image.channels {
        for (value, pixel) in channel.iter_mut().zip(image.pixels.chunks_exact(image.channels)) {
            *value = f32::from(pixel[c]);
        }
        let blurred = blur(&channel, width, height, &kernel);
        let pixels = blended.pixels.chunks_exact_mut(image.channels);
        for (((pixel, sharp), blurred), map) in pixels.zip(&channel).zip(&blurred).zip(&map.values) {
            let m = map * scale;
            pixel[c] = (blurred + m * (sharp - blurred)).round().clamp(0.0, 255.0) as u8;
        }
    }
    blended
}

/// Weights at distance 0, 1, ... up to 4 sigma, rounded; their sum over both sides is 1.
fn half_kernel(sigma_px: f64) -> Vec<f32> {
    if sigma_px == 0.0 {
        return vec![1.0];
    }
    let radius = (4.0 * sigma_px + 0.5) as usize;
    let weight = |distance: usize| (-0.5 * (distance as f64 / sigma_px).powi(2)).exp();
    let sum = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
    (0..=radius).map(|distance| (weight(distance) / sum) as f32).collect()
}

fn blur(values: &[f32], width: usize, height: usize, kernel: &[f32]) -> Vec<f32> {
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let radius = kernel.len() - 1;
    // Rows, each widened by its mirror image.
    let mut across = vec![0f32; values.len()];
    let mirror_x: Vec<usize> = (0..width + 2 * radius).map(|at| mirrored(at, radius, width)).collect();
    let mut wide = vec![0f32; width + 2 * radius];
    for (row, blurred) in values.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        for (value, &at) in wide.iter_mut().zip(&mirror_x) {
            *value = row[at];
        }
        weighted(blurred, kernel, |distance| (&wide[radius - distance..], &wide[radius + distance..]));
    }
    // Columns: whole rows at a time.
    let mut down = vec![0f32; values.len()];
    let row = |at: usize| {
        let at = mirrored(at, radius, height);
        &across[at * width..(at + 1) * width]
    };
    for (y, blurred) in down.chunks_exact_mut(width).enumerate() {
        weighted(blurred, kernel, |distance| (row(y + radius - distance), row(y + radius + distance)));
    }
    down
}

/// `sum` becomes the middle times its weight and, for each distance, the two sides times theirs.
fn weighted<'a>(sum: &mut [f32], kernel: &[f32], sides: impl Fn(usize) -> (&'a [f32], &'a [f32])) {
    let (middle, _) = sides(0);
    for (sum, value) in sum.iter_mut().zip(middle) {
        *sum = kernel[0] * value;
    }
    for (distance, weight) in kernel.iter().enumerate().skip(1) {
        let (before, after) = sides(distance);
        for ((sum, before), after) in sum.iter_mut().zip(before).zip(after) {
            *sum += weight * (before + after);
        }
    }
}

/// Place in `0..n` of what stands at `at - radius` when the line is mirrored at its ends, the end itself repeated
/// (`d c b a | a b c d | d c b a`).
fn mirrored(at: usize, radius: usize, n: usize) -> usize {
    let period = 2 * n;
    let at = (at + period * radius.div_ceil(period) - radius) % period;
    if at < n { at } else { period - 1 - at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_mirrored_at_its_ends() {
        let places: Vec<usize> = (0..11).map(|at| mirrored(at, 4, 3)).collect();
        // From -4 to 6 over a line of three.
        assert_eq!(places, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert!((0..40).all(|at| mirrored(at, 17, 1) == 0));
    }

    #[test]
    fn sigma_0_and_a_full_map_leave_the_image_alone() {
        let image =
            Raster { width_px: 3, height_px: 2, channels: 3, pixels: (0..18).map(|n| n * 14).collect() };
        let nothing = SaliencyMap::filled(3, 2, 0.0);
        assert_eq!(blur_outside(&image, &nothing, 0.0), image);
        assert_eq!(blur_outside(&image, &SaliencyMap::filled(3, 2, 0.3), 50.0), image);
        let blurred = blur_outside(&image, &nothing, 50.0);
        // A sigma much wider than the image makes every channel its mean: (0 + 42 + ... + 210) / 6 = 105, 119, 133.
        assert_eq!(blurred.pixels[..3], [105, 119, 133]);
    }
}

//! Saliency as blur: images that are sharp only where people looked.
//!
//! The idea of "Human-aided saliency maps improve generalization of deep learning" (Boyd, Bowyer and Czajka, WACV 2022),
//! where what people did not mark was blurred in the training images. The released face scripts prepare blur levels 2, 4,
//! ... 16 and do not say in what unit; here a level is a sigma in pixels.

use cyborg_image::Raster;

use crate::{AnnotationError, Edge, Gaussian, SaliencyMap, gaussian_blur};

/// The image where the map is at its greatest, its blurred copy where the map is 0, and their blend by the map between:
/// `m * image + (1 - m) * blurred` with `m = map / max(map)`, rounded to the nearest level.
///
/// The Gaussian has `sigma_px` in pixels of the image, is cut off at 4 sigma, and sees the image mirrored at its edges
/// (`scipy.ndimage.gaussian_filter`'s defaults). A map without any mark blurs everything; sigma 0 leaves the image as it
/// is.
///
/// # Errors
/// [`AnnotationError::Setting`] if sigma is negative, above 100,000 or not a number.
///
/// # Panics
/// If image and map have different sizes.
///
/// # Examples
/// ```
/// use cyborg_image::Raster;
/// use cyborg_saliency::{SaliencyMap, blur_outside};
/// let image = Raster { width_px: 4, height_px: 1, channels: 1, pixels: vec![0, 200, 0, 200] };
/// let map = SaliencyMap { width_px: 4, height_px: 1, values: vec![1.0, 1.0, 0.0, 0.0] };
/// let seen = blur_outside(&image, &map, 2.0)?;
/// assert_eq!(seen.pixels[..2], [0, 200]);
/// assert!(seen.pixels[2] > 0 && seen.pixels[3] < 200);
/// # Ok::<(), cyborg_saliency::AnnotationError>(())
/// ```
pub fn blur_outside(image: &Raster, map: &SaliencyMap, sigma_px: f64) -> Result<Raster, AnnotationError> {
    let (width_px, height_px) = (image.width_px as usize, image.height_px as usize);
    assert_eq!((map.width_px, map.height_px), (width_px, height_px), "the map must have the image's size");
    let max = map.values.iter().copied().fold(0.0, f32::max);
    let scale = if max > 0.0 { 1.0 / max } else { 0.0 };
    let mut blended = image.clone();
    for c in 0..image.channels {
        let values = image.pixels.chunks_exact(image.channels).map(|pixel| f32::from(pixel[c])).collect();
        let sharp = SaliencyMap { width_px, height_px, values };
        let blurred = gaussian_blur(&sharp, &Gaussian::new(sigma_px), Edge::Reflect)?;
        let pixels = blended.pixels.chunks_exact_mut(image.channels);
        for (((pixel, sharp), blurred), map) in
            pixels.zip(&sharp.values).zip(&blurred.values).zip(&map.values)
        {
            let m = map * scale;
            pixel[c] = (blurred + m * (sharp - blurred)).round().clamp(0.0, 255.0) as u8;
        }
    }
    Ok(blended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigma_0_and_a_full_map_leave_the_image_alone() {
        let image =
            Raster { width_px: 3, height_px: 2, channels: 3, pixels: (0..18).map(|n| n * 14).collect() };
        let nothing = SaliencyMap::filled(3, 2, 0.0);
        let blur = |map: &SaliencyMap, sigma| blur_outside(&image, map, sigma).expect("a good sigma");
        assert_eq!(blur(&nothing, 0.0), image);
        assert_eq!(blur(&SaliencyMap::filled(3, 2, 0.3), 50.0), image);
        let blurred = blur(&nothing, 50.0);
        // A sigma much wider than the image makes every channel its mean: (0 + 42 + ... + 210) / 6 = 105, 119, 133.
        assert_eq!(blurred.pixels[..3], [105, 119, 133]);
        assert!(blur_outside(&image, &nothing, -1.0).is_err());
        assert!(blur_outside(&image, &nothing, f64::NAN).is_err());
    }
}

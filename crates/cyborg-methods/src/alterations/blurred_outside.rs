//! Images that are blurred outside a map.

use candle_core::Tensor;
use cyborg_loss::HumanSaliency;
use cyborg_seed::Seed;

use super::Planes;
use crate::{Alteration, MethodError};

/// Each pixel becomes map * pixel + (1 - map) * blurred pixel.
///
/// The Gaussian is cut off at four standard deviations and normalised; the image is mirrored at its borders (the border
/// pixels themselves included), as scipy's `gaussian_filter` does by default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlurredOutside {
    /// Standard deviation in pixels, above 0.
    pub(crate) sigma_px: f64,
}

impl Alteration for BlurredOutside {
    fn alter(&self, images: &Tensor, human: &HumanSaliency, _: &Seed) -> Result<Tensor, MethodError> {
        let mut planes = Planes::new(images, human)?;
        let (height, width) = (planes.height, planes.width);
        let kernel = gaussian(self.sigma_px);
        for (image, map) in planes.images.iter_mut().zip(&planes.maps) {
            let Some(map) = map else { continue };
            for channel in image.chunks_exact_mut(map.len()) {
                let across = filtered(channel, height, width, &kernel);
                let blurred = transposed(
                    &filtered(&transposed(&across, height, width), width, height, &kernel),
                    width,
                    height,
                );
                for ((value, blurred), share) in channel.iter_mut().zip(blurred).zip(map) {
                    *value = share * *value + (1.0 - share) * blurred;
                }
            }
        }
        planes.into_tensor(images)
    }
}

/// The weights at 0, 1, 2, ... pixels from the centre.
fn gaussian(sigma: f64) -> Vec<f32> {
    let radius = (4.0 * sigma + 0.5) as usize;
    let weights: Vec<f64> = (0..=radius).map(|x| (-0.5 * (x as f64 / sigma).powi(2)).exp()).collect();
    let sum = 2.0 * weights.iter().skip(1).sum::<f64>() + weights[0];
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// Each row of the plane, filtered.
fn filtered(plane: &[f32], height: usize, width: usize, kernel: &[f32]) -> Vec<f32> {
    let radius = kernel.len() - 1;
    let mut result = Vec::with_capacity(plane.len());
    let mut line = vec![0.0; width + 2 * radius];
    for row in plane.chunks_exact(width).take(height) {
        for (at, value) in line.iter_mut().enumerate() {
            *value = row[mirrored(at as isize - radius as isize, width)];
        }
        result.extend((radius..radius + width).map(|at| {
            let pairs = (1..=radius).map(|x| kernel[x] * (line[at - x] + line[at + x]));
            kernel[0] * line[at] + pairs.sum::<f32>()
        }));
    }
    result
}

/// The place of a position outside a line of `n` pixels that is mirrored at its ends: d c b a | a b c d | d c b a.
fn mirrored(position: isize, n: usize) -> usize {
    let n = n as isize;
    let folded = position.rem_euclid(2 * n);
    (if folded < n { folded } else { 2 * n - 1 - folded }) as usize
}

/// A plane of `height` rows with rows and columns exchanged.
fn transposed(plane: &[f32], height: usize, width: usize) -> Vec<f32> {
    (0..width).flat_map(|x| (0..height).map(move |y| plane[y * width + x])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_line_is_mirrored_at_its_ends() {
        let line: Vec<usize> = (-5..8).map(|position| mirrored(position, 3)).collect();
        assert_eq!(line, [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
    }

    #[test]
    fn the_blur_is_scipys() {
        // scipy 1.17.1: gaussian_filter(numpy.arange(12).reshape(3, 4) % 5, sigma=1.0) in float64, whose default mode is this
        // mirror and which cuts off at four standard deviations.
        let plane: Vec<f32> = (0..12).map(|i| (i % 5) as f32).collect();
        let kernel = gaussian(1.0);
        let across = filtered(&plane, 3, 4, &kernel);
        let blurred = transposed(&filtered(&transposed(&across, 3, 4), 4, 3, &kernel), 4, 3);
        let expected = SCIPY;
        for (found, expected) in blurred.iter().zip(expected) {
            // Sums of nine products of f32 near 4: measured at most 5e-7.
            assert!((found - expected).abs() < 2e-6, "{blurred:?}");
        }
    }

    const SCIPY: [f32; 12] = [
        1.24876, 1.299468, 1.695989, 2.177857, 2.120786, 1.701958, 1.501129, 1.676127, 2.800138, 2.164444,
        1.40894, 1.204405,
    ];

    #[test]
    fn inside_stays_and_an_image_without_a_map_stays() {
        let values: Vec<f32> = (0..32).map(|i| ((i * 7) % 11) as f32).collect();
        let images = Tensor::from_vec(values.clone(), (2, 1, 4, 4), &Device::Cpu).expect("a tensor");
        let maps: Vec<f32> = (0..32).map(|i| if i % 4 == 0 { 1.0 } else { 0.0 }).collect();
        let human = HumanSaliency {
            maps: Tensor::from_vec(maps, (2, 4, 4), &Device::Cpu).expect("a tensor"),
            has_map: Tensor::new(&[1f32, 0.0], &Device::Cpu).expect("a tensor"),
        };
        let altered =
            BlurredOutside { sigma_px: 1.5 }.alter(&images, &human, &Seed::new(0)).expect("altered");
        let altered = altered.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("values");
        assert_eq!(altered[16..], values[16..]);
        for pixel in 0..16 {
            assert_eq!(altered[pixel] == values[pixel], pixel % 4 == 0, "pixel {pixel}");
        }
    }
}
